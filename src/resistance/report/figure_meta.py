"""A meta-analysis -> its forest plot: a row per study, sized by weight, the pooled effects below; and any figure as SVG."""

from __future__ import annotations

from math import exp, isfinite
from typing import Any

from resistance.report.design import ACCENT, ADJUSTED, INK
from resistance.report.figure import Figure, data, finish, slug

_WIDTH = 420
_Z = 1.959963984540054
#: ratios beyond these are cut at the edge; their numbers stand in words
_LOWEST, _HIGHEST = 0.02, 50.0
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


def meta_figure(report: Any) -> Figure | None:
    """Return the forest plot of a :class:`resistance.meta_file.MetaReport`, or None where no study has an effect."""
    import altair as alt

    studies = [s for s in report.studies if s.usable]
    if not studies:
        return None
    weights = list(getattr(report.pooled, "weights", ())) or [1 / s.se**2 / sum(1 / o.se**2 for o in studies) for s in studies]
    if not all(isfinite(w) for w in weights):
        weights = [1 / s.se**2 / sum(1 / o.se**2 for o in studies) for s in studies]
    marks = [
        (f"{s.name}, {s.group}" if s.group else s.name, s.effect, s.effect - _Z * s.se, s.effect + _Z * s.se, "study", float(w))
        for s, w in zip(studies, weights, strict=True)
    ]
    if report.groups is not None:
        marks += [
            (f"pooled: {name}", g.effect, g.ci_low, g.ci_high, "pooled", 0.4)
            for name, g in zip(report.groups.names, report.groups.groups, strict=True)
            if g.converged
        ]
    if report.pooled.converged:
        p = report.pooled
        marks.append(("pooled", p.effect, p.ci_low, p.ci_high, "pooled", 0.4))
        if isfinite(getattr(p, "prediction_low", float("nan"))):
            marks.append(("prediction of a new study", p.effect, p.prediction_low, p.prediction_high, "prediction", 0.0))
    shown = [_row(mark, report.ratio) for mark in marks]
    values = [v for row in shown for v in (row["low"], row["high"])]
    if report.ratio:
        low = min(0.5, max([t for t in _TICKS if t <= min(values)], default=_LOWEST))
        high = max(2.0, min([t for t in _TICKS if t >= max(values)], default=_HIGHEST))
        scale = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True)
        axis = alt.Axis(
            values=[t for t in _TICKS if low <= t <= high], format="~r", title=f"{report.scale} (log scale)", grid=True
        )
    else:
        reach = max(abs(v) for v in values) * 1.05
        low, high = -reach, reach
        scale, axis = alt.Scale(domain=[low, high], nice=False, clamp=True), alt.Axis(title=report.scale, grid=True)
    order = [row["row"] for row in shown]
    y = alt.Y("row:N", sort=order, scale=alt.Scale(domain=order), title=None).axis(
        ticks=False, domain=False, labelPadding=10, labelLimit=340
    )
    kinds = alt.Scale(domain=["study", "pooled", "prediction"], range=[ACCENT, ADJUSTED, ADJUSTED])
    shapes = alt.Scale(domain=["study", "pooled", "prediction"], range=["square", "diamond", "stroke"])
    colour = alt.Color("kind:N", scale=kinds, legend=None)
    base = alt.Chart(data(shown))
    layers = [
        alt.Chart(data([{"none": 1 if report.ratio else 0}]))
        .mark_rule(color=INK, strokeWidth=1)
        .encode(x=alt.X("none:Q", scale=scale, axis=axis)),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y, color=colour),
        base.mark_point(filled=True, opacity=1).encode(
            x=alt.X("effect:Q", scale=scale, axis=axis), y=y, color=colour, shape=alt.Shape("kind:N", scale=shapes, legend=None),
            size=alt.Size("weight:Q", scale=alt.Scale(domain=[0, 1], range=[25, 400]), legend=None),
        ),
        base.mark_text(align="left", fontSize=12).encode(x=alt.value(_WIDTH + 14), y=y, text="words:N"),
    ]  # fmt: skip
    chart = alt.layer(*layers).properties(width=_WIDTH, height=26 * len(order))
    pooled = shown[-2 if order[-1].startswith("prediction") else -1]["words"] if report.pooled.converged else "not pooled"
    alt_text = f"Forest plot of {len(studies)} effects, {report.scale} with 95 % intervals; pooled: {pooled}."
    return finish(chart, caption=report.title, name=slug("figure meta", report.title), alt_text=alt_text)


def svg(figure: Figure) -> str:
    """Return a figure as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(figure.spec)) + "\n"


def _row(mark: tuple[str, float, float, float, str, float], ratio: bool) -> dict[str, Any]:
    name, effect, low, high, kind, weight = mark
    a, b, c = (exp(max(-700.0, min(700.0, v))) if ratio else v for v in (effect, low, high))
    row: dict[str, Any] = {"row": name, "effect": a, "low": b, "high": c, "kind": kind, "weight": weight}
    row["words"] = f"{a:.2f} ({b:.2f} to {c:.2f})" if kind != "prediction" else f"({b:.2f} to {c:.2f})"
    return row
