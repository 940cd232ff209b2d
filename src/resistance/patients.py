"""Matched markers, patients -> which statements apply to each patient, how far they reach, and what was not assessed.

The summary never calls a patient resistant.  A statement was made about groups of patients, or about
cells; evidence of the grades D, E and M (laboratory, screen, mechanism) and statements that nobody
has read in their source say nothing about a patient at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resistance.knowledge_tables import disease_within, drugs_of, load_diseases, load_grades
from resistance.schemas import TIMEPOINTS

if TYPE_CHECKING:
    import pandas as pd

RESEARCH_USE_ONLY = "Research use only: not for diagnosis, and no advice on treatment."
DIRECTIONS = ("resistance", "sensitivity", "prognostic", "neutral")
#: words for what a statement's setting has in common with the patient's
SAME, OTHER, UNKNOWN = "same", "other", "not_known"


@dataclass(frozen=True)
class SummaryTables:
    """What the summary is made from (schemas of the same names); `facts` are the cohort's."""

    facts: Mapping[str, Any]
    patients: pd.DataFrame
    markers: pd.DataFrame
    matrix: pd.DataFrame
    evidence: pd.DataFrame
    clonality: pd.DataFrame
    pathway_states: pd.DataFrame


def summarise(tables: SummaryTables) -> list[dict[str, Any]]:
    """Return one summary per patient, in the order of the patients table.

    Parameters
    ----------
    tables : SummaryTables

    Returns
    -------
    list of dict
        JSON values: ``patient_id``, ``disease``, ``treatment``, ``reading`` (a sentence and its
        ``level``: clinical, preclinical or none), and ``timepoints``: per time point with a sample or
        a result the ``statements`` whose marker is present (all about each: :func:`statements`), the
        number of markers that are absent, those ``not_assessed`` by reason apart from those of
        :func:`never_assessed`, and the altered ``pathways``.
    """
    known = {row["marker_id"]: row for row in records(tables.markers)}
    nobody = frozenset(name for row in never_assessed(tables) for name in row["marker_ids"])
    findings = _findings(tables)
    pathways = _pathways(tables.pathway_states)
    states = {
        key: (
            rows["marker_id"].tolist(),
            rows["state"].tolist(),
            rows["evidence"].astype("object").tolist(),
            rows["value"].tolist(),
        )
        for key, rows in tables.matrix.groupby(["patient_id", "timepoint"], sort=False)
    }
    out = []
    for patient in records(tables.patients):
        name = patient["patient_id"]
        setting = _setting(patient, tables.facts)
        points = {}
        for timepoint in TIMEPOINTS:
            if (name, timepoint) in states:
                points[timepoint] = _timepoint(name, timepoint, states[name, timepoint], known, nobody, findings, setting)
                points[timepoint]["pathways"] = pathways.get((name, timepoint), [])
        out.append(
            {
                "patient_id": name,
                "disease": setting["disease"],
                "treatment": patient.get("treatment"),
                "research_use_only": RESEARCH_USE_ONLY,
                "reading": reading([row for point in points.values() for row in point["statements"]]),
                "timepoints": points,
            }
        )
    return out


