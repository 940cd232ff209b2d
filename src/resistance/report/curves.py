"""Times and events -> Kaplan-Meier curves, numbers at risk and medians as plain lists (months to draw, days to state)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.report.words import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd


def median_follow_up(rows: pd.DataFrame) -> float | None:
    """Return the median follow-up in days by reversed Kaplan-Meier: an event ends observation, it is not follow-up."""
    from resistance.stats.survival import kaplan_meier

    happened = rows["event"].to_numpy(dtype="float64") >= 1
    return _finite(kaplan_meier(rows["time_days"].to_numpy(dtype="float64"), ~happened).median)


def curve(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the Kaplan-Meier curve of one group.

    Parameters
    ----------
    rows : DataFrame
        ``time_days`` and ``event`` (1 is the event, everything else is censored).

    Returns
    -------
    dict
        ``n``, ``events``, ``median_days`` with ``median_low_days`` and ``median_high_days`` (None
        where not reached), ``points`` (months, survival, low, high: each holds to the next) and
        ``censored`` (months, survival).
    """
    from resistance.stats.survival import kaplan_meier

    km = kaplan_meier(rows["time_days"].to_numpy(dtype="float64"), (rows["event"].to_numpy(dtype="float64") == 1).astype("int64"))
    points: list[dict[str, float | None]] = [{"months": 0.0, "survival": 1.0, "low": 1.0, "high": 1.0}]
    censored = []
    for t, s, low, high, events, left in zip(km.time, km.survival, km.ci_low, km.ci_high, km.n_event, km.n_censored, strict=True):
        month = float(t) / DAYS_PER_MONTH
        if events:
            points.append({"months": month, "survival": float(s), "low": _finite(low), "high": _finite(high)})
        if left:
            censored.append({"months": month, "survival": float(s)})
    last = float(km.time[-1]) / DAYS_PER_MONTH if len(km.time) else 0.0
    if last > (points[-1]["months"] or 0.0):
        points.append({**points[-1], "months": last})
    return {
        "n": km.n,
        "events": km.events,
        "median_days": _finite(km.median),
        "median_low_days": _finite(km.median_ci_low),
        "median_high_days": _finite(km.median_ci_high),
        "points": points,
        "censored": censored,
    }


def at_risk(rows: pd.DataFrame, months: list[float]) -> list[int]:
    """Return how many are still under observation just before each time (months)."""
    from resistance.stats.survival import numbers_at_risk

    # a follow-up that ends exactly at the tick is at risk there; 1e-6 days absorb the conversion
    found = numbers_at_risk(rows["time_days"].to_numpy(dtype="float64"), [m * DAYS_PER_MONTH - 1e-6 for m in months])
    return [int(n) for n in found]


def ticks(last_months: float) -> list[float]:
    """Return round times for axis and risk table: at most nine, from 0 to the end of follow-up."""
    for step in (1, 2, 3, 6, 12, 24, 36, 60, 120):
        if last_months / step <= 8:
            return [float(step * i) for i in range(int(last_months / step) + 1)]
    return [0.0, float(int(last_months))]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
