"""Times, events, covariates and very many markers -> a Cox model for each marker: Firth's, maximum likelihood, or the score test.

Three functions of one shape.  :func:`firth_cox_scan` answers for rare markers too and has no monotone
likelihood; :func:`cox_scan` is the ordinary model; :func:`cox_score_scan` fits the covariates once and
tests every marker against that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, numbers, to_unit_range
from resistance.stats.newton import Maximum, maximise
from resistance.stats.profile import profile_interval
from resistance.stats.scan.risk_sets import CoxTable, Evaluation, RiskSets, risk_sets
from resistance.stats.scan.threads import threads_to_use

Ties = Literal["efron", "breslow"]
Counts = NDArray[np.int64]
#: patients x markers below which the compiled kernel costs more than it saves
SMALL = 4_000
#: numbers of one chunk of markers: the memory of a scan does not grow with the number of markers
CHUNK = 262_144
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
    n: Counts
    events: Counts
    carriers: Counts
    carrier_events: Counts
    converged: BoolArray
    reason: NDArray[np.str_]
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class CoxScoreScan:
    """Score tests of m markers under the model of the covariates alone; NaN unless `converged`.

    Parameters
    ----------
    score, information : array, shape (m,)
        Derivative of the log partial likelihood by the marker's coefficient at 0, and its variance given the covariates.
    statistic : array, shape (m,)
        ``score**2 / information``, chi-square with one degree of freedom.
    p_value : array, shape (m,)
    n, events, carriers, carrier_events, converged, reason, columns, note
        As in :class:`CoxScan`.
    """

    score: FloatArray
    information: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    n: Counts
    events: Counts
    carriers: Counts
    carrier_events: Counts
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
    data = _Data(time, event, markers, covariates, start, strata, ties, confidence)
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
    """
    data = _Data(time, event, markers, covariates, start, strata, ties, confidence)
    return _scan(data, False, profile, confidence, threads)


def cox_score_scan(
    time: ArrayLike,
    event: ArrayLike,
    markers: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    ties: Ties = "efron",
    threads: int | None = None,
) -> CoxScoreScan:
    """Test each marker by its score under the Cox model of the covariates alone (with strata: the stratified log-rank test).

    Parameters are those of :func:`firth_cox_scan`.  A marker with missing values has its own model of the covariates,
    of the patients that are left.

    Returns
    -------
    CoxScoreScan

    Notes
    -----
    The fastest of the three, and the least trustworthy in the tail where carriers are few.
    """
    from scipy.special import chdtrc

    data = _Data(time, event, markers, covariates, start, strata, ties)
    m = data.m
    score, information = np.full(m, np.nan), np.full(m, np.nan)
    found = _Rows(m)
    null = maximise(CoxTable(data.sets, data.covariates), np.zeros(data.k))
    blocked = data.blocked(null)
    if blocked[0]:
        found.count(data)
        found.reason[:] = blocked[0]
    else:
        table = CoxTable(data.sets, data.covariates)
        residual = table.residuals(null.params)
        expected = table.at(null.params).expected
        cross = table.marker_covariance(null.params)
        inverse = np.linalg.inv(null.information) if data.k else np.zeros((0, 0))
        left = np.column_stack([residual, cross])
        mean_squares = _mean_squares(data, table, null.params)

        def work(columns: slice) -> None:
            x, alive, spread, reason = data.chunk(columns, found)
            whole = alive.all(axis=0)
            product = x.T @ left
            variance = expected @ np.square(x) - mean_squares(x)
            total = variance.copy()
            variance -= np.einsum("ij,jk,ik->i", product[:, 1:], inverse, product[:, 1:])
            u = product[:, 0]
            # nothing left of the marker when the covariates have explained theirs, or it never varies among those at risk
            gone = ~(variance > 1e-9 * np.maximum(total, 1e-6))
            for j in np.flatnonzero(~whole & (reason == "")):
                u[j], variance[j], reason[j] = _score_with_missing(data, x[:, j], alive[:, j])
                gone[j] = False
            reason[gone & (reason == "")] = "collinear"
            score[columns] = u * spread
            information[columns] = variance * spread**2
            found.reason[columns] = reason

        data.run(work, threads)
    converged = found.reason == ""
    score[~converged] = np.nan
    information[~converged] = np.nan
    statistic = score**2 / information
    return CoxScoreScan(
        score=score,
        information=information,
        statistic=statistic,
        p_value=np.asarray(chdtrc(1.0, statistic)),
        n=found.n,
        events=found.events,
        carriers=found.carriers,
        carrier_events=found.carrier_events,
        converged=converged,
        reason=found.reason,
        columns=blocked[1],
        note=blocked[2],
    )


