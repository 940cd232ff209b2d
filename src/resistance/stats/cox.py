"""Times, events and columns -> Cox regression: log hazard ratios with interval and likelihood-ratio p, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, codes, flags, matrix, to_unit_range
from resistance.stats._times import follow_up, weights_of
from resistance.stats.exact_ties import ExactPartialLikelihood
from resistance.stats.newton import Maximum, maximise
from resistance.stats.partial_likelihood import PartialLikelihood
from resistance.stats.profile import profile_interval
from resistance.stats.residuals import row_residuals

NAN = float("nan")


@dataclass(frozen=True)
class CoxResult:
    """Cox regression; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se : array, shape (k,)
        Log hazard ratios per unit of each column, and their standard errors (robust where asked for).
    ci_low, ci_high : array, shape (k,)
        Wald interval on the log scale, as R's `summary.coxph` has it.
    profile_low, profile_high : array, shape (k,)
        Profile-likelihood interval: it excludes 0 exactly where the likelihood-ratio p is small enough.  NaN unless asked
        for, and with a robust variance, whose Wald interval and p belong together; infinite where the
        likelihood never falls that far.
    p_wald, p_value : array, shape (k,)
        Wald p; likelihood-ratio p (NaN for columns that were not asked for).  A likelihood takes rows for
        independent: with a robust or clustered variance `p_value` is the Wald p of that variance.
    p_global : float
        Likelihood-ratio p of all columns together (of independent rows, also where the variance is robust).
    loglike_null, loglike : float
        Log partial likelihood without and with the columns.
    n, events : int
        Rows (patients, where each has one) and events given to the model.
    converged : bool
    reason : {'', 'no events', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words.
    se_naive : array, shape (k,)
        Standard errors from the information; `se` itself unless robust.
    covariance : array, shape (k, k)
        Of the coefficients (robust where asked for).
    lrt_chi2, score_chi2, wald_chi2 : float
        Likelihood-ratio, score and Wald statistics of all columns together, `df` degrees of freedom.
    p_score, p_wald_global : float
    robust_score_chi2, p_robust_score : float
        Score test with the robust variance (NaN unless asked for).
    df : int
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    profile_low: FloatArray
    profile_high: FloatArray
    p_wald: FloatArray
    p_value: FloatArray
    p_global: float
    loglike_null: float
    loglike: float
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str
    se_naive: FloatArray
    covariance: FloatArray
    lrt_chi2: float
    score_chi2: float
    p_score: float
    wald_chi2: float
    p_wald_global: float
    robust_score_chi2: float
    p_robust_score: float
    df: int


def cox(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    weights: ArrayLike | None = None,
    ties: Literal["efron", "breslow", "exact"] = "efron",
    robust: bool = False,
    cluster: Any = None,
    tested: Sequence[int] | None = None,
    profile: bool = False,
    confidence: float = 0.95,
) -> CoxResult:
    """Fit a Cox model.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, any unit, not negative; the end of each row where `start` is given.
    event : array of 0/1, shape (n,)
        1 event, 0 censored.
    columns : array, shape (n, k)
        Markers and covariates, no missing values.
    start : array, shape (n,), optional
        Delayed entry (such as the biopsy in a registry that counts from diagnosis) or the beginning of
        start-stop rows: a row is at risk in (start, time].
    strata : array, shape (n,), optional
        Each stratum has its own baseline hazard.
    weights : array, shape (n,), optional
        Case weights, above 0.  Weights that are not counts (such as inverse probabilities) need `robust`.
    ties : {'efron', 'breslow', 'exact'}
        ``exact`` is the likelihood of discrete time (neither weights nor a robust variance).
    robust : bool
        Variance of Lin and Wei, right also where the model is not quite.
    cluster : array, shape (n,), optional
        Rows of one cluster (patient, family, centre) are not independent; implies `robust`.
    tested : sequence of int, optional
        Columns whose likelihood-ratio p is wanted (default: all; each costs one more fit).
    profile : bool
        Also give their profile-likelihood interval (about eight more fits each): where events are few the Wald interval
        may hold 0 beside a small likelihood-ratio p, or the other way round.
    confidence : float

    Returns
    -------
    CoxResult
        ``converged`` is False with a note where the likelihood has no maximum: no event among the
        carriers or among the others (monotone likelihood), collinear or constant columns.

    Raises
    ------
    ValueError
        Missing, negative or wrongly shaped values; a start that is not before its time; weights or a robust
        variance together with exact ties.

    Notes
    -----
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties after Efron 1977; robust variance after Lin and
    Wei 1989, doi:10.1080/01621459.1989.10478874; profile interval after Venzon and Moolgavkar 1988,
    doi:10.2307/2347496.  Times that differ by rounding only are ties.  With few
    events among the carriers every asymptotic p is too small now and then: say so beside it.

    Examples
    --------
    >>> found = cox([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 1, 1], [1, 0, 1, 0, 1, 0])
    >>> float(found.coef[0].round(3)), float(found.p_value[0].round(3))
    (1.208, 0.26)
    """
    from scipy.stats import chi2, norm

    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    x = matrix(columns, "columns", n)
    groups = None if strata is None else codes(strata, "strata", n)
    w, mean_weight = weights_of(weights, n)
    robust = robust or cluster is not None
    clusters = np.arange(n) if cluster is None else codes(cluster, "cluster", n)
    if ties not in ("efron", "breslow", "exact"):
        raise ValueError(f"ties: {ties!r} is none of efron, breslow, exact")
    if ties == "exact" and (weights is not None or robust):
        raise ValueError("ties: exact ties have neither case weights nor a robust variance")
    k = x.shape[1]
    events = int(e.sum())
    if events == 0:
        return _unanswered(k, n, events, "no events", ())
    unit, spread = to_unit_range(x)
    model: PartialLikelihood | ExactPartialLikelihood
    if ties == "exact":
        model = ExactPartialLikelihood(t, e, unit, groups, s)
    else:
        model = PartialLikelihood(t, e, unit, groups, ties, start=s, weights=w)
    zero = np.zeros(k)
    top = maximise(model, zero)
    if not top.converged:
        return _unanswered(k, n, events, top.reason, top.columns)
    # the model has weights of mean 1, so that its steps and gains are of the usual size
    scale = np.outer(spread, spread)
    naive: FloatArray = np.asarray(np.linalg.inv(top.information) / mean_weight, dtype=np.float64)
    null = float(model.loglike(zero))
    constant = mean_weight * np.log(mean_weight) * float(np.sum(w[e])) if w is not None else 0.0
    lrt = max(0.0, 2 * mean_weight * (top.loglike - null))
    score = mean_weight * _quadratic(model.score(zero), -model.hessian(zero))
    covariance, robust_score = naive, NAN
    if robust and isinstance(model, PartialLikelihood):
        own = np.ones(n) if w is None else w
        at_top = own[:, None] * row_residuals(t, s, e, unit, top.params, model.terms(top.params))[1]
        influence = _added_up(at_top @ naive * mean_weight, clusters)
        covariance = influence.T @ influence
        at_zero = _added_up(own[:, None] * row_residuals(t, s, e, unit, zero, model.terms(zero))[1], clusters)
        robust_score = _quadratic(at_zero.sum(axis=0), at_zero.T @ at_zero)
    coef = top.params / spread
    se = np.sqrt(np.diag(covariance)) / spread
    z = norm.ppf(0.5 + confidence / 2)
    with np.errstate(divide="ignore", invalid="ignore"):  # a robust variance may be 0: no cluster differs
        p_wald = np.where(se > 0, 2 * norm.sf(np.abs(coef / se)), np.nan)
    p_value, low, high = (np.full(k, np.nan) for _ in range(3))
    for column in range(k) if tested is None else tested:
        p_value[column] = p_wald[column] if robust else likelihood_ratio_p(model, top, column, mean_weight)
        if profile and not robust:
            low[column], high[column] = profile_interval(model, top, column, confidence, scale=mean_weight)
    wald = _quadratic(top.params, covariance)

    def p_of(statistic: float) -> float:
        return float(chi2.sf(statistic, k)) if k else NAN

    return CoxResult(
        coef=coef,
        se=se,
        ci_low=coef - z * se,
        ci_high=coef + z * se,
        profile_low=low / spread,
        profile_high=high / spread,
        p_wald=p_wald,
        p_value=p_value,
        p_global=p_of(lrt),
        loglike_null=mean_weight * null - constant,
        loglike=mean_weight * top.loglike - constant,
        n=n,
        events=events,
        converged=True,
        reason="",
        columns=(),
        note="",
        se_naive=np.sqrt(np.diag(naive)) / spread,
        covariance=covariance / scale,
        lrt_chi2=lrt,
        score_chi2=score,
        p_score=p_of(score),
        wald_chi2=wald,
        p_wald_global=p_of(wald),
        robust_score_chi2=robust_score,
        p_robust_score=p_of(robust_score),
        df=k,
    )


def likelihood_ratio_p(model: Any, top: Maximum, column: int, scale: float = 1.0) -> float:
    """Return the p of one coefficient being 0: the loss of likelihood (times `scale`) when it is held there."""
    from scipy.stats import chi2

    start = top.params.copy()
    start[column] = 0.0
    held = np.arange(start.size) == column
    without = maximise(model, start, held)
    if not without.converged:
        return NAN
    return float(chi2.sf(max(0.0, 2 * scale * (top.loglike - without.loglike)), 1))


def _quadratic(vector: FloatArray, matrix: FloatArray) -> float:
    """Return vector' matrix^-1 vector; NaN where the matrix has no inverse (fewer clusters than columns)."""
    if vector.size == 0:
        return 0.0
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all():
        return NAN
    correlation = matrix / np.outer(scale, scale)
    if np.linalg.eigvalsh(correlation)[0] < 1e-12:
        return NAN
    return float(vector / scale @ np.linalg.solve(correlation, vector / scale))


def _added_up(values: FloatArray, clusters: Any) -> FloatArray:
    """Return the sums of rows (n, k) over clusters numbered 0.."""
    total = np.zeros((int(clusters.max()) + 1, values.shape[1]))
    np.add.at(total, clusters, values)
    return total


def _unanswered(k: int, n: int, events: int, reason: str, columns: tuple[int, ...]) -> CoxResult:
    which = ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
    note = {
        "no events": "no events",
        "collinear": f"{which}: constant or collinear (within strata, among patients at risk)",
        "monotone": f"{which}: monotone likelihood (no finite hazard ratio, such as no event on one side)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }[reason]
    nan = np.full(k, np.nan)
    return CoxResult(
        coef=nan,
        se=nan,
        ci_low=nan,
        ci_high=nan,
        profile_low=nan,
        profile_high=nan,
        p_wald=nan,
        p_value=nan,
        p_global=NAN,
        loglike_null=NAN,
        loglike=NAN,
        n=n,
        events=events,
        converged=False,
        reason=reason,
        columns=columns,
        note=note,
        se_naive=nan,
        covariance=np.full((k, k), np.nan),
        lrt_chi2=NAN,
        score_chi2=NAN,
        p_score=NAN,
        wald_chi2=NAN,
        p_wald_global=NAN,
        robust_score_chi2=NAN,
        p_robust_score=NAN,
        df=k,
    )
