"""Eight markers at a time -> their Cox fits: the compiled part of the scan (imports numba; import it inside functions only).

The sums over risk sets are exchanged.  With w a patient's weight, r = 1/(sum of w at risk) of a term and
m its mean of the columns, the information is ``sum_i w_i A_i x_i x_i' - sum_terms m m'`` with A_i the sum
of r over the terms at whose time i is at risk; and Firth's gradient, which needs the third moments, becomes
``sum_i [w_i A_i q_i x_i - w_i q_i M_i - 2 w_i x_i (x_i' V M_i)] + 2 sum_terms m (m' V m)`` with V the inverse
information, q_i = x_i' V x_i and M_i the sum of r m: O(p^2) for each patient where the moments themselves
take O(p^3).

All arrays are flat; the eight markers of a block stand next to each other.  No lane reads another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from resistance.compiled import njit
from resistance.stats.scan.simd import (
    LANES,
    cholesky,
    exp,
    exponent,
    fma,
    invert,
    load,
    mantissa,
    spread,
    spread_from,
    store,
    where_less,
)

#: flags of a lane
RUNNING, DONE, FAILED = 0, 1, 2
MAX_EVALUATIONS = 40
#: what must be left of a column's information when the columns before it have explained theirs
COLLINEAR = 1e-9
#: no coefficient of a unit-range column moves further in one step
LONGEST_STEP = 5.0

_options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_options)
def _weigh(z, x, alive, beta, weight, linear_dead, dead_row):  # type: ignore[no-untyped-def]
    """Write each patient's weight, and the sum of the linear predictors of those with the event."""
    n, k = z.shape
    low, high = spread(-700.0), spread(700.0)
    marker = load(beta, k * LANES)
    for i in range(n):
        eta = load(x, i * LANES) * marker
        for a in range(k):
            eta = fma(spread_from(z, i * k + a), load(beta, a * LANES), eta)
        store(weight, i * LANES, eta)
    total = spread(0.0)
    for d in range(dead_row.size):
        total = fma(load(weight, dead_row[d] * LANES), load(alive, dead_row[d] * LANES), total)
    store(linear_dead, 0, total)
    for i in range(n):
        eta = load(weight, i * LANES)
        eta = where_less(eta, low, low, eta)
        eta = where_less(high, eta, high, eta)
        store(weight, i * LANES, exp(eta) * load(alive, i * LANES))


@njit(**_options)
def _terms(  # type: ignore[no-untyped-def]
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
    alive, weight, count, term_recip, fraction, recip, share_recip, log_sum, least,
):  # fmt: skip
    """Write 1 / (sum of weights at risk) of each term, and the sum of their logarithms."""
    one, none = spread(1.0), spread(0.0)
    s0 = none
    product, powers, smallest = one, none, one
    step = 0
    for g in range(step_end.size):
        if fresh[g]:
            s0 = none
        while step < step_end[g]:
            s0 = fma(spread_from(step_sign, step), load(weight, step_row[step] * LANES), s0)
            step += 1
        first, last = dead_start[g], dead_end[g]
        number_dead = load(count, g * LANES)
        if last - first == 1:
            total = where_less(none, number_dead, s0, one)
            smallest = where_less(total, smallest, total, smallest)
            product = product * total
            powers = powers + exponent(product)
            product = mantissa(product)
            r = number_dead / total
            store(term_recip, first * LANES, r)
            store(recip, g * LANES, r)
        else:
            d0 = none
            for d in range(first, last):
                d0 = d0 + load(weight, dead_row[d] * LANES)
            safe = where_less(none, number_dead, number_dead, one)
            all_r, all_share = none, none
            for number in range(last - first):
                here = spread(float(number))
                f = here / safe if efron else none
                inside = where_less(here, number_dead, one, none)
                total = where_less(none, inside, s0 - f * d0, one)
                smallest = where_less(total, smallest, total, smallest)
                product = product * total
                powers = powers + exponent(product)
                product = mantissa(product)
                r = inside / total
                all_r = all_r + r
                all_share = fma(f, r, all_share)
                store(term_recip, (first + number) * LANES, r)
                store(fraction, (first + number) * LANES, f)
            store(recip, g * LANES, all_r)
            store(share_recip, g * LANES, all_share)
    store(log_sum, 0, product)
    store(log_sum, LANES, powers)
    store(least, 0, smallest)


