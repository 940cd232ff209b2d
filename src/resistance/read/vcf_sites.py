"""A VCF or BCF, regions -> its records as text cells with their canonical variants, and who carries them; no data frame.

For commands that look at a small part of a large file: through the index where there is one, else the
file is read once from end to end.  :mod:`resistance.read.vcf` reads the samples of a cohort.
"""

from __future__ import annotations

import bisect
import functools
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.read.builds import Said, refuse_other_build
from resistance.read.phase import PHASE_FIELDS, phase_of
from resistance.read.vcf_container import (
    Region,
    check_container,
    has_index,
    how_to_index,
    index_of,
    merged_regions,
    no_small_variant,
    opened,
    starts_with,
)
from resistance.read.vcf_counts import has_wrong_ad, reads, text_reader
from resistance.variant import contig, refusal, trim

Given = tuple[str, int, str, str]
_BASES = frozenset("ACGT")
_END = re.compile(r"[\t;]END=(\d+)")
WRONG_AD = "AD has another number of values than the record has alleles"
NO_SUCH_ALLELE = "a genotype names an allele that its record has not"
NO_CARRIERS = "the record has neither genotypes nor counts of reads: who carries it is unknown"
#: a sample cell whose genotype holds an alternative allele; the first group is a look ahead that passes over 0/0 fast
_CARRIER = re.compile(r"\t(?!0[/|]0[:\t])(?=[^\t:]*[1-9])([^\t]*)")


class Record(NamedTuple):
    """One record of the file, as it is written, and its usable alleles.

    Parameters
    ----------
    chrom : str
        Contig as the file names it.
    pos : int
    ref, alts : str
        As written; the alternative alleles joined by ','.
    filter : str
        As written.
    variants : tuple of (int, (str, int, str, str))
        Number of the alternative allele (1-based) and the canonical variant of each allele that is a small variant.
    samples : str
        FORMAT and the sample columns, as written; '' where the file has none.
    """

    chrom: str
    pos: int
    ref: str
    alts: str
    filter: str
    variants: tuple[tuple[int, Given], ...]
    samples: str


class Carrier(NamedTuple):
    """A sample with an allele.

    Parameters
    ----------
    sample_id : str
        Column of the file.
    genotype : str
        As written; '' where the file has none.
    phase : str or None
        See :func:`phase_of`.
    alt_count, depth : int or None
        Reads with the allele, and reads.
    vaf : float or None
        0..1.
    """

    sample_id: str
    genotype: str
    phase: str | None
    alt_count: int | None
    depth: int | None
    vaf: float | None


