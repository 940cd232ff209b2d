"""An ordered outcome and columns -> proportional-odds model with its test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, to_unit_range
from resistance.stats._design import named
from resistance.stats._threads import one_thread
from resistance.stats.cox import likelihood_ratio_p
from resistance.stats.cumulative_logit import CumulativeLogit
from resistance.stats.newton import Maximum, maximise
from resistance.stats.ordinal.categories import carriers_by_category, checked_categories
from resistance.stats.profile import profile_interval


@dataclass(frozen=True)
class TermTest:
    """Likelihood-ratio tests of several columns together, such as the levels of one factor.

    Parameters
    ----------
    columns : tuple of int
    statistic, df, p_value
        Of the columns having no effect.
    nominal_statistic, nominal_df, nominal_p
        Of their effects being the same at every threshold.
    """

    columns: tuple[int, ...]
    statistic: float
    df: int
    p_value: float
    nominal_statistic: float
    nominal_df: int
    nominal_p: float


@dataclass(frozen=True)
class OrdinalResult:
    """Proportional-odds model; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se : array, shape (k,)
        Log odds ratios of a higher (better) category per unit of each column, and standard errors.
    ci_low, ci_high : array, shape (k,)
        Profile-likelihood interval (NaN for columns that were not asked for).
    p_value : array, shape (k,)
        Likelihood-ratio p, from the same likelihood as the interval.
    p_wald : array, shape (k,)
        For comparison with other programs only.
    thresholds, thresholds_se : array, shape (c - 1,)
        Log odds of a category at or below each cut where every column is 0.  Equal thresholds enclose a
        category that nobody is in; an infinite one lies beyond the categories that are used.
    loglike, loglike_null : float
        With and without the columns.
    p_global : float
        Likelihood-ratio p of all columns together.
    nominal_statistic, nominal_p : array, shape (k,)
        Likelihood ratio of one effect per threshold against one for all, and its p: small means that the
        odds are not proportional.  NaN where the larger model has no maximum (then `note` says so).
    nominal_df : int
        Degrees of freedom of each: thresholds minus 1.
    nominal_overall_statistic, nominal_overall_p : float
        The same for all columns at once.
    nominal_overall_df : int
    terms : tuple of TermTest
    carriers : array, shape (k, c)
        Weight of the patients with 1 in a 0/1 column in each category; NaN for other columns.
    counts : array, shape (c,)
        Weight of all patients in each category.
    n : int
        Rows with a weight above 0.
    converged : bool
    reason : {'', 'constant outcome', 'too few patients', 'collinear', 'monotone', 'iterations'}
        ``monotone``: all carriers in one end category, or another separation.
    columns : tuple of int
        0-based columns that are the cause.
    note : str
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    p_wald: FloatArray
    thresholds: FloatArray
    thresholds_se: FloatArray
    loglike: float
    loglike_null: float
    p_global: float
    nominal_statistic: FloatArray
    nominal_p: FloatArray
    nominal_df: int
    nominal_overall_statistic: float
    nominal_overall_p: float
    nominal_overall_df: int
    terms: tuple[TermTest, ...]
    carriers: FloatArray
    counts: FloatArray
    n: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@one_thread
