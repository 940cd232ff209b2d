"""How far the follow-up of the arms reaches, and so how late the horizon of a restricted mean may be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, numbers
from resistance.stats.follow_up import follow_up, slack


def largest_tau(time: ArrayLike, event: ArrayLike, arm: Any = None) -> float:
    """Return the largest horizon that the curve of every arm reaches.

    A curve is known up to the last follow-up, or for ever once it has come down to 0.  Where all of
    them have, it is the last time of all.

    Examples
    --------
    >>> largest_tau([1, 5, 2, 9], [1, 0, 1, 0], ["a", "a", "b", "b"])
    5.0
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    t = follow_up(t).time
    member = np.zeros(t.size, dtype=np.intp) if arm is None else codes(arm, "arm", t.size)
    reach = [reach_of(t[member == k], e[member == k]) for k in np.unique(member)]
    least = min(reach, default=float("nan"))
    return float(t.max()) if least == np.inf else float(least)


def reach_of(time: FloatArray, event: BoolArray) -> float:
    """Return how far a curve is known: for ever where all who were followed longest had the event."""
    if time.size == 0:
        return float("nan")
    last = time == time.max()
    return float("inf") if event[last].all() else float(time.max())


def checked_tau(tau: float | None, largest: float, time: FloatArray) -> float:
    """Return the horizon; one that is a time of follow-up but for rounding is that time."""
    if tau is None:
        return largest
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau: {tau} is not above 0")
    if time.size:
        nearest = float(time[np.argmin(np.abs(time - tau))])
        if abs(nearest - tau) <= slack(np.unique(time)):
            return nearest
    return float(tau)


def two_at_most(arms: NDArray[Any]) -> None:
    """Refuse more than two arms."""
    if arms.size > 2:
        raise ValueError(f"arm: {arms.size} distinct values, two are compared")


def arms_answer(arms: NDArray[Any], reach: list[float], tau: float, events: int) -> tuple[str, tuple[int, ...], str]:
    """Return why two arms cannot be compared at tau: reason, arms that cause it, and words; empty where they can."""
    if arms.size < 2:
        return "one arm", (), "fewer than two arms"
    late = tuple(k for k in range(2) if not tau <= reach[k])
    if late:
        ends = " and ".join(f"arm {arms[k]} is followed to {reach[k]:g}" for k in late)
        return "tau too late", late, f"tau {tau:g}: {ends}; choose it no later"
    if tau <= 0:
        return "tau too late", (), "an arm has no follow-up beyond time 0"
    if events == 0:
        return "no events", (), "no events up to tau"
    return "", (), ""
