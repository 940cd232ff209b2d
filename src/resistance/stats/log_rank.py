"""Times, events and groups -> log-rank tests: plain, stratified, weighted by survival, and for a trend over ordered groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, flags, numbers
from resistance.stats.follow_up import follow_up

#: eigenvalue of the variance, scaled to a unit diagonal, below which a comparison is not one
NO_COMPARISON = 1e-9


@dataclass(frozen=True)
class LogRank:
    """Log-rank test of g groups.

    Parameters
    ----------
    groups : array, shape (g,)
        The distinct values of the group, sorted; the order of the counts.
    n, observed, expected : array, shape (g,)
        Rows, and events observed and expected (times their weight, if any).
    chi2, p_value : float
        NaN where fewer than two groups are ever compared.
    df : int
    z : float
        Signed root of a test with one degree of freedom: above 0 where the last of two groups, or the
        groups of higher score, have more events than expected. NaN otherwise.
    variance : array, shape (g, g)
        Covariance of observed minus expected.
    converged : bool
        There is a test.
    reason : {'', 'no events', 'one group', 'never compared'}
    note : str
        The same in words.
    """

    groups: NDArray[Any]
    n: NDArray[np.int64]
    observed: FloatArray
    expected: FloatArray
    chi2: float
    df: int
    p_value: float
    z: float
    variance: FloatArray
    converged: bool
    reason: str
    note: str


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: Any,
    *,
    strata: Any = None,
    start: ArrayLike | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """Compare survival between groups.

    Parameters
    ----------
    time, event : array, shape (n,)
        Follow-up, not negative; 1 event, 0 censored.
    group : array, shape (n,)
    strata : array, shape (n,), optional
        Groups are compared within strata only, and the differences are added up.
    start : array, shape (n,), optional
        Delayed entry: at risk after start and up to time.
    rho, gamma : float
        Weights S(t-)^rho (1 - S(t-))^gamma with the survival of all groups together (within each
        stratum): 0, 0 is the log-rank test, 1, 0 Peto and Peto's, which stresses early differences, 0, 1
        stresses late ones. To be chosen before the data are seen.

    Returns
    -------
    LogRank

    Raises
    ------
    ValueError
        Missing values, other lengths, negative times, rho or gamma below 0.

    Notes
    -----
    Mantel 1966; Peto and Peto 1972, doi:10.2307/2344317; Harrington and Fleming 1982,
    doi:10.1093/biomet/69.3.553; hypergeometric variance.  For two groups the plain test is the score
    test of the Cox model but for the treatment of ties.

    Examples
    --------
    >>> round(log_rank([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]).p_value, 4)
    0.0246
    """
    names, counts, observed, expected, variance = _differences(time, event, group, strata, start, rho, gamma)
    reason = _no_test(names, event)
    statistic, df, z = float("nan"), 0, float("nan")
    if not reason:
        statistic, df = quadratic_form(observed - expected, variance)
        reason = "" if df else "never compared"
    if df == 1 and names.size == 2:
        z = float(np.copysign(np.sqrt(statistic), (observed - expected)[1]))
    return _result(names, counts, observed, expected, variance, statistic, df, z, reason)


def log_rank_trend(
    time: ArrayLike,
    event: ArrayLike,
    group: Any,
    *,
    scores: ArrayLike | None = None,
    strata: Any = None,
    start: ArrayLike | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """Test whether the hazard rises (or falls) over ordered groups, with one degree of freedom.

    Parameters
    ----------
    time, event, group, strata, start, rho, gamma
        As :func:`log_rank`.
    scores : array, shape (g,), optional
        Score of each distinct group, in sorted order (default 0, 1, 2 ...). Only their relative
        distances matter.

    Notes
    -----
    Tarone 1975, doi:10.1093/biomet/62.3.679: the scores' sum of observed minus expected over its standard
    deviation.  With two groups it is the log-rank test.

    Examples
    --------
    >>> found = log_rank_trend([6, 5, 4, 3, 2, 1], [1] * 6, [0, 0, 1, 1, 2, 2])
    >>> found.z > 0, found.df
    (True, 1)
    """
    names, counts, observed, expected, variance = _differences(time, event, group, strata, start, rho, gamma)
    c = np.arange(names.size, dtype=np.float64) if scores is None else numbers(scores, "scores")
    if c.size != names.size:
        raise ValueError(f"scores: {c.size} values for {names.size} groups")
    reason = _no_test(names, event)
    if not reason and np.ptp(c) == 0:
        reason = "one group"
    statistic, df, z = float("nan"), 0, float("nan")
    if not reason:
        unit = (c - c.mean()) / np.ptp(c)
        spread = float(unit @ variance @ unit)
        # of which a comparison of groups that share no risk set leaves only rounding
        if spread > NO_COMPARISON * max(float(np.trace(variance)), 1e-300):
            z = float(unit @ (observed - expected) / np.sqrt(spread))
            statistic, df = z * z, 1
        else:
            reason = "never compared"
    return _result(names, counts, observed, expected, variance, statistic, df, z, reason)


def _differences(
    time: ArrayLike, event: ArrayLike, group: Any, strata: Any, start: ArrayLike | None, rho: float, gamma: float
) -> tuple[NDArray[Any], NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
    """Return the groups, their sizes, events observed and expected, and the covariance of the difference."""
    if not (np.isfinite([rho, gamma]).all() and rho >= 0 and gamma >= 0):
        raise ValueError("rho, gamma: not negative")
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    member = codes(group, "group", t.size)
    names = np.unique(np.asarray(group))
    stratum = np.zeros(t.size, dtype=np.intp) if strata is None else codes(strata, "strata", t.size)
    rows = follow_up(t, start=start)
    t = rows.time
    g = names.size
    observed, expected = np.zeros(g), np.zeros(g)
    variance = np.zeros((g, g))
    for s in np.unique(stratum):
        inside = stratum == s
        times = np.unique(t[inside & e])
        at_risk = np.empty((times.size, g))
        died = np.empty((times.size, g))
        for k in range(g):
            mine = inside & (member == k)
            at_risk[:, k] = rows.at_risk(times, mine)
            died[:, k] = rows.at(times, mine & e)
        total, deaths = at_risk.sum(axis=1), died.sum(axis=1)
        before = np.concatenate([[1.0], np.cumprod(1 - deaths / total)])[:-1]
        weight = before**rho * (1 - before) ** gamma
        share = at_risk / total[:, None]
        observed += weight @ died
        expected += (weight * deaths) @ share
        # one patient left at risk compares nobody; all of them failing at once says nothing either
        spread = weight**2 * np.where(total > 1, deaths * (total - deaths) / np.maximum(total - 1, 1), 0.0)
        covariance = -np.einsum("i,ij,ik->jk", spread, share, share)
        np.fill_diagonal(covariance, spread @ (share * (1 - share)))  # exactly 0 for a group that is alone
        variance += covariance
    counts = np.bincount(member, minlength=g).astype(np.int64)
    return names, counts, observed, expected, variance


def quadratic_form(difference: FloatArray, variance: FloatArray) -> tuple[float, int]:
    """Return d' V^- d and the rank of V: groups that never share a risk set take no degree of freedom."""
    diagonal = np.diag(variance)
    compared = diagonal > 1e-12 * diagonal.max(initial=0.0)
    if not compared.any():
        return float("nan"), 0
    scale = np.sqrt(diagonal[compared])
    values, vectors = np.linalg.eigh(variance[np.ix_(compared, compared)] / np.outer(scale, scale))
    there = values > NO_COMPARISON
    along = vectors[:, there].T @ (difference[compared] / scale)
    return float((along**2 / values[there]).sum()), int(there.sum())


def _no_test(names: NDArray[Any], event: ArrayLike) -> str:
    if names.size < 2:
        return "one group"
    return "" if np.any(event) else "no events"


def _result(
    names: NDArray[Any],
    counts: NDArray[np.int64],
    observed: FloatArray,
    expected: FloatArray,
    variance: FloatArray,
    statistic: float,
    df: int,
    z: float,
    reason: str,
) -> LogRank:
    from scipy.stats import chi2

    note = {
        "": "",
        "no events": "no events",
        "one group": "fewer than two groups, or one score for all of them",
        "never compared": "no event (of a weight above 0) while patients of two groups were at risk",
    }[reason]
    p_value = float(chi2.sf(statistic, df)) if df else float("nan")
    return LogRank(names, counts, observed, expected, statistic, df, p_value, z, variance, not reason, reason, note)
