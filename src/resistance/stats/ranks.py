"""Numbers or ordered categories of two or more groups -> rank tests, the shift and the probability of superiority with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, numbers

#: additions up to which the exact distribution of a rank sum is computed (about 0.2 s)
EXACT_WORK = 100_000_000
#: pairs up to which every difference between the groups is held at once
PAIRS = 4_000_000
#: exact distributions that are kept
REMEMBERED = 256


@dataclass(frozen=True)
class RankSumResult:
    """Wilcoxon rank sum test of carriers against the others; every number but the counts is NaN unless `converged`.

    Parameters
    ----------
    u : float
        Pairs in which the carrier is higher, ties counting one half (R's W with the carriers first).
    superiority : float
        Probability that a carrier is higher than another patient, ties counting one half: the AUC.
    superiority_low, superiority_high : float
    shift : float
        Hodges-Lehmann: median of the differences of all pairs.
    shift_low, shift_high : float
        Infinite where so few patients cannot give the confidence that was asked for.
    p_value : float
        `p_exact` where it could be computed, else `p_normal_corrected`.
    p_exact : float
        Two-sided permutation p, ties as they are: the arrangements at least as far from the expectation.
    p_minimum : float
        Smallest `p_exact` that any arrangement of these values can give.
    p_normal, p_normal_corrected : float
        By the normal distribution with the variance for ties, without and with continuity correction.
    method : {'exact', 'normal'}
        Where `p_value` comes from.
    n_carriers, n_others : int
    converged : bool
    reason : {'', 'empty group', 'all ties'}
    columns : tuple of int
        Empty; as in the other results.
    note : str
    """

    u: float
    superiority: float
    superiority_low: float
    superiority_high: float
    shift: float
    shift_low: float
    shift_high: float
    p_value: float
    p_exact: float
    p_minimum: float
    p_normal: float
    p_normal_corrected: float
    method: str
    n_carriers: int
    n_others: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class KruskalResult:
    """Kruskal-Wallis test of several groups.

    Parameters
    ----------
    statistic : float
        H, corrected for ties.
    df : int
    p_value : float
        By the chi-square distribution; too small or too large when groups have fewer than about 5 patients.
    epsilon_squared : float
        H / (n - 1): share of the variance of the ranks between the groups, 0..1.
    sizes : array of int, shape (g,)
        Patients of each group, in the order of the sorted group names.
    mean_ranks : array, shape (g,)
    converged : bool
    reason : {'', 'one group', 'all ties'}
    columns : tuple of int
    note : str
    """

    statistic: float
    df: int
    p_value: float
    epsilon_squared: float
    sizes: NDArray[np.intp]
    mean_ranks: FloatArray
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class VanElterenResult:
    """Stratified rank sum test.

    Parameters
    ----------
    z, p_value : float
        Standardised sum over the strata (positive: carriers are higher) and its two-sided normal p.
    superiority : float
        Probability that a carrier is higher than another patient of the same stratum, the strata weighted
        as in the test.
    strata, informative : int
        Strata; those with carriers, others, and values that differ.
    n_carriers, n_others : int
        Patients of the informative strata.
    converged : bool
    reason : {'', 'no informative stratum'}
    columns : tuple of int
    note : str
    """

    z: float
    p_value: float
    superiority: float
    strata: int
    informative: int
    n_carriers: int
    n_others: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def rank_sum(values: ArrayLike, carrier: ArrayLike, *, confidence: float = 0.95) -> RankSumResult:
    """Compare carriers with the others by ranks.

    Parameters
    ----------
    values : array, shape (n,)
        Numbers or ordered codes; no missing values.
    carrier : array of 0/1, shape (n,)
    confidence : float

    Notes
    -----
    Exact p with and without ties: shift algorithm, Streitberg and Roehmel 1986; taken as long as it is
    cheap, which for a handful of carriers means a thousand patients.  Shift: Hodges and Lehmann 1963,
    interval by ordered differences.  Interval of the superiority: Newcombe 2006, doi:10.1002/sim.2324, his method
    5; it stays inside 0..1 and has a width at complete separation too.

    Examples
    --------
    >>> result = rank_sum([1.1, 2.3, 0.4, 3.2, 5.5, 4.1, 6.2, 7.7, 2.9, 8.8, 9.1], [1] * 5 + [0] * 6)
    >>> result.u, round(result.p_value, 4)
    (3.0, 0.0303)
    """
    from scipy.special import ndtr, ndtri
    from scipy.stats import rankdata

    y = numbers(values, "values")
    x = flags(carrier, "carrier", y.size)
    _check_confidence(confidence)
    a, b = int(x.sum()), int((~x).sum())
    if a == 0 or b == 0:
        return _no_rank_sum(a, b, "empty group", "no carriers" if a == 0 else "no patients but carriers")
    if np.ptp(y) == 0:
        return _no_rank_sum(a, b, "all ties", "all values are equal")
    ranks = rankdata(y)
    u = float(ranks[x].sum() - a * (a + 1) / 2)
    spread = float(np.sqrt(_variance(ranks, a, b)))
    off = abs(u - a * b / 2)
    p_normal = float(2 * ndtr(-off / spread))
    corrected = float(min(1.0, 2 * ndtr(-max(off - 0.5, 0.0) / spread)))
    exact = rank_sum_distribution(ranks, a)
    tied = np.unique(y).size < y.size
    if exact is None:
        p_exact = p_minimum = float("nan")
    else:
        p_exact, p_minimum = two_sided_exact(exact, 2 * float(ranks[x].sum()))
    # how many of the ordered differences to leave out at each end, and one more
    tail = (1 - confidence) / 2
    if exact is not None and not tied:
        support, probability = exact
        cut = int(np.searchsorted(np.cumsum(probability), tail * (1 - 1e-12)))
        last = (int(support[cut]) - a * (a + 1)) // 2
    else:
        last = int(np.floor(a * b / 2 - float(ndtri(1 - tail)) * spread))
    shift, low, high = _shift(np.sort(y[x]), np.sort(y[~x]), last)
    superiority = u / (a * b)
    bounds = _superiority_interval(superiority, a, b, float(ndtri(1 - tail)))
    return RankSumResult(
        u=u,
        superiority=superiority,
        superiority_low=bounds[0],
        superiority_high=bounds[1],
        shift=shift,
        shift_low=low,
        shift_high=high,
        p_value=corrected if exact is None else p_exact,
        p_exact=p_exact,
        p_minimum=p_minimum,
        p_normal=p_normal,
        p_normal_corrected=corrected,
        method="normal" if exact is None else "exact",
        n_carriers=a,
        n_others=b,
        converged=True,
        reason="",
        columns=(),
        note="" if np.isfinite(low) else f"too few patients for an interval of the shift at {confidence:g}",
    )


def kruskal(values: ArrayLike, groups: Any) -> KruskalResult:
    """Compare several groups by ranks.

    Parameters
    ----------
    values : array, shape (n,)
    groups : array, shape (n,)
        Names or codes of the groups.

    Notes
    -----
    Kruskal and Wallis 1952, doi:10.1080/01621459.1952.10483441.

    Examples
    --------
    >>> found = kruskal([1.1, 2.3, 2.9, 4.2, 5.0, 5.8], ["GCB", "GCB", "ABC", "ABC", "UNC", "UNC"])
    >>> round(found.statistic, 3), found.df, round(found.p_value, 3)
    (4.571, 2, 0.102)
    """
    from scipy.special import chdtrc
    from scipy.stats import rankdata

    y = numbers(values, "values")
    g = codes(groups, "groups", y.size)
    sizes = np.bincount(g) if y.size else np.zeros(0, dtype=np.intp)
    nan = float("nan")
    ranks = rankdata(y) if y.size else y
    mean_ranks = np.bincount(g, weights=ranks) / sizes if y.size else np.zeros(0)
    if sizes.size < 2:
        return KruskalResult(nan, 0, nan, nan, sizes, mean_ranks, False, "one group", (), "fewer than two groups")
    df = sizes.size - 1
    if np.ptp(y) == 0:
        return KruskalResult(nan, df, nan, nan, sizes, mean_ranks, False, "all ties", (), "all values are equal")
    n = y.size
    # the variance of the ranks as they are holds the correction for ties
    statistic = float((sizes * (mean_ranks - (n + 1) / 2) ** 2).sum() / ranks.var(ddof=1))
    return KruskalResult(
        statistic, df, float(chdtrc(df, statistic)), min(1.0, statistic / (n - 1)), sizes, mean_ranks, True, "", (), ""
    )


def van_elteren(values: ArrayLike, carrier: ArrayLike, strata: Any) -> VanElterenResult:
    """Compare carriers with the others by ranks within strata.

    Parameters
    ----------
    values : array, shape (n,)
    carrier : array of 0/1, shape (n,)
    strata : array, shape (n,)

    Notes
    -----
    van Elteren 1960: strata weighted by 1 / (size + 1).  Few carriers:
    :func:`resistance.stats.ordinal_permutation.ordinal_permutation` is the same statistic with a permutation p.

    Examples
    --------
    >>> found = van_elteren([1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 1, 1, 0, 1, 0, 1], ["A", "A", "A", "A", "B", "B", "B", "B"])
    >>> round(found.superiority, 3), round(found.p_value, 3)
    (0.875, 0.1)
    """
    from scipy.special import ndtr

    y = numbers(values, "values")
    x = flags(carrier, "carrier", y.size)
    s = codes(strata, "strata", y.size)
    scores = stratum_scores(y, s)
    number = int(s.max()) + 1 if s.size else 0
    statistic = variance = pairs = wins = 0.0
    informative = carriers = others = 0
    for stratum in range(number):
        inside = s == stratum
        score, own = scores[inside], x[inside]
        n, a = own.size, int(own.sum())
        if a in (0, n) or np.ptp(score) == 0:
            continue
        informative, carriers, others = informative + 1, carriers + a, others + n - a
        above = float(score[own].sum())  # (rank sum - expectation) / (n + 1)
        statistic += above
        variance += a * (n - a) / (n * (n - 1)) * float((score**2).sum())
        pairs += a * (n - a) / (n + 1)
        wins += above + a * (n - a) / (2 * (n + 1))
    nan = float("nan")
    if informative == 0:
        note = "no stratum has carriers, others and values that differ"
        return VanElterenResult(nan, nan, nan, number, 0, 0, 0, False, "no informative stratum", (), note)
    z = float(statistic / np.sqrt(variance))
    p_value = float(2 * ndtr(-abs(z)))
    return VanElterenResult(z, p_value, wins / pairs, number, informative, carriers, others, True, "", (), "")


def stratum_scores(values: FloatArray, strata: NDArray[np.intp]) -> FloatArray:
    """Return mid-ranks within strata, centred, over (stratum size + 1): the scores of van Elteren's test."""
    from scipy.stats import rankdata

    scores = np.zeros(values.size)
    for stratum in np.unique(strata):
        inside = strata == stratum
        n = int(inside.sum())
        scores[inside] = (rankdata(values[inside]) - (n + 1) / 2) / (n + 1)
    return scores


def rank_sum_distribution(ranks: FloatArray, carriers: int) -> tuple[FloatArray, FloatArray] | None:
    """Return twice the rank sums that `carriers` of these mid-ranks can have, ascending, and their probabilities.

    Returns None where that takes more than ``EXACT_WORK`` additions.  Twice, because then they are whole.
    """
    return _distribution(np.sort(np.rint(2 * ranks).astype(np.int64)).tobytes(), carriers)


@lru_cache(REMEMBERED)
def _distribution(ranks: bytes, carriers: int) -> tuple[FloatArray, FloatArray] | None:
    """Do that; the markers of a scan share their ranks, and many of them the number of carriers."""
    doubled = np.frombuffer(ranks, dtype=np.int64)
    n = doubled.size
    few = min(carriers, n - carriers)
    base = int(doubled[0])  # whole ranks above the lowest: shorter arrays
    steps = doubled - base
    unit = int(np.gcd.reduce(steps)) or 1
    steps = steps // unit
    longest = int(steps[n - few :].sum()) if few else 0
    if n * max(few, 1) * (longest + 1) > EXACT_WORK:
        return None
    ways = np.zeros((few + 1, longest + 1))
    ways[0, 0] = 1.0
    for step in steps.tolist():
        if step <= longest:
            ways[1:, step:] = ways[1:, step:] + ways[:-1, : longest + 1 - step]
    count = ways[few]
    reached = np.flatnonzero(count)
    sums = reached * unit + base * few
    probability = count[reached] / count[reached].sum()
    if few != carriers:  # the sum of the others says that of the carriers
        sums, probability = (int(doubled.sum()) - sums)[::-1], probability[::-1]
    values = sums.astype(np.float64)
    values.flags.writeable = probability.flags.writeable = False  # they are handed out again
    return values, probability


def two_sided_exact(distribution: tuple[FloatArray, FloatArray], observed: float) -> tuple[float, float]:
    """Return the probability of being at least as far from the mean as `observed`, and the smallest such probability there is."""
    values, probability = distribution
    mean = float(values @ probability)
    distance = np.abs(values - mean)
    close = 1e-9 * max(1.0, float(distance.max()))
    p_value = float(probability[distance >= abs(observed - mean) - close].sum())
    return min(1.0, p_value), min(1.0, float(probability[distance >= distance.max() - close].sum()))


def _variance(ranks: FloatArray, a: int, b: int) -> float:
    ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    n = a + b
    return float(a * b / 12 * ((n + 1) - ((ties**3 - ties) / (n * (n - 1))).sum()))


def _shift(first: FloatArray, second: FloatArray, last: int) -> tuple[float, float, float]:
    """Return the median of all differences and the `last`-th from each end (1-based; infinite below 1)."""
    pairs = first.size * second.size
    middle = ((pairs + 1) // 2, pairs // 2 + 1)
    wanted = [*middle] if last < 1 else [*middle, last, pairs + 1 - last]
    if pairs <= PAIRS:
        differences = np.subtract.outer(first, second).reshape(-1)
        differences.partition([k - 1 for k in sorted(set(wanted))])
        found = [float(differences[k - 1]) for k in wanted]
    else:
        found = [_ordered_difference(first, second, k) for k in wanted]
    shift = (found[0] + found[1]) / 2
    return (shift, -float("inf"), float("inf")) if last < 1 else (shift, found[2], found[3])


def _ordered_difference(first: FloatArray, second: FloatArray, k: int) -> float:
    """Return the k-th smallest difference without holding them all: bisection on its value."""
    low, high = float(first[0] - second[-1]), float(first[-1] - second[0])
    for _ in range(200):
        middle = low + (high - low) / 2
        if middle in (low, high):
            break
        if np.searchsorted(first, second + middle, side="right").sum() >= k:
            high = middle
        else:
            low = middle
    at_low = np.searchsorted(first, second + low, side="right").sum() >= k
    return low if at_low else high


def _superiority_interval(estimate: float, a: int, b: int, z: float) -> tuple[float, float]:
    from scipy.optimize import brentq

    extra = (a + b) / 2 - 1

    def off(theta: float) -> float:
        variance = theta * (1 - theta) * (1 + extra * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (a * b)
        return (theta - estimate) ** 2 - z**2 * variance

    # at complete separation the estimate itself is a root, not the one that is meant: start just beside it
    low = 0.0 if estimate <= 0 else float(brentq(off, 0.0, estimate * (1 - 1e-9), xtol=1e-14))
    high = 1.0 if estimate >= 1 else float(brentq(off, estimate + (1 - estimate) * 1e-9, 1.0, xtol=1e-14))
    return low, high


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is outside 0..1")


def _no_rank_sum(a: int, b: int, reason: str, note: str) -> RankSumResult:
    return RankSumResult(*(float("nan"),) * 12, "exact", a, b, False, reason, (), note)


def is_informative(scores: FloatArray, carrier: BoolArray) -> bool:
    """Say whether a stratum has carriers, others, and scores that differ."""
    return bool(carrier.any() and not carrier.all() and np.ptp(scores) > 0)
