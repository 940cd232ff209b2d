"""Follow-up and kinds of event -> variance of product-limit estimates from each patient's influence on them.

The infinitesimal jackknife (Efron 1981, doi:10.1093/biomet/68.3.589; Jaeckel 1972): the variance is the sum of
the squared derivatives of the estimate with respect to the patients' weights.  It needs no model of the
weights, and rows of one patient may be correlated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.follow_up import FollowUp, exhausted

#: numbers held at once (patients x times): about 16 MB
BLOCK = 2_000_000


def product_limit_variance(rows: FollowUp, event: BoolArray, times: FloatArray) -> FloatArray:
    """Return the variance of log S at each time (NaN once the curve has reached 0).

    Parameters
    ----------
    rows : FollowUp
    event : array of bool, shape (n,)
    times : array, shape (m,)
        Distinct times, ascending, every event among them.
    """
    n_risk, n_event = rows.at_risk(times), rows.at(times, event)
    with np.errstate(divide="ignore", invalid="ignore"):
        # d log(1 - N/Y) = -(dN - dY N/Y) / (Y - N)
        jump = 1 / (n_risk - n_event)
        drift = np.where(n_event > 0, n_event / n_risk * jump, 0.0)
    variance = np.full(times.size, np.nan)
    alive = ~exhausted(n_event, n_risk)
    m = int(alive.sum())
    variance[:m] = _squared_sums(rows, event, times[:m], jump[:m, None], drift[:m, None], np.ones((m, 1)))
    return variance


def incidence_variance(
    rows: FollowUp, cause: NDArray[np.intp], times: FloatArray, incidence: FloatArray, before: FloatArray, survival: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the variances of the cumulative incidences, shape (m, causes), and of survival, shape (m,).

    Parameters
    ----------
    rows : FollowUp
    cause : array of int, shape (n,)
        0 censored, 1.. the kind of event.
    times : array, shape (m,)
    incidence : array, shape (m, causes)
    before, survival : array, shape (m,)
        Event-free probability just before and just after each time.
    """
    n_risk = rows.at_risk(times)
    kinds = incidence.shape[1]
    by_cause = np.column_stack([rows.at(times, cause == k) for k in range(1, kinds + 1)])
    hazard = by_cause / n_risk[:, None]
    everything = hazard.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # once nobody is left event-free the estimates do not move any more, so that the factor plays no part
        rest = np.where(survival > 0, 1 / (n_risk * (1 - everything)), 0.0)
    out = np.empty((times.size, kinds))
    for k in range(1, kinds + 1):
        own = cause == k
        # F(t) moves by S(s-) dh_k(s) - (F(t) - F(s)) / (1 - h(s)) dh(s): three running sums, one of them times F(t)
        out[:, k - 1] = _squared_sums(
            rows,
            cause > 0,
            times,
            np.column_stack([incidence[:, k - 1] * rest, rest]),
            np.column_stack([incidence[:, k - 1] * rest * everything, rest * everything]),
            np.column_stack([np.ones(times.size), -incidence[:, k - 1]]),
            (own, before / n_risk, before / n_risk * hazard[:, k - 1]),
        )
    free = _squared_sums(rows, cause > 0, times, rest[:, None], (rest * everything)[:, None], survival[:, None])
    return out, free


def _squared_sums(
    rows: FollowUp,
    event: BoolArray,
    times: FloatArray,
    jump: FloatArray,
    drift: FloatArray,
    factor: FloatArray,
    own: tuple[BoolArray, FloatArray, FloatArray] | None = None,
) -> FloatArray:
    """Return, for each time, the sum over patients of their squared influence.

    A row's influence at t is the sum over components c of ``factor[t, c]`` times (``jump[T, c]`` once its
    event has come, less the sum of ``drift[s, c]`` over the times s at which it was at risk up to t).  `own`
    adds one component with its own events and factor 1.
    """
    m = times.size
    if m == 0:
        return np.zeros(0)
    up, down, scale, happened = jump, drift, factor, np.repeat(event[:, None], jump.shape[1], axis=1)
    if own is not None:
        up, down = np.column_stack([up, own[1]]), np.column_stack([down, own[2]])
        scale, happened = np.column_stack([scale, np.ones(m)]), np.column_stack([happened, own[0]])
    total = np.concatenate([np.zeros((1, up.shape[1])), np.cumsum(down, axis=0)])
    enter = np.searchsorted(times, rows.start, side="right")
    leave = np.searchsorted(times, rows.time, side="right")
    ended = np.searchsorted(times, rows.time, side="left")
    come = happened & (ended < m)[:, None]
    final = np.where(come, up[np.minimum(ended, m - 1)], 0.0) - (total[leave] - total[enter])
    if rows.n == rows.time.size:
        return _of_single_rows(rows.weights**2, total, enter, ended, final, scale)
    return _of_patients(rows, total, enter, ended, final, scale)


def _of_single_rows(
    weight: FloatArray, total: FloatArray, enter: NDArray[np.intp], ended: NDArray[np.intp], final: FloatArray, scale: FloatArray
) -> FloatArray:
    """Sum squares by running sums: those who have left stand still, all others have drifted from where they entered."""
    m, parts = scale.shape
    out = np.zeros(m)

    def count(index: NDArray[np.intp], values: FloatArray) -> FloatArray:
        """Sum of the values of rows whose index is at or before each time."""
        return np.cumsum(np.bincount(index, weights=values, minlength=m + 1)[:m])

    now = total[1:]
    entry = total[enter]
    here = count(enter, weight) - count(ended, weight)
    since = [count(enter, weight * entry[:, a]) - count(ended, weight * entry[:, a]) for a in range(parts)]
    for a in range(parts):
        for b in range(parts):
            gone = count(ended, weight * final[:, a] * final[:, b])
            product = weight * entry[:, a] * entry[:, b]
            both = count(enter, product) - count(ended, product)
            there = here * now[:, a] * now[:, b] - now[:, a] * since[b] - now[:, b] * since[a] + both
            out += scale[:, a] * scale[:, b] * (gone + there)
    return np.maximum(out, 0.0)


def _of_patients(
    rows: FollowUp, total: FloatArray, enter: NDArray[np.intp], ended: NDArray[np.intp], final: FloatArray, scale: FloatArray
) -> FloatArray:
    """Sum squares over patients with several rows: their influence at each time is added up first."""
    m, n = scale.shape[0], rows.time.size
    out = np.empty(m)
    step = max(1, BLOCK // max(n, 1))
    for low in range(0, m, step):
        at = np.arange(low, min(low + step, m))
        influence = np.zeros((n, at.size))
        for c in range(scale.shape[1]):
            drifted = np.minimum(total[enter, c][:, None] - total[at + 1, c][None, :], 0.0)
            influence += scale[at, c][None, :] * np.where(ended[:, None] <= at[None, :], final[:, [c]], drifted)
        by_patient = np.zeros((rows.n, at.size))
        np.add.at(by_patient, rows.patient, influence * rows.weights[:, None])
        out[at] = np.einsum("ij,ij->j", by_patient, by_patient)
    return out
