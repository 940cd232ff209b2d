"""An alignment file and regions -> bases per position, read by read: slow, plain, and what the fast counter is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.read.alignments.targets import Target, contigs_of, merged

if TYPE_CHECKING:
    import pandas as pd

#: columns of a table of counts behind chrom and pos
COUNTS = ("A", "C", "G", "T", "N", "insertion", "deletion")
#: flags of reads that are never counted: unmapped, secondary, failed quality control, supplementary
NEVER = 0x4 | 0x100 | 0x200 | 0x800
DUPLICATE = 0x400
#: aligned, inserted, deleted, skipped, soft clip, hard clip, padding, equal, different
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
        fragments: the mates of a fragment count once where they agree; where they disagree (another base, or a base against
        a deletion) they count in no column but ``discordant``.
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


def _count(reads: Iterable[Any], region: Target, table: Any, merge: bool, min_base_quality: int) -> None:
    """Add the reads of a region to its table."""
    column = {name: number for number, name in enumerate(COUNTS)}
    seen: dict[str, list[dict[int, tuple[int, bool]]]] = {}
    for number, read in enumerate(reads):
        found = _symbols(read, region, min_base_quality, column)
        # without merging every read is a fragment of its own
        seen.setdefault(read.query_name if merge else str(number), []).append(found)
    for mates in seen.values():
        for at in set().union(*mates):
            symbols = {mate[at] for mate in mates if at in mate}
            if len(symbols) > 1:
                table[at, len(COUNTS)] += 1
                continue
            base, inserted = next(iter(symbols))
            table[at, base] += 1
            table[at, column["insertion"]] += inserted


def _symbols(read: Any, region: Target, min_base_quality: int, column: dict[str, int]) -> dict[int, tuple[int, bool]]:
    """Return index in the region -> (column of the base or deletion, whether an insertion follows)."""
    sequence, qualities = read.query_sequence, read.query_qualities
    out: dict[int, tuple[int, bool]] = {}
    at, place = 0, read.reference_start
    steps = read.cigartuples or []
    for index, (kind, n) in enumerate(steps):
        if kind in (_MATCH, _EQUAL, _DIFF):
            for step in range(n):
                where = place + step - region.start
                if 0 <= where < region.length and (qualities is None or qualities[at + step] >= min_base_quality):
                    last = step == n - 1 and index + 1 < len(steps) and steps[index + 1][0] == _INS
                    out[where] = (column.get(sequence[at + step], column["N"]), last)
            at, place = at + n, place + n
        elif kind == _DEL:
            for where in range(max(place - region.start, 0), min(place + n - region.start, region.length)):
                out[where] = (column["deletion"], False)
            place += n
        elif kind == _SKIP:
            place += n
        elif kind in (_INS, _SOFT):
            at += n
    return out
