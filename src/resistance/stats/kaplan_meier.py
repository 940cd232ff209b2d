"""Times and events -> Kaplan-Meier curve with intervals, quantiles and numbers at risk; median follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, flags, numbers
from resistance.stats.follow_up import exhausted, follow_up, slack
from resistance.stats.infinitesimal_jackknife import product_limit_variance

Interval = Literal["log-log", "log", "plain", "logit", "arcsin"]
INTERVALS: tuple[Interval, ...] = ("log-log", "log", "plain", "logit", "arcsin")
#: a level reached through products may be off in the last bits; two levels this close are one
LEVEL = 1e-12


@dataclass(frozen=True)
class KaplanMeier:
    """A Kaplan-Meier curve: one entry per distinct time, events and censorings alike.

    Parameters
    ----------
    time : array
        Distinct times, ascending, in the unit given.
    n_risk, n_event, n_censored : array
        At risk just before each time; events and censorings at it (sums of weights where given).
    survival, std_err : array
        Probability of being event-free beyond each time, and its standard error (Greenwood; robust where asked).
    ci_low, ci_high : array
        Interval; NaN once the curve has reached 0.
    median, median_ci_low, median_ci_high : float
        NaN where the curve (or its bound) does not come down to one half.
    n, events : int
        Patients; events, both without weights.
    confidence : float
    """

    time: FloatArray
    n_risk: FloatArray
    n_event: FloatArray
    n_censored: FloatArray
    survival: FloatArray
    std_err: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    median: float
    median_ci_low: float
    median_ci_high: float
    n: int
    events: int
    confidence: float = 0.95


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    patient: Any = None,
    robust: bool = False,
    interval: Interval = "log-log",
    confidence: float = 0.95,
) -> KaplanMeier:
    """Estimate a survival curve.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, any unit, not negative.
    event : array of 0/1, shape (n,)
    start : array, shape (n,), optional
        Delayed entry: a row is at risk after its start and up to its time.
    weights : array, shape (n,), optional
        How many patients a row stands for (counts), or weights by the inverse of a probability; these need `robust`.
    patient : array, shape (n,), optional
        Whose row it is, where patients have several (start-stop) rows: the end of a row is a
        censoring only where no other row of the patient goes on from there.
    robust : bool
        Standard errors by the infinitesimal jackknife over patients instead of Greenwood's; without
        weights and delayed entry, and with one row per patient, both are equal.
    interval : {'log-log', 'log', 'plain', 'logit', 'arcsin'}
        Scale on which the interval is symmetric. log-log, logit and arcsin (of the root) stay within 0..1, the others
        are cut there.
    confidence : float

    Raises
    ------
    ValueError
        Missing values, other lengths, events that are not 0/1, negative times, a start not before
        its time, weights not above 0, rows of one patient that overlap.

    Notes
    -----
    Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452; intervals after Kalbfleisch and Prentice
    (log-log); the interval of a quantile is that of Brookmeyer and Crowley 1982, doi:10.2307/2530286,
    on the same scale.  Where the curve is exactly one half over a stretch, the median is its middle; where it
    stays there to the end of follow-up, the stretch's beginning.
    With delayed entry a small first risk set can bring the curve to 0 for good: look at `n_risk`.
    A competing event is not censoring: this curve then overstates risk.

    Examples
    --------
    >>> kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0]).survival.tolist()
    [0.75, 0.75, 0.375, 0.375]
    """
    if interval not in INTERVALS:
        raise ValueError(f"interval: {interval!r} is none of {', '.join(INTERVALS)}")
    check_confidence(confidence)
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    rows = follow_up(t, start=start, weights=weights, patient=patient)
    t = rows.time
    times = np.unique(t[e | rows.last])
    n_risk = rows.at_risk(times)
    n_event, n_censored = rows.at(times, e), rows.at(times, rows.last & ~e)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: FloatArray = np.asarray(np.cumprod(1 - n_event / n_risk), dtype=np.float64)
        survival[exhausted(n_event, n_risk)] = 0.0
        greenwood = np.cumsum(n_event / (n_risk * (n_risk - n_event)))
        variance = product_limit_variance(rows, e, times) if robust else greenwood
        std_err: FloatArray = np.asarray(survival * np.sqrt(variance), dtype=np.float64)
    std_err[survival == 0] = np.nan
    low, high = survival_interval(survival, std_err, interval, confidence)
    return KaplanMeier(
        time=times,
        n_risk=n_risk,
        n_event=n_event,
        n_censored=n_censored,
        survival=survival,
        std_err=std_err,
        ci_low=low,
        ci_high=high,
        median=_crossing(times, survival, 0.5),
        median_ci_low=_crossing(times, low, 0.5),
        median_ci_high=_crossing(times, high, 0.5),
        n=rows.n,
        events=int(e.sum()),
        confidence=confidence,
    )


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, start: ArrayLike | None = None, interval: Interval = "log-log", confidence: float = 0.95
) -> KaplanMeier:
    """Estimate the curve of follow-up; its median is the median follow-up.

    An event ends observation as censoring does for survival: it is not follow-up.  Parameters as
    :func:`kaplan_meier`.

    Notes
    -----
    Schemper and Smith 1996, doi:10.1016/0197-2456(96)00075-X.

    Examples
    --------
    >>> reverse_kaplan_meier([1, 2, 3, 4, 5], [1, 0, 0, 1, 0]).median
    4.0
    """
    t = numbers(time, "time")
    return kaplan_meier(t, ~flags(event, "event", t.size), start=start, interval=interval, confidence=confidence)


def survival_at(curve: KaplanMeier, times: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return survival and its interval at given times (NaN beyond the last follow-up).

    Examples
    --------
    >>> curve = kaplan_meier([2, 4, 4, 5, 9], [1, 1, 0, 1, 0])
    >>> survival, low, high = survival_at(curve, [1, 4, 12])
    >>> survival.round(2).tolist()
    [1.0, 0.6, nan]
    """
    at = numbers(times, "times")
    near = slack(curve.time)
    index = np.searchsorted(curve.time, at + near, side="right") - 1
    out = []
    for values in (curve.survival, curve.ci_low, curve.ci_high):
        steps = np.concatenate([[1.0], values])
        found = steps[index + 1]
        found[at > (curve.time[-1] + near if curve.time.size else -np.inf)] = np.nan
        out.append(found)
    return out[0], out[1], out[2]


