"""A VCF of structural variants -> one row per sample and event; mated breakends are joined."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config
from resistance.errors import InputError
from resistance.variant import build_name, contig

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

FILTERED = "FILTER is not among those kept"
NO_EVENT = "the record is no structural variant"
TYPES = {"DEL": "deletion", "DUP": "duplication", "INV": "inversion", "INS": "insertion"}
_BREAKEND = re.compile(r"(?P<before>[A-Za-z.*]*)(?P<bracket>[\[\]])(?P<chrom>.+):(?P<pos>\d+)[\[\]](?P<after>[A-Za-z.*]*)")
_FIELDS = re.compile(r"Format:\s*([^\"]+)")


@dataclass
class _Event:
    kind: str
    chrom_1: str
    pos_1: int
    chrom_2: str | None
    pos_2: int | None
    filter: str | None
    support: dict[str, int | None]
    genes_1: list[str] = field(default_factory=list)
    genes_2: list[str] = field(default_factory=list)


def breakend(alt: str, chrom: str, pos: int) -> tuple[str, str | None, int | None] | None:
    """Return kind, contig and position of the mate of a breakend, or None where `alt` is none.

    The brackets say on which side of the mate the joined piece lies (VCF 4.3, section 5.4): on one
    contig this tells a deletion from a duplication and an inversion.

    Examples
    --------
    >>> breakend("G[18:60774579[", "14", 106329449)
    ('translocation', '18', 60774579)
    >>> breakend("]1:900]T", "1", 100), breakend("A]1:900]", "1", 100)
    (('duplication', '1', 900), ('inversion', '1', 900))
    """
    if re.fullmatch(r"\.[ACGTNacgtn]+|[ACGTNacgtn]+\.", alt):
        return "other", None, None  # a single breakend: the other side could not be placed
    match = _BREAKEND.fullmatch(alt)
    if match is None:
        return None
    there, place = contig(match["chrom"].strip("<>")), int(match["pos"])
    if there != contig(chrom):
        return "translocation", there, place
    joined_after = bool(match["before"])
    if (match["bracket"] == "[") != joined_after:
        return "inversion", there, place
    return ("deletion" if (place > pos) == joined_after else "duplication"), there, place


def read_sv_vcf(
    source: config.Fusions,
    path: Path,
    *,
    samples: Collection[str],
    all_samples: Collection[str] | None,
    gene_positions: pd.DataFrame | None,
    build: str | None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read structural variants with pysam (see :func:`resistance.read.fusions.read_fusions`).

    A sample has an event when its genotype holds the allele or, without genotypes, when reads
    support it.  Genes come from VEP's CSQ or SnpEff's ANN, else from `gene_positions`.
    """
    import pandas as pd
    import pysam

    if not path.is_file():
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.")
    try:
        with pysam.VariantFile(str(path)) as file:
            _refuse_other_build(file.header, build, path)
            columns = _columns(file.header, source, samples, all_samples, path, dropped)
            named = _annotation(file.header)
            positions = _positions(gene_positions, build)
            if named is None and not positions:
                raise InputError(
                    "the file names no genes (neither CSQ nor ANN in its header)",
                    path=path,
                    remedy="Annotate it with VEP or SnpEff, or give the events as a table (format: table).",
                )
            events = _events(file, columns, source, named, path, dropped)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read as VCF: {error}", path=path, remedy="The file may be cut off; `bcftools view` shows where."
        ) from error
    rows = [row for event in events for row in _rows(event, positions)]
    return pd.DataFrame(rows)


def _refuse_other_build(header: Any, build: str | None, path: Path) -> None:
    for record in header.records:
        if build is None or record.key not in ("reference", "assembly") or not record.value:
            continue
        match = re.search(r"(GRCh3[78]|hg19|hg38|hs37d5|b37)", str(record.value), re.IGNORECASE)
        if match is not None and build_name(match.group(1)) != build:
            raise InputError(
                f"the cohort is on {build}, the file on {build_name(match.group(1))}",
                path=path,
                value=str(record.value),
                remedy="One build per cohort: lift the file over, or correct study.build.",
            )


