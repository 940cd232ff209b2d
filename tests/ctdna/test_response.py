"""Change of ctDNA from baseline: bounds are bounds, and an undetectable baseline has no change."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from resistance.config import Ctdna, Level, Milestone, Milestones
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


def plasma(name, timepoint, day, cycle=None, ng=10.0):
    return (name, "P1", "plasma", timepoint, day, 4.0, ng, cycle)


def later_of(make_cohort, reads, *, day=28, cycle=None, settings=None):
    """Response of one later sample of a baseline with 1,000 of 10,000 reads, 10 ng/mL in both."""
    settings = settings or Ctdna()
    samples = [TUMOUR, plasma("A", "baseline", 0, 0), plasma("B", "on_treatment", day, cycle)]
    cohort = make_cohort(samples, [("T", 1, 100, 40), ("A", 1, 10_000, 1000), ("B", 1, reads[1], reads[0])])
    return molecular_response(quantify(cohort, settings), settings).iloc[0]


@pytest.mark.parametrize(
    ("drop", "cycle", "day", "early", "major"),
    [
        # Kurtz 2018: 2 log10 after one cycle, 2.5 log10 after two
        (2.0, 1, 200, True, pd.NA),
        (1.9, 1, 200, False, pd.NA),
        (2.0, 2, 21, pd.NA, False),
        (2.5, 2, 21, pd.NA, True),
        (2.4, 2, 21, pd.NA, False),
        (3.0, 3, 21, pd.NA, pd.NA),
        (3.0, 0, 21, pd.NA, pd.NA),
        # without a cycle by day
        (2.0, None, 21, True, pd.NA),
        (2.0, None, 42, pd.NA, False),
        (2.6, None, 42, pd.NA, True),
        (2.6, None, 90, pd.NA, pd.NA),
        (2.6, None, None, pd.NA, pd.NA),
    ],
)
def test_early_and_major_molecular_response_are_asked_of_their_time(make_cohort, drop, cycle, day, early, major):
    depth, no_errors = 10_000_000, Ctdna(background_error_rate=0)
    row = later_of(make_cohort, (round(depth * 0.1 / 10**drop), depth), day=day, cycle=cycle, settings=no_errors)
    assert row["log10_change"] == pytest.approx(-drop, abs=1e-3)
    for name, expected in (("early", early), ("major", major)):
        found = row[f"{name}_molecular_response"]
        assert found is pd.NA if expected is pd.NA else bool(found) is expected


def test_thresholds_and_times_are_the_studys_choice(make_cohort):
    milestones = Milestones(
        early=Milestone(drop_log10=1, cycle=2, days=(50, 60)), major=Milestone(drop_log10=3, cycle=6, days=(150, 190))
    )
    row = later_of(make_cohort, (50, 10_000), day=55, settings=Ctdna(milestones=milestones))
    assert row["early_molecular_response"]
    assert row["major_molecular_response"] is pd.NA


def test_a_window_whose_days_are_turned_is_refused():
    with pytest.raises(ValueError, match="the first day comes after the last"):
        Milestone(drop_log10=2, cycle=1, days=(35, 14))


def test_an_undetected_sample_leaves_a_milestone_open_where_it_was_read_too_shallowly(make_cohort):
    deep, shallow = (later_of(make_cohort, (0, depth), cycle=1) for depth in (50_000, 2_000))
    assert (deep["censored"], deep["early_molecular_response"]) == (True, True)
    assert (shallow["censored"], shallow["early_molecular_response"]) == (True, pd.NA)


def test_the_change_has_an_interval_of_reads_and_mass(make_cohort):
    """Monte Carlo in the test: both VAFs by beta distributions, both masses log-normal with 10 %."""
    row = later_of(make_cohort, (50, 10_000))
    rng = np.random.default_rng(2)
    draws = 200_000
    ratio = rng.beta(50.5, 9950.5, draws) / rng.beta(1000.5, 9000.5, draws)
    change = np.log10(ratio) + rng.normal(0, math.sqrt(math.log1p(0.01)), (2, draws)).sum(axis=0) / math.log(10)
    low, high = np.quantile(change, [0.025, 0.975])
    assert row["log10_change_ci_low"] == pytest.approx(low, abs=0.01)
    assert row["log10_change_ci_high"] == pytest.approx(high, abs=0.01)


def test_a_bound_has_no_lower_bound_and_its_upper_bound_knows_the_baselines_error(make_cohort):
    row = later_of(make_cohort, (0, 50_000))
    assert math.isnan(row["log10_change_ci_low"])
    assert row["log10_change"] < row["log10_change_ci_high"] < row["log10_change"] + 0.2
    assert row["level"] == pytest.approx(detection_limit([50_000], 1, 1e-4) * 10 / 0.0033)


def test_clearance_needs_a_limit_of_detection_that_proves_it(make_cohort):
    assert later_of(make_cohort, (0, 10_000))["cleared"]  # .00069
    assert later_of(make_cohort, (0, 2_000))["cleared"] is pd.NA  # .0024
    assert later_of(make_cohort, (0, 2_000), settings=Ctdna(clearance_lod_vaf=0.01))["cleared"]
    seen = later_of(make_cohort, (20, 10_000))["cleared"]
    assert seen is not pd.NA
    assert not seen


def test_a_change_of_another_assays_level_is_in_its_unit(make_cohort):
    samples = [plasma("A", "baseline", 0), plasma("B", "on_treatment", 28), plasma("C", "on_treatment", 56)]
    values = [("A", "hge", 2000.0), ("B", "hge", 20.0), ("C", "hge", 0.4)]
    settings = Ctdna(level=Level(measurement="hge", unit="hGE/mL", detection_limit=1.0))
    table = molecular_response(quantify(make_cohort(samples, [], measurements=values), settings), settings)
    assert table["unit"].tolist() == ["hGE/mL"] * 2
    assert table["log10_change"].tolist() == pytest.approx([-2, math.log10(1 / 2000)])
    assert table["censored"].tolist() == [False, True]
    assert table["cleared"].tolist() == [False, True]
    assert table["early_molecular_response"].tolist() == [True, pd.NA]
    assert table["major_molecular_response"].tolist() == [pd.NA, True]
