"""An alignment file and regions -> depth of A, C, G, T, N, deletions and insertions at every position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.read.alignments.opened import Alignment, open_alignment
from resistance.read.alignments.stream import Stream, Stretch, as_bam, damaged, stretches, unsorted
from resistance.variant import contig

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: positions that are counted at once: 64 bytes each
PIECE = 1 << 19
#: reads that wait for their mates, at first
HOLD = 1 << 16
COLUMNS = ("A", "C", "G", "T", "N", "deletion", "insertion", "discordant")


@dataclass(frozen=True)
class Filters:
    """Which reads and bases count.

    Parameters
    ----------
    count : {'fragments', 'reads'}
        fragments: mates are merged; where they agree they count once, where they disagree they are discordant.
        reads: a plain pile-up.
    min_base_quality, min_mapping_quality : int
        Lower ones do not count.  A base without quality (255) does.
    keep_duplicates : bool
        Whether reads marked as duplicates count.
    every_alignment : bool
        Whether secondary, supplementary, failed and duplicate alignments count, as in tools that do not look at flags.
    beside_indels : bool or None
        Whether a base next to an insertion or a deletion of its own read counts (None: only with `count` reads).
    per_start : int
        Of the reads that begin at one position no more than this many are counted; 0: all.
    """

    count: str = "fragments"
    min_base_quality: int = 20
    min_mapping_quality: int = 30
    keep_duplicates: bool = False
    every_alignment: bool = False
    beside_indels: bool | None = None
    per_start: int = 0

    @property
    def drop_beside(self) -> bool:
        """Whether bases beside an indel are left out."""
        return self.count != "reads" if self.beside_indels is None else not self.beside_indels


@dataclass(frozen=True)
class PositionCounts:
    """Depths at every position of some regions.

    Parameters
    ----------
    contig : array of int64
        Number of the contig in the file's header, per position.
    pos : array of int64
        0-based.
    depths : array of int64 (positions, 8)
        Columns :data:`COLUMNS`.
    reads : array of int64
        Reads by reason (see :data:`resistance.read.alignments.reasons.READ_REASONS`).
    """

    contig: NDArray[np.int64]
    pos: NDArray[np.int64]
    depths: NDArray[np.int64]
    reads: NDArray[np.int64]


def position_counts(
    alignment: Alignment, regions: Sequence[tuple[int, int, int]], filters: Filters | None = None
) -> PositionCounts:
    """Count what is read at every position of the regions.

    Parameters
    ----------
    alignment : Alignment
        From :func:`resistance.read.alignments.opened.open_alignment`.
    regions : sequence of (contig, start, end)
        Number of the contig in the header; 0-based, half-open.  They may overlap; each position is given once.
    filters : Filters
        Default: fragments, base quality 20, mapping quality 30.

    Returns
    -------
    PositionCounts
        Sorted by contig and position.  An insertion is counted at the base before it, beside that base; ``discordant`` are
        fragments whose mates show different bases: they count as neither.

    Raises
    ------
    InputError
        The file is damaged or not sorted.
    """
    import numpy as np

    filters = filters or Filters()
    merged = _merged(regions)
    wanted = stretches(merged)
    contigs, pos, depths = [], [], []
    with as_bam(alignment, wanted) as bam, Stream(bam, alignment.path) as stream:
        counter = _Counter(filters, alignment)
        for stretch in wanted:
            for start in range(stretch.start, stretch.end, PIECE):
                piece = Stretch(stretch.contig, start, min(start + PIECE, stretch.end))
                here = [
                    (max(s, piece.start), min(e, piece.end))
                    for c, s, e in merged
                    if c == piece.contig and s < piece.end and e > piece.start
                ]
                if not here:
                    continue
                table = counter.count(stream, piece, start == stretch.start)
                for s, e in here:
                    contigs.append(np.full(e - s, piece.contig, np.int64))
                    pos.append(np.arange(s, e, dtype=np.int64))
                    depths.append(table[s - piece.start : e - piece.start].copy())
    none = np.zeros(0, np.int64)
    return PositionCounts(
        np.concatenate([none, *contigs]),
        np.concatenate([none, *pos]),
        np.concatenate([np.zeros((0, len(COLUMNS)), np.int64), *depths]),
        counter.by_read,
    )


def position_table(
    path: str | Path,
    build: str,
    regions: Iterable[tuple[str, int, int]],
    filters: Filters | None = None,
    *,
    fasta: str | Path | None = None,
) -> pd.DataFrame:
    """Count every position of named regions, as a table.

    Parameters
    ----------
    path : str or Path
        Indexed BAM or CRAM; its read groups are not looked at.
    build : str
    regions : iterable of (chrom, start, end)
        Contig in any spelling; 0-based, half-open.  What lies on a contig that the file lacks, or beyond its end, has depth 0.
    filters : Filters
    fasta : str or Path, optional
        For a CRAM.

    Returns
    -------
    DataFrame
        chrom (without 'chr'), pos (1-based), and the columns of :data:`COLUMNS`; one row per position, sorted.
    """
    import numpy as np
    import pandas as pd

    alignment = open_alignment(path, build, fasta=fasta, read_groups="ignore")
    numbers = alignment.numbers()
    named = [(contig(chrom), start, end) for chrom, start, end in regions]
    order = {
        chrom: number for number, chrom in enumerate(sorted({c for c, _, _ in named}, key=lambda c: (numbers.get(c, 1 << 30), c)))
    }
    merged = _merged([(order[chrom], start, end) for chrom, start, end in named])
    chroms = list(order)
    readable = [
        (numbers[chroms[c]], s, min(e, alignment.lengths[numbers[chroms[c]]])) for c, s, e in merged if chroms[c] in numbers
    ]
    found = position_counts(alignment, [span for span in readable if span[1] < span[2]], filters)
    of_file = {number: name for name, number in numbers.items()}
    counted = pd.DataFrame(found.depths, columns=list(COLUMNS))
    counted.insert(0, "pos", found.pos + 1)
    counted.insert(0, "chrom", [of_file[int(number)] for number in found.contig])
    every = pd.DataFrame(
        {
            "chrom": np.repeat([chroms[c] for c, _, _ in merged], [e - s for _, s, e in merged]),
            "pos": np.concatenate([np.zeros(0, np.int64), *(np.arange(s + 1, e + 1) for _, s, e in merged)]),
        }
    )
    whole = every.merge(counted, on=["chrom", "pos"], how="left")
    return whole.fillna(dict.fromkeys(COLUMNS, 0)).astype(dict.fromkeys(COLUMNS, np.int64))


def _merged(regions: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    out: list[tuple[int, int, int]] = []
    for number, start, end in sorted(regions):
        if out and out[-1][0] == number and start <= out[-1][2]:
            out[-1] = (number, out[-1][1], max(end, out[-1][2]))
        else:
            out.append((number, start, end))
    return out


class _Counter:
    """Counts one piece after the other."""

    def __init__(self, filters: Filters, alignment: Alignment) -> None:
        import numpy as np

        from resistance.read.alignments.observe import N_REASONS
        from resistance.read.alignments.position_kernel import HELD

        self._filters, self._alignment = filters, alignment
        self.by_read = np.zeros(N_REASONS, np.int64)
        self._scratch = np.empty(4096, np.uint8)
        self._held = np.zeros(HOLD, HELD)
        self._arena = np.empty(HOLD * 256, np.uint8)

    def count(self, stream: Stream, piece: Stretch, is_first: bool) -> NDArray[np.int64]:
        """Return the depths of a piece."""
        import numpy as np

        from resistance.read.alignments import position_kernel as kernel
        from resistance.read.alignments.observe import BEYOND, DAMAGED, FULL, UNSORTED

        filters = self._filters
        depths = np.zeros((piece.end - piece.start, kernel.N_COLUMNS), np.int64)
        state = np.array([-1, -1, piece.contig, piece.end, 0, 0], np.int64)
        n_held = used = 0

        def consume(data: NDArray[np.uint8], at: int, size: int) -> tuple[int, bool]:
            nonlocal n_held, used
            while True:
                at, n_held, used, ended = kernel.count_positions(
                    data, at, size, piece.start, piece.end, is_first, filters.count != "reads",
                    filters.min_base_quality, filters.min_mapping_quality, filters.keep_duplicates, filters.every_alignment, filters.drop_beside,
                    filters.per_start,
                    state, depths, self._scratch, self._held, n_held, self._arena, used, self.by_read,
                )  # fmt: skip
                if ended == DAMAGED:
                    raise damaged(self._alignment.path)
                if ended == UNSORTED:
                    raise unsorted(self._alignment.path)
                if ended == FULL:
                    before = n_held
                    n_held, used = kernel.release(self._held, n_held, self._arena, piece.start, piece.end, state[1], depths)
                    if n_held > before // 2:
                        self._held = np.concatenate([self._held, np.zeros(len(self._held), kernel.HELD)])
                    if n_held > before // 2 or before == 0:
                        self._arena = np.concatenate([self._arena, np.empty(len(self._arena), np.uint8)])
                        self._scratch = np.empty(2 * len(self._scratch), np.uint8)
                    continue
                return at, ended == BEYOND

        stream.read(piece, consume)
        kernel.release(self._held, n_held, self._arena, piece.start, piece.end, 1 << 60, depths)
        return depths
