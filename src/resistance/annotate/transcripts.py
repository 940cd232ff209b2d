"""``resources/transcripts.<build>.tsv`` -> the transcripts on which variants are named, and their bases in order."""

from __future__ import annotations

import bisect
import csv
import functools
import itertools
import re
from dataclasses import dataclass
from typing import Protocol

from resistance.errors import KnowledgeError
from resistance.resources import resource_path

_PAIRS = str.maketrans("ACGTNacgtn", "TGCANtgcan")
_BASES = "TCAG"
#: standard genetic code, codons in the order TTT, TTC, TTA, TTG, TCT ...
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODONS = {
    a + b + c: _CODE[16 * i + 4 * j + k] for i, a in enumerate(_BASES) for j, b in enumerate(_BASES) for k, c in enumerate(_BASES)
}
#: byte of a base -> 16, 4 or 1 times its number; 64 for all else, so that such codons are 64 or more, and none exceeds a byte
_PLACE_VALUES = tuple(
    bytes(value * _BASES.index(chr(byte)) if chr(byte) in _BASES else 64 for byte in range(256)) for value in (16, 4, 1)
)
_RESIDUES = _CODE.encode("ascii").ljust(256, b"X")
#: codons up to the first stop
_OPEN = re.compile(r"(?:(?!TAA|TAG|TGA)...)*")


