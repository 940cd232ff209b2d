"""Restricted mean survival time against survRM2, by integration of the curve and by hand; and where it has no answer."""

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

from resistance.stats.horizon import largest_tau
from resistance.stats.kaplan_meier import kaplan_meier
from resistance.stats.rmst import Contrast, compare_rmst, rmst
from resistance.stats.rmst_regression import rmst_regression

FOLLOWED = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 1)), min_size=4, max_size=40)


def truth_of(shared: Path, name: str) -> dict[str, Any]:
    return json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["rmst"][name]


def numbers_of(contrast: Contrast) -> list[float]:
    return [contrast.estimate, contrast.ci_low, contrast.ci_high, contrast.p_value]


def trial(n: int = 80, seed: int = 6) -> tuple[np.ndarray, ...]:
    """Tied times in days, events, arm, two covariates."""
    draw = np.random.default_rng(seed)
    arm, age, marker = draw.integers(0, 2, n), draw.normal(65, 9, n), draw.random(n) < 0.3
    time = np.ceil(draw.exponential(400 * np.exp(0.4 * arm - 0.6 * marker)))
    censor = np.ceil(draw.uniform(200, 900, n))
    return np.minimum(time, censor), time <= censor, arm, age, marker


@pytest.mark.shared
@pytest.mark.parametrize("name", ["lung_sex_tau365", "lung_sex_tau700"])
def test_every_number_of_a_comparison_agrees_with_r(shared: Path, name: str) -> None:
    row = truth_of(shared, name)
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    found = compare_rmst(lung["time"], lung["event"], lung["sex"] == 2, tau=row["tau"])
    for arm, key in ((found.first, "rmst_arm0"), (found.second, "rmst_arm1")):
        assert [arm.rmst, arm.se, arm.ci_low, arm.ci_high] == pytest.approx(row[key], rel=1e-12)
    for contrast, expected in zip((found.difference, found.ratio, found.rmtl_ratio), row["unadjusted"]["table"], strict=True):
        assert numbers_of(contrast) == pytest.approx(expected, rel=1e-10)


@pytest.mark.shared
@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_every_number_of_an_adjusted_comparison_agrees_with_r(shared: Path, scale: Any) -> None:
    row = truth_of(shared, "lung_sex_adj_age_tau365")
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    found = rmst_regression(lung["time"], lung["event"], lung["sex"], lung["age"], tau=row["tau"], scale=scale)
    ends = [found.ci_low, found.ci_high]
    parts = [found.coef, found.se, found.z, found.p_value]
    if scale == "ratio":  # survRM2 gives exp(coef) and its interval there
        parts += [np.exp(found.coef), *np.exp(ends)]
    else:
        parts += ends
    assert np.column_stack(parts) == pytest.approx(np.array(row["adjusted"][scale]), rel=1e-8)


def test_the_mean_is_the_area_under_the_curve_and_its_variance_greenwoods() -> None:
    time, event, _, _, _ = trial()
    curve = kaplan_meier(time, event)
    found = rmst(time, event, tau=500)
    days = np.arange(0, 500)  # every time is a whole day: the curve is flat between them
    levels = np.concatenate([[1.0], curve.survival])[np.searchsorted(curve.time, days, side="right")]
    assert found.rmst == pytest.approx(levels.sum(), rel=1e-12)
    variance = 0.0
    for s in curve.time[(curve.n_event > 0) & (curve.time < 500)]:
        y, d = (time >= s).sum(), ((time == s) & event).sum()
        variance += levels[days >= s].sum() ** 2 * d / (y * (y - d))
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert (found.rmtl, found.rmtl_ci_low) == (pytest.approx(500 - found.rmst), pytest.approx(500 - found.ci_high))


def test_the_standard_error_is_the_spread_of_the_mean_over_repeated_trials() -> None:
    draw = np.random.default_rng(1)
    means, errors = [], []
    for _ in range(300):
        time, censor = draw.exponential(10, 60), draw.uniform(5, 30, 60)
        found = rmst(np.minimum(time, censor), time <= censor, tau=5)
        means.append(found.rmst)
        errors.append(found.se)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)


