"""Pseudo-values by leaving every patient out in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resistance.stats.pseudo_values import incidence_pseudo_values, rmst_pseudo_values, survival_pseudo_values


def incidence_slowly(time: np.ndarray, cause: np.ndarray, at: float) -> float:
    """Incidence of cause 1, level where nobody is left."""
    free, incidence = 1.0, 0.0
    for s in sorted(set(time[(cause > 0) & (time <= at)])):
        risk = (time >= s).sum()
        incidence += free * ((time == s) & (cause == 1)).sum() / risk
        free *= 1 - ((time == s) & (cause > 0)).sum() / risk
    return incidence


def survival_slowly(time: np.ndarray, event: np.ndarray, at: float) -> float:
    return 1 - incidence_slowly(time, event, at)


def left_out(estimate: Any, time: np.ndarray, kind: np.ndarray, at: float) -> list[float]:
    n = time.size
    every = np.arange(n)
    whole = estimate(time, kind, at)
    return [n * whole - (n - 1) * estimate(time[every != i], kind[every != i], at) for i in range(n)]


def small_cohorts(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cohorts of 2 to 12 patients, with ties, and with every mixture of causes."""
    draw = np.random.default_rng(17)
    sizes = draw.integers(2, 13, count)
    return [(draw.integers(0, 8, n).astype(float), draw.choice(3, n, p=draw.dirichlet([1, 1, 1]))) for n in sizes]


def test_incidence_and_survival_agree_with_leaving_each_patient_out() -> None:
    for time, cause in small_cohorts(60):
        at = np.arange(0, time.max() + 0.5, 0.5)
        found, other = incidence_pseudo_values(time, cause, at), survival_pseudo_values(time, cause > 0, at)
        assert found.converged
        for j in range(0, at.size, 3):
            assert found.values[:, j] == pytest.approx(left_out(incidence_slowly, time, cause, at[j]), abs=1e-9)
            assert found.estimate[j] == pytest.approx(incidence_slowly(time, cause, at[j]), abs=1e-12)
            assert other.values[:, j] == pytest.approx(left_out(survival_slowly, time, (cause > 0).astype(int), at[j]), abs=1e-9)


def mean_slowly(time: np.ndarray, event: np.ndarray, tau: float) -> float:
    return sum(survival_slowly(time, event, s) for s in range(int(tau)))  # whole times: flat between them


def test_the_restricted_mean_agrees_with_leaving_each_patient_out() -> None:
    for time, cause in small_cohorts(60):
        event, tau = (cause > 0).astype(int), max(time.max(), 1.0)
        found = rmst_pseudo_values(time, event, [tau])
        if found.converged:
            assert found.values[:, 0] == pytest.approx(left_out(mean_slowly, time, event, tau), abs=1e-8)


def test_without_censoring_they_are_what_each_patient_did() -> None:
    time, cause = np.array([3.0, 1, 4, 1, 5]), np.array([1, 2, 1, 1, 2])
    found = incidence_pseudo_values(time, cause, [3.5])
    assert found.values[:, 0] == pytest.approx(((time <= 3.5) & (cause == 1)).astype(float))
    assert survival_pseudo_values(time, np.ones(5), [3.5]).values[:, 0] == pytest.approx((time > 3.5).astype(float))
    assert rmst_pseudo_values(time, np.ones(5), [4.5]).values[:, 0] == pytest.approx(np.minimum(time, 4.5))


def test_the_difference_of_means_of_two_arms_is_near_that_of_their_curves() -> None:
    draw = np.random.default_rng(3)
    arm = np.repeat([0, 1], 200)
    time, censor = draw.exponential(5 + 5 * arm), draw.uniform(2, 15, 400)
    seen, event = np.minimum(time, censor), time <= censor
    values = survival_pseudo_values(seen, event, [4]).values[:, 0]
    curves = [survival_slowly(seen[arm == k], event[arm == k].astype(int), 4) for k in (0, 1)]
    assert values[arm == 1].mean() - values[arm == 0].mean() == pytest.approx(curves[1] - curves[0], abs=0.02)


def test_unit_and_order_do_not_matter() -> None:
    draw = np.random.default_rng(4)
    time, cause = draw.integers(1, 20, 30).astype(float), draw.integers(0, 3, 30)
    found = incidence_pseudo_values(time, cause, [7, 12])
    turned = incidence_pseudo_values(time[::-1] * 2**-5, cause[::-1], np.array([7, 12]) * 2**-5)
    assert turned.values[::-1] == pytest.approx(found.values)
    other = incidence_pseudo_values(time, np.array([0, 2, 1])[cause], [7, 12], of=2)
    assert other.values == pytest.approx(found.values)


def test_times_beyond_follow_up_and_single_patients_are_not_answered() -> None:
    found = survival_pseudo_values([1, 2, 3], [1, 0, 0], [2, 4])
    assert (found.converged, found.reason, found.columns) == (False, "too late", (1,))
    assert found.note == "beyond the last follow-up: 4"
    assert np.isnan(found.values[:, 1]).all()
    assert np.isfinite(found.values[:, 0]).all()
    assert rmst_pseudo_values([1, 2, 3], [1, 0, 0], [4]).reason == "too late"
    assert rmst_pseudo_values([1, 2, 3], [1, 0, 1], [4]).values[:, 0] == pytest.approx(
        left_out(
            lambda t, e, at: sum(survival_slowly(t, e, s) for s in range(int(at))), np.array([1.0, 2, 3]), np.array([1, 0, 1]), 4
        )
    )
    assert survival_pseudo_values([1], [1], [1]).reason == "too few"
    assert incidence_pseudo_values([], [], [1]).reason == "too few"
    assert rmst_pseudo_values([1], [1], [1]).reason == "too few"


def test_no_events_leave_everybody_where_they_are() -> None:
    found = survival_pseudo_values([1, 2, 3], [0, 0, 0], [2])
    assert found.values[:, 0].tolist() == [1, 1, 1]
    assert (found.events, found.converged) == (0, True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: survival_pseudo_values([1, 2], [1, 2], [1]), "event: only 0 and 1"),
        (lambda: incidence_pseudo_values([1, 2], [1, 0.5], [1]), "cause: only 0"),
        (lambda: incidence_pseudo_values([1, -2], [1, 0], [1]), "time: 1 negative"),
        (lambda: incidence_pseudo_values([1, 2], [1, 0], [np.nan]), "times: 1 value"),
        (lambda: incidence_pseudo_values([1, 2], [1, 0], [1], of=0), "of: 0"),
        (lambda: rmst_pseudo_values([1, 2], [1, 0], [0]), "taus: above 0"),
    ],
)
def test_wrong_input_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
