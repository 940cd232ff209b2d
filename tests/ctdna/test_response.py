"""Change of ctDNA from baseline: bounds are bounds, and an undetectable baseline has no change."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from resistance.config import Ctdna
from resistance.ctdna.quantity import quantify
from resistance.ctdna.response import molecular_response
from resistance.stats.detected_reads import detection_limit

TUMOUR = ("T", "P1", "tumour", "baseline", -3)
BASE = ("A", "P1", "plasma", "baseline", 0, 4.0, 20.0)


def respond(make_cohort, *calls, later=("B", "P1", "plasma", "on_treatment", 28, 4.0, 10.0), base=BASE, settings=None):
    settings = settings or Ctdna()
    cohort = make_cohort([TUMOUR, base, later], [("T", 100, 100, 40), *calls])
    return molecular_response(quantify(cohort, settings), settings).iloc[0]


def test_change_is_in_genomes_per_ml(make_cohort):
    # VAF .1 -> .001 and mass 20 -> 10 ng/mL: 606.06 -> 3.0303, a 200-fold drop
    row = respond(make_cohort, ("A", 100, 1000, 100), ("B", 100, 10000, 10))
    assert row["log10_change"] == pytest.approx(-math.log10(200))
    assert row["molecular_response"]
    assert not row["censored"]
    assert not row["cleared"]
    assert row["baseline_sample_id"] == "A"


def test_a_drop_of_less_than_two_logs_is_no_molecular_response(make_cohort):
    row = respond(make_cohort, ("A", 100, 1000, 100), ("B", 100, 1000, 10))
    assert row["molecular_response"] is not pd.NA
    assert not row["molecular_response"]


def test_not_detected_is_a_bound_and_not_zero(make_cohort):
    row = respond(make_cohort, ("A", 100, 1000, 100), ("B", 100, 20000, 0))
    limit = detection_limit([20000], 1, 1e-4)
    assert row["log10_change"] == pytest.approx(math.log10(limit * 10 / (0.1 * 20)))
    assert row["censored"]
    assert row["cleared"]
    assert row["molecular_response"]


def test_not_detected_in_a_shallow_sample_does_not_prove_a_response(make_cohort):
    row = respond(make_cohort, ("A", 100, 1000, 100), ("B", 100, 100, 0))
    assert row["molecular_response"] is pd.NA
    assert "too shallow to tell" in row["note"]
    assert row["cleared"] is pd.NA
    assert "no proof of clearance" in row["note"]


def test_without_mass_the_change_is_of_the_vaf_and_says_so(make_cohort):
    row = respond(
        make_cohort, ("A", 100, 1000, 100), ("B", 100, 10000, 10), later=("B", "P1", "plasma", "on_treatment", 28, None, None)
    )
    assert row["log10_change"] == pytest.approx(-2)
    assert row["molecular_response"]
    assert "change of the mean VAF" in row["note"]


def test_undetectable_baseline_has_no_change(make_cohort):
    row = respond(make_cohort, ("A", 100, 1000, 0), ("B", 100, 1000, 10))
    assert math.isnan(row["log10_change"])
    assert row["molecular_response"] is pd.NA
    assert "not detected at baseline" in row["note"]


def test_unassessed_sample_has_no_change(make_cohort):
    row = respond(make_cohort, ("A", 100, 1000, 10))
    assert "no followed variant was assessed in this sample" in row["note"]
    assert row["cleared"] is pd.NA


def test_no_baseline_plasma_is_said(make_cohort):
    row = respond(make_cohort, ("B", 100, 1000, 10), base=("A", "P1", "plasma", "follow_up", 90, 4.0, 20.0))
    assert row["note"] == "no baseline plasma sample"


def test_the_baseline_nearest_to_treatment_counts(make_cohort):
    samples = [
        TUMOUR,
        ("S", "P1", "plasma", "baseline", -20, 4.0, 10.0),
        ("A", "P1", "plasma", "baseline", 0, 4.0, 10.0),
        ("B", "P1", "plasma", "on_treatment", 28, 4.0, 10.0),
    ]
    calls = [("T", 100, 100, 40), ("S", 100, 1000, 1), ("A", 100, 1000, 100), ("B", 100, 1000, 10)]
    table = molecular_response(quantify(make_cohort(samples, calls), Ctdna()), Ctdna())
    assert table["baseline_sample_id"].tolist() == ["A"]
    assert table["log10_change"].iloc[0] == pytest.approx(-1)


def test_means_over_different_variants_are_noted(make_cohort):
    row = respond(make_cohort, ("T", 200, 100, 40), ("A", 100, 1000, 100), ("A", 200, 1000, 50), ("B", 100, 1000, 10))
    assert "not over the same variants" in row["note"]
