"""A planned effect, numbers and a level -> the power of a regression's test, or the effect or number that has the power.

Every function here is the normal (or t) approximation of a score or Wald test: right for planning with tens of
carriers and events, optimistic with fewer; there the exact (`power_proportions`) and simulated (`power_simulation`)
power are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, inf, log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray


def events_log_rank(hazard_ratio: float, prevalence: float, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return the events that a binary marker's hazard ratio needs; None where no number suffices (ratio 1, no carriers).

    See :func:`resistance.stats.power.power_log_rank` (Schoenfeld 1983, doi:10.2307/2531021).

    Examples
    --------
    >>> events_log_rank(2, 0.2)
    103
    """
    return events_cox(hazard_ratio, sqrt(_fraction(prevalence, "prevalence") * (1 - prevalence)), power=power, alpha=alpha)


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
    information = _information(spread, events, r_squared)
    return _power(abs(log(_ratio(hazard_ratio, "hazard_ratio"))) * sqrt(information), alpha)


def events_cox(
    hazard_ratio: float, spread: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of events with this power (see :func:`power_cox`)."""
    per_event = _information(spread, 1, r_squared) * log(_ratio(hazard_ratio, "hazard_ratio")) ** 2
    return _number(per_event, power, alpha)


def detectable_cox(spread: float, events: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the hazard ratio per unit, above 1, with this power (its inverse likewise); NaN without events (see :func:`power_cox`)."""
    return _ratio_of(_information(spread, events, r_squared), power, alpha)


def power_ordinal(
    odds_ratio: float, proportions: ArrayLike, n_exposed: float, n_unexposed: float, *, alpha: float = 0.05
) -> float:
    """Return the power of the Wilcoxon (proportional-odds) test of two groups on an ordinal outcome.

    Parameters
    ----------
    odds_ratio : float
        Common odds ratio of all cuts.
    proportions : array, shape (c,)
        Share of each category, of both groups together (:func:`mixed_proportions`); adds up to 1.
    n_exposed, n_unexposed : float
    alpha : float
        Two-sided level.

    Notes
    -----
    Whitehead 1993, doi:10.1002/sim.4780122404.  With two categories it is the test of two proportions.

    Examples
    --------
    >>> round(power_ordinal(2.5, [0.2, 0.3, 0.3, 0.2], 40, 80), 3)
    0.743
    """
    information = _ordinal_information(proportions, n_exposed, n_unexposed)
    return _power(abs(log(_ratio(odds_ratio, "odds_ratio"))) * sqrt(information), alpha)


def patients_ordinal(
    odds_ratio: float, proportions: ArrayLike, prevalence: float, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of patients, `prevalence` of them carriers, with this power (see :func:`power_ordinal`).

    Notes
    -----
    Whitehead's formula (his equation 3), which counts N in place of (N + 1)^2 / N.
    """
    share = _fraction(prevalence, "prevalence")
    scale = share * (1 - share) / 3 * (1 - float((_proportions(proportions) ** 3).sum()))
    return _number(scale * log(_ratio(odds_ratio, "odds_ratio")) ** 2, power, alpha)


def detectable_ordinal(
    proportions: ArrayLike, n_exposed: float, n_unexposed: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the common odds ratio above 1 with this power (its inverse likewise); NaN without a group (see :func:`power_ordinal`)."""
    return _ratio_of(_ordinal_information(proportions, n_exposed, n_unexposed), power, alpha)


def mixed_proportions(proportions: ArrayLike, odds_ratio: float, prevalence: float) -> FloatArray:
    """Return the categories' shares of both groups together.

    Parameters
    ----------
    proportions : array, shape (c,)
        Shares among the unexposed, from the category that a ratio above 1 makes more frequent.
    odds_ratio : float
        Multiplies the odds of being in that category or a lower-numbered one.
    prevalence : float
        Share of the exposed.

    Examples
    --------
    >>> mixed_proportions([0.5, 0.5], 3.0, 0.5).tolist()
    [0.625, 0.375]
    """
    unexposed, share = _proportions(proportions), _fraction(prevalence, "prevalence")
    below = np.minimum(1.0, np.cumsum(unexposed)[:-1])
    moved = _ratio(odds_ratio, "odds_ratio") * below / (1 + (odds_ratio - 1) * below)
    exposed = np.diff(np.concatenate([[0.0], moved, [1.0]]))
    return np.asarray(share * exposed + (1 - share) * unexposed)


def power_two_means(shift: float, n_exposed: int, n_unexposed: int, *, alpha: float = 0.05) -> float:
    """Return the power of Student's two-sided t-test.

    Parameters
    ----------
    shift : float
        Difference of the means in standard deviations within the groups.
    n_exposed, n_unexposed : int
        NaN is returned with an empty group or fewer than 3 patients.
    alpha : float

    Notes
    -----
    Non-central t; both tails.

    Examples
    --------
    >>> round(power_two_means(0.5, 64, 64), 4)
    0.8015
    """
    from scipy.special import nctdtr
    from scipy.stats import t

    freedom = n_exposed + n_unexposed - 2
    if min(n_exposed, n_unexposed) < 1 or freedom < 1:
        return nan
    bound = float(t.isf(_level(alpha) / 2, freedom))
    centre = abs(shift) * sqrt(n_exposed * n_unexposed / (n_exposed + n_unexposed))
    with np.errstate(all="ignore"):
        # nctdtr has NaN far out in its tails, where the probability is 0 or 1
        upper, lower = (float(nctdtr(freedom, centre, sign * bound)) for sign in (1, -1))
    upper = (0.0 if centre > bound else 1.0) if upper != upper else upper
    lower = 0.0 if lower != lower else lower
    return min(1.0, max(0.0, 1 - upper + lower))


def detectable_shift(n_exposed: int, n_unexposed: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the difference of means, in standard deviations, with this power; NaN with an empty group (see :func:`power_two_means`)."""
    from scipy.optimize import brentq

    _level(power, "power")
    if not power > _level(alpha):
        return 0.0
    if not power_two_means(0.0, n_exposed, n_unexposed, alpha=alpha) < power:
        return nan
    far = 1.0
    while power_two_means(far, n_exposed, n_unexposed, alpha=alpha) < power:
        far *= 2
    found = brentq(lambda shift: power_two_means(shift, n_exposed, n_unexposed, alpha=alpha) - power, 0.0, far, xtol=1e-12)
    return float(found)


def patients_two_means(shift: float, prevalence: float, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return the smallest number of patients, ``round(prevalence * n)`` of them carriers, with this power; None for no shift."""
    share = _fraction(prevalence, "prevalence")
    if shift == 0 or share in (0.0, 1.0):
        return None

    def short(n: int) -> bool:
        carriers = round(share * n)
        return not power_two_means(shift, carriers, n - carriers, alpha=alpha) >= power  # NaN is short too

    # the normal approximation is never above the t-test's number; rounding of the carriers makes steps
    n = max(3, int(0.9 * (_number(share * (1 - share) * shift**2, power, alpha) or 3)) - 4)
    while short(n):
        n += 1
    return n


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
    information = _information(sqrt(_fraction(outcome, "outcome") * (1 - outcome)), n, r_squared)
    return _power(abs(log(_ratio(odds_ratio, "odds_ratio"))) * sqrt(information), alpha)


def patients_logistic_continuous(
    odds_ratio: float, outcome: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of patients with this power (see :func:`power_logistic_continuous`)."""
    per_patient = _information(sqrt(_fraction(outcome, "outcome") * (1 - outcome)), 1, r_squared)
    return _number(per_patient * log(_ratio(odds_ratio, "odds_ratio")) ** 2, power, alpha)


def detectable_logistic_continuous(
    outcome: float, n: float, *, r_squared: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the odds ratio per standard deviation, above 1, with this power (see :func:`power_logistic_continuous`)."""
    return _ratio_of(_information(sqrt(_fraction(outcome, "outcome") * (1 - outcome)), n, r_squared), power, alpha)


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
    return _power(abs(log(_ratio(ratio, "ratio"))) * sqrt(information), alpha)


def events_interaction_survival(
    ratio: float, prevalence: float, arm: float = 0.5, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of events with this power (see :func:`power_interaction_survival`)."""
    return _number(_interaction_information(prevalence, arm, 1) * log(_ratio(ratio, "ratio")) ** 2, power, alpha)


def detectable_interaction_survival(
    prevalence: float, arm: float, events: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the ratio of hazard ratios, above 1, with this power (see :func:`power_interaction_survival`)."""
    return _ratio_of(_interaction_information(prevalence, arm, events), power, alpha)


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
    return _power(abs(float(effect)) / sqrt(float((1 / weight).sum())), alpha)


def level_false_discovery(tests: int, true_effects: float, *, rate: float = 0.05, power: float = 0.8) -> float:
    """Return the level of a single test at which a family of tests has this false discovery rate.

    Parameters
    ----------
    tests : int
        All tests of the family.
    true_effects : float
        How many of them are expected to have the planned effect.
    rate : float
        False discovery rate.
    power : float
        Of each test with an effect.

    Returns
    -------
    float
        Never below Bonferroni's ``rate / tests``, never above `rate`.

    Notes
    -----
    Jung 2005, doi:10.1093/bioinformatics/bti456: expected true calls times f / ((1 - f) m0).

    Examples
    --------
    >>> round(level_false_discovery(4000, 40, rate=0.01, power=0.6), 6)
    6.1e-05
    """
    if tests < 1:
        raise ValueError("tests: at least one is needed")
    if not 0 <= true_effects <= tests:
        raise ValueError("true_effects: outside 0..tests")
    _level(rate, "rate")
    _level(power, "power")
    null = tests - true_effects
    level = rate if null == 0 else true_effects * power * rate / (null * (1 - rate))
    return float(min(rate, max(rate / tests, level)))


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


def _power(shift: float, alpha: float) -> float:
    from scipy.stats import norm

    # the negligible wrong tail is left out, as in the papers
    return float(norm.cdf(shift - norm.isf(_level(alpha) / 2)))


def _needed(power: float, alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(_level(alpha) / 2) + norm.ppf(_level(power, "power")))


def _number(per_unit: float, power: float, alpha: float) -> int | None:
    needed = max(0.0, _needed(power, alpha)) ** 2
    if per_unit == 0:
        return None
    # a whole number that only rounding makes larger is that number
    return ceil(needed / per_unit * (1 - 1e-12))


def _ratio_of(information: float, power: float, alpha: float) -> float:
    needed = max(0.0, _needed(power, alpha))
    if information == 0:
        return nan
    with np.errstate(over="ignore"):
        return float(np.exp(needed / sqrt(information)))


def _information(spread: float, count: float, r_squared: float) -> float:
    if not 0 <= spread < inf:
        raise ValueError("spread: negative or infinite")
    if not 0 <= count < inf:
        raise ValueError("events: negative or infinite")
    if not 0 <= r_squared < 1:
        raise ValueError("r_squared: outside [0, 1)")
    return float(count * spread**2 * (1 - r_squared))


def _interaction_information(prevalence: float, arm: float, events: float) -> float:
    share = _fraction(arm, "arm")
    return _information(sqrt(_fraction(prevalence, "prevalence") * (1 - prevalence) * share * (1 - share)), events, 0.0)


def _ordinal_information(proportions: ArrayLike, n_exposed: float, n_unexposed: float) -> float:
    if not (0 <= n_exposed < inf and 0 <= n_unexposed < inf):
        raise ValueError("n_exposed, n_unexposed: negative or infinite")
    n = n_exposed + n_unexposed
    return float(n_exposed * n_unexposed * n / (3 * (n + 1) ** 2) * (1 - (_proportions(proportions) ** 3).sum()))


def _proportions(values: ArrayLike) -> FloatArray:
    p = np.asarray(values, dtype=np.float64)
    if p.ndim != 1 or p.size < 2 or not ((p >= 0) & (p <= 1)).all() or abs(p.sum() - 1) > 1e-6:
        raise ValueError("proportions: at least two shares of 0..1 that add up to 1 are needed")
    return np.asarray(p / p.sum())


def _fraction(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: outside 0..1")
    return float(value)


def _level(value: float, name: str = "alpha") -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name}: outside 0..1")
    return float(value)


def _ratio(value: float, name: str) -> float:
    if not 0 < value < inf:
        raise ValueError(f"{name}: must be positive and finite")
    return float(value)
