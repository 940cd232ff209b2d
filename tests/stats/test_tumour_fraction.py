"""The share of tumour cells from VAF, copies and multiplicity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from resistance.stats.tumour_fraction import expected_vaf, tumour_fraction


def test_of_a_heterozygous_diploid_variant_it_is_twice_the_vaf():
    found = tumour_fraction([100], [1000], [2], [1])
    exact = binomtest(100, 1000).proportion_ci(0.95, "exact")
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 2 * exact.low, 2 * exact.high), abs=1e-9)


@pytest.mark.parametrize(("copies", "multiplicity"), [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 2)])
@pytest.mark.parametrize("truth", [0.01, 0.3, 0.9])
def test_the_formula_solved_by_hand_gives_the_fraction_back(copies, multiplicity, truth):
    """v = f m / (f T + 2 (1 - f)) gives f = 2 v / (m - v (T - 2))."""
    vaf = float(expected_vaf(truth, copies, multiplicity))
    assert 2 * vaf / (multiplicity - vaf * (copies - 2)) == pytest.approx(truth)
    depth = 10_000_000
    found = tumour_fraction([round(vaf * depth)], [depth], [copies], [multiplicity])
    assert found.value == pytest.approx(truth, abs=1e-5)
    assert found.low < truth < found.high


def test_on_the_one_x_of_a_man_the_vaf_is_the_fraction():
    assert tumour_fraction([300], [1000], [1], [1], 1.0).value == pytest.approx(0.3)


def test_several_variants_are_pooled_where_their_copies_differ():
    truth, copies, m, depth = 0.2, np.array([2, 1, 3, 2]), np.array([1, 1, 2, 2]), np.array([1000, 4000, 2000, 500])
    reads = np.random.default_rng(3).binomial(depth, expected_vaf(truth, copies, m), (400, 4))
    found = [tumour_fraction(x, depth, copies, m) for x in reads]
    assert np.mean([e.value for e in found]) == pytest.approx(truth, abs=0.002)
    assert np.mean([e.low <= truth <= e.high for e in found]) >= 0.94


def test_without_a_mutant_read_there_is_an_upper_bound():
    found = tumour_fraction([0, 0], [500, 500], [2, 2], [1, 1])
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(2 * (1 - 0.025 ** (1 / 1000)))


def test_more_than_all_is_all():
    assert tumour_fraction([600], [1000], [2], [1]).value == 1.0


@pytest.mark.parametrize(("alt", "depth", "copies", "m"), [([], [], [], []), ([1], [0], [2], [1]), ([1], [9], [1], [2])])
def test_what_cannot_be_is_refused(alt, depth, copies, m):
    with pytest.raises(ValueError, match="variants with reads"):
        tumour_fraction(alt, depth, copies, m)
