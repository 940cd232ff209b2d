"""Kaplan-Meier curves, quantiles and follow-up against R, lifelines and by hand."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.kaplan_meier import (
    kaplan_meier,
    numbers_at_risk,
    reverse_kaplan_meier,
    survival_at,
    survival_quantile,
)

FOLLOWED = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 2)), min_size=2, max_size=50)
CURVES = ["lung_all", "lung_sex_loglog", "lung_sex_log", "lung_sex_plain"]


def truth_of(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["km"]


def random_follow_up(n: int = 60, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tied times, events, and entries before them."""
    draw = np.random.default_rng(seed)
    time = draw.integers(1, 25, n).astype(float)
    return time, draw.random(n) < 0.6, np.floor(time * draw.random(n) * 0.8)


def survival_slowly(time: np.ndarray, event: np.ndarray, start: np.ndarray, weights: np.ndarray, at: float) -> float:
    out = 1.0
    for s in sorted(set(time[event])):
        if s <= at:
            risk = sum(w for w, a, b in zip(weights, start, time, strict=True) if a < s <= b)
            out *= 1 - sum(w for w, b, d in zip(weights, time, event, strict=True) if d and b == s) / risk
    return out


@pytest.mark.shared
@pytest.mark.parametrize("name", CURVES)
def test_every_number_of_a_curve_agrees_with_r(shared: Path, name: str) -> None:
    row = truth_of(shared)[name]
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    strata = [lung] if row["strata"] is None else [lung[lung["sex"] == sex] for sex in (1, 2)]
    for i, data in enumerate(strata):
        at = slice(None) if row["strata"] is None else slice(3 * i, 3 * i + 3)
        curve = kaplan_meier(data["time"], data["event"], interval=row["conf_type"])
        survival, low, high = survival_at(curve, row["time"][at])
        assert survival == pytest.approx(row["surv"][at], rel=1e-12)
        assert low == pytest.approx(row["lower"][at], rel=1e-12)
        assert high == pytest.approx(row["upper"][at], rel=1e-12)
        index = np.searchsorted(curve.time, row["time"][at], side="right") - 1
        assert curve.std_err[index] == pytest.approx(row["std_err"][at], rel=1e-12)
        assert numbers_at_risk(data["time"], row["time"][at]).tolist() == row["n_risk"][at]
        for found, key in zip(survival_quantile(curve, [0.25, 0.5, 0.75]), ("quantile", "q_lower", "q_upper"), strict=True):
            expected = row[key] if row["strata"] is None else row[key][i]
            assert found.tolist() == pytest.approx([np.nan if q is None else q for q in expected], nan_ok=True)
        assert (curve.median, curve.median_ci_low) == tuple(np.ravel(survival_quantile(curve, 0.5)[:2]))


@pytest.mark.shared
def test_median_follow_up_agrees_with_r(shared: Path) -> None:
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    assert reverse_kaplan_meier(lung["time"], lung["event"]).median == truth_of(shared)["lung_reverse_km_median_followup"]


@pytest.mark.shared
def test_one_minus_kaplan_meier_agrees_with_r_and_overstates_incidence(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())
    row, right = truth["one_minus_km_mgus2_pcm"], truth["aalen_johansen_mgus2"]
    mgus2 = pd.read_csv(shared / "truth/stats/data/mgus2.csv")
    wrong = 1 - survival_at(kaplan_meier(mgus2["etime"], mgus2["ev"] == 1), row["times"])[0]
    assert wrong == pytest.approx(row["value"], rel=1e-12)
    assert (wrong > np.array(right["pstate"])[:, 1]).all()


