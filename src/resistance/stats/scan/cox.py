"""Times, events, covariates and very many markers -> a Cox model for each marker: Firth's, or maximum likelihood.

:func:`firth_cox_scan` answers for rare markers too and has no monotone likelihood; :func:`cox_scan` is the ordinary model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.newton import maximise
from resistance.stats.profile import profile_interval
from resistance.stats.scan.cox_markers import CoxMarkers, MarkerCounts, Ties, Whole, why_not
from resistance.stats.scan.risk_sets import CoxTable

#: Newton decrement at which a fit is at rest
TOLERANCE = 1e-14


@dataclass(frozen=True)
class CoxScan:
    """Cox models of m markers; the numbers of a marker are NaN unless it `converged`.

    Parameters
    ----------
    coef, se : array, shape (m,)
        Log hazard ratio per unit of the marker, adjusted for the covariates, and its standard error
        (information without penalty).
    ci_low, ci_high : array, shape (m,)
        Profile-likelihood interval on the log scale (NaN unless asked for).
    p_value : array, shape (m,)
        Likelihood-ratio p; with Firth's penalty the penalised one, so that it agrees with the interval.
    loglike_null, loglike : array, shape (m,)
        (Penalised) log partial likelihood without and with the marker's effect.
    n, events : array of int, shape (m,)
        Patients and events of that marker's model.
    carriers, carrier_events : array of int, shape (m,)
        Patients whose marker is not 0, and events among them.
    converged : array of bool, shape (m,)
    reason : array of str, shape (m,)
        '' or 'all missing', 'no events', 'constant', 'collinear', 'monotone', 'iterations'.
    columns : tuple of int
        0-based covariates because of which no marker could be answered.
    note : str
        The same in words.
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    loglike_null: FloatArray
    loglike: FloatArray
    n: Whole
    events: Whole
    carriers: Whole
    carrier_events: Whole
    converged: BoolArray
    reason: NDArray[np.str_]
    columns: tuple[int, ...]
    note: str


def firth_cox_scan(
    time: ArrayLike,
    event: ArrayLike,
    markers: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    ties: Ties = "efron",
    profile: bool = False,
    confidence: float = 0.95,
    threads: int | None = None,
) -> CoxScan:
    """Fit Firth's penalised Cox model to each marker beside the same covariates.

    Parameters
    ----------
    time : array, shape (n,)
        End of follow-up, any unit, not negative.
    event : array of 0/1, shape (n,)
        1 event, 0 censored.
    markers : array, shape (n, m)
        One column a marker.  A patient whose value is NaN, or -1 in an array of integers (`not assessed`),
        is left out of that marker's model.  Other values, -1.0 in an array of floats too, are taken as they are.
    covariates : array, shape (n, k), optional
        Without missing values.
    start : array, shape (n,), optional
        Delayed entry: a patient is at risk from after `start` until `time`.
    strata : array, shape (n,), optional
        Each stratum has its own baseline hazard.
    ties : {'efron', 'breslow'}
    profile : bool
        Also give the profile-likelihood interval (about four times the work).
    confidence : float
    threads : int, optional
        Default: as many as the process may use.  The numbers do not depend on it.

    Returns
    -------
    CoxScan

    Raises
    ------
    ValueError
        Shapes that do not fit, missing or impossible times, events or covariates.

    Notes
    -----
    Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x.  The p-value compares the penalised
    likelihood with that of the marker held at 0, the penalty of all columns in both.  With fewer than about
    20 carriers or carrier events this p too is smaller than it should be: take the effect and the
    interval from here and the p from :func:`resistance.stats.permutation.permutation_scan`.

    Large scans run in a compiled kernel and small ones in numpy; the two agree to about nine digits.

    Examples
    --------
    >>> scan = firth_cox_scan([5, 8, 3, 9, 12], [1, 1, 1, 0, 1], [[1], [0], [1], [0], [0]])
    >>> scan.coef.round(3).tolist(), scan.p_value.round(3).tolist()
    ([2.428], [0.064])
    """
    data = CoxMarkers(time, event, markers, covariates, start, strata, ties, confidence)
    return _scan(data, True, profile, confidence, threads)


