"""The cohort file is checked as a whole; each message says where, what and what to do."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from resistance.config import json_schema, load, parse
from resistance.errors import InputError
from resistance.init import COHORT


def minimal() -> dict:
    return {
        "resistance": 1,
        "study": {"name": "t", "title": "t", "build": "GRCh38"},
        "patients": {"file": "p.tsv", "columns": {"patient_id": "id"}},
        "samples": {"file": "s.tsv"},
        "endpoints": {"orr": {"label": "ORR", "kind": "binary", "value": "bor", "positive": ["CR"], "negative": ["PD"]}},
    }


def problems(change) -> str:
    raw = minimal()
    change(raw)
    with pytest.raises(InputError) as error:
        parse(raw, "my.yaml")
    return str(error.value)


def test_a_bare_string_is_a_column_name():
    assert parse(minimal(), "x").endpoints["orr"].value.column == "bor"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(sed=1), "my.yaml, column 'sed': unknown key. Did you mean 'seed'?"),
        (lambda r: r["study"].update(build="hg19"), "column 'study.build', value 'hg19': Input should be 'GRCh37' or 'GRCh38'"),
        (lambda r: r["study"].pop("title"), "column 'study.title': this key is required"),
        (lambda r: r["study"].update(name="a b/c"), "column 'study.name', value 'a b/c'"),
        (lambda r: r["endpoints"]["orr"].pop("negative"), "a binary endpoint needs both 'positive' and 'negative' codes"),
        (
            lambda r: r["endpoints"].update(os={"label": "OS", "kind": "time_to_event"}),
            "a time_to_event endpoint needs 'survival'",
        ),
        (
            lambda r: r["endpoints"].update(
                os={
                    "label": "OS",
                    "kind": "time_to_event",
                    "survival": {"time": "t", "event": "e", "event_codes": [1], "censored_codes": [0]},
                }
            ),
            "survival.time needs a unit",
        ),
        (
            lambda r: r["endpoints"].update(
                os={"label": "OS", "kind": "time_to_event", "survival": {"time": {"column": "t", "unit": "days"}, "event": "e"}}
            ),
            "survival.event_codes': this key is required",
        ),
        (lambda r: r.update(analysis={"primary": "orrr"}), "'orrr', which does not exist (did you mean orr?)"),
        (lambda r: r.update(assays=[{"kind": "mutation"}]), "give exactly one of genes, gene_list, bed, depth"),
        (lambda r: r.update(subtype={"use": "hans"}), "subtype.use names 'hans', which does not exist"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    assert message in problems(change)


def test_all_problems_come_at_once():
    def change(raw):
        raw["study"]["build"] = "38"
        raw["colour"] = 1
        del raw["samples"]

    assert len(problems(change).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the cohort file is empty"),
        ("a: [1", "not readable as YAML"),
        ("a: 1\nb: 2\na: 3\n", "row 3: not readable as YAML: key 'a' stands twice (first in line 1)"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load(path)
    assert message in str(error.value)


def test_a_missing_cohort_file_names_init(tmp_path):
    with pytest.raises(InputError, match="resistance init FOLDER"):
        load(tmp_path / "none.yaml")


def test_the_json_schema_accepts_what_the_models_accept():
    schema = json_schema()
    jsonschema.validators.validator_for(schema).check_schema(schema)
    jsonschema.validate(yaml.safe_load(COHORT), schema)


def test_every_key_is_documented():
    bare = {
        f"{name}.{key}"
        for name, spec in json_schema()["$defs"].items()
        for key, value in spec["properties"].items()
        if "description" not in value and "$ref" not in value
    }
    assert bare == set()
