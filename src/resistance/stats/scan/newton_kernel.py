"""One step of Newton's method for the few columns that all markers share, compiled; it gives up where somebody careful must look."""

from __future__ import annotations

import math

import numpy as np

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray

#: steps, the last of them shorter than this; none may be longer than that
MAX_STEPS, AT_REST, LONGEST = 30, 1e-8, 5.0
#: what is left of a column beside the ones before it (1 - R squared), below which columns may be collinear
NEARLY = 1e-6


@njit(cache=True, nogil=True, error_model="numpy")
def newton_step(gradient: FloatArray, information: FloatArray, root: FloatArray, step: FloatArray) -> float:
    """Write the step and the inverse of the information's lower Cholesky factor; return the longest part of the step.

    Parameters
    ----------
    gradient, step : array, shape (k,)
    information, root : array, shape (k, k)

    Returns
    -------
    float
        NaN where columns are nearly dependent.
    """
    if not _inverse_factor(information, root):
        return math.nan
    k = gradient.size
    longest = 0.0
    for a in range(k):
        step[a] = 0.0
        for b in range(k):
            for c in range(max(a, b), k):
                step[a] += root[c, a] * root[c, b] * gradient[b]
        longest = max(longest, abs(step[a]))
    return longest


@njit(cache=True, nogil=True, error_model="numpy")
def _inverse_factor(matrix: FloatArray, root: FloatArray) -> bool:
    """Write the inverse of the lower Cholesky factor; False where columns are nearly dependent."""
    k = matrix.shape[0]
    lower = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            left = matrix[i, j]
            for c in range(j):
                left -= lower[i, c] * lower[j, c]
            if i == j:
                if not (matrix[i, i] > 1e-9 and left > NEARLY * matrix[i, i]):
                    return False
                lower[i, i] = math.sqrt(left)
            else:
                lower[i, j] = left / lower[j, j]
    root[:] = 0.0
    for j in range(k):
        root[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, k):
            total = 0.0
            for c in range(j, i):
                total -= lower[i, c] * root[c, j]
            root[i, j] = total / lower[i, i]
    return True
