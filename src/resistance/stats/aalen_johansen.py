"""Times and causes -> cumulative incidence of each competing event (Aalen-Johansen), with interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.follow_up import exhausted, follow_up, slack
from resistance.stats.infinitesimal_jackknife import incidence_variance
from resistance.stats.kaplan_meier import check_confidence

Interval = Literal["log-log", "log", "plain"]


@dataclass(frozen=True)
class CumulativeIncidence:
    """Cumulative incidences: one row per distinct time, one column per cause 1, 2 ...

    Parameters
    ----------
    time : array, shape (m,)
        Distinct times, ascending.
    n_risk, n_censored : array, shape (m,)
    n_event : array, shape (m, causes)
    survival, survival_std_err : array, shape (m,)
        Probability of no event of any cause beyond each time.
    incidence, std_err, ci_low, ci_high : array, shape (m, causes)
        Probability of an event of the cause by each time; an interval is NaN before the first event.
    n : int
        Patients.
    events : array, shape (causes,)
    confidence : float
    """

    time: FloatArray
    n_risk: FloatArray
    n_censored: FloatArray
    n_event: FloatArray
    survival: FloatArray
    survival_std_err: FloatArray
    incidence: FloatArray
    std_err: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    n: int
    events: NDArray[np.int64]
    confidence: float = 0.95


def cumulative_incidence(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    causes: int | None = None,
    start: ArrayLike | None = None,
    patient: Any = None,
    variance: Literal["aalen", "jackknife"] = "aalen",
    interval: Interval = "log-log",
    confidence: float = 0.95,
) -> CumulativeIncidence:
    """Estimate cumulative incidences in the presence of competing events.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up to the first event of any cause, not negative.
    cause : array of int, shape (n,)
        0 censored, 1, 2 ... the kind of event.
    causes : int, optional
        How many there are (default: the largest given), for a group in which one never happens.
    start : array, shape (n,), optional
        Delayed entry: at risk after start and up to time.
    patient : array, shape (n,), optional
        Whose row it is, where patients have several rows; as :func:`resistance.stats.kaplan_meier.kaplan_meier`.
    variance : {'aalen', 'jackknife'}
        The variance of the counting processes, each with the binomial correction for ties (as R's
        cmprsk), or the infinitesimal jackknife over patients (as R's survfit). Without ties and
        censoring between events they differ little.
    interval : {'log-log', 'log', 'plain'}
        Scale of the incidence on which it is symmetric. The others than log-log are cut at 0 and 1.
    confidence : float

    Raises
    ------
    ValueError
        Missing values, causes that are not 0, 1, 2 ..., negative times, a start not before its time.

    Notes
    -----
    Aalen and Johansen 1978; variance: Gray 1988, doi:10.1214/aos/1176350951, and Marubini and Valsecchi 1995;
    log-log interval of an incidence F: F^exp(+-z se / (F log F)) (Choudhury 2002, doi:10.1002/sim.1072).
    Ties stand as they are, nothing is added to the times.  At every time the incidences and the
    event-free survival add up to 1, which 1 - Kaplan-Meier of each cause alone does not.

    Examples
    --------
    >>> found = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1])
    >>> found.incidence.tolist()
    [[0.25, 0.0], [0.25, 0.25], [0.25, 0.25], [0.75, 0.25]]
    """
    if variance not in ("aalen", "jackknife"):
        raise ValueError(f"variance: {variance!r} is neither aalen nor jackknife")
    if interval not in ("log-log", "log", "plain"):
        raise ValueError(f"interval: {interval!r} is none of log-log, log, plain")
    check_confidence(confidence)
    t = numbers(time, "time")
    c = causes_of(cause, t.size)
    k = max(int(c.max(initial=0)), 1)
    if causes is not None:
        if causes < k:
            raise ValueError(f"causes: {causes}, but there is a cause {k}")
        k = causes
    rows = follow_up(t, start=start, patient=patient)
    t = rows.time
    times = np.unique(t[(c > 0) | rows.last])
    n_risk = rows.at_risk(times)
    n_event = np.column_stack([rows.at(times, c == j) for j in range(1, k + 1)])
    every = n_event.sum(axis=1)
    survival: FloatArray = np.asarray(np.cumprod(1 - every / n_risk), dtype=np.float64)
    survival[exhausted(every, n_risk)] = 0.0
    before = np.concatenate([[1.0], survival])[:-1]
    incidence = np.cumsum(before[:, None] * n_event / n_risk[:, None], axis=0)
    if variance == "aalen":
        squared, free = _aalen_variance(n_risk, n_event, before, survival, incidence)
    else:
        squared, free = incidence_variance(rows, c, times, incidence, before, survival)
    std_err = np.sqrt(squared)
    low, high = incidence_interval(incidence, std_err, interval, confidence)
    return CumulativeIncidence(
        time=times,
        n_risk=n_risk,
        n_censored=rows.at(times, rows.last & (c == 0)),
        n_event=n_event,
        survival=survival,
        survival_std_err=np.sqrt(free),
        incidence=incidence,
        std_err=std_err,
        ci_low=low,
        ci_high=high,
        n=rows.n,
        events=np.bincount(c, minlength=k + 1)[1:].astype(np.int64),
        confidence=confidence,
    )


def incidence_at(
    curve: CumulativeIncidence, times: ArrayLike, *, cause: int = 1
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return incidence, its standard error and its interval at given times (NaN beyond the last follow-up)."""
    if not 1 <= cause <= curve.incidence.shape[1]:
        raise ValueError(f"cause: {cause} is none of 1 to {curve.incidence.shape[1]}")
    at = numbers(times, "times")
    near = slack(curve.time)
    index = np.searchsorted(curve.time, at + near, side="right")
    out = []
    starts = ((curve.incidence, 0.0), (curve.std_err, 0.0), (curve.ci_low, np.nan), (curve.ci_high, np.nan))
    for values, first in starts:
        found = np.concatenate([[first], values[:, cause - 1]])[index]
        found[at > (curve.time[-1] + near if curve.time.size else -np.inf)] = np.nan
        out.append(found)
    return out[0], out[1], out[2], out[3]


