"""Columns and an outcome already checked -> a penalised path on the original scale; shared by the three penalised models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, numbers

Integers = NDArray[np.int64]
#: a mixing below this would put the first penalty of a path at infinity (ridge never has an all-zero fit)
LEAST_MIXING = 1e-3
#: log ratio from the lowest to the highest value beyond which a coefficient without penalty is on its way to infinity
RUNNING = 30.0


@dataclass(frozen=True)
class Standardised:
    """Centred columns of unit standard deviation (divisor n), as the penalty sees them.

    Parameters
    ----------
    columns : array, shape (n, k)
        Constant columns are 0 throughout, so that their coefficient stays 0.
    mean, spread : array, shape (k,)
    constant : tuple of int
    """

    columns: FloatArray
    mean: FloatArray
    spread: FloatArray
    constant: tuple[int, ...]


@dataclass(frozen=True)
class Blocks:
    """Rows of a Cox model by stratum and falling time; one block per distinct time of a stratum."""

    order: NDArray[np.intp]
    event: Integers
    start: Integers
    stop: Integers
    deaths: Integers
    first: Integers
    last: Integers


@dataclass(frozen=True)
class Solution:
    """Coefficients per penalty on the original scale; thresholds belong to columns as they were given."""

    lambdas: FloatArray
    coef: FloatArray
    thresholds: FloatArray
    loss: FloatArray
    loss_null: float
    solved: BoolArray
    reason: str
    columns: tuple[int, ...]
    note: str


def standardise(x: FloatArray, wanted: bool = True) -> Standardised:
    """Centre and scale; with ``wanted`` False columns are centred only (which changes no penalised coefficient)."""
    if x.shape[0] == 0:
        raise ValueError("columns: no patients")
    # a column of one value may have a standard deviation of 1e-17 from rounding of its mean: its range decides
    constant = np.ptp(x, axis=0) == 0
    mean = np.where(constant, x[0], x.mean(axis=0))
    centred = x - mean
    spread = np.sqrt((centred**2).mean(axis=0)) if wanted else np.ones(x.shape[1])
    spread = np.where(constant | ~(spread > 0), 1.0, spread)
    scaled = np.ascontiguousarray(centred / spread)
    scaled[:, constant] = 0.0
    return Standardised(scaled, mean, spread, tuple(int(i) for i in np.flatnonzero(constant)))


def blocks(time: FloatArray, event: BoolArray, strata: NDArray[np.intp] | None) -> Blocks:
    """Sort the rows of a Cox model and mark ties and strata."""
    group = np.zeros(time.size, dtype=np.intp) if strata is None else strata
    order = np.lexsort((-time, group))
    g, t, e = group[order], time[order], event[order].astype(np.int64)
    n = t.size
    new = np.ones(n, dtype=bool)
    new[1:] = (g[1:] != g[:-1]) | (t[1:] != t[:-1])
    start = np.flatnonzero(new)
    stop = np.append(start[1:], n)
    first, last = np.searchsorted(g, g[start], side="left"), np.searchsorted(g, g[start], side="right")
    deaths = np.add.reduceat(e, start)
    whole = [a.astype(np.int64) for a in (start, stop, deaths, first, last)]
    return Blocks(order, e, whole[0], whole[1], whole[2], whole[3], whole[4])


def cumulative_logits(category: Integers, levels: int) -> FloatArray:
    """Return the thresholds of the model without columns: log odds of "at most category j"."""
    at_most = np.cumsum(np.bincount(category, minlength=levels))[:-1]
    return np.asarray(np.log(at_most / (category.size - at_most)), dtype=np.float64)


def penalties(lambdas: ArrayLike | None) -> FloatArray | None:
    """Check penalties given by the caller; returned falling and distinct."""
    if lambdas is None:
        return None
    given = numbers(np.atleast_1d(np.asarray(lambdas, dtype=np.float64)), "lambdas")
    if given.size == 0 or (given < 0).any():
        raise ValueError("lambdas: one or more numbers that are not negative are needed")
    return np.unique(given)[::-1].copy()


def factors(penalty_factor: ArrayLike | None, k: int) -> FloatArray:
    """Check penalty factors; they are scaled to a mean of 1, as in glmnet."""
    if penalty_factor is None:
        return np.ones(k)
    factor = numbers(penalty_factor, "penalty_factor", k)
    if (factor < 0).any():
        raise ValueError("penalty_factor: negative values")
    if not factor.any():
        raise ValueError("penalty_factor: at least one column must be penalised")
    return np.asarray(factor * (k / factor.sum()), dtype=np.float64)


def mixing(alpha: float) -> float:
    """Check the mixing of lasso (1) and ridge (0)."""
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: {alpha} is not between 0 (ridge) and 1 (lasso)")
    return float(alpha)


def solve(
    table: Standardised,
    *,
    alpha: float,
    factor: FloatArray,
    lambdas: FloatArray | None,
    n_lambdas: int,
    lambda_min_ratio: float | None,
    tolerance: float,
    category: Integers | None = None,
    thresholds: FloatArray | None = None,
    cox: Blocks | None = None,
) -> Solution:
    """Run the compiled path; `category` and `thresholds` for an ordinal outcome, `cox` for a censored one."""
    from resistance.stats.prediction import _descent

    x = table.columns
    n, k = x.shape
    none = np.zeros(0, dtype=np.int64)
    if cox is None:
        family, c, theta = _descent.ORDINAL, category, thresholds
        e = start = stop = deaths = first = last = none
    else:
        family, c, theta, x = _descent.COX, none, np.zeros(0), np.ascontiguousarray(x[cox.order])
        e, start, stop, deaths, first, last = cox.event, cox.start, cox.stop, cox.deaths, cox.first, cox.last

    def run(columns: FloatArray, at: FloatArray, mix: float, weight: FloatArray, stop_at: float) -> tuple[FloatArray, ...]:
        found = _descent.path(columns, family, c, e, start, stop, deaths, first, last, at, mix, weight, theta, stop_at)
        return tuple(np.asarray(part) for part in found)

    free = factor == 0
    if lambdas is None or k == 0:
        # the gradient of the model without penalised columns says where the first of them enters
        null = run(np.ascontiguousarray(x[:, free]), np.zeros(1), 1.0, np.zeros(int(free.sum())), 0.1 * tolerance)
        if lambdas is None:
            lambdas = _sequence(x, free, factor, alpha, null, family, c, cox, n_lambdas, lambda_min_ratio)
    if alpha == 0 and k > n and np.all(factor == factor[:1]):
        rotated, pivots = _descent.rotation(x)
        coef, theta_path, loss, _, flag = run(rotated, lambdas, 0.0, np.ones(rotated.shape[1]), tolerance)
        coef = _rotated_back(x, rotated, pivots, coef)
    else:
        coef, theta_path, loss, _, flag = run(x, lambdas, alpha, factor, tolerance)
    if cox is None:
        loss_null = float(_descent.ordinal_loss(np.zeros(n), c, theta))
    else:
        loss_null = float(_descent.cox_loss(np.zeros(n), e, start, stop, deaths, first, last))
    solved, reason, columns = _trusted(table, coef, lambdas, factor, flag.astype(np.bool_))
    original = coef / table.spread
    # logit P(Y <= j) = theta_j - (x - mean) b = (theta_j + mean b) - x b
    theta_path = theta_path + np.einsum("lk,k->l", original, table.mean)[:, None]
    original[~solved], theta_path[~solved], loss = np.nan, np.nan, np.where(solved, loss, np.nan)
    words = []
    if reason:
        cause = {
            "collinear": f" ({names(columns)}: collinear, without a penalty)",
            "monotone": f" ({names(columns)}: no finite coefficient without a penalty: separation)",
            "iterations": "",
        }[reason]
        words.append(f"{int((~solved).sum())} of {solved.size} penalties not solved{cause}")
    if table.constant:
        words.append(f"{names(table.constant)}: constant, coefficient 0")
    return Solution(lambdas, original, theta_path, loss, loss_null, solved, reason, columns or table.constant, "; ".join(words))


def _trusted(
    table: Standardised, coef: FloatArray, lambdas: FloatArray, factor: FloatArray, flag: BoolArray
) -> tuple[BoolArray, str, tuple[int, ...]]:
    """Return which fits count, why others do not, and the columns that are the cause.

    A column without penalty has a coefficient only if the others do not determine it and it does not run to infinity.
    """
    varies = np.ones(factor.size, dtype=bool)
    varies[list(table.constant)] = False
    solved = flag.copy()
    reach = np.ptp(table.columns, axis=0) if factor.size else np.zeros(0)
    reason, columns = "", set()
    for at in range(lambdas.size):
        free = varies & ((lambdas[at] == 0) | (factor == 0))
        which = np.flatnonzero(free)
        if which.size == 0:
            continue
        dependent = which[_dependent(table.columns[:, which])] if which.size < table.columns.shape[0] else which
        running = which[np.abs(coef[at, which]) * reach[which] > RUNNING]
        if dependent.size:
            solved[at], reason, columns = False, "collinear", set(dependent.tolist())
        elif running.size or not flag[at]:
            solved[at], reason = False, "monotone" if running.size or which.size else "iterations"
            columns = set(running.tolist()) or set(which.tolist())
    if not solved.all() and not reason:
        reason = "iterations"
    return solved, reason, tuple(sorted(columns))


def _dependent(columns: FloatArray) -> BoolArray:
    """Return which columns take part in a linear combination that is 0 for every patient."""
    centred = columns - columns.mean(axis=0)
    correlation = np.einsum("ni,nj->ij", centred, centred)
    scale = np.sqrt(np.diag(correlation))
    values, vectors = np.linalg.eigh(correlation / np.outer(scale, scale))
    null = vectors[:, values < 1e-10]
    return np.asarray((np.abs(null) > 1e-3).any(axis=1)) if null.size else np.zeros(columns.shape[1], dtype=np.bool_)


def _sequence(
    x: FloatArray,
    free: BoolArray,
    factor: FloatArray,
    alpha: float,
    null: tuple[FloatArray, ...],
    family: int,
    category: Integers | None,
    cox: Blocks | None,
    count: int,
    ratio: float | None,
) -> FloatArray:
    """Return a geometric sequence from the smallest penalty at which all penalised coefficients are 0."""
    n, k = x.shape
    if count < 2:
        raise ValueError("n_lambdas: at least 2 are needed")
    if ratio is None:
        ratio = 0.01 if n < k else 1e-4  # glmnet's
    if not 0 < ratio < 1:
        raise ValueError("lambda_min_ratio: a number between 0 and 1 is needed")
    residual = _residual(np.einsum("nk,k->n", x[:, free], null[0][0]), null[1][0], family, category, cox)
    pull = np.abs(np.einsum("n,nk->k", residual, x)) / n
    entry = np.max(pull[~free] / factor[~free], initial=0.0) / max(alpha, LEAST_MIXING)
    # with unpenalised columns the gradient is known as well as their coefficients only: a little more keeps the rest out
    top = entry * (1 + (1e-6 if free.any() else 0.0)) if entry > 0 else 1.0
    return np.asarray(top * ratio ** (np.arange(count) / (count - 1)), dtype=np.float64)


def _residual(eta: FloatArray, theta: FloatArray, family: int, category: Integers | None, cox: Blocks | None) -> FloatArray:
    """Return minus the derivative of the log-likelihood in each patient's linear predictor."""
    if cox is not None:
        weight = np.exp(eta - eta.max(initial=0.0))
        out = np.zeros(eta.size)
        for group in np.unique(cox.first):
            here = np.flatnonzero(cox.first == group)
            running = np.cumsum(weight[group : cox.last[here[0]]])
            at_risk = running[cox.stop[here] - 1 - group]
            hazard = np.cumsum((cox.deaths[here] / at_risk)[::-1])[::-1]
            for b, h in zip(here, hazard, strict=True):
                out[cox.start[b] : cox.stop[b]] = weight[cox.start[b] : cox.stop[b]] * h
        return out - cox.event
    assert category is not None
    from scipy.special import expit

    edges = np.concatenate([[-np.inf], theta, [np.inf]])
    return np.asarray(expit(eta - edges[category + 1]) - expit(edges[category] - eta), dtype=np.float64)


def _rotated_back(x: FloatArray, rotated: FloatArray, pivots: NDArray[np.int64], coef: FloatArray) -> FloatArray:
    """Return ridge coefficients of the columns from those of the Cholesky factor of x x'."""
    triangle = rotated[pivots]
    dual = np.zeros((triangle.shape[0], coef.shape[0]))
    for i in range(triangle.shape[0] - 1, -1, -1):  # by hand: the bytes must not depend on the threads of a BLAS
        dual[i] = (coef[:, i] - np.einsum("r,rl->l", triangle[i + 1 :, i], dual[i + 1 :])) / triangle[i, i]
    return np.asarray(np.einsum("rl,rk->lk", dual, x[pivots]), dtype=np.float64)


def names(columns: tuple[int, ...]) -> str:
    """Return "column 3" or "columns 1, 2"."""
    return ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
