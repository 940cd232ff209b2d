"""Counts and a reference sample -> each sample's library size by the median ratio to the reference, one sample at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray


def reference_library_sizes(counts: NDArray[Any], reference: ArrayLike, library: float) -> FloatArray:
    """Return robust library sizes.

    Parameters
    ----------
    counts : array, shape (m, n)
        Features in rows, samples in columns.
    reference : array, shape (m,)
        Counts of the reference sample, above 0.
    library : float
        Library size of the reference.

    Returns
    -------
    array, shape (n,)
        `library` times the median ratio over the features that the sample has at all; NaN without any.

    Raises
    ------
    ValueError
        A reference that is not above 0.

    Notes
    -----
    As gneSeqCOO 1.1.0; the median of ratios of Anders and Huber 2010, doi:10.1186/gb-2010-11-10-r106.
    """
    x = np.asarray(counts, dtype=np.float64)
    of = np.asarray(reference, dtype=np.float64)
    if not (of > 0).all():
        raise ValueError("reference: counts above 0 are needed")
    out = np.full(x.shape[1], np.nan)
    for j, column in enumerate(x.T):
        seen = (column != 0) & ~np.isnan(column)
        if seen.any():
            out[j] = library * np.median(column[seen] / of[seen])
    return out
