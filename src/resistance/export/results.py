"""A finished results folder -> its tables, each read when it is first asked for."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import schemas
from resistance.errors import InputError
from resistance.layout import read_stage, table_path

if TYPE_CHECKING:
    import pandas as pd

    from resistance.tables import Schema

#: folder below the results -> the command that writes it
COMMANDS = {"cohort": "gather", "annotate": "annotate", "subtype": "classify", "matrix": "matrix"}


class Results:
    """The tables of one results folder.

    Parameters
    ----------
    folder : Path
        The folder that the stages wrote.

    Raises
    ------
    InputError
        The matrix is not there, or (when it is asked for) another table; names the stage to run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError("the results folder is missing", path=self.folder, remedy="Run `resistance run COHORT.yaml` first.")
        for schema in (schemas.MATRIX, schemas.MARKERS):
            self._there("matrix", schema)

    def _there(self, stage: str, schema: Schema) -> None:
        path = table_path(self.folder, stage, schema)
        if not path.is_file():
            raise InputError(
                f"the results are not finished: there is no {schema.name} table",
                path=path,
                remedy=f"Run `resistance {COMMANDS[stage]} COHORT.yaml --results {self.folder}`, or the whole `resistance run`.",
            )

    def _read(self, stage: str, schema: Schema) -> pd.DataFrame:
        self._there(stage, schema)
        return read_stage(self.folder, stage, schema)

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """What holds for the whole cohort (see :class:`resistance.cohort.Cohort`)."""
        path = self.folder / "cohort" / "cohort.json"
        try:
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(
                "the results are not finished: there is no cohort",
                path=path,
                remedy=f"Run `resistance gather COHORT.yaml --results {self.folder}`, or the whole `resistance run`.",
            ) from error
        return facts

    @functools.cached_property
    def patients(self) -> pd.DataFrame:
        """Schema ``patients``."""
        return self._read("cohort", schemas.PATIENTS)

    @functools.cached_property
    def samples(self) -> pd.DataFrame:
        """Schema ``samples``."""
        return self._read("cohort", schemas.SAMPLES)

    @functools.cached_property
    def endpoints(self) -> pd.DataFrame:
        """Schema ``endpoints``."""
        return self._read("cohort", schemas.ENDPOINTS)

    @functools.cached_property
    def calls(self) -> pd.DataFrame:
        """Schema ``calls``."""
        return self._read("cohort", schemas.CALLS)

    @functools.cached_property
    def effects(self) -> pd.DataFrame:
        """Schema ``effects``, one row per variant and gene."""
        return self._read("annotate", schemas.EFFECTS)

    @functools.cached_property
    def coverage(self) -> pd.DataFrame:
        """Schema ``coverage``."""
        return self._read("cohort", schemas.COVERAGE)

    @functools.cached_property
    def copy_number(self) -> pd.DataFrame:
        """Schema ``copy_number``."""
        return self._read("cohort", schemas.COPY_NUMBER)

    @functools.cached_property
    def fusions(self) -> pd.DataFrame:
        """Schema ``fusions``."""
        return self._read("cohort", schemas.FUSIONS)

    @functools.cached_property
    def expression(self) -> pd.DataFrame:
        """Schema ``expression``."""
        return self._read("cohort", schemas.EXPRESSION)

    @functools.cached_property
    def subtypes(self) -> pd.DataFrame:
        """Schema ``subtypes``."""
        return self._read("subtype", schemas.SUBTYPES)

    @functools.cached_property
    def markers(self) -> pd.DataFrame:
        """Schema ``markers``."""
        return self._read("matrix", schemas.MARKERS)

    @functools.cached_property
    def matrix(self) -> pd.DataFrame:
        """Schema ``matrix``."""
        return self._read("matrix", schemas.MATRIX)

    @functools.cached_property
    def timepoints(self) -> list[str]:
        """Time points of the matrix, in the order of :data:`resistance.schemas.TIMEPOINTS`."""
        there = set(self.matrix["timepoint"])
        return [name for name in schemas.TIMEPOINTS if name in there]
