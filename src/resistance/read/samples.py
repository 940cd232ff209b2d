"""Samples sheet -> samples of the included patients, and the files that belong to each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.config import CohortFile
from resistance.errors import InputError, Problem
from resistance.read.sheet import read_sheet, take
from resistance.schemas import MATERIALS, SAMPLES, TIMEPOINTS
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: columns of the samples sheet that name a file of one sample
FILE_COLUMNS = ("vcf", "sv_vcf", "rcc", "bam", "coverage")
_INTO = {
    "day": "days",
    "cycle": "number",
    "plasma_ml": "number",
    "cfdna_ng": "number",
    "cfdna_ng_per_ml": "number",
    "purity": "fraction",
}


@dataclass(frozen=True)
class Specimens:
    """Samples (schema SAMPLES) and their files (sample_id and the columns of :data:`FILE_COLUMNS`, text or NA)."""

    samples: pd.DataFrame
    files: pd.DataFrame
    all_ids: frozenset[str]


def read_samples(
    config: CohortFile, base: Path, *, patients: frozenset[str] | set[str], all_patients: frozenset[str] | None, dropped: Dropped
) -> Specimens:
    """Read the samples sheet.

    Parameters
    ----------
    config : CohortFile
    base : Path
        Folder of the cohort file.
    patients : set of str
        Patients who are analysed; samples of the others are left out and counted.
    all_patients : set of str or None
        Every patient of the patients sheet; a sample of nobody there is an error (None: not checked).
    dropped : Dropped

    Raises
    ------
    InputError
        Unknown column, sample without patient, duplicate sample, unknown material or time point,
        a file that is named and missing.
    """
    import pandas as pd

    spec = config.samples
    path = base / spec.file
    sheet = read_sheet(path, sheet=spec.sheet, comment=spec.comment, encoding=spec.encoding)
    columns = dict(spec.columns)
    if spec.one_per_patient:
        columns.setdefault("patient_id", config.patients.columns["patient_id"])
        columns.setdefault("sample_id", columns["patient_id"])
    known = (*SAMPLES.names, *FILE_COLUMNS)
    problems = [
        Problem("samples.columns names something the samples table does not have", str(path), column=name, remedy=f"It has: {', '.join(known)}.")
        for name in columns
        if name not in known
    ]  # fmt: skip
    problems += [
        Problem("samples.columns must say where this stands (a column, or a constant)", str(path), column=name)
        for name in ("sample_id", "patient_id", "material", "timepoint")
        if name not in columns
    ]
    if problems:
        raise InputError(problems)
    out: dict[str, Any] = {"_row": sheet["_row"]}
    for name, column in columns.items():
        try:
            out[name] = take(sheet, column, name=name, path=path, into=_INTO.get(name, "text"))  # type: ignore[arg-type]
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    frame = pd.DataFrame(out)
    all_ids = frozenset(frame["sample_id"].dropna())
    if all_patients is not None:
        lost = frame["patient_id"].notna() & ~frame["patient_id"].isin(list(all_patients))
        if spec.unknown_patients == "drop":
            example = frame.loc[lost, "sample_id"].iloc[0] if lost.any() else None
            dropped.add("samples", path, "the patient is not in the patients sheet", int(lost.sum()), example)
            frame, lost = frame[~lost].reset_index(drop=True), lost[:0]
        problems += [
            Problem(
                "a sample of a patient whom the patients sheet does not have",
                str(path),
                int(frame["_row"][i]),
                "patient_id",
                str(frame["patient_id"][i]),
                f"Add the patient, remove sample {frame['sample_id'][i]}, or set 'unknown_patients: drop'.",
            )
            for i in lost[lost].index[:20]
        ]
    problems += _vocabulary(frame, path)
    for name in FILE_COLUMNS:
        if name in frame:
            missing = frame[name].map(lambda x: not (base / x).is_file(), na_action="ignore").eq(True)
            problems += [
                Problem("the file is missing", str(path), int(frame["_row"][i]), name, str(frame[name][i]), f"Looked for {base / frame[name][i]}.")
                for i in missing[missing].index[:20]
            ]  # fmt: skip
    if problems:
        raise InputError(problems)
    table = conform(frame.drop(columns=[c for c in FILE_COLUMNS if c in frame]), SAMPLES, path=path)
    kept = table["patient_id"].isin(list(patients))
    example = table.loc[~kept, "sample_id"].iloc[0] if (~kept).any() else None
    dropped.add("samples", path, "the patient is not analysed", int((~kept).sum()), example)
    files = frame[["sample_id", *[c for c in FILE_COLUMNS if c in frame]]].reset_index(drop=True)
    return Specimens(table[kept].reset_index(drop=True), files[kept].reset_index(drop=True), all_ids)


def _vocabulary(frame: pd.DataFrame, path: Path) -> list[Problem]:
    problems = []
    for name, words in (("material", MATERIALS), ("timepoint", TIMEPOINTS)):
        bad = frame[name].notna() & ~frame[name].isin(words)
        for i in bad[bad].index[:20]:
            problems.append(
                Problem(
                    f"is no {name} of ours", str(path), int(frame["_row"][i]), name, str(frame[name][i]),
                    f"Map it under samples.columns.{name}.values to one of: {', '.join(words)}.",
                )
            )  # fmt: skip
    return problems
