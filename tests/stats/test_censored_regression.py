"""Tobit: against R's survreg on Tobin's own data, ordinary least squares, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.stats import norm

from resistance.stats.censored_regression import censored_regression

#: durable, age, quant of Tobin 1958, as R's survival package has them
TOBIN = np.array([
    (0, 57.7, 236), (0.7, 50.9, 283), (0, 48.5, 207), (0, 41.7, 220), (0, 47.7, 238), (0, 59.8, 216), (0, 44.3, 284),
    (3.7, 45.1, 221), (0, 51.7, 275), (3, 50, 269), (10.4, 46.8, 207), (0, 58, 249), (0, 58.9, 246), (0, 40, 277),
    (1.5, 34.1, 231), (0, 39.9, 219), (0, 33.4, 240), (3.5, 48.1, 266), (6.1, 46.6, 214), (0, 53.1, 251),
])  # fmt: skip


def test_tobins_tobit_is_that_of_survreg():
    """R survival: survreg(Surv(durable, durable > 0, type = "left") ~ age + quant, tobin, dist = "gaussian")."""
    fit = censored_regression(TOBIN[:, 0], TOBIN[:, 1:], TOBIN[:, 0] == 0)
    assert fit.converged
    assert fit.coef == pytest.approx([15.1448663607, -0.129059284097, -0.0455416629543], rel=1e-6)
    assert fit.sigma == pytest.approx(5.57253976309, rel=1e-7)
    assert fit.loglike == pytest.approx(-28.9401331997, abs=1e-9)
    assert (fit.n, fit.n_censored) == (20, 13)


def test_without_censoring_it_is_ordinary_least_squares():
    rng = np.random.default_rng(0)
    x = np.array([0.0, 20, 45, 90, 130, 200])
    y = 2 - 0.01 * x + rng.normal(0, 0.2, 6)
    fit, usual = censored_regression(y, x, np.zeros(6)), sm.OLS(y, sm.add_constant(x)).fit()
    assert fit.coef == pytest.approx(usual.params, rel=1e-10)
    assert fit.std_error == pytest.approx(usual.bse, rel=1e-10)
    assert np.column_stack([fit.ci_low, fit.ci_high]) == pytest.approx(usual.conf_int(), rel=1e-9)
    assert fit.loglike == pytest.approx(usual.llf)


def test_the_maximum_and_the_errors_are_those_of_brute_force():
    rng = np.random.default_rng(5)
    x = np.arange(10.0)
    y = 0.3 * x - 1 + rng.normal(0, 0.4, 10)
    below = y < 0
    y = np.where(below, 0, y)

    def loss(p):
        mean = p[0] + p[1] * x
        return -(norm.logpdf(y, mean, np.exp(p[2]))[~below].sum() + norm.logcdf((y - mean) / np.exp(p[2]))[below].sum())

    best = minimize(loss, [0, 0.2, -1], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000})
    fit = censored_regression(y, x, below)
    assert fit.coef == pytest.approx(best.x[:2], abs=1e-6)
    assert fit.sigma == pytest.approx(np.exp(best.x[2]), abs=1e-6)
    assert fit.loglike == pytest.approx(-best.fun, abs=1e-9)
    step, information = 1e-4, np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            e, f = step * np.eye(3)[i], step * np.eye(3)[j]
            p = best.x
            information[i, j] = (loss(p + e + f) - loss(p + e - f) - loss(p - e + f) + loss(p - e - f)) / (4 * step**2)
    m = int((~below).sum())
    expected = np.sqrt(np.diag(np.linalg.inv(information))[:2] * m / (m - 2))
    assert fit.std_error == pytest.approx(expected, rel=1e-4)


def test_a_value_at_its_limit_would_bend_the_line_and_a_censored_one_does_not():
    """True slope 1; the first two lie below 0.  Taken as 0 they flatten it."""
    x = np.arange(6.0)
    y = np.array([0, 0, 0.1, 0.95, 2.0, 3.1])
    naive = np.polyfit(x, y, 1)[0]
    fit = censored_regression(y, x, [1, 1, 0, 0, 0, 0])
    assert naive < 0.7
    assert fit.coef[1] == pytest.approx(1.0, abs=0.06)


def test_intervals_of_few_values_hold_95_per_cent():
    rng = np.random.default_rng(11)
    x, held, fits = np.arange(6.0), 0, 0
    for _ in range(400):
        y = 0.3 * x + rng.normal(0, 0.25, 6)
        below = y < 0.4
        fit = censored_regression(np.where(below, 0.4, y), x, below)
        if fit.converged:
            fits += 1
            held += fit.ci_low[1] <= 0.3 <= fit.ci_high[1]
    assert fits > 380
    assert 0.93 <= held / fits <= 0.995


def test_with_two_values_above_the_limit_there_is_no_fit():
    assert censored_regression([0, 0, 1, 2], [0, 1, 2, 3], [1, 1, 0, 0]).reason == "too few values"


def test_a_line_through_all_values_that_the_limits_agree_with_has_no_spread():
    assert censored_regression([0.5, 1, 2, 3], [0, 1, 2, 3], [1, 0, 0, 0]).reason == "perfect fit"


def test_a_line_through_all_values_that_a_limit_contradicts_has_a_fit():
    fit = censored_regression([-0.5, 1, 2, 3], [0, 1, 2, 3], [1, 0, 0, 0])
    assert fit.converged
    assert fit.coef[1] > 1


def test_values_of_one_time_have_no_slope():
    assert censored_regression([1, 2, 3, 1], [5, 5, 5, 5], [0, 0, 0, 0]).reason == "collinear"


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="missing or infinite"):
        censored_regression([1, np.nan, 3], [0, 1, 2], [0, 0, 0])


def test_uncensored_values_on_one_line_have_no_spread_and_their_slope():
    fit = censored_regression([1, 2, 3, 4], [0, 1, 2, 3], [0, 0, 0, 0])
    assert fit.converged
    assert fit.coef == pytest.approx([1, 1])
    assert fit.ci_low == pytest.approx(fit.coef)
