"""Times, causes and groups -> Gray's test that the cumulative incidence of one cause is the same in every group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, numbers
from resistance.stats.aalen_johansen import causes_of
from resistance.stats.follow_up import FollowUp, follow_up
from resistance.stats.log_rank import quadratic_form


@dataclass(frozen=True)
class GrayTest:
    """Gray's test of g groups.

    Parameters
    ----------
    groups : array, shape (g,)
        The distinct values of the group, sorted.
    n, observed : array, shape (g,)
        Patients; events of the cause.
    score : array, shape (g,)
        Weighted events observed less expected; above 0: more of this cause than in all groups together.
    chi2, p_value : float
        NaN unless `converged`.
    df : int
    converged : bool
    reason : {'', 'one group', 'no events', 'never compared'}
    note : str
    """

    groups: NDArray[Any]
    n: NDArray[np.int64]
    observed: NDArray[np.int64]
    score: FloatArray
    chi2: float
    df: int
    p_value: float
    converged: bool
    reason: str
    note: str


def gray_test(time: ArrayLike, cause: ArrayLike, group: Any, *, of: int = 1, rho: float = 0.0, strata: Any = None) -> GrayTest:
    """Compare the cumulative incidence of one cause between groups, others competing.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up to the first event of any cause, not negative.
    cause : array of int, shape (n,)
        0 censored, 1, 2 ... the kind of event.
    group : array, shape (n,)
    of : int
        The cause compared; all others compete.
    rho : float
        Weight (1 - F(t-))^rho with the incidence F of all groups together; 0 weighs all times alike.
    strata : array, shape (n,), optional
        Groups are compared within strata only, and the differences are added up.

    Returns
    -------
    GrayTest

    Raises
    ------
    ValueError
        Missing values, causes that are not 0, 1, 2 ..., negative times, `of` below 1.

    Notes
    -----
    Gray 1988, doi:10.1214/aos/1176350951.  A patient who failed from another cause stays at risk in part, by the
    group's own estimate of the subdistribution: the test asks about incidence, not about the
    cause-specific hazard (for that: :func:`resistance.stats.log_rank.log_rank` with other causes censored).
    With delayed entry take :func:`resistance.stats.subdistribution_test.subdistribution_test`.

    Examples
    --------
    >>> found = gray_test([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 2, 2, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1])
    >>> found.df, bool(found.score[0] > 0)
    (1, True)
    """
    t = numbers(time, "time")
    c = causes_of(cause, t.size)
    member, names = codes(group, "group", t.size), np.unique(np.asarray(group))
    stratum = np.zeros(t.size, dtype=np.intp) if strata is None else codes(strata, "strata", t.size)
    if of < 1:
        raise ValueError(f"of: {of} is not a cause (1, 2 ...)")
    if not np.isfinite(rho):
        raise ValueError("rho: missing or infinite")
    rows = follow_up(t)
    g = names.size
    score, variance = np.zeros(g), np.zeros((g, g))
    for s in np.unique(stratum):
        inside = stratum == s
        more, spread = _one_stratum(rows, c, member, g, inside, of, rho)
        score += more
        variance += spread
    counts = np.bincount(member, minlength=g).astype(np.int64)
    observed = np.bincount(member[c == of], minlength=g).astype(np.int64)
    statistic, df, p_value = float("nan"), 0, float("nan")
    reason = "one group" if g < 2 else "" if observed.sum() else "no events"
    if not reason:
        statistic, df = quadratic_form(score, variance)
        reason = "" if df else "never compared"
    if not reason:
        from scipy.stats import chi2

        p_value = float(chi2.sf(statistic, df))
    note = {
        "": "",
        "one group": "fewer than two groups",
        "no events": f"no event of cause {of}",
        "never compared": f"no event of cause {of} while patients of two groups were at risk",
    }[reason]
    return GrayTest(names, counts, observed, score, statistic, df, p_value, not reason, reason, note)


def _one_stratum(
    rows: FollowUp,
    cause: NDArray[np.intp],
    member: NDArray[np.intp],
    g: int,
    inside: NDArray[np.bool_],
    of: int,
    rho: float,
) -> tuple[FloatArray, FloatArray]:
    """Return the scores, shape (g,), and their covariance, shape (g, g), of one stratum.

    With S_r the event-free survival of group r, F the incidence under the hypothesis and Y_r at risk, the
    score of group k is the sum over events of the cause of w (dN_k - R_k/R dN), R_r = Y_r (1 - F_r(t-)) / S_r(t-).
    It moves with an event of the cause in group r at s by a_kr(s) + (1 - (1 - F(s)) / S_r(s)) b_kr(s), and with a
    competing one by -(1 - F(s)) / S_r(s) b_kr(s), where b_kr(s) sums a_kr dF / (1 - F) over later times: R_r itself
    is an estimate.
    """
    nothing = np.zeros(g), np.zeros((g, g))
    times = np.unique(rows.time[inside & (cause > 0)])
    if times.size == 0:
        return nothing
    own, other, at_risk = (np.empty((times.size, g)) for _ in range(3))
    for r in range(g):
        mine = inside & (member == r)
        at_risk[:, r] = rows.at_risk(times, mine)
        own[:, r] = rows.at(times, mine & (cause == of))
        other[:, r] = rows.at(times, mine & (cause > 0) & (cause != of))
    there = at_risk > 0
    y = np.where(there, at_risk, 1.0)
    survival = np.cumprod(np.where(there, 1 - (own + other) / y, 1.0), axis=0)
    survival[np.logical_or.accumulate(there & (own + other >= at_risk), axis=0)] = 0.0
    before = np.vstack([np.ones((1, g)), survival[:-1]])
    incidence = np.cumsum(before * own / y, axis=0)
    incidence_before = np.vstack([np.zeros((1, g)), incidence[:-1]])
    s_before = np.where(there, before, 1.0)
    # how many would be at risk had nobody failed, and how many are on the subdistribution's scale
    unfailed = np.where(there, at_risk / s_before, 0.0)
    on_scale = unfailed * (1 - incidence_before)
    total, total_on_scale = unfailed.sum(axis=1), on_scale.sum(axis=1)
    events = own.sum(axis=1)
    common = np.cumsum(events / total)
    common_before = np.concatenate([[0.0], common[:-1]])
    free = common_before < 1 - 1e-12  # beyond, everybody has failed from the cause
    weight = np.where(free, np.where(free, 1 - common_before, 1.0) ** rho, float(rho == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(events[:, None] > 0, events[:, None] * on_scale / total_on_scale[:, None], 0.0)
        hazard = np.where((events > 0) & free, events / (total * (1 - common_before)), 0.0)
        ratio = np.where(survival > 0, (1 - common)[:, None] / survival, 0.0)
    score = (weight[:, None] * (own - expected)).sum(axis=0)
    a = -unfailed[:, :, None] * unfailed[:, None, :] / total[:, None, None]
    index = np.arange(g)
    a[:, index, index] += unfailed
    a *= weight[:, None, None]
    steps = a * hazard[:, None, None]
    later = steps.sum(axis=0) - np.cumsum(steps, axis=0)
    # events of the cause are spread over the groups as the hypothesis has it; competing ones as they were seen
    with np.errstate(divide="ignore", invalid="ignore"):
        pool = total[:, None] * s_before
        ties = np.where(events[:, None] > 1, 1 - (events[:, None] - 1) / (pool - 1), 1.0)
        spread = np.where(there, ties * s_before * events[:, None] / (total[:, None] * y), 0.0)
        ties = np.where(other > 1, 1 - (other - 1) / (y - 1), 1.0)
        spread_other = np.where(survival > 0, ties * s_before**2 * other / y**2, 0.0)
    factor = np.where(survival > 0, 1 - ratio, 1.0)
    moved = a + factor[:, None, :] * later
    moved_other = ratio[:, None, :] * later
    variance = np.einsum("tir,tjr,tr->ij", moved, moved, spread) + np.einsum(
        "tir,tjr,tr->ij", moved_other, moved_other, spread_other
    )
    return score, variance
