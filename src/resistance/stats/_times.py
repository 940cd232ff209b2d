"""Times (and entry times) -> the same with ties made exact: 1.1 - 0.1 and 1.0 are one day, not two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers

#: gap, relative to the mean of the distinct times, below which two times are one
SAME = float(np.sqrt(np.finfo(np.float64).eps))


def follow_up(time: ArrayLike, start: ArrayLike | None = None) -> tuple[FloatArray, FloatArray | None]:
    """Return checked times and entry times in which values that differ by rounding only are equal.

    Days divided by 365.25, or a stop that was computed and a start that was read, differ in the last bit;
    taken as they are they would put a patient into, or out of, the risk set of an event on the same day.

    Parameters
    ----------
    time : array, shape (n,)
        Not negative.
    start : array, shape (n,), optional
        Time at which each row comes under observation; not negative, before `time`.

    Raises
    ------
    ValueError
        Missing or negative values, or rows whose start is not before their time: such a row is never at
        risk; the caller leaves it out and counts it.

    Notes
    -----
    The tolerance is that of R's survival package (``timefix``), relative part only, so that a change of
    unit changes nothing.
    """
    t = numbers(time, "time")
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    if start is None:
        return merged(t), None
    s = numbers(start, "start", t.size)
    if s.size and s.min() < 0:
        raise ValueError("start: negative values")
    both = merged(np.concatenate([t, s]))
    t, s = both[: t.size], both[t.size :]
    if (s >= t).any():
        rows = np.flatnonzero(s >= t)
        raise ValueError(f"start: not before time in {rows.size} row(s), the first is row {rows[0]}: leave these rows out")
    return t, s


def merged(values: FloatArray) -> FloatArray:
    """Return the values, those that differ from the next lower one by rounding only set to the lowest of them."""
    distinct, inverse = np.unique(values, return_inverse=True)
    if distinct.size < 2:
        return values
    apart = np.concatenate([[True], np.diff(distinct) > SAME * np.abs(distinct).mean()])
    if apart.all():
        return values
    lowest = distinct[apart][np.cumsum(apart) - 1]
    return np.asarray(lowest[inverse.reshape(-1)])


def weights_of(values: Any, n: int) -> tuple[FloatArray | None, float]:
    """Return case weights divided by their mean, and the mean (None and 1 where none are given).

    Raises
    ------
    ValueError
        A weight that is missing or not above 0: such a row is not in the analysis, and is for the caller to drop.
    """
    if values is None:
        return None, 1.0
    w = numbers(values, "weights", n)
    if w.size and w.min() <= 0:
        raise ValueError("weights: not above 0; leave such rows out")
    mean = float(w.mean()) if w.size else 1.0
    return w / mean, mean
