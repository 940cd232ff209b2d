"""NanoString counts -> the total call of DLBCL90: PMBL where that score says so, else the cell of origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.subtype import dlbcl90_coo, dlbcl90_pmbl
from resistance.subtype.method import UNCLASSIFIED, Called, Method
from resistance.subtype.nanostring import (
    call_rows,
    call_table,
    classify_cohort,
    score_counts,
    score_rows,
)
from resistance.subtype.signature import load_signatures

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

_PARTS = (dlbcl90_pmbl.METHOD, dlbcl90_coo.METHOD)


def _of(counts: pd.DataFrame) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    import pandas as pd

    found, scores = [], []
    for method in _PARTS:
        signature = load_signatures()[method.name]
        scored = score_counts(signature, counts)
        found.append(call_rows(method, signature, scored))
        scores.append(score_rows(method, signature, scored))
    rows = [_total(pmbl, coo) for pmbl, coo in zip(*found, strict=True)]
    table = pd.concat(scores, ignore_index=True)
    return rows, table.drop_duplicates(["sample_id", "name"], ignore_index=True)


def _total(pmbl: dict[str, Any], coo: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the score that decides, with its probabilities; not its number, for two scales are no one score."""
    is_pmbl = pmbl.get("subtype") == "PMBL"
    decides = pmbl if is_pmbl else coo
    flags = [flag for flag in str(decides.get("flags") or "").split(";") if flag]
    call = decides.get("subtype")
    if pmbl.get("subtype") is None:  # PMBL is not excluded
        call = None
    if pmbl.get("subtype") == UNCLASSIFIED:
        flags.append("pmbl_unclear")
    missing = dict.fromkeys(g for row in (pmbl, coo) for g in str(row.get("features_missing") or "").split(";") if g)
    lost = max(float(row.get("weight_missing") or 0.0) for row in (pmbl, coo))
    reason = f"PMBL: {pmbl['reason']}" + ("" if is_pmbl else f"; cell of origin: {coo['reason']}")
    used = len(set(METHOD.features)) - sum(gene in METHOD.features for gene in missing)
    return decides | METHOD.row(
        subtype=call, score=None, flags=";".join(flags) or None, reason=reason, features_used=used,
        features_missing=";".join(missing) or None, weight_missing=lost,
    )  # fmt: skip


def classify(cohort: Cohort, settings: Subtype) -> Called:
    """Call every patient of a cohort with NanoString counts."""
    return classify_cohort(cohort, settings, METHOD, _of)


def classify_table(table: pd.DataFrame, *, platform: str = "nanostring", lanes: pd.DataFrame | None = None) -> pd.DataFrame:
    """Call every sample of a table of raw counts, codes in rows (see :func:`resistance.subtype.nanostring.call_table`)."""
    return call_table(_of, table, platform, lanes)


METHOD = Method(
    name="dlbcl90",
    version=dlbcl90_coo.METHOD.version,
    kind="cell_of_origin",
    input="nanostring",
    needs="raw NanoString counts of the 58 genes of the two scores, the 13 housekeeping genes among them",
    classes=("ABC", "GCB", "PMBL"),
    features=tuple(dict.fromkeys((*dlbcl90_coo.METHOD.features, *dlbcl90_pmbl.METHOD.features))),
    platforms=dlbcl90_pmbl.METHOD.platforms,
    citation=f"{dlbcl90_coo.METHOD.citation}; {dlbcl90_pmbl.METHOD.citation}",
    verified=True,
    limits="A PMBL score that is unclear leaves the cell of origin as the call, as the published program does, and is flagged.",
    classify=classify,
    classify_table=classify_table,
)
