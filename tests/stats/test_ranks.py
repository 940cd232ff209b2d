"""Rank tests against R, scipy and every rearrangement; shift and superiority by hand."""

from __future__ import annotations

import json
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from resistance.stats import ranks
from resistance.stats.ranks import kruskal, rank_sum, van_elteren

SMALL = [1.1, 2.3, 0.4, 3.2, 5.5, 4.1, 6.2, 7.7, 2.9, 8.8, 9.1]


@pytest.fixture(scope="module")
def truth(shared: Path) -> tuple[dict, pd.DataFrame]:
    folder = shared / "truth/stats"
    return json.loads((folder / "04_categorical.json").read_text()), pd.read_csv(folder / "data/pbc_stage.csv")


@pytest.mark.shared
def test_bilirubin_by_hepatomegaly_agrees_with_r(truth: tuple) -> None:
    expected, pbc = truth[0]["wilcox"], truth[1]
    found = rank_sum(pbc["bili"], pbc["hepato"])
    assert found.u == pytest.approx(expected["W"], rel=1e-12)
    assert found.p_normal_corrected == pytest.approx(expected["p_cc"], rel=1e-8)
    assert found.p_normal == pytest.approx(expected["p"], rel=1e-8)
    assert (found.p_value, found.method) == (found.p_normal_corrected, "normal")


@pytest.mark.shared
def test_a_small_sample_without_ties_agrees_with_r(truth: tuple) -> None:
    expected = truth[0]["wilcox_exact_small"]
    x, y = expected["x"], expected["y"]
    found = rank_sum([*x, *y], [1] * len(x) + [0] * len(y))
    assert found.u == expected["W"]
    assert found.p_exact == found.p_value == pytest.approx(expected["p"], rel=1e-8)


@pytest.mark.shared
def test_bilirubin_by_stage_agrees_with_r(truth: tuple) -> None:
    expected, pbc = truth[0]["kruskal_stage_bili"], truth[1]
    found = kruskal(pbc["bili"], pbc["stage"])
    assert found.statistic == pytest.approx(expected["stat"], rel=1e-8)
    assert found.p_value == pytest.approx(expected["p"], rel=1e-8)


def every_rearrangement(values: list[float], carriers: int) -> np.ndarray:
    order = stats.rankdata(values)
    return np.array([order[list(chosen)].sum() for chosen in combinations(range(len(values)), carriers)])


@settings(max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=9), st.integers(1, 8))
def test_exact_p_counts_the_rearrangements_ties_and_all(values: list[int], carriers: int) -> None:
    n = len(values)
    carriers = min(carriers, n - 1)
    found = rank_sum(values, np.arange(n) < carriers)
    if len(set(values)) == 1:
        assert (found.converged, found.reason, found.note) == (False, "all ties", "all values are equal")
        return
    sums = every_rearrangement(values, carriers)
    distance = np.abs(sums - carriers * (n + 1) / 2)
    observed = abs(stats.rankdata(values)[:carriers].sum() - carriers * (n + 1) / 2)
    assert found.p_exact == pytest.approx((distance >= observed - 1e-9).mean(), rel=1e-9)
    assert found.p_minimum == pytest.approx((distance >= distance.max() - 1e-9).mean(), rel=1e-9)
    assert found.p_minimum <= found.p_exact * (1 + 1e-12)


@pytest.mark.parametrize(("a", "b"), [(3, 4), (5, 6), (12, 9), (30, 40)])
def test_exact_p_without_ties_agrees_with_scipy(a: int, b: int) -> None:
    draw = np.random.default_rng(a)
    x, y = draw.normal(size=a), draw.normal(0.5, 1, b)
    found = rank_sum(np.r_[x, y], np.r_[np.ones(a), np.zeros(b)])
    expected = stats.mannwhitneyu(x, y, method="exact")
    assert found.u == expected.statistic
    assert found.p_exact == pytest.approx(expected.pvalue, rel=1e-9)


