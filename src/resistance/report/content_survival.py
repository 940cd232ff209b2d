"""Endpoints, subtypes, markers of the plan -> the curves over time: which groups, their curves and numbers at risk.

Kaplan-Meier, or cumulative incidence (Aalen-Johansen) where the endpoint has competing events that do not count as the event.

What is drawn follows from the cohort file alone (arms, subtype, joint questions, the first marker
of the plan), never from a p-value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.content_clinic import method_label, subtype_of
from resistance.report.content_markers import at_timepoint
from resistance.report.content_results import population_label
from resistance.report.content_study import endpoint_rows
from resistance.report.content_subtype import in_order
from resistance.report.curves import at_risk, curve, incidence, stated_at, ticks
from resistance.report.words import UNREAD_MARK

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: a figure with more curves cannot be read
MOST_CURVES = 6


def survival(config: CohortFile, tables: StageTables, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures of curves over time, primary endpoint first."""
    timed = [name for name, e in config.endpoints.items() if e.kind == "time_to_event"]
    timed.sort(key=lambda name: name != config.analysis.primary)
    labels = {
        name: label if verified else f"{label} {UNREAD_MARK}"
        for name, label, verified in zip(*(tables.markers[c] for c in ("marker_id", "label", "verified")), strict=True)
    }
    figures: list[dict[str, Any]] = []
    for name in timed:
        rows = endpoint_rows(config, tables, name)
        if rows.empty:
            continue
        for by, population, levels, of, joint in _questions(config, tables, name, labels):
            here = rows[rows["patient_id"].isin(_members(tables, population))]
            figure = _figure(config, name, by, population, here, levels, of)
            if figure is not None:
                figure["estimates"] = _estimates(results, name, population, joint)
                figures.append(figure)
    return figures


def _questions(
    config: CohortFile, tables: StageTables, endpoint: str, labels: dict[str, str]
) -> list[tuple[str, str, list[str], dict[str, str], list[str]]]:
    """Return (what the curves are, population, levels, level of each patient, markers of the question)."""
    out: list[tuple[str, str, list[str], dict[str, str], list[str]]] = []
    patients = tables.cohort.patients
    everyone = dict.fromkeys(patients["patient_id"], "All patients")
    given = patients.set_index("patient_id")["treatment"].dropna()
    arms_both = len(patients["imid"].dropna().unique()) > 1
    if arms_both and 1 < given.nunique() <= MOST_CURVES:
        counts = given.value_counts()
        levels = sorted((str(x) for x in counts.index), key=lambda x: (-int(counts[x]), x))
        out.append(("treatment", "all", levels, {str(k): str(v) for k, v in given.items()}, []))
    method, subtype = subtype_of(config, tables)
    if method is not None and len(set(subtype.values())) > 1:
        levels = in_order(set(subtype.values()))
        if len(levels) <= MOST_CURVES:
            out.append((f"subtype, {method_label(method)}", "all", levels, subtype, []))
    for question in config.analysis.joint:
        if question.endpoint == endpoint:
            levels, of = _joint_groups(config, tables, question.markers, labels)
            out.append((question.name, question.population, levels, of, list(question.markers)))
    declared = config.analysis.markers or []
    if declared and endpoint == config.analysis.primary and declared[0] in labels:
        levels, of = _joint_groups(config, tables, [declared[0]], labels)
        if len(levels) > 1:
            out.append((labels[declared[0]], "all", levels, of, [declared[0]]))
    if not out or not config.analysis.joint:
        out.insert(0, ("", "all", ["All patients"], everyone, []))
    return out


def _joint_groups(
    config: CohortFile, tables: StageTables, markers: list[str], labels: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Group patients by which of the markers they carry; as in the joint model, one not assessed leaves the patient out."""
    matrix = at_timepoint(config, tables)
    matrix = matrix[matrix["marker_id"].isin(markers)]
    state = {(p, m): s for p, m, s in zip(matrix["patient_id"], matrix["marker_id"], matrix["state"], strict=True)}
    none = f"No {labels.get(markers[0], markers[0])}" if len(markers) == 1 else "None of them"
    of: dict[str, str] = {}
    for patient in tables.cohort.patients["patient_id"]:
        states = [state.get((patient, m), "not_assessed") for m in markers]
        carried = [labels.get(m, m) for m, s in zip(markers, states, strict=True) if s == "present"]
        if "not_assessed" not in states:
            of[patient] = " + ".join(carried) if carried else none
    single = [labels.get(m, m) for m in markers]
    used = set(of.values())
    rest = sorted(used - {none, *single})
    return [level for level in [none, *single, *rest] if level in used], of


def _members(tables: StageTables, population: str) -> set[str]:
    patients = tables.cohort.patients
    column = f"population:{population}"
    if population == "all" or column not in patients:
        return set(patients["patient_id"])
    return set(patients.loc[patients[column].fillna(False).astype(bool), "patient_id"])


def _figure(
    config: CohortFile, endpoint: str, by: str, population: str, rows: pd.DataFrame, levels: list[str], of: dict[str, str]
) -> dict[str, Any] | None:
    group = rows["patient_id"].map(of)
    used = [level for level in levels if (group == level).any()]
    if not used:
        return None
    counted = rows[group.isin(used)]
    shown = ticks(float(counted["time_days"].max()) / (365.25 / 12))
    declared = config.endpoints[endpoint]
    parts = {level: rows[group == level] for level in used}
    risk = {level: at_risk(part, shown) for level, part in parts.items()}
    competing = (
        declared.survival is not None and bool(declared.survival.competing_codes) and declared.survival.competing_as == "censored"
    )
    at = stated_at(shown, list(risk.values()))
    drawn = {level: incidence(part, at) if competing else curve(part) for level, part in parts.items()}
    late = int((counted["entry_days"].fillna(0) > 0).sum()) if "entry_days" in counted else 0
    return {
        "endpoint": endpoint,
        "endpoint_label": declared.label,
        "origin": declared.origin,
        "by": by,
        "population": population,
        "population_label": population_label(config, population),
        "ticks": shown,
        "left_out": len(rows) - len(counted),
        "shows": "incidence" if competing else "survival",
        "at_months": at if competing else None,
        "late": late,
        "groups": [{"name": level, **drawn[level], "at_risk": risk[level]} for level in used],
    }


def _estimates(results: list[dict[str, Any]], endpoint: str, population: str, markers: list[str]) -> list[dict[str, Any]]:
    """Return the model's estimates that belong under a curve: joint where there, else crude and adjusted."""
    here = [
        r
        for r in results
        if r["endpoint"] == endpoint
        and r["population"] == population
        and r["marker_id"] in markers
        and r["effect_words"] is not None
    ]
    joint = [r for r in here if r["model"] == "joint"]
    keys = (
        "label",
        "contrast",
        "model",
        "scale_label",
        "scale_short",
        "effect_words",
        "interval_words",
        "ratio",
        "ratio_low",
        "ratio_high",
        "p_value",
        "q_value",
        "n",
        "events",
        "carriers",
    )
    return [
        {k: r[k] for k in keys}
        for r in (joint if len(markers) > 1 and joint else [r for r in here if r["model"] != "interaction"])
    ]
