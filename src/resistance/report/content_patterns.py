"""Pathways, pairs of genes, clonality -> what the report shows of them; and published results to set the cohort beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.knowledge_tables import disease_within, load_diseases, load_pathways, load_trials
from resistance.report.content_markers import runs
from resistance.report.content_study import response_endpoint

if TYPE_CHECKING:
    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: pairs of genes that stand in the page; all stand in tables/cooccurrence.tsv
MOST_PAIRS = 15
#: false discovery rate below which a pair is called one
FDR = 0.05
_GENES_NAMED = 6


def pathways(config: CohortFile, tables: StageTables, oncoprint: dict[str, Any]) -> dict[str, Any]:
    """Return the pathways as rows of an oncoprint, and their counts.

    Patients stand in the order of the oncoprint of markers, so that the two figures can be read
    together.  ``burden`` is the mean over patients of altered genes among those assessed.
    """
    rows = tables.pathway_states[tables.pathway_states["timepoint"] == config.analysis.timepoint]
    order = oncoprint["patients"]
    state = {(p, w): s for p, w, s in zip(rows["patient_id"], rows["pathway"], rows["state"], strict=True)}
    shown, counted = [], []
    for name in dict.fromkeys(rows["pathway"]):
        of = rows[rows["pathway"] == name]
        states = [state.get((patient, name), "not_assessed") for patient in order]
        present, absent = states.count("present"), states.count("absent")
        names = of["altered"].dropna().str.split(";").explode().value_counts()
        genes = sorted(((str(g), int(n)) for g, n in names.items()), key=lambda item: (-item[1], item[0]))
        known = load_pathways().get(name)
        counted.append(
            {
                "pathway": name,
                "group": None if known is None else known.group,
                "summary": None if known is None else known.summary,
                "present": present,
                "absent": absent,
                "not_assessed": len(order) - present - absent,
                "genes": int(of["genes"].max()),
                "burden": float(of["burden"].mean()) if of["burden"].notna().any() else None,
                "altered": [{"gene": gene, "patients": n} for gene, n in genes],
                "altered_text": ", ".join(f"{gene} {n}" for gene, n in genes[:_GENES_NAMED]),
            }
        )
        if present:
            shown.append(
                {
                    "marker_id": name,
                    "label": name,
                    "present": present,
                    "assessed": present + absent,
                    # without a patient known to be without it a share of the assessed would always be one
                    "fraction": present / len(order) if order else None,
                    "runs": {s: runs([x == s for x in states]) for s in ("present", "not_assessed")},
                }
            )
    return {**oncoprint, "rows": shown, "more_rows": 0, "counted": counted}


def pairs(tables: StageTables) -> dict[str, Any]:
    """Return the pairs of genes with the smallest p, and how many were asked."""
    table = tables.cooccurrence
    rows = table.head(MOST_PAIRS).astype("object").to_dict("records")
    return {"asked": len(table), "found": int((table["q_value"] < FDR).sum()), "fdr": FDR, "rows": rows}


def clonality(tables: StageTables) -> dict[str, Any]:
    """Return how many calls are clonal, subclonal or neither, and why not."""
    table = tables.clonality
    counts = table["clonality"].value_counts()
    reasons = table.loc[table["clonality"] == "not_determined", "note"].value_counts()
    return {
        "calls": len(table),
        "samples": int(table["sample_id"].nunique()),
        **{word: int(counts.get(word, 0)) for word in ("clonal", "subclonal", "not_determined")},
        "reasons": [
            {"reason": str(r), "n": int(n)} for r, n in sorted(reasons.items(), key=lambda item: (-item[1], str(item[0])))
        ],
    }


def both_copies(config: CohortFile, tables: StageTables) -> list[dict[str, Any]]:
    """Return per gene the patients with both copies hit, one, or not to be told, at the plan's time point."""
    table = tables.allelic_states[tables.allelic_states["timepoint"] == config.analysis.timepoint]
    counts = table.groupby(["gene", "state"]).size().to_dict()
    states = ("bi_allelic", "mono_allelic", "not_determined")
    rows = [{"gene": g, **{s: int(counts.get((g, s), 0)) for s in states}} for g in sorted(set(table["gene"]))]
    return sorted(rows, key=lambda row: (-sum(row[s] for s in states), row["gene"]))


def published(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return published results in the cohort's disease, and the cohort's own share of responders.

    Other patients, other doses, other follow-up: context, never a comparison that could be tested.
    """
    disease = str(tables.cohort.facts.get("disease", config.study.disease))
    known = disease in load_diseases()
    trials = load_trials()
    fits = [known and (disease_within(disease, d) or disease_within(d, disease)) for d in trials["disease"]]
    rows = trials[fits]
    name = response_endpoint(config)
    own = None
    if name is not None and config.endpoints[name].kind == "binary":
        values = tables.cohort.endpoints.loc[tables.cohort.endpoints["endpoint"] == name, "value"].dropna()
        own = {"label": config.endpoints[name].label, "n": len(values), "responders": int(values.sum())} if len(values) else None
    plain = rows.astype("object").where(rows.notna(), None).to_dict("records")
    return {"disease": load_diseases()[disease].name if known else disease, "own": own, "rows": plain}
