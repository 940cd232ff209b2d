"""One statistic per feature and sets of features -> rank test of whether a set stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats._gene_sets import checked_sets


@dataclass(frozen=True)
class GeneSetTestResult:
    """Rank test of each set; NaN for a set that is empty or holds every feature.

    Parameters
    ----------
    size : array of int, shape (s,)
    p_value : array, shape (s,)
    converged : bool
        Every set was answered.
    columns : tuple of int
        0-based sets that were not.
    reason : {'', 'set', 'all ties'}
    note : str
    """

    size: NDArray[np.intp]
    p_value: FloatArray
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def gene_set_test(
    statistics: ArrayLike,
    sets: Sequence[ArrayLike],
    *,
    alternative: Literal["mixed", "either", "up", "down"] = "mixed",
    correlation: float = 0.0,
) -> GeneSetTestResult:
    """Test by the rank sum whether the members have other statistics than the rest.

    Parameters
    ----------
    statistics : array, shape (m,)
        One per feature, such as a moderated t.
    sets : sequence of int arrays
        0-based rows of each set.
    alternative : {'mixed', 'either', 'up', 'down'}
        Larger in size whatever the sign; shifted to one side, whichever; larger; smaller.  With statistics
        that have no negative value 'mixed' is the same as 'up'.
    correlation : float
        Correlation between the members, allowed for in the variance of the rank sum.

    Raises
    ------
    ValueError
        A missing statistic, a row that is not there or twice in a set, a correlation outside -1..1.

    Notes
    -----
    As limma's ``geneSetTest(ranks.only = TRUE)``.  With correlation 0 the features are taken as independent,
    which makes p too small for a set of co-expressed features: :func:`resistance.stats.camera.camera` does
    not.  Variance under correlation: Barry, Nobel and Wright 2008, doi:10.1214/07-AOAS146.

    Examples
    --------
    >>> found = gene_set_test([5.1, 4.8, 4.0, 0.2, -0.1, 0.3, 0.5, -0.4], [[0, 1, 2]], alternative="up")
    >>> found.p_value.round(3).tolist()
    [0.018]
    """
    values = numbers(statistics, "statistics")
    rows = checked_sets(sets, values.size)
    if alternative not in ("mixed", "either", "up", "down"):
        raise ValueError(f"alternative: {alternative!r} is not one of mixed, either, up, down")
    if not -1 <= correlation <= 1:
        raise ValueError(f"correlation: {correlation} is outside -1..1")
    size = np.array([r.size for r in rows], dtype=np.intp)
    p_value = np.full(len(rows), np.nan)
    if alternative == "mixed":
        values = np.abs(values)
    if values.size == 0 or np.ptp(values) == 0:
        return GeneSetTestResult(size, p_value, False, "all ties", tuple(range(len(rows))), "the statistics do not vary")
    lost = []
    for i, r in enumerate(rows):
        if r.size in (0, values.size):
            lost.append(i)
            continue
        down, up = rank_sum_tails(values, r, correlation, float("inf"))
        p_value[i] = {"mixed": up, "up": up, "down": down, "either": min(1.0, 2 * min(down, up))}[alternative]
    note = f"set(s) {', '.join(map(str, lost))}: empty, or every feature" if lost else ""
    return GeneSetTestResult(size, p_value, not lost, "set" if lost else "", tuple(lost), note)


def rank_sum_tails(statistics: FloatArray, rows: NDArray[np.intp], correlation: float, df: float) -> tuple[float, float]:
    """Return the p of the members being smaller and being larger than the rest, with continuity correction.

    Parameters
    ----------
    statistics : array, shape (m,)
    rows : array of int
        Members; neither none nor all.
    correlation : float
        Between members.
    df : float
        Of the t distribution that the standardised rank sum is compared with; may be infinite.
    """
    from scipy.special import ndtr, stdtr
    from scipy.stats import rankdata

    m, k = statistics.size, rows.size
    rest = m - k
    ranks = rankdata(statistics)
    below = k * rest + k * (k + 1) / 2 - ranks[rows].sum()  # pairs in which the member is the smaller one
    if correlation == 0 or k == 1:
        variance = k * rest * (m + 1) / 12
    else:
        # four kinds of pairs of comparisons: the same; sharing the member; two members, one other or two others
        variance = (
            np.arcsin(1) * k * rest
            + np.arcsin(0.5) * k * rest * (rest - 1)
            + np.arcsin(correlation / 2) * k * (k - 1) * rest * (rest - 1)
            + np.arcsin((correlation + 1) / 2) * k * (k - 1) * rest
        ) / (2 * np.pi)
    ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    variance *= 1 - (ties * (ties + 1) * (ties - 1)).sum() / (m * (m + 1) * (m - 1))
    if not variance > 0:
        return float("nan"), float("nan")
    spread, centre = np.sqrt(variance), k * rest / 2

    def lower(z: float) -> float:
        return float(stdtr(df, z)) if np.isfinite(df) else float(ndtr(z))

    return lower(-(below - 0.5 - centre) / spread), lower((below + 0.5 - centre) / spread)
