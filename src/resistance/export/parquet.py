"""The marker matrix as Parquet: the tables of the text export, typed, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance.export.files import remove_stale
from resistance.export.wide import by_timepoint
from resistance.schemas import MARKERS, MATRIX, STATES
from resistance.tables import Column, Schema, write_table

if TYPE_CHECKING:
    from resistance.dropped import Dropped
    from resistance.export.results import Results


def write(results: Results, folder: Path, _dropped: Dropped) -> list[Path]:
    """Write ``matrix_<timepoint>.parquet``, ``matrix.parquet`` and ``markers.parquet``."""
    written = []
    for name, table in by_timepoint(results).items():
        schema = Schema(
            f"matrix_{name}",
            f"Patients x markers at {name}.",
            (
                Column("patient_id", "text", "Patient.", required=True),
                *(Column(marker, "text", "State.", required=True, allowed=STATES) for marker in table.columns[1:]),
            ),
            key=("patient_id",),
        )
        write_table(table, folder / f"matrix_{name}.parquet", schema)
        written.append(folder / f"matrix_{name}.parquet")
    for schema, frame in ((MATRIX, results.matrix), (MARKERS, results.markers)):
        write_table(frame, folder / f"{schema.name}.parquet", schema)
        written.append(folder / f"{schema.name}.parquet")
    remove_stale(folder, ["matrix_*.parquet"], written)
    return written
