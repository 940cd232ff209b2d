"""Mutant reads of many variants in several samples -> groups of variants whose fractions move together (binomial mixture, BIC)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray

#: most clusters that are tried, and variants that a cluster needs on average
_MOST, _LEAST = 10, 2
#: variants from which the first partition is made by the most deeply read only (distances between all pairs)
_PAIRS = 2000
_STEPS, _TOLERANCE, _EDGE = 500, 1e-8, 1e-6


@dataclass(frozen=True)
class Clusters:
    """A partition of variants.

    Parameters
    ----------
    cluster : ndarray of int, shape (v,)
        1 for the cluster with the largest fraction in the first sample, and so on; 0 for a variant without reads.
    probability : ndarray, shape (v,)
        Of that cluster, under the model; NaN for cluster 0.
    fraction : ndarray, shape (k, s)
        Mutant fraction of each cluster in each sample, background taken off.
    bic : ndarray, shape (m,)
        Bayesian information criterion of 1, 2, ... m clusters; the partition is that of the least. More are not tried
        once it has risen twice.
    converged : bool
        The likelihood of the chosen number settled.
    """

    cluster: NDArray[np.int64]
    probability: FloatArray
    fraction: FloatArray
    bic: FloatArray
    converged: bool


def cluster_fractions(
    mutant: ArrayLike,
    reads: ArrayLike,
    *,
    background: ArrayLike = 0.0,
    overdispersion: ArrayLike = 0.0,
    most: int = _MOST,
) -> Clusters:
    """Group variants by their mutant fractions over the samples of one patient.

    A cluster has one fraction per sample; the mutant reads of its variants are binomial around it.
    Mixtures of 1, 2, ... clusters are fitted by expectation-maximisation, each from Ward's partition of
    the angular transforms of the fractions (so that nothing is random), and the number of clusters is
    that of the least Bayesian information criterion.  Overdispersion divides reads by the design effect
    1 + (n - 1) rho: the likelihood is a quasi-likelihood then.

    Parameters
    ----------
    mutant, reads : array-like, shape (v, s)
        Mutant reads and all reads of each variant in each sample; NaN or 0 reads: not read, which says nothing.
    background, overdispersion : array-like
        Share of reads that are mutant by error, and intraclass correlation between libraries; of a shape
        that broadcasts over the table.
    most : int
        Most clusters to try; never more than half the variants.

    Returns
    -------
    Clusters

    Raises
    ------
    ValueError
        The two tables differ in shape.

    Notes
    -----
    A cluster is a group of variants with one course, not a clone: copy number and the number of changed
    copies move a fraction as well.

    References
    ----------
    Miller CA et al. PLoS Comput Biol 2014; 10: e1003665 (SciClone: mixtures over variant fractions).
    Schwarz G. Ann Stat 1978; 6: 461 (BIC). Korn EL, Graubard BI. Survey Methodology 1998; 24: 193.
    """
    x, n = np.atleast_2d(np.asarray(mutant, dtype=np.float64)), np.atleast_2d(np.asarray(reads, dtype=np.float64))
    if x.shape != n.shape:
        raise ValueError(f"mutant reads of shape {x.shape}, reads of shape {n.shape}")
    e = np.broadcast_to(np.asarray(background, dtype=np.float64), n.shape)
    rho = np.broadcast_to(np.asarray(overdispersion, dtype=np.float64), n.shape)
    read = np.isfinite(x) & np.isfinite(n) & (np.nan_to_num(n) > 0)
    weight = np.where(read, 1.0 / (1.0 + (np.where(read, n, 1.0) - 1.0) * rho), 0.0)
    size = np.where(read, n, 0.0) * weight
    hits = np.where(read, x, 0.0) * weight
    usable = read.any(axis=1)
    v = int(usable.sum())
    out = np.zeros(len(x), dtype=np.int64), np.full(len(x), np.nan)
    if v == 0:
        return Clusters(*out, np.zeros((0, x.shape[1])), np.zeros(0), True)
    size, hits, e = size[usable], hits[usable], e[usable]
    tree, deepest = _ward(hits, size)
    fits = []
    for k in range(1, max(1, min(most, v // _LEAST)) + 1):
        fits.append(_fit(hits, size, e, tree, deepest, k))
        if len(fits) > 2 and fits[-1][0] > fits[-2][0] > fits[-3][0]:
            break  # the criterion has turned
    bic = np.array([fit[0] for fit in fits])
    _, fraction, posterior, converged = fits[int(bic.argmin())]
    order = np.lexsort(tuple(-fraction[:, column] for column in reversed(range(fraction.shape[1]))))
    posterior = posterior[:, order]
    out[0][usable] = posterior.argmax(axis=1) + 1
    out[1][usable] = posterior.max(axis=1)
    return Clusters(*out, fraction[order], bic, converged)


def _ward(hits: FloatArray, size: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """Return Ward's tree over the angular transforms of the most deeply read variants, and which those are."""
    from scipy.cluster.hierarchy import linkage

    angle = np.arcsin(np.sqrt((hits + 0.5) / (size + 1.0)))
    known = size > 0
    count = known.sum(axis=0)
    mean = np.where(known, angle, 0.0).sum(axis=0) / np.maximum(count, 1)
    angle = np.where(known, angle, mean)
    deepest = np.sort(np.argsort(-size.sum(axis=1), kind="stable")[:_PAIRS])
    tree = linkage(angle[deepest], "ward") if len(deepest) > 1 else np.zeros((0, 4))
    return np.asarray(tree), deepest


