"""p-values -> Grenander's estimate of their distribution: the least concave curve above the empirical one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.multiplicity import checked

#: relative difference of two slopes that are one
ROUNDING = 1e-12


@dataclass(frozen=True)
class Grenander:
    """A concave distribution function on [0, 1], as the lowest of its straight lines.

    Parameters
    ----------
    knots, height : array, shape (k + 1,)
        Where its pieces meet, from 0 to 1, and its value there; the height at 0 is the share of p = 0.
    slope : array, shape (k,)
        Of the pieces: the estimated density, strictly falling.
    n : int
        p-values behind it; without any it is the uniform distribution.
    """

    knots: FloatArray
    height: FloatArray
    slope: FloatArray
    n: int

    @property
    def intercept(self) -> FloatArray:
        """Where each piece, drawn on, meets t = 0: the value at t is the least of ``intercept + slope * t``."""
        return np.asarray(self.height[:-1] - self.slope * self.knots[:-1])

    def __call__(self, t: ArrayLike) -> FloatArray:
        """Return the estimated probability of a p of at most `t` (in 0..1)."""
        return np.interp(np.asarray(t, dtype=np.float64), self.knots, self.height)


def grenander(p_values: ArrayLike, *, zero: float = 0.0) -> Grenander:
    """Estimate the distribution of p-values whose density falls from 0 to 1.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN is left out.
    zero : float
        p up to here count as 0: where only larger thresholds matter, this keeps the slopes in proportion.

    Returns
    -------
    Grenander

    Raises
    ------
    ValueError
        A p outside 0..1, `zero` not in 0 <= zero < 1.

    Notes
    -----
    Grenander 1956, doi:10.1080/03461238.1956.10414944: the maximum-likelihood estimate of a falling density; its
    slopes are the isotonic regression of those of the empirical distribution, weighed by the gaps between the p.

    Examples
    --------
    >>> found = grenander([0.1, 0.2, 0.9, 0.7])
    >>> found.knots.tolist(), found.height.tolist(), found.slope.round(3).tolist()
    ([0.0, 0.2, 0.9, 1.0], [0.0, 0.5, 1.0, 1.0], [2.5, 0.714, 0.0])
    """
    from scipy.optimize import isotonic_regression

    if not 0 <= zero < 1:
        raise ValueError(f"zero: {zero} is not in 0 <= zero < 1")
    p, known = checked(p_values)
    p = np.sort(p[known])
    if p.size == 0:
        return Grenander(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([1.0]), 0)
    at, count = np.unique(np.where(p <= zero, 0.0, p), return_counts=True)
    rise = count / p.size
    first = 0.0
    if at[0] == 0:
        first, at, rise = float(rise[0]), at[1:], rise[1:]
    if at.size == 0 or at[-1] < 1:
        at, rise = np.append(at, 1.0), np.append(rise, 0.0)
    gap = np.diff(at, prepend=0.0)
    fitted = isotonic_regression(rise / gap, weights=gap, increasing=False)
    block = np.asarray(fitted.blocks, dtype=np.intp)
    knots = np.concatenate([[0.0], at[block[1:] - 1]])
    height = first + np.concatenate([[0.0], np.cumsum(np.add.reduceat(rise, block[:-1]))])
    height[-1] = 1.0
    slope = np.diff(height) / np.diff(knots)
    # a knot between slopes that differ by rounding only is none
    bend = np.concatenate([[True], slope[1:] < slope[:-1] * (1 - ROUNDING), [True]])
    knots, height = knots[bend], height[bend]
    return Grenander(knots, height, np.diff(height) / np.diff(knots), p.size)