def proportional_odds(
    outcome_codes: ArrayLike,
    columns: ArrayLike,
    *,
    tested: Sequence[int] | None = None,
    terms: Sequence[Sequence[int]] = (),
    nominal: bool = True,
    overall: bool = True,
    confidence: float = 0.95,
    weights: ArrayLike | None = None,
    categories: int | None = None,
) -> OrdinalResult:
    """Fit a proportional-odds (cumulative logit) model.

    Parameters
    ----------
    outcome_codes : array of int, shape (n,)
        0..c-1, higher is better.
    columns : array, shape (n, k)
        Markers and covariates, no missing values.
    tested : sequence of int, optional
        Columns whose interval, p and proportionality are wanted (default: all).
    terms : sequence of sequences of int
        Groups of columns that are tested together.
    nominal : bool
        Test whether the odds are proportional.
    overall : bool
        Test it of all columns at once too, which takes longer than everything else.
    confidence : float
    weights : array, shape (n,), optional
        Number of patients that each row stands for; 0 leaves it out.
    categories : int, optional
        c, where the highest categories may be empty (default: the largest code plus 1).

    Returns
    -------
    OrdinalResult
        Where proportionality is rejected, or a category has no carriers, show :func:`cutwise_odds` beside
        it; with few carriers take p from :func:`resistance.stats.ordinal_permutation.ordinal_permutation`.

    Raises
    ------
    ValueError
        Codes that are no whole numbers from 0 up, missing values, shapes that do not fit, weights below 0.

    Notes
    -----
    McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x; equal to R's MASS::polr and ordinal::clm (sign of the
    coefficients as theirs).  The test of proportionality is that of ordinal::nominal_test: likelihood ratio against a
    partial proportional-odds model (Peterson and Harrell 1990, doi:10.2307/2347760).

    Examples
    --------
    >>> result = proportional_odds([0, 0, 1, 1, 2, 2, 0, 1, 2, 2], [1, 1, 1, 0, 0, 0, 1, 0, 1, 0])
    >>> bool(result.coef[0] < 0), result.nominal_df
    (True, 1)
    """
    from scipy.stats import chi2, norm

    codes, x, w, c = checked_categories(outcome_codes, columns, weights, categories)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is outside 0..1")
    k = x.shape[1]
    wanted = list(range(k)) if tested is None else [int(i) for i in tested]
    if any(not 0 <= i < k for i in [*wanted, *(i for term in terms for i in term)]):
        raise ValueError(f"tested and terms: a column outside 0..{k - 1}")
    counts = np.asarray(np.bincount(codes, weights=w, minlength=c), dtype=np.float64)
    carriers = carriers_by_category(codes, x, w, c)
    present, packed = np.unique(codes, return_inverse=True)
    if present.size < 2:
        return _unanswered(k, c, carriers, counts, codes.size, "constant outcome", ())
    if codes.size < k + present.size - 1:
        return _unanswered(k, c, carriers, counts, codes.size, "too few patients", ())
    unit, spread = to_unit_range(x)
    cuts = present.size - 1
    model = CumulativeLogit(packed, unit, w, np.zeros(k, dtype=bool))
    cumulative = np.cumsum(counts[present])[:-1] / w.sum()
    start = np.concatenate([np.log(cumulative / (1 - cumulative)), np.zeros(k)])
    top = maximise(model, start)
    if not top.converged:
        causes = tuple(i - cuts for i in top.columns if i >= cuts)
        return _unanswered(k, c, carriers, counts, codes.size, top.reason, causes)
    null = float(model.loglike(start))
    # back to the units of the columns: thresholds move with the means
    back = np.zeros((cuts + k, cuts + k))
    back[:cuts, :cuts] = np.eye(cuts)
    back[cuts:, cuts:] = np.diag(1 / spread)
    back[:cuts, cuts:] = x.mean(axis=0) / spread
    params = back @ top.params
    inverse = np.linalg.inv(top.information)
    se = np.sqrt(np.diag(back @ inverse @ back.T))
    # variances of columns in very large units vanish: their roots are taken on the unit range
    unit_se = np.sqrt(np.diag(inverse)[cuts:])
    coef, coef_se = params[cuts:], unit_se / spread
    ci_low, ci_high, p_value = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    nominal_statistic, nominal_p = np.full(k, np.nan), np.full(k, np.nan)
    without: list[int] = []
    for column in wanted:
        low, high = profile_interval(model, top, cuts + column, confidence)
        ci_low[column], ci_high[column] = low / spread[column], high / spread[column]
        p_value[column] = likelihood_ratio_p(model, top, cuts + column)
        if nominal and cuts > 1:
            nominal_statistic[column] = _nominal(packed, unit, w, top, (column,))
            nominal_p[column] = chi2.sf(nominal_statistic[column], cuts - 1)
            if np.isnan(nominal_statistic[column]):
                without.append(column)
    together = _nominal(packed, unit, w, top, tuple(range(k))) if nominal and overall and cuts > 1 and k else float("nan")
    note = ""
    if without:
        note = f"{named(tuple(without))}: no test of proportionality, the model with one effect per threshold has no maximum"
    below, below_se = _all_thresholds(present, c, params[:cuts], se[:cuts])
    return OrdinalResult(
        coef=coef,
        se=coef_se,
        ci_low=ci_low,
        ci_high=ci_high,
        p_value=p_value,
        p_wald=2 * norm.sf(np.abs(top.params[cuts:] / unit_se)),
        thresholds=below,
        thresholds_se=below_se,
        loglike=top.loglike,
        loglike_null=null,
        p_global=float(chi2.sf(max(0.0, 2 * (top.loglike - null)), k)) if k else float("nan"),
        nominal_statistic=nominal_statistic,
        nominal_p=nominal_p,
        nominal_df=cuts - 1,
        nominal_overall_statistic=together,
        nominal_overall_p=float(chi2.sf(together, k * (cuts - 1))) if cuts > 1 and k else float("nan"),
        nominal_overall_df=k * (cuts - 1),
        terms=tuple(_term(model, packed, unit, w, top, cuts, tuple(int(i) for i in term), nominal) for term in terms),
        carriers=carriers,
        counts=counts,
        n=codes.size,
        converged=True,
        reason="",
        columns=(),
        note=note,
    )


