"""The exact likelihood of ties equals a sum over all subsets, written out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from resistance.stats.cox import cox
from resistance.stats.exact_ties import ExactPartialLikelihood, subset_sums


def by_hand(columns: np.ndarray, params: np.ndarray, d: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, mean and covariance over all subsets of d rows."""
    sums = np.array([columns[list(chosen)].sum(axis=0) for chosen in combinations(range(len(columns)), d)])
    top = (sums @ params).max()
    weight = np.exp(sums @ params - top)
    mean = weight @ sums / weight.sum()
    away = sums - mean
    return np.log(weight.sum()) + top, mean, (weight[:, None] * away).T @ away / weight.sum()


@pytest.mark.parametrize("d", [2, 3, 5, 6, 8, 9])
@pytest.mark.parametrize("size", [0.0, 1.0, 6.0])
def test_sum_over_subsets_and_its_derivatives(d: int, size: float) -> None:
    columns = np.random.default_rng(d).normal(size=(9, 2)) + np.array([50, 0])
    params = size * np.array([0.4, -1.0])
    filled = np.stack([columns, np.vstack([columns[::-1][:6], np.zeros((3, 2))])])  # and six of them, filled up
    present = np.array([[True] * 9, [True] * 6 + [False] * 3])
    count = 2 if d <= 6 else 1
    found = subset_sums(filled[:count], present[:count], params, d)
    for place, rows in enumerate((columns, columns[::-1][:6])[:count]):
        for ours, slow in zip(found, by_hand(rows, params, d), strict=True):
            np.testing.assert_allclose(ours[place], slow, rtol=1e-9, atol=1e-9)


def test_a_thousand_patients_with_three_hundred_ties_neither_overflow_nor_underflow() -> None:
    from scipy.special import gammaln

    value, mean, covariance = subset_sums(np.arange(1000.0).reshape(1, 1000, 1) % 2, np.ones((1, 1000), bool), np.zeros(1), 300)
    assert value[0] == pytest.approx(gammaln(1001) - gammaln(301) - gammaln(701), rel=1e-12)
    assert mean[0] == pytest.approx([150])
    assert covariance[0, 0, 0] == pytest.approx(300 * 0.25 * 700 / 999)  # hypergeometric


def test_likelihood_with_strata_and_delayed_entry_by_hand() -> None:
    draw = np.random.default_rng(2)
    n = 24
    start = draw.integers(0, 3, n).astype(float)
    time = start + draw.integers(1, 5, n)
    event, strata, columns, params = draw.random(n) < 0.7, draw.integers(0, 2, n), draw.normal(size=(n, 2)), np.array([0.5, -0.3])
    expected = 0.0
    for group in (0, 1):
        for at in np.unique(time[event & (strata == group)]):
            at_risk = (strata == group) & (start < at) & (at <= time)
            dead = at_risk & event & (time == at)
            expected += columns[dead].sum(axis=0) @ params - by_hand(columns[at_risk], params, int(dead.sum()))[0]
    assert ExactPartialLikelihood(time, event, columns, strata, start).loglike(params) == pytest.approx(expected, rel=1e-12)


def test_without_ties_all_three_methods_are_one() -> None:
    draw = np.random.default_rng(3)
    time, event, x = draw.permutation(40) + 1.0, draw.random(40) < 0.6, draw.normal(size=(40, 2))
    found = [cox(time, event, x, ties=ties) for ties in ("exact", "efron", "breslow")]
    for other in found[1:]:
        assert other.coef == pytest.approx(found[0].coef, rel=1e-8)
        assert other.loglike == pytest.approx(found[0].loglike, rel=1e-12)
        assert other.score_chi2 == pytest.approx(found[0].score_chi2, rel=1e-10)


def test_one_time_for_all_events_is_conditional_logistic_regression_of_a_two_by_two_table() -> None:
    # the maximum is the conditional estimate of the odds ratio, as Fisher's exact test reports it
    from scipy.stats.contingency import odds_ratio

    marker = np.repeat([1, 1, 0, 0], [6, 4, 3, 12])
    event = np.repeat([1, 0, 1, 0], [6, 4, 3, 12])
    found = cox(np.ones(25), event, marker, ties="exact")
    assert np.exp(found.coef[0]) == pytest.approx(odds_ratio([[6, 4], [3, 12]]).statistic, rel=1e-5)


def test_everybody_with_the_event_at_once_says_nothing() -> None:
    found = cox(np.ones(6), np.ones(6), [0, 1, 0, 1, 0, 1], ties="exact")
    assert (found.converged, found.reason, found.columns) == (False, "collinear", (0,))


def test_weights_and_robust_variance_are_refused() -> None:
    for extra in ({"weights": [1, 2, 1]}, {"robust": True}, {"cluster": [0, 0, 1]}):
        with pytest.raises(ValueError, match="exact ties have neither"):
            cox([1, 2, 3], [1, 1, 1], [0, 1, 0], ties="exact", **extra)
