"""Errors out of reads at many positions -> their mean rate and how much positions differ beyond chance; tail probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers

#: above this precision (alpha + beta) the beta-binomial is the binomial to all digits that depths of reads can tell
LARGEST_PRECISION = 1e8


@dataclass(frozen=True)
class BetaBinomial:
    """A fit.

    Parameters
    ----------
    mean : float
        Rate of errors, 0..1; NaN where there is no read.
    rho : float
        Over-dispersion 1 / (alpha + beta + 1): the correlation of two reads of one position, 0 for the binomial.
    log_likelihood : float
        Without the binomial coefficients.
    n : int
        Positions with at least one read.
    method : str
        ``beta_binomial``, ``binomial`` or ``no_data``.
    reason : str
        Why it is the binomial: ``too few positions``, ``too few errors``, ``no over-dispersion``; '' for the beta-binomial.
    """

    mean: float
    rho: float
    log_likelihood: float
    n: int
    method: str
    reason: str


def fit_beta_binomial(errors: ArrayLike, depth: ArrayLike, *, min_positions: int = 20, min_errors: int = 5) -> BetaBinomial:
    """Fit mean and over-dispersion by maximum likelihood.

    Parameters
    ----------
    errors, depth : array-like, shape (n,)
        Reads with the error and all reads of each position; a position without reads does not count.
    min_positions, min_errors : int
        With fewer positions, or fewer errors in all, over-dispersion cannot be told from chance and the binomial is given.

    Returns
    -------
    BetaBinomial
        The binomial, whose mean is sum(errors) / sum(depth), where the score of the likelihood at no over-dispersion is not
        positive: the maximum then lies on the edge (Tarone 1979).

    Raises
    ------
    ValueError
        Negative counts, or more errors than reads.

    References
    ----------
    Tarone RE. Testing the goodness of fit of the binomial distribution. Biometrika 1979; 66: 585. doi:10.1093/biomet/66.3.585
    Gerstung M et al. Reliable detection of subclonal single-nucleotide variants in tumour cell populations (errors of
    sequencing are beta-binomial). Nat Commun 2012; 3: 811. doi:10.1038/ncomms1814

    Examples
    --------
    >>> fit_beta_binomial([0, 0, 1, 0], [500, 500, 500, 500]).method
    'binomial'
    >>> spread = fit_beta_binomial([0] * 90 + [12] * 10, [1000] * 100)
    >>> spread.method, round(spread.mean, 4), spread.rho > 0.001
    ('beta_binomial', 0.0012, True)
    """
    from scipy.optimize import minimize, root
    from scipy.special import digamma, gammaln, xlogy

    k, n = numbers(errors, "errors"), numbers(depth, "depth")
    if k.size != n.size or (k < 0).any() or (k > n).any():
        raise ValueError("errors: one count per position, from 0 to its depth")
    order = np.lexsort((k, n))  # sums of the same numbers in the same order, whatever the order of the positions
    k, n = k[order][n[order] > 0], n[order][n[order] > 0]
    if k.size == 0:
        return BetaBinomial(float("nan"), 0.0, 0.0, 0, "no_data", "no reads")
    total, reads = float(k.sum()), float(n.sum())
    mean = total / reads
    flat = float(xlogy(total, mean) + xlogy(reads - total, 1.0 - mean))

    def binomial(reason: str) -> BetaBinomial:
        return BetaBinomial(mean, 0.0, flat, k.size, "binomial", reason)

    if k.size < min_positions:
        return binomial("too few positions")
    if min(total, reads - total) < min_errors:
        return binomial("too few errors")
    score = (k * (k - 1)).sum() / mean + ((n - k) * (n - k - 1)).sum() / (1 - mean) - (n * (n - 1)).sum()
    if score <= 0:
        return binomial("no over-dispersion")
    # most positions of a panel have no error: their terms in alpha vanish, and they are summed once per distinct depth
    hit, m = np.unique(k[k > 0], return_counts=True)
    rest, r = np.unique(n - k, return_counts=True)
    whole, w = np.unique(n, return_counts=True)

    def negative(x: FloatArray) -> tuple[float, FloatArray]:
        precision = np.exp(x[1])
        mu = 1.0 / (1.0 + np.exp(-x[0]))
        a, b = mu * precision, (1.0 - mu) * precision
        value = (
            m @ (gammaln(hit + a) - gammaln(a)) + r @ (gammaln(rest + b) - gammaln(b))
            - w @ (gammaln(whole + precision) - gammaln(precision))
        )  # fmt: skip
        by_a = m @ (digamma(hit + a) - digamma(a))
        by_b = r @ (digamma(rest + b) - digamma(b))
        by_sum = w @ (digamma(whole + precision) - digamma(precision))
        slope = np.array([mu * (1 - mu) * precision * (by_a - by_b), precision * (mu * by_a + (1 - mu) * by_b - by_sum)])
        return -float(value), -slope

    # moments give the start: variance of k is n mu (1 - mu) (1 + (n - 1) rho)
    spread = ((k - n * mean) ** 2).sum() / (mean * (1 - mean))
    rho = float(np.clip((spread - reads) / max((n * (n - 1)).sum(), 1.0), 1e-7, 0.5))
    start = np.array([np.log(mean / (1 - mean)), np.log(1 / rho - 1)])
    bounds = [(start[0] - 10, start[0] + 10), (np.log(1e-3), np.log(LARGEST_PRECISION))]
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-8})
    # the likelihood is flat along the precision: where its slope is nought is found more exactly than where it is highest
    exact = root(lambda x: negative(x)[1], found.x, method="hybr", tol=1e-13)
    best, value = found.x, float(found.fun)
    if exact.success and np.abs(exact.x - found.x).max() < 0.5:
        best, value = exact.x, negative(exact.x)[0]
    # no better than the binomial: rounding at a huge precision, where the two are one
    if -value <= flat or best[1] >= np.log(LARGEST_PRECISION):
        return binomial("no over-dispersion")
    mean = 1.0 / (1.0 + float(np.exp(-best[0])))
    return BetaBinomial(mean, 1.0 / (float(np.exp(best[1])) + 1.0), -value, k.size, "beta_binomial", "")


def tail_probability(count: ArrayLike, depth: ArrayLike, mean: ArrayLike, rho: ArrayLike) -> FloatArray:
    """Return P(at least `count` errors of `depth` reads) at a rate and an over-dispersion.

    Parameters
    ----------
    count, depth, mean, rho : array-like
        Broadcast against each other; ``rho`` 0 is the binomial.

    Returns
    -------
    ndarray of float
        NaN where any is NaN or there is no read; 1 where the count is 0.

    Examples
    --------
    >>> tail_probability([0, 1], 1000, 1e-3, 0.0).round(6).tolist()
    [1.0, 0.632305]
    """
    from scipy.stats import betabinom, binom

    k, n, mu, r = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (count, depth, mean, rho)))
    usable = ~(np.isnan(k) | np.isnan(mu) | np.isnan(r)) & (n > 0)
    out = np.full(k.shape, np.nan)
    out[usable & (k <= 0)] = 1.0
    flat = usable & (k > 0) & ((r <= 1.0 / LARGEST_PRECISION) | (mu <= 0) | (mu >= 1))
    out[flat] = binom.sf(k[flat] - 1, n[flat], mu[flat])
    spread = usable & (k > 0) & ~flat
    precision = 1.0 / r[spread] - 1.0
    out[spread] = betabinom.sf(k[spread] - 1, n[spread], mu[spread] * precision, (1 - mu[spread]) * precision)
    return out


def sum_tail_probability(total: int, depth: ArrayLike, mean: ArrayLike, rho: ArrayLike) -> float:
    """Return P(at least `total` errors in all) at several sites, each with its own depth, rate and over-dispersion.

    Parameters
    ----------
    total : int
    depth, mean, rho : array-like, shape (n,)
        Sites with a NaN or without reads do not count.

    Returns
    -------
    float
        Exact: the distributions of the sites are convolved.  1 for a total of 0, NaN without a site.

    Examples
    --------
    >>> round(sum_tail_probability(2, [100, 100], [0.01, 0.01], [0.0, 0.0]), 6)
    0.595354
    >>> round(float(tail_probability(2, 200, 0.01, 0.0)), 6)
    0.595354
    """
    from scipy.stats import betabinom, binom

    n, mu, r = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64).ravel() for x in (depth, mean, rho)))
    usable = (n > 0) & ~np.isnan(mu) & ~np.isnan(r)
    if not usable.any():
        return float("nan")
    if total <= 0:
        return 1.0
    # a stretch beyond the total keeps small tails exact, where one less the rest is rounding
    support = np.arange(2 * total + 200)
    whole = np.zeros(support.size)
    whole[0] = 1.0
    for reads, rate, spread in zip(n[usable], mu[usable], r[usable], strict=True):
        if spread <= 1.0 / LARGEST_PRECISION or not 0 < rate < 1:
            mass = binom.pmf(support, reads, rate)
        else:
            precision = 1.0 / spread - 1.0
            mass = betabinom.pmf(support, reads, rate * precision, (1 - rate) * precision)
        whole = np.convolve(whole, mass)[: support.size]
    beyond = 1.0 - float(whole.sum())
    return float(min(1.0, whole[total:].sum() + (beyond if beyond > 1e-12 else 0.0)))


def shrunken_rates(errors: ArrayLike, depth: ArrayLike, mean: float, precision: float) -> FloatArray:
    """Return rates of thin groups drawn towards a common one: (errors + precision * mean) / (depth + precision).

    The mean of each rate after its counts, where before them it is a beta with this `mean` and `precision` (reads that the
    common rate is worth; infinite: all groups have the common rate).

    Examples
    --------
    >>> shrunken_rates([0, 30], [1000, 100000], 2e-4, 10000.0).round(7).tolist()
    [0.0001818, 0.0002909]
    """
    k, n = np.asarray(errors, dtype=np.float64), np.asarray(depth, dtype=np.float64)
    if np.isinf(precision):
        return np.full(k.shape, float(mean))
    return (k + precision * mean) / (n + precision)
