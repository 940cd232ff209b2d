"""Two normal distributions of a score: probabilities against densities, labels, mixtures that are there and that are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from resistance.stats.two_normals import TwoNormals, called, from_labels, from_mixture

NORMALS = TwoNormals(372.7, 119.8, -321.0, 157.0)


def test_the_probability_is_one_density_over_both():
    x = np.linspace(-800, 800, 81)
    one, zero = norm.pdf(x, 372.7, 119.8), norm.pdf(x, -321.0, 157.0)
    np.testing.assert_allclose(NORMALS.probability(x), one / (one + zero), rtol=1e-10)
    np.testing.assert_allclose(NORMALS.probability_0(x), zero / (one + zero), rtol=1e-10)


def test_it_is_known_where_both_densities_underflow():
    far = np.array([-1e5, 1e5])
    assert (norm.pdf(far, 372.7, 119.8) == 0).all()
    assert np.isfinite(NORMALS.probability(far)).all()


def test_nan_stays_nan_and_is_called_neither():
    assert np.isnan(NORMALS.probability([np.nan])[0])
    assert called(NORMALS, np.array([np.nan]), 0.9).tolist() == [-1]


def test_a_score_beyond_one_class_is_not_given_to_the_other_because_it_is_wider():
    # the second crossing of the two densities lies far above the mean of the narrower class
    high = 6000.0
    assert NORMALS.probability_0(high) > 0.9
    assert NORMALS.turned(high)
    assert called(NORMALS, np.array([high, 372.7, -321.0, 60.0]), 0.9).tolist() == [-1, 1, 0, -1]


def test_turned_round_the_same_holds():
    mirrored = TwoNormals(-372.7, 119.8, 321.0, 157.0)
    assert called(mirrored, np.array([-6000.0, -372.7, 321.0]), 0.9).tolist() == [-1, 1, 0]


def test_labels_give_mean_and_spread_of_each_class():
    found = from_labels([1.0, 2, 3, 10, 12, np.nan], [0, 0, 0, 1, 1, 1])
    assert (found.mean_1, found.mean_0) == (11, 2)
    assert (found.sd_1, found.sd_0) == pytest.approx((2**0.5, 1))


def test_a_class_without_spread_is_refused():
    with pytest.raises(ValueError, match="each class needs two scores that differ"):
        from_labels([1.0, 1, 5, 6], [0, 0, 1, 1])


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_two_groups_that_are_there_are_found(share):
    rng = np.random.default_rng(2)
    one = rng.random(400) < share
    x = np.where(one, rng.normal(300, 100, 400), rng.normal(-300, 150, 400))
    found = from_mixture(x)
    assert found.note == ""
    assert found.normals is not None
    assert found.share_1 == pytest.approx(one.mean(), abs=0.03)
    np.testing.assert_allclose((found.normals.mean_1, found.normals.mean_0), (300, -300), atol=30)
    np.testing.assert_allclose((found.normals.sd_1, found.normals.sd_0), (100, 150), atol=30)


def test_the_fit_maximises_the_likelihood_that_scipy_computes():
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.normal(0, 1, 60), rng.normal(5, 2, 40)])
    found = from_mixture(x)
    best = found.normals
    assert best is not None

    def likelihood(mean_1, sd_1, mean_0, sd_0, share):
        return np.log(share * norm.pdf(x, mean_1, sd_1) + (1 - share) * norm.pdf(x, mean_0, sd_0)).sum()

    at = (best.mean_1, best.sd_1, best.mean_0, best.sd_0, found.share_1)
    top = likelihood(*at)
    for i in range(5):
        for step in (-0.02, 0.02):
            moved = list(at)
            moved[i] += step
            assert likelihood(*moved) < top
    two = -2 * top + 5 * np.log(100)
    one = -2 * norm.logpdf(x, x.mean(), x.std()).sum() + 2 * np.log(100)
    assert found.bic_gain == pytest.approx(one - two, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_one_group_is_not_split_in_two(seed):
    found = from_mixture(np.random.default_rng(seed).normal(0, 1, 80))
    assert found.normals is None
    assert "two groups are no better than one" in found.note or "fewer than 5" in found.note or "within the other" in found.note


@pytest.mark.parametrize(("x", "note"), [(np.zeros(30), "all scores are equal"), (np.arange(19.0), "19 scores, fewer than 20")])
def test_what_cannot_be_fitted_says_why(x, note):
    assert from_mixture(x).note == note


def test_scale_and_place_do_not_matter_and_the_order_neither():
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.normal(0, 1, 40), rng.normal(6, 1, 40)])
    base, moved, shuffled = from_mixture(x), from_mixture(x * 1e3 - 7), from_mixture(rng.permutation(x))
    assert base.normals is not None
    assert moved.normals is not None
    assert shuffled.normals is not None
    assert moved.normals.mean_1 == pytest.approx(base.normals.mean_1 * 1e3 - 7, rel=1e-5)
    assert shuffled.normals.mean_1 == pytest.approx(base.normals.mean_1, rel=1e-6)
