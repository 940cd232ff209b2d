"""``resistance subtype lymphgen``: the results of a cohort -> the input files of LymphGen."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

_path = click.Path(path_type=Path)


@click.command("lymphgen")
@click.option("--results", type=_path, required=True, help="Folder of a cohort's results (stages gather and annotate have run).")
@click.option("--out", type=_path, required=True, help="Folder for the files.")
def lymphgen(results: Path, out: Path) -> None:
    """Write LymphGen's input files; its result table is read by the method lymphgen. Research use only."""
    from dataclasses import replace

    from resistance import schemas
    from resistance.cohort import Cohort
    from resistance.layout import read_stage
    from resistance.subtype.lymphgen_inputs import lymphgen_inputs
    from resistance.tables import write_tsv

    cohort = replace(Cohort.read(results / "cohort"), effects=read_stage(results, "annotate", schemas.EFFECTS))
    found = lymphgen_inputs(cohort)
    for name, table in found.files.items():
        write_tsv(table, out / name)
        click.echo(f"wrote {out / name}: {len(table)} rows")
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    click.echo("Run LymphGen with them, then name its result under subtype.genetic.lymphgen.file. Research use only.")
