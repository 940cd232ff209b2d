"""Maximally selected statistics against maxstat, by enumeration, and by how often they are wrong."""

from __future__ import annotations

import json
from itertools import combinations, pairwise, permutations
from math import exp, log, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, mannwhitneyu, norm

from resistance.stats.cutpoint import (
    binary_cutpoint,
    continuous_cutpoint,
    lausen_92,
    lausen_94,
    log_rank_scores,
    survival_cutpoint,
)
from resistance.stats.log_rank import log_rank

GENES = ["DEPDC1", "WHSC1", "TP53", "IRF4", "CRIM1", "CCND1"]


def sample(n: int = 50, seed: int = 6) -> tuple[np.ndarray, ...]:
    """Tied times, events and a marker, which is rounded so that it has ties too."""
    draw = np.random.default_rng(seed)
    marker = np.round(draw.normal(size=n), 1)
    time = np.ceil(draw.exponential(20 * np.exp(-0.6 * (marker > 0.3))))
    censor = np.ceil(draw.uniform(5, 50, n))
    return np.minimum(time, censor), time <= censor, marker


@pytest.mark.shared
@pytest.mark.parametrize("gene", GENES)
def test_every_number_agrees_with_maxstat(shared: Path, gene: str) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["optimal_cutpoint_myeloma"][gene]
    data = pd.read_csv(shared / "truth/stats/data/myeloma_survminer.csv")
    found = survival_cutpoint(data["time"], data["event"], data[gene])
    assert found.cut == truth["cut"]
    assert found.statistic == pytest.approx(truth["max_stat"], rel=1e-10)
    assert found.p_lausen94_raw == pytest.approx(truth["p_corrected_Lau94"], rel=1e-10)
    assert found.p_lausen94 == min(1, found.p_lausen94_raw)
    assert ("exceeds 1" in found.note) == (truth["p_corrected_Lau94"] > 1)
    assert found.p_naive == pytest.approx(truth["p_naive_logrank_at_cut"], rel=1e-8)
    assert truth["p_corrected_HL"] is None  # maxstat has none for these scores


@pytest.mark.shared
def test_of_six_genes_significant_as_cut_two_are_so_after_correction(shared: Path) -> None:
    data = pd.read_csv(shared / "truth/stats/data/myeloma_survminer.csv")
    found = [survival_cutpoint(data["time"], data["event"], data[g], permutations=999, seed=3) for g in GENES]
    assert [f.p_naive < 0.05 for f in found] == [True] * 6
    assert [f.p_lausen94 < 0.05 for f in found] == [True, True, False, False, False, False]
    assert [f.p_permutation < 0.05 for f in found] == [True, True, False, False, False, False]


def test_log_rank_scores_by_hand() -> None:
    # at 1: one event, 1 / (4 - 1 + 1); at 2, of two tied rows one event, 1 / (4 - 3 + 1); at 3 one, 1 / 1
    scores = log_rank_scores(np.array([1.0, 2, 2, 3]), np.array([True, True, False, True]))
    assert scores == pytest.approx([1 - 1 / 4, 1 - 3 / 4, -3 / 4, 1 - 7 / 4])
    assert scores.sum() == pytest.approx(-0.5)


def test_the_statistic_is_the_standardised_sum_of_scores_at_every_allowed_cut() -> None:
    time, event, marker = sample(47)
    scores = log_rank_scores(time, event)
    n, allowed = 47, {}
    for cut in sorted(set(marker)):
        low = marker <= cut
        if int(0.1 * n) <= low.sum() <= int(0.9 * n):
            spread = low.sum() * (n - low.sum()) / n * scores.var(ddof=1)
            allowed[cut] = -(scores[low].sum() - low.sum() * scores.mean()) / sqrt(spread)
    found = survival_cutpoint(time, event, marker)
    assert dict(zip(found.cuts, found.statistics, strict=True)) == pytest.approx(allowed)
    best = max(allowed, key=lambda cut: abs(allowed[cut]))
    assert (found.cut, found.statistic) == (best, pytest.approx(abs(allowed[best])))
    assert (found.n_low, found.n_high) == ((marker <= best).sum(), (marker > best).sum())
    assert found.direction == np.sign(allowed[best])
    assert found.p_naive == log_rank(time, event, marker > best).p_value


