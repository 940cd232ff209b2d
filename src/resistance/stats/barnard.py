"""A 2x2 table -> Barnard's exact test, only the group sizes given: by a pooled or unpooled z, or by Barnard's own order of tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, flags
from resistance.stats.exact import REMEMBERED, counts
from resistance.stats.unconditional import binomial, largest_probability

Order = Literal["pooled", "unpooled", "csm"]

#: tables above which Barnard's own order, which adds one after the other, takes too long
MOST_TABLES = 20_000
#: two statistics closer than this are equal up to rounding
ROUNDING = 1e-9


@dataclass(frozen=True)
class BarnardResult:
    """Barnard's test.

    Parameters
    ----------
    table : tuple of int
        exposed with, exposed without, unexposed with, unexposed without the outcome; the exposed and
        the unexposed are the two groups.
    order : {'pooled', 'unpooled', 'csm'}
        What ranks the tables.
    statistic : float
        z, positive if the exposed have the outcome more often; 0 where neither group varies and both
        agree, infinite where they are opposite (unpooled); NaN for 'csm', which has none.
    p_value : float
        Two-sided; NaN where a group has no patient.
    rate : float
        Rate of the outcome, shared by both groups, at which the p is that large.
    reason : {'', 'empty group', 'too large'}
    note : str
    """

    table: tuple[int, int, int, int]
    order: Order
    statistic: float
    p_value: float
    rate: float
    reason: str
    note: str


def barnard(exposed: ArrayLike, outcome: ArrayLike, *, order: Order = "pooled") -> BarnardResult:
    """Test whether an outcome goes with an exposure, two-sided.

    Parameters
    ----------
    exposed, outcome : array of bool, shape (n,)
        Patients; no missing values.
    order : {'pooled', 'unpooled', 'csm'}
        Rank tables by z with the variance of both groups together, or of each apart, or as Barnard did:
        "C" the more extreme neighbours first, "S" a table together with its mirror image, "M" always the
        one that adds least to the largest probability.

    Raises
    ------
    ValueError
        Another order; values that are not 0/1.

    Notes
    -----
    Barnard 1947, doi:10.1093/biomet/34.1-2.123; Suissa and Shuster 1985, doi:10.2307/2981892.  The unpooled
    z ranks tables with an empty cell above others that say more: prefer the pooled one.

    Examples
    --------
    >>> round(barnard([1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0]).p_value, 3)
    0.031
    """
    x = flags(exposed, "exposed")
    y = flags(outcome, "outcome", x.size)
    return barnard_table(int((x & y).sum()), int((x & ~y).sum()), int((~x & y).sum()), int((~x & ~y).sum()), order=order)


def barnard_table(a: int, b: int, c: int, d: int, *, order: Order = "pooled") -> BarnardResult:
    """Test a 2x2 table given as exposed with / without and unexposed with / without the outcome (see :func:`barnard`)."""
    if order not in get_args(Order):
        raise ValueError(f"order: {order!r} is none of {', '.join(get_args(Order))}")
    return _barnard(*counts(a, b, c, d), order)


@lru_cache(REMEMBERED)
def _barnard(a: int, b: int, c: int, d: int, order: Order) -> BarnardResult:
    n1, n2, nan = a + b, c + d, float("nan")
    if min(n1, n2) == 0:
        return BarnardResult((a, b, c, d), order, nan, nan, nan, "empty group", "one of the groups has no patient")
    if order == "csm":
        if (n1 + 1) * (n2 + 1) > MOST_TABLES:
            note = f"Barnard's own order is not computed for more than {MOST_TABLES} tables: take the pooled z"
            return BarnardResult((a, b, c, d), order, nan, nan, nan, "too large", note)
        statistic, region = nan, _csm(a, c, n1, n2)
    else:
        every = _z(n1, n2, order == "pooled")
        statistic = float(every[a, c])
        region = np.abs(every) >= abs(statistic) * (1 - ROUNDING)
    p_value, rate = largest_probability(region, n1, n2)
    return BarnardResult((a, b, c, d), order, statistic, p_value, rate, "", "")


@lru_cache(32)
def _z(n1: int, n2: int, pooled: bool) -> FloatArray:
    first, second = np.arange(n1 + 1)[:, None] / n1, np.arange(n2 + 1)[None, :] / n2
    both = (n1 * first + n2 * second) / (n1 + n2)
    own = first * (1 - first) / n1 + second * (1 - second) / n2
    variance = both * (1 - both) * (1 / n1 + 1 / n2) if pooled else own
    with np.errstate(divide="ignore", invalid="ignore"):  # no variance: 0/0 is no difference, 1/0 the greatest
        z = (first - second) / np.sqrt(variance)
    z = np.where(np.isnan(z), 0.0, z)
    z.flags.writeable = False
    return z


def _csm(x: int, y: int, n1: int, n2: int) -> BoolArray:
    """Return the tables that Barnard's order takes up to and including this one."""
    steps = 2 * max(100, int(4 * np.sqrt(n1 + n2)))
    rates = np.sin(np.linspace(0, np.pi / 2, steps + 1)) ** 2
    first, second = binomial(n1, rates).T, binomial(n2, rates).T
    if x * n2 > y * n1:
        x, y = n1 - x, n2 - y
    elif x * n2 == y * n1:
        return np.ones((n1 + 1, n2 + 1), dtype=np.bool_)  # no difference at all comes last
    i = np.arange(n1 + 1)
    # the half in which the second group has the larger share; its mirror image is added at the end
    least = np.full(n1 + 1, n2 + 1)  # row i holds the tables from least[i] on
    least[0] = n2
    height = first[0] * second[n2] + first[n1] * second[0]
    while least[x] > y:
        j = least - 1
        before = np.concatenate([[-1], least[:-1]])
        rows = i[(j >= 0) & (i * n2 < j * n1) & (before <= j)]
        added = first[rows] * second[j[rows]] + first[n1 - rows] * second[n2 - j[rows]]
        highest = (height + added).max(axis=1)
        chosen = highest <= highest.min() * (1 + ROUNDING)
        height = height + added[chosen].sum(axis=0)
        least[rows[chosen]] -= 1
    half = np.arange(n2 + 1)[None, :] >= least[:, None]
    return np.asarray(half | half[::-1, ::-1])
