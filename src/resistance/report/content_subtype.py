"""Subtypes and response -> response rate per class and method with exact intervals, and how methods agree."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from resistance.report.content_clinic import method_label
from resistance.report.content_study import endpoint_rows, response_endpoint

if TYPE_CHECKING:
    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: reading order of the classes
_ORDER = ("GCB", "ABC", "non-GCB", "UNCLASSIFIED")


def in_order(classes: set[str]) -> list[str]:
    """Return class names in reading order: cell of origin first, unclassified last."""
    return sorted(classes, key=lambda c: (c == "UNCLASSIFIED", _ORDER.index(c) if c in _ORDER else len(_ORDER), c))


def exact_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a proportion (Clopper & Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def subtype_content(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return counts, response by class and method, and the agreement of each pair of methods."""
    rows = tables.subtypes
    methods = rows["method"].drop_duplicates().tolist()
    name = response_endpoint(config)
    binary = name is not None and config.endpoints[name].kind == "binary"
    responded: dict[str, bool] = {}
    if binary and name is not None:
        counted = endpoint_rows(config, tables, name)
        responded = {p: v == 1 for p, v in zip(counted["patient_id"], counted["value"], strict=True)}
    out = []
    calls: dict[str, dict[str, str]] = {}
    for method in methods:
        part = rows[(rows["method"] == method)]
        called = part[part["subtype"].notna()]
        calls[method] = dict(zip(called["patient_id"], called["subtype"], strict=True))
        classes = []
        for label in in_order(set(calls[method].values())):
            members = [p for p, s in calls[method].items() if s == label]
            evaluable = [p for p in members if p in responded]
            hits = sum(responded[p] for p in evaluable)
            low, high = exact_interval(hits, len(evaluable)) if evaluable else (None, None)
            classes.append(
                {
                    "subtype": label,
                    "n": len(members),
                    "evaluable": len(evaluable) if binary else None,
                    "responders": hits if binary else None,
                    "rate": hits / len(evaluable) if evaluable else None,
                    "low": low,
                    "high": high,
                }
            )
        out.append(
            {
                "method": method,
                "label": method_label(method),
                "used": method == config.subtype.use,
                "not_called": len(tables.cohort.patients) - len(calls[method]),
                "borderline": int(part["borderline"].fillna(False).astype(bool).sum()),
                "classes": classes,
            }
        )
    return {
        "response": config.endpoints[name].label if binary and name is not None else None,
        "methods": out,
        "agreement": [_agreement(a, b, calls) for a, b in combinations(methods, 2)],
    }


def _agreement(a: str, b: str, calls: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Cross two methods on the patients both called; agreement counts GCB against ABC or non-GCB."""
    both = sorted(set(calls[a]) & set(calls[b]))
    rows, columns = in_order({calls[a][p] for p in both}), in_order({calls[b][p] for p in both})
    counts = [[sum(calls[a][p] == r and calls[b][p] == c for p in both) for c in columns] for r in rows]
    # Hans knows GCB and non-GCB only; ABC of an expression method is its non-GCB
    one = {"ABC": "non-GCB"}
    pairs = [(one.get(calls[a][p], calls[a][p]), one.get(calls[b][p], calls[b][p])) for p in both]
    definite = [pair for pair in pairs if "UNCLASSIFIED" not in pair]
    return {
        "a": method_label(a),
        "b": method_label(b),
        "rows": rows,
        "columns": columns,
        "counts": counts,
        "both": len(both),
        "definite": len(definite),
        "agree": sum(x == y for x, y in definite),
    }
