"""Options that several commands on expression share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

F = TypeVar("F", bound=Callable[..., Any])

MATRIX = "Genes in rows, one column per sample; TSV, CSV, XLSX or GCT, also .gz."


def pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return COLUMN=VALUE as pairs; the value may hold a further '='."""
    wrong = [value for value in values if not all(value.partition("=")[::2])]
    if wrong:
        raise click.BadParameter(f"'{wrong[0]}' is not COLUMN=VALUE, such as set=Training")
    return [(value.partition("=")[0], value.partition("=")[2]) for value in values]


def label_columns(command: F) -> F:
    """Add --sample-column, --label-column (also as --sample and --label) and --where, which say how LABELS is read."""
    for option in (
        click.option("--where", multiple=True, metavar="COLUMN=VALUE", callback=pairs, help="LABELS: only these rows. Can be given several times."),
        click.option("--label-column", "--label", "label_column", metavar="COLUMN", help="LABELS: column of the class (default: label, class, subtype, group ...)."),
        click.option("--sample-column", "--sample", "sample_column", metavar="COLUMN", help="LABELS: column of the sample (default: sample_id, sample, id)."),
    ):  # fmt: skip
        command = option(command)
    return command


def samples_in_rows(command: F) -> F:
    """Add --samples-in-rows."""
    return click.option("--samples-in-rows", is_flag=True, help="The table has samples in rows.")(command)


def scale(command: F) -> F:
    """Add --unit and --platform."""
    command = click.option(
        "--platform",
        default="unspecified",
        show_default=True,
        help="What measured it: rnaseq, affymetrix ...; kept with every result.",
    )(command)
    return click.option(
        "--unit", type=click.Choice(["counts", "tpm", "log2"]), default="log2", show_default=True,
        help="What the numbers are; checked for plausibility, never guessed.",
    )(command)  # fmt: skip


def weight_missing(command: F) -> F:
    """Add --max-weight-missing."""
    return click.option(
        "--max-weight-missing", type=click.FloatRange(0, 1), default=0.2, show_default=True,
        help="Share of the score's weight that missing genes may have.",
    )(command)  # fmt: skip
