"""Depths and an error rate -> how many mutant reads are more than errors explain, and the fraction that would show them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: chance that errors alone reach the count of a detection, and that a fraction at the limit is missed
ALPHA, MISSED = 0.05, 0.05


def least_count(depth: int, error_rate: float) -> int:
    """Return the least count that errors reach with a probability of at most .05 (the limit of blank, and one more).

    Parameters
    ----------
    depth : int
        Reads over all sites.
    error_rate : float
        Probability that a read shows the variant by error, 0..1.  At 0 a single read is a detection.

    Examples
    --------
    >>> least_count(400, 1e-4), least_count(1000, 1e-4), least_count(100_000, 1e-4)
    (1, 2, 16)
    """
    from scipy.special import bdtrc

    if depth < 0 or not 0.0 <= error_rate < 1.0:
        raise ValueError("depth must not be negative and error_rate lie in 0..1")
    if error_rate == 0.0 or depth == 0:
        return 1
    # errors reach a count below their mean with a probability of at least about one half
    count = max(1, int(depth * error_rate))
    while count <= depth and bdtrc(count - 1, depth, error_rate) > ALPHA:
        count += 1
    return count


def detection_limit(depths: Sequence[int], alt_count: int = 1, error_rate: float = 0.0) -> float:
    """Return the fraction that would have been detected with probability .95 at these depths.

    Detected is a sample with at least `alt_count` reads at one site and, over all sites, more reads than
    errors explain (:func:`least_count`).

    Parameters
    ----------
    depths : sequence of int
        Reads at each site, of which one at least is above 0.
    alt_count : int
        Reads of one site that are needed.  With 1 and no error this is the f of
        1 - (1 - f) ** sum(depths) = .95.
    error_rate : float
        As in :func:`least_count`.  The errors themselves are not counted as help.

    Returns
    -------
    float
        Fraction 0..1, one for all sites; 1 where no depth suffices.

    Notes
    -----
    Where both conditions bind, the probabilities to miss either are added: the limit is then a little high.

    Examples
    --------
    >>> round(detection_limit([29957]), 6)
    0.0001
    """
    from scipy.optimize import brentq
    from scipy.special import bdtr, betaincinv

    reads = np.asarray(depths, dtype=np.int64)
    total = int(reads.sum())
    if total <= 0 or (reads < 0).any() or alt_count < 1:
        raise ValueError("a depth above 0 and an alt_count of at least 1 are needed")
    pooled = least_count(total, error_rate)
    if reads.max() < alt_count or total < pooled:
        return 1.0
    if alt_count == 1:
        return float(betaincinv(pooled, total - pooled + 1, 1.0 - MISSED))

    def missed(fraction: float) -> float:
        site = float(np.prod(bdtr(np.minimum(alt_count - 1, reads), reads, fraction)))
        # as many reads as one site needs are enough for the sum as well
        return site + (0.0 if alt_count >= pooled else float(bdtr(pooled - 1, total, fraction)))

    return float(brentq(lambda f: missed(f) - MISSED, 0.0, 1.0, xtol=1e-12))
