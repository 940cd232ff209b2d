"""Firth's logistic regression against R's logistf and brglm2, firthmodels and its own definition; separation; its two corrections."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.firth_logistic import FirthLogisticResult, firth_likelihood_ratio, firth_logistic, flac, flic
from resistance.stats.logistic import logistic

SEX = ["age", "oc", "vic", "vicl", "vis", "dia"]


def sample(n: int = 60, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.15, draw.normal(65, 9, n)])
    return draw.random(n) < 1 / (1 + np.exp(-(1.2 * x[:, 0] - 0.03 * (x[:, 1] - 65)))), x


def penalised(y: np.ndarray, x: np.ndarray, params: np.ndarray) -> float:
    """Log-likelihood plus half the log determinant, one patient after the other."""
    total, information = 0.0, np.zeros((len(params), len(params)))
    for outcome, row in zip(y, np.column_stack([np.ones(len(y)), x]), strict=True):
        probability = 1 / (1 + np.exp(-row @ params))
        total += np.log(probability if outcome else 1 - probability)
        information += probability * (1 - probability) * np.outer(row, row)
    return float(total + np.log(np.linalg.det(information)) / 2)


def r_case(shared: Path, name: str) -> tuple[dict, FirthLogisticResult]:
    truth = json.loads((shared / "truth/stats/01_firth_logistic.json").read_text())[name]
    data = shared / "truth/stats/data"
    if name == "birthwt":
        b = pd.read_csv(data / "birthwt.csv")
        x = np.column_stack([b["age"], b["lwt"], b["race"] == 2, b["race"] == 3, b["smoke"], b["ptl"], b["ht"], b["ui"]])
        return truth, firth_logistic(b["low"], x)
    if name.startswith("zero"):
        z = pd.read_csv(data / "zero_cell_marker.csv")
        return truth, firth_logistic(z["resp"], z[["mut"] if name == "zero_cell_univ" else ["mut", "abc"]])
    s = pd.read_csv(data / ("sex2.csv" if name == "sex2" else "sexagg.csv"))
    return truth, firth_logistic(s["case"], s[SEX], weights=s["COUNT"] if name == "sexagg_weighted" else None)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["sex2", "sexagg_weighted", "zero_cell_univ", "zero_cell_adj", "birthwt"])
def test_every_number_of_logistf_is_met(shared: Path, name: str) -> None:
    truth, found = r_case(shared, name)

    def of_r(key: str) -> list[float]:
        return list(truth[key].values())

    coef = np.array([found.intercept, *found.coef])
    se = np.array([found.intercept_se, *found.se])
    assert found.converged
    assert found.n == truth["n"]
    assert coef == pytest.approx(of_r("coef"), rel=1e-8)
    assert se == pytest.approx(of_r("se_wald"), rel=1e-8)
    assert [found.intercept_p_value, *found.p_value] == pytest.approx(of_r("p_penalised_lrt"), rel=1e-8)
    assert [found.intercept_ci_low, *found.ci_low] == pytest.approx(of_r("ci_pl_lower"), rel=1e-8)
    assert [found.intercept_ci_high, *found.ci_high] == pytest.approx(of_r("ci_pl_upper"), rel=1e-8)
    assert [found.intercept_p_wald, *found.p_wald] == pytest.approx(of_r("p_wald"), rel=1e-8)
    z = 1.959963984540054
    assert coef - z * se == pytest.approx(of_r("ci_wald_lower"), rel=1e-8)
    assert coef + z * se == pytest.approx(of_r("ci_wald_upper"), rel=1e-8)
    assert found.loglike == pytest.approx(truth["loglik_full"], rel=1e-12)
    assert found.loglike_null == pytest.approx(truth["loglik_null"], rel=1e-12)
    assert 2 * (found.loglike - found.loglike_null) == pytest.approx(truth["global_lrt"]["chi2"], rel=1e-9)
    assert found.coef.size == truth["global_lrt"]["df"]
    assert found.p_global == pytest.approx(truth["global_lrt"]["p"], rel=1e-7)
    if truth["brglm2_AS_mean_coef"] is not None:
        assert coef == pytest.approx(of_r("brglm2_AS_mean_coef"), rel=1e-8)
        assert [found.intercept_se_plain, *found.se_plain] == pytest.approx(of_r("brglm2_se"), rel=1e-8)


@pytest.mark.shared
def test_weights_are_repeated_rows(shared: Path) -> None:
    _, rows = r_case(shared, "sex2")
    _, table = r_case(shared, "sexagg_weighted")
    assert table.coef == pytest.approx(rows.coef, rel=1e-9)
    assert table.p_value == pytest.approx(rows.p_value, rel=1e-9)
    assert (table.n, table.n_weighted, rows.n, rows.n_weighted) == (36, 239, 239, 239)
    assert table.events_weighted == rows.events
    assert (table.separated, table.columns, rows.columns) == (True, (5,), (5,))
    assert table.note.startswith("column 5: quasi-complete separation")


def test_estimate_is_the_top_of_the_penalised_likelihood_and_the_interval_is_its_profile() -> None:
    from scipy.optimize import minimize
    from scipy.stats import chi2

    y, x = sample()
    x[:, 1] = (x[:, 1] - 65) / 10
    found = firth_logistic(y, x)
    top = np.array([found.intercept, *found.coef])
    assert found.loglike == pytest.approx(penalised(y, x, top), rel=1e-10)

    def profile(value: float) -> float:
        held = minimize(lambda p: -penalised(y, x, np.array([p[0], value, p[1]])), top[[0, 2]], tol=1e-9, method="Nelder-Mead")
        return -float(held.fun)

    free = minimize(lambda p: -penalised(y, x, p), top + 0.1, tol=1e-10, method="Nelder-Mead")
    assert top == pytest.approx(free.x, abs=1e-4)
    assert found.p_value[0] == pytest.approx(chi2.sf(2 * (found.loglike - profile(0.0)), 1), rel=1e-6)
    for bound in (found.ci_low[0], found.ci_high[0]):
        assert found.loglike - profile(bound) == pytest.approx(chi2.ppf(0.95, 1) / 2, rel=1e-6)


def test_agrees_with_firthmodels() -> None:
    firthmodels = pytest.importorskip("firthmodels")
    y, x = sample(80, 3)
    x[:, 1] = (x[:, 1] - 65) / 10
    theirs = firthmodels.FirthLogisticRegression(max_iter=200).fit(x, y.astype(int))
    found = firth_logistic(y, x)
    assert found.coef == pytest.approx(theirs.coef_, rel=1e-4)
    assert found.intercept == pytest.approx(theirs.intercept_, rel=1e-4, abs=1e-5)


def test_one_marker_is_half_a_patient_in_each_cell() -> None:
    """Closed form of the saturated model: Firth adds 1/2 to each of the four cells."""
    found = firth_logistic([1, 1, 0, 0], [1, 0, 1, 0], weights=[4, 10, 0, 7])
    assert found.coef[0] == pytest.approx(np.log(4.5 * 7.5 / (0.5 * 10.5)), rel=1e-9)
    assert found.n == 3
    assert np.isnan(found.fitted[2])


@settings(max_examples=12)
@given(st.integers(0, 1000))
def test_interval_agrees_with_p_and_neither_order_nor_coding_nor_units_matter(seed: int) -> None:
    y, x = sample(50, seed)
    found = firth_logistic(y, x)
    if not found.converged:
        assert found.reason in ("collinear", "constant outcome")
        return
    covers = (found.ci_low < 0) & (found.ci_high > 0)
    assert (covers == (found.p_value > 0.05)).all()
    assert ((found.ci_low < found.coef) & (found.coef < found.ci_high)).all()
    order = np.random.default_rng(seed).permutation(y.size)
    assert firth_logistic(y[order], x[order]).p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-12)
    other = firth_logistic(~y, np.column_stack([1 - x[:, 0], x[:, 1]]))
    assert other.coef * [1, -1] == pytest.approx(found.coef, rel=1e-6, abs=1e-9)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-10)
    days = firth_logistic(y, x * [1e-6, 365.25])
    assert days.coef * [1e-6, 365.25] == pytest.approx(found.coef, rel=1e-6, abs=1e-9)
    assert days.p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-10)
    assert days.loglike == pytest.approx(found.loglike + np.log(365.25e-6), rel=1e-9)


def test_columns_of_very_different_scale_and_origin_are_met() -> None:
    y, x = sample(80, 3)
    far = firth_logistic(y, np.column_stack([x[:, 0] * 1e9, x[:, 1] * 1e-9 + 5, np.where(np.arange(80) == 7, 1e8, x[:, 1] ** 2)]))
    near = firth_logistic(y, np.column_stack([x[:, 0], x[:, 1], np.where(np.arange(80) == 7, 1e8, x[:, 1] ** 2)]))
    assert far.p_value == pytest.approx(near.p_value, rel=1e-5)
    assert far.coef * [1e9, 1e-9, 1] == pytest.approx(near.coef, rel=1e-4)


def test_permuted_outcomes_are_significant_no_more_often_than_promised() -> None:
    draw = np.random.default_rng(11)
    marker = np.arange(40) < 8
    p = np.array([firth_logistic(draw.permutation(np.arange(40) < 20), marker, tested=[0]).p_value[0] for _ in range(150)])
    assert 0 < (p < 0.05).mean() < 0.11
    assert ((p > 0) & (p <= 1)).all()


def test_separation_is_flagged_named_and_answered_where_maximum_likelihood_has_no_answer() -> None:
    draw = np.random.default_rng(2)
    age = np.linspace(40, 80, 50)
    noise = draw.normal(size=50)
    found = firth_logistic(age > 60, np.column_stack([noise, age]))
    assert (found.converged, found.separated, found.columns, found.reason) == (True, True, (1,), "")
    assert found.note.startswith("column 1: complete separation")
    assert found.p_value[1] < 1e-6
    assert np.isfinite([*found.ci_low, *found.ci_high]).all()
    together = draw.normal(size=(60, 2))
    assert firth_logistic(together.sum(axis=1) > 0, together).columns == (0, 1)
    rows = [[1, 0], [1, 1], [1, 0], [0, 1], [0, 0], [0, 1], [0, 1], [0, 0]]
    empty = firth_logistic([1, 1, 1, 0, 1, 0, 1, 0], rows)
    assert (
        empty.note
        == "column 0: quasi-complete separation (an odds ratio of 0 or infinity by maximum likelihood; this one is penalised)"
    )


def test_without_separation_nothing_is_flagged() -> None:
    y, x = sample(200, 1)
    found = firth_logistic(y, x)
    assert (found.separated, found.columns, found.note) == (False, (), "")
    assert logistic(y, x).converged


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_the_flag_is_the_failure_of_maximum_likelihood(seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(25) < 0.2, draw.random(25) < 0.5, draw.normal(size=25).round(1)])
    y = draw.random(25) < 0.3
    penalised_fit, plain = firth_logistic(y, x, tested=[]), logistic(y, x, tested=[])
    assert penalised_fit.converged == (plain.reason in ("", "monotone"))
    if penalised_fit.converged:
        assert penalised_fit.separated == (plain.reason == "monotone")
        assert set(plain.columns) <= set(penalised_fit.columns) or "complete separation" in penalised_fit.note


@pytest.mark.parametrize("method", [firth_logistic, flic, flac])
def test_what_cannot_be_fitted_says_why(method: Callable[..., FirthLogisticResult]) -> None:
    y, x = sample()
    for found, reason, columns, note in (
        (method(y, np.column_stack([x, 2 * x[:, 1] + 1])), "collinear", (1, 2), "columns 1, 2: constant or collinear"),
        (method(y, np.column_stack([x, np.ones(60)])), "collinear", (2,), "column 2: constant or collinear"),
        (method(y[:3], np.eye(3, 5)), "collinear", (0, 1, 2, 3, 4), "columns 0, 1, 2, 3, 4: constant or collinear"),
        (method(np.ones(60), x), "constant outcome", (), "the outcome does not vary"),
        (method([], np.zeros((0, 1))), "constant outcome", (), "the outcome does not vary"),
        (method(y, x, weights=~y * 1.0), "constant outcome", (), "the outcome does not vary"),
    ):
        assert (found.converged, found.reason, found.columns, found.note) == (False, reason, columns, note)
        numbers = [found.intercept, found.loglike, found.p_global, *found.coef, *found.se, *found.se_plain, *found.p_value]
        assert np.isnan([*numbers, *found.ci_low, *found.ci_high, *found.p_wald, *found.fitted]).all()


def test_columns_picked_out_are_the_only_ones_profiled() -> None:
    y, x = sample()
    every, one = firth_logistic(y, x), firth_logistic(y, x, tested=[1])
    assert one.p_value[1] == every.p_value[1]
    assert np.isnan([one.p_value[0], one.ci_low[0], one.intercept_p_value, one.intercept_ci_high]).all()
    assert one.p_wald == pytest.approx(every.p_wald)


def test_bad_input_is_named() -> None:
    y, x = sample()
    for call, words in (
        (lambda: firth_logistic(y + 1.0, x), "outcome: only 0 and 1"),
        (lambda: firth_logistic(y, x[:5]), "columns: shape"),
        (lambda: firth_logistic(y, np.where(x == x[3, 1], np.nan, x)), "columns: 1 value"),
        (lambda: firth_logistic(y, x, weights=-np.ones(60)), "weights: negative"),
        (lambda: firth_logistic(y, x, weights=np.ones(59)), "weights: 59 values"),
        (lambda: firth_logistic(y, x, tested=[2]), "tested: "),
        (lambda: firth_logistic(y, x, tested=[0, 0]), "tested: "),
        (lambda: firth_logistic(y, x, confidence=95), "confidence: 95"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_columns_together_are_tested_with_the_penalty_of_the_full_model() -> None:
    from scipy.stats import chi2

    y, x = sample()
    found = firth_logistic(y, x)
    both = firth_likelihood_ratio(y, x, [0, 1])
    assert (both.p_value, both.df) == (pytest.approx(found.p_global, rel=1e-8), 2)
    assert both.p_value == pytest.approx(chi2.sf(both.statistic, 2), rel=1e-12)
    assert firth_likelihood_ratio(y, x, [1]).p_value == pytest.approx(found.p_value[1], rel=1e-7)
    lost = firth_likelihood_ratio(y, np.column_stack([x, x[:, 0]]), [2])
    assert (lost.converged, lost.reason, lost.columns) == (False, "collinear", (0, 2))
    assert np.isnan(lost.p_value)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_corrected_models_predict_the_share_observed(seed: int) -> None:
    y, x = sample(40, seed)
    weights = np.random.default_rng(seed).integers(1, 4, 40)
    plain = firth_logistic(y, x, weights=weights)
    if not plain.converged:
        return
    share = np.average(y, weights=weights)
    for found in (flic(y, x, weights=weights), flac(y, x, weights=weights)):
        assert np.average(found.fitted, weights=weights) == pytest.approx(share, abs=1e-9)
        assert 1 / (1 + np.exp(-(found.intercept + x @ found.coef))) == pytest.approx(found.fitted, rel=1e-8)
        assert (found.loglike, found.p_global) == (plain.loglike, plain.p_global)
    kept = flic(y, x, weights=weights)
    assert (kept.coef == plain.coef).all()
    assert (kept.p_value == plain.p_value).all()


def test_flac_is_maximum_likelihood_on_the_enlarged_data_and_flic_an_offset() -> None:
    import statsmodels.api as sm

    y, x = sample(50, 7)
    found = firth_logistic(y, x)
    design = np.column_stack([np.ones(50), x])
    weight = found.fitted * (1 - found.fitted)
    root = np.sqrt(weight)[:, None] * design
    leverage = np.diag(root @ np.linalg.inv(root.T @ root) @ root.T)
    enlarged = np.column_stack([np.tile(design, (3, 1)), np.repeat([0, 1, 1], 50)])
    theirs = sm.GLM(
        np.concatenate([y, y, ~y]).astype(float),
        enlarged,
        family=sm.families.Binomial(),
        freq_weights=np.concatenate([np.ones(50), leverage / 2, leverage / 2]),
    ).fit(tol=1e-12)
    ours = flac(y, x)
    assert [ours.intercept, *ours.coef] == pytest.approx(theirs.params[:3], rel=1e-6)
    assert [ours.intercept_se, *ours.se] == pytest.approx(theirs.bse[:3], rel=1e-6)
    assert [ours.intercept_p_wald, *ours.p_wald] == pytest.approx(theirs.pvalues[:3], rel=1e-5)
    offset = sm.GLM(y.astype(float), np.ones(50), family=sm.families.Binomial(), offset=x @ found.coef).fit(tol=1e-12)
    corrected = flic(y, x)
    assert corrected.intercept == pytest.approx(offset.params[0], rel=1e-7)
    assert corrected.intercept_p_value == pytest.approx(offset.pvalues[0], rel=1e-5)
    variance = corrected.fitted * (1 - corrected.fitted)
    assert corrected.intercept_se == pytest.approx(
        np.sqrt(np.linalg.inv(design.T @ (variance[:, None] * design))[0, 0]), rel=1e-8
    )


def test_the_higher_of_two_hills_is_taken_where_the_outcome_is_nearly_separated() -> None:
    # R 4.2.2, brglm2 0.9: glm(y ~ x + z, binomial, method = "brglmFit", type = "AS_mean", epsilon = 1e-12); from 0 there is a lower hill
    x = [13.3, 0.1, 0.2, 0.2, 0.8, 2.2, 2.4, 1.8, 0.2, 0.5, 1.5, 0.6, 0.1, 42.8]
    z = [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    y = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1]
    columns = np.column_stack([x, z])
    found = firth_logistic(y, columns)
    assert not found.separated
    assert [found.intercept, *found.coef] == pytest.approx([-2.027584647768, 0.244334134909, 2.448737456842], rel=1e-8)
    assert [found.intercept_se_plain, *found.se_plain] == pytest.approx([1.05382897921, 0.20723800260, 1.56596690566], rel=1e-8)
    assert firth_likelihood_ratio(y, columns, [0]).p_value == pytest.approx(found.p_value[0], rel=1e-8)


def test_a_bound_lies_where_the_highest_hill_has_fallen_far_enough() -> None:
    """By brute force over intercept and the other coefficient: one hill falls at 8.8 already, another at 22.5 only."""
    from scipy.optimize import minimize

    x = np.array([0.2, 1.6, 0.0, 3.7, 9.8, 0.4, 2.4, 1.7, 0.5, 0.2, 0.0, 16.8])
    z = np.array([-0.0, 2.5, 0.8, 0.3, -0.7, 1.4, -0.5, 1.6, -0.4, 0.2, -1.5, 2.3])
    y = np.array([0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    found = firth_logistic(y, np.column_stack([z, x]), tested=[0])

    def lost(free: np.ndarray, slope: float) -> float:
        eta = free[0] + slope * z + free[1] * x
        w = 1 / (2 + np.exp(eta) + np.exp(-eta))
        design = np.column_stack([np.ones(12), z, x])
        sign, log_determinant = np.linalg.slogdet(design.T @ (w[:, None] * design))
        return float(-(y * eta - np.logaddexp(0, eta)).sum() - log_determinant / 2) if sign > 0 else np.inf

    def profile(slope: float) -> float:
        starts = [(-slope * cut, other) for cut in np.linspace(-1, 1.6, 40) for other in np.linspace(-4, 4, 41)]
        grid = sorted(starts, key=lambda start: lost(np.array(start), slope))[:3]
        return -min(minimize(lost, start, args=(slope,), method="Nelder-Mead", options={"fatol": 1e-10}).fun for start in grid)

    fall = 1.920729410347062  # half the chi-square quantile
    assert profile(found.ci_low[0]) == pytest.approx(found.loglike - fall, abs=1e-5)
    assert profile(found.ci_high[0]) == pytest.approx(found.loglike - fall, abs=1e-5)
    assert profile(found.ci_high[0] - 4) > found.loglike - fall


@pytest.mark.parametrize("seed", [1, 3, 8])
def test_a_skewed_column_that_separates_has_the_highest_of_its_hills(seed: int) -> None:
    """By brute force: the penalised likelihood on a grid of slope and cut."""
    draw = np.random.default_rng(seed)
    x = np.exp(3 * draw.normal(size=60))
    y = x > np.median(x)
    found = firth_logistic(y, x)

    def penalised(slope: float, cut: float) -> float:
        eta = slope * (x - cut)
        w = 1 / (2 + np.exp(eta) + np.exp(-eta))
        information = np.array([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum()]])
        sign, log_determinant = np.linalg.slogdet(information)
        return float((y * eta - np.logaddexp(0, eta)).sum() + log_determinant / 2) if sign > 0 else -np.inf

    with np.errstate(over="ignore"):
        grid = max(penalised(a, c) for a in np.exp(np.linspace(-8, 3, 120)) for c in np.quantile(x, np.linspace(0.3, 0.7, 41)))
    assert found.separated
    assert found.loglike >= grid - 1e-9
