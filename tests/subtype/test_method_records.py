"""The records of all methods: complete, sourced, and one shape for all."""

from __future__ import annotations

import json
from importlib import import_module
from typing import get_args

import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.config.classes import UNVERIFIED, MethodName
from resistance.errors import InputError
from resistance.schemas import CLASSIFIED, SUBTYPES
from resistance.subtype.method import INPUTS, KINDS, TABLE_CALLS, Method, probabilities_text
from resistance.subtype.registry import ALIASES, METHODS, by_name
from resistance.tables import conform

#: methods whose classes, or whose events, are those of the user's table
BY_THE_DATA = ("lymphgen", "mixture")
every = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


@every
def test_a_record_is_complete(method):
    for field in ("name", "version", "needs", "citation", "limits", "platforms"):
        assert getattr(method, field), field
    if method.name not in BY_THE_DATA:
        assert method.classes
        assert method.features
    assert "doi:10." in method.citation or "github.com/" in method.citation
    assert method.kind in KINDS
    assert method.input in INPUTS
    assert json.loads(json.dumps(method.record()))["name"] == method.name
    assert "classify" not in method.record()


@every
def test_a_method_is_a_module_of_its_name_with_the_two_functions(method):
    module = import_module(f"resistance.subtype.{method.name}")
    assert module.METHOD is method
    assert module.classify is method.classify
    assert module.classify_table is method.classify_table


@every
def test_a_cohort_without_any_data_has_a_row_and_a_reason_per_patient(method):
    cohort = Cohort(facts={"build": "GRCh38"}, patients=pd.DataFrame({"patient_id": ["P1", "P2"]}))
    if method.name == "lymphgen":
        with pytest.raises(InputError, match="reads LymphGen's result table, and none is named"):
            method.classify(cohort, Subtype())
        return
    found = method.classify(cohort, Subtype())
    pd.testing.assert_frame_equal(found.subtypes, conform(found.subtypes, SUBTYPES))
    assert found.subtypes["patient_id"].tolist() == ["P1", "P2"]
    assert found.subtypes["subtype"].isna().all()
    assert found.subtypes["kind"].unique().tolist() == [method.kind]
    assert found.subtypes["reason"].str.startswith("no ").all()
    assert found.scores.empty


def test_the_cohort_file_knows_the_same_methods_and_the_same_unverified_ones():
    assert sorted(get_args(MethodName)) == sorted(method.name for method in METHODS)
    assert {method.name for method in METHODS if not method.verified} == UNVERIFIED
    assert KINDS == CLASSIFIED


def test_names_and_other_names_lead_to_one_method():
    assert len({method.name for method in METHODS}) == len(METHODS)
    assert all(by_name(other).name == name for other, name in ALIASES.items())
    assert by_name("Lymph2Cx").name == "dlbcl90_coo"
    assert by_name("DLBCL90-COO").name == "dlbcl90_coo"
    with pytest.raises(InputError, match=r"value 'hands': there is no such method. There are: hans, "):
        by_name("hands")


def test_an_unverified_method_must_be_allowed_in_the_cohort_file():
    with pytest.raises(ValueError, match=r"the rule of choi, muris was not verified in its source: set 'unverified: true'"):
        Subtype.model_validate({"methods": ["hans", "choi", "muris"]})
    assert Subtype.model_validate({"methods": ["choi"], "unverified": True}).methods == ["choi"]


def test_a_record_that_says_nothing_known_is_refused():
    good = by_name("hans")
    fields = good.record() | {"classify": good.classify}
    with pytest.raises(ValueError, match="method hans: kind 'colour' is none of"):
        Method(**(fields | {"kind": "colour"}))
    with pytest.raises(ValueError, match="method hans: input 'tea leaves' is none of"):
        Method(**(fields | {"input": "tea leaves"}))


def test_calls_of_a_table_are_those_of_a_cohort_without_the_patient():
    assert TABLE_CALLS.names == ("sample_id", *(name for name in SUBTYPES.names if name not in ("patient_id", "sample_id")))


def test_probabilities_are_written_for_people_and_programs():
    text = probabilities_text({"ABC": 1.98735137178445e-11, "GCB": 1 - 1.98735137178445e-11})
    assert text == "ABC=1.98735e-11;GCB=1"
