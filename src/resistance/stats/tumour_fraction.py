"""Reads, copies and multiplicity of clonal variants -> the share of tumour cells' DNA among all, by maximum likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.fractions import Estimate, clopper_pearson


def expected_vaf(
    fraction: ArrayLike, tumour_copies: ArrayLike, multiplicity: ArrayLike, normal_copies: ArrayLike = 2.0
) -> FloatArray:
    """Return the VAF of a clonal variant where a fraction of the genomes is the tumour's.

    f m / (f T + (1 - f) N): of each tumour cell m of T copies carry it, of each other cell none of N.

    Examples
    --------
    >>> float(expected_vaf(0.2, 2, 1))
    0.1
    """
    f, copies, m, normal = (np.asarray(x, dtype=np.float64) for x in (fraction, tumour_copies, multiplicity, normal_copies))
    return np.asarray(f * m / (f * copies + (1.0 - f) * normal))


def tumour_fraction(
    alt: ArrayLike,
    depth: ArrayLike,
    tumour_copies: ArrayLike,
    multiplicity: ArrayLike,
    normal_copies: ArrayLike | float = 2.0,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the fraction of cells that are the tumour's from the reads of clonal variants.

    The fraction is the one at which these depths let the observed sum of mutant reads expect; for
    fractions at which VAFs are proportional to it that is the maximum likelihood estimate.

    Parameters
    ----------
    alt, depth : array-like, shape (k,)
        Reads of each variant.
    tumour_copies, multiplicity : array-like, shape (k,)
        Copies of the site in a tumour cell, and how many of them carry the variant (1 up to the copies).
    normal_copies : array-like or float
        Copies in the other cells.
    confidence : float
        Two-sided.

    Returns
    -------
    Estimate
        In 0..1; 1 where the reads ask for more.

    Raises
    ------
    ValueError
        No variant, no reads, or a multiplicity beyond the copies.

    Notes
    -----
    For one variant of two copies, one of them changed, it is 2 x VAF.  The interval is Clopper and Pearson's
    of the pooled reads: a sum of binomials of different chance spreads less than one binomial (Hoeffding),
    so that it holds at least its confidence.  It knows the sampling of reads, not the error of the copies.

    References
    ----------
    Hoeffding W. Ann Math Stat 1956; 27: 713. doi:10.1214/aoms/1177728178

    Examples
    --------
    >>> found = tumour_fraction([100], [1000], [2], [1])
    >>> round(found.value, 6), round(found.low, 4), round(found.high, 4)
    (0.2, 0.1642, 0.2406)
    """
    from scipy.optimize import brentq

    x = numbers(alt, "alt")
    n = numbers(depth, "depth", x.size)
    copies, m = numbers(tumour_copies, "tumour_copies", x.size), numbers(multiplicity, "multiplicity", x.size)
    normal = np.broadcast_to(np.asarray(normal_copies, dtype=np.float64), x.shape)
    if x.size == 0 or (n <= 0).any() or (x < 0).any() or (x > n).any() or (m < 1).any() or (m > copies).any():
        raise ValueError("variants with reads and a multiplicity of 1 up to the copies are needed")
    total = float(n.sum())
    kinds = np.column_stack([copies, m, normal])
    alike = bool((kinds == kinds[0]).all())

    def at(vaf: float) -> float:
        """Return the fraction that lets a pooled VAF expect: solved for it where all variants are alike."""
        if alike:
            below = m[0] - vaf * (copies[0] - normal[0])
            return min(float(normal[0] * vaf / below), 1.0) if below > 0.0 else 1.0

        def excess(fraction: float) -> float:
            return float(n @ expected_vaf(fraction, copies, m, normal)) / total - vaf

        return 1.0 if excess(1.0) <= 0.0 else float(brentq(excess, 0.0, 1.0, xtol=1e-14))

    low, high = (float(bound) for bound in clopper_pearson(x.sum(), total, confidence=confidence))
    return Estimate(at(float(x.sum()) / total), at(low), at(high))
