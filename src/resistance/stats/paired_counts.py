"""Mutant reads at two times -> is the mutant fraction the same? Fisher's exact test, with background, overdispersion and an offset."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.overdispersed import EDGE

#: probabilities that differ by less are equal (rounding), as in R's fisher.test
_TIE = 1e-7
#: points of Gauss-Hermite quadrature over the offset
_NODES = 9
#: standard errors below the estimate to which the common fraction is followed
_Z = 1.0
#: numbers above are divided by it, so that none is too large for a double
_LARGE = 1e200


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
    0.00048
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
        out[known] = _tests(rows, *_QUADRATURE)[where.reshape(-1)]
    return PairedTest(p_value=out[:, 0], p_rise=out[:, 1], p_fall=out[:, 2])


@njit(cache=True, nogil=True)
def _tests(table, nodes, weights):  # type: ignore[no-untyped-def]
    """Return the three p-values of each row: counts, backgrounds, overdispersions, log ratio and its standard error."""
    out = np.ones((len(table), 3))
    widest = 1
    for row in table:
        widest = max(widest, int(min(row[1], row[0] + row[2]) - max(0.0, row[0] + row[2] - row[3])) + 1)
    chance, mixed = np.empty(widest), np.empty(widest)
    for i in range(len(table)):
        a, m, b, n, e1, e2, rho1, rho2, log_ratio, se = table[i]
        total = a + b
        if total == 0 or total == m + n:
            continue
        start = max(0.0, total - n)
        size = int(min(m, total) - start) + 1
        here = int(a - start)
        out[i] = 0.0
        # without overdispersion the sum has taken the fraction out of the split: one value of it does
        for low in range(1 if rho1 == 0 and rho2 == 0 else 2):
            mixed[:size] = 0.0
            for j in range(1 if se == 0 else len(nodes)):
                ratio, weight = (math.exp(log_ratio), 1.0) if se == 0 else (math.exp(log_ratio + se * nodes[j]), weights[j])
                f = _under_hypothesis(a, m, b, n, e1, e2, rho1, rho2, ratio, low == 1)
                f1 = min(max(e1 + (1 - e1) * f, EDGE), 1 - EDGE)
                f2 = min(max(e2 + (1 - e2) * min(1.0, ratio * f), EDGE), 1 - EDGE)
                scale = weight / _splits(chance[:size], start, total, m, n, f1, f2, rho1, rho2)
                for x in range(size):
                    mixed[x] += chance[x] * scale
            limit = mixed[here] * (1 + _TIE)
            no_likelier, rise, fall = 0.0, 0.0, 0.0
            for x in range(size):
                no_likelier += mixed[x] if mixed[x] <= limit else 0.0
                # as few in the first sample or fewer: as many in the second or more
                rise += mixed[x] if x <= here else 0.0
                fall += mixed[x] if x >= here else 0.0
            out[i, 0] = max(out[i, 0], min(1.0, no_likelier))
            out[i, 1] = max(out[i, 1], min(1.0, rise))
            out[i, 2] = max(out[i, 2], min(1.0, fall))
    return out


@njit(cache=True, nogil=True)
def _splits(chance, start, total, m, n, f1, f2, rho1, rho2):  # type: ignore[no-untyped-def]
    """Write numbers in proportion to BB(x; m, f1) BB(total - x; n, f2), each from the one before; return their sum."""
    odds1, odds2 = f1 / (1 - f1), (1 - f2) / f2
    a1 = b1 = a2 = b2 = 0.0
    if rho1 > 0:
        a1, b1 = f1 * (1 - rho1) / rho1, (1 - f1) * (1 - rho1) / rho1
    if rho2 > 0:
        a2, b2 = f2 * (1 - rho2) / rho2, (1 - f2) * (1 - rho2) / rho2
    value, found = 1.0, 0.0
    for k in range(chance.size):
        chance[k] = value
        found += value
        x = start + k
        y = total - x
        # to x + 1 in the first sample and y - 1 in the second
        up, down = (m - x) * y, (x + 1) * (n - y + 1)
        if rho1 > 0:
            up, down = up * (x + a1), down * (m - x - 1 + b1)
        else:
            up *= odds1
        if rho2 > 0:
            up, down = up * (n - y + b2), down * (y - 1 + a2)
        else:
            up *= odds2
        if up == 0.0:
            chance[k + 1 :] = 0.0
            break
        value *= up / down
        if value > _LARGE:
            chance[: k + 1] /= _LARGE
            found /= _LARGE
            value /= _LARGE
    return found


@njit(cache=True, nogil=True)
def _under_hypothesis(a, m, b, n, e1, e2, rho1, rho2, ratio, lower):  # type: ignore[no-untyped-def]
    """Return the fraction of the first sample by moments, weighted by effective reads, or one standard error below it."""
    w1, w2 = 1.0 / (1.0 + (m - 1.0) * rho1), 1.0 / (1.0 + (n - 1.0) * rho2)
    hits = max(0.0, w1 * (a - e1 * m) / (1 - e1) + w2 * (b - e2 * n) / (1 - e2))
    size, most = w1 * m + ratio * w2 * n, min(1.0, 1.0 / ratio)
    fraction = hits / size
    if lower:
        # Wilson's bound: it stays above 0 and is quick
        root = math.sqrt(hits * max(0.0, 1 - fraction) + _Z**2 / 4)
        fraction = (hits + _Z**2 / 2 - _Z * root) / (size + _Z**2)
    return min(max(fraction, 0.0), most)


def _quadrature() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


_QUADRATURE = _quadrature()
