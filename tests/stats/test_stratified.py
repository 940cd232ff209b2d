"""Stratified 2x2 tables against R, against sums over all tables, and where strata say nothing."""

from __future__ import annotations

import json
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.exact import fisher_table
from resistance.stats.stratified import exact_stratified, homogeneity, mantel_haenszel, stratified_tables

stacks = st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4), min_size=1, max_size=3)
COO = [[[10, 4], [3, 9]], [[6, 2], [4, 5]], [[1, 7], [2, 12]]]


def sums_over_all_tables(tables: list[list[int]]) -> dict[int, int]:
    """Weights of the summed first cells, by enumerating every combination of tables, in whole numbers."""
    each = []
    for a, b, c, d in tables:
        counts = range(max(0, a - d), min(a + b, a + c) + 1)
        each.append([(x, comb(a + b, x) * comb(c + d, a + c - x)) for x in counts])
    weight: dict[int, int] = {}
    for choice in product(*each):
        total = sum(x for x, _ in choice)
        weight[total] = weight.get(total, 0) + int(np.prod([w for _, w in choice], dtype=object))
    return weight


@pytest.mark.shared
@pytest.mark.parametrize("name", ["cmh_UCBAdmissions", "cmh_birthwt_smoke_low_by_race"])
def test_every_number_of_r_is_met(shared: Path, name: str) -> None:
    truth = json.loads((shared / "truth/stats/04_categorical.json").read_text())[name]
    tables = np.reshape(truth["table_colmajor"], truth["dim"], order="F").transpose(2, 0, 1)
    found = mantel_haenszel(tables)
    assert found.odds_ratio == pytest.approx(truth["common_or"], rel=1e-10)
    assert [found.ci_low, found.ci_high] == pytest.approx(truth["ci"], rel=1e-10)
    assert [found.statistic, found.p_value] == pytest.approx([truth["chisq"], truth["p"]], rel=1e-10)
    assert [found.statistic_corrected, found.p_value_corrected] == pytest.approx([truth["chisq_cc"], truth["p_cc"]], rel=1e-10)
    exact = exact_stratified(tables)
    assert exact.p_value == pytest.approx(truth["exact_p"], rel=1e-10)
    # R finds estimate and bounds with an absolute tolerance of 1e-4
    assert exact.odds_ratio == pytest.approx(truth["exact_or"], rel=1e-4)
    assert [exact.ci_low, exact.ci_high] == pytest.approx(truth["exact_ci"], rel=2e-4)
    same = homogeneity(tables)
    assert [same.woolf, same.woolf_p] == pytest.approx([truth["woolf"]["stat"], truth["woolf"]["p"]], rel=1e-10)
    assert [same.breslow_day, same.breslow_day_p] == pytest.approx(
        [truth["breslow_day"]["stat"], truth["breslow_day"]["p"]], rel=1e-10
    )
    tarone = truth["breslow_day_tarone"]
    assert [same.tarone, same.tarone_p] == pytest.approx([tarone["stat"], tarone["p"]], rel=1e-10)
    assert same.df == truth["dim"][2] - 1


def test_agrees_with_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    theirs, found = StratifiedTable(np.array(COO, float).transpose(1, 2, 0)), mantel_haenszel(COO)
    assert found.odds_ratio == pytest.approx(theirs.oddsratio_pooled, rel=1e-12)
    assert found.log_se == pytest.approx(theirs.logodds_pooled_se, rel=1e-12)
    assert found.p_value == pytest.approx(theirs.test_null_odds(correction=False).pvalue, rel=1e-12)
    assert homogeneity(COO).breslow_day == pytest.approx(theirs.test_equal_odds().statistic, rel=1e-10)
    assert homogeneity(COO).tarone == pytest.approx(theirs.test_equal_odds(adjust=True).statistic, rel=1e-10)


