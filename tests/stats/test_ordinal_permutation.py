"""The stratified permutation test against every rearrangement, and its level with few carriers."""

from __future__ import annotations

from itertools import permutations as orders
from itertools import product

import numpy as np
import pytest
from scipy import stats

from resistance.stats import ordinal_permutation as module
from resistance.stats.ordinal_permutation import ordinal_permutation
from resistance.stats.ranks import rank_sum, van_elteren


def by_every_order(y: list[int], x: list[float], s: list[int]) -> float:
    """Return the two-sided p over all rearrangements of the marker within strata."""
    y, x, s = np.array(y), np.array(x), np.array(s)
    groups = [np.flatnonzero(s == stratum) for stratum in np.unique(s)]
    score = np.zeros(y.size)
    for rows in groups:
        score[rows] = (stats.rankdata(y[rows]) - (rows.size + 1) / 2) / (rows.size + 1)
    found = [
        sum(score[rows] @ np.array(values) for rows, values in zip(groups, chosen, strict=True))
        for chosen in product(*(list(orders(x[rows])) for rows in groups))
    ]
    return float((np.abs(found) >= abs(score @ x) - 1e-9).mean())


CASES = [
    ([0, 0, 1, 2, 2, 3, 0, 1, 1, 3], [1, 0, 1, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]),
    ([2, 0, 1, 2, 2, 1], [0, 1, 0, 0, 1, 0], [0] * 6),
    ([2, 0, 1, 2, 1, 1, 0], [0, 1, 0, 0, 1, 1, 1], [5, 5, 5, 7, 7, 7, 7]),
]


@pytest.mark.parametrize(("y", "x", "s"), CASES)
def test_exact_p_counts_every_rearrangement(y: list[int], x: list[int], s: list[int]) -> None:
    found = ordinal_permutation(y, x, s)
    assert found.method == "exact"
    assert found.p_value == pytest.approx(by_every_order(y, x, s), rel=1e-9)
    assert found.p_minimum <= found.p_value
    assert found.p_mid < found.p_value
    assert found.z == pytest.approx(van_elteren(y, x, s).z, rel=1e-12)


@pytest.mark.parametrize(("y", "x", "s"), CASES)
def test_drawn_p_is_near_the_exact_one_and_never_zero(
    y: list[int], x: list[int], s: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = ordinal_permutation(y, x, s).p_value
    monkeypatch.setattr(module, "EXACT_VALUES", 0)
    found = ordinal_permutation(y, x, s, permutations=9999, seed=1)
    assert (found.method, found.permutations, found.p_minimum) == ("permutation", 9999, 1e-4)
    assert found.p_value == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 9999) + 2e-4)
    assert ordinal_permutation(y, x, s, permutations=9999, seed=1).p_value == found.p_value
    assert found.p_value * 10_000 == pytest.approx(round(found.p_value * 10_000))


def test_one_stratum_is_the_exact_rank_sum_test() -> None:
    draw = np.random.default_rng(1)
    y, x = draw.integers(0, 4, 60), np.arange(60) < 5
    assert ordinal_permutation(y, x).p_value == pytest.approx(rank_sum(y, x).p_exact, rel=1e-9)


def test_a_number_as_marker_is_permuted() -> None:
    y, x = [0, 1, 2, 0, 1, 2], [0.2, 1.4, 3.0, 0.1, 0.9, 1.1]
    found = ordinal_permutation(y, x, permutations=4999, seed=3)
    expected = by_every_order(y, x, [0] * 6)
    assert found.method == "permutation"
    assert found.p_value == pytest.approx(expected, abs=5 * np.sqrt(expected / 4999) + 4e-4)


def test_the_level_holds_with_four_carriers_where_the_normal_p_has_no_tail() -> None:
    draw = np.random.default_rng(2)
    strata = np.repeat([0, 1, 2], 30)
    p, mid = [], []
    for _ in range(400):
        y = draw.choice(4, 90, p=[0.6, 0.2, 0.1, 0.1])
        x = np.zeros(90)
        x[draw.choice(90, 4, replace=False)] = 1
        found = ordinal_permutation(y, x, strata)
        p.append(found.p_value)
        mid.append(found.p_mid)
    assert np.mean(np.array(p) <= 0.05) <= 0.07
    assert 0.025 <= np.mean(np.array(mid) <= 0.05) <= 0.08
    assert np.mean(mid) == pytest.approx(0.5, abs=0.05)


def test_coding_order_and_labels_of_strata_do_not_matter() -> None:
    y, x, s = (np.array(v) for v in CASES[0])
    found = ordinal_permutation(y, x, s)
    assert ordinal_permutation(10 * y + 3, x, s).p_value == pytest.approx(found.p_value, rel=1e-12)
    assert ordinal_permutation(-y, x, s).statistic == pytest.approx(-found.statistic)
    assert ordinal_permutation(y, 1 - x, s).p_value == pytest.approx(found.p_value, rel=1e-9)
    order = np.random.default_rng(0).permutation(y.size)
    assert ordinal_permutation(y[order], x[order], np.where(s == 0, "b", "a")[order]).p_value == pytest.approx(
        found.p_value, rel=1e-9
    )


def test_no_answer_is_said() -> None:
    found = ordinal_permutation([1, 1, 1], [1, 0, 0])
    assert (found.converged, found.reason, found.note) == (
        False,
        "no informative stratum",
        "in no stratum do both marker and outcome vary",
    )
    assert np.isnan([found.p_value, found.z, found.p_minimum]).all()
    assert not ordinal_permutation([0, 1, 2, 3], [1, 1, 0, 0], [0, 0, 1, 1]).converged
    assert not ordinal_permutation([], []).converged
    assert ordinal_permutation([0, 1, 0, 1], [1, 0, 1, 1], [0, 0, 1, 1]).informative == 1


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="marker: 2 values for 3"):
        ordinal_permutation([0, 1, 2], [0, 1])
    with pytest.raises(ValueError, match="permutations: 0 is below 1"):
        ordinal_permutation([0, 1], [0, 1], permutations=0)
    with pytest.raises(ValueError, match="outcome_codes: 1 value"):
        ordinal_permutation([0, np.nan], [0, 1])
