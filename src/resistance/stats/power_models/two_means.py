"""A difference of means in standard deviations -> power of the t-test, what is detectable, patients needed."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np

from resistance.stats.power_models.normal import checked_level, fraction, number_needed


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
    bound = float(t.isf(checked_level(alpha) / 2, freedom))
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

    checked_level(power, "power")
    if not power > checked_level(alpha):
        return 0.0
    if not power_two_means(0.0, n_exposed, n_unexposed, alpha=alpha) < power:
        return nan
    far = 1.0
    while power_two_means(far, n_exposed, n_unexposed, alpha=alpha) < power:
        far *= 2
    found = brentq(lambda shift: power_two_means(shift, n_exposed, n_unexposed, alpha=alpha) - power, 0.0, far, xtol=1e-12)
    return float(found)


def patients_two_means(shift: float, prevalence: float, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return the smallest number of patients, ``round(prevalence * n)`` of them carriers, with this power; None for no shift.

    Examples
    --------
    >>> round(patients_two_means(0.5, 0.5))
    128
    """
    share = fraction(prevalence, "prevalence")
    if shift == 0 or share in (0.0, 1.0):
        return None

    def short(n: int) -> bool:
        carriers = round(share * n)
        return not power_two_means(shift, carriers, n - carriers, alpha=alpha) >= power  # NaN is short too

    # the normal approximation is never above the t-test's number; rounding of the carriers makes steps
    n = max(3, int(0.9 * (number_needed(share * (1 - share) * shift**2, power, alpha) or 3)) - 4)
    while short(n):
        n += 1
    return n
