"""The marker matrix as text: patients x markers per time point, the long matrix, the statements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance.export.files import remove_stale
from resistance.export.wide import by_timepoint
from resistance.tables import write_tsv

if TYPE_CHECKING:
    from resistance.dropped import Dropped
    from resistance.export.results import Results


def write(results: Results, folder: Path, _dropped: Dropped) -> list[Path]:
    """Write ``matrix_<timepoint>.tsv`` (words present, absent, not_assessed), ``matrix.tsv`` and ``markers.tsv``."""
    tables = {f"matrix_{name}.tsv": table for name, table in by_timepoint(results).items()}
    tables |= {"matrix.tsv": results.matrix, "markers.tsv": results.markers}
    for name, table in tables.items():
        write_tsv(table, folder / name)
    written = [folder / name for name in tables]
    remove_stale(folder, ["matrix_*.tsv"], written)
    return written
