"""Cumulative incidence against cmprsk, survfit and lifelines, and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.aalen_johansen import cumulative_incidence, incidence_at
from resistance.stats.kaplan_meier import kaplan_meier

FOLLOWED = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=40)


def truth_of(shared: Path, name: str) -> Any:
    return json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())[name]


def sample(n: int = 40, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tied times, causes 0, 1, 2 and entries."""
    draw = np.random.default_rng(seed)
    time = draw.integers(1, 15, n).astype(float)
    return time, draw.choice(3, n, p=[0.3, 0.4, 0.3]), np.floor(time * draw.random(n) * 0.7)


def slowly(time: Any, cause: Any, start: Any, weights: Any, at: float, kinds: int = 2) -> np.ndarray:
    """Event-free probability and incidences at one time."""
    free, incidence = 1.0, np.zeros(kinds)
    for s in sorted({t for t, c in zip(time, cause, strict=True) if c and t <= at}):
        risk = sum(w for w, a, b in zip(weights, start, time, strict=True) if a < s <= b)
        died = [sum(w for w, b, c in zip(weights, time, cause, strict=True) if c == k and b == s) for k in range(1, kinds + 1)]
        incidence += free * np.array(died) / risk
        free *= 1 - sum(died) / risk
    return np.array([free, *incidence])


@pytest.mark.shared
def test_every_incidence_and_variance_agrees_with_cmprsk(shared: Path) -> None:
    truth = truth_of(shared, "cuminc_mgus2_sex")
    mgus2 = pd.read_csv(shared / "truth/stats/data/mgus2.csv")
    for row, estimate, variance in zip(truth["rows"], truth["est"], truth["var"], strict=True):
        sex, cause = row.split()
        data = mgus2[mgus2["sex"] == sex]
        found = incidence_at(cumulative_incidence(data["etime"], data["ev"]), truth["times"], cause=int(cause))
        assert found[0] == pytest.approx(estimate, rel=1e-12)
        assert found[1] ** 2 == pytest.approx(variance, rel=1e-11)


@pytest.mark.shared
def test_every_probability_and_standard_error_agrees_with_survfit(shared: Path) -> None:
    truth = truth_of(shared, "aalen_johansen_mgus2")
    mgus2 = pd.read_csv(shared / "truth/stats/data/mgus2.csv")
    curve = cumulative_incidence(mgus2["etime"], mgus2["ev"], variance="jackknife")
    assert truth["states"] == ["(s0)", "pcm", "death"]
    at = np.searchsorted(curve.time, truth["times"], side="right") - 1
    states, errors = np.array(truth["pstate"]), np.array(truth["std_err"])
    assert np.column_stack([curve.survival, curve.incidence])[at] == pytest.approx(states, rel=1e-12)
    assert np.column_stack([curve.survival_std_err, curve.std_err])[at] == pytest.approx(errors, rel=1e-12)


def test_four_patients_by_hand() -> None:
    curve = cumulative_incidence([1, 2, 2, 3], [1, 2, 1, 0])
    assert curve.incidence.tolist() == [[0.25, 0.0], [0.5, 0.25], [0.5, 0.25]]
    assert curve.survival.tolist() == [0.75, 0.25, 0.25]
    assert curve.n_event.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert (curve.n_risk.tolist(), curve.n_censored.tolist()) == ([4, 3, 1], [0, 0, 1])
    assert (curve.n, curve.events.tolist()) == (4, [2, 1])


def test_without_ties_it_agrees_with_lifelines() -> None:
    from lifelines import AalenJohansenFitter

    draw = np.random.default_rng(14)
    time, cause = draw.exponential(10, 90), draw.integers(0, 3, 90)
    for k in (1, 2):
        other = AalenJohansenFitter(calculate_variance=False).fit(time, cause, event_of_interest=k)
        at = np.sort(time)
        assert incidence_at(cumulative_incidence(time, cause), at, cause=k)[0] == pytest.approx(
            other.cumulative_density_.loc[at].to_numpy().ravel(), rel=1e-10
        )


