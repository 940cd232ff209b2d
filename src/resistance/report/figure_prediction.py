"""Prediction content -> calibration (observed against predicted) and decision curve."""

from __future__ import annotations

from typing import Any

from resistance.report.design import INK, MUTED, SERIES
from resistance.report.figure import Figure, data, finish, slug

_SIZE = 300
_ALL, _NONE = "Treat everybody", "Treat nobody"


def prediction_figures(content: dict[str, Any]) -> list[Figure | None]:
    """Return the calibration figure and the decision curve; None in the place of one without data."""
    return [calibration_figure(content), decision_figure(content)]


def calibration_figure(content: dict[str, Any]) -> Figure | None:
    """Return observed against predicted risk, in groups of patients."""
    import altair as alt

    rows = [row for row in content["calibration"] if row["observed"] is not None]
    if not rows:
        return None
    names = list(dict.fromkeys(row["model"] for row in rows))
    hue = alt.Color(
        "model:N", scale=alt.Scale(domain=names, range=list(SERIES[: len(names)])), legend=alt.Legend(title=None, orient="top")
    )
    shape = alt.Shape("model:N", scale=alt.Scale(domain=names), legend=alt.Legend(title=None, orient="top"))
    unit = alt.Scale(domain=[0, 1])
    x = alt.X("predicted:Q", scale=unit, title="Predicted", axis=alt.Axis(format=".0%"))
    diagonal = alt.Chart(data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(strokeDash=[4, 4], color=MUTED)
    base = alt.Chart(data(rows))
    chart = alt.layer(
        diagonal.encode(x=alt.X("x:Q", scale=unit), y=alt.Y("y:Q", scale=unit)),
        base.mark_rule(opacity=0.6).encode(x=x, y=alt.Y("ci_low:Q", scale=unit, title="Observed"), y2="ci_high:Q", color=hue),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            x=x,
            y=alt.Y("observed:Q", scale=unit, title="Observed", axis=alt.Axis(format=".0%")),
            color=hue,
            shape=shape,
            tooltip=["model:N", "predicted:Q", "observed:Q", "n:Q"],
        ),
    ).properties(width=_SIZE, height=_SIZE)
    words = "; ".join(f"{r['model']} predicted {r['predicted']:.2f}, observed {r['observed']:.2f} of {r['n']}" for r in rows)
    return finish(
        chart,
        caption=f"Calibration of {content['endpoint']} ({content['target']}): groups of patients by predicted risk, predicted by models "
        "that did not see them. Bars: 95 % interval; on the broken line prediction and observation agree.",
        name=slug("figure calibration", content["name"]),
        alt_text=f"Observed against predicted risk. {words}.",
    )


def decision_figure(content: dict[str, Any]) -> Figure | None:
    """Return net benefit by threshold probability, beside treating everybody and nobody."""
    import altair as alt

    found = [row for row in content["decision"] if row["net_benefit"] is not None]
    if not found:
        return None
    names = list(dict.fromkeys(row["model"] for row in found))
    rows = [{"curve": row["model"], "t": row["threshold"], "b": row["net_benefit"]} for row in found]
    everybody = {row["threshold"]: row["treat_all"] for row in found if row["treat_all"] is not None}
    highest = max([0.02, *(row["b"] for row in rows), *everybody.values()])
    low = -0.25 * highest
    # treating everybody falls without end: what lies far below 0 would press the curves together
    rows += [{"curve": _ALL, "t": t, "b": b} for t, b in sorted(everybody.items()) if b >= low]
    rows = [row for row in rows if row["b"] >= low]
    rows += [{"curve": _NONE, "t": t, "b": 0.0} for t in sorted({row["threshold"] for row in found})]
    order = [*names, _ALL, _NONE]
    hues = [*SERIES[: len(names)], INK, MUTED]
    dashes = [*[[10, 0], [6, 3], [8, 3, 2, 3]][: len(names)], [2, 2], [4, 4]]
    legend = alt.Legend(title=None, orient="top", columns=2)
    chart = (
        alt.Chart(data(rows))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("t:Q", scale=alt.Scale(domain=[0, 1]), title="Threshold probability", axis=alt.Axis(format=".0%")),
            y=alt.Y("b:Q", title="Net benefit", scale=alt.Scale(domain=[low, highest])),
            color=alt.Color("curve:N", scale=alt.Scale(domain=order, range=hues), legend=legend),
            strokeDash=alt.StrokeDash("curve:N", scale=alt.Scale(domain=order, range=dashes), legend=legend),
        )
        .properties(width=_SIZE, height=_SIZE)
    )
    best = "; ".join(f"{name} at 25 %: {_at_quarter(found, name)}" for name in names)
    return finish(
        chart,
        caption=f"Decision curve of {content['endpoint']} ({content['target']}), predicted by models that did not see the patients.",
        name=slug("figure decision", content["name"]),
        alt_text=f"Net benefit by threshold probability. {best}.",
    )


def _at_quarter(rows: list[dict[str, Any]], model: str) -> str:
    for row in rows:
        if row["model"] == model and abs(row["threshold"] - 0.25) < 1e-9:
            return f"{row['net_benefit']:.3f}"
    return "not known"
