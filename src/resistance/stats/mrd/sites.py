"""Depths and error rates of the followed sites -> the distribution of mutant counts at each, under background and under a VAF."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray, numbers

Counts = NDArray[np.int64]

#: sums of counts / depths that differ by less, relative to each other, are the same number in exact arithmetic
ROUNDING = 1e-12


@dataclass(frozen=True)
class Sites:
    """The followed sites of one sample.

    Parameters
    ----------
    depths : ndarray of int, shape (s,)
        Observations (reads, fragments, families) at each site; at least 1.
    rates : ndarray of float, shape (s,)
        Probability that one observation shows the variant by error, 0..1.
    precisions : ndarray of float, shape (s,)
        alpha + beta of a beta-binomial background with mean `rates`; infinity: binomial.
    """

    depths: Counts
    rates: FloatArray
    precisions: FloatArray

    def __len__(self) -> int:
        return len(self.depths)

    @property
    def weights(self) -> FloatArray:
        """What one mutant observation adds to the sum of VAFs."""
        return 1.0 / self.depths

    def take(self, order: NDArray[np.intp]) -> Sites:
        """Return the sites in another order."""
        return Sites(self.depths[order], self.rates[order], self.precisions[order])


def make_sites(depths: ArrayLike, rates: ArrayLike, precisions: ArrayLike | None = None) -> Sites:
    """Return checked sites.

    Parameters
    ----------
    depths : array-like of int, shape (s,)
        A site that was not read (depth 0) tells nothing: the caller leaves it out and counts it.
    rates : float or array-like of float, shape (s,)
    precisions : float or array-like of float, shape (s,), optional
        NaN and infinity: binomial.  Intra-class correlation = 1 / (precision + 1).

    Raises
    ------
    ValueError
        A depth below 1 or not whole, a rate outside 0..1, a precision that is not positive, no site.
    """
    given = numbers(depths, "depths")
    if given.size == 0:
        raise ValueError("depths: no site")
    if (given < 1).any() or (given % 1 != 0).any():
        raise ValueError("depths: whole numbers from 1 are needed; leave out what was not read")
    rate = numbers(np.broadcast_to(np.asarray(rates, dtype=np.float64), given.shape), "rates", given.size)
    if ((rate < 0) | (rate >= 1)).any():
        raise ValueError("rates: from 0 to below 1 is allowed")
    spread = np.full(given.size, np.inf)
    if precisions is not None:
        spread = np.broadcast_to(np.asarray(precisions, dtype=np.float64), given.shape).copy()
        spread[np.isnan(spread)] = np.inf
        if (spread <= 0).any():
            raise ValueError("precisions: must be positive")
    spread[rate == 0] = np.inf  # no error at all has no spread
    return Sites(given.astype(np.int64), rate.copy(), spread)


def mutant_counts(alt: ArrayLike, sites: Sites) -> Counts:
    """Return checked mutant counts, one per site.

    Raises
    ------
    ValueError
        Negative, not whole, or above the depth.
    """
    given = numbers(alt, "alt", None)
    if given.size != len(sites):
        raise ValueError(f"alt: {given.size} counts for {len(sites)} sites")
    if (given < 0).any() or (given % 1 != 0).any():
        raise ValueError("alt: counts are whole and not negative")
    if (given > sites.depths).any():
        raise ValueError("alt: more mutant observations than observations")
    return given.astype(np.int64)


def with_tumour(sites: Sites, vaf: FloatArray) -> FloatArray:
    """Return the probability of a mutant observation at each site where the tumour's share of its reads is `vaf`."""
    return np.asarray(vaf * (1.0 - sites.rates) + (1.0 - vaf) * sites.rates, dtype=np.float64)


def site_vafs(mean_vaf: float, tumour_vafs: FloatArray | None, n: int) -> FloatArray:
    """Return the VAF expected at each site when their mean is `mean_vaf`: in proportion to the tumour's, else all alike."""
    if tumour_vafs is None:
        return np.full(n, mean_vaf)
    return np.asarray(np.minimum(1.0, mean_vaf * tumour_vafs / tumour_vafs.mean()), dtype=np.float64)


