"""Association results -> forest plot rows (crude beside adjusted), the results table, and the count of questions without an answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from resistance.report.content_effects import LEVEL, described, direction, flags, outcome_word
from resistance.report.words import UNREAD_MARK

if TYPE_CHECKING:
    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: most markers in one forest plot; all stand in the table
MOST_ROWS = 30
#: kinds of question in the order of the report: declared by name first, then every marker, then every gene
_KINDS = (
    "joint", "contrasts", "markers", "measures", "features", "genes", "expression", "landmark", "time_dependent", "interaction",
)  # fmt: skip
#: kinds whose questions are declared by name: one forest each
_DECLARED = ("joint", "landmark", "time_dependent")
#: kinds that ask so many genes that the page shows those with the least p, and says so
SCANS = ("genes", "expression")
#: estimates of one question, in the order in which they stand beside each other
MODELS = ("crude", "adjusted", "imputed", "subdistribution", "joint", "landmark", "time_dependent", "interaction")
_ROLES = ("primary", "secondary", "exploratory")
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
    """Return every question in the order of the plan, with the effect on the scale that is read and what to beware of."""
    out = []
    unread = set(tables.markers.loc[~tables.markers["verified"].astype(bool), "marker_id"])
    for row in tables.results.to_dict("records"):
        clean = {k: (None if v is None or v != v else v) for k, v in _known(row).items()}
        clean["converged"] = bool(clean["converged"])
        if clean["marker_id"] in unread:
            clean["label"] = f"{clean['label']} {UNREAD_MARK}"
        seen = described(clean)
        word = outcome_word(config, str(clean["endpoint"]))
        if word is None:
            # an ordered or continuous outcome has no events to count (results of earlier versions do)
            clean |= {"events": None, "carrier_events": None}
        clean |= seen
        clean |= {
            "ratio": seen["value"] if seen["is_ratio"] else None,
            "ratio_low": seen["value_low"] if seen["is_ratio"] else None,
            "ratio_high": seen["value_high"] if seen["is_ratio"] else None,
            "kind": _kind(clean),
            "events_are": word,
            "population_label": population_label(config, str(clean["population"])),
            "endpoint_label": endpoint_label(config, str(clean["endpoint"])),
            "answered": seen["effect_words"] is not None or clean["p_value"] is not None,
        }
        out.append(clean)
    crude = {_question(row): row for row in out if row["model"] == "crude"}
    for row in out:
        row["flags"] = flags(row, crude.get(_question(row)))
    return out


def columns_asked(config: CohortFile) -> dict[str, bool]:
    """Return which columns the plan asked for beside effect, p and q."""
    asked = config.analysis.multiplicity
    return {
        "familywise": asked.family_wise != "none",
        "e_values": config.analysis.e_values,
        "gate": bool(asked.hierarchy),
    }


def _question(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return what a row is about, whatever the model."""
    return str(row["population"]), str(row["endpoint"]), str(row["marker_id"]), str(row["contrast"])


def _known(row: dict[str, Any]) -> dict[str, Any]:
    import pandas as pd

    return {k: (None if v is pd.NA else v) for k, v in row.items()}