def test_normal_p_agrees_with_scipy_with_ties() -> None:
    draw = np.random.default_rng(2)
    x, y = draw.integers(0, 6, 40), draw.integers(1, 7, 60)
    found = rank_sum(np.r_[x, y], np.r_[np.ones(40), np.zeros(60)])
    assert found.p_normal == pytest.approx(stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic").pvalue, rel=1e-10)
    assert found.p_normal_corrected == pytest.approx(stats.mannwhitneyu(x, y, method="asymptotic").pvalue, rel=1e-10)


def test_few_carriers_among_many_still_have_an_exact_p() -> None:
    values = np.random.default_rng(3).integers(0, 4, 600)
    found = rank_sum(values, np.arange(600) < 4)
    assert found.method == "exact"
    assert found.p_minimum < found.p_exact <= 1
    assert rank_sum(np.arange(600.0), np.arange(600) < 300).method == "normal"


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_of_the_shift_holds_what_the_exact_test_does_not_reject(confidence: float) -> None:
    draw = np.random.default_rng(4)
    x, y = draw.normal(1, 1, 7), draw.normal(0, 1, 8)
    carrier = np.r_[np.ones(7), np.zeros(8)]
    found = rank_sum(np.r_[x, y], carrier, confidence=confidence)
    assert found.shift == pytest.approx(np.median(np.subtract.outer(x, y)), rel=1e-12)
    width = found.shift_high - found.shift_low
    for shift, rejected in [
        (found.shift_low - 1e-6 * width, True),
        (found.shift_low + 1e-6 * width, False),
        (found.shift_high - 1e-6 * width, False),
        (found.shift_high + 1e-6 * width, True),
    ]:
        p = rank_sum(np.r_[x - shift, y], carrier).p_exact
        assert (p <= 1 - confidence) == rejected


def test_the_interval_of_the_shift_covers_with_ties_and_many_patients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "EXACT_WORK", 0)
    draw = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        values = np.round(draw.normal(size=120), 1)
        values[:50] += 1
        found = rank_sum(values, np.arange(120) < 50)
        hits += found.shift_low <= 1 + 1e-9 and found.shift_high >= 1 - 1e-9
    assert 0.92 <= hits / 200 <= 0.99


def test_many_pairs_are_searched_instead_of_held(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(6)
    values, carrier = np.round(draw.normal(size=90), 2), draw.random(90) < 0.4
    held = rank_sum(values, carrier)
    monkeypatch.setattr(ranks, "PAIRS", 0)
    found = rank_sum(values, carrier)
    assert (found.shift, found.shift_low, found.shift_high) == pytest.approx(
        (held.shift, held.shift_low, held.shift_high), abs=1e-12
    )


def test_superiority_is_the_share_of_pairs_and_its_interval_keeps_its_level() -> None:
    x, y = [1, 2, 2, 5], [0, 2, 3]
    found = rank_sum([*x, *y], [1] * 4 + [0] * 3)
    assert found.superiority == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a in x for b in y]))
    assert 0 < found.superiority_low < found.superiority < found.superiority_high < 1
    apart = rank_sum(np.arange(12.0), np.arange(12) >= 6)
    assert apart.superiority == apart.superiority_high == 1.0
    assert 0.6 < apart.superiority_low < 0.9
    draw, truth = np.random.default_rng(7), stats.norm.cdf(1 / np.sqrt(2))
    hits = 0
    for _ in range(400):
        found = rank_sum(np.r_[draw.normal(1, 1, 15), draw.normal(0, 1, 25)], np.arange(40) < 15)
        hits += found.superiority_low <= truth <= found.superiority_high
    assert 0.92 <= hits / 400 <= 0.985


@settings(max_examples=20)
@given(st.integers(0, 500))
def test_flipping_and_stretching_change_what_they_should(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values, carrier = np.round(draw.normal(size=25), 1), draw.random(25) < 0.4
    if carrier.all() or not carrier.any():
        return
    found = rank_sum(values, carrier)
    other = rank_sum(values, ~carrier)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-9)
    assert other.superiority == pytest.approx(1 - found.superiority)
    assert (other.superiority_low, other.superiority_high) == pytest.approx(
        (1 - found.superiority_high, 1 - found.superiority_low)
    )
    assert (other.shift, other.shift_low) == pytest.approx((-found.shift, -found.shift_high))
    days = rank_sum(365.25 * values + 4, carrier)
    assert (days.shift, days.shift_high) == pytest.approx((365.25 * found.shift, 365.25 * found.shift_high))
    assert rank_sum(np.exp(values), carrier).p_value == found.p_value
    order = draw.permutation(25)
    assert rank_sum(values[order], carrier[order]).p_value == pytest.approx(found.p_value, rel=1e-12)


def test_kruskal_agrees_with_scipy_and_with_two_groups() -> None:
    draw = np.random.default_rng(8)
    values, groups = draw.integers(0, 9, 60), draw.choice(["ABC", "GCB", "other"], 60)
    found = kruskal(values, groups)
    expected = stats.kruskal(*(values[groups == g] for g in ("ABC", "GCB", "other")))
    assert (found.statistic, found.p_value) == pytest.approx(expected, rel=1e-10)
    assert found.sizes.tolist() == [(groups == g).sum() for g in ("ABC", "GCB", "other")]
    assert found.epsilon_squared == pytest.approx(found.statistic / 59)
    two = kruskal(values, groups == "ABC")
    assert two.p_value == pytest.approx(rank_sum(values, groups == "ABC").p_normal, rel=1e-9)
    assert kruskal(-3 * values, groups).statistic == pytest.approx(found.statistic, rel=1e-10)


