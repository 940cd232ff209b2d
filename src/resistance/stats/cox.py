"""Times, events and columns -> Cox regression: log hazard ratios with interval and likelihood-ratio p, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, codes, flags, matrix, numbers, to_unit_range
from resistance.stats.newton import Maximum, maximise
from resistance.stats.partial_likelihood import PartialLikelihood


@dataclass(frozen=True)
class CoxResult:
    """Cox regression; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se : array, shape (k,)
        Log hazard ratios per unit of each column, and their standard errors.
    ci_low, ci_high : array, shape (k,)
        Wald interval on the log scale.
    p_wald, p_value : array, shape (k,)
        Wald p; likelihood-ratio p (NaN for columns that were not asked for).
    p_global : float
        Likelihood-ratio p of all columns together.
    loglike_null, loglike : float
        Log partial likelihood without and with the columns.
    n, events : int
        Patients and events given to the model.
    converged : bool
    reason : {'', 'no events', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words.
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_wald: FloatArray
    p_value: FloatArray
    p_global: float
    loglike_null: float
    loglike: float
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def cox(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    *,
    strata: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    tested: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> CoxResult:
    """Fit a Cox model.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, any unit, not negative.
    event : array of 0/1, shape (n,)
        1 event, 0 censored.
    columns : array, shape (n, k)
        Markers and covariates, no missing values.
    strata : array, shape (n,), optional
        Each stratum has its own baseline hazard.
    ties : {'efron', 'breslow'}
    tested : sequence of int, optional
        Columns whose likelihood-ratio p is wanted (default: all; each costs one more fit).
    confidence : float

    Returns
    -------
    CoxResult
        ``converged`` is False with a note where the likelihood has no maximum: no event among the
        carriers or among the others (monotone likelihood), collinear or constant columns.

    Notes
    -----
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties after Efron 1977.  With few events among the
    carriers every asymptotic p is too small now and then: say so beside it.
    """
    from scipy.stats import chi2, norm

    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    x = matrix(columns, "columns", t.size)
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    groups = None if strata is None else codes(strata, "strata", t.size)
    k = x.shape[1]
    events = int(e.sum())
    if events == 0:
        return _unanswered(k, t.size, events, "no events", ())
    unit, spread = to_unit_range(x)
    model = PartialLikelihood(t, e, unit, groups, ties)
    start = np.zeros(k)
    top = maximise(model, start)
    if not top.converged:
        return _unanswered(k, t.size, events, top.reason, top.columns)
    null = float(model.loglike(start))
    covariance = np.linalg.inv(top.information) if k else np.zeros((0, 0))
    se = np.sqrt(np.diag(covariance)) / spread
    coef = top.params / spread
    z = norm.ppf(0.5 + confidence / 2)
    p_value = np.full(k, np.nan)
    for column in range(k) if tested is None else tested:
        p_value[column] = likelihood_ratio_p(model, top, column)
    return CoxResult(
        coef=coef,
        se=se,
        ci_low=coef - z * se,
        ci_high=coef + z * se,
        p_wald=2 * norm.sf(np.abs(coef / se)),
        p_value=p_value,
        p_global=float(chi2.sf(max(0.0, 2 * (top.loglike - null)), k)) if k else float("nan"),
        loglike_null=null,
        loglike=top.loglike,
        n=t.size,
        events=events,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def likelihood_ratio_p(model: Any, top: Maximum, column: int) -> float:
    """Return the p of one coefficient being 0: the loss of likelihood when it is held there."""
    from scipy.stats import chi2

    start = top.params.copy()
    start[column] = 0.0
    held = np.arange(start.size) == column
    without = maximise(model, start, held)
    if not without.converged:
        return float("nan")
    return float(chi2.sf(max(0.0, 2 * (top.loglike - without.loglike)), 1))


def _unanswered(k: int, n: int, events: int, reason: str, columns: tuple[int, ...]) -> CoxResult:
    which = ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
    note = {
        "no events": "no events",
        "collinear": f"{which}: constant or collinear (within strata, among patients at risk)",
        "monotone": f"{which}: monotone likelihood (no finite hazard ratio, such as no event on one side)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }[reason]
    nan = np.full(k, np.nan)
    return CoxResult(
        nan, nan, nan, nan, nan, nan, float("nan"), float("nan"), float("nan"), n, events, False, reason, columns, note
    )
