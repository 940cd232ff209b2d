"""An alignment file and regions -> bases per position, read by read: plain, and what the fast counter is compared with."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.read.alignments.targets import Target, contigs_of, merged

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: columns of a table of counts behind chrom and pos
COUNTS = ("A", "C", "G", "T", "N", "insertion", "deletion")
#: flags of reads that are never counted: unmapped, secondary, failed quality control, supplementary
UNMAPPED = 0x4
NEVER = UNMAPPED | 0x100 | 0x200 | 0x800
DUPLICATE = 0x400
#: symbols beside the columns: no usable base; mates that disagree; added where an insertion follows
_NONE, _DISCORDANT, _INSERTED = -1, -2, 16
#: CIGAR: aligned, inserted, deleted, skipped, soft clip, equal, different
_MATCH, _INS, _DEL, _SKIP, _SOFT, _EQUAL, _DIFF = 0, 1, 2, 3, 4, 7, 8


def position_counts_plain(
    alignment: Path,
    targets: Iterable[Target],
    *,
    count: str = "fragments",
    min_base_quality: int = 20,
    min_mapping_quality: int = 30,
    excluded_flags: int = NEVER | DUPLICATE,
    fasta: Path | None = None,
) -> pd.DataFrame:
    """Count the bases of every position of the regions.

    Parameters
    ----------
    alignment : Path
        Indexed BAM or CRAM.
    targets : iterable of Target
        Overlapping regions are merged, so that each position has one row.
    count : {'fragments', 'reads'}
        fragments: the mates of a fragment count once where they agree; where they disagree (another base, a base against a
        deletion, an insertion in one only) they count in no column but ``discordant``.
    min_base_quality, min_mapping_quality : int
        Bases, and reads, below are not counted.  A deletion or insertion has no base quality of its own; an insertion is
        counted at the base before it, where that base is counted.
    excluded_flags : int
        SAM flags of which none may be set.
    fasta : Path, optional
        For CRAM.

    Returns
    -------
    DataFrame
        chrom (without 'chr'), pos (1-based), A, C, G, T, N, insertion, deletion, discordant; one row per position, in order,
        those without reads with 0.  ``insertion`` is beside the bases, not instead of one.
    """
    import numpy as np
    import pandas as pd
    import pysam

    parts = []
    with pysam.AlignmentFile(str(alignment), reference_filename=None if fasta is None else str(fasta)) as file:
        regions = merged(targets)
        names = contigs_of(file.references, (t.chrom for t in regions), alignment)
        for region in regions:
            table = np.zeros((region.length, len(COUNTS) + 1), dtype=np.int64)
            if region.chrom in names:
                limit = file.get_reference_length(names[region.chrom])
                reads = file.fetch(names[region.chrom], region.start, min(region.end, limit)) if region.start < limit else ()
                kept = (r for r in reads if not r.flag & excluded_flags and r.mapping_quality >= min_mapping_quality)
                _count(kept, region, table, count == "fragments", min_base_quality)
            part = pd.DataFrame(table, columns=[*COUNTS, "discordant"])
            part.insert(0, "pos", np.arange(region.start + 1, region.end + 1))
            part.insert(0, "chrom", region.chrom)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


@functools.cache
def _codes() -> NDArray[np.int8]:
    """Return letter of a read -> column."""
    import numpy as np

    code = np.full(256, COUNTS.index("N"), dtype=np.int8)
    for number, letter in enumerate("ACGT"):
        code[ord(letter)] = number
    return code


def _count(reads: Iterable[Any], region: Target, table: NDArray[np.int64], merge: bool, min_base_quality: int) -> None:
    """Add the reads of a region to its table."""
    import numpy as np

    rows = np.arange(region.length)
    waiting: dict[str, NDArray[np.int8]] = {}
    for read in reads:
        symbols = _symbols(read, region, min_base_quality)
        if merge and read.is_paired:
            # the first mate waits for the second; those that wait for ever are added at the end
            mate = waiting.pop(read.query_name, None)
            if mate is None:
                waiting[read.query_name] = symbols
                continue
            symbols = np.where(mate == _NONE, symbols, np.where((symbols == _NONE) | (symbols == mate), mate, _DISCORDANT))
        _add(symbols, rows, table)
    for symbols in waiting.values():
        _add(symbols, rows, table)


def _add(symbols: NDArray[np.int8], rows: NDArray[np.int64], table: NDArray[np.int64]) -> None:
    discordant = symbols == _DISCORDANT
    table[discordant, len(COUNTS)] += 1
    shown = (symbols != _NONE) & ~discordant
    table[rows[shown], symbols[shown] % _INSERTED] += 1
    table[shown & (symbols >= _INSERTED), COUNTS.index("insertion")] += 1


def _symbols(read: Any, region: Target, min_base_quality: int) -> NDArray[np.int8]:
    """Return per position of the region the column of what the read shows, plus _INSERTED before an insertion; _NONE: nothing."""
    import numpy as np

    out = np.full(region.length, _NONE, dtype=np.int8)
    sequence = read.query_sequence
    if sequence is None:
        return out
    letters = _codes()[np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)]
    qualities = read.query_qualities
    if qualities is not None:
        letters = np.where(np.asarray(qualities) >= min_base_quality, letters, _NONE).astype(np.int8)
    at, place = 0, read.reference_start - region.start
    steps = read.cigartuples or []
    for index, (kind, n) in enumerate(steps):
        if kind in (_MATCH, _EQUAL, _DIFF):
            low, high = max(place, 0), min(place + n, region.length)
            if low < high:
                out[low:high] = letters[at + low - place : at + high - place]
                before_insertion = index + 1 < len(steps) and steps[index + 1][0] == _INS and high == place + n
                if before_insertion and out[high - 1] != _NONE:
                    out[high - 1] += _INSERTED
            at, place = at + n, place + n
        elif kind == _DEL:
            out[max(place, 0) : max(0, min(place + n, region.length))] = COUNTS.index("deletion")
            place += n
        elif kind == _SKIP:
            place += n
        elif kind in (_INS, _SOFT):
            at += n
    return out
