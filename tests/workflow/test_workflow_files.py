"""The workflow's files agree with the package: schema, software, catalogue, lock, rules."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from resistance.config import json_schema
from resistance.stages import STAGES


def names(lines: list[str]) -> set[str]:
    return {re.split(r"[\s<>=!~\[;]", line.strip(), maxsplit=1)[0].lower().replace("_", "-") for line in lines}


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict:
    return tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_schema_has_not_drifted_from_the_models(checkout: Path) -> None:
    stored = (checkout / "workflow" / "schemas" / "cohort.schema.json").read_text(encoding="utf-8")
    expected = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert stored == expected, "resistance schema > workflow/schemas/cohort.schema.json"


def test_the_schema_accepts_what_the_models_accept(checkout: Path) -> None:
    import jsonschema

    from resistance.init import COHORT

    schema = json.loads((checkout / "workflow" / "schemas" / "cohort.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    raw = yaml.safe_load(COHORT)
    jsonschema.validate(raw, schema)
    with pytest.raises(jsonschema.ValidationError, match="biuld"):
        jsonschema.validate({**raw, "study": {**raw["study"], "biuld": "GRCh38"}}, schema)


def test_every_stage_of_the_command_line_is_one_rule(checkout: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((checkout / "workflow" / "rules").glob("*.smk")))
    rules = re.split(r"^rule ", text, flags=re.MULTILINE)[1:]
    called = {}
    for rule in rules:
        name = rule.split(":", 1)[0]
        (called[name],) = re.findall(r'^ {8}"resistance ([a-z]+) ', rule, flags=re.MULTILINE)
        for directive in ("log:", "threads:", "mem_mb=memory(", "runtime=minutes("):
            assert directive in rule, f"{name} lacks {directive}"
    assert {name: name for name in called} == called
    assert set(called) == {*STAGES, "read", "pileup"}
    for forbidden in ("run:", "checkpoint ", "script:", "wrapper:", "retries:"):
        assert not re.search(rf"^\s*{forbidden}", text, flags=re.MULTILINE), forbidden


def test_the_conda_file_names_the_packages_of_the_project(checkout: Path, project: dict) -> None:
    env = yaml.safe_load((checkout / "workflow" / "envs" / "resistance.yaml").read_text(encoding="utf-8"))
    assert names(env["dependencies"]) - {"python", "pip"} == names(project["dependencies"])


@pytest.mark.parametrize("which", ["runtime", "test"])
def test_the_lock_has_versions_and_hashes_and_no_address(checkout: Path, project: dict, which: str) -> None:
    text = (checkout / "requirements" / f"{which}.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?:|--index|--extra-index|--find-links|--trusted-host|file:|@ ", text)
    entries = [entry for entry in re.split(r"\n(?=[a-z0-9])", text) if not entry.startswith("#")]
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    wanted = names(project["dependencies"]) | {"hatchling"}
    if which == "test":
        wanted |= names(project["optional-dependencies"]["test"])
    assert wanted <= names(entries)


def test_both_locks_hold_the_same_versions(checkout: Path) -> None:
    runtime, test = (
        set(re.findall(r"^([a-z0-9._-]+==\S+)", (checkout / "requirements" / f"{name}.txt").read_text(), flags=re.MULTILINE))
        for name in ("runtime", "test")
    )
    assert runtime <= test


def test_profiles_carry_what_was_learnt_on_a_cluster(checkout: Path) -> None:
    slurm = yaml.safe_load((checkout / "workflow" / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
    assert slurm["executor"] == "slurm"
    assert slurm["retries"] == 2
    assert slurm["slurm-status-command"] == "squeue"
    assert slurm["slurm-no-account"] is True
    assert slurm["latency-wait"] >= 30
    memory = next(int(item.split("=")[1]) for item in slurm["default-resources"] if item.startswith("mem_mb="))
    assert memory >= 512


def test_the_catalogue_finds_what_it_wants(checkout: Path) -> None:
    for name in (".snakemake-workflow-catalog.yml", "workflow/Snakefile", "Snakefile", "config/README.md", "CITATION.cff"):
        assert (checkout / name).is_file(), name
