"""Two raters' classes of the same items -> agreement, Cohen's kappa and their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """How often two raters agree.

    ``kappa`` and its interval are None where kappa is not defined (no items, or both raters give one
    and the same class to all), the interval also where its standard error is 0.
    """

    n: int
    agree: int
    ci_low: float | None
    ci_high: float | None
    kappa: float | None
    kappa_ci_low: float | None
    kappa_ci_high: float | None


def agreement(first: Sequence[str], second: Sequence[str], *, level: float = 0.95) -> Agreement:
    """Return agreement with its exact interval, and Cohen's kappa with its large-sample interval.

    Parameters
    ----------
    first, second : sequence of str, length n
        Class of each item by each rater; NA is not allowed.
    level : float
        Of the intervals.

    Returns
    -------
    Agreement
        The interval of kappa is cut at -1 and 1.

    Raises
    ------
    ValueError
        Different lengths.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960; 20:37-46.  doi:10.1177/001316446002000104
    Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969; 72:323-327 (standard error).  doi:10.1037/h0028106
    Clopper CJ, Pearson ES. Biometrika 1934; 26:404-413.

    Examples
    --------
    >>> found = agreement(["A"] * 25 + ["B"] * 25, ["A"] * 20 + ["B"] * 5 + ["A"] * 10 + ["B"] * 15)
    >>> found.agree, round(found.kappa, 3)
    (35, 0.4)
    """
    from scipy.stats import binomtest, norm
    from statsmodels.stats.inter_rater import cohens_kappa

    n = len(first)
    if len(second) != n:
        raise ValueError(f"{n} and {len(second)} classes: one per item is needed from each rater")
    if n == 0:
        return Agreement(0, 0, None, None, None, None, None)
    classes = {name: i for i, name in enumerate(sorted(set(first) | set(second)))}
    table = np.zeros((len(classes), len(classes)))
    np.add.at(table, ([classes[x] for x in first], [classes[x] for x in second]), 1)
    agree = int(np.trace(table))
    exact = binomtest(agree, n).proportion_ci(level, method="exact")
    low, high = float(exact.low), float(exact.high)
    if len(classes) == 1:
        return Agreement(n, agree, low, high, None, None, None)
    with np.errstate(divide="ignore", invalid="ignore"):  # its z value, where one rater gives one class to all
        found = cohens_kappa(table)
    kappa, se = float(found.kappa), float(found.std_kappa)
    if not se > 0:
        return Agreement(n, agree, low, high, kappa, None, None)
    half = float(norm.isf((1 - level) / 2)) * se
    return Agreement(n, agree, low, high, kappa, max(-1.0, kappa - half), min(1.0, kappa + half))
