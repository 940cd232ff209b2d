"""One seed -> independent random streams, one per table, so that a change to one table leaves the others as they were."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

#: the position of a name fixes its stream: append only
NAMES = (
    "patients",
    "outcome",
    "somatic",
    "visits",
    "tumour",
    "plasma",
    "expression",
    "ihc",
    "copy_number",
    "clinic",
    "gaps",
    "measured",
    "reads",
)


def streams(seed: int) -> dict[str, np.random.Generator]:
    """Return one generator per name of :data:`NAMES`, each an independent child of `seed`."""
    children = np.random.SeedSequence(seed).spawn(len(NAMES))
    return {name: np.random.Generator(np.random.PCG64(child)) for name, child in zip(NAMES, children, strict=True)}


def allot(rng: np.random.Generator, strata: Sequence[Hashable], fractions: Sequence[float]) -> list[bool]:
    """Choose members so that every stratum holds its fraction to within one.

    A cohort of 120 is small: left to chance, a planted effect could sit in arms or cells of origin
    that differ, and the truth would not be what the files show.

    Parameters
    ----------
    rng : Generator
    strata : sequence of hashable
        Stratum of each member; the strata must sort.
    fractions : sequence of float
        Wanted fraction of each member's stratum, 0..1.

    Returns
    -------
    list of bool
    """
    order = sorted(range(len(strata)), key=lambda i: repr(strata[i]))
    shuffled = {i: float(rng.random()) for i in range(len(strata))}
    order.sort(key=lambda i: (repr(strata[i]), shuffled[i]))
    chosen = [False] * len(strata)
    carried = float(rng.random())
    for i in order:
        carried += fractions[i]
        if carried >= 1.0:
            chosen[i] = True
            carried -= 1.0
    return chosen


def pick(rng: np.random.Generator, weights: Sequence[float]) -> int:
    """Draw an index with probability proportional to its weight."""
    total = float(sum(weights))
    at = float(rng.random()) * total
    for index, weight in enumerate(weights):
        at -= weight
        if at < 0:
            return index
    return len(weights) - 1
