"""Values of many tests in two groups -> Welch's t of each, its permutation p within strata, and the p adjusted for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags
from resistance.stats.westfall_young import ROUNDING, step_down_max_t, step_down_min_p

#: relabellings up to which all of them are looked at
EXACT_UP_TO = 10_000


@dataclass(frozen=True)
class WelchPermutation:
    """Permutation tests of m variables between two groups; NaN where `reason` is not ''.

    Parameters
    ----------
    statistic : array, shape (m,)
        Welch's t, positive where the group coded 1 has the higher mean.
    p_value : array, shape (m,)
        Two-sided, by permutation of the groups within strata.
    p_max_t, p_min_p : array, shape (m,)
        Westfall and Young's step-down adjusted p.
    p_value_minimum : float
        The smallest p that could have been found.
    relabellings : float
        Distinct ways to assign the groups.
    permutations : int
        Random ones used; 0 when exact.
    exact : bool
    n, group_size : int
        Samples, and those of group 1.
    reason : array of str, shape (m,)
        '', 'constant' (no variation within either group in some relabelling: t is not defined), 'group too small'.
    """

    statistic: FloatArray
    p_value: FloatArray
    p_max_t: FloatArray
    p_min_p: FloatArray
    p_value_minimum: float
    relabellings: float
    permutations: int
    exact: bool
    n: int
    group_size: int
    reason: NDArray[np.str_]


def welch_permutation(
    values: ArrayLike, group: ArrayLike, *, strata: Any = None, permutations: int = 9999, seed: int
) -> WelchPermutation:
    """Test each variable by permuting the groups, and adjust for testing all.

    Parameters
    ----------
    values : array, shape (n, m)
        Expression or scores, without missing values.
    group : array of 0/1, shape (n,)
    strata : array, shape (n,), optional
        Groups are permuted within strata.
    permutations : int
        Random ones, where there are more than 10,000 relabellings; otherwise all are looked at.
    seed : int

    Returns
    -------
    WelchPermutation

    Raises
    ------
    ValueError
        Missing values, shapes that do not fit, a group that is not 0 or 1.

    Notes
    -----
    Westfall and Young 1993; Dudoit, Shaffer and Boldrick 2003, doi:10.1214/ss/1056397487.  A constant added to
    a variable or a factor changes nothing.

    Examples
    --------
    >>> found = welch_permutation([[1.0], [2.0], [3.0], [7.0], [8.0], [9.5]], [0, 0, 0, 1, 1, 1], seed=1)
    >>> found.exact, found.p_value.tolist(), found.p_max_t.tolist()
    (True, [0.1], [0.1])
    """
    labels = flags(group, "group")
    n = labels.size
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != n:
        raise ValueError(f"values: shape {x.shape} for {n} samples")
    if not np.isfinite(x).all():
        raise ValueError(f"values: {int((~np.isfinite(x)).sum())} value(s) are missing or infinite")
    if permutations < 1:
        raise ValueError(f"permutations: at least 1, not {permutations}")
    stratum = np.zeros(n, dtype=np.int64) if strata is None else codes(strata, "strata", n).astype(np.int64)
    m, ones = x.shape[1], int(labels.sum())
    parts = [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
    ways = math.prod(math.comb(p.size, int(labels[p].sum())) for p in parts)
    relabellings = float(ways) if ways.bit_length() < 1024 else math.inf
    exact = relabellings <= EXACT_UP_TO
    reason = np.full(m, "", dtype="U15")
    nan = np.full(m, np.nan)
    if min(ones, n - ones) < 2:
        reason[:] = "group too small"
        return WelchPermutation(nan, nan, nan, nan, math.nan, relabellings, 0, exact, n, ones, reason)
    centred = x - x.mean(axis=0)
    scale = np.abs(centred).max(axis=0)
    reason[~(scale > 1e-12 * np.maximum(np.abs(x).max(axis=0), 1e-300))] = "constant"
    centred /= np.where(scale > 0, scale, 1.0)
    # the order of the samples plays no part in the random numbers: they are drawn for samples sorted by value
    order = np.concatenate([p[np.lexsort((*centred[p].T[:8][::-1], labels[p]))] for p in parts])
    centred, labels, parts = centred[order], labels[order], _places(stratum[order])
    drawn = _all(labels, parts) if exact else _some(labels, parts, permutations, seed)
    tables = np.array(list(drawn), dtype=np.float64)
    observed = _welch(labels[None].astype(np.float64), centred)[:, 0]
    reason[(reason == "") & ~np.isfinite(observed)] = "constant"
    observed[reason != ""] = np.nan

    def permuted(tests: NDArray[np.intp]) -> FloatArray:
        t = np.abs(_welch(tables, centred[:, tests]))
        t[np.isnan(t)] = 0.0  # equal values on both sides: no difference at all
        return t

    by_t = step_down_max_t(np.abs(observed), permuted, tables.shape[0], exact)
    by_p = step_down_min_p(np.abs(observed), permuted, tables.shape[0], exact)
    least = 1 / tables.shape[0] if exact else max(1 / (permutations + 1), 1 / relabellings)
    return WelchPermutation(
        observed, by_t.p_value, by_t.p_adjusted, by_p.p_adjusted, least, relabellings, 0 if exact else permutations, exact, n, ones, reason
    )  # fmt: skip


def _welch(ones: FloatArray, x: FloatArray) -> FloatArray:
    """Return Welch's t, variables x relabellings; infinite where neither group varies but the means differ."""
    n1 = ones.sum(axis=1)
    n0 = ones.shape[1] - n1
    square = np.square(x)
    sum1, square1 = x.T @ ones.T, square.T @ ones.T
    sum0, square0 = x.sum(axis=0)[:, None] - sum1, square.sum(axis=0)[:, None] - square1
    mean1, mean0 = sum1 / n1, sum0 / n0
    var1 = np.maximum(0.0, square1 - sum1 * mean1) / (n1 - 1)
    var0 = np.maximum(0.0, square0 - sum0 * mean0) / (n0 - 1)
    both = var1 / n1 + var0 / n0
    both[both < ROUNDING**1.5 * square.max(axis=0)[:, None]] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((mean1 - mean0) / np.sqrt(both))


def _places(stratum: NDArray[Any]) -> list[NDArray[Any]]:
    return np.split(np.arange(stratum.size), np.flatnonzero(np.diff(stratum)) + 1)


def _all(labels: BoolArray, parts: list[NDArray[Any]]) -> Iterator[BoolArray]:
    table = np.zeros((1, labels.size), dtype=bool)
    for part in parts:
        choices = list(combinations(part.tolist(), int(labels[part].sum())))
        wider = np.repeat(table, len(choices), axis=0)
        for number, choice in enumerate(choices):
            wider[number :: len(choices), list(choice)] = True
        table = wider
    yield from table


def _some(labels: BoolArray, parts: list[NDArray[Any]], permutations: int, seed: int) -> Iterator[BoolArray]:
    draw = np.random.default_rng(seed)
    for _ in range(permutations):
        row = labels.copy()
        for part in parts:
            row[part] = draw.permutation(labels[part])
        yield row
