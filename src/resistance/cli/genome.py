"""The genome: a bundle of reference bases, variants moved between builds."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.cli.options import path_type


@click.group()
def reference() -> None:
    """The bases of the panel's genes, for own annotation."""


@reference.command("build")
@click.option("--fasta", type=path_type, required=True, help="Indexed FASTA of the genome that the variants were called on.")
@click.option("--build", type=click.Choice(["GRCh37", "GRCh38"]), required=True)
@click.option("--out", type=path_type, required=True, help="Folder of the bundle.")
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


@click.command()
@click.argument("file", type=path_type)
@click.option("--chain", type=path_type, required=True, help="Chain file between the builds (UCSC's format), .gz or plain.")
@click.option("--from", "source", required=True, metavar="BUILD", help="Build of FILE: GRCh37 (hg19) or GRCh38 (hg38).")
@click.option("--to", "target", required=True, metavar="BUILD", help="The other build.")
@click.option("--out", type=path_type, required=True, help="Table to write: FILE's rows on the other build, .gz to pack it.")
@click.option("--failed", type=path_type, help="Table of the variants without a place, and why (default: OUT with .failed.tsv).")
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
