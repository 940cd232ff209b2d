"""The information on one coefficient -> power of its Wald or score test, the number needed, the ratio that is detectable."""

from __future__ import annotations

from math import ceil, inf, nan, sqrt

import numpy as np


def power_of(shift: float, alpha: float) -> float:
    """Return the power of a two-sided test whose statistic is expected at `shift` standard errors."""
    from scipy.stats import norm

    # the negligible wrong tail is left out, as in the papers
    return float(norm.cdf(shift - norm.isf(checked_level(alpha) / 2)))


def _needed(power: float, alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(checked_level(alpha) / 2) + norm.ppf(checked_level(power, "power")))


def number_needed(per_unit: float, power: float, alpha: float) -> int | None:
    """Return the smallest number (of patients or events) whose information has this power; None where each adds none."""
    needed = max(0.0, _needed(power, alpha)) ** 2
    if per_unit == 0:
        return None
    # a whole number that only rounding makes larger is that number
    return ceil(needed / per_unit * (1 - 1e-12))


def detectable_ratio(information: float, power: float, alpha: float) -> float:
    """Return the ratio above 1 that is found with this power; NaN without information."""
    needed = max(0.0, _needed(power, alpha))
    if information == 0:
        return nan
    with np.errstate(over="ignore"):
        return float(np.exp(needed / sqrt(information)))


def information_of(spread: float, count: float, r_squared: float, name: str = "events") -> float:
    """Return the information on a coefficient: count times the variance that other columns leave of its column."""
    if not 0 <= spread < inf:
        raise ValueError("spread: negative or infinite")
    if not 0 <= count < inf:
        raise ValueError(f"{name}: negative or infinite")
    if not 0 <= r_squared < 1:
        raise ValueError("r_squared: outside [0, 1)")
    return float(count * spread**2 * (1 - r_squared))


def fraction(value: float, name: str) -> float:
    """Return a number of 0..1, or refuse it by its name."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: outside 0..1")
    return float(value)


def checked_level(value: float, name: str = "alpha") -> float:
    """Return a number between 0 and 1, or refuse it by its name."""
    if not 0 < value < 1:
        raise ValueError(f"{name}: outside 0..1")
    return float(value)


def checked_ratio(value: float, name: str) -> float:
    """Return a positive and finite number, or refuse it by its name."""
    if not 0 < value < inf:
        raise ValueError(f"{name}: must be positive and finite")
    return float(value)
