"""Structural variants from cBioPortal, VCF or a plain table -> the fusions table, one row per sample and event."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import Into, read_sheet, take
from resistance.read.symbols import current_symbols
from resistance.schemas import FUSIONS
from resistance.tables import conform, empty
from resistance.variant import build_name, contigs

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

NO_GENE = "the event names no gene"
NOT_OURS = "no partner is a gene of the knowledge base"
GERMLINE = "the event is germline"
TWICE = "the same event stands twice for the sample"
ORDER = ["sample_id", "gene_1", "gene_2", "chrom_1", "pos_1", "chrom_2", "pos_2", "kind"]
KINDS = next(column.allowed for column in FUSIONS.columns if column.name == "kind")
#: words of cBioPortal's Class and of other tables -> kind
_KIND_WORDS = {
    "fusion": "fusion", "translocation": "translocation", "tra": "translocation", "bnd": "translocation", "ctx": "translocation",
    "deletion": "deletion", "del": "deletion", "duplication": "duplication", "dup": "duplication", "tandem duplication": "duplication",
    "inversion": "inversion", "inv": "inversion", "insertion": "insertion", "ins": "insertion",
    "itd": "ITD", "internal tandem duplication": "ITD", "ptd": "PTD", "partial tandem duplication": "PTD",
}  # fmt: skip
_TABLE: Mapping[str, Into] = {
    "sample_id": "text", "kind": "text", "gene_1": "text", "gene_2": "text", "chrom_1": "text", "pos_1": "number",
    "chrom_2": "text", "pos_2": "number", "support": "number", "filter": "text",
}  # fmt: skip


def read_fusions(
    source: config.Fusions,
    path: Path,
    *,
    samples: Collection[str],
    genes: Collection[str] | None = None,
    aliases: Mapping[str, str] | None = None,
    gene_positions: pd.DataFrame | None = None,
    build: str | None = None,
    all_samples: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read one file of structural variants.

    Parameters
    ----------
    source : config.Fusions
    path : Path
    samples : collection of str
        Samples that are analysed; for a VCF of one sample, that sample.
    genes : collection of str, optional
        Events that touch none of these genes are left out and counted (None: all are kept).
    aliases : mapping, optional
        Alias -> current symbol.
    gene_positions : DataFrame, optional
        vcf: gene, build, chrom, start, end; names the genes at the breakends where the file does not.
    build : str, optional
        The cohort's build; another one in the file is refused.
    all_samples : collection of str, optional
        Every sample of the samples sheet.
    dropped : Dropped

    Returns
    -------
    DataFrame
        Schema ``fusions``, sorted.  Mated breakends are one event.

    Raises
    ------
    InputError
        Missing or damaged file, unknown column, sample or kind, another build, a VCF without gene names.
    """
    if source.format == "vcf":
        from resistance.read.sv_vcf import read_sv_vcf

        table = read_sv_vcf(
            source, path, samples=samples, all_samples=all_samples, gene_positions=gene_positions, build=build, dropped=dropped
        )
    elif source.format == "cbioportal_sv":
        table = _cbioportal(source, path, samples, all_samples, build, dropped)
    else:
        table = _plain(source, path, samples, all_samples, dropped)
    if table.empty:
        return empty(FUSIONS)
    table = conform(table.assign(source=path.name), FUSIONS, path=path)
    for name in ("gene_1", "gene_2"):
        table[name] = current_symbols(table[name], aliases or {}, genes or ())
    for name in ("chrom_1", "chrom_2"):
        table[name] = contigs(table[name])
    nameless = table["gene_1"].isna() & table["gene_2"].isna()
    dropped.add("fusions", path, NO_GENE, int(nameless.sum()), _example(table[nameless]))
    other = (
        ~nameless & ~(table["gene_1"].isin(list(genes)) | table["gene_2"].isin(list(genes)))
        if genes is not None
        else nameless & False
    )
    dropped.add("fusions", path, NOT_OURS, int(other.sum()), _example(table[other]))
    table = table[~nameless & ~other]
    twice = table.duplicated(ORDER)
    dropped.add("fusions", path, TWICE, int(twice.sum()), _example(table[twice]))
    return conform(table[~twice].sort_values(ORDER, kind="stable"), FUSIONS, path=path)


def _example(table: pd.DataFrame) -> str | None:
    if table.empty:
        return None
    row = table.iloc[0]
    place = "-".join(str(row[name]) for name in ("gene_1", "gene_2") if row[name] == row[name] and row[name] is not None)
    return f"{row['sample_id']} {place or row['kind']}"


def kind_of(word: str) -> str | None:
    """Return the kind of event that a word of the file means, or None."""
    return word if word in KINDS else _KIND_WORDS.get(word.strip().lower())