def causes_of(cause: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return causes as integers: 0 censored, 1, 2 ... the kind of event."""
    values = numbers(cause, "cause", n)
    if ((values < 0) | (values != np.floor(values))).any():
        raise ValueError("cause: only 0 (censored), 1, 2 ... are allowed")
    return values.astype(np.intp)


def incidence_interval(
    incidence: FloatArray, std_err: FloatArray, interval: Interval, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of cumulative incidences; NaN where the incidence is 0, or where it is 1 on the log-log scale."""
    from scipy.stats import norm

    z = norm.ppf(0.5 + confidence / 2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # just below 1 the scale runs to infinity
        if interval == "log-log":
            spread = z * std_err / (incidence * np.log(incidence))
            low, high = incidence ** np.exp(-spread), incidence ** np.exp(spread)
        elif interval == "log":
            low, high = incidence * np.exp(-z * std_err / incidence), incidence * np.exp(z * std_err / incidence)
        else:
            low, high = incidence - z * std_err, incidence + z * std_err
    nowhere = incidence <= 0
    if interval == "log-log":
        nowhere = nowhere | (incidence >= 1)
        low, high = np.minimum(low, high), np.maximum(low, high)
    low, high = np.where(nowhere, np.nan, np.clip(low, 0, 1)), np.where(nowhere, np.nan, np.clip(high, 0, 1))
    return low, high


def _aalen_variance(
    n_risk: FloatArray, n_event: FloatArray, before: FloatArray, survival: FloatArray, incidence: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the variances of the incidences, shape (m, causes), and of survival (Greenwood), shape (m,)."""
    every = n_event.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.where(survival > 0, 1 / survival, 0.0)
        greenwood = np.cumsum(np.where(survival > 0, every / (n_risk * (n_risk - every)), 0.0))
    out = np.empty_like(incidence)
    for j in range(incidence.shape[1]):
        f, own = incidence[:, j], n_event[:, j]
        total = np.zeros(n_risk.size)
        # the other causes are one, as in cmprsk: with ties among several of them the spread is that of their sum
        for mine, d in ((True, own), (False, every - own)):
            with np.errstate(divide="ignore", invalid="ignore"):
                # d events among r: r h (1 - h) r / (r - 1), the hypergeometric spread
                spread = np.where(n_risk > 1, d * (n_risk - d) / (n_risk - 1), d)
                step = (before / n_risk) ** 2 * spread
            # an event at s moves F(t) by S(s-) [it is of the cause] - (F(t) - F(s)) S(s-) / S(s)
            here, slope = float(mine) + f * over, over
            there = step if mine else np.where(survival > 0, step, 0.0)
            total += np.cumsum(there * here**2) - 2 * f * np.cumsum(there * here * slope) + f**2 * np.cumsum(there * slope**2)
        out[:, j] = np.maximum(total, 0.0)
    return out, survival**2 * greenwood
