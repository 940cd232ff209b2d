"""Marker matrix, clinic -> the oncoprint in three states, what could not be assessed, the evidence behind each marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.dropped import KEPT
from resistance.knowledge import same_event
from resistance.report.content_clinic import method_label, subtype_of
from resistance.report.content_study import groups, response_endpoint
from resistance.report.content_subtype import in_order
from resistance.report.design import RESPONSE_ORDER
from resistance.report.words import UNREAD_MARK

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: kinds of evidence that are shown as clinical tracks or elsewhere, not as rows of the oncoprint
_NOT_ROWS = ("subtype", "exposure", "ctdna", "serum", "score")
#: differences of annotation that stand in the page; all stand in tables/annotation_differences.tsv
MOST_DIFFERENCES = 50
#: files that share a reason for leaving something out, each with a row of its own in the page
MOST_SOURCES = 5
#: how the annotations may differ, what can move a marker first
DIFFERS = ("class", "class, other transcript", "protein", "protein, other transcript", "protein not named here", "numbering")
UNKNOWN = "not known"


def at_timepoint(config: CohortFile, tables: StageTables) -> pd.DataFrame:
    """Return the matrix at the time point of the plan."""
    return tables.matrix[tables.matrix["timepoint"] == config.analysis.timepoint].reset_index(drop=True)


def coverage(config: CohortFile, tables: StageTables) -> list[dict[str, Any]]:
    """Return per marker the patients in each state, and the commonest reason where it was not assessed."""
    rows = at_timepoint(config, tables)
    n = len(tables.cohort.patients)
    counts = rows.groupby(["marker_id", "state"]).size().to_dict()
    missed = rows[(rows["state"] == "not_assessed") & rows["evidence"].notna()]
    reasons = missed.groupby(["marker_id", "evidence"]).size()
    out = []
    columns = (tables.markers[name] for name in ("marker_id", "label", "evidence_kind", "verified"))
    for marker, label, kind, verified in zip(*columns, strict=True):
        present, absent = int(counts.get((marker, "present"), 0)), int(counts.get((marker, "absent"), 0))
        why = None
        if marker in reasons.index.get_level_values(0):
            part = reasons.loc[marker]
            why = str(sorted(part.items(), key=lambda item: (-int(item[1]), str(item[0])))[0][0])
        # a patient without a row was not assessed either
        out.append(
            {
                "marker_id": str(marker),
                "label": str(label),
                "evidence_kind": str(kind),
                "verified": bool(verified),
                "present": present,
                "absent": absent,
                "assessed": present + absent,
                "not_assessed": n - present - absent,
                "fraction": present / (present + absent) if present + absent else None,
                "reason": why,
            }
        )
    return out


def oncoprint(config: CohortFile, tables: StageTables, counted: list[dict[str, Any]]) -> dict[str, Any]:
    """Return patients in order, clinical tracks and marker rows.

    Patients stand by response, subtype, treatment, then by the rows from the top.  A row holds
    ``present`` and ``not_assessed`` as runs ``[from, to)`` of patient positions: what is in neither
    was assessed and is absent.
    """
    twin = same_event(tables.markers)
    # a quantile is met by the same share of every cohort: it would crowd out what differs
    by_quantile = set(tables.markers.loc[tables.markers["rule"].str.contains("quantile"), "marker_id"])
    left_out = {*twin, *by_quantile}
    rows = [m for m in counted if m["present"] and m["evidence_kind"] not in _NOT_ROWS and m["marker_id"] not in left_out]
    rows.sort(key=lambda m: (-(m["fraction"] or 0), -m["present"], m["label"], m["marker_id"]))
    more = max(0, len(rows) - config.report.oncoprint_genes)
    rows = rows[: config.report.oncoprint_genes]
    patients = sorted(tables.cohort.patients["patient_id"].tolist())
    tracks = _tracks(config, tables, patients)
    matrix = at_timepoint(config, tables)
    matrix = matrix[matrix["marker_id"].isin([m["marker_id"] for m in rows])]
    state = {(p, m): s for p, m, s in zip(matrix["patient_id"], matrix["marker_id"], matrix["state"], strict=True)}
    rank = {"present": 0, "absent": 1, "not_assessed": 2}

    def key(patient: str) -> tuple[Any, ...]:
        by_track = tuple(track["levels"].index(track["of"][patient]) for track in tracks)
        by_row = tuple(rank[state.get((patient, m["marker_id"]), "not_assessed")] for m in rows)
        return (*by_track, *by_row, patient)

    order = sorted(patients, key=key)
    shown = []
    for m in rows:
        states = [state.get((patient, m["marker_id"]), "not_assessed") for patient in order]
        shown.append(
            {
                **{k: m[k] for k in ("marker_id", "present", "assessed", "fraction", "verified")},
                "label": m["label"] if m["verified"] else f"{m['label']} {UNREAD_MARK}",
                "runs": {s: runs([x == s for x in states]) for s in ("present", "not_assessed")},
            }
        )
    drawn = [
        {
            "name": track["name"],
            "levels": track["levels"],
            "runs": [
                {"level": level, "from": a, "to": b}
                for level in track["levels"]
                for a, b in runs([track["of"][patient] == level for patient in order])
            ],
        }
        for track in tracks
    ]
    return {"timepoint": config.analysis.timepoint, "patients": order, "tracks": drawn, "rows": shown, "more_rows": more}


def runs(mask: list[bool]) -> list[list[int]]:
    """Return the half-open stretches of true values: ``[T, T, F, T]`` -> ``[[0, 2], [3, 4]]``."""
    out: list[list[int]] = []
    for i, value in enumerate(mask):
        if not value:
            continue
        if out and out[-1][1] == i:
            out[-1][1] = i + 1
        else:
            out.append([i, i + 1])
    return out


def _tracks(config: CohortFile, tables: StageTables, patients: list[str]) -> list[dict[str, Any]]:
    """Return response, subtype and treatment of each patient, with the levels in reading order."""
    tracks: list[dict[str, Any]] = []
    name = response_endpoint(config)
    names, of = groups(config, tables)
    if names and name is not None:
        rows = tables.cohort.endpoints[tables.cohort.endpoints["endpoint"] == name]
        words = {p: str(w) for p, w in zip(rows["patient_id"], rows["label"], strict=True) if isinstance(w, str)}
        # the reported words (CR, PR ...) tell more than the two groups, as long as they are clinic's own
        if words and set(words.values()) <= {*RESPONSE_ORDER, "NE"}:
            of = {p: words.get(p, UNKNOWN) if of[p] != "Not evaluable" else "Not evaluable" for p in patients}
            names = [x for x in [*RESPONSE_ORDER, "Not evaluable", UNKNOWN] if x in set(of.values())]
        tracks.append({"name": "Response", "levels": names, "of": {p: of[p] for p in patients}})
    method, subtype = subtype_of(config, tables)
    if method is not None and subtype:
        of = {p: subtype.get(p, UNKNOWN) for p in patients}
        levels = in_order(set(of.values()) - {UNKNOWN}) + ([UNKNOWN] if UNKNOWN in of.values() else [])
        tracks.append(
            {"name": "Cell of origin" if _is_coo(levels) else f"Subtype, {method_label(method)}", "levels": levels, "of": of}
        )
    given = tables.cohort.patients.set_index("patient_id")["treatment"]
    if 1 < given.nunique() <= 8:
        of = {p: str(given[p]) if isinstance(given[p], str) else UNKNOWN for p in patients}
        counts = given.value_counts()
        levels = sorted((str(x) for x in counts.index), key=lambda x: (-int(counts[x]), x))
        tracks.append({"name": "Treatment", "levels": [*levels, *([UNKNOWN] if UNKNOWN in of.values() else [])], "of": of})
    return tracks


def _is_coo(levels: list[str]) -> bool:
    return bool({"ABC", "GCB", "non-GCB"} & set(levels))


def evidence(tables: StageTables, counted: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the statements behind the markers: direction, grade, source, and whether the source was read."""
    present = {m["marker_id"]: m for m in counted}
    rows = []
    for row in tables.markers.sort_values("marker_id").to_dict("records"):
        m = present[row["marker_id"]]
        text = {k: (row[k] if isinstance(row[k], str) else None) for k in row if k != "verified"}
        rows.append(
            {
                **text,
                "verified": row["verified"] is True or bool(row["verified"]),
                "present": m["present"],
                "assessed": m["assessed"],
            }
        )
    return {"rows": rows, "verified": sum(bool(r["verified"]) for r in rows), "unverified": sum(not r["verified"] for r in rows)}


