"""One value per patient -> the same values after they have changed hands within strata, many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import FloatArray

#: permutations drawn in one go; part of what a seed means, so never a parameter
DRAWN_AT_ONCE = 512
#: numbers of permuted residuals held at once
RESIDUALS_AT_ONCE = 32_000_000


def permuted_values(
    values: FloatArray, bounds: Sequence[tuple[int, int]], permutations: int, seed: int, kind: Any = np.float64
) -> Iterator[NDArray[Any]]:
    """Yield values that have changed hands within strata: shape (n, permutations), some permutations at a time.

    Parameters
    ----------
    values : array, shape (n,)
        Strata one after the other.
    bounds : sequence of (int, int)
        First row of each stratum, and the row after its last.
    permutations : int
    seed : int
        Gives the same first permutations whatever their number.
    kind : dtype
    """
    draw = np.random.default_rng(seed)
    held = max(DRAWN_AT_ONCE, RESIDUALS_AT_ONCE // max(1, values.size) // DRAWN_AT_ONCE * DRAWN_AT_ONCE)
    for first in range(0, permutations, held):
        number = min(held, permutations - first)
        table = np.empty((values.size, number), dtype=kind)
        for a in range(0, number, DRAWN_AT_ONCE):
            rows = min(DRAWN_AT_ONCE, number - a)
            for low, high in bounds:
                # always the full number, so that a seed gives the same first permutations whatever their number
                tile = np.broadcast_to(values[low:high].astype(kind), (DRAWN_AT_ONCE, high - low))
                table[low:high, a : a + rows] = draw.permuted(tile, axis=1)[:rows].T
        yield table
