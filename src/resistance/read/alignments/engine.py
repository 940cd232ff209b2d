"""An open alignment file and sites -> what its reads show, counted site by site as the file is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from resistance.read.alignments.opened import Alignment
from resistance.read.alignments.sites import Sites
from resistance.read.alignments.stream import Stream, Stretch, as_bam, damaged, stretches, unsorted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: observations that are held at first; more where one place is deeper
ROWS = 1 << 16
#: no more are held (44 MB) while several sites share them: the sites are then taken in turns
MOST_ROWS = 1 << 20


@dataclass(frozen=True)
class Settings:
    """How reads become counts.

    Parameters
    ----------
    min_base_quality, min_mapping_quality : int
    keep_duplicates : bool
    tag : str or None
        Auxiliary tag that names a read's family, None: no families.
    molecules : tuple of arrays of uint64 or None
        Instead of a tag: hashes of read names, sorted, and the number of the family of each.
    min_family_size : int
    min_reads : tuple of int
        Of a duplex: in all, of the larger strand, of the smaller.
    agreement : float
        A family shows what more than this share of it shows.
    """

    min_base_quality: int = 20
    min_mapping_quality: int = 30
    keep_duplicates: bool = False
    tag: str | None = None
    molecules: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None = None
    min_family_size: int = 1
    min_reads: tuple[int, int, int] = (1, 1, 1)
    agreement: float = 0.5

    @property
    def families(self) -> bool:
        """Whether families are counted."""
        return self.tag is not None or self.molecules is not None


@dataclass
class Seen:
    """What was counted.

    Parameters
    ----------
    counts : array of int64 (sites, N_COUNTS)
        Columns as in :mod:`resistance.read.alignments.tally`.
    lengths : array of float64 (sites, 2)
        Median fragment length with the variant and with the reference allele; NaN: none.
    by_site : array of int64 (sites, N_REASONS)
    by_read : array of int64 (N_REASONS,)
    sizes : array of int64
        Families by size, once per site.
    fragments : list of arrays of FRAGMENT
        Alleles of the fragments at the wanted sites.
    """

    counts: NDArray[np.int64]
    lengths: NDArray[np.float64]
    by_site: NDArray[np.int64]
    by_read: NDArray[np.int64]
    sizes: NDArray[np.int64]
    fragments: list[NDArray[np.void]] = field(default_factory=list)


def count_sites(alignment: Alignment, sites: Sites, settings: Settings, wanted: NDArray[np.bool_] | None = None) -> Seen:
    """Count the alleles at all sites.

    Parameters
    ----------
    alignment : Alignment
    sites : Sites
    settings : Settings
    wanted : array of bool (sites), optional
        Sites whose fragments are returned one by one (phased variants); memory grows with them.

    Returns
    -------
    Seen

    Raises
    ------
    InputError
        The file is damaged, cut off or not sorted; a CRAM cannot be decoded.
    """
    import numpy as np

    from resistance.read.alignments.observe import N_REASONS
    from resistance.read.alignments.tally import LARGEST, N_COUNTS

    n = len(sites.table)
    seen = Seen(
        np.zeros((n, N_COUNTS), np.int64), np.full((n, 2), np.nan), np.zeros((n, N_REASONS), np.int64),
        np.zeros(N_REASONS, np.int64), np.zeros(LARGEST + 1, np.int64),
    )  # fmt: skip
    if not n:
        return seen
    table = sites.table
    rows = zip(table["contig"].tolist(), table["first"].tolist(), table["last"].tolist(), strict=True)
    spans = [(contig, max(0, first), last + 1) for contig, first, last in rows]
    planned = stretches(spans)
    walk = _Walk(alignment, sites, settings, seen, np.zeros(n, np.bool_) if wanted is None else wanted)
    with as_bam(alignment, planned) as bam, Stream(bam, alignment.path) as stream:
        low = 0
        for stretch in planned:
            high = low
            while high < n and spans[high][0] == stretch.contig and spans[high][1] < stretch.end:
                high += 1
            walk.over(stream, stretch, low, high)
            low = high
    return seen


class _Walk:
    """Reads stretch after stretch; counts each site when no further record can reach it."""

    def __init__(self, alignment: Alignment, sites: Sites, settings: Settings, seen: Seen, wanted: NDArray[np.bool_]) -> None:
        import numpy as np

        from resistance.read.alignments.observe import OBSERVATION

        self._alignment, self._sites, self._settings, self._seen, self._wanted = alignment, sites, settings, seen, wanted
        self._rows = np.zeros(ROWS, OBSERVATION)
        tag = settings.tag or ""
        # families that were found from names have no tag, but their marked duplicates are members all the same: any unused tag
        self._tag = ord(tag[0]) + 256 * ord(tag[1]) if tag else (0xFFFF if settings.families else 0)

    def over(self, stream: Stream, stretch: Stretch, low: int, high: int) -> None:
        """Count sites low..high-1, which lie in the stretch; where it is too deep for all at once, in turns."""
        turns = [(0, high - low)]
        while turns:
            begin, end = turns.pop()
            seen = self._seen
            before = seen.by_read.copy(), seen.sizes.copy(), len(seen.fragments)
            if not self._turn(stream, stretch, low, high, begin, end):
                # nothing of the turn is kept; its sites come again in two halves
                seen.by_read[:], seen.sizes[:] = before[0], before[1]
                del seen.fragments[before[2] :]
                seen.counts[low + begin : low + end] = 0
                seen.by_site[low + begin : low + end] = 0
                middle = (begin + end) // 2
                turns += [(middle, end), (begin, middle)]

    def _turn(self, stream: Stream, stretch: Stretch, low: int, high: int, begin: int, end: int) -> bool:
        """Count sites begin..end-1 of those from `low` on; return False where more would have to be held than is allowed."""
        import numpy as np

        from resistance.read.alignments.observe import BEYOND, DAMAGED, FULL, OBSERVATION, UNSORTED, observe

        settings, seen, path = self._settings, self._seen, self._alignment.path
        here = self._sites.table[low:high]
        state = np.array([-1, -1, stretch.contig, int(here["last"][begin:end].max()) + 1], np.int64)
        filled, done, deep = 0, begin, False

        def settle(until: int) -> None:
            nonlocal filled, done
            filled = self._tally(low, done, until, filled)
            done = max(done, until)

        def consume(data: NDArray[np.uint8], at: int, size: int) -> tuple[int, bool]:
            nonlocal filled, deep
            while True:
                at, filled, ended = observe(
                    data, at, size, here, begin, end, self._sites.widest, self._sites.bases, settings.min_base_quality,
                    settings.min_mapping_quality, settings.keep_duplicates, self._tag, state, self._rows, filled,
                    seen.by_site[low:high], seen.by_read,
                )  # fmt: skip
                if ended == DAMAGED:
                    raise damaged(path)
                if ended == UNSORTED:
                    raise unsorted(path)
                if ended == FULL:
                    before = filled
                    if state[0] == stretch.contig:
                        settle(min(end, int(np.searchsorted(here["first"], state[1]))))
                    if filled > before // 2:
                        if len(self._rows) >= MOST_ROWS and end - begin > 1:
                            deep = True
                            return at, True
                        self._rows = np.concatenate([self._rows, np.zeros(len(self._rows), OBSERVATION)])
                    continue
                return at, ended == BEYOND

        first = max(0, int(here["first"][begin]))
        stream.read(Stretch(stretch.contig, first, stretch.end), consume)
        if not deep:
            settle(end)
        return not deep

    def _tally(self, low: int, begin: int, end: int, filled: int) -> int:
        """Count sites begin..end-1 of those from `low` on; return how many observations of later sites are left."""
        import numpy as np

        from resistance.read.alignments.observe import HAS_MOLECULE
        from resistance.read.alignments.tally import FRAGMENT, tally

        if end <= begin:
            return filled
        settings, seen, rows = self._settings, self._seen, self._rows[:filled]
        ready = rows["site"] < end
        due = rows[ready]
        if settings.molecules is not None:
            names, numbers = settings.molecules
            place = np.minimum(np.searchsorted(names, due["name"]), max(len(names) - 1, 0))
            found = names[place] == due["name"] if len(names) else np.zeros(len(due), np.bool_)
            due["molecule"][found] = numbers[place[found]]
            due["bits"][found] |= HAS_MOLECULE
        wanted = self._wanted[low:]
        out = np.zeros(len(due) if wanted[begin:end].any() else 1, FRAGMENT)
        n = tally(
            due, len(due), begin, end, settings.families, settings.min_family_size, np.array(settings.min_reads, np.int64),
            settings.agreement, seen.counts[low:], seen.lengths[low:], seen.sizes, wanted, out,
        )  # fmt: skip
        if n:
            out["site"] += low
            seen.fragments.append(out[:n])
        left = rows[~ready]
        self._rows[: len(left)] = left
        return len(left)
