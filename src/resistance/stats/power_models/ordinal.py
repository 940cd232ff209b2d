"""An odds ratio and shares of ordered categories -> power of the proportional-odds (Wilcoxon) test, what is detectable, patients needed."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.power_models.normal import checked_ratio, detectable_ratio, fraction, number_needed, power_of


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
    return power_of(abs(log(checked_ratio(odds_ratio, "odds_ratio"))) * sqrt(information), alpha)


def patients_ordinal(
    odds_ratio: float, proportions: ArrayLike, prevalence: float, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the smallest number of patients, `prevalence` of them carriers, with this power (see :func:`power_ordinal`).

    Notes
    -----
    Whitehead's formula (his equation 3), which counts N in place of (N + 1)^2 / N.

    Examples
    --------
    >>> patients_ordinal(2.0, [0.25, 0.25, 0.25, 0.25], 0.5)
    210
    """
    share = fraction(prevalence, "prevalence")
    scale = share * (1 - share) / 3 * (1 - float((_proportions(proportions) ** 3).sum()))
    return number_needed(scale * log(checked_ratio(odds_ratio, "odds_ratio")) ** 2, power, alpha)


def detectable_ordinal(
    proportions: ArrayLike, n_exposed: float, n_unexposed: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the common odds ratio above 1 with this power (its inverse likewise); NaN without a group (see :func:`power_ordinal`)."""
    return detectable_ratio(_ordinal_information(proportions, n_exposed, n_unexposed), power, alpha)


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
    unexposed, share = _proportions(proportions), fraction(prevalence, "prevalence")
    below = np.minimum(1.0, np.cumsum(unexposed)[:-1])
    moved = checked_ratio(odds_ratio, "odds_ratio") * below / (1 + (odds_ratio - 1) * below)
    exposed = np.diff(np.concatenate([[0.0], moved, [1.0]]))
    return np.asarray(share * exposed + (1 - share) * unexposed)


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
