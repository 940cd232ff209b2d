"""The partial likelihood equals statsmodels', term by term, and a sum written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from resistance.stats.partial_likelihood import PartialLikelihood


def data(seed: int, n: int = 90, k: int = 3):
    draw = np.random.default_rng(seed)
    time = draw.integers(0, 12, n).astype(float)  # many ties, and time 0
    return time, draw.random(n) < 0.6, draw.normal(size=(n, k)), draw.integers(0, 3, n)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_equals_phreg(ties, stratified, seed):
    from statsmodels.duration.hazard_regression import PHReg

    time, event, columns, strata = data(seed)
    groups = strata if stratified else None
    peer = PHReg(time, columns, status=event.astype(float), strata=groups, ties=ties)
    ours = PartialLikelihood(time, event, columns, groups, ties)
    for params in (np.zeros(3), np.array([0.3, -1.2, 2.0])):
        assert ours.loglike(params) == pytest.approx(peer.loglike(params), rel=1e-11)
        np.testing.assert_allclose(ours.score(params), peer.score(params), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(ours.hessian(params), peer.hessian(params), rtol=1e-9, atol=1e-9)


def test_two_tied_events_by_hand():
    # at time 1 patients a and b die, c is alive: Efron divides by (a+b+c) and by (a+b+c) - (a+b)/2
    weight = np.exp([0.5, 0.0, 0.0])
    likelihood = PartialLikelihood(
        np.array([1.0, 1.0, 2.0]), np.array([True, True, False]), np.array([[1.0], [0.0], [0.0]]), None, "efron"
    )
    by_hand = 0.5 - np.log(weight.sum()) - np.log(weight.sum() - weight[:2].sum() / 2)
    assert likelihood.loglike(np.array([0.5])) == pytest.approx(by_hand)


def test_a_large_coefficient_neither_overflows_nor_gains():
    time, event, columns, _ = data(4)
    assert np.isfinite(PartialLikelihood(time, event, columns, None, "efron").loglike(np.array([200.0, 0.0, 0.0])))


def test_the_order_of_patients_does_not_matter():
    time, event, columns, strata = data(5)
    order = np.random.default_rng(0).permutation(len(time))
    one = PartialLikelihood(time, event, columns, strata, "efron")
    other = PartialLikelihood(time[order], event[order], columns[order], strata[order], "efron")
    params = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(one.hessian(params), other.hessian(params), rtol=1e-10)
