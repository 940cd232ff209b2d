"""Levels of one patient over time -> doubling time of the rise and half-life of the fall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resistance.stats.censored_regression import censored_regression

if TYPE_CHECKING:
    from resistance.ctdna.course import Point

_REASONS = {
    "too few values": "fewer than three detected samples",
    "perfect fit": "all detected samples lie on one line that the undetected ones agree with, so that there is no interval",
    "collinear": "samples of one day",
    "iterations": "the likelihood has no maximum that was found",
}


def doubling_time(series: Sequence[Point], nadir: Point, notes: list[str]) -> dict[str, Any]:
    """Return the doubling time from the nadir to the highest sample after it.

    Of several undetected samples before the rise only the last is taken: the earlier say nothing about its slope.

    Returns
    -------
    dict
        Columns ``doubling_time...`` of COURSE; empty, with a note where something rose, without an estimate.
    """
    low = list(series).index(nadir)
    after = [i for i in range(low + 1, len(series)) if not series[i].level.censored]
    if not after:
        return {}
    top = max(after, key=lambda i: (series[i].level.value, -i))
    if series[top].level.value <= nadir.level.value:
        return {}
    start = max([low] + [i for i in range(low, top) if series[i].level.censored])
    return _time(series[start : top + 1], 1.0, "doubling_time", "rise from the nadir", notes)


def half_life(series: Sequence[Point], nadir: Point, notes: list[str]) -> dict[str, Any]:
    """Return the half-life from baseline to the nadir; of undetected samples the first ends the fall."""
    end = list(series).index(nadir)
    hidden = [i for i in range(1, end + 1) if series[i].level.censored]
    end = min([end, *hidden])
    if series[end].level.value >= series[0].level.value:
        return {}
    return _time(series[: end + 1], -1.0, "half_life", "fall to the nadir", notes)


def _time(phase: Sequence[Point], sign: float, name: str, what: str, notes: list[str]) -> dict[str, Any]:
    """Return log10(2) / slope of a phase, with its interval."""
    out: dict[str, Any] = {f"{name}_samples": len(phase)}
    label = name.replace("_", " ")
    if len(phase) < 3:
        notes.append(f"no {label}: the {what} has {len(phase)} samples, three are needed")
        return out
    fit = censored_regression([p.level.log10 for p in phase], [p.day for p in phase], [p.level.censored for p in phase])
    if not fit.converged:
        notes.append(f"no {label}: {_REASONS[fit.reason]} in the {what}")
        return out
    slope, low, high = sorted_by(sign, float(fit.coef[1]), float(fit.ci_low[1]), float(fit.ci_high[1]))
    if not slope > 0:
        notes.append(f"no {label}: the line through the {what} does not go that way")
        return out
    out[f"{name}_days"] = math.log10(2) / slope
    out[f"{name}_ci_low_days"] = math.log10(2) / high
    if low > 0:
        out[f"{name}_ci_high_days"] = math.log10(2) / low
    return out


def sorted_by(sign: float, value: float, low: float, high: float) -> tuple[float, float, float]:
    """Return value and bounds times the sign, the lower bound first."""
    return (value, low, high) if sign > 0 else (-value, -high, -low)