def test_delayed_entry_counts_a_patient_only_after_entry() -> None:
    time, cause, start = sample()
    curve = cumulative_incidence(time, cause, start=start)
    for i, t in enumerate(curve.time):
        expected = slowly(time, cause, start, np.ones(time.size), t)
        assert [curve.survival[i], *curve.incidence[i]] == pytest.approx(expected, abs=1e-12)


def test_the_jackknife_variance_is_the_slope_on_each_patients_weight() -> None:
    time, cause, start = sample(25)
    curve = cumulative_incidence(time, cause, start=start, variance="jackknife")
    for i, t in enumerate(curve.time):
        slopes = []
        for j in range(time.size):
            up, down = np.ones(time.size), np.ones(time.size)
            up[j], down[j] = 1 + 1e-5, 1 - 1e-5
            slopes.append((slowly(time, cause, start, up, t) - slowly(time, cause, start, down, t)) / 2e-5)
        found = [curve.survival_std_err[i], *curve.std_err[i]]
        assert found == pytest.approx(np.linalg.norm(slopes, axis=0), rel=1e-6, abs=1e-8)


def test_the_aalen_variance_agrees_with_a_sum_over_events() -> None:
    time, cause, start = sample()
    curve = cumulative_incidence(time, cause, start=start)
    for i in range(curve.time.size):
        for k in range(2):
            total = 0.0
            for s in range(i + 1):
                y, before = curve.n_risk[s], curve.survival[s - 1] if s else 1.0
                for kind in range(2):
                    d = curve.n_event[s, kind]
                    if d == 0:
                        continue
                    ties = (y - d) / (y - 1) if d > 1 else 1.0
                    if curve.survival[s] > 0:
                        move = (kind == k) - (curve.incidence[i, k] - curve.incidence[s, k]) / curve.survival[s]
                    else:
                        move = float(kind == k)
                    total += (before / y) ** 2 * d * ties * move**2
            assert curve.std_err[i, k] ** 2 == pytest.approx(total, rel=1e-9, abs=1e-15)


def test_with_one_cause_it_is_one_minus_kaplan_meier() -> None:
    time, cause, start = sample()
    curve = cumulative_incidence(time, cause > 0, start=start, variance="jackknife")
    plain = kaplan_meier(time, cause > 0, start=start, robust=True)
    assert 1 - curve.incidence[:, 0] == pytest.approx(plain.survival)
    inside = plain.survival > 0
    assert curve.std_err[inside, 0] == pytest.approx(plain.std_err[inside])
    assert curve.survival_std_err[inside] == pytest.approx(plain.std_err[inside])


def test_a_follow_up_cut_into_rows_gives_the_same_curve() -> None:
    time, cause, start = sample()
    cut = (start + time) / 2
    whole = cumulative_incidence(time, cause, start=start, variance="jackknife")
    pieces = cumulative_incidence(
        [*cut, *time],
        [*np.zeros(time.size), *cause],
        start=[*start, *cut],
        patient=np.tile(np.arange(time.size), 2),
        variance="jackknife",
    )
    for field in ("time", "n_risk", "n_censored", "incidence", "std_err", "survival_std_err", "ci_low"):
        assert getattr(pieces, field) == pytest.approx(getattr(whole, field), rel=1e-9, abs=1e-12, nan_ok=True)
    assert pieces.n == whole.n


@settings(deadline=None)  # the first call imports scipy
@given(FOLLOWED, st.sampled_from(["aalen", "jackknife"]), st.sampled_from(["log-log", "log", "plain"]))
def test_incidences_and_survival_add_up_to_one_and_lie_within_their_intervals(
    rows: list[tuple[int, int]], variance: Any, interval: Any
) -> None:
    time, cause = np.array(rows, dtype=float).T
    curve = cumulative_incidence(time, cause, causes=3, variance=variance, interval=interval)
    assert curve.survival + curve.incidence.sum(axis=1) == pytest.approx(np.ones(curve.time.size), abs=1e-12)
    known = ~np.isnan(curve.ci_low)
    assert (curve.ci_low[known] <= curve.incidence[known] + 1e-12).all()
    assert (curve.incidence[known] <= curve.ci_high[known] + 1e-12).all()
    assert ((curve.ci_low[known] >= 0) & (curve.ci_high[known] <= 1)).all()
    assert np.isfinite(curve.std_err).all()
    turned = cumulative_incidence(time[::-1] / 30.4375, cause[::-1], causes=3, variance=variance, interval=interval)
    assert turned.incidence == pytest.approx(curve.incidence, rel=1e-12)
    assert turned.std_err == pytest.approx(curve.std_err, rel=1e-6, abs=1e-7)


