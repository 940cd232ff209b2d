"""Times and events -> restricted mean survival time to a horizon: of one group, and between two arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, codes, flags, numbers
from resistance.stats.follow_up import FollowUp, exhausted, follow_up
from resistance.stats.horizon import arms_answer, checked_tau, largest_tau, reach_of, two_at_most
from resistance.stats.kaplan_meier import check_confidence


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
    horizon = checked_tau(tau, largest_tau(t, e), rows.time)
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
    two_at_most(arms)
    largest = largest_tau(t, e, member)
    horizon = checked_tau(tau, largest, t)
    a, b = (_restricted_mean(rows.only(member == k), e[member == k], horizon, confidence) for k in range(2))
    reason, late, note = arms_answer(arms, [a.reach, b.reach], horizon, a.events + b.events)
    difference = ratio = lost = Contrast(float("nan"), float("nan"), float("nan"), float("nan"))
    if not reason:
        difference = _wald(b.rmst - a.rmst, float(np.hypot(a.se, b.se)), confidence)
        ratio, lost = _ratio(b.rmst, a.rmst, b.se, a.se, confidence), _ratio(b.rmtl, a.rmtl, b.se, a.se, confidence)
    return RmstComparison(horizon, largest, arms, a, b, difference, ratio, lost, not reason, reason, late, note)


def _restricted_mean(rows: FollowUp, event: BoolArray, tau: float, confidence: float) -> RestrictedMean:
    from scipy.stats import norm

    events = int((event & (rows.time <= tau)).sum())
    last = reach_of(rows.time, event)
    if rows.n == 0 or not tau <= last:
        reason = "tau too late" if rows.n else "nobody"
        note = f"tau {tau:g} is beyond the last follow-up, {last:g}" if rows.n else "nobody is in this group"
        nan = float("nan")
        return RestrictedMean(tau, nan, nan, nan, nan, nan, nan, nan, last, rows.n, events, False, reason, note)
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
    return RestrictedMean(tau, mean, se, low, high, lost, tau - high, tau - low, last, rows.n, events, True, "", "")


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