def _fit(
    hits: FloatArray, size: FloatArray, e: FloatArray, tree: FloatArray, deepest: NDArray[np.intp], k: int
) -> tuple[float, FloatArray, FloatArray, bool]:
    """Fit `k` clusters; return the BIC, the fractions, the posterior and whether it settled."""
    from scipy.cluster.hierarchy import fcluster

    v, s = hits.shape
    first = fcluster(tree, k, "maxclust") - 1 if len(tree) else np.zeros(len(deepest), dtype=np.intp)
    posterior = np.zeros((len(deepest), int(first.max()) + 1))
    posterior[np.arange(len(deepest)), first] = 1.0
    fraction, share = _maximise(posterior, hits[deepest], size[deepest], e[deepest])
    previous, converged = -np.inf, False
    for _ in range(_STEPS):
        chance = np.log(share) + _log_likelihood(hits, size, e, fraction)
        top = chance.max(axis=1)
        whole = top + np.log(np.exp(chance - top[:, None]).sum(axis=1))
        posterior = np.exp(chance - whole[:, None])
        now = float(whole.sum())
        if now - previous < _TOLERANCE * (1.0 + abs(now)):
            converged = True
            break
        previous = now
        fraction, share = _maximise(posterior, hits, size, e)
    free = len(share) * s + len(share) - 1
    return -2.0 * now + free * np.log(v), fraction, posterior, converged


def _maximise(posterior: FloatArray, hits: FloatArray, size: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray]:
    total = posterior.T @ (size * (1.0 - e))
    fraction = (posterior.T @ (hits - size * e)) / np.maximum(total, _EDGE)
    share = np.maximum(posterior.mean(axis=0), 1e-12)
    return np.clip(fraction, 0.0, 1.0), share / share.sum()


def _log_likelihood(hits: FloatArray, size: FloatArray, e: FloatArray, fraction: FloatArray) -> FloatArray:
    """Return the log likelihood of each variant in each cluster, without the terms that are the same in all."""
    f = np.minimum(np.maximum(e[:, None, :] + (1.0 - e[:, None, :]) * fraction, _EDGE), 1.0 - _EDGE)
    found: FloatArray = (hits[:, None, :] * np.log(f) + (size - hits)[:, None, :] * np.log1p(-f)).sum(axis=2)
    return found
