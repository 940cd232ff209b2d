"""Reads, purity and copies -> cancer cell fraction with its interval, and clonal or subclonal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray

#: a fraction whose interval reaches 1 but also goes below this could be either
HALF = 0.5


@dataclass(frozen=True)
class CellFraction:
    """Cancer cell fractions; arrays over variants.

    Parameters
    ----------
    ccf, low, high : ndarray of float
        Estimate and interval, not cut at 1 (sampling puts half the clonal variants above it).
    multiplicity : ndarray of float
        Whole number of copies that carry the variant, in a cell that has it.
    clonality : ndarray of str
        ``clonal``, ``subclonal`` or ``not_determined``.
    """

    ccf: FloatArray
    low: FloatArray
    high: FloatArray
    multiplicity: FloatArray
    clonality: NDArray[np.object_]


def cancer_cell_fraction(
    alt_count: ArrayLike,
    depth: ArrayLike,
    purity: ArrayLike,
    tumour_copies: ArrayLike,
    normal_copies: ArrayLike,
    *,
    confidence: float = 0.95,
) -> CellFraction:
    """Estimate which share of the tumour's cells carries a variant.

    Of the DNA at a position, tumour cells give ``purity * tumour_copies`` parts and the others
    ``(1 - purity) * normal_copies``; ``u = VAF / purity`` times their sum is the mean number of
    changed copies per tumour cell.  The multiplicity is the whole number nearest to u, at least 1 and
    at most `tumour_copies`; the cancer cell fraction is u divided by it.

    Parameters
    ----------
    alt_count, depth : array-like
        Reads with the variant, and all reads.
    purity : array-like
        Fraction of tumour cells, 0..1.
    tumour_copies, normal_copies : array-like
        Copies of the position in a tumour and in a normal cell.
    confidence : float
        Of the exact (Clopper-Pearson) interval of the VAF, which is carried over.

    Returns
    -------
    CellFraction
        NaN and ``not_determined`` where any number is missing, purity or depth is 0, or the tumour
        has no copy.  A variant is ``subclonal`` where the interval stays below 1, ``clonal`` where it
        reaches 1 and stays above one half, else ``not_determined``: too few reads to tell.

    Notes
    -----
    The interval holds the sampling of reads only.  Where u lies between two whole numbers, a
    subclonal variant on two copies and a clonal one on one copy cannot be told apart by reads.

    References
    ----------
    McGranahan N et al. Science 2016; 351: 1463. doi:10.1126/science.aaf1490

    Examples
    --------
    >>> found = cancer_cell_fraction([40, 10], [100, 100], 0.8, 2, 2)
    >>> found.ccf.round(2).tolist(), found.clonality.tolist()
    ([1.0, 0.25], ['clonal', 'subclonal'])
    """
    from scipy.stats import beta

    alt, reads, pure, tumour, normal = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (alt_count, depth, purity, tumour_copies, normal_copies))
    )
    usable = (reads > 0) & (pure > 0) & (tumour > 0) & ~np.isnan(alt) & ~np.isnan(normal)
    a, n = np.where(usable, alt, 0.0), np.where(usable, reads, 1.0)
    tail = (1.0 - confidence) / 2.0
    with np.errstate(invalid="ignore"):
        low = np.where(a > 0, beta.ppf(tail, np.maximum(a, 1e-9), n - a + 1), 0.0)
        high = np.where(a < n, beta.ppf(1.0 - tail, a + 1, np.maximum(n - a, 1e-9)), 1.0)
    factor = (pure * tumour + (1.0 - pure) * normal) / np.where(usable, pure, 1.0)
    u = a / n * factor
    multiplicity = np.clip(np.floor(u + 0.5), 1.0, np.where(usable, tumour, 1.0))
    found = [np.where(usable, x * factor / multiplicity, np.nan) for x in (a / n, low, high)]
    classes = np.select(
        [~usable, found[2] < 1.0, found[1] > HALF], ["not_determined", "subclonal", "clonal"], "not_determined"
    ).astype(object)
    return CellFraction(found[0], found[1], found[2], np.where(usable, multiplicity, np.nan), classes)