def never_assessed(tables: SummaryTables) -> list[dict[str, Any]]:
    """Return the markers that were assessed in nobody at any time point, by their commonest reason."""
    states = tables.matrix.groupby("marker_id", sort=False)["state"].agg(lambda x: (x == "not_assessed").all())
    rows = tables.matrix[tables.matrix["marker_id"].isin(states[states].index)]
    base = rows[rows["timepoint"] == "baseline"]
    labels = dict(zip(tables.markers["marker_id"], tables.markers["label"], strict=True))
    by_reason: dict[str, list[str]] = {}
    for name, why in base.groupby("marker_id", sort=False)["evidence"]:
        counts = why.fillna("no reason given").value_counts()
        reason = min(counts.index, key=lambda text: (-int(counts[text]), str(text)))
        by_reason.setdefault(str(reason), []).append(str(name))
    return [
        {"reason": reason, "marker_ids": names, "markers": [str(labels[name]) for name in names]}
        for reason, names in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def statements(tables: SummaryTables) -> dict[str, dict[str, Any]]:
    """Return all about each statement whose marker is present in anybody, by marker_id."""
    present = set(tables.matrix.loc[tables.matrix["state"] == "present", "marker_id"])
    return {row["marker_id"]: row for row in records(tables.markers) if row["marker_id"] in present}


def reading(statements: list[dict[str, Any]]) -> dict[str, str]:
    """Return what may be said of a patient for whom these statements apply.

    Examples
    --------
    >>> reading([])["level"]
    'none'
    """
    against = [row for row in statements if row["direction"] == "resistance"]
    clinical = [row for row in against if row["reaches_patients"]]
    if clinical:
        names = "; ".join(dict.fromkeys(f"{row['label']} (grade {row['evidence_grade']})" for row in clinical))
        return {
            "level": "clinical",
            "sentence": f"Statements on resistance that come from groups of patients with this disease and drug: {names}. "
            "This says nothing certain about one patient.",
        }
    if against:
        names = "; ".join(dict.fromkeys(row["label"] for row in against))
        return {
            "level": "preclinical",
            "sentence": f"Only laboratory evidence, unread sources, or evidence whose disease or drug does not surely fit speaks of resistance: {names}. "
            "No conclusion about this patient can be drawn from it.",
        }
    return {
        "level": "none",
        "sentence": "No statement of resistance applies among the markers that were assessed; what was not assessed is listed.",
    }


def _setting(patient: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    disease = patient.get("disease") or facts.get("disease")
    treatment = patient.get("treatment")
    imid = patient.get("imid") if patient.get("imid") is not None else facts.get("imid")
    return {
        "disease": disease if disease in load_diseases() else (None if disease in (None, "any") else disease),
        "drugs": drugs_of(treatment) if isinstance(treatment, str) else frozenset(),
        "imid": None if imid is None else bool(imid),
    }


def _fits_disease(statement: str | None, disease: str | None) -> str:
    if statement in (None, "any"):
        return SAME
    if disease is None or disease not in load_diseases():
        return UNKNOWN
    if disease_within(disease, str(statement)):
        return SAME
    # "myelodysplasia" may or may not be the del(5q) one that the statement is about
    return UNKNOWN if disease_within(str(statement), disease) else OTHER


def _fits_drug(statement: str | None, setting: Mapping[str, Any]) -> str:
    wanted = {name.strip() for name in (statement or "any").split(";")}
    if wanted & setting["drugs"]:
        return SAME
    if setting["imid"] is False:
        return OTHER
    if wanted & {"any", "class"}:
        return SAME if setting["imid"] else UNKNOWN
    # an IMiD that is named is another drug; without a name the drug is not known
    return OTHER if setting["drugs"] else UNKNOWN


def _timepoint(
    patient: str,
    timepoint: str,
    states: tuple[list[str], list[str], list[Any], list[float]],
    known: Mapping[str, Mapping[str, Any]],
    nobody: frozenset[str],
    findings: Mapping[tuple[str, str, str], list[dict[str, Any]]],
    setting: Mapping[str, Any],
) -> dict[str, Any]:
    grades = load_grades()
    statements: list[dict[str, Any]] = []
    missing: dict[str, list[str]] = {}
    absent = 0
    for marker, state, why, value in zip(*states, strict=True):
        row = known[marker]
        if state == "absent":
            absent += 1
        elif state == "not_assessed":
            if marker in nobody:
                continue
            missing.setdefault(str(why), []).append(str(row["label"]))
        else:
            disease, drug = _fits_disease(row["disease"], setting["disease"]), _fits_drug(row["drug"], setting)
            statements.append(
                {
                    **{
                        k: row[k]
                        for k in ("marker_id", "label", "genes", "evidence_kind", "rule", "direction", "disease", "drug")
                    },
                    **{k: row[k] for k in ("setting", "pathway", "evidence_grade", "n", "effect", "source", "note")},
                    "verified": bool(row["verified"]),
                    "same_disease": disease,
                    "same_drug": drug,
                    "reaches_patients": grades[row["evidence_grade"]].patient_level
                    and bool(row["verified"])
                    and disease == SAME
                    and drug == SAME,
                    "value": None if value != value else value,
                    "evidence": why,
                    "findings": findings.get((patient, timepoint, marker), []),
                }
            )
    rank = {name: i for i, name in enumerate(DIRECTIONS)}
    order = {name: i for i, name in enumerate(grades)}
    statements.sort(key=lambda r: (not r["reaches_patients"], rank[r["direction"]], order[r["evidence_grade"]], r["label"]))
    return {
        "statements": statements,
        "absent": absent,
        "not_assessed": [
            {"reason": reason, "n": len(labels), "markers": labels}
            for reason, labels in sorted(missing.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
    }


def _findings(tables: SummaryTables) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    clonal = {
        (row["sample_id"], row["gene"], row["chrom"], row["pos"], row["ref"], row["alt"]): row
        for row in records(tables.clonality)
    }
    out: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in records(tables.evidence):
        finding = {k: row[k] for k in ("finding", "sample_id", "gene", "hgvsp", "residue", "vaf", "depth", "flags")}
        known = clonal.get((row["sample_id"], row["gene"], row["chrom"], row["pos"], row["ref"], row["alt"]))
        columns = ("cancer_cell_fraction", "ccf_ci_low", "ccf_ci_high", "clonality")
        finding |= {k: None if known is None else known[k] for k in columns}
        out.setdefault((row["patient_id"], row["timepoint"], row["marker_id"]), []).append(finding)
    return out


def _pathways(table: pd.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    out: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in records(table[table["state"] == "present"]):
        shown = {
            k: row[k] for k in ("pathway", "genes_altered", "genes_assessed", "genes", "burden", "weighted_burden", "altered")
        }
        out.setdefault((row["patient_id"], row["timepoint"]), []).append(shown)
    return out


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain Python values, None for NA."""
    plain = table.astype("object")
    return [{str(k): v for k, v in row.items()} for row in plain.where(table.notna(), None).to_dict("records")]
