"""A binary outcome and columns -> Firth's penalised logistic regression: finite odds ratios, intervals and p also where a cell is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats._design import named
from resistance.stats.logistic.design import Design, prepare, tested_columns
from resistance.stats.logistic.model import answer, likelihood_ratio
from resistance.stats.logistic.profile import other_hill
from resistance.stats.logistic.results import LogisticResult, LogisticTest, unanswered
from resistance.stats.logistic_likelihood import LogisticLikelihood
from resistance.stats.newton import Maximum
from resistance.stats.separation import separation

#: steps along the likelihood without the penalty, each of which about multiplies the odds by e
ALONG = 40
#: log odds of some patient, by maximum likelihood, from which the penalised likelihood may have another hill
NEARLY_SEPARATED = 8.0


@dataclass(frozen=True)
class FirthLogisticResult(LogisticResult):
    """Logistic regression by penalised likelihood; every number is NaN unless `converged`.

    As :class:`LogisticResult`, with `loglike`, `loglike_null`, interval and p from the penalised likelihood,
    `columns` the cause of `reason` or, where there is none, of the separation, and

    Parameters
    ----------
    separated : bool
        Maximum likelihood has no finite estimate (complete or quasi-complete separation); `columns`
        and `note` say because of which columns.  The penalised estimate is finite all the same.
    se_plain : array, shape (k,)
        Standard errors from the Fisher information of the patients alone (R's brglm2, logistf before
        1.25).  `se` and `p_wald` are from the information with the penalty's share in it (logistf since
        1.25): smaller, and by up to a tenth on separated data.
    intercept_se_plain : float
    """

    separated: bool
    se_plain: FloatArray
    intercept_se_plain: float


def firth_logistic(
    outcome: ArrayLike,
    columns: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    tested: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> FirthLogisticResult:
    """Fit a logistic model with an intercept by Firth's penalised likelihood.

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
    FirthLogisticResult
        ``converged`` is False with a note for collinear or constant columns (also more columns than
        patients) and an outcome that everybody or nobody has.

    Raises
    ------
    ValueError
        Missing values, shapes that do not fit, an outcome that is not 0/1, negative weights.

    Notes
    -----
    Firth 1993, doi:10.1093/biomet/80.1.27; for separation Heinze and Schemper 2002, doi:10.1002/sim.1047.
    The p is that of the penalised likelihood ratio, with the penalty of the full model on both sides, and
    the interval is where that p is 1 - confidence.  The Wald p of a separated marker says nothing:
    compare `p_wald` only with other programs.  The average of `fitted` mostly lies nearer to one half than the
    share of patients with the outcome: for predictions take :func:`flic` or :func:`flac`.

    Examples
    --------
    >>> found = firth_logistic([1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 1])
    >>> found.separated, found.columns, round(float(found.coef[0]), 3), round(float(found.p_value[0]), 3)
    (True, (0,), 3.045, 0.043)
    """
    data = prepare(outcome, columns, weights)
    which = tested_columns(tested, data.columns.shape[1])
    reason, cause = data.impossible
    if reason:
        return _unanswered(data, reason, cause)
    model = data.likelihood(penalised=True)
    top, hills, (separated, cause, note) = _top(data, model)
    if not top.converged:
        return _unanswered(data, "iterations", ())
    covariance = np.linalg.inv(model.augmented_information(top.params))
    found = answer(data, model, top, covariance, which, confidence, with_intercept=tested is None, hills=hills)
    # half the log determinant of the information is larger by this in the units that were given
    units = float(np.log(data.spread).sum())
    to_origin = np.concatenate([[1.0], -data.columns.mean(axis=0) / data.spread])
    plain = np.linalg.inv(model.information(top.params))
    lost = [i for i in which if np.isnan([found.ci_low[i], found.ci_high[i], found.p_value[i]]).any()]
    if lost:
        note = "; ".join(filter(None, [note, f"{named(lost)}: interval or p not found, the likelihood is nearly flat"]))
    return _extended(
        replace(found, loglike=found.loglike + units, loglike_null=found.loglike_null + units, columns=cause, note=note),
        separated=separated,
        se_plain=np.sqrt(np.diag(plain))[1:] / data.spread,
        intercept_se_plain=float(np.sqrt(to_origin @ plain @ to_origin)),
    )


def firth_likelihood_ratio(
    outcome: ArrayLike, columns: ArrayLike, tested: Sequence[int], *, weights: ArrayLike | None = None
) -> LogisticTest:
    """Test columns together by the penalised likelihood ratio, such as the levels of a category.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)
    tested : sequence of int
        Columns that have no effect under the null hypothesis; they stay in the penalty.
    weights : array, shape (n,), optional
    """
    data = prepare(outcome, columns, weights)
    return likelihood_ratio(
        data, tested_columns(tested, data.columns.shape[1]), penalised=True, highest=lambda model: _top(data, model)[0]
    )


def flic(
    outcome: ArrayLike,
    columns: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    tested: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> FirthLogisticResult:
    """Fit Firth's model and correct its intercept: the fitted probabilities average to the share observed.

    Parameters
    ----------
    outcome, columns, weights, tested, confidence
        As in :func:`firth_logistic`.

    Returns
    -------
    FirthLogisticResult
        That of :func:`firth_logistic` with other `fitted` and intercept; the interval of the intercept is
        Wald's, from the information of the whole model at the corrected probabilities, its p that of the
        model in which only the intercept is estimated.

    Notes
    -----
    Puhr, Heinze, Nold, Lusa and Geroldinger 2017, doi:10.1002/sim.7273.

    Examples
    --------
    >>> outcome, marker = [1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 1]
    >>> plain, corrected = firth_logistic(outcome, marker), flic(outcome, marker)
    >>> round(float(plain.fitted.sum()), 3), round(float(corrected.fitted.sum()), 3)
    (3.2, 3.0)
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    found = firth_logistic(outcome, columns, weights=weights, tested=tested, confidence=confidence)
    if not found.converged:
        return found
    data = prepare(outcome, columns, weights)
    linear = data.unit[:, 1:] @ (found.coef * data.spread)
    observed = float(data.weights @ data.outcome)

    def excess(constant: float) -> float:
        return float(data.weights @ _expit(linear + constant)) - observed

    reach = float(np.abs(linear).max()) + float(np.abs(data.start[0])) + 1
    constant = float(brentq(excess, -reach, reach, xtol=1e-13, rtol=1e-14))
    to_origin = np.concatenate([[1.0], -data.columns.mean(axis=0) / data.spread])
    params = np.concatenate([[constant], found.coef * data.spread])
    information = data.likelihood().information(params)
    intercept = float(to_origin @ params)
    se = float(np.sqrt(to_origin @ np.linalg.inv(information) @ to_origin))
    alone = float(np.sqrt(1 / information[0, 0]))
    z = float(norm.ppf(0.5 + confidence / 2))
    fitted = np.full(data.used.size, np.nan)
    fitted[data.used] = _expit(linear + constant)
    p_value = float(2 * norm.sf(abs(intercept / alone)))
    return replace(
        found,
        intercept=intercept,
        intercept_se=se,
        intercept_se_plain=se,
        intercept_ci_low=intercept - z * se,
        intercept_ci_high=intercept + z * se,
        intercept_p_value=p_value,
        intercept_p_wald=p_value,
        fitted=fitted,
    )