def survival_quantile(curve: KaplanMeier, probability: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the times by which given fractions have had the event, with their intervals.

    Parameters
    ----------
    curve : KaplanMeier
    probability : array, shape (k,)
        Fractions above 0 and below 1; .5 is the median, .25 the time by which a quarter has failed.

    Returns
    -------
    quantile, ci_low, ci_high : array, shape (k,)
        NaN where the curve (or its bound) does not come down so far.

    Examples
    --------
    >>> curve = kaplan_meier([1, 2, 3, 4, 5], [1, 1, 1, 1, 1])
    >>> survival_quantile(curve, [0.25, 0.5])[0].tolist()
    [2.0, 3.0]
    """
    p = numbers(np.atleast_1d(np.asarray(probability, dtype=np.float64)), "probability")
    if ((p <= 0) | (p >= 1)).any():
        raise ValueError("probability: above 0 and below 1 is needed")
    found = [
        np.array([_crossing(curve.time, values, 1 - q) for q in p], dtype=np.float64)
        for values in (curve.survival, curve.ci_low, curve.ci_high)
    ]
    return found[0], found[1], found[2]


def numbers_at_risk(time: ArrayLike, at: ArrayLike, *, start: ArrayLike | None = None) -> NDArray[np.int64]:
    """Return how many patients are still followed just before each of the times `at`."""
    t = numbers(time, "time")
    when = numbers(at, "at")
    followed = t.size - np.searchsorted(np.sort(t), when, side="left")
    if start is not None:
        followed = followed - (t.size - np.searchsorted(np.sort(numbers(start, "start", t.size)), when, side="left"))
    return np.asarray(followed, dtype=np.int64)


def survival_interval(
    survival: FloatArray, std_err: FloatArray, interval: Interval, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of survival probabilities: 1 where nobody failed, NaN where nobody is left."""
    from scipy.stats import norm

    z = norm.ppf(0.5 + confidence / 2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        relative = std_err / survival
        if interval == "log-log":
            spread = z * relative / np.log(survival)
            low, high = survival ** np.exp(-spread), survival ** np.exp(spread)
        elif interval == "log":
            low, high = survival * np.exp(-z * relative), survival * np.exp(z * relative)
        elif interval == "logit":
            odds, factor = survival / (1 - survival), np.exp(z * relative / (1 - survival))
            low, high = odds / (odds + factor), odds * factor / (1 + odds * factor)
        elif interval == "arcsin":
            angle, spread = np.arcsin(np.sqrt(survival)), z * relative / 2 * np.sqrt(survival / (1 - survival))
            low, high = np.sin(np.maximum(angle - spread, 0)) ** 2, np.sin(np.minimum(angle + spread, np.pi / 2)) ** 2
        else:
            low, high = survival - z * std_err, survival + z * std_err
    low, high = np.where(survival == 1, 1.0, np.maximum(low, 0)), np.where(survival == 1, 1.0, np.minimum(high, 1))
    low[survival == 0], high[survival == 0] = np.nan, np.nan
    return low, high


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is not between 0 and 1, such as 95."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is not between 0 and 1")


def _crossing(times: FloatArray, curve: FloatArray, level: float) -> float:
    """Return the first time at which the curve is at or below a level, NaN where it never is."""
    below = np.flatnonzero(curve <= level + LEVEL)
    if below.size == 0:
        # a curve that has fallen to 0 has bounds NaN there: the curve itself decides, its bounds do not
        return float("nan")
    first = int(below[0])
    if abs(curve[first] - level) <= LEVEL:
        lower = np.flatnonzero(curve < level - LEVEL)
        if lower.size:
            return float((times[first] + times[lower[0]]) / 2)
    return float(times[first])
