"""p-values -> Benjamini-Hochberg q-values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """Return the smallest false discovery rate at which each test would be called.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: it stays NaN and does not count as a test.

    Returns
    -------
    array, shape (m,)
        Never smaller than the p, never above 1.

    Notes
    -----
    Benjamini and Hochberg 1995.  Valid under independence and positive dependence.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, float("nan")]).tolist()
    [0.02, 0.02, nan]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values: one dimension is needed, not {p.ndim}")
    known = ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError("p_values: outside 0..1")
    q = np.full(p.size, np.nan)
    order = np.flatnonzero(known)[np.argsort(p[known], kind="stable")]
    m = order.size
    raw = p[order] * (m / np.arange(1, m + 1))
    q[order] = np.minimum(1.0, np.minimum.accumulate(raw[::-1])[::-1])
    # m/m * p may round below p in the last bit
    return np.asarray(np.maximum(q, p), dtype=np.float64)
