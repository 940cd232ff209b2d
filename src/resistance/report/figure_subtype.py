"""Subtype content -> response rate per class and method with exact intervals."""

from __future__ import annotations

from typing import Any

from resistance.report.design import ACCENT, MUTED
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
            name = f"{method['label']}: {c['subtype']}"
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
