"""One row per patient: nadir, clearance, molecular relapse, lead time, doubling time, half-life; bounds stay bounds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from resistance.config import Ctdna, Level
from resistance.ctdna.course import ctdna_course
from resistance.ctdna.quantity import quantify
from resistance.schemas import ENDPOINTS, QUANTITY
from resistance.tables import conform, empty

#: an assay that detects above 1: a level of None stands for "not detected" (0.5)
SETTINGS = Ctdna(level=Level(measurement="hge", unit="hGE/mL", detection_limit=1.0), relapse_endpoint="pfs")
NOT_ASSESSED = "not assessed"


def course(make_cohort, levels, *, relapse=None, settings=SETTINGS, names=None):
    """Return the row of one patient from {day: level}; day 0 is baseline; relapse = (day, event)."""
    samples, values = [], []
    for i, (day, level) in enumerate(levels.items()):
        name = f"S{i}"
        samples.append((name, "P1", "plasma", "baseline" if day is not None and day <= 0 else "on_treatment", day))
        if level is not NOT_ASSESSED:
            values.append((name, "hge", 0.5 if level is None else float(level)))
    endpoints = empty(ENDPOINTS)
    if relapse is not None:
        row = {"patient_id": "P1", "endpoint": "pfs", "kind": "time_to_event", "time_days": relapse[0], "event": relapse[1]}
        endpoints = conform(pd.DataFrame([row]), ENDPOINTS)
    cohort = make_cohort(samples, [], measurements=values)
    return ctdna_course(quantify(cohort, settings), endpoints, settings).iloc[0]


def test_the_nadir_is_the_lowest_sample_after_baseline(make_cohort):
    row = course(make_cohort, {0: 1000, 28: 100, 56: 20, 84: 40})
    assert (row["nadir_sample_id"], row["nadir_day"], row["nadir_level"]) == ("S2", 56, 20)
    assert not row["nadir_censored"]
    assert row["nadir_log10_change"] == pytest.approx(-math.log10(50))
    assert (row["unit"], row["n_samples"], row["n_assessed"]) == ("hGE/mL", 4, 4)


def test_an_undetected_nadir_is_a_bound(make_cohort):
    row = course(make_cohort, {0: 1000, 28: 100, 56: None, 84: None})
    assert (row["nadir_day"], row["nadir_level"], row["nadir_censored"]) == (56, 1.0, True)
    assert row["nadir_log10_change"] == pytest.approx(-3)


def test_clearance_lies_between_the_last_detected_and_the_first_undetected_sample(make_cohort):
    row = course(make_cohort, {0: 1000, 28: 100, 56: None, 84: None})
    assert (row["cleared"], row["clearance_after_day"], row["clearance_day"], row["clearance_sustained"]) == (True, 28, 56, True)


def test_clearance_that_does_not_last_is_not_sustained(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: None, 84: 30})
    assert (row["clearance_after_day"], row["clearance_day"], row["clearance_sustained"]) == (0, 28, False)


def test_clearance_in_the_last_sample_is_neither_sustained_nor_lost(make_cohort):
    assert course(make_cohort, {0: 1000, 28: 100, 56: None})["clearance_sustained"] is pd.NA


def test_ctdna_that_is_always_detected_is_not_cleared(make_cohort):
    row = course(make_cohort, {0: 1000, 28: 100})
    assert row["cleared"] is not pd.NA
    assert not row["cleared"]
    assert math.isnan(row["clearance_day"])


def test_an_undetected_sample_that_was_read_too_shallowly_does_not_clear(make_cohort):
    samples = [("T", "P1", "tumour", "baseline", -3)] + [
        (name, "P1", "plasma", when, day, 4.0, 10.0)
        for name, when, day in (("A", "baseline", 0), ("B", "on_treatment", 28), ("C", "on_treatment", 56))
    ]
    calls = [("T", 1, 100, 40), ("A", 1, 10_000, 1000), ("B", 1, 500, 0)]
    shallow = ctdna_course(quantify(make_cohort(samples[:-1], calls), Ctdna()), empty(ENDPOINTS), Ctdna()).iloc[0]
    assert shallow["cleared"] is pd.NA
    assert "1 undetected sample(s), none sensitive enough to prove clearance" in shallow["note"]
    deep = make_cohort(samples, [*calls, ("C", 1, 20_000, 0)])
    row = ctdna_course(quantify(deep, Ctdna()), empty(ENDPOINTS), Ctdna()).iloc[0]
    # the shallow sample of day 28 neither shows nor excludes ctDNA: clearance lies after day 0
    assert (row["clearance_after_day"], row["clearance_day"]) == (0, 56)


@pytest.mark.parametrize(("later", "relapsed"), [(None, False), (0.9, False), (5, pd.NA), (10, True), (60, True)])
def test_a_rise_from_an_undetected_baseline_is_open_until_its_bound_alone_is_enough(make_cohort, later, relapsed):
    """The limit is 1: a later 5 is a rise of at least fivefold, which may be tenfold."""
    row = course(make_cohort, {0: None, 28: later})
    assert row["molecular_relapse"] is relapsed or row["molecular_relapse"] == relapsed
    said = "whether ctDNA rose as much as molecular relapse asks for cannot be told: it was not detected before"
    assert (said in (row["note"] or "")) is (relapsed is pd.NA)


def test_detection_after_clearance_is_molecular_relapse(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: None, 84: 3, 112: 40})
    found = ("molecular_relapse", "molecular_relapse_after_day", "molecular_relapse_day", "molecular_relapse_level")
    assert row[list(found)].tolist() == [True, 56, 84, 3]
    assert (row["molecular_relapse_confirmed"], row["molecular_relapse_rule"]) == (True, "detected after clearance")


def test_a_blip_that_the_next_sample_contradicts_is_counted_and_passed_over(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: 3, 84: None, 112: 40, 140: 90})
    assert (row["molecular_relapse_day"], row["n_unconfirmed"]) == (112, 1)
    only = course(make_cohort, {0: 1000, 28: None, 56: 3, 84: None})
    assert (bool(only["molecular_relapse"]), only["n_unconfirmed"]) == (False, 1)


def test_a_relapse_in_the_last_sample_is_not_yet_confirmed(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: 3})
    assert row["molecular_relapse"]
    assert row["molecular_relapse_confirmed"] is pd.NA


@pytest.mark.parametrize(("level", "relapsed"), [(190, False), (200, True), (2000, True)])
def test_without_clearance_a_tenfold_rise_from_the_nadir_is_molecular_relapse(make_cohort, level, relapsed):
    row = course(make_cohort, {0: 1000, 28: 20, 56: level})
    assert bool(row["molecular_relapse"]) is relapsed
    if relapsed:
        assert (row["molecular_relapse_day"], row["molecular_relapse_rule"]) == (56, "risen from nadir")


def test_the_rise_that_counts_is_the_studys_choice(make_cohort):
    assert course(make_cohort, {0: 1000, 28: 20, 56: 70}, settings=SETTINGS.model_copy(update={"relapse_rise_log10": 0.5}))[
        "molecular_relapse"
    ]


def test_a_rise_of_few_reads_is_no_relapse_though_it_is_tenfold(make_cohort):
    samples = [("T", "P1", "tumour", "baseline", -3)] + [
        (name, "P1", "plasma", when, day, 4.0, 10.0)
        for name, when, day in (("A", "baseline", 0), ("B", "on_treatment", 28), ("C", "on_treatment", 56))
    ]
    settings = Ctdna(detection="counts", background_error_rate=0)
    calls = [("T", 1, 100, 40), ("A", 1, 1000, 500), ("B", 1, 10_000, 1), ("C", 1, 800, 1)]  # 1e-4 -> 1.25e-3
    few = ctdna_course(quantify(make_cohort(samples, calls), settings), empty(ENDPOINTS), settings).iloc[0]
    assert not few["molecular_relapse"]
    calls[-1] = ("C", 1, 8000, 100)
    many = ctdna_course(quantify(make_cohort(samples, calls), settings), empty(ENDPOINTS), settings).iloc[0]
    assert many["molecular_relapse"]


def test_lead_time_is_from_molecular_to_clinical_relapse_with_both_bounds(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: None, 84: 3, 112: 40}, relapse=(150, 1))
    assert (row["lead_time_days"], row["lead_time_max_days"], row["lead_time_censored"]) == (66, 94, False)
    assert (row["clinical_relapse_day"], row["clinical_relapse"]) == (150, True)


def test_without_clinical_relapse_the_lead_is_a_lower_bound(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: 3, 84: 9}, relapse=(300, 0))
    assert (row["lead_time_days"], row["lead_time_censored"]) == (244, True)
    assert math.isnan(row["lead_time_max_days"])


def test_clinical_relapse_before_molecular_is_a_negative_lead_and_said(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 84: 30}, relapse=(70, 1))
    assert row["lead_time_days"] == -14
    assert "molecular relapse was first seen after clinical relapse" in row["note"]


def test_clinical_relapse_without_molecular_says_how_old_the_last_sample_was(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: None}, relapse=(200, 1))
    assert math.isnan(row["lead_time_days"])
    assert "clinical relapse on day 200 without molecular relapse: the last sample before it is of day 56" in row["note"]


def test_a_competing_event_is_no_clinical_relapse(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: 3}, relapse=(90, 2))
    assert not row["clinical_relapse"]
    assert row["lead_time_censored"]
    assert "a competing event of 'pfs' ended follow-up" in row["note"]


def test_a_patient_without_the_endpoint_is_said(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: 3})
    assert "the patient has no 'pfs'" in row["note"]
    assert row["clinical_relapse"] is pd.NA


def test_doubling_time_of_an_exact_doubling(make_cohort):
    row = course(make_cohort, {0: 1000, 28: 10, 48: 20, 68: 40, 88: 80})
    assert row["doubling_time_days"] == pytest.approx(20)
    assert row["doubling_time_samples"] == 4


def test_doubling_time_has_the_interval_of_least_squares(make_cohort):
    levels = {28: 10, 48: 26, 70: 35, 88: 90, 120: 170}
    row = course(make_cohort, {0: 1000, **levels})
    x, y = np.array(list(levels)), np.log10(list(levels.values()))
    slope, residual = np.polyfit(x, y, 1)[0], y - np.polyval(np.polyfit(x, y, 1), x)
    half = 3.182446305 * math.sqrt((residual**2).sum() / 3 / ((x - x.mean()) ** 2).sum())  # t of 3 degrees of freedom
    assert row["doubling_time_days"] == pytest.approx(math.log10(2) / slope)
    assert row["doubling_time_ci_low_days"] == pytest.approx(math.log10(2) / (slope + half))
    assert row["doubling_time_ci_high_days"] == pytest.approx(math.log10(2) / (slope - half))


def test_the_last_undetected_sample_before_the_rise_bounds_it_and_earlier_ones_do_not_count(make_cohort):
    rise = {84: 3, 112: 7, 140: 30}
    one = course(make_cohort, {0: 1000, 56: None, **rise})
    two = course(make_cohort, {0: 1000, 28: None, 56: None, **rise})
    assert one["doubling_time_samples"] == two["doubling_time_samples"] == 4
    assert one["doubling_time_days"] == two["doubling_time_days"]
    seen = course(make_cohort, {0: 1000, 56: 1.0001, **rise})
    # a bound pulls no more than a value at the bound
    assert one["doubling_time_days"] < seen["doubling_time_days"]


def test_two_detected_samples_have_no_doubling_time_and_the_note_says_why(make_cohort):
    row = course(make_cohort, {0: 1000, 28: None, 56: 3, 84: 9})
    assert math.isnan(row["doubling_time_days"])
    assert "no doubling time: fewer than three detected samples in the rise from the nadir" in row["note"]


def test_a_rise_that_is_not_beyond_chance_has_no_upper_bound(make_cohort):
    row = course(make_cohort, {0: 1000, 28: 10, 56: 90, 84: 100})
    assert row["doubling_time_ci_low_days"] < row["doubling_time_days"]
    assert math.isnan(row["doubling_time_ci_high_days"])


def test_half_life_of_an_exact_halving_until_the_nadir(make_cohort):
    row = course(make_cohort, {0: 800, 10: 400, 20: 200, 30: 100, 60: 150})
    assert row["half_life_days"] == pytest.approx(10)
    assert row["half_life_samples"] == 4


def test_the_first_undetected_sample_ends_the_fall(make_cohort):
    row = course(make_cohort, {0: 800, 10: 300, 20: 60, 30: None, 60: None, 90: None})
    assert row["half_life_samples"] == 4
    naive = np.polyfit([0, 10, 20, 30], np.log10([800, 300, 60, 1]), 1)[0]
    # with the limit taken as a value or as a bound: the bound lets it fall faster
    assert row["half_life_days"] <= -math.log10(2) / naive


def test_two_samples_have_no_half_life(make_cohort):
    row = course(make_cohort, {0: 800, 28: None})
    assert math.isnan(row["half_life_days"])
    assert "no half life: the fall to the nadir has 2 samples, three are needed" in row["note"]


def test_the_area_is_the_mean_change_over_the_days(make_cohort):
    row = course(make_cohort, {0: 1000, 20: 100, 60: 10})
    assert row["mean_log10_change"] == pytest.approx((20 * -0.5 + 40 * -1.5) / 60)
    assert not row["mean_log10_change_bound"]
    assert course(make_cohort, {0: 1000, 20: None})["mean_log10_change_bound"]


def test_without_baseline_there_is_a_nadir_and_no_change(make_cohort):
    row = course(make_cohort, {28: 100, 56: 20, 84: 300})
    assert (row["nadir_day"], row["molecular_relapse_day"]) == (56, 84)
    assert math.isnan(row["nadir_log10_change"])
    assert row["cleared"] is pd.NA
    assert "no baseline plasma sample" in row["note"]


def test_an_undetected_baseline_has_nothing_to_fall_from(make_cohort):
    row = course(make_cohort, {0: None, 28: None, 56: 5})
    assert not row["baseline_detected"]
    assert row["cleared"] is pd.NA
    assert math.isnan(row["nadir_log10_change"])
    assert "not detected at baseline" in row["note"]


def test_samples_without_a_day_are_left_out_and_counted(make_cohort):
    row = course(make_cohort, {0: 1000, None: 5, 28: 100})
    assert (row["n_samples"], row["n_assessed"], row["nadir_level"]) == (3, 2, 100)
    assert "1 sample(s) without a day are left out of the course" in row["note"]


def test_samples_that_were_not_assessed_are_neither_high_nor_low(make_cohort):
    row = course(make_cohort, {0: 1000, 28: NOT_ASSESSED, 56: 100})
    assert (row["n_samples"], row["n_assessed"], row["nadir_day"]) == (3, 2, 56)
    nothing = course(make_cohort, {0: NOT_ASSESSED, 28: NOT_ASSESSED})
    assert nothing["note"] == "no plasma sample was assessed"


def test_milestones_stand_in_the_row_of_the_patient(make_cohort):
    row = course(make_cohort, {0: 1000, 21: 5, 42: 4})
    assert row["early_molecular_response"]
    assert not row["major_molecular_response"]


def test_of_several_samples_of_a_milestones_time_the_last_counts(make_cohort):
    assert course(make_cohort, {0: 1000, 15: 5, 30: 500})["early_molecular_response"] is not pd.NA
    assert not course(make_cohort, {0: 1000, 15: 5, 30: 500})["early_molecular_response"]


def test_no_plasma_gives_an_empty_table():
    assert ctdna_course(empty(QUANTITY), empty(ENDPOINTS), Ctdna()).empty


def test_one_row_per_patient_whatever_the_order(make_cohort):
    samples = [(f"{p}{d}", p, "plasma", "baseline" if d == 0 else "on_treatment", d) for p in ("P2", "P1") for d in (0, 28, 56)]
    values = [(s[0], "hge", 100.0 / (1 + s[4])) for s in samples]
    tables = [
        ctdna_course(quantify(make_cohort(order, [], measurements=values), SETTINGS), empty(ENDPOINTS), SETTINGS)
        for order in (samples, samples[::-1])
    ]
    assert tables[0]["patient_id"].tolist() == ["P1", "P2"]
    pd.testing.assert_frame_equal(*tables)
