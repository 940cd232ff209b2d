"""A binary outcome and columns -> whether maximum likelihood has no finite logistic estimate, and because of which columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, to_unit_range

#: columns are of unit range, so a direction that gains less than this over all patients is rounding
ROUNDING = 1e-7


@dataclass(frozen=True)
class Separation:
    """Separation of an outcome.

    Parameters
    ----------
    kind : {'', 'quasi-complete', 'complete'}
        '' where maximum likelihood has a finite estimate (or the design is not of full rank, which is
        another question).
    columns : tuple of int
        0-based columns without a finite estimate.  Complete separation leaves none a finite estimate:
        the columns named then are those that separate alone, else a smallest set that does together.
    """

    kind: Literal["", "quasi-complete", "complete"]
    columns: tuple[int, ...]


def separation(outcome: ArrayLike, columns: ArrayLike) -> Separation:
    """Find out whether a combination of columns (and a constant) separates the outcome.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    columns : array, shape (n, k)

    Notes
    -----
    Albert and Anderson 1984, doi:10.1093/biomet/71.1.1; by linear programming as in Konis 2007 (thesis,
    Oxford): the longest direction along which no patient's likelihood falls.  Patients whose likelihood
    grows are taken out, until none is left or nobody gains; a coefficient is finite when the patients
    left determine it.

    Examples
    --------
    >>> separation([1, 1, 0, 0, 1, 0], [1, 1, 0, 0, 0, 0])
    Separation(kind='quasi-complete', columns=(0,))
    """
    y = flags(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    unit, _ = to_unit_range(x)
    signed = np.where(y, 1.0, -1.0)[:, None] * np.column_stack([np.ones(y.size), unit])
    left = _not_separated(signed)
    if left.all():
        return Separation("", ())
    k = x.shape[1]
    if left.any():
        _, singular, rows = np.linalg.svd(signed[left], full_matrices=True)
        rank = int((singular > singular[0] * 1e-9).sum())
        # a coefficient is not determined when some direction that leaves everybody's predictor alone moves it
        free = (np.abs(rows[rank:]) > ROUNDING).any(axis=0)
        return Separation("quasi-complete", tuple(int(i) - 1 for i in np.flatnonzero(free) if i > 0))
    alone = tuple(j for j in range(k) if not _not_separated(signed[:, [0, j + 1]]).any())
    if alone:
        return Separation("complete", alone)
    kept = list(range(k))
    for j in reversed(range(k)):
        fewer = [0, *(i + 1 for i in kept if i != j)]
        if not _not_separated(signed[:, fewer]).any():
            kept.remove(j)
    return Separation("complete", tuple(kept))


def _not_separated(signed: FloatArray) -> BoolArray:
    """Return which patients lie on the border along every direction that hurts nobody."""
    from scipy.optimize import linprog

    left = np.ones(signed.shape[0], dtype=np.bool_)
    while left.any():
        rows = signed[left]
        found = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(rows.shape[0]), bounds=(-1, 1), method="highs")
        gain = rows @ found.x if found.status == 0 else np.zeros(rows.shape[0])
        if gain.max() < ROUNDING:
            break
        left[np.flatnonzero(left)[gain > ROUNDING]] = False
    return left
