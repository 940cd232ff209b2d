"""Table 1's numbers -> its HTML, made with great-tables under an id of its own (so the bytes are the same in every run)."""

from __future__ import annotations

import re
from typing import Any

from resistance.report.words import NOT_KNOWN, number, percent


def table_one_html(content: dict[str, Any]) -> str:
    """Return table 1 as an HTML table: characteristics in row groups, one column per response group."""
    import great_tables as gt
    import pandas as pd

    names = [f"c{i}" for i in range(len(content["columns"]))]
    rows = []
    for entry in content["rows"]:
        smd = "" if entry["smd"] is None else f"{abs(entry['smd']):.2f}"
        if entry["kind"] == "number":
            cells = [_quartiles(cell) for cell in entry["cells"]]
            rows.append(
                {"group": entry["variable"], "level": "median (quartiles)", **dict(zip(names, cells, strict=True)), "smd": smd}
            )
        else:
            for i, (level, cells) in enumerate(zip(entry["levels"], entry["cells"], strict=True)):
                shown = [f"{c['n']:,} ({percent(c['n'] / c['of'])})" if c["of"] else NOT_KNOWN for c in cells]
                rows.append(
                    {"group": entry["variable"], "level": level, **dict(zip(names, shown, strict=True)), "smd": "" if i else smd}
                )
        if any(entry["missing"]):
            shown = [f"{n:,}" for n in entry["missing"]]
            rows.append({"group": entry["variable"], "level": "not known", **dict(zip(names, shown, strict=True)), "smd": ""})
    columns = ["group", "level", *names, *(["smd"] if content["compared"] else [])]
    frame = pd.DataFrame(rows, columns=columns)
    heads: dict[str, Any] = {
        name: gt.html(f"{_escape(c['name'])}<br>n = {c['n']:,}") for name, c in zip(names, content["columns"], strict=True)
    }
    table = gt.GT(frame, rowname_col="level", groupname_col="group", id="table-one").cols_label(level="", **heads)
    if content["compared"]:
        table = table.cols_label(smd=gt.html("Standardised<br>difference")).cols_align("right", columns="smd")
    table = table.cols_align("right", columns=names)
    # its style sheet also names bare td and tr, which would reach every other table of the page: the page brings its own
    text = re.sub(r"<style>.*?</style>\n?", "", str(table.as_raw_html(inline_css=False)), flags=re.DOTALL)
    caption = "Characteristics of the patients" + (f" by {_escape(content['by'])}" if content["by"] else "")
    # great-tables knows no <caption>, which a screen reader announces before the table
    return text.replace("<thead>", f"<caption>{caption}. Percentages are of those known.</caption>\n<thead>", 1)


def _quartiles(cell: dict[str, Any]) -> str:
    if not cell["n"]:
        return NOT_KNOWN
    return f"{number(cell['median'])} ({number(cell['q1'])} to {number(cell['q3'])})"


def _escape(text: str) -> str:
    from html import escape

    return escape(str(text))