@settings(max_examples=60)
@given(stacks)
def test_exact_p_is_the_sum_over_all_tables(tables: list[list[int]]) -> None:
    found = exact_stratified(np.reshape(tables, (-1, 2, 2)))
    if not found.converged:
        assert found.reason == "no stratum"
        return
    weight, observed = sums_over_all_tables(tables), sum(t[0] for t in tables)
    everything, own = sum(weight.values()), weight[observed]
    rarer = [w for w in weight.values() if w <= own]
    assert found.p_value == pytest.approx(sum(rarer) / everything, rel=1e-9)
    assert found.p_mid == pytest.approx((sum(rarer) - sum(w for w in rarer if w == own) / 2) / everything, rel=1e-9)
    assert found.p_greater == pytest.approx(sum(w for x, w in weight.items() if x >= observed) / everything, rel=1e-9)
    assert found.p_less == pytest.approx(sum(w for x, w in weight.items() if x <= observed) / everything, rel=1e-9)
    assert found.p_value >= found.p_value_minimum * (1 - 1e-9)
    assert found.ci_low <= found.odds_ratio <= found.ci_high


def test_exact_bounds_leave_two_and_a_half_percent_and_the_estimate_the_mean() -> None:
    found, weight = exact_stratified(COO), sums_over_all_tables(np.reshape(COO, (-1, 4)).tolist())

    def probabilities(ratio: float) -> dict[int, float]:
        scaled = {x: w * ratio**x for x, w in weight.items()}
        return {x: w / sum(scaled.values()) for x, w in scaled.items()}

    assert sum(p for x, p in probabilities(found.ci_low).items() if x >= 17) == pytest.approx(0.025, rel=1e-9)
    assert sum(p for x, p in probabilities(found.ci_high).items() if x <= 17) == pytest.approx(0.025, rel=1e-9)
    assert sum(x * p for x, p in probabilities(found.odds_ratio).items()) == pytest.approx(17, rel=1e-9)


@given(*[st.integers(0, 12)] * 4)
def test_one_stratum_is_fishers_test(a: int, b: int, c: int, d: int) -> None:
    found, alone = exact_stratified([[[a, b], [c, d]]]), fisher_table(a, b, c, d)
    if found.converged:
        assert (found.p_value, found.odds_ratio) == (
            pytest.approx(alone.p_value, rel=1e-9),
            pytest.approx(alone.odds_ratio, rel=1e-7),
        )
        assert (found.ci_low, found.ci_high) == (pytest.approx(alone.ci_low, rel=1e-7), pytest.approx(alone.ci_high, rel=1e-7))
    else:
        assert min(a + b, c + d, a + c, b + d) == 0


@given(stacks)
def test_order_of_strata_does_not_matter_and_swapping_the_groups_inverts(tables: list[list[int]]) -> None:
    stack = np.reshape(tables, (-1, 2, 2))
    found = mantel_haenszel(stack)
    for other in (mantel_haenszel(stack[::-1]), mantel_haenszel(stack.transpose(0, 2, 1))):
        assert other.odds_ratio == pytest.approx(found.odds_ratio, rel=1e-9, nan_ok=True)
        assert other.p_value == pytest.approx(found.p_value, rel=1e-9, nan_ok=True)
    swapped = mantel_haenszel(stack[:, ::-1])
    assert swapped.p_value == pytest.approx(found.p_value, rel=1e-9, nan_ok=True)
    if 0 < found.odds_ratio < np.inf:
        assert swapped.odds_ratio == pytest.approx(1 / found.odds_ratio, rel=1e-9)
        assert swapped.ci_low == pytest.approx(1 / found.ci_high, rel=1e-9)
    exact, turned = exact_stratified(stack), exact_stratified(stack[:, ::-1])
    assert turned.p_value == pytest.approx(exact.p_value, rel=1e-9, nan_ok=True)
    assert turned.ci_low == pytest.approx(np.inf if exact.ci_high == 0 else 1 / exact.ci_high, rel=1e-6, nan_ok=True)


