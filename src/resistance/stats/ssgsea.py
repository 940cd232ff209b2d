"""Expression and sets of features -> single-sample GSEA: how high each set stands among the features of one sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._gene_sets import SetScores, checked_expression, checked_sets, collected, reason_of


def ssgsea(expression: ArrayLike, sets: Sequence[ArrayLike], *, alpha: float = 0.25, normalised: bool = False) -> SetScores:
    """Score sets within each sample by the area between two walks along its ranking.

    Parameters
    ----------
    expression : array, shape (m, n)
        Features in rows, samples in columns; no missing values.
    sets : sequence of int arrays
        0-based rows of each set.
    alpha : float
        Exponent of the ranks.
    normalised : bool
        Divide by the range of all scores of all sets and samples.  Such a score depends on the other
        sets and samples of the run; without it a sample's score is its own.

    Raises
    ------
    ValueError
        Missing values, a row outside the expression, a row twice in one set.

    Notes
    -----
    Barbie et al. 2009, doi:10.1038/nature08460; ties have their mean rank, cut to a whole number, and stay
    in the order of the features, as in the Bioconductor package GSVA.
    """
    from scipy.stats import rankdata

    x = checked_expression(expression)
    rows = checked_sets(sets, x.shape[0])
    if not np.isfinite(alpha):
        raise ValueError(f"alpha: {alpha} is not a number")
    m, n = x.shape
    reasons = [reason_of(r, m, max(n, 2), needs_rest=True) for r in rows]
    scores = np.full((len(rows), n), np.nan)
    if n == 0 or all(reasons):
        return collected(scores, rows, reasons, 0)
    # 8 * 2.0 as the mean of ties may come out below 16 in no case: sums of halves are exact
    ranks = np.floor(rankdata(x, axis=0))
    weight = ranks**alpha
    order = np.argsort(-ranks, axis=0, kind="stable")
    after = np.empty((m, n))  # how many steps of the walk come at or after the feature
    np.put_along_axis(after, order, np.arange(m, 0, -1, dtype=np.float64)[:, None], axis=0)
    for number, r in enumerate(rows):
        if reasons[number]:
            continue
        inside = (weight[r] * after[r]).sum(axis=0) / weight[r].sum(axis=0)
        outside = (m * (m + 1) / 2 - after[r].sum(axis=0)) / (m - r.size)
        scores[number] = inside - outside
    if normalised:
        known = np.array([not reason for reason in reasons])
        spread = float(np.ptp(scores[known]))
        if spread > 0:
            scores = scores / spread
        else:
            scores[:] = np.nan
            reasons = [reason or "no range" for reason in reasons]
    return collected(scores, rows, reasons, 0)
