"""A hazard ratio, a marker's spread and events -> power of the Cox and log-rank tests, what is detectable, events needed and expected."""

from __future__ import annotations

from math import exp, inf, log, sqrt

import numpy as np

from resistance.stats.power_models.normal import (
    checked_ratio,
    detectable_ratio,
    fraction,
    information_of,
    number_needed,
    power_of,
)


def events_log_rank(hazard_ratio: float, prevalence: float, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return the events that a binary marker's hazard ratio needs; None where no number suffices (ratio 1, no carriers).

    See :func:`resistance.stats.power.power_log_rank` (Schoenfeld 1983, doi:10.2307/2531021).

    Examples
    --------
    >>> events_log_rank(2, 0.2)
    103
    """
    return events_cox(hazard_ratio, sqrt(fraction(prevalence, "prevalence") * (1 - prevalence)), power=power, alpha=alpha)


def power_cox(hazard_ratio: float, spread: float, events: float, *, r_squared: float = 0.0, alpha: float = 0.05) -> float:
    """Return the power of the Cox test of one column, of any kind, among others.

    Parameters
    ----------
    hazard_ratio : float
        Per unit of the column.
    spread : float
        Its standard deviation (of a binary marker ``sqrt(prevalence * (1 - prevalence))``).
    events : float
    r_squared : float
        Share of the column's variance that the other columns explain (COO, IPI), in [0, 1).
    alpha : float
        Two-sided level.

    Notes
    -----
    Hsieh and Lavori 2000, doi:10.1016/S0197-2456(00)00104-5.

    Examples
    --------
    >>> round(power_cox(1.5, 1.0, 50), 3)
    0.818
    """
    information = information_of(spread, events, r_squared)
    return power_of(abs(log(checked_ratio(hazard_ratio, "hazard_ratio"))) * sqrt(information), alpha)


def events_cox(
    hazard_ratio: float, spread: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of events with this power (see :func:`power_cox`).

    Examples
    --------
    >>> round(events_cox(2.0, 0.5), 1)
    66
    """
    per_event = information_of(spread, 1, r_squared) * log(checked_ratio(hazard_ratio, "hazard_ratio")) ** 2
    return number_needed(per_event, power, alpha)


def detectable_cox(spread: float, events: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the hazard ratio per unit, above 1, with this power (its inverse likewise); NaN without events (see :func:`power_cox`).

    Examples
    --------
    >>> round(detectable_cox(0.5, events_cox(2.0, 0.5)), 3)
    1.993
    """
    return detectable_ratio(information_of(spread, events, r_squared), power, alpha)


def expected_events(n: float, hazard: float, *, accrual: float, follow_up: float, loss: float = 0.0) -> float:
    """Return the events expected at the end of a study.

    Parameters
    ----------
    n : float
        Patients.
    hazard : float
        Events per patient and unit of time (``log(2) / median``).
    accrual, follow_up : float
        Duration of a steady accrual, and of the follow-up after the last patient; same unit.
    loss : float
        Hazard of being lost to follow-up.

    Notes
    -----
    Exponential times; Lachin and Foulkes 1986, doi:10.2307/2531201.

    Examples
    --------
    >>> round(expected_events(100, 0.0693, accrual=0, follow_up=10), 1)
    50.0
    """
    for name, value in (("n", n), ("hazard", hazard), ("accrual", accrual), ("follow_up", follow_up), ("loss", loss)):
        if not 0 <= value < inf:
            raise ValueError(f"{name}: negative or infinite")
    total = hazard + loss
    if hazard == 0:
        return 0.0
    # mean over the accrual of exp(-total * time under observation)
    still = exp(-total * follow_up) * (-np.expm1(-total * accrual) / (total * accrual) if accrual > 0 else 1.0)
    return float(n * hazard / total * (1 - still))
