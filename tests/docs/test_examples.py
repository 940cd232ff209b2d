"""The examples of the docstrings print what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import resistance

ROOT = Path(resistance.__file__).parent
MODULES = [
    ".".join(("resistance", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_say(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    assert found.attempted
    assert not found.failed
