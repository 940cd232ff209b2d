"""A binary outcome and many columns -> logistic regression with lasso, ridge or both, along a path of penalties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix
from resistance.stats.prediction import _path


@dataclass(frozen=True)
class PenalisedLogistic:
    """Penalised logistic regression, one fit per penalty; a fit that did not converge is NaN.

    Parameters
    ----------
    lambdas : array, shape (L,)
        Penalties, falling.
    intercept : array, shape (L,)
        Log odds where every column is 0.
    coef : array, shape (L, k)
        Log odds ratios per unit of each column as it was given.
    loglike : array, shape (L,)
        Log-likelihood, without the penalty.
    deviance_ratio : array, shape (L,)
        Share of the deviance without columns that is explained.
    n_active : array of int, shape (L,)
        Coefficients that are not 0.
    n, events : int
    converged : bool
        At every penalty.
    solved : array of bool, shape (L,)
        At this penalty.
    reason : {'', 'constant outcome', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        Columns that are the reason; without one the constant columns, whose coefficient is 0 (not an error).
    note : str
    """

    lambdas: FloatArray
    intercept: FloatArray
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


def penalised_logistic(
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
) -> PenalisedLogistic:
    """Fit a logistic model with the elastic net penalty.

    Minimises ``-loglik/n + lambda * sum_j factor_j (alpha |b_j| + (1 - alpha) b_j**2 / 2)`` where b belongs to
    columns divided by their standard deviation (divisor n); this is glmnet's objective.  scikit-learn's ``C``
    is 1 / (n lambda) for columns standardised beforehand.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)
        No missing values.
    lambdas : array, optional
        Penalties (any order; returned falling).  Default: `n_lambdas` in a geometric sequence from the smallest
        one at which every coefficient is 0.
    alpha : float
        1 lasso, 0 ridge.
    penalty_factor : array, shape (k,), optional
        Per column; 0 leaves a column unpenalised (a clinical covariate that must stay).
    standardise : bool
        False: the columns are penalised on the scale given.
    n_lambdas : int
    lambda_min_ratio : float, optional
        Last penalty over first; default .01 where n < k, else .0001.
    tolerance : float
        Largest violation of the optimality conditions, on the standardised scale.

    Raises
    ------
    ValueError
        Missing values, an outcome other than 0/1, a negative penalty.

    Notes
    -----
    Friedman, Hastie, Tibshirani 2010, doi:10.18637/jss.v033.i01.

    Examples
    --------
    >>> fit = penalised_logistic([0, 0, 1, 1], [[0.0], [1.0], [1.0], [2.0]], lambdas=0.1)
    >>> round(float(fit.coef[0, 0]), 3), round(float(fit.intercept[0]), 3)
    (1.804, -1.804)
    """
    y = flags(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    at, mix, factor = _path.penalties(lambdas), _path.mixing(alpha), _path.factors(penalty_factor, x.shape[1])
    events = int(y.sum())
    table = _path.standardise(x, standardise)
    if events in (0, y.size):
        size = n_lambdas if at is None else at.size
        nan = np.full(size, np.nan)
        return PenalisedLogistic(
            lambdas=nan.copy() if at is None else at,
            intercept=nan,
            coef=np.full((size, x.shape[1]), np.nan),
            loglike=nan,
            deviance_ratio=nan,
            n_active=np.zeros(size, dtype=np.int64),
            n=y.size,
            events=events,
            converged=False,
            solved=np.zeros(size, dtype=np.bool_),
            reason="constant outcome",
            columns=table.constant,
            note="the outcome does not vary",
        )
    category = y.astype(np.int64)
    found = _path.solve(
        table,
        alpha=mix,
        factor=factor,
        lambdas=at,
        n_lambdas=n_lambdas,
        lambda_min_ratio=lambda_min_ratio,
        tolerance=tolerance,
        category=category,
        thresholds=_path.cumulative_logits(category, 2),
    )
    converged = bool(found.solved.all())
    return PenalisedLogistic(
        lambdas=found.lambdas,
        intercept=-found.thresholds[:, 0],  # the model of two categories: logit P(y = 0) = threshold - x b
        coef=found.coef,
        loglike=-found.loss,
        deviance_ratio=1 - found.loss / found.loss_null,
        n_active=np.asarray((found.coef != 0) & np.isfinite(found.coef)).sum(axis=1),
        n=y.size,
        events=events,
        converged=converged,
        solved=found.solved,
        reason=found.reason,
        columns=found.columns,
        note=found.note,
    )
