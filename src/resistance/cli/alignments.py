"""Alignments: variants counted, background measured; counts tested for residual disease."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from resistance.cli.options import path_type


@click.command()
@click.argument("alignment", type=path_type, metavar="ALIGNMENT")
@click.option(
    "--variants", type=path_type, required=True, help="Variants to look for: a table (chrom, pos, ref, alt), MAF or VCF."
)
@click.option("--out", type=path_type, required=True, help="Table to write (TSV); what the filters dropped stands beside it.")
@click.option("--reference", type=str, help="Indexed FASTA: needed for CRAM; places indels in repeats.")
@click.option("--targets", type=str, help="BED of the panel: variants outside are named.")
@click.option("--build", help="GRCh37 or GRCh38 (default: by the lengths of the contigs).")
@click.option("--sample", help="Sample that the read groups must name (default: the one they name).")
@click.option(
    "--count", default="fragments", show_default=True, type=click.Choice(["fragments", "reads", "families", "duplexes"]),
    help="What depth and alt_count count; the others stand beside.",
)  # fmt: skip
@click.option("--min-base-quality", default=20, show_default=True, type=click.IntRange(0))
@click.option("--min-mapping-quality", default=30, show_default=True, type=click.IntRange(0))
@click.option("--duplicates", default="drop", show_default=True, type=click.Choice(["drop", "keep"]), help="Marked duplicates.")
@click.option("--read-groups", default="check", show_default=True, type=click.Choice(["check", "ignore"]))
@click.option("--umi-tag", type=click.Choice(["MI", "RX"]), help="MI: families as grouped; RX: umi_tools groups.")
@click.option(
    "--umi-method", default="directional", show_default=True, help="Of umi_tools.",
    type=click.Choice(["unique", "percentile", "cluster", "adjacency", "directional"]),
)  # fmt: skip
@click.option("--min-family-size", default=1, show_default=True, type=click.IntRange(1))
@click.option(
    "--min-reads", nargs=3, type=click.IntRange(0), default=(1, 1, 1), show_default=True,
    help="Of a duplex: in all, of the larger strand, of the smaller.",
)  # fmt: skip
def count(alignment: Path, variants: Path, out: Path, build: str | None, sample: str | None, **options: Any) -> None:
    """Force-call variants in a BAM or CRAM: reads, fragments, UMI families and duplexes with each allele.

    An insertion or deletion counts wherever its aligner placed it in a repeat. A fragment whose mates disagree supports
    nothing. OUT has a row per variant; OUT with .filters.tsv says what each filter dropped.
    """
    from resistance.config import Alignments, Umi
    from resistance.count_file import count_file, filters_path
    from resistance.variant import build_name

    if list(options["min_reads"]) != sorted(options["min_reads"], reverse=True):
        raise click.BadParameter("reads in all, of the larger strand, of the smaller: 3 1 1", param_hint="--min-reads")
    tag = options["umi_tag"] or ("MI" if options["count"] in ("families", "duplexes") else None)
    umi = None
    if tag is not None:
        umi = Umi(
            tag=tag,
            method=options["umi_method"],
            min_family_size=options["min_family_size"],
            min_reads=options["min_reads"],
        )
    names = ("count", "min_base_quality", "min_mapping_quality", "duplicates", "read_groups", "targets")
    settings = Alignments(fasta=options["reference"], umi=umi, **{name: options[name] for name in names})
    done = count_file(
        alignment,
        variants,
        out,
        settings,
        build=None if build is None else build_name(build),
        sample=sample,
        warn=lambda text: click.echo(f"warning: {text}", err=True),
    )
    for unit, reason, n in done.dropped:
        click.echo(f"dropped: {n} {unit}: {reason}", err=True)
    click.echo(f"wrote {out}: {done.variants} variants, {done.read} of them read, {done.present} seen")
    click.echo(f"wrote {filters_path(out)}")


@click.command()
@click.argument("alignment", type=path_type, metavar="ALIGNMENT")
@click.option("--targets", type=str, required=True, help="BED of the panel.")
@click.option("--out", type=path_type, required=True, help="Table of rates to write (TSV); quality, coverage ... beside it.")
@click.option("--reference", type=str, help="Indexed FASTA: reference bases and contexts. Needed for a CRAM.")
@click.option("--controls", type=path_type, multiple=True, help="BAM or CRAM of healthy plasma. Can be given several times.")
@click.option("--black-list", type=str, help="Places to leave out: BED, VCF, or lines chr_pos or chr_pos_ref_alt.")
@click.option("--snps", type=str, help="VCF of common SNPs: count their alleles, and leave them out of the background.")
@click.option("--build", help="GRCh37 or GRCh38 (default: by the lengths of the contigs).")
@click.option("--sample", help="Name of the sample in the tables (default: the one that the read groups name).")
@click.option(
    "--count", type=click.Choice(["fragments", "reads"]), default="fragments", show_default=True, help="What counts once."
)
@click.option("--min-base-quality", default=20, show_default=True, type=click.IntRange(0))
@click.option("--min-mapping-quality", default=30, show_default=True, type=click.IntRange(0))
@click.option("--duplicates", type=click.Choice(["drop", "keep"]), default="drop", show_default=True)
@click.option(
    "--below", default=0.1, show_default=True, help="Positions with a non-reference fraction from here on are left out."
)
@click.option(
    "--plain", is_flag=True, help="As ctDNAtools: reads, with duplicates and secondary alignments; normals by counts of reads."
)
def background(
    alignment: Path, targets: str, out: Path, reference: str | None, controls: tuple[Path, ...], black_list: str | None,
    build: str | None, sample: str | None, plain: bool, below: float, **options: Any,
) -> None:  # fmt: skip
    """Measure how often a BAM or CRAM shows each wrong base, by substitution and context, and the quality of its DNA.

    OUT has the rates; beside it stand .quality.tsv, .lengths.tsv and .coverage.tsv, with --snps .snps.tsv, and with
    --controls .controls.tsv: what the controls show, and which of it is left out of the background.
    """
    from resistance.background_file import background_file
    from resistance.config import Alignments, BackgroundRates
    from resistance.variant import build_name

    if not 0 < below <= 1:
        raise click.BadParameter("a fraction above 0 and up to 1 is expected", param_hint="--below")
    settings = Alignments(
        fasta=reference, targets=targets, blacklist=black_list, background=BackgroundRates(below=below), **options
    )
    done = background_file(
        alignment,
        out,
        settings,
        controls=controls,
        build=None if build is None else build_name(build),
        sample=sample,
        plain=plain,
        warn=lambda text: click.echo(f"warning: {text}", err=True),
    )
    for reason, n in done.dropped:
        click.echo(f"left out: {n} x {reason}", err=True)
    if controls:
        click.echo(f"panel of normals: {done.listed} places listed by {len(controls)} controls", err=True)
    rate = f"{done.rate:.6g}" if done.depth else "not known"
    click.echo(f"background {rate}: {done.errors} of {done.depth} at {done.positions} positions")
    click.echo("wrote " + ", ".join(str(path) for path in done.paths))


@click.command()
@click.argument("counts", type=path_type, metavar="COUNTS.tsv")
@click.option("--background-rate", type=float, help="Error rate of any wrong base, of every sample (default: see below).")
@click.option(
    "--background", type=path_type, help="Table of error rates: sample_id, rate, and alpha and beta where over-dispersed."
)
@click.option("--whole-rate", is_flag=True, help="Do not divide the rate by three for the one base of the variant.")
@click.option(
    "--method", "methods", multiple=True, default=("exact",), show_default=True,
    type=click.Choice(["exact", "monte_carlo", "likelihood_ratio", "all"]), help="Can be given several times.",
)  # fmt: skip
@click.option("--draws", default=10_000, show_default=True, help="Simulations (monte_carlo, likelihood_ratio).")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--alpha", default=0.05, show_default=True, help="Positive where p is at most this.")
@click.option("--vaf", default=1e-4, show_default=True, help="VAF at which a negative test must have had --power.")
@click.option("--power", default=0.95, show_default=True)
@click.option("--out", type=path_type, help="Table to write, one row per sample and method (TSV).")
@click.option("--sites", type=path_type, help="Table to write, one row per sample and variant (TSV).")
def mrd(
    counts: Path, background_rate: float | None, background: Path | None, whole_rate: bool, methods: tuple[str, ...], draws: int,
    seed: int, alpha: float, vaf: float, power: float, out: Path | None, sites: Path | None,
) -> None:  # fmt: skip
    """Test plasma samples for minimal residual disease, from a table of counts. Research use only.

    COUNTS: one row per sample and variant of the tumour: sample_id, depth, alt_count; variant (or chrom, pos, ref, alt);
    tumour_vaf for likelihood_ratio; rate, the error rate to this very variant, where it is known. What `resistance count` writes
    is taken as it is. Without any rate 1e-4 per allele is assumed, and said.
    """
    from resistance import mrd_file
    from resistance.tables import write_tsv

    if background_rate is not None and background is not None:
        raise click.UsageError("give --background-rate or --background, not both")
    settings = mrd_file.settings(
        methods, draws=draws, alpha=alpha, power=power, vaf_of_interest=vaf, rate_per_allele="whole" if whole_rate else "third"
    )
    found = mrd_file.mrd_of_counts(counts, settings, background_rate=background_rate, background=background, seed=seed)
    for line in found.lines():
        click.echo(line)
    for path, table in ((out, found.samples), (sites, found.sites)):
        if path is not None:
            write_tsv(table, path)
            click.echo(f"wrote {path}: {len(table)} rows")
