"""Standardised columns and an ordinal or censored outcome -> coefficients of the elastic net along a path of penalties.

Compiled; imported only inside the functions that fit.  A proximal Newton method: the log-likelihood is replaced
by its second-order expansion in the columns that are in the model or violate their optimality condition, the
penalised quadratic is minimised one coordinate at a time, and the step is halved until the objective falls.
It stops on the optimality conditions themselves, not on small steps, so that "converged" means solved.
Plain loops instead of BLAS: the bytes do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from resistance.compiled import njit

ORDINAL, COX = 0, 1
MAX_ROUNDS = 200
#: last step, in standard deviations, of a coefficient without penalty that counts as found
AT_REST = 1e-3


@njit(cache=True, error_model="numpy")
def _log_sigmoid(value: Any) -> Any:
    return -np.log1p(np.exp(-value)) if value > 0 else value - np.log1p(np.exp(value))


@njit(cache=True, error_model="numpy")
def _sigmoid(value: Any) -> Any:
    if value > 0:
        return 1.0 / (1.0 + np.exp(-value))
    grown = np.exp(value)
    return grown / (1.0 + grown)


@njit(cache=True, error_model="numpy")
def ordinal_loss(eta: Any, category: Any, theta: Any) -> float:
    """Return minus the log-likelihood of logit P(Y <= j) = theta_j - eta; infinite where thresholds cross."""
    q = theta.size
    for j in range(1, q):
        if not theta[j] > theta[j - 1]:
            return np.inf
    total = 0.0
    for i in range(eta.size):
        c = category[i]
        # P(b < . <= a) = s(a) s(-b) (1 - e^(b-a)): no difference of two numbers near 1
        if c < q:
            total -= _log_sigmoid(theta[c] - eta[i])
        if c > 0:
            total -= _log_sigmoid(eta[i] - theta[c - 1])
        if 0 < c < q:
            total -= np.log(-np.expm1(theta[c - 1] - theta[c]))
    return total


@njit(cache=True, error_model="numpy")
def _ordinal_slopes(
    eta: Any, category: Any, theta: Any, u: Any, v: Any, lower: Any, upper: Any, gradient: Any, hessian: Any
) -> None:
    """Fill derivatives: in eta (u, v), across eta and the patient's two thresholds, and in the thresholds."""
    q = theta.size
    for j in range(q):
        gradient[j] = 0.0
        for k in range(q):
            hessian[j, k] = 0.0
    for i in range(eta.size):
        c = category[i]
        u[i] = 0.0
        v[i] = 0.0
        lower[i] = 0.0
        upper[i] = 0.0
        if c < q:
            s = _sigmoid(eta[i] - theta[c])
            w = s * _sigmoid(theta[c] - eta[i])
            u[i] += s
            v[i] += w
            upper[i] = -w
            gradient[c] -= s
            hessian[c, c] += w
        if c > 0:
            s = _sigmoid(theta[c - 1] - eta[i])
            w = s * _sigmoid(eta[i] - theta[c - 1])
            u[i] -= s
            v[i] += w
            lower[i] = -w
            gradient[c - 1] += s
            hessian[c - 1, c - 1] += w
        if 0 < c < q:
            ratio = 1.0 / np.expm1(theta[c] - theta[c - 1])
            bend = ratio * (1.0 + ratio)
            gradient[c] -= ratio
            gradient[c - 1] += ratio
            hessian[c, c] += bend
            hessian[c - 1, c - 1] += bend
            hessian[c, c - 1] -= bend
            hessian[c - 1, c] -= bend


