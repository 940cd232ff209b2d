"""Barnard's tests against R's Exact, SciPy and a slow recomputation."""

from __future__ import annotations

import json
from math import comb, isnan, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.barnard import barnard, barnard_table

sizes = st.integers(1, 7)


def probability(x: int, y: int, n1: int, n2: int, rate: float) -> float:
    return comb(n1, x) * comb(n2, y) * rate ** (x + y) * (1 - rate) ** (n1 + n2 - x - y)


def csm_step_by_step(a: int, c: int, n1: int, n2: int, rates: np.ndarray) -> float:
    """Barnard's order, one pair of mirrored tables after the other, every table tried at every step."""
    if a * n2 == c * n1:
        return 1.0
    region = {(0, n2), (n1, 0)}
    while (a, c) not in region:
        tried = {}
        for x in range(n1 + 1):
            for y in range(n2 + 1):
                neighbours = [(x - 1, y), (x, y + 1)]
                extreme = all(q in region or q[0] < 0 or q[1] > n2 for q in neighbours)
                if (x, y) not in region and x * n2 < y * n1 and extreme:
                    larger = region | {(x, y), (n1 - x, n2 - y)}
                    tried[x, y] = max(sum(probability(*q, n1, n2, r) for q in larger) for r in rates)
        best = min(tried.values())
        for x, y in [q for q, height in tried.items() if height <= best * (1 + 1e-9)]:
            region |= {(x, y), (n1 - x, n2 - y)}
    return max(sum(probability(*q, n1, n2, r) for q in region) for r in rates)


@pytest.mark.shared
@pytest.mark.parametrize(("order", "name"), [("pooled", "z_pooled"), ("unpooled", "z_unpooled"), ("csm", "csm")])
def test_every_number_of_r_is_met(shared: Path, order: str, name: str) -> None:
    tables = json.loads((shared / "truth/stats/04_categorical.json").read_text())["tables"]
    assert len(tables) >= 4
    for row in tables.values():
        truth, found = row[f"barnard_{name}"], barnard_table(*row["table"], order=order)
        if truth is not None:
            assert found.p_value == pytest.approx(truth["p"], rel=1e-7)  # a maximum, where R has a grid of rates
            assert isnan(found.statistic) if order == "csm" else found.statistic == pytest.approx(truth["stat"], rel=1e-10)


def test_agrees_with_scipy_whose_groups_are_columns() -> None:
    from scipy.stats import barnard_exact

    for table in [(1, 9, 11, 3), (4, 1, 20, 1), (5, 7, 2, 9)]:
        theirs = barnard_exact(np.reshape(table, (2, 2)).T, pooled=True, n=256)
        found = barnard_table(*table)
        assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-4)
        assert abs(found.statistic) == pytest.approx(abs(theirs.statistic), rel=1e-12)


@settings(max_examples=15)
@given(sizes, sizes, st.data())
def test_p_is_the_largest_probability_of_tables_at_least_as_extreme(n1: int, n2: int, data: st.DataObject) -> None:
    a, c = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))

    def z(x: int, y: int) -> float:
        both = (x + y) / (n1 + n2)
        return 0.0 if both in (0, 1) else (x / n1 - y / n2) / np.sqrt(both * (1 - both) * (1 / n1 + 1 / n2))

    extreme = [(x, y) for x in range(n1 + 1) for y in range(n2 + 1) if abs(z(x, y)) >= abs(z(a, c)) - 1e-9]
    grid = max(sum(probability(*q, n1, n2, r) for q in extreme) for r in np.linspace(0, 1, 201))
    found = barnard_table(a, n1 - a, c, n2 - c)
    assert grid * (1 - 1e-9) <= found.p_value <= grid * 1.005
    assert sum(probability(*q, n1, n2, found.rate) for q in extreme) == pytest.approx(found.p_value, rel=1e-9)


@settings(max_examples=10)
@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_barnards_own_order_is_that_of_the_slow_recomputation(n1: int, n2: int, data: st.DataObject) -> None:
    a, c = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    expected = csm_step_by_step(a, c, n1, n2, np.linspace(0, 1, 101))
    assert barnard_table(a, n1 - a, c, n2 - c, order="csm").p_value == pytest.approx(expected, rel=2e-3)


@settings(max_examples=15)
@given(*[st.integers(0, 9)] * 4, st.sampled_from(["pooled", "unpooled", "csm"]))
def test_names_of_groups_and_of_outcomes_do_not_matter(a: int, b: int, c: int, d: int, order: str) -> None:
    found = barnard_table(a, b, c, d, order=order)
    for other in ((c, d, a, b), (b, a, d, c)):
        assert barnard_table(*other, order=order).p_value == pytest.approx(found.p_value, rel=1e-8, nan_ok=True)
        assert abs(barnard_table(*other, order=order).statistic) == pytest.approx(abs(found.statistic), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("order", ["pooled", "csm"])
def test_level_is_held_whatever_the_rate(order: str) -> None:
    n1, n2 = 6, 9
    p = np.array([[barnard_table(x, n1 - x, y, n2 - y, order=order).p_value for y in range(n2 + 1)] for x in range(n1 + 1)])
    for rate in np.linspace(0.02, 0.98, 25):
        weight = np.array([[probability(x, y, n1, n2, rate) for y in range(n2 + 1)] for x in range(n1 + 1)])
        for level in (0.01, 0.05, 0.2):
            assert weight[p <= level].sum() <= level * (1 + 1e-9)


def test_no_variation_is_no_difference_and_an_empty_group_has_no_p() -> None:
    for order in ("pooled", "unpooled", "csm"):
        assert barnard_table(0, 5, 0, 8, order=order).p_value == pytest.approx(1.0, abs=1e-12)
        assert barnard_table(5, 0, 8, 0, order=order).p_value == pytest.approx(1.0, abs=1e-12)
        empty = barnard_table(0, 0, 3, 4, order=order)
        assert (empty.reason, empty.note) == ("empty group", "one of the groups has no patient")
        assert isnan(empty.p_value)
    assert barnard_table(5, 0, 0, 8, order="unpooled").statistic == np.inf
    assert barnard_table(0, 5, 0, 8).statistic == 0


def test_large_tables_are_answered_or_refused() -> None:
    assert barnard_table(60, 440, 30, 470).p_value == pytest.approx(0.0012, abs=3e-4)
    refused = barnard_table(60, 140, 30, 170, order="csm")
    assert refused.reason == "too large"
    assert isnan(refused.p_value)


def test_patients_are_counted_and_bad_input_is_named() -> None:
    assert barnard([1, 1, 0, 0, 0], [1, 0, 1, 0, 0]).table == (1, 1, 1, 2)
    with pytest.raises(ValueError, match="order: 'wald' is none of pooled, unpooled, csm"):
        barnard_table(1, 2, 3, 4, order="wald")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        barnard_table(1, 2, -3, 4)
    with pytest.raises(ValueError, match=r"whole numbers: 1\.5"):
        barnard_table(1.5, 2, 3, 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="whole numbers"):
        barnard_table(nan, 2, 3, 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="outcome: 1 value"):
        barnard([0, 1], [0, nan])
