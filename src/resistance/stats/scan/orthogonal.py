"""Covariates -> intercept and orthogonal columns that span the same, or the covariates because of which there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import FloatArray
from resistance.stats.newton import COLLINEAR


@dataclass(frozen=True)
class Design:
    """Intercept and covariates as orthogonal columns of mean square 1, so that no scale of theirs matters.

    Parameters
    ----------
    basis : array, shape (n, k + 1)
    log_scale : float
        Log determinant of the step from the basis to the columns given.
    columns : tuple of int
        Covariates because of which there is no basis.
    possible : bool
    """

    basis: FloatArray
    log_scale: float
    columns: tuple[int, ...]
    possible: bool


def orthogonal(covariates: FloatArray) -> Design:
    """Return the columns, by Gram and Schmidt; sums without BLAS, whose rounding may depend on the number of threads."""
    n, k = covariates.shape
    spread = np.ptp(covariates, axis=0) if n else np.zeros(k)
    constant = ~(spread > 0)
    unit = (covariates - covariates.mean(axis=0)) / np.where(constant, 1.0, spread)
    length = np.sqrt((unit**2).sum(axis=0))
    unit = unit / np.where(constant, 1.0, length)
    values, vectors = np.linalg.eigh(np.einsum("ia,ib->ab", unit, unit) + np.diag(constant.astype(float)))
    null = vectors[:, values < COLLINEAR]
    dependent = constant | (np.abs(null) > 1e-3).any(axis=1)
    if dependent.any() or n <= k:
        columns = tuple(int(i) for i in (np.flatnonzero(dependent) if dependent.any() else range(k)))
        return Design(np.zeros((n, 0)), 0.0, columns, False)
    basis = np.column_stack([np.ones(n), unit])
    log_scale = float(np.log(spread * length).sum())
    for j in range(1, k + 1):
        size = 1.0
        for _ in range(2):  # twice is enough (Kahan)
            for before in range(j):
                basis[:, j] -= basis[:, before] * ((basis[:, before] * basis[:, j]).sum() / n)
            norm = float(np.sqrt((basis[:, j] ** 2).sum() / n))
            basis[:, j] /= norm
            size *= norm
        log_scale += float(np.log(size))
    return Design(basis, log_scale, (), True)