def cox_scan(
    time: ArrayLike,
    event: ArrayLike,
    markers: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    ties: Ties = "efron",
    profile: bool = False,
    confidence: float = 0.95,
    threads: int | None = None,
) -> CoxScan:
    """Fit an ordinary Cox model to each marker beside the same covariates.

    Parameters are those of :func:`firth_cox_scan`.

    Returns
    -------
    CoxScan
        ``reason`` 'monotone' where the likelihood has no maximum, as when no carrier or no other patient has an event.

    Notes
    -----
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties after Efron 1977, doi:10.1080/01621459.1977.10480613.
    With few carriers its p is not to be trusted, and there is none where none of them has an event: see docs/type_one_error.md.

    Examples
    --------
    >>> scan = cox_scan([5, 8, 3, 9, 12, 7], [1, 1, 1, 0, 1, 1], [[1], [0], [1], [0], [0], [1]])
    >>> scan.reason.tolist()
    ['monotone']
    """
    data = CoxMarkers(time, event, markers, covariates, start, strata, ties, confidence)
    return _scan(data, False, profile, confidence, threads)


def _scan(data: CoxMarkers, firth: bool, profile: bool, confidence: float, threads: int | None) -> CoxScan:
    from scipy.special import chdtrc

    m = data.m
    found = MarkerCounts(m)
    fits = _Fits(*(np.full(m, np.nan) for _ in range(6)))
    null = maximise(CoxTable(data.sets, data.covariates, None, firth), np.zeros(data.k))
    blocked = why_not(data.sets, null)
    if blocked[0]:
        found.count(data)
        found.reason[:] = blocked[0]
    else:
        fit = _careful_fits if data.small else _lane_fits

        def work(columns: slice) -> None:
            x, alive, spread, reason = data.chunk(columns, found)
            if not firth:
                # carriers without event, or all events among them: the score never changes its sign
                dead = data.sets.event
                binary = ((x == 0) | (x == 1)).all(axis=0)
                hit = x[dead].sum(axis=0)
                reason[binary & (reason == "") & ((hit == 0) | (hit == found.events[columns]))] = "monotone"
            part = fit(data, x, alive, null.params, firth, confidence if profile else None, reason)
            size = np.log(spread) + np.log(data.spread).sum() if firth else 0.0  # the information in the units given
            fits.coef[columns] = part.coef / spread
            fits.se[columns] = part.se / spread
            fits.ci_low[columns] = part.ci_low / spread
            fits.ci_high[columns] = part.ci_high / spread
            fits.loglike_null[columns] = part.loglike_null + size
            fits.loglike[columns] = part.loglike + size
            found.reason[columns] = reason

        data.run(work, threads)
    converged = found.reason == ""
    for numbers_ in vars(fits).values():
        numbers_[~converged] = np.nan
    return CoxScan(
        coef=fits.coef,
        se=fits.se,
        ci_low=fits.ci_low,
        ci_high=fits.ci_high,
        p_value=np.asarray(chdtrc(1.0, np.maximum(0.0, 2 * (fits.loglike - fits.loglike_null)))),
        loglike_null=fits.loglike_null,
        loglike=fits.loglike,
        n=found.n,
        events=found.events,
        carriers=found.carriers,
        carrier_events=found.carrier_events,
        converged=converged,
        reason=found.reason,
        columns=blocked[1],
        note=blocked[2],
    )


@dataclass(frozen=True)
class _Fits:
    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    loglike_null: FloatArray
    loglike: FloatArray


# -------------------------------------------------------------------------------------- one marker after the other