class SiteFile:
    """A VCF or BCF whose records are read region by region.

    Parameters
    ----------
    path : Path
    build : str
        A header of the other build is refused.

    Attributes
    ----------
    samples : list of str
        Sample columns.
    indexed : bool
        Whether there is an index that can be used.
    left_out : Counter
        Reason -> alleles that are no small variant, cells that cannot be used.
    examples : dict
        Reason -> the first of them.
    elsewhere : list of str
        Contigs with records that are no chromosomes of the build; known once the records were read.

    Raises
    ------
    InputError
        The file is missing, empty, cut off, not BGZF, no VCF or on the other build; its index is older.
    """

    def __init__(self, path: Path, build: str) -> None:
        self.path, self.left_out, self.examples = path, Counter[str](), dict[str, str]()
        self.elsewhere: list[str] = []
        self._known = frozenset((*contig_lengths(build), "MT"))
        check_container(path)
        self._packed = starts_with(path, b"\x1f\x8b")
        try:
            with gzip.open(path, "rb") if self._packed else path.open("rb") as text:
                self._binary = text.read(3) == b"BCF"
        except (EOFError, OSError, zlib.error) as error:
            raise InputError("the file is cut off or damaged at its start", path=path, remedy="Copy it again.") from error
        if self._binary:
            with opened(path, build, Said.of_reference(build)) as file:
                self.samples = [str(name) for name in file.header.samples]
                self._contigs = [str(name) for name in file.header.contigs]
        else:
            self.samples = self._read_header(build)
        self.indexed = self._packed and has_index(path)

    def _read_header(self, build: str) -> list[str]:
        """Return the sample columns; the contigs and the reference of the header must be of the build."""
        lengths: dict[str, int | None] = {}
        reference = None
        number, line = 0, ""
        for line in self._text_lines():
            number += 1
            if line.startswith("##contig=<"):
                name, length = (re.search(rf"[<,]{key}=([^,>\s]+)", line) for key in ("ID", "length"))
                if name is not None:
                    lengths[name[1]] = int(length[1]) if length is not None and length[1].isdigit() else None
            elif line.startswith("##reference="):
                reference = line.split("=", 1)[1].strip()
            elif not line.startswith("##"):
                break
        columns = line.rstrip("\r\n").split("\t")
        if columns[:5] != ["#CHROM", "POS", "ID", "REF", "ALT"]:
            raise InputError(
                "the line #CHROM POS ID REF ALT ... does not follow the header",
                path=self.path,
                row=number,
                remedy="`bcftools view -h` shows what is wrong with it.",
            )
        self._columns = len(columns)
        samples = columns[9:]
        if len(set(samples)) < len(samples):
            twice = next(name for name in samples if samples.count(name) > 1)
            raise InputError("two samples have one name", path=self.path, row=number, value=twice, remedy="Rename one of them.")
        refuse_other_build(lengths, reference, build, self.path, Said.of_reference(build))
        return samples

    def _is_elsewhere(self, name: str) -> bool:
        """Return whether no gene can lie on a contig because the build does not know it."""
        return contig(name) not in self._known

    def leave(self, reason: str, example: str, n: int = 1) -> None:
        """Count what is left out."""
        self.left_out[reason] += n
        self.examples.setdefault(reason, example)

    def records(self, regions: Sequence[Region]) -> Iterator[Record]:
        """Yield the records that overlap regions, each once, in the order of the file's contigs.

        Parameters
        ----------
        regions : sequence of (chrom, start, end)
            Half-open, from 0; contigs without 'chr'.

        Raises
        ------
        InputError
            A record cannot be read: the file is damaged, or its index is.
        """
        merged = merged_regions(regions)
        lines = self._by_index(merged) if self.indexed else self._streamed(merged)
        for line in lines:
            record = self._record(line)
            if record is not None:
                yield record

    def _text_lines(self) -> Iterator[str]:
        """Yield the lines of a text VCF; letters that are not UTF-8 (in INFO, mostly) are no reason to stop."""
        opener: Any = gzip.open if self._packed else open
        number = 0
        try:
            with opener(self.path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
                for line in file:
                    number += 1
                    yield line
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(
                "the file is cut off or damaged here", path=self.path, row=number + 1, remedy="Copy or download it again."
            ) from error

    def _record(self, line: str) -> Record | None:
        cells = line.split("\t", 8)
        if len(cells) < 8:
            raise self._wrong_columns(line)
        chrom, written, _, ref, alts = cells[:5]
        pos = int(written)
        name = contig(chrom)
        found: list[tuple[int, Given]] = []
        if alts in _BASES and ref in _BASES and ref != alts:
            found.append((1, (name, pos, ref, alts)))
        elif alts == ".":
            self.leave("the record names no alternative allele", f"{chrom}:{pos} {ref[:20]}>.")
        else:
            for number, alt in enumerate(alts.split(","), start=1):
                why = no_small_variant(alt) or refusal(ref, alt)
                if why is not None:
                    self.leave(why, f"{chrom}:{pos} {ref[:20]}>{alt[:30]}")
                else:
                    found.append((number, (name, *trim(pos, ref, alt))))
        if not found:
            return None
        return Record(chrom, pos, ref, alts, cells[6], tuple(found), cells[8] if len(cells) > 8 else "")

    def _wrong_columns(self, line: str) -> InputError:
        cells, wanted = line.split("\t"), len(self.samples) + (9 if self.samples else 8)
        return InputError(
            f"the record {' '.join(cell[:20] for cell in cells[:5])} has {len(cells)} columns, and the header names {wanted}",
            path=self.path,
            remedy="Is the file cut off here? Copy it again, or look at this line.",
        )

    def carriers(self, record: Record) -> Iterator[tuple[int, Carrier]]:
        """Yield (number of the allele, carrier): the genotype holds the allele; without genotypes, reads do.

        Raises
        ------
        InputError
            The record has not a cell for each sample.
        """
        form, _, cells = record.samples.partition("\t")
        names = form.split(":")
        alleles = (record.ref, *record.alts.split(","))
        text = f"\t{cells}"
        if names[0] != "GT":
            if cells or self.samples:
                yield from self._by_reads(record, names, alleles, cells.split("\t"))
            return
        quick = text_reader(names, len(alleles))
        plain = PHASE_FIELDS.isdisjoint(names)
        at, last = -1, 0
        for match in _CARRIER.finditer(text):
            at += text.count("\t", last, match.start() + 1)
            last = match.start() + 1
            values = match[1].split(":")
            genotype = values[0]
            holds = _alleles_in(genotype)
            if at >= len(self.samples):
                break
            if max(holds, default=0) >= len(alleles):
                self.leave(NO_SUCH_ALLELE, f"{self.samples[at]} {record.chrom}:{record.pos} {genotype}")
            for number, _ in record.variants:
                if number not in holds:
                    continue
                try:
                    count = quick(values, number) if quick is not None else None
                except ValueError:
                    count = None
                fields: dict[str, Any] = {} if count is not None and plain else dict(zip(names, values, strict=False))
                if count is None:
                    if has_wrong_ad(fields, alleles):
                        self.leave(WRONG_AD, f"{self.samples[at]} {record.chrom}:{record.pos}")
                    count = reads(fields, alleles, number)
                phase = _plain_phase(genotype, number) if plain else phase_of(genotype, number, fields)
                yield number, Carrier(self.samples[at], genotype, phase, count.alt_count, count.depth, count.vaf)
        if (at + 1 + text.count("\t", last) if cells else 0) != len(self.samples):
            raise self._wrong_columns(_as_line(record))

    def _by_reads(
        self, record: Record, names: list[str], alleles: Sequence[str], cells: list[str]
    ) -> Iterator[tuple[int, Carrier]]:
        if len(cells) != len(self.samples):
            raise self._wrong_columns(_as_line(record))
        known = False
        for sample, cell in zip(self.samples, cells, strict=True):
            fields = dict(zip(names, cell.split(":"), strict=False))
            genotype = fields.get("GT", "")  # VCF wants it first; not every file does so
            known = known or bool(genotype)
            for number, _ in record.variants:
                count = reads(fields, alleles, number)
                known = known or count.alt_count is not None or count.vaf is not None
                held = number in _alleles_in(genotype) if genotype else count.alt_count or (count.alt_count is None and count.vaf)
                if held:
                    phase = phase_of(genotype, number, fields) if genotype else None
                    yield number, Carrier(sample, genotype, phase, count.alt_count, count.depth, count.vaf)
        if not known:
            self.leave(NO_CARRIERS, f"{record.chrom}:{record.pos} {record.ref[:20]}>{record.alts[:20]}")

    def _by_index(self, merged: Mapping[str, list[tuple[int, int]]]) -> Iterator[str]:
        import pysam

        path, index = str(self.path), str(index_of(self.path))
        damaged = "the file or its index is damaged, or the index is of another file"
        remedy = f"Copy the file again, and write its index again ({how_to_index(self.path)})."
        where = ""
        verbosity = pysam.set_verbosity(0)
        try:
            file: Any = (
                pysam.VariantFile(path, index_filename=index)
                if self._binary
                else pysam.TabixFile(path, index=index, encoding="latin-1")
            )
            with file:
                for name in self._contigs if self._binary else file.contigs:
                    previous = 0
                    if self._is_elsewhere(name) and (not self._binary or next(file.fetch(name), None) is not None):
                        self.elsewhere.append(name)
                    begins = f"{name}\t"
                    for start, end in merged.get(contig(name), ()):
                        where = f" at {name}:{start + 1}-{end}"
                        behind = previous == 0
                        for row in file.fetch(name, max(0, start), end):
                            line = str(row).rstrip("\n") if self._binary else _decoded(row)
                            if not line.startswith(begins):
                                raise ValueError("a record of another contig")
                            # a record that begins before reaches here from the last region, and was given there
                            behind = behind or int(line.split("\t", 2)[1]) > previous
                            if behind:
                                yield line
                        previous = end
        except (OSError, ValueError, zlib.error) as error:
            raise InputError(f"cannot be read through its index{where}: {damaged}", path=self.path, remedy=remedy) from error
        finally:
            pysam.set_verbosity(verbosity)

    def _streamed(self, merged: Mapping[str, list[tuple[int, int]]]) -> Iterator[str]:
        if self._binary:
            yield from self._streamed_bcf(merged)
            return
        # contig as the file writes it -> first and last of its regions, apart, to be searched
        spans: dict[str, tuple[list[int], list[int]]] = {}
        number, line = 0, ""
        try:
            for line in self._text_lines():
                number += 1
                if line[0] == "#":
                    continue
                name, written, rest = line.split("\t", 2)
                if name not in spans:
                    if self._is_elsewhere(name):
                        self.elsewhere.append(name)
                    near = merged.get(contig(name), [])
                    spans[name] = [a for a, _ in near], [b for _, b in near]
                starts, ends = spans[name]
                if starts:
                    start = int(written) - 1
                    _, ref, rest = rest.split("\t", 2)
                    end = start + len(ref)
                    # a symbolic allele (<DEL>, the blocks of a gVCF) ends where INFO says, as in an index
                    if rest[0] == "<" and (said := _END.search(rest)) is not None:
                        end = max(end, int(said[1]))
                    i = bisect.bisect_left(starts, end) - 1
                    if i >= 0 and ends[i] > start:
                        yield line.rstrip("\r\n")
        except (ValueError, IndexError) as error:
            raise InputError(
                "this line is no record: it has too few columns, or its POS is no number",
                path=self.path,
                row=number,
                value=line.rstrip("\r\n")[:60],
                remedy="Is the file cut off here? Copy it again, or look at this line.",
            ) from error
        # no index and no packing would say that the file is cut off
        if line and not line.endswith("\n") and line.count("\t") != self._columns - 1:
            raise InputError(
                f"the last line has {line.count(chr(9)) + 1} columns, and the header names {self._columns}",
                path=self.path,
                row=number,
                remedy="The file is cut off: copy it again.",
            )

    def _streamed_bcf(self, merged: Mapping[str, list[tuple[int, int]]]) -> Iterator[str]:
        import pysam

        number = 0
        names = set()
        verbosity = pysam.set_verbosity(0)
        try:
            with pysam.VariantFile(str(self.path)) as file:
                for record in file:
                    number += 1
                    if record.chrom not in names:
                        names.add(record.chrom)
                        if self._is_elsewhere(record.chrom):
                            self.elsewhere.append(record.chrom)
                    near = merged.get(contig(record.chrom), ())
                    if any(record.start < end and record.stop > start for start, end in near):
                        yield str(record).rstrip("\n")
        except (OSError, ValueError) as error:
            raise InputError(
                f"record {number + 1} cannot be read: the file is cut off or damaged", path=self.path, remedy="Copy it again."
            ) from error
        finally:
            pysam.set_verbosity(verbosity)


def _decoded(row: str) -> str:
    """Return a line that was read as Latin-1 without the end of a DOS line; letters beyond ASCII are UTF-8 mostly."""
    return (row if row.isascii() else row.encode("latin-1").decode("utf-8", "replace")).removesuffix("\r")


def _as_line(record: Record) -> str:
    return "\t".join((record.chrom, str(record.pos), ".", record.ref, record.alts, ".", record.filter, ".", record.samples))


@functools.lru_cache(maxsize=4096)
def _alleles_in(genotype: str) -> frozenset[int]:
    """Return the numbers of the alleles that a genotype holds."""
    return frozenset(int(allele) for allele in re.split(r"[/|]", genotype) if allele.isdigit())


@functools.lru_cache(maxsize=4096)
def _plain_phase(genotype: str, number: int) -> str | None:
    return phase_of(genotype, number, {})
