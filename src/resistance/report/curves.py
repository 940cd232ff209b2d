"""Times and events -> Kaplan-Meier curves, cumulative incidences, numbers at risk and medians as plain lists.

Months are drawn, days are stated.  A patient who came under observation late (``entry_days``) is at risk from that day on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.report.words import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def median_follow_up(rows: pd.DataFrame) -> float | None:
    """Return the median follow-up in days by reversed Kaplan-Meier: an event ends observation, it is not follow-up."""
    from resistance.stats.survival import kaplan_meier

    happened = rows["event"].to_numpy(dtype="float64") >= 1
    return _finite(kaplan_meier(rows["time_days"].to_numpy(dtype="float64"), ~happened, start=_entry(rows)).median)


def curve(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the Kaplan-Meier curve of one group.

    Parameters
    ----------
    rows : DataFrame
        ``time_days``, ``event`` (1 is the event, everything else is censored) and, where entry was delayed, ``entry_days``.

    Returns
    -------
    dict
        ``n``, ``events``, ``median_days`` with ``median_low_days`` and ``median_high_days`` (None
        where not reached), ``points`` (months, survival, low, high: each holds to the next) and
        ``censored`` (months, survival).
    """
    from resistance.stats.survival import kaplan_meier

    happened = (rows["event"].to_numpy(dtype="float64") == 1).astype("int64")
    km = kaplan_meier(rows["time_days"].to_numpy(dtype="float64"), happened, start=_entry(rows))
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


def incidence(rows: pd.DataFrame, at_months: float) -> dict[str, Any]:
    """Return the cumulative incidence of one group, where competing events end the risk (Aalen and Johansen).

    Parameters
    ----------
    rows : DataFrame
        As :func:`curve`; an ``event`` above 1 is a competing event.
    at_months : float
        When the incidence is stated.

    Returns
    -------
    dict
        ``n``, ``events``, ``competing``; ``at_months``, ``incidence_at``, ``low_at``, ``high_at`` (None beyond the last follow-up;
        without an interval before the first event); ``points`` (months, incidence, low, high: each holds to the next) and
        ``censored`` (months, incidence).
    """
    from resistance.stats.aalen_johansen import cumulative_incidence, incidence_at

    # every competing event ends the risk in the same way, whichever it is
    cause = rows["event"].to_numpy(dtype="float64").clip(max=2).astype("int64")
    found = cumulative_incidence(rows["time_days"].to_numpy(dtype="float64"), cause, causes=2, start=_entry(rows))
    points: list[dict[str, float | None]] = [{"months": 0.0, "incidence": 0.0, "low": 0.0, "high": 0.0}]
    censored = []
    columns = (found.time, found.incidence[:, 0], found.ci_low[:, 0], found.ci_high[:, 0], found.n_event[:, 0], found.n_censored)
    for t, share, low, high, events, left in zip(*columns, strict=True):
        month = float(t) / DAYS_PER_MONTH
        if events:
            points.append({"months": month, "incidence": float(share), "low": _finite(low), "high": _finite(high)})
        if left:
            censored.append({"months": month, "incidence": float(share)})
    last = float(found.time[-1]) / DAYS_PER_MONTH if len(found.time) else 0.0
    if last > (points[-1]["months"] or 0.0):
        points.append({**points[-1], "months": last})
    share, _, low, high = (_finite(float(x[0])) for x in incidence_at(found, [at_months * DAYS_PER_MONTH]))
    return {
        "n": found.n,
        "events": int(found.events[0]),
        "competing": int(found.events[1]),
        "at_months": at_months,
        "incidence_at": share,
        "low_at": low,
        "high_at": high,
        "points": points,
        "censored": censored,
    }


def stated_at(months: list[float], at_risk_of: list[list[int]], least: int = 10) -> float:
    """Return the last of these times at which each group still has so many at risk: an incidence is stated there.

    Where no later one has, the first after 0 (0 where there is none).
    """
    good = [m for i, m in enumerate(months) if m > 0 and all(n[i] >= least for n in at_risk_of)]
    later = [m for m in months if m > 0]
    return good[-1] if good else (later[0] if later else 0.0)


def _entry(rows: pd.DataFrame) -> NDArray[Any] | None:
    """Return the day from which each patient was observed, None where all were from the start."""
    if "entry_days" not in rows:
        return None
    entry = rows["entry_days"].astype("float64").fillna(0.0).to_numpy(dtype="float64")
    return entry if (entry > 0).any() else None


def at_risk(rows: pd.DataFrame, months: list[float]) -> list[int]:
    """Return how many are still under observation just before each time (months)."""
    import numpy as np

    from resistance.stats.survival import numbers_at_risk

    # a follow-up that ends exactly at the tick is at risk there; 1e-6 days absorb the conversion
    when = [m * DAYS_PER_MONTH - 1e-6 for m in months]
    entry = _entry(rows)
    if entry is not None:
        entry = np.where(entry == 0, -1.0, entry)  # who came at once is followed at time zero
    found = numbers_at_risk(rows["time_days"].to_numpy(dtype="float64"), when, start=entry)
    return [int(n) for n in found]


def ticks(last_months: float) -> list[float]:
    """Return round times for axis and risk table: at most nine, from 0 to the end of follow-up."""
    for step in (1, 2, 3, 6, 12, 24, 36, 60, 120):
        if last_months / step <= 8:
            return [float(step * i) for i in range(int(last_months / step) + 1)]
    return [0.0, float(int(last_months))]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
