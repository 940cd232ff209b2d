"""A finished cohort's results -> files that other tools read; one module per format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.export.cbioportal import write as write_cbioportal
from resistance.export.h5ad import write as write_h5ad
from resistance.export.h5mu import write as write_h5mu
from resistance.export.maf import write as write_maf
from resistance.export.parquet import write as write_parquet
from resistance.export.results import Results
from resistance.export.tsv import write as write_words
from resistance.tables import write_tsv

#: name -> what writes it: takes the results, the format's own folder and the counts of what is left out
FORMATS: dict[str, Callable[[Results, Path, Dropped], list[Path]]] = {
    "tsv": write_words,
    "parquet": write_parquet,
    "h5ad": write_h5ad,
    "h5mu": write_h5mu,
    "maf": write_maf,
    "cbioportal": write_cbioportal,
}
#: beside the files of each format: what they leave out, in schema ``dropped``
DROPPED = "export_dropped.tsv"


def export(results: Path, out: Path, formats: Sequence[str]) -> list[Path]:
    """Write the results of a finished cohort in the forms that other tools read.

    Parameters
    ----------
    results : Path
        Folder that the stages wrote, at least up to the matrix.
    out : Path
        Each format has a folder of its name below it; files of an earlier export are replaced.
    formats : sequence of str
        Names of :data:`FORMATS`.

    Returns
    -------
    list of Path
        What was written, format by format.  ``export_dropped.tsv`` in each folder counts what the
        format leaves out or changes (only a header where nothing is).

    Raises
    ------
    InputError
        An unknown format, results that are not finished, a package that is not installed, or names
        that the format cannot hold.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise InputError(
            f"there is no export format '{unknown[0]}'" if unknown else "no export format is named",
            remedy=f"Formats: {', '.join(FORMATS)}.",
        )
    read = Results(Path(results))
    written: list[Path] = []
    for name in dict.fromkeys(formats):
        folder, dropped = Path(out) / name, Dropped("export")
        written += FORMATS[name](read, folder, dropped)
        write_tsv(dropped.frame(), folder / DROPPED)
        written.append(folder / DROPPED)
    return written
