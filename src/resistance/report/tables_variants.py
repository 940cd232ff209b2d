"""Calls, effects, samples -> one row per call and gene of the knowledge base, and which carriers rest on flagged calls alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.knowledge import load_genes
from resistance.match.calls import with_phased

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

_ALLELE = ["chrom", "pos", "ref", "alt"]
COLUMNS = (
    *("patient_id", "sample_id", "material", "timepoint", "build", "chrom", "pos", "ref", "alt", "gene", "hgvsc", "hgvsp"),
    *(
        "effect_class",
        "consequence",
        "exon",
        "transcript",
        "domain",
        "vaf",
        "alt_count",
        "depth",
        "population_af",
        "flags",
        "members",
    ),
    *("filter", "annotation", "source"),
)
FLAGGED = ("marker_id", "label", "present", "flagged_only", "clonal_haematopoiesis", "hypermutation", "plasma_only")


def variants(tables: StageTables) -> pd.DataFrame:
    """Return every variant that was seen in a gene of the knowledge base or of the study's markers.

    ``members`` names all variants that the sample has on one copy and that were read together; the effect is
    then theirs.  A call that was looked for and not seen (alt_count 0) is no variant and has no row.  ``annotation``
    is the source of the effect, ``source`` the file of the call.
    """
    calls, effects = tables.cohort.calls, tables.effects
    genes = {*load_genes().symbols, *(g.strip() for cell in tables.markers["genes"].dropna() for g in str(cell).split(";"))}
    effects = effects[effects["gene"].isin(genes)].rename(columns={"source": "annotation"})
    seen = (calls["alt_count"] != 0).fillna(True).astype(bool)
    # positions first: a genome's calls never reach the join on text
    calls = calls[seen & calls["pos"].isin(effects["pos"].unique())]
    samples = tables.cohort.samples[["sample_id", "patient_id", "material", "timepoint"]]
    rows = calls.merge(effects.drop(columns="build"), on=_ALLELE, how="inner").merge(samples, on="sample_id", how="inner")
    rows = with_phased(rows, tables.phased, ("consequence", "exon", "transcript"))
    by = ["patient_id", "sample_id", *_ALLELE, "gene"]
    return rows[list(COLUMNS)].sort_values(by, kind="stable", ignore_index=True)


def flagged(config: CohortFile, tables: StageTables, counted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the markers with carriers of whom every call is flagged, at the time point of the plan, most such carriers first.

    ``flagged_only`` counts the patients whose calls are all flagged with anything,
    ``clonal_haematopoiesis`` and ``hypermutation`` those whose calls all have this flag, and
    ``plasma_only`` those of ``flagged_only`` who have such calls in plasma and in nothing else.
    """
    rows = tables.evidence[tables.evidence["timepoint"] == config.analysis.timepoint]
    if rows.empty:
        return []
    material = rows["sample_id"].map(tables.cohort.samples.set_index("sample_id")["material"])
    words = rows["flags"].fillna("").str.split(";")
    per_call = rows[["marker_id", "patient_id"]].assign(
        flagged_only=rows["flags"].notna().astype(bool),
        **{name: words.map(lambda found, name=name: name in found) for name in FLAGGED[4:6]},
        plasma_only=(material == "plasma").fillna(False).astype(bool),
    )
    carriers = per_call.groupby(["marker_id", "patient_id"], sort=True).all()
    carriers["plasma_only"] &= carriers["flagged_only"]
    counts = carriers.groupby("marker_id", sort=True).sum()
    known = {m["marker_id"]: m for m in counted}
    out = [
        {
            "marker_id": str(marker),
            "label": known[marker]["label"],
            "present": known[marker]["present"],
            **{name: int(row[name]) for name in FLAGGED[3:]},
        }
        for marker, row in counts[counts["flagged_only"] > 0].iterrows()
    ]
    return sorted(out, key=lambda row: (-row["flagged_only"], row["label"]))
