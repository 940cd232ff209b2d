"""Times, events and covariates -> regression of the restricted mean survival time (or its logarithm) to a horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, numbers
from resistance.stats.follow_up import follow_up
from resistance.stats.horizon import arms_answer, checked_tau, largest_tau, reach_of, two_at_most
from resistance.stats.kaplan_meier import check_confidence

Scale = Literal["difference", "ratio", "rmtl_ratio"]
#: variance (columns of unit range, times in parts of tau) below which there is only rounding
NO_SPREAD = 1e-20
#: eigenvalue of the cross-products, scaled to a unit diagonal, below which columns are collinear
COLLINEAR = 1e-12


@dataclass(frozen=True)
class RmstRegression:
    """Restricted mean survival time adjusted for covariates; every number is NaN unless `converged`.

    Parameters
    ----------
    tau, tau_largest : float
    scale : {'difference', 'ratio', 'rmtl_ratio'}
    coef, se, z, p_value : array, shape (2 + k,)
        Intercept, arm (second v first), covariates; on the log scale for the ratios. An intercept
        without spread (everybody of the first arm reaches tau) has no standard error and no p.
    ci_low, ci_high : array, shape (2 + k,)
        Interval on the scale of the coefficients (exponentiate for ratios).
    n, events : int
        Rows; events up to tau.
    converged : bool
    reason : {'', 'one arm', 'tau too late', 'no events', 'collinear', 'monotone', 'iterations', 'too few'}
    columns : tuple of int
        0-based columns (of intercept, arm, covariates) that are the cause; for 'tau too late' the arms.
    note : str
    """

    tau: float
    tau_largest: float
    scale: Scale
    coef: FloatArray
    se: FloatArray
    z: FloatArray
    p_value: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def rmst_regression(
    time: ArrayLike,
    event: ArrayLike,
    arm: Any,
    columns: ArrayLike,
    *,
    tau: float | None = None,
    scale: Scale = "difference",
    confidence: float = 0.95,
) -> RmstRegression:
    """Compare restricted mean survival times of two arms, adjusted for covariates.

    Parameters
    ----------
    time, event : array, shape (n,)
    arm : array, shape (n,)
        Two distinct values; the second in sorted order is compared with the first.
    columns : array, shape (n, k)
        Covariates known at the start; k may be 0.
    tau : float, optional
        Horizon, above 0; default :func:`largest_tau` of both arms.
    scale : {'difference', 'ratio', 'rmtl_ratio'}
        Linear model of the restricted time, or log-linear model of it or of the time lost.
    confidence : float

    Notes
    -----
    Tian, Zhao and Wei 2014, doi:10.1093/biostatistics/kxt050: patients whose min(T, tau) is known are weighted by
    the inverse of the probability of not being censored (Kaplan-Meier in each arm); the variance
    takes into account that these are estimates.

    Examples
    --------
    >>> time, age = [4, 8, 12, 12, 6, 10, 12, 12], [70, 60, 50, 55, 72, 61, 48, 52]
    >>> found = rmst_regression(time, [1, 1, 0, 0, 1, 1, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1], age, tau=12)
    >>> found.n, found.tau
    (8, 12.0)
    """
    from scipy.stats import norm

    if scale not in ("difference", "ratio", "rmtl_ratio"):
        raise ValueError(f"scale: {scale!r} is none of difference, ratio, rmtl_ratio")
    check_confidence(confidence)
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    t = follow_up(t).time
    member, arms = codes(arm, "arm", t.size), np.unique(np.asarray(arm))
    two_at_most(arms)
    x = np.column_stack([np.ones(t.size), member == 1, matrix(columns, "columns", t.size)])
    largest = largest_tau(t, e, member)
    horizon = checked_tau(tau, largest, t)
    events = int((e & (t <= horizon)).sum())
    reach = [reach_of(t[member == k], e[member == k]) for k in range(2)]
    reason, cause, note = arms_answer(arms, reach, horizon, events)
    coef = se = np.full(x.shape[1], np.nan)
    if not reason:
        shown = np.minimum(t, horizon)
        known = e | (t >= horizon)
        weight = np.zeros(t.size)
        for k in range(2):
            mine = member == k
            weight[mine] = _inverse_censoring(shown[mine], known[mine])
        response = horizon - shown if scale == "rmtl_ratio" else shown
        spread = np.where(np.ptp(x, axis=0) > 0, np.ptp(x, axis=0), 1.0)
        centre = np.where(np.arange(x.shape[1]) == 0, 0.0, x.mean(axis=0))
        unit = (x - centre) / spread
        cause = _collinear(unit, weight)
        if cause:
            reason = "collinear"
            word = "column " if len(cause) == 1 else "columns "
            note = f"{word}{', '.join(str(i) for i in cause)} of intercept, arm, covariates: constant or collinear"
        else:
            unit_coef, at_rest = _fit(unit, response / horizon, weight, log=scale != "difference")
            if not at_rest:
                # the intercept, which stands at the mean of the columns, runs with them
                cause = tuple(int(i) for i in np.flatnonzero(np.abs(unit_coef) > 10) if i > 0)
                reason = "monotone" if cause else "iterations"
                note = "the model was not fitted within the allowed iterations"
                if cause:
                    note = "no finite ratio: one side has no time on this scale (such as nobody with an event)"
            else:
                linear = unit @ unit_coef
                fitted = linear if scale == "difference" else np.exp(linear)
                slope = np.ones(t.size) if scale == "difference" else fitted
                covariance = _sandwich(unit, response / horizon, weight, shown, known, member, fitted, slope)
                # back to the units given: coef of the centred, scaled columns -> coef of the columns
                back = np.diag(1 / spread)
                back[0] -= centre / spread
                variance = np.diag(back @ covariance @ back.T)
                rounding = 1e-12 * np.diag(np.abs(back) @ np.abs(covariance) @ np.abs(back.T))
                if not (np.diag(covariance)[1:] > NO_SPREAD).all():
                    reason, note = (
                        "too few",
                        "as many columns as patients whose time is known, or no variation: no standard error",
                    )
                else:
                    size = horizon if scale == "difference" else 1.0
                    coef = size * (back @ unit_coef)
                    if scale != "difference":
                        coef[0] += np.log(horizon)
                    se = size * np.sqrt(np.where(variance > rounding, variance, np.nan))
    z = coef / se
    margin = norm.ppf(0.5 + confidence / 2) * se
    p = 2 * norm.sf(np.abs(z))
    return RmstRegression(
        horizon, largest, scale, coef, se, z, p, coef - margin, coef + margin, t.size, events, not reason, reason, cause, note
    )


def _inverse_censoring(time: FloatArray, known: BoolArray) -> FloatArray:
    """Return 1 over the probability of not being censored by the end of one's own time; 0 for the censored."""
    times, index = np.unique(time, return_inverse=True)
    n_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    censored = np.bincount(index, weights=~known, minlength=times.size)
    free = np.cumprod(1 - censored / n_risk)[index]
    return np.where(known, 1 / np.where(known, free, 1.0), 0.0)


