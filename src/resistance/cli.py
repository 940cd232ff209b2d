"""The command line: one subcommand per stage; the only place where errors become text and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import rich_click as click

from resistance import __version__
from resistance.errors import InputError, ResistanceError
from resistance.subtype_commands import subtype

click.rich_click.COMMAND_GROUPS = {
    "resistance": [
        {"name": "Start here", "commands": ["init", "check", "run", "simulate", "import-cbioportal"]},
        {"name": "Stages (what the workflow calls)", "commands": [
            "read", "gather", "annotate", "pileup", "ctdna", "classify", "matrix", "associate", "train", "report",
        ]},
        {"name": "Use the results elsewhere", "commands": ["export", "predict"]},
        {"name": "Tools", "commands": ["count", "background", "mrd", "subtype", "liftover", "power", "meta"]},
        {"name": "Reference", "commands": ["knowledge", "reference", "schema"]},
    ]
}  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

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


@cli.command()
@click.argument("alignment", type=_path, metavar="ALIGNMENT")
@click.option("--variants", type=_path, required=True, help="Variants to look for: a table (chrom, pos, ref, alt), MAF or VCF.")
@click.option("--out", type=_path, required=True, help="Table to write (TSV); what the filters dropped stands beside it.")
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


@cli.command()
@click.argument("alignment", type=_path, metavar="ALIGNMENT")
@click.option("--targets", type=str, required=True, help="BED of the panel.")
@click.option("--out", type=_path, required=True, help="Table of rates to write (TSV); quality, coverage ... beside it.")
@click.option("--reference", type=str, help="Indexed FASTA: reference bases and contexts. Needed for a CRAM.")
@click.option("--controls", type=_path, multiple=True, help="BAM or CRAM of healthy plasma. Can be given several times.")
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


@cli.group()
def power() -> None:
    """Plan a study: power, what is detectable, patients and events needed.

    Give numbers of patients or events, an effect, or both: what is missing is answered. Shares are fractions (0.25).
    """


def _level(command: F) -> F:
    for option in reversed((
        click.option("--alpha", default=0.05, show_default=True, help="Level (two-sided) of the whole family of tests."),
        click.option("--tests", default=1, show_default=True, help="Tests of the family, those not run too."),
        click.option("--adjust", type=click.Choice(["bonferroni", "fdr"]), default="bonferroni", show_default=True),
        click.option("--true-effects", default=1.0, show_default=True, help="With fdr: tests expected to have the effect."),
        click.option("--power", "wanted", default=0.8, show_default=True, help="Wanted power."),
        click.option("--detectable", is_flag=True, help="Ask what is detectable, whatever the effect."),
        click.option("--json", "as_json", is_flag=True, help="JSON instead of a table."),
    )):  # fmt: skip
        command = option(command)
    return command


def _print_plan(
    plan: str, options: dict[str, Any], *, alpha: float, tests: int, adjust: str, true_effects: float, wanted: float,
    detectable: bool, as_json: bool, effects: tuple[str, ...],
) -> None:  # fmt: skip
    from resistance import planning

    if detectable:
        options |= dict.fromkeys(effects)
    level = planning.Level(alpha, tests, "fdr" if adjust == "fdr" else "bonferroni", true_effects, wanted)
    found = getattr(planning, plan)(level=level, **options)
    click.echo(found.json() if as_json else found.text())


def _strata(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[int, float, float]]:
    found = []
    for value in values:
        parts = value.split(":")
        try:
            size, share, rate = parts
            found.append((int(size), float(share), float(rate)))
        except ValueError as error:
            raise click.BadParameter(f"'{value}' is not PATIENTS:CARRIERS:RATE, such as 80:0.1:0.4") from error
    return found


def _shares(context: click.Context, parameter: click.Parameter, value: str | None) -> list[float] | None:
    try:
        return None if value is None else [float(part) for part in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is not a list of fractions, such as 0.2,0.3,0.5") from error


_simulate = click.option("--simulate", default=0, type=click.IntRange(0), help="Simulate this many cohorts.")
_seed = click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
_carriers = click.option("--prevalence", type=float, required=True, help="Share of carriers.")
_patients = click.option("--n", type=int, help="Patients.")


@power.command("binary")
@_carriers
@click.option("--rate", type=float, required=True, help="Probability of the outcome without the marker.")
@click.option("--odds-ratio", type=float, help="Planned effect.")
@click.option("--rate-carriers", type=float, help="Planned effect: probability of the outcome with the marker.")
@_patients
@click.option("--method", type=click.Choice(["fisher", "boschloo", "z_pooled", "firth"]), help="Only this test (default: all).")
@_simulate
@_seed
@click.option(
    "--stratum", "strata", multiple=True, callback=_strata, metavar="PATIENTS:CARRIERS:RATE",
    help="A stratum (COO) of the simulation. Can be given several times.",
)  # fmt: skip
@_level
def power_binary(
    alpha: float, tests: int, adjust: str, true_effects: float, wanted: float, detectable: bool, as_json: bool, **options: Any
) -> None:
    """Binary marker, binary outcome: exact power of Fisher's, Boschloo's, the pooled z and Firth's test."""
    _print_plan(
        "plan_binary", options, alpha=alpha, tests=tests, adjust=adjust, true_effects=true_effects, wanted=wanted,
        detectable=detectable, as_json=as_json, effects=("odds_ratio", "rate_carriers"),
    )  # fmt: skip


