"""A cohort file -> every file it names, with the place that names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resistance.batching import Listed, listed_samples
from resistance.config import CohortFile
from resistance.errors import InputError, Problem
from resistance.layout import REFERENCE_FACTS

#: keys of a source of variants that name a list of sites
SITE_LISTS = ("panel_of_normals", "blacklist", "hotspots")
#: keys of the cohort file that hold a path, wherever they stand
FILE_KEYS = (
    *("file", "gene_list", "bed", "depth", "samples_file", "reference_file", "chain", "rnaseq_reference"),
    *("fasta", "targets", "snps", *SITE_LISTS),
)


@dataclass(frozen=True)
class Named:
    """A file and the place that names it.

    Parameters
    ----------
    path : Path
    text : str
        The path as it stands there.
    key : str or None
        Key of the cohort file, as ``variants.0.file``; None when a row of the samples sheet names it.
    sheet : Path or None
    row : int or None
    column : str or None
        Place in the samples sheet.
    """

    path: Path
    text: str
    key: str | None = None
    sheet: Path | None = None
    row: int | None = None
    column: str | None = None


def config_files(config: CohortFile, base: Path) -> list[Named]:
    """Return the files that the cohort file itself names, in its order; the folder of a reference stands for its record."""
    out = []
    for key, text in _walk(config.model_dump(mode="python"), ""):
        path = base / text
        if key == "annotation.reference_file" and path.is_dir():
            path /= REFERENCE_FACTS
        out.append(Named(path, text, key))
    return out


def _walk(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{place}.{key}" if place else str(key)
            if key in FILE_KEYS and isinstance(inner, str):
                yield here, inner
            elif key != "values":  # words of the user's tables, which may well be called 'file'
                yield from _walk(inner, here)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _walk(inner, f"{place}.{i}")


def sample_files(config: CohortFile, base: Path, samples: Iterable[Listed]) -> list[Named]:
    """Return the files that rows of the samples sheet name."""
    sheet = base / config.samples.file
    return [
        Named(base / text, text, sheet=sheet, row=sample.row, column=column)
        for sample in samples
        for column, text in sample.files.items()
    ]


def input_files(config: CohortFile, base: Path) -> list[Path]:
    """Return every file that a cohort names, each once: those of the cohort file, then those of the samples.

    Parameters
    ----------
    config : CohortFile
    base : Path
        Folder of the cohort file.

    Raises
    ------
    InputError
        The samples sheet cannot be read, or a file is missing.
    """
    named = config_files(config, base)
    require(item for item in named if item.key == "samples.file")
    named += sample_files(config, base, listed_samples(config, base))
    require(named)
    return list(dict.fromkeys(item.path for item in named))


def require(named: Iterable[Named]) -> None:
    """Raise for files that are not there: all of them at once (at most 20)."""
    problems = []
    for item in named:
        if item.path.is_file():
            continue
        what = "is a folder, not a file" if item.path.is_dir() else "the file is missing"
        where = str(item.sheet) if item.sheet is not None else "cohort file"
        remedy = f"Looked for {item.path}; paths are relative to the cohort file."
        problems.append(Problem(what, where, item.row, item.column or item.key, item.text, remedy))
    if problems:
        raise InputError(problems[:20])
