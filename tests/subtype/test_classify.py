"""Labels and methods side by side."""

from __future__ import annotations

from typing import get_args

import pandas as pd
import pytest
from pydantic import ValidationError

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.config.classes import MethodName
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
    assert sorted(get_args(MethodName)) == sorted(method.name for method in METHODS)


def test_a_model_that_is_not_listed_is_named_with_those_that_are():
    with pytest.raises(ValidationError, match=r"'model:new' has no model of that name under 'models' \(there are: old\)"):
        Subtype.model_validate({"methods": ["model:new"], "models": [{"name": "old", "file": "m.json"}]})
    with pytest.raises(ValidationError, match="two models are called old"):
        Subtype.model_validate({"models": [{"name": "old", "file": "m.json"}, {"name": "old", "file": "n.json"}]})


def test_files_of_the_settings_are_relative_to_the_cohort_file(tmp_path):
    given = Subtype.model_validate(
        {
            "models": [{"name": "m", "file": "models/m.json"}],
            "genetic": {"events": {"file": "e.tsv"}, "lymphgen": {"file": "l.tsv"}, "mixture": {"file": "x.json"}},
        }
    ).below(tmp_path)
    found = [given.models[0].file, given.genetic.events.file, given.genetic.lymphgen.file, given.genetic.mixture.file]
    assert found == [str(tmp_path / name) for name in ("models/m.json", "e.tsv", "l.tsv", "x.json")]
    assert Subtype().below(tmp_path) == Subtype()


def test_two_labels_of_one_name_and_a_method_that_is_none_are_refused_in_one_sentence():
    label = {"name": "array", "value": {"column": "COO"}}
    with pytest.raises(ValidationError, match="two labels are called array"):
        Subtype.model_validate({"labels": [label, label]})
    with pytest.raises(ValidationError) as found:
        Subtype.model_validate({"methods": ["hans", "hanz"]})
    assert found.value.error_count() == 1
    assert "there is no method 'hanz' (there are: hans, double_expressor," in str(found.value)
