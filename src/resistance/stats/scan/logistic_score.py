"""A binary outcome, very many markers and the same covariates -> Rao's score test of each marker, one pass over the markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, to_unit_range
from resistance.stats.newton import COLLINEAR, maximise
from resistance.stats.scan.in_place import TOGETHER, nobody_has, where_they_stand
from resistance.stats.scan.logistic import SMALL
from resistance.stats.scan.logistic_answers import (
    COLLINEAR_CODE,
    CONSTANT_CODE,
    COVARIATES_CODE,
    NOT_ASSESSED_CODE,
    NOTES,
    OUTCOME_CODE,
    SEPARATED_CODE,
    IntArray,
    columns_of_markers,
)
from resistance.stats.scan.logit import Logit
from resistance.stats.scan.orthogonal import orthogonal
from resistance.stats.scan.threads import in_tasks, threads_to_use

#: markers of one task at most: long pieces of a row are read ahead, and the sums still stay in the second cache
TASK = 4096
#: fits without marker, of some of the patients, that are kept for the next markers
KEPT = 1000
#: share of a sum of squares below which a difference of such sums has lost too many digits
CANCELLED = 1e-5
#: sum of squares below which its last digits are lost (denormal numbers)
TINY = 1e-280


@dataclass(frozen=True)
class ScoreScan:
    """Rao's score test of each of m markers; all arrays have shape (m,), floats are NaN where not `converged`.

    Parameters
    ----------
    score, variance : array
        Derivative of the log-likelihood with respect to the marker's coefficient at 0, and its variance
        given the covariates; score / variance is a first approximation of the coefficient.
    z : array
        score / sqrt(variance).
    p_value : array
        Two-sided, normal.  Too small for rare markers: a filter or a first look, not a result.
    converged : array of bool
    reason : array of int8
        Index into :data:`resistance.stats.scan.logistic_answers.REASONS`.
    n, events : array of int
        Patients in whom the marker was assessed, and those of them with the outcome.
    columns : tuple of int
        0-based covariates because of which there is no model.
    """

    score: FloatArray
    variance: FloatArray
    z: FloatArray
    p_value: FloatArray
    converged: BoolArray
    reason: IntArray
    n: NDArray[np.int64]
    events: NDArray[np.int64]
    columns: tuple[int, ...]

    def note(self, marker: int) -> str:
        """Return in words why a marker has no result ('' when it has)."""
        return NOTES[self.reason[marker]]


def logistic_score_scan(
    outcome: ArrayLike, markers: ArrayLike, covariates: ArrayLike | None = None, *, threads: int | None = None
) -> ScoreScan:
    """Test each marker in a logistic model with covariates, from the one fit without any marker.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    markers : array, shape (n, m)
        As for :func:`resistance.stats.scan.logistic.firth_logistic_scan`; int8, float32 and float64 in row
        order are read where they stand.  Markers that are missing in the same patients share a fit.
    covariates : array, shape (n, k), optional
        No missing values, no intercept.
    threads : int, optional
        Default: the processors this process may use; the result is the same to the last bit.

    Returns
    -------
    ScoreScan

    Raises
    ------
    ValueError
        As :func:`resistance.stats.scan.logistic.firth_logistic_scan`.

    Notes
    -----
    Rao 1948, doi:10.1017/S0305004100023987.  The same number as R's anova(..., test = "Rao").

    Examples
    --------
    >>> import numpy as np
    >>> found = logistic_score_scan([1, 1, 1, 0, 0, 0, 0, 0], np.array([[1, 1, 1, 0, 0, 0, 0, 1]]).T)
    >>> found.z.round(3), found.p_value.round(3)
    (array([2.191]), array([0.028]))
    """
    from scipy.special import erfc

    y = flags(outcome, "outcome").astype(np.float64)
    x = columns_of_markers(markers, y.size)
    covariate_columns = matrix([] if covariates is None else covariates, "covariates", y.size)
    workers = threads_to_use(threads)
    m = x.shape[1]
    score, variance, z, p_value = (np.full(m, np.nan) for _ in range(4))
    doubtful = np.ones(m, dtype=bool)
    reason = np.zeros(m, dtype=np.int8)
    n, events = np.full(m, y.size), np.full(m, int(y.sum()))
    small = m <= SMALL
    whole = _null(y, covariate_columns, small)

    def task(first: int, last: int) -> None:
        _fast(x, first, last, whole, score, variance, doubtful)
        with np.errstate(all="ignore"):  # of markers that are still to be looked at carefully
            z[first:last] = score[first:last] / np.sqrt(variance[first:last])
            p_value[first:last] = erfc(np.abs(z[first:last]) / np.sqrt(2.0))

    if whole.reason == 0 and not small:
        in_tasks(task, m, TASK, workers)
    again = np.flatnonzero(doubtful)
    nobody = again[nobody_has(x, again)] if whole.reason == 0 else again[:0]
    reason[nobody] = CONSTANT_CODE
    for column in (score, variance, z, p_value):
        column[nobody] = np.nan
    again = np.setdiff1d(again, nobody, assume_unique=True)
    known = {np.packbits(np.ones(y.size, dtype=bool)).tobytes(): whole}
    for first in range(0, again.size, TOGETHER):
        _carefully(x, again[first : first + TOGETHER], y, covariate_columns, small, known, score, variance, z, reason, n, events)
    p_value[again] = erfc(np.abs(z[again]) / np.sqrt(2.0))
    return ScoreScan(
        score=score,
        variance=variance,
        z=z,
        p_value=p_value,
        converged=reason == 0,
        reason=reason,
        n=n,
        events=events,
        columns=whole.columns,
    )


@dataclass(frozen=True)
class _Null:
    """The fit without marker.

    Parameters
    ----------
    factors : array, shape (n, k + 3)
        Residual; weight times each of k + 1 columns that are orthonormal under the weights (the first is constant); weight.
    basis : array, shape (n, k + 1)
        Those columns.
    reason : int
    columns : tuple of int
    """

    factors: FloatArray
    basis: FloatArray
    reason: int
    columns: tuple[int, ...]


def _null(y: FloatArray, covariates: FloatArray, small: bool) -> _Null:
    return (None if small else _compiled_null(y, covariates)) or _careful_null(y, covariates)


def _compiled_null(y: FloatArray, covariates: FloatArray) -> _Null | None:
    """Return the fit without marker, or None where it is not plain."""
    from resistance.stats.scan.score_kernel import climb

    events = float(y.sum())
    if not 0 < events < y.size:
        return None
    columns = np.column_stack([np.ones(y.size), to_unit_range(covariates)[0]])
    k = columns.shape[1]
    sign = 2.0 * y - 1.0
    params, rest, information, root = np.zeros(k), np.empty(y.size), np.empty((k, k)), np.empty((k, k))
    params[0] = np.log(events / (y.size - events))
    if k >= y.size or not climb(sign[:, None] * columns, params, rest, information, root):
        return None
    weight = rest * (1.0 - rest)
    basis = np.einsum("ia,ba->ib", columns, root)
    return _Null(np.column_stack([sign * rest, weight[:, None] * basis, weight]), basis, 0, ())


def _careful_null(y: FloatArray, covariates: FloatArray) -> _Null:
    nothing = np.zeros((y.size, 0))
    if not 0 < y.sum() < y.size:
        return _Null(nothing, nothing, OUTCOME_CODE, ())
    design = orthogonal(covariates)
    if not design.possible:
        return _Null(nothing, nothing, COVARIATES_CODE, design.columns)
    sign = np.where(y == 1.0, 1.0, -1.0)
    model = Logit(sign[:, None] * design.basis)
    start = np.zeros(design.basis.shape[1])
    start[0] = np.log(y.sum() / (y.size - y.sum()))
    top = maximise(model, start)
    if not top.converged:
        return _Null(nothing, nothing, SEPARATED_CODE, ())
    # one step more: the residuals of a fit at rest to eight digits are not yet orthogonal to the covariates to sixteen
    rest = model.rest(top.params - np.linalg.solve(model.hessian(top.params), model.score(top.params)))
    weight = rest * (1.0 - rest)
    inverse_factor = np.linalg.inv(np.linalg.cholesky(np.einsum("ia,i,ib->ab", design.basis, weight, design.basis)))
    basis = np.einsum("ia,ba->ib", design.basis, inverse_factor)
    return _Null(np.column_stack([sign * rest, weight[:, None] * basis, weight]), basis, 0, ())


def _fast(
    x: NDArray[Any], first: int, last: int, null: _Null, score: FloatArray, variance: FloatArray, doubtful: BoolArray
) -> None:
    """Write score and variance of some markers, and which of them need a second look: missing, constant, nearly collinear."""
    from resistance.stats.scan.score_kernel import ROWS, scores, sums_over_patients
    from resistance.stats.scan.simd import LANES, aligned

    n, n_factors = null.factors.shape
    factors = aligned(-(-n // ROWS) * ROWS * n_factors)
    factors[: n * n_factors] = null.factors.reshape(-1)
    source, stride, at, groups = where_they_stand(x, first, last)
    sums = aligned(groups * n_factors * LANES)
    sums_over_patients(source, stride, n, at, groups, factors, n_factors, sums)
    scores(sums, n_factors, CANCELLED, TINY, first, score[:last], variance[:last], doubtful[:last])


def _carefully(
    x: NDArray[Any],
    which: NDArray[np.intp],
    y: FloatArray,
    covariates: FloatArray,
    small: bool,
    known: dict[bytes, _Null],
    score: FloatArray,
    variance: FloatArray,
    z: FloatArray,
    reason: IntArray,
    n: NDArray[np.int64],
    events: NDArray[np.int64],
) -> None:
    """Do the same by centred columns, one null model for each set of patients."""
    part = x[:, which]
    if part.dtype.kind in "iu" and part.size and part.min() < -1:
        raise ValueError("markers: an integer below -1 (-1 stands for not assessed)")
    part = part.astype(np.float64) if x.dtype.kind == "f" else np.where(part == -1, np.nan, part.astype(np.float64))
    if np.isinf(part).any():
        raise ValueError("markers: infinite value(s)")
    assessed = ~np.isnan(part)
    members_of: dict[bytes, list[int]] = {}
    for marker, bits in enumerate(np.packbits(assessed, axis=0).T):
        members_of.setdefault(bits.tobytes(), []).append(marker)
    score[which] = variance[which] = z[which] = np.nan
    for pattern, members in members_of.items():
        here = assessed[:, members[0]]
        into = which[members]
        n[into], events[into] = int(here.sum()), int(y[here].sum())
        if not here.any():
            reason[into] = NOT_ASSESSED_CODE
            continue
        null = known.get(pattern) or _null(y[here], covariates[here], small)
        if len(known) < KEPT:
            known[pattern] = null
        if null.reason:
            reason[into] = null.reason
            continue
        # one marker in a row: the sum along a row does not depend on how many rows there are
        values = np.ascontiguousarray(part[np.ix_(here, members)].T)
        # scaled as well: squares of very large or small units neither overflow nor vanish
        spread = np.ptp(values, axis=1)
        constant = spread == 0
        spread[constant] = 1.0
        values = values / spread[:, None]
        values = values - values.mean(axis=1)[:, None]
        weight = null.factors[:, -1]
        left = values.copy()
        centred = values
        for column in range(null.basis.shape[1]):
            share = (values * null.factors[:, 1 + column]).sum(axis=1)
            left = left - share[:, None] * null.basis[:, column]
            if column == 0:
                centred = left
        spread_left = (left * left * weight).sum(axis=1)
        collinear = ~constant & ~(spread_left > COLLINEAR * (centred * centred * weight).sum(axis=1))
        reason[into[constant]] = CONSTANT_CODE
        reason[into[collinear]] = COLLINEAR_CODE
        fine = ~constant & ~collinear
        of_unit = (left * null.factors[:, 0]).sum(axis=1)
        # the test on the unit range: in very large or small units score and variance are beyond a computer's numbers
        z[into[fine]] = of_unit[fine] / np.sqrt(spread_left[fine])
        with np.errstate(over="ignore", under="ignore"):
            score[into[fine]] = (of_unit * spread)[fine]
            variance[into[fine]] = (spread_left * spread**2)[fine]
