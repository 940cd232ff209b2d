"""The command line: one subcommand per stage; the only place where errors become text and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

import rich_click as click

from resistance import __version__
from resistance.errors import InputError, ResistanceError

click.rich_click.COMMAND_GROUPS = {
    "resistance": [
        {"name": "Start here", "commands": ["init", "check", "run", "simulate", "import-cbioportal"]},
        {"name": "Stages (what the workflow calls)", "commands": [
            "read", "gather", "annotate", "ctdna", "subtype", "matrix", "associate", "report",
        ]},
        {"name": "Use the results elsewhere", "commands": ["export"]},
        {"name": "Tools", "commands": ["liftover"]},
        {"name": "Reference", "commands": ["knowledge", "reference", "schema"]},
    ]
}  # fmt: skip

_path = click.Path(path_type=Path)
_cohort = click.argument("cohort", type=_path, metavar="COHORT.yaml")
_results = click.option("--results", type=_path, required=True, help="Folder of this cohort's results.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="resistance")
def cli() -> None:
    """Markers of resistance to lenalidomide and other IMiDs: from a cohort's files to a report.

    Research use only.
    """


@cli.command()
@_cohort
@click.option("--cores", default=2, show_default=True, type=click.IntRange(1), help="Processes at once.")
@click.option("--output", type=_path, help="Folder for results (default: 'output' of the cohort file).")
@click.option("--profile", type=str, help="Snakemake profile: 'local', 'slurm' (packaged) or a folder.")
@click.argument("snakemake_options", nargs=-1, type=click.UNPROCESSED)
def run(cohort: Path, cores: int, output: Path | None, profile: str | None, snakemake_options: tuple[str, ...]) -> None:
    """Run the whole workflow on a cohort; what follows -- goes to snakemake."""
    from resistance import run as workflow

    sys.exit(workflow.run(cohort, cores, output, profile, list(snakemake_options)))


@cli.command()
@_cohort
def check(cohort: Path) -> None:
    """Check a cohort file and everything it names; write nothing."""
    from resistance import check as checking

    for line in checking.check(cohort):
        click.echo(line)


@cli.command()
@click.argument("folder", type=_path)
def init(folder: Path) -> None:
    """Write a commented cohort file and template sheets into FOLDER."""
    from resistance import init as start

    for path in start.write_templates(folder):
        click.echo(f"wrote {path}")
    click.echo(f"Next: fill them in, then  resistance check {folder / 'cohort.yaml'}")


@cli.command()
@click.argument("folder", type=_path)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--patients", "n_patients", default=120, show_default=True, type=click.IntRange(12))
def simulate(folder: Path, seed: int, n_patients: int) -> None:
    """Write a simulated cohort with known truth into FOLDER."""
    from resistance.simulate import simulate as simulation

    cohort = simulation(folder, seed=seed, n_patients=n_patients)
    click.echo(f"wrote {cohort} (simulated; the planted effects stand in {folder / 'truth'})")


@cli.command("import-cbioportal")
@click.argument("folder", type=_path)
@click.option("--out", type=_path, required=True, help="Folder for the cohort file.")
def import_cbioportal(folder: Path, out: Path) -> None:
    """Write a cohort file for a cBioPortal study FOLDER as it was downloaded."""
    from resistance.read.cbioportal import import_study, to_decide

    cohort = import_study(folder, out)
    click.echo(f"wrote {cohort}")
    for sentence in to_decide(cohort):
        click.echo(f"to decide: {sentence}")


@cli.command()
@_results
@click.option("--out", type=_path, required=True, help="Folder; each format gets one of its own below it.")
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


@cli.command()
def schema() -> None:
    """Print the JSON schema of the cohort file: every key and what it means."""
    import json

    from resistance.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@cli.group()
def reference() -> None:
    """The bases of the panel's genes, for own annotation."""


