"""Mutant counts, background and the tumour's allele fractions -> generalised likelihood ratio of 'some tumour' against 'none'."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.mrd.limits import BLANK, Limits
from resistance.stats.mrd.monte_carlo import draw_counts
from resistance.stats.mrd.sites import Counts, Sites, make_sites, mutant_counts, site_vafs

Estimate = Literal["exact", "em"]

#: draws of counts that are held at once
_CELLS = 500_000
#: ratios that differ by less are the same number with another rounding
_SAME = 1e-9


@dataclass(frozen=True)
class LikelihoodRatio:
    """Generalised likelihood ratio of one sample, in the scale of INVAR (means over sites).

    Parameters
    ----------
    ratio : float
        [log-likelihood at the estimate - at 0] / sites.
    tumour_fraction : float
        Share of cell-free DNA from the tumour, 0..1.
    null, alternative : float
        Binomial log-likelihoods / sites, with the binomial coefficients.
    score : float
        Score statistic at 0.
    """

    ratio: float
    tumour_fraction: float
    null: float
    alternative: float
    score: float


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """The ratio with its p-values and with what the test could have found.

    Parameters
    ----------
    result : LikelihoodRatio
    p_value : float
        (ratios simulated from the background at least as large + 1) / (draws + 1).
    p_asymptotic : float
        Of the mixture of chi-square 0 and 1 with weights one half. Not used for the verdict: with few errors expected it
        is far off.
    limits : Limits
    """

    result: LikelihoodRatio
    p_value: float
    p_asymptotic: float
    limits: Limits


def likelihood_ratio(
    alt: ArrayLike,
    depths: ArrayLike,
    rates: ArrayLike,
    tumour_vafs: ArrayLike,
    *,
    estimate: Estimate = "exact",
    iterations: int = 200,
    start: float = 0.01,
) -> LikelihoodRatio:
    """Return the generalised likelihood ratio of INVAR without fragment lengths.

    Parameters
    ----------
    alt, depths : array-like of int, shape (s,)
    rates : float or array-like, shape (s,)
        Error rate e to this very variant; above 0.
    tumour_vafs : float or array-like, shape (s,)
        Allele fraction AF of each variant in the tumour, above 0 and at most 1.
    estimate : {'exact', 'em'}
        The maximum of the likelihood (which is concave), or that many steps of expectation-maximisation from `start`, as INVAR
        does: without any mutant read they end a little above 0, and the ratio a little below.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    ValueError
        A rate of 0 (any mutant read would be proof: give the least rate that is believed), other values that cannot be.

    Notes
    -----
    g = AF (1 - e) + (1 - AF) e, and a read shows the variant with probability q(p) = g p + e (1 - p), p the share of tumour DNA.

    References
    ----------
    Wan JCM et al. Sci Transl Med 2020; 12: eaaz8084. doi:10.1126/scitranslmed.aaz8084

    Examples
    --------
    >>> found = likelihood_ratio([2, 1, 0], [400, 400, 400], 1e-4, [0.5, 0.4, 0.3])
    >>> f"{found.ratio:.4f} {found.tumour_fraction:.5f}"
    '2.4038 0.00604'
    """
    from scipy.special import gammaln

    sites, shares = _checked(depths, rates, tumour_vafs)
    counts = mutant_counts(alt, sites)
    g = _g(sites, shares)
    n, m, e = sites.depths.astype(np.float64), counts.astype(np.float64), sites.rates
    if estimate == "exact":
        fraction = float(_fit_many(counts[None, :], sites.depths, e, g)[1][0])
    else:
        fraction = start
        for _ in range(iterations):
            hit = g * fraction / (g * fraction + e * (1 - fraction))
            miss = (1 - g) * fraction / ((1 - g) * fraction + (1 - e) * (1 - fraction))
            fraction = float(np.sum(m * hit + (n - m) * miss) / n.sum())
    constant = float(np.sum(gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)))

    def log_likelihood(q: FloatArray) -> float:
        return (constant + float(np.sum(np.where(m > 0, m * np.log(q), 0.0) + (n - m) * np.log1p(-q)))) / len(sites)

    null, alternative = log_likelihood(e), log_likelihood(e + fraction * (g - e))
    slope = float(np.sum((g - e) * (m - n * e) / (e * (1 - e))))
    return LikelihoodRatio(alternative - null, fraction, null, alternative, slope**2 / float(np.sum(n * (g - e) ** 2 / e)))


def likelihood_ratio_test(
    alt: ArrayLike,
    depths: ArrayLike,
    rates: ArrayLike,
    tumour_vafs: ArrayLike,
    precisions: ArrayLike | None = None,
    *,
    draws: int = 10_000,
    seed: int = 0,
    alpha: float = 0.05,
    power: float = 0.95,
    vafs: ArrayLike = (1e-3, 1e-4, 1e-5),
    power_draws: int = 2_000,
) -> LikelihoodRatioTest:
    """Test by the generalised likelihood ratio, calibrated by simulation from the background of the sample itself.

    Parameters
    ----------
    alt, depths, rates, tumour_vafs
        As in :func:`likelihood_ratio`.
    precisions : float or array-like, shape (s,), optional
        alpha + beta of a beta-binomial background: the ratio stays, its null distribution spreads.
    draws, seed : int
    alpha, power : float
    vafs : array-like of float
        Mean VAFs over the sites at which the power is asked for.
    power_draws : int
        Samples simulated at each VAF: standard error .005 at a power of .95.

    Notes
    -----
    Limit of detection: root of the simulated power by bisection of log VAF to 0.5 %, with the same random numbers throughout.
    """
    from scipy.stats import chi2

    sites, shares = _checked(depths, rates, tumour_vafs, precisions)
    counts = mutant_counts(alt, sites)
    order = np.lexsort((counts, shares, sites.precisions, sites.rates, sites.depths))
    sites, shares, counts = sites.take(order), shares[order], counts[order]
    result = likelihood_ratio(counts, sites.depths, sites.rates, shares)
    null, fractions = _simulated(sites, shares, None, draws, seed)
    p = 1.0 if result.ratio <= _SAME else (1 + int((null >= result.ratio * (1 - _SAME)).sum())) / (draws + 1)
    asymptotic = 1.0 if result.ratio <= _SAME else 0.5 * float(chi2.sf(2 * len(sites) * result.ratio, 1))
    # positive where fewer than `allowed` simulated ratios are as large
    allowed = int(np.floor(alpha * (draws + 1) * (1 + 1e-12))) - 1
    critical = float(np.sort(null)[::-1][allowed]) if 0 <= allowed < draws else np.inf
    mean = float(shares.mean())

    @cache
    def positive_at(vaf: float) -> float:
        found, _ = _simulated(sites, shares, site_vafs(vaf, shares, len(sites)), power_draws, seed + 1)
        return float((found > max(critical, 0.0) * (1 + _SAME) + _SAME).mean())

    size = float((null > max(critical, 0.0) * (1 + _SAME) + _SAME).mean())
    most = float(mean / shares.max())
    low = high = min(most, 1.0 / float(sites.depths.sum()))
    while positive_at(high) < power and high < most:
        low, high = high, min(most, high * 4)
    lod = float("nan")
    if positive_at(high) >= power:
        while high > low * 1.005:
            middle = float(np.sqrt(low * high))
            low, high = (low, middle) if positive_at(middle) >= power else (middle, high)
        lod = high
    asked = numbers(vafs, "vafs")
    blank = float(np.quantile(fractions, BLANK, method="higher")) * mean
    limits = Limits(size, blank, lod, tuple(positive_at(float(v)) for v in asked), False)
    return LikelihoodRatioTest(result, p, asymptotic, limits)


def _checked(
    depths: ArrayLike, rates: ArrayLike, tumour_vafs: ArrayLike, precisions: ArrayLike | None = None
) -> tuple[Sites, FloatArray]:
    sites = make_sites(depths, rates, precisions)
    if (sites.rates <= 0).any():
        raise ValueError("rates: must be above 0")
    shares = numbers(np.broadcast_to(np.asarray(tumour_vafs, dtype=np.float64), sites.depths.shape), "tumour_vafs", len(sites))
    if ((shares <= 0) | (shares > 1)).any():
        raise ValueError("tumour_vafs: above 0 and at most 1 is allowed")
    return sites, shares.copy()


def _g(sites: Sites, shares: FloatArray) -> FloatArray:
    return np.asarray(shares * (1 - sites.rates) + (1 - shares) * sites.rates, dtype=np.float64)


def _simulated(sites: Sites, shares: FloatArray, vaf: FloatArray | None, draws: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return ratios and tumour fractions of simulated samples."""
    generator = np.random.default_rng(seed)
    g = _g(sites, shares)
    ratios, fractions = np.empty(draws), np.empty(draws)
    block = max(1, _CELLS // len(sites))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        counts = draw_counts(generator, sites, size, vaf)
        ratios[start : start + size], fractions[start : start + size] = _fit_many(counts, sites.depths, sites.rates, g)
    return ratios, fractions


def _fit_many(counts: Counts, depths: Counts, rates: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    ratios, fractions = _maximise(counts, depths, rates, g)
    return np.asarray(ratios), np.asarray(fractions)


@njit(cache=True, nogil=True)
def _maximise(counts, depths, rates, g):  # type: ignore[no-untyped-def]
    """Return the ratio and the maximum of each row; the likelihood is concave: Newton, kept between two bounds."""
    draws, s = counts.shape
    ratios, fractions = np.zeros(draws), np.zeros(draws)
    for d in range(draws):
        low, high, p = 0.0, 1.0, 0.0
        for _ in range(200):
            slope, curve = 0.0, 0.0
            for i in range(s):
                step = g[i] - rates[i]
                q = rates[i] + p * step
                hit, miss = counts[d, i], depths[i] - counts[d, i]
                if hit > 0:
                    slope += step * hit / q
                    curve += step * step * hit / (q * q)
                if miss > 0:
                    slope -= step * miss / (1.0 - q)
                    curve += step * step * miss / ((1.0 - q) * (1.0 - q))
            if p == 0.0 and slope <= 0.0:
                break
            if p == 1.0 and slope >= 0.0:
                break
            if slope > 0.0:
                low = p
            else:
                high = p
            new = p + slope / curve if curve > 0.0 else 0.5 * (low + high)
            if not low < new < high:
                new = 1.0 if slope > 0.0 and high == 1.0 and new >= 1.0 else 0.5 * (low + high)
            if abs(new - p) <= 1e-13 * new:
                p = new
                break
            p = new
        fractions[d] = p
        if p > 0.0:
            total = 0.0
            for i in range(s):
                step = g[i] - rates[i]
                hit, miss = counts[d, i], depths[i] - counts[d, i]
                if hit > 0:
                    total += hit * np.log1p(p * step / rates[i])
                if miss > 0:
                    total += miss * np.log1p(-p * step / (1.0 - rates[i]))
            ratios[d] = total / s
    return ratios, fractions
