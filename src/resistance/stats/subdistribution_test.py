"""Times, entry, causes and groups -> score test that the subdistribution hazard of one cause is the same in every group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, numbers
from resistance.stats.aalen_johansen import causes_of
from resistance.stats.follow_up import follow_up
from resistance.stats.log_rank import quadratic_form
from resistance.stats.subdistribution import Subdistribution, TiedEvents, tied_events_of


@dataclass(frozen=True)
class SubdistributionTest:
    """Score test of g groups.

    Parameters
    ----------
    groups : array, shape (g,)
        The distinct values of the group, sorted.
    n, observed : array, shape (g,)
        Patients; events of the cause.
    expected : array, shape (g,)
        Events of the cause that the group's share of the weighted risk sets lets expect.
    chi2, p_value : float
        NaN unless `converged`.
    df : int
    converged : bool
    reason : {'', 'one group', 'no events', 'no weights', 'never compared'}
    note : str
    """

    groups: NDArray[Any]
    n: NDArray[np.int64]
    observed: NDArray[np.int64]
    expected: FloatArray
    chi2: float
    df: int
    p_value: float
    converged: bool
    reason: str
    note: str


def subdistribution_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: Any,
    *,
    of: int = 1,
    start: ArrayLike | None = None,
    strata: Any = None,
    pooled_censoring: bool = False,
    tied_events: TiedEvents | None = None,
    known_weights: bool = False,
) -> SubdistributionTest:
    """Compare the cumulative incidence of one cause between groups, others competing, also with delayed entry.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up to the first event of any cause, not negative.
    cause : array of int, shape (n,)
        0 censored, 1, 2 ... the kind of event.
    group : array, shape (n,)
    of : int
        The cause compared; all others compete.
    start : array, shape (n,), optional
        Delayed entry: at risk after start and up to time; one row a patient.
    strata : array, shape (n,), optional
        Groups are compared within strata only, and the differences are added up.
    pooled_censoring : bool
        One distribution of censoring and entry for all groups (of a stratum); by default each group has its own,
        as in Gray's test, so that a longer follow-up of one group is no difference.
    tied_events, known_weights
        As in :func:`resistance.stats.fine_gray.fine_gray`.

    Returns
    -------
    SubdistributionTest

    Raises
    ------
    ValueError
        Missing values, causes that are not 0, 1, 2 ..., negative times, a start not before its time, `of` below 1.

    Notes
    -----
    The score test of the proportional subdistribution hazards model (Fine and Gray 1999,
    doi:10.1080/01621459.1999.10474144) with groups as its columns, patients who failed otherwise weighted by the distributions
    of censoring and entry (Geskus 2011, doi:10.1111/j.1541-0420.2010.01420.x) and the variance summed over patients (Zhang,
    Zhang and Fine 2011, doi:10.1002/sim.4264).  It asks what Gray's test asks (:func:`resistance.stats.gray.gray_test`, which
    has no published form for delayed entry): with ``tied_events="gone"`` the numerators are the same as long as somebody
    is at risk in every group, the variance is another, so that without delayed entry the two differ a little; there take
    Gray's.  Wrong in .046 to .061 of simulated studies at 5 % with 25 to 100 patients a group, whatever differed between the
    groups beside the incidence; with pooled weights up to .14 where entry and censoring differed.

    Examples
    --------
    >>> found = subdistribution_test(
    ...     [3, 4, 5, 6, 7, 8, 9, 9], [1, 1, 1, 2, 2, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1], start=[0, 0, 0, 1, 2, 0, 0, 0]
    ... )
    >>> found.df, bool(found.observed[0] > found.expected[0])
    (1, True)
    """
    t = numbers(time, "time")
    c = causes_of(cause, t.size)
    member, names = codes(group, "group", t.size), np.unique(np.asarray(group))
    stratum = np.zeros(t.size, dtype=np.intp) if strata is None else codes(strata, "strata", t.size)
    if of < 1:
        raise ValueError(f"of: {of} is not a cause (1, 2 ...)")
    rows = follow_up(t, start=start)
    ties = tied_events_of(rows, tied_events)
    g = names.size
    columns = (member[:, None] == np.arange(g)).astype(np.float64)
    score, variance = np.zeros(g), np.zeros((g, g))
    observed = np.bincount(member[c == of], minlength=g).astype(np.int64)
    weighted = True
    for s in np.unique(stratum[c == of]):
        inside = stratum == s
        apart = np.zeros_like(member) if pooled_censoring else member
        model = Subdistribution(rows.only(inside), c[inside], columns[inside], apart[inside], of, ties)
        weighted &= model.weighted
        if weighted:
            score += model.score(np.zeros(g))
            variance += model.middle(np.zeros(g), known_weights)
    statistic, df, p_value = float("nan"), 0, float("nan")
    reason = "one group" if g < 2 else "" if observed.sum() else "no events"
    reason = reason or ("" if weighted else "no weights")
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
        "no weights": "at some time all at risk of a group have only just entered: its patients who failed otherwise before have no weight",
        "never compared": f"no event of cause {of} while patients of two groups were at risk",
    }[reason]
    counts = np.bincount(member, minlength=g).astype(np.int64)
    expected = observed - score if weighted else np.full(g, np.nan)
    return SubdistributionTest(names, counts, observed, expected, statistic, df, p_value, not reason, reason, note)