@reference.command("build")
@click.option("--fasta", type=_path, required=True, help="Indexed FASTA of the genome that the variants were called on.")
@click.option("--build", type=click.Choice(["GRCh37", "GRCh38"]), required=True)
@click.option("--out", type=_path, required=True, help="Folder of the bundle.")
def reference_build(fasta: Path, build: str, out: Path) -> None:
    """Extract the panel's genes from a genome; refuse another build."""
    from rich.progress import track

    from resistance.annotate.reference import build_reference

    facts = build_reference(fasta, build, out, lambda genes: track(list(genes), "reading genes", transient=True))
    click.echo(f"wrote {out / 'reference.json'}: {len(facts['genes'])} genes of {build}")
    for key, words in (
        ("without_bases", "without bases"),
        ("not_whole", "whose coding sequence is not whole (their names may be wrong)"),
    ):
        if facts[key]:
            click.echo(f"{len(facts[key])} genes {words}: {', '.join(facts[key][:10])}{' ...' if len(facts[key]) > 10 else ''}")


def _lifted_columns(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    wrong = [value for value in values if not all(value.partition("=")[::2])]
    if wrong:
        raise click.BadParameter(f"'{wrong[0]}' is not NAME=COLUMN, such as chrom=Chr")
    return dict(value.split("=", 1) for value in values)


@cli.command()
@click.argument("file", type=_path)
@click.option("--chain", type=_path, required=True, help="Chain file between the builds (UCSC's format), .gz or plain.")
@click.option("--from", "source", required=True, metavar="BUILD", help="Build of FILE: GRCh37 (hg19) or GRCh38 (hg38).")
@click.option("--to", "target", required=True, metavar="BUILD", help="The other build.")
@click.option("--out", type=_path, required=True, help="Table to write: FILE's rows on the other build, .gz to pack it.")
@click.option("--failed", type=_path, help="Table of the variants without a place, and why (default: OUT with .failed.tsv).")
@click.option(
    "--column", "columns", multiple=True, metavar="NAME=COLUMN", callback=_lifted_columns,
    help="What a column is called that is not a usual one: chrom, pos, end, ref, alt, build. Can be given several times.",
)  # fmt: skip
def liftover(file: Path, chain: Path, source: str, target: str, out: Path, failed: Path | None, columns: dict[str, str]) -> None:
    """Move the variants of FILE (MAF, VCF or a table) to the other genome build.

    Every base of the reference allele, and both neighbours of an insertion, must have one place there, side by side and on
    one strand; the others are counted by reason. Positions and alleles of FILE are kept beside the new ones.
    """
    from resistance.read.lift_file import lift_file

    if failed is None:
        stem = out.name.removesuffix(".gz")
        failed = out.with_name(f"{stem.removesuffix(Path(stem).suffix)}.failed.tsv")
    for line in lift_file(file, chain, source, target, out, failed, columns).lines():
        click.echo(line)
    click.echo(f"wrote {out} and {failed}")


@cli.group()
def knowledge() -> None:
    """Statements on resistance and sensitivity, with grade and source."""


@knowledge.command("list")
@click.option("--gene", help="Only statements about this gene (older symbols are understood).")
@click.option("--kind", help="Only this kind of evidence (mutation, expression ...).")
@click.option("--direction", type=click.Choice(["resistance", "sensitivity", "neutral", "prognostic"]))
@click.option("--grade", help="Only these grades, such as ABC.")
@click.option("--verified", is_flag=True, help="Only statements that were read in their source.")
@click.option("--markers", type=_path, help="A study's own markers.tsv, listed after the packaged one.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def knowledge_list(
    gene: str | None,
    kind: str | None,
    direction: str | None,
    grade: str | None,
    verified: bool,
    markers: Path | None,
    as_json: bool,
) -> None:
    """List statements."""
    from resistance import knowledge_show as show

    rows = show.select(gene=gene, kind=kind, direction=direction, grades=grade, verified=verified, extra=markers)
    if as_json:
        click.echo(show.as_json(rows))
    else:
        show.print_table(rows)


@knowledge.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def knowledge_show_one(name: str, as_json: bool) -> None:
    """Show all about a gene, a marker, a pathway, a drug or a trial."""
    from resistance import knowledge_show as show

    found = show.find(name)
    click.echo(show.as_json(found.data) if as_json else found.text)


@knowledge.command("validate")
@click.argument("markers", type=_path, required=False)
def knowledge_validate(markers: Path | None) -> None:
    """Check the packaged tables, and a study's own MARKERS file."""
    from resistance import knowledge_show as show

    for line in show.validate(markers):
        click.echo(line)


@knowledge.command("export")
@click.option("--format", "form", type=click.Choice(["tsv", "json", "civic", "cbioportal-panel"]), required=True)
@click.option("--out", type=_path, required=True, help="File to write.")
def knowledge_export_to(form: str, out: Path) -> None:
    """Write the statements for other tools."""
    from resistance import knowledge_export

    knowledge_export.export(form, out)
    click.echo(f"wrote {out}")


def _stage(name: str, summary: str) -> None:
    @cli.command(name, help=summary, short_help=summary)
    @_cohort
    @_results
    def command(cohort: Path, results: Path) -> None:
        from resistance import stages

        stages.STAGES[name](cohort, results)


@cli.command()
@_cohort
@_results
@click.option("--batch", required=True, help="Name of the batch, such as batch_000.")
def read(cohort: Path, results: Path, batch: str) -> None:
    """Read the per-sample files of one batch."""
    from resistance import stages

    stages.read(cohort, results, batch)


_stage("gather", "Put all tables of the cohort together and check them against each other.")


@cli.command(short_help="Annotate a cohort's variants, or those of a VCF.")
@click.argument("source", type=_path, metavar="COHORT.yaml|FILE.vcf.gz")
@click.option("--results", type=_path, help="COHORT: folder of this cohort's results.")
@click.option("--reference", type=_path, help="FILE: reference.json of `resistance reference build`.")
@click.option("--out", type=_path, help="FILE: table of effects to write (TSV).")
@click.option("--carriers", type=_path, help="FILE: table of the samples that carry each variant (TSV).")
def annotate(source: Path, results: Path | None, reference: Path | None, out: Path | None, carriers: Path | None) -> None:
    """Annotate variants in the panel's genes.

    A cohort (a stage of the workflow, with --results): one effect per variant and gene, of the files' annotation,
    our own, or both, as its cohort file says.

    A VCF or BCF (with --reference and --out): consequences, HGVS names, exon and domain of each variant in the
    genes of the reference, each site once whatever the number of samples; read through its index where it has one.
    """
    named_so = source.name.lower().removesuffix(".gz").removesuffix(".bgz").endswith((".vcf", ".bcf"))
    if named_so or (results is None and reference is not None and out is not None):
        if results is not None or reference is None or out is None:
            raise click.UsageError("a VCF or BCF is annotated with --reference REF/reference.json and --out TABLE.tsv")
        from resistance.annotate_file import annotate_file

        done = annotate_file(
            source, reference, out, carriers=carriers, warn=lambda text: click.echo(f"warning: {text}", err=True)
        )
        click.echo(f"wrote {out}: {done.effects} effects of {done.variants} variants, {done.joined} groups read together")
        if carriers is not None:
            click.echo(f"wrote {carriers}: {done.carriers} rows")
        for reason, n, example in done.left_out:
            click.echo(f"left out: {n} x {reason} (such as {example})", err=True)
        return
    if results is None or reference is not None or out is not None or carriers is not None:
        raise click.UsageError("a cohort file is annotated with --results FOLDER (a VCF or BCF with --reference and --out)")
    from resistance import stages

    stages.STAGES["annotate"](source, results)


_stage("ctdna", "Quantify ctDNA, its change under treatment and emergent variants.")
_stage("subtype", "Classify cell of origin.")
_stage("matrix", "Match the marker statements: present, absent or not assessed.")
_stage("associate", "Write the analysis plan, then answer it.")
_stage("report", "Write the report, its tables and its provenance.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with an exit code (1: a defect, 2: bad input, 3: knowledge base, 4: model)."""
    sys.excepthook = _defect
    try:
        cli.main(arguments, standalone_mode=False)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InputError as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        n = len(error.problems)
        if n > 1:
            click.echo(f"{n} problems; nothing was written.", err=True)
        sys.exit(error.exit_code)
    except ResistanceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output (head, less) left: no error of ours
        sys.stderr.close()
        sys.exit(141)


def _defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show what nobody foresaw, and say that it is a defect of ours."""
    sys.__excepthook__(kind, error, trace)
    click.echo(
        f"This is a defect of resistance {__version__}, not of your data. Please report it with the lines above "
        "and, if you can share it, the cohort file.",
        err=True,
    )


if __name__ == "__main__":
    main()
