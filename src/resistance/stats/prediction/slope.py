"""Scores from outside the fit and outcomes -> calibration slope and intercept with intervals, over all repeats of a cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import FloatArray
from resistance.stats.prediction.outcomes import Outcome


@dataclass(frozen=True)
class Slope:
    """Calibration slope and intercept; NaN where they cannot be estimated.

    Parameters
    ----------
    slope, slope_se, slope_ci_low, slope_ci_high : float
    intercept, intercept_se, intercept_ci_low, intercept_ci_high : float
        Binary outcomes only.
    """

    slope: float
    slope_se: float
    slope_ci_low: float
    slope_ci_high: float
    intercept: float
    intercept_se: float
    intercept_ci_low: float
    intercept_ci_high: float


def calibration_slope(
    outcome: Outcome,
    folds: NDArray[np.intp],
    scores: FloatArray,
    predicted: FloatArray,
    patient: NDArray[np.intp],
    confidence: float = 0.95,
) -> Slope:
    """Estimate how far predictions are too extreme (slope below 1) or too timid, the mean over repeats.

    Parameters
    ----------
    outcome : Outcome
    folds : array of int, shape (R, n)
    scores : array, shape (R, n)
        Linear predictors from models fitted without the patient.
    predicted : array, shape (R, n, m)
        Probabilities of the same.
    patient : array of int, shape (n,)
        0-based: rows of one patient count as one.
    confidence : float

    Returns
    -------
    Slope
        Binary: coefficient of the predicted log odds; ordinal: of the score in a proportional-odds model; time to event: of
        the score in a Cox model stratified by fold.  Intercept: what must be added to the predicted log odds.

    Notes
    -----
    Cox 1958, doi:10.1093/biomet/45.3-4.562.  The interval is that of the infinitesimal jackknife over patients
    (Efron 1982, doi:10.1137/1.9781611970319): each patient's influence on the slope of every repeat is averaged before it is
    squared, so that repeats of the same patients do not make it narrower than they should.  Predictions are held
    fixed: it does not say how the slope would vary with other training patients.

    Examples
    --------
    >>> from resistance.stats.prediction.outcomes import binary
    >>> logit = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    >>> p = 1 / (1 + np.exp(-logit))
    >>> found = calibration_slope(binary([0, 1, 0, 0, 1, 1]), np.zeros((1, 6), int), logit[None], p[None, :, None], np.arange(6))
    >>> round(found.slope, 2), found.slope_ci_low < found.slope < found.slope_ci_high
    (1.28, True)
    """
    from scipy.stats import norm

    slopes, intercepts = _Mean(patient), _Mean(patient)
    for r in range(len(folds)):
        if not outcome.varies:
            break
        if outcome.kind == "survival":
            slopes.add(*_survival(outcome, scores[r], folds[r]))
        elif outcome.kind == "ordinal":
            slopes.add(*_ordinal(outcome, scores[r]))
        else:
            slope, intercept = _binary(outcome, predicted[r, :, 0])
            slopes.add(*slope)
            intercepts.add(*intercept)
    z = float(norm.ppf(0.5 + confidence / 2))
    (slope_value, se), (intercept_value, intercept_se) = slopes.result(), intercepts.result()
    return Slope(
        slope=slope_value,
        slope_se=se,
        slope_ci_low=slope_value - z * se,
        slope_ci_high=slope_value + z * se,
        intercept=intercept_value,
        intercept_se=intercept_se,
        intercept_ci_low=intercept_value - z * intercept_se,
        intercept_ci_high=intercept_value + z * intercept_se,
    )


class _Mean:
    """The mean of estimates, and of each patient's influence on them."""

    def __init__(self, patient: NDArray[np.intp]) -> None:
        self._patient = patient
        self._values: list[float] = []
        self._influence = np.zeros(int(patient.max(initial=-1)) + 1)

    def add(self, value: float, influence: FloatArray) -> None:
        if np.isfinite(value):
            self._values.append(value)
            self._influence += np.bincount(self._patient, weights=influence, minlength=self._influence.size)

    def result(self) -> tuple[float, float]:
        if not self._values:
            return float("nan"), float("nan")
        return float(np.mean(self._values)), float(np.sqrt(np.square(self._influence / len(self._values)).sum()))


_Part = tuple[float, FloatArray]


def _binary(outcome: Outcome, probability: FloatArray) -> tuple[_Part, _Part]:
    from scipy.special import expit

    from resistance.stats.prediction.calibration import offset_intercept, recalibration

    p = np.clip(probability, 1e-12, 1 - 1e-12)
    logit = np.log(p) - np.log1p(-p)
    y = outcome.values == 1
    add = offset_intercept(y, logit)[0]
    q = expit(logit + add)
    intercept = add, (y - q) / (q * (1 - q)).sum()
    if np.ptp(logit) == 0:
        return (float("nan"), np.zeros(y.size)), intercept
    a, slope, _, _, _ = recalibration(y, logit)
    if not np.isfinite(slope):
        return (float("nan"), np.zeros(y.size)), intercept
    x = np.column_stack([np.ones(y.size), logit])
    q = expit(a + slope * logit)
    information = (x * (q * (1 - q))[:, None]).T @ x
    return (slope, ((y - q)[:, None] * np.linalg.solve(information, x.T).T)[:, 1]), intercept


def _survival(outcome: Outcome, score: FloatArray, fold: NDArray[np.intp]) -> _Part:
    from resistance.stats.cox import cox
    from resistance.stats.residuals import cox_residuals

    slope = float(cox(outcome.values, outcome.event, score, strata=fold, tested=()).coef[0])
    if not np.isfinite(slope):
        return slope, np.zeros(outcome.n)
    found = cox_residuals(outcome.values, outcome.event, score, [slope], strata=fold)
    return slope, found.dfbeta[:, 0]


def _ordinal(outcome: Outcome, score: FloatArray) -> _Part:
    from resistance.stats.cumulative_logit import CumulativeLogit
    from resistance.stats.prediction.penalised_ordinal import penalised_ordinal

    fit = penalised_ordinal(outcome.values, score, lambdas=0.0)
    slope = float(fit.coef[0, 0])
    if not np.isfinite(slope) or np.ptp(score) == 0:
        return float("nan") if not np.isfinite(slope) else slope, np.zeros(outcome.n)
    category = np.unique(outcome.values, return_inverse=True)[1].reshape(-1)
    model = CumulativeLogit(category, score.reshape(-1, 1), np.ones(outcome.n), np.zeros(1, dtype=np.bool_))
    params = np.append(fit.thresholds[0], slope)
    each = model.scores(params) @ np.linalg.inv(-model.hessian(params))
    return slope, np.asarray(each[:, -1])
