"""Residual variances of many features -> the scaled inverse chi-square distribution that they come from, with outliers set apart if wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats._threads import one_thread
from resistance.stats.lowess import lowess

#: points of the quadrature for moments of a Winsorised log F variable
QUADRATURE = 128


@dataclass(frozen=True)
class VariancePrior:
    """What the variances of all features say about the variance of one.

    Parameters
    ----------
    variance : array, shape (m,)
        Prior variance of each feature (all equal without a trend).
    df : array, shape (m,)
        Prior degrees of freedom of each feature (all equal unless robust); infinite where the variances
        differ no more than chance makes them.
    df_common : float
        Prior degrees of freedom of the features that are no outliers.
    """

    variance: FloatArray
    df: FloatArray
    df_common: float


@one_thread
def variance_prior(
    variances: ArrayLike,
    df: ArrayLike,
    *,
    covariate: ArrayLike | None = None,
    robust: bool = False,
    winsor_tails: tuple[float, float] = (0.05, 0.1),
) -> VariancePrior:
    """Fit the prior by matching moments of the log variances.

    Parameters
    ----------
    variances : array, shape (m,)
        Residual variance of each feature; NaN where there is none.
    df : float or array, shape (m,)
        Residual degrees of freedom; 0 where there are none.
    covariate : array, shape (m,), optional
        Mean expression, say: the prior variance follows it (natural spline of up to 4 degrees of freedom).
    robust : bool
        Protect the prior against features of very large or small variance, and give those of very large
        variance fewer prior degrees of freedom.
    winsor_tails : (float, float)
        Fractions of the smallest and largest log variances that are drawn in (robust only).

    Raises
    ------
    ValueError
        Shapes that do not fit, a negative variance or df, a covariate that is NaN where there is a variance.

    Notes
    -----
    Smyth 2004, doi:10.2202/1544-6115.1027; robust: Phipson et al. 2016, doi:10.1214/16-AOAS920.
    With fewer than three features nothing can be learned: df is 0.
    """
    x = np.asarray(variances, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"variances: one dimension is needed, not {x.ndim}")
    d = np.asarray(df, dtype=np.float64)
    if d.ndim > 1 or (d.ndim == 1 and d.size != x.size):
        raise ValueError(f"df: shape {d.shape} for {x.size} features")
    d = np.broadcast_to(d, x.shape).copy()
    if (x < 0).any() or not (d >= 0).all():
        raise ValueError("variances and df cannot be negative, df cannot be missing")
    if not 0 <= min(winsor_tails) <= max(winsor_tails) < 0.5:
        raise ValueError(f"winsor_tails: {winsor_tails} is outside 0..0.5")
    usable = np.isfinite(x) & np.isfinite(d) & (d > 1e-6)
    trend = None
    if covariate is not None:
        trend = np.asarray(covariate, dtype=np.float64)
        if trend.shape != x.shape:
            raise ValueError(f"covariate: shape {trend.shape} for {x.size} features")
        if not np.isfinite(trend[usable]).all():
            raise ValueError("covariate: missing or infinite for a feature with a variance")
    m = int(usable.sum())
    if m < 3:
        return VariancePrior(np.where(usable, x, np.nan), np.zeros(x.size), 0.0)
    known = None if trend is None else trend[usable]
    plain = _moments(x[usable], d[usable], known)
    if not robust or max(winsor_tails) < 1 / m:
        variance, common = plain
        each = np.full(m, common)
    else:
        variance, common, each = _robust(x[usable], d[usable], known, winsor_tails, plain)
    full_df = np.full(x.size, common)
    full_df[usable] = each
    full_variance = np.full(x.size, variance[0])
    if known is not None and trend is not None:
        full_variance[usable] = variance
        order = np.argsort(known, kind="stable")
        finite = ~usable & np.isfinite(trend)
        full_variance[finite] = np.exp(np.interp(trend[finite], known[order], np.log(variance[order])))
        full_variance[~usable & ~finite] = np.nan
    return VariancePrior(full_variance, full_df, float(common))


def _moments(x: FloatArray, df: FloatArray, covariate: FloatArray | None) -> tuple[FloatArray, float]:
    """Return the prior variance of each feature and the prior df, by mean and variance of log F."""
    from scipy.special import digamma, polygamma

    middle = np.median(x)
    x = np.maximum(x, 1e-5 * (middle if middle > 0 else 1.0))  # a variance of 0 has no logarithm
    halves, which = np.unique(df / 2, return_inverse=True)  # few distinct values: the slow functions once each
    e = np.log(x) - (digamma(halves) - np.log(halves))[which]
    n = x.size
    pieces = 1
    if covariate is not None:
        pieces = min(1 + (n >= 3) + (n >= 6) + (n >= 30), np.unique(covariate).size)
    if covariate is None or pieces < 2:
        mean = np.full(n, e.mean())
        spread = float(((e - mean) ** 2).sum() / (n - 1))
        flat = True
    else:
        basis, _ = np.linalg.qr(natural_spline(covariate, pieces))
        mean = basis @ (basis.T @ e)
        # as many residual dimensions as are left; with none the spread is that of the noise
        spread = float(((e - mean) ** 2).sum() / (n - pieces)) if n > pieces else 0.0
        flat = False
    spread -= float(polygamma(1, halves)[which].mean())
    if spread > 0:
        prior = 2 * _inverse_trigamma(spread)
        return np.exp(mean + digamma(prior / 2) - np.log(prior / 2)), prior
    return (np.full(n, x.mean()) if flat else np.exp(mean)), float("inf")


def natural_spline(x: FloatArray, df: int) -> FloatArray:
    """Return a basis (n, df) of the natural cubic splines with knots at the ends and at the quantiles between them."""
    low, high = float(x.min()), float(x.max())
    u = (x - low) / (high - low)
    knots = np.unique(np.concatenate([[0.0], np.quantile(u, np.linspace(0, 1, df)[1:-1]), [1.0]]))
    columns = [np.ones(x.size), u]
    last, before = knots[-1], knots[-2]

    def bend(knot: float) -> Any:
        return (np.maximum(u - knot, 0) ** 3 - np.maximum(u - last, 0) ** 3) / (last - knot)

    columns += [bend(knot) - bend(before) for knot in knots[:-2]]
    return np.column_stack(columns)


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(y) = value by Newton steps on 1/trigamma, which is convex and nearly linear."""
    from scipy.special import polygamma

    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return float(1 / value)
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, y))
        y += step
        if abs(step) < 1e-14 * y:
            break
    return float(y)


