# make demo   install what is needed into .venv and run the demonstration cohort
# make test   the same with the tools of the tests, then the suite but for the long tests
# make test-long   the long tests: real cohorts from end to end, a real Slurm, the wheel
# make lint   formatting, types, floors, workflow
# make lock   resolve the locked versions anew (needs uv)
# make clean  remove what was made here, also the results of the demonstration
#
# CORES=4 make demo    more processes at once
# PYTHON=/path/python3.12 make demo    a certain Python (3.11 or later)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CORES ?= 2
PYTEST_ARGS ?= -n 2 --dist loadgroup
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
# the first that is recent enough; a name that exists need not work (pyenv's shims)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# nothing but the locked files is taken: what is not listed with its hash is refused
LOCKED := install --require-hashes --no-deps --prefer-binary --requirement
SELF := install --no-deps --no-build-isolation --no-index --editable .
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --custom-compile-command "make lock"

.PHONY: help demo test test-long lint lock clean
help:
	@sed -n '/^# make/s/^# //p' Makefile

demo: $(VENV)/.runtime
	@$(BIN)/resistance run config/config.yaml --cores $(CORES)

test: $(VENV)/.test
	@$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not long"

test-long: $(VENV)/.test
	@$(BIN)/python -m pytest $(PYTEST_ARGS) -m long

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv (pip install uv, or UV=/path/uv)" >&2; exit 1; }
	@mkdir -p requirements
	$(COMPILE) pyproject.toml requirements/build.in --extra test --output-file requirements/test.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra slurm --constraint requirements/test.txt --output-file requirements/runtime.txt

clean:
	rm -rf $(VENV) results .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and none was found. Say where it is:" \
		"PYTHON=/path/to/python3.12 make demo" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), and Python 3.11 or later is needed" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "The module venv failed (on Debian and Ubuntu: apt install python3-venv)" >&2; \
		rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "installing the locked versions (requirements/runtime.txt)"
	@$(PIP) $(LOCKED) requirements/runtime.txt
	@$(PIP) $(SELF)
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.runtime
	@echo "installing the tools of the tests (requirements/test.txt)"
	@$(PIP) $(LOCKED) requirements/test.txt
	@touch $@