def test_lausens_bound_agrees_with_a_sum_over_neighbouring_cuts() -> None:
    b, n, sizes = 2.7, 50, [5, 9, 14, 30, 45]
    total = 2 * norm.sf(b)
    for i, j in pairwise(sizes):
        t = sqrt(1 - i * (n - j) / ((n - i) * j))
        total += exp(-(b**2) / 2) / pi * (t - (b**2 / 4 - 1) * t**3 / 6)
    assert lausen_94(b, n, np.array(sizes, dtype=float)) == pytest.approx(total, rel=1e-12)
    assert lausen_94(b, n, np.array([20.0])) == pytest.approx(2 * norm.sf(b))


@pytest.mark.parametrize("p_min", [0.0001, 0.001, 0.01])
def test_lausens_limit_agrees_with_altmans_formulae(p_min: float) -> None:
    # Altman et al. 1994, doi:10.1093/jnci/86.11.829: rounded fits of it for the inner 80 and 90 %
    b = norm.isf(p_min / 2)
    assert lausen_92(b, 0.1, 0.9) == pytest.approx(-1.63 * p_min * (1 + 2.35 * log(p_min)), rel=0.05)
    assert lausen_92(b, 0.05, 0.95) == pytest.approx(-3.13 * p_min * (1 + 1.65 * log(p_min)), rel=0.05)


@pytest.mark.parametrize("marker", [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 2, 3, 3, 3, 4, 5, 6]])
@pytest.mark.parametrize("outcome", [[0, 0, 0, 1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 1, 1, 0, 1, 1]])
def test_the_exact_p_is_the_share_of_all_orders_of_the_outcome(outcome: list[int], marker: list[int]) -> None:
    found = binary_cutpoint(outcome, marker)
    reached = []
    for yes in combinations(range(9), sum(outcome)):
        shuffled = [int(i in yes) for i in range(9)]
        reached.append(binary_cutpoint(shuffled, marker).statistic >= found.statistic - 1e-9)
    assert found.p_exact == pytest.approx(np.mean(reached), abs=1e-12)
    assert (found.p_value, found.method) == (found.p_exact, "exact")


def test_the_permutation_p_comes_to_the_share_of_all_orders() -> None:
    time, event, marker = [3, 1, 4, 1, 5, 9], [1, 1, 0, 1, 1, 0], np.arange(6)
    found = survival_cutpoint(time, event, marker, permutations=4000, seed=7)
    rows = list(zip(time, event, strict=True))
    reached = [
        survival_cutpoint(*zip(*order, strict=True), marker).statistic >= found.statistic - 1e-9 for order in permutations(rows)
    ]
    assert found.p_permutation == pytest.approx(np.mean(reached), abs=0.02)
    assert (found.p_value, found.method) == (found.p_permutation, "permutation")


def test_permutation_and_exact_p_of_a_binary_outcome_agree() -> None:
    draw = np.random.default_rng(5)
    outcome, marker = draw.integers(0, 2, 60), draw.normal(size=60)
    found = binary_cutpoint(outcome, marker, permutations=9999, seed=1)
    assert found.p_permutation == pytest.approx(found.p_exact, abs=0.015)


def test_a_marker_without_effect_is_found_naively_a_third_of_the_time_and_corrected_as_often_as_stated() -> None:
    draw = np.random.default_rng(11)
    found = [
        survival_cutpoint(draw.exponential(size=60), draw.random(60) < 0.7, draw.normal(size=60), permutations=199, seed=i)
        for i in range(150)
    ]
    assert np.mean([f.p_naive < 0.05 for f in found]) > 0.25
    assert np.mean([f.p_permutation < 0.05 for f in found]) == pytest.approx(0.05, abs=0.04)
    assert np.mean([f.p_lausen94 < 0.05 for f in found]) < 0.08
    assert all(f.p_naive < f.p_lausen94 for f in found)


def test_the_naive_p_is_the_usual_test_at_the_cut() -> None:
    _, event, marker = sample(60)
    found = binary_cutpoint(event, marker)
    table = np.array(
        [[np.sum((marker > found.cut) == h) and np.sum(event[(marker > found.cut) == h] == e) for e in (0, 1)] for h in (0, 1)]
    )
    assert found.p_naive == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-10)
    values = np.round(np.random.default_rng(4).normal(size=60) + (marker > 0), 1)
    ranked = continuous_cutpoint(values, marker)
    high = marker > ranked.cut
    usual = mannwhitneyu(values[high], values[~high], use_continuity=False, method="asymptotic")
    assert ranked.p_naive == pytest.approx(usual.pvalue, rel=1e-10)
    assert ranked.direction == 1


def test_the_exact_p_of_a_thousand_patients_agrees_with_permutation() -> None:
    draw = np.random.default_rng(8)
    marker = draw.normal(size=1000)
    found = binary_cutpoint(draw.random(1000) < 0.2 + 0.1 * (marker > 1), marker, permutations=2000, seed=2)
    assert found.p_exact == pytest.approx(found.p_permutation, abs=0.02)


