"""A binary outcome and columns -> logistic regression by maximum likelihood, score and likelihood-ratio tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats.logistic.design import Design, held_columns, prepare, tested_columns, without_intercept
from resistance.stats.logistic.profile import profile
from resistance.stats.logistic.results import LogisticResult, LogisticTest, chi_square_test, no_test, unanswered
from resistance.stats.logistic_likelihood import LogisticLikelihood
from resistance.stats.newton import Maximum


def logistic(
    outcome: ArrayLike,
    columns: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    tested: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> LogisticResult:
    """Fit a logistic model with an intercept.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)
        Markers and covariates, no missing values.
    weights : array, shape (n,), optional
        How many patients each row stands for (not negative; rows of weight 0 are left out).
    tested : sequence of int, optional
        Columns whose interval and p are wanted (default: all, and the intercept).
    confidence : float

    Returns
    -------
    LogisticResult
        ``converged`` is False with a note where there is no maximum: separation (an empty cell),
        collinear or constant columns, an outcome that everybody or nobody has.

    Raises
    ------
    ValueError
        Missing values, shapes that do not fit, an outcome that is not 0/1, negative weights.

    Notes
    -----
    Profile interval: Venzon and Moolgavkar 1988, doi:10.2307/2347496.

    Examples
    --------
    >>> found = logistic([1, 1, 1, 0, 0, 0, 0, 1], [1, 1, 0, 0, 1, 0, 0, 0])
    >>> round(float(np.exp(found.coef[0])), 3), found.n, found.events
    (3.0, 8, 4)
    """
    data = prepare(outcome, columns, weights)
    k = data.columns.shape[1]
    which = tested_columns(tested, k)
    reason, cause = data.impossible
    if reason:
        return unanswered(data, reason, cause)
    model = data.likelihood()
    top = model.maximise(data.start)
    if not top.converged:
        return unanswered(data, top.reason, without_intercept(top.columns))
    covariance = np.linalg.inv(model.information(top.params))
    return answer(data, model, top, covariance, which, confidence, with_intercept=tested is None)


def logistic_score_test(
    outcome: ArrayLike, columns: ArrayLike, tested: Sequence[int], *, weights: ArrayLike | None = None
) -> LogisticTest:
    """Test columns by Rao's score: the slope of the likelihood where they have no effect.

    The model without them is fitted, the model with them is not, so that an empty cell is no obstacle.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)
    tested : sequence of int
        Columns that have no effect under the null hypothesis.
    weights : array, shape (n,), optional

    Notes
    -----
    Rao 1948, doi:10.1017/S0305004100023987; the statistic of R's ``anova(test = "Rao")``.

    Examples
    --------
    >>> round(logistic_score_test([1, 1, 1, 0, 0, 0, 0, 1], [1, 1, 0, 0, 1, 0, 0, 0], [0]).statistic, 4)
    0.5333
    """
    data = prepare(outcome, columns, weights)
    which = tested_columns(tested, data.columns.shape[1])
    reason, cause = data.impossible
    if not reason:
        model = data.likelihood()
        top = model.maximise(data.start, held_columns(which, data))
        reason, cause = top.reason, without_intercept(top.columns)
    if reason:
        return no_test(len(which), reason, cause)
    slope = model.score(top.params)
    return chi_square_test(float(slope @ np.linalg.solve(model.information(top.params), slope)), len(which))


def logistic_likelihood_ratio(
    outcome: ArrayLike, columns: ArrayLike, tested: Sequence[int], *, weights: ArrayLike | None = None
) -> LogisticTest:
    """Test columns together by the likelihood ratio, such as the levels of a category.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)
    tested : sequence of int
    weights : array, shape (n,), optional

    Returns
    -------
    LogisticTest
        Not converged where the full model or the one without the columns has no maximum.
    """
    data = prepare(outcome, columns, weights)
    return likelihood_ratio(data, tested_columns(tested, data.columns.shape[1]), penalised=False)


def answer(
    data: Design,
    model: LogisticLikelihood,
    top: Maximum,
    covariance: NDArray[np.floating[Any]],
    tested: tuple[int, ...],
    confidence: float,
    *,
    with_intercept: bool,
    hills: bool = False,
) -> LogisticResult:
    """Turn a maximum into coefficients per unit of each column, with intervals and p."""
    from scipy.stats import chi2, norm

    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is not between 0 and 1")
    k = data.columns.shape[1]
    to_origin = np.concatenate([[1.0], -data.columns.mean(axis=0) / data.spread])
    coef, se = top.params[1:] / data.spread, np.sqrt(np.diag(covariance))[1:] / data.spread
    intercept, intercept_se = float(to_origin @ top.params), float(np.sqrt(to_origin @ covariance @ to_origin))
    ci_low, ci_high, p_value = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    for column in tested:
        low, high, p_value[column] = profile(model, top, column + 1, confidence, hills=hills)
        ci_low[column], ci_high[column] = low / data.spread[column], high / data.spread[column]
    intercept_low = intercept_high = intercept_p = float("nan")
    if with_intercept:
        # the columns as given, in an orthogonal basis: far from their origin they are nearly collinear
        basis, turn = np.linalg.qr(data.columns / data.spread)
        there = model.with_design(np.column_stack([np.ones(len(basis)), basis * np.sqrt(len(basis))]))
        params = np.concatenate([[intercept], turn @ top.params[1:] / np.sqrt(len(basis))])
        again = Maximum(params, there.loglike(params), -there.hessian(params), "", ())
        intercept_low, intercept_high, intercept_p = profile(there, again, 0, confidence, hills=hills)
    without = model.maximise(data.start, held_columns(range(k), data))
    null = without.loglike if without.converged else float("nan")
    fitted = np.full(data.used.size, np.nan)
    fitted[data.used] = model.probability(top.params)
    return LogisticResult(
        intercept=intercept,
        intercept_se=intercept_se,
        intercept_ci_low=intercept_low,
        intercept_ci_high=intercept_high,
        intercept_p_value=intercept_p,
        intercept_p_wald=float(2 * norm.sf(abs(intercept / intercept_se))),
        coef=coef,
        se=se,
        ci_low=ci_low,
        ci_high=ci_high,
        p_value=p_value,
        p_wald=2 * norm.sf(np.abs(coef / se)),
        p_global=float(chi2.sf(max(0.0, 2 * (top.loglike - null)), k)) if k else float("nan"),
        loglike_null=null,
        loglike=top.loglike,
        n=data.outcome.size,
        events=int(data.outcome.sum()),
        n_weighted=float(data.weights.sum()),
        events_weighted=float(data.weights @ data.outcome),
        fitted=fitted,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def likelihood_ratio(
    data: Design,
    tested: tuple[int, ...],
    *,
    penalised: bool,
    highest: Callable[[LogisticLikelihood], Maximum] | None = None,
) -> LogisticTest:
    """Test columns together by the (penalised) likelihood ratio; `highest` finds the top where there may be more than one hill."""
    reason, cause = data.impossible
    if not reason:
        model = data.likelihood(penalised=penalised)
        top = model.maximise(data.start) if highest is None else highest(model)
        without = model.maximise(data.start, held_columns(tested, data))
        failed = without if top.converged else top
        reason, cause = failed.reason, without_intercept(failed.columns)
    if reason:
        return no_test(len(tested), reason, cause)
    return chi_square_test(2 * (top.loglike - without.loglike), len(tested))
