"""Association results -> forest plot rows (crude beside adjusted), the results table, and the count of questions without an answer."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from resistance.report.words import SCALES, SCALES_SHORT, UNREAD_MARK

if TYPE_CHECKING:
    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: most markers in one forest plot; all stand in the table
MOST_ROWS = 30
#: kinds of question in the order of the report: declared by name first, then every marker, then every gene
_KINDS = ("joint", "contrasts", "markers", "genes", "interaction")
_COUNTS = ("n", "events", "carriers", "carrier_events", "not_assessed")


def population_label(config: CohortFile, name: str) -> str:
    """Return a population's label ('all' always exists)."""
    return (
        "All patients"
        if name == "all"
        else (config.analysis.populations[name].label if name in config.analysis.populations else name)
    )


def endpoint_label(config: CohortFile, name: str) -> str:
    """Return an endpoint's label."""
    return config.endpoints[name].label if name in config.endpoints else name


def results_rows(config: CohortFile, tables: StageTables) -> list[dict[str, Any]]:
    """Return every question in the order of the plan, with ratios (exponentials) beside the log effects."""
    out = []
    unread = set(tables.markers.loc[~tables.markers["verified"].astype(bool), "marker_id"])
    for row in tables.results.to_dict("records"):
        clean = {k: (None if v is None or v != v else v) for k, v in _known(row).items()}
        clean["converged"] = bool(clean["converged"])
        if clean["marker_id"] in unread:
            clean["label"] = f"{clean['label']} {UNREAD_MARK}"
        usable = clean["effect"] is not None and clean["converged"]
        clean |= {
            "ratio": _exp(clean["effect"]),
            "ratio_low": _exp(clean["ci_low"]),
            "ratio_high": _exp(clean["ci_high"]),
            "ratio_detectable": _exp(clean.get("detectable_effect")),
            "scale_short": SCALES_SHORT.get(str(clean["scale"])),
            "scale_label": SCALES.get(str(clean["scale"])),
            "population_label": population_label(config, str(clean["population"])),
            "endpoint_label": endpoint_label(config, str(clean["endpoint"])),
            "answered": usable or clean["p_value"] is not None,
        }
        out.append(clean)
    return out


def _known(row: dict[str, Any]) -> dict[str, Any]:
    import pandas as pd

    return {k: (None if v is pd.NA else v) for k, v in row.items()}


def _exp(value: float | None) -> float | None:
    """Exponential that ends in infinity's place (None) instead of an overflow."""
    return None if value is None or value > 700 else math.exp(value)


def unanswered(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many questions were asked and answered, and why the others were not."""
    open_ = [row for row in rows if not row["answered"]]
    why = Counter(row["note"] or "no reason given" for row in open_)
    return {
        "asked": len(rows),
        "answered": len(rows) - len(open_),
        "reasons": [{"reason": k, "n": n} for k, n in sorted(why.items(), key=lambda item: (-item[1], item[0]))],
        "families": [
            {"family": family, "asked": n, "tested": sum(r["p_value"] is not None for r in rows if r["family"] == family)}
            for family, n in sorted(Counter(row["family"] for row in rows).items())
        ],
    }


def forests(config: CohortFile, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one forest per population, endpoint and kind of question (and per joint model).

    Rows stand by number of carriers, never by p-value; those without an estimate are listed with
    their reason.
    """
    together: dict[tuple[int, bool, bool, int], list[dict[str, Any]]] = {}
    keys: dict[tuple[str, ...], int] = {}
    for row in rows:
        kind = _kind(row)
        # a family is population/endpoint/model/kind; the last part of a joint question names its model
        name = row["question_id"].rsplit("/", 1)[-1] if kind == "joint" else ""
        place = keys.setdefault((kind, row["population"], row["endpoint"], name), len(keys))
        order = (_KINDS.index(kind), row["endpoint"] != config.analysis.primary, row["population"] != "all", place)
        together.setdefault(order, []).append(row)
    out = [_forest(config, _kind(part[0]), part) for _, part in sorted(together.items(), key=lambda item: item[0])]
    return [forest for forest in out if forest["rows"] or forest["without"]]


def _kind(row: dict[str, Any]) -> str:
    """Return the kind of question, which is the last part of its family's name."""
    if row["model"] in ("joint", "interaction"):
        return str(row["model"])
    last = str(row["family"]).rsplit("/", 1)[-1]
    return last if last in _KINDS else "markers"


def _forest(config: CohortFile, kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    population, endpoint = str(rows[0]["population"]), str(rows[0]["endpoint"])
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(
            (row["marker_id"], row["contrast"]),
            {"marker_id": row["marker_id"], "label": row["label"], "contrast": row["contrast"], "estimates": {}, "notes": []},
        )
        if row["ratio"] is not None and row["ratio_low"] is not None and row["ratio_high"] is not None and row["converged"]:
            keys = ("ratio", "ratio_low", "ratio_high", "p_value", "q_value", "method", "adjusted_for", *_COUNTS)
            line["estimates"][row["model"]] = {k: row[k] for k in keys}
        elif row["note"]:
            line["notes"].append((row["model"], row["note"]))
        for key in _COUNTS:
            line.setdefault(key, row[key])
    with_: list[dict[str, Any]] = []
    without: list[dict[str, Any]] = []
    for line in lines.values():
        (with_ if line["estimates"] else without).append(line)
    with_.sort(key=lambda x: (-(x["carriers"] or 0), x["label"], x["marker_id"]))
    labels = Counter(line["label"] for line in with_)
    for line in with_:
        if labels[line["label"]] > 1:
            line["label"] = f"{line['label']} ({line['contrast']})"
    scales = [row["scale_label"] for row in rows if row["scale_label"]]
    timed = endpoint in config.endpoints and config.endpoints[endpoint].kind == "time_to_event"
    adjusted = sorted({str(r["adjusted_for"]) for r in rows if r["adjusted_for"] and r["model"] != "crude"})
    return {
        "kind": kind,
        "name": rows[0]["question_id"].rsplit("/", 1)[-1] if kind == "joint" else None,
        "models": [m for m in ("crude", "adjusted", "joint", "interaction") if any(m in line["estimates"] for line in with_)],
        "population": population,
        "population_label": population_label(config, population),
        "endpoint": endpoint,
        "endpoint_label": endpoint_label(config, endpoint),
        "events_are": "events" if timed else "responders",
        "scale": scales[0] if scales else None,
        "adjusted_for": adjusted,
        "rows": with_[:MOST_ROWS],
        "more_rows": max(0, len(with_) - MOST_ROWS),
        "without": _by_reason(without),
    }


def _by_reason(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put lines without an estimate together by reason, the commonest first."""
    found: dict[str, list[str]] = {}
    for line in lines:
        why = list(dict.fromkeys(note for _, note in line["notes"]))
        reason = why[0] if len(why) == 1 else "; ".join(f"{model}: {note}" for model, note in line["notes"])
        found.setdefault(reason or "no reason given", []).append(line["label"])
    return [
        {"reason": reason, "n": len(labels), "labels": sorted(labels)}
        for reason, labels in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
