"""Fractions, their mean and their ratio: intervals that hold, by complete enumeration and against known formulas."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, gamma, poisson

from resistance.stats.fractions import Estimate, clopper_pearson, fraction_ratio, inverse, log_sum, mean_fraction, times_error


@pytest.mark.parametrize(("alt", "depth"), [(0, 100), (1, 7), (5, 100), (99, 100), (100, 100), (13, 1327)])
def test_clopper_pearson_is_that_of_scipy(alt, depth):
    low, high = clopper_pearson(alt, depth)
    found = binomtest(alt, depth).proportion_ci(0.95, "exact")
    assert (float(low), float(high)) == pytest.approx((found.low, found.high), abs=1e-12)


def test_what_was_not_read_has_no_interval():
    low, high = clopper_pearson([1.0, np.nan, 0.0], [10.0, 10.0, 0.0])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True]


def test_more_mutant_reads_than_reads_are_refused():
    with pytest.raises(ValueError, match="alt must lie between 0 and depth"):
        clopper_pearson(11, 10)


@pytest.mark.parametrize(("alt", "depth"), [(0, 50), (1, 50), (25, 50), (49, 50), (50, 50)])
def test_of_one_site_the_mean_has_the_exact_interval(alt, depth):
    found = mean_fraction([alt], [depth])
    exact = binomtest(alt, depth).proportion_ci(0.95, "exact")
    assert (found.value, found.low, found.high) == pytest.approx((alt / depth, exact.low, exact.high), abs=1e-12)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12))
@settings(max_examples=40)
def test_of_sites_of_one_depth_it_is_that_of_the_pooled_reads_or_wider(alts):
    depth = 200
    found = mean_fraction(alts, [depth] * len(alts))
    exact = binomtest(sum(alts), depth * len(alts)).proportion_ci(0.95, "exact")
    assert found.low == pytest.approx(exact.low, abs=1e-12)
    assert found.high == pytest.approx(exact.high, abs=1e-12)


def test_of_small_fractions_it_is_the_interval_of_fay_and_feuer():
    """Their gamma bounds for weighted sums of Poisson counts, written out: binomial of a large depth is Poisson."""
    counts, depths = np.array([3, 0, 7, 2]), np.array([2e6, 9e6, 4e6, 5e6])
    w = 1 / (4 * depths)
    y, v, top = (w * counts).sum(), (w**2 * counts).sum(), w.max()
    low = gamma.ppf(0.025, y**2 / v, scale=v / y)
    high = gamma.ppf(0.975, (y + top) ** 2 / (v + top**2), scale=(v + top**2) / (y + top))
    found = mean_fraction(counts, depths)
    assert (found.value, found.low, found.high) == pytest.approx((y, low, high), rel=1e-5)


@pytest.mark.parametrize(
    ("depths", "fractions"),
    [
        ((10, 40), (0.1, 0.1)),
        ((10, 40), (0.5, 0.02)),
        ((10, 40), (0.02, 0.5)),
        ((5, 30), (0.1, 0.9)),
        ((2, 60), (0.0, 0.05)),
        ((4, 25), (0.01, 0.99)),
        ((6, 6, 20), (0.1, 0.4, 0.05)),
    ],
)
def test_each_bound_errs_with_at_most_its_probability_whatever_is_read(depths, fractions):
    """Complete enumeration of all reads that two or three sites of unequal depth can show."""
    truth, below, above = np.mean(fractions), 0.0, 0.0
    chances = [binom.pmf(np.arange(n + 1), n, p) for n, p in zip(depths, fractions, strict=True)]
    for reads in itertools.product(*(range(n + 1) for n in depths)):
        chance = math.prod(c[x] for c, x in zip(chances, reads, strict=True))
        if chance > 1e-7:
            found = mean_fraction(reads, depths)
            below += chance * (found.high < truth)
            above += chance * (found.low > truth)
    assert below <= 0.025
    assert above <= 0.025


@pytest.mark.parametrize(("vaf", "sites"), [(3e-4, 20), (0.01, 8), (0.1, 8), (0.4, 8)])
def test_coverage_at_the_depths_of_a_panel_is_at_least_95_per_cent_where_pooling_fails(vaf, sites):
    rng = np.random.default_rng(7)
    depths = rng.integers(60, 3000, sites)
    fractions = np.minimum(vaf * rng.gamma(2, 0.5, sites), 1)
    draws = rng.binomial(depths, fractions, (500, sites))
    found = [mean_fraction(x, depths) for x in draws]
    held = np.mean([e.low <= fractions.mean() <= e.high for e in found])
    assert held >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 500)


def test_pooled_reads_would_miss_the_mean_of_unequal_depths():
    """Why it is not the pooled interval: a site of 10,000 reads would speak for one of 100."""
    found = mean_fraction([50, 10], [100, 10000])
    pooled = binomtest(60, 10100).proportion_ci(0.95, "exact")
    assert found.value == pytest.approx(0.2505)
    assert pooled.high < found.low < found.value < found.high


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 400)), min_size=1, max_size=6))
@settings(max_examples=60)
def test_the_bounds_hold_the_mean_and_do_not_care_for_the_order(sites):
    alt, depth = [min(a, n) for a, n in sites], [n for _, n in sites]
    found = mean_fraction(alt, depth)
    assert 0 <= found.low <= found.value <= found.high <= 1
    turned = mean_fraction(alt[::-1], depth[::-1])
    assert (turned.value, turned.low, turned.high) == pytest.approx((found.value, found.low, found.high), rel=1e-9)


@pytest.mark.parametrize(("alt", "depth"), [([], []), ([0], [0]), ([3], [2]), ([-1], [2])])
def test_what_is_no_count_is_refused(alt, depth):
    with pytest.raises(ValueError, match="at least one site"):
        mean_fraction(alt, depth)


def test_the_ratio_is_exact_given_the_sum():
    """R's poisson.test(c(10, 10), c(1000, 1000)) by its definition: bounds p / (1 - p) of binom.test(10, 20)."""
    exact = binomtest(10, 20).proportion_ci(0.95, "exact")
    ratio, low, high = fraction_ratio(10, 1000, 10, 1000)
    assert (float(ratio), float(low), float(high)) == pytest.approx(
        (1, exact.low / (1 - exact.low), exact.high / (1 - exact.high))
    )


