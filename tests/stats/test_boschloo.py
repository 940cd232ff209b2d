"""Boschloo's test against R's Exact and a slow recomputation."""

from __future__ import annotations

import json
from math import comb, isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.boschloo import boschloo, boschloo_table, fisher_p_values
from resistance.stats.exact import fisher_table


@pytest.mark.shared
def test_every_number_of_r_is_met(shared: Path) -> None:
    tables = json.loads((shared / "truth/stats/04_categorical.json").read_text())["tables"]
    assert len(tables) >= 4
    for row in tables.values():
        found = boschloo_table(*row["table"])
        assert found.p_value == pytest.approx(row["boschloo"]["p"], rel=1e-7)
        assert found.statistic == pytest.approx(row["boschloo"]["stat"], rel=1e-10)


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_p_is_the_largest_probability_of_tables_with_no_larger_fisher_p(n1: int, n2: int, data: st.DataObject) -> None:
    a, c = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))

    def fisher(x: int, y: int) -> float:
        return fisher_table(x, n1 - x, y, n2 - y).p_value

    def height(rate: float) -> float:
        return sum(comb(n1, x) * comb(n2, y) * rate ** (x + y) * (1 - rate) ** (n1 + n2 - x - y) for x, y in rarer)

    rarer = [(x, y) for x in range(n1 + 1) for y in range(n2 + 1) if fisher(x, y) <= fisher(a, c) * (1 + 1e-7)]
    grid = max(height(rate) for rate in np.linspace(0, 1, 201))
    found = boschloo_table(a, n1 - a, c, n2 - c)
    assert grid * (1 - 1e-9) <= found.p_value <= grid * 1.005
    assert found.p_value == pytest.approx(height(found.rate), rel=1e-9)
    assert found.p_value <= found.statistic * (1 + 1e-9)


def test_fishers_p_of_all_tables_at_once_is_that_of_each() -> None:
    every = fisher_p_values(9, 13)
    assert every == pytest.approx(
        np.array([[fisher_table(x, 9 - x, y, 13 - y).p_value for y in range(14)] for x in range(10)]), rel=1e-10
    )
    with pytest.raises(ValueError, match="read-only"):
        every[0, 0] = 0


@settings(max_examples=15)
@given(*[st.integers(0, 9)] * 4)
def test_names_of_groups_and_of_outcomes_do_not_matter(a: int, b: int, c: int, d: int) -> None:
    found = boschloo_table(a, b, c, d)
    for other in ((c, d, a, b), (b, a, d, c)):
        assert boschloo_table(*other).p_value == pytest.approx(found.p_value, rel=1e-8, nan_ok=True)


def test_no_variation_is_no_difference_and_an_empty_group_has_no_p() -> None:
    assert boschloo_table(0, 5, 0, 8).p_value == pytest.approx(1.0, abs=1e-12)
    empty = boschloo_table(0, 0, 3, 4)
    assert (empty.reason, empty.note) == ("empty group", "one of the groups has no patient")
    assert isnan(empty.p_value)


def test_patients_are_counted_and_bad_input_is_named() -> None:
    assert boschloo([1, 1, 0, 0, 0], [1, 0, 1, 0, 0]).table == (1, 1, 1, 2)
    with pytest.raises(ValueError, match="negative"):
        boschloo_table(1, 2, -3, 4)
    with pytest.raises(ValueError, match="exposed: only 0 and 1"):
        boschloo([0, 2], [0, 1])
