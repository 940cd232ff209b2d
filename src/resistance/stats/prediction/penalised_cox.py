"""Times, events and many columns -> Cox regression with lasso, ridge or both, along a path of penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, numbers
from resistance.stats.prediction import _path


@dataclass(frozen=True)
class PenalisedCox:
    """Penalised Cox regression, one fit per penalty; a fit that did not converge is NaN.

    Parameters
    ----------
    lambdas : array, shape (L,)
        Penalties, falling.
    coef : array, shape (L, k)
        Log hazard ratios per unit of each column as it was given.
    loglike : array, shape (L,)
        Log partial likelihood (Breslow), without the penalty.
    deviance_ratio : array, shape (L,)
        1 - loglike / loglike without columns (glmnet takes the saturated likelihood off both; with ties these
        differ, the coefficients do not).
    n_active : array of int, shape (L,)
    n, events : int
    converged : bool
    solved : array of bool, shape (L,)
    reason : {'', 'no events', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        Columns that are the reason; without one the constant columns, whose coefficient is 0 (not an error).
    note : str
    """

    lambdas: FloatArray
    coef: FloatArray
    loglike: FloatArray
    deviance_ratio: FloatArray
    n_active: NDArray[np.int64]
    n: int
    events: int
    converged: bool
    solved: BoolArray
    reason: str
    columns: tuple[int, ...]
    note: str


def penalised_cox(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    *,
    strata: Any = None,
    lambdas: ArrayLike | None = None,
    alpha: float = 1.0,
    penalty_factor: ArrayLike | None = None,
    standardise: bool = True,
    n_lambdas: int = 100,
    lambda_min_ratio: float | None = None,
    tolerance: float = 1e-9,
) -> PenalisedCox:
    """Fit a Cox model with the elastic net penalty.

    Minimises ``-loglik/n + lambda * sum_j factor_j (alpha |b_j| + (1 - alpha) b_j**2 / 2)``, loglik the log
    partial likelihood with Breslow's ties: glmnet's objective.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, any unit (only the order counts), not negative.
    event : array of 0/1, shape (n,)
    columns : array, shape (n, k)
    strata : array, shape (n,), optional
        Each stratum has its own baseline hazard.
    lambdas, alpha, penalty_factor, standardise, n_lambdas, lambda_min_ratio, tolerance
        As in :func:`resistance.stats.prediction.penalised_logistic.penalised_logistic`.

    Notes
    -----
    Simon, Friedman, Hastie, Tibshirani 2011, doi:10.18637/jss.v039.i05.
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    x = matrix(columns, "columns", t.size)
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    at, mix, factor = _path.penalties(lambdas), _path.mixing(alpha), _path.factors(penalty_factor, x.shape[1])
    groups = None if strata is None else codes(strata, "strata", t.size)
    table = _path.standardise(x, standardise)
    if not e.any():
        size = n_lambdas if at is None else at.size
        nan = np.full(size, np.nan)
        return PenalisedCox(
            lambdas=nan.copy() if at is None else at,
            coef=np.full((size, x.shape[1]), np.nan),
            loglike=nan,
            deviance_ratio=nan,
            n_active=np.zeros(size, dtype=np.int64),
            n=t.size,
            events=0,
            converged=False,
            solved=np.zeros(size, dtype=np.bool_),
            reason="no events",
            columns=table.constant,
            note="no events",
        )
    found = _path.solve(
        table,
        alpha=mix,
        factor=factor,
        lambdas=at,
        n_lambdas=n_lambdas,
        lambda_min_ratio=lambda_min_ratio,
        tolerance=tolerance,
        cox=_path.blocks(t, e, groups),
    )
    converged = bool(found.solved.all())
    null = found.loss_null
    return PenalisedCox(
        lambdas=found.lambdas,
        coef=found.coef,
        loglike=-found.loss,
        # one patient at risk at the only event: the likelihood is 1 with and without columns
        deviance_ratio=1 - found.loss / null if null > 0 else np.zeros(found.lambdas.size),
        n_active=np.asarray((found.coef != 0) & np.isfinite(found.coef)).sum(axis=1),
        n=t.size,
        events=int(e.sum()),
        converged=converged,
        solved=found.solved,
        reason=found.reason,
        columns=found.columns,
        note=found.note,
    )
