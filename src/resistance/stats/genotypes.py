"""Counts at SNPs of several samples -> are two of them of one person? Likelihood ratios that bear lost alleles and some bad sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray

#: shares of heterozygous sites out of balance (lost or gained copies) that are tried; the likeliest is taken
IMBALANCE = (0.02, 0.1, 0.3, 0.6, 0.9)
#: shares of homozygous sites that show another person's allele that are tried: none, or as in a contaminated sample
MIXED = (0.01, 0.6)
#: largest fraction of that allele
LARGEST_MIXED = 0.2
#: share of sites that say nothing (mapped to two places, contaminated ...)
BAD_SITE = 1e-3
#: samples that are compared with all others at once
_ROWS = 500
#: spread of a balanced heterozygous fraction around one half: rho of a beta-binomial
HETEROZYGOUS_RHO = 0.005


@dataclass(frozen=True)
class Comparison:
    """Two samples.

    Parameters
    ----------
    n_sites : int
        Sites that both read deeply enough.
    n_called : int
        Of these with a genotype in both.
    concordant : int
        Of these with the same.
    opposite_homozygous : int
        Of these homozygous for different alleles: no loss of an allele makes that of one person.
    one_heterozygous : int
        Of these heterozygous in one sample only: another person, or a lost allele.
    log10_ratio : float
        log10 of the likelihood of one person over that of two unrelated ones; NaN without a site.
    """

    n_sites: int
    n_called: int
    concordant: int
    opposite_homozygous: int
    one_heterozygous: int
    log10_ratio: float


def genotype_log_likelihoods(
    ref_count: ArrayLike, alt_count: ArrayLike, *, error: float = 0.005, imbalance: float = 0.1, mixed: float = 0.01
) -> FloatArray:
    """Return log P(counts | genotype) for 0, 1 and 2 alternative alleles in the germline, shape (3, ...).

    Parameters
    ----------
    ref_count, alt_count : array-like
        Reads or fragments with each allele.
    error : float
        Share of wrong alleles at a homozygous site.
    imbalance : float
        Probability that tumour DNA has pushed a heterozygous site out of balance: half of it to any fraction at all, a quarter
        each to the loss of one allele (the site then looks homozygous).
    mixed : float
        Probability that a homozygous site shows any fraction, up to a fifth, of the other allele, from another person's DNA.

    Notes
    -----
    Every genotype shares a part `BAD_SITE` that explains any counts alike, so that no single site decides.
    """
    from scipy.special import betainc, gammaln, xlog1py, xlogy
    from scipy.stats import betabinom

    r, a = np.broadcast_arrays(np.asarray(ref_count, dtype=np.float64), np.asarray(alt_count, dtype=np.float64))
    n = r + a
    ways = gammaln(n + 1) - gammaln(r + 1) - gammaln(a + 1)
    none = ways + xlogy(a, error) + xlog1py(r, -error)
    both = ways + xlogy(r, error) + xlog1py(a, -error)
    half = 0.5 * (1.0 / HETEROZYGOUS_RHO - 1.0)
    any_fraction = -np.log(n + 1.0)
    balanced = betabinom.logpmf(a, n, half, half)
    parts = [
        balanced + np.log1p(-imbalance),
        any_fraction + np.log(imbalance / 2),
        none + np.log(imbalance / 4),
        both + np.log(imbalance / 4),
    ]
    one = np.logaddexp.reduce(np.stack(parts), axis=0)
    # a binomial whose fraction is uniform from 0 to the largest: an incomplete beta integral
    with np.errstate(divide="ignore"):
        strange = [np.log(betainc(x + 1, n - x + 1, LARGEST_MIXED)) + any_fraction - np.log(LARGEST_MIXED) for x in (a, r)]
    none, both = (np.logaddexp(x + np.log1p(-mixed), y + np.log(mixed)) for x, y in zip((none, both), strange, strict=True))
    bad = any_fraction + np.log(BAD_SITE)
    return np.stack([np.logaddexp(x + np.log1p(-BAD_SITE), bad) for x in (none, one, both)])


def hardy_weinberg(allele_frequency: ArrayLike) -> FloatArray:
    """Return the probabilities of 0, 1 and 2 alternative alleles, shape (3, ...); frequencies are kept off 0 and 1 by 0.001."""
    p = np.clip(np.asarray(allele_frequency, dtype=np.float64), 1e-3, 1 - 1e-3)
    return np.stack([(1 - p) ** 2, 2 * p * (1 - p), p**2])


def called_genotypes(ref_count: ArrayLike, alt_count: ArrayLike, *, min_depth: int = 20) -> NDArray[np.int8]:
    """Return 0, 1 or 2 alternative alleles, -1 where the depth is too small or the fraction lies between.

    Homozygous: less than 5 % of the other allele; heterozygous: 30 to 70 %.  Between them a site may be a heterozygous one out
    of balance or a homozygous one that is contaminated.

    Examples
    --------
    >>> called_genotypes([100, 52, 0, 85, 3], [0, 48, 90, 15, 0]).tolist()
    [0, 1, 2, -1, -1]
    """
    r, a = np.broadcast_arrays(np.asarray(ref_count, dtype=np.float64), np.asarray(alt_count, dtype=np.float64))
    depth = r + a
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = a / depth
    out = np.full(r.shape, -1, dtype=np.int8)
    out[fraction < 0.05] = 0
    out[(fraction >= 0.3) & (fraction <= 0.7)] = 1
    out[fraction > 0.95] = 2
    out[depth < min_depth] = -1
    return out


class Genotypes:
    """Counts of several samples at the same SNPs, ready to be compared.

    Parameters
    ----------
    ref_count, alt_count : array-like, shape (samples, sites)
        0 and 0 where a site was not read.
    allele_frequency : array-like, shape (sites,)
        Of the alternative allele in the population.
    error : float
        As in :func:`genotype_log_likelihoods`.
    min_depth : int
        A site counts in a comparison where both samples have so many reads.
    """

    def __init__(
        self,
        ref_count: ArrayLike,
        alt_count: ArrayLike,
        allele_frequency: ArrayLike,
        *,
        error: float = 0.005,
        min_depth: int = 20,
    ) -> None:
        ref, alt = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (ref_count, alt_count))
        frequency = np.asarray(allele_frequency, dtype=np.float64)
        if ref.shape != alt.shape or frequency.shape != (ref.shape[1],):
            raise ValueError(
                f"counts {ref.shape} and {alt.shape}, frequencies {frequency.shape}: samples x sites and sites are needed"
            )
        if np.isnan(frequency).any():
            raise ValueError("allele_frequency: a frequency is missing")
        self.read = ref + alt >= min_depth
        self.called = called_genotypes(ref, alt, min_depth=min_depth)
        self._ref, self._alt, self._error = ref, alt, error
        self._prior = np.log(hardy_weinberg(frequency))
        # of thousands of samples only few are looked at closely
        self._given: dict[int, tuple[FloatArray, FloatArray]] = {}

    def _of(self, sample: int) -> tuple[FloatArray, FloatArray]:
        """Return log P(counts | genotype), shape (settings, 3, sites), and log P(counts), shape (settings, sites)."""
        found = self._given.get(sample)
        if found is None:
            ref, alt = self._ref[sample], self._alt[sample]
            given = np.stack(
                [genotype_log_likelihoods(ref, alt, error=self._error, imbalance=x, mixed=y) for x in IMBALANCE for y in MIXED]
            )
            found = given, np.logaddexp.reduce(given + self._prior, axis=1)
            if len(self._given) >= 512:
                self._given.clear()
            self._given[sample] = found
        return found

    def compare(self, first: int, second: int) -> Comparison:
        """Compare two samples.

        Under both hypotheses each sample has the shares of sites out of balance, and of sites with another person's allele, under
        which they are likeliest, so that a plasma full of tumour DNA with lost alleles, or a contaminated one, is not called
        another person's for that.
        """
        sites = self.read[first] & self.read[second]
        g, h = self.called[first], self.called[second]
        known = sites & (g >= 0) & (h >= 0)
        n = int(sites.sum())
        ratio = float("nan")
        if n:
            (one, one_alone), (two, two_alone) = self._of(first), self._of(second)
            # each setting (imbalance, contamination) of the first with each of the second
            both = one[:, None][..., sites] + two[None, :][..., sites] + self._prior[:, sites]
            together = np.logaddexp.reduce(both, axis=2).sum(axis=-1).max()
            apart = sum(alone[:, sites].sum(axis=1).max() for alone in (one_alone, two_alone))
            ratio = float((together - apart) / np.log(10))
        return Comparison(
            n,
            int(known.sum()),
            int((known & (g == h)).sum()),
            int((known & (np.abs(g - h) == 2)).sum()),
            int((known & (np.abs(g - h) == 1)).sum()),
            ratio,
        )

    def alike(self, least: float = 0.75) -> list[tuple[int, int]]:
        """Return pairs whose called genotypes agree at the share `least` of sites, or have hardly an opposite homozygous one.

        It is the fast look at all pairs (products of matrices) that says which are worth :meth:`compare`.
        """
        has = [(self.called == g).astype(np.float32) for g in (0, 1, 2)]
        known = has[0] + has[1] + has[2]
        out: list[tuple[int, int]] = []
        for start in range(0, len(known), _ROWS):
            rows = slice(start, start + _ROWS)
            both = known[rows] @ known.T
            same = sum(x[rows] @ x.T for x in has)
            opposite = has[0][rows] @ has[2].T + has[2][rows] @ has[0].T
            # unrelated persons are opposite at 2 p^2 q^2: 12 % of sites with a frequency of one half
            near = (both > 0) & ((same >= least * both) | (opposite <= 0.02 * both))
            i, j = np.nonzero(near)
            out += [(int(x) + start, int(y)) for x, y in zip(i, j, strict=True) if x + start < y]
        return out