def background_table(sites: Sites, caps: Counts) -> FloatArray:
    """Return P(X = 0), ..., P(X = cap - 1), P(X >= cap) under background, one row per site.

    Parameters
    ----------
    sites : Sites
    caps : ndarray of int, shape (s,)
        At least 1 each.

    Returns
    -------
    ndarray, shape (s, max(caps) + 1)
        Zero behind a row's cap.  Tails are sums of positive numbers: they keep their digits however small.
    """
    table = np.zeros((len(sites), int(caps.max()) + 1))
    _fill_all(table, sites.depths, sites.rates, sites.precisions, caps)
    return table


def tumour_table(sites: Sites, vaf: FloatArray, caps: Counts) -> FloatArray:
    """Return the same where tumour reads with the given VAF per site come on top of the background."""
    table = np.zeros((len(sites), int(caps.max()) + 1))
    mixed = with_tumour(sites, vaf)
    if np.isinf(sites.precisions).all():
        _fill_all(table, sites.depths, mixed, sites.precisions, caps)
        return table
    for i in range(len(sites)):
        depth, cap = int(sites.depths[i]), int(caps[i])
        if math.isinf(sites.precisions[i]):
            _fill(table[i], depth, float(mixed[i]), math.inf, cap)
            continue
        # errors vary together between sites and runs, tumour reads do not: two independent counts
        noise, signal = np.zeros(cap + 1), np.zeros(cap + 1)
        _fill(noise, depth, float(sites.rates[i]), float(sites.precisions[i]), cap)
        _fill(signal, depth, float(vaf[i] * (1.0 - sites.rates[i])), math.inf, cap)
        table[i, :cap] = np.convolve(noise[:cap], signal[:cap])[:cap]
        table[i, cap] = max(0.0, 1.0 - table[i, :cap].sum())
    return table


@njit(cache=True, nogil=True)
def _fill_all(table, depths, rates, precisions, caps):  # type: ignore[no-untyped-def]
    for i in range(depths.size):
        _fill(table[i], depths[i], rates[i], precisions[i], caps[i])


@njit(cache=True, nogil=True)
def _fill(row, depth, rate, precision, cap):  # type: ignore[no-untyped-def]
    """Write the probabilities of one site by the ratio of neighbours (binomial or beta-binomial)."""
    row[:] = 0.0
    if rate <= 0.0:
        row[0] = 1.0
        return
    if rate >= 1.0:
        row[min(depth, cap)] = 1.0
        return
    plain = math.isinf(precision)
    a, b = rate * precision, (1.0 - rate) * precision
    if plain:
        p = math.exp(depth * math.log1p(-rate))
        odds = rate / (1.0 - rate)
    else:
        p = math.exp(math.lgamma(depth + b) - math.lgamma(b) - (math.lgamma(depth + precision) - math.lgamma(precision)))
        odds = 0.0
    below = 0.0
    last = min(cap - 1, depth)
    for x in range(last + 1):
        if p == 0.0:  # too small for a double, and so are all that follow
            break
        row[x] = p
        below += p
        if plain:
            p *= odds * (depth - x) / (x + 1.0)
        else:
            p *= (depth - x) * (x + a) / ((x + 1.0) * (depth - x - 1.0 + b))
    if last == depth:
        return
    if below < 0.5:
        row[cap] = max(0.0, 1.0 - below)
        return
    tail = 0.0
    for x in range(cap, depth + 1):
        tail += p
        if p <= tail * 1e-18:
            break
        if plain:
            p *= odds * (depth - x) / (x + 1.0)
        else:
            p *= (depth - x) * (x + a) / ((x + 1.0) * (depth - x - 1.0 + b))
    row[cap] = tail


def sites_own_p(alt: Counts, sites: Sites) -> FloatArray:
    """Return P(X_i >= alt_i) under background, site by site."""
    caps = np.maximum(alt, 1)
    table = background_table(sites, caps)
    tail = table[np.arange(len(sites)), caps]
    return np.where(alt == 0, 1.0, np.minimum(1.0, tail))
