"""The samples sheet -> batches of samples, the workflow's unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.config import CohortFile, ColumnMap, Controls
from resistance.errors import InputError, Problem
from resistance.read.samples import FILE_COLUMNS
from resistance.read.sheet import read_sheet, take

if TYPE_CHECKING:
    import pandas as pd


#: batch of the controls
CONTROLS = "controls"


@dataclass(frozen=True)
class Listed:
    """One row of the samples sheet, as far as it says what to read.

    Parameters
    ----------
    sample_id : str
    patient_id : str or None
    files : dict of str to str
        Column (vcf, sv_vcf, rcc, bam, coverage) -> path as it stands in the sheet, where one is given.
    row : int
        1-based line of the sheet.
    """

    sample_id: str
    patient_id: str | None
    files: dict[str, str]
    row: int


def listed_samples(config: CohortFile, base: Path) -> list[Listed]:
    """Read who is sampled and which files belong to whom, in the order of the samples sheet.

    Parameters
    ----------
    config : CohortFile
    base : Path
        Folder of the cohort file.

    Raises
    ------
    InputError
        The sheet is missing or unreadable, lacks a column, or a sample has no name or stands twice.
    """
    spec = config.samples
    path = base / spec.file
    sheet = read_sheet(path, sheet=spec.sheet, comment=spec.comment, encoding=spec.encoding)
    columns = dict(spec.columns)
    if spec.one_per_patient and "patient_id" in config.patients.columns:
        columns.setdefault("patient_id", config.patients.columns["patient_id"])
        columns.setdefault("sample_id", columns["patient_id"])
    if "sample_id" not in columns:
        raise InputError("samples.columns must say where this stands (a column, or a constant)", path=path, column="sample_id")
    wanted = [name for name in ("sample_id", "patient_id", *FILE_COLUMNS) if name in columns]
    taken: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    for name in wanted:
        try:
            taken[name] = take(sheet, columns[name], name=name, path=path)
        except InputError as error:
            problems += error.problems
    if not problems:
        problems = _unnamed(sheet, taken["sample_id"], columns["sample_id"], path)
    if problems:
        raise InputError(problems)
    # one pass over plain lists: a cohort of 10,000 samples is listed each time the workflow is planned
    text = {name: [None if value != value else str(value) for value in series.tolist()] for name, series in taken.items()}
    out = []
    for i, row in enumerate(sheet["_row"].tolist()):
        files = {name: str(text[name][i]) for name in FILE_COLUMNS if name in text and text[name][i] is not None}
        patient = text["patient_id"][i] if "patient_id" in text else None
        out.append(Listed(str(text["sample_id"][i]), patient, files, int(row)))
    return out


def _unnamed(sheet: pd.DataFrame, names: pd.Series, spec: ColumnMap, path: Path) -> list[Problem]:
    column = " / ".join(spec.column) if isinstance(spec.column, list) else (spec.column or "sample_id")
    rows = [int(row) for row in sheet["_row"]]
    problems = [
        Problem("the sample has no name", str(path), rows[i], column, None, "Give every row a sample, or remove the row.")
        for i, missing in enumerate(names.isna())
        if missing
    ]
    twice = names.duplicated() & names.notna()
    problems += [
        Problem("the sample stands twice", str(path), rows[i], column, str(names.iloc[i]), "Each sample has one row.")
        for i, again in enumerate(twice)
        if again
    ]
    return problems[:20]


def batches(config: CohortFile, base: Path) -> dict[str, list[Listed]]:
    """Return the batches by name: ``batch_size`` samples each, in the order of the samples sheet.

    A sample without a file of its own to be read (its calls stand in a file of the cohort, or it has
    none) is in no batch.  Appending samples to the sheet leaves every full batch as it was, so that
    it is not read again.
    """
    size = config.batch_size
    columns = [
        name for name, sources in (("vcf", config.variants), ("sv_vcf", config.fusions)) if any(x.file is None for x in sources)
    ]
    samples = [sample for sample in listed_samples(config, base) if any(name in sample.files for name in columns)]
    return {f"batch_{k:03d}": samples[k * size : (k + 1) * size] for k in range(-(-len(samples) // size))}


def alignment_batches(config: CohortFile, base: Path) -> dict[str, list[Listed]]:
    """Return the batches whose alignments are counted: ``ctdna.alignments.batch_size`` samples with a BAM or CRAM each.

    The last one, :data:`CONTROLS`, holds the controls where there are any.  Without ``ctdna.alignments``
    nothing is counted, whatever the samples sheet names.
    """
    settings = config.ctdna.alignments
    if settings is None:
        return {}
    size = settings.batch_size
    samples = [sample for sample in listed_samples(config, base) if "bam" in sample.files]
    out = {f"reads_{k:03d}": samples[k * size : (k + 1) * size] for k in range(-(-len(samples) // size))}
    if settings.controls is not None:
        out[CONTROLS] = listed_controls(settings.controls, base)
    return out


def alignment_files(config: CohortFile, base: Path, name: str) -> list[tuple[str, Path]]:
    """Return sample and file of one batch of alignments.

    Raises
    ------
    InputError
        There is no such batch.
    """
    return [(row.sample_id, base / row.files["bam"]) for row in _batch_of(alignment_batches(config, base), name)]


def listed_controls(controls: Controls, base: Path) -> list[Listed]:
    """Read the sheet of the controls: healthy plasma that belongs to no patient.

    Raises
    ------
    InputError
        The sheet is missing or unreadable, lacks ``sample_id`` or ``bam``, or a control stands twice.
    """
    path = base / controls.file
    sheet = read_sheet(path, sheet=controls.sheet, comment=controls.comment, encoding=controls.encoding)
    lacking = [name for name in ("sample_id", "bam") if name not in controls.columns]
    if lacking:
        raise InputError(
            [Problem("ctdna.alignments.controls.columns must say where this stands", str(path), column=name) for name in lacking]
        )
    names, files = (take(sheet, controls.columns[name], name=name, path=path) for name in ("sample_id", "bam"))
    problems = _unnamed(sheet, names, controls.columns["sample_id"], path)
    rows = [int(row) for row in sheet["_row"]]
    problems += [
        Problem("the control has no alignment", str(path), rows[i], "bam", None, "Give its file, or remove the row.")
        for i, missing in enumerate(files.isna())
        if missing
    ]
    if problems:
        raise InputError(problems[:20])
    return [Listed(str(name), None, {"bam": str(file)}, row) for name, file, row in zip(names, files, rows, strict=True)]


def batch_names(config: CohortFile, base: Path) -> list[str]:
    """Return the names of the batches (see :func:`batches`)."""
    return list(batches(config, base))


def batch_samples(config: CohortFile, base: Path, name: str) -> list[str]:
    """Return the samples of one batch.

    Raises
    ------
    InputError
        There is no such batch.
    """
    return [sample.sample_id for sample in _batch_of(batches(config, base), name)]


def _batch_of(known: dict[str, list[Listed]], name: str) -> list[Listed]:
    if name not in known:
        raise InputError("there is no such batch", value=name, remedy=f"There are: {', '.join(known) or 'none'}.")
    return known[name]


def batch_text(samples: list[Listed]) -> str:
    """Return a batch as TSV: sample_id, patient_id and the files, NA where none is given."""
    rows = ["\t".join(("sample_id", "patient_id", *FILE_COLUMNS))]
    rows += ["\t".join((s.sample_id, s.patient_id or "NA", *(s.files.get(name, "NA") for name in FILE_COLUMNS))) for s in samples]
    return "\n".join(rows) + "\n"
