"""A residue on one transcript -> the same residue on another, through the bases of the genome that code for it.

MYD88 L265P of ENST00000396334.3 is L252P of MANE Select: the codon is one, its number is the transcript's.
No sequence is needed, only the exons of ``resources/transcripts.<build>.tsv``.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from resistance.annotate.transcripts import Transcript, load_transcripts

#: residues by which the name of an insertion or deletion may lie beside its bases: files move them to either end of a repeat
_NEAR = 10


class Numbers:
    """The residues of one transcript.

    Parameters
    ----------
    transcript : Transcript

    Attributes
    ----------
    length : int
        Coding bases, the stop codon among them.
    residues : int
        Residues of the protein; the stop is no residue.
    """

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        t = transcript
        parts = [(max(a, t.cds_start), min(b, t.cds_end)) for a, b in t.exons if a <= t.cds_end and b >= t.cds_start]
        self._forward = t.strand == "+"
        self._parts = parts if self._forward else parts[::-1]
        self._starts = [a for a, _ in parts]
        self._before = [0, *itertools.accumulate(b - a + 1 for a, b in self._parts)]
        self.length = self._before[-1]
        self.residues = self.length // 3 - 1

    @property
    def is_whole(self) -> bool:
        """Whether the coding length is a multiple of 3: where it is not, names behind the break are wrong."""
        return self.length % 3 == 0

    def base(self, pos: int) -> int | None:
        """Return the place of a base of the genome in the coding sequence, counted from 0; None outside of it."""
        at = bisect.bisect_right(self._starts, pos) - 1
        part = at if self._forward else len(self._parts) - 1 - at
        if at < 0 or pos > self._parts[part][1]:
            return None
        first, last = self._parts[part]
        return self._before[part] + (pos - first if self._forward else last - pos)

    def residue(self, pos: int) -> int | None:
        """Return the residue for which a base of the genome codes, 1-based; None outside the coding sequence."""
        at = self.base(pos)
        return None if at is None else at // 3 + 1

    def codon(self, residue: int) -> tuple[int, int, int] | None:
        """Return the positions on the genome of the three bases of a codon, in reading order; None where there is none."""
        if not 0 < residue <= self.length // 3:
            return None
        a, b, c = (self._position(3 * residue - 3 + i) for i in range(3))
        return a, b, c

    def tail(self, residue: int) -> tuple[tuple[int, int], ...]:
        """Return the coding parts from the first base of a codon to the end, in reading order, by position on the genome."""
        start = 3 * residue - 3
        out = []
        for (first, last), before in zip(self._parts, self._before[:-1], strict=True):
            skip = max(0, start - before)
            if skip <= last - first:
                out.append((first + skip, last) if self._forward else (first, last - skip))
        return tuple(out)

    def _position(self, base: int) -> int:
        part = bisect.bisect_right(self._before, base) - 1
        first, last = self._parts[part]
        return first + base - self._before[part] if self._forward else last - (base - self._before[part])


@functools.cache
def numbers(build: str) -> Mapping[str, tuple[Numbers, ...]]:
    """Return the residues of every transcript of a build by gene, the one that names variants first."""
    out: dict[str, tuple[Numbers, ...]] = {}
    for transcript in load_transcripts(build):
        out[transcript.gene] = (*out.get(transcript.gene, ()), Numbers(transcript))
    return out


def renumber(residue: int, of: Numbers, on: Numbers) -> int | None:
    """Return the number of a residue on another transcript.

    Parameters
    ----------
    residue : int
        1-based, on `of`.
    of, on : Numbers
        Of one gene and build.

    Returns
    -------
    int or None
        None where the other transcript does not read the same three bases as one codon.
    """
    if of is on:
        return residue
    codon = of.codon(residue)
    places = [on.base(pos) for pos in codon or ()]
    if not places or None in places:
        return None
    first = places[0] or 0
    return first // 3 + 1 if first % 3 == 0 and places == [first, first + 1, first + 2] else None


@dataclass(frozen=True)
class Named:
    """What a row of the effects says of one change of a protein.

    Parameters
    ----------
    build, gene : str
    transcript : str or None
        As the file names it, with or without version.
    pos : int
        1-based.
    ref, alt : str
        Canonical (see :mod:`resistance.variant`).
    residue : int
        First changed residue, as the file numbers it.
    """

    build: str
    gene: str
    transcript: str | None
    pos: int
    ref: str
    alt: str
    residue: int


@functools.lru_cache(maxsize=1 << 16)
def counted_on(named: Named) -> Numbers | None:
    """Return the transcript on which a change is numbered.

    The name of the transcript with its version decides where the table has it.  Else the place on the genome
    does: files leave versions away, and an identifier can change its protein between versions
    (ENST00000396334 has 309 residues as .3 and 296 as .8).

    Returns
    -------
    Numbers or None
        None where the gene is not in the table, where no transcript of it has the residue at this place, or
        where several do and would give MANE Select's number differently.
    """
    models = numbers(named.build).get(named.gene, ())
    for model in models:
        if model.transcript.transcript == named.transcript:
            return model
    plain = None if named.transcript is None else named.transcript.split(".")[0]
    fitting = [model for model in models if _fits(model, named)]
    own = [model for model in fitting if model.transcript.transcript.split(".")[0] == plain]
    possible = own or fitting
    meant = {renumber(named.residue, model, models[0]) for model in possible}
    return possible[0] if len(meant) == 1 else None


def _fits(model: Numbers, named: Named) -> bool:
    """Return whether a transcript has the residue where the variant lies (an indel: there or near)."""
    touched = (named.pos, named.pos + (1 if named.ref == "-" else len(named.ref) - 1))
    there = [residue for residue in map(model.residue, touched) if residue is not None]
    if not there:
        return False
    room = 0 if len(named.ref) == len(named.alt) and "-" not in (named.ref, named.alt) else _NEAR
    return min(there) - room <= named.residue <= max(there) + room
