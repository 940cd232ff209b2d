"""``resistance subtype apply``: a saved model and a table -> calls; with labels, how many are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


@click.command("apply")
@click.argument("model", type=_path, metavar="MODEL.json")
@click.argument("table", type=_path)
@click.option("--out", type=_path, required=True, help="Table of calls to write (TSV).")
@options.scale
@click.option(
    "--scaling", type=click.Choice(["model", "own"]),
    help="Expression. model: with the training set's numbers; own: each gene standardised by these samples (default: as published).",
)  # fmt: skip
@click.option(
    "--densities", type=click.Choice(["training", "sign"]),
    help="ps, prps: distributions of the score from the training, or from these scores above and below 0 (default: as published).",
)  # fmt: skip
@options.weight_missing
@options.samples_in_rows
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Genetic: below it a sample is UNCLASSIFIED.")
@click.option("--labels", type=_path, help="Table of known classes: prints the accuracy with its interval.")
@options.label_columns
def apply(
    model: Path, table: Path, out: Path, unit: str, platform: str, scaling: str | None, densities: str | None,
    max_weight_missing: float, samples_in_rows: bool, min_confidence: float | None, labels: Path | None,
    sample_column: str | None, label_column: str | None, where: list[tuple[str, str]],
) -> None:  # fmt: skip
    """Call the samples of TABLE by a MODEL of `resistance subtype train`. Research use only.

    A model of expression takes genes in rows, a genetic one coded events in rows. A single sample can be called where the
    model scales by its training set (all but 'own'); it is as comparable as its platform and normalisation are.
    """
    from resistance.subtype import model as expression_model
    from resistance.subtype.saved_json import format_of
    from resistance.tables import write_tsv

    if format_of(model) == expression_model.FORMAT:
        if min_confidence is not None:
            raise click.UsageError("--min-confidence belongs to genetic models; this is one of expression")
        how = (scaling, densities, max_weight_missing)
        calls, classes, words, notes = _expression(model, table, unit, platform, how, samples_in_rows)
    else:
        if scaling is not None or densities is not None:
            raise click.UsageError("--scaling and --densities belong to models of expression; this is another one")
        calls, classes, words, notes = _genetic(model, table, samples_in_rows, min_confidence)
    write_tsv(calls, out)
    counts = calls["subtype"].fillna("not called").value_counts(sort=False)
    told = ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (item[0] == "not called", item[0])))
    click.echo(f"wrote {out}: {len(calls)} samples by {words}: {told}. Research use only.")
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for name, n in sorted(calls["flags"].dropna().str.split(";").explode().value_counts().items()):
        click.echo(f"note: {n} x {str(name).replace('_', ' ')}", err=True)
    if labels is not None:
        from resistance.subtype.judge import judge
        from resistance.subtype.label_table import read_labels

        for line in judge(calls, read_labels(labels, sample=sample_column, label=label_column, where=where).of, classes, labels):
            click.echo(line)


def _expression(
    path: Path, table: Path, unit: str, platform: str, how: tuple[str | None, str | None, float], samples_in_rows: bool
) -> tuple[Any, tuple[str, ...], str, list[str]]:
    from resistance.errors import InputError
    from resistance.subtype.apply_model import Options, apply_model, lost_share
    from resistance.subtype.expression import merged_in_words
    from resistance.subtype.model import read_model
    from resistance.subtype_commands.tables_in import read_matrix

    scaling, densities, most = how
    trained = read_model(path)
    matrix = read_matrix(table, unit, platform, samples_in_rows=samples_in_rows)
    lost, share, words = lost_share(trained, matrix, most)
    if share > most:
        raise InputError(
            words, path=table,
            remedy="Give the whole table by the names that the model was trained with, or raise --max-weight-missing knowingly.",
        )  # fmt: skip
    calls = apply_model(trained, matrix, Options(scaling, densities, most))
    notes = [merged_in_words(matrix)] if matrix.merged else []
    return calls, trained.classes, f"{trained.name} ({trained.rule})", [*notes, *([words] if lost else [])]


def _genetic(
    path: Path, table: Path, samples_in_rows: bool, min_confidence: float | None
) -> tuple[Any, tuple[str, ...], str, list[str]]:
    from dataclasses import replace

    from resistance.errors import InputError
    from resistance.subtype.saved import method_of_file
    from resistance.subtype.text_table import read_table

    method = method_of_file(path, f"model:{path.stem}", min_confidence)
    frame = read_table(table)
    frame = frame.rename(columns={frame.columns[0]: "sample_id" if samples_in_rows else "event"})
    if method.classify_table is None:  # every saved model takes a table
        raise TypeError(method.name)
    try:
        return method.classify_table(frame), method.classes, method.name, []
    except InputError as error:
        raise InputError([p if p.path is not None else replace(p, path=str(table)) for p in error.problems]) from error