def flac(
    outcome: ArrayLike,
    columns: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    tested: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> FirthLogisticResult:
    """Fit Firth's model with an added covariate: the fitted probabilities average to the share observed.

    The penalty is written as two further patients per patient, weighted by half the leverage, one with
    and one without the outcome; a covariate tells them from the real ones.

    Parameters
    ----------
    outcome, columns, weights, tested, confidence
        As in :func:`firth_logistic`.

    Returns
    -------
    FirthLogisticResult
        Coefficients, standard errors, profile intervals and likelihood-ratio p of the enlarged data set;
        `loglike`, `loglike_null` and `p_global` are those of :func:`firth_logistic`.

    Notes
    -----
    Puhr, Heinze, Nold, Lusa and Geroldinger 2017, doi:10.1002/sim.7273.

    Examples
    --------
    >>> found = flac([1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 1])
    >>> round(float(found.fitted.sum()), 3)
    3.0
    """
    data = prepare(outcome, columns, weights)
    which = tested_columns(tested, data.columns.shape[1])
    first = firth_logistic(outcome, columns, weights=weights, tested=[], confidence=confidence)
    if not first.converged:
        return first
    n, k = data.columns.shape
    to_unit = np.concatenate([[first.intercept + float(first.coef @ data.columns.mean(axis=0))], first.coef * data.spread])
    half = data.likelihood().leverage(to_unit) / 2
    added = np.repeat([0.0, 1.0, 1.0], n)
    enlarged = prepare(
        np.concatenate([data.outcome, data.outcome, ~data.outcome]),
        np.column_stack([np.tile(data.columns, (3, 1)), added]),
        np.concatenate([data.weights, half, half]),
    )
    model = enlarged.likelihood()
    top = model.maximise(enlarged.start)
    if not top.converged:
        return _unanswered(data, "iterations", ())
    covariance = np.linalg.inv(model.information(top.params))
    found = answer(enlarged, model, top, covariance, which, confidence, with_intercept=tested is None)
    fitted = np.full(data.used.size, np.nan)
    fitted[data.used] = found.fitted[:n]
    return replace(
        first,
        intercept=found.intercept,
        intercept_se=found.intercept_se,
        intercept_se_plain=found.intercept_se,
        intercept_ci_low=found.intercept_ci_low,
        intercept_ci_high=found.intercept_ci_high,
        intercept_p_value=found.intercept_p_value,
        intercept_p_wald=found.intercept_p_wald,
        coef=found.coef[:k],
        se=found.se[:k],
        se_plain=found.se[:k],
        ci_low=found.ci_low[:k],
        ci_high=found.ci_high[:k],
        p_value=found.p_value[:k],
        p_wald=found.p_wald[:k],
        fitted=fitted,
    )


def _top(data: Design, model: LogisticLikelihood) -> tuple[Maximum, bool, tuple[bool, tuple[int, ...], str]]:
    """Return the highest maximum found, whether there may be other hills, and whether, why and in words the outcome is separated."""
    top = model.maximise(data.start)
    if not top.converged:
        return top, False, (False, (), "")
    plain = data.likelihood()
    without_penalty = plain.maximise(top.params)  # a few steps from here; the linear programme only in doubt
    separated = (False, (), "") if without_penalty.converged else _separated(data)
    if without_penalty.converged:
        # nearly separated data can have a second hill too: that next to the maximum without penalty
        again = model.maximise(without_penalty.params)
        if again.converged and again.loglike > top.loglike + 1e-8:
            top = again
    hills = not without_penalty.converged or float(np.abs(data.unit @ without_penalty.params).max()) > NEARLY_SEPARATED
    return _highest(model, plain, data.start, top) if hills else top, hills, separated


def _separated(data: Design) -> tuple[bool, tuple[int, ...], str]:
    """Return whether the outcome is separated, because of which columns, and that in words."""
    found = separation(data.outcome, data.columns)
    if not found.kind:
        return False, (), ""
    note = f"{named(found.columns)}: {found.kind} separation (an odds ratio of 0 or infinity by maximum likelihood; this one is penalised)"
    return True, found.columns, note


def _highest(model: LogisticLikelihood, plain: LogisticLikelihood, start: FloatArray, top: Maximum) -> Maximum:
    """Return the highest of the maxima that are reached along the separating direction, and by way of each coefficient being 0.

    With separation the penalised likelihood can have more than one hill: a skewed column that separates
    the outcome has a low one near 0 and the highest far out, where the patients with large values no
    longer hold the information back.  The likelihood without the penalty climbs straight that way.
    """
    for column in range(1, top.params.size):
        held = np.arange(top.params.size) == column
        way = np.where(held, 0.0, top.params)
        there = other_hill(model, way, held, model.maximise(way, held))
        if there.converged and there.loglike > top.loglike + 1e-8:
            top = _higher(model, there.params, top)
    params = start.copy()
    along: list[tuple[float, FloatArray]] = []
    with np.errstate(all="ignore"):
        for _ in range(ALONG):
            try:
                step = np.linalg.solve(plain.information(params), plain.score(params))
            except np.linalg.LinAlgError:
                break
            if not np.isfinite(step).all():
                break
            params = params + step
            value = model.loglike(params)
            if not np.isfinite(value):
                break
            along.append((value, params))
    if along:
        best = max(along, key=lambda point: point[0])
        if best[0] > top.loglike + 1e-8:
            top = _higher(model, best[1], top)
    return top


def _higher(model: LogisticLikelihood, params: FloatArray, top: Maximum) -> Maximum:
    """Return the maximum next to a point if it is higher than the one there is."""
    again = model.maximise(params)
    return again if again.converged and again.loglike > top.loglike else top


def _unanswered(data: Design, reason: str, columns: tuple[int, ...]) -> FirthLogisticResult:
    return _extended(
        unanswered(data, reason, columns),
        separated=False,
        se_plain=np.full(data.columns.shape[1], np.nan),
        intercept_se_plain=float("nan"),
    )


def _extended(found: LogisticResult, **more: Any) -> FirthLogisticResult:
    return FirthLogisticResult(**vars(found), **more)


def _expit(linear: FloatArray) -> FloatArray:
    return LogisticLikelihood(np.zeros(linear.size), linear[:, None]).probability(np.ones(1))
