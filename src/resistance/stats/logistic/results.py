"""Records of a logistic model and of a test of several columns, and the reasons why there may be no numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import FloatArray
from resistance.stats._design import named
from resistance.stats.logistic.design import Design


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


def chi_square_test(statistic: float, df: int) -> LogisticTest:
    """Return the test of a chi-square statistic (a negative one is rounding: 0)."""
    from scipy.stats import chi2

    statistic = max(0.0, statistic)
    return LogisticTest(statistic, df, float(chi2.sf(statistic, df)) if df else float("nan"), True, "", (), "")


def no_test(df: int, reason: str, columns: tuple[int, ...]) -> LogisticTest:
    """Return the test without numbers, with its reason in words."""
    return LogisticTest(float("nan"), df, float("nan"), False, reason, columns, in_words(reason, columns))