def _plain(
    source: config.Fusions, path: Path, samples: Collection[str], all_samples: Collection[str] | None, dropped: Dropped
) -> pd.DataFrame:
    import pandas as pd

    problems = [
        Problem("fusions.columns names something the fusions table does not have", str(path), column=name, remedy=f"It has: {', '.join(_TABLE)}.")
        for name in source.columns
        if name not in _TABLE
    ]  # fmt: skip
    problems += [
        Problem("fusions.columns must say where this stands", str(path), column=name, remedy="Name its column in the file, or give a constant.")
        for name in ("sample_id", "kind", "gene_1")
        if name not in source.columns
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    sheet = read_sheet(path)
    out: dict[str, Any] = {"_row": sheet["_row"]}
    for name, spec in source.columns.items():
        try:
            out[name] = take(sheet, spec, name=name, path=path, into=_TABLE[name])
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    table = pd.DataFrame(out)
    table["kind"] = _kinds(table["kind"], sheet["_row"], path, str(source.columns["kind"].column))
    kept = analysed_rows(
        table["sample_id"], sheet["_row"], known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="fusions", path=path, column=str(source.columns["sample_id"].column), dropped=dropped,
    )  # fmt: skip
    return table[kept]


def _kinds(words: pd.Series, lines: pd.Series, path: Path, column: str) -> pd.Series:
    kinds = words.map(kind_of, na_action="ignore")
    wrong = words.notna() & kinds.isna()
    if wrong.any():
        raise InputError(
            [
                Problem("is no kind of event", str(path), int(lines[i]), column, str(words[i]), f"Map it under 'values' to one of: {', '.join(KINDS)}.")
                for i in wrong[wrong].index[:20]
            ]
        )  # fmt: skip
    return kinds.astype(words.dtype)


def _cbioportal(
    source: config.Fusions,
    path: Path,
    samples: Collection[str],
    all_samples: Collection[str] | None,
    build: str | None,
    dropped: Dropped,
) -> pd.DataFrame:
    import pandas as pd

    sheet = read_sheet(path, comment="#")
    if "Site1_Hugo_Symbol" not in sheet and "Fusion" in sheet:
        raise InputError(
            "this is cBioPortal's older fusion form (data_fusions.txt)",
            path=path,
            column="Site1_Hugo_Symbol",
            remedy="Set 'format: table' with columns {sample_id: Tumor_Sample_Barcode, kind: {constant: fusion}, gene_1: Hugo_Symbol}.",
        )

    def column(name: str, into: Into = "text") -> pd.Series:
        if name not in sheet:
            return pd.Series(float("nan"), index=sheet.index, dtype=sheet.dtypes.iloc[0] if into == "text" else "float64")
        return take(sheet, config.ColumnMap(column=name), name=name, path=path, into=into)

    names = take(sheet, config.ColumnMap(column="Sample_Id"), name="sample_id", path=path)
    take(sheet, config.ColumnMap(column="Site1_Hugo_Symbol"), name="gene_1", path=path)
    kept = analysed_rows(
        names, sheet["_row"], known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="fusions", path=path, column="Sample_Id", dropped=dropped,
    )  # fmt: skip
    germline = kept & (column("SV_Status").str.upper() == "GERMLINE")
    dropped.add("fusions", path, GERMLINE, int(germline.sum()), names[germline].iloc[0] if germline.any() else None)
    kept &= ~germline
    _refuse_other_build(column("NCBI_Build"), sheet["_row"], build, path)
    table = pd.DataFrame({"_row": sheet["_row"], "sample_id": names})
    for ours, theirs in (("1", "Site1"), ("2", "Site2")):
        table[f"gene_{ours}"] = column(f"{theirs}_Hugo_Symbol")
        table[f"chrom_{ours}"] = column(f"{theirs}_Chromosome")
        position = column(f"{theirs}_Position", "number")
        table[f"pos_{ours}"] = position.mask(position < 1)  # -1 and 0 stand for unknown in these files
    reads = [column(name, "number") for name in ("Tumor_Split_Read_Count", "Tumor_Paired_End_Read_Count")]
    both = reads[0].fillna(0) + reads[1].fillna(0)
    support = column("Tumor_Variant_Count", "number").fillna(both.mask(reads[0].isna() & reads[1].isna()))
    table["support"] = support.mask(support < 0)
    table["kind"] = _cbioportal_kind(column("Class"), column("Event_Info"), column("Annotation"), table)
    return table[kept]


def _cbioportal_kind(words: pd.Series, info: pd.Series, annotation: pd.Series, table: pd.DataFrame) -> pd.Series:
    kinds = words.map(kind_of, na_action="ignore").astype("object")
    text = info.fillna("") + " " + annotation.fillna("")
    for mark, kind in ((r"\bITD\b|internal tandem", "ITD"), (r"\bPTD\b|partial tandem", "PTD")):
        kinds = kinds.mask(text.str.contains(mark, flags=re.IGNORECASE, regex=True), kind)
    partners = table["gene_1"].notna() & table["gene_2"].notna() & (table["gene_1"] != table["gene_2"])
    apart = table["chrom_1"].notna() & table["chrom_2"].notna() & (table["chrom_1"] != table["chrom_2"])
    unknown = kinds.isna()
    kinds = kinds.mask(unknown, "other").mask(unknown & partners, "fusion").mask(unknown & apart, "translocation")
    return kinds.astype(words.dtype)


def _refuse_other_build(values: pd.Series, lines: pd.Series, build: str | None, path: Path) -> None:
    if build is None:
        return
    problems = []
    for name in sorted(values.dropna().unique()):
        i = (values == name).idxmax()
        try:
            other = build_name(name) != build
        except InputError as error:
            problems += [Problem(p.message, str(path), int(lines[i]), "NCBI_Build", name, p.remedy) for p in error.problems]
            continue
        if other:
            problems.append(
                Problem(f"the cohort is on {build}", str(path), int(lines[i]), "NCBI_Build", name, "One build per cohort: lift the file over, or correct study.build.")
            )  # fmt: skip
    if problems:
        raise InputError(problems)