@njit(**_options)
def _means(  # type: ignore[no-untyped-def]
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
    z, x, alive, weight, term_recip, fraction, term_mean, mean, share_mean, score,
):  # fmt: skip
    """Write each term's mean of each column, their sums for each event time, and the score."""
    k = z.shape[1]
    groups = step_end.size
    terms = dead_row.size
    none = spread(0.0)
    for a in range(k + 1):
        s1 = none
        u = none
        step = 0
        for g in range(groups):
            if fresh[g]:
                s1 = none
            if a < k:
                while step < step_end[g]:
                    row = step_row[step]
                    s1 = fma(spread_from(step_sign, step) * spread_from(z, row * k + a), load(weight, row * LANES), s1)
                    step += 1
            else:
                while step < step_end[g]:
                    row = step_row[step]
                    s1 = fma(spread_from(step_sign, step) * load(x, row * LANES), load(weight, row * LANES), s1)
                    step += 1
            first, last = dead_start[g], dead_end[g]
            if last - first == 1:
                r = load(term_recip, first * LANES)
                m = s1 * r
                row = dead_row[first]
                u = fma(spread_from(z, row * k + a), load(alive, row * LANES), u) - m if a < k else u + load(x, row * LANES) - m
                store(term_mean, (a * terms + first) * LANES, m)
                store(mean, (a * groups + g) * LANES, m * r)
            else:
                d1 = none
                for d in range(first, last):
                    row = dead_row[d]
                    if a < k:
                        u = fma(spread_from(z, row * k + a), load(alive, row * LANES), u)
                        d1 = fma(spread_from(z, row * k + a), load(weight, row * LANES), d1)
                    else:
                        u = u + load(x, row * LANES)
                        d1 = fma(load(x, row * LANES), load(weight, row * LANES), d1)
                all_m, all_share = none, none
                for term in range(first, last):
                    f = load(fraction, term * LANES)
                    r = load(term_recip, term * LANES)
                    m = (s1 - f * d1) * r
                    u = u - m
                    store(term_mean, (a * terms + term) * LANES, m)
                    all_m = fma(m, r, all_m)
                    all_share = fma(f * m, r, all_share)
                store(mean, (a * groups + g) * LANES, all_m)
                store(share_mean, (a * groups + g) * LANES, all_share)
        store(score, a * LANES, u)


@njit(**_options)
def _information(  # type: ignore[no-untyped-def]
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
    z, zz, x, weight, recip, share_recip, term_mean, taken, information,
):  # fmt: skip
    """Write the information of all columns (lower triangle), and w_i A_i of each patient."""
    n, k = z.shape
    p = k + 1
    groups = step_end.size
    terms = dead_row.size
    none = spread(0.0)
    pairs = zz.shape[1]
    for i in range(n):
        store(taken, i * LANES, none)
    a0 = none
    step = step_row.size - 1
    for g in range(groups - 1, -1, -1):
        a0 = a0 + load(recip, g * LANES)
        low = step_end[g - 1] if g > 0 else 0
        while step >= low:
            row = step_row[step]
            store(taken, row * LANES, fma(spread_from(step_sign, step), a0, load(taken, row * LANES)))
            step -= 1
        if efron and dead_end[g] - dead_start[g] > 1:
            share = load(share_recip, g * LANES)
            for d in range(dead_start[g], dead_end[g]):
                row = dead_row[d]
                store(taken, row * LANES, load(taken, row * LANES) - share)
        if fresh[g]:
            a0 = none
    for i in range(n):
        store(taken, i * LANES, load(taken, i * LANES) * load(weight, i * LANES))
    pair = 0
    for a in range(k):
        b = 0
        while b + 1 <= a:  # two at a time: the weights are read once for both
            s, t = none, none
            for i in range(n):
                c = load(taken, i * LANES)
                s = fma(spread_from(zz, i * pairs + pair), c, s)
                t = fma(spread_from(zz, i * pairs + pair + 1), c, t)
            for term in range(terms):
                m = load(term_mean, (a * terms + term) * LANES)
                s = s - m * load(term_mean, (b * terms + term) * LANES)
                t = t - m * load(term_mean, ((b + 1) * terms + term) * LANES)
            store(information, (a * p + b) * LANES, s)
            store(information, (a * p + b + 1) * LANES, t)
            b += 2
            pair += 2
        if b <= a:
            s = none
            for i in range(n):
                s = fma(spread_from(zz, i * pairs + pair), load(taken, i * LANES), s)
            for term in range(terms):
                m = load(term_mean, (a * terms + term) * LANES)
                s = s - m * load(term_mean, (b * terms + term) * LANES)
            store(information, (a * p + b) * LANES, s)
            pair += 1
    for a in range(k):
        s = none
        for i in range(n):
            s = fma(spread_from(z, i * k + a), load(taken, i * LANES) * load(x, i * LANES), s)
        for term in range(terms):
            s = s - load(term_mean, (a * terms + term) * LANES) * load(term_mean, (k * terms + term) * LANES)
        store(information, (k * p + a) * LANES, s)
    s = none
    for i in range(n):
        v = load(x, i * LANES)
        s = fma(v * v, load(taken, i * LANES), s)
    for term in range(terms):
        m = load(term_mean, (k * terms + term) * LANES)
        s = s - m * m
    store(information, (k * p + k) * LANES, s)


