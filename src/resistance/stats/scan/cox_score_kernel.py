"""One walk through the risk sets: the score of every marker, and its information, under the model of the covariates.

The information of a marker x at coefficient 0 is, with the expected events e and the mean of x among
those at risk at each event,

    sum of e x^2  -  sum over events of mean^2  -  what the covariates explain.

All but the middle term are sums over patients of x times something that no marker changes.  The middle
term needs one running sum while patients enter (and leave) the risk set, so that a marker is read once.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from resistance.stats._arrays import FloatArray
from resistance.stats.scan.cox_null_kernel import EVENT, WALK
from resistance.stats.scan.score_kernel import ROWS, add_rows
from resistance.stats.scan.simd import LANES, fma, load, load_any, spread_from, store, where_nonzero


@njit(cache=True, nogil=True)
def walk_markers(
    markers: Any,
    stride: int,
    first: int,
    groups: int,
    rows: Any,
    walk: FloatArray,
    special: Any,
    peculiar: Any,
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
    walk : array, shape (steps * WALK,)
    peculiar : array of bool, shape (steps,)
        The step begins a stratum, or is one of tied events.
    special : array of bool, shape (steps / ROWS,)
        Some step of these is peculiar.
    factors : array, shape (steps * n_factors,)
        Of residual and covariates, then that of the squares, then that of a carrier.
    sums : array, shape (groups * (n_factors + 3) * LANES,)
        Sum at risk, that of the tied, squared means, then those of `factors`; NaN for a marker with a missing value.
    """
    sums[:] = 0.0
    wide = (n_factors + 3) * LANES
    for block in range(special.size):
        row = block * ROWS
        at0 = rows[row] * stride + first
        at1 = rows[row + 1] * stride + first
        at2 = rows[row + 2] * stride + first
        at3 = rows[row + 3] * stride + first
        at4 = rows[row + 4] * stride + first
        at5 = rows[row + 5] * stride + first
        w0 = row * WALK
        w1 = w0 + WALK
        w2 = w1 + WALK
        w3 = w2 + WALK
        w4 = w3 + WALK
        w5 = w4 + WALK
        f0 = row * n_factors
        f1 = f0 + n_factors
        f2 = f1 + n_factors
        f3 = f2 + n_factors
        f4 = f3 + n_factors
        f5 = f4 + n_factors
        for group in range(groups):
            into = group * wide
            at = group * LANES
            s = load(sums, into)
            q = load(sums, into + 2 * LANES)
            c = load(sums, into + wide - LANES)
            if special[block]:
                t = load(sums, into + LANES)
                for i in range(ROWS):
                    x = load_any(markers, rows[row + i] * stride + first + at)
                    w = w0 + i * WALK
                    if peculiar[row + i]:
                        s = s * spread_from(walk, w + 1)
                        t = fma(spread_from(walk, w + 3), x, t * spread_from(walk, w + 4))
                    s = fma(spread_from(walk, w), x, s)
                    q = fma(spread_from(walk, w + 2) * s, s, q)
                    if peculiar[row + i]:
                        q = fma(fma(spread_from(walk, w + 6), t, spread_from(walk, w + 5) * s), t, q)
                    c = c + where_nonzero(x, spread_from(factors, f0 + i * n_factors + n_factors - 1))
                store(sums, into + LANES, t)
            else:
                x = load_any(markers, at0 + at)
                s = fma(spread_from(walk, w0), x, s)
                q = fma(spread_from(walk, w0 + 2) * s, s, q)
                c = c + where_nonzero(x, spread_from(factors, f0 + n_factors - 1))
                x = load_any(markers, at1 + at)
                s = fma(spread_from(walk, w1), x, s)
                q = fma(spread_from(walk, w1 + 2) * s, s, q)
                c = c + where_nonzero(x, spread_from(factors, f1 + n_factors - 1))
                x = load_any(markers, at2 + at)
                s = fma(spread_from(walk, w2), x, s)
                q = fma(spread_from(walk, w2 + 2) * s, s, q)
                c = c + where_nonzero(x, spread_from(factors, f2 + n_factors - 1))
                x = load_any(markers, at3 + at)
                s = fma(spread_from(walk, w3), x, s)
                q = fma(spread_from(walk, w3 + 2) * s, s, q)
                c = c + where_nonzero(x, spread_from(factors, f3 + n_factors - 1))
                x = load_any(markers, at4 + at)
                s = fma(spread_from(walk, w4), x, s)
                q = fma(spread_from(walk, w4 + 2) * s, s, q)
                c = c + where_nonzero(x, spread_from(factors, f4 + n_factors - 1))
                x = load_any(markers, at5 + at)
                s = fma(spread_from(walk, w5), x, s)
                q = fma(spread_from(walk, w5 + 2) * s, s, q)
                c = c + where_nonzero(x, spread_from(factors, f5 + n_factors - 1))
            store(sums, into, s)
            store(sums, into + 2 * LANES, q)
            store(sums, into + wide - LANES, c)
        coming = min(row + ROWS, rows.size - ROWS)
        n0 = rows[coming + 0] * stride + first
        n1 = rows[coming + 1] * stride + first
        n2 = rows[coming + 2] * stride + first
        n3 = rows[coming + 3] * stride + first
        n4 = rows[coming + 4] * stride + first
        n5 = rows[coming + 5] * stride + first
        add_rows(
            markers, at0, at1, at2, at3, at4, at5, n0, n1, n2, n3, n4, n5,
            groups, factors, f0, n_factors, n_factors - 2, sums, 3 * LANES, wide,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def scores(
    sums: FloatArray,
    n_factors: int,
    first: int,
    score: FloatArray,
    squares: FloatArray,
    variance: FloatArray,
    information: FloatArray,
    carriers: Any,
    carrier_events: Any,
) -> None:
    """Write the sums of the markers from `first` on as :func:`walk_markers` leaves them.

    Parameters
    ----------
    squares, variance, information : array, shape (markers,)
        Sum of squares, the same less the squared means, the same less what the covariates explain.
    """
    wide = n_factors + 3
    for marker in range(first, score.size):
        at = ((marker - first) // LANES) * wide * LANES + (marker - first) % LANES
        if at >= sums.size:
            return
        total = sums[at + (wide - 2) * LANES]
        left = total - sums[at + 2 * LANES]
        squares[marker] = total
        variance[marker] = left
        for j in range(4, wide - 2):
            share = sums[at + j * LANES]
            left -= share * share
        score[marker] = sums[at + 3 * LANES]
        information[marker] = left
        both = sums[at + (wide - 1) * LANES]
        if both == both:
            carrier_events[marker] = int(both / EVENT)
            carriers[marker] = int(both - carrier_events[marker] * EVENT)
