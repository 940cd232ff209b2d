"""The exact p of the positivity test: the simulated p of the reference, and sums over every possible outcome."""

from __future__ import annotations

import csv
from fractions import Fraction
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from resistance.stats.mrd.exact import exact_test
from resistance.stats.mrd.sites import background_table, make_sites, sites_own_p


def every_outcome(alt, depths, probabilities) -> float:
    """Return P(sum of VAFs >= observed and positive sites >= observed) over all outcomes, with fractions (no rounding)."""
    observed = sum(Fraction(int(x), int(d)) for x, d in zip(alt, depths, strict=True))
    positive = sum(x > 0 for x in alt)
    total = 0.0
    for outcome in product(*(range(d + 1) for d in depths)):
        as_large = sum(Fraction(x, d) for x, d in zip(outcome, depths, strict=True)) >= observed
        if as_large and sum(x > 0 for x in outcome) >= positive:
            total += float(np.prod([p[x] for p, x in zip(probabilities, outcome, strict=True)]))
    return total


def binomial(depth: int, rate: float) -> list[float]:
    return [comb(depth, x) * rate**x * (1 - rate) ** (depth - x) for x in range(depth + 1)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.shared
def test_every_simulated_p_of_the_reference_lies_within_its_monte_carlo_error(shared: Path) -> None:
    table = rows(shared / "truth/ctdna/ctdnatools/expected/positivity_test_table.tsv")
    assert len(table) == 10
    for row in table:
        alt, depths = ([int(x) for x in row[name].split(",")] for name in ("alt", "depths"))
        found = exact_test(alt, depths, float(row["rate"]) / 3)  # the code of the reference divides by three
        for name, draws in (("p_1e6sim", 1_000_000), ("p_R", 10_000)):
            # successes are binomial: the two-sided p of the reported ones is no rarer than 1 in 1,000
            successes = round(float(row[name]) * (draws + 1)) - 1
            below = binom.cdf(successes, draws, found.p_value)
            above = binom.sf(successes - 1, draws, found.p_value)
            assert min(below, above) > 0.0005, (row["name"], name, found.p_value)


sites = st.lists(st.tuples(st.integers(1, 6), st.floats(0.001, 0.6)), min_size=1, max_size=4)


@settings(max_examples=60)
@given(sites, st.data())
def test_p_is_the_sum_over_all_outcomes_whatever_the_algorithm(sites, data) -> None:
    depths, rates = [d for d, _ in sites], [r for _, r in sites]
    alt = [data.draw(st.integers(0, d)) for d in depths]
    slow = every_outcome(alt, depths, [binomial(d, r) for d, r in zip(depths, rates, strict=True)])
    found = exact_test(alt, depths, rates)
    assert found.p_value == pytest.approx(slow, rel=1e-10)
    if sum(alt):
        assert exact_test(alt, depths, rates, use="lattice").p_value == pytest.approx(slow, rel=1e-10)
        assert exact_test(alt, depths, rates, use="enumeration").p_value == pytest.approx(slow, rel=1e-10)
        fine = exact_test(alt, depths, rates, use="fine lattice")
        assert fine.p_low * (1 - 1e-10) <= slow <= fine.p_high * (1 + 1e-10)
        assert exact_test(alt, depths, rates, use="bound").p_value >= slow * (1 - 1e-10)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 6), st.floats(0.01, 0.5), st.floats(0.5, 50)), min_size=1, max_size=3), st.data())
def test_over_dispersed_sites_have_beta_binomial_counts(sites, data) -> None:
    depths, rates, precisions = (list(x) for x in zip(*sites, strict=True))
    alt = [data.draw(st.integers(0, d)) for d in depths]
    chances = [betabinom.pmf(np.arange(d + 1), d, r * k, (1 - r) * k) for d, r, k in sites]
    found = exact_test(alt, depths, rates, precisions)
    assert found.p_value == pytest.approx(every_outcome(alt, depths, chances), rel=1e-9)


@settings(max_examples=25)
@given(st.lists(st.integers(100, 5000), min_size=2, max_size=30), st.floats(1e-5, 1e-3), st.integers(0, 2**32))
def test_order_of_sites_does_not_matter_and_more_reads_are_rarer(depths, rate, seed) -> None:
    draw = np.random.default_rng(seed)
    depths = np.array(depths)
    alt = np.minimum(draw.poisson(0.15, depths.size), depths)
    order = draw.permutation(depths.size)
    found = exact_test(alt, depths, rate)
    assert exact_test(alt[order], depths[order], rate).p_value == pytest.approx(found.p_value, rel=1e-9)
    more = alt.copy()
    more[int(draw.integers(depths.size))] += 1
    rarer = exact_test(more, depths, rate)
    assert rarer.p_low <= found.p_high * (1 + 1e-9)


