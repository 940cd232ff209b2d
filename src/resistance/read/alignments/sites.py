"""Variants -> what is looked for in the reads: the bases between two places, whatever spelling an aligner chose.

A substitution is the bases at its positions. An insertion, a deletion or a deletion-insertion is the bases between two
anchors, chosen so far apart that every place where the same change can stand in a repeat lies between them: a read then shows
the reference, the variant, or something else, wherever its aligner put the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: bases on either side that may be looked at for a repeat
FLANK = 100
#: least bases between the change of a deletion-insertion and its anchors: its gap may stand in several places
MARGIN = 3
_CODES = {"A": 1, "C": 2, "G": 4, "T": 8}


@dataclass(frozen=True)
class Window:
    """What is compared with a read.

    Parameters
    ----------
    first, last : int
        0-based: the first and last base of a substitution, or the two anchors.
    anchored : bool
    ref, alt : str
        Bases from first to last, or between the anchors.
    """

    first: int
    last: int
    anchored: bool
    ref: str
    alt: str


def window(pos: int, ref: str, alt: str, around: str, begin: int) -> Window:
    """Return the window of one variant.

    Parameters
    ----------
    pos : int
        1-based, in the package's form ('-' for nothing; of an insertion the base before it).
    ref, alt : str
    around : str
        Reference bases around it; '' or N where they are not known: the variant is then looked for only where it is written.
    begin : int
        0-based position of the first of them.

    Examples
    --------
    The deletion of one A of AAA is the same wherever it is written:

    >>> window(4, "A", "-", "CGAAATC", 0)
    Window(first=1, last=5, anchored=True, ref='AAA', alt='AA')
    """
    if len(ref) == len(alt) and "-" not in (ref, alt):
        return Window(pos - 1, pos - 2 + len(ref), False, ref, alt)
    old, new = ref.replace("-", ""), alt.replace("-", "")
    start = pos if not old else pos - 1  # 0-based first reference base of the change (an insertion: the base behind it)
    end = start + len(old)

    def base(at: int) -> str:
        return around[at - begin] if begin <= at < begin + len(around) and around[at - begin] in _CODES else ""

    left, right = start, end
    if not old or not new:
        # roll the gap along: the same sequence results as long as the base that leaves is the one that enters
        unit = old or new
        while base(left - 1) and base(left - 1) == unit[(left - 1 - start) % len(unit)]:
            left -= 1
        while base(right) and base(right) == unit[(right - end) % len(unit)]:
            right += 1
    else:
        size = abs(len(new) - len(old))
        reach = max(MARGIN, size)
        while left > start - reach and base(left - 1):
            left -= 1
        while right < end + reach and base(right):
            right += 1
        # a gap of this size can roll through a repeat beside the change, too
        while base(left - 1) and base(left - 1) == base(left - 1 + size) and left > start - FLANK // 2:
            left -= 1
        while base(right) and base(right) == base(right - size) and right < end + FLANK // 2:
            right += 1
    before = "".join(base(at) for at in range(left, start))
    after = "".join(base(at) for at in range(end, right))
    return Window(left - 1, right, True, before + old + after, before + new + after)


@dataclass(frozen=True)
class Sites:
    """All windows as arrays, sorted as they stand along the file.

    Parameters
    ----------
    table : array of SITE
        See :mod:`resistance.read.alignments.observe`.
    bases : array of uint8
        Alleles of all, as BAM's codes.
    row : array of int64
        Row of the given variants for each.
    """

    table: NDArray[np.void]
    bases: NDArray[np.uint8]
    row: NDArray[np.int64]

    @property
    def widest(self) -> int:
        """Reference bases of the widest window."""
        return int((self.table["last"] - self.table["first"]).max()) + 1 if len(self.table) else 1


def make_sites(contigs: Sequence[int], windows: Sequence[Window]) -> Sites:
    """Return the arrays; variants on a contig that the file lacks (number below 0) are left out."""
    import numpy as np

    from resistance.read.alignments.observe import SITE

    rows = [(contigs[i], windows[i].first, i) for i in range(len(windows)) if contigs[i] >= 0]
    table = np.zeros(len(rows), SITE)
    bases: list[int] = []
    row = np.zeros(len(rows), np.int64)
    for k, (contig, first, i) in enumerate(sorted(rows)):
        one = windows[i]
        at = len(bases)
        bases += [_CODES[base] for base in one.ref + one.alt]
        table[k] = (contig, first, one.last, one.anchored, at, len(one.ref), at + len(one.ref), len(one.alt))
        row[k] = i
    return Sites(table, np.array(bases, dtype=np.uint8), row)
