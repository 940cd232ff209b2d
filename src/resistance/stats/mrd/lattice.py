"""Distributions of mutant counts per site -> the joint distribution of (sum of VAFs, number of positive sites) on whole cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

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


def joint_distribution(table: FloatArray, caps: Counts, cells_per_read: Counts, cells: int, n_cap: int) -> Joint:
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

    Notes
    -----
    At most s x cells x n_cap x k steps; cells that cannot be reached cost nothing.
    """
    alive, reached = _convolve(table, caps, cells_per_read, cells, n_cap)
    return Joint(alive, reached)


@njit(cache=True, nogil=True)
def _convolve(table, caps, per_read, cells, n_cap):  # type: ignore[no-untyped-def]
    alive = np.zeros((n_cap + 1, cells))
    new = np.zeros((n_cap + 1, cells))
    reached = np.zeros(n_cap + 1)
    new_reached = np.zeros(n_cap + 1)
    alive[0, 0] = 1.0
    top, n_top = 1, 0
    for i in range(caps.size):
        cap, step = caps[i], per_read[i]
        # from[x]: P(X >= x), summed from the small end
        above = np.empty(cap + 1)
        total = 0.0
        for x in range(cap, -1, -1):
            total += table[i, x]
            above[x] = total
        none = table[i, 0]
        new_top = top
        n_next = min(n_cap, n_top + 1)
        for n in range(n_next + 1):
            new_reached[n] = 0.0
            for c in range(cells):
                new[n, c] = 0.0
        for n in range(n_top + 1):
            m = min(n + 1, n_cap)
            new_reached[n] += reached[n] * none
            new_reached[m] += reached[n] * above[1]
            for c in range(top):
                value = alive[n, c]
                if value == 0.0:
                    continue
                new[n, c] += value * none
                if step == 0:
                    new[m, c] += value * above[1]
                    continue
                x = 1
                place = c + step
                while x < cap and place < cells:
                    new[m, place] += value * table[i, x]
                    x += 1
                    place += step
                new_reached[m] += value * above[x]
                if x > 1 and place - step + 1 > new_top:
                    new_top = place - step + 1
        top, n_top = new_top, n_next
        alive, new = new, alive
        reached, new_reached = new_reached, reached
    return alive, reached


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
