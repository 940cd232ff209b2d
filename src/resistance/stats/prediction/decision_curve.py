"""Outcomes and predicted probabilities -> net benefit at threshold probabilities, beside treating all and none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, numbers
from resistance.stats.prediction.brier import _probabilities


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit: true positives less false positives at the odds of the threshold, per patient.

    Parameters
    ----------
    thresholds : array, shape (T,)
    net_benefit, se, ci_low, ci_high : array, shape (T, m)
        Per predictor; NaN in the survival form where nobody at or above the threshold is followed that long.
    treat_all, treat_all_se : array, shape (T,)
    treat_none : array, shape (T,)
        0 by definition.
    over_best : array, shape (T, m)
        Gain over the better of all and none.
    over_all_ci_low, over_all_ci_high : array, shape (T, m)
        Interval of the gain over treating all, the same patients in both (NaN in the survival form).
    n_positive : array of int, shape (T, m)
        Patients at or above the threshold.
    n, events : int
    """

    thresholds: FloatArray
    net_benefit: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    treat_all: FloatArray
    treat_all_se: FloatArray
    treat_none: FloatArray
    over_best: FloatArray
    over_all_ci_low: FloatArray
    over_all_ci_high: FloatArray
    n_positive: NDArray[np.int64]
    n: int
    events: int


def decision_curve(
    outcome: ArrayLike, probability: ArrayLike, thresholds: ArrayLike, *, confidence: float = 0.95
) -> DecisionCurve:
    """Compute the decision curve of one or more predictors of a binary outcome.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    probability : array, shape (n,) or (n, m)
        A patient at or above the threshold is treated.
    thresholds : array, shape (T,)
        Threshold probabilities, from 0 to below 1.

    Notes
    -----
    Vickers and Elkin 2006, doi:10.1177/0272989X06295361.  Net benefit is a mean over patients, so its standard
    error is that of a mean.

    Examples
    --------
    >>> curve = decision_curve([1, 0, 0, 1], [0.9, 0.6, 0.2, 0.4], [0.5])
    >>> float(curve.net_benefit[0, 0]), float(curve.treat_all[0])
    (0.0, 0.0)
    """
    y = flags(outcome, "outcome")
    p = _probabilities(matrix(probability, "probability", y.size), "probability")
    at = _thresholds(thresholds)
    n, z = y.size, _quantile(confidence)
    if n == 0:
        raise ValueError("outcome: no patients")
    odds = at / (1 - at)
    value = np.where(y, 1.0, -odds[:, None])  # T x n: what treating each patient is worth
    treated = p[None, :, :] >= at[:, None, None]
    each = value[:, :, None] * treated
    benefit, se = each.mean(axis=1), _mean_se(each)
    everyone, everyone_se = value.mean(axis=1), _mean_se(value)
    gain, gain_se = benefit - everyone[:, None], _mean_se(each - value[:, :, None])
    return DecisionCurve(
        thresholds=at,
        net_benefit=benefit,
        se=se,
        ci_low=benefit - z * se,
        ci_high=benefit + z * se,
        treat_all=everyone,
        treat_all_se=everyone_se,
        treat_none=np.zeros(at.size),
        over_best=benefit - np.maximum(everyone, 0.0)[:, None],
        over_all_ci_low=gain - z * gain_se,
        over_all_ci_high=gain + z * gain_se,
        n_positive=treated.sum(axis=1).astype(np.int64),
        n=n,
        events=int(y.sum()),
    )


def survival_decision_curve(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    thresholds: ArrayLike,
    horizon: float,
    *,
    confidence: float = 0.95,
) -> DecisionCurve:
    """Compute the decision curve of predicted risks of an event by `horizon`, with censoring.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    risk : array, shape (n,) or (n, m)
        Predicted probability of an event by `horizon`.
    thresholds : array, shape (T,)
    horizon : float
        In the unit of `time`.

    Notes
    -----
    Vickers 2008, doi:10.1186/1472-6947-8-53: the share with an event among those treated is 1 - Kaplan-Meier at the
    horizon.  The standard error is Greenwood's of that share (the share treated taken as given).
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    p = _probabilities(matrix(risk, "risk", t.size), "risk")
    at = _thresholds(thresholds)
    n, z = t.size, _quantile(confidence)
    if n == 0:
        raise ValueError("time: no patients")
    odds = at / (1 - at)

    def benefit_of(treated: BoolArray, odd: float) -> tuple[float, float]:
        if not treated.any():
            return 0.0, 0.0
        share, incidence, se = float(treated.mean()), *_incidence(t[treated], e[treated], horizon)
        return share * (incidence - odd * (1 - incidence)), share * (1 + odd) * se

    everyone = np.array([benefit_of(np.ones(n, dtype=bool), odd) for odd in odds]).reshape(-1, 2)
    found = np.array([[benefit_of(p[:, j] >= c, odd) for j in range(p.shape[1])] for c, odd in zip(at, odds, strict=True)])
    found = found.reshape(at.size, p.shape[1], 2)
    benefit, se = found[..., 0], found[..., 1]
    unknown = np.full(benefit.shape, np.nan)
    return DecisionCurve(
        thresholds=at,
        net_benefit=benefit,
        se=se,
        ci_low=benefit - z * se,
        ci_high=benefit + z * se,
        treat_all=everyone[:, 0],
        treat_all_se=everyone[:, 1],
        treat_none=np.zeros(at.size),
        over_best=benefit - np.maximum(everyone[:, 0], 0.0)[:, None],
        over_all_ci_low=unknown,
        over_all_ci_high=unknown.copy(),
        n_positive=(p[None, :, :] >= at[:, None, None]).sum(axis=1).astype(np.int64),
        n=n,
        events=int((e & (t <= horizon)).sum()),
    )


def _incidence(time: FloatArray, event: BoolArray, horizon: float) -> tuple[float, float]:
    """Return 1 - Kaplan-Meier at the horizon and its standard error; NaN beyond the last follow-up of a curve above 0."""
    from resistance.stats.survival import kaplan_meier

    curve = kaplan_meier(time, event)
    index = int(np.searchsorted(curve.time, horizon, side="right")) - 1
    if index < 0:
        return 0.0, 0.0
    if horizon > curve.time[-1] and curve.survival[-1] > 0:
        return float("nan"), float("nan")
    se = float(curve.std_err[index])
    return 1 - float(curve.survival[index]), 0.0 if np.isnan(se) else se


def _thresholds(values: ArrayLike) -> FloatArray:
    at = numbers(np.atleast_1d(np.asarray(values, dtype=np.float64)), "thresholds")
    if ((at < 0) | (at >= 1)).any():
        raise ValueError("thresholds: values from 0 to below 1 are needed")
    return at


def _mean_se(each: FloatArray) -> FloatArray:
    n = each.shape[1]
    if n < 2:
        return np.full(np.delete(each.shape, 1), np.nan)
    return np.asarray(each.std(axis=1, ddof=1) / np.sqrt(n), dtype=np.float64)


def _quantile(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + confidence / 2))