@power.command("survival")
@click.option("--prevalence", type=float, help="Share of carriers.")
@click.option("--spread", type=float, help="Standard deviation of a continuous marker, in place of --prevalence.")
@click.option("--hazard-ratio", type=float, help="Planned effect (of a continuous marker per unit).")
@click.option("--events", type=float, help="Events in all patients.")
@_patients
@click.option("--r-squared", default=0.0, help="Share of the marker's variance that covariates explain.")
@click.option("--median", type=float, help="Median time to the event without the marker: gives the events, with --n.")
@click.option("--accrual", default=0.0, help="Duration of accrual, same unit as the median.")
@click.option("--follow-up", type=float, help="Follow-up after the last patient, same unit.")
@click.option("--loss", default=0.0, help="Hazard of loss to follow-up, per unit.")
@_simulate
@click.option("--permutations", default=999, show_default=True, type=click.IntRange(1))
@_seed
@_level
def power_survival(
    alpha: float, tests: int, adjust: str, true_effects: float, wanted: float, detectable: bool, as_json: bool, **options: Any
) -> None:
    """Marker and a time to an event: Schoenfeld, Hsieh and Lavori; the permutation test by simulation."""
    _print_plan(
        "plan_survival", options, alpha=alpha, tests=tests, adjust=adjust, true_effects=true_effects, wanted=wanted,
        detectable=detectable, as_json=as_json, effects=("hazard_ratio",),
    )  # fmt: skip


@power.command("ordinal")
@_carriers
@click.option(
    "--shares", required=True, callback=_shares, metavar="A,B,...",
    help="Share of each category without the marker, from the one a ratio above 1 makes more frequent.",
)  # fmt: skip
@click.option("--odds-ratio", type=float, help="Planned effect, common to all cuts.")
@_patients
@_level
def power_ordinal(
    alpha: float, tests: int, adjust: str, true_effects: float, wanted: float, detectable: bool, as_json: bool, **options: Any
) -> None:
    """Binary marker, ordinal outcome (CR, PR, SD, PD): Whitehead."""
    _print_plan(
        "plan_ordinal", options, alpha=alpha, tests=tests, adjust=adjust, true_effects=true_effects, wanted=wanted,
        detectable=detectable, as_json=as_json, effects=("odds_ratio",),
    )  # fmt: skip


@power.command("continuous")
@click.option(
    "--endpoint", type=click.Choice(["number", "binary", "survival"]), default="number", show_default=True,
    help="number: a binary marker; binary, survival: a continuous marker.",
)  # fmt: skip
@click.option("--prevalence", type=float, help="Share of carriers (number).")
@click.option("--rate", type=float, help="Probability of the outcome at the marker's mean (binary).")
@click.option("--effect", type=float, help="Shift in standard deviations; odds or hazard ratio per standard deviation.")
@_patients
@click.option("--events", type=float, help="Events (survival).")
@click.option("--r-squared", default=0.0, help="Share of the marker's variance that covariates explain.")
@_level
def power_continuous(
    alpha: float, tests: int, adjust: str, true_effects: float, wanted: float, detectable: bool, as_json: bool, **options: Any
) -> None:
    """Continuous endpoint (log IC50) or continuous marker (expression, score)."""
    _print_plan(
        "plan_continuous", options, alpha=alpha, tests=tests, adjust=adjust, true_effects=true_effects, wanted=wanted,
        detectable=detectable, as_json=as_json, effects=("effect",),
    )  # fmt: skip


