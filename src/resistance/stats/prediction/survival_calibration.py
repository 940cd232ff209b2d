"""Follow-up and predicted risks by one time -> calibration there: observed over expected, intercept, slope, groups by risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.aalen_johansen import causes_of, cumulative_incidence, incidence_at
from resistance.stats.kaplan_meier import kaplan_meier, survival_at
from resistance.stats.prediction.calibration import quantile_groups
from resistance.stats.pseudo_values import incidence_pseudo_values

#: predicted risks are kept this far from 0 and 1 before their complementary log-log is taken
EDGE = 1e-9
ITERATIONS = 60


@dataclass(frozen=True)
class SurvivalCalibration:
    """Calibration of predicted risks at one time; NaN where it cannot be estimated.

    Parameters
    ----------
    time : float
    observed, observed_ci_low, observed_ci_high : float
        Risk by then: 1 - Kaplan-Meier, with competing causes Aalen-Johansen; log-log interval, NaN where nothing happened.
    expected : float
        Mean predicted risk.
    ratio, ratio_ci_low, ratio_ci_high : float
        Observed over expected; the interval is that of `observed`.
    intercept, intercept_se, intercept_ci_low, intercept_ci_high : float
        To be added to the complementary log-log of the predicted risk, slope held at 1 (0 is perfect; exp(intercept) is a ratio
        of cumulative hazards).
    slope, slope_se, slope_ci_low, slope_ci_high : float
        Coefficient of it (1 is perfect, below 1 is too extreme).
    group_n : array of int, shape (g,)
    group_predicted, group_observed, group_ci_low, group_ci_high : array, shape (g,)
        Of groups by quantile of the predicted risk; NaN where nobody of the group is followed so far.
    n, events, n_extreme : int
        Patients; events of the cause by the time; predicted risks of (nearly) 0 or 1, which were moved to the edge.
    converged : bool
        Intercept and slope are there.
    reason : {'', 'too few', 'too late', 'no events', 'constant prediction', 'iterations'}
    columns : tuple of int
    note : str
    """

    time: float
    observed: float
    observed_ci_low: float
    observed_ci_high: float
    expected: float
    ratio: float
    ratio_ci_low: float
    ratio_ci_high: float
    intercept: float
    intercept_se: float
    intercept_ci_low: float
    intercept_ci_high: float
    slope: float
    slope_se: float
    slope_ci_low: float
    slope_ci_high: float
    group_n: NDArray[np.int64]
    group_predicted: FloatArray
    group_observed: FloatArray
    group_ci_low: FloatArray
    group_ci_high: FloatArray
    n: int
    events: int
    n_extreme: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def survival_calibration(
    time: ArrayLike, cause: ArrayLike, risk: ArrayLike, at: float, *, of: int = 1, groups: int = 10, confidence: float = 0.95
) -> SurvivalCalibration:
    """Measure how well predicted risks by a time agree with what was observed by then.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, not negative.
    cause : array of int, shape (n,)
        0 censored, 1 event; with competing causes 2 ...
    risk : array, shape (n,)
        Predicted probability, 0..1, of an event (of cause `of`) by `at`, by a model that has not seen these patients.
    at : float
        In the unit of `time`.
    of : int
    groups : int
        By quantiles of the risk; equal risks stay together, so there may be fewer.
    confidence : float

    Raises
    ------
    ValueError
        Missing or negative times, risks outside 0..1, `at` not above 0, `groups` below 1.

    Notes
    -----
    Intercept and slope by regression of pseudo-values on the complementary log-log of the predicted risk, with that link and a
    robust variance: van Geloven et al. 2022, doi:10.1136/bmj-2021-069249; pseudo-values: Andersen and Perme 2010,
    doi:10.1177/0962280209105020.  Censoring must not depend on the predicted risk.

    Examples
    --------
    >>> draw = np.random.default_rng(2)
    >>> hazard = np.exp(draw.normal(size=2000))
    >>> follow, end = draw.exponential(1 / hazard), draw.uniform(0.5, 2, 2000)
    >>> found = survival_calibration(np.minimum(follow, end), follow <= end, 1 - np.exp(-hazard), 1.0)
    >>> found.slope_ci_low < 1 < found.slope_ci_high, found.ratio_ci_low < 1 < found.ratio_ci_high
    (True, True)
    """
    from scipy.stats import norm

    t = numbers(time, "time")
    c = causes_of(np.asarray(cause, dtype=np.float64), t.size)
    p = numbers(risk, "risk", t.size)
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"risk: {int(((p < 0) | (p > 1)).sum())} value(s) outside 0..1")
    if not at > 0:
        raise ValueError(f"at: {at} is not above 0")
    nan = float("nan")
    observed, low, high = _observed(t, c, at, of, confidence)
    expected = float(p.mean()) if p.size else nan
    group = quantile_groups(p, groups)
    count = np.bincount(group)
    by_group = [_observed(t[group == g], c[group == g], at, of, confidence) for g in range(count.size)]
    each = np.array(by_group).reshape(-1, 3)
    z = float(norm.ppf(0.5 + confidence / 2))
    inner = np.clip(p, EDGE, 1 - EDGE)
    x = np.log(-np.log1p(-inner))
    pseudo = incidence_pseudo_values(t, c, [at], of=of)
    events = int(((c == of) & (t <= at)).sum())
    reason = pseudo.reason or ("" if events else "no events")
    intercept = intercept_se = slope = slope_se = nan
    if not reason:
        y = pseudo.values[:, 0]
        found = _regression(y, np.ones((t.size, 1)), x)
        intercept, intercept_se = (float(found[0][0]), float(found[1][0])) if found is not None else (nan, nan)
        if np.ptp(x) == 0:
            reason = "constant prediction"
        else:
            found = _regression(y, np.column_stack([np.ones(t.size), x]), np.zeros(t.size))
            slope, slope_se = (float(found[0][1]), float(found[1][1])) if found is not None else (nan, nan)
            reason = "" if found is not None and np.isfinite(intercept) else "iterations"
    words = {
        "": "",
        "too few": "fewer than two patients",
        "too late": f"nobody is followed to {at:g}",
        "no events": f"no event by {at:g}",
        "constant prediction": "every patient has the same risk: no slope",
        "iterations": "the recalibration was not fitted within the allowed iterations",
    }[reason]
    extreme = int((inner != p).sum())
    if extreme:
        words = "; ".join(filter(None, [words, f"{extreme} predicted risks of 0 or 1 were moved to the edge"]))
    return SurvivalCalibration(
        time=float(at),
        observed=observed,
        observed_ci_low=low,
        observed_ci_high=high,
        expected=expected,
        ratio=observed / expected if expected else nan,
        ratio_ci_low=low / expected if expected else nan,
        ratio_ci_high=high / expected if expected else nan,
        intercept=intercept,
        intercept_se=intercept_se,
        intercept_ci_low=intercept - z * intercept_se,
        intercept_ci_high=intercept + z * intercept_se,
        slope=slope,
        slope_se=slope_se,
        slope_ci_low=slope - z * slope_se,
        slope_ci_high=slope + z * slope_se,
        group_n=count.astype(np.int64),
        group_predicted=np.bincount(group, weights=p) / np.maximum(count, 1),
        group_observed=each[:, 0],
        group_ci_low=each[:, 1],
        group_ci_high=each[:, 2],
        n=t.size,
        events=events,
        n_extreme=extreme,
        converged=not reason,
        reason=reason,
        columns=(),
        note=words,
    )


def _observed(time: FloatArray, cause: NDArray[np.intp], at: float, of: int, confidence: float) -> tuple[float, float, float]:
    """Return the risk by a time and its interval; NaN beyond the follow-up, unless everybody has failed by then."""
    nan = float("nan")
    if not time.size:
        return nan, nan, nan
    if (cause <= 1).all() and of == 1:
        curve = kaplan_meier(time, cause == 1, confidence=confidence)
        left, bottom, top = (float(x[0]) for x in survival_at(curve, [at]))
        value, low, high = 1 - left, 1 - top, 1 - bottom
        last, end = 1.0, float(curve.survival[-1])
    else:
        every = cumulative_incidence(time, cause, causes=max(of, int(cause.max())), confidence=confidence)
        value, _, low, high = (float(x[0]) for x in incidence_at(every, [at], cause=of))
        last, end = float(every.incidence[-1, of - 1]), float(every.survival[-1])
    if np.isnan(value) and end == 0:
        return last, nan, nan
    return (value, low, high) if value > 0 else (value, nan, nan)


def _regression(y: FloatArray, columns: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Solve sum of d mu / d beta (y - mu) = 0 with 1 - exp(-exp(.)) as the mean; return coefficients and robust standard errors.

    Independent working variance, as in the regression of pseudo-values; Newton steps on the least squares, halved while the
    squares do not fall.
    """

    def parts(beta: FloatArray) -> tuple[FloatArray, FloatArray]:
        eta = np.clip(columns @ beta + offset, -40.0, 5.0)
        hazard = np.exp(eta)
        return -np.expm1(-hazard), hazard * np.exp(-hazard)

    beta = np.zeros(columns.shape[1])
    if not offset.any():
        mean = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
        beta[0] = np.log(-np.log1p(-mean))
    mu, slope = parts(beta)
    squares = float(np.square(y - mu).sum())
    for _ in range(ITERATIONS):
        jacobian = slope[:, None] * columns
        information = jacobian.T @ jacobian
        if np.linalg.cond(information) > 1e14:
            return None
        step = np.linalg.solve(information, jacobian.T @ (y - mu))
        size = 1.0
        while size > 1e-6:
            trial = beta + size * step
            mu_trial, slope_trial = parts(trial)
            squares_trial = float(np.square(y - mu_trial).sum())
            if squares_trial <= squares * (1 + 1e-14):
                break
            size /= 2
        else:
            return None
        moved = float(np.abs(size * step).max())
        beta, mu, slope, squares = trial, mu_trial, slope_trial, squares_trial
        if moved < 1e-10:
            jacobian = slope[:, None] * columns
            bread = np.linalg.inv(jacobian.T @ jacobian)
            score = jacobian * (y - mu)[:, None]
            return beta, np.sqrt(np.diag(bread @ (score.T @ score) @ bread))
    return None
