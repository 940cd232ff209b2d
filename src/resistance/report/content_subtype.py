"""Subtypes and response -> response rate per class and method with exact intervals, and how methods agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.content_clinic import method_label
from resistance.report.content_scores import score_rows
from resistance.report.content_study import endpoint_rows, response_endpoint
from resistance.subtype.method import common_reason
from resistance.subtype.registry import METHODS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: reading order of the classes
_ORDER = ("GCB", "ABC", "non-GCB", "UNCLASSIFIED")
#: what is compared, for a heading
KINDS = {"cell_of_origin": "Cell of origin", "genetic": "Genetic subtype", "expression_class": "Expression class", "risk": "Risk"}
#: disagreements that stand in the page; all stand in the table
_MOST_DISAGREEMENTS = 50
#: bars of a figure of scores
_BARS = 40


def in_order(classes: set[str]) -> list[str]:
    """Return class names in reading order: cell of origin first, unclassified last."""
    return sorted(classes, key=lambda c: (c == "UNCLASSIFIED", _ORDER.index(c) if c in _ORDER else len(_ORDER), c))


def exact_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a proportion (Clopper & Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def subtype_content(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return counts, response by class and method, the agreement of each pair of methods, and on whom they differ."""
    rows = tables.subtypes
    records = {method.name: method for method in METHODS}
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
                "kind": KINDS.get(str(part["kind"].iloc[0])),
                "verified": not bool((part["verified"] == False).fillna(False).any()),  # noqa: E712 (NA: a label)
                "flags": _flags(part),
                "why_open": common_reason(part.loc[part["subtype"].isna(), "reason"].dropna().astype(str)),
                "unseen": _unseen(part),
                "limits": records[method].limits if method in records else None,
                "source": records[method].citation if method in records else None,
                "version": records[method].version if method in records else None,
            }
        )
    pairs = [_agreement(row, calls) for row in tables.concordance.to_dict("records")]
    return {
        "response": config.endpoints[name].label if binary and name is not None else None,
        "methods": out,
        "agreement": [row for row in pairs if row["both"]],
        "apart": [(row["a"], row["b"]) for row in pairs if not row["both"] and row["a_calls"] and row["b_calls"]],
        "disagreements": _disagreements(tables),
        "computed": score_rows(tables.scores, methods),
        "scores": [_scores(method, rows, records[method].cut_scores if method in records else ()) for method in _scored(rows)],
    }


def _flags(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each flag of a method's calls with the number of patients, borderline left to its own column."""
    named = part["flags"].dropna().str.split(";").explode()
    # the share differs from sample to sample
    named = named.str.replace(r"^\d+% of the weight not measured", "much of the weight not measured in the sample", regex=True)
    counts = named[named != "borderline"].value_counts().sort_index()
    return [{"flag": str(name).replace("_", " "), "n": int(n)} for name, n in counts.items()]


def _unseen(part: pd.DataFrame) -> tuple[float, float] | None:
    """Return the least and the greatest share of the method's weight that its patients' assays or tables do not show; None: nothing missing."""
    share = part["weight_missing"].dropna().astype(float)
    return (float(share.min()), float(share.max())) if len(share) and share.max() >= 0.005 else None


def _disagreements(tables: StageTables) -> dict[str, Any]:
    """Return the patients on whom two methods differ: other classes first, then those that one leaves open."""
    rows = tables.disagreements
    shown = rows.sort_values("difference", kind="stable").head(_MOST_DISAGREEMENTS)
    return {
        "n": len(rows),
        "patients": int(rows["patient_id"].nunique()),
        "rows": [
            {
                "patient_id": row["patient_id"],
                "a": f"{method_label(row['method_1'])}: {row['subtype_1']}",
                "b": f"{method_label(row['method_2'])}: {row['subtype_2']}",
                "why": _or_none(row["why"]),
                "reason_a": row["reason_1"],
                "reason_b": row["reason_2"],
            }
            for row in shown.to_dict("records")
        ],
    }


def _scored(rows: pd.DataFrame) -> list[str]:
    """Return the methods whose score is one axis that parts the classes; a genetic method scores each class on its own."""
    rows = rows[rows["kind"] != "genetic"]
    return [str(name) for name, part in rows.groupby("method", sort=False) if part["score"].notna().sum() > 1]


def _scores(method: str, rows: pd.DataFrame, cuts: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    """Return the histogram of a method's scores by call, and the scores at which its classes begin."""
    import numpy as np

    part = rows[(rows["method"] == method) & rows["score"].notna()]
    values = part["score"].to_numpy(dtype=float)
    calls = part["subtype"].fillna("not called").to_numpy(dtype=object)
    published = bool(cuts)
    cuts = cuts or _seen_cuts(values, calls)
    low, high = min([values.min(), *(score for _, score in cuts)]), max([values.max(), *(score for _, score in cuts)])
    edges = np.linspace(low, high if high > low else low + 1, _BARS + 1)
    levels = [*in_order(set(calls) - {"not called"}), *["not called"] * ("not called" in calls)]
    return {
        "method": method,
        "label": method_label(method),
        "n": len(values),
        "edges": [float(edge) for edge in edges],
        "levels": [{"name": name, "counts": [int(n) for n in np.histogram(values[calls == name], edges)[0]]} for name in levels],
        "cuts": [{"name": name, "score": score} for name, score in cuts],
        "published": published,
    }


def _seen_cuts(values: NDArray[np.float64], calls: NDArray[np.object_]) -> tuple[tuple[str, float], ...]:
    """Return the lowest score called by the class with the higher scores, and the highest of the other; () where they overlap."""
    classes = sorted(set(calls) - {"not called", "UNCLASSIFIED"}, key=lambda name: -float(values[calls == name].mean()))
    if len(classes) != 2:
        return ()
    high, low = float(values[calls == classes[0]].min()), float(values[calls == classes[1]].max())
    return ((classes[0], high), (classes[1], low)) if high > low else ()


def _or_none(value: Any) -> Any:
    return None if value is None or value != value else value


def _kappa(value: Any) -> float | None:
    """Return a kappa, None where unknown; one that would be printed as -0.00 is 0."""
    return None if value is None or value != value else float(value) if abs(value) >= 0.005 else 0.0


def _agreement(row: dict[str, Any], calls: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Cross two methods on the patients both called, beside the numbers of the stage's table."""
    a, b = row["method_1"], row["method_2"]
    both = sorted(set(calls[a]) & set(calls[b]))
    rows, columns = in_order({calls[a][p] for p in both}), in_order({calls[b][p] for p in both})
    return {
        "a": method_label(a),
        "b": method_label(b),
        "kind": KINDS[row["kind"]],
        "rows": rows,
        "columns": columns,
        "counts": [[sum(calls[a][p] == r and calls[b][p] == c for p in both) for c in columns] for r in rows],
        "both": len(both),
        "a_calls": len(calls[a]),
        "b_calls": len(calls[b]),
        "definite": int(row["n"]),
        "agree": int(row["agree"]),
        **{
            name: _kappa(row[of])
            for name, of in (("kappa", "kappa"), ("kappa_low", "kappa_ci_low"), ("kappa_high", "kappa_ci_high"))
        },
        "note": _or_none(row["note"]),
    }
