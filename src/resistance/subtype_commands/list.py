"""``resistance subtype list``: every classification method, where it is from, and whether its rule was verified."""

from __future__ import annotations

import json

import rich_click as click


@click.command("list")
@click.option("--kind", help="Only what classifies this: cell_of_origin, genetic, expression_class, risk.")
@click.option("--input", "input_", help="Only what reads this: ihc, nanostring, expression, genetic_features.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text, with genes and limits.")
def list_methods(kind: str | None, input_: str | None, as_json: bool) -> None:
    """List the methods: version, input, platforms, verified or not, citation."""
    from resistance.errors import InputError
    from resistance.subtype.method import INPUTS, KINDS
    from resistance.subtype.registry import METHODS

    for wanted, known, name in ((kind, KINDS, "--kind"), (input_, INPUTS, "--input")):
        if wanted is not None and wanted not in known:
            raise InputError("is none of them", column=name, value=wanted, remedy=f"There are: {', '.join(known)}.")
    chosen = [m for m in METHODS if kind in (None, m.kind) and input_ in (None, m.input)]
    if as_json:
        click.echo(json.dumps([method.record() for method in chosen], indent=2, ensure_ascii=False))
        return
    for method in chosen:
        classes = ", ".join(method.classes) or "as trained"
        click.echo(f"{method.name} {method.version}  {method.kind}: {classes}")
        if not method.verified:
            click.echo("    NOT VERIFIED: the rule was not compared with its source (needs 'unverified: true', or --unverified)")
        click.echo(f"    reads    {method.input}: {method.needs}")
        click.echo(f"    valid on {', '.join(method.platforms) or 'what it was trained on'}")
        click.echo(f"    limits   {method.limits}")
        click.echo(f"    source   {method.citation}")
    click.echo(f"{len(chosen)} methods. Research use only.")
