"""A table of counts of any size -> Fisher's exact test (Freeman and Halton): the tables with these margins at most as likely."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import lgamma

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray
from resistance.stats.chi_square import counts_table
from resistance.stats.noncentral import EQUALLY_LIKELY

Counts = NDArray[np.int64]

#: logarithms of probabilities closer than this are the same number up to rounding
SAME = 1e-9


@dataclass(frozen=True)
class FreemanHaltonResult:
    """Fisher's exact test of a table with any number of rows and columns.

    Parameters
    ----------
    p_value : float
        Two-sided; NaN where it was not computed.
    method : {'exact', 'Monte Carlo', ''}
    draws : int
        Random tables drawn (0: exact).
    n : int
    reason : {'', 'one row or column', 'too large'}
    note : str
    """

    p_value: float
    method: str
    draws: int
    n: int
    reason: str
    note: str


def freeman_halton(
    table: ArrayLike, *, seed: int | None = None, draws: int = 99_999, most_tables: int = 5_000_000
) -> FreemanHaltonResult:
    """Test whether rows and columns of a table of counts are independent, all margins given.

    Parameters
    ----------
    table : array of int, shape (rows, columns)
    seed : int, optional
        Where the tables are too many to be summed, draw `draws` of them at random from this seed, and
        return (b + 1) / (draws + 1); without a seed there is then no p.
    draws : int
    most_tables : int
        Tables looked at, one way or another, before the exact sum is given up (the default takes seconds).

    Raises
    ------
    ValueError
        Counts that are negative or not whole; another number of dimensions; draws below 1.

    Notes
    -----
    Freeman and Halton 1951, doi:10.1093/biomet/38.1-2.141.  Columns are filled one after the other, and
    ways to the same remaining margins with the same probability are one (the idea of Mehta and Patel
    1983, doi:10.1080/01621459.1983.10477989); the last two are enumerated at once.

    Examples
    --------
    >>> round(freeman_halton([[3, 1, 0], [0, 2, 4]]).p_value, 4)
    0.0333
    """
    if draws < 1:
        raise ValueError(f"draws: {draws} is below 1")
    given = counts_table(table).astype(np.int64)
    kept = given[given.sum(axis=1) > 0][:, given.sum(axis=0) > 0]
    n = int(given.sum())
    if min(kept.shape) < 2:
        note = "fewer than two rows or columns hold a patient"
        return FreemanHaltonResult(float("nan"), "", 0, n, "one row or column", note)
    if kept.shape[0] > kept.shape[1]:
        kept = kept.T
    p_value = _exact(kept, most_tables)
    if p_value is not None:
        return FreemanHaltonResult(p_value, "exact", 0, n, "", "")
    if seed is None:
        note = "too many tables to be summed: a seed lets them be drawn at random"
        return FreemanHaltonResult(float("nan"), "", 0, n, "too large", note)
    return FreemanHaltonResult(_drawn(kept, seed, draws), "Monte Carlo", draws, n, "", f"{draws} random tables")


def _log_factorials(n: int) -> FloatArray:
    return np.array([lgamma(i + 1) for i in range(n + 1)])


def _exact(table: Counts, most_tables: int) -> float | None:
    """Return the p, or None where the tables are too many."""
    rows, columns = table.sum(axis=1), np.sort(table.sum(axis=0), kind="stable")
    logf = _log_factorials(int(table.sum()))
    constant = float(logf[rows].sum() + logf[columns].sum() - logf[-1])
    observed = -float(logf[table].sum())
    # the order of the rows does not matter to what follows, so that states are sorted
    states: dict[tuple[int, ...], tuple[FloatArray, FloatArray]] = {
        tuple(sorted(int(r) for r in rows)): (np.zeros(1), np.ones(1))
    }
    work = 0
    for column in columns[:-2]:
        reached: dict[tuple[int, ...], list[tuple[FloatArray, FloatArray]]] = {}
        for state, (value, ways) in states.items():
            fillings = _fillings(state, int(column))
            work += len(fillings) * value.size
            if work > most_tables // 5:  # in python, not in numpy
                return None
            for filling in fillings:
                left = tuple(sorted(r - x for r, x in zip(state, filling, strict=True)))
                reached.setdefault(left, []).append((value - logf[list(filling)].sum(), ways))
        states = {left: _merged(parts) for left, parts in reached.items()}
    total, both = 0.0, int(columns[-2] + columns[-1])
    for state, (value, ways) in states.items():
        margins = np.array(state)
        allowed = observed - value + np.log1p(EQUALLY_LIKELY)
        share = ways * np.exp(value + constant / 2)
        # bounds of the two columns left, each row by itself: all ends in, or all out
        every = allowed >= -float((logf[margins // 2] + logf[margins - margins // 2]).sum())
        everything = logf[both] - logf[columns[-2]] - logf[columns[-1]] - float(logf[margins].sum())
        total += float(share[every].sum() * np.exp(everything + constant / 2))
        open_ = ~every & (allowed >= -float(logf[margins].sum()))
        if not open_.any():
            continue
        work += int(np.prod(margins[:-1] + 1.0))
        if work > most_tables:
            return None
        limit, weight = allowed[open_][::-1], share[open_][::-1]  # values rise, so that limits fall
        last = _last_two(state, int(columns[-2]), logf)
        first_limit = np.searchsorted(limit, last)  # the tables below limit i are those with first_limit <= i
        mass = np.bincount(first_limit, weights=np.exp(last + constant / 2), minlength=limit.size + 1)
        total += float(weight @ np.cumsum(mass)[: limit.size])
    return min(1.0, total)


def _fillings(state: tuple[int, ...], column: int) -> list[tuple[int, ...]]:
    """Return every way to take `column` patients from the rows."""
    ways: list[tuple[int, ...]] = [()]
    after = np.concatenate([np.cumsum(state[::-1])[::-1][1:], [0]])
    for row, rest in zip(state, after, strict=True):
        ways = [(*way, x) for way in ways for x in range(max(0, column - sum(way) - int(rest)), min(row, column - sum(way)) + 1)]
    return ways


def _merged(parts: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Add up the ways whose probability is the same."""
    value = np.concatenate([part[0] for part in parts])
    ways = np.concatenate([part[1] for part in parts])
    order = np.argsort(value, kind="stable")
    value, ways = value[order], ways[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(value) > SAME]))
    return value[starts], np.add.reduceat(ways, starts)


