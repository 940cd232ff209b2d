"""``resistance subtype score``: an expression table -> scores that are no classes (NF-kB, IRF4, NK cells ...), or of own gene sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import rich_click as click
from click.core import ParameterSource

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)
#: as in resistance.subtype.gene_set_methods, which is not imported for --help
_METHODS = ("gsva", "ssgsea", "ssgsea_normalised", "plage", "zscore", "ulm", "mlm", "aucell")
#: options of one kind of score, which would say nothing about the other
_OF_SETS = {
    "method": "--method", "sets": "--set", "min_genes": "--min-genes", "max_genes": "--max-genes", "max_missing": "--max-missing",
}  # fmt: skip
_OF_PUBLISHED = {"names": "--name", "max_weight_missing": "--max-weight-missing"}


@click.command("score")
@click.argument("expression", type=_path, required=False)
@click.option("--out", type=_path, help="Table of scores to write (TSV).")
@click.option("--name", "names", multiple=True, help="Only this score. Can be given several times (default: all).")
@click.option("--gene-sets", type=_path, help="Score the sets of this GMT file instead (without EXPRESSION: list them).")
@click.option("--method", default="gsva", show_default=True, type=click.Choice(_METHODS), help="Of --gene-sets.")
@click.option("--set", "sets", multiple=True, help="Only this set of the file. Can be given several times.")
@click.option("--min-genes", default=10, show_default=True, type=click.IntRange(1), help="Fewest genes of a set in the table.")
@click.option("--max-genes", default=500, show_default=True, type=click.IntRange(1), help="Most genes of a set in the table.")
@click.option(
    "--max-missing",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of a set's genes that may be missing.",
)
@options.scale
@options.weight_missing
@options.samples_in_rows
@click.pass_context
def score(
    context: click.Context, expression: Path | None, out: Path | None, names: tuple[str, ...], unit: str, platform: str, max_weight_missing: float,
    samples_in_rows: bool, gene_sets: Path | None, method: str, sets: tuple[str, ...], min_genes: int, max_genes: int, max_missing: float,
) -> None:  # fmt: skip
    """Score the samples of EXPRESSION by published gene sets, or those of a GMT file; without EXPRESSION, list them. Research use only."""
    from resistance.subtype.published import load_scores

    given = {name for name in (*_OF_SETS, *_OF_PUBLISHED) if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    for flag in (word for name, word in _OF_SETS.items() if gene_sets is None and name in given):
        raise click.UsageError(f"{flag} is for the file that --gene-sets gives")
    for flag in (word for name, word in _OF_PUBLISHED.items() if gene_sets is not None and name in given):
        raise click.UsageError(f"{flag} is for the published scores, not for --gene-sets (there: --set, --max-missing)")
    if min_genes > max_genes:
        raise click.UsageError(f"--min-genes {min_genes} is above --max-genes {max_genes}")
    found_sets = None if gene_sets is None else _read(gene_sets, sets)
    if expression is None and found_sets is not None:
        for name, genes in found_sets.items():
            click.echo(f"{name}: {len(genes)} genes")
        click.echo(f"{len(found_sets)} gene sets")
        return
    if expression is None:
        for found in load_scores().values():
            click.echo(f"{found.name}  {found.title}: {len(found.weights)} genes, {found.scale}")
            if not found.verified:
                click.echo("    NOT VERIFIED: the list was not read in its source")
            click.echo(f"    source {found.source}" + (f"; {found.note}" if found.note else ""))
        _list_methods()
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
    if found_sets is None:
        table = score_expression(matrix, names or (ALL,), max_weight_missing=max_weight_missing)
    else:
        from resistance.subtype.gene_set_places import Bounds
        from resistance.subtype.gene_sets import score_gene_sets

        table = score_gene_sets(matrix, found_sets, method, Bounds(min_genes, max_genes, max_missing), where=str(expression))
    write_tsv(table, out)
    click.echo(f"wrote {out}: {table['name'].nunique()} scores of {table['sample_id'].nunique()} samples. Research use only.")
    for (name, note), n in table.dropna(subset="note").groupby(["name", "note"], sort=True).size().items():
        click.echo(f"note: {name}, {n} samples: {note}", err=True)


def _read(path: Path, wanted: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the sets that are wanted, and tell what was counted while reading."""
    from resistance.dropped import Dropped
    from resistance.read.gene_sets import read_gene_sets
    from resistance.subtype.gene_sets import choose_sets

    dropped = Dropped("classify")
    found = choose_sets(read_gene_sets(path, dropped).sets, wanted or None, where=str(path))
    for row in dropped.rows():
        click.echo(f"note: {row['n']} in {row['source']}: {row['reason']} ({row['example']})", err=True)
    return found


def _list_methods() -> None:
    from resistance.subtype.gene_set_methods import METHODS

    click.echo("Methods for --gene-sets:")
    for method in METHODS.values():
        depends = [word for word, is_so in (("samples", method.across_samples), ("sets", method.across_sets)) if is_so]
        click.echo(f"{method.name}  {method.title}" + ("; needs the extra 'genesets'" if method.library else ""))
        click.echo(f"    depends on the other {' and '.join(depends)}" if depends else "    a sample's score is its own")
        click.echo(f"    compared with {method.verified}; source {method.reference}")
