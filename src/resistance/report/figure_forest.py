"""Forest content -> one chart per population and endpoint: effect and interval, estimates side by side, counts at the right."""

from __future__ import annotations

from typing import Any, Literal

from resistance.report.design import ACCENT, ADJUSTED, INK, MUTED
from resistance.report.figure import Figure, data, finish, slug
from resistance.report.words import NOT_KNOWN, p_value, plural

_WIDTH = 440
#: ratios beyond these are drawn as an arrow at the edge; their numbers stand in words
_LOWEST, _HIGHEST = 0.02, 50.0
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_STYLE = {
    "crude": (ACCENT, "circle"),
    "adjusted": (ADJUSTED, "square"),
    "imputed": ("#009e73", "triangle-up"),
    "subdistribution": ("#882255", "diamond"),
    "joint": (ACCENT, "square"),
    "landmark": (ACCENT, "square"),
    "time_dependent": (ACCENT, "square"),
    "interaction": (ACCENT, "diamond"),
}
_COLUMNS = (("carriers", "Carriers", 62), ("n", "n", 112), ("events", "Events", 196))
_EFFECT_AT = 222
#: room for a row's name; a long one has what is compared on a second line, so that levels and reference can be read
_NAME = 280
_LONG = 34
_TWO_LINES = f"length(datum.label) > {_LONG} ? split(replace(datum.label, / \\((?=[^(]*$)/, '\\n('), '\\n') : datum.label"


def forest_figure(content: dict[str, Any]) -> Figure | None:
    """Return a forest plot, or None where no question has an estimate.

    Ratios stand on a logarithmic axis around 1, differences on a plain one around 0.
    """
    import altair as alt

    if not content["rows"]:
        return None
    models: list[str] = content["models"]
    ratios: bool = content["is_ratio"]
    step = 20 * len(models) + 8
    low, high = _limits(content) if ratios else _plain_limits(content)
    order = [row["label"] for row in content["rows"]]
    if len(models) == 1 and any(len(name) > _LONG and " (" in name for name in order):
        step += 8  # two lines of a name
    lines, arrows, ticks = [], [], []
    for row in content["rows"]:
        for model, e in row["estimates"].items():
            at = {"row": row["label"], "model": model}
            # a side without a bound is open: it ends in an arrow
            a = low if e["value_low"] is None else max(e["value_low"], low)
            b = high if e["value_high"] is None else min(e["value_high"], high)
            inside = e["value"] is not None and low <= e["value"] <= high
            said = f"{e['effect_words']} ({e['interval_words']})"
            lines.append(
                at | {"a": min(a, high), "b": max(b, low), "at": e["value"] if inside else None, "words": said, **_hover(e, row)}
            )
            if e["value_low"] is None or e["value_low"] < low:
                arrows.append(at | {"at": low, "angle": 270})
            if e["value_high"] is None or e["value_high"] > high:
                arrows.append(at | {"at": high, "angle": 90})
            ticks += [at | {"at": v} for v in e["detectable"] if low <= v <= high]
    columns = [c for c in _COLUMNS if any(row[c[0]] is not None for row in content["rows"])]
    counts = [
        {"row": row["label"], **{key: NOT_KNOWN if row[key] is None else f"{row[key]:,}" for key, _, _ in columns}}
        for row in content["rows"]
    ]

    scale = alt.Scale(type="log" if ratios else "linear", domain=[low, high], nice=False)
    if ratios:
        axis = alt.Axis(
            values=[t for t in _TICKS if low <= t <= high], format="~r", title=f"{content['scale']} (log scale)", grid=True
        )
    else:
        axis = alt.Axis(
            tickCount=6, title=f"{content['scale']}, in units of {content['endpoint_label']}", titleLimit=_WIDTH, grid=True
        )
    y = alt.Y("row:N", sort=order, scale=alt.Scale(domain=order), title=None).axis(
        ticks=False, domain=False, labelPadding=10, labelLimit=_NAME, labelExpr=_TWO_LINES
    )
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
    x = alt.X("at:Q", scale=scale, axis=axis)
    tooltip = [alt.Tooltip(f"{name}:N", title=said) for name, said in _TOOLTIP]
    layers = [
        alt.Chart(data([{"at": 1 if ratios else 0}])).mark_rule(color=INK, strokeWidth=1).encode(x=x),
        alt.Chart(data(ticks)).mark_tick(color=MUTED, thickness=1.5, size=9).encode(x=x, y=y, yOffset=offset),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("a:Q", scale=scale, axis=axis), x2="b:Q", tooltip=tooltip, **marks),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, shape=shape, tooltip=tooltip, **marks),
        alt.Chart(data(arrows))
        .mark_point(filled=True, size=60, shape="triangle-up", opacity=1)
        .encode(x=x, angle=alt.Angle("angle:Q", scale=None), **marks),
        base.mark_text(align="left", fontSize=12).encode(
            x=alt.value(_WIDTH + _EFFECT_AT), text="words:N", tooltip=tooltip, **marks
        ),
    ]
    for key, name, place in columns:
        layers.append(
            alt.Chart(data(counts))
            .mark_text(align="right", fontSize=12)
            .encode(x=alt.value(_WIDTH + place + 8), y=y, text=f"{key}:N")
        )
        layers.append(_heading(name if key != "events" else str(content["events_are"]).capitalize(), _WIDTH + place + 8, "right"))
    layers.append(_heading(f"{'Ratio' if ratios else 'Difference'} (95 % interval)", _WIDTH + _EFFECT_AT, "left"))
    chart = alt.layer(*layers).properties(width=_WIDTH, height=step * len(order))
    none = "1" if ratios else "0"
    clear = [r["label"] for r in content["rows"] if any(not e["negative"] for e in r["estimates"].values())]
    alt_text = (
        f"Forest plot of {plural(len(order), 'row')} for {content['endpoint_label']}: {content['scale']}s with 95 % intervals. "
        + (f"The interval excludes {none} for {', '.join(clear[:8])}." if clear else f"Every interval holds {none}.")
    )
    name = slug("figure forest", content["kind"], content["name"] or "", content["population"], content["endpoint"])
    return finish(chart, caption=_caption(content, bool(ticks)), name=name, alt_text=alt_text)


