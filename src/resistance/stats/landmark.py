"""A marker that becomes known, or changes, during follow-up -> who enters at a landmark; start-stop rows without immortal time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers
from resistance.stats._times import merged


@dataclass(frozen=True)
class Landmark:
    """Who is analysed from a landmark on; the clock starts there.

    Parameters
    ----------
    kept : array of bool, shape (n,)
        Still followed, and free of the event, after the landmark.
    time : array, shape (kept,)
        Follow-up from the landmark, of those kept.
    event : array of bool, shape (kept,)
    known : array of bool, shape (kept,)
        The marker was known (the response reached, the variant seen) by the landmark; who gets there later
        counts as without it.
    n, n_kept : int
    n_event_before, n_censored_before : int
        Left out because of an event, or the end of follow-up, at or before the landmark.
    n_known_before : int
        Of those left out, how many had the marker known.
    n_known_later : int
        Kept as without the marker, and known to have it after the landmark.
    """

    kept: BoolArray
    time: FloatArray
    event: BoolArray
    known: BoolArray
    n: int
    n_kept: int
    n_event_before: int
    n_censored_before: int
    n_known_before: int
    n_known_later: int


@dataclass(frozen=True)
class Episodes:
    """Start-stop rows: at risk in (start, stop].

    Parameters
    ----------
    row : array of int, shape (rows,)
        Patient (place in the arrays given), for covariates: ``columns[episodes.row]``, and for
        ``cox(..., cluster=episodes.row)``.
    start, stop : array, shape (rows,)
    event : array of bool, shape (rows,)
        The event, in the last row of each patient.
    value : array, shape (rows,)
        Marker during the row.
    n_never_at_risk : int
        Patients without any row, as their follow-up is 0.
    n_changed_too_late : int
        Changes at or after the end of follow-up, which no risk set sees.
    """

    row: NDArray[np.int64]
    start: FloatArray
    stop: FloatArray
    event: BoolArray
    value: FloatArray
    n_never_at_risk: int
    n_changed_too_late: int


def landmark(time: ArrayLike, event: ArrayLike, known_at: ArrayLike, at: float) -> Landmark:
    """Choose the patients for a landmark analysis.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, not negative.
    event : array of 0/1, shape (n,)
    known_at : array, shape (n,)
        When the marker became known; NaN or infinite for never.
    at : float
        The landmark, fixed before the data are looked at, in the unit of `time`.

    Returns
    -------
    Landmark

    Notes
    -----
    Anderson, Cain and Gelber 1983, doi:10.1200/JCO.1983.1.11.710: a patient must live long enough to respond;
    who compares responders with the others from day 0 gives the responders that time as a present.  Who has
    the event, or leaves, *at* the landmark is not at risk after it and is left out.

    Examples
    --------
    >>> found = landmark([30, 100, 200, 300], [1, 1, 0, 1], [20, 40, float("nan"), 120], 60)
    >>> found.time.tolist(), found.known.tolist(), found.n_event_before, found.n_known_later
    ([40.0, 140.0, 240.0], [True, False, False], 1, 1)
    """
    t, e, k = _checked(time, event, known_at, "known_at")
    if not (np.isfinite(at) and at >= 0):
        raise ValueError(f"at: {at} is not a time of 0 or later")
    t, k, landmarks = _one_clock(t, k, np.array([float(at)]))
    at = float(landmarks[0])
    kept = t > at
    known = k <= at
    return Landmark(
        kept=kept,
        time=t[kept] - at,
        event=e[kept],
        known=known[kept],
        n=t.size,
        n_kept=int(kept.sum()),
        n_event_before=int((~kept & e).sum()),
        n_censored_before=int((~kept & ~e).sum()),
        n_known_before=int((~kept & known).sum()),
        n_known_later=int((kept & ~known & (k <= t)).sum()),
    )


def split_at(time: ArrayLike, event: ArrayLike, change_time: ArrayLike) -> Episodes:
    """Cut follow-up where a marker turns from 0 to 1, for a Cox model with a time-dependent marker.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    change_time : array, shape (n,)
        When the marker turns 1; NaN or infinite for never; 0 or before for from the beginning.

    Returns
    -------
    Episodes
        One or two rows per patient, in the order given.  The marker is 1 *after* the change: an event on the
        day of the change belongs to the time without it (what is seen on the day of progression does not
        predict that progression).

    Examples
    --------
    >>> found = split_at([10, 8], [1, 0], [4, float("nan")])
    >>> [found.row.tolist(), found.start.tolist(), found.stop.tolist(), found.event.tolist(), found.value.tolist()]
    [[0, 0, 1], [0.0, 4.0, 0.0], [4.0, 10.0, 8.0], [False, True, False], [0.0, 1.0, 0.0]]
    """
    t, e, change = _checked(time, event, change_time, "change_time")
    changes = change < np.inf
    rows = np.flatnonzero(changes)
    return episodes(t, e, np.zeros(t.size), rows, change[rows], np.ones(rows.size))


def episodes(
    time: ArrayLike, event: ArrayLike, first_value: ArrayLike, row: ArrayLike, change_time: ArrayLike, value: ArrayLike
) -> Episodes:
    """Cut follow-up at any number of changes of a marker.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    first_value : array, shape (n,)
        Marker from time 0 on.
    row, change_time, value : array, shape (changes,)
        Patient (0..n-1), time and new value of each change, in any order.  A change at time 0 or before
        replaces the first value (the latest one counts).

    Raises
    ------
    ValueError
        Missing or wrongly shaped values, a patient that does not exist, two values at one time of one patient.

    Examples
    --------
    >>> found = episodes([10, 6], [1, 0], [0, 0], [0], [4], [1])
    >>> found.start.tolist(), found.stop.tolist(), found.value.tolist()
    ([0.0, 4.0, 0.0], [4.0, 10.0, 6.0], [0.0, 1.0, 0.0])
    """
    t, e, first = _checked(time, event, first_value, "first_value")
    if not np.isfinite(first).all():
        raise ValueError(f"first_value: {int((~np.isfinite(first)).sum())} value(s) are missing or infinite")
    when = numbers(change_time, "change_time")
    who = numbers(row, "row", when.size)
    new = numbers(value, "value", when.size)
    if who.size and (who.min() < 0 or who.max() >= t.size or (who != np.floor(who)).any()):
        raise ValueError(f"row: not all are whole numbers of 0..{t.size - 1}")
    t, when = _one_clock(t, when)
    patient = who.astype(np.int64)
    order = np.lexsort((when, patient))
    patient, when, new = patient[order], when[order], new[order]
    twice = (np.diff(patient) == 0) & (np.diff(when) == 0)
    if twice.any():
        raise ValueError(f"change_time: patient {patient[1:][twice][0]} has two values at time {when[1:][twice][0]}")
    before = when <= 0
    current = first.copy()
    current[patient[before]] = new[before]  # sorted by time: the last one stays
    inside = ~before & (when < t[patient])
    too_late = int((when >= t[patient])[~before].sum())
    at_risk = np.flatnonzero(t > 0)
    rows = np.concatenate([at_risk, patient[inside]])
    starts = np.concatenate([np.zeros(at_risk.size), when[inside]])
    values = np.concatenate([current[at_risk], new[inside]])
    order = np.lexsort((starts, rows))
    rows, starts, values = rows[order], starts[order], values[order]
    last = np.ones(rows.size, dtype=bool)
    last[:-1] = rows[1:] != rows[:-1]
    stops = t[rows]
    stops[~last] = starts[1:][~last[:-1]]
    return Episodes(
        row=rows,
        start=starts,
        stop=stops,
        event=last & e[rows],
        value=values,
        n_never_at_risk=int((t == 0).sum()),
        n_changed_too_late=too_late,
    )


def _one_clock(*times: FloatArray) -> list[FloatArray]:
    """Return the arrays of times with those that differ by rounding only made equal, across all of them."""
    joined = np.concatenate(times)
    finite = np.isfinite(joined)
    joined[finite] = merged(joined[finite])
    return np.split(joined, np.cumsum([len(part) for part in times])[:-1])


def _checked(time: ArrayLike, event: ArrayLike, other: ArrayLike, name: str) -> tuple[FloatArray, BoolArray, FloatArray]:
    t = numbers(time, "time")
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    e = flags(event, "event", t.size)
    values = np.asarray(other, dtype=np.float64)
    if values.shape != t.shape:
        raise ValueError(f"{name}: shape {values.shape} for {t.size} patients")
    return t, e, np.where(np.isnan(values), np.inf, values) if name != "first_value" else values