@njit(**_options)
def _add_penalty_score(  # type: ignore[no-untyped-def]
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
    z, zz, x, weight, taken, term_mean, mean, share_mean, inverse, slope, quadratic, doubled, vm, score,
):  # fmt: skip
    """Add half of tr(V dI/dbeta) to the score (formula in the module's first lines)."""
    n, k = z.shape
    p = k + 1
    groups = step_end.size
    terms = dead_row.size
    none, two = spread(0.0), spread(2.0)
    pair = 0
    for a in range(k):
        for b in range(a + 1):
            v = load(inverse, (a * p + b) * LANES)
            store(doubled, pair * LANES, v if a == b else v * two)
            pair += 1
    pairs = zz.shape[1]
    # x_i' V M_i, gathered over the steps of patient i
    for i in range(n):
        store(slope, i * LANES, none)
    for a in range(p):
        store(vm, a * LANES, none)
    step = step_row.size - 1
    for g in range(groups - 1, -1, -1):
        for a in range(p):
            s = load(vm, a * LANES)
            for b in range(p):
                s = fma(load(inverse, (a * p + b) * LANES), load(mean, (b * groups + g) * LANES), s)
            store(vm, a * LANES, s)
        low = step_end[g - 1] if g > 0 else 0
        while step >= low:
            row = step_row[step]
            h = load(vm, k * LANES) * load(x, row * LANES)
            for a in range(k):
                h = fma(spread_from(z, row * k + a), load(vm, a * LANES), h)
            store(slope, row * LANES, fma(spread_from(step_sign, step), h, load(slope, row * LANES)))
            step -= 1
        if efron and dead_end[g] - dead_start[g] > 1:
            for d in range(dead_start[g], dead_end[g]):
                row = dead_row[d]
                h = load(slope, row * LANES)
                for a in range(p):
                    s = none
                    for b in range(p):
                        s = fma(load(inverse, (a * p + b) * LANES), load(share_mean, (b * groups + g) * LANES), s)
                    h = h - spread_from(z, row * k + a) * s if a < k else h - load(x, row * LANES) * s
                store(slope, row * LANES, h)
        if fresh[g]:
            for a in range(p):
                store(vm, a * LANES, none)
    # q_i, and what multiplies x_i
    for i in range(n):
        v = load(x, i * LANES)
        q = none
        for a in range(k):
            q = fma(spread_from(z, i * k + a), load(inverse, (k * p + a) * LANES), q)
        q = (two * q + v * load(inverse, (k * p + k) * LANES)) * v
        for j in range(pairs):
            q = fma(spread_from(zz, i * pairs + j), load(doubled, j * LANES), q)
        w = load(weight, i * LANES)
        store(slope, i * LANES, load(taken, i * LANES) * q - two * w * load(slope, i * LANES))
        store(quadratic, i * LANES, w * q)
    # the sums over patients of each column; vm is free now and takes them
    for a in range(p):
        third = none
        big = none
        step = step_row.size - 1
        for g in range(groups - 1, -1, -1):
            big = big + load(mean, (a * groups + g) * LANES)
            low = step_end[g - 1] if g > 0 else 0
            while step >= low:
                row = step_row[step]
                third = third - spread_from(step_sign, step) * load(quadratic, row * LANES) * big
                step -= 1
            if efron and dead_end[g] - dead_start[g] > 1:
                share = load(share_mean, (a * groups + g) * LANES)
                for d in range(dead_start[g], dead_end[g]):
                    third = fma(load(quadratic, dead_row[d] * LANES), share, third)
            if fresh[g]:
                big = none
        if a < k:
            for i in range(n):
                third = fma(spread_from(z, i * k + a), load(slope, i * LANES), third)
        else:
            for i in range(n):
                third = fma(load(x, i * LANES), load(slope, i * LANES), third)
        store(vm, a * LANES, third)
    for term in range(terms):
        q = none
        for a in range(p):
            s = none
            for b in range(a):
                s = fma(load(inverse, (a * p + b) * LANES), load(term_mean, (b * terms + term) * LANES), s)
            m = load(term_mean, (a * terms + term) * LANES)
            q = fma(m, two * s + m * load(inverse, (a * p + a) * LANES), q)
        q = q * two
        for a in range(p):
            store(vm, a * LANES, fma(q, load(term_mean, (a * terms + term) * LANES), load(vm, a * LANES)))
    half = spread(0.5)
    for a in range(p):
        store(score, a * LANES, fma(half, load(vm, a * LANES), load(score, a * LANES)))


