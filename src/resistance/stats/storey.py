"""p-values of many tests -> the fraction without effect, Storey's q-values and local false discovery rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.multiplicity import checked
from resistance.stats.smoothing_spline import smoothing_spline

#: p are kept this far from 0 and 1 before they become normal quantiles
EDGE = 1e-8


@dataclass(frozen=True)
class StoreyResult:
    """Storey's q-values; every number is NaN unless `converged`.

    Parameters
    ----------
    pi0 : float
        Estimated fraction of tests without effect, in (0, 1].
    lambdas, pi0_lambda : array, shape (l,)
        Where the fraction was read, and its raw value there; empty where `pi0` was given.
    q : array, shape (m,)
        Smallest (positive) false discovery rate at which a test is called: ``pi0`` times the
        Benjamini-Hochberg value, so that it can be smaller than p, but not than pi0 * p.
    local_fdr : array, shape (m,)
        Estimated probability that a test with just this p has no effect; never falls as p grows.  NaN
        with fewer than two distinct p.
    n : int
        Tests with a p.
    converged : bool
    reason : {'', 'no tests', 'no large p'}
    columns : tuple of int
        Always empty (no column can be the cause).
    note : str
    """

    pi0: float
    lambdas: FloatArray
    pi0_lambda: FloatArray
    q: FloatArray
    local_fdr: FloatArray
    n: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def storey(
    p_values: ArrayLike,
    *,
    pi0: Literal["smoother", "bootstrap"] | float = "smoother",
    lambdas: ArrayLike | None = None,
) -> StoreyResult:
    """Estimate pi0, q-values and local false discovery rates.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: it stays NaN and does not count as a test.
    pi0 : {'smoother', 'bootstrap'} or float
        Smoother: a cubic spline with 3 degrees of freedom through the raw values, read at the last lambda
        (Storey and Tibshirani 2003).  Bootstrap: the raw value with the least estimated mean squared
        error (Storey, Taylor and Siegmund 2004; in closed form, nothing is drawn).  A number in (0, 1] is
        taken as it is; 1 gives Benjamini-Hochberg.
    lambdas : array, optional
        Strictly increasing in [0, 1); default .05, .10 ... .95.  The smoother needs at least 4, one
        value is taken as it is.

    Returns
    -------
    StoreyResult
        ``converged`` is False where no p is left above the lambdas, so that pi0 would be 0: small or
        filtered families.  Benjamini-Hochberg (``pi0=1``) has an answer there.

    Raises
    ------
    ValueError
        A p outside 0..1; lambdas that are not increasing, outside [0, 1) or too few; pi0 outside (0, 1].

    Notes
    -----
    Storey and Tibshirani 2003, doi:10.1073/pnas.1530509100; Storey, Taylor and Siegmund 2004,
    doi:10.1111/j.1467-9868.2004.00439.x.  Local rates: density of the normal quantiles by a Gaussian kernel
    (1.5 times the rule-of-thumb width) and a spline, as in Storey's software.  pi0 leans on p-values that
    are uniform without effect: those of exact tests of rare markers are not, they pile up at 1 and pi0
    then is near 1 (conservative); with few tests it is not worth its variance: below about 100 tests use
    Benjamini-Hochberg.

    Examples
    --------
    >>> result = storey([0.001, 0.01, 0.2, 0.6, 0.8, 0.9], pi0=1.0)
    >>> result.q.round(3).tolist()
    [0.006, 0.03, 0.4, 0.9, 0.9, 0.9]
    """
    p, known = checked(p_values)
    m = int(known.sum())
    default = np.minimum(0.05 + 0.05 * np.arange(19), 0.95)  # a p of .95 counts at the last one
    at: FloatArray = np.atleast_1d(np.asarray(default if lambdas is None else lambdas, dtype=np.float64))
    if at.ndim != 1 or at.size == 0 or not ((at >= 0) & (at < 1)).all() or (np.diff(at) <= 0).any():
        raise ValueError("lambdas: strictly increasing numbers in [0, 1) are needed")
    raw = np.zeros(0)
    if isinstance(pi0, str):
        if pi0 not in ("smoother", "bootstrap"):
            raise ValueError(f"pi0: {pi0!r} is neither 'smoother' nor 'bootstrap' nor a number")
        if pi0 == "smoother" and 1 < at.size < 4:
            raise ValueError("lambdas: the smoother needs one value or at least 4")
        if m == 0:
            return _unanswered(p.size, 0, at, raw, "no tests", "no test has a p")
        above = np.array([(p[known] >= value).sum() for value in at], dtype=np.float64)
        raw = above / (m * (1 - at))
        fraction = _fraction(pi0, at, raw, above, m)
        if not fraction > 0:
            note = "no p is left above the lambdas, the fraction without effect cannot be told: use Benjamini-Hochberg (pi0 = 1)"
            return _unanswered(p.size, m, at, raw, "no large p", note)
    else:
        fraction, at = float(pi0), np.zeros(0)
        if not 0 < fraction <= 1:
            raise ValueError("pi0: outside (0, 1]")
        if m == 0:
            return _unanswered(p.size, 0, at, raw, "no tests", "no test has a p")
    q, local = np.full(p.size, np.nan), np.full(p.size, np.nan)
    order = np.flatnonzero(known)[np.argsort(p[known], kind="stable")]
    scaled = p[order] * (m / np.arange(1, m + 1))
    q[order] = fraction * np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    local[order] = _local(p[order], fraction)
    return StoreyResult(fraction, at, raw, q, local, m, True, "", (), "")


def _fraction(method: str, at: FloatArray, raw: FloatArray, above: FloatArray, m: int) -> float:
    if at.size == 1:
        return min(1.0, float(raw[0]))
    if method == "smoother":
        return min(1.0, float(smoothing_spline(at, raw, df=3)(at[-1:])[0]))
    low = float(np.quantile(raw, 0.1))
    error = above / (m**2 * (1 - at) ** 2) * (1 - above / m) + (raw - low) ** 2
    return min(1.0, float(raw[error == error.min()].min()))


def _local(p: FloatArray, fraction: float) -> FloatArray:
    """Return the local rates of p-values in ascending order."""
    from scipy.stats import norm

    if np.ptp(p) == 0:
        return np.full(p.size, np.nan)
    z = norm.ppf(np.clip(p, EDGE, 1 - EDGE))
    if np.ptp(z) == 0:
        return np.full(p.size, np.nan)
    density = smoothing_spline(*_kernel_density(z))(z)
    # the spline may dip to 0 or below between far points, where nothing speaks for an effect
    with np.errstate(divide="ignore"):
        rate = np.where(density > 0, fraction * norm.pdf(z) / density, 1.0)
    return np.asarray(np.maximum.accumulate(np.minimum(1.0, rate)))


def _kernel_density(z: FloatArray, points: int = 512) -> tuple[FloatArray, FloatArray]:
    """Return a Gaussian kernel density on a grid: linear binning and a convolution (Silverman 1982), width by Silverman's rule."""
    from scipy.signal import fftconvolve
    from scipy.stats import norm

    low, high = np.quantile(z, [0.25, 0.75])
    spread = min(z.std(ddof=1), (high - low) / 1.34) or z.std(ddof=1)
    width = 1.5 * 0.9 * spread * z.size**-0.2
    first, last = z[0] - 7 * width, z[-1] + 7 * width
    place = (z - first) / (last - first) * (points - 1)
    cell = np.floor(place).astype(np.intp)
    mass = np.bincount(cell, 1 - (place - cell), points) + np.bincount(cell + 1, place - cell, points)
    # half a step wider in all than the grid's own spacing: the reference (R before 4.4) places its kernel so
    step = (last - first) / (points - 0.5)
    grid = np.linspace(first, last, points)
    kernel = norm.pdf(step * np.arange(-(points - 1), points), scale=width)
    density = np.maximum(0.0, fftconvolve(mass / z.size, kernel, mode="full")[points - 1 : 2 * points - 1])
    at = np.linspace(z[0] - 3 * width, z[-1] + 3 * width, points)
    return at, np.interp(at, grid, density)


def _unanswered(size: int, n: int, at: FloatArray, raw: FloatArray, reason: str, note: str) -> StoreyResult:
    nan = np.full(size, np.nan)
    return StoreyResult(float("nan"), at, raw, nan, nan.copy(), n, False, reason, (), note)
