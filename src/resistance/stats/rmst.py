"""Times and events -> restricted mean survival time to a horizon: of one group, between two arms, adjusted for covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, numbers
from resistance.stats.follow_up import FollowUp, exhausted, follow_up, slack
from resistance.stats.kaplan_meier import check_confidence

Scale = Literal["difference", "ratio", "rmtl_ratio"]
#: variance (columns of unit range, times in parts of tau) below which there is only rounding
NO_SPREAD = 1e-20
#: eigenvalue of the cross-products, scaled to a unit diagonal, below which columns are collinear
COLLINEAR = 1e-12


@dataclass(frozen=True)
class RestrictedMean:
    """Restricted mean survival time of one group.

    Parameters
    ----------
    tau : float
        The horizon, in the unit of the times.
    rmst, se, ci_low, ci_high : float
        Mean time without event up to tau: the area under the Kaplan-Meier curve; Wald interval.
    rmtl, rmtl_ci_low, rmtl_ci_high : float
        Mean time lost up to tau; its standard error is that of `rmst`.
    reach : float
        The largest tau of this group: its last follow-up, or infinite where the curve comes down to 0.
    n, events : int
        Rows; events up to tau.
    converged : bool
        False where the curve does not reach tau; every number is then NaN.
    reason : {'', 'nobody', 'tau too late'}
    note : str
        The same in words.
    """

    tau: float
    rmst: float
    se: float
    ci_low: float
    ci_high: float
    rmtl: float
    rmtl_ci_low: float
    rmtl_ci_high: float
    reach: float
    n: int
    events: int
    converged: bool
    reason: str
    note: str


@dataclass(frozen=True)
class Contrast:
    """A comparison of two arms, the second relative to the first (p two-sided; a ratio's p and interval on the log scale)."""

    estimate: float
    ci_low: float
    ci_high: float
    p_value: float


@dataclass(frozen=True)
class RmstComparison:
    """Restricted mean survival times of two arms; every number is NaN unless `converged`.

    Parameters
    ----------
    tau, tau_largest : float
        The horizon used; the largest that both arms reach.
    arms : array, shape (2,)
        The distinct values of the arm, sorted.
    first, second : RestrictedMean
    difference, ratio, rmtl_ratio : Contrast
        Second minus first, second over first; the ratio of the times lost. A ratio is NaN where its
        denominator (or, for p and interval, one of the two) is 0, such as no event in an arm.
    converged : bool
    reason : {'', 'one arm', 'tau too late', 'no events'}
    columns : tuple of int
        0-based arms that are the cause.
    note : str
        The same in words.
    """

    tau: float
    tau_largest: float
    arms: NDArray[Any]
    first: RestrictedMean
    second: RestrictedMean
    difference: Contrast
    ratio: Contrast
    rmtl_ratio: Contrast
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


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


def largest_tau(time: ArrayLike, event: ArrayLike, arm: Any = None) -> float:
    """Return the largest horizon that the curve of every arm reaches.

    A curve is known up to the last follow-up, or for ever once it has come down to 0.  Where all of
    them have, it is the last time of all.

    Examples
    --------
    >>> largest_tau([1, 5, 2, 9], [1, 0, 1, 0], ["a", "a", "b", "b"])
    5.0
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    t = follow_up(t).time
    member = np.zeros(t.size, dtype=np.intp) if arm is None else codes(arm, "arm", t.size)
    reach = [_reach(t[member == k], e[member == k]) for k in np.unique(member)]
    least = min(reach, default=float("nan"))
    return float(t.max()) if least == np.inf else float(least)


def rmst(
    time: ArrayLike,
    event: ArrayLike,
    *,
    tau: float | None = None,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> RestrictedMean:
    """Estimate the restricted mean survival time of one group.

    Parameters
    ----------
    time, event : array, shape (n,)
        Follow-up, not negative; 1 event, 0 censored.
    tau : float, optional
        Horizon, above 0; default :func:`largest_tau`. State it before the data are seen.
    start : array, shape (n,), optional
        Delayed entry.
    weights : array, shape (n,), optional
        How many patients a row stands for.
    confidence : float

    Notes
    -----
    Irwin 1949; Royston and Parmar 2013, doi:10.1186/1471-2288-13-152.  The variance is Greenwood's: the sum
    over event times s of (the area beyond s)^2 d / (Y (Y - d)).

    Examples
    --------
    >>> rmst([1, 2, 3, 4], [1, 0, 1, 0], tau=4).rmst
    2.875
    """
    check_confidence(confidence)
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    rows = follow_up(t, start=start, weights=weights)
    horizon = _checked_tau(tau, largest_tau(t, e), rows.time)
    return _restricted_mean(rows, e, horizon, confidence)


def compare_rmst(
    time: ArrayLike,
    event: ArrayLike,
    arm: Any,
    *,
    tau: float | None = None,
    start: ArrayLike | None = None,
    confidence: float = 0.95,
) -> RmstComparison:
    """Compare the restricted mean survival times of two arms: a summary that needs no proportional hazards.

    Parameters
    ----------
    time, event : array, shape (n,)
    arm : array, shape (n,)
        Two distinct values; the second in sorted order is compared with the first.
    tau : float, optional
        Horizon, above 0; default :func:`largest_tau` of both arms.
    start : array, shape (n,), optional
        Delayed entry.
    confidence : float

    Raises
    ------
    ValueError
        Missing values, more than two arms, tau not above 0.

    Notes
    -----
    Uno et al. 2014, doi:10.1200/JCO.2014.55.2208.  A tau beyond the follow-up of an arm is not
    answered: the note says how far that arm reaches.

    Examples
    --------
    >>> found = compare_rmst([2, 4, 6, 8, 3, 9, 9, 9], [1, 1, 1, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1], tau=8)
    >>> round(found.difference.estimate, 6), round(found.ratio.estimate, 6)
    (1.75, 1.35)
    """
    check_confidence(confidence)
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    rows = follow_up(t, start=start)
    t = rows.time
    member, arms = codes(arm, "arm", t.size), np.unique(np.asarray(arm))
    _two_at_most(arms)
    largest = largest_tau(t, e, member)
    horizon = _checked_tau(tau, largest, t)
    a, b = (_restricted_mean(_only(rows, member == k), e[member == k], horizon, confidence) for k in range(2))
    reason, late, note = _arms_answer(arms, [a.reach, b.reach], horizon, a.events + b.events)
    difference = ratio = lost = Contrast(float("nan"), float("nan"), float("nan"), float("nan"))
    if not reason:
        difference = _wald(b.rmst - a.rmst, float(np.hypot(a.se, b.se)), confidence)
        ratio, lost = _ratio(b.rmst, a.rmst, b.se, a.se, confidence), _ratio(b.rmtl, a.rmtl, b.se, a.se, confidence)
    return RmstComparison(horizon, largest, arms, a, b, difference, ratio, lost, not reason, reason, late, note)


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
    """
    from scipy.stats import norm

    if scale not in ("difference", "ratio", "rmtl_ratio"):
        raise ValueError(f"scale: {scale!r} is none of difference, ratio, rmtl_ratio")
    check_confidence(confidence)
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    t = follow_up(t).time
    member, arms = codes(arm, "arm", t.size), np.unique(np.asarray(arm))
    _two_at_most(arms)
    x = np.column_stack([np.ones(t.size), member == 1, matrix(columns, "columns", t.size)])
    largest = largest_tau(t, e, member)
    horizon = _checked_tau(tau, largest, t)
    events = int((e & (t <= horizon)).sum())
    reach = [_reach(t[member == k], e[member == k]) for k in range(2)]
    reason, cause, note = _arms_answer(arms, reach, horizon, events)
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


def _restricted_mean(rows: FollowUp, event: BoolArray, tau: float, confidence: float) -> RestrictedMean:
    from scipy.stats import norm

    events = int((event & (rows.time <= tau)).sum())
    reach = _reach(rows.time, event)
    if rows.n == 0 or not tau <= reach:
        reason = "tau too late" if rows.n else "nobody"
        note = f"tau {tau:g} is beyond the last follow-up, {reach:g}" if rows.n else "nobody is in this group"
        nan = float("nan")
        return RestrictedMean(tau, nan, nan, nan, nan, nan, nan, nan, reach, rows.n, events, False, reason, note)
    times = np.unique(rows.time[event & (rows.time < tau)])
    n_risk, died = rows.at_risk(times), rows.at(times, event & (rows.time < tau))
    survival = np.concatenate([[1.0], np.cumprod(1 - died / n_risk)])
    gone = exhausted(died, n_risk)
    survival[1:][gone] = 0.0
    areas = survival * np.diff(np.concatenate([[0.0], times, [tau]]))
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    variance = float((np.where(gone, 0.0, beyond) ** 2 * died / (n_risk * np.where(gone, 1.0, n_risk - died))).sum())
    mean, se = float(areas.sum()), float(np.sqrt(variance))
    lost = float(tau - mean)
    z = float(norm.ppf(0.5 + confidence / 2))
    low, high = mean - z * se, mean + z * se
    return RestrictedMean(tau, mean, se, low, high, lost, tau - high, tau - low, reach, rows.n, events, True, "", "")


def _ratio(above: float, below: float, se_above: float, se_below: float, confidence: float) -> Contrast:
    """Return a ratio with its interval from the log scale; NaN where one side is 0 (or rounding of it)."""
    nan = float("nan")
    tiny = 1e-12 * max(abs(above), abs(below))
    if below <= tiny:
        return Contrast(nan, nan, nan, nan)
    if above <= tiny:
        return Contrast(0.0, nan, nan, nan)
    log = _wald(float(np.log(above / below)), float(np.hypot(se_below / below, se_above / above)), confidence)
    return Contrast(above / below, float(np.exp(log.ci_low)), float(np.exp(log.ci_high)), log.p_value)


def _wald(estimate: float, se: float, confidence: float) -> Contrast:
    from scipy.stats import norm

    if se <= 0:
        return Contrast(estimate, float("nan"), float("nan"), float("nan"))
    margin = float(norm.ppf(0.5 + confidence / 2)) * se
    return Contrast(estimate, estimate - margin, estimate + margin, float(2 * norm.sf(abs(estimate) / se)))


def _reach(time: FloatArray, event: BoolArray) -> float:
    """Return how far a curve is known: for ever where all who were followed longest had the event."""
    if time.size == 0:
        return float("nan")
    last = time == time.max()
    return float("inf") if event[last].all() else float(time.max())


def _checked_tau(tau: float | None, largest: float, time: FloatArray) -> float:
    """Return the horizon; one that is a time of follow-up but for rounding is that time."""
    if tau is None:
        return largest
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau: {tau} is not above 0")
    if time.size:
        nearest = float(time[np.argmin(np.abs(time - tau))])
        if abs(nearest - tau) <= slack(np.unique(time)):
            return nearest
    return float(tau)


def _two_at_most(arms: NDArray[Any]) -> None:
    if arms.size > 2:
        raise ValueError(f"arm: {arms.size} distinct values, two are compared")


def _arms_answer(arms: NDArray[Any], reach: list[float], tau: float, events: int) -> tuple[str, tuple[int, ...], str]:
    """Return why two arms cannot be compared at tau: reason, arms that cause it, and words; empty where they can."""
    if arms.size < 2:
        return "one arm", (), "fewer than two arms"
    late = tuple(k for k in range(2) if not tau <= reach[k])
    if late:
        ends = " and ".join(f"arm {arms[k]} is followed to {reach[k]:g}" for k in late)
        return "tau too late", late, f"tau {tau:g}: {ends}; choose it no later"
    if tau <= 0:
        return "tau too late", (), "an arm has no follow-up beyond time 0"
    if events == 0:
        return "no events", (), "no events up to tau"
    return "", (), ""


def _only(rows: FollowUp, which: BoolArray) -> FollowUp:
    n = int(which.sum())
    return FollowUp(rows.start[which], rows.time[which], rows.weights[which], np.arange(n), rows.last[which], n)


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
