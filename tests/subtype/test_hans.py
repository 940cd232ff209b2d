"""Hans 2004: all eight combinations, what is missing and what is borderline."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.subtype.hans import METHOD, decide
from resistance.subtype.hans import classify as classify_cohort
from resistance.subtype.ihc import normalised


def cohort_of(ihc, samples=None, patients=("P1",)):
    """ihc: (sample_id, antibody, percent, positive)."""
    samples = samples or [("S1", "P1", "tumour", "baseline", 0)]
    return Cohort(
        facts={"build": "GRCh38"},
        patients=pd.DataFrame({"patient_id": list(patients)}),
        samples=pd.DataFrame(samples, columns=["sample_id", "patient_id", "material", "timepoint", "day"]),
        ihc=pd.DataFrame(ihc, columns=["sample_id", "antibody", "percent_positive", "positive"]).assign(source="ihc.tsv"),
    )


def classify(cohort):
    return classify_cohort(cohort, Subtype()).subtypes


def call(*stains, **more):
    return classify(cohort_of([("S1", *stain) for stain in stains], **more)).iloc[0]


# Blood 103:275, figure of the algorithm
EIGHT = [
    (True, True, True, "GCB"),
    (True, True, False, "GCB"),
    (True, False, True, "GCB"),
    (True, False, False, "GCB"),
    (False, True, True, "non-GCB"),
    (False, True, False, "GCB"),
    (False, False, True, "non-GCB"),
    (False, False, False, "non-GCB"),
]


@pytest.mark.parametrize(("cd10", "bcl6", "mum1", "expected"), EIGHT)
def test_all_eight_combinations_of_calls(cd10, bcl6, mum1, expected):
    assert decide(cd10, bcl6, mum1)[0] == expected
    row = call(("CD10", None, cd10), ("BCL6", None, bcl6), ("MUM1", None, mum1))
    assert row["subtype"] == expected
    assert row["borderline"] is pd.NA  # there is no percentage


@pytest.mark.parametrize(("cd10", "bcl6", "mum1", "expected"), EIGHT)
def test_all_eight_combinations_of_percentages(cd10, bcl6, mum1, expected):
    row = call(*((name, 80 if on else 5, None) for name, on in zip(("CD10", "BCL6", "MUM1"), (cd10, bcl6, mum1), strict=True)))
    assert row["subtype"] == expected
    assert row["borderline"] is not pd.NA
    assert not row["borderline"]


@pytest.mark.parametrize(("percent", "expected"), [(29.9, "non-GCB"), (30, "GCB")])
def test_thirty_percent_is_positive(percent, expected):
    assert call(("CD10", percent, None), ("BCL6", 0, None), ("MUM1", 90, None))["subtype"] == expected


@pytest.mark.parametrize(("percent", "borderline"), [(24.9, False), (25, True), (35, True), (35.1, False)])
def test_within_five_points_of_the_cutoff_is_borderline(percent, borderline):
    row = call(("CD10", percent, None), ("BCL6", 90, None), ("MUM1", 90, None))
    assert bool(row["borderline"]) is borderline
    assert ("borderline: CD10" in row["reason"]) is borderline


def test_a_percentage_that_the_call_does_not_rest_on_is_not_flagged():
    assert not call(("CD10", 90, None), ("BCL6", 28, None), ("MUM1", 90, None))["borderline"]


def test_cd10_alone_suffices_when_positive():
    row = call(("CD10", 60, None))
    assert row["subtype"] == "GCB"
    assert row["reason"] == "CD10+ (60 %)"
    assert row["sample_id"] == "S1"


@pytest.mark.parametrize(
    ("stains", "missing"),
    [
        ([("BCL6", 80, None), ("MUM1", 80, None)], "CD10"),
        ([("CD10", 0, None), ("MUM1", 80, None)], "BCL6"),
        ([("CD10", 0, None), ("BCL6", 80, None)], "MUM1"),
    ],
)
def test_a_missing_antibody_leaves_no_call_and_is_named(stains, missing):
    row = call(*stains)
    assert pd.isna(row["subtype"])
    assert row["reason"].endswith(f"{missing} not known: no call without {missing}")


def test_bcl6_negative_needs_no_mum1():
    assert call(("CD10", 0, None), ("BCL6", 0, None))["subtype"] == "non-GCB"


def test_a_patient_without_ihc_has_a_row_and_a_reason():
    table = classify(cohort_of([("S1", "CD10", 60, None)], patients=("P1", "P2")))
    assert table["patient_id"].tolist() == ["P1", "P2"]
    assert table["reason"][1] == "no IHC of CD10, BCL6 or MUM1"


def test_contradicting_rows_of_one_antibody_leave_it_unknown():
    row = call(("CD10", 60, None), ("MME", 5, None))
    assert pd.isna(row["subtype"])
    assert row["reason"] == "CD10 given twice and contradictory: no call without CD10"


def test_the_baseline_sample_is_preferred_to_a_later_one():
    samples = [("R", "P1", "tumour", "relapse", 300), ("S1", "P1", "tumour", "baseline", 0)]
    table = classify(cohort_of([("R", "CD10", 80, None), ("S1", "CD10", 0, None), ("S1", "BCL6", 0, None)], samples))
    assert table["sample_id"].tolist() == ["S1"]
    assert table["subtype"].tolist() == ["non-GCB"]


def test_a_later_sample_is_used_and_named_where_there_is_no_other():
    row = classify(cohort_of([("R", "CD10", 80, None)], [("R", "P1", "tumour", "relapse", 300)])).iloc[0]
    assert row["subtype"] == "GCB"
    assert "no baseline IHC, from a sample of time point relapse" in row["reason"]


@pytest.mark.parametrize(
    ("given", "name"), [("BCL-6", "BCL6"), ("irf4", "MUM1"), ("MUM1/IRF4", "MUM1"), ("c-MYC", "MYC"), ("CD 10", "CD10")]
)
def test_names_of_antibodies(given, name):
    assert normalised(given) == name


def test_the_method_says_where_it_comes_from():
    assert METHOD.verified
    assert "103:275" in METHOD.citation
