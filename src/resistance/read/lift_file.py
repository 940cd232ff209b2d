"""A MAF, a VCF or any table of variants -> the same rows on the other build, and those that have no place there.

The file is streamed: memory does not grow with it. For the command `resistance liftover`; calls of a
cohort are moved while they are read (key ``variants.liftover``), by the same rules.
"""

from __future__ import annotations

import csv
import functools
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from resistance.contigs import contig_lengths, other
from resistance.errors import InputError, Problem
from resistance.liftover import Lift, Lifter, complemented
from resistance.read.builds import Said
from resistance.read.maf_text import ALIASES, damaged, hint, open_bytes, table_header
from resistance.read.sheet import NA_WORDS
from resistance.read.vcf_container import header_lines, opened
from resistance.tables import replacing
from resistance.variant import NO_POSITION, build_name, contig, refusal, trim

#: our name -> names of columns in files (case does not matter), the first that is there
NAMES: Mapping[str, tuple[str, ...]] = {
    **{name: ALIASES[name] for name in ("chrom", "pos", "ref", "alt", "alt_1", "build")},
    "end": ("End_Position", "End"),
}
NEEDED = ("chrom", "pos", "ref", "alt")
#: further alleles in a row of a MAF
_ALLELES = re.compile(r"(tumou?r_seq|match_norm_seq|tumou?r_validation|match_norm_validation)_allele[12]", re.IGNORECASE)
#: columns that name a place of the genome and are not understood here
_STALE = re.compile(r"hgvsg|genome_?change|genomic_?location|vcf_pos|vcf_region", re.IGNORECASE)
_NUMBER = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.0+)?")
NOWHERE = "no chromosome or position"
#: no reasons to be counted but ends of the run: the file is not what it is said to be
_BEYOND, _NO_NUMBER = "beyond the end", "no whole number"


