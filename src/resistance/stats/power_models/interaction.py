"""A ratio of ratios -> power of the test of marker x treatment, what is detectable, events needed."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, nan, sqrt

import numpy as np

from resistance.stats.power_models.normal import (
    checked_ratio,
    detectable_ratio,
    fraction,
    information_of,
    number_needed,
    power_of,
)


def power_interaction_survival(ratio: float, prevalence: float, arm: float, events: float, *, alpha: float = 0.05) -> float:
    """Return the power of the Cox test of marker x treatment.

    Parameters
    ----------
    ratio : float
        Hazard ratio of the treatment in carriers over that in the others.
    prevalence : float
        Fraction of carriers.
    arm : float
        Fraction in the treatment arm.
    events : float
        Events in all patients, taken to fall into the four groups like the patients.
    alpha : float

    Notes
    -----
    Peterson and George 1993, doi:10.1016/0197-2456(93)90041-9; Schmoor, Sauerbrei and Schumacher 2000,
    doi:10.1002/(SICI)1097-0258(20000229)19:4<441::AID-SIM349>3.0.CO;2-N.  With equal arms an interaction needs four
    times the events that the marker's own effect of the same size needs.

    Examples
    --------
    >>> round(power_interaction_survival(2.0, 0.2, 0.5, 410), 3)
    0.802
    """
    information = _interaction_information(prevalence, arm, events)
    return power_of(abs(log(checked_ratio(ratio, "ratio"))) * sqrt(information), alpha)


def events_interaction_survival(
    ratio: float, prevalence: float, arm: float = 0.5, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of events with this power (see :func:`power_interaction_survival`)."""
    return number_needed(_interaction_information(prevalence, arm, 1) * log(checked_ratio(ratio, "ratio")) ** 2, power, alpha)


def detectable_interaction_survival(
    prevalence: float, arm: float, events: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the ratio of hazard ratios, above 1, with this power (see :func:`power_interaction_survival`)."""
    return detectable_ratio(_interaction_information(prevalence, arm, events), power, alpha)


def power_interaction_binary(probabilities: Sequence[float], numbers: Sequence[float], *, alpha: float = 0.05) -> float:
    """Return the power of the Wald test of marker x treatment on a binary outcome.

    Parameters
    ----------
    probabilities : sequence of 4 floats
        Of the outcome: others in control, others in treatment, carriers in control, carriers in treatment.
    numbers : sequence of 4 floats
        Patients in the same order.
    alpha : float

    Returns
    -------
    float
        NaN where a group is empty or its probability is 0 or 1 (no finite odds ratio).

    Notes
    -----
    The variance of the log ratio of odds ratios is the sum of 1 / (n p (1 - p)) of the four groups; Demidenko 2008,
    doi:10.1002/sim.2980.

    Examples
    --------
    >>> round(power_interaction_binary([0.3, 0.6, 0.3, 0.3], [80, 80, 40, 40]), 3)
    0.563
    """
    p, n = np.asarray(probabilities, dtype=np.float64), np.asarray(numbers, dtype=np.float64)
    if p.shape != (4,) or n.shape != (4,):
        raise ValueError("probabilities, numbers: four groups are needed")
    if not ((p >= 0) & (p <= 1)).all() or not (n >= 0).all():
        raise ValueError("probabilities: outside 0..1, or numbers: negative")
    weight = n * p * (1 - p)
    if (weight == 0).any():
        return nan
    logit = np.log(p / (1 - p))
    effect = (logit[3] - logit[2]) - (logit[1] - logit[0])
    return power_of(abs(float(effect)) / sqrt(float((1 / weight).sum())), alpha)


def _interaction_information(prevalence: float, arm: float, events: float) -> float:
    share = fraction(arm, "arm")
    return information_of(sqrt(fraction(prevalence, "prevalence") * (1 - prevalence) * share * (1 - share)), events, 0.0)
