"""Survival content -> curves (Kaplan-Meier or cumulative incidence) with band, censoring marks and the risk table below."""

from __future__ import annotations

from typing import Any

from resistance.report.design import DASHES, FIXED, INK, series
from resistance.report.figure import Figure, data, finish, slug
from resistance.report.words import months, percent, plural

_WIDTH, _HEIGHT, _LEFT = 352, 240, 192


def survival_figure(content: dict[str, Any]) -> Figure:
    """Return the curves of one figure, each with its own colour and dash."""
    import altair as alt

    groups: list[dict[str, Any]] = content["groups"]
    names = [group["name"] for group in groups]
    colour = _colours(names)
    hue_of = dict(zip(names, colour, strict=True))
    last = max(point["months"] for group in groups for point in group["points"])
    end = max(last, content["ticks"][-1])
    shows = content["shows"]
    points = [
        {"g": g["name"], "c": hue_of[g["name"]], "t": p["months"], "s": p[shows], "lo": p["low"], "hi": p["high"]}
        for g in groups
        for p in g["points"]
    ]
    marks = [{"g": g["name"], "c": hue_of[g["name"]], "t": p["months"], "s": p[shows]} for g in groups for p in g["censored"]]
    risk = [{"g": g["name"], "t": t, "n": f"{n:,}"} for g in groups for t, n in zip(content["ticks"], g["at_risk"], strict=True)]

    scale = alt.Scale(domain=[0, end], nice=False)
    x = alt.X("t:Q", scale=scale).axis(values=content["ticks"], format="d", title=f"Months from {content['origin']}", grid=False)
    y = alt.Y("s:Q", scale=alt.Scale(domain=[0, 1])).axis(
        format=".0%",
        values=[0, 0.25, 0.5, 0.75, 1],
        title="Event-free" if shows == "survival" else "Cumulative incidence",
        minExtent=_LEFT,
        maxExtent=_LEFT,
        titleX=-58,
    )
    legend = (
        alt.Legend(
            title=None,
            orient="top",
            direction="horizontal",
            columns=1 if max(map(len, names)) > 16 else 3,
            symbolSize=500,
            symbolOpacity=1,
            symbolType="stroke",
        )
        if len(names) > 1
        else None
    )
    hue = alt.Color("g:N", sort=names, scale=alt.Scale(domain=names, range=colour), legend=legend)
    dash = alt.StrokeDash(
        "g:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[list(DASHES[i % len(DASHES)]) for i in range(len(names))]),
        legend=legend,
    )
    # colours from the data: a second use of the scale would fade or double the legend
    own = alt.Color("c:N", scale=None)
    curves = alt.layer(
        alt.Chart(data(points))
        .mark_area(interpolate="step-after", fillOpacity=0.14 if len(names) < 3 else 0.09)
        .encode(x=x, y=alt.Y("lo:Q", scale=alt.Scale(domain=[0, 1])), y2="hi:Q", color=own),
        alt.Chart(data(points)).mark_line(interpolate="step-after", strokeWidth=2).encode(x=x, y=y, color=hue, strokeDash=dash),
        alt.Chart(data(marks)).mark_tick(orient="vertical", size=8, thickness=1.2).encode(x=x, y=y, color=own),
    ).properties(width=_WIDTH, height=_HEIGHT)
    rows = alt.Y("g:N", sort=names, scale=alt.Scale(domain=names)).axis(
        title=None, ticks=False, domain=False, minExtent=_LEFT, maxExtent=_LEFT, labelLimit=_LEFT - 18, labelPadding=16
    )
    table = (
        alt.Chart(
            data(risk),
            title=alt.TitleParams(
                "At risk", anchor="start", frame="group", fontSize=12, fontWeight="normal", color=INK, offset=4, dx=0
            ),
        )
        .mark_text(fontSize=12)
        .encode(x=alt.X("t:Q", scale=scale, axis=None), y=rows, text="n:N")
        .properties(width=_WIDTH, height=18 * len(names))
    )
    chart = alt.vconcat(curves, table, spacing=8)
    by = f" by {content['by']}" if content["by"] else ""
    said = _median if shows == "survival" else _incidence
    words = "; ".join(f"{g['name']}: {plural(g['n'], 'patient')}, {plural(g['events'], 'event')}, {said(g)}" for g in groups)
    caption = f"{content['population_label']}. Band: 95 % interval; ticks: censored."
    if shows == "incidence":
        caption += " Cumulative incidence (Aalen-Johansen): competing events end the risk, they are not censored."
    if content["late"]:
        caption += f" {plural(content['late'], 'patient')} at risk only from the day of entry."
    what = "Kaplan-Meier curves" if shows == "survival" else "Cumulative incidence"
    return finish(
        chart,
        caption=caption,
        name=slug("figure survival", content["endpoint"], content["by"], content["population"]),
        alt_text=f"{what} of {content['endpoint_label']}{by}. {words}.",
    )


def _median(group: dict[str, Any]) -> str:
    days = group["median_days"]
    return "median " + (f"{months(days)} months" if days is not None else "not reached")


def _incidence(group: dict[str, Any]) -> str:
    return f"{percent(group['incidence_at'])} by month {group['at_months']:g}"


def _colours(names: list[str]) -> list[str]:
    """Return a colour per curve: the clinic's own where every name has a different one, else the series."""
    fixed = [FIXED.get(name) for name in names]
    known = [c for c in fixed if c is not None]
    if len(known) == len(names) and len(set(known)) == len(known):
        return known
    return series(names)
