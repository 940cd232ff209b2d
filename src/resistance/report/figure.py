"""A chart -> a figure of the page: its Vega-Lite specification with pinned names, title, and words for those who cannot see it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from resistance.report.design import FONT, INK, MUTED, RULE


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    Parameters
    ----------
    name : str
        Stable identifier, used as the element's id.
    caption : str
        What is drawn, of how many.
    alt : str
        What a reader without the picture needs to know.
    spec : dict
        Vega-Lite specification, data inside.
    """

    name: str
    caption: str
    alt: str
    spec: dict[str, Any]


def slug(*words: str) -> str:
    """Return words as an element id: lower case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def data(rows: list[dict[str, Any]]) -> Any:
    """Return rows as data inside the specification."""
    import altair as alt

    return alt.InlineData(values=rows)


def finish(chart: Any, *, caption: str, name: str, alt_text: str) -> Figure:
    """Turn an altair chart into a figure whose specification is the same in every run."""
    import altair as alt

    with alt.data_transformers.enable("default", consolidate_datasets=False, max_rows=None):
        spec = chart.properties(background="transparent").to_dict()
    spec.pop("$schema", None)  # an address; the page carries the library itself
    spec["description"] = alt_text
    spec["config"] = _CONFIG
    return Figure(name, caption, alt_text, spec)


_TEXT = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": 12, "titleFontSize": 12, "labelColor": INK, "titleColor": MUTED}
_CONFIG: dict[str, Any] = {
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        **_TEXT,
        "titleFontWeight": "normal",
        "domainColor": MUTED,
        "tickColor": MUTED,
        "gridColor": RULE,
        "labelLimit": 260,
    },
    "legend": {**_TEXT, "titleFontWeight": "normal", "symbolStrokeWidth": 2, "labelLimit": 260},
    "header": {**_TEXT, "labelFontWeight": "bold"},
    "text": {"font": FONT, "fontSize": 12, "color": INK},
    "concat": {"spacing": 14},
}
