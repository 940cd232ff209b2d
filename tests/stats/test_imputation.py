"""Rubin's rules against R's mice, chained equations by what they recover, and both at their edges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.imputation import impute, pool, pool_chi_square, survival_predictors


@pytest.mark.shared
def test_pooled_numbers_agree_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["rubin"]
    k = truth["n"] - truth["dfcom"]
    found = pool(np.array(truth["Q"]).T, np.array(truth["U"]).T, truth["n"], k)
    ours = {
        "estimate": found.estimate, "ubar": found.within, "b": found.between, "t": found.total, "df": found.df,
        "riv": found.riv, "lambda": found.lambda_, "fmi": found.fmi,
    }  # fmt: skip
    for name, values in ours.items():
        assert values == pytest.approx(truth[name], rel=1e-8), name
    one = pool(truth["Q"][1], truth["U"][1], truth["n"], k)
    assert one.df[0] == pytest.approx(truth["df"][1], rel=1e-8)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_rubins_rules_by_hand(seed: int, m: int) -> None:
    from scipy.stats import t

    draw = np.random.default_rng(seed)
    q, u = draw.normal(0.5, 0.3, m), draw.uniform(0.01, 0.2, m)
    found = pool(q, u, 80, 4)
    between = sum((value - q.mean()) ** 2 for value in q) / (m - 1)
    total = u.mean() + between + between / m
    assert found.total[0] == pytest.approx(total)
    lam = (between + between / m) / total
    old, seen = (m - 1) / lam**2, 77 / 79 * 76 * (1 - lam)
    df = old * seen / (old + seen)
    assert found.df[0] == pytest.approx(df)
    assert found.df[0] < min(old, 76)
    assert found.p_value[0] == pytest.approx(2 * t.sf(abs(q.mean()) / total**0.5, df))
    assert (found.ci_low[0] > 0 or found.ci_high[0] < 0) == (found.p_value[0] < 0.05)
    assert 0 <= found.lambda_[0] <= found.fmi[0] <= 1
    order = draw.permutation(m)
    assert pool(q[order], u[order], 80, 4).total[0] == pytest.approx(total)
    scaled = pool(1000 * q, 1e6 * u, 80, 4)
    assert scaled.p_value[0] == pytest.approx(found.p_value[0])
    assert pool(q, u).df[0] == pytest.approx(old)


def test_copies_that_agree_are_one_complete_analysis() -> None:
    from scipy.stats import norm, t

    found = pool([0.7] * 5, [0.04] * 5, 50, 3)
    assert found.total[0] == pytest.approx(0.04)
    assert found.lambda_[0] == found.riv[0] == 0
    assert found.df[0] == pytest.approx(48 / 50 * 47)
    assert found.p_value[0] == pytest.approx(2 * t.sf(3.5, 48 / 50 * 47))
    assert pool([0.7] * 5, [0.04] * 5).p_value[0] == pytest.approx(2 * norm.sf(3.5))


def test_a_copy_without_answer_leaves_none() -> None:
    found = pool([[0.1, 0.2], [0.3, np.nan], [0.2, 0.1]], np.ones((3, 2)), 40, 2)
    assert (found.converged, found.reason, found.columns) == (False, "copy without answer", (1,))
    assert np.isnan(found.estimate).all()
    assert np.isnan(found.p_value).all()
    assert "1 of 3 copies" in found.note
    assert pool([0.3], [0.1], 40, 2).reason == "one copy"
    assert pool([0.3, 0.4], [0.0, 0.0], 40, 2).reason == "no variance"


def test_pooled_chi_square_of_one_degree_is_near_the_pooled_t() -> None:
    draw = np.random.default_rng(3)
    q, u = draw.normal(0.6, 0.05, 40), np.full(40, 0.06)
    assert pool_chi_square(q**2 / u) == pytest.approx(pool(q, u).p_value[0], abs=0.004)
    # all the same: that chi-square
    from scipy.stats import chi2

    assert pool_chi_square([5.0] * 4, 2) == pytest.approx(chi2.sf(5.0, 2), rel=1e-6)
    assert np.isnan(pool_chi_square([5.0, np.nan]))


def gappy(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a complete table, the same with gaps that depend on the outcome, and the outcome."""
    draw = np.random.default_rng(seed)
    ldh = draw.normal(0, 1, n)
    marker = (draw.random(n) < 1 / (1 + np.exp(-ldh + 0.5))).astype(float)
    stage = np.digitize(ldh + draw.normal(0, 1, n), [-0.7, 0.7]).astype(float) + 1
    y = 0.8 * ldh + 1.0 * marker + draw.normal(0, 1, n)
    whole = np.column_stack([ldh, marker, stage])
    table = whole.copy()
    lost = draw.random((n, 3)) < (0.15 + 0.5 * (y > 0.8))[:, None] * np.array([1.0, 0.8, 0.6])
    table[lost] = np.nan
    return whole, table, y


