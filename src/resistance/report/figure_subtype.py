"""Subtype content -> response rate per class and method with exact intervals, and scores with their cut-offs."""

from __future__ import annotations

from typing import Any

from resistance.report.design import ACCENT, INK, MUTED, colours
from resistance.report.figure import Figure, data, finish
from resistance.report.words import percent

_WIDTH = 380


def response_figure(content: dict[str, Any]) -> Figure | None:
    """Return the response rates, or None where nobody with a class is evaluable."""
    import altair as alt

    rows, words = [], []
    for method in content["methods"]:
        for c in method["classes"]:
            if not c["evaluable"]:
                continue
            name = f"{method['label']}: {c['subtype'].replace('_', ' ')}"
            text = f"{c['responders']}/{c['evaluable']}   {percent(c['rate'])} ({percent(c['low'])} to {percent(c['high'])})"
            rows.append({"row": name, "rate": c["rate"], "a": c["low"], "b": c["high"], "text": text})
            words.append(f"{name} {text}")
    if not rows:
        return None
    order = [row["row"] for row in rows]
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], title=content["response"])
    y = alt.Y("row:N", sort=order, scale=alt.Scale(domain=order), title=None).axis(ticks=False, domain=False, labelPadding=10)
    base = alt.Chart(data(rows))
    chart = alt.layer(
        base.mark_rule(strokeWidth=2, color=ACCENT).encode(x=alt.X("a:Q", scale=scale, axis=axis), x2="b:Q", y=y),
        base.mark_point(filled=True, size=80, color=ACCENT, opacity=1).encode(
            x=alt.X("rate:Q", scale=scale, axis=axis), y=y, tooltip=["row:N", "text:N"]
        ),
        base.mark_text(align="left").encode(x=alt.value(_WIDTH + 14), y=y, text="text:N"),
        alt.Chart(data([{"t": "Responders/evaluable, rate (95 % exact interval)"}]))
        .mark_text(align="left", baseline="bottom", color=MUTED)
        .encode(x=alt.value(_WIDTH + 14), y=alt.value(-4), text="t:N"),
    ).properties(width=_WIDTH, height=28 * len(order))
    return finish(
        chart,
        caption=f"{content['response']} by subtype and method.",
        name="figure-subtype",
        alt_text="Response rate by subtype: " + "; ".join(words) + ".",
    )


def scores_figure(scores: dict[str, Any]) -> Figure:
    """Return the histogram of one method's scores by call, with the scores at which its classes begin."""
    import altair as alt

    names = [level["name"] for level in scores["levels"]]
    palette = colours(names)
    edges = scores["edges"]
    rows = []
    for i in range(len(edges) - 1):
        below = 0
        for level in scores["levels"]:
            n = level["counts"][i]
            if n:
                rows.append({"x": edges[i], "x2": edges[i + 1], "y": below, "y2": below + n, "call": level["name"], "n": n})
                below += n
    x = alt.X("x:Q", title=f"Score of {scores['label']}", scale=alt.Scale(domain=[edges[0], edges[-1]], nice=True))
    bars = (
        alt.Chart(data(rows))
        .mark_rect(stroke="white", strokeWidth=0.5)
        .encode(
            x=x,
            x2="x2:Q",
            y=alt.Y("y:Q", title="Patients", axis=alt.Axis(tickMinStep=1, format="d")),
            y2="y2:Q",
            color=alt.Color(
                "call:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, range=[palette[name] for name in names]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["call:N", "n:Q"],
        )
    )
    layers = [bars]
    if scores["cuts"]:
        lines = alt.Chart(data([{"x": cut["score"], "text": f"{cut['name']} {cut['score']:.1f}"} for cut in scores["cuts"]]))
        layers.append(lines.mark_rule(color=INK, strokeDash=[4, 3]).encode(x="x:Q", tooltip=["text:N"]))
    counts = ", ".join(f"{level['name']} {sum(level['counts'])}" for level in scores["levels"])
    cuts = sorted(scores["cuts"], key=lambda cut: -cut["score"])
    at = "; ".join(f"{cut['name']} {'up to' if i else 'from'} {cut['score']:.1f}" for i, cut in enumerate(cuts))
    if at and not scores["published"]:
        at += " (the nearest scores seen here)"
    return finish(
        alt.layer(*layers).properties(width=520, height=150),
        caption=f"Scores of {scores['label']} in {scores['n']} patients{f'; called {at}' if at else ''}.",
        name=f"figure-scores-{scores['method'].replace(':', '-').replace('_', '-')}",
        alt_text=f"Histogram of the scores of {scores['label']} in {scores['n']} patients: {counts}{f'; called {at}' if at else ''}.",
    )