def test_a_curve_of_six_patients_by_hand() -> None:
    # at risk 6, 5, 3, 2: events at 1, 2 (two, with a censoring), 4; censored 2, 3, 5
    curve = kaplan_meier([1, 2, 2, 3, 4, 5], [1, 1, 0, 0, 1, 0])
    assert curve.time.tolist() == [1, 2, 3, 4, 5]
    assert curve.n_risk.tolist() == [6, 5, 3, 2, 1]
    assert curve.n_event.tolist() == [1, 1, 0, 1, 0]
    assert curve.n_censored.tolist() == [0, 1, 1, 0, 1]
    assert curve.survival == pytest.approx([5 / 6, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    assert curve.std_err[1] == pytest.approx(2 / 3 * np.sqrt(1 / 30 + 1 / 20))
    assert (curve.n, curve.events, curve.median) == (6, 3, 4)


def test_median_lies_in_the_middle_of_a_stretch_at_one_half() -> None:
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).median == 2.5
    assert isnan(kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]).median)


def test_a_curve_without_events_is_one_and_its_interval_too() -> None:
    curve = kaplan_meier([1, 2, 3], [0, 0, 0])
    assert curve.survival.tolist() == curve.ci_low.tolist() == curve.ci_high.tolist() == [1, 1, 1]
    assert isnan(curve.median)


def test_a_curve_that_falls_to_zero_has_no_interval_there() -> None:
    curve = kaplan_meier([1, 2], [1, 1])
    assert curve.survival.tolist() == [0.5, 0.0]
    assert np.isnan([curve.ci_low[1], curve.ci_high[1], curve.std_err[1]]).all()


def test_nothing_is_said_beyond_the_last_follow_up() -> None:
    survival, _, _ = survival_at(kaplan_meier([1, 2, 3], [1, 0, 0]), [0.5, 1, 3, 3.1])
    assert survival[:3] == pytest.approx([1, 2 / 3, 2 / 3])
    assert isnan(survival[3])


def test_nobody_followed_gives_an_empty_curve() -> None:
    curve = kaplan_meier([], [])
    assert (curve.n, curve.time.size) == (0, 0)
    assert isnan(curve.median)


@settings(deadline=None)  # the first call imports scipy
@given(FOLLOWED)
def test_curve_falls_within_its_interval(rows: list[tuple[int, bool, int]]) -> None:
    time, event, _ = np.array(rows, dtype=float).T
    curve = kaplan_meier(time, event)
    assert (np.diff(curve.survival) <= 0).all()
    inside = ~np.isnan(curve.ci_low)
    assert (curve.ci_low[inside] <= curve.survival[inside] + 1e-12).all()
    assert (curve.survival[inside] <= curve.ci_high[inside] + 1e-12).all()
    assert curve.n_event.sum() == curve.events
    assert (curve.n_event + curve.n_censored).sum() == len(rows)
    assert numbers_at_risk(time, curve.time).tolist() == curve.n_risk.tolist()


def test_quantiles_of_any_probability_are_the_first_time_that_so_many_have_failed() -> None:
    curve = kaplan_meier(np.arange(1.0, 11), [1] * 10)
    # .3 and .7 are reached exactly, at 3 and at 7: the curve is flat there up to the next time
    assert survival_quantile(curve, [0.05, 0.3, 0.55, 0.7, 0.95])[0].tolist() == [1, 3.5, 6, 7.5, 10]
    with pytest.raises(ValueError, match="probability: above 0 and below 1"):
        survival_quantile(curve, [0, 0.5])


def test_delayed_entry_counts_a_patient_only_after_entry() -> None:
    time, event, start = random_follow_up()
    curve = kaplan_meier(time, event, start=start)
    for t, s, risk in zip(curve.time, curve.survival, curve.n_risk, strict=True):
        assert risk == sum(a < t <= b for a, b in zip(start, time, strict=True))
        assert s == pytest.approx(survival_slowly(time, event, start, np.ones(time.size), t), abs=1e-12)
    assert numbers_at_risk(time, curve.time, start=start).tolist() == curve.n_risk.tolist()