@dataclass
class Summary:
    """What became of the variants of a file.

    Parameters
    ----------
    source, target : str
        Builds.
    variants, lifted, turned : int
        All, those that were moved, and those among them whose alleles were complemented.
    failed : dict of str to (int, str)
        Reason -> how many, and the first of them.
    stale : tuple of str
        Columns that still name the place on the source's build.
    """

    source: str
    target: str
    variants: int = 0
    lifted: int = 0
    turned: int = 0
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    stale: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the counts as text."""
        turned = f" ({self.turned} on the other strand, alleles complemented)" if self.turned else ""
        out = [f"lifted {self.lifted} of {self.variants} variants from {self.source} to {self.target}{turned}"]
        for reason, (n, example) in sorted(self.failed.items(), key=lambda item: (-item[1][0], item[0])):
            out.append(f"not lifted: {n}: {reason} (first: {example})")
        if self.stale:
            out.append(f"columns left as they are, on {self.source}: {', '.join(self.stale)}")
        return out


@dataclass(frozen=True)
class Row:
    """One variant as the file has it: its line, all cells of its row, and the place and alleles among them ('' if unknown)."""

    line: int | None
    cells: Sequence[str]
    chrom: str
    pos: str
    ref: str
    alt: str


class Source(Protocol):
    """A file whose rows can be given and written again."""

    header: list[str]
    separator: str
    quoted: bool

    def rows(self) -> Iterator[Row]: ...

    def moved(self, row: Row, lift: Lift) -> list[str]: ...


def lift_file(
    path: Path, chain: Path, source: str, target: str, out: Path, failed: Path, columns: Mapping[str, str] | None = None
) -> Summary:
    """Move the variants of a file to the other build.

    Parameters
    ----------
    path : Path
        MAF or other table with a header line (tab or comma separated, plain or gzip), VCF or BCF.
    chain : Path
        Chain file from `source` to `target`.
    source, target : str
        Any name of GRCh37 and GRCh38.
    out : Path
        Table to write (gzip when its name ends with .gz): the rows that could be moved, with
        chromosome, position, end, alleles and build replaced, then ``<source>_chrom``, ``_pos``,
        ``_ref`` and ``_alt`` as the file has them, and ``<target>_strand``.  Alleles are trimmed ('-' for
        nothing, an insertion at the base before it).  A VCF gives a table with one row per
        alternative allele: chrom, pos, ref, alt, then its other columns.
    failed : Path
        Table of the other variants: line, chrom, pos, ref, alt, reason.
    columns : mapping of str to str, optional
        Our name (chrom, pos, end, ref, alt, build) -> the file's column, where it is not a usual one.

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        The file or the chain cannot be read, a column is missing, or a row is on another build than
        `source`; nothing is written then.
    """
    for written in (out, failed):
        if written.resolve() in (path.resolve(), chain.resolve()):
            raise InputError("would be written over", path=written, remedy="Give another name to the output.")
    if out.resolve() == failed.resolve():
        raise InputError("two tables would have this name", path=out, remedy="Give another name to one of them.")
    lifter = Lifter(chain, source, target)
    added = [*(f"{lifter.source}_{name}" for name in NEEDED), f"{lifter.target}_strand"]
    with ExitStack() as stack:
        table = stack.enter_context(_source(path, lifter, columns or {}))
        for name in added:
            if name in table.header:
                remedy = f"It was lifted before, from {lifter.source}: rename or remove the column."
                raise InputError(
                    "the file has a column of this name, which is to be written", path=path, column=name, remedy=remedy
                )
        summary = Summary(lifter.source, lifter.target, stale=tuple(name for name in table.header if _STALE.fullmatch(name)))
        write = stack.enter_context(_writing(out, table.separator, table.quoted))
        write_failed = stack.enter_context(_writing(failed, "\t", False))
        write([*table.header, *added])
        write_failed(["line", "chrom", "pos", "ref", "alt", "reason"])
        # a cohort's table names the same variant in many samples
        lift = functools.lru_cache(maxsize=1 << 16)(functools.partial(_lift, lifter))
        for row in table.rows():
            summary.variants += 1
            result = lift(row.chrom, row.pos, row.ref, row.alt)
            if result.failed is None:
                summary.lifted += 1
                summary.turned += result.strand == "-"
                write([*table.moved(row, result), row.chrom, row.pos, row.ref, row.alt, str(result.strand)])
                continue
            _refuse(row, result.failed, lifter, path)
            place = f"{row.chrom or 'NA'}:{row.pos or 'NA'} {row.ref or 'NA'}>{row.alt or 'NA'}"
            n, first = summary.failed.get(result.failed, (0, place if row.line is None else f"row {row.line}: {place}"))
            summary.failed[result.failed] = (n + 1, first)
            line = None if row.line is None else str(row.line)
            write_failed([cell or "NA" for cell in (line, row.chrom, row.pos, row.ref, row.alt, result.failed)])
    return summary


def _lift(lifter: Lifter, chrom: str, pos: str, ref: str, alt: str) -> Lift:
    if not chrom or not pos:
        return Lift(failed=NOWHERE)
    if _NUMBER.fullmatch(pos) is None:
        return Lift(failed=_NO_NUMBER)
    why = refusal(ref, alt)
    if why is not None:
        return Lift(failed=why)
    try:
        start, ref, alt = trim(int(pos.replace(",", "").split(".")[0]), ref, alt)
    except InputError:
        return Lift(failed=NO_POSITION)
    name = contig(chrom)
    if start > contig_lengths(lifter.source).get(name, start):
        return Lift(failed=_BEYOND)
    return lifter.lift(name, start, ref, alt)


def _refuse(row: Row, why: str, lifter: Lifter, path: Path) -> None:
    """Raise where a row shows that the file is not what it is said to be."""
    if why == _BEYOND:
        raise InputError(
            f"lies beyond the end of the chromosome on {lifter.source}",
            path=path,
            row=row.line,
            value=f"{row.chrom}:{row.pos}",
            remedy=f"Is the file on {other(lifter.source)}? {Said.of_option(lifter.source).remedy}",
        )
    if why == _NO_NUMBER:
        raise InputError("the position is not a whole number", path=path, row=row.line, value=row.pos, remedy="Correct it.")


@contextmanager
def _source(path: Path, lifter: Lifter, columns: Mapping[str, str]) -> Iterator[Source]:
    if path.is_dir():
        raise InputError("is a folder, not a file", path=path)
    try:
        with open_bytes(path) as file:
            start = file.read(20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, error) from error
    if not start.startswith((b"##fileformat=VCF", b"BCF\2")):
        yield _Table(path, lifter, columns)
        return
    if columns:
        raise InputError("a VCF's columns have their names", path=path, column=next(iter(columns)), remedy="Leave --column out.")
    with opened(path, lifter.source, Said.of_option(lifter.source)) as file:
        yield _Vcf(path, file)


class _Table:
    """A table with a header line."""

    def __init__(self, path: Path, lifter: Lifter, columns: Mapping[str, str]) -> None:
        self._path, self._target, self._source = path, lifter.target, lifter.source
        self.header, self._above, self.separator, self.quoted = table_header(path)
        self._at = _chosen(self.header, columns, path)
        self._alleles = [i for i, name in enumerate(self.header) if _ALLELES.fullmatch(name)]
        self._alleles = sorted({*self._alleles, self._at["ref"], self._at["alt"]})
        self._builds: set[str] = set()

    def rows(self) -> Iterator[Row]:
        at, first = self._at, self._at.get("alt_1")
        for line, cells in self._lines():
            if len(cells) != len(self.header):
                raise InputError(
                    f"has {len(cells)} cells where the header has {len(self.header)}",
                    path=self._path,
                    row=line,
                    remedy="The file may be cut off, or a cell holds a separator: write it again.",
                )
            if "build" in at:
                self._check_build(line, cells[at["build"]].strip())
            chrom, pos, ref, alt = (_known(cells[at[name]]) for name in NEEDED)
            # older MAFs hold the change in the first tumour allele and the reference in the second
            if first is not None and (not alt or alt == ref):
                alt = _known(cells[first]) or alt
            yield Row(line, cells, chrom, pos, ref, alt)

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        try:
            with open_bytes(self._path) as packed, io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
                for _ in range(self._above):
                    next(text)
                if self.quoted:
                    reader = csv.reader(text, delimiter=self.separator)
                    parted = ((self._above + reader.line_num, cells) for cells in reader)
                else:
                    parted = ((i, line.rstrip("\r\n").split(self.separator)) for i, line in enumerate(text, self._above + 1))
                for line, cells in parted:
                    # a blank line and a late comment are no rows
                    if cells and cells != [""] and not cells[0].startswith("#"):
                        yield line, cells
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise damaged(self._path, error) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(
                f"cannot be read as a table ({error})", path=self._path, remedy="Export it as UTF-8, tab separated text."
            ) from error

    def _check_build(self, line: int, name: str) -> None:
        if name in self._builds or name.lower() in NA_WORDS:
            return
        column = self.header[self._at["build"]]
        try:
            given = build_name(name)
        except InputError as error:
            problem = error.problems[0]
            raise InputError(
                problem.message, path=self._path, row=line, column=column, value=name, remedy=problem.remedy
            ) from error
        if given != self._source:
            said = Said.of_option(self._source)
            raise InputError(
                f"the row is on {given}, {said.words}", path=self._path, row=line, column=column, value=name, remedy=said.remedy
            )
        self._builds.add(name)

    def moved(self, row: Row, lift: Lift) -> list[str]:
        cells, at = list(row.cells), self._at
        for i in self._alleles:
            cells[i] = _allele(cells[i], row, lift)
        cells[at["chrom"]] = _styled(row.chrom, str(lift.chrom))
        cells[at["pos"]] = str(lift.pos)
        if "end" in at and lift.pos is not None:
            cells[at["end"]] = str(lift.pos + (1 if lift.ref == "-" else len(str(lift.ref)) - 1))
        if "build" in at:
            cells[at["build"]] = self._target
        return cells


class _Vcf:
    """A VCF or BCF, each alternative allele as a row."""

    separator, quoted = "\t", False

    def __init__(self, path: Path, file: Any) -> None:
        self._path, self._file = path, file
        samples = list(file.header.samples)
        self.header = [*NEEDED, "ID", "QUAL", "FILTER", "INFO", *(["FORMAT", *samples] if samples else [])]

    def rows(self) -> Iterator[Row]:
        above, number = header_lines(self._path), 0
        records = iter(self._file)
        while True:
            number += 1
            line = None if above is None else above + number
            try:
                record = next(records)
                chrom, pos, name, ref, alts, *rest = str(record).rstrip("\n").split("\t")
            except StopIteration:
                return
            except (OSError, ValueError) as error:
                raise InputError(
                    f"record {number} cannot be read: the file is cut off, or a cell is not what the header declares",
                    path=self._path,
                    row=line,
                    remedy="Copy it again, or look at this line.",
                ) from error
            for alt in alts.split(","):
                yield Row(line, [name, *rest], chrom, pos, ref, "" if alt == "." else alt)

    def moved(self, row: Row, lift: Lift) -> list[str]:
        return [_styled(row.chrom, str(lift.chrom)), str(lift.pos), str(lift.ref), str(lift.alt), *row.cells]


def _chosen(header: Sequence[str], columns: Mapping[str, str], path: Path) -> dict[str, int]:
    """Return our name -> number of the file's column."""
    unknown = sorted(set(columns) - set(NAMES))
    if unknown:
        raise InputError(
            [Problem("there is no such name", column=name, remedy=f"Names: {', '.join(NAMES)}.") for name in unknown]
        )
    folded: dict[str, int] = {}
    for i, name in enumerate(header):
        folded.setdefault(name.lower(), i)
    at, problems = {}, []
    for name, usual in NAMES.items():
        names = (columns[name],) if name in columns else usual
        found = next((folded[one.lower()] for one in names if one.lower() in folded), None)
        if found is not None:
            at[name] = found
        elif name in NEEDED or name in columns:
            remedy = f"Name it: --column {name}=COLUMN{hint(names[0], header)}"
            problems.append(Problem(f"no column holds '{name}'", str(path), 1, names[0], remedy=remedy))
    if problems:
        raise InputError(problems)
    return at


