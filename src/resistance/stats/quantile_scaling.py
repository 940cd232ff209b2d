"""Samples and a reference -> the samples on the reference's scale: by its quantiles, or by one shift per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray


def mean_quantiles(values: NDArray[Any]) -> FloatArray:
    """Return the mean over samples of the sorted values (Bolstad et al. 2003, doi:10.1093/bioinformatics/19.2.185).

    Parameters
    ----------
    values : array, shape (m, n)
        Features in rows, samples in columns; missing values of a sample are bridged by its own quantiles.

    Returns
    -------
    array, shape (m,)
        Ascending; samples without any value do not count.

    Raises
    ------
    ValueError
        No sample has a value.
    """
    x = np.asarray(values, dtype=np.float64)
    if not np.isnan(x).any():
        return np.asarray(np.sort(x, axis=0).mean(axis=1))
    m = x.shape[0]
    at = (np.arange(m) + 0.5) / m
    sorted_columns = []
    for column in x.T:
        known = np.sort(column[~np.isnan(column)])
        if known.size:
            sorted_columns.append(np.interp(at, (np.arange(known.size) + 0.5) / known.size, known))
    if not sorted_columns:
        raise ValueError("values: no sample has a value")
    return np.asarray(np.mean(sorted_columns, axis=0))


def to_quantiles(values: NDArray[Any], reference: ArrayLike) -> FloatArray:
    """Return each sample with its values replaced by the reference's at the same rank; NaN stays.

    Parameters
    ----------
    values : array, shape (m, n)
        Each sample (column) by itself: the others do not matter.
    reference : array, shape (k,)
        Ascending.  A rank between two of its values is interpolated; ties have the mean rank.

    Examples
    --------
    >>> to_quantiles(np.array([[5.0], [9.0], [7.0]]), [0.0, 1.0, 2.0]).ravel().tolist()
    [0.0, 2.0, 1.0]
    """
    from scipy.stats import rankdata

    x = np.asarray(values, dtype=np.float64)
    target = np.asarray(reference, dtype=np.float64)
    at = (np.arange(target.size) + 0.5) / target.size
    known = ~np.isnan(x)
    ranks = rankdata(np.where(known, x, np.inf), axis=0)  # unknown ones behind all others
    share = (ranks - 0.5) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, np.interp(share, at, target), np.nan)


def shift_to(values: NDArray[Any], reference: ArrayLike) -> FloatArray:
    """Return, per sample, the median of its difference to a reference: what to take away from it.

    Parameters
    ----------
    values : array, shape (m, n)
        On a log scale, where a difference is a ratio; NaN does not count.
    reference : array, shape (m,)

    Returns
    -------
    array, shape (n,)
        NaN for a sample without any value.

    Notes
    -----
    The median of ratios of Anders and Huber 2010 (doi:10.1186/gb-2010-11-10-r106) against a fixed reference.
    """
    difference = np.asarray(values, dtype=np.float64) - np.asarray(reference, dtype=np.float64)[:, None]
    out = np.full(difference.shape[1], np.nan)
    some = ~np.isnan(difference).all(axis=0)
    if some.any():
        out[some] = np.nanmedian(difference[:, some], axis=0)
    return out


def row_moments(values: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation (n - 1) of each row over its known values; NaN where there are too few."""
    x = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(x)
    n = known.sum(axis=1)
    filled = np.where(known, x, 0.0)
    mean = np.divide(filled.sum(axis=1), n, out=np.full(n.size, np.nan), where=n > 0)
    away = np.where(known, x - np.where(n > 0, mean, 0.0)[:, None], 0.0)
    ss = np.einsum("ij,ij->i", away, away)
    return mean, np.sqrt(np.divide(ss, n - 1, out=np.full(n.size, np.nan), where=n > 1))