def _collinear(x: FloatArray, weight: FloatArray) -> tuple[int, ...]:
    """Return the columns that take part in a combination which is constant 0 among the weighted patients."""
    cross = x.T @ (weight[:, None] * x)
    diagonal = np.diag(cross)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(cross / np.outer(scale, scale))
    null = vectors[:, values < COLLINEAR]
    involved = (np.abs(null) > 1e-5).any(axis=1) if null.size else np.zeros(diagonal.size, dtype=bool)
    return tuple(int(i) for i in np.flatnonzero(involved))


def _fit(x: FloatArray, y: FloatArray, weight: FloatArray, *, log: bool) -> tuple[FloatArray, bool]:
    """Return the coefficients of the weighted (log-)linear model, and whether they came to rest."""
    if not log:
        return np.asarray(np.linalg.solve(x.T @ (weight[:, None] * x), x.T @ (weight * y)), dtype=np.float64), True
    coef: FloatArray = np.zeros(x.shape[1])
    mean = float(np.average(y, weights=weight))
    if mean <= 0:  # nobody has (or loses) any time
        return np.where(np.arange(x.shape[1]) == 0, -np.inf, 0.0), False
    coef[0] = np.log(mean)

    def loss(linear: FloatArray) -> float:
        return float((weight * (np.exp(linear) - y * linear)).sum())

    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(60):
            fitted: FloatArray = np.exp(x @ coef)
            try:
                step = np.linalg.solve(x.T @ ((weight * fitted)[:, None] * x), x.T @ (weight * (y - fitted)))
            except np.linalg.LinAlgError:
                break
            if not np.isfinite(step).all():
                break
            if np.abs(step).max() < 1e-10:
                return np.asarray(coef + step, dtype=np.float64), True
            now = loss(x @ coef)
            for _ in range(30):
                if loss(x @ (coef + step)) <= now + 1e-12 * max(1.0, abs(now)):
                    break
                step = step / 2
            coef = np.asarray(coef + step, dtype=np.float64)
    return coef, False


def _sandwich(
    x: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    time: FloatArray,
    known: BoolArray,
    member: NDArray[np.intp],
    fitted: FloatArray,
    slope: FloatArray,
) -> FloatArray:
    """Return the covariance of the coefficients.

    A patient's term is its own weighted residual plus the martingale of its censoring, integrated over the
    mean of the residuals still to come in its arm.  The derivative of the estimating equation is the
    expected one: `slope` of the mean without the weights, whose expectation is 1.
    """
    score = x * (weight * (y - fitted))[:, None]
    middle = np.zeros((x.shape[1], x.shape[1]))
    for k in range(2):
        mine = member == k
        t, censored, own = time[mine], ~known[mine], score[mine]
        times, index = np.unique(t, return_inverse=True)
        sums = np.zeros((times.size, x.shape[1]))
        np.add.at(sums, index, own)
        later = np.cumsum(sums[::-1], axis=0)[::-1]  # of those with time >= each
        n_risk = (t.size - np.searchsorted(np.sort(t), times, side="left"))[:, None]
        lost = np.bincount(index, weights=censored, minlength=times.size)[:, None]
        drift = np.cumsum(later * lost / n_risk**2, axis=0)
        term = own + censored[:, None] * (later / n_risk)[index] - drift[index]
        middle += term.T @ term
    cross = x.T @ (slope[:, None] * x)
    if np.linalg.cond(cross) > 1 / COLLINEAR:  # a mean that runs to 0 takes its column with it
        return np.zeros_like(cross)
    bread = np.linalg.inv(cross)
    return np.asarray(bread @ middle @ bread)
