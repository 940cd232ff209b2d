"""A VCF or BCF of one or many samples -> calls (also of positions read without the variant) and effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import schemas
from resistance.config import Variants
from resistance.consequences import SEVERITY
from resistance.dropped import KEPT, Dropped
from resistance.errors import InputError
from resistance.read.annotation_fields import AnnotationField, fields_of
from resistance.read.builds import Said, refuse_beyond_end
from resistance.read.calls import keep_calls, one_per_sample, passes
from resistance.read.phase import phase_of
from resistance.read.population import Field, info_values, population_names, repeated_values
from resistance.read.sites import SiteLists
from resistance.read.vcf_container import Region, has_index, header_lines, how_to_index, merged_regions, no_small_variant, opened
from resistance.read.vcf_counts import Reads, has_wrong_ad, reads
from resistance.read.vcf_open import sample_columns
from resistance.tables import conform, empty
from resistance.variant import NOT_CALLED, contig, trim_columns

if TYPE_CHECKING:
    import pandas as pd

ONLY_REGIONS = f"{KEPT}: only the records in the panel's genes were read (regions: panel)"
NO_INDEX = f"{KEPT}, but without an index the file was read from end to end: make one with tabix"
VARIANT = ["build", "chrom", "pos", "ref", "alt"]


def read_vcf(
    source: Variants,
    path: Path,
    *,
    build: str,
    samples: Collection[str],
    dropped: Dropped,
    regions: Sequence[Region] | None = None,
    lists: SiteLists | None = None,
    said: Said | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the calls of `samples` from a VCF or BCF.

    Parameters
    ----------
    source : config.Variants
        Filters; without ``file`` the VCF is of `samples` alone (see :func:`vcf_open.sample_columns`).
    path : Path
        Plain, BGZF or BCF.
    build : str
        The file's build; contig lengths of the other build in the header are refused.
    samples : collection of str
        Samples of this file, or of the cohort.
    dropped : Dropped
        Counts what is left out: failed filters, alleles that are no small variant, samples without
        genotype and reads ...
    regions : sequence of (chrom, start, end), optional
        Only records that overlap one of these half-open, 0-based intervals; read through the index
        where there is one.
    lists : SiteLists, optional
        Panel of normals, blacklist and hot spots of the source.
    said : Said, optional
        By what the file is on this build (default: study.build).

    Returns
    -------
    calls, effects : DataFrame
        By :data:`resistance.schemas.CALLS` and ``EFFECTS``.  Where a position was read in a sample
        without the variant there is a row with alt_count 0.  Reads with the allele in a sample whose
        genotype lacks it (0/0, ./.) keep their count, with ``filter`` = :data:`NOT_CALLED`.

    Raises
    ------
    InputError
        The file is missing, empty, cut off, not BGZF, no VCF, unsorted or on the other build, its
        index is older than it, or a sample has no column.
    """
    import pandas as pd

    with opened(path, build, said) as file:
        header = file.header
        tumour = next((str(record.value) for record in header.records if record.key == "tumor_sample"), None)
        columns = sample_columns(list(header.samples), tumour, source, path, samples, dropped)
        fields = fields_of({name: str(item.description) for name, item in header.info.items()}, path)
        populations = population_names("info", list(header.info))
        if regions is not None:
            dropped.add("calls", path, ONLY_REGIONS, 1, None)
            if not has_index(path):
                dropped.add("calls", path, NO_INDEX, 1, how_to_index(path))
        taken = _Taken(source, path, columns, fields, populations)
        for line, record in _records(file, path, regions):
            taken.add(line, record)
    for (table, reason), n in sorted(taken.left_out.items()):
        dropped.add(table, path, reason, n, taken.examples[table, reason])
    if not taken.calls:
        return empty(schemas.CALLS), empty(schemas.EFFECTS)
    names = ["sample_id", "chrom", "pos", "ref", "alt", "depth", "alt_count", "vaf", "population_af", "phase", "filter"]
    names += ["not_called", "_row"]
    rows = pd.DataFrame(taken.calls, columns=names).assign(build=build, source=path.name)
    rows = _canonical(rows)
    for reason in sorted(rows["refused"].dropna().unique()):
        out = rows["refused"] == reason
        first = rows[out].iloc[0]
        dropped.add("calls", path, str(reason), int(out.sum()), f"row {first['_row']}: {first['sample_id']} {first['chrom']}")
    rows = rows[rows["refused"].isna()].drop(columns="refused")
    rows = rows.assign(**{name: rows[name].astype("Int64") for name in ("depth", "alt_count")})
    rows = rows.assign(population_af=rows["population_af"].astype("float64"))
    refuse_beyond_end(rows["chrom"], rows["pos"], rows["_row"], build, path, said)
    rows = keep_calls(rows, source, path, dropped, lists, states_population=taken.states_population)
    rows = one_per_sample(rows, path, dropped)
    rows = rows.assign(filter=rows["filter"].mask(rows["not_called"], NOT_CALLED)).drop(columns="not_called")
    calls = conform(rows, schemas.CALLS, path=path)
    return calls, _effects(taken.effects, calls, build, path)


