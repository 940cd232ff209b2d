"""``resistance subtype train lps|ps|prps``: a labelled expression table -> a classifier as a small JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


def train_expression(rule: str) -> click.Command:
    """Return the command that trains by one rule: lps, ps or prps."""

    @click.command(rule, help=f"Train a classifier of two classes by {rule.upper()} on expression.")
    @click.option("--expression", type=_path, required=True, help=options.MATRIX)
    @click.option("--labels", type=_path, required=True, help="Table with the class of each sample.")
    @click.option("--out", type=_path, required=True, help="Model to write (JSON).")
    @options.scale
    @options.label_columns
    @options.samples_in_rows
    @click.option(
        "--classes", metavar="HIGH,LOW", help="The two classes; the first scores high (default: in the order of the alphabet)."
    )
    @click.option(
        "--genes", type=click.IntRange(1), default=100, show_default=True, help="Genes of the score, by false discovery rate."
    )
    @click.option("--gene-list", type=_path, help="These genes instead: a file with one a line.")
    @click.option(
        "--scaling", type=click.Choice(["none", "standardise", "reference_sample", "quantile"]),
        help="How new samples are brought to this set's scale (default: none; ps standardises).",
    )  # fmt: skip
    @click.option("--cut", type=float, default=0.9, show_default=True, help="Probability from which a class is called.")
    @click.option(
        "--folds", type=click.IntRange(0), default=5, show_default=True, help="Parts of the cross-validation; 0 for none."
    )
    @click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the assignment to parts.")
    @click.option("--name", help="Name of the model (default: that of OUT).")
    def train(
        expression: Path, labels: Path, out: Path, unit: str, platform: str, sample_column: str | None, label_column: str | None,
        where: list[tuple[str, str]], samples_in_rows: bool, classes: str | None, genes: int, gene_list: Path | None, scaling: str | None, cut: float, folds: int,
        seed: int, name: str | None,
    ) -> None:  # fmt: skip
        from resistance.subtype.expression import merged_in_words
        from resistance.subtype.train_model import train_model
        from resistance.subtype_commands.tables_in import read_labels, read_matrix

        table = read_matrix(expression, unit, platform, samples_in_rows=samples_in_rows)
        of = read_labels(labels, sample=sample_column, label=label_column, where=where)
        model = train_model(
            table, of, rule, name=name or out.stem, classes=None if classes is None else [part.strip() for part in classes.split(",")],
            n_genes=genes, genes=None if gene_list is None else _lines(gene_list), scaling=scaling, cut=cut, folds=folds, seed=seed,
        )  # fmt: skip
        model.write(out)
        facts = model.training
        samples = ", ".join(f"{n} {name}" for name, n in facts["samples"].items())
        click.echo(f"wrote {out}: {rule} of {len(model.genes)} genes, trained on {samples} (digest {facts['digest']})")
        if table.merged:
            click.echo(f"note: {merged_in_words(table)}", err=True)
        for reason, n in facts["left_out"].items():
            click.echo(f"left out: {n} x {reason}", err=True)
        click.echo(f"on the training samples themselves: {_words(facts['apparent'])}")
        crossed = facts["cross_validated"]
        if crossed:
            click.echo(f"left out in turn ({crossed.get('folds', 0)} parts): {_words(crossed)}")
        click.echo("Research use only.")

    return train


def _words(found: dict[str, Any]) -> str:
    if "note" in found:
        return str(found["note"])
    return f"{found['right']} right, {found['wrong']} wrong, {found['unclassified']} unclassified"


def _lines(path: Path) -> list[str]:
    from resistance.errors import InputError

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (FileNotFoundError, UnicodeDecodeError, IsADirectoryError) as error:
        raise InputError("the list of genes cannot be read", path=path, remedy="UTF-8 text, one gene a line.") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
