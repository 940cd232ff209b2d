"""A fraction written with all its digits -> the smallest whole numbers that give it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: how far a ratio may be from the fraction as written (15 significant digits)
_EXACT = 1e-13


def smallest_ratio(fractions: ArrayLike, *, most: int = 20_000) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return numerator and denominator of the simplest ratio that each fraction can be.

    Parameters
    ----------
    fractions : array-like
        0..1, written with all digits of a double (11/42 as 0.261904761904762).
    most : int
        Largest denominator that is tried.

    Returns
    -------
    numerator, denominator : ndarray of int
        -1 where the fraction is NaN or no such ratio gives it (it was rounded). A fraction of a mutant and all
        reads gives a divisor of both: the reads are a multiple of the denominator.

    Examples
    --------
    >>> a, n = smallest_ratio([0.261904761904762, 0.3333333333333333, 0.1234567891234])
    >>> a.tolist(), n.tolist()
    ([11, 1, -1], [42, 3, -1])
    """
    values = np.asarray(fractions, dtype=np.float64)
    found = np.full((values.size, 2), -1, dtype=np.int64)
    for i in np.flatnonzero(np.isfinite(values.ravel())):
        value = float(values.ravel()[i])
        ratio = Fraction(value).limit_denominator(most)
        if abs(float(ratio) - value) <= _EXACT:
            found[i] = ratio.numerator, ratio.denominator
    return found[:, 0].reshape(values.shape), found[:, 1].reshape(values.shape)
