"""Moderated t against limma, against slow loops, and where there is nothing to test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from resistance.stats.moderated_t import fit_linear, moderated_t
from resistance.stats.multiplicity import benjamini_hochberg
from resistance.stats.variance_prior import log_upper_f, natural_spline, variance_prior


@pytest.fixture(scope="module")
def golub(shared: Path) -> tuple[dict, pd.DataFrame, np.ndarray]:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())
    expression = pd.read_csv(shared / "truth/stats/data/golub_expr.csv", index_col=0)
    aml = pd.read_csv(shared / "truth/stats/data/golub_class.csv")["aml"].to_numpy()
    return truth, expression, np.column_stack([np.ones(aml.size), aml])


def sample(m: int = 60, n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    group = np.arange(n) % 2
    spread = np.sqrt(4 / draw.chisquare(4, m))
    y = draw.normal(8, 1, m)[:, None] + spread[:, None] * draw.normal(size=(m, n)) + (np.arange(m) < 5)[:, None] * 2.0 * group
    return y, np.column_stack([np.ones(n), group, draw.normal(size=n)])


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "options"),
    [("limma_golub", {}), ("limma_golub_trend", {"trend": True}), ("limma_golub_robust", {"robust": True})],
)
def test_golub_agrees_with_limma(golub: tuple, name: str, options: dict) -> None:
    truth, expression, design = golub
    expected, found = truth[name], moderated_t(expression.to_numpy(), design, **options)
    assert list(expression.index) == expected["genes"]
    m = len(expression)
    assert found.df_prior == pytest.approx(np.broadcast_to(expected["df_prior"], m), rel=1e-8)
    assert found.variance_prior == pytest.approx(np.broadcast_to(expected["s2_prior"], m), rel=1e-8)
    assert found.effect[:, 1] == pytest.approx(np.array(expected["logFC"]), rel=1e-8)
    assert found.t[:, 1] == pytest.approx(np.array(expected["t"]), rel=1e-8)
    assert found.p_value[:, 1] == pytest.approx(np.array(expected["p"]), rel=1e-8)
    assert benjamini_hochberg(found.p_value[:, 1]) == pytest.approx(np.array(expected["adjp"]), rel=1e-8)
    assert found.log_odds[:, 1] == pytest.approx(np.array(expected["B"]), rel=1e-8)


@pytest.mark.shared
def test_the_prior_of_golub_agrees_with_limma(golub: tuple) -> None:
    truth, expression, design = golub
    fits = fit_linear(expression.to_numpy(), design, np.eye(2))
    found = variance_prior(fits.variance, fits.df)
    assert found.df_common == pytest.approx(truth["limma_golub_fdist"]["df2"], rel=1e-8)
    assert found.variance[0] == pytest.approx(truth["limma_golub_fdist"]["scale"], rel=1e-8)


def one_by_one(y: np.ndarray, x: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Fit feature after feature with statsmodels, and shrink by the formulae of the paper."""
    coef, unscaled, variance, df = [], [], [], []
    for i, row in enumerate(y):
        seen = ~np.isnan(row)
        w = np.ones(seen.sum()) if weights is None else weights[i, seen]
        fit = sm.WLS(row[seen], x[seen], weights=w).fit()
        coef.append(fit.params)
        unscaled.append(np.sqrt(np.diag(fit.normalized_cov_params)))
        variance.append(fit.mse_resid)
        df.append(fit.df_resid)
    variance, df = np.array(variance), np.array(df)
    e = np.log(variance) - digamma(df / 2) + np.log(df / 2)
    excess = e.var(ddof=1) - polygamma(1, df / 2).mean()
    d0 = 2 * brentq(lambda v: polygamma(1, v) - excess, 1e-3, 1e5, xtol=1e-13)
    s0 = np.exp(e.mean() + digamma(d0 / 2) - np.log(d0 / 2))
    posterior = (df * variance + d0 * s0) / (df + d0)
    t = np.array(coef) / np.array(unscaled) / np.sqrt(posterior)[:, None]
    return t, 2 * stats.t.sf(np.abs(t), (df + d0)[:, None])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_equals_a_loop_over_features(weighted: bool, missing: bool) -> None:
    y, x = sample()
    draw = np.random.default_rng(3)
    weights = draw.uniform(0.2, 5, y.shape) if weighted else None
    if missing:
        y[draw.random(y.shape) < 0.15] = np.nan
    t, p = one_by_one(y, x, weights)
    found = moderated_t(y, x, weights=weights)
    assert found.t == pytest.approx(t, rel=1e-9)
    assert found.p_value == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("trend", [False, True])
