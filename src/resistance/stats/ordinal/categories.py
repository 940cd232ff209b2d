"""Codes of ordered categories, columns and weights -> those of the rows that count, and where the carriers are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, matrix, numbers


def checked_categories(
    outcome_codes: ArrayLike, columns: ArrayLike, weights: ArrayLike | None, categories: int | None
) -> tuple[NDArray[np.intp], FloatArray, FloatArray, int]:
    """Return codes, columns and weights of the rows that count, and the number of categories."""
    y = numbers(outcome_codes, "outcome_codes")
    if (y < 0).any() or (y != np.floor(y)).any():
        raise ValueError("outcome_codes: only whole numbers from 0 up are allowed")
    x = matrix(columns, "columns", y.size)
    w = np.ones(y.size) if weights is None else numbers(weights, "weights", y.size)
    if (w < 0).any():
        raise ValueError("weights: negative")
    highest = int(y.max()) + 1 if y.size else 1
    c = highest if categories is None else int(categories)
    if c < highest:
        raise ValueError(f"outcome_codes: code {highest - 1} with only {c} categories")
    keep = w > 0
    return y[keep].astype(np.intp), x[keep], w[keep], c


def carriers_by_category(codes: NDArray[np.intp], x: FloatArray, w: FloatArray, c: int) -> FloatArray:
    """Return the weight of the carriers of each 0/1 column in each category; NaN for other columns."""
    found = np.full((x.shape[1], c), np.nan)
    for column in range(x.shape[1]):
        if np.isin(x[:, column], (0.0, 1.0)).all():
            found[column] = np.bincount(codes, weights=w * x[:, column], minlength=c)
    return found
