"""``resistance subtype train prps-st``: an unlabelled expression table -> its own class means as a small JSON file."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


@click.command("prps-st")
@click.option("--expression", type=_path, required=True, help=options.MATRIX)
@click.option("--out", type=_path, required=True, help="Model to write (JSON).")
@options.scale
@options.weight_missing
@options.samples_in_rows
@click.option("--name", help="Name of the model (default: that of OUT).")
def train_self(
    expression: Path, out: Path, unit: str, platform: str, max_weight_missing: float, samples_in_rows: bool, name: str | None
) -> None:
    """Learn ABC and GCB from a cohort without labels (PRPS-ST, Wright's weights), to call further samples by it."""
    from dataclasses import replace

    from resistance.errors import InputError
    from resistance.subtype import prps_st_wright210
    from resistance.subtype.expression import merged_in_words
    from resistance.subtype_commands.tables_in import read_matrix

    table = read_matrix(expression, unit, platform, samples_in_rows=samples_in_rows)
    try:
        model = prps_st_wright210.train(table, name=name or out.stem, max_weight_missing=max_weight_missing)
    except InputError as error:
        raise InputError([replace(problem, path=str(expression)) for problem in error.problems]) from error
    model.write(out)
    facts = model.training
    samples = ", ".join(f"{n} {name}" for name, n in facts["samples"].items())
    click.echo(f"wrote {out}: PRPS-ST of {len(model.genes)} genes, learned from {samples} samples (digest {facts['digest']})")
    if table.merged:
        click.echo(f"note: {merged_in_words(table)}", err=True)
    for reason, n in facts["left_out"].items():
        click.echo(f"left out: {n} x {reason}", err=True)
    if facts["genes_missing"]:
        click.echo(
            f"note: {len(facts['genes_missing'])} genes with {facts['weight_missing']:.1%} of the weight are missing", err=True
        )
    click.echo("There are no labels, so nobody knows how many of these are right. Research use only.")
