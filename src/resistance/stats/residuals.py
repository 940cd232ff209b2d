"""A Cox model's coefficients -> its residuals: martingale, deviance, score, dfbeta, Schoenfeld."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, numbers
from resistance.stats._times import follow_up, weights_of
from resistance.stats.partial_likelihood import EventTerms, PartialLikelihood


@dataclass(frozen=True)
class CoxResiduals:
    """Residuals of a Cox model, one per row or one per event.

    Parameters
    ----------
    martingale : array, shape (n,)
        Events observed less events expected; never above 1.
    deviance : array, shape (n,)
        The same, made more symmetric.
    score : array, shape (n, k)
        Each row's part of the gradient (times case weights, the sum is 0 at the maximum).
    dfbeta : array, shape (n, k)
        About how much each coefficient would change without the row, times its case weight; NaN where the
        information is singular.
    schoenfeld : array, shape (events, k)
        Columns of the one with the event less their mean over those at risk; ordered by stratum, time, row.
    scaled_schoenfeld : array, shape (events, k)
        Against time: the coefficient as it changes (Grambsch and Therneau); NaN as `dfbeta`.
    event_row, event_time : array, shape (events,)
        Row and time of each of them.
    """

    martingale: FloatArray
    deviance: FloatArray
    score: FloatArray
    dfbeta: FloatArray
    schoenfeld: FloatArray
    scaled_schoenfeld: FloatArray
    event_row: NDArray[np.int64]
    event_time: FloatArray


def cox_residuals(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    coef: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    weights: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
) -> CoxResiduals:
    """Compute residuals at given coefficients: of a fit, of a Firth fit, or 0 for a null model.

    Parameters
    ----------
    time, event, columns, start, strata, weights, ties
        As given to :func:`resistance.stats.cox.cox`.
    coef : array, shape (k,)
        Log hazard ratios per unit of each column.

    Notes
    -----
    Therneau, Grambsch and Fleming 1990, doi:10.1093/biomet/77.1.147; Schoenfeld 1982,
    doi:10.1093/biomet/69.1.239; with Efron's ties every one of d tied patients is at risk for the average
    of the d steps.  Rows of one patient (start-stop) are added up by the caller.

    Examples
    --------
    >>> found = cox_residuals([1, 2, 3], [1, 1, 0], [0.0, 1.0, 0.0], [0.0])
    >>> found.martingale.round(3).tolist()
    [0.667, 0.167, -0.833]
    """
    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    x = matrix(columns, "columns", n)
    beta = numbers(coef, "coef", x.shape[1])
    groups = None if strata is None else codes(strata, "strata", n)
    w, mean_weight = weights_of(weights, n)
    centred = x - x.mean(axis=0) if n else x  # exp(coef * year of birth) would overflow
    model = PartialLikelihood(t, e, centred, groups, ties, start=s, weights=w)
    terms = model.terms(beta)
    martingale, score = row_residuals(t, s, e, centred, beta, terms)
    rest = np.where(e, 1.0 - martingale, 1.0)  # what was expected of those with an event
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(e, np.log(np.where(rest > 0, rest, np.nan)), 0.0)
    deviance = np.sign(martingale) * np.sqrt(np.maximum(0.0, -2 * (martingale + inner)))
    information = -model.hessian(beta) * mean_weight
    covariance = _inverse(information)
    own = np.ones(n) if w is None else w * mean_weight
    rows, residual = _schoenfeld(terms, centred, t)
    return CoxResiduals(
        martingale=martingale,
        deviance=deviance,
        score=score,
        dfbeta=own[:, None] * score @ covariance,
        schoenfeld=residual,
        scaled_schoenfeld=beta + len(rows) * residual @ covariance,
        event_row=rows,
        event_time=t[rows],
    )


def row_residuals(
    time: FloatArray, start: FloatArray | None, event: BoolArray, columns: FloatArray, coef: FloatArray, terms: list[EventTerms]
) -> tuple[FloatArray, FloatArray]:
    """Return martingale (n,) and score residuals (n, k) from the terms of a partial likelihood (checked arrays)."""
    n, k = columns.shape
    hazard, moment = np.zeros(n), np.zeros((n, k))  # sums over the events for which the row is at risk
    expected_own = np.zeros((n, k))
    for part in terms:
        rows = part.rows
        both = part.hazard[:, None] * np.column_stack([np.ones(len(part.time)), part.mean])
        climbing = np.concatenate([np.zeros((1, k + 1)), np.cumsum(both[::-1], axis=0)])
        times = part.time[::-1]
        sums = climbing[np.searchsorted(times, time[rows], side="right")]
        if start is not None:
            sums = sums - climbing[np.searchsorted(times, start[rows], side="right")]
        hazard[rows], moment[rows] = sums[:, 0], sums[:, 1:]
        # those with an event are left out of their own ties by Efron's share
        left_out = _over_ties(part.share[:, None] * both, part)
        hazard[part.event_rows] -= left_out[:, 0]
        moment[part.event_rows] -= left_out[:, 1:]
        size = (part.tie_end - part.tie_start)[:, None]
        expected_own[part.event_rows] = _over_ties(part.mean, part) / size
    risk = np.exp(columns @ coef)
    martingale = event - risk * hazard
    score = np.where(event[:, None], columns - expected_own, 0.0) - risk[:, None] * (columns * hazard[:, None] - moment)
    return martingale, score


def _over_ties(values: FloatArray, part: EventTerms) -> FloatArray:
    """Return, for each event, the sum of `values` (E, m) over the events at its time."""
    first = np.unique(part.tie_start)
    return np.asarray(np.add.reduceat(values, first, axis=0)[np.searchsorted(first, part.tie_start)])


def _schoenfeld(terms: list[EventTerms], columns: FloatArray, time: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    rows: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    residuals = [np.zeros((0, columns.shape[1]))]
    for part in terms:
        mean = _over_ties(part.mean, part) / (part.tie_end - part.tie_start)[:, None]
        order = np.lexsort((part.event_rows, time[part.event_rows]))
        rows.append(part.event_rows[order])
        residuals.append((columns[part.event_rows] - mean)[order])
    return np.concatenate(rows), np.concatenate(residuals)


def _inverse(information: FloatArray) -> FloatArray:
    """Return the inverse, NaN where there is none."""
    diagonal = np.diag(information)
    if diagonal.size and diagonal.min() > 0:
        scale = np.sqrt(diagonal)
        unit = information / np.outer(scale, scale)
        if np.linalg.eigvalsh(unit)[0] > 1e-9:
            return np.asarray(np.linalg.inv(unit) / np.outer(scale, scale))
    return np.full(information.shape, np.nan)
