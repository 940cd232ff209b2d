"""A binary outcome, very many markers and the same covariates -> a logistic model for each marker: Firth's, or maximum likelihood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix
from resistance.stats.newton import COLLINEAR, maximise
from resistance.stats.scan import firth_plain
from resistance.stats.scan.logistic_answers import (
    COLLINEAR_CODE,
    CONSTANT_CODE,
    COVARIATES_CODE,
    ITERATIONS_CODE,
    NOT_ASSESSED_CODE,
    OUTCOME_CODE,
    SEPARATED_CODE,
    SEPARATED_MARKER_CODE,
    IntArray,
    LogisticScan,
    columns_of_markers,
    minimum_p_values,
)
from resistance.stats.scan.logit import Logit
from resistance.stats.scan.orthogonal import orthogonal
from resistance.stats.scan.tail import chi_square_tail
from resistance.stats.scan.threads import Scratch, threads_to_use

#: markers of one task of one thread
TASK = 1024
#: markers up to which plain numpy is done before the compiled kernel is loaded; a tenth of it with intervals
SMALL = 200
#: linear predictors beyond this may be on their way to infinity
FAR = 15.0


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
    (array([2.079,   nan]), array([0.184,   nan]), 'the marker separates the outcome: without penalty its coefficient is not finite')
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

    Examples
    --------
    >>> import numpy as np
    >>> blocks = [np.array([[1], [1], [0], [0]]), np.array([[1, 0], [0, 1], [1, 0], [0, 0]])]
    >>> [found.coef.size for found in firth_logistic_scan_blocks([1, 0, 1, 0], blocks)]
    [1, 2]
    """
    model = _Models(outcome, covariates, confidence, profile, threads)
    for block in blocks:
        yield model.scan(columns_of_markers(block, model.n), compiled=True)


# ------------------------------------------------------------------------------------------- what is given


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
        self._scratch = Scratch(lambda: kernel.scratch(self.n, height, k))

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

        *arrays, height, k = self._shared
        with self._scratch.one() as scratch:
            kernel.fit_markers(
                block, code, todo, centre, scale, self.sign, *arrays, height, k, self.start, self.drop,
                self.penalised, self._reach, *scratch, out, status,
            )  # fmt: skip


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
