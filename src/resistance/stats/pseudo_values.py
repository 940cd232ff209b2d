"""Times and causes -> jackknife pseudo-values of survival, incidence or restricted mean: one number per patient to regress."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, flags, numbers
from resistance.stats.aalen_johansen import causes_of
from resistance.stats.follow_up import follow_up, slack


@dataclass(frozen=True)
class PseudoValues:
    """Pseudo-values of n patients at k times.

    Parameters
    ----------
    times : array, shape (k,)
        As given.
    estimate : array, shape (k,)
        Of all patients together; NaN beyond the last follow-up.
    values : array, shape (n, k)
        n times the estimate less n - 1 times the estimate without the patient; their mean is the estimate
        but for rounding of the second order. NaN where the estimate is.
    n, events : int
        Patients; events (of the cause).
    converged : bool
        Every time could be answered, and there are two patients at least.
    reason : {'', 'too few', 'too late'}
    columns : tuple of int
        0-based times that could not be answered.
    note : str
    """

    times: FloatArray
    estimate: FloatArray
    values: FloatArray
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def survival_pseudo_values(time: ArrayLike, event: ArrayLike, times: ArrayLike) -> PseudoValues:
    """Return pseudo-values of the survival probability at given times.

    Parameters
    ----------
    time, event : array, shape (n,)
        Follow-up, not negative; 1 event, 0 censored.
    times : array, shape (k,)

    Notes
    -----
    Andersen, Klein and Rosthoj 2003, doi:10.1093/biomet/90.1.15.  Regressed (with a robust variance) they give
    differences or ratios of survival at a time without proportional hazards.  Censoring must not
    depend on the columns of that regression.

    Examples
    --------
    >>> survival_pseudo_values([1, 2, 3], [1, 1, 1], [2]).values.round(12).tolist()
    [[0.0], [0.0], [1.0]]
    """
    t = numbers(time, "time")
    found = incidence_pseudo_values(t, flags(event, "event", t.size), times)
    return PseudoValues(
        found.times,
        1 - found.estimate,
        1 - found.values,
        found.n,
        found.events,
        found.converged,
        found.reason,
        found.columns,
        found.note,
    )


def incidence_pseudo_values(time: ArrayLike, cause: ArrayLike, times: ArrayLike, *, of: int = 1) -> PseudoValues:
    """Return pseudo-values of the cumulative incidence of one cause at given times, others competing.

    Parameters
    ----------
    time : array, shape (n,)
    cause : array of int, shape (n,)
        0 censored, 1, 2 ... the kind of event.
    times : array, shape (k,)
    of : int

    Notes
    -----
    Klein and Andersen 2005, doi:10.1111/j.0006-341X.2005.031209.x.

    Examples
    --------
    >>> incidence_pseudo_values([1, 2, 3], [1, 2, 1], [2]).values.round(12).tolist()
    [[1.0], [0.0], [0.0]]
    """
    t, c, at = _checked(time, cause, times, of)
    n, own = t.size, c == of
    late = at > (t.max() if n else -np.inf)
    if n < 2:
        return _answer(at, np.full(at.size, np.nan), np.full((n, at.size), np.nan), own, late)
    grid = _Grid(t, c, of)
    low = np.searchsorted(grid.times, at, side="right")  # how many event times are not after each time
    whole = grid.incidence[low]
    # up to the own time: everybody's curve with one fewer at risk
    mine = grid.own_row
    before = grid.incidence_less[np.minimum(low[None, :], mine[:, None])]
    # beyond it: the value at the own time, then everybody's steps, scaled by what is left event-free
    here = grid.incidence_less[mine] + grid.step_at_own(own)
    beyond = here[:, None] + (grid.survival_after_own / grid.left)[:, None] * np.maximum(
        grid.incidence[low][None, :] - grid.incidence[grid.after_own][:, None], 0.0
    )
    without = np.where(at[None, :] < t[:, None], before, beyond)
    return _answer(at, whole, n * whole[None, :] - (n - 1) * without, own, late)


def rmst_pseudo_values(time: ArrayLike, event: ArrayLike, taus: ArrayLike) -> PseudoValues:
    """Return pseudo-values of the restricted mean survival time to given horizons.

    Parameters
    ----------
    time, event : array, shape (n,)
    taus : array, shape (k,)
        Horizons, above 0.

    Notes
    -----
    Andersen, Hansen and Klein 2004, doi:10.1007/s10985-004-4771-0.  Where the patient followed longest is left out,
    the curve is carried on level to the horizon.

    Examples
    --------
    >>> rmst_pseudo_values([1, 2, 3], [1, 1, 1], [3]).values.round(12).tolist()
    [[1.0], [2.0], [3.0]]
    """
    t = numbers(time, "time")
    tau = numbers(np.atleast_1d(np.asarray(taus, dtype=np.float64)), "taus")
    if (tau <= 0).any():
        raise ValueError("taus: above 0 is needed")
    # the area under S is its values at the event times times the stretches between: pseudo-values are linear in it
    e = flags(event, "event", t.size)
    t = follow_up(t).time
    tau = _snapped(tau, t)
    steps = np.unique(t[e])
    estimate, values = np.empty(tau.size), np.empty((t.size, tau.size))
    late = np.array([bool(h > t.max()) and not bool(e[t == t.max()].all()) if t.size else True for h in tau])
    for j, horizon in enumerate(tau):
        inside = steps[steps < horizon]
        widths = np.diff(np.concatenate([[0.0], inside, [horizon]]))
        area = np.ones(t.size) * widths[0]
        total = widths[0]
        if inside.size and t.size > 1:
            found = survival_pseudo_values(t, e, inside)
            total = total + float(found.estimate @ widths[1:])
            area = area + found.values @ widths[1:]
        estimate[j], values[:, j] = total, area
    return _answer(tau, estimate, values, e, late)


class _Grid:
    """Curves of all patients at the event times, and with one patient fewer at risk throughout."""

    def __init__(self, t: FloatArray, c: NDArray[np.intp], of: int) -> None:
        self.times = np.unique(t[c > 0])
        m = self.times.size
        every = np.bincount(np.searchsorted(self.times, t[c > 0]), minlength=m).astype(np.float64)
        kind = np.bincount(np.searchsorted(self.times, t[c == of]), minlength=m).astype(np.float64)
        risk = (t.size - np.searchsorted(np.sort(t), self.times, side="left")).astype(np.float64)
        self.survival = np.concatenate([[1.0], np.cumprod((risk - every) / risk)])
        self.incidence = np.concatenate([[0.0], np.cumsum(self.survival[:-1] * kind / risk)])
        # somebody else fails at a time at which the patient left out is at risk beyond it: two at risk at least
        fewer = np.maximum(risk - 1, 1)
        survival_less = np.concatenate([[1.0], np.cumprod(np.maximum(fewer - every, 0) / fewer)])
        self.incidence_less = np.concatenate([[0.0], np.cumsum(survival_less[:-1] * kind / fewer)])
        self.own_row = np.searchsorted(self.times, t, side="left")  # event times before one's own
        self.after_own = np.searchsorted(self.times, t, side="right")
        self._before_less = survival_less[self.own_row]
        tied = self.after_own > self.own_row
        at = np.minimum(self.own_row, max(m - 1, 0))
        self._risk = np.where(tied, risk[at] - 1, 1.0) if m else np.ones(t.size)
        self._kind = np.where(tied, kind[at], 0.0) if m else np.zeros(t.size)
        every_at = np.where(tied, every[at], 0.0) if m else np.zeros(t.size)
        others = every_at - (c > 0)
        alone = self._risk <= 0
        hazard = np.where(alone, 0.0, others / np.where(alone, 1.0, self._risk))
        self.survival_after_own = self._before_less * (1 - hazard)
        after = self.survival[self.after_own]
        self.left = np.where(after > 0, after, 1.0)  # where it is 0 nothing comes after

    def step_at_own(self, own: NDArray[np.bool_]) -> FloatArray:
        """Return how far the incidence rises at each patient's own time when the patient is left out."""
        alone = self._risk <= 0
        step = np.where(alone, 0.0, (self._kind - own) / np.where(alone, 1.0, self._risk))
        return np.asarray(self._before_less * step, dtype=np.float64)


