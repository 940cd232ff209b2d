"""Depths and background of one sample -> what its positivity test would have found: limit of blank, limit of detection, power."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, numbers
from resistance.stats.mrd.exact import ExactTest
from resistance.stats.mrd.lattice import joint_distribution, trimmed, whole_cells
from resistance.stats.mrd.sites import Counts, Sites, background_table, site_vafs, tumour_table, with_tumour

Rule = Literal["p_value", "calibrated"]

#: share of samples without tumour below the limit of blank, and power at the limit of detection (CLSI EP17)
BLANK = 0.95
#: cells of a grid: exact multiples of 1/lcm(depths) where so many do, otherwise rounded to at most so many
_CELLS = 2048
_FEWEST_CELLS = 256
_WORK = 6e6
_NOTHING = 1e-16
#: all cells that are less likely than this together are less than a double can tell from 1
_NO_CELL = 1e-22
#: errors expected over all sites from which on their sum is taken for normal
_MANY_ERRORS = 1000.0
#: calibrated p-values below are given as a bound
SMALL = 1e-6


@dataclass(frozen=True)
class Grid:
    """Joint background distribution of (sum of VAFs, number of positive sites) of one sample.

    Parameters
    ----------
    sites : Sites
    steps : ndarray of int, shape (s,)
        Cells that one mutant observation moves.
    width : float
        Sum of VAFs that one cell is.
    exact : bool
        Steps are 1 / depth without rounding.
    alive, reached : ndarray
        As in :class:`resistance.stats.mrd.lattice.Joint`.
    p : ndarray, shape of alive
        P(T >= cell and N >= n) of each cell.
    """

    sites: Sites
    steps: Counts
    width: float
    exact: bool
    alive: FloatArray
    reached: FloatArray
    p: FloatArray

    @property
    def cells(self) -> int:
        return int(self.alive.shape[1])

    def rejected(self, alpha: float, rule: Rule) -> BoolArray:
        """Return the cells in which the test is positive; what lies beyond the grid always is."""
        within = self.p <= alpha * (1 + 1e-9)
        if rule == "p_value":
            return np.asarray(within)
        order = np.argsort(self.p, axis=None, kind="stable")
        p, chance = self.p.ravel()[order], self.alive.ravel()[order]
        total = np.cumsum(chance) + self.reached.sum()
        # outcomes of the same p go in together
        last = np.append(np.diff(p) > 1e-9 * p[1:], True)
        allowed = last & (total <= alpha * (1 + 1e-9))
        if not allowed.any():
            return np.zeros_like(within)
        return np.asarray(self.p <= p[np.flatnonzero(allowed)[-1]] * (1 + 1e-9))


@dataclass(frozen=True)
class Limits:
    """What the positivity test of one sample can tell.

    Parameters
    ----------
    size : float
        Probability of a positive test without tumour.
    lob_vaf : float
        Mean VAF that samples without tumour exceed with probability at most .05.
    lod_vaf : float
        Mean VAF at which the test is positive with probability `power`; NaN where none is.
    detect : tuple of float
        Probability of a positive test at each VAF asked for.
    exact : bool
        False: sums were rounded to a grid of at least 256 cells; or, from 1,000 expected errors on, taken for normal.
    """

    size: float
    lob_vaf: float
    lod_vaf: float
    detect: tuple[float, ...]
    exact: bool


@dataclass(frozen=True)
class CalibratedP:
    """The probability of an outcome as rare as the observed one.

    Parameters
    ----------
    p_value, mid_p : float
        P(p <= observed p), and with half of the probability of equality, under background.
    bound : bool
        Only an upper bound (number of sites x p; mid-p the same).
    """

    p_value: float
    mid_p: float
    bound: bool


def limits(
    sites: Sites,
    *,
    alpha: float = 0.05,
    power: float = 0.95,
    vafs: ArrayLike = (1e-3, 1e-4, 1e-5),
    tumour_vafs: ArrayLike | None = None,
    rule: Rule = "p_value",
) -> Limits:
    """Return limit of blank, limit of detection and power of the positivity test at these depths and this background.

    Parameters
    ----------
    sites : Sites
    alpha : float
        The test is positive where its p is at most this.
    power : float
        Wanted at the limit of detection.
    vafs : array-like of float
        Mean VAFs at which the power is asked for.
    tumour_vafs : array-like of float, shape (s,), optional
        VAF of each variant in the tumour: sites then show VAFs in proportion; without, all the same VAF.
    rule : {'p_value', 'calibrated'}
        Which p: of the reference test (what the simulation estimates), or calibrated (size at most alpha).

    Raises
    ------
    ValueError

    Notes
    -----
    The test is positive on an upper set of (sum of VAFs, number of positive sites), found from their joint background
    distribution; its probability under a VAF is that of the same set under background plus tumour reads, and grows with the
    VAF, so that the limit of detection is one root (Brent's method).

    Examples
    --------
    Without background any read is proof, and the limit is that of counting:

    >>> from resistance.stats.mrd.sites import make_sites
    >>> found = limits(make_sites([3000] * 10, 0.0), vafs=[1e-4])
    >>> round(found.detect[0], 5), f"{found.lod_vaf:.4g}"
    (0.95022, '9.985e-05')
    """
    from scipy.optimize import brentq

    if not 0 < alpha < 1 or not alpha < power < 1:
        raise ValueError("alpha and power must lie between 0 and 1, and power above alpha")
    asked = numbers(vafs, "vafs")
    if ((asked < 0) | (asked > 1)).any():
        raise ValueError("vafs: from 0 to 1 is allowed")
    shares = None
    if tumour_vafs is not None:
        shares = numbers(tumour_vafs, "tumour_vafs")
        if shares.size != len(sites) or ((shares <= 0) | (shares > 1)).any():
            raise ValueError("tumour_vafs: one for each site, above 0 and at most 1")
    if float(np.sum(sites.depths * sites.rates)) > _MANY_ERRORS and len(sites) > 1:
        return _normal(sites, shares, asked, alpha, power)
    grid = make_grid(sites, alpha)
    positive = grid.rejected(alpha, rule)
    negative = ~positive
    # what lies above the last negative outcome is positive whatever follows: it need not be told apart
    rows, columns = np.flatnonzero(negative.any(axis=1)), np.flatnonzero(negative.any(axis=0))
    inner = negative[: min(int(rows[-1]) + 2, len(negative)), : int(columns[-1]) + 1]

    @cache
    def positive_at(vaf: float) -> float:
        return max(0.0, 1.0 - _probability(grid, inner, site_vafs(vaf, shares, len(sites))))

    most = 1.0 if shares is None else float(shares.mean() / shares.max())
    low = high = min(most, 1.0 / float(sites.depths.sum()))
    while positive_at(low) > power:
        low /= 4
    while positive_at(high) < power and high < most:
        low, high = high, min(most, high * 4)
    lod = float("nan")
    if positive_at(high) >= power:
        lod = float(np.exp(brentq(lambda x: positive_at(float(np.exp(x))) - power, np.log(low), np.log(high), xtol=1e-9)))
    size = float(grid.alive[positive].sum() + grid.reached.sum())
    return Limits(size, _blank(grid), lod, tuple(positive_at(float(v)) for v in asked), grid.exact)


def _normal(sites: Sites, shares: FloatArray | None, vafs: FloatArray, alpha: float, power: float) -> Limits:
    """Return the limits where so many errors are expected that their sum is normal; the number of positive sites tells no more."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    spread = 1.0 + np.where(np.isinf(sites.precisions), 0.0, (sites.depths - 1) / (sites.precisions + 1.0))
    noise = sites.rates * (1 - sites.rates) / sites.depths
    mean, sd = float(sites.rates.sum()), float(np.sqrt(np.sum(noise * spread)))
    critical = mean + float(norm.isf(alpha)) * sd

    def positive_at(vaf: float) -> float:
        added = with_tumour(sites, site_vafs(vaf, shares, len(sites)))
        variance = float(np.sum(added * (1 - added) / sites.depths + noise * (spread - 1)))
        return float(norm.sf((critical - added.sum()) / np.sqrt(variance)))

    most = 1.0 if shares is None else float(shares.mean() / shares.max())
    lod = float(brentq(lambda v: positive_at(v) - power, 0.0, most)) if positive_at(most) >= power else float("nan")
    blank = (mean + float(norm.ppf(BLANK)) * sd) / len(sites)
    return Limits(alpha, blank, lod, tuple(positive_at(float(v)) for v in vafs), False)


def make_grid(sites: Sites, tail: float) -> Grid:
    """Return the joint background distribution up to a sum that is exceeded with far less than probability `tail`."""
    exceeded = tail / (4.0 * (len(sites) + 1))
    spread = 1.0 + np.where(np.isinf(sites.precisions), 0.0, (sites.depths - 1) / (sites.precisions + 1.0))
    mean = float(sites.rates.sum())
    sd = float(np.sqrt(np.sum(sites.rates * (1 - sites.rates) / sites.depths * spread)))
    reach = mean + 5 * sd + 3.0 / float(sites.depths.min())
    for _ in range(60):
        steps, width, cells, exact = _steps(sites, reach)
        n_cap = _most_positive(sites)
        caps = np.minimum(-(-cells // steps), sites.depths + 1)
        table, caps = trimmed(background_table(sites, caps), caps, _NOTHING)
        joint = joint_distribution(table, caps, steps, cells, n_cap, nothing=_NO_CELL)
        if joint.reached.sum() <= exceeded:
            break
        reach *= 1.5
    beyond = np.cumsum(joint.reached[::-1])[::-1]
    p = np.cumsum(np.cumsum(joint.alive[::-1, ::-1], axis=0), axis=1)[::-1, ::-1] + beyond[:, None]
    p[0, 0] = 1.0
    return Grid(sites, steps, width, exact, joint.alive, joint.reached, np.minimum(p, 1.0))


def calibrated_p(test: ExactTest, alt: Counts, sites: Sites) -> CalibratedP:
    """Return the probability, under background, of an exact p as small as the observed one.

    The p of the positivity test is P(T >= t and N >= n).  Many outcomes that are not in that corner have as small a p, so
    that it falls below alpha more often than alpha: .077 at .05 for 50 sites of depth 20,000 and an error rate of 3.3e-5.
    The calibrated p does not; mid-p halves the conservatism that discrete counts bring.
    """
    if test.p_value >= 1.0 or test.alt == 0:
        return CalibratedP(1.0, 0.5 + 0.5 * (1.0 - _alive_at_zero(sites)), False)
    if test.p_value < SMALL or float(np.sum(sites.depths * sites.rates)) > _MANY_ERRORS:
        most = min(1.0, len(sites) * test.p_high)
        return CalibratedP(most, most, True)
    grid = make_grid(sites, test.p_value)
    cell = int(np.sum(alt * grid.steps))
    n = min(test.positive, grid.alive.shape[0] - 1)
    if cell >= grid.cells:  # a sum beyond the grid: rarer than asked for
        most = min(1.0, len(sites) * test.p_high)
        return CalibratedP(most, most, True)
    observed = grid.p[n, cell]
    beyond = float(grid.reached.sum())
    smaller = float(grid.alive[grid.p < observed * (1 - 1e-9)].sum()) + beyond
    at_most = float(grid.alive[grid.p <= observed * (1 + 1e-9)].sum()) + beyond
    return CalibratedP(min(1.0, at_most), min(1.0, 0.5 * (smaller + at_most)), False)


def probability_to_detect(vaf: ArrayLike, genomes: ArrayLike, mutations: ArrayLike = 1) -> NDArray[np.float64]:
    """Return the probability that `genomes` x `mutations` observations show at least one mutant: 1 - (1 - f) ** (n m).

    Examples
    --------
    >>> round(float(probability_to_detect(1e-4, 3000, 10)), 5)
    0.95022
    """
    f, n, m = (np.asarray(x, dtype=np.float64) for x in (vaf, genomes, mutations))
    if ((f < 0) | (f > 1)).any() or (n < 0).any() or (m < 0).any():
        raise ValueError("vaf lies between 0 and 1; genomes and mutations are not negative")
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = -np.expm1(n * m * np.log1p(-f))
    return np.asarray(np.where(n * m == 0, 0.0, seen), dtype=np.float64)


def genomes_needed(vaf: float, mutations: int = 1, probability: float = 0.95) -> int:
    """Return the least number of genomes with which at least one mutant is seen with this probability.

    Examples
    --------
    >>> genomes_needed(1e-4)
    29956
    """
    if not 0 < vaf <= 1 or not 0 < probability < 1 or mutations < 1:
        raise ValueError("vaf and probability lie between 0 and 1; at least one mutation is needed")
    if vaf == 1:
        return 1
    n = int(np.ceil(np.log1p(-probability) / np.log1p(-vaf) / mutations))
    while n > 1 and probability_to_detect(vaf, n - 1, mutations) >= probability:
        n -= 1
    return n


def _alive_at_zero(sites: Sites) -> float:
    return float(np.prod(background_table(sites, np.ones(len(sites), dtype=np.int64))[:, 0]))


def _steps(sites: Sites, reach: float) -> tuple[Counts, float, int, bool]:
    found = whole_cells(sites, _CELLS)
    if found is not None:
        steps, whole = found
        cells = int(np.ceil(reach * whole)) + 1
        if cells <= _CELLS:
            return steps, 1.0 / whole, cells, True
    reads = max(2.0, reach * float(sites.depths.max()))
    each = len(sites) * min(_most_positive(sites), reads) * 3.0
    # the smallest step has at least three cells, or rounding would change what the sites weigh
    cells = max(int(np.clip(_WORK / each, _FEWEST_CELLS, _CELLS)), int(np.ceil(3.0 * reads)))
    steps = np.rint(sites.weights * (cells / reach)).astype(np.int64)
    # such that the mean of the sum under background stays what it is
    expected = sites.depths * np.maximum(sites.rates, 1e-300)
    width = float(np.sum(expected * sites.weights) / np.sum(expected * steps))
    return steps, width, int(np.ceil(reach / width)) + 1, False


def _most_positive(sites: Sites) -> int:
    """Return a number of positive sites that background as good as never exceeds."""
    chance = 1.0 - background_table(sites, np.ones(len(sites), dtype=np.int64))[:, 0]
    mean, sd = float(chance.sum()), float(np.sqrt(np.sum(chance * (1 - chance))))
    return max(1, min(len(sites), int(np.ceil(mean + 10 * sd + 12))))


def _probability(grid: Grid, where: BoolArray, vaf: FloatArray) -> float:
    """Return the probability of the cells `where`, a lower set from the first row and column on, with tumour reads."""
    cells = where.shape[1]
    caps = np.minimum(-(-cells // grid.steps), grid.sites.depths + 1)
    table, caps = trimmed(tumour_table(grid.sites, vaf, caps), caps, _NOTHING)
    joint = joint_distribution(table, caps, grid.steps, cells, where.shape[0] - 1, nothing=_NO_CELL, wanted=where.sum(axis=1))
    return float(joint.alive[where].sum())


def _blank(grid: Grid) -> float:
    below = np.cumsum(grid.alive.sum(axis=0))
    return float(np.searchsorted(below, BLANK * (1 - 1e-12))) * grid.width / len(grid.sites)
