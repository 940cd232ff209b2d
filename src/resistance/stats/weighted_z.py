"""Expression and weights -> the weighted combined z-score of a set of features in each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._threads import one_thread
from resistance.stats.linear_score import Score, checked_values
from resistance.stats.quantile_scaling import row_moments


@one_thread
def weighted_z(values: NDArray[Any], weights: ArrayLike) -> Score:
    """Return the weighted sum of standardised features over the root of the sum of squared weights.

    Parameters
    ----------
    values : array, shape (m, n)
        The set's features in rows, samples in columns.  A missing value counts as the feature's mean; a
        feature that does not vary is left out.
    weights : array, shape (m,)
        With equal weights this is the combined z-score of the Bioconductor package GSVA.

    Returns
    -------
    Score
        NaN in all samples where no feature varies, and in samples without any of the features.

    Notes
    -----
    Stouffer's combination with weights; Lee et al. 2008, doi:10.1371/journal.pcbi.1000217.
    """
    x, w = checked_values(values, weights)
    mean, sd = row_moments(x)
    varies = (sd > 0) & (w != 0)
    known = ~np.isnan(x) & varies[:, None]
    z = np.where(known, (x - mean[:, None]) / np.where(varies, sd, 1.0)[:, None], 0.0)
    size = np.sqrt((w[varies] ** 2).sum())
    n = x.shape[1]
    score = w @ z / size if size > 0 else np.full(n, np.nan)
    total = np.abs(w).sum()
    missing = np.minimum(np.abs(w) @ ~known / total, 1.0) if total > 0 else np.full(n, np.nan)
    return Score(np.where(known.any(axis=0), score, np.nan), missing)