@njit(cache=True, error_model="numpy")
def cox_loss(eta: Any, event: Any, start: Any, stop: Any, deaths: Any, first: Any, last: Any) -> float:
    """Return minus the log partial likelihood (Breslow).

    Rows stand by stratum and falling time; block b holds rows start..stop of one time, ``first`` and ``last``
    are the rows of its stratum.
    """
    total = 0.0
    shift = 0.0
    running = 0.0
    for b in range(start.size):
        if start[b] == first[b]:
            shift = -np.inf
            for i in range(first[b], last[b]):
                shift = max(shift, eta[i])
            running = 0.0
        for i in range(start[b], stop[b]):
            running += np.exp(eta[i] - shift)
            if event[i]:
                total -= eta[i]
        if deaths[b] > 0:
            total += deaths[b] * (np.log(running) + shift)
    return total


@njit(cache=True, error_model="numpy")
def _cox_slopes(
    eta: Any, event: Any, start: Any, stop: Any, deaths: Any, first: Any, last: Any, u: Any, v: Any, weight: Any, at_risk: Any
) -> None:
    """Fill the gradient in eta, the diagonal part of the curvature, exp(eta) and the sums over the risk sets."""
    shift = 0.0
    running = 0.0
    for b in range(start.size):
        if start[b] == first[b]:
            shift = -np.inf
            for i in range(first[b], last[b]):
                shift = max(shift, eta[i])
            running = 0.0
        for i in range(start[b], stop[b]):
            weight[i] = np.exp(eta[i] - shift)
            running += weight[i]
        at_risk[b] = running
    hazard = 0.0
    for b in range(start.size - 1, -1, -1):
        if stop[b] == last[b]:
            hazard = 0.0
        if deaths[b] > 0:
            hazard += deaths[b] / at_risk[b]
        for i in range(start[b], stop[b]):
            v[i] = weight[i] * hazard
            u[i] = v[i] - event[i]


@njit(cache=True, error_model="numpy")
def _quadratic(
    gradient: Any, hessian: Any, now: Any, l1: Any, l2: Any, step: Any, slope: Any, tolerance: float, sweeps: int
) -> None:
    """Minimise gradient'd + d'Hd/2 + penalty(now + d) coordinate by coordinate; fills `step` with d."""
    m = gradient.size
    for j in range(m):
        step[j] = 0.0
        slope[j] = gradient[j]
    for _ in range(sweeps):
        largest = 0.0
        for j in range(m):
            curve = hessian[j, j]
            if not curve + l2[j] > 1e-300:
                continue
            here = now[j] + step[j]
            raw = curve * here - slope[j]
            size = abs(raw) - l1[j]
            there = 0.0
            if size > 0:
                there = (size if raw > 0 else -size) / (curve + l2[j])
            delta = there - here
            if delta != 0.0:
                step[j] += delta
                for k in range(m):
                    slope[k] += delta * hessian[j, k]
                largest = max(largest, abs(delta) * (curve + l2[j]))
        if largest < tolerance:
            return