def test_van_elteren_is_the_variance_of_every_rearrangement_within_strata() -> None:
    values, carrier, strata = [1, 3, 3, 7, 2, 9, 4, 4, 6], [1, 0, 1, 0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 1, 1, 1, 1, 1]
    total, variance = 0.0, 0.0
    for stratum, n, a in ((0, 4, 2), (1, 5, 2)):
        own = [v for v, s in zip(values, strata, strict=True) if s == stratum]
        sums = every_rearrangement(own, a)
        rank = stats.rankdata(own)
        observed = sum(
            r for r, c in zip(rank, [c for c, s in zip(carrier, strata, strict=True) if s == stratum], strict=True) if c
        )
        total += (observed - sums.mean()) / (n + 1)
        variance += sums.var() / (n + 1) ** 2
    found = van_elteren(values, carrier, strata)
    assert found.z == pytest.approx(total / np.sqrt(variance), rel=1e-12)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.z)), rel=1e-12)


def test_one_stratum_is_the_plain_test_and_empty_strata_count_for_nothing() -> None:
    draw = np.random.default_rng(9)
    values, carrier = draw.integers(0, 5, 50), draw.random(50) < 0.3
    found = van_elteren(values, carrier, np.zeros(50))
    plain = rank_sum(values, carrier)
    assert found.p_value == pytest.approx(plain.p_normal, rel=1e-10)
    assert found.superiority == pytest.approx(plain.superiority)
    more = van_elteren(np.r_[values, [1, 2, 3]], np.r_[carrier, [1, 1, 1]], np.r_[np.zeros(50), np.ones(3)])
    assert (more.z, more.strata, more.informative, more.n_carriers) == (found.z, 2, 1, int(carrier.sum()))
    flipped = van_elteren(-values, carrier, np.zeros(50))
    assert flipped.z == pytest.approx(-found.z)


def test_strata_take_the_confounding_away() -> None:
    draw = np.random.default_rng(10)
    strata = draw.integers(0, 2, 400)
    carrier = draw.random(400) < np.where(strata == 1, 0.7, 0.1)
    values = draw.normal(size=400) + 2 * strata
    assert rank_sum(values, carrier).p_value < 1e-8
    assert van_elteren(values, carrier, strata).p_value > 0.01


def test_no_answer_is_said() -> None:
    empty = rank_sum([1, 2, 3], [0, 0, 0])
    assert (empty.converged, empty.reason, empty.note, empty.n_carriers) == (False, "empty group", "no carriers", 0)
    assert np.isnan([empty.p_value, empty.u, empty.shift_low, empty.superiority]).all()
    assert rank_sum([1, 2], [1, 1]).note == "no patients but carriers"
    assert rank_sum([], []).reason == "empty group"
    assert (kruskal([1, 2], ["a", "a"]).reason, kruskal([5, 5, 5], [0, 1, 2]).reason) == ("one group", "all ties")
    assert kruskal([], []).reason == "one group"
    lost = van_elteren([1, 2, 3, 4], [1, 1, 0, 0], [0, 0, 1, 1])
    assert (lost.converged, lost.reason, lost.informative) == (False, "no informative stratum", 0)
    assert np.isnan(lost.p_value)
    two = rank_sum([1, 2], [1, 0])
    assert (two.p_value, two.shift_low, two.shift_high) == (1.0, -np.inf, np.inf)
    assert two.note == "too few patients for an interval of the shift at 0.95"


def test_the_smallest_p_of_a_small_sample_is_known() -> None:
    assert rank_sum(SMALL, [1] * 5 + [0] * 6).p_minimum == pytest.approx(2 / comb(11, 5), rel=1e-12)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="values: 1 value"):
        rank_sum([1, np.nan], [1, 0])
    with pytest.raises(ValueError, match="carrier: only 0 and 1"):
        rank_sum([1, 2], [1, 2])
    with pytest.raises(ValueError, match="confidence: 95 is outside"):
        rank_sum([1, 2], [1, 0], confidence=95)
    with pytest.raises(ValueError, match="groups: shape"):
        kruskal([1, 2], [1])
    with pytest.raises(ValueError, match="strata: missing value"):
        van_elteren([1, 2], [1, 0], [0.0, np.nan])
