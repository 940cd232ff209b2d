"""Effects of studies and columns that describe the studies -> how much of the heterogeneity the columns explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, matrix
from resistance.stats._design import named
from resistance.stats.meta.between_studies import (
    INTERVALS,
    METHODS,
    Interval,
    Method,
    between_variance,
    between_variance_interval,
    check_confidence,
    checked_studies,
    generalised_q,
    hartung_knapp_factor,
    one_of,
    without_rounding,
)


@dataclass(frozen=True)
class MetaRegressionResult:
    """Effects explained by columns of the studies; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se, ci_low, ci_high, p_value : array, shape (c + 1,)
        Intercept first, then the columns.
    tau2, tau2_low, tau2_high : float
        Variance that the columns leave, with its Q-profile interval.
    r_squared : float
        Share of the variance between studies (by the same method) that the columns explain, not below 0; NaN for
        'fixed', and where there is none to explain.
    q_residual, q_residual_p : float
        Heterogeneity left, on k - c - 1 degrees of freedom.
    q_columns, q_columns_p : float
        All columns together: F (Hartung-Knapp) or chi-square (normal) statistic and its p.
    k : int
    method, interval : str
    converged : bool
    reason : {'', 'too few studies', 'collinear'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    tau2: float
    tau2_low: float
    tau2_high: float
    r_squared: float
    q_residual: float
    q_residual_p: float
    q_columns: float
    q_columns_p: float
    k: int
    method: str
    interval: str
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def meta_regression(
    effects: ArrayLike,
    se: ArrayLike,
    columns: ArrayLike,
    *,
    method: Method = "reml",
    interval: Interval = "hartung_knapp_wider",
    confidence: float = 0.95,
) -> MetaRegressionResult:
    """Explain the effects of studies by what the studies are.

    Parameters
    ----------
    effects, se : array, shape (k,)
    columns : array, shape (k, c)
        Study-level columns (share of non-GCB patients, a class of trials as 0/1), without intercept.
    method, interval, confidence
        As in :func:`meta_analysis`; the degrees of freedom are k - c - 1.

    Raises
    ------
    ValueError
        As :func:`meta_analysis`; columns of another length or with missing values.

    Notes
    -----
    Berkey 1995, doi:10.1002/sim.4780140406; Knapp and Hartung 2003, doi:10.1002/sim.1482.  An association across
    trials need not hold across the patients of any of them (ecological bias): a marker x treatment question is answered
    from within trials (:func:`subgroup_difference`) where that is published.
    """
    from scipy.stats import chi2, f, norm, t

    y, s = checked_studies(effects, se)
    one_of(method, METHODS, "method")
    one_of(interval, INTERVALS, "interval")
    check_confidence(confidence)
    if method == "fixed":
        interval = "normal"
    given = matrix(columns, "columns", y.size)
    k, c = given.shape
    if k <= c + 1 or k == 0:
        return _unanswered_regression(c, k, method, interval, "too few studies", ())
    spread = np.ptp(given, axis=0)
    centre = given.mean(axis=0)
    unit = (given - centre) / np.where(spread > 0, spread, 1.0)
    guilty = _collinear(unit)
    if guilty:
        return _unanswered_regression(c, k, method, interval, "collinear", guilty)
    v, x = s**2, np.column_stack([np.ones(k), unit])
    tau2 = between_variance(method, y, v, x)
    w = 1 / (v + tau2)
    covariance = np.linalg.inv(x.T @ (w[:, None] * x))
    at = covariance @ (x.T @ (w * y))
    freedom = k - c - 1
    left = without_rounding(y - x @ at, y)
    if interval == "normal":
        quantile, distribution = float(norm.isf((1 - confidence) / 2)), norm
    else:
        covariance = covariance * hartung_knapp_factor(interval, float(w @ left**2 / freedom)) ** 2
        quantile, distribution = float(t.isf((1 - confidence) / 2, freedom)), t(freedom)
    q_columns = (
        float(at[1:] @ np.linalg.solve(covariance[1:, 1:], at[1:])) if c and (np.diag(covariance) > 0).all() else float("nan")
    )
    if interval != "normal":
        q_columns /= max(1, c)
    # back from unit columns
    back = np.eye(c + 1)
    back[1:, 1:] /= spread[:, None]
    back[0, 1:] = -centre / spread
    coef, error = back @ at, np.sqrt(np.diag(back @ covariance @ back.T))
    low, high = between_variance_interval(y, v, x, confidence)
    q = generalised_q(0.0, y, v, x)
    without = between_variance(method, y, v, np.ones((k, 1)))
    z = np.divide(np.abs(coef), error, out=np.full(c + 1, np.nan), where=error > 0)
    return MetaRegressionResult(
        coef=coef,
        se=error,
        ci_low=coef - quantile * error,
        ci_high=coef + quantile * error,
        p_value=np.asarray(2 * distribution.sf(z)),
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        r_squared=max(0.0, 1 - tau2 / without) if method != "fixed" and without > 0 else float("nan"),
        q_residual=q,
        q_residual_p=float(chi2.sf(q, freedom)),
        q_columns=q_columns if c else float("nan"),
        q_columns_p=float(chi2.sf(q_columns, c) if interval == "normal" else f.sf(q_columns, c, freedom)) if c else float("nan"),
        k=k,
        method=method,
        interval=interval,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def _collinear(unit: FloatArray) -> tuple[int, ...]:
    """Return the columns that are constant or a combination of the others."""
    if unit.shape[1] == 0:
        return ()
    norm = np.linalg.norm(unit, axis=0)
    dead = norm < 1e-10
    scaled = unit / np.where(dead, 1.0, norm)
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    null = vectors[:, values < 1e-9]
    involved = (np.abs(null) > 1e-3).any(axis=1) if null.size else np.zeros(norm.size, dtype=bool)
    return tuple(int(i) for i in np.flatnonzero(dead | involved))


def _unanswered_regression(
    c: int, k: int, method: str, interval: str, reason: str, columns: tuple[int, ...]
) -> MetaRegressionResult:
    nan, row = float("nan"), np.full(c + 1, np.nan)
    note = f"{k} studies for {c + 1} coefficients" if reason == "too few studies" else f"{named(columns)}: constant or collinear"
    return MetaRegressionResult(
        row, row, row, row, row, nan, nan, nan, nan, nan, nan, nan, nan, k, method, interval, False, reason, columns, note
    )