@pytest.mark.parametrize("robust", [False, True])
def test_order_of_features_and_samples_does_not_matter(trend: bool, robust: bool) -> None:
    y, x = sample()
    y[3, :4] = np.nan
    found = moderated_t(y, x, trend=trend, robust=robust)
    draw = np.random.default_rng(1)
    rows, columns = draw.permutation(y.shape[0]), draw.permutation(y.shape[1])
    other = moderated_t(y[rows][:, columns], x[columns], trend=trend, robust=robust)
    assert other.p_value == pytest.approx(found.p_value[rows], rel=1e-8)
    assert other.log_odds == pytest.approx(found.log_odds[rows], rel=1e-8, abs=1e-8)


@settings(max_examples=8)
@given(st.integers(0, 500), st.floats(0.01, 100))
def test_scale_shift_and_coding_change_what_they_should(seed: int, scale: float) -> None:
    y, x = sample(seed=seed)
    found = moderated_t(y, x)
    scaled = moderated_t(scale * y + 3, x)
    assert scaled.effect[:, 1] == pytest.approx(scale * found.effect[:, 1], rel=1e-8, abs=1e-9 * scale)
    assert scaled.p_value[:, 1] == pytest.approx(found.p_value[:, 1], rel=1e-6)
    flipped = x.copy()
    flipped[:, 1] = 1 - x[:, 1]
    other = moderated_t(y, flipped)
    assert other.t[:, 1] == pytest.approx(-found.t[:, 1], rel=1e-8, abs=1e-10)
    assert ((found.ci_low < 0) & (found.ci_high > 0) == (found.p_value > 0.05)).all()


def test_a_contrast_is_the_difference_of_its_coefficients_whatever_the_coding() -> None:
    y, x = sample()
    y[4, 2] = np.nan
    means = np.column_stack([1 - x[:, 1], x[:, 1], x[:, 2]])
    found = moderated_t(y, means, contrasts=[[-1], [1], [0]])
    assert found.effect.shape == (60, 1)
    direct = moderated_t(y, x)
    assert found.t[:, 0] == pytest.approx(direct.t[:, 1], rel=1e-9)
    assert found.log_odds[:, 0] == pytest.approx(direct.log_odds[:, 1], rel=1e-9)


def test_equal_weights_change_nothing() -> None:
    y, x = sample()
    plain, found = moderated_t(y, x), moderated_t(y, x, weights=np.full(y.shape, 7.0))
    assert found.t == pytest.approx(plain.t, rel=1e-9)
    assert found.p_value == pytest.approx(plain.p_value, rel=1e-9)


def test_a_weight_of_zero_leaves_the_value_out() -> None:
    y, x = sample()
    holes, weights = y.copy(), np.ones(y.shape)
    holes[7, 3], weights[7, 3] = np.nan, 0.0
    assert moderated_t(y, x, weights=weights).t == pytest.approx(moderated_t(holes, x).t, rel=1e-9)


def test_labels_that_mean_nothing_give_uniform_p() -> None:
    draw = np.random.default_rng(4)
    y = np.sqrt(6 / draw.chisquare(6, 4000))[:, None] * draw.normal(size=(4000, 8))
    p = moderated_t(y, np.column_stack([np.ones(8), np.arange(8) % 2])).p_value[:, 1]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert (p < 0.01).mean() == pytest.approx(0.01, abs=0.005)


def test_a_robust_prior_does_not_follow_a_few_wild_features() -> None:
    draw = np.random.default_rng(5)
    df, m = 8.0, 2000
    variance = draw.f(df, 10, m)
    wild = variance.copy()
    wild[:20] *= 200
    clean, plain, robust = variance_prior(variance, df), variance_prior(wild, df), variance_prior(wild, df, robust=True)
    assert plain.df_common < 0.75 * clean.df_common
    assert robust.df_common == pytest.approx(clean.df_common, rel=0.15)
    assert np.median(robust.df[:20]) < robust.df_common / 2
    assert (robust.df[20:] > 0.9 * robust.df_common).mean() > 0.95
    assert (robust.df <= robust.df_common * (1 + 1e-12)).all()


def test_variances_that_differ_only_by_chance_have_an_infinite_prior() -> None:
    variance = np.random.default_rng(6).chisquare(20, 500) / 20
    found = variance_prior(variance, 10.0)
    assert np.isinf(found.df_common)
    assert found.variance[0] == pytest.approx(variance.mean(), rel=1e-12)
    y = np.random.default_rng(8).normal(size=(300, 10))
    y /= np.array(fit_linear(y, np.ones((10, 1)), np.eye(1)).variance)[:, None] ** 0.5
    result = moderated_t(y, np.ones((10, 1)))
    assert np.isinf(result.df_prior).all()
    assert result.df == pytest.approx(np.full(300, 2700.0))
    assert result.converged
    assert np.isfinite(result.log_odds).all()


