"""A binary outcome, very many markers and the same covariates -> a logistic model for each marker: Firth's, or maximum likelihood."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix
from resistance.stats.newton import COLLINEAR, maximise
from resistance.stats.scan import firth_plain
from resistance.stats.scan.logit import Logit
from resistance.stats.scan.orthogonal import orthogonal
from resistance.stats.scan.tail import chi_square_tail
from resistance.stats.scan.threads import threads_to_use

#: what a reason code means; 0 is "converged"
REASONS = (
    "",
    "not assessed",
    "constant outcome",
    "constant marker",
    "collinear",
    "collinear covariates",
    "iterations",
    "separated covariates",
    "separated",
)
NOTES = (
    "",
    "the marker was not assessed in any patient",
    "the outcome does not vary among the patients in whom the marker was assessed",
    "the marker is the same in all patients in whom it was assessed",
    "the marker is a combination of the covariates, or there are fewer patients than columns",
    "the covariates are constant, collinear, or as many as the patients",
    "the likelihood was not maximised within the allowed iterations",
    "the covariates alone separate the outcome: without penalty their model has no finite coefficients",
    "the marker separates the outcome: without penalty its coefficient is not finite",
)
(
    NOT_ASSESSED_CODE,
    OUTCOME_CODE,
    CONSTANT_CODE,
    COLLINEAR_CODE,
    COVARIATES_CODE,
    ITERATIONS_CODE,
    SEPARATED_CODE,
    SEPARATED_MARKER_CODE,
) = range(1, 9)

#: markers of one task of one thread
TASK = 1024
#: markers up to which plain numpy is done before the compiled kernel is loaded; a tenth of it with intervals
SMALL = 200
#: linear predictors beyond this may be on their way to infinity
FAR = 15.0

IntArray = NDArray[np.int8]


@dataclass(frozen=True)
class LogisticScan:
    """A logistic model of each of m markers; all arrays have shape (m,), floats are NaN where not `converged`.

    Parameters
    ----------
    coef : array
        Log odds ratio per unit of the marker, adjusted for the covariates; Firth's is finite also with separation.
    se, se_plain : array
        Standard error from the information with the penalty's share in it (R's logistf since 1.25) and
        from that of the patients alone (brglm2).  A Wald p from either says nothing of a separated marker.
        Equal without the penalty.
    p_value : array
        (Penalised) likelihood ratio.
    ci_low, ci_high : array
        Profile-likelihood interval; NaN when it was not asked for.
    loglike, loglike_null : array
        (Penalised) log-likelihood with the marker, and with its coefficient held at 0 (the penalty is
        that of the full model in both).
    converged : array of bool
    reason : array of int8
        Index into :data:`REASONS`; :meth:`note` says it in words.
    n, events : array of int
        Patients in whom the marker was assessed, and those of them with the outcome.
    carriers, carrier_events : array of float
        Patients with marker 1, and those with the outcome; NaN for a marker that is not 0/1.
    p_value_minimum : array
        Smallest two-sided p (Fisher) that any table with these margins can give, whatever the data: a
        filter on it does not look at results.  NaN for a marker that is not 0/1.
    columns : tuple of int
        0-based covariates because of which no model can be fitted.
    """

    coef: FloatArray
    se: FloatArray
    se_plain: FloatArray
    p_value: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    loglike: FloatArray
    loglike_null: FloatArray
    converged: BoolArray
    reason: IntArray
    n: NDArray[np.int64]
    events: NDArray[np.int64]
    carriers: FloatArray
    carrier_events: FloatArray
    p_value_minimum: FloatArray
    columns: tuple[int, ...]

    def note(self, marker: int) -> str:
        """Return in words why a marker has no result ('' when it has)."""
        return NOTES[self.reason[marker]]


def firth_logistic_scan(
    outcome: ArrayLike,
    markers: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    confidence: float | None = None,
    profile: bool = False,
    threads: int | None = None,
) -> LogisticScan:
    """Fit outcome ~ intercept + covariates + marker by Firth's penalised likelihood, for one marker after the other.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    markers : array, shape (n, m)
        Integers (-1: not assessed), booleans or floats (NaN: not assessed; -1 is a number).  A patient
        in whom a marker was not assessed is left out of that marker's model only.  int8 needs the least memory;
        the array is read in blocks of columns and never copied as a whole.
    covariates : array, shape (n, k), optional
        No missing values, no intercept.
    confidence : float, optional
        Level of the profile-likelihood interval; without it (and without `profile`) there is none,
        which saves three quarters of the time.
    profile : bool
        The interval is wanted at 0.95 unless `confidence` says otherwise.
    threads : int, optional
        Default: the processors this process may use.  The result is the same to the last bit
        whatever their number.

    Returns
    -------
    LogisticScan

    Raises
    ------
    ValueError
        An outcome that is not 0/1, missing covariates, infinite markers, integers below -1, shapes that do not fit.

    Notes
    -----
    Firth 1993, doi:10.1093/biomet/80.1.27; Heinze and Schemper 2002, doi:10.1002/sim.1047; profile by Venzon and
    Moolgavkar 1988, doi:10.2307/2347496.  Eight markers are fitted side by side by a compiled kernel
    (:mod:`resistance.stats.scan.logistic_kernel`); its first call in a new installation compiles for some
    seconds.  Small scans, and markers for which the kernel finds no maximum, go to
    :mod:`resistance.stats.scan.firth_plain`, which takes milliseconds for each.

    Examples
    --------
    >>> import numpy as np
    >>> found = firth_logistic_scan([1, 1, 1, 0, 0, 0, 0, 0], np.array([[1, 1, 1, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1, 1]]).T)
    >>> found.coef.round(3), found.p_value.round(3), found.note(1)
    (array([3.045,   nan]), array([0.043,   nan]), 'the marker is the same in all patients in whom it was assessed')
    """
    model = _Models(outcome, covariates, confidence, profile, threads)
    return model.scan(columns_of_markers(markers, model.n))


def logistic_scan(
    outcome: ArrayLike,
    markers: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    confidence: float | None = None,
    profile: bool = False,
    threads: int | None = None,
) -> LogisticScan:
    """Fit outcome ~ intercept + covariates + marker by maximum likelihood, for one marker after the other.

    Parameters are those of :func:`firth_logistic_scan`.

    Returns
    -------
    LogisticScan
        ``reason`` is that of 'separated' where the likelihood has no maximum, as when no carrier has the outcome.

    Notes
    -----
    Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x.  With few carriers its p is too small, and there is none where no or
    every carrier has the outcome: see docs/type_one_error.md and :func:`firth_logistic_scan`.

    Examples
    --------
    >>> import numpy as np
    >>> found = logistic_scan([1, 1, 1, 0, 0, 0, 0, 0], np.array([[1, 1, 0, 0, 0, 0, 0, 1], [1, 1, 1, 0, 0, 0, 0, 0]]).T)
    >>> found.coef.round(3), found.p_value.round(3), found.note(1)
    (array([2.079,   nan]), array([0.18,  nan]), 'the marker separates the outcome: without penalty its coefficient is not finite')
    """
    model = _Models(outcome, covariates, confidence, profile, threads, penalised=False)
    return model.scan(columns_of_markers(markers, model.n))


def firth_logistic_scan_blocks(
    outcome: ArrayLike,
    blocks: Iterable[ArrayLike],
    covariates: ArrayLike | None = None,
    *,
    confidence: float | None = None,
    profile: bool = False,
    threads: int | None = None,
) -> Iterator[LogisticScan]:
    """Do the same for blocks of markers, one at a time in memory; yield a result for each block.

    Parameters
    ----------
    blocks : iterable of array, shape (n, any number)
        Such as slices of a memory-mapped file.  Always the compiled kernel, so that the result of a marker does
        not depend on its block.
    outcome, covariates, confidence, profile, threads
        As for :func:`firth_logistic_scan`.
    """
    model = _Models(outcome, covariates, confidence, profile, threads)
    for block in blocks:
        yield model.scan(columns_of_markers(block, model.n), compiled=True)


def minimum_p_values(n: ArrayLike, events: ArrayLike, carriers: ArrayLike) -> FloatArray:
    """Return the smallest two-sided p of Fisher's test that any 2 x 2 table with these margins can give.

    Parameters
    ----------
    n, events, carriers : array
        Of one shape; NaN gives NaN.

    Notes
    -----
    The hypergeometric distribution has one peak, so the least likely table stands at an end; the other end
    counts when it is as likely (R's tolerance).
    """
    total, with_event, exposed = (np.asarray(value, dtype=np.float64) for value in (n, events, carriers))
    known = ~np.isnan(total + with_event + exposed)
    # a table of logarithms of factorials: scipy's function would take longer to import than all markers need
    factorial = np.array([math.lgamma(i + 1) for i in range(int(total[known].max(initial=0)) + 1)])

    def log_choose(a: FloatArray, b: FloatArray) -> FloatArray:
        whole = [np.where(known, count, 0).astype(np.intp) for count in (a, b, a - b)]
        return np.asarray(factorial[whole[0]] - factorial[whole[1]] - factorial[whole[2]])

    low = np.maximum(0.0, with_event + exposed - total)
    high = np.minimum(exposed, with_event)
    ends = []
    for both in (low, high):
        ends.append(
            np.exp(log_choose(exposed, both) + log_choose(total - exposed, with_event - both) - log_choose(total, with_event))
        )
    first, last = ends
    p = np.where(first <= last * (1 + 1e-7), first, 0.0) + np.where(last <= first * (1 + 1e-7), last, 0.0)
    p = np.where(low == high, 1.0, np.minimum(p, 1.0))
    return np.asarray(np.where(np.isnan(low + high), np.nan, p))


# ------------------------------------------------------------------------------------------- what is given


def columns_of_markers(markers: ArrayLike, n: int) -> NDArray[Any]:
    """Return the markers as a two-dimensional array of booleans, integers or floats; nothing is copied."""
    array = np.asarray(markers)
    if array.ndim != 2 or array.shape[0] != n:
        raise ValueError(f"markers: shape {array.shape} for {n} patients; patients x markers is needed")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"markers: numbers are needed, not {array.dtype}")
    return array


def _by_marker(markers: NDArray[Any], first: int, last: int) -> tuple[NDArray[Any], float]:
    """Return some columns as rows of int8 or float64, and the number that stands for "not assessed" beside NaN."""
    part = markers[:, first:last].T
    if part.dtype.kind == "b":
        return np.ascontiguousarray(part).view(np.int8), -1.0
    if part.dtype.kind == "f":
        return np.ascontiguousarray(part, dtype=np.float64), float("nan")
    if part.size and (part.min() < -1):
        raise ValueError("markers: an integer below -1 (-1 stands for not assessed)")
    if part.dtype != np.int8 and part.size and part.max() > 127:
        return np.ascontiguousarray(part, dtype=np.float64), -1.0
    return np.ascontiguousarray(part, dtype=np.int8), -1.0


def _level(confidence: float | None, profile: bool) -> float | None:
    level = 0.95 if confidence is None and profile else confidence
    if level is not None and not 0 < level < 1:
        raise ValueError(f"confidence: {level} is not between 0 and 1")
    return level


# ----------------------------------------------------------------------------------------------- models


class _Models:
    """Everything that all markers share: outcome, covariates, the model without marker, scratch memory of the threads."""

    def __init__(
        self,
        outcome: ArrayLike,
        covariates: ArrayLike | None,
        confidence: float | None,
        profile: bool,
        threads: int | None,
        penalised: bool = True,
    ) -> None:
        self.outcome = flags(outcome, "outcome").astype(np.float64)
        self.n = self.outcome.size
        self.design = orthogonal(matrix([] if covariates is None else covariates, "covariates", self.n))
        self.threads = threads_to_use(threads)
        level = _level(confidence, profile)
        self.drop = 0.0
        if level is not None:
            from scipy.special import chdtri

            self.drop = float(chdtri(1, 1 - level)) / 2
        self.sign = np.where(self.outcome == 1.0, 1.0, -1.0)
        self.k = self.design.basis.shape[1]
        self.rows = self.sign[:, None] * self.design.basis
        self.start = np.zeros(self.k)
        self.varies = 0 < self.outcome.sum() < self.n
        self.penalised = penalised
        self.separated = False
        if self.design.possible and self.varies and penalised:
            null = firth_plain.climb(self.rows, self.start, self.k)
            if null is not None:
                self.start = null.beta
        elif self.design.possible and self.varies:
            top = maximise(Logit(self.rows), self.start)
            self.separated = not top.converged
            self.start = top.params if top.converged else self.start
        self._shared: tuple[Any, ...] = ()
        self._scratch: list[tuple[FloatArray, ...]] = []

    def scan(self, markers: NDArray[Any], compiled: bool = False) -> LogisticScan:
        m = markers.shape[1]
        small = not compiled and m <= SMALL * (0.1 if self.drop > 0 else 1.0)
        found = _Arrays.empty(m)

        def task(first: int) -> None:
            last = min(first + TASK, m)
            block, code = _by_marker(markers, first, last)
            self._fit(block, code, found.part(first, last), small)

        starts = range(0, m, TASK)
        if not small:
            self._share()
        if small or self.threads == 1 or len(starts) < 2:
            for first in starts:
                task(first)
        else:
            with ThreadPoolExecutor(min(self.threads, len(starts))) as pool:
                for done in [pool.submit(task, first) for first in starts]:
                    done.result()
        return found.result(self.design.columns)

    def _fit(self, block: NDArray[Any], code: float, found: _Arrays, small: bool) -> None:
        summary = _summarise_plain(block, code, self.outcome) if small else self._summarise(block, code)
        n, events, low, high = summary[:, 0], summary[:, 1], summary[:, 4], summary[:, 5]
        found.counts[:] = summary[:, :4]
        reason = found.reason
        # the first reason that holds is given: the later ones follow from it
        for holds, why in (
            (n == 0, NOT_ASSESSED_CODE),
            ((events == 0) | (events == n), OUTCOME_CODE),
            (np.full(n.size, not self.design.possible), COVARIATES_CODE),
            (low == high, CONSTANT_CODE),
            (n < self.k + 1, COLLINEAR_CODE),
            (np.full(n.size, self.separated), SEPARATED_CODE),
            (self._empty_cell(summary), SEPARATED_MARKER_CODE),
        ):
            reason[(reason == 0) & holds] = why
        binary = ~np.isnan(summary[:, 2])
        # 0/1 stays as it is; all else is centred and of unit range
        centre = np.where(binary, 0.0, summary[:, 6])
        scale = np.where(binary | (high == low) | (n == 0), 1.0, high - low)
        todo = np.flatnonzero(reason == 0)
        if small:
            lost = todo
        else:
            status = np.zeros(n.size, dtype=np.int8)
            self._kernel(block, code, todo, centre, scale, found.numbers, status)
            reason[status == 1] = COLLINEAR_CODE
            # without penalty: a coefficient that may be on its way to infinity is looked at carefully
            far = (status > 1) | (found.numbers[:, 7] > FAR) if not self.penalised else status > 1
            lost = np.flatnonzero((reason == 0) & far)
        for marker in lost.tolist():
            self._carefully(block[marker], code, centre[marker], scale[marker], found.numbers[marker], reason, marker)
        found.numbers[reason != 0] = np.nan
        if self.penalised:
            found.numbers[:, 3:5] += self.design.log_scale + np.log(scale)[:, None]

    def _empty_cell(self, summary: FloatArray) -> BoolArray:
        """Return which markers are 0/1 with all or none of their carriers, or of the others, with the outcome: separated."""
        n, events, carriers, both = summary[:, :4].T
        if self.penalised:
            return np.zeros(n.size, dtype=bool)
        return np.asarray((both == 0) | (both == carriers) | (both == events) | (events - both == n - carriers))

    def _carefully(
        self, marker: NDArray[Any], code: float, centre: float, scale: float, numbers: FloatArray, reason: IntArray, at: int
    ) -> None:
        x = marker.astype(np.float64)
        here = ~(np.isnan(x) | (x == code))
        rows = np.column_stack([self.rows[here], self.sign[here] * ((x[here] - centre) / scale)])
        if not self.penalised:
            top = maximise(Logit(rows), np.zeros(rows.shape[1]))
            if not top.converged:
                codes = {"collinear": COLLINEAR_CODE, "monotone": SEPARATED_MARKER_CODE}
                reason[at] = codes.get(top.reason, ITERATIONS_CODE)
                return
        first = firth_plain.evaluate(rows, np.append(self.start, 0.0), self.penalised)
        if first is None or _least_pivot(first.information) < COLLINEAR:
            reason[at] = COLLINEAR_CODE
            return
        fit = firth_plain.fit(rows, np.append(self.start, 0.0), self.drop, self.penalised)
        if fit is None:
            reason[at] = ITERATIONS_CODE
            return
        numbers[:] = (
            fit.coef / scale,
            np.sqrt(fit.variance) / scale,
            np.sqrt(fit.variance_augmented) / scale,
            fit.loglike,
            fit.loglike_null,
            fit.ci_low / scale,
            fit.ci_high / scale,
            0.0,
        )

    def _share(self) -> None:
        if self._shared or not self.design.possible:
            return
        from resistance.stats.scan import logistic_kernel as kernel
        from resistance.stats.scan.simd import aligned

        k = self.k
        height = -(-self.n // kernel.ROWS) * kernel.ROWS

        def shared(array: FloatArray) -> FloatArray:
            flat = aligned(array.size)
            flat[:] = array.reshape(-1)
            return flat

        def tiles(array: FloatArray) -> FloatArray:
            width = -(-array.shape[1] // kernel.SUMS) * kernel.SUMS
            wide = np.zeros((height, width))
            wide[:, : array.shape[1]] = array
            return shared(np.ascontiguousarray(wide.reshape(height, -1, kernel.SUMS).transpose(1, 0, 2)))

        columns = np.zeros((height, k))
        columns[: self.n] = self.rows
        a, b = np.tril_indices(k)
        products = columns[:, a] * columns[:, b]
        self._shared = (shared(columns), shared(products), tiles(columns), tiles(products), height, k)
        self._reach = np.abs(self.rows).max(axis=0)

    def _summarise(self, block: NDArray[Any], code: float) -> FloatArray:
        from resistance.stats.scan.logistic_kernel import summarise

        summary = np.empty((block.shape[0], 7))
        if not summarise(block, code, self.outcome, summary):
            raise ValueError("markers: infinite value(s)")
        return summary

    def _kernel(
        self,
        block: NDArray[Any],
        code: float,
        todo: Any,
        centre: FloatArray,
        scale: FloatArray,
        out: FloatArray,
        status: IntArray,
    ) -> None:
        if todo.size == 0:
            return
        from resistance.stats.scan import logistic_kernel as kernel
        from resistance.stats.scan.simd import LANES, aligned

        *arrays, height, k = self._shared
        try:
            scratch = self._scratch.pop()
        except IndexError:
            p = k + 1
            small = LANES * (10 * p + 2 * p * p + 5)
            sizes = (kernel.workspace_size(height, k), height * LANES, height * LANES, small)
            scratch = tuple(aligned(size) for size in sizes)
            # rows that only fill up the last registers: probability one half, whether or not a lane has missing values
            scratch[2][self.n * LANES :] = 1.0
        kernel.fit_markers(
            block, code, todo, centre, scale, self.sign, *arrays, height, k, self.start, self.drop,
            self.penalised, self._reach, *scratch, out, status,
        )  # fmt: skip
        self._scratch.append(scratch)


@dataclass(frozen=True)
class _Arrays:
    """What the tasks write: counts (m, 4), numbers (m, 8) as the kernel's, reasons (m,)."""

    counts: FloatArray
    numbers: FloatArray
    reason: IntArray

    @staticmethod
    def empty(m: int) -> _Arrays:
        return _Arrays(np.full((m, 4), np.nan), np.full((m, 8), np.nan), np.zeros(m, dtype=np.int8))

    def part(self, first: int, last: int) -> _Arrays:
        return _Arrays(*(getattr(self, field.name)[first:last] for field in fields(self)))

    def result(self, columns: tuple[int, ...]) -> LogisticScan:
        coef, plain, augmented, loglike, null, low, high, _ = (np.ascontiguousarray(column) for column in self.numbers.T)
        n, events, carriers, carrier_events = (np.ascontiguousarray(column) for column in self.counts.T)
        # the two maxima can be equal up to rounding: then nothing speaks for the marker
        ratio = np.where(loglike > null, 2 * (loglike - null), np.where(np.isnan(loglike), np.nan, 0.0))
        return LogisticScan(
            coef=coef,
            se=augmented,
            se_plain=plain,
            p_value=chi_square_tail(ratio),
            ci_low=low,
            ci_high=high,
            loglike=loglike,
            loglike_null=null,
            converged=self.reason == 0,
            reason=self.reason,
            n=n.astype(np.int64),
            events=events.astype(np.int64),
            carriers=carriers,
            carrier_events=carrier_events,
            p_value_minimum=minimum_p_values(n, events, carriers),
            columns=columns,
        )


def _summarise_plain(block: NDArray[Any], code: float, outcome: FloatArray) -> FloatArray:
    """Return what the kernel's `summarise` writes."""
    x = block.astype(np.float64)
    here = ~(np.isnan(x) | (x == code))
    if np.isinf(x).any():
        raise ValueError("markers: infinite value(s)")
    n = here.sum(axis=1).astype(np.float64)
    binary = (~here | (x == 0) | (x == 1)).all(axis=1)
    ones = here & (x == 1)
    total = np.where(here, x, 0.0).cumsum(axis=1)[:, -1] if x.shape[1] else np.zeros(len(x))
    return np.column_stack(
        [
            n,
            (here * outcome).sum(axis=1),
            np.where(binary, ones.sum(axis=1), np.nan),
            np.where(binary, (ones * outcome).sum(axis=1), np.nan),
            np.where(here, x, np.inf).min(axis=1, initial=np.inf),
            np.where(here, x, -np.inf).max(axis=1, initial=-np.inf),
            np.divide(total, n, out=np.full(n.size, np.nan), where=n > 0),
        ]
    )


def _least_pivot(information: FloatArray) -> float:
    """Return the smallest 1 - R squared of a column on those before it."""
    try:
        return float((np.diag(np.linalg.cholesky(information)) ** 2 / np.diag(information)).min())
    except np.linalg.LinAlgError:
        return 0.0
