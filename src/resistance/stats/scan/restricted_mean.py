"""Times, events and very many flags -> for each flag the difference in restricted mean survival between those with it and the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, flags
from resistance.stats._times import follow_up

#: markers of one block
BLOCK = 256


@dataclass(frozen=True)
class RmstScan:
    """Differences in restricted mean survival of m flags, in the unit of time; NaN where a comparison cannot be made.

    Parameters
    ----------
    tau : array, shape (m,)
        Horizon: the largest one that both curves reach.
    difference, se, ci_low, ci_high : array, shape (m,)
        With the flag less without it.
    """

    tau: FloatArray
    difference: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray


def compare_rmst_scan(time: ArrayLike, event: ArrayLike, markers: ArrayLike, *, confidence: float = 0.95) -> RmstScan:
    """Compare restricted mean survival with and without each flag (no delayed entry).

    Parameters
    ----------
    time, event : array, shape (n,)
    markers : array of float, shape (n, m)
        0, 1, or NaN: the patient is left out of that comparison.
    confidence : float

    Returns
    -------
    RmstScan
        The numbers of :func:`resistance.stats.rmst.compare_rmst`, all at once.

    Notes
    -----
    Uno et al. 2014, doi:10.1200/JCO.2014.55.2208.
    """
    from scipy.stats import norm

    t, _ = follow_up(time)
    e = flags(event, "event", t.size)
    x = np.asarray(markers, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != t.size:
        raise ValueError(f"markers: shape {x.shape} for {t.size} patients")
    order = np.argsort(t, kind="stable")
    t, e, x = t[order], e[order], x[order]
    m = x.shape[1]
    tau, difference, se = (np.full(m, np.nan) for _ in range(3))
    for first in range(0, m, BLOCK):
        part = slice(first, min(m, first + BLOCK))
        arms = [x[:, part] == 0, x[:, part] == 1]
        reach = np.array([_reach(t, e, arm) for arm in arms])
        least = reach.min(axis=0)
        last = np.array([np.where(arm, t[:, None], -np.inf).max(axis=0) for arm in arms]).max(axis=0)
        horizon = np.where(np.isinf(least) & (least > 0), last, least)
        some = np.array([(arm & e[:, None] & (t[:, None] <= horizon)).any(axis=0) for arm in arms]).any(axis=0)
        fine = np.all([arm.any(axis=0) for arm in arms], axis=0) & (horizon > 0) & some
        (without, v0), (having, v1) = (_mean(t, e, arm, horizon) for arm in arms)
        tau[part] = np.where(fine, horizon, np.nan)
        difference[part] = np.where(fine, having - without, np.nan)
        se[part] = np.where(fine, np.hypot(np.sqrt(v0), np.sqrt(v1)), np.nan)
    width = np.where(se > 0, float(norm.ppf(0.5 + confidence / 2)) * se, np.nan)
    return RmstScan(tau, difference, se, difference - width, difference + width)


def _reach(t: FloatArray, e: BoolArray, arm: BoolArray) -> FloatArray:
    """Return how far each curve is known: for ever where all who were followed longest had the event."""
    last = np.where(arm, t[:, None], -np.inf).max(axis=0)
    alive_at_end = (arm & (t[:, None] == last) & ~e[:, None]).any(axis=0)
    return np.where(alive_at_end, last, np.inf) if arm.size else np.zeros(0)


def _mean(t: FloatArray, e: BoolArray, arm: BoolArray, tau: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return restricted mean and variance of each curve; rows by rising time."""
    distinct = np.unique(t[e])
    if not distinct.size:
        return tau.copy(), np.zeros_like(tau)
    first = np.searchsorted(t, distinct, side="left")
    below = np.vstack([np.zeros(arm.shape[1], dtype=np.int64), np.cumsum(arm, axis=0)])
    at_risk = below[-1] - below[first]
    bounds = np.searchsorted(t, distinct, side="right")
    dead = np.vstack([np.zeros(arm.shape[1], dtype=np.int64), np.cumsum(arm & e[:, None], axis=0)])
    counted = distinct[:, None] < tau
    died = np.where(counted, dead[bounds] - dead[first], 0)
    safe = np.maximum(at_risk, 1)
    survival = np.vstack([np.ones(arm.shape[1]), np.cumprod(1 - died / safe, axis=0)])
    gone = (died == at_risk) & (died > 0)
    stops = np.minimum(
        np.vstack([np.zeros(arm.shape[1]), np.broadcast_to(distinct[:, None], died.shape), tau * np.ones(arm.shape[1])]), tau
    )
    areas = survival * np.diff(stops, axis=0)
    beyond = np.cumsum(areas[::-1], axis=0)[::-1][1:]
    spread = np.where(gone, 0.0, beyond) ** 2 * died / (safe * np.where(gone, 1.0, np.maximum(at_risk - died, 1)))
    return areas.sum(axis=0), spread.sum(axis=0)
