"""Features and weights -> one weighted sum per sample, and what share of the weight its missing values lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats._threads import one_thread


@dataclass(frozen=True)
class Score:
    """A score per sample.

    Parameters
    ----------
    score : array, shape (n,)
        NaN where the sample has none of the features.
    weight_missing : array, shape (n,)
        Share of the absolute weight that stood on missing values, 0..1.
    """

    score: FloatArray
    weight_missing: FloatArray


@one_thread
def linear_score(values: NDArray[Any], weights: ArrayLike) -> Score:
    """Return the linear predictor score: the sum of weight times value; a missing value adds nothing.

    Parameters
    ----------
    values : array, shape (m, n)
        The score's features in rows, samples in columns.  Leaving a missing value out is the same as
        setting it to 0: right for values that are centred, a shift for others.
    weights : array, shape (m,)

    Raises
    ------
    ValueError
        Another shape, or a weight that is not finite.

    Notes
    -----
    Wright et al. 2003, doi:10.1073/pnas.1732008100.

    Examples
    --------
    >>> linear_score(np.array([[1.0, 2.0], [3.0, np.nan]]), [2.0, -1.0]).score.tolist()
    [-1.0, 4.0]
    """
    x, w = checked_values(values, weights)
    known = ~np.isnan(x)
    total = np.abs(w).sum()
    score = w @ np.where(known, x, 0.0)
    missing = np.minimum(np.abs(w) @ ~known / total, 1.0) if total > 0 else np.full(x.shape[1], np.nan)
    return Score(np.where(known.any(axis=0), score, np.nan), missing)


def checked_values(values: NDArray[Any], weights: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as double precision; raises ValueError where they do not fit."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"values: two dimensions are needed (features in rows, samples in columns), not {x.ndim}")
    return x, numbers(weights, "weights", x.shape[0])
