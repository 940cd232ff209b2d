"""Bernoulli mixtures against slow recomputations, closed forms and planted classes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from resistance.stats.bernoulli_mixture import (
    BernoulliMixture,
    bernoulli_posterior,
    choose_bernoulli_mixture,
    fit_bernoulli_mixture,
)


def planted(n=300, k=3, d=12, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    p = np.full((k, d), 0.05)
    for c in range(k):
        p[c, c * (d // k) : (c + 1) * (d // k)] = 0.85
    z = rng.permutation(np.arange(n) % k)
    x = (rng.random((n, d)) < p[z]).astype(float)
    x[rng.random(x.shape) < gaps] = np.nan
    return x, z, p


def slow_density(row, p):
    return math.prod((q if v == 1 else 1 - q) for v, q in zip(row, p, strict=True) if not math.isnan(v))


def slow_posterior(row, weights, p):
    joint = [w * slow_density(row, q) for w, q in zip(weights, p, strict=True)]
    return [value / sum(joint) for value in joint]


@pytest.fixture(scope="module")
def fitted():
    x, z, p = planted(gaps=0.1)
    return fit_bernoulli_mixture(x, 3, rng=np.random.default_rng(1)), x, z, p


def test_posteriors_are_those_of_bayes_rule_written_out(fitted):
    mixture, x, _, _ = fitted
    found = bernoulli_posterior(mixture, x[:40])
    slow = [slow_posterior(row, mixture.weights, mixture.probabilities) for row in x[:40]]
    np.testing.assert_allclose(found, slow, rtol=1e-10, atol=1e-14)


def test_an_unseen_feature_is_summed_over_both_its_values(fitted):
    mixture, _, _, _ = fitted
    row = np.array([1, 0, np.nan, 1, 0, 0, np.nan, 0, 0, 0, 1, np.nan])
    total = np.zeros(3)
    for values in itertools.product((0.0, 1.0), repeat=3):
        full = row.copy()
        full[np.isnan(row)] = values
        total += [w * slow_density(full, p) for w, p in zip(mixture.weights, mixture.probabilities, strict=True)]
    np.testing.assert_allclose(bernoulli_posterior(mixture, row[None])[0], total / total.sum(), rtol=1e-10)


def test_a_row_without_any_observed_entry_has_the_shares_of_the_classes_and_takes_no_part(fitted):
    mixture, x, _, _ = fitted
    nothing = np.full((1, x.shape[1]), np.nan)
    np.testing.assert_allclose(bernoulli_posterior(mixture, nothing)[0], mixture.weights, rtol=1e-12)
    more = fit_bernoulli_mixture(np.vstack([x, nothing]), 3, rng=np.random.default_rng(1))
    assert more.n == mixture.n == len(x)
    np.testing.assert_allclose(more.probabilities, mixture.probabilities, atol=1e-4)


def test_the_likelihood_bic_and_icl_are_those_written_out(fitted):
    mixture, x, _, _ = fitted
    likelihood = sum(
        math.log(sum(w * slow_density(row, p) for w, p in zip(mixture.weights, mixture.probabilities, strict=True))) for row in x
    )
    assert mixture.log_likelihood == pytest.approx(likelihood, rel=1e-10)
    assert mixture.n_parameters == 2 + 3 * 12
    assert mixture.bic == pytest.approx(-2 * likelihood + 38 * math.log(300), rel=1e-10)
    entropy = -sum(p * math.log(p) for row in x for p in slow_posterior(row, mixture.weights, mixture.probabilities) if p > 0)
    assert mixture.icl == pytest.approx(mixture.bic + 2 * entropy, rel=1e-8)


def test_the_fit_is_a_fixed_point_of_em_written_out(fitted):
    mixture, x, _, _ = fitted
    share = np.array([slow_posterior(row, mixture.weights, mixture.probabilities) for row in x])
    for c in range(3):
        assert mixture.weights[c] == pytest.approx((share[:, c].sum() + 0.5) / (len(x) + 1.5), abs=1e-4)
        for j in range(x.shape[1]):
            seen = ~np.isnan(x[:, j])
            expected = ((share[seen, c] * x[seen, j]).sum() + 0.5) / (share[seen, c].sum() + 1.0)
            assert mixture.probabilities[c, j] == pytest.approx(expected, abs=1e-3)


def test_planted_classes_are_found_with_their_probabilities(fitted):
    mixture, x, z, p = fitted
    call = bernoulli_posterior(mixture, x).argmax(axis=1)
    agree = max(sum(perm[c] == t for c, t in zip(call, z, strict=True)) for perm in itertools.permutations(range(3)))
    assert agree >= 295
    order = [int(np.argmin(np.abs(mixture.probabilities - q).sum(axis=1))) for q in p]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(mixture.probabilities[order], p, atol=0.12)


@pytest.mark.parametrize("criterion", ["icl", "bic"])
def test_the_number_of_planted_classes_is_chosen(criterion):
    x, _, _ = planted(n=400, k=4, d=16, seed=3)
    best, fits = choose_bernoulli_mixture(x, range(1, 7), rng=np.random.default_rng(1), criterion=criterion)
    assert best.k == 4
    assert sorted(fits) == [1, 2, 3, 4, 5, 6]
    assert getattr(best, criterion) == min(getattr(fit, criterion) for fit in fits.values())


def test_one_class_is_the_frequencies():
    x, _, _ = planted(n=50)
    found = fit_bernoulli_mixture(x, 1, rng=np.random.default_rng(1), pseudo_count=0)
    np.testing.assert_allclose(found.probabilities[0], np.clip(x.mean(axis=0), 1e-6, 1 - 1e-6), rtol=1e-9)
    assert found.weights.tolist() == [1.0]
    assert found.icl == pytest.approx(found.bic)


def test_the_same_generator_gives_the_same_fit_and_classes_go_from_large_to_small():
    x, _, _ = planted(seed=5)
    one, two = (fit_bernoulli_mixture(x, 4, rng=np.random.default_rng(7)) for _ in range(2))
    assert (one.probabilities == two.probabilities).all()
    assert list(one.weights) == sorted(one.weights, reverse=True)


def test_more_steps_never_lower_the_posterior_density():
    x, _, _ = planted(seed=2, gaps=0.2)

    def objective(fit: BernoulliMixture) -> float:
        p = fit.probabilities
        return fit.log_likelihood + 0.5 * (np.log(p).sum() + np.log1p(-p).sum() + np.log(fit.weights).sum())

    runs = [
        objective(fit_bernoulli_mixture(x, 3, rng=np.random.default_rng(1), restarts=1, max_iterations=steps, tolerance=0))
        for steps in (2, 4, 8, 16, 60)
    ]
    assert all(b >= a - 1e-8 for a, b in itertools.pairwise(runs))


def test_the_fewer_features_are_seen_the_wider_is_the_posterior(fitted):
    mixture, x, _, _ = fitted
    full = np.where(np.isnan(x), 0, x)
    few = full.copy()
    few[:, 2:] = np.nan
    assert bernoulli_posterior(mixture, few).max(axis=1).mean() < bernoulli_posterior(mixture, full).max(axis=1).mean() - 0.1


def test_a_fit_that_was_stopped_says_so():
    x, _, _ = planted()
    assert not fit_bernoulli_mixture(x, 3, rng=np.random.default_rng(1), max_iterations=1).converged


@pytest.mark.parametrize(
    ("data", "k", "message"),
    [
        ([[0, 2.0]], 1, "other than 0, 1 and NaN"),
        ([[0, 1], [1, 0]], 3, "2 rows with an observed entry cannot be 3 classes"),
        ([[math.nan, math.nan]], 1, "0 rows"),
        ([0, 1], 1, "two dimensions"),
        ([[0, 1], [1, 0]], 0, "cannot be 0 classes"),
    ],
)
def test_what_cannot_be_fitted_is_refused(data, k, message):
    with pytest.raises(ValueError, match=message):
        fit_bernoulli_mixture(np.array(data, dtype=float), k, rng=np.random.default_rng(1))


def test_other_features_than_those_of_the_fit_are_refused(fitted):
    with pytest.raises(ValueError, match="has 2 features, the mixture 12"):
        bernoulli_posterior(fitted[0], np.zeros((1, 2)))
    with pytest.raises(ValueError, match="neither icl nor bic"):
        choose_bernoulli_mixture(np.eye(4), [2], rng=np.random.default_rng(1), criterion="aic")
