"""Times, events and risk scores -> Harrell's and Uno's probability of concordance, with standard error and interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, numbers
from resistance.stats.prediction.censoring import censoring_curve


@dataclass(frozen=True)
class ConcordanceResult:
    """Concordance of risk and time to event; NaN where no pair of patients can be compared.

    Parameters
    ----------
    c : float
        Probability that of two patients the one with the earlier event has the higher risk score; equal
        scores count one half.
    se : float
        Infinitesimal jackknife (for Uno's C the estimated censoring curve is part of it).
    ci_low, ci_high : float
        Wald interval, cut at 0 and 1.
    concordant, discordant, tied : float
        Pairs, weighted in Uno's C.
    n, events : int
    converged : bool
    reason : {'', 'no comparable pairs', 'no variance'}
        ``no variance``: every pair agrees or every pair is tied; the estimate stands, its interval is NaN.
    columns : tuple of int
    note : str
    """

    c: float
    se: float
    ci_low: float
    ci_high: float
    concordant: float
    discordant: float
    tied: float
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def harrell_c(
    time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, strata: Any = None, confidence: float = 0.95
) -> ConcordanceResult:
    """Estimate Harrell's C.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    risk : array, shape (n,)
        Higher means an earlier event; give 1 - survival, never a survival probability.
    strata : array, shape (n,), optional
        Only patients of one stratum are compared.
    confidence : float

    Notes
    -----
    Harrell 1982, doi:10.1001/jama.1982.03320430047030.  Two events at one time are not compared; a patient
    censored at the time of another's event is taken to live longer.  It depends on the censoring pattern: see
    :func:`uno_c`.

    Examples
    --------
    >>> harrell_c([1, 2, 3, 4], [1, 1, 0, 1], [9, 7, 8, 1]).c
    0.8
    """
    t, e, r = _checked(time, event, risk)
    groups = None if strata is None else codes(strata, "strata", t.size)
    return _concordance(t, e, r, groups, np.ones(t.size), confidence, None)


def uno_c(
    time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, tau: float | None = None, confidence: float = 0.95
) -> ConcordanceResult:
    """Estimate Uno's C: events before `tau`, each pair weighted by 1 / G(time of the event -)**2.

    Parameters
    ----------
    time, event, risk
        As in :func:`harrell_c`.
    tau : float, optional
        Events at or after it do not count (default: all count; then late weights may be very large).
    confidence : float

    Notes
    -----
    Uno 2011, doi:10.1002/sim.4154; G is the Kaplan-Meier curve of the censoring times, so censoring must not
    depend on the marker.

    Examples
    --------
    >>> round(uno_c([2, 4, 6, 8], [1, 1, 1, 0], [4, 3, 1, 2]).c, 3)
    0.833
    """
    t, e, r = _checked(time, event, risk)
    curve = censoring_curve(t, e)
    counted = e if tau is None else e & (t < tau)
    weight = np.where(counted, 1.0, 0.0)
    weight[counted] /= curve.before(t[counted]) ** 2
    return _concordance(t, e, r, None, weight, confidence, curve)


def _checked(time: ArrayLike, event: ArrayLike, risk: ArrayLike) -> tuple[FloatArray, BoolArray, FloatArray]:
    t = numbers(time, "time")
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    return t, flags(event, "event", t.size), numbers(risk, "risk", t.size)


def _concordance(
    t: FloatArray,
    e: BoolArray,
    r: FloatArray,
    groups: NDArray[np.intp] | None,
    weight: FloatArray,
    confidence: float,
    curve: Any,
) -> ConcordanceResult:
    from scipy.stats import norm

    n, events = t.size, int(e.sum())
    agree, all_pairs = np.zeros(n), np.zeros(n)  # pairs in which a patient takes part, in either role
    agree_first, all_first = np.zeros(n), np.zeros(n)  # in which it has the earlier event
    tied = 0.0
    starters = np.flatnonzero(e & (weight > 0))
    for begin in range(0, starters.size, 256):  # blocks, so that memory grows with n and not with its square
        i = starters[begin : begin + 256]
        pair = (t[i, None] < t) | ((t[i, None] == t) & ~e)
        if groups is not None:
            pair &= groups[i, None] == groups
        equal = pair & (r[i, None] == r)
        right = (pair & (r[i, None] > r)) + 0.5 * equal
        w = weight[i, None]
        agree_first[i], all_first[i] = right.sum(axis=1) * w[:, 0], pair.sum(axis=1) * w[:, 0]
        agree += (right * w).sum(axis=0)
        all_pairs += (pair * w).sum(axis=0)
        tied += float((equal * w).sum())
    total, good = float(all_first.sum()), float(agree_first.sum())
    nan = float("nan")
    if total == 0:
        note = "no two patients can be compared (no event before the end of another's follow-up)"
        return ConcordanceResult(nan, nan, nan, nan, 0.0, 0.0, 0.0, n, events, False, "no comparable pairs", (), note)
    c = good / total
    influence = (agree + agree_first) - c * (all_pairs + all_first)
    if curve is not None:
        influence += curve.influence(t, -2 * (agree_first - c * all_first))
    se = float(np.sqrt((influence**2).sum())) / total
    concordant = good - tied / 2
    counts = (concordant, total - concordant - tied, tied)
    if not se > 1e-14:
        note = "all pairs agree, disagree or are tied alike: no interval"
        return ConcordanceResult(c, 0.0, nan, nan, *counts, n, events, False, "no variance", (), note)
    half = float(norm.ppf(0.5 + confidence / 2)) * se
    return ConcordanceResult(c, se, max(0.0, c - half), min(1.0, c + half), *counts, n, events, True, "", (), "")