@njit(cache=True, error_model="numpy")
def path(
    x: Any,
    family: int,
    category: Any,
    event: Any,
    start: Any,
    stop: Any,
    deaths: Any,
    first: Any,
    last: Any,
    lambdas: Any,
    alpha: float,
    factor: Any,
    theta_start: Any,
    tolerance: float,
) -> Any:
    """Fit every penalty of a falling sequence, each from where the last one ended.

    The objective is -loglik/n + lambda * sum_j factor_j (alpha |b_j| + (1 - alpha) b_j^2 / 2).

    Returns
    -------
    coef (L, p), thresholds (L, q), loss (L,), gradient at the last penalty (p,), solved (L,)
    """
    n, p = x.shape
    q = theta_start.size
    coef = np.zeros((lambdas.size, p))
    thresholds = np.zeros((lambdas.size, q))
    losses = np.zeros(lambdas.size)
    solved = np.zeros(lambdas.size, dtype=np.bool_)
    beta = np.zeros(p)
    theta = np.zeros(q)
    for j in range(q):
        theta[j] = theta_start[j]
    eta = np.zeros(n)
    trial_eta = np.zeros(n)
    trial_theta = np.zeros(q)
    u = np.zeros(n)
    v = np.zeros(n)
    lower = np.zeros(n)
    upper = np.zeros(n)
    weight = np.zeros(n)
    at_risk = np.zeros(start.size)
    g = np.zeros(p)
    gt = np.zeros(q)
    ht = np.zeros((q, q))
    active = np.zeros(p, dtype=np.int64)
    loss = ordinal_loss(eta, category, theta) if family == 0 else cox_loss(eta, event, start, stop, deaths, first, last)
    for at in range(lambdas.size):
        lam = lambdas[at]
        bounded = lam > 0 and factor.min() > 0 if p > 0 else True
        largest = 0.0
        for _ in range(MAX_ROUNDS):
            if family == 0:
                _ordinal_slopes(eta, category, theta, u, v, lower, upper, gt, ht)
            else:
                _cox_slopes(eta, event, start, stop, deaths, first, last, u, v, weight, at_risk)
            for j in range(p):
                g[j] = 0.0
            for i in range(n):
                ui = u[i] / n
                for j in range(p):
                    g[j] += ui * x[i, j]
            violation = 0.0
            for j in range(q):
                violation = max(violation, abs(gt[j]) / n)
            m = 0
            penalty = 0.0
            for j in range(p):
                l1 = lam * alpha * factor[j]
                l2 = lam * (1.0 - alpha) * factor[j]
                penalty += l1 * abs(beta[j]) + 0.5 * l2 * beta[j] * beta[j]
                if beta[j] > 0:
                    off = abs(g[j] + l2 * beta[j] + l1)
                elif beta[j] < 0:
                    off = abs(g[j] + l2 * beta[j] - l1)
                else:
                    off = abs(g[j]) - l1
                if beta[j] != 0 or off > 0.5 * tolerance:
                    active[m] = j
                    m += 1
                violation = max(violation, off)
            if not np.isfinite(violation):
                break
            # without a penalty the gradient also vanishes on the way to infinity (separation): there the coefficients
            # must have come to rest as well
            if not bounded and violation < 1e-13 and largest > AT_REST:
                break
            if violation < tolerance and (bounded or largest <= AT_REST):
                solved[at] = True
                break
            size = q + m
            gradient = np.zeros(size)
            now = np.zeros(size)
            one = np.zeros(size)
            two = np.zeros(size)
            hessian = np.zeros((size, size))
            xa = np.empty((n, m))
            for i in range(n):
                for k in range(m):
                    xa[i, k] = x[i, active[k]]
            for j in range(q):
                gradient[j] = gt[j] / n
                for k in range(q):
                    hessian[j, k] = ht[j, k] / n
            for k in range(m):
                j = active[k]
                gradient[q + k] = g[j]
                now[q + k] = beta[j]
                one[q + k] = lam * alpha * factor[j]
                two[q + k] = lam * (1.0 - alpha) * factor[j]
            for i in range(n):
                vi = v[i] / n
                for a in range(m):
                    xv = vi * xa[i, a]
                    for b in range(a + 1):
                        hessian[q + a, q + b] += xv * xa[i, b]
                if q > 0:
                    c = category[i]
                    if c < q:
                        for a in range(m):
                            hessian[q + a, c] += upper[i] * xa[i, a] / n
                    if c > 0:
                        for a in range(m):
                            hessian[q + a, c - 1] += lower[i] * xa[i, a] / n
            if family == 1:
                mean = np.zeros(m)
                for b in range(start.size):
                    if start[b] == first[b]:
                        for a in range(m):
                            mean[a] = 0.0
                    for i in range(start[b], stop[b]):
                        for a in range(m):
                            mean[a] += weight[i] * xa[i, a]
                    if deaths[b] > 0:
                        scale = deaths[b] / (at_risk[b] * at_risk[b] * n)
                        for a in range(m):
                            xm = scale * mean[a]
                            for k in range(a + 1):
                                hessian[a, k] -= xm * mean[k]
            for a in range(size):
                for b in range(a):
                    hessian[b, a] = hessian[a, b]
            step = np.zeros(size)
            _quadratic(gradient, hessian, now, one, two, step, np.zeros(size), 1e-2 * violation, 10000)
            expected = 0.0
            for k in range(size):
                there = now[k] + step[k]
                expected += gradient[k] * step[k] + one[k] * (abs(there) - abs(now[k]))
                expected += 0.5 * two[k] * (there * there - now[k] * now[k])
            direction = np.zeros(n)
            for i in range(n):
                total = 0.0
                for k in range(m):
                    total += xa[i, k] * step[q + k]
                direction[i] = total
            before = loss / n + penalty
            slack = 1e-13 * max(1.0, abs(before))
            share = 1.0
            moved = False
            for _half in range(40):
                for i in range(n):
                    trial_eta[i] = eta[i] + share * direction[i]
                for j in range(q):
                    trial_theta[j] = theta[j] + share * step[j]
                trial = (
                    ordinal_loss(trial_eta, category, trial_theta)
                    if family == 0
                    else cox_loss(trial_eta, event, start, stop, deaths, first, last)
                )
                cost = trial / n + penalty
                for k in range(q, size):
                    there = now[k] + share * step[k]
                    cost += one[k] * (abs(there) - abs(now[k])) + 0.5 * two[k] * (there * there - now[k] * now[k])
                if cost <= before + 1e-4 * share * min(expected, 0.0) + slack:
                    moved = True
                    break
                share *= 0.5
            if not moved:
                break
            largest = 0.0
            for k in range(size):
                largest = max(largest, share * abs(step[k]))
            loss = trial
            for i in range(n):
                eta[i] = trial_eta[i]
            for j in range(q):
                theta[j] = trial_theta[j]
            for k in range(m):
                beta[active[k]] = now[q + k] + share * step[q + k]
        for j in range(p):
            coef[at, j] = beta[j]
        for j in range(q):
            thresholds[at, j] = theta[j]
        losses[at] = loss
        if not solved[at]:
            break  # a smaller penalty has no better chance
    return coef, thresholds, losses, g, solved


