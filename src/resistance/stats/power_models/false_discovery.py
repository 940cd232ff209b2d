"""A family of tests and its false discovery rate -> the level of a single test."""

from __future__ import annotations

from resistance.stats.power_models.normal import checked_level


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
    checked_level(rate, "rate")
    checked_level(power, "power")
    null = tests - true_effects
    level = rate if null == 0 else true_effects * power * rate / (null * (1 - rate))
    return float(min(rate, max(rate / tests, level)))
