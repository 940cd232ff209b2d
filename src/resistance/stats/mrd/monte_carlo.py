"""Mutant counts and background of one sample -> the simulated positivity test of ctDNAtools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.mrd.sites import ROUNDING, Counts, Sites, background_table, make_sites, mutant_counts

#: draws that are held at once: the memory does not grow with their number
BLOCK = 8192
#: expected errors of one site above which counts are drawn one by one and not from a table
_TABLE = 200.0
#: sites without an error more often than this are passed over in leaps
_SPARSE = 0.7


@dataclass(frozen=True)
class MonteCarloTest:
    """Simulated positivity test of one sample.

    Parameters
    ----------
    p_value : float
        (successes + 1) / (draws + 1).
    successes, draws : int
    mean_vaf : float
    alt, positive : int
    """

    p_value: float
    successes: int
    draws: int
    mean_vaf: float
    alt: int
    positive: int


def monte_carlo_test(
    alt: ArrayLike,
    depths: ArrayLike,
    rates: ArrayLike,
    precisions: ArrayLike | None = None,
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> MonteCarloTest:
    """Simulate how often background alone shows a mean VAF and a number of positive sites at least as large.

    Parameters
    ----------
    alt, depths : array-like of int, shape (s,)
    rates : float or array-like, shape (s,)
        Error rate to this very variant. The code of ctDNAtools divides its background rate, which counts any wrong base, by
        three; its manual does not.
    precisions : float or array-like, shape (s,), optional
        alpha + beta of a beta-binomial background.
    draws : int
    seed : int
        The p depends on counts, depths, rates, draws and seed, not on the order of the sites nor on other samples.

    Returns
    -------
    MonteCarloTest

    Raises
    ------
    ValueError

    Notes
    -----
    Counts are drawn by inversion of the distribution of each site. Sites that seldom show an error are passed over in geometric
    leaps, so that the time goes with the errors drawn.

    References
    ----------
    ctDNAtools (Alkodsi A., Meriranta L., Pasanen A., Leppä S. bioRxiv 2020.01.27.912790, doi:10.1101/2020.01.27.912790).

    Examples
    --------
    >>> monte_carlo_test([0, 0], [1000, 1000], 1e-4).p_value
    1.0
    >>> f"{monte_carlo_test([30, 20], [1000, 1000], 1e-4).p_value:.3g}"
    '0.0001'
    """
    sites = make_sites(depths, rates, precisions)
    counts = mutant_counts(alt, sites)
    if draws < 1:
        raise ValueError(f"draws: at least 1, not {draws}")
    order = np.lexsort((counts, sites.precisions, sites.rates, sites.depths))
    sites, counts = sites.take(order), counts[order]
    observed, positive = float(np.sum(counts * sites.weights)), int((counts > 0).sum())
    reads = int(counts.sum())
    successes = draws
    if reads > 0:
        generator = np.random.default_rng(seed)
        limit = observed * (1.0 - ROUNDING)
        if float((sites.depths * sites.rates).max()) > _TABLE:
            successes = _plain(generator, sites, limit, positive, draws)
        else:
            below, length = _cumulative(sites)
            successes = _from_tables(generator, below, length, sites.weights, limit, positive, draws)
    return MonteCarloTest((successes + 1) / (draws + 1), successes, draws, observed / len(sites), reads, positive)


def monte_carlo_tests(
    problems: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]], *, draws: int = 10_000, seed: int = 0, threads: int | None = None
) -> list[MonteCarloTest]:
    """Test many samples, each as if alone: neither their order nor the number of threads changes a p.

    Parameters
    ----------
    problems : sequence of (alt, depths, rates) or (alt, depths, rates, precisions)
    draws, seed : int
    threads : int, optional
        Default: as many as the process may run on.
    """
    from concurrent.futures import ThreadPoolExecutor

    from resistance.stats.scan.threads import threads_to_use

    def one(problem: tuple[ArrayLike, ...]) -> MonteCarloTest:
        return monte_carlo_test(*problem, draws=draws, seed=seed)

    n = threads_to_use(threads)
    if n == 1 or len(problems) < 2:
        return [one(problem) for problem in problems]
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, problems))


def draw_counts(generator: np.random.Generator, sites: Sites, draws: int, vaf: FloatArray | None = None) -> Counts:
    """Return simulated mutant counts, draws x sites, under background (and tumour reads of the given VAF per site)."""
    rates = np.broadcast_to(sites.rates, (draws, len(sites)))
    spread = np.isfinite(sites.precisions)
    if spread.any():
        rates = rates.copy()
        a = sites.rates[spread] * sites.precisions[spread]
        b = (1 - sites.rates[spread]) * sites.precisions[spread]
        rates[:, spread] = generator.beta(a, b, size=(draws, int(spread.sum())))
    if vaf is not None:
        rates = vaf * (1.0 - rates) + (1.0 - vaf) * rates
    return np.asarray(generator.binomial(sites.depths, rates), dtype=np.int64)


def _plain(generator: np.random.Generator, sites: Sites, limit: float, positive: int, draws: int) -> int:
    successes = 0
    block = max(1, BLOCK * 16 // len(sites))
    for start in range(0, draws, block):
        counts = draw_counts(generator, sites, min(block, draws - start))
        sums = np.sum(counts * sites.weights, axis=1)
        successes += int(((sums >= limit) & ((counts > 0).sum(axis=1) >= positive)).sum())
    return successes


def _cumulative(sites: Sites) -> tuple[FloatArray, Counts]:
    """Return P(X <= x) of each site up to where nothing is left, and how many entries a row has."""
    mean = sites.depths * sites.rates
    spread = 1.0 + np.where(np.isinf(sites.precisions), 0.0, (sites.depths - 1) / (sites.precisions + 1.0))
    caps = np.ceil(mean + 12.0 * np.sqrt(mean * spread) + 20.0 * np.maximum(1.0, spread)).astype(np.int64)
    caps = np.minimum(caps, sites.depths + 1)
    table = background_table(sites, caps)
    below = np.cumsum(table, axis=1)
    below[np.arange(len(sites)), caps] = 1.0
    return below, caps + 1


def _from_tables(
    generator: np.random.Generator,
    below: FloatArray,
    length: Counts,
    weights: FloatArray,
    limit: float,
    positive: int,
    draws: int,
) -> int:
    sparse = below[:, 0] > _SPARSE
    dense = np.flatnonzero(~sparse)
    sums, number = np.empty(BLOCK), np.empty(BLOCK, dtype=np.int64)
    uniform = np.empty(BLOCK)
    successes = 0
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start)
        _leap(generator, below, length, weights, sparse, sums[:size], number[:size])
        for i in dense:
            generator.random(size, out=uniform[:size])
            _invert(uniform[:size], below[i], length[i], weights[i], sums[:size], number[:size])
        successes += int(((sums[:size] >= limit) & (number[:size] >= positive)).sum())
    return successes


@njit(cache=True, nogil=True)
def _leap(generator, below, length, weights, sparse, sums, number):  # type: ignore[no-untyped-def]
    """Set sums and numbers of positive sites to what the seldom positive sites give."""
    size = sums.size
    sums[:] = 0.0
    number[:] = 0
    for i in range(weights.size):
        none = below[i, 0]
        if not sparse[i] or none >= 1.0:
            continue
        scale = 1.0 / math.log(none)
        j = -1
        while True:
            # numbers of draws without an error between two with one are geometric
            gap = math.log(1.0 - generator.random()) * scale
            if gap >= size - 1 - j:
                break
            j += 1 + int(gap)
            u = none + (1.0 - none) * generator.random()
            x = 1
            while x < length[i] - 1 and below[i, x] <= u:
                x += 1
            sums[j] += x * weights[i]
            number[j] += 1


@njit(cache=True, nogil=True)
def _invert(uniform, below, length, weight, sums, number):  # type: ignore[no-untyped-def]
    """Add one site's counts: the number of steps of its distribution function below each uniform number."""
    for j in range(uniform.size):
        number[j] += 1 if uniform[j] >= below[0] else 0
    k = 0
    # all draws at once while steps are common, one by one in the tail
    while k < length - 1 and below[k] < 0.99:
        step = below[k]
        for j in range(uniform.size):
            sums[j] += weight if uniform[j] >= step else 0.0
        k += 1
    if k == length - 1:
        return
    step = below[k]
    for j in range(uniform.size):
        if uniform[j] >= step:
            x = k
            while x < length - 1 and below[x] <= uniform[j]:
                sums[j] += weight
                x += 1
