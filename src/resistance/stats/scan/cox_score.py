"""Times, events, covariates and very many markers -> the score test of each marker under Cox's model of the covariates alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.newton import maximise
from resistance.stats.scan.cox_markers import CoxMarkers, MarkerCounts, Ties, Whole, why_not
from resistance.stats.scan.in_place import where_they_stand
from resistance.stats.scan.risk_sets import CoxTable, RiskSets, risk_sets
from resistance.stats.scan.threads import Scratch, in_tasks, threads_to_use

#: markers of one task at most: long pieces of a row are read ahead, and the sums of a task stay in the second cache
TASK = 2048
#: markers with missing values that are looked at together, and models of the covariates that are kept for the next ones
TOGETHER = 4096
KEPT = 1000
#: share of a sum of squares below which a difference of such sums has lost too many digits
CANCELLED = 1e-5
#: sum of squares below which its last digits are lost (denormal numbers)
TINY = 1e-280
#: share of its variance that is left of a marker which the covariates explain
COLLINEAR = 1e-9


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
    n, events, converged, reason, columns, note
        As in :class:`resistance.stats.scan.cox.CoxScan`.
    """

    score: FloatArray
    information: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    n: Whole
    events: Whole
    converged: BoolArray
    reason: NDArray[np.str_]
    columns: tuple[int, ...]
    note: str


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

    Parameters are those of :func:`resistance.stats.scan.cox.firth_cox_scan`; int8, float32 and float64 in row order are
    read where they stand.  A marker with missing values has its own model of the covariates, of the patients that are left;
    markers that are missing in the same patients share it.

    Returns
    -------
    CoxScoreScan

    Notes
    -----
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties after Efron 1977, doi:10.1080/01621459.1977.10480613.
    The fastest of the scans, and the least trustworthy in the tail where carriers are few.

    Examples
    --------
    >>> scan = cox_score_scan([5, 8, 3, 9, 12], [1, 1, 1, 0, 1], [[1], [0], [1], [0], [0]])
    >>> scan.statistic.round(3).tolist(), scan.p_value.round(3).tolist()
    ([4.263], [0.039])
    """
    data = CoxMarkers(time, event, markers, covariates, start, strata, ties)
    m, small, workers = data.m, data.small, threads_to_use(threads)
    numbers = _Numbers(*(np.empty(m) for _ in range(4)))
    found = MarkerCounts(m)
    converged = np.ones(m, dtype=bool)
    whole = _null(data.sets, data.covariates, small)
    if whole.reason:
        found.count(data)
        found.reason[:] = whole.reason
        converged[:] = False
    else:
        doubtful = np.ones(m, dtype=bool)
        if not small:
            found.n[:], found.events[:] = data.n, int(data.sets.event.sum())
            scratch = Scratch(lambda: _Sums(whole, min(m, TASK)))

            def task(first: int, last: int) -> None:
                with scratch.one() as own:
                    _walk(whole, data.markers, first, last, numbers, own)
                    numbers.test(slice(first, last))
                    squares = own.squares[: last - first]
                    # missing, constant, far from 0 beside their spread, or nearly a combination of the covariates
                    with np.errstate(over="ignore", invalid="ignore"):
                        sound = (numbers.information[first:last] > CANCELLED * squares) & (squares > TINY)
                    np.logical_not(sound, out=doubtful[first:last])

            in_tasks(task, m, TASK, workers)
        again = np.flatnonzero(doubtful)
        # a marker that nobody has is the commonest of these, and soon told
        for first in range(0, again.size if not small else 0, TOGETHER):
            some = again[first : first + TOGETHER]
            nobody = some[~data.markers[:, some].any(axis=0)]
            found.reason[nobody] = "constant"
            converged[nobody] = False
        again = again[converged[again]]
        known = {np.packbits(np.ones(data.n, dtype=bool)).tobytes(): whole}
        for first in range(0, again.size, TOGETHER):
            _carefully(data, again[first : first + TOGETHER], known, numbers, found)
        converged[again] = found.reason[again] == ""
    for column in (numbers.score, numbers.information, numbers.statistic, numbers.p_value):
        column[~converged] = np.nan
    return CoxScoreScan(
        score=numbers.score,
        information=numbers.information,
        statistic=numbers.statistic,
        p_value=numbers.p_value,
        n=found.n,
        events=found.events,
        converged=converged,
        reason=found.reason,
        columns=whole.columns,
        note=whole.note,
    )


@dataclass(frozen=True)
class _Numbers:
    """Score, information, statistic and p-value; each of shape (m,)."""

    score: FloatArray
    information: FloatArray
    statistic: FloatArray
    p_value: FloatArray

    def test(self, which: slice | NDArray[np.intp]) -> None:
        """Write statistic and p of some markers."""
        from scipy.special import erfc

        with np.errstate(all="ignore"):  # of markers that are still to be looked at carefully
            self.statistic[which] = np.square(self.score[which] / np.sqrt(self.information[which]))
            self.p_value[which] = erfc(np.sqrt(self.statistic[which] / 2))


# ------------------------------------------------------------------------------------------- the covariates alone


@dataclass(frozen=True)
class _Null:
    """The model of the covariates alone, of some patients.

    Parameters
    ----------
    residual, expected : array, shape (n,)
        Martingale residuals and expected events.
    cross : array, shape (n, k)
        Its products with a marker, squared and added, are what the covariates explain of the marker.
    table : tuple or None
        Likelihood as a table and its coefficients (small data) ...
    walk : tuple or None
        ... or the walk of the compiled kernel.
    """

    reason: str
    columns: tuple[int, ...]
    note: str
    residual: FloatArray
    expected: FloatArray
    cross: FloatArray
    table: tuple[CoxTable, FloatArray] | None = None
    walk: tuple[Any, ...] | None = None


class _Walked:
    """Cox's partial likelihood by one walk through the risk sets, for :func:`resistance.stats.newton.maximise`."""

    def __init__(self, sets: RiskSets, columns: FloatArray) -> None:
        self.steps, self.columns = sets.steps, np.ascontiguousarray(columns)
        self._last: tuple[bytes, float, FloatArray, FloatArray] | None = None

    def _at(self, params: FloatArray) -> tuple[bytes, float, FloatArray, FloatArray]:
        from resistance.stats.scan.cox_null_kernel import evaluate

        key = params.tobytes()
        if self._last is None or self._last[0] != key:
            k = params.size
            gradient, information = np.empty(k), np.empty((k, k))
            loglike = evaluate(*self.steps, self.columns, params, gradient, information)
            self._last = key, loglike, gradient, information
        return self._last

    def loglike(self, params: FloatArray) -> float:
        return self._at(params)[1]

    def score(self, params: FloatArray) -> FloatArray:
        return self._at(params)[2]

    def hessian(self, params: FloatArray) -> FloatArray:
        return -self._at(params)[3]