def _careful_fits(
    data: CoxMarkers,
    x: FloatArray,
    alive: BoolArray,
    start: FloatArray,
    firth: bool,
    confidence: float | None,
    reason: NDArray[np.str_],
) -> _Fits:
    m = x.shape[1]
    fits = _Fits(*(np.full(m, np.nan) for _ in range(6)))
    for j in np.flatnonzero(reason == ""):
        _careful_fit(data, x[:, j], alive[:, j], start, firth, confidence, reason, fits, int(j))
    return fits


def _careful_fit(
    data: CoxMarkers,
    marker: FloatArray,
    alive: BoolArray,
    start: FloatArray,
    firth: bool,
    confidence: float | None,
    reason: NDArray[np.str_],
    fits: _Fits,
    j: int,
) -> None:
    """Fit one marker with halved steps and no haste, and say why when there is no maximum."""
    k = data.k
    model = CoxTable(data.sets, np.column_stack([data.covariates, marker]), alive, firth)
    first = np.append(start, 0.0)
    held = np.arange(k + 1) == k
    null = maximise(model, first, held)
    top = maximise(model, null.params if null.converged else first)
    if not (top.converged and null.converged):
        reason[j] = top.reason or null.reason
        if reason[j] == "iterations" and np.abs(top.params).max() > 10:  # it ran until the weights underflowed
            reason[j] = "monotone"
        return
    fits.coef[j] = top.params[k]
    fits.se[j] = np.sqrt(np.linalg.inv(model.at(top.params).information)[k, k])
    fits.loglike_null[j], fits.loglike[j] = null.loglike, top.loglike
    if confidence is not None:
        fits.ci_low[j], fits.ci_high[j] = profile_interval(model, top, k, confidence)


# ------------------------------------------------------------------------------------------- eight markers at once


def _lane_fits(
    data: CoxMarkers,
    x: FloatArray,
    alive: BoolArray,
    start: FloatArray,
    firth: bool,
    confidence: float | None,
    reason: NDArray[np.str_],
) -> _Fits:
    from resistance.stats.scan import cox_lanes as kernel

    k, m = data.k, x.shape[1]
    lanes = _Lanes(data, x, alive, firth)
    state = lanes.pad(np.where(reason == "", kernel.RUNNING, kernel.DONE).astype(np.int64), kernel.DONE)
    asked = state == kernel.RUNNING
    beta = np.zeros((lanes.blocks, k + 1, lanes.width))
    beta[:, :k] = start[:, None]
    null, _, _ = lanes.fit(beta, False, state)
    ok = state == kernel.DONE
    state[asked & ok] = kernel.RUNNING
    top, _, variance = lanes.fit(beta, True, state)
    ok &= state == kernel.DONE
    fits = _Fits(*(np.full(m, np.nan) for _ in range(6)))
    coef, se = beta[:, k].copy(), np.sqrt(variance)
    fits.coef[:], fits.se[:] = lanes.unpad(coef), lanes.unpad(se)
    fits.loglike_null[:], fits.loglike[:] = lanes.unpad(null), lanes.unpad(top)
    again = lanes.unpad(asked & ~ok)
    if confidence is not None:
        for sign, bound in ((-1.0, fits.ci_low), (1.0, fits.ci_high)):
            value, found = _profile_bound(lanes, beta, top, se, sign, confidence, asked & ok)
            bound[:] = lanes.unpad(value)
            again |= lanes.unpad(asked & ok & ~found)
    for j in np.flatnonzero(again):
        _careful_fit(data, x[:, j], alive[:, j], start, firth, confidence, reason, fits, int(j))
    return fits