def _last_two(state: tuple[int, ...], column: int, logf: FloatArray) -> FloatArray:
    """Return minus the log factorials of the cells of every table of two columns with these rows."""
    value, taken = np.zeros(1), np.zeros(1, dtype=np.int64)
    after = np.concatenate([np.cumsum(state[::-1])[::-1][1:], [0]])
    for row, rest in zip(state, after, strict=True):
        x = np.arange(row + 1)
        cells = -(logf[x] + logf[row - x])
        value = (value[:, None] + cells[None, :]).ravel()
        taken = (taken[:, None] + x[None, :]).ravel()
        possible = (taken <= column) & (taken + rest >= column)
        value, taken = value[possible], taken[possible]
    return value


def _drawn(table: Counts, seed: int, draws: int) -> float:
    from scipy.stats import random_table

    logf = _log_factorials(int(table.sum()))
    limit = -float(logf[table].sum()) + np.log1p(EQUALLY_LIKELY)
    margins = random_table(table.sum(axis=1), table.sum(axis=0))
    generator = np.random.default_rng(seed)
    rarer = 0
    edges = [*range(0, draws, 10_000), draws]
    for start, stop in pairwise(edges):  # in portions: the tables need not be held all at once
        tables = margins.rvs(stop - start, random_state=generator).astype(np.int64)
        rarer += int((-logf[tables].sum(axis=(1, 2)) <= limit).sum())
    return (rarer + 1) / (draws + 1)
