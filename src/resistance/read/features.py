"""Wide tables of flags (patients x features, 0 and 1) -> the features table: markers that the study brings itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import read_sheet, take
from resistance.schemas import FEATURES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped


def read_features(
    sources: Sequence[config.Features], base: Path, *, patients: Collection[str], all_patients: Collection[str], dropped: Dropped
) -> pd.DataFrame:
    """Read the study's own features.

    Parameters
    ----------
    sources : sequence of config.Features
    base : Path
        Folder of the cohort file.
    patients, all_patients : collection of str
        Patients who are analysed, and all of the patients sheet (rows of the others are counted).
    dropped : Dropped

    Returns
    -------
    DataFrame
        Schema ``features``: one row per patient with any, 1 present, 0 absent, NaN not assessed.

    Raises
    ------
    InputError
        No such column, a value that is neither 0 nor 1, a patient that stands twice, a feature of that
        name in two tables.
    """
    import pandas as pd

    parts: list[pd.DataFrame] = []
    for source in sources:
        part = _read(source, base / source.file, patients, all_patients, dropped)
        twice = sorted({str(name) for other in parts for name in other.columns} & set(part.columns))
        if twice:
            raise InputError(
                "two tables have a feature of this name", path=base / source.file, column=twice[0],
                remedy="Give one of them a prefix (features.prefix).",
            )  # fmt: skip
        parts.append(part)
    if not parts:
        return empty(FEATURES)
    table = pd.concat(parts, axis=1, join="outer").sort_index()
    return conform(table.rename_axis("patient_id").reset_index(), FEATURES)


def _read(
    source: config.Features, path: Path, patients: Collection[str], all_patients: Collection[str], dropped: Dropped
) -> pd.DataFrame:
    import pandas as pd

    sheet = read_sheet(path, sheet=source.sheet, comment=source.comment, encoding=source.encoding)
    ids = take(sheet, source.patient_id, name="patient_id", path=path)
    kept = analysed_rows(
        ids, sheet["_row"], known=patients, all_known=all_patients, strangers=source.unknown_patients,
        table="features", path=path, column=str(source.patient_id.column), what="patient", dropped=dropped,
    )  # fmt: skip
    specs = dict(source.columns)
    if source.pattern is not None:
        wanted = re.compile(source.pattern)
        taken = {str(spec.column) for spec in (source.patient_id, *specs.values())}
        specs |= {
            name: config.ColumnMap(column=name)
            for name in sheet.columns
            if name not in taken and name != "_row" and wanted.search(name)
        }
    if not specs:
        raise InputError(
            "no column is a feature", path=path, column="features", remedy="Name columns, or a pattern that some have."
        )
    twice = ids[kept][ids[kept].duplicated()]
    if len(twice):
        raise InputError(
            "the patient stands twice", path=path, row=int(sheet["_row"][twice.index[0]]), value=str(twice.iloc[0]),
            remedy="A table of features has one row per patient.",
        )  # fmt: skip
    columns: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    for name, spec in specs.items():
        values = take(sheet, spec, name=name, path=path, into="number")[kept]
        bad = values[values.notna() & ~values.isin([0, 1])]
        problems += [
            Problem("a feature is 0 or 1", str(path), int(sheet["_row"][i]), str(spec.column), f"{values[i]:g}",
                    "Translate other words with 'values'; unknown is empty.")
            for i in bad.index[:3]
        ]  # fmt: skip
        columns[source.prefix + name] = values
    if problems:
        raise InputError(problems[:20])
    table = pd.DataFrame(columns)
    return table.set_axis(ids[kept].to_numpy(), axis=0)