def log_upper_f(f: FloatArray, df1: ArrayLike, df2: ArrayLike) -> FloatArray:
    """Return log P(F > f), also where P is smaller than the smallest float; df2 may be infinite."""
    from scipy.special import betainc, betaln, chdtrc, gammaln, hyp2f1

    f, a, d2 = np.broadcast_arrays(f, np.asarray(df1, dtype=np.float64) / 2, np.asarray(df2, dtype=np.float64))
    with np.errstate(all="ignore"):
        finite = np.isfinite(d2)
        b = np.where(finite, d2 / 2, 1.0)
        x = b / (b + a * f)
        tail = np.where(finite, betainc(b, a, x), chdtrc(2 * a, 2 * a * f))
        found = np.log(tail)
        # first term of the expansion times its hypergeometric rest: no underflow
        series = b * np.log(x) + a * np.log1p(-x) - np.log(b) - betaln(a, b) + np.log(hyp2f1(a + b, 1.0, b + 1, x))
        half = a * f
        gaussian = (a - 1) * np.log(half) - half - gammaln(a) + np.log1p((a - 1) / half)
        return np.asarray(np.where(tail > 1e-290, found, np.where(finite, series, gaussian)))


def _winsorised_moments(df1: float, df2: float, tails: tuple[float, float]) -> tuple[float, float]:
    """Return mean and variance of a log F variable whose tails were drawn in."""
    from scipy.stats import chi2
    from scipy.stats import f as f_distribution

    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    nodes, weights = (nodes + 1) / 2, weights / 2
    at = np.array([tails[0], 1 - tails[1]])
    quantiles = f_distribution.ppf(at, df1, df2) if np.isfinite(df2) else chi2.ppf(at, df1) / df1
    ends = quantiles / (1 + quantiles)  # the half line folded into 0..1
    u = ends[0] + (ends[1] - ends[0]) * nodes
    values = u / (1 - u)
    density = f_distribution.pdf(values, df1, df2) if np.isfinite(df2) else chi2.pdf(values * df1, df1) * df1
    mass = (ends[1] - ends[0]) * weights * density / (1 - u) ** 2
    logs, edge, tail = np.log(values), np.log(quantiles), np.array(tails)
    mean = float(mass @ logs + edge @ tail)
    return mean, float(mass @ (logs - mean) ** 2 + (edge - mean) ** 2 @ tail)


