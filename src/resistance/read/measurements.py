"""A sheet of serum levels, scores or shares of transcripts -> the measurements table: one row per sample and number."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import read_sheet, take
from resistance.schemas import MEASUREMENTS
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

_SPLICE = re.compile(r"(?P<gene>[^:]+):exon[1-9]\d*")


def read_measurements(
    source: config.Measurements,
    base: Path,
    *,
    samples: Collection[str],
    all_samples: Collection[str] | None = None,
    symbols: Collection[str],
    aliases: Mapping[str, str],
    dropped: Dropped,
) -> pd.DataFrame:
    """Read one sheet of measured numbers.

    Parameters
    ----------
    source : config.Measurements
        ``columns`` names sample_id and each number: an HGNC symbol (serum), a word (score), or
        ``SYMBOL:exonN`` (splice: fraction of the gene's transcript that lacks the exon).
    base : Path
        Folder of the cohort file.
    samples, all_samples : collection of str
        Samples that are analysed, and all of the samples sheet.
    symbols : collection of str
        Current symbols of the knowledge base.
    aliases : mapping
        Previous or alias symbol -> current symbol; an older symbol is read as the current one.
    dropped : Dropped

    Returns
    -------
    DataFrame
        Schema ``measurements``; an empty cell has no row.

    Raises
    ------
    InputError
        Unknown column or sample, a cell that is no number, a share outside 0..1, a name that is not
        written as its kind wants it, a sample that stands twice.
    """
    import pandas as pd

    path = base / source.file
    wanted = {name: spec for name, spec in source.columns.items() if name != "sample_id"}
    problems = list(_names(source.kind, wanted, symbols, aliases, path))
    if "sample_id" not in source.columns or not wanted:
        problems.append(
            Problem("columns must name 'sample_id' and at least one number", str(path),
                    remedy="For instance: columns: {sample_id: Sample, CRBN: crbn_ng_per_ml}.")
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    sheet = read_sheet(path, sheet=source.sheet, comment=source.comment, encoding=source.encoding)
    names = take(sheet, source.columns["sample_id"], name="sample_id", path=path)
    kept = analysed_rows(
        names, sheet["_row"], known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="measurements", path=path, column=str(source.columns["sample_id"].column), dropped=dropped,
    )  # fmt: skip
    parts: list[pd.DataFrame] = []
    for name, spec in wanted.items():
        try:
            values = take(sheet, spec, name=name, path=path, into="fraction" if source.kind == "splice" else "number")
        except InputError as error:
            problems += error.problems
            continue
        if source.kind == "splice":
            outside = values[(values < 0) | (values > 1)]
            problems += [
                Problem("is no share of a transcript", str(path), int(sheet["_row"][i]), str(spec.column), f"{value:g}",
                        "Give a fraction 0..1, or say 'unit: percent' for this column.")
                for i, value in outside.head(20).items()
            ]  # fmt: skip
        part = pd.DataFrame({"_row": sheet["_row"], "sample_id": names, "name": _current(name, source.kind, aliases)})
        part["value"] = values
        parts.append(part[kept & values.notna()])
    if problems:
        raise InputError(problems)
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return empty(MEASUREMENTS)
    table = table.assign(kind=source.kind, unit="fraction" if source.kind == "splice" else source.unit, source=path.name)
    return conform(table.sort_values(["sample_id", "name"], kind="stable"), MEASUREMENTS, path=path)


def _gene(name: str, kind: str) -> str | None:
    """Return the gene that a name speaks about; None for a score or a name that is not written as it should be."""
    if kind == "serum":
        return name
    found = _SPLICE.fullmatch(name) if kind == "splice" else None
    return found["gene"] if found else None


def _current(name: str, kind: str, aliases: Mapping[str, str]) -> str:
    gene = _gene(name, kind)
    return name if gene is None else aliases.get(gene, gene) + name[len(gene) :]


def _names(
    kind: str, wanted: Mapping[str, object], symbols: Collection[str], aliases: Mapping[str, str], path: Path
) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name in wanted:
        gene = _gene(name, kind)
        if kind == "splice" and gene is None:
            yield Problem(
                "is not written as gene and exon", str(path), None, "columns", name, "Write SYMBOL:exonN, as CRBN:exon10."
            )
        elif gene is not None and gene not in symbols and gene not in aliases:
            yield Problem(
                "is not a symbol of the knowledge base", str(path), None, "columns", gene,
                "Correct it; a number of another kind belongs under 'kind: score'.",
            )  # fmt: skip
        first = seen.setdefault(_current(name, kind, aliases), name)
        if first != name:
            yield Problem(f"is the same gene as {first}", str(path), None, "columns", name, "Keep one of the two.")