def _checked(time: ArrayLike, cause: ArrayLike, times: ArrayLike, of: int) -> tuple[FloatArray, NDArray[np.intp], FloatArray]:
    t = numbers(time, "time")
    c = causes_of(cause, t.size)
    at = numbers(np.atleast_1d(np.asarray(times, dtype=np.float64)), "times")
    if of < 1:
        raise ValueError(f"of: {of} is not a cause (1, 2 ...)")
    t = follow_up(t).time
    return t, c, _snapped(at, t)


def _snapped(at: FloatArray, time: FloatArray) -> FloatArray:
    """Return the times asked for, those that are a time of follow-up but for rounding made equal to it."""
    if time.size == 0:
        return at
    times = np.unique(time)
    index = np.clip(np.searchsorted(times, at), 1, max(times.size - 1, 1))
    low, high = times[index - 1], times[np.minimum(index, times.size - 1)]
    near = np.where(at - low <= high - at, low, high)
    return np.where(np.abs(at - near) <= slack(times), near, at)


def _answer(
    times: FloatArray, estimate: FloatArray, values: FloatArray, own: NDArray[np.bool_], late: NDArray[np.bool_]
) -> PseudoValues:
    n = values.shape[0]
    estimate, values = estimate.copy(), values.copy()
    few = n < 2
    estimate[late], values[:, late] = np.nan, np.nan
    if few:
        estimate[:], values[:] = np.nan, np.nan
    reason = "too few" if few else "too late" if late.any() else ""
    note = {"": "", "too few": "fewer than two patients", "too late": "beyond the last follow-up: "}[reason]
    if reason == "too late":
        note += ", ".join(f"{t:g}" for t in times[late])
    columns = tuple(range(times.size)) if few else tuple(int(i) for i in np.flatnonzero(late))
    return PseudoValues(times, estimate, values, n, int(own.sum()), not reason, reason, columns, note)