def test_order_of_patients_and_scale_of_the_marker_do_not_matter() -> None:
    time, event, marker = sample()
    found = survival_cutpoint(time, event, marker, permutations=99, seed=1)
    turned = survival_cutpoint(time[::-1] / 30.4375, event[::-1], np.exp(marker)[::-1], permutations=99, seed=1)
    assert turned.cut == pytest.approx(np.exp(found.cut))
    for field in ("statistic", "p_naive", "p_lausen92", "p_lausen94", "p_permutation", "n_low"):
        assert getattr(turned, field) == pytest.approx(getattr(found, field), rel=1e-9)
    opposite = survival_cutpoint(time, event, -marker)  # 50 patients: the bounds 5 and 45 are mirror images
    assert (opposite.statistic, opposite.n_low) == (pytest.approx(found.statistic), found.n_high)
    assert opposite.direction == -found.direction
    values = continuous_cutpoint(time, marker)
    assert continuous_cutpoint(np.log(time), marker).statistic == pytest.approx(values.statistic)


def test_the_same_seed_gives_the_same_p() -> None:
    rows = sample()
    first, again, other = (survival_cutpoint(*rows, permutations=199, seed=s).p_permutation for s in (1, 1, 2))
    assert first == again
    assert (first * 200) == pytest.approx(round(first * 200))
    assert first != other or first == 1 / 200


def test_proportions_bound_the_cuts_without_falling_to_rounding() -> None:
    # .29 * 100 is 28.999999999999996 on the machine
    outcome, marker = np.arange(100.0), np.arange(100.0)
    found = continuous_cutpoint(outcome, marker, min_proportion=0.29, max_proportion=0.57)
    assert (found.cuts[0], found.cuts[-1]) == (28, 56)
    third = continuous_cutpoint(np.arange(30.0), np.arange(30.0), min_proportion=0.1, max_proportion=0.9)
    assert (third.cuts[0], third.cuts[-1]) == (2, 26)


def test_what_cannot_be_cut_says_why() -> None:
    assert survival_cutpoint([1, 2, 3], [1, 1, 1], [4, 4, 4]).reason == "constant marker"
    assert survival_cutpoint([1, 2, 3], [0, 0, 0], [1, 2, 3]).reason == "constant outcome"
    assert survival_cutpoint([5, 5, 5], [1, 1, 1], [1, 2, 3]).reason == "constant outcome"
    assert binary_cutpoint([1, 1, 1], [1, 2, 3]).reason == "constant outcome"
    assert continuous_cutpoint([2.5, 2.5, 2.5], [1, 2, 3]).reason == "constant outcome"
    assert binary_cutpoint([1], [1]).reason == "too few"
    assert survival_cutpoint([], [], []).reason == "too few"
    rare = binary_cutpoint([0, 1] * 10, [0] * 19 + [1])
    assert (rare.reason, rare.converged) == ("no cut", False)
    assert rare.note == "no value of the marker has between 0.1 and 0.9 of the patients at or below it"
    numbers = [rare.cut, rare.statistic, rare.p_naive, rare.p_lausen92, rare.p_lausen94, rare.p_exact, rare.p_value]
    assert np.isnan(numbers).all()


def test_a_single_event_and_a_binary_marker_can_be_cut() -> None:
    found = survival_cutpoint([3, 4, 5, 6], [1, 0, 0, 0], [1, 2, 3, 4])
    assert (found.cut, found.direction) == (1, -1)
    two = binary_cutpoint([0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1])
    assert (two.cut, two.cuts.size) == (0, 1)
    assert two.p_exact == pytest.approx(1.0)  # 1 of 3 against 2 of 3 is as near to equal as can be


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: survival_cutpoint([1, -2], [1, 0], [1, 2]), "time: 1 negative"),
        (lambda: survival_cutpoint([1, 2], [1, 0], [1, np.nan]), "marker: 1 value"),
        (lambda: binary_cutpoint([0, 2], [1, 2]), "outcome: only 0 and 1"),
        (lambda: continuous_cutpoint([0, 2], [1, 2, 3]), "marker: 3 values for 2 patients"),
        (lambda: continuous_cutpoint([0, 2], [1, 2], min_proportion=0.9, max_proportion=0.1), "not in order"),
        (lambda: continuous_cutpoint([0, 2], [1, 2], permutations=99), "seed: needed"),
        (lambda: continuous_cutpoint([0, 2], [1, 2], permutations=-1, seed=1), "permutations: not negative"),
    ],
)
def test_wrong_input_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