_TOOLTIP = (
    ("row", "marker"), ("model", "model"), ("words", "effect (95 % interval)"), ("p", "p"), ("q", "q"), ("numbers", "numbers"),
    ("method", "method"),
)  # fmt: skip


def _hover(e: dict[str, Any], row: dict[str, Any]) -> dict[str, str]:
    """Return what a pointer on an estimate shows."""
    test = f" ({e['test']})" if e["test"] and e["p_value"] is not None else ""
    numbers = [f"n {e['n']:,}"]
    if e["events"] is not None:
        numbers.append(f"{e['events_are']} {e['events']:,}")
    if e["carriers"] is not None:
        of = f" ({e['events_are']} {e['carrier_events']:,})" if e["carrier_events"] is not None else ""
        numbers.append(f"carriers {e['carriers']:,}{of}")
    return {"p": p_value(e["p_value"]) + test, "q": p_value(e["q_value"]), "numbers": ", ".join(numbers), "method": e["method"]}


def _caption(content: dict[str, Any], ticks: bool) -> str:
    measured = all(row["carriers"] is None for row in content["rows"])
    caption = str(content["reads"]) + ("" if measured else " Rows by number of carriers.")
    caption += " An arrow at the edge: the interval (without a point, the estimate too) lies beyond."
    if ticks:
        caption += (
            " Grey tick: beside an interval that holds no effect, the least effect that these numbers find with 80 % power."
        )
    if "crude" in content["models"] and len(content["models"]) > 1:
        caption += " Counts are those of the crude model; adjusted ones may have fewer patients (see the table of results)."
    if content["chosen_by_p"]:
        caption += (
            f" Of {content['more_rows'] + len(content['rows']):,} genes those with the least p: chosen so, their effects are "
            "on average too large. All stand in the table of results."
        )
    elif content["more_rows"]:
        caption += f" {plural(content['more_rows'], 'further row')} stand only in the table of results."
    return caption


def _heading(text: str, at: int, align: Literal["left", "right"]) -> Any:
    import altair as alt

    return (
        alt.Chart(data([{"t": text}]))
        .mark_text(align=align, fontSize=12, color=MUTED, baseline="bottom")
        .encode(x=alt.value(at), y=alt.value(-4), text="t:N")
    )


def _values(content: dict[str, Any]) -> list[float]:
    kept = ("value", "value_low", "value_high")
    return [e[k] for row in content["rows"] for e in row["estimates"].values() for k in kept if e[k] is not None]


def _limits(content: dict[str, Any]) -> tuple[float, float]:
    """Return the axis ends: the round numbers around all estimates and their intervals, within what can be read."""
    values = _values(content)
    low = max([t for t in _TICKS if t <= min(values, default=1.0)], default=_LOWEST)
    high = min([t for t in _TICKS if t >= max(values, default=1.0)], default=_HIGHEST)
    return float(min(low, 0.5)), float(max(high, 2))


def _plain_limits(content: dict[str, Any]) -> tuple[float, float]:
    """Return the axis ends of differences: around all intervals and 0, with a little air."""
    values = [0.0, *_values(content)]
    low, high = min(values), max(values)
    air = 0.05 * (high - low) or 1.0
    return float(f"{low - air:.6g}"), float(f"{high + air:.6g}")
