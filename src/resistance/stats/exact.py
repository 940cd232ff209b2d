"""A 2x2 table -> Fisher's exact test with the conditional odds ratio, its exact interval and the least p the margins allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, flags


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
    """

    table: tuple[int, int, int, int]
    odds_ratio: float
    ci_low: float
    ci_high: float
    p_value: float
    p_value_minimum: float


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
    """Test a 2x2 table given as exposed with / without and unexposed with / without the outcome (see :func:`fisher`)."""
    from scipy.stats.contingency import odds_ratio

    if min(a, b, c, d) < 0:
        raise ValueError("counts cannot be negative")
    low, probability = _conditional(a + b, c + d, a + c)
    p_value = _two_sided(probability, a - low)
    minimum = _two_sided(probability, int(np.argmin(probability)))
    if min(a + b, c + d, a + c, b + d) == 0:
        return FisherResult((a, b, c, d), float("nan"), 0.0, float("inf"), p_value, minimum)
    estimate = odds_ratio([[a, b], [c, d]], kind="conditional")
    interval = estimate.confidence_interval(confidence_level=confidence)
    return FisherResult((a, b, c, d), float(estimate.statistic), float(interval.low), float(interval.high), p_value, minimum)


def p_value_minimum(n_exposed: int, n_unexposed: int, n_outcome: int) -> float:
    """Return the smallest two-sided p that any 2x2 table with these margins can give."""
    _, probability = _conditional(n_exposed, n_unexposed, n_outcome)
    return _two_sided(probability, int(np.argmin(probability)))


def _conditional(n_exposed: int, n_unexposed: int, n_outcome: int) -> tuple[int, FloatArray]:
    """Return the least count of exposed with the outcome, and the probability of each count from there on."""
    from scipy.stats import hypergeom

    total = n_exposed + n_unexposed
    low, high = max(0, n_outcome - n_unexposed), min(n_exposed, n_outcome)
    if low == high:  # one table is possible; the quotient of factorials would be 1 only up to rounding
        return low, np.ones(1)
    return low, np.atleast_1d(hypergeom.pmf(np.arange(low, high + 1), total, n_exposed, n_outcome))


def _two_sided(probability: FloatArray, observed: int) -> float:
    # tables equally likely in exact arithmetic differ in the last bits; the tolerance is R's
    return float(min(1.0, probability[probability <= probability[observed] * (1 + 1e-7)].sum()))
