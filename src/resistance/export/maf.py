"""Calls and their effects -> a Mutation Annotation Format file (GDC columns), one row per call.

Positions by MAF's convention, which is also ours: a deletion starts at its first deleted base; an
insertion starts at the base before it and ends at the base after; the missing allele is '-'.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resistance.consequences import SEVERITY
from resistance.export.files import write_plain
from resistance.export.maf_words import UNKNOWN, net_length, variant_classification, variant_type
from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.dropped import Dropped
    from resistance.export.results import Results

COLUMNS = (
    "Hugo_Symbol", "Entrez_Gene_Id", "Center", "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Strand",
    "Variant_Classification", "Variant_Type", "Reference_Allele", "Tumor_Seq_Allele1", "Tumor_Seq_Allele2",
    "Tumor_Sample_Barcode", "Matched_Norm_Sample_Barcode", "HGVSc", "HGVSp_Short", "Transcript_ID", "Exon_Number",
    "t_depth", "t_ref_count", "t_alt_count", "n_depth", "n_ref_count", "n_alt_count", "t_vaf", "FILTER", "Consequence",
    "IMPACT", "all_effects",
)  # fmt: skip
VERSION = "#version 2.4"
GERMLINE = "call of a germline sample"
UNSEEN = "looked for, but no read supports the variant"
UNCALLED = "some reads, but the caller's genotype is without the variant"
NO_EFFECT = "kept, without gene: no effect is known"
FURTHER_GENE = "kept, under one gene: a further gene that the variant changes stands in all_effects only"
_VARIANT = ["build", "chrom", "pos", "ref", "alt"]
_WEAK = ("synonymous", "noncoding", "other")
_CONTIGS = {name: i for i, name in enumerate((*map(str, range(1, 23)), "X", "Y", "MT"))}


def write(results: Results, folder: Path, dropped: Dropped) -> list[Path]:
    """Write ``mutations.maf``."""
    return [write_plain(mutations(results, dropped, "mutations.maf"), folder / "mutations.maf", above=[VERSION])]


def mutations(results: Results, dropped: Dropped, table: str) -> pd.DataFrame:
    """Return the calls as MAF rows.

    Parameters
    ----------
    results : Results
    dropped : Dropped
        Takes the calls that are not written (of germline samples, without a supporting read, not
        called), and those that lose something, by source and reason.
    table : str
        Name of the file, for the counts.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, sorted by position and sample.  A variant in several genes stands once, under
        the gene it changes, one of the markers first; all its genes stand in ``all_effects``.  What
        is not known is NA; ``Entrez_Gene_Id`` is then 0.
    """
    import pandas as pd

    samples = results.samples.set_index(results.samples["sample_id"].astype("object"))
    calls = _written(results.calls, samples["material"], dropped, table)
    chosen = _effects(results)
    rows = calls.merge(chosen, on=_VARIANT, how="left")
    _count(rows, rows["gene"].isna().to_numpy(dtype=bool), NO_EFFECT, dropped, table)
    _count(rows, (rows["_changed"] > 1).to_numpy(dtype=bool), FURTHER_GENE, dropped, table)
    normal = _normals(results, rows, samples)
    pairs = list(zip(rows["ref"].tolist(), rows["alt"].tolist(), strict=True))
    words = zip(rows["effect_class"].astype("object"), rows["consequence"].fillna("").tolist(), pairs, strict=True)
    known = rows["gene"].notna()
    end = rows["pos"] + np.array([1 if ref == "-" else len(ref) - 1 for ref, _ in pairs], dtype=np.int64)
    text = rows["ref"].dtype
    out = pd.DataFrame(
        {
            "Hugo_Symbol": rows["gene"].fillna(UNKNOWN),
            "Entrez_Gene_Id": 0,
            "Center": pd.Series(np.nan, index=rows.index, dtype=text),
            "NCBI_Build": rows["build"],
            "Chromosome": rows["chrom"],
            "Start_Position": rows["pos"],
            "End_Position": end,
            "Strand": "+",
            "Variant_Classification": [
                UNKNOWN if pd.isna(kind) else variant_classification(kind, consequence, net_length(*pair))
                for kind, consequence, pair in words
            ],
            "Variant_Type": [variant_type(*pair) for pair in pairs],
            "Reference_Allele": rows["ref"],
            "Tumor_Seq_Allele1": rows["ref"],
            "Tumor_Seq_Allele2": rows["alt"],
            "Tumor_Sample_Barcode": rows["sample_id"],
            "Matched_Norm_Sample_Barcode": normal["sample_id"],
            "HGVSc": rows["hgvsc"].astype(text).str.replace(r"^.*:", "", regex=True),
            "HGVSp_Short": "p." + rows["hgvsp"].astype(text),
            "Transcript_ID": rows["transcript"],
            "Exon_Number": rows["exon"],
            "t_depth": rows["depth"],
            "t_ref_count": rows["depth"] - rows["alt_count"],
            "t_alt_count": rows["alt_count"],
            "n_depth": normal["depth"],
            "n_ref_count": normal["depth"] - normal["alt_count"],
            "n_alt_count": normal["alt_count"],
            "t_vaf": rows["vaf"],
            "FILTER": rows["filter"],
            "Consequence": rows["consequence"].astype(text).where(known).str.replace("&", ",", regex=False),
            "IMPACT": rows["impact"],
            "all_effects": rows["all_effects"],
        }
    )
    order = out["Chromosome"].map(_CONTIGS).fillna(len(_CONTIGS))
    by = [
        "_order",
        "Chromosome",
        "Start_Position",
        "End_Position",
        "Reference_Allele",
        "Tumor_Seq_Allele2",
        "Tumor_Sample_Barcode",
    ]
    return out.assign(_order=order).sort_values(by, kind="stable")[list(COLUMNS)].reset_index(drop=True)


def _written(calls: pd.DataFrame, material: pd.Series, dropped: Dropped, table: str) -> pd.DataFrame:
    """Return the calls that are mutations of a tumour; count the others, each under its first reason."""
    germline = calls["sample_id"].astype("object").map(material).eq("germline").to_numpy(dtype=bool)
    unseen = calls["alt_count"].eq(0).fillna(False).to_numpy(dtype=bool)
    uncalled = calls["filter"].eq(NOT_CALLED).fillna(False).to_numpy(dtype=bool)
    _count(calls, germline, GERMLINE, dropped, table)
    _count(calls, ~germline & unseen, UNSEEN, dropped, table)
    _count(calls, ~germline & ~unseen & uncalled, UNCALLED, dropped, table)
    return calls[~(germline | unseen | uncalled)]


def _effects(results: Results) -> pd.DataFrame:
    """Return one row per variant: its first gene, all its genes in words, and how many of them it changes."""
    import pandas as pd

    ours = {gene.strip() for cell in results.markers["genes"].dropna() for gene in str(cell).split(";")}
    effects = results.effects
    weak = effects["effect_class"].isin(_WEAK)
    parts = [
        effects[name].fillna("").astype("object") for name in ("gene", "consequence", "hgvsp", "transcript", "hgvsc", "impact")
    ]
    text = parts[0].str.cat(parts[1:], sep=",")
    ranked = effects.assign(
        _weak=weak, _foreign=~effects["gene"].isin(ours), _severity=effects["effect_class"].map(SEVERITY.index), _text=text
    )
    ranked = ranked.sort_values([*_VARIANT, "_weak", "_foreign", "_severity", "gene", "transcript", "source"], kind="stable")
    groups = ranked.groupby(_VARIANT, sort=False)
    several = groups["gene"].transform("size") > 1
    joined = ranked[several].groupby(_VARIANT, sort=False)["_text"].agg(";".join)
    first = ranked.drop_duplicates(_VARIANT).drop(columns="source")
    changed = (~ranked["_weak"]).groupby([ranked[name] for name in _VARIANT], sort=False).sum().rename("_changed")
    first = first.merge(changed.reset_index(), on=_VARIANT, how="left")
    if len(joined):
        first = first.merge(joined.rename("_all").reset_index(), on=_VARIANT, how="left")
        first["_text"] = first["_all"].where(first["_all"].notna(), first["_text"])
    return pd.DataFrame(first.assign(all_effects=first["_text"].astype(effects["gene"].dtype)))


def _normals(results: Results, rows: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return, per row, the patient's germline sample and what was read there at the same variant."""
    germline = results.samples[results.samples["material"] == "germline"].drop_duplicates("patient_id")
    of_patient = germline.set_index(germline["patient_id"].astype("object"))["sample_id"]
    name = rows["sample_id"].astype("object").map(samples["patient_id"]).map(of_patient).astype(rows["sample_id"].dtype)
    there = results.calls.loc[
        results.calls["sample_id"].isin(germline["sample_id"]), ["sample_id", *_VARIANT, "depth", "alt_count"]
    ]
    return rows[_VARIANT].assign(sample_id=name).merge(there, on=["sample_id", *_VARIANT], how="left").set_axis(rows.index)


def _count(calls: pd.DataFrame, chosen: NDArray[np.bool_], reason: str, dropped: Dropped, table: str) -> None:
    for source, part in calls[chosen].groupby("source", sort=True):
        first = part.iloc[0]
        example = f"{first['sample_id']} {first['chrom']}:{first['pos']} {first['ref']}>{first['alt']}"
        dropped.add(table, str(source), reason, len(part), example)
