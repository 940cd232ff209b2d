"""Counts at sites where a person is homozygous -> the share of another person's DNA in the sample, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.genotypes import hardy_weinberg

#: share of sites that say nothing
BAD_SITE = 0.01
#: largest share looked for: beyond it homozygous sites cannot be told
LARGEST = 0.4
_ERRORS = np.exp(np.linspace(np.log(1e-5), np.log(2e-2), 14))


@dataclass(frozen=True)
class Contamination:
    """An estimate.

    Parameters
    ----------
    share : float
        Of the sample's DNA that is another person's, 0..1; NaN without a site.
    low, high : float
        Profile-likelihood interval.
    error : float
        Share of wrong alleles at homozygous sites, estimated with it.
    p_value : float
        Likelihood-ratio test of none; the share lies on the edge there, so half a chi-square.
    n_sites : int
    """

    share: float
    low: float
    high: float
    error: float
    p_value: float
    n_sites: int


def estimate_contamination(
    other_count: ArrayLike, depth: ArrayLike, other_frequency: ArrayLike, *, confidence: float = 0.95
) -> Contamination:
    """Estimate contamination by maximum likelihood.

    At a site where the person has two copies of one allele, the other allele comes from errors or from the contaminating
    person, who has 0, 1 or 2 of it by its frequency: the fraction is error, share / 2 or share (and error in the rest).
    Heterozygous sites are not used, since lost and gained copies of tumour DNA move them and not homozygous ones.

    Parameters
    ----------
    other_count, depth : array-like, shape (n,)
        Reads of the allele that the person does not have, and all reads of the two alleles, at homozygous sites.
    other_frequency : array-like, shape (n,)
        Frequency of that allele in the population.
    confidence : float

    Returns
    -------
    Contamination
        A share of `BAD_SITE` of the sites may show any fraction: one badly mapped SNP makes no contamination.

    Raises
    ------
    ValueError
        Counts beyond the depth, or a frequency that is missing.

    References
    ----------
    Jun G et al. Detecting and estimating contamination of human DNA samples in sequencing and array-based genotype data. Am J
    Hum Genet 2012; 91: 839. doi:10.1016/j.ajhg.2012.09.004
    Self SG, Liang KY. J Am Stat Assoc 1987; 82: 605 (likelihood ratio on the edge). doi:10.1080/01621459.1987.10478472

    Examples
    --------
    >>> found = estimate_contamination([3, 2, 0, 4], [1000, 900, 1100, 1000], [0.5, 0.4, 0.1, 0.5])
    >>> round(found.share, 4)
    0.0048
    """
    from scipy.optimize import brentq, minimize_scalar
    from scipy.stats import chi2

    k, n, q = (np.asarray(x, dtype=np.float64).ravel() for x in (other_count, depth, other_frequency))
    if not k.size == n.size == q.size or (k > n).any() or (k < 0).any() or np.isnan(q).any():
        raise ValueError("other_count, depth and other_frequency: one each per site, counts from 0 to the depth")
    k, n, q = k[n > 0], n[n > 0], q[n > 0]
    if not k.size:
        return Contamination(float("nan"), float("nan"), float("nan"), float("nan"), float("nan"), 0)
    likelihood = _Likelihood(k, n, q)

    # the likelihood can have two hills (errors alone, or a contaminant): a grid finds the higher
    grid = np.concatenate([[0.0], np.exp(np.linspace(np.log(1e-4), np.log(LARGEST), 36))])
    values = np.array([likelihood.profile(c) for c in grid])
    best = int(values.argmax())
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(lambda c: -likelihood.profile(c), bounds=(low, high), method="bounded", options={"xatol": 1e-7})
    share, top = (float(found.x), -float(found.fun)) if -found.fun > values[best] else (float(grid[best]), float(values[best]))
    if top <= values[0]:
        share, top = 0.0, float(values[0])
    line = top - chi2.ppf(confidence, 1) / 2

    def above(c: float) -> float:
        return float(likelihood.profile(c) - line)

    left = 0.0 if above(0.0) >= 0 else brentq(above, 0.0, share, xtol=1e-7)
    right = LARGEST if above(LARGEST) >= 0 else brentq(above, share, LARGEST, xtol=1e-7)
    statistic = max(0.0, 2 * (top - float(values[0])))
    p_value = 1.0 if share == 0 else 0.5 * float(chi2.sf(statistic, 1))
    return Contamination(share, float(left), float(right), likelihood.error_at(share), p_value, k.size)


def contaminant_support(
    other_count: ArrayLike, depth: ArrayLike, other_frequency: ArrayLike, copies: ArrayLike, share: float, error: float
) -> float:
    """Return log10 of the likelihood that a known person contaminates, over that of an unknown one.

    Parameters
    ----------
    other_count, depth, other_frequency : array-like
        As for :func:`estimate_contamination`.
    copies : array-like
        Copies (0, 1, 2) that the suspected person has of the other allele; -1 where they are not known (such sites are left out).
    share, error : float
        Of the estimate.
    """
    k, n, q, g = (np.asarray(x, dtype=np.float64).ravel() for x in (other_count, depth, other_frequency, copies))
    known = (g >= 0) & (n > 0)
    if not known.any():
        return 0.0
    likelihood = _Likelihood(k[known], n[known], q[known])
    each = likelihood.of_copies(share, error)
    anyone = np.logaddexp.reduce(each + likelihood.prior, axis=0)
    theirs = np.take_along_axis(each, g[known].astype(np.int64)[None, :], axis=0)[0]
    return float((theirs - anyone).sum() / np.log(10))


class _Likelihood:
    """Log-likelihood of the sites at a share and an error, and its maximum over the error."""

    def __init__(self, k: FloatArray, n: FloatArray, q: FloatArray) -> None:
        from scipy.special import gammaln

        self.k, self.n = k, n
        self.prior = np.log(hardy_weinberg(q))
        self.ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        self.bad = np.log(BAD_SITE) - np.log(n + 1.0)

    def of_copies(self, share: float, error: float) -> FloatArray:
        """Return log P(counts | copies of the contaminant), shape (3, sites)."""
        fraction = np.clip(error + (1 - error) * share * np.array([0.0, 0.5, 1.0]), 1e-12, 1 - 1e-12)[:, None]
        each = self.ways + self.k * np.log(fraction) + (self.n - self.k) * np.log1p(-fraction)
        return np.asarray(np.logaddexp(each + np.log1p(-BAD_SITE), self.bad), dtype=np.float64)

    def value(self, share: float, error: float) -> float:
        return float(np.logaddexp.reduce(self.of_copies(share, error) + self.prior, axis=0).sum())

    def _best(self, share: float) -> tuple[float, float]:
        from scipy.optimize import minimize_scalar

        values = [self.value(share, e) for e in _ERRORS]
        i = int(np.argmax(values))
        low, high = np.log(_ERRORS[max(i - 1, 0)]), np.log(_ERRORS[min(i + 1, _ERRORS.size - 1)])
        found = minimize_scalar(lambda x: -self.value(share, float(np.exp(x))), bounds=(low, high), method="bounded")
        if -found.fun > values[i]:
            return -float(found.fun), float(np.exp(found.x))
        return float(values[i]), float(_ERRORS[i])

    def profile(self, share: float) -> float:
        return self._best(share)[0]

    def error_at(self, share: float) -> float:
        return self._best(share)[1]
