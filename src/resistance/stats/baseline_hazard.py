"""A Cox model's coefficients -> the baseline cumulative hazard, and survival at given times for given columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, flags, matrix, numbers
from resistance.stats._times import follow_up, weights_of
from resistance.stats.partial_likelihood import PartialLikelihood


@dataclass(frozen=True)
class BaselineHazard:
    """Cumulative baseline hazard: one step per stratum and distinct event time.

    Parameters
    ----------
    stratum : array of int, shape (steps,)
        0.. , the place of the stratum among the sorted distinct strata (all 0 without strata).
    time : array, shape (steps,)
        Ascending within each stratum.
    cumulative : array, shape (steps,)
        Cumulative hazard from that time on of one whose columns are at `centre`.
    centre : array, shape (k,)
        Mean of the columns.  At columns of 0 (a year of birth of 0) the hazard may be beyond any number.
    coef : array, shape (k,)
    last : array, shape (number of strata,)
        Longest follow-up in each stratum: nothing is known beyond.
    labels : array, shape (number of strata,)
        The distinct strata, as they were given.
    """

    stratum: NDArray[np.intp]
    time: FloatArray
    cumulative: FloatArray
    centre: FloatArray
    coef: FloatArray
    last: FloatArray
    labels: NDArray[Any]


def baseline_hazard(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    coef: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    weights: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
) -> BaselineHazard:
    """Estimate the cumulative baseline hazard at given coefficients.

    Parameters
    ----------
    time, event, columns, start, strata, weights, ties
        As in :func:`resistance.stats.cox.cox`; with ``breslow`` the estimator is Breslow's, with ``efron`` the
        one that belongs to Efron's ties (R's ``survfit`` does the same).
    coef : array, shape (k,)
        Log hazard ratios per unit of each column.

    Notes
    -----
    Breslow 1972 (discussion of Cox), doi:10.1111/j.2517-6161.1972.tb00900.x.

    Examples
    --------
    >>> found = baseline_hazard([2, 4, 6], [1, 1, 0], np.zeros((3, 1)), [0.0])
    >>> found.time.tolist(), found.cumulative.round(3).tolist()
    ([2.0, 4.0], [0.333, 0.833])
    """
    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    x = matrix(columns, "columns", n)
    beta = numbers(coef, "coef", x.shape[1])
    groups = np.zeros(n, dtype=np.intp) if strata is None else codes(strata, "strata", n)
    labels = np.zeros(min(n, 1), dtype=np.int64) if strata is None else np.unique(np.asarray(strata))
    w, _ = weights_of(weights, n)
    centre = x.mean(axis=0) if n else np.zeros(x.shape[1])
    stratum, times, cumulative = [np.zeros(0, dtype=np.intp)], [np.zeros(0)], [np.zeros(0)]
    for part in PartialLikelihood(t, e, x - centre, groups, ties, start=s, weights=w).terms(beta):
        distinct, place = np.unique(part.time, return_inverse=True)
        steps = np.bincount(place, weights=part.hazard)
        stratum.append(np.full(distinct.size, groups[part.rows[0]], dtype=np.intp))
        times.append(distinct)
        cumulative.append(np.cumsum(steps))
    last = np.array([t[groups == group].max() for group in range(labels.size)])
    return BaselineHazard(np.concatenate(stratum), np.concatenate(times), np.concatenate(cumulative), centre, beta, last, labels)


def predicted_survival(baseline: BaselineHazard, columns: ArrayLike, at: ArrayLike, *, strata: Any = None) -> FloatArray:
    """Return the probability of being event-free beyond each time, shape (patients, times).

    Parameters
    ----------
    baseline : BaselineHazard
    columns : array, shape (m, k)
        Of the patients to predict for, in the columns of the model.
    at : array, shape (times,)
    strata : array, shape (m,), optional
        Stratum of each, among those of the model; needed where the model has several.

    Returns
    -------
    array
        NaN beyond the longest follow-up of the stratum: a curve does not go on where nobody was watched.

    Raises
    ------
    ValueError
        Wrong shapes, or a stratum that the model does not have.

    Examples
    --------
    >>> base = baseline_hazard([2, 4, 6], [1, 1, 0], np.zeros((3, 1)), [0.0])
    >>> predicted_survival(base, np.zeros((1, 1)), [1, 4]).round(3).tolist()
    [[1.0, 0.435]]
    """
    when = numbers(at, "at")
    k = baseline.centre.size
    x = np.asarray(columns, dtype=np.float64)
    x = matrix(x.reshape(-1, k) if x.ndim == 1 and k else x, "columns", x.shape[0] if x.ndim == 2 or k < 2 else x.size // k)
    if x.shape[1] != k:
        raise ValueError(f"columns: {x.shape[1]} for a model of {k}")
    if strata is None:
        if baseline.labels.size > 1:
            raise ValueError(f"strata: the model has {baseline.labels.size}; say which each patient belongs to")
        groups = np.zeros(len(x), dtype=np.intp)
    else:
        given = np.asarray(strata)
        if given.shape != (len(x),):
            raise ValueError(f"strata: shape {given.shape} for {len(x)} patients")
        unknown = np.setdiff1d(given, baseline.labels)
        if unknown.size:
            raise ValueError(f"strata: {unknown[0]} is not a stratum of the model")
        groups = np.searchsorted(baseline.labels, given)
    risk = np.exp((x - baseline.centre) @ baseline.coef)
    survival = np.full((len(x), when.size), np.nan)
    for group in np.unique(groups):
        here, steps = groups == group, baseline.stratum == group
        climbing = np.concatenate([[0.0], baseline.cumulative[steps]])
        hazard = climbing[np.searchsorted(baseline.time[steps], when, side="right")]
        values = np.exp(-risk[here][:, None] * hazard)
        values[:, when > baseline.last[group]] = np.nan
        survival[here] = values
    return survival
