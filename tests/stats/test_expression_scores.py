"""The scores behind LPS, PS, PRPS, gene sets and scaling against slow obvious sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from resistance.stats.linear_score import linear_score
from resistance.stats.prediction_strength import prediction_strength
from resistance.stats.probability_ratio import ClassMoments, probability_ratio_score
from resistance.stats.quantile_scaling import mean_quantiles, row_moments, shift_to, to_quantiles
from resistance.stats.reference_library import reference_library_sizes
from resistance.stats.weighted_z import weighted_z


@pytest.fixture
def values():
    rng = np.random.default_rng(6)
    x = rng.normal(2, 1.5, size=(12, 7))
    x[rng.random(x.shape) < 0.15] = np.nan
    x[:, 6] = np.nan
    return x


@pytest.fixture
def weights():
    return np.random.default_rng(7).normal(size=12)


def test_lps_is_the_sum_over_what_the_sample_has(values, weights):
    found = linear_score(values, weights)
    for j in range(6):
        terms = [(w, v) for w, v in zip(weights, values[:, j], strict=True) if v == v]
        assert found.score[j] == pytest.approx(sum(w * v for w, v in terms))
        assert found.weight_missing[j] == pytest.approx(1 - sum(abs(w) for w, _ in terms) / np.abs(weights).sum())
    assert np.isnan(found.score[6])
    assert found.weight_missing[6] == 1


def test_ps_is_the_balance_of_the_votes(values, weights):
    middle = np.full(12, 2.0)
    found = prediction_strength(values, weights, middle)
    for j in range(6):
        votes = [w * (v - 2) for w, v in zip(weights, values[:, j], strict=True) if v == v]
        assert found.score[j] == pytest.approx(sum(votes) / sum(map(abs, votes)))
    assert np.isnan(found.score[6])
    assert (np.abs(found.score[:6]) <= 1).all()


def test_prps_is_the_sum_of_log_ratios_of_two_p_values(values, weights):
    rng = np.random.default_rng(8)
    moments = ClassMoments(rng.normal(2, 1, 12), rng.normal(1, 1, 12), rng.uniform(0.5, 2, 12), rng.uniform(0.5, 2, 12), 16, 22)
    found = probability_ratio_score(values, weights, moments)
    for j in range(6):
        total = 0.0
        for i in range(12):
            if values[i, j] == values[i, j]:
                p = [
                    2 * student.sf(abs((values[i, j] - mean[i] + 0.01) / (sd[i] + 0.01)), df)
                    for mean, sd, df in ((moments.mean_1, moments.sd_1, 16), (moments.mean_0, moments.sd_0, 22))
                ]
                total += abs(weights[i]) * (np.log10(p[0] + 1e-8) - np.log10(p[1] + 1e-8))
        assert found.score[j] == pytest.approx(total, rel=1e-10)
    assert np.isnan(found.score[6])


def test_prps_leaves_out_genes_without_spread():
    moments = ClassMoments(np.zeros(2), np.ones(2), np.array([1e-5, 1.0]), np.ones(2), 9, 9)
    found = probability_ratio_score(np.ones((2, 1)), [1.0, 3.0], moments)
    assert found.weight_missing[0] == pytest.approx(0.25)


def test_equal_weights_make_the_combined_z_score():
    x = np.random.default_rng(9).normal(size=(8, 10))
    expected = [sum((row[j] - row.mean()) / row.std(ddof=1) for row in x) / np.sqrt(8) for j in range(10)]
    np.testing.assert_allclose(weighted_z(x, np.ones(8)).score, expected, rtol=1e-12)
    np.testing.assert_allclose(weighted_z(x, np.full(8, 5.0)).score, expected, rtol=1e-12)


def test_a_weighted_z_of_independent_genes_has_variance_one():
    x = np.random.default_rng(10).normal(size=(50, 4000))
    score = weighted_z(x, np.random.default_rng(11).normal(size=50)).score
    assert score.std() == pytest.approx(1, abs=0.05)


def test_a_gene_that_does_not_vary_is_left_out_and_counted():
    x = np.vstack([np.random.default_rng(12).normal(size=(2, 6)), np.full((1, 6), 3.0)])
    found = weighted_z(x, [1.0, 1.0, 2.0])
    np.testing.assert_allclose(found.score, weighted_z(x[:2], [1.0, 1.0]).score)
    assert found.weight_missing.tolist() == [0.5] * 6
    assert np.isnan(weighted_z(np.full((1, 4), 1.0), [1.0]).score).all()


def test_quantiles_give_every_sample_the_same_values():
    x = np.random.default_rng(13).normal(size=(30, 5)) * [1, 2, 3, 4, 5]
    reference = mean_quantiles(x)
    found = to_quantiles(x, reference)
    np.testing.assert_allclose(np.sort(found, axis=0), np.repeat(reference[:, None], 5, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(found.argsort(axis=0), x.argsort(axis=0))


def test_quantiles_do_not_care_for_any_monotone_change_of_a_sample():
    x = np.random.default_rng(14).normal(size=(30, 1))
    reference = np.linspace(0, 10, 30)
    np.testing.assert_allclose(to_quantiles(np.exp(x) * 3, reference), to_quantiles(x, reference))


def test_missing_values_stay_missing_and_do_not_shift_the_quantiles():
    x = np.arange(21.0)[:, None]
    reference = np.linspace(0, 1, 21)
    half = x.copy()
    half[::2] = np.nan
    found = to_quantiles(half, reference)
    assert np.isnan(found[::2]).all()
    np.testing.assert_allclose(found[1::2, 0], reference[1::2], atol=0.06)
    assert np.isfinite(mean_quantiles(half)).all()


def test_the_shift_is_the_median_difference():
    x = np.array([[1.0, 5.0], [2.0, 7.0], [3.0, np.nan]])
    assert shift_to(x, [0.0, 0.0, 0.0]).tolist() == [2.0, 6.0]
    assert np.isnan(shift_to(np.full((3, 1), np.nan), [0.0, 0.0, 0.0])[0])


def test_row_moments_are_those_of_the_known_values(values):
    mean, sd = row_moments(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=1))
    np.testing.assert_allclose(sd, np.nanstd(values, axis=1, ddof=1))


def test_library_size_is_the_median_ratio_over_what_is_there():
    counts = np.array([[10.0, 0.0], [0.0, 0.0], [40.0, 0.0], [90.0, 0.0]])
    found = reference_library_sizes(counts, [10.0, 5.0, 20.0, 30.0], 1e6)
    assert found[0] == 2e6
    assert np.isnan(found[1])
    with pytest.raises(ValueError, match="above 0"):
        reference_library_sizes(counts, [0.0, 1.0, 1.0, 1.0], 1.0)
