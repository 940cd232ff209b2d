"""One walk through the risk sets: the score of every marker, and its information, under the model of the covariates.

While patients enter (and leave) the risk set, two sums over those at risk are kept: S of weight times
marker, Q of weight times its square.  With the mean S r, r the reciprocal of the weights at risk, an event gives

    score             marker - S r
    information       Q r - (S r)^2      before the covariates have explained their part,

and the products with the covariates are sums over patients of the marker times something that no marker
changes.  So a marker is read once, with as few multiplications as there can be: these are what the time goes into.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.scan.cox_null_kernel import ALONE, LAST, WALK
from resistance.stats.scan.score_kernel import ROWS, add_rows, fetch_rows
from resistance.stats.scan.simd import LANES, fma, load, load_any, spread_from, store

#: sums of a marker before those of the covariates: S, Q, squares, squared means, score; S and Q of those who are tied
STATE = 7


@njit(cache=True, nogil=True)
def walk_markers(
    markers: Any,
    stride: int,
    first: int,
    groups: int,
    rows: Any,
    kinds: Any,
    opens: Any,
    walk: FloatArray,
    factors: FloatArray,
    n_factors: int,
    sums: FloatArray,
) -> None:
    """Walk through the risk sets with eight markers at a time.

    Parameters
    ----------
    markers : array, shape (n * stride,)
        Patients x markers, row by row, int8, float32 or float64; of integers a negative one is missing.
    stride : int
        Markers in a row.
    first, groups : int
        First marker, and how many times eight markers.
    rows : array of int, shape (steps,)
        Patient of each step; steps is a multiple of ROWS.
    kinds : array of int8, shape (steps,)
        What happens after the patient has entered or left, see :mod:`resistance.stats.scan.cox_null_kernel`.
    opens : array of bool, shape (steps / ROWS,)
        A stratum begins.
    walk : array, shape (steps * WALK,)
    factors : array, shape (steps * n_factors,)
        Of the covariates.
    sums : array, shape (groups * (STATE + n_factors) * LANES,)
        NaN for a marker with a missing value.
    """
    sums[:] = 0.0
    wide = (STATE + n_factors) * LANES
    begin = np.empty(ROWS, dtype=np.int64)
    for row in range(0, rows.size, ROWS):
        for i in range(ROWS):
            begin[i] = rows[row + i] * stride + first
        at0, at1, at2, at3, at4, at5 = begin[0], begin[1], begin[2], begin[3], begin[4], begin[5]
        coming = min(row + ROWS, rows.size - ROWS)
        soon0 = rows[coming] * stride + first
        soon1 = rows[coming + 1] * stride + first
        soon2 = rows[coming + 2] * stride + first
        soon3 = rows[coming + 3] * stride + first
        soon4 = rows[coming + 4] * stride + first
        soon5 = rows[coming + 5] * stride + first
        if opens[row // ROWS]:
            for group in range(groups):
                for into in (group * wide, group * wide + LANES):
                    # not simply 0: a missing value has made it NaN, and NaN it stays
                    store(sums, into, load(sums, into) - load(sums, into))
        for group in range(groups):
            into = group * wide
            at = group * LANES
            fetch_rows(markers, soon0 + at, soon1 + at, soon2 + at, soon3 + at, soon4 + at, soon5 + at)
            s = load(sums, into)
            q = load(sums, into + LANES)
            squares = load(sums, into + 2 * LANES)
            means = load(sums, into + 3 * LANES)
            score = load(sums, into + 4 * LANES)
            for i in range(ROWS):
                x = load_any(markers, begin[i] + at)
                w = (row + i) * WALK
                t = spread_from(walk, w) * x
                s = s + t
                q = fma(t, x, q)
                kind = kinds[row + i]
                if kind == ALONE:
                    r = spread_from(walk, w + 1)
                    mean = s * r
                    score = score + (x - mean)
                    means = fma(mean, mean, means)
                    squares = fma(q, r, squares)
                elif kind > ALONE:
                    score = score + x
                    d = load(sums, into + 5 * LANES) + t
                    e = fma(t, x, load(sums, into + 6 * LANES))
                    if kind == LAST:
                        r = spread_from(walk, w + 1)
                        share = spread_from(walk, w + 2)
                        score = score - (r * s - share * d)
                        squares = squares + (r * q - share * e)
                        means = fma(spread_from(walk, w + 3) * s, s, means)
                        means = fma(fma(spread_from(walk, w + 5), d, spread_from(walk, w + 4) * s), d, means)
                        d = d - d
                        e = e - e
                    store(sums, into + 5 * LANES, d)
                    store(sums, into + 6 * LANES, e)
            store(sums, into, s)
            store(sums, into + LANES, q)
            store(sums, into + 2 * LANES, squares)
            store(sums, into + 3 * LANES, means)
            store(sums, into + 4 * LANES, score)
            add_rows(
                markers, at0 + at, at1 + at, at2 + at, at3 + at, at4 + at, at5 + at,
                factors, row * n_factors, n_factors, n_factors, False, sums, into + STATE * LANES,
            )  # fmt: skip


@njit(cache=True, nogil=True)
def scores(
    sums: FloatArray, n_factors: int, score: FloatArray, squares: FloatArray, variance: FloatArray, information: FloatArray
) -> None:
    """Write the sums of the markers as :func:`walk_markers` leaves them.

    Parameters
    ----------
    score : array, shape (markers,)
    squares, variance, information : array, at least as long
        Sum of squares, the same less the squared means, the same less what the covariates explain.
    """
    wide = STATE + n_factors
    for marker in range(score.size):
        at = (marker // LANES) * wide * LANES + marker % LANES
        squares[marker] = sums[at + 2 * LANES]
        left = squares[marker] - sums[at + 3 * LANES]
        variance[marker] = left
        for j in range(STATE, wide):
            share = sums[at + j * LANES]
            left -= share * share
        score[marker] = sums[at + 4 * LANES]
        information[marker] = left
