"""Sums over patients of markers times a few shared columns, as fast as memory gives the markers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from resistance.stats._arrays import FloatArray
from resistance.stats.scan.simd import LANES, fma, load, load_any, spread, spread_from, store, where_less

#: patients whose markers are added before the sums go back to the cache
ROWS = 6


@njit(cache=True, nogil=True)
def sums_over_patients(
    markers: Any,
    stride: int,
    n: int,
    first: int,
    groups: int,
    integer: bool,
    factors: FloatArray,
    n_factors: int,
    sums: FloatArray,
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
    for row in range(0, n, ROWS):
        at0 = row * stride + first
        # past the last patient the factors are 0: the last row is read again
        at1 = min(row + 1, n - 1) * stride + first
        at2 = min(row + 2, n - 1) * stride + first
        at3 = min(row + 3, n - 1) * stride + first
        at4 = min(row + 4, n - 1) * stride + first
        at5 = min(row + 5, n - 1) * stride + first
        f0 = row * n_factors
        f1 = f0 + n_factors
        f2 = f1 + n_factors
        f3 = f2 + n_factors
        f4 = f3 + n_factors
        f5 = f4 + n_factors
        for group in range(groups):
            x0 = load_any(markers, at0 + group * LANES)
            x1 = load_any(markers, at1 + group * LANES)
            x2 = load_any(markers, at2 + group * LANES)
            x3 = load_any(markers, at3 + group * LANES)
            x4 = load_any(markers, at4 + group * LANES)
            x5 = load_any(markers, at5 + group * LANES)
            if integer:
                x0 = where_less(x0, spread(0.0), spread(np.nan), x0)
                x1 = where_less(x1, spread(0.0), spread(np.nan), x1)
                x2 = where_less(x2, spread(0.0), spread(np.nan), x2)
                x3 = where_less(x3, spread(0.0), spread(np.nan), x3)
                x4 = where_less(x4, spread(0.0), spread(np.nan), x4)
                x5 = where_less(x5, spread(0.0), spread(np.nan), x5)
            into = group * n_factors * LANES
            for j in range(n_factors - 1):
                s = load(sums, into)
                s = fma(spread_from(factors, f0 + j), x0, s)
                s = fma(spread_from(factors, f1 + j), x1, s)
                s = fma(spread_from(factors, f2 + j), x2, s)
                s = fma(spread_from(factors, f3 + j), x3, s)
                s = fma(spread_from(factors, f4 + j), x4, s)
                s = fma(spread_from(factors, f5 + j), x5, s)
                store(sums, into, s)
                into += LANES
            s = load(sums, into)
            j = n_factors - 1
            s = fma(spread_from(factors, f0 + j) * x0, x0, s)
            s = fma(spread_from(factors, f1 + j) * x1, x1, s)
            s = fma(spread_from(factors, f2 + j) * x2, x2, s)
            s = fma(spread_from(factors, f3 + j) * x3, x3, s)
            s = fma(spread_from(factors, f4 + j) * x4, x4, s)
            s = fma(spread_from(factors, f5 + j) * x5, x5, s)
            store(sums, into, s)


@njit(cache=True, nogil=True)
def scores(
    sums: FloatArray, n_factors: int, cancelled: float, first: int, score: FloatArray, variance: FloatArray, doubtful: Any
) -> None:
    """Write score and variance given the covariates of the markers from `first` on.

    Parameters
    ----------
    sums : array
        As :func:`sums_over_patients` leaves them: residual, weights times orthonormal columns, squares.
    cancelled : float
        Share of the sum of squares; where the variance is not above it, `doubtful` is set.
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
        doubtful[marker] = not left > cancelled * squares
