"""Counts of many features and a design -> log counts per million with the precision of each value, ready for the moderated t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, matrix
from resistance.stats._design import collinear_columns, named
from resistance.stats._threads import one_thread
from resistance.stats.library_size import _checked_counts, positive_sizes
from resistance.stats.lowess import lowess
from resistance.stats.moderated_t import fit_linear


@dataclass(frozen=True)
class VoomResult:
    """Log counts and their precision.

    Parameters
    ----------
    log_cpm : array, shape (m, n)
        log2 counts per million.
    weights : array, shape (m, n)
        Inverse of the variance that the trend predicts for each value.
    trend_log_count, trend_root_sd : array, shape (m,)
        The trend: mean log2 count of each feature, and the square root of the standard deviation expected
        there (NaN for a feature without counts).
    converged : bool
    reason : {'', 'collinear', 'no residual degrees of freedom', 'no variation'}
    columns : tuple of int
        0-based columns of the design that are the cause.
    note : str
    """

    log_cpm: FloatArray
    weights: FloatArray
    trend_log_count: FloatArray
    trend_root_sd: FloatArray
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@one_thread
def voom(counts: ArrayLike, design: ArrayLike, *, library_sizes: ArrayLike | None = None, span: float = 0.5) -> VoomResult:
    """Estimate how precise each log count is from how variance falls with the count.

    Parameters
    ----------
    counts : array, shape (m, n)
        Features in rows, samples in columns.
    design : array, shape (n, p)
        All columns, the intercept among them.
    library_sizes : array, shape (n,), optional
        Effective sizes: sums times :func:`resistance.stats.library_size.tmm_factors` (default: sums).
    span : float
        Fraction of the features that each piece of the trend is fitted to.

    Returns
    -------
    VoomResult
        Hand `log_cpm` and `weights` to :func:`resistance.stats.moderated_t.moderated_t`.

    Raises
    ------
    ValueError
        Shapes that do not fit, negative or missing counts, a library without counts.

    Notes
    -----
    Law et al. 2014, doi:10.1186/gb-2014-15-2-r29; as limma's ``voom``.  Leave out features with few
    counts first (:func:`resistance.stats.library_size.enough_counts`): they bend the trend.
    """
    x = _checked_counts(counts)
    d = np.asarray(design, dtype=np.float64)
    d = matrix(d.reshape(-1, 1) if d.ndim == 1 else d, "design", x.shape[1])
    sizes = positive_sizes(x, library_sizes)
    y = np.log2((x + 0.5) / (sizes + 1) * 1e6)
    if d.shape[0] <= d.shape[1]:
        return _unanswered(y, "no residual degrees of freedom", ())
    tied = collinear_columns(d)
    if tied or d.shape[1] == 0:
        return _unanswered(y, "collinear", tied)
    fits = fit_linear(y, d, np.eye(d.shape[1]))
    to_count = float(np.log2(sizes + 1).mean() - np.log2(1e6))
    level, root_sd = fits.mean + to_count, fits.variance**0.25
    counted = x.sum(axis=1) > 0
    if counted.sum() < 2 or not (root_sd[counted] > 0).any():
        return _unanswered(y, "no variation", ())
    trend = np.full(y.shape[0], np.nan)
    trend[counted] = lowess(level[counted], root_sd[counted], fraction=span)
    order = np.flatnonzero(counted)[np.argsort(level[counted], kind="stable")]
    fitted = fits.coef @ d.T + np.log2(sizes + 1) - np.log2(1e6)
    expected = np.interp(fitted, level[order], trend[order])
    if not (expected > 0).all():
        return _unanswered(y, "no variation", ())
    return VoomResult(y, 1 / expected**4, np.where(counted, level, np.nan), trend, True, "", (), "")


def _unanswered(y: FloatArray, reason: str, columns: tuple[int, ...]) -> VoomResult:
    note = {
        "collinear": f"{named(columns)} of the design: collinear" if columns else "the design has no columns",
        "no residual degrees of freedom": "no more samples than the design has columns",
        "no variation": "the variance falls to 0 along the trend: too few features that vary",
    }[reason]
    nothing = np.full(y.shape[0], np.nan)
    return VoomResult(y, np.full(y.shape, np.nan), nothing, nothing, False, reason, columns, note)
