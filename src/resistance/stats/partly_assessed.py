"""Residuals and markers of which each lacks other patients -> the standardised statistics of all under the same permutations.

A marker's statistic uses the patients in whom it was assessed: the sum over them of (marker less its mean in the
stratum) x residual, divided by its standard deviation as those very patients' residuals give it.  When residuals
change hands within strata, among all patients, assessed or not, every marker sees the same permutation, so that
how markers go with each other, and with each other's gaps, is kept.

What it assumes: within a stratum, the residual of a patient says nothing about the marker's state nor about whether it was
assessed.  Then the observed order of residuals is one of equally likely ones, and the adjusted p hold exactly.  Where
only the second half fails (assessment depends on the outcome, the marker among assessed patients does not), the
standard deviation that is taken anew in every permutation keeps the test right in large samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.permuted_values import RESIDUALS_AT_ONCE, permuted_values
from resistance.stats.westfall_young import WestfallYoung, step_down_max_t, step_down_min_p

#: markers looked at in one go
MARKERS_AT_ONCE = 512
#: statistics (standard deviations) that differ by less are equal
SLACK = 1e-9
#: a variance below this share of the largest possible is 0
NONE = 1e-12


@dataclass(frozen=True)
class _Part:
    """Some markers in one stratum: rows `first` to `end` of the patients; one marker in a row."""

    first: int
    end: int
    centred: FloatArray
    assessed: FloatArray
    count: FloatArray
    spread: FloatArray
    whole: BoolArray


class PartlyAssessed:
    """Markers, some of them not assessed in some patients, and the permutations that all share.

    Parameters
    ----------
    residuals : array, shape (n,)
        Of the model without markers, of all patients.
    strata : array of int, shape (n,)
    markers : callable
        Of an array of k marker numbers the markers, shape (n, k), NaN where not assessed: asked for some at a time.
    m : int
        Number of markers.
    permutations, seed : int
    side : callable
        Turns statistics so that larger is more extreme.
    """

    def __init__(
        self,
        residuals: FloatArray,
        strata: NDArray[np.int64],
        markers: Callable[[NDArray[np.intp]], FloatArray],
        m: int,
        permutations: int,
        seed: int,
        side: Callable[[FloatArray], FloatArray],
    ) -> None:
        group = np.unique(strata, return_inverse=True)[1].reshape(-1)
        centred = residuals - (np.bincount(group, weights=residuals) / np.bincount(group))[group]
        self._unit = float(np.abs(centred).max(initial=0.0)) or 1.0
        # by residual within strata, so that the order of the patients plays no part in the random numbers
        self._order = np.lexsort((centred, group))
        self._residual = centred[self._order] / self._unit
        edge = np.flatnonzero(np.diff(group[self._order])) + 1
        self._bounds = list(zip([0, *edge.tolist()], [*edge.tolist(), centred.size], strict=True))
        self._markers, self._m, self._side = markers, m, side
        self._permutations, self._seed = permutations, seed
        held = centred.size * permutations <= RESIDUALS_AT_ONCE
        self._table = list(self._draw()) if held else None

    def observed(self) -> tuple[FloatArray, FloatArray]:
        """Return each marker's statistic, and the same in standard deviations: NaN where neither marker nor residuals vary."""
        statistic, z = np.empty(self._m), np.empty(self._m)
        for a in range(0, self._m, MARKERS_AT_ONCE):
            tests = np.arange(a, min(self._m, a + MARKERS_AT_ONCE))
            parts = self._parts(tests)
            statistic[tests] = self._unit * sum(self._residual[p.first : p.end] @ p.centred.T for p in parts)
            z[tests] = self._standardised(parts, self._residual[:, None])[:, 0]
        return statistic, z

    def adjusted(self, method: str, z: FloatArray) -> WestfallYoung:
        """Return raw and step-down p (``max_t`` or ``min_p``) of all markers with the observed statistics `z`."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # comes with scikit-learn

        step_down = step_down_max_t if method == "max_t" else step_down_min_p
        with threadpool_limits(1, user_api="blas"):
            return step_down(self._side(z), self._permuted, self._permutations, False, np.full(z.size, SLACK))

    def _permuted(self, tests: NDArray[np.intp]) -> FloatArray:
        values = np.empty((tests.size, self._permutations))
        parts, first = self._parts(tests), 0
        for table in self._table if self._table is not None else self._draw():
            found = self._standardised(parts, table)
            # an order of residuals in which the assessed patients all have the same says nothing
            values[:, first : first + table.shape[1]] = self._side(np.nan_to_num(found, nan=0.0))
            first += table.shape[1]
        return values

    def _draw(self) -> Iterable[FloatArray]:
        return permuted_values(self._residual, self._bounds, self._permutations, self._seed)

    def _parts(self, tests: NDArray[np.intp]) -> list[_Part]:
        """Return the markers stratum by stratum, one in a row, less their means among the assessed."""
        x = self._markers(tests)[self._order].T
        out = []
        for a, b in self._bounds:
            here = ~np.isnan(x[:, a:b])
            part = np.where(here, x[:, a:b], 0.0)
            count = here.sum(axis=1, keepdims=True).astype(np.float64)
            centred = np.where(here, part - part.sum(axis=1, keepdims=True) / np.maximum(count, 1), 0.0)
            spread = np.square(centred).sum(axis=1, keepdims=True)
            # of one or no patient there is no spread; what rounding leaves of a constant is none either
            flat = (count < 2) | (spread <= NONE * np.square(part).sum(axis=1, keepdims=True))
            centred[flat[:, 0]] = 0.0
            spread = np.where(flat, 0.0, spread / np.maximum(count * (count - 1), 1))
            out.append(_Part(a, b, centred, here.astype(np.float64), count, spread, np.asarray(here.all(axis=1))))
        return out

    def _standardised(self, parts: list[_Part], table: FloatArray) -> FloatArray:
        """Return statistics in standard deviations, shape (tests, permutations); NaN for 0 / 0."""
        shape = (parts[0].centred.shape[0], table.shape[1]) if parts else (0, table.shape[1])
        total, variance = np.zeros(shape), np.zeros(shape)
        for part in parts:
            residual = table[part.first : part.end]
            total += part.centred @ residual
            # all patients of the stratum: the sum of squares is the same in every permutation, and the sum is 0
            fixed = (part.end - part.first) * float(np.square(self._residual[part.first : part.end]).sum())
            squares = np.full(shape, fixed)
            some = ~part.whole
            if some.any():
                here, count = part.assessed[some], part.count[some]
                found = count * (here @ np.square(residual)) - np.square(here @ residual)
                found[found <= NONE * np.square(count)] = 0.0
                squares[some] = found
            variance += part.spread * squares
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(variance > 0, total / np.sqrt(variance), np.nan))
