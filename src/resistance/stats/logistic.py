"""A binary outcome and columns -> logistic regression: log odds ratios with profile interval and likelihood-ratio p, or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, numbers, to_unit_range
from resistance.stats.logistic_likelihood import LogisticLikelihood
from resistance.stats.logistic_profile import profile
from resistance.stats.newton import Maximum, dependent_columns


@dataclass(frozen=True)
class LogisticResult:
    """Logistic regression by maximum likelihood; every number is NaN unless `converged`.

    Parameters
    ----------
    intercept, intercept_se : float
        Log odds where every column is 0, and their standard error.
    intercept_ci_low, intercept_ci_high, intercept_p_value, intercept_p_wald : float
        As for the columns (interval and likelihood-ratio p only where no columns were picked out by `tested`).
    coef, se : array, shape (k,)
        Log odds ratios per unit of each column, and their standard errors.
    ci_low, ci_high : array, shape (k,)
        Profile-likelihood interval (NaN for columns that were not asked for).
    p_value : array, shape (k,)
        Likelihood-ratio p, from the same likelihood as the interval, so that they agree.
    p_wald : array, shape (k,)
        Wald p, to compare with other programs: with few carriers it is far too large.
    p_global : float
        Likelihood-ratio p of all columns together (NaN without columns).
    loglike_null, loglike : float
        Log-likelihood with the intercept alone and with the columns.
    n, events : int
        Rows, and those with the outcome.
    n_weighted, events_weighted : float
        The same, each row counted as often as its weight says.
    fitted : array, shape (n,)
        Fitted probabilities.
    converged : bool
    reason : {'', 'constant outcome', 'collinear', 'monotone', 'iterations'}
        ``monotone``: complete or quasi-complete separation.
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words.
    """

    intercept: float
    intercept_se: float
    intercept_ci_low: float
    intercept_ci_high: float
    intercept_p_value: float
    intercept_p_wald: float
    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    p_wald: FloatArray
    p_global: float
    loglike_null: float
    loglike: float
    n: int
    events: int
    n_weighted: float
    events_weighted: float
    fitted: FloatArray
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class LogisticTest:
    """A test of several columns together; numbers are NaN unless `converged`.

    Parameters
    ----------
    statistic : float
        Chi-square.
    df : int
    p_value : float
    converged : bool
    reason, columns, note
        As in :class:`LogisticResult`.
    """

    statistic: float
    df: int
    p_value: float
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class Design:
    """What a fit needs: rows of positive weight, columns of unit range, and the way back.

    Parameters
    ----------
    outcome : array of bool, shape (n,)
    columns : array, shape (n, k)
        As given.
    unit : array, shape (n, k + 1)
        Ones, and the columns centred and divided by `spread`.
    spread : array, shape (k,)
    weights : array, shape (n,)
    used : array of bool
        Rows given that have a positive weight.
    """

    outcome: BoolArray
    columns: FloatArray
    unit: FloatArray
    spread: FloatArray
    weights: FloatArray
    used: BoolArray

    def likelihood(self, *, penalised: bool = False) -> LogisticLikelihood:
        """Return the likelihood in the columns of unit range."""
        return LogisticLikelihood(self.outcome, self.unit, self.weights, penalised=penalised)

    @property
    def start(self) -> FloatArray:
        """The log odds of everybody, and no effect."""
        share = float(self.weights @ self.outcome) / float(self.weights.sum())
        start = np.zeros(self.unit.shape[1])
        start[0] = np.log(share / (1 - share))
        return start

    @property
    def impossible(self) -> tuple[str, tuple[int, ...]]:
        """Why there is nothing to fit whatever the method ('' where there is), and the columns that are the cause."""
        if self.outcome.all() or not self.outcome.any():
            return "constant outcome", ()
        dependent = dependent_columns(self.likelihood().information(self.start))
        return ("collinear", _without_intercept(np.flatnonzero(dependent))) if dependent.any() else ("", ())


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
        return unanswered(data, top.reason, _without_intercept(top.columns))
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
    """
    data = prepare(outcome, columns, weights)
    which = tested_columns(tested, data.columns.shape[1])
    reason, cause = data.impossible
    if not reason:
        model = data.likelihood()
        top = model.maximise(data.start, _held(which, data))
        reason, cause = top.reason, _without_intercept(top.columns)
    if reason:
        return _no_test(len(which), reason, cause)
    slope = model.score(top.params)
    return _test(float(slope @ np.linalg.solve(model.information(top.params), slope)), len(which))


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


