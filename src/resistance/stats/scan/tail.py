"""Statistics -> p-values, without the fifth of a second that scipy.special takes to import."""

from __future__ import annotations

import math

import numpy as np

from resistance.stats._arrays import FloatArray


def chi_square_tail(statistic: FloatArray) -> FloatArray:
    """Return the upper tail of the chi-square distribution with one degree of freedom (NaN for NaN).

    Parameters
    ----------
    statistic : array, shape (m,)
        Not negative.
    """
    root = np.sqrt(statistic / 2)
    return np.fromiter(map(math.erfc, root.tolist()), dtype=np.float64, count=root.size)
