"""Two group sizes and a set of 2x2 tables -> the largest probability of the set, whatever the rate that both groups share.

What Barnard's and Boschloo's tests have in common: only the group sizes are given, the rate is unknown.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray


def largest_probability(region: BoolArray, n1: int, n2: int) -> tuple[float, float]:
    """Return the supremum over the rate of the probability of a set of tables, and the rate where it lies.

    Parameters
    ----------
    region : array of bool, shape (n1 + 1, n2 + 1)
        Tables by the count with the outcome in either group.

    Notes
    -----
    The probability is a polynomial with many hills.  It is looked at on a grid that is even on the
    arcsine scale, on which a binomial count is equally sharp everywhere, and every hill within a
    hundredth of the highest is climbed.
    """
    from scipy.optimize import minimize_scalar

    angle, first, second = _binomials(n1, n2)
    members = region.astype(np.float64)
    height = ((first @ members) * second).sum(axis=1)
    padded = np.concatenate([[-1.0], height, [-1.0]])
    hills = np.flatnonzero((height >= padded[:-2]) & (height >= padded[2:]) & (height >= 0.99 * height.max()))
    best = int(height.argmax())
    top, where = float(height[best]), float(angle[best])

    def fall(theta: float) -> float:
        rate = np.sin(theta) ** 2
        return -float(binomial(n1, rate)[0] @ members @ binomial(n2, rate)[0])

    for hill in hills[:20]:
        ends = (float(angle[max(hill - 1, 0)]), float(angle[min(hill + 1, angle.size - 1)]))
        found = minimize_scalar(fall, bounds=ends, method="bounded", options={"xatol": 1e-9})
        if -found.fun > top:
            top, where = -float(found.fun), float(found.x)
    return min(1.0, top), float(np.sin(where) ** 2)


def binomial(n: int, rates: FloatArray | float) -> FloatArray:
    """Return the binomial probabilities of 0 .. n, one row per rate."""
    from scipy.special import xlog1py, xlogy

    x, rate = np.arange(n + 1), np.atleast_1d(rates)[:, None]
    return np.asarray(np.exp(_log_choose(n) + xlogy(x, rate) + xlog1py(n - x, -rate)))


@lru_cache(256)
def _log_choose(n: int) -> FloatArray:
    from scipy.special import gammaln

    x = np.arange(n + 1)
    return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))


@lru_cache(32)
def _binomials(n1: int, n2: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    # a hill is about 1/sqrt(n) wide; an even number of steps puts a point on the rate of one half
    steps = 2 * max(100, int(8 * np.sqrt(n1 + n2)))
    angle = np.linspace(0, np.pi / 2, steps + 1)
    rates = np.sin(angle) ** 2
    return angle, binomial(n1, rates), binomial(n2, rates)
