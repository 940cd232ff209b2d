"""Weights of a count when the odds ratio is 1 -> its distribution at any odds ratio: estimate, tails, exact and mid-p interval.

The count of exposed patients with the outcome, all margins given, has these weights: hypergeometric in one
2x2 table, their convolution in a stack of tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import FloatArray

#: tables equally likely in exact arithmetic differ in the last bits; the tolerance is R's
EQUALLY_LIKELY = 1e-7


@dataclass(frozen=True)
class NoncentralCount:
    """A count with weights ``w_x ratio**x``, x = low .. low + len - 1.

    Parameters
    ----------
    low : int
        Least count that the margins allow.
    log_weight : array
        Logarithms of the probabilities at odds ratio 1.
    """

    low: int
    log_weight: FloatArray

    @property
    def high(self) -> int:
        """Greatest count that the margins allow."""
        return self.low + self.log_weight.size - 1

    def probability(self, log_ratio: float = 0.0) -> FloatArray:
        """Return the probability of each count."""
        if self.log_weight.size == 1:
            return np.ones(1)
        logs = self.log_weight + log_ratio * np.arange(self.log_weight.size)
        weight = np.exp(logs - logs.max())
        return np.asarray(weight / weight.sum())

    def two_sided(self, observed: int, *, mid: bool = False) -> float:
        """Return the probability of the counts at most as likely as this one (those equally likely by half if `mid`)."""
        probability = self.probability()
        own = probability[observed - self.low]
        rarer = probability <= own * (1 + EQUALLY_LIKELY)
        total = float(probability[rarer].sum())
        if mid:
            total -= float(probability[rarer & (probability >= own * (1 - EQUALLY_LIKELY))].sum()) / 2
        return min(1.0, total)

    def tail(self, observed: int, log_ratio: float = 0.0, *, upper: bool, mid: bool = False) -> float:
        """Return P(count >= observed) if `upper`, else P(count <= observed); the count observed by half if `mid`."""
        probability, at = self.probability(log_ratio), observed - self.low
        total = float(probability[at:].sum() if upper else probability[: at + 1].sum())
        return min(1.0, total) - (float(probability[at]) / 2 if mid else 0.0)

    def estimate(self, observed: int) -> float:
        """Return the conditional maximum likelihood estimate of the odds ratio; NaN where the margins fix the count."""
        if self.low == self.high:
            return float("nan")
        if observed == self.low:
            return 0.0
        if observed == self.high:
            return float("inf")
        counts = np.arange(self.low, self.high + 1)
        return _solve(lambda ratio: float(self.probability(ratio) @ counts) - observed)

    def median_unbiased(self, observed: int) -> float:
        """Return the odds ratio at which the mid-p of both sides is one half."""
        if observed in (self.low, self.high):
            return self.estimate(observed)
        return self._bound(observed, 0.5, upper=True, mid=True)

    def interval(self, observed: int, confidence: float = 0.95, *, mid: bool = False) -> tuple[float, float]:
        """Return the odds ratios that leave half of 1 - `confidence` in each tail; 0 and infinite where nothing bounds them."""
        if self.low == self.high:
            return 0.0, float("inf")
        alpha = (1 - confidence) / 2
        return self._bound(observed, alpha, upper=True, mid=mid), self._bound(observed, alpha, upper=False, mid=mid)

    def _bound(self, observed: int, alpha: float, *, upper: bool, mid: bool) -> float:
        if observed == (self.low if upper else self.high):
            return 0.0 if upper else float("inf")
        sign = 1 if upper else -1
        return _solve(lambda ratio: sign * (self.tail(observed, ratio, upper=upper, mid=mid) - alpha))


def hypergeometric(n_exposed: int, n_unexposed: int, n_outcome: int) -> NoncentralCount:
    """Return the count of exposed patients with the outcome in a 2x2 table with these margins."""
    from scipy.special import gammaln

    low, high = max(0, n_outcome - n_unexposed), min(n_exposed, n_outcome)
    if low == high:  # one table is possible; the quotient of factorials would be 1 only up to rounding
        return NoncentralCount(low, np.zeros(1))
    x = np.arange(low, high + 1)
    cells = np.stack([x, n_exposed - x, n_outcome - x, n_unexposed - n_outcome + x])
    margins = np.array([n_exposed, n_unexposed, n_outcome, n_exposed + n_unexposed - n_outcome])
    constant = gammaln(margins + 1).sum() - gammaln(n_exposed + n_unexposed + 1)
    return NoncentralCount(low, np.asarray(constant - gammaln(cells + 1).sum(axis=0)))


def convolved(parts: list[NoncentralCount]) -> NoncentralCount:
    """Return the sum of independent counts."""
    low, total = 0, np.zeros(1)
    for part in parts:
        low += part.low
        longer, shorter = (total, part.log_weight) if total.size >= part.log_weight.size else (part.log_weight, total)
        total = np.full(longer.size + shorter.size - 1, -np.inf)
        # by logarithms: the ends of large strata are below the smallest number, and they are what decides there
        for shift, weight in enumerate(shorter):
            here = slice(shift, shift + longer.size)
            total[here] = np.logaddexp(total[here], longer + weight)
    return NoncentralCount(low, total)


def _solve(rising: Callable[[float], float]) -> float:
    """Return the ratio at whose logarithm a rising function is 0."""
    from scipy.optimize import brentq

    reach = 1.0
    while rising(-reach) > 0 or rising(reach) < 0:
        reach *= 2
        if reach > 700:
            return 0.0 if rising(-reach) > 0 else float("inf")
    return float(np.exp(brentq(rising, -reach, reach, xtol=1e-13, rtol=1e-14)))
