"""Co-occurrence given the burden: against enumeration, against an independent fit, and on planted truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import fisher_exact, poisson_binom

from resistance.stats.cooccurrence import background, pair_tests


def draw(n: int = 60, genes: int = 12, seed: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    lift = random.normal(0, 1, (n, 1)) + random.normal(-0.5, 0.7, (1, genes))
    return random.random((n, genes)) < 1 / (1 + np.exp(-lift))


def outcome_of(altered: np.ndarray, probability: np.ndarray, first: int = 0, second: int = 1):  # type: ignore[no-untyped-def]
    return pair_tests(altered, np.ones_like(altered), probability, [[first, second]])


def test_margins_of_the_background_are_those_observed() -> None:
    altered = draw()
    p = background(altered, np.ones_like(altered))
    np.testing.assert_allclose(p.sum(axis=0), altered.sum(axis=0), atol=1e-8)
    np.testing.assert_allclose(p.sum(axis=1), altered.sum(axis=1), atol=1e-8)


def test_background_is_the_logistic_model_with_patients_and_genes_as_factors() -> None:
    from statsmodels.api import GLM, families

    altered = draw(14, 8, seed=5)
    altered = altered[(altered.sum(axis=1) > 0) & (altered.sum(axis=1) < 8)]
    assert ((altered.sum(axis=0) > 0) & (altered.sum(axis=0) < len(altered))).all()
    i, j = np.indices(altered.shape)
    design = np.column_stack([np.eye(len(altered))[i.ravel()], np.eye(8)[j.ravel()][:, 1:]])
    fitted = GLM(altered.ravel().astype(float), design, family=families.Binomial()).fit(tol=1e-12, maxiter=200).fittedvalues
    p = background(altered, np.ones_like(altered))
    np.testing.assert_allclose(p.ravel(), fitted, atol=1e-7)


def test_nothing_and_everything_have_probability_zero_and_one() -> None:
    altered = draw(20, 6)
    altered[3], altered[4], altered[:, 2] = False, True, False
    altered[4, 2] = True  # all but the one that is everywhere altered
    p = background(altered, np.ones_like(altered))
    assert (p[3] == 0).all()
    assert (p[4] == 1).all()
    assert (np.delete(p[:, 2], 4) == 0).all()


def test_not_assessed_cells_are_left_out_of_both_margins() -> None:
    altered, assessed = draw(), np.ones((60, 12), dtype=bool)
    assessed[:20, 4] = False
    one = background(altered, assessed)
    flipped = altered.copy()
    flipped[:20, 4] = ~flipped[:20, 4]
    np.testing.assert_array_equal(one, background(flipped, assessed))
    assert np.isnan(one[:20, 4]).all()
    np.testing.assert_allclose(np.nansum(one, axis=0), (altered & assessed).sum(axis=0), atol=1e-8)
    assert pair_tests(altered, assessed, one, [[0, 4]]).n[0] == 40


def test_tails_agree_with_adding_up_every_outcome() -> None:
    random = np.random.default_rng(1)
    for observed in range(6):
        p = random.random((8, 2))
        altered = np.zeros((8, 2), dtype=bool)
        altered[:observed] = True
        joint = p[:, 0] * p[:, 1]
        weight = np.zeros(9)
        for outcome in product((0, 1), repeat=8):
            weight[sum(outcome)] += np.prod(np.where(outcome, joint, 1 - joint))
        found = outcome_of(altered, p)
        assert found.p_together[0] == pytest.approx(weight[observed:].sum(), rel=1e-12)
        assert found.p_apart[0] == pytest.approx(weight[: observed + 1].sum(), rel=1e-12)


def test_many_patients_agree_with_an_independent_implementation() -> None:
    random = np.random.default_rng(2)
    p = random.random((400, 2)) * 0.5
    altered = random.random((400, 2)) < p
    found = outcome_of(altered, p)
    both = int((altered[:, 0] & altered[:, 1]).sum())
    law = poisson_binom(p[:, 0] * p[:, 1])
    assert found.both[0] == both
    assert found.expected[0] == pytest.approx(law.mean())
    assert found.p_together[0] == pytest.approx(law.sf(both - 1), rel=1e-9)
    assert found.p_apart[0] == pytest.approx(law.cdf(both), rel=1e-9)


def test_burden_alone_makes_fisher_find_pairs_and_this_test_not() -> None:
    random = np.random.default_rng(7)
    burden = random.normal(0, 1.5, (300, 1))
    altered = random.random((300, 30)) < 1 / (1 + np.exp(2 - burden))
    pairs = np.array([(i, j) for i in range(30) for j in range(i + 1, 30)])
    found = pair_tests(altered, np.ones_like(altered), background(altered, np.ones_like(altered)), pairs)
    fisher = [fisher_exact(np.histogram2d(altered[:, i], altered[:, j], bins=2)[0])[1] for i, j in pairs]
    assert np.mean(np.asarray(fisher) < 0.05) > 0.3  # nearly every pair "co-occurs"
    assert np.mean(found.p_two_sided < 0.05) <= 0.06


def test_planted_exclusion_and_planted_company_are_found() -> None:
    random = np.random.default_rng(11)
    altered = random.random((400, 20)) < 0.2
    either = random.random(400) < 0.5
    altered[:, 0] = (random.random(400) < 0.5) & either
    altered[:, 1] = (random.random(400) < 0.5) & ~either
    altered[:, 2] = either & (random.random(400) < 0.6)
    altered[:, 3] = altered[:, 2] ^ (random.random(400) < 0.05)
    p = background(altered, np.ones_like(altered))
    apart, together = outcome_of(altered, p), outcome_of(altered, p, 2, 3)
    assert apart.both[0] == 0
    assert apart.p_apart[0] < 1e-6
    assert together.p_together[0] < 1e-6


def test_order_of_patients_does_not_matter() -> None:
    altered = draw()
    order = np.random.default_rng(0).permutation(60)
    one = outcome_of(altered, background(altered, np.ones_like(altered)))
    two = outcome_of(altered[order], background(altered[order], np.ones_like(altered)))
    assert one.p_two_sided[0] == pytest.approx(two.p_two_sided[0], rel=1e-7)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="altered has the shape"):
        background(np.zeros((2, 3)), np.zeros((3, 2)))
