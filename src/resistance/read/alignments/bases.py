"""A FASTA, or the reads themselves -> the reference base of each counted position and its two neighbours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError
from resistance.variant import contig

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: a FASTA without an index is read whole where it is no larger than this; a genome has an index
LARGEST_PLAIN_BYTES = 50_000_000
#: a part of a contig, as `samtools faidx` writes it; positions count from 1
_PART = re.compile(r"(?P<name>.+):(?P<start>\d+)-(?P<end>\d+)")


@dataclass(frozen=True)
class KnownBases:
    """Codes (0..3 for A, C, G, T; -1 unknown) of each row of a table of counts.

    Parameters
    ----------
    reference, before, after : array of int, shape (n,)
    source : str
        ``fasta`` or ``majority``: where they come from.
    """

    reference: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    source: str


def known_bases(counts: pd.DataFrame, fasta: Path | None = None, *, least: float = 0.75) -> KnownBases:
    """Return the bases of a table of counts.

    Parameters
    ----------
    counts : DataFrame
        As of :func:`position_counts_plain`: chrom, pos, A, C, G, T, in order.
    fasta : Path, optional
        Genome, or parts of it named chrom:start-end.  Without it a position's base is the one that at least the share `least`
        of its reads show; neighbours outside the table are unknown.
    least : float

    Raises
    ------
    InputError
        The FASTA is missing, damaged, holds none of the contigs, or is large and has no index; or disagrees with the reads at
        more than a tenth of the positions (another genome).
    """
    import numpy as np

    from resistance.stats.error_rates import majority_base

    table = counts[["A", "C", "G", "T"]].to_numpy(dtype=np.int64)
    chrom, pos = counts["chrom"].to_numpy(dtype=object), counts["pos"].to_numpy(dtype=np.int64)
    seen = majority_base(table, least=least)
    if fasta is None:
        before, after = np.full(pos.size, -1, dtype=np.int64), np.full(pos.size, -1, dtype=np.int64)
        if pos.size > 1:
            beside = (chrom[1:] == chrom[:-1]) & (pos[1:] == pos[:-1] + 1)
            before[1:][beside] = seen[:-1][beside]
            after[:-1][beside] = seen[1:][beside]
        return KnownBases(seen, before, after, "majority")
    reference, before, after = _of_fasta(fasta, chrom, pos)
    both = (seen >= 0) & (reference >= 0)
    wrong = int((seen[both] != reference[both]).sum())
    # a person differs from the genome at one base in a thousand; another build looks like chance
    if both.sum() >= 20 and wrong > 0.1 * both.sum():
        first = int(np.flatnonzero(both & (seen != reference))[0])
        raise InputError(
            f"disagrees with the reads at {wrong} of {int(both.sum())} positions (the first: {chrom[first]}:{pos[first]})",
            path=fasta,
            remedy="Give the genome that the reads were aligned to.",
        )
    return KnownBases(reference, before, after, "fasta")


def _of_fasta(fasta: Path, chrom: NDArray[np.object_], pos: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    import numpy as np

    out = tuple(np.full(pos.size, -1, dtype=np.int64) for _ in range(3))
    if not pos.size:
        return out
    code = np.full(256, -1, dtype=np.int64)
    for number, letter in enumerate("ACGT"):
        code[ord(letter)] = code[ord(letter.lower())] = number
    parts = _parts(fasta)
    if not any(name in set(chrom) for name, _, _ in parts):
        raise InputError("has none of the contigs that were counted", path=fasta, value=", ".join(sorted(set(chrom))[:5]))
    with _Opened(fasta) as bases:
        # one fetch per run of neighbouring positions
        breaks = np.flatnonzero((chrom[1:] != chrom[:-1]) | (pos[1:] > pos[:-1] + 1000)) + 1
        for rows in np.split(np.arange(pos.size), breaks):
            first, last = int(pos[rows[0]]), int(pos[rows[-1]])
            for name, start, full in parts:
                if name != chrom[rows[0]]:
                    continue
                low = max(first - 1, start)
                text = bases.fetch(full, low - start, last + 1 - start + 1)
                letters = code[np.frombuffer(text.encode("latin-1"), dtype=np.uint8)]
                for which, shift in enumerate((0, -1, 1)):
                    at = pos[rows] + shift - low
                    inside = (at >= 0) & (at < letters.size)
                    got = out[which][rows]
                    got[inside] = letters[at[inside]]
                    out[which][rows] = got
    return out


def _parts(fasta: Path) -> list[tuple[str, int, str]]:
    """Return chrom, position of the first base and full name of each contig."""
    if not fasta.is_file():
        raise InputError("the FASTA is missing", path=fasta, remedy="Give the genome that the reads were aligned to.")
    out = []
    with _Opened(fasta) as bases:
        for full in bases.references:
            match = _PART.fullmatch(full)
            name, start = (full, 1) if match is None else (match.group("name"), int(match.group("start")))
            out.append((contig(name), start, full))
    return out


class _Opened:
    """A FASTA through its index, or read whole where it is small and has none."""

    def __init__(self, path: Path) -> None:
        import pysam

        self._file, self._whole = None, {}
        if path.with_name(path.name + ".fai").is_file():
            try:
                self._file = pysam.FastaFile(str(path))
            except (OSError, ValueError) as error:
                raise InputError("not readable as an indexed FASTA", path=path, remedy="Index it with samtools faidx.") from error
            self.references = list(self._file.references)
            return
        if path.stat().st_size > LARGEST_PLAIN_BYTES or path.suffix in (".gz", ".bgz"):
            raise InputError("the FASTA has no index", path=path, remedy="Index it with samtools faidx.")
        text = path.read_text(encoding="latin-1")
        if not text.startswith(">"):
            raise InputError("is no FASTA", path=path, remedy="It begins with '>' and the name of a contig.")
        for block in text[1:].split("\n>"):
            head, _, body = block.partition("\n")
            self._whole[head.split()[0] if head.split() else ""] = "".join(body.split())
        self.references = list(self._whole)

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def fetch(self, name: str, start: int, end: int) -> str:
        """Return bases of a half-open, 0-based span, cut at the contig's end."""
        if self._file is None:
            return self._whole[name][start:end]
        return str(self._file.fetch(name, start, min(end, self._file.get_reference_length(name))) if end > start else "")
