"""A binary outcome and columns -> logistic regression: log odds ratios with profile interval and likelihood-ratio p, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, flags, matrix, to_unit_range
from resistance.stats.cox import likelihood_ratio_p
from resistance.stats.newton import Maximum, maximise


@dataclass(frozen=True)
class LogisticResult:
    """Logistic regression by maximum likelihood; every number is NaN unless `converged`.

    Parameters
    ----------
    intercept : float
        Log odds where every column is 0.
    coef, se : array, shape (k,)
        Log odds ratios per unit of each column, and their standard errors.
    ci_low, ci_high : array, shape (k,)
        Profile-likelihood interval (NaN for columns that were not asked for).
    p_value : array, shape (k,)
        Likelihood-ratio p, from the same likelihood as the interval, so that they agree.
    loglike : float
    n, events : int
        Patients, and those with the outcome.
    converged : bool
    reason : {'', 'constant outcome', 'collinear', 'monotone', 'iterations'}
        ``monotone``: complete or quasi-complete separation.
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words.
    """

    intercept: float
    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    loglike: float
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def logistic(
    outcome: ArrayLike, columns: ArrayLike, *, tested: Sequence[int] | None = None, confidence: float = 0.95
) -> LogisticResult:
    """Fit a logistic model with an intercept.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)
        Markers and covariates, no missing values.
    tested : sequence of int, optional
        Columns whose interval and p are wanted (default: all).
    confidence : float

    Returns
    -------
    LogisticResult
        ``converged`` is False with a note where there is no maximum: separation (an empty cell),
        collinear or constant columns, an outcome that everybody or nobody has.

    Notes
    -----
    Likelihood by statsmodels' Logit.  Profile interval: Venzon and Moolgavkar 1988.
    """
    y = flags(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    n, k, events = y.size, x.shape[1], int(y.sum())
    if events in (0, n):
        return _unanswered(k, n, events, "constant outcome", ())
    unit, spread = to_unit_range(x)
    model = likelihood(y, unit)
    start = np.zeros(k + 1)
    start[0] = np.log(events / (n - events))
    top = maximise(model, start)
    if not top.converged:
        return _unanswered(k, n, events, top.reason, tuple(i - 1 for i in top.columns if i > 0))
    coef = top.params[1:] / spread
    se = np.sqrt(np.diag(np.linalg.inv(top.information)))[1:] / spread
    ci_low, ci_high, p_value = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    for column in range(k) if tested is None else tested:
        low, high = profile_interval(model, top, column + 1, confidence)
        ci_low[column], ci_high[column] = low / spread[column], high / spread[column]
        p_value[column] = likelihood_ratio_p(model, top, column + 1)
    return LogisticResult(
        intercept=float(top.params[0] - coef @ x.mean(axis=0)),
        coef=coef,
        se=se,
        ci_low=ci_low,
        ci_high=ci_high,
        p_value=p_value,
        loglike=top.loglike,
        n=n,
        events=events,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def likelihood(outcome: Any, columns: FloatArray) -> Any:
    """Return statsmodels' likelihood of the model; its first column is the intercept."""
    from statsmodels.discrete.discrete_model import Logit

    return Logit(outcome.astype(np.float64), np.column_stack([np.ones(outcome.size), columns]))


def profile_interval(model: Any, top: Maximum, column: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the values of one coefficient at which the profile likelihood has fallen by the chi-square quantile.

    Returns
    -------
    low, high : float
        Infinite where the profile never falls that far.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2

    allowed = float(chi2.ppf(confidence, 1)) / 2
    se = float(np.sqrt(np.linalg.inv(top.information)[column, column]))
    held = np.arange(top.params.size) == column
    last = top.params.copy()

    def excess(value: float) -> float:
        nonlocal last
        start = last.copy()
        start[column] = value
        found = maximise(model, start, held)
        if found.converged:
            last = found.params
        return top.loglike - found.loglike - allowed

    bounds = []
    for sign in (-1.0, 1.0):
        last = top.params.copy()
        inner, outer = top.params[column], top.params[column] + sign * 2 * se
        for _ in range(12):
            if excess(outer) > 0:
                bounds.append(float(brentq(excess, min(inner, outer), max(inner, outer), xtol=1e-10, rtol=1e-12)))
                break
            inner, outer = outer, outer + sign * 2 * se
        else:
            bounds.append(sign * float("inf"))
    return bounds[0], bounds[1]


def _unanswered(k: int, n: int, events: int, reason: str, columns: tuple[int, ...]) -> LogisticResult:
    which = ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
    note = {
        "constant outcome": "the outcome does not vary",
        "collinear": f"{which}: constant or collinear",
        "monotone": f"{which}: separation (no finite odds ratio, such as an empty cell)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }[reason]
    nan, number = np.full(k, np.nan), float("nan")
    return LogisticResult(number, nan, nan, nan, nan, nan, number, n, events, False, reason, columns, note)
