"""ctDNA tables -> the numbers of the ctDNA section: trajectories with the limit of detection in the place of zero, response, what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.ctdna.level import level_of
from resistance.report.content_residual import (
    course,
    depth_of_response,
    haematopoiesis,
    identity,
    quality,
    residual,
    resistance,
)
from resistance.report.content_study import groups

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

CHANGES = ("emergent", "expanding", "stable", "shrinking", "cleared", "not_assessable")


def ctdna(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return the numbers of the ctDNA section; ``given`` is false without plasma."""
    quantity = tables.quantity
    if quantity.empty:
        return {"given": False, "emergence": emergence(tables), "identity": identity(tables), "quality": quality(tables)}
    return {
        "given": True,
        "samples": len(quantity),
        "patients": int(quantity["patient_id"].nunique()),
        "convention_pg": config.ctdna.convention_pg_per_haploid_genome,
        "trajectories": _trajectories(config, tables),
        "response": _response(config, tables),
        "depth": depth_of_response(config, tables),
        "residual": residual(tables),
        "course": course(tables),
        "emergence": emergence(tables),
        "haematopoiesis": haematopoiesis(tables),
        "identity": identity(tables),
        "quality": quality(tables),
    }


def _trajectories(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return points per patient: the level of another assay, hGE per mL where every sample has its cfDNA concentration, else mean VAF.

    One unit for the whole figure.  An undetectable sample stands at the limit of detection of that
    sample, marked as a bound; without a limit it cannot be drawn and is counted.
    """
    rows = tables.quantity.sort_values(["patient_id", "day", "sample_id"], kind="stable")
    assessed = rows[rows["detected"].notna() & rows["day"].notna()]
    seen = assessed["detected"].astype(bool)
    in_hge = bool(len(assessed) and assessed["hge_per_ml"].where(seen, assessed["lod_hge_per_ml"]).notna().all())
    unit = "assay" if config.ctdna.level is not None else "hge_per_ml" if in_hge else "mean_vaf"
    _, of = groups(config, tables)
    points, undrawn = [], len(rows) - len(assessed)
    for row in assessed.to_dict("records"):
        level = level_of(row, unit)
        if level is None:
            undrawn += 1
            continue
        points.append(
            {
                "patient": row["patient_id"],
                "group": of.get(row["patient_id"], "All patients"),
                "day": float(row["day"]),
                "timepoint": row["timepoint"],
                "value": level.value,
                "detected": not level.censored,
                "relapse": row["timepoint"] == "relapse",
                "vaf": float(row["mean_vaf"]),
                "vaf_low": float(row["mean_vaf_ci_low"]),
                "vaf_high": float(row["mean_vaf_ci_high"]),
                "lod_vaf": float(row["lod_vaf"]),
            }
        )
    name = config.ctdna.level.unit if config.ctdna.level is not None else None
    return {"unit": {"mean_vaf": "vaf"}.get(unit, unit), "name": name, "points": points, "not_drawn": undrawn,
            "convention_pg": config.ctdna.convention_pg_per_haploid_genome}  # fmt: skip


def _response(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return molecular response (at any time, and at the time of each milestone) and clearance by time point.

    Each on the samples in which it could be assessed.
    """
    rows = tables.molecular_response
    out = []
    for timepoint in ("on_treatment", "end_of_treatment", "relapse", "follow_up"):
        part = rows[rows["timepoint"] == timepoint]
        if part.empty:
            continue
        known = part[part["molecular_response"].notna()]
        clear = part[part["cleared"].notna()]
        out.append(
            {
                "timepoint": timepoint,
                "samples": len(part),
                "patients": int(part["patient_id"].nunique()),
                "assessable": len(known),
                "molecular_response": int(known["molecular_response"].astype(bool).sum()),
                "clearance_assessable": len(clear),
                "cleared": int(clear["cleared"].astype(bool).sum()),
            }
            | {name: _share(part[f"{name}_molecular_response"]) for name in ("early", "major")}
        )
    milestones = config.ctdna.milestones
    asked = {name: {"drop_log10": m.drop_log10, "cycle": m.cycle, "days": list(m.days)} for name, m in
             (("early", milestones.early), ("major", milestones.major))}  # fmt: skip
    return {"drop_log10": config.ctdna.molecular_response_log10, "milestones": asked, "rows": out}


def _share(flags: pd.Series) -> dict[str, int]:
    known = flags.dropna().astype(bool)
    return {"n": int(known.sum()), "of": len(known)}


def emergence(tables: StageTables) -> dict[str, Any]:
    """Return how many variants changed in which way, and each emergent one with its reads and VAFs."""
    rows = tables.emergence
    counts = [{"change": c, "n": int((rows["change"] == c).sum())} for c in CHANGES if (rows["change"] == c).any()]
    emergent = rows[rows["change"] == "emergent"].sort_values(["gene", "patient_id", "day", "chrom", "pos"], kind="stable")
    keys = ("patient_id", "gene", "hgvsp", "chrom", "pos", "ref", "alt", "timepoint", "day", "material", "baseline_alt_count",
            "baseline_depth", "later_alt_count", "later_depth", "baseline_vaf", "baseline_lod_vaf", "later_vaf", "p_emergent", "q_emergent",
            "relative_change", "selection", "cluster", "note")  # fmt: skip
    listed = [{k: row[k] for k in keys} for row in emergent.to_dict("records")]
    genes = emergent.groupby("gene")["patient_id"].nunique()
    by_gene = sorted(
        ({"gene": str(g), "patients": int(n)} for g, n in genes.items()), key=lambda r: (-int(str(r["patients"])), r["gene"])
    )
    return {
        "counts": counts,
        "patients": int(rows["patient_id"].nunique()),
        "patients_with_emergent": int(emergent["patient_id"].nunique()),
        "by_gene": by_gene,
        "emergent": listed,
        "resistance": resistance(tables),
        "selected": int((rows["selection"] == "selected").sum()),
        "with_level": int(rows["selection"].notna().sum()),
    }
