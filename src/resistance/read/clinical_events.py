"""Sheets of adverse events and of treatment lines -> the adverse_events and treatments tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import Into, read_sheet, take
from resistance.schemas import ADVERSE_EVENTS, TREATMENTS
from resistance.tables import Schema, conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

_ADVERSE: Mapping[str, Into] = {
    "patient_id": "text", "term": "text", "grade": "number", "drug": "text", "cycle": "number", "day": "days",
}  # fmt: skip
_TREATMENT: Mapping[str, Into] = {
    "patient_id": "text", "line": "number", "regimen": "text", "start_day": "days", "end_day": "days",
}  # fmt: skip
NO_EVENT = "grade 0: no adverse event"


def read_adverse_events(
    source: config.ClinicalEvents,
    base: Path,
    *,
    patients: Collection[str],
    all_patients: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read adverse events.

    Parameters
    ----------
    source : config.ClinicalEvents
        ``columns``: patient_id, term (CTCAE), grade 1..5, and where known drug, cycle and day.
    base : Path
        Folder of the cohort file.
    patients, all_patients : collection of str
        Patients who are analysed, and all of the patients sheet (rows of the others are counted).
    dropped : Dropped
        Also takes rows of grade 0, which mean that nothing happened.

    Returns
    -------
    DataFrame
        Schema ``adverse_events``, sorted by patient, day, term and grade.

    Raises
    ------
    InputError
        Unknown column or patient, a row without term or grade, a grade that is not 1 to 5.
    """
    path = base / source.file
    table = _read(source, path, ADVERSE_EVENTS, _ADVERSE, ("patient_id", "term", "grade"), patients, all_patients, dropped)
    none = table["grade"] == 0
    dropped.add("adverse_events", path, NO_EVENT, int(none.sum()), table.loc[none, "patient_id"].iloc[0] if none.any() else None)
    by = [name for name in ("patient_id", "day", "term", "grade") if name in table]
    return conform(table[~none].sort_values(by, kind="stable"), ADVERSE_EVENTS, path=path)


def read_treatments(
    source: config.ClinicalEvents,
    base: Path,
    *,
    patients: Collection[str],
    all_patients: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read lines of treatment.

    Parameters are those of :func:`read_adverse_events`; ``columns``: patient_id, regimen, and where
    known line, start_day and end_day (days from the start of the studied treatment).

    Returns
    -------
    DataFrame
        Schema ``treatments``, sorted by patient, line and start.

    Raises
    ------
    InputError
        Unknown column or patient, a row without regimen, a treatment that ends before it starts.
    """
    path = base / source.file
    table = _read(source, path, TREATMENTS, _TREATMENT, ("patient_id", "regimen"), patients, all_patients, dropped)
    if "start_day" in table and "end_day" in table:
        wrong = table["end_day"] < table["start_day"]
        if wrong.any():
            raise InputError(
                [
                    Problem(f"the treatment ends (day {table['end_day'][i]:g}) before it starts (day {table['start_day'][i]:g})", str(path), int(table["_row"][i]), "end_day", str(table["patient_id"][i]), "Correct the dates.")
                    for i in wrong[wrong].index[:20]
                ]
            )  # fmt: skip
    by = [name for name in ("patient_id", "line", "start_day", "regimen") if name in table]
    return conform(table.sort_values(by, kind="stable"), TREATMENTS, path=path)


def _read(
    source: config.ClinicalEvents,
    path: Path,
    schema: Schema,
    into: Mapping[str, Into],
    needed: Collection[str],
    patients: Collection[str],
    all_patients: Collection[str] | None,
    dropped: Dropped,
) -> pd.DataFrame:
    import pandas as pd

    problems = [
        Problem(f"{schema.name}.columns names something this table does not have", str(path), column=name, remedy=f"It has: {', '.join(into)}.")
        for name in source.columns
        if name not in into
    ]  # fmt: skip
    problems += [
        Problem(
            f"{schema.name}.columns must say where this stands", str(path), column=name, remedy="Name its column in the file."
        )
        for name in needed
        if name not in source.columns
    ]
    if problems:
        raise InputError(problems)
    sheet = read_sheet(path, sheet=source.sheet, comment=source.comment, encoding=source.encoding)
    out: dict[str, Any] = {"_row": sheet["_row"]}
    for name, spec in source.columns.items():
        try:
            out[name] = take(sheet, spec, name=name, path=path, into=into[name])
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    table = pd.DataFrame(out)
    kept = analysed_rows(
        table["patient_id"], sheet["_row"], known=patients, all_known=all_patients, strangers=source.unknown_patients,
        table=schema.name, path=path, column=str(source.columns["patient_id"].column), what="patient", dropped=dropped,
    )  # fmt: skip
    return table[kept]
