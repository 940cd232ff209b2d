"""Sums over patients of markers times a few shared columns, as fast as memory gives the markers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.scan.newton_kernel import AT_REST, LONGEST, MAX_STEPS, newton_step
from resistance.stats.scan.simd import LANES, fetch, fma, load, load_any, spread_from, store

#: patients whose markers are added before the sums go back to the cache
ROWS = 6


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(rows: FloatArray, params: FloatArray, rest: FloatArray, gradient: FloatArray, information: FloatArray) -> float:
    """Return a logistic model's log-likelihood; write probabilities of what was not seen, gradient, minus second derivatives.

    Parameters
    ----------
    rows : array, shape (n, k)
        Columns of the model, multiplied by -1 where there is no event.
    """
    n, k = rows.shape
    gradient[:] = 0.0
    information[:] = 0.0
    loglike = 0.0
    for i in range(n):
        linear = 0.0
        for a in range(k):
            linear += rows[i, a] * params[a]
        # never above 1: nothing overflows
        small = math.exp(-abs(linear))
        loglike -= math.log1p(small) - min(linear, 0.0)
        rest[i] = small / (1.0 + small) if linear > 0.0 else 1.0 / (1.0 + small)
        weight = small / (1.0 + small) ** 2
        for a in range(k):
            gradient[a] += rest[i] * rows[i, a]
            for b in range(a + 1):
                information[a, b] += weight * rows[i, a] * rows[i, b]
    for a in range(k):
        for b in range(a):
            information[b, a] = information[a, b]
    return loglike


@njit(cache=True, nogil=True, error_model="numpy")
def climb(rows: FloatArray, params: FloatArray, rest: FloatArray, information: FloatArray, root: FloatArray) -> bool:
    """Climb to the maximum by Newton's method; return whether all went well (if not, somebody more careful must look).

    Parameters
    ----------
    rows : array, shape (n, k)
    params : array, shape (k,)
        Takes the coefficients; a start on entry.
    rest : array, shape (n,)
        Takes the probabilities of what was not seen.
    information, root : array, shape (k, k)
        Take minus the second derivatives at the maximum, and the inverse of their lower Cholesky factor.
    """
    k = params.size
    gradient, step = np.zeros(k), np.zeros(k)
    before = -np.inf
    resting = False
    for _ in range(MAX_STEPS):
        loglike = evaluate(rows, params, rest, gradient, information)
        if not (math.isfinite(loglike) and loglike >= before - 1e-10 * max(1.0, abs(loglike))):
            return False
        before = loglike
        longest = newton_step(gradient, information, root, step)
        if not longest < LONGEST:
            return False
        if resting:
            return True
        for a in range(k):
            params[a] += step[a]
        # and one step more: the residuals are then orthogonal to the covariates to the last digit
        resting = longest < AT_REST
    return False


@njit(cache=True, nogil=True)
def sums_over_patients(
    markers: Any, stride: int, n: int, first: int, groups: int, factors: FloatArray, n_factors: int, sums: FloatArray
) -> None:
    """Add up factor * marker for each factor, and last factor * marker squared.

    Parameters
    ----------
    markers : array, shape (n * stride,)
        Patients x markers, row by row, int8, float32 or float64; of integers a negative one is missing.
    stride : int
        Markers in a row.
    first, groups : int
        First marker, and how many times eight markers.
    factors : array, shape (rows * n_factors,)
        Row by row, rows a multiple of ROWS, zero past the patients; the last factor is that of the squares.
    sums : array, shape (groups * n_factors * LANES,)
        NaN for a marker with a missing value.
    """
    sums[:] = 0.0
    ahead = ROWS * stride
    for row in range(0, n, ROWS):
        at0 = row * stride + first
        # past the last patient the factors are 0: the last row is read again
        at1 = min(row + 1, n - 1) * stride + first
        at2 = min(row + 2, n - 1) * stride + first
        at3 = min(row + 3, n - 1) * stride + first
        at4 = min(row + 4, n - 1) * stride + first
        at5 = min(row + 5, n - 1) * stride + first
        for group in range(groups):
            at = group * LANES
            soon = at + ahead
            fetch_rows(markers, at0 + soon, at1 + soon, at2 + soon, at3 + soon, at4 + soon, at5 + soon)
            add_rows(
                markers, at0 + at, at1 + at, at2 + at, at3 + at, at4 + at, at5 + at,
                factors, row * n_factors, n_factors, n_factors - 1, True, sums, group * n_factors * LANES,
            )  # fmt: skip


@njit(forceinline=True)
def fetch_rows(markers: Any, at0: int, at1: int, at2: int, at3: int, at4: int, at5: int) -> None:
    """Ask for eight markers of ROWS patients, which stand from at0 .. at5 on."""
    fetch(markers, at0)
    fetch(markers, at1)
    fetch(markers, at2)
    fetch(markers, at3)
    fetch(markers, at4)
    fetch(markers, at5)


@njit(forceinline=True)
def add_rows(
    markers: Any, at0: int, at1: int, at2: int, at3: int, at4: int, at5: int,
    factors: FloatArray, f0: int, n_factors: int, n_linear: int, squared: bool, sums: FloatArray, into: int,
) -> None:  # fmt: skip
    """Add to the sums of eight markers what ROWS patients give them.

    Parameters
    ----------
    at0 .. at5 : int
        Where these markers of the patients stand.
    factors : array
        From f0 on, n_factors a patient: n_linear of them times the marker ...
    squared : bool
        ... and the next one times its square.
    sums : array
        Sums of the factors, from `into` on.
    """
    f1 = f0 + n_factors
    f2 = f1 + n_factors
    f3 = f2 + n_factors
    f4 = f3 + n_factors
    f5 = f4 + n_factors
    x0 = load_any(markers, at0)
    x1 = load_any(markers, at1)
    x2 = load_any(markers, at2)
    x3 = load_any(markers, at3)
    x4 = load_any(markers, at4)
    x5 = load_any(markers, at5)
    for j in range(n_linear):
        s = load(sums, into)
        s = fma(spread_from(factors, f0 + j), x0, s)
        s = fma(spread_from(factors, f1 + j), x1, s)
        s = fma(spread_from(factors, f2 + j), x2, s)
        s = fma(spread_from(factors, f3 + j), x3, s)
        s = fma(spread_from(factors, f4 + j), x4, s)
        s = fma(spread_from(factors, f5 + j), x5, s)
        store(sums, into, s)
        into += LANES
    if squared:
        s = load(sums, into)
        j = n_linear
        s = fma(spread_from(factors, f0 + j) * x0, x0, s)
        s = fma(spread_from(factors, f1 + j) * x1, x1, s)
        s = fma(spread_from(factors, f2 + j) * x2, x2, s)
        s = fma(spread_from(factors, f3 + j) * x3, x3, s)
        s = fma(spread_from(factors, f4 + j) * x4, x4, s)
        s = fma(spread_from(factors, f5 + j) * x5, x5, s)
        store(sums, into, s)


@njit(cache=True, nogil=True)
def scores(
    sums: FloatArray,
    n_factors: int,
    cancelled: float,
    tiny: float,
    first: int,
    score: FloatArray,
    variance: FloatArray,
    doubtful: Any,
) -> None:
    """Write score and variance given the covariates of the markers from `first` on.

    Parameters
    ----------
    sums : array
        As :func:`sums_over_patients` leaves them: residual, weights times orthonormal columns, squares.
    cancelled : float
        Share of the sum of squares; where the variance is not above it, `doubtful` is set.
    tiny : float
        Nor may the sum of squares itself be below this.
    score, variance, doubtful : array, shape (markers,)
    """
    for marker in range(first, score.size):
        at = ((marker - first) // LANES) * n_factors * LANES + (marker - first) % LANES
        if at >= sums.size:
            return
        squares = sums[at + (n_factors - 1) * LANES]
        left = squares
        for j in range(1, n_factors - 1):
            share = sums[at + j * LANES]
            left -= share * share
        score[marker] = sums[at]
        variance[marker] = left
        doubtful[marker] = not (left > cancelled * squares and squares > tiny)
