"""Least squares against statsmodels, the scan against one model after the other, and every way to have no answer."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from resistance.stats._design import collinear_columns
from resistance.stats.linear import linear, linear_scan


def sample(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcome, and a rare marker, a calendar year and a score."""
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.permutation(np.arange(n) < max(3, n // 10)), draw.normal(2010, 3, n), draw.normal(size=n)]).astype(
        float
    )
    return x @ [1, 0.1, 2] + draw.normal(size=n) * (1 + x[:, 0]), x


@pytest.mark.parametrize("covariance", ["classical", "hc3"])
def test_agrees_with_statsmodels(covariance: str) -> None:
    y, x = sample()
    found = linear(y, x, covariance=covariance)
    # the calendar year centred, for statsmodels' own rounding
    fit = sm.OLS(y, sm.add_constant(x - [0, 2010, 0])).fit()
    theirs = fit if covariance == "classical" else fit.get_robustcov_results("HC3", use_t=True)
    assert found.coef == pytest.approx(theirs.params[1:], rel=1e-9)
    assert found.intercept == pytest.approx(theirs.params[0] - 2010 * theirs.params[2], rel=1e-9)
    assert found.se == pytest.approx(theirs.bse[1:], rel=1e-9)
    assert found.t == pytest.approx(theirs.tvalues[1:], rel=1e-9)
    assert found.p_value == pytest.approx(theirs.pvalues[1:], rel=1e-8)
    interval = theirs.conf_int(alpha=0.1)[1:]
    assert np.column_stack(linear_bounds(y, x, covariance, 0.9)) == pytest.approx(interval, rel=1e-8)
    assert (found.r_squared, found.sigma, found.df) == pytest.approx(
        (fit.rsquared, np.sqrt(fit.mse_resid), fit.df_resid), rel=1e-10
    )


def linear_bounds(y: np.ndarray, x: np.ndarray, covariance: str, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    found = linear(y, x, covariance=covariance, confidence=confidence)
    return found.ci_low, found.ci_high


def test_partial_r2_is_what_leaving_the_column_out_loses() -> None:
    y, x = sample()
    found = linear(y, x)
    z = x - x.mean(axis=0)
    for column in range(3):
        without = sm.OLS(y, sm.add_constant(np.delete(z, column, axis=1))).fit().ssr
        assert found.partial_r2[column] == pytest.approx(1 - sm.OLS(y, sm.add_constant(z)).fit().ssr / without, rel=1e-8)
        assert found.standardised[column] == pytest.approx(found.coef[column] * x[:, column].std() / y.std(), rel=1e-12)
    assert found.effect_sd == pytest.approx(found.coef / found.sigma, rel=1e-12)


def test_one_marker_is_the_t_test_and_hc3_is_nearly_welchs() -> None:
    draw = np.random.default_rng(1)
    y, x = np.r_[draw.normal(0, 1, 30), draw.normal(1, 3, 20)], np.r_[np.zeros(30), np.ones(20)]
    assert linear(y, x).p_value[0] == pytest.approx(stats.ttest_ind(y[:30], y[30:]).pvalue, rel=1e-10)
    # (n - 1) in place of n in both groups
    a, b = y[:30], y[30:]
    expected = np.sqrt(a.var() * 30 / 29**2 + b.var() * 20 / 19**2)
    assert linear(y, x, covariance="hc3").se[0] == pytest.approx(expected, rel=1e-10)


@settings(max_examples=20)
@given(st.integers(0, 500), st.floats(0.001, 1000))
def test_units_order_and_coding_change_what_they_should(seed: int, unit: float) -> None:
    y, x = sample(30, seed)
    found = linear(y, x)
    scaled = linear(unit * y, np.column_stack([1 - x[:, 0], 365.25 * x[:, 1], x[:, 2]]))
    assert scaled.coef[:2] == pytest.approx(unit * found.coef[:2] / [-1, 365.25], rel=1e-7)
    assert scaled.p_value == pytest.approx(found.p_value, rel=1e-6)
    assert (scaled.standardised[1:], scaled.partial_r2) == (
        pytest.approx(found.standardised[1:], rel=1e-7),
        pytest.approx(found.partial_r2, rel=1e-6),
    )
    order = np.random.default_rng(seed).permutation(30)
    assert linear(y[order], x[order]).p_value == pytest.approx(found.p_value, rel=1e-7)
    assert ((found.ci_low < 0) & (found.ci_high > 0) == (found.p_value > 0.05)).all()


def test_the_scan_equals_one_model_after_the_other() -> None:
    y, x = sample()
    draw = np.random.default_rng(2)
    markers = np.column_stack([draw.normal(size=(60, 40)), draw.random((60, 40)) < 0.1])
    holes = markers.copy()
    holes[draw.random(markers.shape) < 0.2] = np.nan
    for m in (markers, holes):
        scan = linear_scan(y, m, x)
        for j in range(m.shape[1]):
            seen = ~np.isnan(m[:, j])
            one = linear(y[seen], np.column_stack([m[seen, j], x[seen]]))
            assert scan.converged[j] == one.converged
            assert scan.n[j] == seen.sum()
            assert scan.df[j] == one.df
            if one.converged:
                for name in ("coef", "se", "ci_low", "ci_high", "t", "p_value", "partial_r2", "standardised", "effect_sd"):
                    assert getattr(scan, name)[j] == pytest.approx(getattr(one, name)[0], rel=1e-7), name


def test_the_scan_without_covariates_is_the_correlation() -> None:
    draw = np.random.default_rng(3)
    y, m = draw.normal(size=50), draw.normal(size=(50, 6))
    found = linear_scan(y, m)
    for j in range(6):
        r, p = stats.pearsonr(y, m[:, j])
        assert found.standardised[j] == pytest.approx(r, rel=1e-10)
        assert found.p_value[j] == pytest.approx(p, rel=1e-8)
    assert linear_scan(y, m[:, 0]).coef == pytest.approx(found.coef[:1], rel=1e-12)


def test_the_place_of_a_marker_in_the_scan_does_not_matter() -> None:
    y, x = sample()
    m = np.random.default_rng(4).normal(size=(60, 150))
    found = linear_scan(y, m, x)
    order = np.random.default_rng(5).permutation(150)
    assert linear_scan(y, m[:, order], x).p_value == pytest.approx(found.p_value[order], rel=1e-10)


def test_every_marker_without_an_answer_says_why() -> None:
    y, x = sample()
    m = np.random.default_rng(6).normal(size=(60, 8))
    m[:, 0] = 3.0
    m[:, 1] = 2 * x[:, 1] + 1
    m[:, 2] = y
    m[:, 3] = np.nan
    m[3:, 4] = np.nan
    m[:, 5] = x[:, 0] - x[:, 2]
    scan = linear_scan(y, m, x)
    assert scan.reason == (
        "constant marker",
        "collinear",
        "exact fit",
        "constant marker",
        "no residual degrees of freedom",
        "collinear",
        "",
        "",
    )
    assert scan.converged.tolist() == [not r for r in scan.reason]
    assert np.isnan(scan.p_value).tolist() == np.isnan(scan.coef).tolist() == [bool(r) for r in scan.reason]
    assert (
        scan.note
        == "2 marker(s): collinear; 2 marker(s): constant marker; 1 marker(s): exact fit; 1 marker(s): no residual degrees of freedom"
    )
    flat = linear_scan(np.ones(60), m[:, 6:], x)
    assert flat.reason == ("constant outcome",) * 2
    known = np.where(y > np.median(y), np.nan, m[:, 6])
    assert linear_scan(np.where(y > np.median(y), y, 1.0), known).reason == ("constant outcome",)
    tied = linear_scan(y, m[:, 6:], np.column_stack([x, x[:, 0] + x[:, 2]]))
    assert tied.reason == ("collinear covariates",) * 2
    assert tied.note == "covariates, columns 0, 2, 3: collinear"
    assert linear_scan(y, np.zeros((60, 0)), x).p_value.size == 0


def test_every_model_without_an_answer_says_why() -> None:
    y, x = sample()
    tied = linear(y, np.column_stack([x, 2 * x[:, 1] + 1]))
    assert (tied.converged, tied.reason, tied.columns, tied.note) == (
        False,
        "collinear",
        (1, 3),
        "columns 1, 3: constant or collinear",
    )
    assert linear(y, np.column_stack([x, np.ones(60)])).columns == (3,)
    assert linear(np.ones(60), x).note == "the outcome does not vary"
    few = linear(y[:4], x[:4])
    assert (few.reason, few.note) == ("no residual degrees of freedom", "4 patients are too few for 3 columns and an intercept")
    leak = linear(y, np.column_stack([x, 3 * y - 1]))
    assert (leak.reason, leak.columns) == ("exact fit", (3,))
    assert leak.note == "column 3: the outcome follows exactly; is it a copy of it, or made from it?"
    for lost in (tied, few, leak):
        assert np.isnan([*lost.coef, *lost.p_value, *lost.ci_low, *lost.partial_r2, lost.sigma]).all()
    assert linear([], []).reason == "constant outcome"


def test_a_single_carrier_has_no_robust_standard_error() -> None:
    y, x = sample()
    x[:, 0] = np.arange(60) == 7
    assert linear(y, x).converged
    found = linear(y, x, covariance="hc3")
    assert (found.converged, found.reason, found.columns) == (False, "leverage", (0,))
    assert found.note == "column 0: some patient is fitted exactly (such as a single carrier); HC3 has no standard error"


def test_a_calendar_date_is_not_collinear_with_the_intercept() -> None:
    day = 20_230_101 + np.arange(20.0)
    assert collinear_columns(np.column_stack([np.ones(20), day])) == ()
    assert collinear_columns(np.column_stack([np.ones(20), day, day + 1])) == (1, 2)
    assert collinear_columns(np.column_stack([np.ones(20), np.full(20, 3.0)])) == (0, 1)
    assert collinear_columns(np.column_stack([np.ones(20), np.zeros(20)])) == (1,)
    assert collinear_columns(np.column_stack([1e-9 * day, 1e9 * np.arange(20.0) ** 2])) == ()


@pytest.mark.parametrize("size", [2.0**-600, 2.0**600])
def test_very_large_and_very_small_numbers_are_only_another_unit(size: float) -> None:
    y, x = sample()
    found, far = linear(y, x), linear(y * size, x * size)
    assert far.p_value.tolist() == found.p_value.tolist()
    assert far.partial_r2.tolist() == found.partial_r2.tolist()
    assert linear(y, x / size).coef.tolist() == (found.coef * size).tolist()
    assert linear(y * size, x).se.tolist() == (found.se * size).tolist()
    plain, scan = linear_scan(y, x[:, :1], x[:, 1:]), linear_scan(y * size, x[:, :1], x[:, 1:] * size)
    assert scan.coef.tolist() == (plain.coef * size).tolist()
    assert scan.p_value.tolist() == plain.p_value.tolist()


def test_bad_input_is_named() -> None:
    y, x = sample()
    with pytest.raises(ValueError, match="covariance: 'hc9'"):
        linear(y, x, covariance="hc9")
    with pytest.raises(ValueError, match="outcome: 1 value"):
        linear(np.r_[y[:-1], np.nan], x)
    with pytest.raises(ValueError, match=r"columns: shape \(60, 3\) for 5"):
        linear(y[:5], x)
    with pytest.raises(ValueError, match=r"markers: shape \(60, 3\) for 5"):
        linear_scan(y[:5], x)
    with pytest.raises(ValueError, match="markers: infinite"):
        linear_scan(y, np.full((60, 1), np.inf))
    with pytest.raises(ValueError, match="covariates: 1 value"):
        linear_scan(y, x, np.r_[x[:-1, 1], np.nan])
    with pytest.raises(ValueError, match="confidence: 0 is outside"):
        linear_scan(y, x, confidence=0)


def test_fewer_patients_than_columns_are_collinear_and_many_patients_cost_little() -> None:
    draw = np.random.default_rng(7)
    assert collinear_columns(draw.normal(size=(2, 4))) == (0, 1, 2, 3)
    assert collinear_columns(np.zeros((0, 2))) == (0, 1)
    # a square matrix of so many rows would not fit into the memory
    x = draw.normal(size=(200_000, 3))
    assert collinear_columns(np.column_stack([np.ones(200_000), x, x[:, 0] - x[:, 2]])) == (1, 3, 4)