@power.command("interaction")
@click.option("--endpoint", type=click.Choice(["survival", "binary"]), default="survival", show_default=True)
@_carriers
@click.option("--arm", default=0.5, show_default=True, help="Share of patients in the treatment arm.")
@click.option("--ratio", type=float, help="Planned ratio of hazard (odds) ratios, carriers over the others.")
@click.option("--events", type=float, help="Events in all patients (survival).")
@_patients
@click.option(
    "--rates",
    callback=_shares,
    metavar="A,B,C",
    help="Outcome in: others in control, others treated, carriers in control (binary).",
)
@_level
def power_interaction(
    alpha: float, tests: int, adjust: str, true_effects: float, wanted: float, detectable: bool, as_json: bool, **options: Any
) -> None:
    """Marker x treatment: is the marker predictive? Needs four times the events of a marker's own effect."""
    _print_plan(
        "plan_interaction", options, alpha=alpha, tests=tests, adjust=adjust, true_effects=true_effects, wanted=wanted,
        detectable=detectable, as_json=as_json, effects=("ratio",),
    )  # fmt: skip


@cli.command()
@click.argument("tables", nargs=-1, type=_path, metavar="[TABLE.tsv]...")
@click.option("--trials", type=click.Choice(["response", "treatment"]), help="Ask the packaged trials by cell of origin.")
@click.option("--endpoint", help="With --trials: another endpoint (default ORR, PFS).")
@click.option("--derived", is_flag=True, help="With --trials: errors from p-values and ratios from medians, too.")
@click.option("--scale", type=click.Choice(["ratio", "log", "difference"]), help="How effects and intervals are written.")
@click.option("--confidence", default=0.95, show_default=True, help="Level of the intervals in TABLE.")
@click.option(
    "--method", default="reml", show_default=True,
    type=click.Choice(["reml", "dersimonian_laird", "paule_mandel", "fixed", "mantel_haenszel", "peto"]),
)  # fmt: skip
@click.option(
    "--interval", default="hartung_knapp_wider", show_default=True,
    type=click.Choice(["hartung_knapp_wider", "hartung_knapp", "normal"]), help="Of random effects.",
)  # fmt: skip
@click.option(
    "--measure", default="odds_ratio", show_default=True, type=click.Choice(["odds_ratio", "risk_ratio", "risk_difference"]),
    help="Of 2x2 counts.",
)  # fmt: skip
@click.option("--correction", default=0.0, show_default=True, help="Added to the cells of a study with an empty one.")
@click.option("--group", default="", metavar="COLUMN", help="Compare groups of studies.")
@click.option("--moderator", default="", metavar="COLUMN", help="Number that may explain the effects.")
@click.option("--model", help="With tables of results: only this model (crude, adjusted ...).")
@click.option("--out", type=_path, help="Table to write (TSV).")
@click.option("--forest", type=_path, help="Forest plot to write (SVG).")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def meta(
    tables: tuple[Path, ...], trials: str | None, endpoint: str | None, derived: bool, scale: Any, confidence: float, method: str,
    interval: str, measure: str, correction: float, group: str, moderator: str, model: str | None, out: Path | None,
    forest: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Pool the effects of studies, of cohorts, or of published trials.

    One TABLE of studies: columns study, and effect with se or ci_low and ci_high (say with --scale how they are written; se is
    always that of the logarithm of a ratio), or exposed_events, exposed_n, unexposed_events, unexposed_n.

    Several tables of results (tables/results.tsv of reports): pooled question by question.
    """
    from resistance import meta_file

    settings = meta_file.Settings(method, interval, measure, correction)
    if bool(tables) == (trials is not None):
        raise click.UsageError("give tables, or --trials for the packaged ones")
    if tables and meta_file.is_results(tables[0]):
        if out is None or forest is not None or as_json:
            raise click.UsageError("tables of results are pooled into a table: give --out TABLE.tsv, and no --forest or --json")
        from resistance.tables import write_tsv

        pooled = meta_file.meta_of_results(tables, settings, model=model)
        write_tsv(pooled, out)
        click.echo(f"wrote {out}: {len(pooled)} questions, {int((pooled['cohorts'] > 1).sum())} of them in more than one cohort")
        return
    if trials is not None:
        report = meta_file.trials_report(trials, settings, endpoint=endpoint, derived=derived)
    else:
        if len(tables) > 1:
            raise click.UsageError("one table of studies at a time (several only of results)")
        studies = meta_file.read_studies(
            tables[0], settings, scale=scale, confidence=confidence, group=group, moderator=moderator
        )
        counts = studies[0].counts is not None
        ratio = measure != "risk_difference" if counts else scale != "difference"
        name = measure.replace("_", " ") if counts else "ratio" if ratio else "difference"
        report = meta_file.analyse(studies, settings, title=f"Meta-analysis of {tables[0].name}", scale=name, ratio=ratio)
    click.echo(report.json() if as_json else report.text())
    if not as_json:
        for name, inside in meta_file.within_trial(report):
            click.echo(f"within {name}: {meta_file.difference_in_words(report, inside)}")
    if out is not None:
        from resistance.tables import write_tsv

        write_tsv(report.rows(), out)
        click.echo(f"wrote {out}", err=as_json)
    if forest is not None:
        meta_file.write_forest(report, forest)
        click.echo(f"wrote {forest}", err=as_json)


@cli.command()
@click.argument("counts", type=_path, metavar="COUNTS.tsv")
@click.option("--background-rate", type=float, help="Error rate of any wrong base, of every sample (default: see below).")
@click.option("--background", type=_path, help="Table of error rates: sample_id, rate, and alpha and beta where over-dispersed.")
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
@click.option("--out", type=_path, help="Table to write, one row per sample and method (TSV).")
@click.option("--sites", type=_path, help="Table to write, one row per sample and variant (TSV).")
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


@cli.command()
@click.argument("model", type=_path, metavar="MODEL.json")
@click.argument("cohort", type=_path, metavar="[COHORT.yaml]", required=False)
@click.option("--results", type=_path, help="COHORT: folder of its results (stages up to matrix).")
@click.option("--table", type=_path, help="Instead of a cohort: TSV with patient_id and the model's features.")
@click.option("--days", "days", multiple=True, type=float, help="Time to event: risk by this day. Can be given several times.")
@click.option("--out", type=_path, required=True, help="Table of predictions to write (TSV).")
def predict(
    model: Path, cohort: Path | None, results: Path | None, table: Path | None, days: tuple[float, ...], out: Path
) -> None:
    """Apply a saved model (train/models of the results) to other patients. Research use only.

    The patients are a COHORT with its --results, or a --table of the model's features. What is missing is filled with the
    training patients' mean and counted; so is what lies outside the training range.
    """
    from resistance import stages
    from resistance.tables import write_tsv

    if (cohort is None) == (table is None) or (cohort is None) != (results is None):
        raise click.UsageError("give COHORT.yaml with --results FOLDER, or --table FEATURES.tsv")
    if table is not None:
        found, notes = stages.apply_to_table(model, table, days)
    elif cohort is not None and results is not None:
        found, notes = stages.apply_to_cohort(model, cohort, results, days)
    write_tsv(found, out)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"wrote {out}: {len(found)} patients. Research use only.")


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


@cli.command()
@_cohort
@_results
@click.option("--batch", required=True, help="Name of the batch, such as reads_000 or controls.")
def pileup(cohort: Path, results: Path, batch: str) -> None:
    """Count the cohort's variants in the alignments of one batch of samples."""
    from resistance import stages

    stages.pileup(cohort, results, batch)


_stage("ctdna", "Quantify ctDNA, its change under treatment and emergent variants.")
_stage("classify", "Classify cell of origin and subtype by every method of the cohort file.")
_stage("matrix", "Match the marker statements: present, absent or not assessed.")
_stage("associate", "Write the analysis plan, then answer it.")
_stage("train", "Train and judge the prediction models of the cohort file.")
_stage("report", "Write the report, its tables and its provenance.")

cli.add_command(subtype)


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