def _known(cell: str) -> str:
    cell = cell.strip()
    return "" if cell.lower() in NA_WORDS else cell


def _styled(before: str, chrom: str) -> str:
    """Name a chromosome as the file named the one before."""
    if before[:3].lower() != "chr":
        return chrom
    return before[:3] + ("M" if chrom == "MT" else chrom)


def _allele(cell: str, row: Row, lift: Lift) -> str:
    """Return an allele of the row on the target: its reference, its alternative, or another one."""
    bases = cell.strip().upper()
    if bases == row.ref.upper():
        return str(lift.ref)
    if bases == row.alt.upper():
        return str(lift.alt)
    return complemented(bases) if lift.strand == "-" and refusal(bases, "-") is None else cell


@contextmanager
def _writing(path: Path, separator: str, quoted: bool) -> Iterator[Callable[[Sequence[str]], object]]:
    """Give a function that writes a row; the file stands under its name when all went well."""
    with replacing(path) as temporary, temporary.open("wb") as raw, ExitStack() as stack:
        # no name and no time inside, so that the same rows are the same bytes
        packed = path.name.endswith(".gz")
        file: Any = stack.enter_context(gzip.GzipFile("", "wb", 6, raw, 0)) if packed else raw
        text: IO[str] = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        if quoted:
            yield csv.writer(text, delimiter=separator, lineterminator="\n").writerow
        else:
            yield lambda cells: text.write(separator.join(cells) + "\n")
