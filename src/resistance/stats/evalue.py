"""A ratio with its interval -> the E-value: how strong an unmeasured confounder would have to be to explain it away."""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, isfinite, isnan, log, sqrt
from typing import Literal, get_args

Scale = Literal["risk_ratio", "odds_ratio", "hazard_ratio"]


@dataclass(frozen=True)
class EValueResult:
    """E-values of an estimate and of its interval.

    Parameters
    ----------
    risk_ratio, ci_low, ci_high : float
        The estimate and its interval, turned into a risk ratio where they were something else.
    e_value : float
        Least risk ratio with which an unmeasured confounder would have to go with both the exposure and
        the outcome, beyond the covariates measured, to explain the estimate away; 1 needs none.
    e_value_limit : float
        The same for the end of the interval next to 1: 1 where the interval holds 1.
    """

    risk_ratio: float
    ci_low: float
    ci_high: float
    e_value: float
    e_value_limit: float


def e_value(estimate: float, ci_low: float, ci_high: float, *, scale: Scale = "risk_ratio", common: bool = True) -> EValueResult:
    """Return the E-value of a ratio and of its interval.

    Parameters
    ----------
    estimate, ci_low, ci_high : float
        Ratio (not its logarithm) and interval; 0 and infinity are allowed, NaN gives NaN.
    scale : {'risk_ratio', 'odds_ratio', 'hazard_ratio'}
    common : bool
        The outcome befalls more than about 15 % by the end of follow-up, so that an odds ratio or hazard
        ratio is further from 1 than the risk ratio and is converted (the square root of the odds ratio).
        Response and progression in trials are common.  No matter for a risk ratio.

    Raises
    ------
    ValueError
        A negative ratio, bounds on the wrong side of the estimate, another scale.

    Notes
    -----
    VanderWeele and Ding 2017, doi:10.7326/M16-2607; conversions VanderWeele 2017, doi:10.1097/EDE.0000000000000733,
    and 2020, doi:10.1111/biom.13197.  A large E-value is no proof: it says what would be needed, not what there is.

    Examples
    --------
    >>> found = e_value(3.9, 1.8, 8.7)
    >>> round(found.e_value, 2), round(found.e_value_limit, 2)
    (7.26, 3.0)
    """
    if scale not in get_args(Scale):
        raise ValueError(f"scale: {scale!r} is none of {', '.join(get_args(Scale))}")
    for name, value in (("estimate", estimate), ("ci_low", ci_low), ("ci_high", ci_high)):
        if value < 0:
            raise ValueError(f"{name}: a ratio cannot be negative (is {value} a logarithm?)")
    if ci_low > estimate or ci_high < estimate:
        raise ValueError(f"the interval {ci_low} to {ci_high} does not hold the estimate {estimate}")
    convert = {"risk_ratio": float, "odds_ratio": sqrt, "hazard_ratio": _of_hazard_ratio}[scale if common else "risk_ratio"]
    ratio, low, high = convert(estimate), convert(ci_low), convert(ci_high)
    if isnan(ratio):
        return EValueResult(ratio, low, high, ratio, ratio)
    limit = low if ratio >= 1 else high
    crossed = limit <= 1 if ratio >= 1 else limit >= 1
    return EValueResult(ratio, low, high, _needed(ratio), 1.0 if crossed else _needed(limit))


def _needed(ratio: float) -> float:
    """Return the confounding that makes this ratio of 1."""
    if isnan(ratio):
        return ratio
    if ratio < 1:
        ratio = 1 / ratio if ratio > 0 else float("inf")
    return ratio + sqrt(ratio) * sqrt(ratio - 1) if isfinite(ratio) else ratio


def _of_hazard_ratio(ratio: float) -> float:
    """Return the risk ratio (1 - 0.5 ** sqrt(HR)) / (1 - 0.5 ** sqrt(1 / HR))."""
    if isnan(ratio) or ratio in (0.0, float("inf")):
        return ratio
    root = sqrt(ratio)
    return expm1(-log(2) * root) / expm1(-log(2) / root)
