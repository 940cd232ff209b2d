"""A chain file and variants of one build -> the same variants on the other build, or the reason why there is none.

A chain maps bases, not variants. What a variant needs of it is said here once: every base of the
reference allele (of an insertion, both neighbours) has exactly one place, all on one chromosome and
one strand and side by side. On the other strand the alleles are complemented. The bases of the other
build are not looked at: where the two builds differ in the base itself, the annotation finds it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.variant import build_name, contig

if TYPE_CHECKING:
    import pandas as pd
    from liftover import PyTarget

#: length of the revised Cambridge sequence (NC_012920), which MT is here; the chrM of UCSC's hg19 is another one, of 16,571
MITOCHONDRIAL = 16569
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_AGAIN = "Copy or download it again."
_COLUMNS = ["chrom", "pos", "ref", "alt"]


@dataclass(frozen=True)
class Lift:
    """What became of one variant.

    Parameters
    ----------
    chrom : str or None
    pos : int or None
        1-based, as in :func:`resistance.variant.trim`.
    ref, alt : str or None
        Trimmed alleles on the forward strand of the target; all four are None where it failed.
    strand : str or None
        '-' where the target's forward strand is the source's reverse strand (the alleles are then complemented).
    failed : str or None
        Why the variant has no place, in words to be counted by; None where it has one.
    """

    chrom: str | None = None
    pos: int | None = None
    ref: str | None = None
    alt: str | None = None
    strand: str | None = None
    failed: str | None = None


def complemented(bases: str) -> str:
    """Return the reverse complement; '-' stays.

    Examples
    --------
    >>> complemented("AAC"), complemented("-")
    ('GTT', '-')
    """
    return bases.translate(_COMPLEMENT)[::-1]


class Lifter:
    """Moves variants from one build to the other.

    Parameters
    ----------
    path : Path
        Chain file (UCSC's format), plain or gzip; contigs with or without 'chr', or RefSeq names.
    source, target : str
        Any name of GRCh37 and GRCh38, in the order of the chain.

    Raises
    ------
    InputError
        Both builds are one; the file is missing, cut off, damaged or no chain; the lengths of its
        chromosomes are not those of the two builds (given the wrong way round, or of other genomes).
    """

    def __init__(self, path: Path, source: str, target: str) -> None:
        from liftover import ChainFile

        self.path, self.source, self.target = path, build_name(source), build_name(target)
        if self.source == self.target:
            raise InputError(
                f"there is nothing to lift from {self.source} to {self.target}",
                path=path,
                remedy="Give the build that the file is on and the build it shall be moved to.",
            )
        pairs = _sizes(path)
        _refuse_other_chain(pairs, self.source, self.target, path)
        try:
            chains = ChainFile(str(path), one_based=True)
        except (ValueError, OSError, RuntimeError) as error:
            why = str(error).removeprefix(f"{path}: ")
            raise InputError(f"is a damaged chain file ({why})", path=path, remedy=_AGAIN) from error
        names: dict[str, list[str]] = {}
        for name in chains:
            if contig(name) != "MT" or _is_cambridge(name, pairs):
                names.setdefault(contig(name), []).append(name)
        #: contig as we name it -> the chain's contig; a file may hold '1' and 'chr1' beside each other
        self._contigs: dict[str, PyTarget] = {
            ours: chains[next((name for name in (ours, f"chr{ours}") if name in theirs), theirs[0])]
            for ours, theirs in names.items()
        }
        self._other_mitochondrion = "MT" not in names and any(contig(name) == "MT" for name in chains)
        self._chromosomes = frozenset((*contig_lengths(self.target), "MT"))
        self._ours: dict[str, str] = {}

    def lift(self, chrom: str, pos: int, ref: str, alt: str) -> Lift:
        """Move one variant in canonical form (see :func:`resistance.variant.trim`).

        Parameters
        ----------
        chrom : str
            As :func:`resistance.variant.contig` names it.
        pos : int
            1-based: the first base of `ref`, or the base before an insertion.
        ref, alt : str
            Trimmed alleles, '-' for nothing.
        """
        # an insertion has a place where the two bases around it are still neighbours
        place = self.lift_span(chrom, pos, 2 if ref == "-" else len(ref))
        if place.failed is not None:
            return place
        if place.strand == "-":
            ref, alt = complemented(ref), complemented(alt)
        return Lift(place.chrom, place.pos, ref, alt, place.strand)

    def lift_span(self, chrom: str, pos: int, length: int) -> Lift:
        """Move a run of bases; ``pos`` of the result is its lowest position (alleles are None).

        Parameters
        ----------
        chrom : str
        pos : int
            1-based position of the first base.
        length : int
            Number of bases, 1 or more.
        """
        chain = self._contigs.get(chrom)
        if chain is None:
            if chrom == "MT" and self._other_mitochondrion:
                return Lift(failed=f"the chain's mitochondrial genome is not that of {MITOCHONDRIAL} bases")
            return Lift(failed=f"the chain has no such contig of {self.source}")
        found = [self._places(chain[base]) for base in range(pos, pos + length)]
        if not any(found):
            return Lift(failed=f"has no place on {self.target}")
        if not all(found):
            return Lift(failed=f"a part of its bases has no place on {self.target}")
        if any(len(places) > 1 for places in found):
            return Lift(failed=f"has several places on {self.target}")
        line = [place for (place,) in found]
        name, first, strand = line[0]
        step = -1 if strand == "-" else 1
        if any(place != (name, first + step * i, strand) for i, place in enumerate(line)):
            return Lift(failed=f"its bases are not side by side on {self.target}")
        if name not in self._chromosomes:
            return Lift(failed=f"lies on a contig that is no chromosome on {self.target}")
        if chrom in self._chromosomes and name != chrom:
            return Lift(failed=f"lies on another chromosome on {self.target}")
        return Lift(name, min(first, line[-1][1]), strand=strand)

    def _places(self, matches: Iterable[tuple[str, int, str]]) -> set[tuple[str, int, str]]:
        out = set()
        for name, pos, strand in matches:
            ours = self._ours.get(name)
            if ours is None:
                ours = self._ours[name] = contig(name)
            out.add((ours, pos, strand))
        if len(out) > 1:
            # a patch or an alternate haplotype repeats a piece of its chromosome: it is no second place
            return {place for place in out if place[0] in self._chromosomes} or out
        return out

    def lift_columns(self, variants: pd.DataFrame) -> pd.DataFrame:
        """Move a table of variants; each distinct variant is looked up once.

        Parameters
        ----------
        variants : DataFrame
            Columns ``chrom``, ``pos``, ``ref`` and ``alt``, canonical and without NA.

        Returns
        -------
        DataFrame
            ``chrom``, ``pos`` (Int64), ``ref``, ``alt``, ``strand`` and ``failed`` (see :class:`Lift`; NA
            stands for None), with the index of `variants`.
        """
        import numpy as np
        import pandas as pd

        text = pd.StringDtype(na_value=np.nan)
        first = variants[_COLUMNS].drop_duplicates()
        lifts = [
            self.lift(chrom, int(pos), ref, alt)
            for chrom, pos, ref, alt in zip(*(first[name].tolist() for name in _COLUMNS), strict=True)
        ]
        number = pd.Series(range(len(first)), index=pd.MultiIndex.from_frame(first), dtype="int64")
        codes = number.reindex(pd.MultiIndex.from_frame(variants[_COLUMNS])).to_numpy(dtype="int64")

        def spread(values: list[str | None]) -> pd.Series:
            return pd.Series(pd.array(values, dtype=text).take(codes), index=variants.index)

        positions = pd.array([lift.pos for lift in lifts], dtype="Int64").take(codes)
        return pd.DataFrame(
            {
                "chrom": spread([lift.chrom for lift in lifts]),
                "pos": pd.Series(positions, index=variants.index),
                **{name: spread([getattr(lift, name) for lift in lifts]) for name in ("ref", "alt", "strand", "failed")},
            }
        )


def _is_cambridge(name: str, pairs: Mapping[tuple[str, str], tuple[int, int]]) -> bool:
    """Return whether a mitochondrial contig of the chain has the length of ours, and so has what it leads to."""
    own = (MITOCHONDRIAL, MITOCHONDRIAL)
    return all(sizes == own for (of, to), sizes in pairs.items() if of == name and contig(to) == "MT")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield number, raw.decode("ascii")
    except FileNotFoundError as error:
        raise InputError("the chain file is missing", path=path, remedy="UCSC and Ensembl offer chain files.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a chain file", path=path) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"cannot be unpacked: the chain file is cut off or damaged ({error})", path=path, remedy=_AGAIN
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("is no chain file: it is not text", path=path, remedy="Give a file in UCSC's chain format.") from error


def _sizes(path: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Return (contig of the source, contig of the target) -> their lengths, from the headers of the chains."""
    out: dict[tuple[str, str], tuple[int, int]] = {}
    for number, line in _lines(path):
        if not line.startswith("chain"):
            continue
        cells = line.split()
        if len(cells) < 12 or not (cells[3].isdigit() and cells[8].isdigit()):
            raise InputError(
                "is no header of a chain: it needs score, and of both genomes name, size, strand, start and end",
                path=path,
                row=number,
                value=line.strip()[:80],
                remedy=_AGAIN,
            )
        out.setdefault((cells[2], cells[7]), (int(cells[3]), int(cells[8])))
    if not out:
        raise InputError("is no chain file: no line starts with 'chain'", path=path, remedy="Give a file in UCSC's chain format.")
    return out


def _refuse_other_chain(pairs: Mapping[tuple[str, str], tuple[int, int]], source: str, target: str, path: Path) -> None:
    """Refuse a chain whose chromosomes have not the lengths of the two builds."""
    of, to = contig_lengths(source), contig_lengths(target)
    known = [
        (contig(names[0]), contig(names[1]), *sizes)
        for names, sizes in pairs.items()
        if contig(names[0]) in of and contig(names[1]) in to
    ]
    if not known:
        raise InputError(
            f"names no chromosome of {source} and {target}",
            path=path,
            value=" to ".join(next(iter(pairs))),
            remedy="Chromosomes are called 1 or chr1 (or by RefSeq's accession).",
        )
    wrong = [item for item in known if (item[2], item[3]) != (of[item[0]], to[item[1]])]
    if not wrong:
        return
    first, second, size, other_size = wrong[0]
    shown = f"chromosome {first} of {size} bases to {second} of {other_size}"
    if (size, other_size) == (to[first], of[second]):
        raise InputError(
            f"is a chain from {target} to {source}, and one from {source} to {target} is needed",
            path=path,
            value=shown,
            remedy="Give the chain of the other direction, or name the builds the other way round.",
        )
    raise InputError(
        f"is no chain from {source} to {target}",
        path=path,
        value=shown,
        remedy=f"Chromosome {first} has {of[first]} bases on {source}, chromosome {second} has {to[second]} on {target}.",
    )