def test_the_largest_tau_is_what_every_arm_reaches_and_a_curve_at_zero_reaches_everything() -> None:
    censored_last, event_last = ([2, 5], [1, 0]), ([3, 9], [0, 1])
    both = [*censored_last[0], *event_last[0]], [*censored_last[1], *event_last[1]]
    assert largest_tau(*censored_last) == 5
    assert largest_tau(*event_last) == 9
    assert largest_tau(*both, [0, 0, 1, 1]) == 5
    assert largest_tau([2, 5, 3, 9], [1, 1, 1, 1], [0, 0, 1, 1]) == 9
    # an event and a censoring at the last time: somebody is left, the curve ends there
    assert largest_tau([5, 5], [1, 0]) == 5
    assert compare_rmst(*both, [0, 0, 1, 1]).tau == 5


def test_a_tau_too_late_is_not_answered_and_the_note_says_how_far_the_arm_reaches() -> None:
    time, event, arm = [2, 5, 3, 9], [1, 0, 1, 0], ["a", "a", "b", "b"]
    found = compare_rmst(time, event, arm, tau=6)
    assert (found.converged, found.reason, found.columns, found.tau_largest) == (False, "tau too late", (0,), 5)
    assert found.note == "tau 6: arm a is followed to 5; choose it no later"
    assert np.isnan([*numbers_of(found.difference), *numbers_of(found.ratio), found.first.rmst]).all()
    assert found.second.converged
    alone = rmst(time[:2], event[:2], tau=6)
    assert (alone.converged, alone.note) == (False, "tau 6 is beyond the last follow-up, 5")
    adjusted = rmst_regression(time, event, arm, [1, 2, 3, 5], tau=6)
    assert (adjusted.reason, adjusted.columns) == ("tau too late", (0,))
    assert np.isnan([adjusted.coef, adjusted.p_value]).all()


def test_an_arm_without_events_has_a_difference_but_no_ratio_of_time_lost() -> None:
    found = compare_rmst([1, 3, 9, 9, 9, 9, 9, 9], [1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1], tau=8)
    assert found.second.rmst == 8
    assert found.second.se == 0
    assert found.difference.estimate == pytest.approx((7 + 5) / 4)
    assert 0 < found.difference.p_value < 1
    assert found.rmtl_ratio.estimate == 0
    assert np.isnan([found.rmtl_ratio.ci_high, found.rmtl_ratio.p_value]).all()
    turned = compare_rmst([1, 3, 9, 9, 9, 9, 9, 9], [1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0], tau=8)
    assert isnan(turned.rmtl_ratio.estimate)


def test_no_events_and_one_arm_are_not_answered() -> None:
    assert compare_rmst([1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 1, 1]).reason == "no events"
    assert compare_rmst([1, 2, 3, 4], [1, 0, 1, 0], [1, 1, 1, 1]).reason == "one arm"
    assert compare_rmst([], [], []).reason == "one arm"
    assert rmst([], []).reason == "nobody"
    assert rmst_regression([1, 2, 3, 4], [1, 0, 1, 0], [1, 1, 1, 1], np.zeros((4, 0))).reason == "one arm"


def test_all_events_at_time_zero_leave_no_time_in_an_arm() -> None:
    found = compare_rmst([0, 0, 2, 4], [1, 1, 1, 0], [0, 0, 1, 1])
    assert (found.first.rmst, found.first.se, found.tau) == (0, 0, 4)
    assert isnan(found.ratio.estimate)


@settings(deadline=None)  # the first call imports scipy
@given(FOLLOWED, st.sampled_from([1 / 30.4375, 1e-5, 1e5]))
def test_turning_the_arms_turns_the_contrasts_and_the_unit_scales_them(rows: list[tuple[int, bool, int]], unit: float) -> None:
    time, event, arm = np.array(rows, dtype=float).T
    found = compare_rmst(time, event, arm)
    turned = compare_rmst(time[::-1] * unit, event[::-1], 1 - arm[::-1])
    assert turned.reason == found.reason
    a, b = found.difference, turned.difference
    assert [-b.estimate / unit, -b.ci_high / unit, -b.ci_low / unit, b.p_value] == pytest.approx(
        numbers_of(a), rel=1e-7, abs=1e-9, nan_ok=True
    )
    if found.converged and found.ratio.p_value > 0:
        assert turned.ratio.estimate == pytest.approx(1 / found.ratio.estimate)
        assert turned.ratio.ci_low == pytest.approx(1 / found.ratio.ci_high)


