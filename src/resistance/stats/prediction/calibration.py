"""Outcomes and predicted probabilities -> calibration: intercept, slope, the 18 numbers of val.prob, curves with intervals."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers
from resistance.stats.prediction.auc import placements
from resistance.stats.prediction.brier import _probabilities

#: rms groups predicted probabilities in bins of this width before it counts concordant pairs
RMS_BIN = 5000


@dataclass(frozen=True)
class ValProb:
    """The numbers of rms::val.prob, in its order.

    Parameters
    ----------
    dxy, c : float
        Somers' D and C of probabilities in bins of width .0002, as rms has them (the exact area under the ROC
        curve is :func:`resistance.stats.prediction.auc.auc`).
    r2 : float
        Nagelkerke's, of the predictions as they are.
    d, d_chi2, d_p : float
        Discrimination index, its chi-square; its p is NaN there too.
    u, u_chi2, u_p : float
        Unreliability index: intercept and slope against 0 and 1, 2 degrees of freedom.
    q : float
        D - U.
    brier, intercept, slope : float
        Intercept and slope of the logistic recalibration, fitted together.
    e_max, e_90, e_avg : float
        Largest, 90th centile and mean distance between the probabilities and a lowess curve.
    s_z, s_p : float
        Spiegelhalter's test.
    """

    dxy: float
    c: float
    r2: float
    d: float
    d_chi2: float
    d_p: float
    u: float
    u_chi2: float
    u_p: float
    q: float
    brier: float
    intercept: float
    slope: float
    e_max: float
    e_90: float
    e_avg: float
    s_z: float
    s_p: float

    def named(self) -> dict[str, float]:
        """Return the numbers under rms' names."""
        names = ["Dxy", "C (ROC)", "R2", "D", "D:Chi-sq", "D:p", "U", "U:Chi-sq", "U:p", "Q", "Brier"]
        names += ["Intercept", "Slope", "Emax", "E90", "Eavg", "S:z", "S:p"]
        return {name: getattr(self, field.name) for name, field in zip(names, fields(self), strict=True)}


@dataclass(frozen=True)
class CalibrationResult:
    """Calibration of predicted probabilities; what cannot be estimated is NaN.

    Parameters
    ----------
    intercept, intercept_se, intercept_ci_low, intercept_ci_high : float
        Calibration in the large: the log odds to be added, slope held at 1 (0 is perfect).
    slope, slope_se, slope_ci_low, slope_ci_high : float
        Coefficient of the predicted log odds (1 is perfect, below 1 is overfitting).
    observed, expected : float
        Patients with the outcome, and the sum of the probabilities.
    val_prob : ValProb
    n, events : int
    n_extreme : int
        Probabilities of exactly 0 or 1: without log odds, left out of intercept and slope.
    converged : bool
    reason : {'', 'constant outcome', 'constant prediction', 'monotone', 'iterations'}
    columns : tuple of int
    note : str
    """

    intercept: float
    intercept_se: float
    intercept_ci_low: float
    intercept_ci_high: float
    slope: float
    slope_se: float
    slope_ci_low: float
    slope_ci_high: float
    observed: float
    expected: float
    val_prob: ValProb
    n: int
    events: int
    n_extreme: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class CalibrationCurve:
    """Observed against predicted.

    Parameters
    ----------
    predicted : array, shape (g,)
        Mean probability of each group.
    observed, ci_low, ci_high : array, shape (g,)
        Share with the outcome, and Wilson's interval.
    n : array of int, shape (g,)
    smooth_predicted, smooth_observed : array, shape (m,)
        Lowess curve at the distinct probabilities.
    isotonic : array, shape (m,)
        The best curve that never falls, at the same probabilities.
    """

    predicted: FloatArray
    observed: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    n: NDArray[np.int64]
    smooth_predicted: FloatArray
    smooth_observed: FloatArray
    isotonic: FloatArray


