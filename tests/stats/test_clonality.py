"""Cancer cell fractions by hand, and by the formula for the expected VAF turned round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from resistance.stats.clonality import cancer_cell_fraction


@pytest.mark.parametrize(
    ("alt", "depth", "purity", "copies", "ccf", "multiplicity"),
    [
        (250, 1000, 0.5, 2, 1.0, 1),  # heterozygous in every tumour cell: .5 * .5
        (500, 1000, 1.0, 2, 1.0, 1),
        (125, 1000, 0.5, 2, 0.5, 1),  # in half of the tumour cells
        (500, 1000, 0.5, 2, 1.0, 2),  # copy-neutral LOH: both copies, .5 * 2 / 2
        (400, 1000, 0.8, 1, 0.4 / 0.8 * 1.2, 1),  # one copy lost: .4 / .8 * (.8 + .4)
        (400, 1000, 0.5, 3, 0.4 / 0.5 * 2.5 / 2, 2),  # gained copy carries it: u = 2
        (200, 1000, 0.5, 3, 1.0, 1),  # gained copy does not: u = 1
    ],
)
def test_fraction_by_hand(alt: int, depth: int, purity: float, copies: int, ccf: float, multiplicity: int) -> None:
    found = cancer_cell_fraction(alt, depth, purity, copies, 2)
    assert float(found.ccf) == pytest.approx(ccf)
    assert float(found.multiplicity) == multiplicity
    assert float(found.low) < float(found.ccf) < float(found.high)


def test_interval_is_the_exact_one_of_the_vaf_carried_over() -> None:
    found = cancer_cell_fraction(20, 100, 1.0, 2, 2)
    # Clopper-Pearson by its definition: each bound leaves 2.5 % beyond 20 of 100
    assert binom.sf(19, 100, float(found.low) / 2) == pytest.approx(0.025)
    assert binom.cdf(20, 100, float(found.high) / 2) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("alt", "depth", "word"),
    [(250, 1000, "clonal"), (50, 1000, "subclonal"), (2, 10, "not_determined"), (0, 500, "subclonal"), (10, 10, "clonal")],
)
def test_class_follows_the_interval(alt: int, depth: int, word: str) -> None:
    assert cancer_cell_fraction(alt, depth, 0.5, 2, 2).clonality == word


@pytest.mark.parametrize("missing", range(5))
def test_missing_number_is_not_determined(missing: int) -> None:
    given_ = [20.0, 100.0, 0.5, 2.0, 2.0]
    given_[missing] = np.nan
    found = cancer_cell_fraction(*given_)
    assert found.clonality == "not_determined"
    assert np.isnan([found.ccf, found.low, found.high, found.multiplicity]).all()


def test_nothing_to_divide_by_is_not_determined() -> None:
    found = cancer_cell_fraction([5, 0, 5], [10, 0, 10], [0.0, 0.5, 0.5], [2, 2, 0], 2)
    assert list(found.clonality) == ["not_determined"] * 3


@given(st.floats(0.2, 1), st.integers(1, 4), st.floats(0.05, 1))
def test_expected_vaf_turned_round_gives_the_fraction_on_one_copy(purity: float, copies: int, ccf: float) -> None:
    depth = 10_000_000
    vaf = purity * ccf / (purity * copies + (1 - purity) * 2)
    found = cancer_cell_fraction(vaf * depth, depth, purity, copies, 2)
    assert float(found.ccf * found.multiplicity) == pytest.approx(ccf, rel=1e-6)


@given(st.integers(1, 99), st.integers(2, 100))
def test_more_reads_with_the_variant_never_lower_the_bounds(alt: int, depth: int) -> None:
    alt = min(alt, depth - 1)
    found = cancer_cell_fraction([alt, alt + 1], depth, 0.9, 1, 2)
    assert found.ccf[0] < found.ccf[1]
    assert found.low[0] < found.low[1]
