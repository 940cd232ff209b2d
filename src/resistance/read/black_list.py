"""A list of places that are not to be trusted (BED, VCF, or lines chr_pos and chr_pos_ref_alt) -> which positions and substitutions."""

from __future__ import annotations

import functools
import gzip
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.read.bed import bed_rows
from resistance.regions import Regions
from resistance.variant import contig

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_LINE = re.compile(r"(?P<chrom>.+?)[_:\t ](?P<pos>\d+)(?:[_:\t ](?P<ref>[ACGT]+)[_:>\t ](?P<alt>[ACGT]+))?", re.IGNORECASE)
_FORMS = "BED; VCF; or a line per place: chr14_106327606, or chr14_106327478_G_C for one substitution."


@dataclass(frozen=True)
class BlackList:
    """Places to leave out.

    Parameters
    ----------
    rows : tuple of (chrom, start, end)
        Whole positions: half-open regions from 0.
    substitutions : frozenset of (chrom, pos, ref, alt)
        Single alleles; pos 1-based, ref and alt one base ('-' for a deleted one).
    """

    rows: tuple[tuple[str, int, int], ...] = ()
    substitutions: frozenset[tuple[str, int, str, str]] = frozenset()

    @functools.cached_property
    def positions(self) -> Regions:
        """The whole positions."""
        return Regions(self.rows)

    def with_more(self, more: BlackList) -> BlackList:
        """Return both lists as one."""
        return BlackList(self.rows + more.rows, self.substitutions | more.substitutions)

    def holds_positions(self, chrom: pd.Series, pos: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the 1-based positions are listed as a whole."""
        return self.positions.overlap(chrom, pos - 1, pos)

    def holds_variants(self, variants: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which variants (chrom, pos, ref, alt in the package's form) are listed, as themselves or by a position of theirs."""
        import numpy as np

        keys = zip(variants["chrom"], variants["pos"].astype(int), variants["ref"], variants["alt"], strict=True)
        alone = np.fromiter((key in self.substitutions for key in keys), dtype=bool, count=len(variants))
        return alone | self.positions.hold(variants)


def read_black_list(path: Path) -> BlackList:
    """Read a black list in any of its forms.

    Parameters
    ----------
    path : Path
        ``.bed`` (whole positions), ``.vcf`` (a record of single bases is a substitution; any other record, and one whose ALT is
        '.', all positions of its REF), plain or ``.gz``; any other name: text with one place per line, positions counted from 1.

    Raises
    ------
    InputError
        The file is missing or damaged, or a line is no place (with its number); no place at all.
    """
    name = path.name.lower().removesuffix(".gz").removesuffix(".bgz")
    if name.endswith(".bed"):
        return BlackList(tuple((contig(cells[0]), int(cells[1]), int(cells[2])) for _, cells in bed_rows(path)))
    return _of_places(_vcf(path) if name.endswith(".vcf") else _text(path), path)


def _of_places(places: Iterable[tuple[int, str, int, str, str]], path: Path) -> BlackList:
    regions: list[tuple[str, int, int]] = []
    single: set[tuple[str, int, str, str]] = set()
    problems = []
    for row, chrom, pos, ref, alt in places:
        if pos < 1 or (ref and ref == alt):
            problems.append(Problem("is no place", str(path), row, value=f"{chrom} {pos} {ref} {alt}".strip(), remedy=_FORMS))
        elif len(ref) == len(alt) == 1:
            single.add((contig(chrom), pos, ref, alt))
        else:
            regions.append((contig(chrom), pos - 1, pos - 1 + max(1, len(ref))))
    if problems:
        raise InputError(problems[:20])
    if not regions and not single:
        raise InputError("the black list is empty", path=path, remedy=_FORMS)
    return BlackList(tuple(regions), frozenset(single))


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError("the black list is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path) from error
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"is no readable black list ({error})", path=path, remedy=_FORMS) from error


def _vcf(path: Path) -> Iterable[tuple[int, str, int, str, str]]:
    problems = []
    out = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) < 5 or not cells[1].isdigit():
            problems.append(Problem("is no record of a VCF", str(path), number, value=line[:60], remedy=_FORMS))
            continue
        for alt in cells[4].upper().split(","):
            # a missing or symbolic allele names the place, not a substitution
            out.append((number, cells[0], int(cells[1]), cells[3].upper(), alt if alt.isalpha() else ""))
    if problems:
        raise InputError(problems[:20])
    return out


def _text(path: Path) -> Iterable[tuple[int, str, int, str, str]]:
    problems = []
    out = []
    for number, line in enumerate(_lines(path), start=1):
        text = line.strip().strip('"')
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            problems.append(Problem("is no place", str(path), number, value=text[:60], remedy=_FORMS))
            continue
        ref, alt = (match.group(part) or "" for part in ("ref", "alt"))
        out.append((number, match.group("chrom"), int(match.group("pos")), ref.upper(), alt.upper()))
    if problems:
        raise InputError(problems[:20])
    return out