# ------------------------------------------------------------------------------------------------- what all share


class _Rows:
    """The columns of a result that only count."""

    def __init__(self, m: int) -> None:
        self.n, self.events = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        self.carriers, self.carrier_events = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        self.reason = np.full(m, "", dtype="U11")

    def count(self, data: _Data) -> None:
        """Fill the counts only."""
        for columns in data.chunks():
            data.chunk(columns, self)


class _Data:
    """The checked input of a scan."""

    def __init__(
        self,
        time: ArrayLike,
        event: ArrayLike,
        markers: ArrayLike,
        covariates: ArrayLike | None,
        start: ArrayLike | None,
        strata: Any,
        ties: Ties,
        confidence: float = 0.95,
    ) -> None:
        if not 0 < confidence < 1:
            raise ValueError(f"confidence: between 0 and 1, not {confidence}")
        t = numbers(time, "time")
        n = t.size
        e = flags(event, "event", n)
        table = np.asarray(markers)
        if table.dtype.kind not in "biuf":
            table = np.asarray(markers, dtype=np.float64)
        if table.ndim == 1 and table.size == n:
            table = table.reshape(n, 1)
        if table.ndim != 2 or table.shape[0] != n:
            raise ValueError(f"markers: shape {table.shape} for {n} patients")
        self.markers = table
        z = np.zeros((n, 0)) if covariates is None else matrix(covariates, "covariates", n)
        begin = None if start is None else numbers(start, "start", n)
        groups = None if strata is None else codes(strata, "strata", n)
        self.sets: RiskSets = risk_sets(t, e, begin, groups, ties)
        self.covariates, self.spread = to_unit_range(z)
        self.n, self.m, self.k = n, table.shape[1], z.shape[1]

    def blocked(self, null: Maximum) -> tuple[str, tuple[int, ...], str]:
        """Return why no marker can be answered, if so: reason, covariates, words."""
        if not self.sets.event.any():
            return "no events", (), "no events"
        if null.converged:
            return "", (), ""
        which = ("covariate " if len(null.columns) == 1 else "covariates ") + ", ".join(str(i) for i in null.columns)
        words = {
            "collinear": f"{which}: constant or collinear (within strata, among patients at risk)",
            "monotone": f"{which}: monotone likelihood (no finite hazard ratio, such as no event on one side)",
            "iterations": "the model of the covariates was not maximised within the allowed iterations",
        }
        return null.reason, null.columns, words[null.reason]

    def chunks(self) -> Iterator[slice]:
        """Yield runs of markers that keep the memory constant; a multiple of the lanes."""
        width = max(8, CHUNK // max(1, self.n) // 8 * 8)
        for first in range(0, self.m, width):
            yield slice(first, min(self.m, first + width))

    def chunk(self, columns: slice, found: _Rows) -> tuple[FloatArray, BoolArray, FloatArray, NDArray[np.str_]]:
        """Return markers of unit range (0 where missing), who is in each model, the ranges, and what rules a marker out."""
        raw = self.markers[:, columns]
        x = np.array(raw, dtype=np.float64, order="C")
        if raw.dtype.kind == "f":
            alive = ~np.isnan(x)
            if np.isinf(x).any():
                raise ValueError(f"markers: {int(np.isinf(x).sum())} value(s) are infinite")
        elif raw.dtype.kind == "i":
            alive = raw != -1
        else:
            alive = np.ones(raw.shape, dtype=bool)
        whole = bool(alive.all())
        x[~alive] = 0.0
        event = self.sets.event
        count = alive.sum(axis=0)
        found.n[columns] = count
        found.events[columns] = alive[event].sum(axis=0)
        found.carriers[columns] = np.count_nonzero(x, axis=0)
        found.carrier_events[columns] = np.count_nonzero(x[event], axis=0)
        if self.n == 0 or not x.shape[1]:
            low = high = np.zeros(x.shape[1])
        elif whole:
            low, high = x.min(axis=0), x.max(axis=0)
        else:
            low, high = np.where(alive, x, np.inf).min(axis=0), np.where(alive, x, -np.inf).max(axis=0)
        reason = np.full(x.shape[1], "", dtype="U11")
        constant = ~(high > low)
        reason[constant] = "constant"
        reason[found.events[columns] == 0] = "no events"
        reason[count == 0] = "all missing"
        spread = np.where(constant, 1.0, high - low)
        x -= np.where(np.isfinite(low), low, 0.0)
        x /= spread
        if not whole:
            x[~alive] = 0.0
        return x, alive, spread, reason

    def run(self, work: Callable[[slice], None], threads: int | None) -> None:
        """Do the chunks, several at a time; each writes into places of its own."""
        workers = threads_to_use(threads)
        if workers == 1:
            for columns in self.chunks():
                work(columns)
            return
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(work, self.chunks()):
                pass


def _scan(data: _Data, firth: bool, profile: bool, confidence: float, threads: int | None) -> CoxScan:
    from scipy.special import chdtrc

    m = data.m
    found = _Rows(m)
    fits = _Fits(*(np.full(m, np.nan) for _ in range(6)))
    null = maximise(CoxTable(data.sets, data.covariates, None, firth), np.zeros(data.k))
    blocked = data.blocked(null)
    if blocked[0]:
        found.count(data)
        found.reason[:] = blocked[0]
    else:
        small = data.n * m <= SMALL
        fit = _careful_fits if small else _lane_fits

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
    data: _Data,
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
    data: _Data,
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
    data: _Data,
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

    def __init__(self, data: _Data, x: FloatArray, alive: BoolArray, firth: bool) -> None:
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


# ------------------------------------------------------------------------------------------------------ score test


def _mean_squares(data: _Data, table: CoxTable, params: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return the function chunk of markers -> sum over terms of the squared mean at risk."""
    if data.n * data.m <= SMALL:
        return lambda x: table.mean_squares(params, x)
    from resistance.stats.scan.cox_lanes import squared_means

    weight, recip, fraction = table.terms(params)

    def compiled(x: FloatArray) -> FloatArray:
        out = np.empty(x.shape[1])
        squared_means(*data.sets.steps[:-1], weight, recip, fraction, x, out)
        return out

    return compiled


def _score_with_missing(data: _Data, marker: FloatArray, alive: BoolArray) -> tuple[float, float, str]:
    """Return score, information and reason of one marker that some patients lack."""
    k = data.k
    model = CoxTable(data.sets, np.column_stack([data.covariates, marker]), alive)
    null = maximise(model, np.zeros(k + 1), np.arange(k + 1) == k)
    if not null.converged:
        return float("nan"), float("nan"), null.reason
    here: Evaluation = model.at(null.params)
    whole = here.information
    rest = whole[k, :k] @ np.linalg.solve(whole[:k, :k], whole[:k, k]) if k else 0.0
    left = float(whole[k, k] - rest)
    if not left > 1e-9 * max(float(whole[k, k]), 1e-6):
        return float("nan"), float("nan"), "collinear"
    return float(here.score[k]), left, ""
