"""Adjusted p-values against R, against closed testing written out, and by their properties."""

from __future__ import annotations

import json
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats.exact import fisher_table, p_value_minimum
from resistance.stats.multiplicity import METHODS, adjust, benjamini_hochberg, tarone, weighted_benjamini_hochberg

P = st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=40)
FEW = st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.012, 0.02, 0.03, 0.04, 0.2, 0.5, 1.0]), min_size=1, max_size=7)
IN_R = {"bonferroni": "bonferroni", "holm": "holm", "hochberg": "hochberg", "hommel": "hommel", "bh": "BH", "by": "BY"}


def closed_testing(p: list[float], local: object) -> list[float]:
    """Return, for each test, the largest local p of all sets of tests that hold it."""
    sets = [s for size in range(1, len(p) + 1) for s in combinations(range(len(p)), size)]
    return [max(local([p[j] for j in s]) for s in sets if i in s) for i in range(len(p))]


def simes(p: list[float]) -> float:
    return min(len(p) * value / rank for rank, value in enumerate(sorted(p), start=1))


@pytest.mark.shared
@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_r(shared: Path, method: str) -> None:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["p_adjust"]
    assert adjust(truth["p"], method) == pytest.approx(truth[IN_R[method]], rel=1e-12)


@pytest.mark.shared
def test_weighted_values_and_rejections_agree_with_ihw(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["ihw_golub"]
    q = weighted_benjamini_hochberg(truth["p"], truth["weights"])
    assert q == pytest.approx(truth["adj_p"], rel=1e-8)
    assert (q <= truth["alpha"]).sum() == truth["n_reject"]
    assert (benjamini_hochberg(truth["p"]) <= truth["alpha"]).sum() == truth["n_reject_BH"]


def test_three_by_hand() -> None:
    assert benjamini_hochberg([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.04, 0.03, 0.04])


@given(FEW)
def test_hommel_is_closed_testing_with_simes_and_holm_with_bonferroni(p: list[float]) -> None:
    assert adjust(p, "hommel") == pytest.approx(closed_testing(p, simes), rel=1e-12)
    assert adjust(p, "holm") == pytest.approx(closed_testing(p, lambda s: min(1.0, len(s) * min(s))), rel=1e-12)


@given(P)
def test_q_is_at_least_p_and_keeps_its_order(p: list[float]) -> None:
    p_values = np.array(p, dtype=float)
    known = ~np.isnan(p_values)
    order = np.argsort(p_values[known], kind="stable")
    for method in METHODS:
        q = adjust(p_values, method)
        assert (np.isnan(q) == ~known).all()
        assert (q[known] >= p_values[known]).all()
        assert (q[known] <= 1).all()
        assert (np.diff(q[known][order]) >= -1e-15).all()


@given(P)
def test_unanswered_questions_do_not_count_and_order_does_not_matter(p: list[float]) -> None:
    p_values = np.array(p, dtype=float)
    known = ~np.isnan(p_values)
    for method in METHODS:
        q = adjust(p_values, method)
        assert adjust(p_values[known], method).tolist() == q[known].tolist()
        assert adjust(p_values[::-1], method)[::-1].tolist() == pytest.approx(q.tolist(), nan_ok=True)


@given(FEW, st.integers(0, 5))
def test_a_test_that_was_not_run_counts_as_one_with_p_1(p: list[float], not_run: int) -> None:
    for method in METHODS:
        assert adjust(p, method, not_run=not_run) == pytest.approx(adjust(p + [1.0] * not_run, method)[: len(p)], rel=1e-12)


@given(FEW)
def test_the_methods_stand_in_their_known_order(p: list[float]) -> None:
    bonferroni, holm, hochberg, hommel, bh, by = (adjust(p, method) for method in METHODS)
    for smaller, larger in ((holm, bonferroni), (hochberg, holm), (hommel, hochberg), (bh, hommel), (bh, by)):
        assert (smaller <= larger + 1e-12).all()


@given(FEW, st.floats(0.1, 10))
def test_equal_weights_change_nothing_and_their_scale_does_not_matter(p: list[float], scale: float) -> None:
    weights = np.random.default_rng(len(p)).random(len(p)) + 0.1
    assert weighted_benjamini_hochberg(p, np.full(len(p), scale)) == pytest.approx(benjamini_hochberg(p), rel=1e-12)
    assert weighted_benjamini_hochberg(p, weights * scale) == pytest.approx(weighted_benjamini_hochberg(p, weights), rel=1e-9)


def test_a_weight_of_0_gives_the_test_up_and_the_others_gain() -> None:
    assert weighted_benjamini_hochberg([0.0, 0.01, 0.02, float("nan")], [0, 1, 1, 5]).tolist() == pytest.approx(
        [1.0, 0.02, 0.02, np.nan], nan_ok=True
    )


@given(FEW)
def test_tarone_counts_every_test_that_can_succeed(p: list[float]) -> None:
    least = np.array(p) * np.random.default_rng(len(p)).random(len(p))
    found = tarone(p, least, 0.05)
    slow = next(k for k in range(1, len(p) + 2) if sum(value <= 0.05 / k for value in least) <= k)
    assert found.n_counted == slow
    assert found.rejected.tolist() == [value <= 0.05 / slow * (1 + 1e-12) for value in p]
    assert (found.p_adjusted >= p).all()
    assert found.n_tests == len(p) == found.counted.sum() + found.n_never
    # never worse than Bonferroni over all
    assert (found.rejected | (adjust(p, "bonferroni") > 0.05)).all()


def test_markers_too_rare_for_any_p_cost_nothing() -> None:
    margins = [(1, 39, 12), (2, 38, 12), (2, 38, 20), (8, 32, 12)]
    least = [p_value_minimum(*m) for m in margins]
    p = [fisher_table(0, m[0], m[2], m[1] - m[2]).p_value for m in margins[:3]] + [fisher_table(7, 1, 5, 27).p_value]
    found = tarone(p, least)
    assert (found.n_counted, found.n_never, found.n_not_run) == (1, 3, 0)
    assert found.p_adjusted[3] == p[3]
    assert found.rejected.tolist() == [False, False, False, True]


def test_tarone_keeps_the_family_wise_error() -> None:
    # two markers of 3 and 6 carriers among 30, 10 responders: all tables, each with its probability
    margins = [(3, 27, 10), (6, 24, 10)]
    least = [p_value_minimum(*m) for m in margins]
    error = 0.0
    for x in range(4):
        for y in range(7):
            chance = comb(3, x) * comb(27, 10 - x) / comb(30, 10) * comb(6, y) * comb(24, 10 - y) / comb(30, 10)
            p = [fisher_table(x, 3 - x, 10 - x, 17 + x).p_value, fisher_table(y, 6 - y, 10 - y, 14 + y).p_value]
            error += chance * bool(tarone(p, least).rejected.any())
    assert 0 < error <= 0.05


def test_tests_not_run_are_counted_beside() -> None:
    found = tarone([0.01, np.nan, np.nan], [0.001, 0.2, np.nan])
    assert (found.n_tests, found.n_not_run, found.n_counted) == (1, 2, 1)
    assert np.isnan(found.p_adjusted[1:]).all()
    assert tarone([], []).n_tests == 0


def test_a_p_on_the_boundary_is_rejected_whatever_the_rounding() -> None:
    # .05 / 3 and .15 / 3 are not the same number as their quotients by hand
    found = tarone([0.05 / 3] * 3, [0.05 / 3] * 3)
    assert found.n_counted == 3
    assert found.rejected.all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        benjamini_hochberg([0.1, 1.2])
    with pytest.raises(ValueError, match="one dimension"):
        adjust([[0.1]], "holm")
    with pytest.raises(ValueError, match="none of bonferroni"):
        adjust([0.1], "fdr")
    with pytest.raises(ValueError, match="not_run"):
        adjust([0.1], "holm", not_run=-1)
    with pytest.raises(ValueError, match="weights: negative"):
        weighted_benjamini_hochberg([0.1, 0.2], [1, -1])
    with pytest.raises(ValueError, match="weights: all are 0"):
        weighted_benjamini_hochberg([0.1, 0.2], [0, 0])
    with pytest.raises(ValueError, match="weights: shape"):
        weighted_benjamini_hochberg([0.1, 0.2], [1])
    with pytest.raises(ValueError, match="smaller than its smallest"):
        tarone([0.01], [0.2])
    with pytest.raises(ValueError, match="p_minimum"):
        tarone([0.01], [np.nan])
    with pytest.raises(ValueError, match="alpha"):
        tarone([0.01], [0.001], alpha=0)


def test_thousands_of_tests_keep_the_order_of_the_methods() -> None:
    p = np.random.default_rng(75).random(2000)
    assert (adjust(p, "hommel") <= adjust(p, "hochberg") * (1 + 1e-12)).all()