def test_the_ratio_knows_the_depths_and_zeros():
    ratio, low, high = fraction_ratio([20, 5, 0, 0, np.nan], [1000, 100, 100, 10, 10], [10, 0, 0, 3, 1], [2000, 50, 50, 10, 10])
    assert ratio[0] == pytest.approx(4)
    assert (ratio[1], high[1]) == (np.inf, np.inf)
    # 5 of 5 on one side: the share is at least .025 ** (1 / 5)
    share = 0.025 ** (1 / 5)
    assert low[1] == pytest.approx(50 / 100 * share / (1 - share))
    assert np.isnan(ratio[2])
    assert (low[2], high[2]) == (0, np.inf)
    assert (ratio[3], low[3]) == (0, 0)
    assert np.isnan([ratio[4], low[4], high[4]]).all()


def test_the_ratio_of_poisson_counts_holds_95_per_cent():
    rate, other = 6.0, 3.0
    grid = np.arange(40)
    chance = np.outer(poisson.pmf(grid, rate), poisson.pmf(grid, other))
    _, low, high = fraction_ratio(grid[:, None], 10_000, grid[None, :], 10_000)
    missed = (chance * ((low > 2) | (high < 2))).sum()
    assert missed <= 0.05


def test_an_error_of_the_mass_joins_the_error_of_the_reads_on_the_log_scale():
    found = times_error(Estimate(0.1, 0.08, 0.12), 0.1)
    half = 1.959963985 * math.sqrt(math.log(1.01))
    assert found.value == 0.1
    assert found.low == pytest.approx(0.1 * math.exp(-math.hypot(math.log(0.1 / 0.08), half)))
    assert found.high == pytest.approx(0.1 * math.exp(math.hypot(math.log(0.12 / 0.1), half)))
    assert times_error(Estimate(0.1, 0.08, 0.12), 0.0).high == pytest.approx(0.12)


def test_joined_on_the_log_scale_two_normal_errors_are_the_delta_method():
    one, two = (Estimate(v, v * math.exp(-1.96 * s), v * math.exp(1.96 * s)) for v, s in ((2.0, 0.3), (5.0, 0.4)))
    found = log_sum(one, two)
    assert found.high == pytest.approx(10 * math.exp(1.96 * 0.5))
    assert found.low == pytest.approx(10 * math.exp(-1.96 * 0.5))


def test_nothing_stays_nothing_and_its_bound_stays_a_bound():
    found = log_sum(Estimate(0.0, 0.0, 0.01), Estimate(100.0, 80.0, 125.0))
    assert (found.value, found.low, found.high) == (0, 0, pytest.approx(1.25))


def test_an_inverse_turns_the_bounds():
    found = inverse(Estimate(2.0, 1.0, 4.0))
    assert (found.value, found.low, found.high) == (0.5, 0.25, 1.0)
    assert inverse(Estimate(2.0, 0.0, 4.0)).high == math.inf
    with pytest.raises(ValueError, match="only a positive"):
        inverse(Estimate(0.0, 0.0, 1.0))