def _columns(
    header: Any,
    source: config.Fusions,
    samples: Collection[str],
    all_samples: Collection[str] | None,
    path: Path,
    dropped: Dropped,
) -> dict[str, str | None]:
    """Return our sample -> the VCF's column (None: the file has no sample columns)."""
    there, ours = [str(name) for name in header.samples], sorted(samples)
    if source.file is not None:
        from resistance.read.known import analysed_columns

        return {
            sample: column
            for column, sample in analysed_columns(
                there, None, known=samples, all_known=all_samples, strangers=source.unknown_samples,
                table="fusions", path=path, dropped=dropped,
            ).items()
        }  # fmt: skip
    found: dict[str, str | None] = {name: name for name in ours if name in there}
    if len(found) == len(ours):
        return found
    if len(ours) == 1:
        if len(there) <= 1:
            return {ours[0]: there[0] if there else None}
        declared = [str(record.value) for record in header.records if record.key == "tumor_sample"]
        tumour = [name for name in there if name in declared or name.upper() in ("TUMOR", "TUMOUR")]
        if len(tumour) == 1:
            return {ours[0]: tumour[0]}
    raise InputError(
        "it is not clear which column of the file is this sample",
        path=path,
        value=", ".join(name for name in ours if name not in found),
        remedy=f"The file has: {', '.join(there)}. Name the sample so in the samples sheet, or call the column TUMOR.",
    )


def _annotation(header: Any) -> tuple[str, int] | None:
    """Return the INFO key of the annotation and the place of the gene's symbol in it."""
    if "CSQ" in header.info:
        match = _FIELDS.search(header.info["CSQ"].description or "")
        names = match.group(1).split("|") if match else []
        if "SYMBOL" in names:
            return "CSQ", names.index("SYMBOL")
    return ("ANN", 3) if "ANN" in header.info else None


def _symbols(record: Any, named: tuple[str, int] | None) -> list[str]:
    if named is None or named[0] not in record.info:
        return []
    value = record.info[named[0]]
    found: dict[str, None] = {}
    for item in value if isinstance(value, tuple) else (value,):
        cells = str(item).split("|")
        if len(cells) > named[1]:
            found.update(dict.fromkeys(name for name in cells[named[1]].split("&") if name))
    return list(found)


def _positions(table: pd.DataFrame | None, build: str | None) -> list[tuple[str, int, int, str]]:
    if table is None:
        return []
    if "build" in table and build is not None:
        table = table[table["build"] == build]
    table = table[table["start"].notna() & table["end"].notna()].sort_values("gene")
    return [(contig(str(row.chrom)), int(row.start), int(row.end), str(row.gene)) for row in table.itertuples()]


def _support(call: Any, info: Any) -> int | None:
    """Return the reads or fragments that support an event, by the callers' own fields."""

    def alternative(key: str) -> int | None:
        value = call.get(key) if call is not None and key in call else None
        if isinstance(value, tuple):
            value = value[1] if len(value) > 1 else value[0]
        return value if isinstance(value, int) else None

    for keys in (("PR", "SR"), ("DV", "RV"), ("VF",), ("SU",), ("AD",), ("PE", "SR")):  # Manta, Delly, GRIDSS, Lumpy, SvABA
        values = [alternative(key) for key in keys]
        known = [value for value in values if value is not None]
        if known:
            return sum(known)
    for key in ("SUPPORT", "RE", "SU", "PE"):
        if key in info:
            value = info[key]
            value = value[0] if isinstance(value, tuple) else value
            if isinstance(value, int):
                return value
    return None


def _has(call: Any, support: int | None) -> bool:
    alleles = [a for a in (call.get("GT") or ()) if a is not None] if call is not None and "GT" in call else None
    if alleles:
        return any(alleles)
    return support is None or support > 0 if alleles is None else bool(support)


