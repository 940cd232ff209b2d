"""Logistic models of many markers (Firth's or maximum likelihood), each lane of the registers at work on a marker of its own.

A lane is a worker: it fits the model without its marker, then with it, then (when asked) walks to the two
ends of the profile interval; when it is done the next marker is put into it.  One call of
:func:`_evaluate` gives all lanes their likelihood, gradient and information wherever they stand, whatever
each of them does with it; a lane never waits for its neighbours.

The covariates are the same for all markers, hence sums over patients are products of a shared matrix
with a matrix of lanes: five sums at a time stay in registers.

Rows are multiplied by -1 where the patient has no event.  Then the probability of what was seen is
1 / (1 + exp(-eta)) in every row, no sign and no difference of near-equal numbers is left.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.scan import simd
from resistance.stats.scan.simd import LANES, aligned, fma, load, spread, spread_from, store, where_less

#: rows of which the linear predictors are computed together
ROWS = 6
#: sums over rows that are kept in registers together
SUMS = 5
#: rows in one go, so that what one step writes is in the nearest cache for the next (a multiple of ROWS)
PART = 60

#: what a lane does
NULL, FULL, LOW, HIGH, IDLE = 0, 1, 2, 3, 4
#: how a marker ended
DONE, COLLINEAR, LOST, BOUND_LOST = 0, 1, 2, 3
#: Newton decrement (twice the log-likelihood still to gain) at which a fit is at rest
AT_REST = 1e-19
#: the same without the marker, where only the likelihood is wanted and this is its error
AT_REST_NULL = 1e-11
#: 1 - R squared of a column on those before it, below which they are collinear
DEPENDENT = 1e-9
MAX_STEPS = 60
MAX_HALVINGS = 25
#: a longer step is shortened: columns have unit range, 5 is an odds ratio of 150
LONGEST = 5.0


@njit(forceinline=True)
def _seen(eta: Any) -> Any:
    """Return the probability of what was seen, its complement (both precise however small)."""
    eta = where_less(eta, spread(-40.0), spread(-40.0), eta)
    eta = where_less(spread(40.0), eta, spread(40.0), eta)
    odds = simd.exp(spread(0.0) - eta)
    p = spread(1.0) / (spread(1.0) + odds)
    return p, odds * p


@njit(cache=True, nogil=True)
def _gather(tiles: FloatArray, height: int, n_tiles: int, row: int, rows: int, source: FloatArray, sums: FloatArray) -> None:
    """Add to `sums` the products of the columns of a shared matrix (in tiles of SUMS) with rows of lanes."""
    for tile in range(n_tiles):
        at = (tile * height + row) * SUMS
        into = tile * SUMS * LANES
        s0 = load(sums, into)
        s1 = load(sums, into + LANES)
        s2 = load(sums, into + 2 * LANES)
        s3 = load(sums, into + 3 * LANES)
        s4 = load(sums, into + 4 * LANES)
        for i in range(rows):
            value = load(source, i * LANES)
            s0 = fma(spread_from(tiles, at), value, s0)
            s1 = fma(spread_from(tiles, at + 1), value, s1)
            s2 = fma(spread_from(tiles, at + 2), value, s2)
            s3 = fma(spread_from(tiles, at + 3), value, s3)
            s4 = fma(spread_from(tiles, at + 4), value, s4)
            at += SUMS
        store(sums, into, s0)
        store(sums, into + LANES, s1)
        store(sums, into + 2 * LANES, s2)
        store(sums, into + 3 * LANES, s3)
        store(sums, into + 4 * LANES, s4)


@njit(cache=True, nogil=True)
def _weights(
    columns: FloatArray,
    k: int,
    first: int,
    last: int,
    beta: FloatArray,
    x: FloatArray,
    masked: bool,
    mask: FloatArray,
    weight: FloatArray,
    rest: FloatArray,
    weighted: FloatArray,
    total: FloatArray,
) -> None:
    """Write of rows first..last the weights, the complements, weight times marker; add up likelihood and marker squared."""
    fraction = load(total, 0)
    power = load(total, LANES)
    squares = load(total, 2 * LANES)
    bx = load(beta, k * LANES)
    for i in range(first, last, ROWS):
        at = i * k
        e0 = bx * load(x, i * LANES)
        e1 = bx * load(x, (i + 1) * LANES)
        e2 = bx * load(x, (i + 2) * LANES)
        e3 = bx * load(x, (i + 3) * LANES)
        e4 = bx * load(x, (i + 4) * LANES)
        e5 = bx * load(x, (i + 5) * LANES)
        for a in range(k):
            b = load(beta, a * LANES)
            e0 = fma(spread_from(columns, at + a), b, e0)
            e1 = fma(spread_from(columns, at + a + k), b, e1)
            e2 = fma(spread_from(columns, at + a + 2 * k), b, e2)
            e3 = fma(spread_from(columns, at + a + 3 * k), b, e3)
            e4 = fma(spread_from(columns, at + a + 4 * k), b, e4)
            e5 = fma(spread_from(columns, at + a + 5 * k), b, e5)
        store(weighted, (i - first) * LANES, e0)
        store(weighted, (i - first + 1) * LANES, e1)
        store(weighted, (i - first + 2) * LANES, e2)
        store(weighted, (i - first + 3) * LANES, e3)
        store(weighted, (i - first + 4) * LANES, e4)
        store(weighted, (i - first + 5) * LANES, e5)
        for j in range(i, i + ROWS):
            p, q = _seen(load(weighted, (j - first) * LANES))
            w = p * q
            if masked:
                here = load(mask, j * LANES)
                w = w * here
                q = q * here
                p = (spread(1.0) - here) + p * here
            marker = load(x, j * LANES)
            wx = w * marker
            store(weight, j * LANES, w)
            store(rest, j * LANES, q)
            store(weighted, (j - first) * LANES, wx)
            squares = fma(wx, marker, squares)
            fraction = fraction * p
        # six probabilities of at least exp(-40) do not underflow; their powers of two are summed apart
        power = power + simd.exponent(fraction)
        fraction = simd.mantissa(fraction)
    store(total, 0, fraction)
    store(total, LANES, power)
    store(total, 2 * LANES, squares)


@njit(cache=True, nogil=True)
def _leverages(
    columns: FloatArray,
    products: FloatArray,
    k: int,
    n_products: int,
    first: int,
    last: int,
    inverse: FloatArray,
    x: FloatArray,
    weight: FloatArray,
    rest: FloatArray,
    residual: FloatArray,
    augmented: FloatArray,
    weighted: FloatArray,
    total: FloatArray,
) -> None:
    """Write Firth's residuals and augmented weights; add up what they give the marker.

    `inverse` holds the inverse information: the coefficients of the covariates' products, then those of
    covariate times marker, then that of the marker squared.
    """
    gradient = load(total, 0)
    squares = load(total, LANES)
    cxx = load(inverse, (n_products + k) * LANES)
    for i in range(first, last, ROWS):
        x0 = load(x, i * LANES)
        x1 = load(x, (i + 1) * LANES)
        x2 = load(x, (i + 2) * LANES)
        x3 = load(x, (i + 3) * LANES)
        x4 = load(x, (i + 4) * LANES)
        x5 = load(x, (i + 5) * LANES)
        t0 = cxx * x0
        t1 = cxx * x1
        t2 = cxx * x2
        t3 = cxx * x3
        t4 = cxx * x4
        t5 = cxx * x5
        at = i * k
        for a in range(k):
            b = load(inverse, (n_products + a) * LANES)
            t0 = fma(spread_from(columns, at + a), b, t0)
            t1 = fma(spread_from(columns, at + a + k), b, t1)
            t2 = fma(spread_from(columns, at + a + 2 * k), b, t2)
            t3 = fma(spread_from(columns, at + a + 3 * k), b, t3)
            t4 = fma(spread_from(columns, at + a + 4 * k), b, t4)
            t5 = fma(spread_from(columns, at + a + 5 * k), b, t5)
        t0 = t0 * x0
        t1 = t1 * x1
        t2 = t2 * x2
        t3 = t3 * x3
        t4 = t4 * x4
        t5 = t5 * x5
        at = i * n_products
        for a in range(n_products):
            b = load(inverse, a * LANES)
            t0 = fma(spread_from(products, at + a), b, t0)
            t1 = fma(spread_from(products, at + a + n_products), b, t1)
            t2 = fma(spread_from(products, at + a + 2 * n_products), b, t2)
            t3 = fma(spread_from(products, at + a + 3 * n_products), b, t3)
            t4 = fma(spread_from(products, at + a + 4 * n_products), b, t4)
            t5 = fma(spread_from(products, at + a + 5 * n_products), b, t5)
        store(residual, (i - first) * LANES, t0)
        store(residual, (i - first + 1) * LANES, t1)
        store(residual, (i - first + 2) * LANES, t2)
        store(residual, (i - first + 3) * LANES, t3)
        store(residual, (i - first + 4) * LANES, t4)
        store(residual, (i - first + 5) * LANES, t5)
        for j in range(i, i + ROWS):
            w = load(weight, j * LANES)
            q = load(rest, j * LANES)
            marker = load(x, j * LANES)
            leverage = w * load(residual, (j - first) * LANES)
            u = fma(leverage, q - spread(0.5), q)
            a_weight = fma(w, leverage, w)
            ax = a_weight * marker
            store(residual, (j - first) * LANES, u)
            store(augmented, (j - first) * LANES, a_weight)
            store(weighted, (j - first) * LANES, ax)
            gradient = fma(u, marker, gradient)
            squares = fma(ax, marker, squares)
    store(total, 0, gradient)
    store(total, LANES, squares)


@njit(cache=True, nogil=True)
def _assemble(sums: FloatArray, crossed: FloatArray, squares: FloatArray, at: int, k: int, matrix: FloatArray) -> None:
    """Write the lower triangle of the information, covariates first, the marker last."""
    p = k + 1
    product = 0
    for a in range(k):
        for b in range(a + 1):
            store(matrix, (a * p + b) * LANES, load(sums, product * LANES))
            product += 1
    for a in range(k):
        store(matrix, (k * p + a) * LANES, load(crossed, a * LANES))
    store(matrix, (k * p + k) * LANES, load(squares, at))


@njit(cache=True, nogil=True)
def _evaluate(
    columns: FloatArray,
    products: FloatArray,
    column_tiles: FloatArray,
    product_tiles: FloatArray,
    height: int,
    padding: int,
    k: int,
    beta: FloatArray,
    x: FloatArray,
    masked: bool,
    mask: FloatArray,
    penalised: bool,
    work: FloatArray,
    gradient: FloatArray,
    factor: FloatArray,
    augmented: FloatArray,
    state: FloatArray,
) -> None:
    """Give every lane, at its coefficients, what a step needs.

    Parameters
    ----------
    penalised : bool
        Firth's penalty; without it the augmented information is the plain one and the determinant counts as 1.
    beta : array, shape (p * LANES,)
    gradient : array, shape (p * LANES,)
        Of the penalised log-likelihood.
    factor : array, shape (p * p * LANES,)
        Cholesky factor of the augmented information, reciprocals on its diagonal.
    augmented : array, shape (p * p * LANES,)
        That information, lower triangle.
    state : array, shape (5 * LANES,)
        Mantissa and power of two of the likelihood, 1 / sqrt(det information), least pivot, and the
        marker's variance from the plain information.
    """
    p = k + 1
    n_products = k * (k + 1) // 2
    n_tiles = (n_products + SUMS - 1) // SUMS
    c_tiles = (k + SUMS - 1) // SUMS
    size = height * LANES
    part = PART * LANES
    weight = work[0:size]
    rest = work[size : 2 * size]
    at = 2 * size
    one = work[at : at + part]
    two = work[at + part : at + 2 * part]
    three = work[at + 2 * part : at + 3 * part]
    at += 3 * part
    sums = work[at : at + n_tiles * SUMS * LANES]
    at += n_tiles * SUMS * LANES
    crossed = work[at : at + c_tiles * SUMS * LANES]
    at += c_tiles * SUMS * LANES
    slopes = work[at : at + c_tiles * SUMS * LANES]
    at += c_tiles * SUMS * LANES
    inverse = work[at : at + p * p * LANES]
    at += p * p * LANES
    packed = work[at : at + (n_products + p) * LANES]
    at += (n_products + p) * LANES
    total = work[at : at + 3 * LANES]

    sums[:] = 0.0
    crossed[:] = 0.0
    store(total, 0, spread(1.0))
    # a row of zeros has probability one half, exactly: taken back here
    store(total, LANES, spread(float(padding)))
    store(total, 2 * LANES, spread(0.0))
    for first in range(0, height, PART):
        last = min(first + PART, height)
        _weights(columns, k, first, last, beta, x, masked, mask, weight, rest, one, total)
        _gather(product_tiles, height, n_tiles, first, last - first, weight[first * LANES :], sums)
        _gather(column_tiles, height, c_tiles, first, last - first, one, crossed)
    store(state, 0, load(total, 0))
    store(state, LANES, load(total, LANES))
    _assemble(sums, crossed, total, 2 * LANES, k, augmented)
    store(state, 3 * LANES, simd.cholesky(augmented, factor, p))
    if not penalised:
        store(state, 2 * LANES, spread(1.0))
        last = load(factor, (k * p + k) * LANES)
        store(state, 4 * LANES, last * last)
        slopes[:] = 0.0
        slope = spread(0.0)
        for first in range(0, height, PART):
            until = min(first + PART, height)
            _gather(column_tiles, height, c_tiles, first, until - first, rest[first * LANES :], slopes)
            for i in range(first, until):
                slope = fma(load(rest, i * LANES), load(x, i * LANES), slope)
        for a in range(k):
            store(gradient, a * LANES, load(slopes, a * LANES))
        store(gradient, k * LANES, slope)
        return
    store(state, 2 * LANES, simd.inverse_root_product(factor, p))
    simd.invert(factor, gradient, inverse, p)
    product = 0
    for a in range(k):
        for b in range(a + 1):
            value = load(inverse, (a * p + b) * LANES)
            store(packed, product * LANES, value if a == b else value + value)
            product += 1
    for a in range(k):
        value = load(inverse, (k * p + a) * LANES)
        store(packed, (n_products + a) * LANES, value + value)
    value = load(inverse, (k * p + k) * LANES)
    store(packed, (n_products + k) * LANES, value)
    store(state, 4 * LANES, value)

    sums[:] = 0.0
    crossed[:] = 0.0
    slopes[:] = 0.0
    store(total, 0, spread(0.0))
    store(total, LANES, spread(0.0))
    for first in range(0, height, PART):
        last = min(first + PART, height)
        _leverages(columns, products, k, n_products, first, last, packed, x, weight, rest, one, two, three, total)
        _gather(column_tiles, height, c_tiles, first, last - first, one, slopes)
        _gather(product_tiles, height, n_tiles, first, last - first, two, sums)
        _gather(column_tiles, height, c_tiles, first, last - first, three, crossed)
    for a in range(k):
        store(gradient, a * LANES, load(slopes, a * LANES))
    store(gradient, k * LANES, load(total, 0))
    _assemble(sums, crossed, total, LANES, k, augmented)
    simd.cholesky(augmented, factor, p)


def scratch(n: int, height: int, k: int) -> tuple[Any, ...]:
    """Return what one thread hands to :func:`fit_markers`: work, x, mask, small, lanes.

    Made here, not in the compiled function: allocating arrays is a module of numba that would be imported for it.
    """
    p = k + 1
    n_products = k * (k + 1) // 2
    n_tiles = -(-n_products // SUMS)
    c_tiles = -(-k // SUMS)
    work = 2 * height + 3 * PART + n_tiles * SUMS + 2 * c_tiles * SUMS + p * p + n_products + p + 3
    small = 10 * p + 2 * p * p + 6
    mask = aligned(height * LANES)
    # rows that only fill up the last registers: probability one half, whether or not a lane has missing values
    mask[n * LANES :] = 1.0
    return aligned(work * LANES), aligned(height * LANES), mask, aligned(small * LANES), np.zeros(7 * LANES, dtype=np.int64)


@njit(cache=True, nogil=True)
def _fill(
    marker: Any, code: float, centre: float, scale: float, sign: FloatArray, lane: int, x: FloatArray, mask: FloatArray
) -> bool:
    """Put a marker into a lane: centred, scaled, with the sign of the row; 0 and masked where it was not assessed."""
    missing = False
    for i in range(marker.size):
        value = float(marker[i])
        if value != value or value == code:
            missing = True
            x[i * LANES + lane] = 0.0
            mask[i * LANES + lane] = 0.0
        else:
            x[i * LANES + lane] = (value - centre) / scale * sign[i]
            mask[i * LANES + lane] = 1.0
    return missing


@njit(cache=True, nogil=True)
def _stride(
    lane: int,
    p: int,
    free: int,
    direction: FloatArray,
    gradient: FloatArray,
    augmented: FloatArray,
    before: FloatArray,
    moved: FloatArray,
    remembered: bool,
) -> None:
    """Replace the last step by the next one: Newton's, corrected by what the last one taught (Anderson's mixing of one step).

    The augmented information is not quite the second derivative, so that plain steps gain one or two
    digits each; the difference of two successive directions shows what is missing along the slowest one.
    """
    theta = 0.0
    if remembered:
        above, below = 0.0, 0.0
        for j in range(free):
            at = j * LANES + lane
            change = direction[at] - before[at]
            c = augmented[(j * p + j) * LANES + lane]
            above += c * change * direction[at]
            below += c * change * change
        if below > 0.0:
            theta = min(max(above / below, -0.9), 0.9)
        uphill = 0.0
        for j in range(free):
            at = j * LANES + lane
            uphill += gradient[at] * (direction[at] - theta * (moved[at] + direction[at] - before[at]))
        if not uphill > 0.0:
            theta = 0.0
    longest = 0.0
    for j in range(free):
        at = j * LANES + lane
        step = direction[at] - theta * (moved[at] + direction[at] - before[at]) if theta != 0.0 else direction[at]
        moved[at] = step
        before[at] = direction[at]
        longest = max(longest, abs(step))
    if longest > LONGEST:
        for j in range(free):
            moved[j * LANES + lane] *= LONGEST / longest
    for j in range(free, p):
        moved[j * LANES + lane] = 0.0


@njit(cache=True, nogil=True)
def _to_bound(
    lane: int,
    k: int,
    side: float,
    excess: float,
    gradient: FloatArray,
    direction: FloatArray,
    crossing: FloatArray,
    augmented: FloatArray,
    moved: FloatArray,
) -> tuple[float, float]:
    """Write the step to the point of the profile where the likelihood has fallen as far as is allowed (Venzon and Moolgavkar 1988).

    Returns
    -------
    far, decrement : float
        Square of the marker's step in units of its curvature or of the likelihood, whichever is larger;
        what the other coefficients have still to gain.
    """
    p = k + 1
    slope = gradient[k * LANES + lane]
    curvature = augmented[(k * p + k) * LANES + lane]
    decrement = 0.0
    for j in range(k):
        at = j * LANES + lane
        slope -= crossing[at] * gradient[at]
        curvature -= crossing[at] * augmented[(k * p + j) * LANES + lane]
        decrement += gradient[at] * direction[at]
    excess += decrement / 2.0
    slope *= side
    root = slope * slope + 2.0 * curvature * excess
    if root >= 0.0:
        root = math.sqrt(root)
        step = (slope + root) / curvature if slope > 0.0 else 2.0 * excess / (root - slope)
    else:
        step = -excess / slope
    step = side * min(max(step, -LONGEST), LONGEST)
    for j in range(k):
        at = j * LANES + lane
        moved[at] = min(max(direction[at] - crossing[at] * step, -LONGEST), LONGEST)
    moved[k * LANES + lane] = step
    return max(abs(step), abs(excess)), decrement


@njit(cache=True, nogil=True)
def fit_markers(
    block: Any,
    code: float,
    todo: Any,
    centre: FloatArray,
    scale: FloatArray,
    sign: FloatArray,
    columns: FloatArray,
    products: FloatArray,
    column_tiles: FloatArray,
    product_tiles: FloatArray,
    height: int,
    k: int,
    start: FloatArray,
    drop: float,
    penalised: bool,
    reach: FloatArray,
    work: FloatArray,
    x: FloatArray,
    mask: FloatArray,
    small: FloatArray,
    lanes: Any,
    out: Any,
    status: Any,
) -> None:
    """Fit the model of every marker of `todo`.

    Parameters
    ----------
    block : array, shape (markers, patients)
    code : float
        The number that stands for "not assessed" beside NaN.
    todo : array of int
        Rows of `block`; none of them constant.
    centre, scale : array, shape (markers,)
    sign : array, shape (patients,)
        1 with the event, -1 without.
    columns, products, column_tiles, product_tiles : array
        The covariates (with the intercept) times sign, row by row; their products; both again in tiles
        of SUMS columns.  Rows up to `height` (a multiple of ROWS) are 0.
    start : array, shape (k,)
        Coefficients of the model without marker.
    drop : float
        How far the log-likelihood falls to the ends of the interval; 0: no interval.
    penalised : bool
        Firth's penalty.
    reach : array, shape (k,)
        Largest absolute value of each covariate.
    work, x, mask, small, lanes : array
        Scratch of one thread (see :func:`scratch`); past the patients `x` is 0 and `mask` 1.
    out : array, shape (markers, 8)
        Coefficient per unit, its standard error by the plain and by the augmented information, log-likelihood
        with and without marker, ends of the interval, and a bound of the linear predictors (the marker is at most 1).
    status : array of int8, shape (markers,)
    """
    p = k + 1
    n = sign.size
    padding = height - n
    wide = p * LANES
    beta = small[0:wide]
    base = small[wide : 2 * wide]
    moved = small[2 * wide : 3 * wide]
    before = small[3 * wide : 4 * wide]
    top = small[4 * wide : 5 * wide]
    gradient = small[5 * wide : 6 * wide]
    without = small[6 * wide : 7 * wide]
    direction = small[7 * wide : 8 * wide]
    crossing = small[8 * wide : 9 * wide]
    crossed = small[9 * wide : 10 * wide]
    at = 10 * wide
    augmented = small[at : at + p * wide]
    factor = small[at + p * wide : at + 2 * p * wide]
    at += 2 * p * wide
    state = small[at : at + 5 * LANES]

    height_at_base = small[at + 5 * LANES : at + 6 * LANES]

    stage = lanes[0:LANES]
    marker = lanes[LANES : 2 * LANES]
    steps = lanes[2 * LANES : 3 * LANES]
    halvings = lanes[3 * LANES : 4 * LANES]
    remembered = lanes[4 * LANES : 5 * LANES]
    missing = lanes[5 * LANES : 6 * LANES]
    fresh = lanes[6 * LANES : 7 * LANES]
    lanes[:] = 0
    stage[:] = IDLE
    following = 0
    busy = 0
    beta[:] = 0.0
    while True:
        for lane in range(LANES):
            if stage[lane] == IDLE and following < todo.size:
                m = todo[following]
                following += 1
                busy += 1
                marker[lane] = m
                missing[lane] = _fill(block[m], code, centre[m], scale[m], sign, lane, x, mask)
                for j in range(k):
                    beta[j * LANES + lane] = start[j]
                beta[k * LANES + lane] = 0.0
                stage[lane] = NULL
                steps[lane] = halvings[lane] = 0
                remembered[lane] = False
                fresh[lane] = True
                height_at_base[lane] = -np.inf
        if busy == 0:
            return
        _evaluate(
            columns,
            products,
            column_tiles,
            product_tiles,
            height,
            padding,
            k,
            beta,
            x,
            _some(missing),
            mask,
            penalised,
            work,
            gradient,
            factor,
            augmented,
            state,
        )
        simd.solve(factor, gradient, without, p, k)
        simd.solve(factor, gradient, direction, p, p)
        if drop > 0.0:
            simd.solve(factor, augmented[k * wide :], crossing, p, k)
        for lane in range(LANES):
            if stage[lane] == IDLE:
                continue
            m = marker[lane]
            value = math.log(state[lane]) + state[LANES + lane] * math.log(2.0) - math.log(state[2 * LANES + lane])
            kept = state[3 * LANES + lane]
            ended = -1
            if fresh[lane] and not kept > DEPENDENT:
                ended = COLLINEAR
            elif not (kept > 0.0 and math.isfinite(value) and steps[lane] < MAX_STEPS):
                ended = LOST if stage[lane] <= FULL else BOUND_LOST
            fresh[lane] = False
            steps[lane] += 1

            if ended < 0 and stage[lane] <= FULL:
                if value < height_at_base[lane] - 1e-10 * max(1.0, abs(value)):
                    # the step went too far: half of it
                    halvings[lane] += 1
                    remembered[lane] = False
                    if halvings[lane] > MAX_HALVINGS:
                        ended = LOST
                    for j in range(p):
                        at = j * LANES + lane
                        moved[at] *= 0.5
                        beta[at] = base[at] + moved[at]
                else:
                    if stage[lane] == NULL:
                        decrement = 0.0
                        for j in range(k):
                            decrement += gradient[j * LANES + lane] * without[j * LANES + lane]
                        if decrement < AT_REST_NULL:
                            out[m, 4] = value + decrement / 2.0
                            stage[lane] = FULL
                            remembered[lane] = False
                            steps[lane] = 0
                    if stage[lane] == FULL:
                        decrement = 0.0
                        for j in range(p):
                            decrement += gradient[j * LANES + lane] * direction[j * LANES + lane]
                        _stride(lane, p, p, direction, gradient, augmented, before, moved, penalised and remembered[lane] != 0)
                    else:
                        _stride(lane, p, k, without, gradient, augmented, before, moved, penalised and remembered[lane] != 0)
                    if not math.isfinite(decrement):
                        ended = LOST
                    remembered[lane] = True
                    height_at_base[lane] = value
                    for j in range(p):
                        at = j * LANES + lane
                        base[at] = beta[at]
                        beta[at] = beta[at] + moved[at]
                    if stage[lane] == FULL and decrement < AT_REST:
                        out[m, 0] = beta[k * LANES + lane] / scale[m]
                        spread_aug = factor[(k * p + k) * LANES + lane] ** 2
                        # not their squares, which a very large or small unit takes beyond a computer's numbers
                        out[m, 1] = math.sqrt(state[4 * LANES + lane]) / scale[m]
                        out[m, 2] = abs(factor[(k * p + k) * LANES + lane]) / scale[m]
                        out[m, 3] = value + decrement / 2.0
                        bound = abs(beta[k * LANES + lane])
                        for j in range(k):
                            bound += abs(beta[j * LANES + lane]) * reach[j]
                        out[m, 7] = bound
                        if drop > 0.0:
                            stage[lane] = LOW
                            for j in range(p):
                                top[j * LANES + lane] = beta[j * LANES + lane]
                                crossed[j * LANES + lane] = (
                                    crossing[j * LANES + lane] if j < k else math.sqrt(2.0 * drop * spread_aug)
                                )
                            _leave(lane, k, -1.0, top, crossed, beta)
                            steps[lane] = 0
                        else:
                            ended = DONE
            elif ended < 0:
                side = -1.0 if stage[lane] == LOW else 1.0
                excess = value - (out[m, 3] - drop)
                far, decrement = _to_bound(lane, k, side, excess, gradient, without, crossing, augmented, moved)
                for j in range(p):
                    beta[j * LANES + lane] += moved[j * LANES + lane]
                if not math.isfinite(far + decrement):
                    ended = BOUND_LOST
                elif far < 1e-6 and decrement < 1e-12:
                    end = beta[k * LANES + lane]
                    if side * (end - top[k * LANES + lane]) <= 0.0:
                        ended = BOUND_LOST
                    elif stage[lane] == LOW:
                        out[m, 5] = end / scale[m]
                        stage[lane] = HIGH
                        steps[lane] = 0
                        _leave(lane, k, 1.0, top, crossed, beta)
                    else:
                        out[m, 6] = end / scale[m]
                        ended = DONE

            if ended >= 0:
                status[m] = ended
                stage[lane] = IDLE
                missing[lane] = False
                busy -= 1
                for j in range(p):
                    beta[j * LANES + lane] = 0.0


@njit(cache=True, nogil=True)
def _some(flags: Any) -> bool:
    """Tell whether any is not 0."""
    found = False
    for i in range(flags.size):
        found |= flags[i] != 0
    return found


@njit(cache=True, nogil=True)
def _leave(lane: int, k: int, side: float, top: FloatArray, crossed: FloatArray, beta: FloatArray) -> None:
    """Set out from the maximum for one end of the interval, as if the likelihood were a parabola."""
    step = side * min(crossed[k * LANES + lane], LONGEST)
    for j in range(k):
        beta[j * LANES + lane] = top[j * LANES + lane] - crossed[j * LANES + lane] * step
    beta[k * LANES + lane] = top[k * LANES + lane] + step


@njit(cache=True, nogil=True)
def summarise(block: Any, code: float, outcome: FloatArray, summary: Any) -> bool:
    """Write of each marker: n, events, carriers, carriers with the event, lowest, highest, mean.

    Carriers are NaN unless all values are 0 or 1.  Returns whether all values are finite or missing.
    """
    fine = True
    for m in range(block.shape[0]):
        n, events, ones, with_event, total = 0, 0.0, 0, 0.0, 0.0
        low, high = np.inf, -np.inf
        binary = True
        for i in range(block.shape[1]):
            value = float(block[m, i])
            if value != value or value == code:
                continue
            n += 1
            events += outcome[i]
            total += value
            low = min(low, value)
            high = max(high, value)
            if value == 1.0:
                ones += 1
                with_event += outcome[i]
            elif value != 0.0:
                binary = False
        if n > 0 and not math.isfinite(high - low):
            fine = False
        summary[m, 0] = n
        summary[m, 1] = events
        summary[m, 2] = ones if binary else np.nan
        summary[m, 3] = with_event if binary else np.nan
        summary[m, 4] = low
        summary[m, 5] = high
        summary[m, 6] = total / n if n > 0 else np.nan
    return fine
