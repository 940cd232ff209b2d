"""Numbers of patients and events -> the smallest effect they can detect."""

from __future__ import annotations

import numpy as np

from resistance.stats._arrays import FloatArray


def power_log_rank(hazard_ratio: float, prevalence: float, events: int, *, alpha: float = 0.05) -> float:
    """Return the power of the log-rank (or Cox score) test for a binary marker.

    Parameters
    ----------
    hazard_ratio : float
    prevalence : float
        Fraction of carriers, 0..1.
    events : int
        Events in all patients.
    alpha : float
        Two-sided level.

    Notes
    -----
    Schoenfeld, Biometrics 1983;39:499.  The negligible wrong tail is left out, as in the paper.

    Examples
    --------
    >>> round(power_log_rank(2.0, 0.5, 66), 2)
    0.8
    """
    from scipy.stats import norm

    _check(prevalence, events)
    shift = np.sqrt(events * prevalence * (1 - prevalence)) * abs(np.log(hazard_ratio))
    return float(norm.cdf(shift - norm.isf(alpha / 2)))


def detectable_hazard_ratio(prevalence: float, events: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the hazard ratio above 1 that is detected with this power (its inverse likewise); NaN without events or carriers.

    See :func:`power_log_rank`.

    Examples
    --------
    >>> round(detectable_hazard_ratio(0.2, 80), 3)
    2.188
    """
    from scipy.stats import norm

    _check(prevalence, events)
    spread = events * prevalence * (1 - prevalence)
    if spread == 0:
        return float("nan")
    return float(np.exp((norm.isf(alpha / 2) + norm.ppf(power)) / np.sqrt(spread)))


def power_fisher(p_exposed: float, p_unexposed: float, n_exposed: int, n_unexposed: int, *, alpha: float = 0.05) -> float:
    """Return the exact power of Fisher's two-sided test, by enumeration of every table.

    Parameters
    ----------
    p_exposed, p_unexposed : float
        Probability of the outcome in the two groups.
    n_exposed, n_unexposed : int
    alpha : float

    Examples
    --------
    >>> round(power_fisher(0.9, 0.5, 20, 20), 3)
    0.742
    """
    from scipy.stats import binom

    with_exposed = binom.pmf(np.arange(n_exposed + 1), n_exposed, p_exposed)
    with_unexposed = binom.pmf(np.arange(n_unexposed + 1), n_unexposed, p_unexposed)
    total = 0.0
    for outcome in range(n_exposed + n_unexposed + 1):
        low, _, rejected = _critical(n_exposed, n_unexposed, outcome, alpha)
        counts = low + np.flatnonzero(rejected)
        total += float((with_exposed[counts] * with_unexposed[outcome - counts]).sum())
    return min(1.0, total)


def detectable_odds_ratio(
    n_exposed: int, n_unexposed: int, n_outcome: int, *, power: float = 0.8, alpha: float = 0.05
) -> tuple[float, float]:
    """Return the odds ratios below and above 1 that Fisher's test detects with this power.

    Parameters
    ----------
    n_exposed, n_unexposed, n_outcome : int
        The margins as they are: carriers, others, patients with the outcome.  The power is that of
        the conditional (non-central hypergeometric) distribution, so that nothing but the margins
        is looked at.
    power, alpha : float

    Returns
    -------
    below, above : float
        0 or infinite where no odds ratio in that direction reaches the power (no table of these
        margins is significant there, or too few).

    Examples
    --------
    >>> low, high = detectable_odds_ratio(20, 180, 80)
    >>> round(low, 2), round(high, 2)
    (0.18, 4.13)
    """
    from scipy.optimize import brentq

    _, log_weight, rejected = _critical(n_exposed, n_unexposed, n_outcome, alpha)
    count = np.arange(log_weight.size, dtype=np.float64)

    def short(log_ratio: float) -> float:
        log_p = log_weight + count * log_ratio
        p = np.exp(log_p - log_p.max())
        return float(p[rejected].sum() / p.sum()) - power

    found = []
    for sign in (-1.0, 1.0):
        far = sign * 30.0
        found.append(float(np.exp(brentq(short, 0.0, far, xtol=1e-10))) if short(far) > 0 else float(np.exp(sign * np.inf)))
    return found[0], found[1]


def _critical(n_exposed: int, n_unexposed: int, n_outcome: int, alpha: float) -> tuple[int, FloatArray, FloatArray]:
    """Return the least count, the log probability under no effect, and which counts are significant."""
    from scipy.stats import hypergeom

    low, high = max(0, n_outcome - n_unexposed), min(n_exposed, n_outcome)
    if low == high:
        return low, np.zeros(1), np.zeros(1, dtype=bool)
    log_weight = np.atleast_1d(hypergeom.logpmf(np.arange(low, high + 1), n_exposed + n_unexposed, n_exposed, n_outcome))
    weight = np.exp(log_weight)
    order = np.argsort(weight, kind="stable")
    cumulative = np.cumsum(weight[order])
    # a table's p holds every table as likely as it (R's tolerance)
    last = np.searchsorted(weight[order], weight * (1 + 1e-7), side="right") - 1
    return low, log_weight, cumulative[last] <= alpha


def _check(prevalence: float, events: int) -> None:
    if not 0 <= prevalence <= 1:
        raise ValueError("prevalence: outside 0..1")
    if events < 0:
        raise ValueError("events: negative")
