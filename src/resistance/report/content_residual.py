"""ctDNA tables -> residual disease with its limits, depth of response, the course of each patient, and what else stands in plasma."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.content_study import groups

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

TIMEPOINTS = ("baseline", "on_treatment", "end_of_treatment", "relapse", "follow_up")
METHODS = {"exact": "exact Poisson-binomial", "monte_carlo": "Monte-Carlo", "likelihood_ratio": "likelihood ratio"}
_MRD = ("patient_id", "sample_id", "timepoint", "day", "method", "n_sites", "n_sites_positive", "alt_count", "depth", "unit", "mean_vaf", "p_value",
        "p_calibrated", "decided_by", "q_value", "lob_vaf", "lod_vaf", "p_detect_1e3", "p_detect_1e4", "p_detect_1e5", "verdict", "note")  # fmt: skip
_COURSE = ("patient_id", "unit", "n_samples", "baseline_level", "baseline_detected", "nadir_day", "nadir_level", "nadir_censored",
           "nadir_log10_change", "cleared", "clearance_day", "clearance_sustained", "molecular_relapse", "molecular_relapse_day",
           "lead_time_days", "lead_time_censored", "doubling_time_days", "note")  # fmt: skip
_CHIP = ("patient_id", "gene", "hgvsp", "chrom", "pos", "ref", "alt", "origin", "plasma_vaf", "white_cell_vaf", "vaf_ratio", "behaviour",
         "followed", "note")  # fmt: skip
#: origins that are listed one by one
_DOUBTFUL = ("haematopoietic", "suspected", "undetermined")


def residual(tables: StageTables) -> dict[str, Any]:
    """Return the tests for residual disease: counts by time point and method, and every sample with its limits."""
    rows = tables.mrd
    counts = []
    for method in METHODS:
        for timepoint in TIMEPOINTS:
            part = rows[(rows["method"] == method) & (rows["timepoint"] == timepoint)]
            if part.empty:
                continue
            verdict = part["verdict"]
            counts.append(
                {
                    "method": METHODS[method],
                    "timepoint": timepoint,
                    "samples": len(part),
                    "positive": int((verdict == "positive").sum()),
                    "negative": int((verdict == "negative").sum()),
                    "underpowered": int((verdict == "underpowered").sum()),
                    "not_assessed": int(verdict.isna().sum()),
                    "median_lod_vaf": _median(part["lod_vaf"]),
                }
            )
    listed = rows.sort_values(["patient_id", "day", "sample_id", "method"], kind="stable", na_position="last")
    return {"counts": counts, "rows": records(listed, _MRD), "words": METHODS}


def depth_of_response(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return each patient's deepest change of ctDNA before relapse, and what it is in each response group.

    An undetected sample is a bound: the change is at least as deep.  The deepest is the smallest
    change, a bound counting as its value.
    """
    _, of = groups(config, tables)
    names = groups(config, tables)[0] or ["All patients"]
    rows = tables.molecular_response
    rows = rows[rows["log10_change"].notna() & (rows["timepoint"] != "relapse")]
    rows = rows.sort_values(["patient_id", "log10_change", "sample_id"], kind="stable").drop_duplicates("patient_id")
    bars = [
        {
            "patient": row["patient_id"],
            "group": of.get(row["patient_id"], "All patients"),
            "change": float(row["log10_change"]),
            "censored": bool(row["censored"]),
            "timepoint": row["timepoint"],
            "day": None if row["day"] != row["day"] else float(row["day"]),
        }
        for row in rows.to_dict("records")
    ]
    bars.sort(key=lambda bar: (-bar["change"], bar["patient"]))
    start = tables.quantity[tables.quantity["timepoint"] == "baseline"]
    own = config.ctdna.level
    level = start.groupby("patient_id")["hge_per_ml" if own is None else "assay_level"].mean()
    summary = []
    for name in names:
        mine = [bar for bar in bars if bar["group"] == name]
        if not mine:
            continue
        patients = [bar["patient"] for bar in mine]
        later = tables.molecular_response[tables.molecular_response["patient_id"].isin(patients)]
        later = later[later["timepoint"] != "relapse"]
        summary.append(
            {
                "group": name,
                "patients": len(mine),
                "median_baseline": _median(level.reindex(patients)),
                "median_change": float(sorted(bar["change"] for bar in mine)[len(mine) // 2])
                if len(mine) % 2
                else sum(sorted(bar["change"] for bar in mine)[len(mine) // 2 - 1 : len(mine) // 2 + 1]) / 2,
                "censored": sum(bar["censored"] for bar in mine),
                "molecular_response": _any(later, "molecular_response"),
                "cleared": _any(later, "cleared"),
            }
        )
    return {
        "bars": bars,
        "groups": [row["group"] for row in summary],
        "summary": summary,
        "unit": "hGE/mL" if own is None else own.unit,
        "drop_log10": config.ctdna.molecular_response_log10,
    }


def _any(rows: pd.DataFrame, column: str) -> dict[str, int]:
    """Return patients in whom it was ever true, of those in whom it was ever known."""
    known = rows[rows[column].notna()]
    ever = known.groupby("patient_id")[column].agg(lambda values: bool(values.astype(bool).any()))
    return {"n": int(ever.sum()), "of": len(ever)}


def course(tables: StageTables) -> list[dict[str, Any]]:
    """Return the course of each patient with plasma."""
    return records(tables.course.sort_values("patient_id", kind="stable"), _COURSE)


def haematopoiesis(tables: StageTables) -> dict[str, Any]:
    """Return how many variants come from where, and those that are, or may be, of blood cells."""
    rows = tables.haematopoiesis
    counts = [{"origin": str(k), "n": int(n)} for k, n in sorted(rows["origin"].value_counts().items())]
    doubtful = rows[rows["origin"].isin(_DOUBTFUL)].sort_values(["patient_id", "gene", "chrom", "pos"], kind="stable")
    return {"counts": counts, "rows": records(doubtful, _CHIP)}


def identity(tables: StageTables) -> dict[str, Any]:
    """Return the checks of identity by kind and verdict, and each warning."""
    rows = tables.identity
    counts = [
        {"check": str(check), "verdict": str(verdict), "n": int(n)}
        for (check, verdict), n in rows.groupby(["check", "verdict"], sort=True).size().items()
    ]
    warned = rows[rows["warning"].fillna(False).astype(bool)].sort_values(
        ["check", "sample_id", "other_sample_id"], kind="stable"
    )
    names = (
        "check",
        "sample_id",
        "patient_id",
        "other_sample_id",
        "other_patient_id",
        "n_sites",
        "contamination",
        "verdict",
        "note",
    )
    return {"counts": counts, "rows": records(warned, names)}


def quality(tables: StageTables) -> dict[str, Any]:
    """Return the numbers of the cell-free DNA and its sequencing, per sample, and the lengths of its fragments."""
    found = {name: table for name, table in tables.aligned.items() if len(table)}
    metrics = found.get("alignment_quality")
    samples = tables.cohort.samples
    known = samples.set_index("sample_id")
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    if metrics is not None:
        mine = metrics[metrics["sample_id"].isin(samples["sample_id"])]
        names = list(dict.fromkeys(mine["metric"]))
        wide = mine.pivot_table(index="sample_id", columns="metric", values="value", aggfunc="first", dropna=False)
        for sample in sorted(wide.index):
            values = [None if x != x else float(x) for x in wide.loc[sample, names]]
            rows.append({"sample_id": sample, "material": known.loc[sample, "material"], "values": values})
    lengths = found.get("fragment_lengths")
    curves = []
    if lengths is not None:
        of = lengths["sample_id"].map(known["material"])
        for material in ("plasma", "tumour", "bone_marrow", "germline"):
            mine = lengths[(of == material) & (lengths["length"] <= _LONGEST)]
            share = mine.assign(share=mine["n"] / mine.groupby("sample_id")["n"].transform("sum"))
            mean = share.groupby("length")["share"].sum() / max(1, mine["sample_id"].nunique())
            curves += [{"material": material, "length": int(at), "share": float(x)} for at, x in mean.items()]
    shallow = []
    regions = found.get("region_coverage")
    if regions is not None:
        mine = regions[regions["sample_id"].isin(samples.loc[samples["material"] == "plasma", "sample_id"])]
        per_region = mine.groupby("region")["mean_depth"].agg(["median", "min", "count"]).sort_values(["median"], kind="stable")
        shallow = [
            {"region": str(name), "median": float(r["median"]), "least": float(r["min"]), "samples": int(r["count"])}
            for name, r in per_region.head(_SHALLOWEST).iterrows()
        ]
    return {"metrics": names, "rows": rows, "lengths": curves, "shallowest": shallow}


#: longest fragment that is drawn (three nucleosomes), and regions listed
_LONGEST, _SHALLOWEST = 500, 15


def resistance(tables: StageTables) -> list[dict[str, Any]]:
    """Return the emergent and expanding variants that statements speak about: one row per variant, its statements inside."""
    place = ["patient_id", "sample_id", "gene", "hgvsp", "chrom", "pos", "ref", "alt"]
    told = ("patient_id", "sample_id", "material", "timepoint", "day", "gene", "hgvsp", "chrom", "pos", "ref", "alt", "change", "selection", "baseline_vaf",
            "baseline_lod_vaf", "later_vaf", "q_value", "given")  # fmt: skip
    materials = dict(zip(tables.cohort.samples["sample_id"], tables.cohort.samples["material"], strict=True))
    of_statement = ("label", "direction", "drug", "evidence_grade", "verified", "source", "drug_given")
    out = []
    for _, mine in tables.emergent_resistance.groupby(place, sort=False, dropna=False):
        (first,) = records(mine.head(1), told)
        first["material"] = materials.get(first["sample_id"])
        out.append(first | {"statements": records(mine, of_statement)})
    return out


def records(table: pd.DataFrame, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return rows as dictionaries of these columns; a column that the table does not have is None."""
    return [{name: row.get(name) for name in names} for row in table.astype("object").to_dict("records")]


def _median(values: pd.Series) -> float | None:
    known = values.dropna().astype("float64")
    return float(known.median()) if len(known) else None
