"""Forest content -> one chart per population and endpoint: ratio and interval on a log axis, crude beside adjusted, counts at the right."""

from __future__ import annotations

from typing import Any, Literal

from resistance.report.design import ACCENT, ADJUSTED, INK, MUTED
from resistance.report.figure import Figure, data, finish, slug
from resistance.report.words import interval, plural, ratio

_WIDTH = 440
#: ratios beyond these are drawn as an arrow at the edge; their numbers stand in words
_LOWEST, _HIGHEST = 0.02, 50.0
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_STYLE = {
    "crude": (ACCENT, "circle"),
    "adjusted": (ADJUSTED, "square"),
    "joint": (ACCENT, "square"),
    "interaction": (ACCENT, "diamond"),
}
_COLUMNS = (("carriers", "Carriers", 62), ("n", "n", 112), ("events", "Events", 196))
_EFFECT_AT = 222


def forest_figure(content: dict[str, Any]) -> Figure | None:
    """Return a forest plot, or None where no question has an estimate."""
    import altair as alt

    if not content["rows"]:
        return None
    models: list[str] = content["models"]
    step = 20 * len(models) + 8
    low, high = _limits(content)
    order = [row["label"] for row in content["rows"]]
    lines, arrows = [], []
    for row in content["rows"]:
        for model, e in row["estimates"].items():
            a, b = max(e["ratio_low"], low), min(e["ratio_high"], high)
            point = min(max(e["ratio"], low), high)
            beyond = e["ratio"] < low or e["ratio"] > high
            lines.append(
                {
                    "row": row["label"], "model": model, "a": min(a, high), "b": max(b, low), "ratio": None if beyond else point,
                    "words": f"{ratio(e['ratio'])} ({interval(e['ratio_low'], e['ratio_high'])})",
                }
            )  # fmt: skip
            arrows += [{"row": row["label"], "model": model, "at": low, "angle": 270}] if e["ratio_low"] < low else []
            arrows += [{"row": row["label"], "model": model, "at": high, "angle": 90}] if e["ratio_high"] > high else []
    counts = [{"row": row["label"], **{key: f"{row[key]:,}" for key, _, _ in _COLUMNS}} for row in content["rows"]]

    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(
        values=[t for t in _TICKS if low <= t <= high], format="~r", title=f"{content['scale']} (log scale)", grid=True
    )
    y = alt.Y("row:N", sort=order, scale=alt.Scale(domain=order), title=None).axis(ticks=False, domain=False, labelPadding=10)
    offset = (
        alt.YOffset("model:N", scale=alt.Scale(domain=models, paddingInner=0, paddingOuter=0.15))
        if len(models) > 1
        else alt.Undefined
    )
    legend = alt.Legend(title=None, orient="top", direction="horizontal") if len(models) > 1 else None
    colour = alt.Color("model:N", scale=alt.Scale(domain=models, range=[_STYLE[m][0] for m in models]), legend=legend)
    shape = alt.Shape("model:N", scale=alt.Scale(domain=models, range=[_STYLE[m][1] for m in models]), legend=legend)
    marks = {"y": y, "yOffset": offset, "color": colour}
    base = alt.Chart(data(lines))
    layers = [
        alt.Chart(data([{"one": 1}])).mark_rule(color=INK, strokeWidth=1).encode(x=alt.X("one:Q", scale=scale, axis=axis)),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("a:Q", scale=scale, axis=axis), x2="b:Q", **marks),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=alt.X("ratio:Q", scale=scale, axis=axis), shape=shape, tooltip=["row:N", "model:N", "words:N"], **marks
        ),
        alt.Chart(data(arrows))
        .mark_point(filled=True, size=60, shape="triangle-up", opacity=1)
        .encode(x=alt.X("at:Q", scale=scale, axis=axis), angle=alt.Angle("angle:Q", scale=None), **marks),
        base.mark_text(align="left", fontSize=12).encode(x=alt.value(_WIDTH + _EFFECT_AT), text="words:N", **marks),
    ]
    for key, name, at in _COLUMNS:
        layers.append(
            alt.Chart(data(counts))
            .mark_text(align="right", fontSize=12)
            .encode(x=alt.value(_WIDTH + at + 8), y=y, text=f"{key}:N")
        )
        layers.append(_heading(name if key != "events" else content["events_are"].capitalize(), _WIDTH + at + 8, "right"))
    layers.append(_heading("Ratio (95 % interval)", _WIDTH + _EFFECT_AT, "left"))
    chart = alt.layer(*layers).properties(width=_WIDTH, height=step * len(order))
    caption = "Rows by number of carriers. An arrow at the edge: the interval (without a point, the estimate too) lies beyond."
    if len(models) > 1:
        caption += " Counts are those of the crude model; the adjusted one has complete cases only (see the table of results)."
    if content["more_rows"]:
        caption += f" {plural(content['more_rows'], 'further row')} stand only in the table of results."
    clear = [
        r["label"] for r in content["rows"] if any(e["ratio_low"] > 1 or e["ratio_high"] < 1 for e in r["estimates"].values())
    ]
    alt_text = (
        f"Forest plot of {plural(len(order), 'row')} for {content['endpoint_label']}: {content['scale']}s with 95 % intervals. "
        + (f"The interval excludes 1 for {', '.join(clear[:8])}." if clear else "Every interval holds 1.")
    )
    name = slug("figure forest", content["kind"], content["name"] or "", content["population"], content["endpoint"])
    return finish(chart, caption=caption, name=name, alt_text=alt_text)


def _heading(text: str, at: int, align: Literal["left", "right"]) -> Any:
    import altair as alt

    return (
        alt.Chart(data([{"t": text}]))
        .mark_text(align=align, fontSize=12, color=MUTED, baseline="bottom")
        .encode(x=alt.value(at), y=alt.value(-4), text="t:N")
    )


def _limits(content: dict[str, Any]) -> tuple[float, float]:
    """Return the axis ends: the round numbers around all estimates and their intervals, within what can be read."""
    values = [v for row in content["rows"] for e in row["estimates"].values() for v in (e["ratio_low"], e["ratio_high"])]
    low = max([t for t in _TICKS if t <= min(values)], default=_LOWEST)
    high = min([t for t in _TICKS if t >= max(values)], default=_HIGHEST)
    return float(min(low, 0.5)), float(max(high, 2))
