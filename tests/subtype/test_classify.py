"""Labels and methods side by side."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError
from resistance.subtype.classify import classify_all
from resistance.subtype.registry import METHODS


@pytest.fixture
def cohort():
    return Cohort(
        facts={"build": "GRCh38"},
        patients=pd.DataFrame({"patient_id": ["P1", "P2"], "label:rnaseq": ["ABC", None]}),
        samples=pd.DataFrame([("S1", "P1", "tumour", "baseline")], columns=["sample_id", "patient_id", "material", "timepoint"]),
        ihc=pd.DataFrame([("S1", "CD10", 70, "f")], columns=["sample_id", "antibody", "percent_positive", "source"]),
    )


def settings(**more):
    return Subtype.model_validate({"labels": [{"name": "rnaseq", "value": "COO"}], "methods": ["hans"]} | more)


def test_labels_and_methods_stand_side_by_side_without_a_vote(cohort):
    table = classify_all(cohort, settings()).subtypes
    rows = table[["patient_id", "method", "subtype"]].fillna("-").to_numpy().tolist()
    assert rows == [["P1", "label:rnaseq", "ABC"], ["P2", "label:rnaseq", "-"], ["P1", "hans", "GCB"], ["P2", "hans", "-"]]
    assert table["reason"].tolist()[:2] == ["given by the study", "the study gives no label"]


def test_without_methods_the_table_is_empty(cohort):
    assert classify_all(cohort, Subtype()).subtypes.empty


def test_a_label_that_was_not_gathered_is_an_error_that_says_what_to_do(cohort):
    with pytest.raises(InputError, match=r"label:nanostring.*Gather the cohort again"):
        classify_all(cohort, settings(labels=[{"name": "nanostring", "value": "X"}]))


def test_every_method_of_the_cohort_file_is_registered():
    allowed = Subtype.model_json_schema()["properties"]["methods"]["items"]
    names = allowed.get("enum", [allowed.get("const")])
    assert sorted(names) == sorted(method.name for method in METHODS)
