"""The pages of the documentation agree with the code and with each other."""

from __future__ import annotations

import importlib.util
import re

import pytest
import yaml

from resistance import schemas
from resistance.config import CohortFile, parse

PAGES = (
    "index.md",
    "association.md",
    "confounding.md",
    "statistics.md",
    "type_one_error.md",
    "genetic_subtype.md",
    "methods.md",
    "cohort_file.md",
    "inputs.md",
    "markers.md",
    "exports.md",
    "tables.md",
    "roadmap.md",
)


@pytest.fixture(scope="module")
def builder(checkout):
    spec = importlib.util.spec_from_file_location("build_tables", checkout / "docs" / "build_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_tables_is_what_the_schemas_say(builder):
    assert builder.PAGE.read_text(encoding="utf-8") == builder.page(), "run: python docs/build_tables.py"


def test_the_pages_of_genes_are_what_the_knowledge_tables_say(checkout):
    spec = importlib.util.spec_from_file_location("build_genes", checkout / "docs" / "build_genes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    there = {path.name: path.read_text(encoding="utf-8") for path in module.FOLDER.glob("*.md")}
    assert there == module.pages(), "run: python docs/build_genes.py"


def test_the_page_of_methods_is_what_the_records_say(checkout):
    spec = importlib.util.spec_from_file_location("build_methods", checkout / "docs" / "build_methods.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/build_methods.py"


def test_the_page_of_the_toolkit_is_what_the_docstrings_say(checkout):
    spec = importlib.util.spec_from_file_location("build_toolkit", checkout / "docs" / "build_toolkit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/build_toolkit.py"
    names = [name for names in module.SUBJECTS.values() for name in names]
    assert len(names) == len(set(names))


def test_every_table_and_column_is_on_the_page(builder):
    text = builder.page()
    for schema in schemas.ALL:
        assert f"## {schema.name}\n" in text
        assert all(f"`{name}`" in text for name in schema.names)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_every_complete_example_of_a_cohort_file_is_valid(checkout):
    text = (checkout / "docs" / "cohort_file.md").read_text(encoding="utf-8")
    whole = [block for block in blocks(text, "yaml") if block.startswith("resistance: 1")]
    assert len(whole) >= 2
    for block in whole:
        parse(yaml.safe_load(block), "docs/cohort_file.md")


def test_every_fragment_names_keys_that_exist(checkout):
    """A fragment is put into a minimal cohort file and must be accepted there."""
    least = {
        "resistance": 1,
        "study": {"name": "example", "title": "An example.", "build": "GRCh38"},
        "patients": {"file": "patients.tsv", "columns": {"patient_id": "patient"}},
        "samples": {"file": "samples.tsv"},
        "endpoints": {
            "response": {"label": "Response", "kind": "binary", "value": "best", "positive": ["CR"], "negative": ["PD"]},
            "os": {
                "label": "OS",
                "kind": "time_to_event",
                "survival": {"time": {"column": "t", "unit": "days"}, "event": "e", "event_codes": [1], "censored_codes": [0]},
            },
        },
    }
    fragments = 0
    for name in ("cohort_file.md", "genetic_subtype.md", "inputs.md"):
        for block in blocks((checkout / "docs" / name).read_text(encoding="utf-8"), "yaml"):
            if block.startswith("resistance: 1"):
                continue
            fragment = yaml.safe_load(block)
            assert set(fragment) <= set(CohortFile.model_fields), f"{name}: {sorted(fragment)}"
            merged = least | fragment
            if "endpoints" in fragment:
                merged["endpoints"] = least["endpoints"] | fragment["endpoints"]
            parse(merged, name)
            fragments += 1
    assert fragments > 10


def test_every_section_of_the_cohort_file_is_explained(checkout):
    text = (checkout / "docs" / "cohort_file.md").read_text(encoding="utf-8")
    for name in CohortFile.model_fields:
        assert re.search(rf"`{name}[`.:]|^{name}:", text, flags=re.MULTILINE), f"docs/cohort_file.md does not mention {name}"


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(checkout, page):
    folder = checkout / "docs"
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (folder / page).read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (folder / target).exists(), f"{page} links to {target}"


def test_every_block_of_code_is_opened_and_closed(checkout):
    for page in sorted((checkout / "docs").glob("*.md")):
        opened = False
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("```"):
                assert not opened or line == "```", f"{page.name}, line {number}: a block is opened inside of another"
                opened = not opened
            # a key of YAML outside of a block: the parts of two pages were put together in the middle of one
            assert opened or not re.match(r"^ {2}[a-z_]+: *([\[{0-9#].*)?$", line), f"{page.name}, line {number}: {line}"
        assert not opened, page.name


def _keys(model) -> set[str]:
    import typing

    from pydantic import BaseModel

    out = set()
    for name, field in model.model_fields.items():
        out.add(name)
        for part in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                out |= _keys(part)
    return out


def test_every_key_of_ctdna_is_explained(checkout):
    from resistance.config import Ctdna

    text = (checkout / "docs" / "cohort_file.md").read_text(encoding="utf-8")
    of_sheets = {"encoding", "separator", "header_rows", "sheet", "comment", "file", "columns"}
    missing = [name for name in sorted(_keys(Ctdna) - of_sheets) if not re.search(rf"`{name}`|\b{name}:", text)]
    assert missing == []


def test_every_function_that_the_page_of_statistics_names_is_there(checkout):
    import importlib

    named = set(re.findall(r"`(resistance\.stats\.[\w.]+)`", (checkout / "docs" / "statistics.md").read_text(encoding="utf-8")))
    assert len(named) > 50
    for path in sorted(named):
        module, _, function = path.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), path


def test_every_method_has_its_use_and_the_tests_that_are_named_are_there(checkout):
    spec = importlib.util.spec_from_file_location("build_methods", checkout / "docs" / "build_methods.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.ABOUT) == {method.key for method in module.METHODS}
    for *_, tests in module.ABOUT.values():
        for name in tests:
            assert (checkout / "tests" / "stats" / name).exists(), name


def test_every_module_stands_on_a_floor_of_the_page_of_the_architecture(checkout):
    page = (checkout / "docs" / "architecture.md").read_text(encoding="utf-8")
    floors = page[page.index("## Floors") : page.index("## What is kept on the ground")]
    named = {name.rstrip("/") for name in re.findall(r"`([a-z_]+/?)`", floors)}
    there = {
        path.stem
        for path in (checkout / "src" / "resistance").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__"} <= named, sorted(there - named)
