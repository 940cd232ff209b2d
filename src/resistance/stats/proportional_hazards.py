"""A Cox model -> does the hazard ratio of a column, or of any, change with time? (Grambsch and Therneau's score test)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, to_unit_range
from resistance.stats._times import follow_up, weights_of
from resistance.stats.cox import cox
from resistance.stats.partial_likelihood import PartialLikelihood

Transform = Literal["km", "identity", "log", "rank"]


@dataclass(frozen=True)
class ProportionalHazardsResult:
    """Test of proportional hazards; every number is NaN unless `converged`.

    A term whose columns vary among those at risk at one event time only has NaN, and is named in `columns`
    and `note`: it has a hazard ratio, but none that could change.

    Parameters
    ----------
    chi2, p_value : array, shape (number of terms,)
        Score test of each term (a column, or the columns of one factor).
    df : tuple of int
        Degrees of freedom of each.
    chi2_global, p_global : float
        All columns together, `df_global` degrees of freedom.
    df_global : int
    transform : str
        The function of time that was used.
    n, events : int
    converged : bool
    reason : str
        As in :class:`resistance.stats.cox.CoxResult`; 'one event time' where no change with time can be seen.
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words.
    """

    chi2: FloatArray
    p_value: FloatArray
    df: tuple[int, ...]
    chi2_global: float
    p_global: float
    df_global: int
    transform: str
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def proportional_hazards(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    weights: ArrayLike | None = None,
    ties: Literal["efron", "breslow", "exact"] = "efron",
    transform: Transform = "km",
    terms: Sequence[Sequence[int]] | None = None,
) -> ProportionalHazardsResult:
    """Test whether hazard ratios change with time.

    Parameters
    ----------
    time, event, columns, start, strata, weights, ties
        As in :func:`resistance.stats.cox.cox`.  With exact ties the coefficients are those of the exact
        likelihood and the test is Breslow's, as in R.
    transform : {'km', 'identity', 'log', 'rank'}
        Function of time against which the coefficient may change: 1 - Kaplan-Meier (few late events then
        do not decide alone), time, its logarithm, or its rank among all times.
    terms : sequence of sequences of int, optional
        Columns that are tested together, such as the levels of a factor (default: each column by itself).

    Notes
    -----
    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515: the coefficient is replaced by
    beta + theta g(time), and theta = 0 is tested by the score test with its own information matrix, as
    ``cox.zph`` of R's survival does since version 3; older versions, lifelines and most textbooks take an
    average of the information, which is wrong where the composition of the risk sets changes.

    Examples
    --------
    >>> found = proportional_hazards([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 1, 1, 0, 1], [[1], [1], [1], [0], [0], [0], [1], [1]])
    >>> round(float(found.p_value[0]), 3)
    0.03
    """
    from scipy.stats import chi2

    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    x = matrix(columns, "columns", n)
    k = x.shape[1]
    groups = None if strata is None else codes(strata, "strata", n)
    w, mean_weight = weights_of(weights, n)
    asked: list[tuple[int, ...]] = (
        [(column,) for column in range(k)] if terms is None else [tuple(int(c) for c in term) for term in terms]
    )
    for term in asked:
        if not term or len(set(term)) < len(term) or min(term) < 0 or max(term) >= k:
            raise ValueError(f"terms: {term} is not a choice of the {k} columns")
    if transform not in ("km", "identity", "log", "rank"):
        raise ValueError(f"transform: {transform!r} is none of km, identity, log, rank")
    fit = cox(t, e, x, start=s, strata=groups, weights=w, ties=ties, tested=[])
    if not fit.converged:
        return _unanswered(asked, k, transform, n, fit.events, fit.reason, fit.columns, fit.note)
    unit, spread = to_unit_range(x)
    model = PartialLikelihood(t, e, unit, groups, "breslow" if ties == "exact" else ties, start=s, weights=w)
    times, residuals, covariances = model.spread(fit.coef * spread)
    residuals, covariances = mean_weight * residuals, mean_weight * covariances
    if transform == "log" and times.min() == 0:
        return _unanswered(asked, k, transform, n, fit.events, "time 0", (), "an event at time 0 has no logarithm")
    g = _transformed(times, transform, t, s, e)
    g = g - g.mean()
    if np.ptp(g) == 0:
        return _unanswered(asked, k, transform, n, fit.events, "one event time", (), "all events are at one time")
    # score of theta, and the blocks of the information of (beta, theta)
    score = g @ residuals
    plain = covariances.sum(axis=0)
    crossed = np.tensordot(g, covariances, axes=1)
    squared = np.tensordot(g**2, covariances, axes=1)
    left = squared - crossed @ np.linalg.solve(plain, crossed)  # of theta, beta being estimated

    def statistic(term: tuple[int, ...]) -> float:
        block = left[np.ix_(term, term)]
        diagonal = np.diag(block)
        size = np.sqrt(np.diag(squared)[list(term)])
        if (diagonal <= 1e-10 * size**2).any():
            return float("nan")
        return float(score[list(term)] @ np.linalg.solve(block, score[list(term)]))

    found = np.array([statistic(term) for term in asked])
    together = statistic(tuple(range(k))) if k else float("nan")
    unseen = tuple(sorted({column for term, value in zip(asked, found, strict=True) if np.isnan(value) for column in term}))
    named = ("column " if len(unseen) == 1 else "columns ") + ", ".join(str(column) for column in unseen)
    df = tuple(len(term) for term in asked)
    return ProportionalHazardsResult(
        chi2=found,
        p_value=np.asarray(chi2.sf(found, df), dtype=np.float64),
        df=df,
        chi2_global=together,
        p_global=float(chi2.sf(together, k)) if k else float("nan"),
        df_global=k,
        transform=transform,
        n=n,
        events=fit.events,
        converged=True,
        reason="",
        columns=unseen,
        note=f"{named}: no change with time can be seen (they vary at one event time only)" if unseen else "",
    )


def _transformed(times: FloatArray, transform: Transform, t: FloatArray, s: FloatArray | None, e: BoolArray) -> FloatArray:
    """Return g(time) of each event."""
    if transform == "identity":
        return times
    if transform == "log":
        return np.asarray(np.log(times))
    if transform == "rank":
        every = np.sort(t)  # the censored have ranks too; ties their mean
        below, upto = np.searchsorted(every, times, side="left"), np.searchsorted(every, times, side="right")
        return np.asarray((below + upto + 1) / 2)
    distinct = np.unique(t[e])
    at_risk = t.size - np.searchsorted(np.sort(t), distinct, side="left")
    if s is not None:
        at_risk = at_risk - (t.size - np.searchsorted(np.sort(s), distinct, side="left"))
    dead = np.bincount(np.searchsorted(distinct, t[e]), minlength=distinct.size)
    survival = np.concatenate([[1.0], np.cumprod(1 - dead / at_risk)[:-1]])  # just before each time
    return np.asarray(1 - survival[np.searchsorted(distinct, times)])


def _unanswered(
    terms: list[tuple[int, ...]], k: int, transform: str, n: int, events: int, reason: str, columns: tuple[int, ...], note: str
) -> ProportionalHazardsResult:
    nan = np.full(len(terms), np.nan)
    df = tuple(len(term) for term in terms)
    number = float("nan")
    return ProportionalHazardsResult(nan, nan, df, number, number, k, transform, n, events, False, reason, columns, note)
