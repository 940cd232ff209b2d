"""The files that the commands on expression read -> checked tables: a matrix of genes x samples, and the class of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from resistance.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from resistance.read.grid import Grid
    from resistance.subtype.expression import Expression

#: usual names of the column with the class, tried in this order
_CLASS = ("class", "label", "subtype", "group", "coo", "coo_class", "classification")
_SAMPLE = ("sample_id", "sample", "id")


def read_matrix(path: Path, unit: str, platform: str, *, samples_in_rows: bool = False) -> Expression:
    """Read a matrix of genes x samples (TSV, CSV, XLSX, GCT, .gz); `samples_in_rows`: it is turned first.

    Raises
    ------
    InputError
        See :func:`resistance.read.grid.read_grid` and :func:`resistance.subtype.expression.from_frame`; with the file's name.
    """
    from resistance.read.grid import read_grid
    from resistance.subtype.expression import from_frame

    try:
        frame = named_rows(read_grid(path), path)
        return from_frame(frame.T if samples_in_rows else frame, unit, platform=platform, where=str(path))
    except InputError as error:
        raise InputError([p if p.path is not None else replace(p, path=str(path)) for p in error.problems]) from error


def named_rows(grid: Grid, path: Path) -> pd.DataFrame:
    """Return the numbers of a matrix file under its gene names; rows without a name are left out and told.

    Raises
    ------
    InputError
        No row has a name.
    """
    names = grid.labels["Hugo_Symbol"] if "Hugo_Symbol" in grid.labels else grid.labels.iloc[:, 0]
    open_ = names.isna()
    if open_.all():
        raise InputError("no row has a gene name", path=path, column=str(names.name), remedy="Genes stand in rows, by name.")
    if open_.any():
        click.echo(f"note: {int(open_.sum())} rows have no gene name and were left out", err=True)
    return grid.values[~open_].set_axis(_undated([str(name) for name in names[~open_]]), axis=0)


def _undated(names: list[str]) -> list[str]:
    """Return gene names with those that a spreadsheet turned into dates restored, where only one gene can be meant, and tell it."""
    from resistance.read.symbols import as_date, restorable

    if 2 * sum(name.isdigit() for name in names) > len(names):  # probes or Entrez ids: 43529 is no date there
        return names
    present, dates = set(names), {name: day for name in names if (day := as_date(name)) is not None}
    symbols = {name: restorable().get(day) for name, day in dates.items()}
    found = {name: symbol for name, symbol in symbols.items() if symbol is not None and symbol not in present}
    for what, some in (("restored", sorted(found)), ("not restored", sorted(set(dates) - set(found)))):
        if some:
            shown = ", ".join(f"{name} = {found[name]}" if name in found else name for name in some[:5])
            click.echo(f"note: {len(some)} gene names were turned into dates by a spreadsheet, {what}: {shown}", err=True)
    return [found.get(name, name) for name in names]


def read_labels(
    path: Path, *, sample: str | None = None, label: str | None = None, where: Sequence[tuple[str, str]] = ()
) -> dict[str, str | None]:
    """Read the class of each sample.

    Parameters
    ----------
    path : Path
        TSV, CSV or XLSX with a header.
    sample, label : str, optional
        Columns (default: the usual names, else the first and, of two columns, the second).
    where : sequence of (column, value)
        Only rows with these values.

    Raises
    ------
    InputError
        A column that is not there or cannot be told, a sample with two classes, no row left.
    """
    from resistance.read.sheet import read_sheet

    sheet = read_sheet(path)
    columns = [str(name) for name in sheet.columns if name != "_row"]
    lowered = {name.lower(): name for name in reversed(columns)}

    def column(wanted: str | None, usual: Sequence[str], fallback: str | None, what: str) -> str:
        if wanted is not None and wanted not in columns:
            raise InputError("the file has no such column", path=path, column=wanted, remedy=f"It has: {', '.join(columns)}.")
        found = wanted or next((lowered[name] for name in usual if name in lowered), fallback)
        if found is None:
            raise InputError(
                f"which column is the {what}?", path=path, remedy=f"Say --{what}-column; it has: {', '.join(columns)}."
            )
        return found

    of_sample = column(sample, _SAMPLE, columns[0] if columns else None, "sample")
    rest = [name for name in columns if name != of_sample]
    of_label = column(label, _CLASS, rest[0] if len(rest) == 1 else None, "label")
    keep = sheet[of_sample].notna()
    for name, value in where:
        keep &= sheet[column(name, (), None, "where")].astype("object").map(lambda x: str(x).strip()) == value
    out: dict[str, str | None] = {}
    for line, name, value in zip(sheet.loc[keep, "_row"], sheet.loc[keep, of_sample], sheet.loc[keep, of_label], strict=True):
        text = None if value is None or value != value else str(value).strip()
        if out.setdefault(str(name).strip(), text) != text:
            raise InputError(
                f"the sample has two classes, {out[str(name).strip()]} and {text}", path=path, row=int(line), column=of_label,
                value=name, remedy="Keep one row per sample.",
            )  # fmt: skip
    if not out:
        shown = ", ".join(f"{name}={value}" for name, value in where)
        raise InputError(f"no row is left{f' where {shown}' if shown else ''}", path=path, remedy="Look at --where.")
    return out
