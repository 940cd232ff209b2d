"""``resistance subtype score``: an expression table -> scores that are no classes (NF-kB, IRF4, NK cells ...)."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


@click.command("score")
@click.argument("expression", type=_path, required=False)
@click.option("--out", type=_path, help="Table of scores to write (TSV).")
@click.option("--name", "names", multiple=True, help="Only this score. Can be given several times (default: all).")
@options.scale
@options.weight_missing
@options.samples_in_rows
def score(
    expression: Path | None, out: Path | None, names: tuple[str, ...], unit: str, platform: str, max_weight_missing: float,
    samples_in_rows: bool,
) -> None:  # fmt: skip
    """Score the samples of EXPRESSION by published gene sets; without EXPRESSION, list the scores. Research use only."""
    from resistance.subtype.published import load_scores

    if expression is None:
        for found in load_scores().values():
            click.echo(f"{found.name}  {found.title}: {len(found.weights)} genes, {found.scale}")
            if not found.verified:
                click.echo("    NOT VERIFIED: the list was not read in its source")
            click.echo(f"    source {found.source}" + (f"; {found.note}" if found.note else ""))
        return
    if out is None:
        raise click.UsageError("say with --out where the scores go")
    from resistance.subtype.expression import merged_in_words
    from resistance.subtype.expression_scores import ALL, score_expression
    from resistance.subtype_commands.tables_in import read_matrix
    from resistance.tables import write_tsv

    matrix = read_matrix(expression, unit, platform, samples_in_rows=samples_in_rows)
    if matrix.merged:
        click.echo(f"note: {merged_in_words(matrix)}", err=True)
    table = score_expression(matrix, names or (ALL,), max_weight_missing=max_weight_missing)
    write_tsv(table, out)
    click.echo(f"wrote {out}: {table['name'].nunique()} scores of {table['sample_id'].nunique()} samples. Research use only.")
    for (name, note), n in table.dropna(subset="note").groupby(["name", "note"], sort=True).size().items():
        click.echo(f"note: {name}, {n} samples: {note}", err=True)
