"""Expression and sets of features -> PLAGE: the first principal direction of each set over the samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._gene_sets import SetScores, checked_expression, checked_sets, collected, reason_of, standardised, varying
from resistance.stats._threads import one_thread


@one_thread
def plage(expression: ArrayLike, sets: Sequence[ArrayLike], *, oriented: bool = True) -> SetScores:
    """Score sets by their pathway level of expression.

    Parameters
    ----------
    expression : array, shape (m, n)
        Features in rows, samples in columns; no missing values.
    sets : sequence of int arrays
        0-based rows of each set.
    oriented : bool
        The sign of a principal direction is arbitrary: let the score rise with the sum of the standardised
        members; where that sum is 0 (two opposite members), the longer tail of the score is positive.  False: the sign that the
        decomposition happens to return for the members in the given order, as the Bioconductor package does.

    Returns
    -------
    SetScores
        Each row has length 1.

    Notes
    -----
    Tomfohr, Lu and Kepler 2005, doi:10.1186/1471-2105-6-225.
    """
    x = checked_expression(expression)
    rows = checked_sets(sets, x.shape[0], in_order=oriented)
    n = x.shape[1]
    x, rows, constant = varying(x, rows)
    reasons = [reason_of(r, x.shape[0], n, needs_rest=False) for r in rows]
    scores = np.full((len(rows), n), np.nan)
    if not all(reasons):
        z = standardised(x)
        for number, r in enumerate(rows):
            if reasons[number]:
                continue
            left, _, right = np.linalg.svd(z[r], full_matrices=False)
            direction = float(left[:, 0].sum())
            if abs(direction) < 1e-9:
                direction = float((right[0] ** 3).sum()) or 1.0
            scores[number] = right[0] * (np.sign(direction) if oriented else 1.0)
    return collected(scores, rows, reasons, constant)