def annotation(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return where effects come from, and how the files' annotation and the own one disagree (mode ``both``)."""
    table = tables.differences
    grouped = table.groupby("differs", observed=True)["gene"]
    kinds = [
        {"differs": str(kind), "n": len(genes), "genes": [str(g) for g in genes.value_counts(sort=False).sort_index().index]}
        for kind, genes in grouped
    ]
    kinds.sort(key=lambda k: DIFFERS.index(str(k["differs"])))
    # what moves a marker first: where only the number differs stands in the table of kinds
    order = table["differs"].map({name: i for i, name in enumerate(DIFFERS)})
    rows = table.loc[order.sort_values(kind="stable").index].head(MOST_DIFFERENCES).astype("object")
    return {
        "mode": config.annotation.mode,
        "differences": len(table),
        "kinds": kinds,
        "rows": rows.where(rows.notna(), None).to_dict("records"),
    }


def dropped(tables: StageTables) -> list[dict[str, Any]]:
    """Return what the stages left out, by stage, table, source and reason; ``kept`` marks what was renamed or merged instead.

    A reason that more than :data:`MOST_SOURCES` files share is one row, since a cohort may have a file per sample;
    ``tables/dropped.tsv`` has each.
    """
    columns = ["stage", "table", "source", "reason", "n", "example"]
    out = []
    for _, group in tables.dropped[columns].groupby(["stage", "table", "reason"], sort=False, dropna=False):
        rows = group.to_dict("records")
        if len(rows) > MOST_SOURCES:
            examples = [row["example"] for row in rows if isinstance(row["example"], str)]
            rows = [
                rows[0] | {"source": f"{len(rows):,} files", "n": int(group["n"].sum()), "example": next(iter(examples), None)}
            ]
        out += rows
    out.sort(key=lambda row: tuple(str(row[k]) for k in columns[:4]))
    return [
        {k: (None if v is None or v != v else v) for k, v in row.items()} | {"kept": str(row["reason"]).startswith(KEPT)}
        for row in out
    ]