def test_an_incidence_just_below_one_has_an_interval() -> None:
    curve = cumulative_incidence([1, 1, 1, 1, 1, 2, 3], [1, 1, 1, 1, 1, 1, 1], causes=2)
    assert curve.incidence[:, 0].tolist() == pytest.approx([5 / 7, 6 / 7, 1])
    assert np.isnan(curve.ci_low[2]).all() or curve.ci_low[2, 0] <= 1


def test_names_of_the_causes_change_the_columns_only() -> None:
    time, cause, _ = sample()
    curve, turned = cumulative_incidence(time, cause), cumulative_incidence(time, np.array([0, 2, 1])[cause])
    assert turned.incidence[:, ::-1] == pytest.approx(curve.incidence)
    assert turned.std_err[:, ::-1] == pytest.approx(curve.std_err)


def test_the_log_log_interval_is_symmetric_on_its_scale() -> None:
    curve = cumulative_incidence(*sample()[:2])
    f, se = curve.incidence[5, 0], curve.std_err[5, 0]
    scale = np.log(-np.log([curve.ci_low[5, 0], f, curve.ci_high[5, 0]]))
    assert np.diff(scale) == pytest.approx([-1.959963984540054 * se / abs(f * np.log(f))] * 2)


def test_a_cause_that_never_happens_and_an_empty_group_are_curves_at_zero() -> None:
    curve = cumulative_incidence([1, 2], [0, 0], causes=2)
    assert curve.incidence.tolist() == [[0, 0], [0, 0]]
    assert np.isnan(curve.ci_low).all()
    assert cumulative_incidence([], []).n == 0


def test_at_the_ends_of_follow_up() -> None:
    found = incidence_at(cumulative_incidence([2, 4], [1, 0]), [1, 2, 4, 5])
    assert found[0].tolist() == pytest.approx([0, 0.5, 0.5, np.nan], nan_ok=True)
    assert found[1][0] == 0
    assert np.isnan(found[2][[0, 3]]).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cumulative_incidence([1, 2], [1, 0.5]), "cause: only 0"),
        (lambda: cumulative_incidence([1, 2], [1, -1]), "cause: only 0"),
        (lambda: cumulative_incidence([1, 2], [1, np.nan]), "cause: 1 value"),
        (lambda: cumulative_incidence([1, -2], [1, 1]), "time: 1 negative"),
        (lambda: cumulative_incidence([1, 2], [1, 3], causes=2), "causes: 2, but there is a cause 3"),
        (lambda: cumulative_incidence([1, 2], [1, 1], variance="greenwood"), "variance: 'greenwood'"),
        (lambda: cumulative_incidence([1, 2], [1, 1], interval="logit"), "interval: 'logit'"),
        (lambda: incidence_at(cumulative_incidence([1, 2], [1, 1]), [1], cause=2), "cause: 2 is none of 1 to 1"),
    ],
)
def test_what_is_no_cause_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_with_three_causes_tied_the_variance_is_that_of_cmprsk() -> None:
    # timepoints(cuminc(t, c), 1:3)$var of cmprsk 2.2-11, equal for the three causes: the others count as one
    time, cause = [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4], [1, 2, 3, 1, 2, 3, 0, 2, 3, 1, 0, 3]
    curve = cumulative_incidence(time, cause)
    for k in (1, 2, 3):
        found = incidence_at(curve, [1, 2, 3], cause=k)[1] ** 2
        assert found == pytest.approx([0.00694444444444444, 0.0125872926798853, 0.0196493484224965], rel=1e-12)
