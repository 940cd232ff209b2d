"""Oncoprint content -> one chart: clinical tracks above marker rows, three states that differ in shape as well as in colour.

Present is a tall dark cell, absent the pale band of the row, not assessed a gap with a thin line.
Patients stand on a numeric axis: a band axis of thousands of names overflows the browser.
"""

from __future__ import annotations

from typing import Any

from resistance.report.design import ACCENT, INK, MUTED, PALE, UNKNOWN, colours, is_dark
from resistance.report.figure import Figure, data, finish
from resistance.report.words import percent, plural

_WIDTH = 800
_STEP = 21
#: narrower cells than this get no white line between them
_GAP_FROM = 4.0
_UNKNOWN_LEVELS = ("not known", "Not evaluable")


def track_colours(tracks: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the colours of every track's levels, by track; what is not known stays white."""
    out: dict[str, dict[str, str]] = {}
    used: list[str] = []
    for track in tracks:
        known = [level for level in track["levels"] if level not in _UNKNOWN_LEVELS]
        found = colours(known, used)
        used += found.values()
        out[track["name"]] = {**found, **dict.fromkeys((x for x in track["levels"] if x in _UNKNOWN_LEVELS), UNKNOWN)}
    return out


def oncoprint_figure(content: dict[str, Any], *, what: str = "marker") -> Figure | None:
    """Return the oncoprint of markers, or of pathways (`what`); None where nothing is present in anybody.

    At the right of a marker stands its share of those assessed; of a pathway only the number of
    patients, since a pathway is rarely known to be absent and a share of the assessed would mislead.
    """
    import altair as alt

    if not content["rows"] or not content["patients"]:
        return None
    patients: list[str] = content["patients"]
    n = len(patients)
    cell = min(24.0, _WIDTH / n)
    width = round(cell * n, 2)
    x: dict[str, Any] = {"scale": alt.Scale(domain=[0, n], nice=False, zero=False), "axis": None}
    keys = _unique([row["label"] for row in content["rows"]])
    order = [*[t["name"] for t in content["tracks"]], *([" "] if content["tracks"] else []), *keys]
    y = alt.Y("row:N", sort=order, scale=alt.Scale(domain=order, paddingInner=0.14, paddingOuter=0), title=None).axis(
        ticks=False, domain=False, labelPadding=8, labelLimit=230
    )

    tracks, words = [], []
    of_track = track_colours(content["tracks"])
    for track in content["tracks"]:
        colour = of_track[track["name"]]
        for run in track["runs"]:
            tracks.append(
                {
                    "row": track["name"],
                    "a": run["from"],
                    "b": run["to"],
                    "level": run["level"],
                    "colour": colour[run["level"]],
                    "edge": "#9aa5b1" if run["level"] in _UNKNOWN_LEVELS else "#ffffff" if cell >= 2 else colour[run["level"]],
                }
            )
            if (run["to"] - run["from"]) * cell >= 7.0 * len(run["level"]) + 6:
                dark = is_dark(colour[run["level"]])
                words.append(
                    {
                        "row": track["name"],
                        "a": (run["from"] + run["to"]) / 2,
                        "level": run["level"],
                        "colour": "#ffffff" if dark else INK,
                    }
                )
    bands, gaps, cells, totals = [], [], [], []
    for key, row in zip(keys, content["rows"], strict=True):
        bands.append({"row": key, "a": 0, "b": n})
        gaps += [{"row": key, "a": a, "b": b} for a, b in row["runs"]["not_assessed"]]
        cells += [
            {"row": key, "a": i, "b": i + 1, "patient": patients[i]} for a, b in row["runs"]["present"] for i in range(a, b)
        ]
        share = f"{percent(row['fraction'])}  {row['present']}/{row['assessed']}" if what == "marker" else f"{row['present']:,}"
        totals.append({"row": key, "text": share})

    span = {"x": alt.X("a:Q", **x), "x2": "b:Q", "y": y}
    layers = [
        alt.Chart(data(bands)).mark_rect(color=PALE).encode(**span),
        alt.Chart(data(gaps)).mark_rect(color="#ffffff").encode(**span),
    ]
    if cell >= _GAP_FROM:
        lines = [{"a": i} for i in range(1, n)]
        layers.append(alt.Chart(data(lines)).mark_rule(color="#ffffff", strokeWidth=1).encode(x=alt.X("a:Q", **x)))
    layers += [
        alt.Chart(data(gaps)).mark_bar(color=MUTED, size=1.2).encode(**span),
        alt.Chart(data(cells))
        .mark_rect(color=ACCENT, stroke=ACCENT if cell < 2 else "#ffffff", strokeWidth=0.8)
        .encode(**span, tooltip=[alt.Tooltip("row:N", title=what), alt.Tooltip("patient:N")]),
        alt.Chart(data(tracks))
        .mark_rect(strokeWidth=0.7)
        .encode(
            **span,
            color=alt.Color("colour:N", scale=None),
            stroke=alt.Stroke("edge:N", scale=None),
            tooltip=[alt.Tooltip("row:N", title="track"), alt.Tooltip("level:N")],
        ),
        alt.Chart(data(words))
        .mark_text(fontSize=11, fontWeight=600)
        .encode(x=alt.X("a:Q", **x), y=y, text="level:N", color=alt.Color("colour:N", scale=None)),
        alt.Chart(data(totals)).mark_text(align="left", fontSize=12).encode(x=alt.value(width + 10), y=y, text="text:N"),
    ]
    unassessed = sum(1 for row in content["rows"] if row["runs"]["not_assessed"])
    top = ", ".join(f"{row['label']} {percent(row['fraction'])}" for row in content["rows"][:5])  # of pathways: of all patients
    by = " , then ".join(t["name"].lower() for t in content["tracks"]).replace(" ,", ",")
    caption = (
        f"{plural(n, 'patient')}, one column each"
        + (f", ordered by {by}." if by else ".")
        + (
            " At the right: share of those assessed, present/assessed."
            if what == "marker"
            else " At the right: patients altered. A gap: none altered, and not every gene was assessed."
        )
    )
    alt_text = (
        f"Oncoprint of {plural(len(keys), what)} in {plural(n, 'patient')}. {'Most frequent of those assessed' if what == 'marker' else 'Share of all patients'}: {top}. "
        f"{plural(unassessed, 'row')} with patients in whom the {what} was not assessed."
    )
    chart = alt.layer(*layers).properties(width=width, height={"step": _STEP})
    return finish(chart, caption=caption, name="figure-oncoprint" if what == "marker" else f"figure-{what}s", alt_text=alt_text)


def _unique(labels: list[str]) -> list[str]:
    """Number labels that occur twice, so that each row has its own place."""
    out: list[str] = []
    for label in labels:
        name, i = label, 2
        while name in out:
            name, i = f"{label} ({i})", i + 1
        out.append(name)
    return out
