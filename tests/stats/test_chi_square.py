"""Pearson's chi-square against R and SciPy, and tables that say nothing."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats.chi_square import chi_square


@pytest.mark.shared
def test_every_number_of_r_is_met(shared: Path) -> None:
    tables = json.loads((shared / "truth/stats/04_categorical.json").read_text())["tables"]
    assert len(tables) >= 4
    for row in tables.values():
        found = chi_square(np.reshape(row["table"], (2, 2)))
        assert [found.statistic, found.p_value] == pytest.approx(list(row["chisq"].values()), rel=1e-10)
        assert [found.statistic_corrected, found.p_value_corrected] == pytest.approx(list(row["yates"].values()), rel=1e-10)


def test_the_paper_of_hernandez_ilizaliturri_2011_printed_the_corrected_p() -> None:
    """Response in germinal-centre 2 of 23 and in other diffuse large B-cell lymphoma 9 of 17: P = .006."""
    assert round(chi_square([[2, 21], [9, 8]]).p_value_corrected, 3) == 0.006


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=4))
def test_agrees_with_scipy_and_neither_order_nor_orientation_matters(rows: list[list[int]]) -> None:
    from scipy.stats import chi2_contingency

    table = np.array(rows)
    found = chi_square(table)
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if found.reason:
        assert min(kept.shape, default=0) < 2
        assert isnan(found.p_value)
        return
    theirs = chi2_contingency(kept, correction=False)
    assert (found.statistic, found.p_value) == (pytest.approx(theirs.statistic, rel=1e-9), pytest.approx(theirs.pvalue, rel=1e-8))
    assert (found.df, found.expected_minimum) == (theirs.dof, pytest.approx(theirs.expected_freq.min()))
    if kept.shape == (2, 2):
        assert found.p_value_corrected == pytest.approx(chi2_contingency(kept).pvalue, rel=1e-8)
        assert found.p_value_corrected >= found.p_value * (1 - 1e-12)
    else:
        assert isnan(found.p_value_corrected)
    for other in (table.T, table[::-1], table[:, ::-1]):
        assert chi_square(other).statistic == pytest.approx(found.statistic, rel=1e-9)


@pytest.mark.parametrize("table", [[[3, 4]], [[3, 4], [0, 0]], [[0, 4], [0, 5]], np.zeros((2, 2)), np.zeros((0, 2))])
def test_one_row_or_column_says_nothing(table: list) -> None:
    found = chi_square(table)
    assert (found.reason, found.note) == ("one row or column", "fewer than two rows or columns hold a patient")
    assert np.isnan([found.statistic, found.p_value, found.p_value_corrected]).all()


def test_bad_input_is_named() -> None:
    for table, words in (([1, 2], "two dimensions"), ([[1, -2]], "negative"), ([[1, 2.5]], "whole"), ([[1, np.nan]], "whole")):
        with pytest.raises(ValueError, match=words):
            chi_square(table)
