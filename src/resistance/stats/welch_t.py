"""Values of many features in two groups -> Welch's t and p of each; missing values are left out feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import FloatArray, flags
from resistance.stats._threads import one_thread
from resistance.stats.moderated_t import two_sided_t
from resistance.stats.multiplicity import benjamini_hochberg

#: values held at a time, in double precision
BLOCK = 1_000_000
#: standard deviation over all samples below which a feature counts as constant (values on a log scale are of size 1)
CONSTANT = 1e-7


@dataclass(frozen=True)
class WelchT:
    """Two groups compared in m features; NaN where a group has fewer than two values, or nothing varies.

    Parameters
    ----------
    t : array, shape (m,)
        Positive where group 1 has the higher mean.
    df : array, shape (m,)
        Degrees of freedom by Welch and Satterthwaite.
    p_value, q_value : array, shape (m,)
        Two-sided, and by Benjamini and Hochberg over the features that were tested.
    mean_1, mean_0, sd_1, sd_0 : array, shape (m,)
        Of each group, over its known values; NaN where there is none (mean) or fewer than two (sd).
    n_1, n_0 : array of int, shape (m,)
        Known values.
    """

    t: FloatArray
    df: FloatArray
    p_value: FloatArray
    q_value: FloatArray
    mean_1: FloatArray
    mean_0: FloatArray
    sd_1: FloatArray
    sd_0: FloatArray
    n_1: NDArray[np.intp]
    n_0: NDArray[np.intp]


def welch_t(values: NDArray[Any], group: Any, *, among: Any = None) -> WelchT:
    """Compare two groups feature by feature, without assuming equal variances.

    Parameters
    ----------
    values : array, shape (m, n)
        Features in rows, samples in columns; NaN is left out.  Single precision is read block by block.
    group : array of 0 and 1, shape (n,)
    among : array of 0 and 1, shape (n,), optional
        The samples that are compared (default: all); saves a copy of the others.

    Returns
    -------
    WelchT

    Raises
    ------
    ValueError
        Another shape, or a group that is not 0 or 1.

    Notes
    -----
    Welch 1947, doi:10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> found = welch_t(np.array([[1.0, 2.0, 3.0, 5.0, 6.0, 7.0]]), [0, 0, 0, 1, 1, 1])
    >>> round(float(found.t[0]), 3), float(found.df[0])
    (4.899, 4.0)
    """
    one = flags(group, "group", np.shape(values)[-1])
    use = np.ones(one.size, dtype=bool) if among is None else flags(among, "among", one.size)
    moments = group_moments(values, np.column_stack([~one & use, one & use]))
    return compare(moments.pooled([1]), moments.pooled([0]))


@dataclass(frozen=True)
class Moments:
    """Number of known values, mean and sum of squares around it, of m features in k groups.

    Parameters
    ----------
    n, mean, ss : array, shape (k, m)
        The mean of no value is NaN.
    """

    n: FloatArray
    mean: FloatArray
    ss: FloatArray

    def pooled(self, groups: Sequence[int]) -> Moments:
        """Return several groups taken together (k = 1), as if their samples had been looked at at once."""
        n, ss = self.n[list(groups)], self.ss[list(groups)]
        mean = np.where(n > 0, self.mean[list(groups)], 0.0)
        total = n.sum(axis=0)
        centre = np.divide((n * mean).sum(axis=0), total, out=np.full(total.size, np.nan), where=total > 0)
        around = ss.sum(axis=0) + (n * (mean - np.where(total > 0, centre, 0.0)) ** 2).sum(axis=0)
        if len(groups) == 1:  # to the last digit
            centre, around = self.mean[groups[0]], ss[0]
        return Moments(total[None, :], centre[None, :], around[None, :])


@one_thread
def group_moments(values: NDArray[Any], groups: NDArray[np.bool_]) -> Moments:
    """Return the moments of each feature in each group, in one walk over the table.

    Parameters
    ----------
    values : array, shape (m, n)
        Features in rows, samples in columns; NaN is left out.
    groups : array of bool, shape (n, k)
        Which samples are in which group; a sample may be in none.

    Raises
    ------
    ValueError
        Another shape.
    """
    x = np.asarray(values)
    if x.ndim != 2:
        raise ValueError(f"values: two dimensions are needed (features in rows, samples in columns), not {x.ndim}")
    sides = np.asarray(groups, dtype=np.float64)
    m, k = x.shape[0], sides.shape[1]
    n, mean, ss = (np.empty((k, m)) for _ in range(3))
    step = max(1, BLOCK // max(1, x.shape[1]))
    for start in range(0, m, step):
        rows = slice(start, start + step)
        n[:, rows], mean[:, rows], ss[:, rows] = _moments(x[rows], sides)
    return Moments(n, mean, ss)


def compare(first: Moments, second: Moments) -> WelchT:
    """Compare two groups (each k = 1) by their moments; t is positive where the first has the higher mean."""
    n, mean, ss = (np.concatenate(pair) for pair in ((second.n, first.n), (second.mean, first.mean), (second.ss, first.ss)))
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.where(n > 1, ss / (n - 1), np.nan)
        of_mean = variance / n
        error = of_mean.sum(axis=0)
        # over all samples: within the groups plus between them
        total = ss.sum(axis=0) + n[0] * n[1] / n.sum(axis=0) * (mean[1] - mean[0]) ** 2
        varies = (np.sqrt(total / (n.sum(axis=0) - 1)) >= CONSTANT) & (error > 0)
        t = np.where(varies, (mean[1] - mean[0]) / np.sqrt(error), np.nan)
        df = np.where(varies, error**2 / (of_mean**2 / (n - 1)).sum(axis=0), np.nan)
    p = two_sided_t(t, df)
    sd = np.sqrt(variance)
    counts = n.astype(np.intp)
    return WelchT(t, df, p, benjamini_hochberg(p), mean[1], mean[0], sd[1], sd[0], counts[1], counts[0])


def _moments(block: NDArray[Any], sides: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the number of known values, their mean, and the sum of squares around it, per group and row.

    The groups are the columns of `sides` (n x 2, of 0 and 1), so that sums over them are matrix products and no columns
    are copied; the squares are taken around each group's own mean in a second pass.
    """
    missing = np.isnan(block)
    some = bool(missing.any())
    part = block.astype(np.float64)
    if some:
        part[missing] = 0.0
        n = (sides.sum(axis=0) - missing.astype(np.float32) @ sides.astype(np.float32)).T.astype(np.float64)
    else:
        n = np.repeat(sides.sum(axis=0)[:, None], part.shape[0], axis=1)
    mean = np.divide((part @ sides).T, n, out=np.full(n.shape, np.nan), where=n > 0)
    part -= np.where(n > 0, mean, 0.0).T @ sides.T
    if some:
        part[missing] = 0.0
    np.square(part, out=part)
    return n, mean, (part @ sides).T


def first_by_fdr(found: WelchT, number: int) -> NDArray[np.intp]:
    """Return the features with the lowest false discovery rate, ties in the order in which they stand.

    Parameters
    ----------
    found : WelchT
    number : int
        Features wanted; fewer are returned where fewer could be tested.

    Returns
    -------
    array of int
        0-based rows, by q-value.
    """
    order = np.argsort(found.q_value, kind="stable")  # NaN last
    tested = int((~np.isnan(found.q_value)).sum())
    return order[: min(number, tested)]