def test_the_natural_spline_is_cubic_inside_and_straight_at_its_ends() -> None:
    x = np.linspace(-3, 5, 400)
    basis = natural_spline(x, 4)
    assert np.linalg.matrix_rank(basis) == 4
    bend = np.diff(basis, 2, axis=0)
    assert np.abs(bend[[0, -1]]).max() < 0.02 * np.abs(bend).max()
    # a spline with these knots and any other basis of the space fit alike: scipy's, bent straight at the ends
    knots = np.quantile(x, [0, 1 / 3, 2 / 3, 1])
    others = np.column_stack([CubicSpline(knots, unit, bc_type="natural")(x) for unit in np.eye(4)])
    assert np.linalg.matrix_rank(np.column_stack([basis, others]), tol=1e-9) == 4


@pytest.mark.parametrize("df2", [3.0, 40.0, np.inf])
def test_the_logarithm_of_the_upper_tail_goes_on_below_the_smallest_float(df2: float) -> None:
    f = np.array([0.5, 2.0, 30.0])
    expected = stats.f.logsf(f, 5, df2) if np.isfinite(df2) else stats.chi2.logsf(5 * f, 5)
    assert log_upper_f(f, 5, df2) == pytest.approx(expected, rel=1e-9)
    far = log_upper_f(np.array([1e3, 1e4, 1e5, 1e200 if np.isfinite(df2) else 1e6]), 5, df2)
    assert np.isfinite(far).all()
    assert (np.diff(far) < 0).all()


def test_a_group_that_is_not_there_is_missing_in_that_feature_only() -> None:
    y, x = sample()
    y[2, x[:, 1] == 1] = np.nan
    y[9] = np.nan
    y[10, 1:] = np.nan
    found = moderated_t(y, x)
    assert found.estimable[2].tolist() == [True, False, True]
    assert np.isnan(found.p_value[2, 1])
    assert not found.estimable[[9, 10]].any()
    assert found.n[[2, 9, 10]].tolist() == [6, 0, 1]
    rest = np.setdiff1d(np.arange(60), [2, 9, 10])
    assert found.estimable[rest].all()


@pytest.mark.parametrize(("trend", "robust"), [(False, False), (True, False), (False, True), (True, True)])
def test_constant_features_lean_on_the_others_and_raise_no_warning(trend: bool, robust: bool) -> None:
    y, x = sample()
    y[0] = 5.0
    found = moderated_t(y, x, trend=trend, robust=robust)
    assert found.variance[0] == 0
    assert np.isfinite(found.p_value).all()
    assert found.effect[0, 1] == pytest.approx(0, abs=1e-12)


def test_impossible_designs_are_said() -> None:
    y, x = sample()
    tied = moderated_t(y, np.column_stack([x, 1 - x[:, 1]]))
    assert (tied.converged, tied.reason, tied.columns) == (False, "collinear", (1, 3))
    assert tied.note == "columns 1, 3 of the design: collinear"
    assert np.isnan(tied.p_value).all()
    few = moderated_t(y[:, :3], x[:3])
    assert (few.reason, few.note) == ("no residual degrees of freedom", "no feature has more samples than the design has columns")
    flat = moderated_t(np.ones((4, 12)), x)
    assert (flat.reason, flat.converged) == ("no variation", False)
    assert moderated_t(np.zeros((0, 12)), x).reason == "no features"


@pytest.mark.parametrize("m", [1, 2, 3])
def test_with_hardly_any_features_nothing_is_borrowed(m: int) -> None:
    y, x = sample()
    found = moderated_t(y[:m], x)
    assert found.converged
    if m < 3:
        assert found.df_prior.tolist() == [0.0] * m
        assert found.p_value[0] == pytest.approx(sm.OLS(y[0], x).fit().pvalues, rel=1e-8)


def test_bad_input_is_named() -> None:
    y, x = sample()
    with pytest.raises(ValueError, match=r"expression: shape \(60, 12\) for a design of 5 samples"):
        moderated_t(y, x[:5])
    with pytest.raises(ValueError, match=r"expression: 1 value\(s\) are infinite"):
        moderated_t(np.where(np.arange(12) + 12 * np.arange(60)[:, None] == 5, np.inf, y), x)
    with pytest.raises(ValueError, match=r"design: 1 value\(s\) are missing"):
        moderated_t(y, np.where(np.arange(12)[:, None] + np.arange(3) == 0, np.nan, x))
    with pytest.raises(ValueError, match="weights: missing, infinite or negative"):
        moderated_t(y, x, weights=-np.ones(y.shape))
    with pytest.raises(ValueError, match=r"weights: shape \(3,\)"):
        moderated_t(y, x, weights=np.ones(3))
    with pytest.raises(ValueError, match="contrasts: shape"):
        moderated_t(y, x, contrasts=np.ones((2, 1)))
    with pytest.raises(ValueError, match="cannot be negative"):
        variance_prior([-1.0, 1, 2], 3)
    with pytest.raises(ValueError, match="covariate: missing"):
        variance_prior([1.0, 1, 2], 3, covariate=[1, np.nan, 2])
