"""``resistance subtype apply``: a trained model and a table -> calls; with labels, how many are right."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

_path = click.Path(path_type=Path)


@click.command("apply")
@click.argument("model", type=_path)
@click.argument("table", type=_path)
@click.option("--samples-in-rows", is_flag=True, help="TABLE has samples in rows (else events in rows).")
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Below it a sample is UNCLASSIFIED.")
@click.option("--labels", type=_path, help="TSV of known classes: prints the accuracy with its interval.")
@click.option("--sample", default="sample_id", show_default=True, help="Column of the samples in the labels.")
@click.option("--label", default="label", show_default=True, help="Column of the classes in the labels.")
@click.option("--out", type=_path, required=True, help="Table of calls to write (TSV).")
def apply(
    model: Path, table: Path, samples_in_rows: bool, min_confidence: float | None, labels: Path | None, sample: str, label: str, out: Path
) -> None:  # fmt: skip
    """Call the samples of TABLE by the trained MODEL. Research use only."""
    from resistance.subtype.events import read_table
    from resistance.subtype.saved import method_of_file
    from resistance.tables import write_tsv

    method = method_of_file(model, f"model:{model.stem}", min_confidence)
    frame = read_table(table)
    frame = frame.rename(columns={frame.columns[0]: "sample_id" if samples_in_rows else "event"})
    assert method.classify_table is not None
    calls = method.classify_table(frame)
    write_tsv(calls, out)
    counts = calls["subtype"].fillna("not called").value_counts(sort=False)
    click.echo(f"wrote {out}: {len(calls)} samples: {', '.join(f'{name} {counts[name]}' for name in sorted(counts.index))}")
    for name, n in sorted(calls["flags"].dropna().str.split(";").explode().value_counts().items()):
        click.echo(f"note: {n} x {str(name).replace('_', ' ')}", err=True)
    if labels is not None:
        from resistance.subtype.judge import judge
        from resistance.subtype.label_table import read_labels

        for line in judge(calls, read_labels(labels, sample=sample, label=label).of, method.classes, labels):
            click.echo(line)
    click.echo("Research use only.")