def test_delayed_entry_agrees_with_lifelines() -> None:
    from lifelines import KaplanMeierFitter

    draw = np.random.default_rng(8)
    time, start = draw.exponential(10, 80) + 2, draw.uniform(0, 2, 80)
    event = draw.random(80) < 0.7
    curve = kaplan_meier(time, event, start=start)
    other = KaplanMeierFitter().fit(time, event, entry=start)
    at = time[event]
    assert survival_at(curve, at)[0] == pytest.approx(other.survival_function_at_times(at).to_numpy(), rel=1e-10)
    low, high = other.confidence_interval_.loc[np.sort(at)].to_numpy().T
    found = survival_at(curve, np.sort(at))
    inside = found[0] > 0
    assert found[1][inside] == pytest.approx(low[inside], rel=1e-9)
    assert found[2][inside] == pytest.approx(high[inside], rel=1e-9)


def test_a_follow_up_cut_into_rows_gives_the_same_curve_and_counts_each_patient_once() -> None:
    time, event, start = random_follow_up()
    cut = (start + time) / 2
    who = np.tile(np.arange(time.size), 2)
    pieces = kaplan_meier([*cut, *time], [*np.zeros(time.size), *event], start=[*start, *cut], patient=who, robust=True)
    whole = kaplan_meier(time, event, start=start, robust=True)
    assert (pieces.n, pieces.events) == (whole.n, whole.events)
    for field in ("time", "n_risk", "n_event", "n_censored", "survival", "std_err", "ci_low", "ci_high"):
        assert getattr(pieces, field) == pytest.approx(getattr(whole, field), rel=1e-9, nan_ok=True)


def test_counts_as_weights_are_so_many_patients() -> None:
    time, event, start = random_follow_up()
    counts = np.random.default_rng(1).integers(1, 4, time.size)
    weighted = kaplan_meier(time, event, start=start, weights=counts)
    repeated = kaplan_meier(*(np.repeat(v, counts) for v in (time, event)), start=np.repeat(start, counts))
    for field in ("time", "n_risk", "n_event", "n_censored", "survival", "std_err", "ci_low", "ci_high"):
        assert getattr(weighted, field) == pytest.approx(getattr(repeated, field), rel=1e-10, nan_ok=True)


def test_the_robust_standard_error_is_the_slope_of_the_curve_on_each_weight() -> None:
    time, event, start = random_follow_up(25)
    weights = np.random.default_rng(2).uniform(0.3, 3, time.size)
    curve = kaplan_meier(time, event, start=start, weights=weights, robust=True)
    for t, s, se in zip(curve.time, curve.survival, curve.std_err, strict=True):
        assert s == pytest.approx(survival_slowly(time, event, start, weights, t), abs=1e-12)
        if s > 1e-9:
            slopes = []
            for i in range(time.size):
                up, down = weights.copy(), weights.copy()
                up[i], down[i] = up[i] + 1e-5, down[i] - 1e-5
                moved = survival_slowly(time, event, start, up, t) - survival_slowly(time, event, start, down, t)
                slopes.append(weights[i] * moved / 2e-5)
            assert se == pytest.approx(np.linalg.norm(slopes), rel=1e-6, abs=1e-9)


def test_without_weights_and_delayed_entry_the_robust_standard_error_is_greenwoods() -> None:
    time, event, _ = random_follow_up(200)  # with delayed entry they differ
    plain, robust = kaplan_meier(time, event), kaplan_meier(time, event, robust=True)
    assert robust.std_err == pytest.approx(plain.std_err, rel=1e-10, nan_ok=True)


def test_weights_that_are_no_counts_still_bring_the_curve_to_exactly_zero() -> None:
    curve = kaplan_meier([1, 2, 3], [1, 1, 1], weights=[0.1, 0.2, 0.3])
    assert curve.survival[-1] == 0
    assert isnan(curve.ci_low[-1])


