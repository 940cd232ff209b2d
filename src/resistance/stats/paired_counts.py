"""Mutant reads at two times -> is the mutant fraction the same? Fisher's exact test, with background, overdispersion and an offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.overdispersed import log_pmf

#: probabilities that differ by less are equal (rounding), as in R's fisher.test
_TIE = 1e-7
#: points of Gauss-Hermite quadrature over the offset
_NODES = 9
#: standard errors below the estimate to which the common fraction is followed
_Z = 1.0


@dataclass(frozen=True)
class PairedTest:
    """Tests of equal fractions; arrays over variants, NaN where a number is missing.

    Parameters
    ----------
    p_value : ndarray
        Two-sided: all splits of the mutant reads that are no likelier than the observed.
    p_rise : ndarray
        One-sided: the second time has as many mutant reads or more.
    p_fall : ndarray
        One-sided: the second time has as many or fewer.
    """

    p_value: FloatArray
    p_rise: FloatArray
    p_fall: FloatArray


def equal_fractions(
    first: ArrayLike,
    first_reads: ArrayLike,
    second: ArrayLike,
    second_reads: ArrayLike,
    *,
    background: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    overdispersion: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    log_ratio: ArrayLike = 0.0,
    log_ratio_se: ArrayLike = 0.0,
) -> PairedTest:
    """Test whether the mutant fraction of the second sample is `exp(log_ratio)` times that of the first.

    The numbers of mutant reads are beta-binomial around e + (1 - e) f, with the background e of each
    sample.  Given their sum s, the split has the probabilities
    ``BB(x; m, f) BB(s - x; n, r f) / sum``, with f estimated from both samples under the hypothesis:
    the conditional test of Fisher, which it is when both samples have the same background, no
    overdispersion and no offset.

    Parameters
    ----------
    first, first_reads, second, second_reads : array-like, shape (v,)
        Mutant reads and all reads of both samples.
    background : pair of array-like
        Share of reads that are mutant by error, in each sample.
    overdispersion : pair of array-like
        Intraclass correlation of each sample (see :func:`resistance.stats.overdispersed.log_pmf`).
    log_ratio, log_ratio_se : array-like
        Natural log of the ratio of the fractions under the hypothesis (0: equal), and its standard
        error where it was itself estimated; the probabilities are then averaged over a normal
        distribution of it.

    Returns
    -------
    PairedTest

    Notes
    -----
    f is a nuisance that the sum removes without overdispersion. With it a small f spreads the split
    more than a large one; each probability is the larger of those at the estimate of f and one standard error
    below it. docs/ctdna_calibration_emergence.md shows the false-positive rates.

    References
    ----------
    Fisher RA. J R Stat Soc 1935; 98: 39. Williams DA. Biometrics 1975; 31: 949 (beta-binomial
    between litters).

    Examples
    --------
    >>> found = equal_fractions([0], [2000], [12], [2000])
    >>> float(found.p_value[0].round(6))
    0.000485
    """
    columns = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(v, dtype=np.float64))
            for v in (first, first_reads, second, second_reads, *background, *overdispersion, log_ratio, log_ratio_se)
        )
    )
    table = np.column_stack([c.ravel() for c in columns])
    known = np.isfinite(table).all(axis=1) & (table[:, 1] > 0) & (table[:, 3] > 0)
    out = np.full((len(table), 3), np.nan)
    rows, where = np.unique(table[known], axis=0, return_inverse=True)
    if len(rows):
        found = np.array([_one(*row) for row in rows])
        out[known] = found[where.reshape(-1)]
    return PairedTest(p_value=out[:, 0], p_rise=out[:, 1], p_fall=out[:, 2])


def _one(
    a: float, m: float, b: float, n: float, e1: float, e2: float, rho1: float, rho2: float, log_ratio: float, se: float
) -> tuple[float, float, float]:
    total = a + b
    if total == 0 or total == m + n:
        return 1.0, 1.0, 1.0
    x = np.arange(max(0.0, total - n), min(m, total) + 1)
    here = int(a - x[0])
    nodes, weights = (np.zeros(1), np.ones(1)) if se == 0 else _QUADRATURE
    ratios = np.exp(log_ratio + se * nodes)
    fractions = _under_hypothesis(a, m, b, n, e1, e2, rho1, rho2, ratios)
    if rho1 == rho2 == 0:  # the sum has taken the fraction out of the split: one value of it does
        fractions = fractions[:1]
    # axes: value of the fraction, node of the offset, split
    f1 = (e1 + (1 - e1) * fractions)[:, :, None]
    f2 = (e2 + (1 - e2) * np.minimum(1.0, ratios * fractions))[:, :, None]
    chance = log_pmf(x, m, f1, rho1) + log_pmf(total - x, n, f2, rho2)
    chance = np.exp(chance - chance.max(axis=2, keepdims=True))
    mixed = ((chance / chance.sum(axis=2, keepdims=True)) * weights[:, None]).sum(axis=1)
    no_likelier = np.where(mixed <= mixed[:, [here]] * (1 + _TIE), mixed, 0.0).sum(axis=1).max()
    # as few in the first sample or fewer: as many in the second or more
    rise, fall = mixed[:, : here + 1].sum(axis=1).max(), mixed[:, here:].sum(axis=1).max()
    return min(1.0, float(no_likelier)), min(1.0, float(rise)), min(1.0, float(fall))


def _under_hypothesis(
    a: float, m: float, b: float, n: float, e1: float, e2: float, rho1: float, rho2: float, ratios: FloatArray
) -> FloatArray:
    """Return the fraction of the first sample by moments, weighted by effective reads, and one standard error below it, per ratio."""
    w1, w2 = 1.0 / (1.0 + (m - 1.0) * rho1), 1.0 / (1.0 + (n - 1.0) * rho2)
    hits = max(0.0, w1 * (a - e1 * m) / (1 - e1) + w2 * (b - e2 * n) / (1 - e2))
    size, most = w1 * m + ratios * w2 * n, np.minimum(1.0, 1.0 / ratios)
    # Wilson's bound: it stays above 0 and is quick
    root = np.sqrt(hits * np.maximum(0.0, 1 - hits / size) + _Z**2 / 4)
    low = (hits + _Z**2 / 2 - _Z * root) / (size + _Z**2)
    return np.clip(np.stack([hits / size, low]), 0.0, most)


def _quadrature() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


_QUADRATURE = _quadrature()
