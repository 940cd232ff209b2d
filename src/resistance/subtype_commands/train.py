"""``resistance subtype train``: one command per kind of model."""

from __future__ import annotations

import rich_click as click

from resistance.subtype_commands.train_expression import train_expression
from resistance.subtype_commands.train_genetic import train_genetic
from resistance.subtype_commands.train_mixture import train_mixture
from resistance.subtype_commands.train_self import train_self


@click.group()
def train() -> None:
    """Train a classifier on a table; the model is one JSON file."""


for _command in (*map(train_expression, ("lps", "ps", "prps")), train_self, train_genetic, train_mixture):
    train.add_command(_command)