def _robust(
    x: FloatArray,
    df: FloatArray,
    covariate: FloatArray | None,
    tails: tuple[float, float],
    plain: tuple[FloatArray, float],
) -> tuple[FloatArray, float, FloatArray]:
    """Return prior variances, the prior df of the features that are no outliers, and the prior df of each."""
    from scipy.optimize import brentq
    from scipy.stats import rankdata, trim_mean

    n = x.size
    middle = float(np.median(x))
    if middle <= 0:  # most features do not vary at all: no tail to draw in
        return plain[0], plain[1], np.full(n, plain[1])
    x = np.maximum(x, 1e-12 * middle)
    x, df1 = _to_one_df(x, df, plain)
    z = np.log(x)
    level = np.full(n, trim_mean(z, tails[1])) if covariate is None else lowess(covariate, z, fraction=0.4)
    residual = z - level
    low, high = np.quantile(residual, [tails[0], 1 - tails[1]])
    drawn = np.clip(residual, low, high)
    mean, variance = float(drawn.mean()), float(drawn.var(ddof=1))

    def excess(folded: float) -> float:
        df2 = folded / (1 - folded) if folded < 1 else float("inf")
        return float(np.log(variance / _winsorised_moments(df1, df2, tails)[1])) if variance > 0 else -float("inf")

    at_infinity = excess(1.0)
    if at_infinity <= 0:
        common = float("inf")
    elif np.isinf(plain[1]):
        return plain[0], plain[1], np.full(n, plain[1])
    else:
        lower = plain[1] / (1 + plain[1])  # outliers can only make the plain estimate smaller
        folded = lower if excess(lower) >= 0 else float(brentq(excess, lower, 1.0, xtol=1e-12, rtol=1e-14))
        common = plain[1] if folded == lower else folded / (1 - folded)
    centre = level + mean - _winsorised_moments(df1, common, tails)[0]
    prior = np.exp(centre)
    statistic = np.exp(z - centre)
    log_tail = log_upper_f(statistic, df1, common)
    log_empirical = np.log((n - rankdata(statistic) + 0.5) / n)
    log_genuine = np.minimum(log_tail - log_empirical, 0.0)
    each = np.full(n, common)
    if not (log_genuine < 0).any():
        return prior, common, each
    order = np.argsort(log_tail, kind="stable")
    if np.isinf(common):
        outlier = log_genuine < 0
        each[outlier] = np.exp(log_genuine[outlier]) * n * df1
        each[order] = np.maximum.accumulate(each[order])
        return prior, common, each
    # the prior df with which the largest statistic would be a median one
    least = float(log_tail.min())
    of_outliers = np.log(0.5) / least * common
    again = float(log_upper_f(np.array([statistic.max()]), df1, of_outliers)[0])
    of_outliers *= np.log(0.5) / again
    each = np.exp(log_genuine) * common - np.expm1(log_genuine) * of_outliers
    ordered = each[order]
    running = np.cumsum(ordered) / np.arange(1, n + 1)
    bottom = int(np.argmin(running))
    ordered[: bottom + 1] = running[bottom]
    each[order] = np.maximum.accumulate(ordered)
    return prior, common, each


def _to_one_df(x: FloatArray, df: FloatArray, plain: tuple[FloatArray, float]) -> tuple[FloatArray, float]:
    """Return variances moved, at equal tail probability, to what they would be with the largest residual df."""
    from scipy.stats import chi2
    from scipy.stats import f as f_distribution

    most = float(df.max())
    fewer = df < most - 1e-14
    if not fewer.any():
        return x, most
    x = x.copy()
    scale, df2 = plain[0][fewer], plain[1]
    statistic, own = x[fewer] / scale, df[fewer]
    finite = np.isfinite(df2)
    upper = f_distribution.sf(statistic, own, df2) if finite else chi2.sf(statistic * own, own)
    lower = f_distribution.cdf(statistic, own, df2) if finite else chi2.cdf(statistic * own, own)
    upper, lower = np.maximum(upper, 1e-300), np.maximum(lower, 1e-300)
    moved = np.empty(statistic.size)
    by_upper = upper < lower
    for chosen, tail, inverse in ((by_upper, upper, "isf"), (~by_upper, lower, "ppf")):
        if finite:
            moved[chosen] = getattr(f_distribution, inverse)(tail[chosen], most, df2)
        else:
            moved[chosen] = getattr(chi2, inverse)(tail[chosen], most) / most
    x[fewer] = moved * scale
    return x, most