def _canonical(rows: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    text = pd.StringDtype(na_value=np.nan)
    trimmed = trim_columns(rows["pos"].astype("Int64"), rows["ref"].astype(text), rows["alt"].astype(text))
    return rows.assign(**{name: trimmed[name] for name in trimmed.columns}, chrom=rows["chrom"].astype(text))


def _effects(found: list[dict[str, Any]], calls: pd.DataFrame, build: str, path: Path) -> pd.DataFrame:
    """Effects of the variants that were kept, once per variant, gene and transcript."""
    import pandas as pd

    if not found or calls.empty:
        return empty(schemas.EFFECTS)
    table = _canonical(pd.DataFrame(found).assign(build=build))
    table = table[table["refused"].isna()].drop(columns=["refused", "allele"])
    table = table.merge(calls[VARIANT].drop_duplicates(), on=VARIANT, how="inner")
    key = list(schemas.EFFECTS.key)
    rank = table["effect_class"].map({name: rank for rank, name in enumerate(SEVERITY)})
    table = table.assign(_rank=rank).sort_values([*key, "_rank", "hgvsp", "hgvsc"], kind="stable").drop_duplicates(key)
    return conform(table.drop(columns="_rank"), schemas.EFFECTS, path=path)


class _Taken:
    """Rows taken from the records so far, and what was left out."""

    def __init__(
        self,
        source: Variants,
        path: Path,
        columns: dict[str, str],
        fields: Sequence[AnnotationField],
        populations: Mapping[str, Field],
    ) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.effects: list[dict[str, Any]] = []
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], str] = {}
        self._source, self._path, self._columns, self._fields = source, path, columns, fields
        self._populations = populations
        self.states_population = bool(populations) or any(field.populations for field in fields)

    def _leave(self, table: str, reason: str, example: str) -> None:
        self.left_out[table, reason] += 1
        self.examples.setdefault((table, reason), example)

    def add(self, line: int | None, record: Any) -> None:
        """Take one record."""
        alleles = record.alleles or (record.ref,)
        place = f"{record.chrom}:{record.pos} {alleles[0][:20]}>{','.join(alleles[1:])[:40] or '.'}"
        applied = list(record.filter.keys())
        if not passes(";".join(applied), self._source.keep_filters):
            self._leave("calls", f"FILTER {';'.join(applied) or '.'} is not kept", place)
            return
        if len(alleles) == 1:
            self._leave("calls", "the record names no alternative allele", place)
            return
        usable = []
        for i, alt in enumerate(alleles[1:], start=1):
            why = no_small_variant(alt)
            if why is None:
                usable.append(i)
            else:
                self._leave("calls", why, place)
        written = ";".join(applied) or None
        taken: set[int] = set()
        chrom = contig(record.chrom)
        frequency: dict[int, float] | None = None
        for sample_id, column in self._columns.items():
            if not column:
                fields, called_here = dict(record.info.items()), True
            elif column not in record.samples:
                raise InputError(
                    f"the record at {record.chrom}:{record.pos} has no cell for sample {column}",
                    path=self._path,
                    row=line,
                    remedy="The file is damaged: write it again.",
                )
            else:
                fields = dict(record.samples[column].items())
                # without genotypes, a record of a file of one tumour is a call in it
                called_here = "GT" not in record.format and self._source.file is None and len(self._columns) == 1
            if has_wrong_ad(fields, alleles):
                self._leave("cells", "AD has another number of values than the record has alleles", f"{sample_id} {place}")
            genotype = tuple(fields.get("GT") or ()) if column else ()
            known = any(allele is not None for allele in genotype)
            for i in usable:
                found = reads(fields, alleles, i)
                carries = called_here or i in genotype
                why = None if carries else _not_looked_for(found, known)
                if why is not None:
                    self._leave("calls", why, f"{sample_id} {place}")
                    continue
                if frequency is None:
                    frequency = self._frequencies(record, alleles, place) if self.states_population else {}
                phase = None
                if i in genotype and column:
                    bars = "|" if record.samples[column].phased else "/"
                    written_gt = bars.join("." if allele is None else str(allele) for allele in genotype)
                    phase = phase_of(written_gt, i, fields)
                not_called = bool(genotype) and not carries and found.alt_count != 0
                self.calls.append(
                    (
                        *(sample_id, chrom, record.pos, alleles[0], alleles[i]),
                        *(found.depth, found.alt_count, found.vaf, frequency.get(i), phase, written, not_called, line),
                    )
                )
                taken.add(i)
        if taken:
            self._annotate(record, chrom, alleles, taken)

    def _frequencies(self, record: Any, alleles: Sequence[str], place: str) -> dict[int, float]:
        """Return the largest population frequency that the record states, by alternative allele."""
        stated: list[tuple[int, Field, str, str, str]] = []
        n = len(alleles) - 1
        names = [name for name in self._populations if name in record.info]
        # ANNOVAR writes its fields once per allele, and pysam gives the first
        repeated = repeated_values(str(record), names) if n > 1 and "ALLELE_END" in record.info else {}
        for name in names:
            values = info_values(record.info[name], n, repeated.get(name))
            if values is None:
                self._leave("cells", f"INFO/{name} has one population frequency for several alleles: not used", place)
            else:
                stated += [(i, self._populations[name], text, alleles[i], name) for i, text in enumerate(values, start=1)]
        for field in self._fields:
            if field.populations and field.name in record.info:
                parts = field.frequencies(_entries(record.info[field.name]), alleles)
                stated += [(i, field.populations[part], text, vep, f"{field.name} {part}") for i, part, text, vep in parts]
        out: dict[int, float] = {}
        for i, kind, text, allele, name in stated:
            try:
                value = kind.frequency(text, allele)
            except ValueError as error:
                what = "is no population frequency between 0 and 1"
                if self._source.max_population_af is not None:
                    remedy = "Correct the annotation: max_population_af goes by it."
                    raise InputError(f"INFO/{name} at {place} {what}", path=self._path, value=text, remedy=remedy) from error
                self._leave("cells", f"INFO/{name} {what}: not used", f"{place} {text}")
                continue
            if value is not None:
                out[i] = max(value, out.get(i, 0.0))
        return out

    def _annotate(self, record: Any, chrom: str, alleles: Sequence[str], taken: set[int]) -> None:
        for field in self._fields:
            if field.name not in record.info:
                continue
            for effect in field.effects(_entries(record.info[field.name]), record.chrom, record.pos, alleles):
                if effect.allele in taken:
                    place = {"chrom": chrom, "pos": record.pos, "ref": alleles[0], "alt": alleles[effect.allele]}
                    self.effects.append(asdict(effect) | place)


