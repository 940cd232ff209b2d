"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

path_type = click.Path(path_type=Path)
cohort_argument = click.argument("cohort", type=path_type, metavar="COHORT.yaml")
results_option = click.option("--results", type=path_type, required=True, help="Folder of this cohort's results.")
