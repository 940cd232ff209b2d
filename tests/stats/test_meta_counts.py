"""Pooled 2x2 tables against published numbers, statsmodels, by hand, and with empty cells."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.meta_counts import MEASURES, effects_of_counts, mantel_haenszel, peto

# Colditz 1994, see test_meta.py
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761), (180, 1361, 372, 1079),
    (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197),
    (5, 2493, 3, 2338), (27, 16886, 29, 17825),
])  # fmt: skip
TABLES = st.lists(st.tuples(*[st.integers(0, 15)] * 4), min_size=1, max_size=6)


def test_the_bcg_trials_have_their_published_numbers() -> None:
    # the documentation of metafor (rma.mh, rma.peto), four digits
    ratio = mantel_haenszel(BCG, measure="risk_ratio")
    assert [ratio.effect, ratio.se] == pytest.approx([-0.4537, 0.0393], abs=5e-5)
    odds = mantel_haenszel(BCG)
    assert [odds.effect, odds.se] == pytest.approx([-0.4734, 0.0410], abs=5e-5)
    one_step = peto(BCG)
    assert [one_step.effect, one_step.se] == pytest.approx([-0.4744, 0.0407], abs=5e-5)


def test_the_odds_ratio_and_its_error_agree_with_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    theirs = StratifiedTable([row.reshape(2, 2) for row in BCG.astype(float)])
    ours = mantel_haenszel(BCG)
    assert ours.effect == pytest.approx(theirs.logodds_pooled, rel=1e-10)
    assert ours.se == pytest.approx(theirs.logodds_pooled_se, rel=1e-10)
    assert mantel_haenszel(BCG, measure="risk_ratio").effect == pytest.approx(log(theirs.riskratio_pooled), rel=1e-10)


def test_one_study_has_its_own_effect() -> None:
    table = [[7, 12, 3, 30]]
    for measure in MEASURES:
        own, pooled = effects_of_counts(table, measure=measure), mantel_haenszel(table, measure=measure)
        assert pooled.effect == pytest.approx(own.effect[0], rel=1e-12)
        assert pooled.se == pytest.approx(own.se[0], rel=0.03)  # Sato's variance of the difference differs a little
    assert mantel_haenszel(table).se == pytest.approx(effects_of_counts(table).se[0], rel=1e-12)
    assert mantel_haenszel(table, measure="risk_ratio").se == pytest.approx(
        effects_of_counts(table, measure="risk_ratio").se[0], rel=1e-12
    )


def test_by_hand() -> None:
    # a d / n and b c / n of two small tables
    up, down = 2 * 8 / 40 + 0 * 9 / 22, 21 * 9 / 40 + 10 * 3 / 22
    assert mantel_haenszel([[2, 21, 9, 8], [0, 10, 3, 9]]).effect == pytest.approx(log(up / down))
    # observed 2, expected 11 * 23 / 40, hypergeometric variance
    observed, variance = 2 - 11 * 23 / 40, 23 * 17 * 11 * 29 / (40**2 * 39)
    assert peto([[2, 21, 9, 8]]).effect == pytest.approx(observed / variance)
    assert peto([[2, 21, 9, 8]]).se == pytest.approx(variance**-0.5)


def test_many_small_tables_of_one_odds_ratio_find_it() -> None:
    draw = np.random.default_rng(1)
    base = draw.uniform(0.1, 0.5, 3000)
    odds = 2 * base / (1 - base)
    a, c = draw.binomial(6, odds / (1 + odds)), draw.binomial(12, base)
    found = mantel_haenszel(np.column_stack([a, 6 - a, c, 12 - c]))
    assert found.effect == pytest.approx(log(2), abs=4 * found.se)
    assert found.se < 0.05


@settings(max_examples=60)
@given(TABLES)
def test_order_groups_and_coding_do_not_matter(rows: list[tuple[int, ...]]) -> None:
    tables = np.array(rows)
    for pool in (mantel_haenszel, peto, lambda t: mantel_haenszel(t, measure="risk_difference")):
        found, back = pool(tables), pool(tables[::-1])
        swapped, other = pool(tables[:, [2, 3, 0, 1]]), pool(tables[:, [1, 0, 3, 2]])
        assert {r.converged for r in (found, back, swapped, other)} == {found.converged}
        if not found.converged:
            assert np.isnan([found.effect, found.se, found.p_value]).all()
            assert found.reason in ("no information", "monotone")
            assert found.note
            continue
        assert back.effect == pytest.approx(found.effect, abs=1e-12)
        assert swapped.effect == pytest.approx(-found.effect, abs=1e-12)
        assert other.effect == pytest.approx(-found.effect, abs=1e-12)
        assert swapped.se == pytest.approx(found.se, rel=1e-9)
        assert found.ci_low < found.effect < found.ci_high


@given(TABLES)
def test_studies_that_say_nothing_change_nothing_and_are_counted(rows: list[tuple[int, ...]]) -> None:
    tables = np.array(rows)
    more = np.vstack([tables, [0, 12, 0, 30], [5, 0, 9, 0], [0, 0, 3, 4]])
    for pool in (mantel_haenszel, peto):
        found, with_more = pool(tables), pool(more)
        assert with_more.k_used == found.k_used
        assert with_more.k == found.k + 3
        assert with_more.effect == pytest.approx(found.effect, nan_ok=True)
        assert with_more.se == pytest.approx(found.se, nan_ok=True)
        if found.converged:
            assert "say nothing" in with_more.note


def test_a_study_in_which_everybody_has_the_outcome_has_a_risk_ratio_of_one() -> None:
    # R 4.2.2, metafor 3.8-1: rma.mh(ai, bi, ci, di, measure = "RR", add = 0, to = "none", drop00 = FALSE)
    tables = [[2, 3, 3, 2], [2, 0, 6, 0], [4, 0, 4, 2], [1, 3, 4, 1]]
    found = mantel_haenszel(tables, measure="risk_ratio")
    assert [found.effect, found.se] == pytest.approx([-0.156185268525, 0.224914462555], rel=1e-10)
    assert (found.k_used, found.note) == (4, "")
    nobody = mantel_haenszel([*tables, [0, 5, 0, 7], [0, 0, 3, 4]], measure="risk_ratio")
    assert nobody.effect == found.effect
    assert nobody.note == "2 of 6 studies say nothing (nobody with the outcome, or an empty side)"
    assert mantel_haenszel(tables).k_used == 3


def test_half_a_patient_is_added_only_where_it_is_asked_for_and_said() -> None:
    tables = [[0, 10, 3, 9], [2, 21, 9, 8], [0, 5, 0, 8]]
    plain = effects_of_counts(tables)
    assert np.isnan(plain.effect).tolist() == [True, False, True]
    assert "2 of 3 studies without an effect" in plain.note
    half = effects_of_counts(tables, correction=0.5)
    assert half.effect[0] == pytest.approx(log(0.5 * 9.5 / (10.5 * 3.5)))
    assert half.effect[1] == plain.effect[1]
    assert np.isnan(half.effect[2])  # nobody has the outcome: no ratio, whatever is added
    assert half.corrected.tolist() == [True, False, False]
    assert "0.5 added to the four cells of 1 of 3 studies" in half.note


@pytest.mark.parametrize("measure", ["odds_ratio", "risk_ratio"])
def test_empty_cells_on_one_side_have_no_finite_ratio(measure: str) -> None:
    found = mantel_haenszel([[0, 10, 3, 9], [0, 6, 2, 9]], measure=measure)
    assert (found.converged, found.reason) == (False, "monotone")
    assert peto([[0, 10, 3, 9], [0, 6, 2, 9]]).effect < 0


@pytest.mark.parametrize(
    ("table", "note"),
    [
        ((0, 8, 0, 10), "nobody or everybody has the outcome: the difference is 0 without an error"),
        ((32, 0, 0, 36), "all of one side have the outcome and none of the other: the difference is 1 without an error"),
        ((0, 32, 36, 0), "all of one side have the outcome and none of the other: the difference is -1 without an error"),
    ],
)
def test_a_difference_without_an_error_is_named_as_large_as_it_is(table: tuple[int, ...], note: str) -> None:
    found = mantel_haenszel([table], measure="risk_difference")
    assert (found.converged, found.note) == (False, note)


def test_bad_input_is_named() -> None:
    for pool in (mantel_haenszel, peto, effects_of_counts):
        with pytest.raises(ValueError, match="four counts"):
            pool([[1, 2, 3]])
        with pytest.raises(ValueError, match="whole numbers"):
            pool([[1, 2, 3, -4]])
        with pytest.raises(ValueError, match="whole numbers"):
            pool([[1, 2, 3, 4.5]])
    with pytest.raises(ValueError, match="none of odds_ratio"):
        mantel_haenszel([[1, 2, 3, 4]], measure="hr")
    with pytest.raises(ValueError, match="confidence"):
        peto([[1, 2, 3, 4]], confidence=0)
    with pytest.raises(ValueError, match="correction"):
        effects_of_counts([[1, 2, 3, 4]], correction=-1)
    assert mantel_haenszel([]).reason == peto([]).reason == "no studies"
