"""ctDNA content -> waterfall of each patient's deepest change, and the lengths of cell-free fragments."""

from __future__ import annotations

from typing import Any

from resistance.report.design import MUTED, RULE, colours
from resistance.report.figure import Figure, data, finish
from resistance.report.words import plural

_TOTAL, _HEIGHT = 900, 260
#: lengths of DNA on one and on two nucleosomes, bases
_NUCLEOSOMES = (167, 334)
#: bars that have a name below them
_NAMED = 45


def waterfall_figure(content: dict[str, Any]) -> Figure | None:
    """Return one bar per patient, best to the right; a bound (undetected) is hollow, with an arrow below."""
    import altair as alt

    bars: list[dict[str, Any]] = content["bars"]
    if not bars:
        return None
    groups = content["groups"]
    colour = colours(groups)
    rows = [
        {
            "p": bar["patient"],
            "g": bar["group"],
            "c": bar["change"],
            "k": bar["censored"],
            "t": f"{'at most ' if bar['censored'] else ''}{bar['change']:.2f} log10",
            "when": bar["timepoint"].replace("_", " "),
        }
        for bar in bars
    ]
    order = [row["p"] for row in rows]
    width = round(min(_TOTAL, max(320, 22 * len(rows))))
    x = alt.X("p:N", sort=order, scale=alt.Scale(domain=order, paddingInner=0.2)).axis(
        title=None if len(rows) <= _NAMED else "Patients", labels=len(rows) <= _NAMED, ticks=False, labelAngle=-60
    )
    low, high = min(-content["drop_log10"], *(row["c"] for row in rows)), max(0.0, *(row["c"] for row in rows))
    pad = 0.08 * (high - low or 1.0)
    y = alt.Y("c:Q", scale=alt.Scale(domain=[low - 2 * pad, high + pad], nice=False)).axis(
        title="Deepest change from baseline, log10"
    )
    scale = alt.Scale(domain=groups, range=[colour[g] for g in groups])
    legend = alt.Legend(title=None, orient="top", direction="horizontal") if len(groups) > 1 else None
    tooltip = [alt.Tooltip("p:N", title="patient"), alt.Tooltip("g:N", title="response"), alt.Tooltip("t:N", title="change"),
               alt.Tooltip("when:N", title="sample")]  # fmt: skip
    base = alt.Chart(data(rows))
    chart = alt.layer(
        base.mark_bar(strokeWidth=1.5).encode(
            x=x,
            y=y,
            stroke=alt.Stroke("g:N", scale=scale, legend=legend, sort=groups),
            fill=alt.Fill("g:N", scale=scale, legend=legend, sort=groups),
            fillOpacity=alt.condition("datum.k", alt.value(0.18), alt.value(0.95)),
            tooltip=tooltip,
        ),
        base.transform_filter("datum.k")
        .mark_point(shape="triangle-down", size=46, yOffset=7, filled=True, opacity=1)
        .encode(x=x, y=y, fill=alt.Fill("g:N", scale=scale, legend=legend, sort=groups), tooltip=tooltip),
        alt.Chart(data([{"d": -content["drop_log10"]}])).mark_rule(strokeDash=[5, 4], color=MUTED).encode(y="d:Q"),
        alt.Chart(data([{"d": 0}])).mark_rule(color=RULE).encode(y="d:Q"),
    ).properties(width=width, height=_HEIGHT)
    bounds = sum(row["k"] for row in rows)
    caption = (
        f"Deepest change of ctDNA before relapse in {plural(len(rows), 'patient')}. Pale bars with an arrow ({bounds:,}): not detected, the change "
        f"is at least this deep. Dashed: the drop that counts as molecular response ({content['drop_log10']:g} log10)."
    )
    words = "; ".join(f"{s['group']} median {s['median_change']:.2f} log10 in {s['patients']}" for s in content["summary"])
    return finish(chart, caption=caption, name="figure-ctdna-depth", alt_text=f"Waterfall of the change of ctDNA: {words}.")


def lengths_figure(content: list[dict[str, Any]]) -> Figure | None:
    """Return the mean histogram of fragment lengths of each material."""
    import altair as alt

    if not content:
        return None
    names = list(dict.fromkeys(row["material"] for row in content))
    colour = colours(names)
    rows = [{"l": row["length"], "s": 100 * row["share"], "m": row["material"].replace("_", " ")} for row in content]
    shown = [name.replace("_", " ") for name in names]
    scale = alt.Scale(domain=shown, range=[colour[name] for name in names])
    chart = alt.layer(
        alt.Chart(data([{"n": n} for n in _NUCLEOSOMES])).mark_rule(strokeDash=[4, 4], color=MUTED).encode(x="n:Q"),
        alt.Chart(data(rows))
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X("l:Q").axis(title="Fragment length, bases", grid=False),
            y=alt.Y("s:Q").axis(title="Share of fragments, %"),
            color=alt.Color("m:N", scale=scale, sort=shown, legend=alt.Legend(title=None, orient="top")),
        ),
    ).properties(width=560, height=200)
    peak = {m: max((r for r in rows if r["m"] == m), key=lambda r: (r["s"], -r["l"]))["l"] for m in shown}
    words = ", ".join(f"{m} peaks at {at} bases" for m, at in peak.items())
    return finish(
        chart,
        caption="Mean over the samples of each material. Dashed: DNA of one and of two nucleosomes (167 and 334 bases).",
        name="figure-fragment-lengths",
        alt_text=f"Fragment lengths: {words}.",
    )
