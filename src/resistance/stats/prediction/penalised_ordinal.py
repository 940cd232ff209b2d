"""An ordered outcome and many columns -> proportional odds with lasso, ridge or both, along a path of penalties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, matrix, numbers
from resistance.stats.prediction import _path


@dataclass(frozen=True)
class PenalisedOrdinal:
    """Penalised proportional odds, one fit per penalty; a fit that did not converge is NaN.

    Parameters
    ----------
    lambdas : array, shape (L,)
        Penalties, falling.
    levels : array, shape (J,)
        The categories met, ascending.
    thresholds : array, shape (L, J - 1)
        logit P(Y <= level j) = threshold j - columns @ coef.
    coef : array, shape (L, k)
        Log odds ratios of a higher category per unit of each column as it was given.
    loglike, deviance_ratio : array, shape (L,)
    n_active : array of int, shape (L,)
    n : int
    counts : array of int, shape (J,)
        Patients per category.
    converged : bool
    solved : array of bool, shape (L,)
    reason : {'', 'constant outcome', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        Columns that are the reason; without one the constant columns, whose coefficient is 0 (not an error).
    note : str
    """

    lambdas: FloatArray
    levels: FloatArray
    thresholds: FloatArray
    coef: FloatArray
    loglike: FloatArray
    deviance_ratio: FloatArray
    n_active: NDArray[np.int64]
    n: int
    counts: NDArray[np.int64]
    converged: bool
    solved: BoolArray
    reason: str
    columns: tuple[int, ...]
    note: str


def penalised_ordinal(
    outcome: ArrayLike,
    columns: ArrayLike,
    *,
    lambdas: ArrayLike | None = None,
    alpha: float = 1.0,
    penalty_factor: ArrayLike | None = None,
    standardise: bool = True,
    n_lambdas: int = 100,
    lambda_min_ratio: float | None = None,
    tolerance: float = 1e-9,
) -> PenalisedOrdinal:
    """Fit a proportional-odds model with the elastic net penalty; thresholds are not penalised.

    Parameters
    ----------
    outcome : array, shape (n,)
        Numbers whose order is that of the categories (0 PD, 1 SD, 2 PR, 3 CR).
    columns, lambdas, alpha, penalty_factor, standardise, n_lambdas, lambda_min_ratio, tolerance
        As in :func:`resistance.stats.prediction.penalised_logistic.penalised_logistic`, whose objective this
        is; with two categories the fits are equal.

    Notes
    -----
    McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x; penalty as in Friedman, Hastie, Tibshirani 2010,
    doi:10.18637/jss.v033.i01.
    """
    y = numbers(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    at, mix, factor = _path.penalties(lambdas), _path.mixing(alpha), _path.factors(penalty_factor, x.shape[1])
    table = _path.standardise(x, standardise)
    levels, category = np.unique(y, return_inverse=True)
    category = category.reshape(-1).astype(np.int64)
    counts = np.bincount(category, minlength=levels.size).astype(np.int64)
    if levels.size < 2:
        size = n_lambdas if at is None else at.size
        nan = np.full(size, np.nan)
        return PenalisedOrdinal(
            lambdas=nan.copy() if at is None else at,
            levels=levels,
            thresholds=np.zeros((size, 0)),
            coef=np.full((size, x.shape[1]), np.nan),
            loglike=nan,
            deviance_ratio=nan,
            n_active=np.zeros(size, dtype=np.int64),
            n=y.size,
            counts=counts,
            converged=False,
            solved=np.zeros(size, dtype=np.bool_),
            reason="constant outcome",
            columns=table.constant,
            note="the outcome does not vary",
        )
    found = _path.solve(
        table,
        alpha=mix,
        factor=factor,
        lambdas=at,
        n_lambdas=n_lambdas,
        lambda_min_ratio=lambda_min_ratio,
        tolerance=tolerance,
        category=category,
        thresholds=_path.cumulative_logits(category, levels.size),
    )
    converged = bool(found.solved.all())
    return PenalisedOrdinal(
        lambdas=found.lambdas,
        levels=levels,
        thresholds=found.thresholds,
        coef=found.coef,
        loglike=-found.loss,
        deviance_ratio=1 - found.loss / found.loss_null,
        n_active=np.asarray((found.coef != 0) & np.isfinite(found.coef)).sum(axis=1),
        n=y.size,
        counts=counts,
        converged=converged,
        solved=found.solved,
        reason=found.reason,
        columns=found.columns,
        note=found.note,
    )