def test_delayed_entry_takes_the_curve_with_delayed_entry() -> None:
    time, event, arm, _, _ = trial()
    start = np.floor(time / 3)
    found = compare_rmst(time, event, arm, tau=300, start=start)
    for k, side in ((0, found.first), (1, found.second)):
        curve = kaplan_meier(time[arm == k], event[arm == k], start=start[arm == k])
        days = np.arange(300)
        levels = np.concatenate([[1.0], curve.survival])[np.searchsorted(curve.time, days, side="right")]
        assert side.rmst == pytest.approx(levels.sum())


def test_counts_as_weights_are_so_many_patients() -> None:
    time, event, _, _, _ = trial(30)
    counts = np.random.default_rng(3).integers(1, 4, 30)
    weighted, repeated = rmst(time, event, tau=200, weights=counts), rmst(time.repeat(counts), event.repeat(counts), tau=200)
    assert (weighted.rmst, weighted.se) == (pytest.approx(repeated.rmst), pytest.approx(repeated.se))


def regression_slowly(time: Any, event: Any, arm: Any, x: np.ndarray, tau: float, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Tian's estimator with loops: weights, iterations by least squares, terms of the patients."""
    n = len(time)
    y = np.minimum(time, tau)
    known = event | (time >= tau)
    weight = np.zeros(n)
    for i in np.flatnonzero(known):
        free = 1.0
        for v in sorted({y[j] for j in range(n) if arm[j] == arm[i] and not known[j] and y[j] <= y[i]}):
            risk = sum(arm[j] == arm[i] and y[j] >= v for j in range(n))
            free *= 1 - sum(arm[j] == arm[i] and not known[j] and y[j] == v for j in range(n)) / risk
        weight[i] = 1 / free
    response = tau - y if scale == "rmtl_ratio" else y
    if scale == "difference":
        coef = np.linalg.lstsq(x * np.sqrt(weight)[:, None], response * np.sqrt(weight), rcond=None)[0]
        mean, slope = x @ coef, np.ones(n)
    else:
        coef = np.zeros(x.shape[1])
        coef[0] = np.log(response.mean())
        for _ in range(100):
            mean = np.exp(x @ coef)
            coef = (
                coef
                + np.linalg.lstsq(
                    x * np.sqrt(weight * mean)[:, None], (response - mean) / mean * np.sqrt(weight * mean), rcond=None
                )[0]
            )
        mean = slope = np.exp(x @ coef)
    score = x * (weight * (response - mean))[:, None]
    terms = score.copy()
    for i in range(n):
        for j in range(n):  # the censoring of j, at which i may be at risk
            if arm[i] == arm[j] and not known[j] and y[i] >= y[j]:
                risk = [m for m in range(n) if arm[m] == arm[j] and y[m] >= y[j]]
                later = score[risk].sum(axis=0) / len(risk)
                terms[i] += (i == j) * later - later / len(risk)
    bread = np.linalg.inv(x.T @ (slope[:, None] * x))
    return coef, np.sqrt(np.diag(bread @ (terms.T @ terms) @ bread))


@pytest.mark.parametrize("scale", ["difference", "ratio", "rmtl_ratio"])
def test_two_covariates_on_each_scale_agree_with_loops(scale: Any) -> None:
    time, event, arm, age, marker = trial(50)
    x = np.column_stack([np.ones(50), arm, age, marker])
    coef, se = regression_slowly(time, event, arm, x, 365, scale)
    found = rmst_regression(time, event, arm, x[:, 2:], tau=365, scale=scale)
    assert found.converged
    assert found.coef == pytest.approx(coef, rel=1e-8)
    assert found.se == pytest.approx(se, rel=1e-8)


def test_without_covariates_and_censoring_the_adjusted_difference_is_the_plain_one() -> None:
    time, event, arm, _, _ = trial()
    event = np.ones(time.size)
    plain = compare_rmst(time, event, arm, tau=365)
    found = rmst_regression(time, event, arm, np.zeros((time.size, 0)), tau=365)
    assert found.coef[1] == pytest.approx(plain.difference.estimate)
    assert found.se[1] == pytest.approx(np.hypot(plain.first.se, plain.second.se))


@pytest.mark.parametrize("scale", ["difference", "ratio", "rmtl_ratio"])
def test_units_and_order_do_not_matter_to_the_adjusted_comparison(scale: Any) -> None:
    time, event, arm, age, marker = trial()
    found = rmst_regression(time, event, arm, np.column_stack([age, marker]), tau=365, scale=scale)
    other = rmst_regression(
        time[::-1] / 365.25, event[::-1], arm[::-1], np.column_stack([age * 365.25, marker])[::-1], tau=365 / 365.25, scale=scale
    )
    # of intercept, arm and marker; that of the age changes with its unit
    assert other.z[1:] == pytest.approx(found.z[1:], rel=1e-7)
    if scale != "difference":
        assert other.coef[[1, 3]] == pytest.approx(found.coef[[1, 3]], rel=1e-8)
    turned = rmst_regression(time, event, 1 - arm, np.column_stack([age, marker]), tau=365, scale=scale)
    assert turned.coef[1] == pytest.approx(-found.coef[1], rel=1e-8)
    assert turned.p_value[1] == pytest.approx(found.p_value[1], rel=1e-7)


def test_collinear_and_constant_covariates_are_named() -> None:
    time, event, arm, age, _ = trial()
    constant = rmst_regression(time, event, arm, np.column_stack([age, np.ones(time.size)]), tau=365)
    assert (constant.reason, constant.columns) == ("collinear", (3,))
    same = rmst_regression(time, event, arm, np.column_stack([age, arm]), tau=365)
    assert (same.reason, same.columns) == ("collinear", (1, 3))
    assert np.isnan([same.coef, same.se, same.p_value, same.ci_low]).all()
    few = rmst_regression([1, 2, 3, 4], [1, 1, 1, 1], [0, 1, 0, 1], np.eye(4)[:, :3])
    assert few.reason == "collinear"


def test_an_arm_that_loses_no_time_has_no_finite_ratio() -> None:
    time, event, arm = [1, 3, 9, 9, 9, 9, 9, 9], [1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]
    found = rmst_regression(time, event, arm, np.zeros((8, 0)), tau=8, scale="rmtl_ratio")
    assert (found.converged, found.reason, found.columns) == (False, "monotone", (1,))


def test_an_arm_in_which_everybody_reaches_tau_leaves_the_intercept_without_spread() -> None:
    time, event, arm = [9, 9, 9, 9, 1, 3, 9, 9], [0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]
    found = rmst_regression(time, event, arm, np.zeros((8, 0)), tau=8)
    plain = compare_rmst(time, event, arm, tau=8)
    assert found.coef == pytest.approx([8, plain.difference.estimate])
    assert isnan(found.p_value[0])
    assert found.se[1] == pytest.approx(plain.second.se)


def test_as_many_columns_as_patients_leave_no_standard_error() -> None:
    found = rmst_regression([1, 2, 3], [1, 1, 1], [0, 0, 1], [4, 7, 5], tau=3)
    assert (found.converged, found.reason) == (False, "too few")
    assert np.isnan([found.coef, found.se, found.p_value]).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rmst([1, 2], [1, 0], tau=0), "tau: 0 is not above 0"),
        (lambda: rmst([1, 2], [1, 0], tau=np.nan), "tau: nan"),
        (lambda: rmst([1, -2], [1, 0]), "time: 1 negative"),
        (lambda: compare_rmst([1, 2, 3], [1, 0, 1], [0, 1, 2]), "arm: 3 distinct values"),
        (lambda: compare_rmst([1, 2, 3], [1, 0, 7], [0, 1, 1]), "event: only 0 and 1"),
        (lambda: rmst_regression([1, 2], [1, 0], [0, 1], [1, np.nan]), "columns: 1 value"),
        (lambda: rmst_regression([1, 2], [1, 0], [0, 1], [1, 2], scale="odds"), "scale: 'odds'"),
        (lambda: compare_rmst([1, 2], [1, 0], [0, 1], confidence=1), "confidence"),
    ],
)
def test_what_has_no_restricted_mean_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
