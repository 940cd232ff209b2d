"""Equal fractions at two times: Fisher's test where it is one, slow sums where it is not, and no more false findings than promised."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import betabinom, fisher_exact, nchypergeom_fisher

from resistance.stats.paired_counts import equal_fractions

RNG = np.random.default_rng(20260101)


def draw(depth, fraction, rho, size, rng):
    if rho:
        fraction = rng.beta(fraction * (1 - rho) / rho, (1 - fraction) * (1 - rho) / rho, size)
    return rng.binomial(depth, fraction, size)


def test_without_background_and_overdispersion_it_is_fishers_test():
    m, n = RNG.integers(5, 3000, 200), RNG.integers(5, 3000, 200)
    a, b = RNG.binomial(m, 0.02), RNG.binomial(n, 0.03)
    found = equal_fractions(a, m, b, n)
    for i in range(200):
        table = [[a[i], b[i]], [m[i] - a[i], n[i] - b[i]]]
        assert found.p_value[i] == pytest.approx(min(1, fisher_exact(table).pvalue), rel=1e-8)
        assert found.p_rise[i] == pytest.approx(fisher_exact(table, alternative="less").pvalue, rel=1e-8)
        assert found.p_fall[i] == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-8)


def test_equal_background_leaves_fishers_test():
    found = equal_fractions([3], [900], [20], [1000], background=(1e-3, 1e-3))
    assert found.p_value[0] == pytest.approx(fisher_exact([[3, 20], [897, 980]]).pvalue, rel=1e-8)


def test_an_offset_is_the_noncentral_test_of_the_odds_ratio_that_it_makes():
    a, m, b, n, ratio = 40, 500, 30, 400, 0.5
    f = (a + b) / (m + ratio * n)
    odds = (ratio * f / (1 - ratio * f)) / (f / (1 - f))
    x = np.arange(0, a + b + 1)
    chance = nchypergeom_fisher(m + n, a + b, n, odds).pmf(x)  # of the second sample's reads
    expected = chance[chance <= chance[b] * (1 + 1e-7)].sum()
    assert equal_fractions(a, m, b, n, log_ratio=math.log(ratio)).p_value[0] == pytest.approx(expected, rel=1e-6)


def test_overdispersion_by_a_slow_sum():
    a, m, b, n, rho, e = 4, 800, 25, 1200, (1e-3, 2e-3), (2e-4, 1e-3)
    w = [1 / (1 + (d - 1) * r) for d, r in zip((m, n), rho, strict=True)]
    hits = w[0] * (a - e[0] * m) / (1 - e[0]) + w[1] * (b - e[1] * n) / (1 - e[1])
    size = w[0] * m + w[1] * n
    below = (hits + 0.5 - math.sqrt(hits * (1 - hits / size) + 0.25)) / (size + 1)  # Wilson at one standard error

    def p_at(f):
        chance = []
        for x in range(a + b + 1):
            p = 1.0
            for count, depth, r, error in ((x, m, rho[0], e[0]), (a + b - x, n, rho[1], e[1])):
                mean = error + (1 - error) * f
                p *= betabinom.pmf(count, depth, mean * (1 - r) / r, (1 - mean) * (1 - r) / r)
            chance.append(p)
        return sum(p for p in chance if p <= chance[a] * (1 + 1e-7)) / sum(chance)

    found = equal_fractions(a, m, b, n, background=e, overdispersion=rho)
    assert found.p_value[0] == pytest.approx(max(p_at(hits / size), p_at(below)), rel=1e-7)


def test_an_uncertain_offset_makes_less_certain():
    sure = equal_fractions(50, 1000, 100, 1000, log_ratio=0.0).p_value[0]
    unsure = equal_fractions(50, 1000, 100, 1000, log_ratio=0.0, log_ratio_se=0.3).p_value[0]
    assert sure < 1e-4
    assert unsure > 0.01


def test_exchanging_the_samples_exchanges_the_sides():
    one = equal_fractions(5, 700, 30, 900, background=(1e-4, 1e-3), overdispersion=(1e-3, 5e-4))
    other = equal_fractions(30, 900, 5, 700, background=(1e-3, 1e-4), overdispersion=(5e-4, 1e-3))
    assert one.p_value[0] == pytest.approx(other.p_value[0], rel=1e-9)
    assert one.p_rise[0] == pytest.approx(other.p_fall[0], rel=1e-9)


def test_no_mutant_read_is_no_difference_and_unknown_is_unknown():
    found = equal_fractions([0, np.nan, 3], [100, 100, 0], [0, 1, 1], [100, 100, 100])
    assert found.p_value[0] == 1
    assert np.isnan(found.p_value[1:]).all()


@pytest.mark.parametrize("rho", [0.0, 5e-4, 5e-3])
@pytest.mark.parametrize("fraction", [1e-4, 0.01, 0.1])
def test_false_positives_are_no_more_than_promised(rho, fraction):
    rng = np.random.default_rng(7)
    size = 4000
    a, b = draw(1000, fraction, rho, size, rng), draw(2000, fraction, rho, size, rng)
    p = equal_fractions(a, 1000, b, 2000, overdispersion=(rho, rho)).p_value
    for alpha in (0.05, 0.001):
        allowed = alpha + 3.5 * math.sqrt(alpha * (1 - alpha) / size)
        assert (p <= alpha).mean() <= allowed


def test_fishers_test_would_find_what_libraries_alone_differ_by():
    rng = np.random.default_rng(8)
    a, b = draw(2000, 0.2, 5e-3, 1000, rng), draw(2000, 0.2, 5e-3, 1000, rng)
    assert (equal_fractions(a, 2000, b, 2000).p_value <= 0.05).mean() > 0.4
    assert (equal_fractions(a, 2000, b, 2000, overdispersion=(5e-3, 5e-3)).p_value <= 0.05).mean() < 0.07
