"""A matrix of columns -> which of them are tied to each other, and how a note names them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from resistance.stats._arrays import FloatArray

#: singular value of the columns, each scaled to length 1, below which some of them are collinear
DEPENDENT = 1e-9


def with_intercept(columns: FloatArray) -> FloatArray:
    """Return the columns behind a column of ones."""
    return np.column_stack([np.ones(columns.shape[0]), columns])


def collinear_columns(design: FloatArray) -> tuple[int, ...]:
    """Return the 0-based columns that take part in a linear combination equal to zero (none: an empty tuple).

    Each column is scaled to length 1 first, so that the unit of a covariate does not decide.  The first
    column is taken out of the others when it is constant: a calendar year is nearly parallel to an
    intercept, and yet it varies.
    """
    n, p = design.shape
    if p == 0:
        return ()
    work = design.astype(np.float64, copy=True)
    constant = np.flatnonzero((np.ptp(work, axis=0) == 0) & (work[0] != 0)) if n else np.zeros(0, dtype=np.intp)
    length = np.sqrt((work**2).sum(axis=0))
    if constant.size:
        first = int(constant[0])
        others = np.arange(p) != first
        work[:, others] -= work[:, others].mean(axis=0)
        # a second constant column leaves only rounding behind
        centred = np.sqrt((work**2).sum(axis=0))
        work[:, others & (centred <= 1e-13 * length)] = 0.0
        length = centred
    work = work / np.where(length > 0, length, 1.0)
    if n < p:  # rows of zeros change nothing, and every direction gets its singular value
        work = np.vstack([work, np.zeros((p - n, p))])
    _, values, rows = np.linalg.svd(work, full_matrices=False)
    null = rows[values < DEPENDENT]
    involved = (np.abs(null) > 1e-6).any(axis=0) if null.size else np.zeros(p, dtype=bool)
    if constant.size and involved.any():
        # a column that vanished although it is not 0 is a multiple of the constant one
        whole = np.sqrt((design**2).sum(axis=0))
        involved[first] = bool((involved & (whole > 0) & (length <= 1e-13 * whole)).any())
    return tuple(int(i) for i in np.flatnonzero(involved))


def power_of_two(values: FloatArray, axis: int = 0) -> FloatArray:
    """Return, along an axis, the power of two next to the largest size (1 for zeros).

    Dividing by it is exact and keeps squares of very large or very small values inside the range of floats.
    """
    largest = np.abs(values).max(axis=axis, initial=0.0)
    return np.asarray(np.ldexp(1.0, np.where(largest > 0, np.frexp(largest)[1], 0)))


def named(columns: Sequence[int]) -> str:
    """Return 'column 3' or 'columns 1, 2' for a note."""
    return ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