def _null(sets: RiskSets, covariates: FloatArray, small: bool) -> _Null:
    return _table_null(sets, covariates) if small else _walked_null(sets, covariates)


def _none(reason: str, columns: tuple[int, ...], note: str) -> _Null:
    return _Null(reason, columns, note, np.zeros(0), np.zeros(0), np.zeros((0, 0)))


def _table_null(sets: RiskSets, covariates: FloatArray) -> _Null:
    model = CoxTable(sets, covariates)
    top = maximise(model, np.zeros(covariates.shape[1]))
    reason, columns, note = why_not(sets, top)
    if reason:
        return _none(reason, columns, note)
    expected, cross = model.at(top.params).expected, model.marker_covariance(top.params)
    if top.params.size:
        cross = np.einsum("ia,ba->ib", cross, np.linalg.inv(np.linalg.cholesky(top.information)))
    return _Null("", (), "", sets.event - expected, expected, cross, table=(model, top.params))


def _walked_null(sets: RiskSets, covariates: FloatArray) -> _Null:
    from resistance.stats.scan import cox_null_kernel as kernel
    from resistance.stats.scan.score_kernel import ROWS
    from resistance.stats.scan.simd import aligned

    n, k = covariates.shape
    z = np.ascontiguousarray(covariates)
    beta, information, root = np.zeros(k), np.zeros((k, k)), np.zeros((k, k))
    if not (sets.event.any() and kernel.climb(*sets.steps, z, beta, information, root)):
        top = maximise(_Walked(sets, z), np.zeros(k))
        reason, columns, note = why_not(sets, top)
        if reason:
            return _none(reason, columns, note)
        beta, root = top.params, np.linalg.inv(np.linalg.cholesky(top.information)) if k else root
    weight, expected, cross, settled = np.empty(n), np.empty(n), np.empty((n, k)), np.empty((sets.step_end.size, 5))
    kernel.hazards(*sets.steps, z, beta, weight, expected, cross, settled)
    cross = np.einsum("ia,ba->ib", cross, root)
    # each stratum, and the end, is filled up to a multiple of ROWS
    room = sets.step_row.size + n + ROWS * (1 + np.count_nonzero(sets.fresh))
    rows, kinds, opens = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int8), np.zeros(room, dtype=bool)
    walk, factors = aligned(room * kernel.WALK), aligned(room * k)
    steps = kernel.lay_out(*sets.steps[:4], sets.event, weight, settled, cross, ROWS, rows, kinds, opens, walk, factors)
    return _Null("", (), "", sets.event - expected, expected, cross, walk=(rows[:steps], kinds, opens, walk, factors, k))


