"""Times, events and a risk score -> Harrell's C: how often the one with the higher risk has the event first."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import codes, flags, numbers
from resistance.stats._times import follow_up, weights_of

#: comparisons made at once, so that memory stays small whatever the cohort
BLOCK = 4_000_000


class Concordance(NamedTuple):
    """Harrell's C.

    Parameters
    ----------
    c : float
        0.5 for a score that says nothing, 1 for one that orders all pairs; NaN without comparable pairs.
    se : float
        Standard error by the infinitesimal jackknife.
    pairs : float
        Comparable pairs (a whole number unless there are weights).
    """

    c: float
    se: float
    pairs: float


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    weights: ArrayLike | None = None,
    cluster: Any = None,
) -> Concordance:
    """Compute Harrell's C with its standard error.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of 0/1, shape (n,)
    risk : array, shape (n,)
        Higher is worse, such as a linear predictor or a hazard ratio; *not* a survival probability or time.
    start : array, shape (n,), optional
        Delayed entry: a pair is comparable only if both are under observation.
    strata : array, shape (n,), optional
        Only pairs within a stratum are compared.
    weights : array, shape (n,), optional
        Case weights; a pair counts with their product.
    cluster : array, shape (n,), optional
        Rows of one cluster are not independent (for the standard error).

    Notes
    -----
    Harrell et al. 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.  A pair is
    comparable if one has the event while the other is still at risk; who is censored at the time of an event
    outlives it; two events at one time are no pair.  Equal risks count one half.  Equal to
    ``survival::concordance`` of R, also in its standard error.

    Examples
    --------
    >>> concordance([1, 2, 3, 4], [1, 1, 0, 1], [4.0, 3.0, 1.0, 2.0]).c
    1.0
    """
    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    r = numbers(risk, "risk", n)
    groups = np.zeros(n, dtype=np.intp) if strata is None else codes(strata, "strata", n)
    given, mean_weight = weights_of(weights, n)
    w = np.ones(n) if given is None else given
    clusters = np.arange(n) if cluster is None else codes(cluster, "cluster", n)
    # sums over the pairs of each row: of the partner's weight, and of the same times 1, 1/2 or 0
    pairs, agree = np.zeros(n), np.zeros(n)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        cases = rows[e[rows]]
        step = max(1, BLOCK // max(1, rows.size))
        for begin in range(0, cases.size, step):
            case = cases[begin : begin + step, None]
            later = (t[rows] > t[case]) | ((t[rows] == t[case]) & ~e[rows])
            if s is not None:
                later &= s[rows] < t[case]
            right = np.where(later, (r[case] > r[rows]) + 0.5 * (r[case] == r[rows]), 0.0)
            pairs[case[:, 0]] += later @ w[rows]
            agree[case[:, 0]] += right @ w[rows]
            pairs[rows] += w[case[:, 0]] @ later
            agree[rows] += w[case[:, 0]] @ right
    total = float(w @ pairs) / 2  # each pair was met from both sides
    if total == 0:
        return Concordance(float("nan"), float("nan"), 0.0)
    c = float(w @ agree) / 2 / total
    influence = np.bincount(clusters, weights=w * (agree - c * pairs) / total)
    return Concordance(c, float(np.sqrt(influence @ influence)), total * mean_weight**2)
