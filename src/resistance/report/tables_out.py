"""Stage tables and report content -> the TSV files beside the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.content_markers import at_timepoint
from resistance.report.tables_variants import FLAGGED, variants
from resistance.report.words import DIFFERENCES
from resistance.tables import write_tsv

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

_FAMILIES = ("family", "role", "planned", "tested", "not_run", "smallest_q")
_CHECKLISTS = ("checklist", "item", "asks", "state", "where", "link", "detail")


def write_tables(config: CohortFile, tables: StageTables, content: dict[str, Any], folder: Path) -> None:
    """Write every table of the report below `folder`, one file each, rows in a fixed order."""
    for name, frame in report_tables(config, tables, content).items():
        write_tsv(frame, folder / f"{name}.tsv")


def report_tables(config: CohortFile, tables: StageTables, content: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Return the tables by file name: the stages' own, and those that the report counted."""
    import pandas as pd

    cohort = tables.cohort
    out = {
        "patients": cohort.patients.sort_values("patient_id"),
        "samples": cohort.samples.sort_values(["patient_id", "sample_id"]),
        "endpoints": cohort.endpoints.sort_values(["endpoint", "patient_id"]),
        "markers": tables.markers.sort_values("marker_id"),
        "matrix": wide_matrix(config, tables),
        "variants": variants(tables),
        "evidence": tables.evidence,
        "allelic_states": tables.allelic_states,
        "clonality": tables.clonality,
        "pathway_states": tables.pathway_states,
        "cooccurrence": tables.cooccurrence,
        "results": with_ratios(tables.results),
        "ctdna_quantity": tables.quantity.sort_values(["patient_id", "day", "sample_id"]),
        "molecular_response": tables.molecular_response.sort_values(["patient_id", "day", "sample_id"]),
        "emergence": tables.emergence.sort_values(["patient_id", "day", "chrom", "pos", "ref", "alt"]),
        "emergent_resistance": tables.emergent_resistance,
        "mrd": tables.mrd.sort_values(["patient_id", "day", "sample_id", "method"]),
        "ctdna_course": tables.course.sort_values("patient_id"),
        "clonal_haematopoiesis": tables.haematopoiesis.sort_values(["patient_id", "chrom", "pos", "ref", "alt"]),
        "identity": tables.identity.sort_values(["sample_id", "other_sample_id"]),
        "subtypes": tables.subtypes.sort_values(["method", "patient_id"]),
        "subtype_scores": tables.scores.sort_values(["name", "patient_id", "sample_id"]),
        "subtype_concordance": tables.concordance,
        "subtype_disagreements": tables.disagreements,
        "adverse_events": cohort.adverse_events.sort_values(["patient_id", "term", "grade"]),
        "annotation_differences": tables.differences,
        "phased_effects": tables.phased,
        "dropped": tables.dropped,
        "flow": _flow(content["flow"]),
        "coverage": pd.DataFrame(
            content["coverage"],
            columns=[
                "marker_id",
                "label",
                "evidence_kind",
                "present",
                "absent",
                "assessed",
                "not_assessed",
                "fraction",
                "reason",
            ],
        ),
        "flagged_markers": pd.DataFrame(content["flagged"], columns=list(FLAGGED)),
        "table_one": _table_one(content["table_one"]),
        "families": pd.DataFrame(content["questions"]["families"], columns=list(_FAMILIES)),
        "checklists": pd.DataFrame(
            [{"checklist": x["name"], **row} for x in content["checklists"] for row in x["rows"]], columns=list(_CHECKLISTS)
        ),
        "survival": _survival(content["survival"]),
        "subtype_response": _subtype_response(content["subtype"]),
    }
    out |= tables.aligned
    out |= {f"prediction_{name}": frame for name, frame in tables.trained.items()}
    return {name: frame.reset_index(drop=True) for name, frame in out.items()}


def wide_matrix(config: CohortFile, tables: StageTables) -> pd.DataFrame:
    """Return patients x markers at the plan's time point; a pair without a row is ``not_assessed``."""
    import pandas as pd

    rows = at_timepoint(config, tables)
    state = {(p, m): s for p, m, s in zip(rows["patient_id"], rows["marker_id"], rows["state"], strict=True)}
    patients = sorted(tables.cohort.patients["patient_id"])
    columns = {m: [state.get((p, m), "not_assessed") for p in patients] for m in tables.markers["marker_id"]}
    return pd.DataFrame({"patient_id": patients, **columns})


def with_ratios(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results with ratio and interval (exponentials of the effect) after the effect's own columns.

    A difference is no logarithm: it has no ratio.
    """
    import numpy as np

    out = results.copy()
    at = list(out.columns).index("ci_high") + 1
    logarithms = out["scale"].notna().to_numpy() & ~out["scale"].isin(DIFFERENCES).to_numpy()
    with np.errstate(over="ignore"):
        for i, (new, old) in enumerate((("ratio", "effect"), ("ratio_ci_low", "ci_low"), ("ratio_ci_high", "ci_high"))):
            out.insert(at + i, new, np.where(logarithms, np.exp(out[old].to_numpy(dtype="float64")), np.nan))
    return out


def _flow(flow: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"part": "inclusion", "step": f"{'left out: ' if s['left_out'] else ''}{s['step']}", "n": s["n"]} for s in flow["steps"]
    ]
    rows += [{"part": "assays", "step": a["what"], "n": a["n"]} for a in flow["assays"]]
    for e in flow["endpoints"]:
        rows.append({"part": e["endpoint"], "step": "counted", "n": e["n"]})
        rows += [{"part": e["endpoint"], "step": f"left out: {r['reason']}", "n": r["n"]} for r in e["left_out"]]
    return pd.DataFrame(rows, columns=["part", "step", "n"])


def _table_one(content: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for entry in content["rows"]:
        head = {"variable": entry["variable"], "standardised_difference": entry["smd"]}
        for i, column in enumerate(content["columns"]):
            at = {**head, "group": column["name"], "group_n": column["n"], "not_known": entry["missing"][i]}
            if entry["kind"] == "number":
                rows.append({**at, **{k: entry["cells"][i][k] for k in ("n", "median", "q1", "q3")}})
            else:
                rows += [
                    {**at, "level": level, "n": cells[i]["n"], "of": cells[i]["of"]}
                    for level, cells in zip(entry["levels"], entry["cells"], strict=True)
                ]
    columns = ["variable", "level", "group", "group_n", "n", "of", "median", "q1", "q3", "not_known", "standardised_difference"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(("group_n", "n", "of", "not_known"), "Int64"))


def _survival(figures: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"endpoint": f["endpoint"], "population": f["population"], "by": f["by"] or "all", "group": g["name"], **point}
        for f in figures
        for g in f["groups"]
        for point in g["points"]
    ]
    return pd.DataFrame(rows, columns=["endpoint", "population", "by", "group", "months", "survival", "incidence", "low", "high"])


def _subtype_response(content: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    rows = [{"method": m["method"], **c} for m in content["methods"] for c in m["classes"]]
    frame = pd.DataFrame(rows, columns=["method", "subtype", "n", "evaluable", "responders", "rate", "low", "high"])
    return frame.astype(dict.fromkeys(("n", "evaluable", "responders"), "Int64"))
