"""``resistance subtype train genetic``: a labelled matrix of events -> a model as JSON, and what it is worth."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


@click.command("genetic")
@click.option("--matrix", type=_path, required=True, help="Coded events (0; 1 weak; 2 strong; 3 structural; NA): events in rows.")
@options.samples_in_rows
@click.option(
    "--labels", type=_path, required=True, help="Table of samples and classes; a column named like a class: how sure it is."
)
@options.label_columns
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--out", type=_path, required=True, help="Model to write (JSON).")
def train_genetic(
    matrix: Path, samples_in_rows: bool, labels: Path, sample_column: str | None, label_column: str | None, where: list[tuple[str, str]],
    seed: int, out: Path,
) -> None:  # fmt: skip
    """Train a classifier of genetic events on the samples that have a label; judge it by cross-validation."""
    from resistance.subtype import event_model
    from resistance.subtype.events import read_events
    from resistance.subtype.label_table import read_labels
    from resistance.tables import write_text

    events = read_events(matrix, samples_in_rows=samples_in_rows)
    given = read_labels(labels, sample=sample_column, label=label_column, where=where)
    model = event_model.train(
        events, given.of, membership=given.membership, seed=seed, source={"matrix": matrix.name, "labels": labels.name}
    )
    write_text(out, event_model.to_json(model))
    judged, training = model.judged, model.training
    counts = ", ".join(f"{name} {n}" for name, n in training["per_class"].items())
    click.echo(f"wrote {out}: {len(model.events)} events, {training['n']} samples ({counts})")
    lost = len(given.of) - training["n"]
    for n, words in (
        (training["without_label"], "samples of the matrix have no label"),
        (lost, "labelled samples are not in the matrix"),
    ):
        if n:
            click.echo(f"left out: {n} {words}")
    click.echo(f"cross-validated ({judged['folds']} folds, {judged['repeats']} times): accuracy {judged['accuracy']:.3f}, "
               f"log loss {judged['log_loss']:.3f}, calibration error {judged['expected_calibration_error']:.3f}")  # fmt: skip
    if judged["confidence_cut"] is not None:
        click.echo(f"from confidence {judged['confidence_cut']:.3f}: {judged['share_above_cut']:.1%} of samples, "
                   f"accuracy {judged['accuracy_above_cut']:.3f}")  # fmt: skip
    for new, old in list(events.renamed.items())[:10]:
        click.echo(f"note: {old} is {new} here")
    click.echo("Research use only.")
