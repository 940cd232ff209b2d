"""``resistance subtype apply``: a saved model and an expression table -> calls."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


@click.command("apply")
@click.argument("model", type=_path, metavar="MODEL.json")
@click.argument("expression", type=_path)
@click.option("--out", type=_path, required=True, help="Table of calls to write (TSV).")
@options.scale
@click.option(
    "--scaling", type=click.Choice(["model", "own"]),
    help="model: with the training set's numbers; own: each gene standardised by these samples (default: as published).",
)  # fmt: skip
@click.option(
    "--densities", type=click.Choice(["training", "sign"]),
    help="ps, prps: distributions of the score from the training, or from these scores above and below 0 (default: as published).",
)  # fmt: skip
@options.weight_missing
def apply(
    model: Path, expression: Path, out: Path, unit: str, platform: str, scaling: str | None, densities: str | None,
    max_weight_missing: float,
) -> None:  # fmt: skip
    """Call the samples of EXPRESSION by a MODEL of `resistance subtype train`. Research use only.

    A single sample can be called where the model scales by its training set (all but 'own'); it is as comparable as its
    platform and normalisation are.
    """
    from resistance.errors import InputError
    from resistance.subtype.apply_model import Options, apply_model, lost_share
    from resistance.subtype.expression import merged_in_words
    from resistance.subtype.model import read_model
    from resistance.subtype_commands.tables_in import read_matrix
    from resistance.tables import write_tsv

    trained = read_model(model)
    table = read_matrix(expression, unit, platform)
    lost, share, words = lost_share(trained, table, max_weight_missing)
    if share > max_weight_missing:
        raise InputError(
            words, path=expression,
            remedy="Give the whole table by the names that the model was trained with, or raise --max-weight-missing knowingly.",
        )  # fmt: skip
    calls = apply_model(trained, table, Options(scaling, densities, max_weight_missing))
    write_tsv(calls, out)
    counts = calls["subtype"].fillna("not called").value_counts(sort=False)
    told = ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (item[0] == "not called", item[0])))
    click.echo(f"wrote {out}: {len(calls)} samples by {trained.name} ({trained.rule}): {told}. Research use only.")
    if table.merged:
        click.echo(f"note: {merged_in_words(table)}", err=True)
    if lost:
        click.echo(f"note: {words}", err=True)
    for name, n in sorted(calls["flags"].dropna().str.split(";").explode().value_counts().items()):
        click.echo(f"note: {n} x {name}", err=True)
