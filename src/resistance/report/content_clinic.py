"""Patients, response and adverse events -> table 1 with standardised differences, and events by grade."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.report.content_study import groups, response_endpoint
from resistance.report.words import title

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

#: more levels than this are an identifier or free text, not a characteristic
MOST_LEVELS = 12


def subtype_of(config: CohortFile, tables: StageTables) -> tuple[str | None, dict[str, str]]:
    """Return the method that heads the report and each patient's class by it (patients without a call are left out)."""
    methods = tables.subtypes["method"].drop_duplicates().tolist()
    use = config.subtype.use if config.subtype.use in methods else (methods[0] if methods else None)
    if use is None:
        return None, {}
    rows = tables.subtypes[(tables.subtypes["method"] == use) & tables.subtypes["subtype"].notna()]
    return use, dict(zip(rows["patient_id"], rows["subtype"], strict=True))


_METHOD_LABELS = {
    "dlbcl90": "DLBCL90",
    "dlbcl90_coo": "DLBCL90 cell of origin",
    "dlbcl90_pmbl": "DLBCL90 PMBL",
    "dlbcl90_dhitsig": "DLBCL90 DHITsig",
    "visco_young": "Visco-Young",
    "lps_wright210": "LPS (210 genes)",
    "lps_dhitsig104": "LPS DHITsig (104 genes)",
    "prps_st_wright210": "PRPS-ST (210 genes)",
    "rnaseq_coo21": "RNA-seq cell of origin (21 genes)",
    "rnaseq_dzsig28": "RNA-seq dark zone (28 genes)",
    "lps": "LPS",
    "ps": "PS",
    "prps": "PRPS",
    "lymphgen": "LymphGen",
    "lymphplex": "LymphPlex",
}


def method_label(method: str) -> str:
    """Return the name of a classification method for people: ``label:rnaseq`` -> 'rnaseq (as given)'."""
    if method.startswith("label:"):
        return f"{method.removeprefix('label:').replace('_', ' ')} (as given)"
    if method.startswith("model:"):
        return f"{method.removeprefix('model:').replace('_', ' ')} (trained model)"
    named = _METHOD_LABELS.get(method)
    return method.replace("_", " ").capitalize() if named is None else named


def table_one(config: CohortFile, tables: StageTables) -> dict[str, Any]:
    """Return the characteristics of the patients, overall and by response.

    No p-values: a table 1 describes.  With exactly two known groups each row carries the
    standardised difference (Yang & Dalton 2012 for categories), computed on known values.
    """
    import pandas as pd

    names, of = groups(config, tables)
    patients = tables.cohort.patients.sort_values("patient_id").reset_index(drop=True)
    group = patients["patient_id"].map(of) if names else pd.Series("", index=patients.index)
    columns = [{"name": "All patients", "n": len(patients)}]
    masks = [pd.Series(True, index=patients.index)]
    for name in names:
        mask = group == name
        columns.append({"name": name, "n": int(mask.sum())})
        masks.append(mask)
    known = [mask for name, mask in zip(["", *names], masks, strict=True) if name not in ("", "Not evaluable")]
    compared = (known[0], known[1]) if len(known) == 2 else None
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for variable, values in _variables(config, tables, patients):
        entry: dict[str, Any] = {"variable": variable, "missing": [int(values[m].isna().sum()) for m in masks]}
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            numbers = values.astype("float64")
            entry |= {"kind": "number", "cells": [_quartiles(numbers[m].dropna()) for m in masks]}
            entry["smd"] = None if compared is None else _smd_number(numbers[compared[0]], numbers[compared[1]])
        else:
            text = values.map(_word, na_action="ignore").astype("object")
            counts = text.value_counts()
            levels = sorted((str(x) for x in counts.index), key=lambda x: (-int(counts[x]), x))
            if len(levels) > MOST_LEVELS:
                left_out.append({"variable": variable, "levels": len(levels)})
                continue
            cells = [[{"n": int((text[m] == level).sum()), "of": int(text[m].notna().sum())} for m in masks] for level in levels]
            entry |= {"kind": "category", "levels": levels, "cells": cells}
            entry["smd"] = None if compared is None else _smd_category(text[compared[0]], text[compared[1]], levels)
        rows.append(entry)
    by = response_endpoint(config) if names else None
    return {
        "by": None if by is None else config.endpoints[by].label,
        "too_many_levels": left_out,
        "columns": columns,
        "rows": rows,
        "compared": compared is not None,
    }


