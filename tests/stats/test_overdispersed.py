"""Chances of mutant reads where libraries differ, against scipy's distributions and published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom

from resistance.stats.overdispersed import critical_count, detectable_fraction, fraction_interval, log_pmf, upper_tail

RHO = (1e-4, 5e-4, 0.01, 0.3)


def reference(n, f, rho):
    return betabinom(n, f * (1 - rho) / rho, (1 - f) * (1 - rho) / rho) if rho else binom(n, f)


@pytest.mark.parametrize("rho", [0.0, *RHO])
@pytest.mark.parametrize("f", [1e-4, 0.01, 0.5, 0.97])
def test_probabilities_are_those_of_the_beta_binomial(rho, f):
    x = np.arange(0, 301)
    assert np.exp(log_pmf(x, 300, f, rho)) == pytest.approx(reference(300, f, rho).pmf(x), rel=1e-8, abs=1e-300)
    assert np.exp(log_pmf(x, 300, f, rho)).sum() == pytest.approx(1, abs=1e-9)


def test_overdispersion_is_the_intraclass_correlation():
    x = np.arange(0, 2001)
    p = np.exp(log_pmf(x, 2000, 0.1, 5e-4))
    mean = (p * x).sum()
    assert mean == pytest.approx(200)
    assert (p * (x - mean) ** 2).sum() == pytest.approx(2000 * 0.1 * 0.9 * (1 + 1999 * 5e-4))


def test_what_cannot_be_has_no_chance():
    assert log_pmf([-1, 11], 10, 0.5, 0.0).tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize("rho", [0.0, *RHO])
def test_tails_are_those_of_the_beta_binomial(rho):
    for n, f, x in [(2000, 1e-4, 1), (2000, 1e-4, 7), (500, 0.2, 90), (500, 0.2, 300), (50, 0.9, 50), (50, 0.9, 0)]:
        # scipy's own upper tail of a beta-binomial is a difference from 1: it has no digits below 1e-12
        expected = float(reference(n, f, rho).pmf(np.arange(x, n + 1)).sum())
        assert float(upper_tail(x, n, f, rho)) == pytest.approx(expected, rel=1e-7, abs=1e-15)


def test_tails_of_no_reads_and_of_more_than_all():
    assert upper_tail([0, 1, 6], [0, 0, 5], 0.1, [0.0, 0.0, 0.01]).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("rho", [0.0, 1e-3])
def test_the_critical_count_is_the_first_that_background_rarely_gives(rho):
    n = np.array([50, 1000, 20_000])
    found = critical_count(n, 2e-4, rho, alpha=0.05)
    for reads, count in zip(n, found, strict=True):
        chance = [float(reference(reads, 2e-4, rho).pmf(np.arange(c, reads + 1)).sum()) for c in range(1, int(count) + 1)]
        assert chance[-1] <= 0.05
        assert all(p > 0.05 for p in chance[:-1])


def test_the_critical_count_is_never_below_what_is_asked():
    assert critical_count([0, 10, 10], 0.0, least=2).tolist() == [2, 2, 2]


def test_detectable_fraction_is_the_published_one():
    # 95 % at VAF 1e-4 with one variant needs 29,957 genomes
    assert float(detectable_fraction(29957, 1)) == pytest.approx(1e-4, rel=1e-4)


@pytest.mark.parametrize("rho", [0.0, 5e-4, 0.01])
def test_a_detectable_fraction_is_detected_with_that_probability(rho):
    n, c = np.array([200, 2000, 2000]), np.array([1, 2, 6])
    f = detectable_fraction(n, c, rho)
    assert upper_tail(c, n, f, rho) == pytest.approx(0.95, abs=1e-6)


def test_too_few_reads_detect_nothing_and_unknown_reads_are_unknown():
    found = detectable_fraction([1, np.nan], [2, 1], 5e-4)
    assert found[0] == 1
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("mutant", "depth", "low", "high"),
    [(0, 100, 0.0, 0.03621669), (5, 100, 0.01643188, 0.11283491), (10, 10, 0.69150289, 1.0)],  # binom.test in R
)
def test_without_overdispersion_the_interval_is_clopper_pearson(mutant, depth, low, high):
    found = fraction_interval(mutant, depth)
    assert (float(found[0]), float(found[1])) == pytest.approx((low, high), abs=1e-7)


def test_overdispersion_divides_the_reads():
    # 1 + 999 / 999 = 2: half the reads
    wide = fraction_interval(100, 1000, 1 / 999)
    half = fraction_interval(50, 500)
    assert (float(wide[0]), float(wide[1])) == pytest.approx((float(half[0]), float(half[1])), rel=1e-9)


def test_the_interval_of_nothing_known_is_unknown():
    low, high = fraction_interval([np.nan, 1, 0], [10, np.nan, 0])
    assert np.isnan(low).all()
    assert np.isnan(high).all()
