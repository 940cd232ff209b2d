"""Mutant reads of deep sequencing -> their chances where libraries differ more than by the drawing of reads (beta-binomial)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray

#: a fraction of exactly 0 or 1 has no beta distribution: nearer than this to either is taken as this near
EDGE = 1e-12
#: steps of a bisection: more than a double can tell apart
_STEPS = 60
#: counts that are tried first for a critical one, and numbers that are held at once
_FIRST, _CELLS = 8, 1_000_000


def log_pmf(x: ArrayLike, n: ArrayLike, fraction: ArrayLike, overdispersion: ArrayLike) -> FloatArray:
    """Return the log probability of `x` mutant of `n` reads.

    Parameters
    ----------
    x, n : array-like
        Mutant reads and all reads, whole numbers.
    fraction : array-like
        Expected mutant fraction, 0..1.
    overdispersion : array-like
        Intraclass correlation rho of the beta-binomial, 0 <= rho < 1: the variance is
        n f (1 - f) (1 + (n - 1) rho).  0 is the binomial.  A library made of N genomes has a rho of
        about 1 / N, however deeply it is read.

    Returns
    -------
    ndarray
        Broadcast over the arguments; -inf where `x` is not within 0..n.
    """
    from scipy.special import betaln, gammaln, xlog1py, xlogy

    x, n, f, rho = (np.asarray(value, dtype=np.float64) for value in (x, n, fraction, overdispersion))
    inside = (x >= 0) & (x <= n)
    k = np.where(inside, x, 0.0)
    f = np.clip(f, EDGE, 1.0 - EDGE)
    choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    plain = choose + xlogy(k, f) + xlog1py(n - k, -f)
    if np.all(rho == 0):
        return np.where(inside, plain, -np.inf)
    precision = (1.0 - rho) / np.where(rho > 0, rho, 1.0)
    a, b = f * precision, (1.0 - f) * precision
    spread = choose + betaln(k + a, n - k + b) - betaln(a, b)
    return np.where(inside, np.where(rho > 0, spread, plain), -np.inf)


def upper_tail(x: ArrayLike, n: ArrayLike, fraction: ArrayLike, overdispersion: ArrayLike = 0.0) -> FloatArray:
    """Return P(at least `x` of `n` reads are mutant); 1 for x <= 0 and for n = 0 with x = 0.

    Parameters
    ----------
    x, n, fraction, overdispersion : array-like
        As in :func:`log_pmf`.

    Examples
    --------
    >>> float(upper_tail(1, 1000, 1e-4).round(6))
    0.095167
    """
    from scipy.stats import binom

    x, n, f, rho = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (x, n, fraction, overdispersion)))
    out = np.asarray(binom.sf(x - 1, n, np.clip(f, 0.0, 1.0)), dtype=np.float64)
    spread = (rho > 0) & (x > 0)
    if spread.any():
        rows, where = np.unique(np.column_stack([x[spread], n[spread], f[spread], rho[spread]]), axis=0, return_inverse=True)
        out = out.copy()
        out[spread] = _tails(rows)[where.reshape(-1)]
    return np.clip(out, 0.0, 1.0)


def _tails(rows: FloatArray) -> FloatArray:
    """Return the upper tail of each row (x, n, fraction, overdispersion), rows of one x together."""
    x, n, f, _ = rows.T
    out = np.full(len(rows), np.nan)
    few = (x <= n / 2) & (f > 0)
    order = np.argsort(x, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(x[order]) > 0))
    for group in np.split(order, starts[1:]):
        some = group[few[group]]
        step = max(1, int(_CELLS / max(1.0, x[group[0]])))
        for part in (some[i : i + step] for i in range(0, len(some), step)):
            below = np.arange(0.0, x[part[0]])
            under = np.exp(log_pmf(below, *rows[part, 1:].T[:, :, None])).sum(axis=1)
            # else the difference from 1 has too few digits
            out[part] = np.where(under < 0.999, 1.0 - under, np.nan)
    left = np.isnan(out)
    out[left] = [_tail(*row) for row in rows[left]]
    return out


def _tail(x: float, n: float, f: float, rho: float) -> float:
    """Sum one beta-binomial from `x` on."""
    if x > n or f <= 0:
        return 0.0
    return float(np.exp(log_pmf(np.arange(x, n + 1), n, f, rho)).sum())


def critical_count(
    n: ArrayLike, background: ArrayLike, overdispersion: ArrayLike = 0.0, *, alpha: float = 0.05, least: int = 1
) -> NDArray[np.int64]:
    """Return the fewest mutant reads that background explains with a probability of at most `alpha` (limit of blank plus one).

    Parameters
    ----------
    n, background, overdispersion : array-like
        Reads, background fraction and its overdispersion.
    alpha : float
    least : int
        Never fewer than this.
    """
    n, e, rho = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (n, background, overdispersion)))
    rows, where = np.unique(np.column_stack([n.ravel(), e.ravel(), rho.ravel()]), axis=0, return_inverse=True)
    found = _criticals(rows, alpha)
    return np.maximum(found[where.reshape(-1)], least).reshape(n.shape)


def _criticals(rows: FloatArray, alpha: float) -> NDArray[np.int64]:
    """Return the critical count of each row (n, background, overdispersion): nearly always a small one, so that these are tried first."""
    out = np.zeros(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _CELLS // _FIRST):
        part = rows[start : start + _CELLS // _FIRST]
        below = np.cumsum(np.exp(log_pmf(np.arange(float(_FIRST)), *part.T[:, :, None])), axis=1)
        enough = below >= 1.0 - alpha - 1e-12
        out[start : start + len(part)] = np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, 0)
    for i in np.flatnonzero(out == 0):
        n, e, rho = rows[i].tolist()
        out[i] = _critical(n, e, rho, alpha)
    return out


def _critical(n: float, e: float, rho: float, alpha: float) -> int:
    size = 8 * _FIRST
    while True:
        below = np.cumsum(np.exp(log_pmf(np.arange(0.0, min(size, n + 1)), n, e, rho)))
        enough = np.flatnonzero(below >= 1.0 - alpha - 1e-12)
        if enough.size:
            return int(enough[0]) + 1
        if size > n:
            return int(n) + 1
        size *= 8


def detectable_fraction(
    n: ArrayLike, count: ArrayLike, overdispersion: ArrayLike = 0.0, *, probability: float = 0.95
) -> FloatArray:
    """Return the mutant fraction that shows at least `count` of `n` reads with this probability (limit of detection).

    Parameters
    ----------
    n, count, overdispersion : array-like
        Reads, reads that count as seen, and overdispersion between libraries.
    probability : float

    Returns
    -------
    ndarray
        1 where fewer reads than `count` were made, NaN where `n` is NaN.

    Examples
    --------
    >>> float(detectable_fraction(29957, 1).round(6))
    0.0001
    """
    from scipy.special import betaincinv

    n, c, rho = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (n, count, overdispersion)))
    enough = n >= c
    out: FloatArray = np.where(
        enough,
        betaincinv(np.maximum(c, 1.0), np.where(enough, n - c + 1.0, 1.0), probability),
        np.where(np.isnan(n), np.nan, 1.0),
    )
    spread = enough & (rho > 0)
    if not spread.any():
        return out
    rows, where = np.unique(np.column_stack([n[spread], c[spread], rho[spread]]), axis=0, return_inverse=True)
    low, high = np.full(len(rows), -18.0), np.zeros(len(rows))  # bounds of the natural logarithm
    most = int(rows[:, 1].max())
    for _ in range(_STEPS):
        middle = (low + high) / 2
        missed = np.zeros(len(rows))
        for x in range(most):
            term = np.exp(log_pmf(x, rows[:, 0], np.exp(middle), rows[:, 2]))
            missed += np.where(x < rows[:, 1], term, 0.0)
        seen = 1.0 - missed >= probability
        high, low = np.where(seen, middle, high), np.where(seen, low, middle)
    out[spread] = np.exp(high)[where.reshape(-1)]
    return out


def fraction_interval(
    x: ArrayLike, n: ArrayLike, overdispersion: ArrayLike = 0.0, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return the interval of a mutant fraction: Clopper-Pearson of the effective numbers of reads.

    Reads are divided by the design effect 1 + (n - 1) rho (Korn and Graubard); without overdispersion
    it is the exact interval.

    Parameters
    ----------
    x, n, overdispersion : array-like
        As in :func:`log_pmf`.
    confidence : float

    Returns
    -------
    low, high : ndarray
        NaN where either number is not known or n is 0.

    References
    ----------
    Korn EL, Graubard BI. Survey Methodology 1998; 24: 193-201.

    Examples
    --------
    >>> low, high = fraction_interval(5, 100)
    >>> float(low.round(6)), float(high.round(6))
    (0.016432, 0.112835)
    """
    from scipy.special import betaincinv

    x, n, rho = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (x, n, overdispersion)))
    known = (n > 0) & ~np.isnan(x)
    reads = np.where(known, n, 1.0)
    effect = 1.0 + (reads - 1.0) * rho
    size, hits = reads / effect, np.where(known, x, 0.0) / effect
    tail = (1.0 - confidence) / 2.0
    low = np.where(hits > 0, betaincinv(np.maximum(hits, EDGE), size - hits + 1.0, tail), 0.0)
    high = np.where(hits < size, betaincinv(hits + 1.0, np.maximum(size - hits, EDGE), 1.0 - tail), 1.0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
