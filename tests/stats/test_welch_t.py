"""Welch's t of many features against scipy's, one by one; missing values, constants, blocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from resistance.stats import welch_t as module
from resistance.stats.multiplicity import benjamini_hochberg
from resistance.stats.welch_t import compare, first_by_fdr, group_moments, welch_t


def table(m=60, n=17, missing=0.2, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(8, 2, size=(m, n))
    x[rng.random((m, n)) < missing] = np.nan
    return x, np.arange(n) % 3 == 0


@pytest.mark.parametrize("missing", [0.0, 0.2, 0.6])
def test_each_feature_is_what_scipy_says_of_its_known_values(missing):
    x, group = table(missing=missing)
    found = welch_t(x, group)
    for i, row in enumerate(x):
        one, zero = (row[which & ~np.isnan(row)] for which in (group, ~group))
        assert (found.n_1[i], found.n_0[i]) == (one.size, zero.size)
        if min(one.size, zero.size) < 2:
            assert np.isnan(found.t[i])
            continue
        expected = stats.ttest_ind(one, zero, equal_var=False)
        np.testing.assert_allclose(
            [found.t[i], found.p_value[i], found.df[i]], [expected.statistic, expected.pvalue, expected.df], rtol=1e-10
        )
        np.testing.assert_allclose(
            [found.mean_1[i], found.mean_0[i], found.sd_1[i], found.sd_0[i]],
            [one.mean(), zero.mean(), one.std(ddof=1), zero.std(ddof=1)],
            rtol=1e-12,
        )
    np.testing.assert_array_equal(found.q_value, benjamini_hochberg(found.p_value))


def test_blocks_do_not_change_a_bit(monkeypatch):
    x, group = table()
    whole = welch_t(x, group)
    monkeypatch.setattr(module, "BLOCK", 40)
    parts = welch_t(x, group)
    np.testing.assert_array_equal(whole.t, parts.t)
    np.testing.assert_array_equal(whole.q_value, parts.q_value)


def test_samples_outside_are_as_if_they_were_not_there():
    x, group = table()
    use = np.arange(x.shape[1]) < 12
    inside = welch_t(x[:, use], group[use])
    np.testing.assert_array_equal(welch_t(x, group, among=use).t, inside.t)


def test_groups_put_together_are_what_they_would_be_at_once():
    x, group = table(missing=0.3)
    part = np.arange(x.shape[1]) % 4
    moments = group_moments(x, np.column_stack([which & (part == k) for which in (group, ~group) for k in range(4)]))
    for left in range(4):
        rest = [k for k in range(4) if k != left]
        found = compare(moments.pooled(rest), moments.pooled([4 + k for k in rest]))
        expected = welch_t(x, group, among=part != left)
        np.testing.assert_allclose(found.t, expected.t, rtol=1e-9)
        np.testing.assert_allclose(found.q_value, expected.q_value, rtol=1e-9)
        np.testing.assert_array_equal(found.n_1, expected.n_1)


def test_single_precision_is_read_as_it_stands():
    x, group = table()
    np.testing.assert_allclose(welch_t(x.astype(np.float32), group).t, welch_t(x, group).t, rtol=1e-5)


def test_what_does_not_vary_has_no_t_and_does_not_count_as_a_test():
    x = np.array([[1.0, 1, 1, 1], [5.0, 5, 3, 3], [1.0, 2, 3, 5], [np.nan, np.nan, np.nan, np.nan]])
    found = welch_t(x, [1, 1, 0, 0])
    assert np.isnan(found.t).tolist() == [True, True, False, True]
    assert found.q_value[2] == found.p_value[2]  # one test


def test_ties_of_the_false_discovery_rate_stay_in_the_order_of_the_table():
    x, group = table(missing=0.0)
    found = welch_t(np.vstack([x, x[::-1]]), group)  # every feature twice
    first = first_by_fdr(found, 40)
    assert (np.diff(found.q_value[first]) >= 0).all()
    for a, b in pairwise(first):
        assert found.q_value[a] < found.q_value[b] or a < b


def test_no_more_features_are_given_than_could_be_tested():
    assert first_by_fdr(welch_t(np.array([[1.0, 1, 1, 1], [1.0, 2, 3, 5]]), [1, 1, 0, 0]), 5).tolist() == [1]


def test_the_labels_decide_the_sign_alone():
    x, group = table()
    np.testing.assert_allclose(welch_t(x, ~group).t, -welch_t(x, group).t, rtol=1e-12)


@pytest.mark.parametrize(("x", "group", "message"), [([1.0], [1], "two dimensions"), ([[1.0, 2.0]], [2, 1], "only 0 and 1")])
def test_what_is_no_table_or_no_group_is_refused(x, group, message):
    with pytest.raises(ValueError, match=message):
        welch_t(np.array(x), group)
