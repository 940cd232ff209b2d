"""A continuous marker and an outcome -> the cut that separates best, with a p that knows that it was searched for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers
from resistance.stats.follow_up import follow_up

Sizes = NDArray[np.int64]
#: relative difference below which two statistics are one (sums in another order differ in the last bits)
TIE = 1e-9
#: numbers held at once (permutations x patients): about 16 MB
BLOCK = 2_000_000


@dataclass(frozen=True)
class Cutpoint:
    """The best cut of a marker; every number is NaN unless `converged`.

    Parameters
    ----------
    cut : float
        Low is at or below it, high above it; a value of the marker.
    statistic : float
        The largest standardised difference over all cuts, without sign.
    direction : int
        1 where the high side has the higher scores (more events, successes or higher values), else -1.
    n_low, n_high : int
    p_naive : float
        Of a test at the cut as if it had been fixed before: log-rank, chi-square without correction, or
        Wilcoxon. NOT a p-value of this cut; shown to show how much too small it is.
    p_lausen92, p_lausen94 : float
        Limit for many distinct values, and bound for the cuts tried; at most 1. 92 is 1 where the
        statistic is below 1, for which the limit was not made (so does maxstat).
    p_lausen94_raw : float
        The bound before it was cut at 1, which it exceeds where nothing was found.
    p_permutation : float
        (b + 1) / (B + 1) over B permutations of the outcome; NaN unless asked for.
    p_exact : float
        Over all permutations (binary outcome only; else NaN).
    p_value, method : float, {'exact', 'permutation', 'lausen94'}
        The best of these that there is, in this order: the one to report.
    cuts, statistics : array
        All cuts that were tried and their standardised differences, with sign (above 0: more on the high side).
    n : int
    converged : bool
    reason : {'', 'too few', 'constant outcome', 'constant marker', 'no cut'}
    note : str
    """

    cut: float
    statistic: float
    direction: int
    n_low: int
    n_high: int
    p_naive: float
    p_lausen92: float
    p_lausen94: float
    p_lausen94_raw: float
    p_permutation: float
    p_exact: float
    p_value: float
    method: str
    cuts: FloatArray
    statistics: FloatArray
    n: int
    converged: bool
    reason: str
    note: str


def survival_cutpoint(
    time: ArrayLike,
    event: ArrayLike,
    marker: ArrayLike,
    *,
    min_proportion: float = 0.1,
    max_proportion: float = 0.9,
    permutations: int = 0,
    seed: int | None = None,
) -> Cutpoint:
    """Find the cut of a marker with the largest log-rank statistic.

    Parameters
    ----------
    time, event : array, shape (n,)
        Follow-up, not negative; 1 event, 0 censored.
    marker : array, shape (n,)
    min_proportion, max_proportion : float
        Least and largest part of the patients on the low side.
    permutations : int
        How many permutations of the outcome for `p_permutation` (9,999 is usual); 0 for none.
    seed : int
        Needed with permutations: the same seed gives the same p.

    Returns
    -------
    Cutpoint

    Raises
    ------
    ValueError
        Missing values, negative times, proportions not in order, permutations without a seed.

    Notes
    -----
    Maximally selected rank statistics: Lausen and Schumacher 1992, doi:10.2307/2532740; Lausen, Sauerbrei and
    Schumacher 1994; Hothorn and Lausen 2003, doi:10.1016/S0167-9473(02)00225-6, whose log-rank scores are used:
    event_i - sum over j with T_j <= T_i of event_j / (n - #(T <= T_j) + 1).  A cut found in these data is optimistic
    also in its effect, whatever its p: prefer the marker as it is.

    Examples
    --------
    >>> found = survival_cutpoint([9, 8, 7, 6, 5, 4, 3, 2, 1, 10], [1] * 10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    >>> found.cut, found.direction, found.method
    (2.0, 1, 'lausen94')
    """
    from resistance.stats.log_rank import log_rank

    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    x = numbers(marker, "marker", t.size)
    t = follow_up(t).time
    found = _search(log_rank_scores(t, e), x, (min_proportion, max_proportion), permutations, seed)
    return replace(found, p_naive=log_rank(t, e, x > found.cut).p_value) if found.converged else found


def binary_cutpoint(
    outcome: ArrayLike,
    marker: ArrayLike,
    *,
    min_proportion: float = 0.1,
    max_proportion: float = 0.9,
    permutations: int = 0,
    seed: int | None = None,
) -> Cutpoint:
    """Find the cut of a marker with the largest chi-square statistic for a yes/no outcome.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    marker, min_proportion, max_proportion, permutations, seed
        As :func:`survival_cutpoint`.

    Notes
    -----
    Miller and Siegmund 1982, doi:10.2307/2529881.  The exact p counts, along the sorted marker, the orders of the
    outcomes that never reach the statistic at any cut (Koziol 1991); it holds for any n and any ties of the marker.

    Examples
    --------
    >>> found = binary_cutpoint([0, 0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8])
    >>> found.cut, round(found.p_exact, 4)
    (4.0, 0.0286)
    """
    y = flags(outcome, "outcome")
    x = numbers(marker, "marker", y.size)
    found = _search(y.astype(np.float64), x, (min_proportion, max_proportion), permutations, seed)
    if not found.converged:
        return found
    exact = _exact_binary(y, x, found)
    return replace(found, p_naive=_normal_p(found, y.size / (y.size - 1)), p_exact=exact, p_value=exact, method="exact")


def continuous_cutpoint(
    outcome: ArrayLike,
    marker: ArrayLike,
    *,
    min_proportion: float = 0.1,
    max_proportion: float = 0.9,
    permutations: int = 0,
    seed: int | None = None,
) -> Cutpoint:
    """Find the cut of a marker with the largest Wilcoxon statistic for a continuous or ordered outcome.

    Parameters
    ----------
    outcome : array, shape (n,)
        Its mid-ranks are compared.
    marker, min_proportion, max_proportion, permutations, seed
        As :func:`survival_cutpoint`.

    Examples
    --------
    >>> continuous_cutpoint([1, 2, 3, 4, 15, 16, 17, 18], [1, 2, 3, 4, 5, 6, 7, 8]).cut
    4.0
    """
    from scipy.stats import rankdata

    y = numbers(outcome, "outcome")
    x = numbers(marker, "marker", y.size)
    ranks: FloatArray = np.asarray(rankdata(y), dtype=np.float64)
    found = _search(ranks, x, (min_proportion, max_proportion), permutations, seed)
    return replace(found, p_naive=_normal_p(found, 1.0)) if found.converged else found


def log_rank_scores(time: FloatArray, event: BoolArray) -> FloatArray:
    """Return the log-rank score of each patient: above 0 for an early event, below 0 for long follow-up."""
    times, index = np.unique(time, return_inverse=True)
    by_then = np.searchsorted(np.sort(time), times, side="right")
    events = np.bincount(index[event], minlength=times.size)
    hazard = np.cumsum(events / (time.size - by_then + 1))
    return np.asarray(event - hazard[index], dtype=np.float64)


def lausen_92(statistic: float, low: float, high: float) -> float:
    """Return the limiting p of the largest standardised statistic over cuts between two proportions (may exceed 1)."""
    from scipy.stats import norm

    density = float(norm.pdf(statistic))
    return float(4 * density / statistic + density * (statistic - 1 / statistic) * np.log(high * (1 - low) / ((1 - high) * low)))


def lausen_94(statistic: float, n: int, sizes: FloatArray) -> float:
    """Return the improved Bonferroni bound over the cuts with these numbers on the low side (may exceed 1)."""
    from scipy.stats import norm

    left, right = sizes[:-1], sizes[1:]
    apart = np.sqrt(1 - left * (n - right) / ((n - left) * right))
    half = statistic**2 / 2
    steps = np.exp(-half) / np.pi * (apart - (half / 2 - 1) * apart**3 / 6)
    return float(2 * norm.sf(statistic) + steps.sum())


def _search(scores: FloatArray, x: FloatArray, proportions: tuple[float, float], permutations: int, seed: int | None) -> Cutpoint:
    low, high = proportions
    if not 0 < low < high < 1:
        raise ValueError(f"min_proportion, max_proportion: {low}, {high} are not in order between 0 and 1")
    if permutations < 0:
        raise ValueError("permutations: not negative")
    if permutations and seed is None:
        raise ValueError("seed: needed with permutations")
    n = scores.size
    if n < 2:
        return _unanswered(n, "too few", "fewer than two patients")
    if np.ptp(x) == 0:
        return _unanswered(n, "constant marker", "the marker has one value only")
    if np.ptp(scores) <= TIE * max(1.0, float(np.abs(scores).max())):
        return _unanswered(n, "constant outcome", "the outcome does not vary")
    order = np.argsort(x, kind="stable")
    rising = x[order]
    sizes = np.asarray(np.flatnonzero(np.diff(rising) > 0) + 1, dtype=np.int64)  # patients at or below each value but the last
    # .29 * 100 is 28.999999999999996 on the machine: that must not move a bound
    least, most = max(1, int(np.floor(n * low + TIE))), int(np.floor(n * high + TIE))
    sizes = sizes[(sizes >= least) & (sizes <= most)]
    if sizes.size == 0:
        return _unanswered(n, "no cut", f"no value of the marker has between {low:g} and {high:g} of the patients at or below it")
    standard = _standardised(scores[order][None, :], sizes)[0]
    size = np.abs(standard)
    best = int(np.flatnonzero(size >= size.max() * (1 - TIE))[0])
    statistic = float(size.max())
    raw = lausen_94(statistic, n, sizes.astype(np.float64))
    p_94 = min(1.0, raw)
    p_92 = min(1.0, max(0.0, lausen_92(statistic, low, high))) if statistic >= 1 else 1.0
    p_permutation = _permuted(scores, sizes, statistic, permutations, seed) if permutations else float("nan")
    return Cutpoint(
        cut=float(rising[sizes[best] - 1]),
        statistic=statistic,
        direction=1 if standard[best] > 0 else -1,
        n_low=int(sizes[best]),
        n_high=int(n - sizes[best]),
        p_naive=float("nan"),
        p_lausen92=p_92,
        p_lausen94=p_94,
        p_lausen94_raw=raw,
        p_permutation=p_permutation,
        p_exact=float("nan"),
        p_value=p_permutation if permutations else p_94,
        method="permutation" if permutations else "lausen94",
        cuts=rising[sizes - 1],
        statistics=standard,
        n=n,
        converged=True,
        reason="",
        note="" if raw <= 1 else "the bound of Lausen 1994 exceeds 1 and is shown as 1: no sign of any cut",
    )


def _standardised(scores: FloatArray, sizes: Sizes) -> FloatArray:
    """Return, per row of scores in the order of the marker, the standardised sums of the high sides, shape (rows, cuts)."""
    n = scores.shape[1]
    centred = scores - scores.mean(axis=1, keepdims=True)
    below = np.cumsum(centred, axis=1)[:, sizes - 1]
    spread = (centred**2).sum(axis=1, keepdims=True) * (sizes * (n - sizes) / (n * (n - 1.0)))
    return np.asarray(-below / np.sqrt(spread))


def _permuted(scores: FloatArray, sizes: Sizes, statistic: float, permutations: int, seed: int | None) -> float:
    random = np.random.default_rng(seed)
    step = max(1, BLOCK // scores.size)
    reached = 0
    for first in range(0, permutations, step):
        rows = np.broadcast_to(np.sort(scores), (min(step, permutations - first), scores.size))  # whatever order they came in
        shuffled = random.permuted(rows, axis=1)
        largest = np.abs(_standardised(shuffled, sizes)).max(axis=1)
        reached += int((largest >= statistic * (1 - TIE)).sum())
    return (reached + 1) / (permutations + 1)


def _exact_binary(outcome: BoolArray, x: FloatArray, found: Cutpoint) -> float:
    """Return the share of all orders of the outcomes whose largest statistic reaches the one found.

    Along the sorted marker each next patient is a success with the share of successes still left; paths are
    followed as long as they stay below the statistic at every cut.
    """
    n, successes = outcome.size, int(outcome.sum())
    sizes = set(np.searchsorted(np.sort(x), found.cuts, side="right").tolist())
    count = np.arange(successes + 1)
    staying = np.zeros(successes + 1)
    staying[0] = 1.0
    limit = found.statistic * (1 - TIE)
    for size in range(1, found.n + 1):
        up = staying * (successes - count) / (n - size + 1)
        staying -= up
        staying[1:] += up[:-1]
        if size in sizes:
            spread = np.sqrt(size * (n - size) * successes * (n - successes) / (n * n * (n - 1.0)))
            staying[np.abs(count - size * successes / n) >= limit * spread] = 0.0
    return float(min(1.0, max(0.0, 1 - staying.sum())))


def _normal_p(found: Cutpoint, factor: float) -> float:
    """Return the two-sided normal p of the statistic at its cut, its square times a factor."""
    from scipy.stats import norm

    return float(2 * norm.sf(found.statistic * np.sqrt(factor)))


def _unanswered(n: int, reason: str, note: str) -> Cutpoint:
    nan = float("nan")
    none = np.zeros(0)
    return Cutpoint(nan, nan, 0, 0, 0, nan, nan, nan, nan, nan, nan, nan, "", none, none, n, False, reason, note)
