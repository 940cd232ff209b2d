"""An ordered outcome that a column separates -> the bound that its odds ratio has all the same, and the likelihood-ratio p."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import matrix, numbers, to_unit_range
from resistance.stats._threads import one_thread
from resistance.stats.cumulative_logit import CumulativeLogit
from resistance.stats.newton import maximise

#: a log odds ratio, from the lowest to the highest value of the column, beyond which no bound is looked for
FARTHEST = 40.0


@dataclass(frozen=True)
class SeparatedOdds:
    """What a proportional-odds model says of a column whose estimate is infinite; NaN unless `converged`.

    Parameters
    ----------
    direction : int
        1: the odds ratio of a higher category is infinite, -1: it is 0.
    ci_low, ci_high : float
        Profile-likelihood interval of the log odds ratio: infinite on one side.
    statistic, p_value : float
        Likelihood ratio of no effect (1 degree of freedom).
    converged : bool
        The column alone runs: with its effect held at any value the others come to rest.
    """

    direction: int
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    converged: bool


@one_thread
def separated_odds(
    outcome_codes: ArrayLike, columns: ArrayLike, *, tested: int = 0, confidence: float = 0.95
) -> SeparatedOdds:  # fmt: skip
    """Return the finite bound and the p of a column that separates an ordered outcome.

    The likelihood has no maximum, but it has a least upper bound, which it nears as the effect grows: the profile interval
    holds every effect whose likelihood is not too far below that bound.

    Parameters
    ----------
    outcome_codes : array of int, shape (n,)
        Higher is better.
    columns : array, shape (n, k)
        No missing values.
    tested : int
        The column that separates, such as a marker whose carriers are all in one end category.
    confidence : float

    Returns
    -------
    SeparatedOdds
        Not `converged` where the model has a maximum, or other columns have none either.

    Notes
    -----
    As :func:`resistance.stats.ordinal.proportional_odds`, of which this is the limit; Agresti 2010, Analysis of Ordinal
    Categorical Data, 3.4.5.  The test is asymptotic: with a few carriers take
    :func:`resistance.stats.ordinal_permutation.ordinal_permutation`.

    Examples
    --------
    >>> found = separated_odds([0, 1, 1, 2, 2, 2, 0, 0, 0], [[0], [0], [0], [0], [0], [0], [1], [1], [1]])
    >>> found.direction, found.ci_low, round(found.ci_high, 4)
    (-1, -inf, -1.1205)
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2

    nothing = SeparatedOdds(0, nan, nan, nan, nan, False)
    y = numbers(outcome_codes, "outcome_codes")
    x = matrix(columns, "columns", y.size)
    present, packed = np.unique(y, return_inverse=True)
    if present.size < 2 or y.size < x.shape[1] + present.size - 1:
        return nothing
    unit, spread = to_unit_range(x)
    cuts = present.size - 1
    model = CumulativeLogit(packed, unit, np.ones(y.size), np.zeros(x.shape[1], dtype=bool))
    share = np.cumsum(np.bincount(packed))[:-1] / y.size
    start = np.concatenate([np.log(share / (1 - share)), np.zeros(x.shape[1])])
    top = maximise(model, start)
    place = cuts + tested
    if top.reason != "monotone" or place not in top.columns:
        return nothing
    held = np.arange(start.size) == place
    direction = 1 if top.params[place] > 0 else -1
    last = maximise(model, start, held)
    if not last.converged:
        return nothing
    statistic = max(0.0, 2 * (top.loglike - last.loglike))
    target = float(chi2.ppf(confidence, 1))
    seen = {0.0: last}

    def below(effect: float) -> float:
        near = min(seen, key=lambda known: abs(known - effect))
        begin = seen[near].params.copy()
        begin[place] = effect
        found = maximise(model, begin, held)
        if not found.converged:
            raise ArithmeticError
        seen[effect] = found
        return float(2 * (top.loglike - found.loglike)) - target

    # the deviance falls all the way in the direction of the infinite estimate
    step = direction if statistic > target else -direction
    inner, outer = 0.0, float(step)
    try:
        while (below(outer) > 0) == (statistic > target):
            inner, outer = outer, 2 * outer
            if abs(outer) > FARTHEST:
                return nothing
        bound = float(brentq(below, inner, outer, xtol=1e-11)) / float(spread[tested])
    except ArithmeticError:
        return nothing
    low, high = (bound, inf) if direction > 0 else (-inf, bound)
    return SeparatedOdds(direction, low, high, statistic, float(chi2.sf(statistic, 1)), True)
