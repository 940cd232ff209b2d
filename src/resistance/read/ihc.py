"""Immunohistochemistry sheet -> the ihc table: one row per sample and antibody, percent 0..100 or the pathologist's call."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import read_sheet, take
from resistance.schemas import IHC
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: words for a call, lower case
CALLS = {"positive": True, "pos": True, "+": True, "true": True, "1": True, "yes": True}
CALLS |= {"negative": False, "neg": False, "-": False, "false": False, "0": False, "no": False}


def read_ihc(
    source: config.Ihc,
    base: Path,
    *,
    samples: Collection[str],
    all_samples: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read the immunohistochemistry of a cohort.

    Parameters
    ----------
    source : config.Ihc
        ``columns`` names sample_id and each antibody; ``values_are`` says what the cells hold.
    base : Path
        Folder of the cohort file.
    samples, all_samples : collection of str
        Samples that are analysed, and all of the samples sheet.
    dropped : Dropped

    Returns
    -------
    DataFrame
        Schema ``ihc``; a stain that was not done has no row.

    Raises
    ------
    InputError
        Unknown column or sample, a cell that is no share or no call, a sample that stands twice,
        shares that look like the other unit.
    """
    import pandas as pd

    path = base / source.file
    antibodies = {name: spec for name, spec in source.columns.items() if name != "sample_id"}
    if "sample_id" not in source.columns or not antibodies:
        raise InputError(
            "ihc.columns must name 'sample_id' and at least one antibody",
            path=path,
            remedy="For instance: columns: {sample_id: Sample, CD10: CD10_percent}.",
        )
    sheet = read_sheet(path, sheet=source.sheet, comment=source.comment, encoding=source.encoding)
    names = take(sheet, source.columns["sample_id"], name="sample_id", path=path)
    kept = analysed_rows(
        names, sheet["_row"], known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="ihc", path=path, column=str(source.columns["sample_id"].column), dropped=dropped,
    )  # fmt: skip
    percent = source.values_are != "calls"
    parts: list[pd.DataFrame] = []
    problems: list[Problem] = []
    suspicious: list[Problem] = []
    for antibody, spec in antibodies.items():
        try:
            values = _percent(sheet, spec, antibody, path, source.values_are) if percent else _call(sheet, spec, antibody, path)
        except InputError as error:
            problems += error.problems
            continue
        part = pd.DataFrame({"_row": sheet["_row"], "sample_id": names, "antibody": antibody})
        if source.values_are == "percent" and spec.unit is None:
            suspicious += _fractions(values[kept], sheet["_row"], antibody, path)
        part["percent_positive" if percent else "positive"] = values
        parts.append(part[kept & values.notna()])
    if problems:
        raise InputError(problems)
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return empty(IHC)
    if source.values_are == "percent" and 0 < table["percent_positive"].max() <= 1:
        raise InputError(
            "no stain exceeds 1 percent: this looks like fractions 0..1",
            path=path,
            value=f"{table['percent_positive'].max():g}",
            remedy="Set 'values_are: fraction' under ihc.",
        )
    if suspicious:
        raise InputError(suspicious)
    table["source"] = path.name
    return conform(table.sort_values(["sample_id", "antibody"], kind="stable"), IHC, path=path)


def _percent(sheet: pd.DataFrame, spec: config.ColumnMap, antibody: str, path: Path, values_are: str) -> pd.Series:
    if spec.column is not None:  # '30%' is 30
        written = [spec.column] if isinstance(spec.column, str) else list(spec.column)
        present = [name for name in written if name in sheet]
        sheet = sheet.assign(**{name: sheet[name].str.removesuffix("%").str.strip() for name in present})
    unit: Any = spec.unit or values_are
    values = take(sheet, spec.model_copy(update={"unit": unit}), name=antibody, path=path, into="percent")
    outside = (values < 0) | (values > 100)
    if outside.any():
        raise InputError(
            [
                Problem("is no share of cells", str(path), int(sheet["_row"][i]), str(spec.column), str(sheet[spec.column][i]) if isinstance(spec.column, str) else None,
                        f"'values_are: {values_are}' expects {'0..1' if unit == 'fraction' else '0..100'}.")
                for i in outside[outside].index[:20]
            ]
        )  # fmt: skip
    # 0.3 x 100 is 30.000000000000004 or less than 30: a cut-off at 30 % must not depend on that
    return values.round(9)


def _fractions(values: pd.Series, lines: pd.Series, antibody: str, path: Path) -> list[Problem]:
    """Say where one antibody's percentages look like fractions (those of the others may be percentages)."""
    between = values[(values > 0) & (values < 1)]
    if between.empty or values.max() > 1:
        return []
    i = between.index[0]
    return [
        Problem(
            "no value of this antibody exceeds 1 percent: this looks like fractions 0..1", str(path), int(lines[i]), antibody, f"{values[i]:g}",
            f"Set 'unit: fraction' under ihc.columns.{antibody} ('unit: percent' where they are percentages), or 'values_are: fraction' for all.",
        )
    ]  # fmt: skip


def _call(sheet: pd.DataFrame, spec: config.ColumnMap, antibody: str, path: Path) -> pd.Series:
    words = take(sheet, spec, name=antibody, path=path).str.lower()
    wrong = words.notna() & ~words.isin(list(CALLS))
    if wrong.any():
        raise InputError(
            [
                Problem("is neither positive nor negative", str(path), int(sheet["_row"][i]), str(spec.column), str(words[i]), f"Map it under ihc.columns.{antibody}.values to positive or negative (null for unknown).")
                for i in wrong[wrong].index[:20]
            ]
        )  # fmt: skip
    return words.map(CALLS, na_action="ignore").astype("boolean")