def test_algorithms_agree_on_the_published_example() -> None:
    depths, alt = [443, 440, 365, 384, 437, 449, 403, 404, 387, 344], [2, 2, 1, 1, 0, 2, 1, 1, 1, 2]
    rate = 1.403502978e-4 / 3
    exact = exact_test(alt, depths, rate, use="enumeration")
    fine = exact_test(alt, depths, rate, use="fine lattice")
    assert fine.p_low <= exact.p_value <= fine.p_high
    assert fine.p_value == pytest.approx(exact.p_value, rel=1e-2)
    assert exact.p_value < exact_test(alt, depths, rate, use="bound").p_value < 1e-15
    with pytest.raises(ValueError, match="too large for 'lattice'"):
        exact_test(alt, depths, rate, use="lattice")


def test_a_site_at_which_nothing_was_seen_is_part_of_the_mean() -> None:
    # P(X >= 2) of one binomial; with a second, silent site the sum must reach the same VAF
    assert exact_test([2], [3000], 0.0005 / 3).p_value == pytest.approx(binom.sf(1, 3000, 0.0005 / 3), rel=1e-12)
    assert exact_test([0, 0], [1000, 1000], 0.001).p_value == 1.0


def test_many_mutant_reads_at_many_different_depths_have_a_bound_at_once() -> None:
    depths = np.arange(2001, 2051)
    found = exact_test(depths // 10, depths, 1e-4)
    assert (found.algorithm, found.p_low) == ("bound", 0.0)
    assert 0 < found.p_value < 1e-30


def test_distribution_of_a_site_is_scipys() -> None:
    sites = make_sites([20000, 300, 50, 7], [1e-4, 0.01, 0.4, 0.0], [np.inf, 80.0, np.nan, 5.0])
    caps = np.array([15, 12, 50, 3])
    table = background_table(sites, caps)
    assert table[0, :15] == pytest.approx(binom.pmf(np.arange(15), 20000, 1e-4), rel=1e-10)
    assert table[0, 15] == pytest.approx(binom.sf(14, 20000, 1e-4), rel=1e-9)
    assert table[1, :12] == pytest.approx(betabinom.pmf(np.arange(12), 300, 0.8, 79.2), rel=1e-9)
    assert table[1, 12] == pytest.approx(betabinom.pmf(np.arange(12, 301), 300, 0.8, 79.2).sum(), rel=1e-9)
    assert table[2, :50] == pytest.approx(binom.pmf(np.arange(50), 50, 0.4), rel=1e-9)
    assert table[3].tolist() == [1.0, *[0.0] * 50]
    assert sites_own_p(np.array([3, 0, 20, 0]), sites) == pytest.approx([binom.sf(2, 20000, 1e-4), 1, binom.sf(19, 50, 0.4), 1])


@pytest.mark.parametrize(
    ("alt", "depths", "rates", "words"),
    [
        ([1], [0], 0.1, "depths: whole numbers from 1"),
        ([1], [2.5], 0.1, "depths: whole numbers from 1"),
        ([], [], 0.1, "depths: no site"),
        ([3], [2], 0.1, "alt: more mutant observations than observations"),
        ([-1], [2], 0.1, "alt: counts are whole and not negative"),
        ([1, 1], [2], 0.1, "alt: 2 counts for 1 sites"),
        ([1], [2], 1.0, "rates: from 0 to below 1"),
        ([1], [2], np.nan, "rates: 1 value"),
    ],
)
def test_counts_that_cannot_be_are_named(alt, depths, rates, words) -> None:
    with pytest.raises(ValueError, match=words):
        exact_test(alt, depths, rates)


def test_a_precision_must_be_positive() -> None:
    with pytest.raises(ValueError, match="precisions: must be positive"):
        exact_test([1], [2], 0.1, 0.0)


def test_thousands_of_errors_have_a_p_at_once() -> None:
    # equal depths: the sum is one binomial, and every site is positive
    depths, rate = np.full(20, 1_000_000), 1e-4
    total = binom.isf([0.3, 0.01, 1e-8], 20_000_000, rate).astype(int)
    for count in total:
        alt = np.full(20, count // 20)
        alt[: count - alt.sum()] += 1
        found = exact_test(alt, depths, rate)
        assert found.algorithm == "saddlepoint"
        assert found.p_value == pytest.approx(binom.sf(count - 1, 20_000_000, rate), rel=0.003)
        assert found.p_value <= found.p_high
    spread = exact_test(np.full(20, 110), depths, rate, 1e6)
    assert spread.algorithm in ("bound", "fine lattice")
    assert 0 < spread.p_low + spread.p_value <= 2