def _events(
    file: Any, columns: dict[str, str | None], source: config.Fusions, named: tuple[str, int] | None, path: Path, dropped: Dropped
) -> list[_Event]:
    events: list[_Event] = []
    mates: dict[Any, _Event] = {}
    for record in file:
        filters = list(record.filter.keys()) or ["."]
        example = f"{record.chrom}:{record.pos}"
        if source.keep_filters and not set(filters) <= set(source.keep_filters):
            dropped.add("fusions", path, FILTERED, 1, f"{example} {';'.join(filters)}")
            continue
        placed = _place(record)
        if placed is None:
            dropped.add("fusions", path, NO_EVENT, 1, example)
            continue
        kind, chrom_2, pos_2 = placed
        chrom_1, genes = contig(record.chrom), _symbols(record, named)
        mate = _mate_key(record, chrom_1, chrom_2, pos_2)
        if mate is not None and mate in mates:
            mates[mate].genes_2 = mates[mate].genes_2 or genes
            continue
        support: dict[str, int | None] = {}
        for sample, column in columns.items():
            call = None if column is None else record.samples[column]
            reads = _support(call, record.info)
            if _has(call, reads):
                support[sample] = reads
        text = None if filters == ["."] else ";".join(filters)
        event = _Event(kind, chrom_1, record.pos, chrom_2, pos_2, text, support, genes)
        events.append(event)
        if mate is not None:
            mates[mate] = event
    return events


def _place(record: Any) -> tuple[str, str | None, int | None] | None:
    alt = record.alts[0] if record.alts else ""
    kind = str(record.info["SVTYPE"]) if "SVTYPE" in record.info else alt.strip("<>")
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return breakend(alt, record.chrom, record.pos)
    if kind.startswith(("TRA", "BND")) and "CHR2" in record.info:
        there = contig(str(record.info["CHR2"]))
        place = record.info.get("POS2", record.stop)
        return ("translocation" if there != contig(record.chrom) else "other"), there, int(place)
    main = re.split(r"[:_]", kind)[0]
    if main in TYPES:
        end = record.pos if main == "INS" else record.stop
        return TYPES[main], contig(record.chrom), max(int(end), 1)
    return None


def _mate_key(record: Any, chrom_1: str, chrom_2: str | None, pos_2: int | None) -> Any:
    """Return what a breakend and its mate share, or None where the record has no mate."""
    alt = record.alts[0] if record.alts else ""
    if chrom_2 is None or not ("[" in alt or "]" in alt):
        return None
    if record.id and "MATEID" in record.info:
        mate = record.info["MATEID"]
        return tuple(sorted((record.id, mate[0] if isinstance(mate, tuple) else mate)))
    return tuple(sorted(((chrom_1, record.pos), (chrom_2, pos_2 or 0))))


def _rows(event: _Event, positions: list[tuple[str, int, int, str]]) -> Iterator[dict[str, Any]]:
    def at(chrom: str | None, pos: int | None) -> str | None:
        return next((g for c, start, end, g in positions if c == chrom and pos is not None and start <= pos <= end), None)

    first, second = at(event.chrom_1, event.pos_1), at(event.chrom_2, event.pos_2)
    joined = event.chrom_2 is not None and (event.kind == "translocation" or bool(event.genes_2))
    pairs: list[tuple[str | None, str | None]]
    if joined:
        own, other = event.genes_1, event.genes_2 or event.genes_1[1:]
        pairs = [(own[0] if own else first, other[0] if other else second)]
    elif len(event.genes_1) > 2:
        pairs = [(gene, None) for gene in event.genes_1]  # a long deletion takes several genes
    elif event.genes_1:
        pairs = [(event.genes_1[0], event.genes_1[-1])]
    else:
        pairs = [(first, second)]
    for sample, support in event.support.items():
        for gene_1, gene_2 in pairs:
            yield {
                "sample_id": sample, "kind": event.kind, "gene_1": gene_1, "gene_2": gene_2, "chrom_1": event.chrom_1, "pos_1": event.pos_1,
                "chrom_2": event.chrom_2, "pos_2": event.pos_2, "support": support, "filter": event.filter,
            }  # fmt: skip
