"""Options that several commands on expression share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

F = TypeVar("F", bound=Callable[..., Any])

MATRIX = "Genes in rows, one column per sample; TSV, CSV, XLSX or GCT, also .gz."


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
