"""Array-likes -> checked numpy arrays of one length; the guard at the door of every method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def numbers(values: ArrayLike, name: str, n: int | None = None) -> FloatArray:
    """Return a one-dimensional float array without NaN.

    Raises
    ------
    ValueError
        Another shape or length, or a value that is not finite: the caller leaves such patients out
        and counts them, a method never does so by itself.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: one dimension is needed, not {array.ndim}")
    if n is not None and array.size != n:
        raise ValueError(f"{name}: {array.size} values for {n} patients")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {int((~np.isfinite(array)).sum())} value(s) are missing or infinite")
    return array


def flags(values: ArrayLike, name: str, n: int | None = None) -> BoolArray:
    """Return a one-dimensional boolean array; the only values are 0 and 1 (or False and True)."""
    array = numbers(values, name, n)
    if not np.isin(array, (0.0, 1.0)).all():
        raise ValueError(f"{name}: only 0 and 1 are allowed")
    return np.asarray(array == 1.0, dtype=np.bool_)


def matrix(columns: ArrayLike | Sequence[ArrayLike], name: str, n: int) -> FloatArray:
    """Return an n x k float array without NaN (k may be 0; one dimension is one column)."""
    array = np.asarray(columns, dtype=np.float64)
    if array.ndim == 1:
        array = array.reshape(n, 0) if array.size == 0 else array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[0] != n:
        raise ValueError(f"{name}: shape {array.shape} for {n} patients")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {int((~np.isfinite(array)).sum())} value(s) are missing or infinite")
    return array


def codes(values: Any, name: str, n: int) -> NDArray[np.intp]:
    """Return integer codes 0.. of the distinct values (sorted), such as strata or groups."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size != n:
        raise ValueError(f"{name}: shape {array.shape} for {n} patients")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}: missing value")
    return np.unique(array, return_inverse=True)[1].reshape(-1)


def to_unit_range(columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the columns centred and divided by their range, and the ranges (1 for a constant column).

    On this scale one unit is "from the lowest to the highest value", so that one rule for step sizes
    serves a rare marker as well as an age in years.
    """
    if columns.shape[0] == 0:
        return columns.copy(), np.ones(columns.shape[1])
    spread = np.ptp(columns, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return (columns - columns.mean(axis=0)) / spread, spread
