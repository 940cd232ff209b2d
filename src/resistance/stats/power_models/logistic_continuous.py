"""An odds ratio per standard deviation of a number -> power in a logistic model, what is detectable, patients needed."""

from __future__ import annotations

from math import log, sqrt

from resistance.stats.power_models.normal import (
    checked_ratio,
    detectable_ratio,
    fraction,
    information_of,
    number_needed,
    power_of,
)


def power_logistic_continuous(
    odds_ratio: float, outcome: float, n: float, *, r_squared: float = 0.0, alpha: float = 0.05
) -> float:
    """Return the power of a continuous marker in a logistic model.

    Parameters
    ----------
    odds_ratio : float
        Per standard deviation of the marker.
    outcome : float
        Probability of the outcome at the marker's mean.
    n : float
        Patients.
    r_squared : float
        Share of the marker's variance that the other columns explain.
    alpha : float

    Notes
    -----
    Hsieh, Bloch and Larsen 1998, doi:10.1002/(SICI)1097-0258(19980730)17:14<1623::AID-SIM871>3.0.CO;2-S.

    Examples
    --------
    >>> round(power_logistic_continuous(1.5, 0.5, 191), 2)
    0.8
    """
    information = information_of(sqrt(fraction(outcome, "outcome") * (1 - outcome)), n, r_squared, "n")
    return power_of(abs(log(checked_ratio(odds_ratio, "odds_ratio"))) * sqrt(information), alpha)


def patients_logistic_continuous(
    odds_ratio: float, outcome: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of patients with this power (see :func:`power_logistic_continuous`)."""
    per_patient = information_of(sqrt(fraction(outcome, "outcome") * (1 - outcome)), 1, r_squared)
    return number_needed(per_patient * log(checked_ratio(odds_ratio, "odds_ratio")) ** 2, power, alpha)


def detectable_logistic_continuous(
    outcome: float, n: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the odds ratio per standard deviation, above 1, with this power (see :func:`power_logistic_continuous`)."""
    return detectable_ratio(information_of(sqrt(fraction(outcome, "outcome") * (1 - outcome)), n, r_squared, "n"), power, alpha)
