"""A 2x2 table -> Fisher's exact test, plain and mid-p, with the odds ratio, its interval and the least p the margins allow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import flags
from resistance.stats.noncentral import hypergeometric

#: distinct tables remembered: a scan of thousands of markers meets the same few hundred over and over
REMEMBERED = 16_384


@dataclass(frozen=True)
class FisherResult:
    """Fisher's exact test.

    Parameters
    ----------
    table : tuple of int
        exposed with, exposed without, unexposed with, unexposed without the outcome.
    odds_ratio : float
        Conditional maximum likelihood estimate: 0 or infinite where a cell is empty, NaN where a
        margin is.
    ci_low, ci_high : float
        Exact (Clopper-Pearson like) interval of the odds ratio, the bounds that belong to the two
        one-sided tests; with an empty cell one side is 0 or infinite.
    p_value : float
        Two-sided: the tables at most as likely as this one.
    p_value_minimum : float
        Smallest two-sided p that any table with these margins can give.
    p_greater, p_less : float
        One-sided: counts of exposed with the outcome at least, and at most, as large as this one.
    """

    table: tuple[int, int, int, int]
    odds_ratio: float
    ci_low: float
    ci_high: float
    p_value: float
    p_value_minimum: float
    p_greater: float
    p_less: float


@dataclass(frozen=True)
class MidPResult:
    """Fisher's test with the table observed counted by half.

    Parameters
    ----------
    table : tuple of int
        As in :class:`FisherResult`.
    odds_ratio : float
        Median unbiased estimate: both one-sided p are one half there; 0 or infinite where a cell is
        empty, NaN where a margin is.
    ci_low, ci_high : float
        Mid-p interval of the odds ratio.
    p_value : float
        Two-sided: the tables less likely than this one, and half of those equally likely.
    p_value_observed_only : float
        Two-sided, only this table by half, not the ones equally likely.
    p_value_minimum : float
        Smallest `p_value` that any table with these margins can give.
    p_greater, p_less : float
        One-sided.
    """

    table: tuple[int, int, int, int]
    odds_ratio: float
    ci_low: float
    ci_high: float
    p_value: float
    p_value_observed_only: float
    p_value_minimum: float
    p_greater: float
    p_less: float


def fisher(exposed: ArrayLike, outcome: ArrayLike, *, confidence: float = 0.95) -> FisherResult:
    """Test whether an outcome goes with an exposure.

    Parameters
    ----------
    exposed, outcome : array of bool, shape (n,)
        Patients; no missing values.
    confidence : float
        Level of the interval.

    Examples
    --------
    >>> result = fisher([1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0])
    >>> round(result.p_value, 3), result.odds_ratio
    (0.1, inf)
    """
    x = flags(exposed, "exposed")
    y = flags(outcome, "outcome", x.size)
    return fisher_table(int((x & y).sum()), int((x & ~y).sum()), int((~x & y).sum()), int((~x & ~y).sum()), confidence=confidence)


def fisher_table(a: int, b: int, c: int, d: int, *, confidence: float = 0.95) -> FisherResult:
    """Test a 2x2 table given as exposed with / without and unexposed with / without the outcome (see :func:`fisher`).

    Raises
    ------
    ValueError
        Counts that are negative or not whole.
    """
    return _fisher(*counts(a, b, c, d), _level(confidence))


def mid_p(exposed: ArrayLike, outcome: ArrayLike, *, confidence: float = 0.95) -> MidPResult:
    """Test whether an outcome goes with an exposure, by the mid-p of Fisher's test.

    Fisher's p is too large on average, because few tables are possible; counting the table observed by
    half takes this back, at the price that the level is held on average and no longer for certain.

    Parameters
    ----------
    exposed, outcome : array of bool, shape (n,)
        Patients; no missing values.
    confidence : float

    Notes
    -----
    Lancaster 1961, doi:10.1080/01621459.1961.10482105; its interval: Berry and Armitage 1995.

    Examples
    --------
    >>> round(mid_p([1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0]).p_value, 3)
    0.05
    """
    x = flags(exposed, "exposed")
    y = flags(outcome, "outcome", x.size)
    return mid_p_table(int((x & y).sum()), int((x & ~y).sum()), int((~x & y).sum()), int((~x & ~y).sum()), confidence=confidence)


def mid_p_table(a: int, b: int, c: int, d: int, *, confidence: float = 0.95) -> MidPResult:
    """Test a 2x2 table given as exposed with / without and unexposed with / without the outcome (see :func:`mid_p`)."""
    return _mid_p(*counts(a, b, c, d), _level(confidence))


def p_value_minimum(n_exposed: int, n_unexposed: int, n_outcome: int) -> float:
    """Return the smallest two-sided p that any 2x2 table with these margins can give."""
    return _least(n_exposed, n_unexposed, n_outcome, mid=False)


def counts(*cells: int) -> tuple[int, ...]:
    """Return whole numbers, or say which are none."""
    if not all(float(cell).is_integer() for cell in cells):
        raise ValueError(f"counts must be whole numbers: {', '.join(str(cell) for cell in cells)}")
    if min(cells) < 0:
        raise ValueError("counts cannot be negative")
    return tuple(int(cell) for cell in cells)


@lru_cache(REMEMBERED)
def _fisher(a: int, b: int, c: int, d: int, confidence: float) -> FisherResult:
    count = hypergeometric(a + b, c + d, a + c)
    low, high = count.interval(a, confidence)
    return FisherResult(
        table=(a, b, c, d),
        odds_ratio=count.estimate(a),
        ci_low=low,
        ci_high=high,
        p_value=count.two_sided(a),
        p_value_minimum=_least(a + b, c + d, a + c, mid=False),
        p_greater=count.tail(a, upper=True),
        p_less=count.tail(a, upper=False),
    )


@lru_cache(REMEMBERED)
def _mid_p(a: int, b: int, c: int, d: int, confidence: float) -> MidPResult:
    count = hypergeometric(a + b, c + d, a + c)
    low, high = count.interval(a, confidence, mid=True)
    own = float(count.probability()[a - count.low])
    return MidPResult(
        table=(a, b, c, d),
        odds_ratio=count.median_unbiased(a),
        ci_low=low,
        ci_high=high,
        p_value=count.two_sided(a, mid=True),
        p_value_observed_only=count.two_sided(a) - own / 2,
        p_value_minimum=_least(a + b, c + d, a + c, mid=True),
        p_greater=count.tail(a, upper=True, mid=True),
        p_less=count.tail(a, upper=False, mid=True),
    )


@lru_cache(REMEMBERED)
def _least(n_exposed: int, n_unexposed: int, n_outcome: int, *, mid: bool) -> float:
    count = hypergeometric(n_exposed, n_unexposed, n_outcome)
    return count.two_sided(count.low + int(np.argmin(count.log_weight)), mid=mid)


def _level(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is not between 0 and 1")
    return float(confidence)
