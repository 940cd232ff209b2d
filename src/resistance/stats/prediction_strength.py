"""Standardised features, weights and midpoints -> prediction strength: the balance of the votes of all features, -1..1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import numbers
from resistance.stats._threads import one_thread
from resistance.stats.linear_score import Score, checked_values


@one_thread
def prediction_strength(values: NDArray[Any], weights: ArrayLike, midpoints: ArrayLike) -> Score:
    """Return the sum of the votes over the sum of their sizes; a vote is weight times (value - midpoint).

    Parameters
    ----------
    values : array, shape (m, n)
        The score's features in rows (as a rule standardised), samples in columns; a missing value does not vote.
    weights : array, shape (m,)
    midpoints : array, shape (m,)
        Mean of the two class means of each feature.

    Returns
    -------
    Score
        NaN where nothing votes.

    Raises
    ------
    ValueError
        Another shape, or a weight or midpoint that is not finite.

    Notes
    -----
    Golub et al. 1999, doi:10.1126/science.286.5439.531, in the symmetric form that the R package PRPS uses.
    """
    x, w = checked_values(values, weights)
    middle = numbers(midpoints, "midpoints", x.shape[0])
    votes = w[:, None] * (x - middle[:, None])
    known = ~np.isnan(votes)
    votes = np.where(known, votes, 0.0)
    size = np.abs(votes).sum(axis=0)
    score = np.divide(votes.sum(axis=0), size, out=np.full(x.shape[1], np.nan), where=size > 0)
    total = np.abs(w).sum()
    return Score(score, np.minimum(np.abs(w) @ ~known / total, 1.0) if total > 0 else np.full(x.shape[1], np.nan))