def _variables(config: CohortFile, tables: StageTables, patients: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Name the characteristics in the order of the table; those nobody has a value for are left out."""
    out = [("Age, years", patients["age_years"]), ("Sex", patients["sex"])]
    for column, name in (("disease", "Disease"), ("treatment", "Treatment"), ("imid", "IMiD in the regimen")):
        if len(patients[column].dropna().unique()) > 1:
            out.append((name, patients[column]))
    method, subtype = subtype_of(config, tables)
    if method is not None:
        out.append((f"Subtype, {method_label(method)}", patients["patient_id"].map(subtype)))
    for name in config.covariates:
        if name in patients:
            out.append((title(name), patients[name]))
    return [(name, values) for name, values in out if values.notna().any()]


def _word(value: object) -> str:
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


def _quartiles(values: pd.Series) -> dict[str, Any]:
    if values.empty:
        return {"n": 0, "median": None, "q1": None, "q3": None}
    q1, median, q3 = (float(values.quantile(q)) for q in (0.25, 0.5, 0.75))
    return {"n": len(values), "median": median, "q1": q1, "q3": q3}


def _smd_number(a: pd.Series, b: pd.Series) -> float | None:
    """Return (mean a - mean b) / sqrt of the mean variance; None where it has no spread."""
    a, b = a.dropna(), b.dropna()
    if len(a) < 2 or len(b) < 2:
        return None
    spread = math.sqrt((float(a.var()) + float(b.var())) / 2)
    return (float(a.mean()) - float(b.mean())) / spread if spread > 0 else None


def _smd_category(a: pd.Series, b: pd.Series, levels: list[str]) -> float | None:
    """Return the standardised difference of two sets of proportions (Yang & Dalton 2012); not signed."""
    import numpy as np

    a, b = a.dropna(), b.dropna()
    if a.empty or b.empty or len(levels) < 2:
        return None
    p = np.array([(a == level).mean() for level in levels[1:]])
    q = np.array([(b == level).mean() for level in levels[1:]])
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    if np.linalg.matrix_rank(spread) < len(p):
        used = np.diag(spread) > 0
        if not used.any():
            return None
        p, q, spread = p[used], q[used], spread[np.ix_(used, used)]
    value = float((p - q) @ np.linalg.pinv(spread) @ (p - q))
    return math.sqrt(max(value, 0.0))


def adverse_events(tables: StageTables) -> dict[str, Any]:
    """Return patients per term by worst grade, the commonest first; grade 3 or more apart."""
    events = tables.cohort.adverse_events
    n = len(tables.cohort.patients)
    if events.empty:
        return {"given": False, "patients": n, "rows": []}
    worst = events.groupby(["term", "patient_id"], sort=True)["grade"].max().astype(int).reset_index()
    rows = []
    for term, part in worst.groupby("term", sort=True):
        grades = [int((part["grade"] == grade).sum()) for grade in range(1, 6)]
        rows.append({"term": str(term), "grades": grades, "any": len(part), "severe": int((part["grade"] >= 3).sum())})
    rows.sort(key=lambda row: (-int(str(row["any"])), str(row["term"])))
    overall = events.groupby("patient_id")["grade"].max().astype(int)
    return {
        "given": True,
        "patients": n,
        "reports": len(events),
        "with_any": len(overall),
        "with_severe": int((overall >= 3).sum()),
        "drugs": sorted(str(x) for x in events["drug"].dropna().unique()),
        "rows": rows,
    }
