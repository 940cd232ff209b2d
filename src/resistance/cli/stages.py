"""The stages that the workflow calls."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.cli.options import cohort_argument, path_type, results_option


def _stage(name: str, summary: str) -> click.Command:
    @click.command(name, help=summary, short_help=summary)
    @cohort_argument
    @results_option
    def command(cohort: Path, results: Path) -> None:
        from resistance import stages

        stages.STAGES[name](cohort, results)

    return command


@click.command()
@cohort_argument
@results_option
@click.option("--batch", required=True, help="Name of the batch, such as batch_000.")
def read(cohort: Path, results: Path, batch: str) -> None:
    """Read the per-sample files of one batch."""
    from resistance import stages

    stages.read(cohort, results, batch)


@click.command(short_help="Annotate a cohort's variants, or those of a VCF.")
@click.argument("source", type=path_type, metavar="COHORT.yaml|FILE.vcf.gz")
@click.option("--results", type=path_type, help="COHORT: folder of this cohort's results.")
@click.option("--reference", type=path_type, help="FILE: reference.json of `resistance reference build`.")
@click.option("--out", type=path_type, help="FILE: table of effects to write (TSV).")
@click.option("--carriers", type=path_type, help="FILE: table of the samples that carry each variant (TSV).")
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


@click.command()
@cohort_argument
@results_option
@click.option("--batch", required=True, help="Name of the batch, such as reads_000 or controls.")
def pileup(cohort: Path, results: Path, batch: str) -> None:
    """Count the cohort's variants in the alignments of one batch of samples."""
    from resistance import stages

    stages.pileup(cohort, results, batch)


SIMPLE = [
    _stage("gather", "Put all tables of the cohort together and check them against each other."),
    _stage("ctdna", "Quantify ctDNA, its change under treatment and emergent variants."),
    _stage("classify", "Classify cell of origin and subtype by every method of the cohort file."),
    _stage("matrix", "Match the marker statements: present, absent or not assessed."),
    _stage("associate", "Write the analysis plan, then answer it."),
    _stage("train", "Train and judge the prediction models of the cohort file."),
    _stage("report", "Write the report, its tables and its provenance."),
]
