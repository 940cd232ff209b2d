"""The command group ``resistance subtype``: one file per command; each imports what it needs when it runs."""

from __future__ import annotations

import rich_click as click

from resistance.subtype_commands.apply import apply
from resistance.subtype_commands.call import call
from resistance.subtype_commands.list import list_methods
from resistance.subtype_commands.lymphgen import lymphgen
from resistance.subtype_commands.score import score
from resistance.subtype_commands.train import train


@click.group()
def subtype() -> None:
    """Cell of origin, genetic subtype and expression classes of a table, without a cohort.

    The stage of the workflow that classifies a cohort is `resistance classify`.
    """


for _command in (list_methods, call, train, apply, score, lymphgen):
    subtype.add_command(_command)