@given(stacks)
def test_the_expected_table_of_breslow_and_day_has_the_common_odds_ratio(tables: list[list[int]]) -> None:
    from resistance.stats.stratified import _expected

    stack = np.reshape(tables, (-1, 2, 2)) + 1.0
    a, b, c, d = stack.reshape(-1, 4).T
    for ratio in (1e-3, 0.5, 1.0, 1 + 1e-12, 40.0):
        x = _expected(a + b, c + d, a + c, ratio)
        assert (x > np.maximum(0, a - d)).all()
        assert (x < np.minimum(a + b, a + c)).all()
        assert x * (d - a + x) / ((a + b - x) * (a + c - x)) == pytest.approx(ratio, rel=1e-7)


def test_strata_that_say_nothing_are_counted_and_said() -> None:
    more = [*COO, [[0, 0], [0, 0]], [[5, 0], [7, 0]], [[0, 0], [3, 4]]]
    for method in (mantel_haenszel, exact_stratified, homogeneity):
        found, without = method(more), method(COO)
        assert (found.strata, found.strata_used, found.n, found.n_used) == (6, 3, 84, 65)
        assert found.note == "3 of 6 strata (19 patients) say nothing: an empty margin"
        numbers = [v for v in vars(without).values() if isinstance(v, float)]
        assert [v for v in vars(found).values() if isinstance(v, float)] == numbers
        nothing = method([[[0, 0], [3, 4]], [[0, 0], [0, 0]]])
        assert (nothing.converged, nothing.reason, nothing.strata_used) == (False, "no stratum", 0)
        assert all(np.isnan(v) for v in vars(nothing).values() if isinstance(v, float))
        assert method(np.zeros((0, 2, 2))).reason == "no stratum"


def test_an_empty_diagonal_has_no_interval_but_a_test() -> None:
    tables = [[[5, 0], [2, 6]], [[3, 0], [1, 4]]]
    found, exact, same = mantel_haenszel(tables), exact_stratified(tables), homogeneity(tables)
    assert found.odds_ratio == exact.odds_ratio == exact.ci_high == np.inf
    assert np.isnan([found.log_se, found.ci_low]).all()
    assert found.p_value < 0.01
    assert exact.p_value < 0.01
    assert exact.ci_low > 1
    assert (same.converged, same.reason) == (False, "empty cell")
    assert np.isfinite(same.woolf_p)
    assert np.isnan(same.tarone_p)
    assert homogeneity(tables[:1]).note == "only one stratum has both groups and both outcomes"


def test_large_separated_strata_do_not_underflow() -> None:
    found = exact_stratified([[[600, 0], [0, 600]], [[599, 1], [1, 599]]])
    assert found.p_value < 1e-300
    assert np.isfinite(found.odds_ratio)
    assert found.ci_low < found.odds_ratio < found.ci_high
    assert found.odds_ratio > 1e5


def test_tables_are_counted_from_patients_by_sorted_stratum() -> None:
    tables = stratified_tables([1, 1, 0, 0, 1], [1, 0, 1, 0, 1], ["b", "b", "a", "a", "a"])
    assert tables.tolist() == [[[1, 0], [1, 1]], [[1, 1], [0, 0]]]
    assert stratified_tables([], [], []).shape == (0, 2, 2)


def test_bad_input_is_named() -> None:
    for method in (mantel_haenszel, exact_stratified, homogeneity):
        with pytest.raises(ValueError, match=r"shape \(2, 2\) is not \(strata, 2, 2\)"):
            method([[1, 2], [3, 4]])
        with pytest.raises(ValueError, match="negative"):
            method([[[1, 2], [3, -4]]])
        with pytest.raises(ValueError, match="whole"):
            method([[[1, 2], [3, 0.5]]])
        with pytest.raises(ValueError, match="whole"):
            method([[[1, 2], [3, np.nan]]])
    with pytest.raises(ValueError, match="strata: shape"):
        stratified_tables([1, 0], [1, 0], ["a"])
