"""Distributions of mutant counts per site -> the joint distribution of (sum of VAFs, number of positive sites) on whole cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.mrd.sites import Counts, Sites


@dataclass(frozen=True)
class Joint:
    """Joint distribution of the sum T of VAFs, in cells, and the number N of positive sites.

    Parameters
    ----------
    alive : ndarray, shape (n_cap + 1, cells)
        P(N = n, T = c) for T below `cells`.
    reached : ndarray, shape (n_cap + 1,)
        P(N = n, T >= cells).  The last row of both holds N >= n_cap.
    """

    alive: FloatArray
    reached: FloatArray


def joint_distribution(
    table: FloatArray, caps: Counts, cells_per_read: Counts, cells: int, n_cap: int, *,
    nothing: float = 0.0, wanted: Counts | None = None,
) -> Joint:  # fmt: skip
    """Return the joint distribution, site after site, by sums of positive numbers only.

    Parameters
    ----------
    table : ndarray, shape (s, k)
        P(X = 0), ..., P(X >= cap) of each site.
    caps : ndarray of int, shape (s,)
        Counts from here on reach `cells` by themselves (or are too rare to matter: they then count as such).
    cells_per_read : ndarray of int, shape (s,)
        May be 0.
    cells, n_cap : int
    nothing : float
        Cells at the ends of a row that are less likely than this are left out on the way: for sums that need no small tail.
    wanted : ndarray of int, shape (n_cap + 1,), optional
        First cells of each row that are asked for, no more in one row than in the row before.  Sums and numbers only grow, so
        that others need not be followed; ``reached`` is then 0.

    Notes
    -----
    At most s x cells x n_cap x k steps; cells that cannot be reached cost nothing.
    """
    most = np.full(n_cap + 1, cells, np.int64) if wanted is None else wanted.astype(np.int64)
    alive, reached = _convolve(table, caps, cells_per_read, cells, n_cap, nothing, most, wanted is None)
    return Joint(alive, reached)


@njit(cache=True, nogil=True)
def _add(to, at, source, begin, size, factor):  # type: ignore[no-untyped-def]
    """Add `size` cells of source x factor (unsigned numbers: the compiler makes vectors of a loop without negative indices)."""
    if size <= 0:
        return
    first, other = np.uint64(at), np.uint64(begin)
    for c in range(np.uint64(size)):
        to[first + c] += source[other + c] * factor


@njit(cache=True, nogil=True)
def _convolve(table, caps, per_read, cells, n_cap, nothing, wanted, all_wanted):  # type: ignore[no-untyped-def]
    # each number of positive sites holds its sums in a stretch of cells; beyond it nothing is kept, nor set to 0
    alive, new = np.empty((n_cap + 1, cells)), np.empty((n_cap + 1, cells))
    reached, new_reached = np.zeros(n_cap + 1), np.zeros(n_cap + 1)
    low, high = np.zeros(n_cap + 1, np.int64), np.zeros(n_cap + 1, np.int64)
    new_low, new_high = np.zeros(n_cap + 1, np.int64), np.zeros(n_cap + 1, np.int64)
    alive[0, 0] = 1.0
    high[0] = min(1, wanted[0])
    # of each number of positive sites; bounds that of each of its cells
    mass = np.zeros(n_cap + 1)
    mass[0] = 1.0
    n_top = 0
    for i in range(caps.size):
        cap, step = caps[i], per_read[i]
        # from[x]: P(X >= x), summed from the small end
        above = np.empty(cap + 1)
        total = 0.0
        for x in range(cap, -1, -1):
            total += table[i, x]
            above[x] = total
        none = table[i, 0]
        most = cap - 1 if step == 0 else min(cap - 1, (cells - 1) // step)
        n_next = min(n_cap, n_top + 1)
        for n in range(n_next + 1):
            new_low[n], new_high[n] = (low[n], high[n]) if n <= n_top else (cells, 0)
        for n in range(n_top + 1):
            m = min(n + 1, n_cap)
            if low[n] + step < cells and low[n] < high[n] and (most > 0 or step == 0):
                new_low[m] = min(new_low[m], low[n] + step)
                new_high[m] = min(wanted[m], max(new_high[m], high[n] if step == 0 else high[n] + most * step))
        for n in range(n_next + 1):
            new[n, new_low[n] : new_high[n]] = 0.0
        for n in range(n_top + 1):
            begin, size = low[n], high[n] - low[n]
            m = min(n + 1, n_cap)
            if step == 0:
                _add(new[n], begin, alive[n], begin, size, none)
                _add(new[m], begin, alive[n], begin, min(size, wanted[m] - begin), above[1])
                continue
            # all cells at once for one count; from the largest count, so that what meets in a cell is added from the left
            for x in range(most, 0, -1):
                if mass[n] * table[i, x] >= nothing:
                    _add(new[m], begin + x * step, alive[n], begin, min(size, wanted[m] - begin - x * step), table[i, x])
            _add(new[n], begin, alive[n], begin, size, none)
        if all_wanted:
            _reach(alive, low, high, n_top, above, none, step, cells, reached, new_reached)
        for n in range(n_next, -1, -1):
            mass[n] = mass[n] * (1.0 if n == n_cap else none) + (mass[n - 1] * above[1] if n > 0 else 0.0)
        for n in range(n_next + 1):
            while new_low[n] < new_high[n] and new[n, new_low[n]] < nothing:
                new_low[n] += 1
            while new_low[n] < new_high[n] and new[n, new_high[n] - 1] < nothing:
                new_high[n] -= 1
        n_top = n_next
        alive, new = new, alive
        reached, new_reached = new_reached, reached
        low, new_low = new_low, low
        high, new_high = new_high, high
    for n in range(n_cap + 1):
        begin, end = (low[n], high[n]) if n <= n_top and low[n] < high[n] else (cells, cells)
        alive[n, :begin] = 0.0
        alive[n, end:] = 0.0
    return alive, reached


@njit(cache=True, nogil=True)
def _reach(alive, low, high, n_top, above, none, step, cells, reached, new_reached):  # type: ignore[no-untyped-def]
    """Write what one site brings to `cells` or beyond, by number of positive sites.

    Each number is summed from the left; four sums run side by side, since one alone waits for its own last addition.
    """
    n_cap, cap = reached.size - 1, above.size - 1
    bound = cells - (cap - 1) * step
    sums = reached[: n_top + 1] * above[1]
    if step > 0:
        for first in range(0, min(n_top + 1, n_cap), 4):
            last = min(first + 4, n_top + 1, n_cap)
            begin, end = low[first:last].max(), min(bound, high[first:last].min())
            if last - first < 4 or begin >= end:
                for n in range(first, last):
                    sums[n] = _from_left(sums[n], alive[n], low[n], high[n], above, step, cells)
                continue
            for n in range(first, last):
                sums[n] = _from_left(sums[n], alive[n], low[n], begin, above, step, cells)
            a, b, c, d = (
                alive[first, begin:end],
                alive[first + 1, begin:end],
                alive[first + 2, begin:end],
                alive[first + 3, begin:end],
            )
            t, u, v, w = sums[first], sums[first + 1], sums[first + 2], sums[first + 3]
            for k in range(a.size):
                t += a[k] * above[cap]
                u += b[k] * above[cap]
                v += c[k] * above[cap]
                w += d[k] * above[cap]
            sums[first], sums[first + 1], sums[first + 2], sums[first + 3] = t, u, v, w
            for n in range(first, last):
                sums[n] = _from_left(sums[n], alive[n], end, high[n], above, step, cells)
    new_reached[:] = 0.0
    for n in range(n_top + 1):
        new_reached[n] += reached[n] * none
        if n < n_cap:
            new_reached[n + 1] += sums[n]
        else:
            new_reached[n] += sums[n]
            if step > 0:
                new_reached[n] = _from_left(new_reached[n], alive[n], low[n], high[n], above, step, cells)


@njit(cache=True, nogil=True)
def _from_left(total, source, begin, end, above, step, cells):  # type: ignore[no-untyped-def]
    """Add the chance to reach `cells` from each cell begin..end-1."""
    cap = above.size - 1
    within = min(end, cells - (cap - 1) * step)  # before this, all counts below the cap stay below `cells`
    if above[cap] > 0.0:
        for c in range(begin, within):
            total += source[c] * above[cap]
    for c in range(max(begin, within), end):
        total += source[c] * above[min(cap, (cells - c + step - 1) // step)]
    return total


def whole_cells(sites: Sites, most: int) -> tuple[Counts, int] | None:
    """Return whole numbers in proportion to 1 / depth and how many of them make a VAF of 1; None where one would exceed `most`.

    Examples
    --------
    >>> from resistance.stats.mrd.sites import make_sites
    >>> cells, whole = whole_cells(make_sites([500, 1000, 1000], 1e-4), 100)
    >>> cells.tolist(), whole
    ([2, 1, 1], 1000)
    """
    fewest = int(sites.depths.min())
    whole = 1
    for depth in sorted({int(d) for d in sites.depths}):
        whole = math.lcm(whole, depth)
        if whole > most * fewest:  # the step of the shallowest site, and it only grows from here
            return None
    return whole // sites.depths, whole


def trimmed(table: FloatArray, caps: Counts, nothing: float) -> tuple[FloatArray, Counts]:
    """Return the table with counts that have a probability of less than `nothing` put into the tail (which then reaches)."""
    above = np.cumsum(table[:, ::-1], axis=1)[:, ::-1]
    short = np.minimum(caps, np.maximum(1, np.sum(above > nothing, axis=1)))
    out = table[:, : int(short.max()) + 1].copy()
    out[np.arange(len(short)), short] = above[np.arange(len(short)), short]
    out[np.arange(out.shape[1])[None, :] > short[:, None]] = 0.0
    return out, short