@dataclass(frozen=True)
class Transcript:
    """A transcript on one build.

    Parameters
    ----------
    gene, transcript : str
        HGNC symbol; name with version.
    role : str
        'MANE Select', 'closest' (its coding exons differ on this build) or 'legacy' (papers number on it).
    chrom, strand : str
        Contig without 'chr'; '+' or '-'.
    cds_start, cds_end : int
        First and last coding base on the genome, 1-based, both included; the stop codon belongs to it.
    exons : tuple of (int, int)
        In the order of the genome, 1-based, both included.
    """

    gene: str
    transcript: str
    role: str
    chrom: str
    strand: str
    cds_start: int
    cds_end: int
    exons: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """First base on the genome."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """Last base on the genome."""
        return self.exons[-1][1]


@functools.cache
def load_transcripts(build: str) -> tuple[Transcript, ...]:
    """Load the transcripts of a build, by gene; the one that names variants (MANE Select or closest) first."""
    name = f"transcripts.{build}.tsv"
    out = []
    with resource_path(name).open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
            exons = tuple((int(a), int(b)) for a, b in (part.split("-") for part in row["exons"].split(";")))
            ordered = all(a <= b for a, b in exons) and all(x[1] < y[0] for x, y in itertools.pairwise(exons))
            cds = int(row["cds_start"]), int(row["cds_end"])
            if not ordered or not exons[0][0] <= cds[0] <= cds[1] <= exons[-1][1] or row["strand"] not in ("+", "-"):
                raise KnowledgeError(f"{name}: row {line}: exons overlap, or the coding part lies outside them")
            out.append(Transcript(row["gene"], row["transcript"], row["role"], row["chrom"], row["strand"], *cds, exons))
    return tuple(sorted(out, key=lambda t: (t.gene, t.role == "legacy", t.transcript)))


def reverse_complement(bases: str) -> str:
    """Return the other strand, read in its own direction."""
    return bases.translate(_PAIRS)[::-1]


def translate(bases: str, *, to_stop: bool = False) -> str:
    """Return the protein of a coding sequence; '*' is a stop, X a codon with an unknown base; a rest of 1 or 2 bases is left out.

    Examples
    --------
    >>> translate("ATGTGGTAAGG"), translate("ATGTAAGGG", to_stop=True)
    ('MW*', 'M*')
    """
    # each base of a codon has its place value, so that adding three long integers numbers all codons at once
    n = len(bases) // 3
    text = bases.encode("ascii", "replace")
    places = (int.from_bytes(text[i : 3 * n : 3].translate(value), "little") for i, value in enumerate(_PLACE_VALUES))
    protein = sum(places).to_bytes(n, "little").translate(_RESIDUES).decode("ascii")
    stop = protein.find("*")
    return protein[: stop + 1] if to_stop and stop >= 0 else protein


class Bases(Protocol):
    """A text of bases, or what gives parts of it when they are asked for."""

    def __len__(self) -> int:
        """Return the number of bases."""

    def __getitem__(self, key: slice, /) -> str:
        """Return a part."""


class Model:
    """A transcript with its bases.

    Parameters
    ----------
    transcript : Transcript
    genome : str or Bases
        Bases of the forward strand from `offset` on, upper case, at least from the first to the last
        base of the transcript.
    offset : int
        Position of the first of them, 1-based.

    Attributes
    ----------
    bases : str
        Spliced transcript in its own direction.
    coding : slice
        Of ``bases``, from the start codon to the stop codon.
    protein : str
        Translation of ``coding``.
    """

    def __init__(self, transcript: Transcript, genome: Bases, offset: int) -> None:
        self.transcript, self.genome, self.offset = transcript, genome, offset
        self.forward = transcript.strand == "+"
        self._starts = [a for a, _ in transcript.exons]
        self._before = [0, *itertools.accumulate(b - a + 1 for a, b in transcript.exons)]
        first, last = (transcript.cds_start, transcript.cds_end) if self.forward else (transcript.cds_end, transcript.cds_start)
        self.coding = slice(self._index(first), self._index(last) + 1)

    # most variants of a genome lie in introns, and need neither the spliced bases nor the protein
    @functools.cached_property
    def bases(self) -> str:
        """Spliced transcript in its own direction."""
        bases = "".join(self.genome[a - self.offset : b + 1 - self.offset] for a, b in self.transcript.exons)
        return bases if self.forward else reverse_complement(bases)

    @functools.cached_property
    def protein(self) -> str:
        """Translation of the coding bases, with its stop."""
        return translate(self.bases[self.coding])

    @functools.cached_property
    def is_whole(self) -> bool:
        """Whether the coding bases are all known, hold whole codons, and stop at their end and nowhere before."""
        coding = self.bases[self.coding]
        return len(coding) % 3 == 0 and not coding.strip("ACGT") and _OPEN.match(coding).end() == len(coding) - 3  # type: ignore[union-attr]

    @functools.cached_property
    def positions(self) -> tuple[int, ...]:
        """Positions on the genome of the spliced bases, in the order of the genome."""
        return tuple(pos for a, b in self.transcript.exons for pos in range(a, b + 1))

    def _index(self, pos: int) -> int:
        """Return the place of an exonic base in the spliced transcript."""
        i = bisect.bisect_right(self._starts, pos) - 1
        at = self._before[i] + pos - self._starts[i]
        return at if self.forward else self._before[-1] - 1 - at

    def index(self, pos: int) -> int | None:
        """Return the place of a base in the spliced transcript, None where it is in no exon."""
        i = bisect.bisect_right(self._starts, pos) - 1
        return self._index(pos) if i >= 0 and pos <= self.transcript.exons[i][1] else None

    def exon(self, first: int, last: int) -> int | None:
        """Return the number of the first exon, in the transcript's direction, that holds a base from `first` to `last`."""
        exons = self.transcript.exons
        if self.forward:
            i = bisect.bisect_right(self._starts, first) - 1
            if i < 0 or exons[i][1] < first:
                i += 1
            return i + 1 if i < len(exons) and exons[i][0] <= last else None
        i = bisect.bisect_right(self._starts, last) - 1
        return len(exons) - i if i >= 0 and exons[i][1] >= first else None

    def holds(self, pos: int) -> bool:
        """Return whether a position lies in the transcript, exon or intron."""
        return self._starts[0] <= pos <= self.transcript.exons[-1][1]

    def between_exons(self, first: int, last: int) -> bool:
        """Return whether all bases from `first` to `last` lie in one intron."""
        i = bisect.bisect_right(self._starts, last) - 1
        return 0 <= i < len(self._starts) - 1 and first > self.transcript.exons[i][1]

    def base(self, pos: int) -> str:
        """Return the base of the forward strand at a position, N outside of what is known."""
        at = pos - self.offset
        return self.genome[at : at + 1] or "N" if at >= 0 else "N"

    def stretch(self, first: int, last: int) -> str:
        """Return the bases of the forward strand from `first` to `last`; shorter where they are not known."""
        return self.genome[max(0, first - self.offset) : max(0, last + 1 - self.offset)]

    def c_position(self, pos: int) -> str | None:
        """Return a position as HGVS counts it (``76``, ``-14``, ``*46``, ``88+2``, ``89-1``); None outside the transcript."""
        exons = self.transcript.exons
        i = bisect.bisect_right(self._starts, pos) - 1
        if i < 0 or pos > exons[-1][1]:
            return None
        if pos <= exons[i][1]:
            return self._label(self._index(pos))
        before, after = exons[i][1], exons[i + 1][0]
        up, down = (before, after) if self.forward else (after, before)
        from_up, to_down = abs(pos - up), abs(down - pos)
        if from_up <= to_down:
            return f"{self._label(self._index(up))}+{from_up}"
        return f"{self._label(self._index(down))}-{to_down}"

    def _label(self, at: int) -> str:
        if at < self.coding.start:
            return f"-{self.coding.start - at}"
        if at >= self.coding.stop:
            return f"*{at - self.coding.stop + 1}"
        return str(at - self.coding.start + 1)
