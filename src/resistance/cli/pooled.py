"""Results of several cohorts or studies, and other patients: meta-analysis, a saved model applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from resistance.cli.options import path_type


@click.command()
@click.argument("tables", nargs=-1, type=path_type, metavar="[TABLE.tsv]...")
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
@click.option("--out", type=path_type, help="Table to write (TSV).")
@click.option("--forest", type=path_type, help="Forest plot to write (SVG).")
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


@click.command()
@click.argument("model", type=path_type, metavar="MODEL.json")
@click.argument("cohort", type=path_type, metavar="[COHORT.yaml]", required=False)
@click.option("--results", type=path_type, help="COHORT: folder of its results (stages up to matrix).")
@click.option("--table", type=path_type, help="Instead of a cohort: TSV with patient_id and the model's features.")
@click.option("--days", "days", multiple=True, type=float, help="Time to event: risk by this day. Can be given several times.")
@click.option("--out", type=path_type, required=True, help="Table of predictions to write (TSV).")
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