# ------------------------------------------------------------------------------------------------------- markers


class _Sums:
    """What a task of some markers writes for itself.

    Parameters
    ----------
    squares, variance : array, shape (m,)
        Sum of squares, and the same less the squared means.
    """

    def __init__(self, null: _Null, m: int) -> None:
        from resistance.stats.scan.cox_score_kernel import STATE
        from resistance.stats.scan.simd import LANES, aligned

        self.squares, self.variance = np.empty(m), np.empty(m)
        self.sums = aligned(-(-m // LANES) * (STATE + null.cross.shape[1]) * LANES)


def _walk(null: _Null, x: NDArray[Any], first: int, last: int, numbers: _Numbers, scratch: _Sums) -> None:
    """Write score and information of some markers by the compiled kernel."""
    from resistance.stats.scan.cox_score_kernel import STATE, scores, walk_markers
    from resistance.stats.scan.simd import LANES

    assert null.walk is not None
    *walk, n_factors = null.walk
    source, stride, at, groups = where_they_stand(x, first, last)
    sums = scratch.sums[: groups * (STATE + n_factors) * LANES]
    walk_markers(source, stride, at, groups, *walk, n_factors, sums)
    scores(sums, n_factors, numbers.score[first:last], scratch.squares, scratch.variance, numbers.information[first:last])


def _carefully(
    data: CoxMarkers, which: NDArray[np.intp], known: dict[bytes, _Null], numbers: _Numbers, found: MarkerCounts
) -> None:
    """Do the same by centred columns of unit range, one model of the covariates for each set of patients; say why there is no test."""
    x, alive, spread, reason = data.chunk(which, found)
    members_of: dict[bytes, list[int]] = {}
    for marker, bits in enumerate(np.packbits(alive, axis=0).T):
        if not reason[marker]:
            members_of.setdefault(bits.tobytes(), []).append(marker)
    for pattern, members in members_of.items():
        here = alive[:, members[0]]
        null = known.get(pattern)
        if null is None:
            sets = data.sets
            some = risk_sets(
                sets.time[here], sets.event[here], sets.start[here] if sets.delayed else None, sets.stratum[here], sets.ties
            )
            null = _null(some, data.covariates[here], data.small)
            if len(known) < KEPT:
                known[pattern] = null
        into = which[members]
        if null.reason:
            reason[members] = null.reason
            continue
        # one marker in a row: the sum along a row does not depend on how many rows there are
        values = np.ascontiguousarray(x[here][:, members].T)
        values = values - ((values * null.expected).sum(axis=1) / null.expected.sum())[:, None]
        values = np.ascontiguousarray(values.T)
        part = _Numbers(*(np.empty(len(members)) for _ in range(4)))
        if null.table is None:
            scratch = _Sums(null, len(members))
            _walk(null, values, 0, len(members), part, scratch)
            variance = scratch.variance
        else:
            variance = _by_table(null, values, part)
        # nothing left of the marker when the covariates have explained theirs, or it never varies among those at risk
        gone = ~(part.information > COLLINEAR * np.maximum(variance, 1e-6))
        reason[np.array(members)[gone]] = "collinear"
        # the test on the unit range: in very large or small units score and information are beyond a computer's numbers
        part.test(slice(None))
        numbers.statistic[into], numbers.p_value[into] = part.statistic, part.p_value
        with np.errstate(over="ignore", under="ignore"):
            numbers.score[into] = part.score * spread[members]
            numbers.information[into] = part.information * spread[members] ** 2
    found.reason[which] = reason


def _by_table(null: _Null, values: FloatArray, part: _Numbers) -> FloatArray:
    """Write the same from the table of small data; return the variance before the covariates have explained theirs."""
    assert null.table is not None
    table, params = null.table
    part.score[:] = np.einsum("i,ij->j", null.residual, values)
    variance = np.einsum("i,ij->j", null.expected, np.square(values)) - table.mean_squares(params, values)
    part.information[:] = variance - np.square(np.einsum("ia,ij->aj", null.cross, values)).sum(axis=0)
    return variance
