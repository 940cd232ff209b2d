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

from resistance.stats.exact import fisher, fisher_table, mid_p, mid_p_table, p_value_minimum


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
        assert [found.p_value, found.p_greater, found.p_less] == pytest.approx(
            [truth["p"], truth["p_greater"], truth["p_less"]], rel=1e-10
        )
        # R finds estimate and bounds with an absolute tolerance of 1e-4
        assert found.odds_ratio == pytest.approx(np.inf if truth["or_cmle"] is None else truth["or_cmle"], rel=2e-3, abs=1e-4)
        for bound, expected in zip((found.ci_low, found.ci_high), truth["ci"], strict=True):
            assert bound == pytest.approx(np.inf if expected is None else expected, rel=5e-3, abs=1e-4)


@pytest.mark.shared
def test_mid_p_agrees_with_r(shared: Path) -> None:
    tables = json.loads((shared / "truth/stats/04_categorical.json").read_text())["tables"]
    for row in tables.values():
        truth, found = row["midp"], mid_p_table(*row["table"])
        assert [found.p_value, found.p_value_observed_only, found.p_greater, found.p_less] == pytest.approx(
            [truth["two_sided"], truth["two_sided_half_observed_only"], truth["greater"], truth["less"]], rel=1e-10
        )


@given(*[st.integers(0, 12)] * 4)
def test_mid_p_counts_tables_as_likely_by_half(a: int, b: int, c: int, d: int) -> None:
    low, high = max(0, a - d), min(a + b, a + c)
    weight = {x: comb(a + b, x) * comb(c + d, a + c - x) for x in range(low, high + 1)}
    twice = sum(2 * w if w < weight[a] else w for w in weight.values() if w <= weight[a])
    found, plain = mid_p_table(a, b, c, d), fisher_table(a, b, c, d)
    assert found.p_value == pytest.approx(float(Fraction(twice, 2 * sum(weight.values()))), rel=1e-9)
    assert found.p_value_minimum * (1 - 1e-9) <= found.p_value <= found.p_value_observed_only * (1 + 1e-9) <= plain.p_value
    assert found.p_greater + found.p_less == pytest.approx(1, rel=1e-12)
    if min(a + b, c + d, a + c, b + d) > 0:
        assert plain.ci_low <= found.ci_low <= found.odds_ratio <= found.ci_high <= plain.ci_high
    else:
        assert isnan(found.odds_ratio)
        assert (found.ci_low, found.ci_high) == (0.0, float("inf"))


@pytest.mark.parametrize("table", [(7, 12, 3, 8), (1, 9, 11, 3), (4, 1, 20, 1), (15, 43, 67, 31), (4, 0, 2, 6)])
def test_mid_p_bounds_leave_two_and_a_half_percent_with_half_of_this_table(table: tuple[int, int, int, int]) -> None:
    found = mid_p_table(*table)
    for ratio, upper in ((found.ci_low, True), (found.ci_high, False)):
        if 0 < ratio < np.inf:
            at_least, others = (conditional_tail(*table, ratio, upper=side) for side in (upper, not upper))
            assert at_least - (at_least + others - 1) / 2 == pytest.approx(0.025, rel=1e-6)
    if found.odds_ratio < np.inf:
        sides = [conditional_tail(*table, found.odds_ratio, upper=side) for side in (True, False)]
        assert sides[0] == pytest.approx(sides[1], rel=1e-9)


def test_mid_p_of_patients_is_that_of_their_table() -> None:
    assert mid_p([1, 1, 0, 0, 0], [1, 0, 1, 0, 0]) == mid_p_table(1, 1, 1, 2)


def test_a_table_met_again_is_not_computed_again() -> None:
    assert fisher_table(3, 4, 5, 6) is fisher_table(np.int64(3), 4.0, 5, 6)  # type: ignore[arg-type]
    assert fisher_table(3, 4, 5, 6, confidence=0.9).ci_low > fisher_table(3, 4, 5, 6).ci_low


def test_tables_of_thousands_of_patients_are_met() -> None:
    from scipy.stats import hypergeom

    found = fisher_table(40, 9_960, 90, 9_910)
    assert found.p_less == pytest.approx(hypergeom.cdf(40, 20_000, 10_000, 130), rel=1e-8)
    extreme = fisher_table(5_000, 0, 1, 4_999)
    assert extreme.p_value < 1e-300
    assert extreme.ci_low > 1e6


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
    for table in (fisher_table, mid_p_table):
        with pytest.raises(ValueError, match="cannot be negative"):
            table(-1, 2, 3, 4)
        with pytest.raises(ValueError, match=r"whole numbers: 1\.5, 2, 3, 4"):
            table(1.5, 2, 3, 4)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="whole numbers"):
            table(float("nan"), 2, 3, 4)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="confidence: 95"):
            table(1, 2, 3, 4, confidence=95)
