"""Fisher's exact test against R, against enumeration with whole numbers, and at its edges."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb, isinf, isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats.exact import fisher, fisher_table, p_value_minimum


def two_sided_by_counting(a: int, b: int, c: int, d: int) -> Fraction:
    """Add up the tables with these margins that are at most as likely, in whole numbers."""
    low, high = max(0, a - d), min(a + b, a + c)
    weight = {x: comb(a + b, x) * comb(c + d, a + c - x) for x in range(low, high + 1)}
    return Fraction(sum(w for w in weight.values() if w <= weight[a]), sum(weight.values()))


def conditional_tail(a: int, b: int, c: int, d: int, ratio: float, *, upper: bool) -> float:
    """Return P(X >= a) or P(X <= a) when the odds ratio is `ratio`."""
    low, high = max(0, a - d), min(a + b, a + c)
    weight = {x: comb(a + b, x) * comb(c + d, a + c - x) * ratio**x for x in range(low, high + 1)}
    return sum(w for x, w in weight.items() if (x >= a if upper else x <= a)) / sum(weight.values())


@pytest.mark.shared
def test_p_odds_ratio_and_interval_agree_with_r(shared: Path) -> None:
    tables = json.loads((shared / "truth/stats/04_categorical.json").read_text())["tables"]
    assert len(tables) >= 4
    for row in tables.values():
        truth, found = row["fisher"], fisher_table(*row["table"])
        assert found.p_value == pytest.approx(truth["p"], rel=1e-8)
        # R finds estimate and bounds with an absolute tolerance of 1e-4
        assert found.odds_ratio == pytest.approx(np.inf if truth["or_cmle"] is None else truth["or_cmle"], rel=2e-3, abs=1e-4)
        for bound, expected in zip((found.ci_low, found.ci_high), truth["ci"], strict=True):
            assert bound == pytest.approx(np.inf if expected is None else expected, rel=5e-3, abs=1e-4)


@given(*[st.integers(0, 12)] * 4)
def test_p_is_the_sum_of_the_tables_at_most_as_likely(a: int, b: int, c: int, d: int) -> None:
    assert fisher_table(a, b, c, d).p_value == pytest.approx(float(two_sided_by_counting(a, b, c, d)), rel=1e-9)


@pytest.mark.parametrize("table", [(7, 12, 3, 8), (1, 9, 11, 3), (4, 1, 20, 1), (15, 43, 67, 31)])
def test_bounds_leave_two_and_a_half_percent_in_each_tail(table: tuple[int, int, int, int]) -> None:
    found = fisher_table(*table)
    assert conditional_tail(*table, found.ci_low, upper=True) == pytest.approx(0.025, rel=1e-3)
    assert conditional_tail(*table, found.ci_high, upper=False) == pytest.approx(0.025, rel=1e-3)


@given(*[st.integers(0, 10)] * 4)
def test_no_table_of_the_margins_has_a_smaller_p_than_the_minimum(a: int, b: int, c: int, d: int) -> None:
    low, high = max(0, a - d), min(a + b, a + c)
    every = [float(two_sided_by_counting(x, a + b - x, a + c - x, c + d - (a + c - x))) for x in range(low, high + 1)]
    assert p_value_minimum(a + b, c + d, a + c) == pytest.approx(min(every), rel=1e-9)
    assert fisher_table(a, b, c, d).p_value >= p_value_minimum(a + b, c + d, a + c) * (1 - 1e-9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40), st.randoms())
def test_order_of_patients_and_names_of_groups_do_not_matter(rows: list[tuple[bool, bool]], random: object) -> None:
    x, y = np.array(rows).T
    order = np.random.default_rng(0).permutation(len(rows))
    assert fisher(x, y) == fisher(x[order], y[order]) or isnan(fisher(x, y).odds_ratio)
    assert fisher(~x, y).p_value == pytest.approx(fisher(x, y).p_value, rel=1e-9)
    assert fisher(y, x).p_value == pytest.approx(fisher(x, y).p_value, rel=1e-9)


def test_an_empty_cell_gives_a_one_sided_interval_and_a_valid_p() -> None:
    found = fisher_table(4, 0, 2, 6)
    assert isinf(found.odds_ratio)
    assert isinf(found.ci_high)
    assert conditional_tail(4, 0, 2, 6, found.ci_low, upper=True) == pytest.approx(0.025, rel=1e-3)
    # weights of the tables 28, 224, 420, 224, 28 of 924: the two ends together
    assert found.p_value == pytest.approx(56 / 924, rel=1e-12)


@pytest.mark.parametrize("table", [(0, 0, 5, 5), (5, 5, 0, 0), (5, 0, 5, 0), (0, 5, 0, 5), (0, 0, 0, 0)])
def test_an_empty_margin_says_nothing(table: tuple[int, int, int, int]) -> None:
    found = fisher_table(*table)
    assert isnan(found.odds_ratio)
    assert (found.ci_low, found.ci_high) == (0.0, float("inf"))
    assert found.p_value == found.p_value_minimum == 1.0


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="exposed: only 0 and 1"):
        fisher([0, 1, 2], [0, 1, 1])
    with pytest.raises(ValueError, match="outcome: 2 values for 3 patients"):
        fisher([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match="outcome: 1 value"):
        fisher([0, 1, 1], [0, 1, np.nan])
    with pytest.raises(ValueError, match="cannot be negative"):
        fisher_table(-1, 2, 3, 4)