KINDS = ("number", "binary", "category")


def slopes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = np.column_stack([np.ones(y.size), x])
    inverse = np.linalg.inv(a.T @ a)
    coef = inverse @ a.T @ y
    return coef[1:], (np.diag(inverse) * ((y - a @ coef) ** 2).sum() / (y.size - a.shape[1]))[1:]


def test_effects_are_recovered_where_complete_cases_are_biased_and_the_outcome_is_needed() -> None:
    truth = np.array([0.8, 1.0])
    estimates: dict[str, list[np.ndarray]] = {"with": [], "without": [], "complete": []}
    for seed in range(6):
        _, table, y = gappy(seed, 400)
        for name, outcome in (("with", y), ("without", None)):
            found = impute(table, KINDS, outcome=outcome, seed=seed, m=3, iterations=3)
            estimates[name].append(np.mean([slopes(copy[:, :2], y)[0] for copy in found.completed], axis=0))
        complete = ~np.isnan(table).any(axis=1)
        estimates["complete"].append(slopes(table[complete][:, :2], y[complete])[0])
    bias = {name: np.abs(np.mean(values, axis=0) - truth).max() for name, values in estimates.items()}
    assert bias["with"] < 0.08
    assert bias["without"] > 0.12
    assert bias["complete"] > 0.12


def test_the_interval_covers_as_often_as_it_says() -> None:
    covered = []
    for seed in range(40):
        whole, table, y = gappy(seed, 120)
        found = impute(table[:, :2], KINDS[:2], outcome=y, seed=seed, m=5, iterations=3)
        parts = [slopes(copy, y) for copy in found.completed]
        pooled = pool([p[0] for p in parts], [p[1] for p in parts], 120, 3)
        covered += [(pooled.ci_low <= [0.8, 1.0]) & (pooled.ci_high >= [0.8, 1.0])]
        # wider than with nothing lost, nearly always
        assert (pooled.total > 0.8 * slopes(whole[:, :2], y)[1]).all()
    assert 0.86 <= np.mean(covered) <= 1.0


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_observed_values_stay_and_filled_ones_are_values_that_exist(seed: int) -> None:
    _, table, y = gappy(seed, 40)
    found = impute(table, KINDS, outcome=y, seed=seed, m=2, iterations=2)
    known = ~np.isnan(table)
    assert found.missing == tuple((~known).sum(axis=0).tolist())
    for copy in found.completed:
        assert (copy[known] == table[known]).all()
        for i in range(3):
            assert np.isin(copy[:, i], table[known[:, i], i]).all()
    again = impute(table, KINDS, outcome=y, seed=seed, m=2, iterations=2)
    assert (again.completed == found.completed).all()
    other = impute(table, KINDS, outcome=y, seed=seed + 1, m=2, iterations=2)
    assert not found.missing[0] or (other.completed != found.completed).any()


def test_more_copies_do_not_change_the_first_ones() -> None:
    _, table, y = gappy(2, 60)
    few, many = (impute(table, KINDS, outcome=y, seed=5, m=m, iterations=2) for m in (2, 4))
    assert (many.completed[:2] == few.completed).all()


def test_units_do_not_matter() -> None:
    _, table, y = gappy(4, 80)
    found = impute(table, KINDS, outcome=y, seed=5, m=2, iterations=2)
    scaled = table * np.array([1024.0, 1.0, 1.0])
    again = impute(scaled, KINDS, outcome=y / 4096, seed=5, m=2, iterations=2)
    assert again.completed == pytest.approx(found.completed * np.array([1024.0, 1.0, 1.0]))