def work_size(n: int, k: int, groups: int, terms: int) -> int:
    """Return how many numbers :func:`fit_block` needs as scratch."""
    p = k + 1
    return LANES * (4 * n + (p + 2) * terms + (2 * p + 3) * groups + 4 * p * p + 4 * p + 8)


@njit(**_options)
def fit_block(  # type: ignore[no-untyped-def]
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
    z, zz, x, alive, beta, free_marker, firth, tolerance, work, loglike, marker_score, marker_variance, inverse_out, state,
):  # fmt: skip
    """Climb from `beta` (p, LANES), which is overwritten by the maximum; a lane whose `state` is not 0 stays as it is.

    Newton's method with the information as curvature and halved steps; with Firth's penalty, whose curvature the
    information lacks, one secant pair corrects it (SR1).  `tolerance` bounds the Newton decrement.
    """
    n, k = z.shape
    p = k + 1
    free = p if free_marker else k
    groups = step_end.size
    terms = dead_row.size
    weight, taken, slope, quadratic = work[: 4 * n * LANES].reshape(4, n * LANES)
    rest = work[4 * n * LANES :]
    term_mean, rest = rest[: p * terms * LANES], rest[p * terms * LANES :]
    term_recip, rest = rest[: terms * LANES], rest[terms * LANES :]
    fraction, rest = rest[: terms * LANES], rest[terms * LANES :]
    mean, rest = rest[: p * groups * LANES], rest[p * groups * LANES :]
    share_mean, rest = rest[: p * groups * LANES], rest[p * groups * LANES :]
    recip, rest = rest[: groups * LANES], rest[groups * LANES :]
    share_recip, rest = rest[: groups * LANES], rest[groups * LANES :]
    count, rest = rest[: groups * LANES], rest[groups * LANES :]
    information, rest = rest[: p * p * LANES], rest[p * p * LANES :]
    factor_l, rest = rest[: p * p * LANES], rest[p * p * LANES :]
    inverse_flat, rest = rest[: p * p * LANES], rest[p * p * LANES :]
    doubled, rest = rest[: p * p * LANES], rest[p * p * LANES :]
    vm, rest = rest[: p * LANES], rest[p * LANES :]
    score_flat, rest = rest[: p * LANES], rest[p * LANES :]
    column, rest = rest[: p * LANES], rest[p * LANES :]
    beta_flat, rest = rest[: p * LANES], rest[p * LANES :]
    linear_dead, log_sum, least = rest[:LANES], rest[LANES : 3 * LANES], rest[3 * LANES : 4 * LANES]
    pivot = rest[4 * LANES : 5 * LANES]
    inverse = inverse_flat.reshape(p, p, LANES)
    score = score_flat.reshape(p, LANES)
    beta_lanes = beta_flat.reshape(p, LANES)
    value = np.empty(LANES)
    ok = np.empty(LANES, dtype=np.int64)
    for g in range(groups):
        s = spread(0.0)
        for d in range(dead_start[g], dead_end[g]):
            s = s + load(alive, dead_row[d] * LANES)
        store(count, g * LANES, s)
    best = beta.copy()
    step = np.zeros((p, LANES))
    old_score = np.zeros((p, LANES))
    halvings = np.zeros(LANES, dtype=np.int64)
    direction = np.empty(p)
    residual = np.empty(p)
    begun = False
    used = 0
    for _ in range(MAX_EVALUATIONS):
        beta_lanes[:] = beta
        _weigh(z, x, alive, beta_flat, weight, linear_dead, dead_row)
        _terms(
            step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
            alive, weight, count, term_recip, fraction, recip, share_recip, log_sum, least,
        )  # fmt: skip
        _means(
            step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
            z, x, alive, weight, term_recip, fraction, term_mean, mean, share_mean, score_flat,
        )  # fmt: skip
        _information(
            step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
            z, zz, x, weight, recip, share_recip, term_mean, taken, information,
        )  # fmt: skip
        store(pivot, 0, cholesky(information, factor_l, p))
        invert(factor_l, column, inverse_flat, p)
        if firth:
            _add_penalty_score(
                step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
                z, zz, x, weight, taken, term_mean, mean, share_mean, inverse_flat, slope, quadratic, doubled, vm, score_flat,
            )  # fmt: skip
        for lane in range(LANES):
            value[lane] = linear_dead[lane] - np.log(log_sum[lane]) - log_sum[LANES + lane] * 0.6931471805599453
            if firth:
                for a in range(p):
                    value[lane] -= np.log(factor_l[(a * p + a) * LANES + lane])
            # what delayed entry takes away may leave only rounding; a pivot near 0 is a collinear column
            good = least[lane] > 0.0 and pivot[lane] > COLLINEAR and np.isfinite(value[lane])
            ok[lane] = 1 if good else 0
        used += 1
        running = 0
        for lane in range(LANES):
            if state[lane] != RUNNING:
                continue
            lower = begun and value[lane] < loglike[lane] - 1e-12 * max(1.0, abs(loglike[lane]))
            if ok[lane] == 0 or lower:
                halvings[lane] += 1
                if not begun or halvings[lane] > 25:
                    state[lane] = FAILED
                    continue
                for a in range(free):
                    step[a, lane] *= 0.5
                    beta[a, lane] = best[a, lane] + step[a, lane]
                running += 1
                continue
            halvings[lane] = 0
            loglike[lane] = value[lane]
            marker_score[lane] = score[k, lane]
            marker_variance[lane] = inverse[k, k, lane]
            if not free_marker:
                # the inverse of the covariates' block alone
                for a in range(k):
                    for b in range(k):
                        inverse_out[a, b, lane] = (
                            inverse[a, b, lane] - inverse[a, k, lane] * inverse[k, b, lane] / inverse[k, k, lane]
                        )
            else:
                for a in range(p):
                    for b in range(p):
                        inverse_out[a, b, lane] = inverse[a, b, lane]
            longest = 0.0
            decrement = 0.0
            for a in range(free):
                direction[a] = 0.0
                residual[a] = step[a, lane]
                for b in range(free):
                    direction[a] += inverse_out[a, b, lane] * score[b, lane]
                    residual[a] -= inverse_out[a, b, lane] * (old_score[b, lane] - score[b, lane])
            if firth and begun:
                # secant: the inverse Hessian sends the change of the score to the step that was made
                bottom = 0.0
                top = 0.0
                size = 0.0
                size_y = 0.0
                for a in range(free):
                    y = old_score[a, lane] - score[a, lane]
                    bottom += residual[a] * y
                    top += residual[a] * score[a, lane]
                    size += residual[a] * residual[a]
                    size_y += y * y
                if abs(bottom) > 1e-6 * np.sqrt(size * size_y) and size > 0.0:
                    gain = 0.0
                    for a in range(free):
                        gain += (direction[a] + residual[a] * top / bottom) * score[a, lane]
                    if gain > 0.0:
                        for a in range(free):
                            direction[a] += residual[a] * top / bottom
            for a in range(free):
                decrement += direction[a] * score[a, lane]
                longest = max(longest, abs(direction[a]))
            for a in range(p):
                best[a, lane] = beta[a, lane]
                old_score[a, lane] = score[a, lane]
            if not np.isfinite(longest) or longest > 1e6:
                state[lane] = FAILED
                continue
            # a coefficient that still runs when nothing is left to gain has no maximum: the careful path says so
            if decrement < tolerance and longest < 1e-4:
                state[lane] = DONE
                loglike[lane] += 0.5 * decrement
                for a in range(free):
                    best[a, lane] += direction[a]
                continue
            factor = min(1.0, LONGEST_STEP / longest)
            for a in range(free):
                step[a, lane] = factor * direction[a]
                beta[a, lane] = best[a, lane] + step[a, lane]
            running += 1
        begun = True
        if running == 0:
            break
    for lane in range(LANES):
        if state[lane] == RUNNING:
            state[lane] = FAILED
        for a in range(p):
            beta[a, lane] = best[a, lane]
    return used


@njit(**_options)
def fit_chunk(  # type: ignore[no-untyped-def]
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
    z, zz, x, alive, beta, free_marker, firth, tolerance, work, loglike, marker_score, marker_variance, state,
):  # fmt: skip
    """Fit block after block: x (blocks, n * LANES), alive the same or (1, n * LANES) when nobody is missing."""
    p = z.shape[1] + 1
    inverse = np.empty((p, p, LANES))
    shared = alive.shape[0] == 1
    for block in range(x.shape[0]):
        fit_block(
            step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron,
            z, zz, x[block], alive[0 if shared else block], beta[block], free_marker, firth, tolerance, work,
            loglike[block], marker_score[block], marker_variance[block], inverse, state[block],
        )  # fmt: skip
