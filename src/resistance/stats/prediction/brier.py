"""Outcomes and predicted probabilities -> Brier score, for a binary outcome and, weighted for censoring, for survival at given times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, flags, numbers
from resistance.stats.prediction.censoring import censoring_curve


@dataclass(frozen=True)
class BrierResult:
    """Mean squared difference between outcome and predicted probability.

    Parameters
    ----------
    brier, se, ci_low, ci_high : float
        `se` is that of a mean; NaN with one patient.
    null : float
        The score of predicting the prevalence for everybody.
    scaled : float
        1 - brier / null (index of prediction accuracy); NaN for an outcome that does not vary.
    n, events : int
    """

    brier: float
    se: float
    ci_low: float
    ci_high: float
    null: float
    scaled: float
    n: int
    events: int


@dataclass(frozen=True)
class SurvivalBrier:
    """Brier score of predicted survival at given times.

    Parameters
    ----------
    times : array, shape (T,)
    brier, se, ci_low, ci_high : array, shape (T,)
        NaN at times that no patient is followed beyond.
    null : array, shape (T,)
        The score of the Kaplan-Meier curve of everybody.
    scaled : array, shape (T,)
        1 - brier / null.
    integrated : float
        Mean over the span of `times` (trapezium rule); NaN with fewer than two times or a NaN among them.
    n_cases, n_controls, n_lost : array of int, shape (T,)
        Event by then; followed beyond; censored before (weight 0, made up for by the others).
    n, events : int
    """

    times: FloatArray
    brier: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    null: FloatArray
    scaled: FloatArray
    integrated: float
    n_cases: NDArray[np.int64]
    n_controls: NDArray[np.int64]
    n_lost: NDArray[np.int64]
    n: int
    events: int


@dataclass(frozen=True)
class TimeAuc:
    """Area under the ROC curve of "event by t" against "followed beyond t".

    Parameters
    ----------
    times, auc, se, ci_low, ci_high : array, shape (T,)
        NaN at times without an event before, or nobody followed beyond.
    n_cases, n_controls : array of int, shape (T,)
    n, events : int
    """

    times: FloatArray
    auc: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    n_cases: NDArray[np.int64]
    n_controls: NDArray[np.int64]
    n: int
    events: int


def brier_score(outcome: ArrayLike, probability: ArrayLike, *, confidence: float = 0.95) -> BrierResult:
    """Score predicted probabilities of a binary outcome.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    probability : array, shape (n,)
        Between 0 and 1.

    Notes
    -----
    Brier 1950; scaled score: Kattan and Gerds 2018, doi:10.1186/s41512-018-0029-2.

    Examples
    --------
    >>> round(brier_score([0, 1], [0.2, 0.9]).brier, 3)
    0.025
    """
    y = flags(outcome, "outcome")
    p = _probabilities(numbers(probability, "probability", y.size), "probability")
    n = y.size
    if n == 0:
        nan = float("nan")
        return BrierResult(nan, nan, nan, nan, nan, nan, 0, 0)
    each = (p - y) ** 2
    score, prevalence = float(each.mean()), float(y.mean())
    se = float(each.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    null = prevalence * (1 - prevalence)
    half = _quantile(confidence) * se
    low, high = (max(0.0, score - half), min(1.0, score + half)) if n > 1 else (se, se)
    scaled = 1 - score / null if null > 0 else float("nan")
    return BrierResult(score, se, low, high, null, scaled, n, int(y.sum()))


def ipcw_brier(
    time: ArrayLike, event: ArrayLike, survival: ArrayLike, times: ArrayLike, *, confidence: float = 0.95
) -> SurvivalBrier:
    """Score predicted survival probabilities, patients weighted by the inverse probability of not being censored.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    survival : array, shape (n, T)
        Predicted probability of being event-free beyond each of `times` (for one time, shape (n,)).
    times : array, shape (T,)
        In the unit of `time`.

    Notes
    -----
    Graf 1999, doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5; Gerds and Schumacher
    2006, doi:10.1002/bimj.200610301.  Cases have weight 1 / G(time -), controls 1 / G(t), G the Kaplan-Meier curve
    of the censoring times; the sum is divided by n.  Standard error by the infinitesimal jackknife, G being
    estimated, with divisor n - 1.

    Examples
    --------
    >>> ipcw_brier([2, 4, 6, 8], [1, 1, 1, 1], [[0.2], [0.4], [0.7], [0.9]], [5]).brier.round(3).tolist()
    [0.075]
    """
    from resistance.stats.survival import kaplan_meier, survival_at

    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    at = numbers(np.atleast_1d(np.asarray(times, dtype=np.float64)), "times")
    s = np.asarray(survival, dtype=np.float64)
    s = s.reshape(-1, 1) if s.ndim == 1 and at.size == 1 else s
    if s.shape != (t.size, at.size):
        raise ValueError(f"survival: shape {s.shape} for {t.size} patients and {at.size} times")
    _probabilities(s, "survival")
    n = t.size
    if n and t.min() < 0:
        raise ValueError("time: negative values")
    curve = censoring_curve(t, e)
    null_curve = survival_at(kaplan_meier(t, e), at)[0]
    out = np.full((5, at.size), np.nan)
    counts = np.zeros((3, at.size), dtype=np.int64)
    with np.errstate(divide="ignore"):
        before = 1 / curve.before(t)
    for j, horizon in enumerate(at):
        case, control = e & (t <= horizon), t > horizon
        counts[:, j] = case.sum(), control.sum(), n - case.sum() - control.sum()
        if not control.any():
            continue
        beyond = 1 / float(curve.at(at[j : j + 1])[0])
        weight = np.where(case, before, np.where(control, beyond, 0.0))
        each = weight * (control - s[:, j]) ** 2
        score = each.mean()
        influence = each - score
        influence -= curve.influence(t[case], each[case])
        influence -= curve.influence(at[j : j + 1], np.array([each[control].sum()]), included=True)
        se = np.sqrt((influence**2).sum() / (n * (n - 1))) if n > 1 else np.nan
        null = (weight * (control - null_curve[j]) ** 2).mean()
        half = _quantile(confidence) * se
        out[:, j] = score, se, max(0.0, score - half), score + half, null
    null = out[4]
    scaled = np.full(at.size, np.nan)
    usable = null > 0
    scaled[usable] = 1 - out[0][usable] / null[usable]
    order = np.argsort(at, kind="stable")
    span = float(np.ptp(at)) if at.size else 0.0
    integrated = float(np.trapezoid(out[0][order], at[order]) / span) if span > 0 else float("nan")
    return SurvivalBrier(
        at, out[0], out[1], out[2], out[3], null, scaled, integrated, counts[0], counts[1], counts[2], n, int(e.sum())
    )


def ipcw_auc(time: ArrayLike, event: ArrayLike, risk: ArrayLike, times: ArrayLike, *, confidence: float = 0.95) -> TimeAuc:
    """Estimate the cumulative/dynamic area under the ROC curve at given times.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    risk : array, shape (n,) or (n, T)
        Higher means an earlier event; one score, or one per time.
    times : array, shape (T,)

    Notes
    -----
    Uno 2007, doi:10.1198/016214507000000149; Blanche, Dartigues, Jacqmin-Gadda 2013, doi:10.1002/sim.5958.  Cases
    (event by t) have weight 1 / G(time -); controls (followed beyond t) all have the same.  Standard error by
    the infinitesimal jackknife, G being estimated, with divisor n - 1.

    Examples
    --------
    >>> ipcw_auc([2, 4, 6, 8], [1, 1, 1, 1], [4, 2, 3, 1], [5]).auc.tolist()
    [0.75]
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    at = numbers(np.atleast_1d(np.asarray(times, dtype=np.float64)), "times")
    r = np.asarray(risk, dtype=np.float64)
    r = np.repeat(r.reshape(-1, 1), at.size, axis=1) if r.ndim == 1 else r
    if r.shape != (t.size, at.size):
        raise ValueError(f"risk: shape {np.shape(risk)} for {t.size} patients and {at.size} times")
    if not np.isfinite(r).all():
        raise ValueError(f"risk: {int((~np.isfinite(r)).sum())} value(s) are missing or infinite")
    n = t.size
    if n and t.min() < 0:
        raise ValueError("time: negative values")
    curve = censoring_curve(t, e)
    out = np.full((4, at.size), np.nan)
    counts = np.zeros((2, at.size), dtype=np.int64)
    for j, horizon in enumerate(at):
        case, control = np.flatnonzero(e & (t <= horizon)), np.flatnonzero(t > horizon)
        counts[:, j] = case.size, control.size
        if case.size == 0 or control.size == 0:
            continue
        weight = 1 / curve.before(t[case])
        rc, rk = r[case, j], r[control, j]
        ordered = np.sort(rk)
        won = (np.searchsorted(ordered, rc, side="left") + np.searchsorted(ordered, rc, side="right")) / 2
        by_risk = np.argsort(rc, kind="stable")
        behind = np.concatenate([np.cumsum(weight[by_risk][::-1])[::-1], [0.0]])
        sorted_cases = rc[by_risk]
        lost = (
            behind[np.searchsorted(sorted_cases, rk, side="left")] + behind[np.searchsorted(sorted_cases, rk, side="right")]
        ) / 2
        total = weight.sum() * control.size
        area = float((weight * won).sum() / total)
        influence = np.zeros(n)
        own = weight * (won - area * control.size)
        influence[case] += own
        influence[control] += lost - area * weight.sum()
        influence -= curve.influence(t[case], own)
        se = float(np.sqrt((influence**2).sum() * n / (n - 1)) / total)
        half = _quantile(confidence) * se
        interval = (max(0.0, area - half), min(1.0, area + half)) if se > 1e-14 else (np.nan, np.nan)
        out[:, j] = area, se, *interval
    return TimeAuc(at, out[0], out[1], out[2], out[3], counts[0], counts[1], n, int(e.sum()))


def _probabilities(values: FloatArray, name: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: {int((~np.isfinite(values)).sum())} value(s) are missing or infinite")
    if values.size and (values.min() < 0 or values.max() > 1):
        raise ValueError(f"{name}: values outside 0..1")
    return values


def _quantile(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + confidence / 2))