def prepare(outcome: ArrayLike, columns: ArrayLike, weights: ArrayLike | None) -> Design:
    """Check the arrays of a logistic model and bring its columns to unit range."""
    y = flags(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    w = np.ones(y.size) if weights is None else numbers(weights, "weights", y.size)
    if w.size and w.min() < 0:
        raise ValueError("weights: negative values")
    used = np.asarray(w > 0)
    unit, spread = to_unit_range(x[used])
    return Design(y[used], x[used], np.column_stack([np.ones(int(used.sum())), unit]), spread, w[used], used)


def tested_columns(tested: Sequence[int] | None, k: int) -> tuple[int, ...]:
    """Return the columns asked for, all of them by default."""
    which = tuple(range(k)) if tested is None else tuple(int(i) for i in tested)
    if any(not 0 <= i < k for i in which) or len(set(which)) < len(which):
        raise ValueError(f"tested: {list(which)} are not different columns of 0 to {k - 1}")
    return which


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
    without = model.maximise(data.start, _held(range(k), data))
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
        without = model.maximise(data.start, _held(tested, data))
        failed = without if top.converged else top
        reason, cause = failed.reason, _without_intercept(failed.columns)
    if reason:
        return _no_test(len(tested), reason, cause)
    return _test(2 * (top.loglike - without.loglike), len(tested))


def unanswered(data: Design, reason: str, columns: tuple[int, ...]) -> LogisticResult:
    """Return the result without numbers, with its reason in words."""
    k = data.columns.shape[1]
    nan, number = np.full(k, np.nan), float("nan")
    return LogisticResult(
        intercept=number,
        intercept_se=number,
        intercept_ci_low=number,
        intercept_ci_high=number,
        intercept_p_value=number,
        intercept_p_wald=number,
        coef=nan,
        se=nan,
        ci_low=nan,
        ci_high=nan,
        p_value=nan,
        p_wald=nan,
        p_global=number,
        loglike_null=number,
        loglike=number,
        n=data.outcome.size,
        events=int(data.outcome.sum()),
        n_weighted=float(data.weights.sum()),
        events_weighted=float(data.weights @ data.outcome),
        fitted=np.full(data.used.size, np.nan),
        converged=False,
        reason=reason,
        columns=columns,
        note=in_words(reason, columns),
    )


def in_words(reason: str, columns: tuple[int, ...]) -> str:
    """Return why there is no estimate."""
    which = named(columns)
    return {
        "constant outcome": "the outcome does not vary",
        "collinear": f"{which}: constant or collinear",
        "monotone": f"{which}: separation (no finite odds ratio, such as an empty cell)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }[reason]


def named(columns: Sequence[int]) -> str:
    """Return columns in words."""
    return ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)


def _held(columns: Sequence[int], data: Design) -> BoolArray:
    held = np.zeros(data.unit.shape[1], dtype=np.bool_)
    held[[i + 1 for i in columns]] = True
    return held


def _without_intercept(columns: Any) -> tuple[int, ...]:
    return tuple(int(i) - 1 for i in columns if i > 0)


def _test(statistic: float, df: int) -> LogisticTest:
    from scipy.stats import chi2

    statistic = max(0.0, statistic)
    return LogisticTest(statistic, df, float(chi2.sf(statistic, df)) if df else float("nan"), True, "", (), "")


def _no_test(df: int, reason: str, columns: tuple[int, ...]) -> LogisticTest:
    return LogisticTest(float("nan"), df, float("nan"), False, reason, columns, in_words(reason, columns))