class _Lanes:
    """A chunk of markers laid out in blocks of eight, and the kernel's calls."""

    def __init__(self, data: CoxMarkers, x: FloatArray, alive: BoolArray, firth: bool) -> None:
        from resistance.stats.scan import cox_lanes as kernel
        from resistance.stats.scan.simd import LANES, aligned

        self._kernel, self._data, self._firth = kernel, data, firth
        n, self.m = x.shape
        width = LANES
        self.width = width
        self.blocks = -(-self.m // width)
        self._x = self._blocks(x)
        self._alive = np.ones((1, n * width)) if alive.all() else self._blocks(alive)
        z = np.ascontiguousarray(data.covariates)
        pairs = [z[:, a] * z[:, b] for a in range(data.k) for b in range(a + 1)]
        self._z, self._zz = z, np.column_stack(pairs) if pairs else np.zeros((n, 0))
        self._work = aligned(kernel.work_size(n, data.k, data.sets.step_end.size, data.sets.dead_row.size))

    def _blocks(self, table: NDArray[Any]) -> FloatArray:
        n, width = table.shape[0], self.width
        padded = np.zeros((n, self.blocks * width))
        padded[:, : self.m] = table
        return np.ascontiguousarray(padded.reshape(n, self.blocks, width).transpose(1, 0, 2)).reshape(self.blocks, -1)

    def pad(self, values: NDArray[Any], rest: Any) -> NDArray[Any]:
        """Return blocks x lanes."""
        padded = np.full(self.blocks * self.width, rest, dtype=values.dtype)
        padded[: self.m] = values
        return padded.reshape(self.blocks, -1)

    def unpad(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return one value a marker."""
        return values.reshape(-1)[: self.m]

    def fit(self, beta: FloatArray, free: bool, state: NDArray[np.int64]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Climb from `beta`, which takes the result; return log-likelihood, marker's score, marker's variance."""
        out = [np.full(state.shape, np.nan) for _ in range(3)]
        self._kernel.fit_chunk(
            *self._data.sets.steps, self._z, self._zz, self._x, self._alive, beta, free, self._firth, TOLERANCE, self._work,
            *out, state,
        )  # fmt: skip
        return out[0], out[1], out[2]


def _profile_bound(
    lanes: _Lanes, top: FloatArray, loglike: FloatArray, se: FloatArray, sign: float, confidence: float, asked: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Return where the profile likelihood has fallen by half the chi-square quantile, on one side.

    With r(b) = sqrt(2 (loglike - profile(b))), nearly a straight line, Newton's method; the slope needs no more
    than the marker's score, as the other coefficients are at their best.  Steps that leave what is known
    to hold the bound are replaced by halves.
    """
    from scipy.special import ndtri

    from resistance.stats.scan import cox_lanes as kernel

    k = top.shape[1] - 1
    target = float(ndtri(0.5 + confidence / 2))
    centre = top[:, k]
    inner, outer = centre.copy(), np.full(centre.shape, sign * np.inf)
    value = centre + sign * target * se
    beta = top.copy()
    found = np.zeros(centre.shape, dtype=bool)
    lost = ~asked
    for _ in range(40):
        going = ~found & ~lost
        if not going.any():
            break
        trial = beta.copy()
        trial[:, k] = np.where(going, value, centre)
        state = np.where(going, kernel.RUNNING, kernel.DONE).astype(np.int64)
        profile, slope, _ = lanes.fit(trial, False, state)
        lost |= going & (state != kernel.DONE)
        going &= ~lost
        beta = np.where(going[:, None], trial, beta)
        with np.errstate(all="ignore"):
            r = np.sqrt(np.maximum(0.0, 2 * (loglike - profile)))
            step = (r - target) * r / slope
        moved = value + step
        near = going & (np.abs(r - target) < 1e-6) & np.isfinite(step)
        inside = going & (r < target)
        inner = np.where(inside, value, inner)
        outer = np.where(going & ~inside, value, outer)
        # between the two sides, or beyond the inner one by no more than four times as far when there is no outer one
        reach = np.where(np.isfinite(outer), outer, centre + 4 * (inner - centre) + sign * se)
        bad = ~np.isfinite(moved) | (sign * (moved - inner) <= 0) | (sign * (reach - moved) < 0)
        half = np.where(np.isfinite(outer), (inner + outer) / 2, reach)
        value = np.where(near, moved, np.where(going, np.where(bad, half, moved), value))
        found |= near
    return np.where(found, value, np.nan), found
