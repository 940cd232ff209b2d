"""Harrell's C and its standard error against all pairs written out, a jackknife and lifelines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats import concordance as module
from resistance.stats.concordance import concordance


def sample(n: int = 60, seed: int = 1) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    start = draw.integers(0, 4, n).astype(float)
    return (
        start,
        start + draw.integers(1, 9, n),
        draw.random(n) < 0.6,
        draw.integers(0, 6, n).astype(float),
        draw.integers(0, 3, n),
    )


def by_hand(time, event, risk, start=None, strata=None, weights=None) -> tuple[float, float]:
    right = total = 0.0
    for i in np.flatnonzero(event):
        for j in range(len(time)):
            if j == i or (strata is not None and strata[i] != strata[j]) or (start is not None and start[j] >= time[i]):
                continue
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                pair = 1.0 if weights is None else weights[i] * weights[j]
                total += pair
                right += pair * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return (right / total if total else np.nan), total


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_all_pairs_written_out(entered: bool, stratified: bool, weighted: bool) -> None:
    start, time, event, risk, site = sample()
    weights = np.random.default_rng(0).uniform(0.5, 3, 60) if weighted else None
    given_too = {"start": start if entered else None, "strata": site if stratified else None}
    found = concordance(time, event, risk, weights=weights, **given_too)
    c, pairs = by_hand(time, event, risk, weights=weights, **given_too)
    assert found.c == pytest.approx(c, rel=1e-12)
    assert found.pairs == pytest.approx(pairs, rel=1e-12)


def test_standard_error_is_that_of_a_change_of_each_weight() -> None:
    _, time, event, risk, _ = sample(40)
    effect = []
    for i in range(40):
        more, less = np.ones(40), np.ones(40)
        more[i] += 1e-4
        less[i] -= 1e-4
        effect.append((concordance(time, event, risk, weights=more).c - concordance(time, event, risk, weights=less).c) / 2e-4)
    assert concordance(time, event, risk).se == pytest.approx(np.sqrt(np.sum(np.square(effect))), rel=1e-6)


def test_agrees_with_lifelines() -> None:
    utils = pytest.importorskip("lifelines.utils")
    _, time, event, risk, _ = sample(150)
    assert concordance(time, event, risk).c == pytest.approx(utils.concordance_index(time, -risk, event), rel=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_turned_risk_turns_c_and_order_and_units_do_not_matter(seed: int) -> None:
    _, time, event, risk, _ = sample(30, seed)
    found = concordance(time, event, risk)
    turned = concordance(time, event, -risk)
    assert turned.c == pytest.approx(1 - found.c, abs=1e-12, nan_ok=True)
    assert turned.se == pytest.approx(found.se, rel=1e-9, abs=1e-12, nan_ok=True)
    order = np.random.default_rng(seed).permutation(30)
    shuffled = concordance(time[order] / 365.25, event[order], np.exp(risk[order]))
    assert shuffled == pytest.approx(found, rel=1e-12, nan_ok=True)


def test_blocks_do_not_change_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    _, time, event, risk, site = sample(100)
    whole = concordance(time, event, risk, strata=site)
    monkeypatch.setattr(module, "BLOCK", 70)
    assert concordance(time, event, risk, strata=site) == pytest.approx(whole, rel=1e-12)


def test_a_constant_score_is_one_half_with_no_error() -> None:
    _, time, event, _, _ = sample()
    found = concordance(time, event, np.zeros(60))
    assert (found.c, found.se) == (0.5, 0.0)


def test_two_events_at_one_time_are_no_pair_and_the_censored_there_outlive() -> None:
    assert np.isnan(concordance([1, 1], [1, 1], [1, 2]).c)
    assert concordance([1, 1], [1, 0], [2, 1]) == (1.0, 0.0, 1.0)


def test_no_comparable_pair_is_not_a_number() -> None:
    for found in (
        concordance([1, 2], [0, 0], [1, 2]),
        concordance([], [], []),
        concordance([1, 2], [1, 1], [1, 2], strata=[0, 1]),
    ):
        assert np.isnan([found.c, found.se]).all()
        assert found.pairs == 0


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="risk: 1 value"):
        concordance([1, 2], [1, 1], [0, np.nan])
    with pytest.raises(ValueError, match="risk: 1 values for 2"):
        concordance([1, 2], [1, 1], [0])