def _nominal(packed: NDArray[np.intp], unit: FloatArray, w: FloatArray, top: Maximum, columns: tuple[int, ...]) -> float:
    """Return the likelihood ratio of one effect per threshold for `columns`; NaN where that model has no maximum."""
    k = unit.shape[1]
    free = np.isin(np.arange(k), columns)
    model = CumulativeLogit(packed, unit, w, free)
    cuts = model.cuts
    start = top.params[:cuts].tolist()
    for column in range(k):
        start += [float(top.params[cuts + column])] * (cuts if free[column] else 1)
    larger = maximise(model, np.array(start))
    if not larger.converged:
        return float("nan")
    return max(0.0, 2 * (larger.loglike - top.loglike))


def _term(
    model: CumulativeLogit,
    packed: NDArray[np.intp],
    unit: FloatArray,
    w: FloatArray,
    top: Maximum,
    cuts: int,
    columns: tuple[int, ...],
    nominal: bool,
) -> TermTest:
    from scipy.stats import chi2

    held = np.isin(np.arange(top.params.size), [cuts + i for i in columns])
    start = np.where(held, 0.0, top.params)
    smaller = maximise(model, start, held)
    df = int(held.sum())
    statistic = max(0.0, 2 * (top.loglike - smaller.loglike)) if smaller.converged and df else float("nan")
    larger = _nominal(packed, unit, w, top, columns) if nominal and cuts > 1 and df else float("nan")
    return TermTest(
        columns=columns,
        statistic=statistic,
        df=df,
        p_value=float(chi2.sf(statistic, df)) if df else float("nan"),
        nominal_statistic=larger,
        nominal_df=df * (cuts - 1),
        nominal_p=float(chi2.sf(larger, df * (cuts - 1))) if df and cuts > 1 else float("nan"),
    )


def _all_thresholds(present: NDArray[np.intp], c: int, thresholds: FloatArray, se: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return one threshold per cut of the whole scale: those around a category that nobody is in are equal."""
    # the cut above category j is the one above the highest used category that is not above j
    place = np.searchsorted(present, np.arange(c - 1), side="right") - 1
    full, full_se = np.full(c - 1, np.nan), np.full(c - 1, np.nan)
    inner = (place >= 0) & (place < thresholds.size)
    full[inner], full_se[inner] = thresholds[place[inner]], se[place[inner]]
    full[place < 0], full[place >= thresholds.size] = -np.inf, np.inf
    return full, full_se


def _unanswered(
    k: int, c: int, carriers: FloatArray, counts: FloatArray, n: int, reason: str, columns: tuple[int, ...]
) -> OrdinalResult:
    which = named(columns)
    note = {
        "constant outcome": "the outcome does not vary",
        "too few patients": f"{n} patients are too few for {k} columns and the thresholds",
        "collinear": f"{which}: constant or collinear",
        "monotone": f"{which}: separation (no finite odds ratio, such as all carriers in one end category)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }[reason]
    nan, cuts, number = np.full(k, np.nan), np.full(c - 1, np.nan), float("nan")
    used = int((counts > 0).sum())
    return OrdinalResult(
        *(nan,) * 6,
        cuts,
        cuts,
        number,
        number,
        number,
        nan,
        nan,
        max(0, used - 2),
        number,
        number,
        k * max(0, used - 2),
        (),
        carriers,
        counts,
        n,
        False,
        reason,
        columns,
        note,
    )
