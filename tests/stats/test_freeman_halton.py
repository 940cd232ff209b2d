"""Fisher's exact test of larger tables against R and against every table with the margins."""

from __future__ import annotations

import json
from itertools import product
from math import factorial, isnan, prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.exact import fisher_table
from resistance.stats.freeman_halton import freeman_halton

tables = st.integers(2, 3).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 3), min_size=width, max_size=width), min_size=2, max_size=3)
)


def by_every_table(table: np.ndarray) -> float:
    """Run through all tables with these margins, in whole numbers."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)

    def ways(row: int, limits: list[int]) -> list[tuple[int, ...]]:
        return [x for x in product(*[range(min(row, limit) + 1) for limit in limits]) if sum(x) == row]

    def likelihood(cells: list[int]) -> float:
        return factorial(40) / prod(factorial(x) for x in cells)

    every: list[float] = []

    def fill(done: list[int], left: list[int], row: int) -> None:
        if row == len(rows):
            if not any(left):
                every.append(likelihood(done))
            return
        for way in ways(int(rows[row]), left):
            fill([*done, *way], [limit - x for limit, x in zip(left, way, strict=True)], row + 1)

    fill([], [int(c) for c in columns], 0)
    own = likelihood([int(x) for x in table.ravel()])
    return sum(w for w in every if w <= own * (1 + 1e-7)) / sum(every)


@pytest.mark.shared
def test_p_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/04_categorical.json").read_text())["rxc"]
    found = freeman_halton(np.reshape(truth["table_rowmajor"], truth["dim"]))
    assert found.p_value == pytest.approx(truth["p"], rel=1e-9)
    assert found.method == "exact"


@settings(max_examples=60)
@given(tables)
def test_p_is_the_sum_of_the_tables_at_most_as_likely(rows: list[list[int]]) -> None:
    table = np.array(rows)
    found = freeman_halton(table)
    if found.reason:
        assert found.reason == "one row or column"
        return
    assert found.p_value == pytest.approx(by_every_table(table), rel=1e-9)
    for other in (table.T, table[::-1], table[:, ::-1]):
        assert freeman_halton(other).p_value == pytest.approx(found.p_value, rel=1e-9)


@given(*[st.integers(0, 12)] * 4)
def test_two_by_two_is_fishers_test(a: int, b: int, c: int, d: int) -> None:
    found = freeman_halton([[a, b], [c, d]])
    if not found.reason:
        assert found.p_value == pytest.approx(fisher_table(a, b, c, d).p_value, rel=1e-9)


def test_a_long_table_of_two_rows_is_summed() -> None:
    assert freeman_halton([[5, 7, 9, 2, 4, 6], [3, 8, 1, 9, 11, 2]]).method == "exact"
    assert freeman_halton([[5, 7], [0, 9], [4, 4], [2, 8]]).p_value == pytest.approx(
        by_every_table(np.array([[5, 7], [0, 9], [4, 4], [2, 8]])), rel=1e-9
    )


def test_too_many_tables_are_drawn_from_the_seed_or_refused() -> None:
    table = [[3, 1, 0, 2], [0, 2, 4, 1], [1, 1, 2, 5]]
    exact = freeman_halton(table).p_value
    drawn = freeman_halton(table, seed=1, draws=20_000, most_tables=1)
    assert (drawn.method, drawn.draws, drawn.note) == ("Monte Carlo", 20_000, "20000 random tables")
    assert drawn.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    assert drawn == freeman_halton(table, seed=1, draws=20_000, most_tables=1)
    assert (drawn.p_value * 20_001).is_integer() or abs(drawn.p_value * 20_001 - round(drawn.p_value * 20_001)) < 1e-9
    refused = freeman_halton(table, most_tables=1)
    assert refused.reason == "too large"
    assert isnan(refused.p_value)


def test_one_row_or_column_says_nothing_and_bad_input_is_named() -> None:
    for table in ([[3, 4, 5]], [[3, 0], [4, 0]], np.zeros((3, 3))):
        found = freeman_halton(table)
        assert (found.reason, isnan(found.p_value)) == ("one row or column", True)
    for table, words in (([1, 2], "two dimensions"), ([[1, -2], [1, 1]], "negative"), ([[1, 2.5], [1, 1]], "whole")):
        with pytest.raises(ValueError, match=words):
            freeman_halton(table)
    with pytest.raises(ValueError, match="draws: 0"):
        freeman_halton([[1, 2], [3, 4]], draws=0)
