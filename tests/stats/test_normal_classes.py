"""Probability of a class from normal densities: Bayes' rule recomputed from scipy's densities, and the tails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from resistance.stats.normal_classes import class_probabilities, far_outside, score_at

MEANS, SDS = (3215.973, 891.9562), (468.9292, 595.508)


@given(st.lists(st.floats(-2000, 8000), min_size=1, max_size=20), st.floats(0.05, 0.95))
def test_it_is_bayes_rule_on_two_densities(scores, prior):
    found = class_probabilities(scores, MEANS, SDS, priors=(prior, 1 - prior))
    for row, score in zip(found, scores, strict=True):
        a, b = prior * norm.pdf(score, MEANS[0], SDS[0]), (1 - prior) * norm.pdf(score, MEANS[1], SDS[1])
        assert row[0] == pytest.approx(a / (a + b), abs=1e-12)
        assert row.sum() == pytest.approx(1)


def test_three_classes_and_a_score_that_is_not_known():
    found = class_probabilities([0.0, float("nan")], [0, 1, 5], [1, 1, 1])
    densities = norm.pdf(0, [0, 1, 5], 1)
    np.testing.assert_allclose(found[0], densities / densities.sum(), rtol=1e-12)
    assert np.isnan(found[1]).all()


def test_where_all_densities_are_zero_their_ratio_is_still_known():
    assert norm.pdf(1e4, 0, 1) == norm.pdf(1e4, 10, 1) == 0
    assert class_probabilities([1e4], [0, 10], [1, 1])[0].tolist() == [0, 1]


@given(st.floats(-50, 50), st.floats(0.1, 10))
def test_equal_spreads_make_the_probability_rise_with_the_score(score, step):
    low, high = class_probabilities([score, score + step], [3, -3], [2, 2])[:, 0]
    assert high >= low


@given(st.floats(0.02, 0.98), st.floats(0.5, 2), st.floats(0.5, 2))
def test_the_score_of_a_probability_has_that_probability(probability, first, second):
    at = score_at(probability, (6, -6), (first, second))
    assert -6 <= at <= 6
    assert class_probabilities([at], (6, -6), (first, second))[0, 0] == pytest.approx(probability, abs=1e-9)


def test_a_probability_that_no_score_between_the_means_has_is_refused():
    with pytest.raises(ValueError, match=r"no score between -1 and 1 gives the first class the probability 0\.99"):
        score_at(0.99, (1, -1), (1, 1))


def test_scores_far_from_every_class_are_told():
    assert far_outside([0, 4, 4.1, 6, 14.1, float("nan")], [0, 10], [1, 1]).tolist() == [False, False, True, False, True, False]


@pytest.mark.parametrize(("means", "sds", "message"), [((0,), (1, 2), "one entry per class"), ((0, 1), (1, 0), "above 0")])
def test_wrong_parameters_are_refused(means, sds, message):
    with pytest.raises(ValueError, match=message):
        class_probabilities([0], means, sds)