def calibration(outcome: ArrayLike, probability: ArrayLike, *, confidence: float = 0.95) -> CalibrationResult:
    """Measure how well predicted probabilities agree with outcomes.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    probability : array, shape (n,)
        Predicted for these patients by a model that has not seen them.
    confidence : float
        Of the Wald intervals of intercept and slope.

    Notes
    -----
    Cox 1958, doi:10.1093/biomet/45.3-4.562; Miller 1991, doi:10.1002/sim.4780100805; Spiegelhalter 1986,
    doi:10.1002/sim.4780050506; indexes D, U, Q: Harrell, Regression Modeling Strategies, 10.9.
    """
    from scipy.stats import chi2, norm

    y = flags(outcome, "outcome")
    p = _probabilities(numbers(probability, "probability", y.size), "probability")
    n, events = y.size, int(y.sum())
    nan = float("nan")
    inner = (p > 0) & (p < 1)
    with np.errstate(divide="ignore"):
        logit = np.log(p[inner]) - np.log1p(-p[inner])
    yi = y[inner]
    m = yi.size
    intercept = intercept_se = slope = slope_se = recal_intercept = nan
    reason = "constant outcome" if yi.sum() in (0, m) else ""
    r2 = d = d_chi2 = u = u_chi2 = u_p = dxy = c = nan
    if not reason:
        intercept, intercept_se = offset_intercept(yi, logit)
        fixed = log_likelihood(yi, logit)
        rate = yi.mean()
        null = float(m * (rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
        d_chi2 = 2 * (fixed - null)
        d = (d_chi2 - 1) / m
        r2 = float(-np.expm1(-d_chi2 / m) / -np.expm1(2 * null / m))
        with_, _ = placements(yi, np.floor(RMS_BIN * p[inner]))
        c = float(with_.mean())
        dxy = 2 * (c - 0.5)
        if np.ptp(logit) == 0:
            reason = "constant prediction"
        else:
            recal_intercept, slope, slope_se, best, reason = recalibration(yi, logit)
            if not reason:
                u_chi2 = max(0.0, 2 * (best - fixed))
                u, u_p = (u_chi2 - 2) / m, float(chi2.sf(u_chi2, 2))
    z = float(norm.ppf(0.5 + confidence / 2))
    distance = np.abs(p - smoothed(p, y)[1]) if n else np.array([nan])
    spread = float(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    s_z = float(((y - p) * (1 - 2 * p)).sum() / np.sqrt(spread)) if spread > 0 else nan
    numbers_ = ValProb(
        dxy=dxy,
        c=c,
        r2=r2,
        d=d,
        d_chi2=d_chi2,
        d_p=nan,
        u=u,
        u_chi2=u_chi2,
        u_p=u_p,
        q=d - u,
        brier=float(((p - y) ** 2).mean()) if n else nan,
        intercept=recal_intercept,
        slope=slope,
        e_max=float(distance.max()),
        e_90=float(np.quantile(distance, 0.9)),
        e_avg=float(distance.mean()),
        s_z=s_z,
        s_p=float(2 * norm.sf(abs(s_z))),
    )
    words = {
        "": "",
        "constant outcome": "the outcome does not vary",
        "constant prediction": "every patient has the same probability: no slope",
        "monotone": "the predicted log odds separate the outcomes: no finite slope",
        "iterations": "the recalibration was not fitted within the allowed iterations",
    }[reason]
    extreme = n - m
    if extreme:
        words = "; ".join(filter(None, [words, f"{extreme} probabilities of 0 or 1 left out of intercept and slope"]))
    return CalibrationResult(
        intercept=intercept,
        intercept_se=intercept_se,
        intercept_ci_low=intercept - z * intercept_se,
        intercept_ci_high=intercept + z * intercept_se,
        slope=slope,
        slope_se=slope_se,
        slope_ci_low=slope - z * slope_se,
        slope_ci_high=slope + z * slope_se,
        observed=float(events),
        expected=float(p.sum()),
        val_prob=numbers_,
        n=n,
        events=events,
        n_extreme=extreme,
        converged=not reason,
        reason=reason,
        columns=(),
        note=words,
    )


def calibration_curve(
    outcome: ArrayLike, probability: ArrayLike, *, groups: int = 10, confidence: float = 0.95
) -> CalibrationCurve:
    """Draw observed against predicted: in groups of equal size, by lowess (span 2/3) and by isotonic regression.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    probability : array, shape (n,)
    groups : int
        Groups by quantiles of the probability; equal probabilities stay together, so there may be fewer.

    Notes
    -----
    Cleveland 1979, doi:10.1080/01621459.1979.10481038; Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> found = calibration_curve([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.7, 0.9], groups=2)
    >>> found.predicted.round(2).tolist(), found.observed.round(2).tolist()
    ([0.2, 0.73], [0.33, 0.67])
    """
    from scipy.optimize import isotonic_regression
    from scipy.stats import norm

    y = flags(outcome, "outcome")
    p = _probabilities(numbers(probability, "probability", y.size), "probability")
    if y.size == 0:
        raise ValueError("outcome: no patients")
    group = quantile_groups(p, groups)
    count = np.bincount(group)
    share = np.bincount(group, weights=y) / count
    z2 = float(norm.ppf(0.5 + confidence / 2)) ** 2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 * share * (1 - share) / count + z2**2 / (4 * count.astype(np.float64) ** 2)) / (1 + z2 / count)
    distinct, inverse, weight = np.unique(p, return_inverse=True, return_counts=True)
    mean = np.bincount(inverse.reshape(-1), weights=y) / weight
    smooth = smoothed(p, y)[0]
    return CalibrationCurve(
        predicted=np.bincount(group, weights=p) / count,
        observed=share,
        ci_low=np.clip(middle - half, 0.0, 1.0),
        ci_high=np.clip(middle + half, 0.0, 1.0),
        n=count.astype(np.int64),
        smooth_predicted=distinct,
        smooth_observed=smooth,
        isotonic=np.asarray(isotonic_regression(mean, weights=weight).x, dtype=np.float64),
    )


def quantile_groups(probability: FloatArray, groups: int) -> NDArray[np.intp]:
    """Return the 0-based group of each prediction, by quantiles; equal predictions stay together, so there may be fewer groups."""
    if groups < 1:
        raise ValueError("groups: at least 1 is needed")
    if probability.size == 0:
        return np.zeros(0, dtype=np.intp)
    cuts = np.unique(np.quantile(probability, np.arange(1, groups) / groups))
    return np.unique(np.searchsorted(cuts, probability, side="left"), return_inverse=True)[1].reshape(-1)


def smoothed(p: FloatArray, y: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowess curve at the distinct probabilities, and at each patient's."""
    from statsmodels.nonparametric.smoothers_lowess import lowess

    distinct, inverse, weight = np.unique(p, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    if distinct.size == 1 or p.size < 3:
        level = np.bincount(inverse, weights=y) / weight
        return level, level[inverse]
    order = np.argsort(p, kind="stable")
    with np.errstate(all="ignore"):  # a neighbourhood of equal probabilities has no slope: lowess takes its mean
        fitted = np.asarray(
            lowess(
                y[order].astype(np.float64),
                p[order],
                frac=2 / 3,
                it=0,
                delta=0.01 * np.ptp(p),
                is_sorted=True,
                return_sorted=False,
            )
        )
    level = np.bincount(inverse[order], weights=fitted) / weight
    return level, level[inverse]


def log_likelihood(outcome: BoolArray, logit: FloatArray) -> float:
    """Return the Bernoulli log-likelihood of predicted log odds."""
    return float((outcome * logit - np.logaddexp(0.0, logit)).sum())


def offset_intercept(outcome: BoolArray, logit: FloatArray) -> tuple[float, float]:
    """Return the constant that must be added to the log odds, and its standard error (the outcome varies)."""
    from scipy.optimize import brentq
    from scipy.special import expit

    events = int(outcome.sum())
    # the mean probability is monotone in the constant: between these two it passes the observed share
    shift = float(np.log(events) - np.log(outcome.size - events))
    low, high = shift - float(logit.max()) - 1e-6, shift - float(logit.min()) + 1e-6
    found = float(brentq(lambda a: float(expit(logit + a).sum()) - events, low, high, xtol=1e-14, rtol=1e-14))
    p = expit(logit + found)
    return found, float(1 / np.sqrt((p * (1 - p)).sum()))


def recalibration(outcome: BoolArray, logit: FloatArray) -> tuple[float, float, float, float, str]:
    """Return intercept, slope, standard error of the slope and log-likelihood of the recalibration, and why not."""
    from resistance.stats.logistic import logistic

    fit = logistic(outcome, logit, tested=())
    slope, se = float(fit.coef[0]), float(fit.se[0])
    return fit.intercept, slope, se, fit.loglike, fit.reason
