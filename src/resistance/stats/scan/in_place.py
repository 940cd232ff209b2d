"""Markers as the kernels that read them once take them: where they stand, or a copy of a few of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: markers that the kernels leave to a more careful look, looked at together
TOGETHER = 4096


def where_they_stand(x: NDArray[Any], first: int, last: int) -> tuple[NDArray[Any], int, int, int]:
    """Return markers first..last of a table in row order, flat.

    Parameters
    ----------
    x : array, shape (n, m)
        Booleans, integers or floats; of integers a negative one is missing.

    Returns
    -------
    flat : array of int8, float32 or float64
    stride, at, groups : int
        Markers in a row, the first that is meant, and how many times eight from there on.
    """
    from resistance.stats.scan.simd import LANES

    groups = -(-(last - first) // LANES)
    if x.flags.c_contiguous and x.dtype in (np.int8, np.bool_, np.float32, np.float64) and first + groups * LANES <= x.shape[1]:
        return (x.view(np.int8) if x.dtype == np.bool_ else x).reshape(-1), x.shape[1], first, groups
    # copied: another order or type, or the last few markers, filled up to whole registers
    small = x.dtype == np.int8 or x.dtype == np.bool_
    copy = np.zeros((x.shape[0], groups * LANES), dtype=np.int8 if small else np.float64)
    copy[:, : last - first] = x[:, first:last]
    if x.dtype.kind == "i" and not small:
        copy[copy < 0] = np.nan
    return copy.reshape(-1), groups * LANES, 0, groups


def nobody_has(x: NDArray[Any], which: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which of some markers are 0 in every patient: the commonest of those that have no test, and soon told.

    Parameters
    ----------
    x : array, shape (n, m)
    which : array of int, shape (k,)

    Returns
    -------
    array of bool, shape (k,)
    """
    empty = np.empty(which.size, dtype=bool)
    for first in range(0, which.size, TOGETHER):
        some = slice(first, first + TOGETHER)
        empty[some] = ~x[:, which[some]].any(axis=0)
    return empty
