"""The knowledge base."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.cli.options import path_type


@click.group()
def knowledge() -> None:
    """Statements on resistance and sensitivity, with grade and source."""


@knowledge.command("list")
@click.option("--gene", help="Only statements about this gene (older symbols are understood).")
@click.option("--kind", help="Only this kind of evidence (mutation, expression ...).")
@click.option("--direction", type=click.Choice(["resistance", "sensitivity", "neutral", "prognostic"]))
@click.option("--grade", help="Only these grades, such as ABC.")
@click.option("--verified", is_flag=True, help="Only statements that were read in their source.")
@click.option("--markers", type=path_type, help="A study's own markers.tsv, listed after the packaged one.")
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
@click.argument("markers", type=path_type, required=False)
def knowledge_validate(markers: Path | None) -> None:
    """Check the packaged tables, and a study's own MARKERS file."""
    from resistance import knowledge_show as show

    for line in show.validate(markers):
        click.echo(line)


@knowledge.command("export")
@click.option("--format", "form", type=click.Choice(["tsv", "json", "civic", "cbioportal-panel"]), required=True)
@click.option("--out", type=path_type, required=True, help="File to write.")
def knowledge_export_to(form: str, out: Path) -> None:
    """Write the statements for other tools."""
    from resistance import knowledge_export

    knowledge_export.export(form, out)
    click.echo(f"wrote {out}")
