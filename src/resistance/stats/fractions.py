"""Counts of reads -> fractions, the mean of several, and the ratio of two, each with an exact or conservative interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers


@dataclass(frozen=True)
class Estimate:
    """An estimate with its two-sided interval.

    Parameters
    ----------
    value, low, high : float
        ``value`` may be NaN (a ratio to nothing) or infinite, the bounds 0 or infinite.
    """

    value: float
    low: float
    high: float


def clopper_pearson(alt: ArrayLike, depth: ArrayLike, *, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return the exact interval of each binomial fraction.

    Parameters
    ----------
    alt, depth : array-like
        Successes and trials; need not be whole (effective counts).
    confidence : float
        Two-sided.

    Returns
    -------
    low, high : ndarray
        NaN where a count is not known or nothing was read.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934; 26: 404. doi:10.1093/biomet/26.4.404

    Examples
    --------
    >>> low, high = clopper_pearson([0], [100])
    >>> float(low[0]), round(float(high[0]), 6)
    (0.0, 0.036217)
    """
    from scipy.special import betaincinv

    a, n = np.broadcast_arrays(np.asarray(alt, dtype=np.float64), np.asarray(depth, dtype=np.float64))
    known = (n > 0) & ~np.isnan(a)
    x, m = np.where(known, a, 0.0), np.where(known, n, 1.0)
    if ((x < 0) | (x > m)).any():
        raise ValueError("alt must lie between 0 and depth")
    tail = (1.0 - confidence) / 2.0
    inner_low, inner_high = x > 0, x < m
    low = np.where(inner_low, betaincinv(np.where(inner_low, x, 1.0), m - x + 1.0, tail), 0.0)
    high = np.where(inner_high, betaincinv(x + 1.0, np.where(inner_high, m - x, 1.0), 1.0 - tail), 1.0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def mean_fraction(alt: ArrayLike, depth: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Return the unweighted mean of independent binomial fractions with an interval that holds at unequal depths.

    The mean of k fractions alt_i / depth_i is a weighted sum of counts, as a directly standardised
    rate is: a site read ten times carries ten times the weight per read of one read a hundred times.
    The interval is that of Fay and Feuer for such sums, with binomial in the place of Poisson
    counts: Clopper and Pearson's interval at an effective count and depth, which for the upper bound
    hold one more read at the site of the greatest weight.  With equal depths it *is* Clopper and
    Pearson's interval of the pooled reads; with one site it is that site's.

    Parameters
    ----------
    alt, depth : array-like, shape (k,)
        Reads with the variant and all reads of each site; depth at least 1, no NaN.
    confidence : float
        Two-sided.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        No site, a depth of 0, or more mutant reads than reads.

    Notes
    -----
    The fractions may differ between the sites: nothing is pooled.  The price is honest: a site read a
    few times may hide a high fraction, and widens the upper bound.  Coverage was verified by complete
    enumeration and by simulation (``tests/stats/test_fractions.py``).

    References
    ----------
    Fay MP, Feuer EJ. Stat Med 1997; 16: 791. doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#
    Korn EL, Graubard BI. Survey Methodology 1998; 24: 193 (Clopper-Pearson at effective counts).

    Examples
    --------
    >>> found = mean_fraction([0, 5], [50, 50])
    >>> [round(x, 6) for x in (found.value, found.low, found.high)]
    [0.05, 0.016432, 0.112835]
    """
    x = numbers(alt, "alt")
    n = numbers(depth, "depth", x.size)
    if x.size == 0 or (n <= 0).any() or (x < 0).any() or (x > n).any():
        raise ValueError("at least one site, each with a depth above 0 and alt between 0 and depth, is needed")
    mean = float(np.mean(x / n))
    low = _bound(x, n, confidence, upper=False)
    # the read that nobody saw, where it would weigh most; of equal weights where it widens most
    least = np.lexsort((x, n))[0]
    one_more = x.copy()
    one_more[least] += 1.0
    return Estimate(mean, min(low, mean), max(_bound(one_more, n, confidence, upper=True), mean))


def _bound(x: FloatArray, n: FloatArray, confidence: float, *, upper: bool) -> float:
    """Return one bound: the quantile of the beta distribution of the effective count and depth."""
    from scipy.special import betaincinv

    weight = 1.0 / (n.size * n)
    mean, poisson = float(weight @ x), float(weight**2 @ x)
    if mean <= 0.0:
        return 0.0
    tail = (1.0 - confidence) / 2.0
    if mean >= 1.0:  # every read but one, or every read
        if mean > 1.0 + 1e-12 or not upper:
            return 1.0 if upper else float(betaincinv(*_shape(1.0, mean / poisson, upper=False), tail))
        return float(betaincinv(*_shape(mean, mean / poisson, upper=True), 1.0 - tail))
    binomial = float(weight**2 @ (x * np.clip(1.0 - x / n, 0.0, 1.0)))
    variance = max(poisson * (1.0 - mean), binomial)
    shape = _shape(mean, mean * (1.0 - mean) / variance, upper=upper)
    return float(betaincinv(*shape, 1.0 - tail if upper else tail))


def _shape(mean: float, depth: float, *, upper: bool) -> tuple[float, float]:
    """Return Clopper and Pearson's beta parameters; for the upper bound `mean` holds the further read."""
    count = mean * depth
    return count, depth - count + 1.0


def fraction_ratio(
    alt: ArrayLike, depth: ArrayLike, other_alt: ArrayLike, other_depth: ArrayLike, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ratios of two binomial fractions with the interval that is exact given the sum of the counts.

    Given the sum, the first count is binomial with ratio x depth / (ratio x depth + other depth), so that
    Clopper and Pearson's bounds of it become bounds of the ratio.  Exact for Poisson counts, conservative
    for binomial ones of a high fraction.

    Parameters
    ----------
    alt, depth, other_alt, other_depth : array-like
        Successes and trials of numerator and denominator.

    Returns
    -------
    ratio, low, high : ndarray
        NaN where a count is not known or a depth is 0.  Without a success on either side the ratio is NaN
        and the bounds are 0 and infinity.

    References
    ----------
    Przyborowski J, Wilenski H. Biometrika 1940; 31: 313. doi:10.1093/biomet/31.3-4.313

    Examples
    --------
    >>> ratio, low, high = fraction_ratio(10, 1000, 10, 1000)
    >>> round(float(low), 4), float(ratio), round(float(high), 4)
    (0.3735, 1.0, 2.677)
    """
    a, n, b, m = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (alt, depth, other_alt, other_depth)))
    known = (n > 0) & (m > 0) & ~np.isnan(a) & ~np.isnan(b)
    total = np.where(known, a + b, np.nan)
    low, high = clopper_pearson(np.where(total > 0, a, np.nan), total, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = m / n
        ratio = np.where(known, (a / n) / (b / m), np.nan)
        bounds = [scale * share / (1.0 - share) for share in (low, high)]
    nothing = known & (total == 0)
    return ratio, np.where(nothing, 0.0, bounds[0]), np.where(nothing, np.inf, bounds[1])


def times_error(estimate: Estimate, cv: float, *, confidence: float = 0.95) -> Estimate:
    """Return a positive estimate multiplied by 1, where that 1 is known with a coefficient of variation only.

    On the log scale the distances of both bounds from the estimate are joined as the method of variance
    estimates recovery does: the root of the sum of their squares.  The factor is log-normal.

    Parameters
    ----------
    estimate : Estimate
        Not negative; at 0 the upper bound is multiplied by the upper bound of the factor.
    cv : float
        Coefficient of variation of the factor; 0 leaves the estimate as it is.

    References
    ----------
    Zou GY, Donner A. Stat Med 2008; 27: 1693. doi:10.1002/sim.3095
    """
    return log_sum(estimate, Estimate(1.0, *_factor(cv, confidence)))


def _factor(cv: float, confidence: float) -> tuple[float, float]:
    from scipy.special import ndtri

    half = float(ndtri((1.0 + confidence) / 2.0)) * np.sqrt(np.log1p(cv**2))
    return float(np.exp(-half)), float(np.exp(half))


def log_sum(first: Estimate, second: Estimate) -> Estimate:
    """Return the product of two independent positive estimates, their intervals joined on the log scale.

    A first estimate of 0 stays 0, and its upper bound is multiplied by the second's: no log is taken of it.

    Examples
    --------
    >>> found = log_sum(Estimate(2.0, 1.0, 4.0), Estimate(3.0, 3.0, 3.0))
    >>> [round(x, 9) for x in (found.value, found.low, found.high)]
    [6.0, 3.0, 12.0]
    """
    value = first.value * second.value
    if first.value <= 0.0 or second.value <= 0.0:
        return Estimate(value, 0.0, first.high * second.high)
    with np.errstate(divide="ignore"):
        down = np.hypot(np.log(first.value) - np.log(first.low), np.log(second.value) - np.log(second.low))
        up = np.hypot(np.log(first.high) - np.log(first.value), np.log(second.high) - np.log(second.value))
    return Estimate(value, float(value * np.exp(-down)), float(value * np.exp(up)))


def inverse(estimate: Estimate) -> Estimate:
    """Return 1 / a positive estimate; a lower bound of 0 gives an infinite upper bound."""
    if not estimate.value > 0.0:
        raise ValueError("only a positive estimate has an inverse")
    return Estimate(1.0 / estimate.value, 1.0 / estimate.high, np.inf if estimate.low <= 0.0 else 1.0 / estimate.low)
