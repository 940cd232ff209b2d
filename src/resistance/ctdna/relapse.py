"""Levels of one patient over time -> molecular relapse, and how long it comes before clinical relapse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resistance.ctdna.level import log10_change

if TYPE_CHECKING:
    from resistance.ctdna.course import Point

AFTER_CLEARANCE, FROM_NADIR = "detected after clearance", "risen from nadir"


def find_relapse(series: Sequence[Point], cleared_at: float, rise_log10: float) -> dict[str, Any]:
    """Find the first molecular relapse that no next sample contradicts.

    Parameters
    ----------
    series : sequence of Point
        Baseline (where it has a day) and later samples, in time.
    cleared_at : float
        Day of clearance; NaN: never.
    rise_log10 : float
        Rise over the lowest sample before, where ctDNA was not cleared by then.

    Returns
    -------
    dict
        The columns ``molecular_relapse...`` of COURSE and ``n_unconfirmed``.
    """
    unconfirmed = 0
    for i in range(1, len(series)):
        rule = _rule(series, i, i, cleared_at, rise_log10)
        if rule is None:
            continue
        confirmed = None if i + 1 == len(series) else _rule(series, i, i + 1, cleared_at, rise_log10) is not None
        if confirmed is False:
            unconfirmed += 1
            continue
        at = series[i]
        return {
            "molecular_relapse": True,
            "molecular_relapse_after_day": series[i - 1].day,
            "molecular_relapse_day": at.day,
            "molecular_relapse_level": at.level.value,
            "molecular_relapse_confirmed": confirmed,
            "molecular_relapse_rule": rule,
            "n_unconfirmed": unconfirmed,
        }
    sure = len(series) > 1 and not _may_have_risen(series, rise_log10)
    return {"molecular_relapse": False if sure else None, "n_unconfirmed": unconfirmed}


def _may_have_risen(series: Sequence[Point], rise_log10: float) -> bool:
    """Return whether a detected sample follows a lower bound from which it rose by less than asked for.

    From its true level, somewhere below the bound, it may have risen by more.  Not one that the next sample contradicts.
    """
    for i in range(1, len(series)):
        if i + 1 < len(series) and series[i + 1].level.censored:
            continue
        lowest = min((p.level for p in series[:i]), key=lambda level: level.value)
        if not series[i].level.censored and lowest.censored and log10_change(series[i].level, lowest)[0] < rise_log10 - 1e-9:
            return True
    return False


def _rule(series: Sequence[Point], first: int, i: int, cleared_at: float, rise_log10: float) -> str | None:
    """Return the rule that sample i meets, against what was before the sample `first`; None: neither."""
    now = series[i].level
    if now.censored:
        return None
    if series[first].day > cleared_at:
        return AFTER_CLEARANCE
    lowest = min((p.level for p in series[:first]), key=lambda level: level.value)
    change, low, _ = log10_change(now, lowest)
    if lowest.censored:  # the true rise is greater than this; its chance is that of the later level alone
        low = math.log10(now.low / lowest.value) if now.low > 0 else -math.inf
    return FROM_NADIR if change >= rise_log10 - 1e-9 and low > 0 else None


def lead_time(
    relapse: dict[str, Any], clinic: dict[str, Any] | None, endpoint: str | None, points: Sequence[Point], notes: list[str]
) -> dict[str, Any]:
    """Return clinical relapse and the time from molecular to clinical relapse.

    Parameters
    ----------
    relapse : dict
        Of :func:`find_relapse`.
    clinic : dict or None
        The patient's row of the endpoint; None: there is none.
    endpoint : str or None
        Its name in the cohort file.
    points : sequence of Point
        Later samples, in time.
    notes : list of str
        What to know is added.

    Returns
    -------
    dict
        Columns of COURSE.  Without clinical relapse the lead is at least the time to the end of follow-up.
    """
    import pandas as pd

    if endpoint is None:
        return {}
    if clinic is None or pd.isna(clinic["time_days"]) or pd.isna(clinic["event"]):
        why = "" if clinic is None or pd.isna(clinic["excluded"]) else f" ({clinic['excluded']})"
        notes.append(f"no clinical relapse or follow-up: the patient has no '{endpoint}'{why}")
        return {}
    day, event = float(clinic["time_days"]), int(clinic["event"])
    out: dict[str, Any] = {"clinical_relapse_day": day, "clinical_relapse": event == 1}
    if event > 1:
        notes.append(f"a competing event of '{endpoint}' ended follow-up")
    if not relapse["molecular_relapse"]:
        if event == 1:
            before = [p.day for p in points if p.day <= day]
            last = f"the last sample before it is of day {before[-1]:g}" if before else "no later sample before it"
            notes.append(f"clinical relapse on day {day:g} without molecular relapse: {last}")
        return out
    lead = day - relapse["molecular_relapse_day"]
    if event != 1:
        if lead < 0:
            notes.append(f"molecular relapse after the end of follow-up of '{endpoint}'")
            return out
        return out | {"lead_time_days": lead, "lead_time_censored": True}
    if lead < 0:
        notes.append("molecular relapse was first seen after clinical relapse")
    return out | {
        "lead_time_days": lead,
        "lead_time_censored": False,
        "lead_time_max_days": day - relapse["molecular_relapse_after_day"],
    }
