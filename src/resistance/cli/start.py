"""Begin: a cohort file, a check of it, the whole run, a simulated cohort, a study as it was downloaded."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from resistance.cli.options import cohort_argument, path_type, results_option


@click.command()
@cohort_argument
@click.option("--cores", default=2, show_default=True, type=click.IntRange(1), help="Processes at once.")
@click.option("--output", type=path_type, help="Folder for results (default: 'output' of the cohort file).")
@click.option("--profile", type=str, help="Snakemake profile: 'local', 'slurm' (packaged) or a folder.")
@click.argument("snakemake_options", nargs=-1, type=click.UNPROCESSED)
def run(cohort: Path, cores: int, output: Path | None, profile: str | None, snakemake_options: tuple[str, ...]) -> None:
    """Run the whole workflow on a cohort; what follows -- goes to snakemake."""
    from resistance import run as workflow

    sys.exit(workflow.run(cohort, cores, output, profile, list(snakemake_options)))


@click.command()
@cohort_argument
def check(cohort: Path) -> None:
    """Check a cohort file and everything it names; write nothing."""
    from resistance import check as checking

    for line in checking.check(cohort):
        click.echo(line)


@click.command()
@click.argument("folder", type=path_type)
def init(folder: Path) -> None:
    """Write a commented cohort file and template sheets into FOLDER."""
    from resistance import init as start

    for path in start.write_templates(folder):
        click.echo(f"wrote {path}")
    click.echo(f"Next: fill them in, then  resistance check {folder / 'cohort.yaml'}")


@click.command()
@click.argument("folder", type=path_type)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--patients", "n_patients", default=120, show_default=True, type=click.IntRange(12))
def simulate(folder: Path, seed: int, n_patients: int) -> None:
    """Write a simulated cohort with known truth into FOLDER."""
    from resistance.simulate import simulate as simulation

    cohort = simulation(folder, seed=seed, n_patients=n_patients)
    click.echo(f"wrote {cohort} (simulated; the planted effects stand in {folder / 'truth'})")


@click.command("import-cbioportal")
@click.argument("folder", type=path_type)
@click.option("--out", type=path_type, required=True, help="Folder for the cohort file.")
def import_cbioportal(folder: Path, out: Path) -> None:
    """Write a cohort file for a cBioPortal study FOLDER as it was downloaded."""
    from resistance.read.cbioportal import import_study, to_decide

    cohort = import_study(folder, out)
    click.echo(f"wrote {cohort}")
    for sentence in to_decide(cohort):
        click.echo(f"to decide: {sentence}")


@click.command()
def schema() -> None:
    """Print the JSON schema of the cohort file: every key and what it means."""
    import json

    from resistance.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@click.command()
@results_option
@click.option("--out", type=path_type, required=True, help="Folder; each format gets one of its own below it.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    required=True,
    type=click.Choice(["tsv", "parquet", "h5ad", "h5mu", "maf", "cbioportal"]),
    help="Can be given several times.",
)
def export(results: Path, out: Path, formats: tuple[str, ...]) -> None:
    """Write a cohort's results for other programs: TSV, Parquet, AnnData, MuData, MAF, a cBioPortal study."""
    from resistance.export import export as export_to

    for path in export_to(results, out, formats):
        click.echo(f"wrote {path}")