def test_a_separating_predictor_does_no_harm() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=80)
    marker = (x > 0).astype(float)
    marker[::7] = np.nan
    found = impute(np.column_stack([x, marker]), ["number", "binary"], seed=1, m=10, iterations=3)
    filled, side = found.completed[:, ::7, 1], x[::7] > 0
    assert np.isfinite(filled).all()
    assert filled[:, side].mean() > 0.8
    assert filled[:, ~side].mean() < 0.2


def test_collinear_constant_and_tiny_tables_are_met() -> None:
    x = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0])
    twice = np.column_stack([x, 2 * np.arange(1.0, 7.0), 4 * np.arange(1.0, 7.0), np.ones(6)])
    assert np.isfinite(impute(twice, ["number"] * 4, seed=1, m=3).completed).all()
    constant = np.column_stack([[1.0, np.nan, 1.0], [0.0, 1.0, np.nan], [2.0, 2.0, np.nan]])
    found = impute(constant, ["number", "binary", "category"], seed=1, m=3)
    assert (found.completed[:, 1, 0] == 1).all()
    assert (found.completed[:, 2, 2] == 2).all()
    one = impute([[1.0], [np.nan]], ["number"], seed=1, m=2)
    assert (one.completed[:, :, 0] == 1).all()
    more_columns_than_rows = np.random.default_rng(1).normal(size=(4, 9))
    more_columns_than_rows[0, 0] = np.nan
    assert np.isfinite(impute(more_columns_than_rows, ["number"] * 9, seed=1, m=2).completed).all()
    whole = impute([[1.0, 0.0], [2.0, 1.0]], ["number", "binary"], seed=1, m=2)
    assert whole.note == "no gaps"
    assert whole.missing == (0, 0)
    assert impute(np.zeros((0, 1)), ["number"], seed=1, m=2).completed.shape == (2, 0, 1)


def test_a_column_without_any_value_is_named() -> None:
    found = impute([[np.nan, 1.0], [np.nan, 2.0]], ["number", "number"], seed=1)
    assert (found.converged, found.reason, found.columns) == (False, "nothing observed", (0,))
    assert np.isnan(found.completed).all()


def test_the_predictors_of_survival_are_event_and_cumulative_hazard() -> None:
    found = survival_predictors([5, 2, 2, 3, 8], [1, 1, 0, 0, 0])
    assert found[:, 0].tolist() == [1, 1, 0, 0, 0]
    assert found[:, 1] == pytest.approx([1 / 5 + 1 / 2, 1 / 5, 1 / 5, 1 / 5, 1 / 5 + 1 / 2])
    years = survival_predictors(np.array([5, 2, 2, 3, 8]) / 12, [1, 1, 0, 0, 0])
    assert years == pytest.approx(found)


def test_the_drift_of_chains_that_agree_is_about_1() -> None:
    _, table, y = gappy(6, 200)
    found = impute(table, KINDS, outcome=y, seed=1, m=4, iterations=12)
    assert (found.drift < 1.6).all()
    assert np.isnan(impute(table, KINDS, outcome=y, seed=1, m=1, iterations=2).drift).all()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: impute([1.0, 2.0], ["number"], seed=1), "two dimensions"),
        (lambda: impute([[1.0]], ["number", "binary"], seed=1), "kinds: 2 for 1"),
        (lambda: impute([[1.0]], ["text"], seed=1), "none of number"),
        (lambda: impute([[2.0], [np.nan]], ["binary"], seed=1), "column 0 is not 0 and 1"),
        (lambda: impute([[np.inf]], ["number"], seed=1), "infinite"),
        (lambda: impute([[1.0]], ["number"], seed=1, m=0), "m: at least 1"),
        (lambda: impute([[1.0]], ["number"], outcome=[np.nan], seed=1), "outcome: 1 value"),
        (lambda: pool([1.0, 2.0], [1.0]), "one row per copy"),
        (lambda: pool([1.0, 2.0], [1.0, -1.0]), "variances: negative"),
        (lambda: pool([1.0, 2.0], [1.0, 1.0], 3, 3), "not above"),
        (lambda: pool([1.0, 2.0], [1.0, 1.0], confidence=2), "confidence"),
        (lambda: pool_chi_square([1.0]), "at least two"),
        (lambda: pool_chi_square([1.0, -2.0]), "negative"),
        (lambda: survival_predictors([-1.0], [1]), "time: negative"),
    ],
)
def test_bad_input_is_named(call: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        call()