@njit(cache=True, error_model="numpy")
def rotation(x: Any) -> Any:
    """Return the pivoted Cholesky factor of x x', shape (n, r), and its pivots: a ridge fit of n columns instead of p."""
    n, p = x.shape
    product = np.zeros((n, n))
    for i in range(n):
        for k in range(i + 1):
            a = 0.0
            b = 0.0
            c = 0.0
            d = 0.0
            whole = p - p % 4
            for j in range(0, whole, 4):
                a += x[i, j] * x[k, j]
                b += x[i, j + 1] * x[k, j + 1]
                c += x[i, j + 2] * x[k, j + 2]
                d += x[i, j + 3] * x[k, j + 3]
            for j in range(whole, p):
                a += x[i, j] * x[k, j]
            product[i, k] = (a + b) + (c + d)
            product[k, i] = product[i, k]
    factor = np.zeros((n, n))
    pivots = np.zeros(n, dtype=np.int64)
    left = np.zeros(n)
    trace = 0.0
    for i in range(n):
        left[i] = product[i, i]
        trace += left[i]
    rank = 0
    for r in range(n):
        best = 0
        for i in range(1, n):
            if left[i] > left[best]:
                best = i
        if not left[best] > 1e-13 * trace:
            break
        pivots[r] = best
        root = np.sqrt(left[best])
        for i in range(n):
            total = product[i, best]
            for k in range(r):
                total -= factor[i, k] * factor[best, k]
            factor[i, r] = total / root
        for k in range(r):
            factor[pivots[k], r] = 0.0
        factor[best, r] = root
        for i in range(n):
            left[i] -= factor[i, r] * factor[i, r]
        for k in range(r + 1):
            left[pivots[k]] = -1.0
        rank += 1
    return factor[:, :rank].copy(), pivots[:rank].copy()
