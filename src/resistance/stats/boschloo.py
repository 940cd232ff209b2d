"""A 2x2 table -> Boschloo's exact test: Fisher's p as the statistic, only the group sizes given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, flags
from resistance.stats.exact import REMEMBERED, counts
from resistance.stats.noncentral import EQUALLY_LIKELY, hypergeometric
from resistance.stats.unconditional import largest_probability


@dataclass(frozen=True)
class BoschlooResult:
    """Boschloo's test.

    Parameters
    ----------
    table : tuple of int
        exposed with, exposed without, unexposed with, unexposed without the outcome; the exposed and
        the unexposed are the two groups.
    statistic : float
        Fisher's two-sided p.
    p_value : float
        Never above `statistic`; NaN where a group has no patient.
    rate : float
        Rate of the outcome, shared by both groups, at which the p is that large.
    reason : {'', 'empty group'}
    note : str
    """

    table: tuple[int, int, int, int]
    statistic: float
    p_value: float
    rate: float
    reason: str
    note: str


def boschloo(exposed: ArrayLike, outcome: ArrayLike) -> BoschlooResult:
    """Test whether an outcome goes with an exposure, two-sided.

    Parameters
    ----------
    exposed, outcome : array of bool, shape (n,)
        Patients; no missing values.

    Notes
    -----
    Boschloo 1970, doi:10.1111/j.1467-9574.1970.tb00104.x.  Uniformly more powerful than Fisher's test.  The
    tables counted are those whose two-sided Fisher p is at most that observed, as in R's Exact; SciPy
    doubles the one-sided p instead.

    Examples
    --------
    >>> round(boschloo([1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0]).p_value, 3)
    0.031
    """
    x = flags(exposed, "exposed")
    y = flags(outcome, "outcome", x.size)
    return boschloo_table(int((x & y).sum()), int((x & ~y).sum()), int((~x & y).sum()), int((~x & ~y).sum()))


def boschloo_table(a: int, b: int, c: int, d: int) -> BoschlooResult:
    """Test a 2x2 table given as exposed with / without and unexposed with / without the outcome (see :func:`boschloo`)."""
    return _boschloo(*counts(a, b, c, d))


@lru_cache(REMEMBERED)
def _boschloo(a: int, b: int, c: int, d: int) -> BoschlooResult:
    n1, n2 = a + b, c + d
    if min(n1, n2) == 0:
        nan = float("nan")
        return BoschlooResult((a, b, c, d), nan, nan, nan, "empty group", "one of the groups has no patient")
    every = fisher_p_values(n1, n2)
    own = float(every[a, c])
    p_value, rate = largest_probability(every <= own * (1 + EQUALLY_LIKELY), n1, n2)
    return BoschlooResult((a, b, c, d), own, p_value, rate, "", "")


@lru_cache(32)
def fisher_p_values(n1: int, n2: int) -> FloatArray:
    """Return Fisher's two-sided p of every table with these group sizes, shape (n1 + 1, n2 + 1)."""
    every = np.ones((n1 + 1, n2 + 1))
    for total in range(1, n1 + n2):
        count = hypergeometric(n1, n2, total)
        probability = count.probability()
        order = np.argsort(probability, kind="stable")
        summed = np.cumsum(probability[order])
        last = np.searchsorted(probability[order], probability * (1 + EQUALLY_LIKELY), side="right") - 1
        x = np.arange(count.low, count.high + 1)
        every[x, total - x] = np.minimum(1.0, summed[last])
    every.flags.writeable = False
    return every
