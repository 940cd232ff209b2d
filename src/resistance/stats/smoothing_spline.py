"""Points -> a cubic smoothing spline with given degrees of freedom, or with those that generalised cross-validation picks."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers

#: precision of the smoothing parameter, on a scale of which one unit is a factor 256 ** 3 of the penalty
TOLERANCE = 1e-4
#: the reference implementation integrates t squared over the unit interval as .333; kept, so that the search
#: for the smoothing parameter takes the same path and results agree to all digits instead of six
THIRD = 0.333


def smoothing_spline(x: ArrayLike, y: ArrayLike, *, df: float | None = None) -> Callable[[FloatArray], FloatArray]:
    """Fit a cubic smoothing spline.

    Parameters
    ----------
    x : array, shape (n,)
        Strictly increasing, at least 4.
    y : array, shape (n,)
    df : float, optional
        Trace of the smoother, between 2 and n; without it generalised cross-validation decides.

    Returns
    -------
    function
        Values of the spline at points within the range of `x`.

    Raises
    ------
    ValueError
        Fewer than 4 points, `x` not increasing, missing values, `df` not above 1.

    Notes
    -----
    The minimiser of the squared distance plus lambda times the integrated squared second derivative
    (Green and Silverman 1994), in B-splines with knots at the data (a subset from 50 points on).  Lambda is
    searched by Brent's method to a precision of 1e-4 on the logarithmic scale of S' smooth.spline
    (Chambers and Hastie 1992), so that results agree with programs that use it; ``df`` is met to about 1e-4.
    """
    from scipy.interpolate import BSpline
    from scipy.optimize import fminbound

    at, value = numbers(x, "x"), numbers(y, "y")
    if at.size != value.size:
        raise ValueError(f"y: {value.size} values for {at.size} of x")
    if at.size < 4:
        raise ValueError(f"x: {at.size} points; at least 4 are needed")
    if (np.diff(at) <= 0).any():
        raise ValueError("x: not strictly increasing")
    if df is not None and df <= 1:
        raise ValueError("df: must be above 1")
    n, start, width = at.size, at[0], at[-1] - at[0]
    unit = (at - start) / width
    inner = unit[np.linspace(0, n - 1, _n_knots(n)).astype(np.intp)]
    knots = np.concatenate([np.zeros(3), inner, np.ones(3)])
    basis = BSpline.design_matrix(unit, knots, 3).toarray()
    cross = basis.T @ basis
    penalty = _penalty(knots)
    right = basis.T @ value
    ratio = float(np.diag(cross)[2:-3].sum() / np.diag(penalty)[2:-3].sum()) if cross.shape[0] > 5 else 1.0

    coefficients = right

    def criterion(spar: float) -> float:
        nonlocal coefficients
        inverse = np.linalg.inv(cross + ratio * 256.0 ** (3 * spar - 1) * penalty)
        coefficients = inverse @ right
        trace = float((inverse * cross).sum())
        if df is not None:
            return 3 + (df - trace) ** 2  # the 3 is the reference's: it rounds the criterion, and so ends the search
        left = value - basis @ coefficients
        return float((left @ left / n) / (1 - trace / n) ** 2)

    # the fit of the last point that was tried is the answer, as in the reference; it is within the tolerance of the best
    fminbound(criterion, -1.5, 1.5, xtol=TOLERANCE)
    spline = BSpline(knots, coefficients, 3)
    return lambda points: np.asarray(spline((np.asarray(points, dtype=np.float64) - start) / width), dtype=np.float64)


def _n_knots(n: int) -> int:
    """Return how many knots serve `n` points (the rule of S: all below 50, then ever fewer)."""
    if n < 50:
        return n
    counts, logs = (50, 200, 800, 3200), [log2(k) for k in (50, 100, 140, 200)]
    for i in range(3):
        if n < counts[i + 1]:
            return int(2 ** (logs[i] + (logs[i + 1] - logs[i]) * (n - counts[i]) / (counts[i + 1] - counts[i])))
    return int(200 + (n - 3200) ** 0.2)


def _penalty(knots: FloatArray) -> FloatArray:
    """Return the integrals of the products of the second derivatives of all pairs of B-splines."""
    from scipy.interpolate import BSpline

    edges = np.unique(knots)
    width = np.diff(edges)
    second = BSpline(knots, np.eye(knots.size - 4), 3).derivative(2)
    # second derivatives are lines between knots: left value and rise tell all
    left = second((edges[:-1] * 2 + edges[1:]) / 3)
    rise = (second((edges[:-1] + edges[1:] * 2) / 3) - left) * 3
    left = left - rise / 3
    mixed = left.T @ (width[:, None] * rise) / 2
    return np.asarray(left.T @ (width[:, None] * left) + mixed + mixed.T + THIRD * rise.T @ (width[:, None] * rise))
