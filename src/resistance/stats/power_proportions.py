"""Two probabilities and two numbers of patients -> the exact power and the true size of the tests of a 2x2 table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray

ExactMethod = Literal["fisher", "boschloo", "z_pooled", "firth"]
EXACT_METHODS: tuple[ExactMethod, ...] = ("fisher", "boschloo", "z_pooled", "firth")
#: statistics of two tables that are equal in exact arithmetic differ in the last bits
TIED = 1e-9
#: points of the nuisance parameter (common probability) in (0, 1/2]; the regions are symmetric about 1/2
NUISANCE = 500
#: patients above which the exact enumeration is refused: its time grows with their square
MOST = 4000


@dataclass(frozen=True)
class ExactPower:
    """Power of a test of two probabilities, by enumeration of every table.

    Parameters
    ----------
    power : float
        Probability of p <= alpha.
    size : float
        Largest probability of p <= alpha over all common probabilities: the true level, which an exact
        test keeps below alpha and an asymptotic one ('firth') may not.
    alpha : float
    method : str
    n_exposed, n_unexposed : int
    """

    power: float
    size: float
    alpha: float
    method: str
    n_exposed: int
    n_unexposed: int


def power_two_proportions(
    p_exposed: float,
    p_unexposed: float,
    n_exposed: int,
    n_unexposed: int,
    *,
    method: ExactMethod = "boschloo",
    alpha: float = 0.05,
) -> ExactPower:
    """Return the exact power of a two-sided test of two probabilities.

    Parameters
    ----------
    p_exposed, p_unexposed : float
        Probability of the outcome in carriers and in the others.
    n_exposed, n_unexposed : int
        Without patients on one side the power is 0.
    method : {'fisher', 'boschloo', 'z_pooled', 'firth'}
        Fisher's test; Boschloo's (Fisher's p as statistic, both margins not fixed); the pooled z
        likewise (Suissa and Shuster); Firth's penalised likelihood-ratio test (asymptotic: look at `size`).
    alpha : float
        Two-sided level.

    Raises
    ------
    ValueError
        A probability or level outside its range, negative numbers, more than :data:`MOST` patients.

    Notes
    -----
    Boschloo 1970, doi:10.1111/j.1467-9574.1970.tb00104.x; Suissa and Shuster 1985, doi:10.2307/2981892.  Of
    the unconditional tests the rejection region is the largest set of tables, in the order of the two-sided
    statistic, whose probability is at most alpha whatever the common probability; the supremum is searched
    on a grid and refined.  For one binary marker Firth's estimate adds half a patient to each cell, and its
    likelihood ratio has a closed form.

    Examples
    --------
    >>> result = power_two_proportions(0.3, 0.6, 20, 20)
    >>> round(result.power, 3), result.size < 0.05
    (0.447, True)
    """
    for name, value in (("p_exposed", p_exposed), ("p_unexposed", p_unexposed)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}: outside 0..1")
    region = rejection_region(n_exposed, n_unexposed, method, alpha)
    power = float(_pmf(n_exposed, p_exposed) @ region @ _pmf(n_unexposed, p_unexposed))
    return ExactPower(min(1.0, power), _size(region), alpha, method, n_exposed, n_unexposed)


def normal_power_two_proportions(
    p_exposed: float, p_unexposed: float, n_exposed: float, n_unexposed: float, *, alpha: float = 0.05
) -> float:
    """Return the power of the chi-square test of two probabilities by the normal approximation; NaN without patients on a side.

    Notes
    -----
    Fleiss, Tytun and Ury 1980, doi:10.2307/2529990, without the continuity correction; both tails.  With a dozen carriers it
    is several per cent too large or too small: for a start of a search, and for comparison.
    """
    from scipy.stats import norm

    if min(n_exposed, n_unexposed) <= 0:
        return float("nan")
    common = (n_exposed * p_exposed + n_unexposed * p_unexposed) / (n_exposed + n_unexposed)
    under_null = norm.isf(alpha / 2) * np.sqrt((1 / n_exposed + 1 / n_unexposed) * common * (1 - common))
    difference = abs(p_exposed - p_unexposed)
    spread = np.sqrt(p_exposed * (1 - p_exposed) / n_exposed + p_unexposed * (1 - p_unexposed) / n_unexposed)
    if spread == 0:
        return float(difference > under_null)
    return float(norm.sf((under_null - difference) / spread) + norm.cdf((-under_null - difference) / spread))


def detectable_probabilities(
    p_unexposed: float,
    n_exposed: int,
    n_unexposed: int,
    *,
    power: float = 0.8,
    method: ExactMethod = "boschloo",
    alpha: float = 0.05,
) -> tuple[float, float]:
    """Return the carriers' probabilities below and above `p_unexposed` that are detected with this power.

    Returns
    -------
    below, above : float
        NaN where no probability in that direction reaches the power.

    Examples
    --------
    >>> below, above = detectable_probabilities(0.5, 20, 60)
    >>> round(below, 2), round(above, 2)
    (0.16, 0.84)
    """
    from scipy.optimize import brentq

    if not 0 < power < 1:
        raise ValueError("power: outside 0..1")
    if not 0 <= p_unexposed <= 1:
        raise ValueError("p_unexposed: outside 0..1")
    region = rejection_region(n_exposed, n_unexposed, method, alpha)
    rejected = region @ _pmf(n_unexposed, p_unexposed)

    def excess(p: float) -> float:
        return float(_pmf(n_exposed, p) @ rejected) - power

    found = []
    for end in (0.0, 1.0):
        if excess(end) >= 0 > excess(p_unexposed):
            found.append(float(brentq(excess, p_unexposed, end, xtol=1e-12)))
        else:
            found.append(float("nan"))
    return found[0], found[1]


def patients_two_proportions(
    p_exposed: float,
    p_unexposed: float,
    prevalence: float,
    *,
    power: float = 0.8,
    method: ExactMethod = "boschloo",
    alpha: float = 0.05,
) -> int | None:
    """Return the smallest number of patients with this power, carriers being ``round(prevalence * n)`` of them.

    Returns
    -------
    int or None
        Exact power is not monotone in n (it falls when the rejection region does not grow): the number
        returned has the power, and so have the nine after it.  From 200 patients on the search goes in steps of
        1 %.  None where more than :data:`MOST` patients would be needed, or the probabilities are the same.

    Examples
    --------
    >>> patients_two_proportions(0.1, 0.6, 0.3, method="fisher")
    36
    """
    if not 0 < prevalence < 1:
        raise ValueError("prevalence: outside 0..1")
    if not 0 < power < 1:
        raise ValueError("power: outside 0..1")
    if p_exposed == p_unexposed:
        return None

    def exact(n: int) -> float:
        carriers = round(prevalence * n)
        if not 0 < carriers < n:
            return 0.0
        region = rejection_region(carriers, n - carriers, method, alpha)
        return float(_pmf(carriers, p_exposed) @ region @ _pmf(n - carriers, p_unexposed))

    n = 4
    while n < MOST:
        approximate = normal_power_two_proportions(
            p_exposed, p_unexposed, prevalence * n, (1 - prevalence) * n, alpha=min(1.0, alpha * 1.5)
        )
        # far below the power, by the approximation or exactly, the next numbers are not computed
        if approximate < power - 0.15 or (n >= 60 and exact(n) < power - 0.08):
            n += max(1, n // 30) if n >= 60 else 1
            continue
        step = max(1, n // 100)
        following = 10 if step == 1 else 3
        run = next((k for k in range(following) if n + k * step > MOST or exact(n + k * step) < power), following)
        if run == following:
            return n
        n += (run + 1) * step
    return None


def rejection_region(n_exposed: int, n_unexposed: int, method: ExactMethod, alpha: float) -> BoolArray:
    """Return which tables have p <= alpha: array of bool, shape (n_exposed + 1, n_unexposed + 1), by counts with the outcome."""
    if method not in EXACT_METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(EXACT_METHODS)}")
    if not 0 < alpha < 1:
        raise ValueError("alpha: outside 0..1")
    if min(n_exposed, n_unexposed) < 0 or int(n_exposed) != n_exposed or int(n_unexposed) != n_unexposed:
        raise ValueError("n_exposed, n_unexposed: whole numbers that are not negative are needed")
    if n_exposed + n_unexposed > MOST:
        raise ValueError(f"{n_exposed + n_unexposed} patients: the exact enumeration ends at {MOST}")
    return _region(int(n_exposed), int(n_unexposed), method, float(alpha)).copy()  # the cache keeps its own


@lru_cache(maxsize=256)
def _region(n_exposed: int, n_unexposed: int, method: ExactMethod, alpha: float) -> BoolArray:
    if min(n_exposed, n_unexposed) == 0:
        return np.zeros((n_exposed + 1, n_unexposed + 1), dtype=bool)
    if method == "fisher":
        return np.asarray(fisher_p(n_exposed, n_unexposed) <= alpha * (1 + 1e-12))
    if method == "firth":
        return np.asarray(firth_p(n_exposed, n_unexposed) <= alpha)
    # small values speak against the null hypothesis
    statistic = fisher_p(n_exposed, n_unexposed) if method == "boschloo" else -_pooled_z(n_exposed, n_unexposed)
    ranks = _ranks(statistic)
    low, high = -1, int(ranks.max())  # the region of all tables has size 1
    while high - low > 1:
        middle = (low + high) // 2
        if _size(ranks <= middle, alpha) <= alpha:
            low = middle
        else:
            high = middle
    return np.asarray(ranks <= low)


def fisher_p(n_exposed: int, n_unexposed: int) -> FloatArray:
    """Return Fisher's two-sided p of every table, shape (n_exposed + 1, n_unexposed + 1)."""
    from scipy.special import gammaln

    x, y = np.arange(n_exposed + 1), np.arange(n_unexposed + 1)
    log_ways = (-gammaln(x + 1) - gammaln(n_exposed - x + 1))[:, None] + (-gammaln(y + 1) - gammaln(n_unexposed - y + 1))
    p = np.empty(log_ways.shape)
    for outcome in range(n_exposed + n_unexposed + 1):
        counts = np.arange(max(0, outcome - n_unexposed), min(n_exposed, outcome) + 1)
        weight = log_ways[counts, outcome - counts]
        weight = np.exp(weight - weight.max())
        order = np.argsort(weight, kind="stable")
        cumulative = np.cumsum(weight[order])
        # a table's p holds every table as likely as it (R's tolerance)
        last = np.searchsorted(weight[order], weight * (1 + 1e-7), side="right") - 1
        p[counts, outcome - counts] = np.minimum(1.0, cumulative[last] / cumulative[-1])
    return p


def firth_p(n_exposed: int, n_unexposed: int) -> FloatArray:
    """Return the penalised likelihood-ratio p of one binary marker for every table, shape (n_exposed + 1, n_unexposed + 1).

    Notes
    -----
    Firth 1993, doi:10.1093/biomet/80.1.27; Heinze and Schemper 2002, doi:10.1002/sim.1047.  The penalty of the model is
    half a patient more in each cell, with the marker's coefficient held at 0 too.
    """
    from scipy.special import xlogy
    from scipy.stats import chi2

    def penalised(with_outcome: FloatArray, without: FloatArray) -> FloatArray:
        total = with_outcome + without
        return np.asarray(xlogy(with_outcome, with_outcome / total) + xlogy(without, without / total))

    x, y = np.arange(n_exposed + 1.0)[:, None], np.arange(n_unexposed + 1.0)[None, :]
    free = penalised(x + 0.5, n_exposed - x + 0.5) + penalised(y + 0.5, n_unexposed - y + 0.5)
    held = penalised(x + y + 1, n_exposed + n_unexposed - x - y + 1)
    return np.asarray(chi2.sf(np.maximum(0.0, 2 * (free - held)), 1))


def _pooled_z(n_exposed: int, n_unexposed: int) -> FloatArray:
    x, y = np.arange(n_exposed + 1)[:, None], np.arange(n_unexposed + 1)[None, :]
    common = (x + y) / (n_exposed + n_unexposed)
    spread = np.sqrt(common * (1 - common) * (1 / n_exposed + 1 / n_unexposed))
    difference = np.abs(x / n_exposed - y / n_unexposed)
    return np.divide(difference, spread, out=np.zeros(spread.shape), where=spread > 0)


def _ranks(statistic: FloatArray) -> NDArray[np.intp]:
    """Return the rank of every value among the distinct ones; those within rounding of the one before are one."""
    flat = statistic.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.diff(ordered) > TIED * np.maximum(np.abs(ordered[1:]), 1e-300)
    ranks = np.empty(flat.size, dtype=np.intp)
    ranks[order] = np.concatenate([[0], np.cumsum(starts)])
    return ranks.reshape(statistic.shape)


def _pmf(n: int, p: float | FloatArray) -> FloatArray:
    from scipy.stats import binom

    chance = np.asarray(p, dtype=np.float64)
    # scipy overflows on a probability that is not even a normal number
    chance = np.where(chance < 1e-300, 0.0, chance)
    return np.asarray(binom.pmf(np.arange(n + 1), n, chance[..., None]), dtype=np.float64)


@lru_cache(maxsize=8)
def _nuisance(n_exposed: int, n_unexposed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    # closer together near 0, where sizes of rare outcomes peak
    grid = 0.5 * np.sin(np.linspace(0, np.pi / 2, NUISANCE + 1)[1:]) ** 2
    return grid, _pmf(n_exposed, grid), _pmf(n_unexposed, grid)


def _size(region: BoolArray, enough: float = np.inf) -> float:
    """Return the largest probability of the region under a common probability (not refined once above `enough`)."""
    from scipy.optimize import minimize_scalar

    n_exposed, n_unexposed = region.shape[0] - 1, region.shape[1] - 1
    if not region.any():
        return 0.0
    area = region.astype(np.float64)

    def at(p: float) -> float:
        return -float(_pmf(n_exposed, p) @ area @ _pmf(n_unexposed, p))

    grid, exposed, unexposed = _nuisance(n_exposed, n_unexposed)
    sizes = ((exposed @ area) * unexposed).sum(axis=1)
    best = float(sizes.max())
    # the grid misses less than 1 % of a peak: nothing is refined where that cannot decide
    if best > enough or best < 0.98 * enough < np.inf:
        return best
    padded = np.concatenate([[-np.inf], sizes, [-np.inf]])
    peaks = np.flatnonzero((sizes >= padded[:-2]) & (sizes >= padded[2:]) & (sizes > 0.9 * best))
    for peak in peaks:
        low, high = grid[max(0, int(peak) - 1)], grid[min(grid.size - 1, int(peak) + 1)]
        best = max(best, -float(minimize_scalar(at, bounds=(low, high), method="bounded", options={"xatol": 1e-10}).fun))
    return best
