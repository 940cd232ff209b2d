"""Expression and sets of features -> the combined z-score of each set in each sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._gene_sets import SetScores, checked_expression, checked_sets, collected, reason_of, varying
from resistance.stats.weighted_z import weighted_z


def combined_z(expression: ArrayLike, sets: Sequence[ArrayLike]) -> SetScores:
    """Score sets by the sum of their standardised members over the root of their number.

    Parameters
    ----------
    expression : array, shape (m, n)
        Features in rows, samples in columns; no missing values.
    sets : sequence of int arrays
        0-based rows of each set.

    Notes
    -----
    Lee et al. 2008, doi:10.1371/journal.pcbi.1000217.

    Examples
    --------
    >>> combined_z([[1.0, 2.0, 3.0]], [[0]]).scores.tolist()
    [[-1.0, 0.0, 1.0]]
    """
    x = checked_expression(expression)
    rows = checked_sets(sets, x.shape[0])
    n = x.shape[1]
    x, rows, constant = varying(x, rows)
    reasons = [reason_of(r, x.shape[0], n, needs_rest=False) for r in rows]
    scores = np.full((len(rows), n), np.nan)
    for number, r in enumerate(rows):
        if not reasons[number]:
            scores[number] = weighted_z(x[r], np.ones(r.size)).score
    return collected(scores, rows, reasons, constant)