@settings(deadline=None)  # the first call imports scipy
@given(FOLLOWED, st.sampled_from([1e-6, 1 / 30.4375, 365.25, 1e6]))
def test_the_unit_of_time_and_the_order_of_patients_change_nothing_else(rows: list[tuple[int, bool, int]], unit: float) -> None:
    time, event, _ = np.array(rows, dtype=float).T
    days, other = kaplan_meier(time, event), kaplan_meier(time[::-1] * unit, event[::-1])
    assert other.survival.tolist() == days.survival.tolist()
    assert other.ci_low == pytest.approx(days.ci_low, nan_ok=True)
    assert other.median == pytest.approx(days.median * unit, nan_ok=True)


def test_events_come_before_censorings_at_the_same_time_and_count_at_time_zero() -> None:
    curve = kaplan_meier([0, 0, 3, 3], [1, 0, 1, 0])
    assert curve.time.tolist() == [0, 3]
    assert curve.survival.tolist() == [0.75, 0.375]
    assert survival_at(curve, [0])[0].tolist() == [0.75]


def test_bounds_of_the_log_and_plain_scales_are_cut_at_zero_and_one() -> None:
    time, event = np.arange(1.0, 9), np.array([1, 0, 0, 0, 0, 0, 1, 0])
    assert kaplan_meier(time, event, interval="log").ci_high[0] == 1
    assert kaplan_meier(time, event, interval="plain").ci_high[0] == 1
    assert kaplan_meier(time, event, interval="plain").ci_low[6] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time": [1, np.nan, 3]}, "time: 1 value"),
        ({"time": [1, -2, 3]}, "time: 1 negative"),
        ({"event": [0, 1, 2]}, "event: only 0 and 1"),
        ({"event": [0, 1]}, "event: 2 values for 3 patients"),
        ({"start": [0, 2, 1]}, "start: 1 value.* not before the end"),
        ({"start": [-1, 0, 1]}, "start: 1 negative"),
        ({"weights": [1, 0, 1]}, "weights: only values above 0"),
        ({"interval": "arcsine"}, "interval: 'arcsine'"),
        ({"confidence": 95}, "confidence: 95 is not between"),
        ({"patient": ["a", "a", "b"], "start": [0, 0, 0]}, "patient: rows of one patient overlap"),
    ],
)
def test_what_is_no_follow_up_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    given_ = {"time": [1, 2, 3], "event": [1, 0, 1]} | change
    with pytest.raises(ValueError, match=words):
        kaplan_meier(given_.pop("time"), given_.pop("event"), **given_)


@pytest.mark.parametrize(
    ("interval", "low", "high"),
    [
        # survfit(Surv(1:8, c(1,0,1,1,0,1,0,1)) ~ 1, conf.type = ...) of survival 3.5-3
        (
            "logit",
            [0.462724417549, 0.462724417549, 0.343677703485, 0.238692023471, 0.238692023471, 0.107947888150, 0.107947888150],
            [0.982727220871, 0.982727220871, 0.932625999753, 0.862095939404, 0.862095939404, 0.769928179021, 0.769928179021],
        ),
        (
            "arcsin",
            [
                0.5772444722147,
                0.5772444722147,
                0.3755707011737,
                0.2300764043568,
                0.2300764043568,
                0.0705068226883,
                0.0705068226883,
            ],
            [0.999778269511, 0.999778269511, 0.966693841057, 0.893259431551, 0.893259431551, 0.776141544485, 0.776141544485],
        ),
    ],
)
def test_intervals_on_the_logit_and_arcsine_scales_are_those_of_survfit(
    interval: Any, low: list[float], high: list[float]
) -> None:
    curve = kaplan_meier(np.arange(1.0, 9), [1, 0, 1, 1, 0, 1, 0, 1], interval=interval)
    assert curve.ci_low[:7] == pytest.approx(low, rel=1e-10)
    assert curve.ci_high[:7] == pytest.approx(high, rel=1e-10)
    assert np.isnan([curve.ci_low[7], curve.ci_high[7]]).all()