def unanswered(config: CohortFile, tables: StageTables, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many questions were asked and answered, why the others were not, and the families for multiplicity."""
    from resistance.associate import count_tests

    open_ = [row for row in rows if not row["answered"]]
    why = Counter(row["note"] or "no reason given" for row in open_)
    about = {row["family"]: row for row in reversed(rows)}
    policies = tables.plan.get("policies", {})
    return {
        "asked": len(rows),
        "answered": len(rows) - len(open_),
        "reasons": [{"reason": k, "n": n} for k, n in sorted(why.items(), key=lambda item: (-item[1], item[0]))],
        "multiplicity": str(policies.get("multiplicity", "")) if isinstance(policies, dict) else "",
        "method": config.analysis.multiplicity.method,
        "level": tables.plan.get("alpha", LEVEL),
        "families": [
            {
                "family": family["family"],
                "words": _family(about[family["family"]]),
                "role": about[family["family"]]["role"],
                "planned": family["questions"],
                "tested": family["tested"],
                "not_run": family["not_run"],
                "smallest_q": None if family["tested"] == 0 else family["smallest_q"],
            }
            for family in count_tests(tables.results).to_dict("records")
        ],
    }


def _family(row: dict[str, Any]) -> str:
    """Return what a family holds, in words."""
    kind = {"expression": "expressed genes"}.get(row["kind"], str(row["kind"]).replace("_", "-"))
    return f"{row['endpoint_label']}, {kind}, {str(row['model']).replace('_', '-')} – {row['population_label']}"


def forests(config: CohortFile, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one forest per population, endpoint and kind of question (and per declared name), primary endpoint first.

    Rows stand by number of carriers, never by p-value (of a scan of genes those with the least p are
    shown, which the caption says); those without an estimate are listed with their reason.
    """
    together: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    places: dict[tuple[str, ...], int] = {}
    for row in rows:
        kind = row["kind"]
        # a family is population/endpoint/model/kind; the last part of a declared question is its name
        name = row["question_id"].rsplit("/", 1)[-1] if kind in _DECLARED else ""
        key = (kind, row["population"], row["endpoint"], name)
        place = places.setdefault(key, len(places))
        order = (
            _ROLES.index(row["role"]),
            _endpoint_place(config, row["endpoint"]),
            _KINDS.index(kind),
            row["population"] != "all",
            place,
        )
        together.setdefault(order, []).append(row)
    families: dict[str, tuple[int, int]] = {}
    for row in rows:
        planned, tested = families.get(row["family"], (0, 0))
        families[row["family"]] = planned + 1, tested + (row["p_value"] is not None)
    out = [_forest(config, part[0]["kind"], part, families) for _, part in sorted(together.items(), key=lambda item: item[0])]
    return [forest for forest in out if forest["rows"] or forest["without"] or forest["tests"]]


def _endpoint_place(config: CohortFile, endpoint: str) -> int:
    """Return where an endpoint stands within its role: as in the plan's list of secondary ones, else as in the cohort file."""
    order = [*config.analysis.secondary, *config.endpoints]
    return order.index(endpoint) if endpoint in order else len(order)


def _kind(row: dict[str, Any]) -> str:
    """Return the kind of question, which is the last part of its family's name."""
    if row["model"] in ("joint", "interaction", "landmark", "time_dependent"):
        return str(row["model"])
    last = str(row["family"]).rsplit("/", 1)[-1]
    return last if last in _KINDS else "markers"


_OF_ESTIMATE = (
    "value", "value_low", "value_high", "open", "effect_words", "interval_words", "negative", "detectable", "p_value", "q_value",
    "test", "method", "scale_short", "scale_label", "adjusted_for", "events_are", "flags", *_COUNTS,
)  # fmt: skip


def _forest(config: CohortFile, kind: str, rows: list[dict[str, Any]], families: dict[str, tuple[int, int]]) -> dict[str, Any]:
    population, endpoint = str(rows[0]["population"]), str(rows[0]["endpoint"])
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    tests = []
    for row in rows:
        if row["effect_words"] is None and row["p_value"] is not None:
            # a searched cut has a p and no effect: a row of a table, not of a figure
            tests.append(
                {k: row[k] for k in ("label", "contrast", "model", "method", "p_value", "q_value", "n", "events", "note")}
            )
            continue
        line = lines.setdefault(
            (row["marker_id"], row["contrast"]),
            {"marker_id": row["marker_id"], "label": row["label"], "contrast": row["contrast"], "estimates": {}, "notes": []},
        )
        if row["effect_words"] is not None:
            line["estimates"][row["model"]] = {k: row[k] for k in _OF_ESTIMATE}
        elif row["note"]:
            line["notes"].append((row["model"], row["note"]))
        for key in _COUNTS:
            line.setdefault(key, row[key])
    with_: list[dict[str, Any]] = []
    without: list[dict[str, Any]] = []
    for line in lines.values():
        (with_ if line["estimates"] else without).append(line)
    shown = _shown(kind, with_)
    _name_apart(shown, always=kind in ("measures", "expression", "contrasts"))
    who = {
        "measures": "with higher values of the measure",
        "expression": "with higher expression",
        "contrasts": "at the level named first",
    }
    scaled = [row for row in rows if row["effect_words"] is not None]
    names = list(dict.fromkeys(row["scale_label"] for row in scaled))
    ratios = bool(scaled) and scaled[0]["is_ratio"]
    return {
        "kind": kind,
        "name": rows[0]["question_id"].rsplit("/", 1)[-1] if kind in _DECLARED else None,
        "models": [m for m in MODELS if any(m in line["estimates"] for line in shown)],
        "role": rows[0]["role"],
        "population": population,
        "population_label": population_label(config, population),
        "endpoint": endpoint,
        "endpoint_label": endpoint_label(config, endpoint),
        "events_are": rows[0]["events_are"],
        "is_ratio": ratios,
        "scale": " or ".join(names) if names else None,
        "reads": direction(config, endpoint, scaled[0]["scale"], who.get(kind, "with the marker")) if scaled else None,
        "adjusted_for": sorted({str(r["adjusted_for"]) for r in rows if r["adjusted_for"] and r["model"] != "crude"}),
        "rows": shown,
        "more_rows": len(with_) - len(shown),
        "chosen_by_p": kind in SCANS and len(with_) > len(shown),
        "tests": tests[:MOST_ROWS],
        "more_tests": max(0, len(tests) - MOST_ROWS),
        "without": _by_reason(without),
        "families": _families(rows, families),
    }


def _families(rows: list[dict[str, Any]], families: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """Return how many questions were planned and tested in each family that these rows are of: what q pays for."""
    models = {row["family"]: str(row["model"]) for row in rows}
    return [
        {
            "model": model,
            "planned": families[name][0],
            "tested": families[name][1],
            "not_run": families[name][0] - families[name][1],
        }
        for name, model in models.items()
    ]


def _shown(kind: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a forest in their order: by carriers; of a scan that is too long, those with the least p."""
    chosen = sorted(lines, key=lambda x: (-(x["carriers"] or 0), x["label"], x["marker_id"]))
    if kind in SCANS and len(chosen) > MOST_ROWS:
        least = {
            id(x): min((e["p_value"] for e in x["estimates"].values() if e["p_value"] is not None), default=2.0) for x in chosen
        }
        keep = {id(x) for x in sorted(chosen, key=lambda x: least[id(x)])[:MOST_ROWS]}
        chosen = [x for x in chosen if id(x) in keep]
    return chosen[:MOST_ROWS]


def _name_apart(lines: list[dict[str, Any]], *, always: bool) -> None:
    """Give each row a name of its own: with what is compared, and the marker's id where that does not tell them apart."""
    labels = Counter(line["label"] for line in lines)
    for line in lines:
        if always or labels[line["label"]] > 1:
            line["label"] = f"{line['label']} ({line['contrast']})"
    labels = Counter(line["label"] for line in lines)
    for line in lines:
        if labels[line["label"]] > 1:
            line["label"] = f"{line['label']} [{line['marker_id']}]"


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
