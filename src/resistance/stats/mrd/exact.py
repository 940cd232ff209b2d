"""Mutant counts and background of one sample -> the exact p of the positivity test that is otherwise simulated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.mrd.lattice import joint_distribution, trimmed, whole_cells
from resistance.stats.mrd.sites import ROUNDING, Counts, Sites, background_table, make_sites, mutant_counts

Algorithm = Literal["none needed", "lattice", "enumeration", "bound", "fine lattice", "saddlepoint"]

#: cells of an exact lattice up to the observed sum, and the work (cells x positive sites x sites) that is worth it
MOST_CELLS = 200_000
MOST_WORK = 400_000_000
#: distinct sums per half of the sites
MOST_STATES = 60_000
#: below this an upper bound is as good as the number
NEGLIGIBLE = 1e-12
#: cells of the smallest step of a fine lattice (rounding then moves a sum by less than one part in 2,000), fewer where the
#: observed sum would be more than so many
_FINE = 1_000
_MOST_FINE_CELLS = 16_000
_FINE_WORK = 200_000_000
_LEAST_STEP = 10
#: counts this rare add nothing to a p above NEGLIGIBLE
_NOTHING = 1e-22


@dataclass(frozen=True)
class ExactTest:
    """Exact positivity test of one sample.

    Parameters
    ----------
    p_value : float
        P(mean VAF >= observed and number of positive sites >= observed) under background; an upper bound
        where `algorithm` is 'bound', an approximation between strict bounds where it is 'fine lattice'.
    p_low, p_high : float
        Strict bounds; equal to `p_value` where that is exact; `p_low` is 0 for 'bound'.
    algorithm : {'none needed', 'lattice', 'enumeration', 'bound', 'fine lattice', 'saddlepoint'}
    mean_vaf : float
    alt, positive : int
        Mutant observations, and sites with any.
    """

    p_value: float
    p_low: float
    p_high: float
    algorithm: Algorithm
    mean_vaf: float
    alt: int
    positive: int


def exact_test(
    alt: ArrayLike, depths: ArrayLike, rates: ArrayLike, precisions: ArrayLike | None = None, *, use: Algorithm | None = None
) -> ExactTest:
    """Return the p of which the Monte-Carlo test of ctDNAtools is an estimate.

    X_i ~ Binomial(D_i, e_i), independent (beta-binomial where a precision is given).  The p is that of the joint event
    mean(X_i / D_i) >= observed and #{X_i > 0} >= observed.

    Parameters
    ----------
    alt, depths : array-like of int, shape (s,)
        Mutant observations and all observations; sites that were not read are left out by the caller.
    rates : float or array-like, shape (s,)
        Error rate to this very variant (a rate to any wrong base is divided by three before, or not: the caller's choice).
    precisions : float or array-like, shape (s,), optional
        alpha + beta of a beta-binomial background.
    use : {'lattice', 'enumeration', 'fine lattice', 'bound'}, optional
        Only this algorithm (for tests); default: the first that is affordable.

    Returns
    -------
    ExactTest

    Raises
    ------
    ValueError
        Counts, depths or rates that cannot be; `use` names an algorithm that this problem is too large for.

    Notes
    -----
    1. *Lattice*: 1 / D_i are whole multiples of 1 / lcm(D).  The joint distribution of (sum, number of positive sites) is
       convolved site by site on those multiples below the observed sum, everything at or above it in one further state, so
       that only positive numbers are added and small tails keep their digits.  At most s x cells x positive sites x reads
       steps.  Exact.
    2. *Enumeration*, where the least common multiple is too large: all distinct sums below the observed one of each half of
       the sites, put together by sorting (n log n instead of n squared).  Exact; sums that differ by less than 1e-12 of
       the observed are ties.
    3. *Bound*, where both are too large and min(Chernoff's bound of the sum, P(positive sites >= observed)) is below 1e-12:
       that bound.
    4. *Fine lattice*: steps rounded to a grid on which the smallest is up to 1,000 cells. Every sum is then right to half a
       cell of the smallest step, which gives strict bounds (`p_low`, `p_high`) from the same convolution; errors of
       rounding go both ways, so that the p itself is far closer than its bounds.
    5. *Saddlepoint*, where more than about 1,600 mutant observations are seen and as good as every site has errors under
       background: the tail of the sum by Lugannani and Rice.

    This p is no uniform number under background: it is the probability of a corner, not of all outcomes that are as rare.
    :func:`resistance.stats.mrd.limits.calibrated_p` gives the latter.

    References
    ----------
    Hypothesis: Newman et al. 2014, Nat Med 20:548 (doi:10.1038/nm.3519); the statistic: ctDNAtools, positivity test.

    Examples
    --------
    >>> round(exact_test([2], [3000], 0.0005 / 3).p_value, 6)
    0.090191
    """
    sites = make_sites(depths, rates, precisions)
    counts = mutant_counts(alt, sites)
    observed, positive = float(np.sum(counts * sites.weights)), int((counts > 0).sum())
    mean, reads = observed / len(sites), int(counts.sum())
    if reads == 0:
        return ExactTest(1.0, 1.0, 1.0, "none needed", mean, reads, positive)
    if use in (None, "lattice"):
        p = _on_lattice(sites, counts, positive, MOST_WORK)
        if p is not None:
            return ExactTest(p, p, p, "lattice", mean, reads, positive)
    if use in (None, "enumeration"):
        p = _enumerated(sites, observed, positive)
        if p is not None:
            return ExactTest(p, p, p, "enumeration", mean, reads, positive)
    if use in ("lattice", "enumeration"):
        raise ValueError(f"use: this problem is too large for '{use}'")
    bound = upper_bound(sites, observed, positive)
    if use == "bound" or (use is None and bound < NEGLIGIBLE):
        return ExactTest(bound, 0.0, bound, "bound", mean, reads, positive)
    if use is None and observed / float(sites.weights.min()) > _MOST_FINE_CELLS / _LEAST_STEP:
        tail = None if np.isfinite(sites.precisions).any() else saddlepoint_tail(sites, observed)
        surely = _positive_at_least(sites, positive) > 1 - 1e-6
        if tail is not None and surely:
            return ExactTest(tail, 0.0, bound, "saddlepoint", mean, reads, positive)
        return ExactTest(bound, 0.0, bound, "bound", mean, reads, positive)
    p, low, high = _rounded(sites, counts, observed, positive)
    return ExactTest(min(p, bound), low, min(high, bound), "fine lattice", mean, reads, positive)


def upper_bound(sites: Sites, observed: float, positive: int) -> float:
    """Return min(Chernoff's bound of P(sum of VAFs >= observed), P(positive sites >= positive)), both exact bounds."""
    enough = _positive_at_least(sites, positive)
    if enough < 1e-30:
        return max(enough, float(np.finfo(np.float64).tiny))
    # the sum reaches `observed` exactly where the sum of counts cut off at what reaches it alone does
    caps = _caps(sites, observed)
    if caps.sum() > 20_000_000:
        return enough
    table = background_table(sites, caps)
    # counts beyond the last that a double can hold add nothing
    table = table[:, : int(np.flatnonzero(table.any(axis=0))[-1]) + 1]
    with np.errstate(divide="ignore"):
        logs = np.log(table)
    counts = np.minimum(np.arange(table.shape[1]), caps[:, None])
    steps = counts * sites.weights[:, None] / observed

    def log_bound(tilt: float) -> float:
        # log of E exp(tilt * (T / observed - 1))
        return float(_log_moment(logs, steps, tilt) - tilt)

    from scipy.optimize import minimize_scalar

    found = minimize_scalar(log_bound, bounds=(0.0, 5000.0), method="bounded")
    return float(max(min(enough, math.exp(min(0.0, float(found.fun)))), np.finfo(np.float64).tiny))


@njit(cache=True, nogil=True)
def _log_moment(logs, steps, tilt):  # type: ignore[no-untyped-def]
    """Return the sum over the sites of log sum exp(log chance + tilt x step)."""
    total = 0.0
    for i in range(logs.shape[0]):
        top = -math.inf
        for x in range(logs.shape[1]):
            top = max(top, logs[i, x] + tilt * steps[i, x])
        found = 0.0
        for x in range(logs.shape[1]):
            power = logs[i, x] + tilt * steps[i, x] - top
            if power > -745.2:  # below, exp is 0
                found += math.exp(power)
        total += top + math.log(found)
    return total


def _positive_at_least(sites: Sites, positive: int) -> float:
    """Return P(positive sites >= positive), a Poisson-binomial tail."""
    table = background_table(sites, np.ones(len(sites), dtype=np.int64))
    counts = np.zeros(positive + 1)
    counts[0] = 1.0
    for none, any_ in table[:, :2]:
        up = counts * any_
        counts[:-1] *= none
        counts[1:] += up[:-1]
    return float(min(1.0, counts[-1]))


def saddlepoint_tail(sites: Sites, observed: float) -> float | None:
    """Return P(sum of VAFs >= observed) of binomial counts by Lugannani and Rice's formula; None where it does not apply.

    For thousands of expected errors, where no lattice is affordable and the formula is right to a part in a thousand.  Half of the
    smallest step is taken off `observed`: exact for equal depths, a little too large a p where sums lie closer than that.

    References
    ----------
    Lugannani R, Rice S. Adv Appl Probab 1980; 12: 475. doi:10.2307/1426607
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    d, e = sites.depths.astype(np.float64), sites.rates
    scale = 1.0 / float(sites.weights.min())  # in units of the smallest step
    observed = observed - 0.5 / scale

    def shares(s: float) -> FloatArray:
        up = e * np.exp(s * scale / d)
        return np.asarray(up / (1.0 - e + up))

    def slope(s: float) -> float:
        return float(np.sum(shares(s))) * scale - observed * scale

    high = 1e-3
    while slope(high) < 0 and high < 50:
        high *= 2
    if slope(0.0) * slope(high) > 0 and slope(0.0) < 0:
        return None
    low = 0.0 if slope(0.0) < 0 else -high
    if slope(low) > 0:
        return None
    s = float(brentq(slope, low, high, xtol=1e-14))
    k = float(np.sum(d * np.log1p(e * np.expm1(s * scale / d))))
    q = shares(s)
    spread = float(np.sum(q * (1 - q) * scale**2 / d))
    u = s * np.sqrt(spread)
    w = np.sign(s) * np.sqrt(max(0.0, 2 * (s * observed * scale - k)))
    if abs(w) < 1e-4:
        return 0.5
    return float(np.clip(norm.sf(w) + norm.pdf(w) * (1 / u - 1 / w), 0.0, 1.0))


def _caps(sites: Sites, observed: float) -> Counts:
    """Return the count of each site that reaches the observed sum alone (at most one above its depth)."""
    reach = np.ceil(observed * (1.0 - ROUNDING) * sites.depths).astype(np.int64)
    return np.asarray(np.minimum(np.maximum(reach, 1), sites.depths + 1), dtype=np.int64)


def _on_lattice(sites: Sites, alt: Counts, positive: int, most_work: float) -> float | None:
    found = whole_cells(sites, MOST_CELLS)
    if found is None:
        return None
    steps, _ = found
    cells = int(np.sum(alt * steps))
    caps = np.minimum(-(-cells // steps), sites.depths + 1)
    if cells > MOST_CELLS or float(cells) * positive * float(caps.sum()) > most_work:
        return None
    joint = joint_distribution(background_table(sites, caps), caps, steps, cells, positive)
    return min(1.0, float(joint.reached[positive:].sum()))


def _rounded(sites: Sites, alt: Counts, observed: float, positive: int) -> tuple[float, float, float]:
    """Return the p on a lattice of rounded steps, and strict bounds of the p without rounding.

    Where every step is within a factor of 1 -+ e of the true one, so is every sum.
    """
    smallest = float(sites.weights.min())
    cells_affordable = min(float(_MOST_FINE_CELLS), _FINE_WORK / (len(sites) * positive))
    fine = min(float(_FINE), max(float(_LEAST_STEP), cells_affordable * smallest / observed))
    width = smallest / fine
    steps = np.rint(sites.weights / width).astype(np.int64)
    error = float(np.abs(steps * width / sites.weights - 1.0).max()) + 1e-9
    cell = int(np.sum(alt * steps))
    down, up = int(np.floor(observed / width * (1.0 - error))), int(np.ceil(observed / width * (1.0 + error)))
    cells = max(up, cell) + 1
    caps = np.minimum(-(-cells // steps), sites.depths + 1)
    table, caps = trimmed(background_table(sites, caps), caps, _NOTHING)
    joint = joint_distribution(table, caps, steps, cells, positive)
    sums = joint.alive[positive:].sum(axis=0)
    beyond = float(joint.reached[positive:].sum())
    p, low, high = (float(sums[c:].sum()) + beyond for c in (cell, up, max(down, 0)))
    return min(1.0, p), min(1.0, low), min(1.0, high)


@dataclass
class _Half:
    sums: FloatArray
    positive: Counts
    chance: FloatArray
    reached: FloatArray


def _enumerated(sites: Sites, observed: float, positive: int) -> float | None:
    """Return the p from the distinct sums of two halves of the sites, or None where there are too many."""
    half, reads = -(-len(sites) // 2), int(observed * float(np.median(sites.depths)))
    if len(sites) > 2 and reads > 300:
        return None
    if math.comb(half + reads, reads) > 4 * MOST_STATES and len(set(sites.depths.tolist())) > half:
        return None  # all different: this many sums are sure to come
    order = np.argsort(sites.depths, kind="stable")
    first, second = (_half(sites.take(order[start::2]), observed, positive) for start in (0, 1))
    if first is None or second is None:
        return None
    p = 0.0
    for n in range(positive + 1):
        here = first.positive == n
        needed = positive - n
        there = second.positive >= needed
        sums = second.sums[there]
        by_size = np.argsort(sums, kind="stable")
        tail = np.append(np.cumsum(second.chance[there][by_size][::-1])[::-1], 0.0)
        beyond = float(second.reached[needed:].sum())
        if here.any():
            at = np.searchsorted(sums[by_size], observed * (1.0 - ROUNDING) - first.sums[here], side="left")
            p += float(np.sum(first.chance[here] * (tail[at] + beyond)))
        p += float(first.reached[n]) * (float(second.chance[there].sum()) + beyond)
    return min(1.0, p)


def _half(sites: Sites, observed: float, positive: int) -> _Half | None:
    sums, number, chance = np.zeros(1), np.zeros(1, dtype=np.int64), np.ones(1)
    reached = np.zeros(positive + 1)
    limit = observed * (1.0 - ROUNDING)
    caps = _caps(sites, observed) if len(sites) else np.zeros(0, dtype=np.int64)
    if caps.size and caps.sum() > 5_000_000:
        return None
    table = background_table(sites, caps) if len(sites) else np.zeros((0, 1))
    for i in range(len(sites)):
        above = np.cumsum(table[i, : caps[i] + 1][::-1])[::-1]
        up = np.minimum(np.arange(positive + 1) + 1, positive)
        new_reached = reached * table[i, 0]
        np.add.at(new_reached, up, reached * above[1])
        grown = [(sums, number, chance * table[i, 0])]
        size = sums.size
        for x in range(1, int(caps[i]) + 1):
            moved = sums + x * sites.weights[i]
            open_ = moved < limit
            if x == caps[i]:
                open_ = np.zeros_like(open_)
            # what is at the limit now stays there with any larger count: it leaves with the whole tail
            earlier = sums + (x - 1) * sites.weights[i] < limit if x > 1 else np.ones_like(open_)
            leaves = earlier & ~open_
            np.add.at(new_reached, up[number[leaves]], chance[leaves] * above[x])
            if not open_.any():
                break
            grown.append((moved[open_], up[number[open_]], chance[open_] * table[i, x]))
            size += int(open_.sum())
            if size > 4 * MOST_STATES:
                return None
        sums, number, chance = (np.concatenate(part) for part in zip(*grown, strict=True))
        if sums.size > 1000:
            sums, number, chance = _merged(sums, number, chance, limit)
        if sums.size > MOST_STATES:
            return None
        reached = new_reached
    return _Half(sums, number, chance, reached)


def _merged(sums: FloatArray, number: Counts, chance: FloatArray, limit: float) -> tuple[FloatArray, Counts, FloatArray]:
    """Return the states with those of the same sum and number put together."""
    order = np.lexsort((sums, number))
    sums, number, chance = sums[order], number[order], chance[order]
    new = np.append(True, (np.diff(number) != 0) | (np.diff(sums) > limit * ROUNDING / 4))
    starts = np.flatnonzero(new)
    return sums[starts], number[starts], np.add.reduceat(chance, starts)
