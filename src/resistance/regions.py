"""Half-open intervals per contig -> which positions lie in any of them, for millions at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class Regions:
    """Regions of a genome.

    Parameters
    ----------
    rows : iterable of (chrom, start, end)
        Contig as the package names it; 0-based, the end is not part of the region.  They may overlap
        and come in any order.
    """

    def __init__(self, rows: Iterable[tuple[str, int, int]]) -> None:
        import numpy as np

        # a list may hold millions of regions: two numbers each, no objects
        found: dict[str, tuple[array[int], array[int]]] = {}
        for chrom, start, end in rows:
            starts, ends = found.setdefault(chrom, (array("q"), array("q")))
            starts.append(start)
            ends.append(end)
        self._of: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        for chrom, spans in found.items():
            first, last = (np.asarray(numbers, dtype=np.int64) for numbers in spans)
            order = np.argsort(first, kind="stable")
            # the furthest end so far: the region behind a start that was passed may be a longer, earlier one
            self._of[chrom] = (first[order], np.maximum.accumulate(last[order]))

    @property
    def contigs(self) -> frozenset[str]:
        """Contigs that have a region."""
        return frozenset(self._of)

    def overlap(self, chrom: pd.Series, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the half-open, 0-based intervals share a base with any region; another contig shares none."""
        import numpy as np
        import pandas as pd

        out = np.zeros(len(chrom), dtype=bool)
        codes, names = pd.factorize(chrom)
        for code, name in enumerate(names):
            if str(name) not in self._of:
                continue
            starts, ends = self._of[str(name)]
            at = np.flatnonzero(codes == code)
            last = np.searchsorted(starts, end[at], side="left") - 1  # the last region that begins before our end
            out[at] = (last >= 0) & (ends[np.maximum(last, 0)] > start[at])
        return out

    def hold(self, variants: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which variants touch a region.

        Parameters
        ----------
        variants : DataFrame
            chrom, pos, ref and alt in the package's form (1-based; '-' for nothing).  A substitution
            or deletion touches a region with any of its reference bases.  An insertion stands where
            VCF anchors it, at the base before it (``pos``), as in tools that go by VCF's POS.
        """
        import numpy as np

        first = variants["pos"].to_numpy(dtype=np.int64) - 1
        bases = variants["ref"].str.len().to_numpy(dtype=np.int64)  # '-' has the length of the anchor
        return self.overlap(variants["chrom"], first, first + bases)
