"""Observed and permuted statistics of many tests -> p-values adjusted for all of them, with the dependence between tests kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray

#: of a set of tests, the statistics under all permutations: shape (tests, permutations), the larger the more extreme
Permuted = Callable[[NDArray[np.intp]], FloatArray]
#: numbers held at once
AT_ONCE = 4_000_000
#: statistics that differ by less (relative) are equal
ROUNDING = 1e-9


@dataclass(frozen=True)
class WestfallYoung:
    """Adjusted p-values of m tests; NaN where the observed statistic is NaN.

    Parameters
    ----------
    p_value : array, shape (m,)
        Of each test alone.
    p_adjusted : array, shape (m,)
        Never smaller than `p_value`.
    permutations : int
    """

    p_value: FloatArray
    p_adjusted: FloatArray
    permutations: int


def max_t(observed: ArrayLike, permuted: ArrayLike, *, exact: bool = False) -> WestfallYoung:
    """Adjust by the step-down maximum of the statistics.

    Parameters
    ----------
    observed : array, shape (m,)
        The larger the more extreme (absolute values for a two-sided test), on one scale for all tests.
    permuted : array, shape (permutations, m)
        The same statistics when the labels are permuted, the same permutation in a row.
    exact : bool
        The rows are all relabellings, the observed one among them: p is their share.  Otherwise they
        are a random sample and p = (b + 1) / (B + 1).

    Raises
    ------
    ValueError
        Shapes that do not fit, no permutation, or a permuted statistic that is NaN where the observed one is not.

    Notes
    -----
    Westfall and Young 1993, Resampling-based multiple testing, algorithm 4.1; strong control of the
    family-wise error under subset pivotality, which permuting labels within strata gives.

    Examples
    --------
    >>> found = max_t([3.0, 1.0], [[3.0, 1.0], [0.5, 2.0], [1.0, 0.1], [0.2, 0.4]], exact=True)
    >>> found.p_value.tolist(), found.p_adjusted.tolist()
    ([0.25, 0.5], [0.25, 0.5])
    """
    t, rows = _checked(observed, permuted)
    return step_down_max_t(t, lambda tests: rows[:, tests].T, rows.shape[0], exact)


def min_p(observed: ArrayLike, permuted: ArrayLike, *, exact: bool = False) -> WestfallYoung:
    """Adjust by the step-down minimum of the p-values: each test counts alike, whatever its distribution.

    Parameters are those of :func:`max_t`; the statistics of different tests need not be on one scale.

    Notes
    -----
    Westfall and Young 1993, algorithm 2.8; one sort for each test after Ge, Dudoit and Speed 2003,
    doi:10.1007/BF02595811.  With few permutations many p are tied at the smallest possible value, and nothing
    survives: compare the smallest adjusted p with 1 / number of relabellings times the number of tests.
    """
    t, rows = _checked(observed, permuted)
    return step_down_min_p(t, lambda tests: rows[:, tests].T, rows.shape[0], exact)


def step_down_max_t(
    observed: FloatArray, permuted: Permuted, permutations: int, exact: bool, tolerance: FloatArray | None = None
) -> WestfallYoung:
    """As :func:`max_t`, the permuted statistics made for some tests at a time so that memory stays constant.

    `tolerance` (m,) is what a statistic may fall short of the observed one and still count as equal.
    """
    known = np.flatnonzero(~np.isnan(observed))
    order = known[np.argsort(-observed[known], kind="stable")]
    least = observed - ROUNDING * np.abs(observed) - (0.0 if tolerance is None else tolerance)
    alone, together = np.full(observed.size, np.nan), np.full(observed.size, np.nan)
    highest = np.full(permutations, -np.inf)
    for tests in _from_the_end(order, permutations):
        values = permuted(tests)
        alone[tests] = (values >= least[tests, None]).sum(axis=1)
        # from the least significant test to the most: the maximum over it and all that are less significant
        values = np.maximum.accumulate(np.vstack([highest, values[::-1]]), axis=0)[1:][::-1]
        together[tests] = (values >= least[tests, None]).sum(axis=1)
        highest = values[0]
    return _result(alone, together, order, permutations, exact)


def step_down_min_p(
    observed: FloatArray, permuted: Permuted, permutations: int, exact: bool, tolerance: FloatArray | None = None
) -> WestfallYoung:
    """As :func:`min_p`, the permuted statistics made for some tests at a time."""
    known = np.flatnonzero(~np.isnan(observed))
    slack = ROUNDING * np.abs(observed) + (0.0 if tolerance is None else tolerance)
    alone, together = np.full(observed.size, np.nan), np.full(observed.size, np.nan)
    for tests in _from_the_end(known, permutations):
        alone[tests] = (permuted(tests) >= (observed - slack)[tests, None]).sum(axis=1)
    order = known[np.lexsort((-observed[known], alone[known]))]
    lowest = np.full(permutations, np.inf)
    sample = 0 if exact else 1  # a random sample counts the observed labels as one more permutation
    for tests in _from_the_end(order, permutations):
        values = permuted(tests)
        for j in range(tests.size - 1, -1, -1):
            row, test = values[j], tests[j]
            ranked = np.sort(row)
            # how many permutations are at least as extreme as each permutation: its own p, times their number
            own = permutations - np.searchsorted(ranked, row - slack[test], side="left")
            if sample:
                own = own + (observed[test] >= row - slack[test])
            lowest = np.minimum(lowest, own)
            together[test] = (lowest <= alone[test] + sample).sum()
    return _result(alone, together, order, permutations, exact)


def _result(alone: FloatArray, together: FloatArray, order: NDArray[np.intp], permutations: int, exact: bool) -> WestfallYoung:
    if not exact:
        alone, together, permutations_and_observed = alone + 1, together + 1, permutations + 1
    else:
        permutations_and_observed = permutations
    together[order] = np.maximum.accumulate(together[order])
    return WestfallYoung(alone / permutations_and_observed, together / permutations_and_observed, permutations)


def _from_the_end(order: NDArray[np.intp], permutations: int) -> list[NDArray[np.intp]]:
    width = max(1, AT_ONCE // max(1, permutations))
    first = range(0, order.size, width)
    return [order[a : a + width] for a in reversed(first)]


def _checked(observed: ArrayLike, permuted: ArrayLike) -> tuple[FloatArray, FloatArray]:
    t, rows = np.asarray(observed, dtype=np.float64), np.asarray(permuted, dtype=np.float64)
    if t.ndim != 1:
        raise ValueError(f"observed: one dimension is needed, not {t.ndim}")
    if rows.ndim != 2 or rows.shape[1] != t.size:
        raise ValueError(f"permuted: shape {rows.shape} for {t.size} tests")
    if rows.shape[0] == 0:
        raise ValueError("permuted: no permutation")
    if np.isnan(rows[:, ~np.isnan(t)]).any():
        raise ValueError("permuted: NaN where the observed statistic is a number")
    return t, rows
