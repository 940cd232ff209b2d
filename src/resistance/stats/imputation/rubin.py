"""Estimates or test statistics of several completed copies -> one of them, by Rubin's rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray


@dataclass(frozen=True)
class PooledResult:
    """Rubin's rules; every number is NaN unless `converged`.

    Parameters
    ----------
    estimate, se : array, shape (k,)
    within, between, total : array, shape (k,)
        Mean variance of the copies, variance between them, and ``within + (1 + 1/m) between``.
    df : array, shape (k,)
        Barnard and Rubin's degrees of freedom.
    ci_low, ci_high, p_value : array, shape (k,)
        t on `df`.
    riv, lambda_, fmi : array, shape (k,)
        Relative increase in variance by the gaps; share of the variance due to them; fraction of missing
        information.
    m : int
    converged : bool
    reason : {'', 'one copy', 'copy without answer', 'no variance'}
    columns : tuple of int
        0-based estimates that are the cause.
    note : str
    """

    estimate: FloatArray
    se: FloatArray
    within: FloatArray
    between: FloatArray
    total: FloatArray
    df: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    riv: FloatArray
    lambda_: FloatArray
    fmi: FloatArray
    m: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def pool(estimates: ArrayLike, variances: ArrayLike, n: float = np.inf, k: int = 1, *, confidence: float = 0.95) -> PooledResult:
    """Pool estimates of several completed copies by Rubin's rules.

    Parameters
    ----------
    estimates, variances : array, shape (m,) or (m, q)
        One row per copy; NaN in a row is a copy whose model has no answer, and then there is none at all: leaving
        the copy out would choose among them.  Variances are squared standard errors.
    n : float
        Patients (events in a Cox model); infinite for the large-sample degrees of freedom.
    k : int
        Coefficients of the model: the complete-data degrees of freedom are n - k.
    confidence : float

    Raises
    ------
    ValueError
        Arrays of different shape, a negative variance, n not above k.

    Notes
    -----
    Rubin 1987; Barnard and Rubin 1999, doi:10.1093/biomet/86.4.948.

    Examples
    --------
    >>> found = pool([1.0, 1.4, 0.9], [0.10, 0.12, 0.11], n=50, k=3)
    >>> found.estimate.round(2).tolist(), found.df.round(1).tolist(), found.fmi.round(3).tolist()
    ([1.1], [6.8], [0.569])
    """
    from scipy.stats import t

    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if q.shape != u.shape or q.ndim not in (1, 2) or q.shape[0] == 0:
        raise ValueError(f"estimates: shape {q.shape}, variances: shape {u.shape}; one row per copy is needed in both")
    if (u < 0).any():
        raise ValueError("variances: negative")
    if not n > k:
        raise ValueError(f"n: {n} is not above the {k} coefficients")
    if not 0 < confidence < 1:
        raise ValueError("confidence: outside 0..1")
    q, u = q.reshape(q.shape[0], -1), u.reshape(q.shape[0], -1)
    m, size = q.shape
    if m == 1:
        return _unpooled(size, m, "one copy", (), "one copy: what the gaps add to the variance cannot be told")
    lost = ~(np.isfinite(q) & np.isfinite(u))
    if lost.any():
        columns = tuple(int(i) for i in np.flatnonzero(lost.any(axis=0)))
        note = f"{int(lost.any(axis=1).sum())} of {m} copies without an answer"
        return _unpooled(size, m, "copy without answer", columns, note)
    estimate, within, between = q.mean(axis=0), u.mean(axis=0), q.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    if (within == 0).any():
        columns = tuple(int(i) for i in np.flatnonzero(within == 0))
        return _unpooled(size, m, "no variance", columns, "an estimate without any variance")
    extra = (1 + 1 / m) * between
    share = extra / total
    riv = extra / within
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
    if np.isinf(n):
        df = old
    else:
        complete = n - k
        seen = (complete + 1) / (complete + 3) * complete * (1 - share)
        df = 1 / (1 / old + 1 / seen)
    fmi = share + (1 - share) * 2 / (df + 3)
    error = np.sqrt(total)
    reach = t.isf((1 - confidence) / 2, df) * error
    return PooledResult(
        estimate=estimate,
        se=error,
        within=within,
        between=between,
        total=total,
        df=df,
        ci_low=estimate - reach,
        ci_high=estimate + reach,
        p_value=np.asarray(2 * t.sf(np.abs(estimate) / error, df)),
        riv=riv,
        lambda_=share,
        fmi=fmi,
        m=m,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def pool_chi_square(statistics: ArrayLike, df: int = 1) -> float:
    """Return the p of likelihood-ratio (or score) statistics of several completed copies.

    Parameters
    ----------
    statistics : array, shape (m,)
        Chi-square statistics, m at least 2; NaN where a copy has no answer makes the p NaN.
    df : int
        Their degrees of freedom.

    Notes
    -----
    D2 of Li, Meng, Raghunathan and Rubin 1991, Statistica Sinica 1:65: for many copies and p not far below .001; where
    estimates with variances are at hand :func:`pool` is sharper.

    Examples
    --------
    >>> round(pool_chi_square([4.1, 5.0, 3.6, 4.4]), 4)
    0.0422
    """
    from scipy.stats import f

    values = np.asarray(statistics, dtype=np.float64)
    if values.ndim != 1 or values.size < 2:
        raise ValueError("statistics: one of each copy, at least two, is needed")
    if (values < 0).any():
        raise ValueError("statistics: negative")
    if df < 1:
        raise ValueError("df: at least 1 is needed")
    if not np.isfinite(values).all():
        return float("nan")
    m = values.size
    increase = (1 + 1 / m) * float(np.sqrt(values).var(ddof=1))
    statistic = max(0.0, (float(values.mean()) / df - (m + 1) / (m - 1) * increase) / (1 + increase))
    freedom = df ** (-3 / m) * (m - 1) * (1 + 1 / increase) ** 2 if increase > 0 else np.inf
    return float(f.sf(statistic, df, min(freedom, 1e10)))


def _unpooled(size: int, m: int, reason: str, columns: tuple[int, ...], note: str) -> PooledResult:
    nan = np.full(size, np.nan)
    return PooledResult(nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, m, False, reason, columns, note)
