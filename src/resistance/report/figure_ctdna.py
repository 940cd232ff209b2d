"""ctDNA content -> trajectories on a log axis; undetectable samples are hollow triangles at their own limit of detection."""

from __future__ import annotations

from typing import Any

from resistance.report.design import ACCENT, ADJUSTED, MUTED, RULE
from resistance.report.figure import Figure, data, finish
from resistance.report.words import plural

_HEIGHT, _TOTAL = 260, 960
_KINDS = ("detected", "detected, at relapse", "not detected (at the limit of detection)")


def trajectories_figure(content: dict[str, Any]) -> Figure | None:
    """Return the trajectories, one panel per response group, or None where nothing can be drawn."""
    import altair as alt

    points: list[dict[str, Any]] = content["points"]
    if not points:
        return None
    per_vaf = 100 if content["unit"] == "vaf" else 1
    rows = [
        {
            "p": p["patient"],
            "g": p["group"],
            "d": p["day"],
            "v": per_vaf * p["value"],
            "k": _KINDS[2] if not p["detected"] else _KINDS[1] if p["relapse"] else _KINDS[0],
            "when": p["timepoint"].replace("_", " "),
        }
        for p in points
    ]
    order = ["Responder", "Non-responder"]
    groups = sorted(
        {row["g"] for row in rows}, key=lambda g: (order.index(g) if g in order else len(order), g == "Not evaluable", g)
    )
    kinds = [kind for kind in _KINDS if any(row["k"] == kind for row in rows)]
    style = {_KINDS[0]: ("circle", ACCENT), _KINDS[1]: ("diamond", ADJUSTED), _KINDS[2]: ("triangle-down", MUTED)}
    low, high = min(row["v"] for row in rows), max(row["v"] for row in rows)
    decades = _decades(low / 1.5, high * 1.5)
    names = {"hge_per_ml": "Mutant hGE per mL plasma", "vaf": "Mean VAF, %"}
    title = f"{names.get(content['unit'], content['name'])} (log scale)"
    x = alt.X("d:Q", scale=alt.Scale(nice=False, padding=14)).axis(
        title="Days from the start of treatment", grid=False, tickCount=6, format="~r"
    )
    y = alt.Y("v:Q", scale=alt.Scale(type="log", domain=[low / 1.5, high * 1.5], nice=False)).axis(
        title=title, format="~r", values=decades
    )
    width = round((_TOTAL - 30 * len(groups)) / max(len(groups), 2))
    panels = []
    for i, group in enumerate(groups):
        here = [row for row in rows if row["g"] == group]
        patients = len({row["p"] for row in here})
        own_y = y if i == 0 else y.axis(title=None, labels=False, ticks=False, domain=False, values=decades)
        legend = alt.Legend(title=None, orient="top", direction="horizontal", symbolSize=70)
        scale = {
            "shape": alt.Shape("k:N", sort=kinds, scale=alt.Scale(domain=kinds, range=[style[k][0] for k in kinds]), legend=legend),
            "stroke": alt.Stroke("k:N", sort=kinds, scale=alt.Scale(domain=kinds, range=[style[k][1] for k in kinds]), legend=legend),
            "fill": alt.Fill(
                "k:N", sort=kinds, legend=legend,
                scale=alt.Scale(domain=kinds, range=["#ffffff" if k == _KINDS[2] else style[k][1] for k in kinds]),
            ),
        }  # fmt: skip
        panels.append(
            alt.layer(
                alt.Chart(data(here))
                .mark_line(color=RULE if len(here) > 400 else "#9fb3c1", strokeWidth=1)
                .encode(x=x, y=own_y, detail="p:N", order="d:Q"),
                alt.Chart(data(here))
                .mark_point(size=42, strokeWidth=1.4, opacity=1)
                .encode(
                    x=x,
                    y=own_y,
                    tooltip=[
                        alt.Tooltip("p:N", title="patient"),
                        alt.Tooltip("when:N"),
                        alt.Tooltip("d:Q", title="day"),
                        alt.Tooltip("v:Q", format=".3~g", title=title),
                    ],
                    **scale,
                ),
            ).properties(
                width=width,
                height=_HEIGHT,
                title=alt.TitleParams(f"{group} ({plural(patients, 'patient')})", anchor="start", fontSize=13, fontWeight="bold"),
            )
        )
    chart = alt.hconcat(*panels, spacing=18).resolve_scale(x="shared", y="shared", shape="shared", stroke="shared", fill="shared")
    undetected = sum(not p["detected"] for p in points)
    caption = (
        f"{plural(len(points), 'plasma sample')} of {plural(len({p['patient'] for p in points}), 'patient')}; "
        f"{undetected:,} without ctDNA stand at their own limit of detection: the true value lies below."
    )
    if content["unit"] == "hge_per_ml":
        caption += f" hGE: haploid genome equivalents, {content['convention_pg']:g} pg of DNA each."
    if content["not_drawn"]:
        caption += f" {plural(content['not_drawn'], 'sample')} could not be drawn (no day, or nothing assessable)."
    relapsed = sum(p["relapse"] for p in points)
    alt_text = (
        f"ctDNA over time in {plural(len(points), 'plasma sample')}, {undetected:,} undetectable, {relapsed:,} taken at relapse, "
        f"panels: {', '.join(groups)}."
    )
    return finish(chart, caption=caption, name="figure-ctdna", alt_text=alt_text)


def _decades(low: float, high: float) -> list[float]:
    """Return the axis values between two bounds: powers of ten, with 2 and 5 between where there are few."""
    import math

    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if len(powers) > 4 else (1, 2, 5)
    # 10.0**-2 * 5 is not 0.05 in binary; the text form is
    return [value for value in (float(f"{step}e{power}") for power in powers for step in steps) if low <= value <= high]
