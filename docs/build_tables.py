"""resistance.schemas -> docs/tables.md: the reference of every stage table.  Run it after a change of a schema."""

from __future__ import annotations

from pathlib import Path

from resistance import layout, schemas
from resistance.tables import Column, Schema, write_text

PAGE = Path(__file__).with_name("tables.md")
KINDS = {"text": "text", "integer": "whole number", "real": "number", "flag": "true / false"}
EXTRA = {"any": "Covariates follow, one column each.", "real": "One column per sample follows."}
HEAD = """\
# Tables between the stages

<!-- Written by docs/build_tables.py from resistance.schemas; do not edit by hand. -->

Every stage reads and writes these tables as Parquet below the results folder. NA means unknown; it is never
replaced by 0 or "wild type". Positions are 1-based, allele fractions 0..1, times in days. Columns marked
**required** are never NA. A key names the columns that identify a row.

```python
from resistance import schemas
from resistance.layout import read_stage

matrix = read_stage("results/my_cohort", "matrix", schemas.MATRIX)
```
"""


def page() -> str:
    """Return the text of the page."""
    stages: dict[str, list[str]] = {}
    for stage, tables in layout.STAGES.items():
        for schema in tables:
            stages.setdefault(schema.name, []).append(f"`{stage}/{schema.name}.parquet`")
    contents = ["| table | holds |", "|---|---|", *(f"| [{s.name}](#{s.name}) | {_cell(s.description)} |" for s in schemas.ALL)]
    return "\n".join([HEAD, *contents, "", *(_section(schema, stages.get(schema.name, [])) for schema in schemas.ALL)])


def _section(schema: Schema, places: list[str]) -> str:
    lines = [f"## {schema.name}", "", schema.description, ""]
    if places:
        lines += [f"Written to {' and '.join(places)}.", ""]
    if schema.key:
        lines += [f"Key: {', '.join(f'`{name}`' for name in schema.key)}.", ""]
    lines += ["| column | holds | meaning |", "|---|---|---|"]
    lines += [
        f"| `{c.name}`{' **required**' if c.required else ''} | {_holds(c)} | {_cell(c.description)} |" for c in schema.columns
    ]
    if schema.extra:
        lines += ["", EXTRA[schema.extra]]
    return "\n".join([*lines, ""])


def _holds(column: Column) -> str:
    if column.allowed:
        return ", ".join(f"`{value}`" for value in column.allowed)
    bounds = [f"from {column.low:g}"] if column.low is not None else []
    bounds += [f"to {column.high:g}"] if column.high is not None else []
    return " ".join([KINDS[column.kind], *bounds])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_text(PAGE, page())
