"""Times, delayed entry, weights and patients -> who is at risk when: the counting behind every survival curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, numbers
from resistance.stats._times import SAME, merged


@dataclass(frozen=True)
class FollowUp:
    """Checked rows of follow-up; a row is at risk after `start` and up to `time`; times equal but for rounding are equal.

    Parameters
    ----------
    start, time, weights : array, shape (n,)
        `start` is -inf without delayed entry, so that an event at time 0 counts.
    patient : array of int, shape (n,)
        Codes 0.. of the patients.
    last : array of bool, shape (n,)
        No other row of the patient goes on from the end of this one.
    n : int
        Patients.
    """

    start: FloatArray
    time: FloatArray
    weights: FloatArray
    patient: NDArray[np.intp]
    last: BoolArray
    n: int

    def at_risk(self, times: FloatArray, among: BoolArray | None = None) -> FloatArray:
        """Return the sum of weights at risk just before each time (ascending)."""
        chosen = slice(None) if among is None else among
        weights = self.weights[chosen]
        left = _sum_from(self.time[chosen], weights, times)
        start = self.start[chosen]
        delayed = start > -np.inf
        if delayed.any():
            left = left - _sum_from(start[delayed], weights[delayed], times)
        return left

    def only(self, which: BoolArray) -> FollowUp:
        """Return some of the rows, the patients numbered anew."""
        who, patient = np.unique(self.patient[which], return_inverse=True)
        return FollowUp(self.start[which], self.time[which], self.weights[which], patient, self.last[which], int(who.size))

    def at(self, times: FloatArray, which: BoolArray) -> FloatArray:
        """Return the sum of weights of the rows `which` that end at each of the times (ascending, all of them there)."""
        index = np.searchsorted(times, self.time[which])
        return np.bincount(index, weights=self.weights[which], minlength=times.size).astype(np.float64)


def follow_up(
    time: FloatArray, *, start: ArrayLike | None = None, weights: ArrayLike | None = None, patient: Any = None
) -> FollowUp:
    """Check rows of follow-up.

    Raises
    ------
    ValueError
        Negative times, a start not before its time, weights not above 0, rows of one patient that overlap.
    """
    n = time.size
    if n and time.min() < 0:
        raise ValueError(f"time: {int((time < 0).sum())} negative value(s)")
    entry = np.full(n, -np.inf)
    if start is not None:
        entry = numbers(start, "start", n).copy()
        if (entry < 0).any():
            raise ValueError(f"start: {int((entry < 0).sum())} negative value(s)")
        time, entry = same_times(time, entry)
        if (entry >= time).any():
            raise ValueError(f"start: {int((entry >= time).sum())} value(s) not before the end of the row")
    else:
        (time,) = same_times(time)
    w = np.ones(n) if weights is None else numbers(weights, "weights", n)
    if n and w.min() <= 0:
        raise ValueError("weights: only values above 0 are allowed")
    if patient is None:
        return FollowUp(entry, time, w, np.arange(n), np.ones(n, dtype=np.bool_), n)
    who = codes(patient, "patient", n)
    order = np.lexsort((time, entry, who))
    same = who[order][1:] == who[order][:-1]
    if (same & (entry[order][1:] < time[order][:-1])).any():
        raise ValueError("patient: rows of one patient overlap")
    last = np.ones(n, dtype=np.bool_)
    last[order[:-1]] = ~(same & (entry[order][1:] == time[order][:-1]))
    return FollowUp(entry, time, w, who, last, int(who.max()) + 1 if n else 0)


def same_times(*arrays: FloatArray) -> tuple[FloatArray, ...]:
    """Return the times with those that differ by rounding only (days / 30.4375 / 12 v days / 365.25) made equal."""
    joined = merged(np.concatenate(arrays))
    return tuple(np.split(joined, np.cumsum([a.size for a in arrays])[:-1]))


def slack(times: FloatArray) -> float:
    """Return the difference that counts as rounding among these times."""
    return SAME * float(np.abs(times).mean()) if times.size else 0.0


def exhausted(n_event: FloatArray, n_risk: FloatArray) -> BoolArray:
    """Return from which time on nobody is left event-free: all at risk have failed (sums of weights may be off by 1e-17)."""
    return np.asarray(np.logical_or.accumulate(n_event >= n_risk * (1 - 1e-12), axis=0))


def _sum_from(values: FloatArray, weights: FloatArray, times: FloatArray) -> FloatArray:
    """Return, for each time, the sum of the weights whose value is not before it."""
    order = np.argsort(values, kind="stable")
    rising = np.concatenate([np.cumsum(weights[order][::-1])[::-1], [0.0]])
    return np.asarray(rising[np.searchsorted(values[order], times, side="left")], dtype=np.float64)
