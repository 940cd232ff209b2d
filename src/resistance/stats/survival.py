"""Times and events -> Kaplan-Meier curve with interval, median and numbers at risk; log-rank test, plain and stratified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, flags, numbers


@dataclass(frozen=True)
class KaplanMeier:
    """A Kaplan-Meier curve: one entry per distinct time, events and censorings alike.

    Parameters
    ----------
    time : array
        Distinct times, ascending, in the unit given.
    n_risk, n_event, n_censored : array
        At risk just before each time; events and censorings at it.
    survival, std_err : array
        Probability of being event-free beyond each time, and Greenwood's standard error of it.
    ci_low, ci_high : array
        Log-log interval; NaN once the curve has reached 0.
    median, median_ci_low, median_ci_high : float
        NaN where the curve (or its bound) does not come down to one half.
    n, events : int
    """

    time: FloatArray
    n_risk: NDArray[np.int64]
    n_event: NDArray[np.int64]
    n_censored: NDArray[np.int64]
    survival: FloatArray
    std_err: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    median: float
    median_ci_low: float
    median_ci_high: float
    n: int
    events: int


def kaplan_meier(time: ArrayLike, event: ArrayLike, *, confidence: float = 0.95) -> KaplanMeier:
    """Estimate a survival curve.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, any unit.
    event : array of 0/1, shape (n,)
    confidence : float

    Notes
    -----
    Kaplan and Meier 1958; interval by the complementary log-log transform (Kalbfleisch and
    Prentice), which stays within 0..1; the interval of the median is that of Brookmeyer and Crowley
    on the same scale.  Where the curve is exactly one half over a stretch, the median is its middle.
    A competing event is not censoring: this curve then overstates risk.

    Examples
    --------
    >>> kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0]).survival.tolist()
    [0.75, 0.75, 0.375, 0.375]
    """
    from scipy.stats import norm

    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    times, inverse = np.unique(t, return_inverse=True)
    n_event = np.bincount(inverse[e], minlength=times.size).astype(np.int64)
    n_all = np.bincount(inverse, minlength=times.size).astype(np.int64)
    n_risk = np.asarray(n_all[::-1].cumsum()[::-1], dtype=np.int64)
    survival: FloatArray = np.asarray(np.cumprod(1 - n_event / n_risk), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard_variance = np.cumsum(n_event / (n_risk * (n_risk - n_event).astype(np.float64)))
        std_err: FloatArray = np.asarray(survival * np.sqrt(hazard_variance), dtype=np.float64)
        spread = norm.ppf(0.5 + confidence / 2) * np.sqrt(hazard_variance) / np.log(survival)
        low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
    whole, gone = survival == 1, survival == 0
    low, high = np.where(whole, 1.0, low), np.where(whole, 1.0, high)
    low[gone], high[gone], std_err[gone] = np.nan, np.nan, np.nan
    return KaplanMeier(
        time=times,
        n_risk=n_risk,
        n_event=n_event,
        n_censored=n_all - n_event,
        survival=survival,
        std_err=std_err,
        ci_low=low,
        ci_high=high,
        median=_crossing(times, survival),
        median_ci_low=_crossing(times, low),
        median_ci_high=_crossing(times, high),
        n=t.size,
        events=int(e.sum()),
    )


def survival_at(curve: KaplanMeier, times: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return survival and its interval at given times (NaN beyond the last follow-up)."""
    at = numbers(times, "times")
    index = np.searchsorted(curve.time, at, side="right") - 1
    out = []
    for values in (curve.survival, curve.ci_low, curve.ci_high):
        steps = np.concatenate([[1.0], values])
        found = steps[index + 1]
        found[at > (curve.time[-1] if curve.time.size else -np.inf)] = np.nan
        out.append(found)
    return out[0], out[1], out[2]


def numbers_at_risk(time: ArrayLike, at: ArrayLike) -> NDArray[np.int64]:
    """Return how many patients are still followed just before each of the times `at`."""
    t = np.sort(numbers(time, "time"))
    return np.asarray(t.size - np.searchsorted(t, numbers(at, "at"), side="left"), dtype=np.int64)


def _crossing(times: FloatArray, curve: FloatArray) -> float:
    """Return the first time at which the curve is one half or less, NaN where it never is."""
    # 0.5 reached through products may be off in the last bits; the tolerance keeps the middle of a flat stretch
    below = np.flatnonzero(curve <= 0.5 + 1e-12)
    if below.size == 0:
        # a curve that has fallen to 0 has bounds NaN there: the curve itself decides, its bounds do not
        return float("nan")
    first = int(below[0])
    if abs(curve[first] - 0.5) <= 1e-12:
        lower = np.flatnonzero(curve < 0.5 - 1e-12)
        if lower.size:
            return float((times[first] + times[lower[0]]) / 2)
    return float(times[first])


@dataclass(frozen=True)
class LogRank:
    """Log-rank test of g groups.

    Parameters
    ----------
    groups : array, shape (g,)
        The distinct values of the group, sorted; the order of the counts.
    n, observed, expected : array, shape (g,)
    chi2, p_value : float
        NaN where fewer than two groups are ever compared.
    df : int
    """

    groups: NDArray[Any]
    n: NDArray[np.int64]
    observed: NDArray[np.int64]
    expected: FloatArray
    chi2: float
    df: int
    p_value: float


def log_rank(time: ArrayLike, event: ArrayLike, group: Any, *, strata: Any = None) -> LogRank:
    """Compare survival between groups.

    Parameters
    ----------
    time, event : array, shape (n,)
    group : array, shape (n,)
    strata : array, shape (n,), optional
        Groups are compared within strata only, and the differences are added up.

    Notes
    -----
    Mantel 1966; Peto and Peto 1972: hypergeometric variance.  For two groups it is the score test of
    the Cox model but for the treatment of ties.
    """
    from scipy.stats import chi2

    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    names = np.unique(np.asarray(group))
    member = codes(group, "group", t.size)
    stratum = np.zeros(t.size, dtype=np.intp) if strata is None else codes(strata, "strata", t.size)
    g = names.size
    observed, expected = np.zeros(g), np.zeros(g)
    variance = np.zeros((g, g))
    for s in np.unique(stratum):
        inside = stratum == s
        times = np.unique(t[inside & e])
        at_risk, died = np.zeros((times.size, g)), np.zeros((times.size, g))
        for k in range(g):
            mine = inside & (member == k)
            at_risk[:, k] = numbers_at_risk(t[mine], times)
            died[:, k] = np.bincount(np.searchsorted(times, t[mine & e]), minlength=times.size)
        total, deaths = at_risk.sum(axis=1), died.sum(axis=1)
        share = at_risk / total[:, None]
        observed += died.sum(axis=0)
        expected += (deaths[:, None] * share).sum(axis=0)
        weight = np.where(total > 1, deaths * (total - deaths) / np.maximum(total - 1, 1), 0.0)
        variance += np.diag((weight[:, None] * share).sum(axis=0)) - np.einsum("i,ij,ik->jk", weight, share, share)
    difference = observed - expected
    compared = np.flatnonzero(np.diag(variance) > 1e-12)
    statistic, df = float("nan"), max(0, compared.size - 1)
    if df:
        keep = compared[1:]
        statistic = float(difference[keep] @ np.linalg.pinv(variance[np.ix_(keep, keep)]) @ difference[keep])
    counts = np.bincount(member, minlength=g).astype(np.int64)
    p_value = float(chi2.sf(statistic, df)) if df else float("nan")
    return LogRank(names, counts, observed.astype(np.int64), expected, statistic, df, p_value)
