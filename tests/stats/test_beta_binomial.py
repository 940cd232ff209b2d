"""The beta-binomial fit against scipy's own likelihood, searched by brute force, and against its moments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom

from resistance.stats.beta_binomial import fit_beta_binomial, shrunken_rates, tail_probability


def _likelihood(k, n, mean, rho):
    precision = 1 / rho - 1
    return betabinom.logpmf(k, n, mean * precision, (1 - mean) * precision).sum()


def _drawn(seed, n=300, mean=5e-4, rho=2e-4, depth=4000):
    rng = np.random.default_rng(seed)
    depths = rng.integers(depth // 2, depth, n)
    precision = 1 / rho - 1
    return rng.binomial(depths, rng.beta(mean * precision, (1 - mean) * precision, n)), depths


@pytest.mark.parametrize("seed", range(4))
def test_no_neighbour_is_more_likely_than_the_fit(seed):
    k, n = _drawn(seed)
    fit = fit_beta_binomial(k, n)
    assert fit.method == "beta_binomial"
    top = _likelihood(k, n, fit.mean, fit.rho)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2):
        assert _likelihood(k, n, fit.mean * factor, fit.rho) < top
        assert _likelihood(k, n, fit.mean, fit.rho * factor) < top
        assert _likelihood(k, n, fit.mean * factor, fit.rho / factor) < top


def test_a_search_of_the_whole_grid_finds_the_same_maximum():
    k, n = _drawn(11)
    fit = fit_beta_binomial(k, n)
    means = np.exp(np.linspace(np.log(2e-4), np.log(1.2e-3), 40))
    rhos = np.exp(np.linspace(np.log(2e-5), np.log(2e-3), 40))
    grid = np.array([[_likelihood(k, n, m, r) for r in rhos] for m in means])
    i, j = np.unravel_index(grid.argmax(), grid.shape)
    assert fit.mean == pytest.approx(means[i], rel=0.06)
    assert fit.rho == pytest.approx(rhos[j], rel=0.15)
    assert grid.max() <= _likelihood(k, n, fit.mean, fit.rho)


def test_its_log_likelihood_is_that_of_scipy_but_for_the_coefficients():
    k, n = _drawn(3)
    fit = fit_beta_binomial(k, n)
    coefficients = (binom.logpmf(k, n, 0.5) - n * np.log(0.5)).sum()
    assert fit.log_likelihood + coefficients == pytest.approx(_likelihood(k, n, fit.mean, fit.rho), abs=1e-5)


def test_binomial_counts_are_called_binomial_or_nearly_so():
    rng = np.random.default_rng(0)
    found = [fit_beta_binomial(rng.binomial(3000, 1e-3, 200), np.full(200, 3000)) for _ in range(40)]
    # on the edge of the likelihood about half the samples have their maximum at no over-dispersion
    flat = [fit for fit in found if fit.method == "binomial"]
    assert 10 <= len(flat) <= 35
    assert {fit.reason for fit in flat} == {"no over-dispersion"}
    assert max(fit.rho for fit in found) < 2e-4


@pytest.mark.parametrize(
    ("k", "n", "reason"),
    [([5, 0, 0], [100, 100, 100], "too few positions"), ([1] + [0] * 60, [100] * 61, "too few errors")],
)
def test_too_little_to_tell_is_said(k, n, reason):
    fit = fit_beta_binomial(k, n)
    assert (fit.method, fit.reason, fit.rho) == ("binomial", reason, 0.0)
    assert fit.mean == sum(k) / sum(n)


def test_positions_without_reads_do_not_count():
    k, n = _drawn(5)
    fit = fit_beta_binomial(k, n)
    assert fit_beta_binomial(np.append(k, [0, 0]), np.append(n, [0, 0])) == fit
    assert fit.n == 300
    empty = fit_beta_binomial([0], [0])
    assert (empty.method, np.isnan(empty.mean)) == ("no_data", True)


def test_the_order_of_positions_gives_the_same_bytes():
    k, n = _drawn(6)
    order = np.random.default_rng(0).permutation(k.size)
    assert fit_beta_binomial(k, n) == fit_beta_binomial(k[order], n[order])


def test_more_errors_than_reads_is_no_input():
    with pytest.raises(ValueError, match="from 0 to its depth"):
        fit_beta_binomial([3], [2])


def test_tail_probabilities_are_sums_of_the_mass():
    k, n, mean, rho = 3, 50, 0.01, 0.02
    precision = 1 / rho - 1
    mass = [betabinom.pmf(x, n, mean * precision, (1 - mean) * precision) for x in range(k, n + 1)]
    assert tail_probability(k, n, mean, rho) == pytest.approx(sum(mass))
    assert tail_probability(k, n, mean, 0.0) == pytest.approx(sum(binom.pmf(x, n, mean) for x in range(k, n + 1)))
    assert tail_probability([0, 1], [10, 0], mean, rho)[0] == 1
    assert np.isnan(tail_probability([0, 1], [10, 0], mean, rho)[1])
    # a little over-dispersion is hardly any
    assert tail_probability(k, n, mean, 1e-7) == pytest.approx(tail_probability(k, n, mean, 0.0), rel=1e-4)


def test_drawn_rates_lie_between_their_own_and_the_common():
    k, n = np.array([0.0, 50.0]), np.array([1e4, 1e4])
    out = shrunken_rates(k, n, 1e-3, 2e4)
    assert 0 < out[0] < 1e-3 < out[1] < 5e-3
    assert shrunken_rates(k, n, 1e-3, np.inf).tolist() == [1e-3, 1e-3]
    assert shrunken_rates(k, n, 1e-3, 0.0).tolist() == [0.0, 5e-3]