def _entries(value: Any) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, tuple) else str(value).split(",")


def _not_looked_for(found: Reads, known: bool) -> str | None:
    """Return why a sample that does not carry the allele tells nothing about it, or None."""
    if found.alt_count is None:
        return "the genotype lacks the allele and no allele counts are given" if known else "no genotype and no allele counts"
    if not found.depth:
        return "no read covers the position"
    return None


def _records(file: Any, path: Path, regions: Sequence[Region] | None) -> Iterator[tuple[int | None, Any]]:
    """Give the records with their line (None where they come through an index or from a BCF)."""
    if regions is None:
        yield from _in_order(file, path)
        return
    merged = merged_regions(regions)
    if not has_index(path):
        for line, record in _in_order(file, path):
            if any(record.start < end and record.stop > start for start, end in merged.get(contig(record.chrom), ())):
                yield line, record
        return
    for name in file.header.contigs:
        previous = 0
        for start, end in merged.get(contig(name), ()):
            try:
                for record in file.fetch(name, start, end):
                    if record.start >= previous:  # else it reached here from the region before and was given there
                        yield None, record
            except (OSError, ValueError) as error:
                raise InputError(
                    f"cannot be read through its index at {name}:{start + 1}-{end}",
                    path=path,
                    remedy="Write the index again: tabix -p vcf FILE (bcftools index for a BCF).",
                ) from error
            previous = end


def _in_order(file: Any, path: Path) -> Iterator[tuple[int | None, Any]]:
    above = header_lines(path)
    done: set[str] = set()
    chrom, pos, number = "", 0, 0
    records = iter(file)
    while True:
        number += 1
        line = None if above is None else above + number
        try:
            record = next(records)
        except StopIteration:
            return
        except (OSError, ValueError) as error:
            raise InputError(
                f"record {number} cannot be read: the file is cut off, or a cell is not what the header declares",
                path=path,
                row=line,
                remedy="Copy it again, or look at this line.",
            ) from error
        if record.chrom != chrom:
            done.add(chrom)
            chrom, pos = record.chrom, 0
        if record.pos < pos or chrom in done:
            raise InputError(
                f"the records are not sorted: record {number} goes back",
                path=path,
                row=line,
                value=f"{record.chrom}:{record.pos}",
                remedy="Sort it: bcftools sort FILE.",
            )
        pos = record.pos
        yield line, record
