"""Pathways, clonality, co-occurrence and the summary of a patient, on a cohort of three made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.allelic import allelic_states
from resistance.clonality import find_clonality
from resistance.cohort import Cohort
from resistance.cooccurrence import cooccurrence
from resistance.matrix import MarkerMatrix, build_matrix
from resistance.pathways import pathway_states
from resistance.patients import SummaryTables, never_assessed, reading, summarise
from resistance.tables import conform, empty

VARIANTS = {"CRBN": ("3", 10), "DDB1": ("11", 20), "TP53": ("17", 30), "CUL4A": ("13", 40)}
MARKERS = (
    ("crbn_mut", "CRBN", "mutation", "nonsilent", "resistance", "PCM", "lenalidomide", "C", True, "CRL4-CRBN"),
    ("crbn_missense", "CRBN", "mutation", "missense", "resistance", "PCM", "class", "M", True, "CRL4-CRBN"),
    ("crl4", "CUL4A;DDB1", "mutation", "nonsilent", "resistance", "PCM", "class", "E", True, "CRL4-CRBN"),
    ("tp53", "TP53", "mutation", "nonsilent", "resistance", "MDS", "lenalidomide", "B", True, "TP53 and del(5q)"),
    ("crbn_high", "CRBN", "expression", "above:absolute:3", "sensitivity", "PCM", "any", "B", True, "CRL4-CRBN"),
)


def cohort(**more: Any) -> tuple[Cohort, pd.DataFrame]:
    """P1 has CRBN and DDB1, P2 TP53; of P3 only CRBN was looked at."""
    carried = [("P1", "CRBN", 30), ("P1", "DDB1", 5), ("P2", "TP53", 40)]
    where = {"build": "GRCh38", "ref": "A", "alt": "T"}
    calls = [
        {
            "sample_id": p,
            **where,
            "chrom": VARIANTS[g][0],
            "pos": VARIANTS[g][1],
            "depth": 100,
            "alt_count": n,
            "vaf": n / 100,
            "source": "x",
        }
        for p, g, n in carried
    ]
    effects = [
        {**where, "chrom": c, "pos": pos, "gene": g, "effect_class": "missense", "hgvsp": "A1V", "source": "file:MAF"}
        for g, (c, pos) in VARIANTS.items()
    ]
    read = [(p, g) for p in ("P1", "P2") for g in VARIANTS] + [("P3", "CRBN")]
    study = Cohort(
        facts={"build": "GRCh38", "expression_unit": None, "disease": "PCM", "imid": True},
        patients=pd.DataFrame({"patient_id": ["P1", "P2", "P3"], "treatment": ["len-dex", "len-dex", "pomalidomide"]}),
        samples=pd.DataFrame({"sample_id": ["P1", "P2", "P3"], "patient_id": ["P1", "P2", "P3"], "material": "bone_marrow",
                              "timepoint": "baseline", "purity": [0.6, 0.8, None]}),
        calls=pd.DataFrame(calls),
        coverage=pd.DataFrame([{"sample_id": p, "kind": "mutation", "gene": g, "source": "p"} for p, g in read]),
        **more,
    )  # fmt: skip
    return study, conform(pd.DataFrame(effects), schemas.EFFECTS)


def markers() -> pd.DataFrame:
    names = (
        "marker_id",
        "genes",
        "evidence_kind",
        "rule",
        "direction",
        "disease",
        "drug",
        "evidence_grade",
        "verified",
        "pathway",
    )
    rows = [dict(zip(names, row, strict=True)) | {"label": row[0], "source": "PMID:1"} for row in MARKERS]
    return conform(pd.DataFrame(rows), schemas.MARKERS)


def matched(**more: Any) -> tuple[Cohort, MarkerMatrix]:
    study, effects = cohort(**more)
    return study, build_matrix(study, effects, empty(schemas.SUBTYPES), markers(), subtype_method=None)


def test_pathway_counts_genes_and_not_statements() -> None:
    table = pathway_states(matched()[1]).set_index(["patient_id", "pathway"])
    row = table.loc[("P1", "CRL4-CRBN")]
    # CRBN is hit by two statements and counts once; DDB1 by one that names two genes
    assert tuple(row[["state", "genes_altered", "genes_assessed", "genes", "altered"]]) == ("present", 2, 3, 3, "CRBN;DDB1")
    assert row["burden"] == pytest.approx(2 / 3)
    # the best grade of each gene: C for CRBN (0.6), E for DDB1 (0.1), as grades.tsv weighs them
    assert row["weighted_burden"] == pytest.approx(0.7)


def test_pathway_is_absent_only_where_every_gene_was_looked_at() -> None:
    table = pathway_states(matched()[1]).set_index(["patient_id", "pathway"])
    assert tuple(table.loc[("P2", "CRL4-CRBN"), ["state", "genes_assessed"]]) == ("absent", 3)
    assert tuple(table.loc[("P3", "CRL4-CRBN"), ["state", "genes_assessed"]]) == ("not_assessed", 1)
    assert table.loc[("P3", "CRL4-CRBN"), "burden"] == 0
    assert np.isnan(table.loc[("P3", "TP53 and del(5q)"), "burden"])


def test_both_copies_are_hit_by_two_variants_one_and_a_loss_or_a_deep_deletion() -> None:
    copies = [("P1", "CRBN", -1), ("P1", "DDB1", 0), ("P2", "CUL4A", -2), ("P3", "CRBN", -2)]
    table = pd.DataFrame([{"sample_id": p, "gene": g, "state": s, "source": "c"} for p, g, s in copies])
    found = allelic_states(matched(copy_number=table)[1])
    states = {(p, g): s for p, g, s in zip(found["patient_id"], found["gene"], found["state"], strict=True)}
    assert states == {
        ("P1", "CRBN"): "bi_allelic",
        ("P1", "DDB1"): "mono_allelic",
        ("P2", "CUL4A"): "bi_allelic",
        ("P2", "TP53"): "not_determined",  # one variant, and nobody knows the other copy
        ("P3", "CRBN"): "bi_allelic",
    }
    why = found.set_index(["patient_id", "gene"])["evidence"]
    assert why["P1", "CRBN"].startswith("one variant and loss or copy-neutral LOH: CRBN p.A1V in P1")
    assert why["P3", "CRBN"] == "CRBN deep deletion in P3"


def test_cancer_cell_fraction_needs_purity_and_copies() -> None:
    copies = pd.DataFrame(
        [
            {"sample_id": "P1", "gene": "CRBN", "state": 0, "source": "c"},
            {"sample_id": "P2", "gene": "TP53", "state": 2, "source": "c"},
        ]
    )
    study, found = matched(copy_number=copies)
    table = find_clonality(study, found.tables).set_index(["patient_id", "gene"])
    row = table.loc[("P1", "CRBN")]
    assert row["cancer_cell_fraction"] == pytest.approx(1.0)  # .3 / .6 * 2
    assert row["clonality"] == "clonal"
    assert table.loc[("P1", "DDB1"), "note"] == "no copy number of the gene in this sample"
    assert table.loc[("P2", "TP53"), "note"] == "amplified: the number of copies is not known"
    assert set(table["clonality"]) == {"clonal", "not_determined"}


def test_sample_without_purity_has_no_row_of_clonality() -> None:
    study, found = matched()
    bare = Cohort(facts=study.facts, patients=study.patients, samples=study.samples.assign(purity=np.nan))
    assert find_clonality(bare, found.tables).empty


def many(carried: dict[str, np.ndarray]) -> tuple[Cohort, pd.DataFrame]:
    """A cohort of 80 with these carriers by gene, one variant per gene, everything looked at."""
    ids = [f"P{i:03d}" for i in range(80)]
    where = {"build": "GRCh38", "chrom": "1", "ref": "A", "alt": "T", "source": "x"}
    pos = {gene: 10 * i + 10 for i, gene in enumerate(carried)}
    calls = [
        {**where, "sample_id": p, "pos": pos[g]} for g, has in carried.items() for p, yes in zip(ids, has, strict=True) if yes
    ]
    study = Cohort(
        facts={"build": "GRCh38"},
        patients=pd.DataFrame({"patient_id": ids}),
        samples=pd.DataFrame({"sample_id": ids, "patient_id": ids, "material": "tumour", "timepoint": "baseline"}),
        calls=pd.DataFrame(calls),
        coverage=pd.DataFrame({"sample_id": ids, "kind": "mutation", "gene": "*", "source": "p"}),
    )
    rows = [{**where, "pos": pos[g], "gene": g, "effect_class": "missense"} for g in carried]
    return study, conform(pd.DataFrame(rows), schemas.EFFECTS)


def test_pairs_of_genes_are_asked_among_enough_carriers_only() -> None:
    random = np.random.default_rng(4)
    company = random.random(80) < 0.3
    background = {f"G{i}": random.random(80) < 0.3 for i in range(20)}
    study, effects = many(
        background | {"CRBN": company, "DDB1": company, "TP53": random.random(80) < 0.3, "CUL4A": np.arange(80) < 3}
    )
    table = cooccurrence(study, effects, ["CRBN", "DDB1", "TP53", "CUL4A"], min_carriers=5)
    assert set(zip(table["gene_1"], table["gene_2"], strict=True)) == {("CRBN", "DDB1"), ("CRBN", "TP53"), ("DDB1", "TP53")}
    first = table.iloc[0]
    assert (first["gene_1"], first["gene_2"], first["tendency"]) == ("CRBN", "DDB1", "together")
    assert first["both"] == first["n_1"] == first["n_2"] == company.sum()
    assert first["n"] == 80
    assert cooccurrence(study, effects, ["CRBN"], min_carriers=5).empty


def test_burden_cannot_be_told_from_a_handful_of_genes() -> None:
    random = np.random.default_rng(4)
    study, effects = many({gene: random.random(80) < 0.3 for gene in ("CRBN", "DDB1", "TP53")})
    assert cooccurrence(study, effects, ["CRBN", "DDB1", "TP53"], min_carriers=5).empty


def summaries(**changed: Any) -> dict[str, dict[str, Any]]:
    study, effects = cohort()
    found = build_matrix(study, effects, empty(schemas.SUBTYPES), markers().assign(**changed), subtype_method=None)
    rows = summarise(
        SummaryTables(
            study.facts,
            study.patients,
            found.markers,
            found.matrix,
            found.evidence,
            find_clonality(study, found.tables),
            pathway_states(found),
        )
    )
    return {row["patient_id"]: row for row in rows}


def test_summary_lists_statements_with_direction_grade_and_finding() -> None:
    patient = summaries()["P1"]
    rows = {row["marker_id"]: row for row in patient["timepoints"]["baseline"]["statements"]}
    assert set(rows) == {"crbn_mut", "crbn_missense", "crl4"}
    assert (rows["crbn_mut"]["evidence_grade"], rows["crbn_mut"]["direction"], rows["crbn_mut"]["same_disease"]) == (
        "C",
        "resistance",
        "same",
    )
    assert rows["crbn_mut"]["findings"][0]["finding"] == "CRBN p.A1V in P1, VAF 0.3, depth 100"
    assert rows["crbn_mut"]["findings"][0]["clonality"] == "not_determined"
    assert patient["timepoints"]["baseline"]["absent"] == 1
    assert patient["timepoints"]["baseline"]["not_assessed"] == []
    assert patient["research_use_only"].startswith("Research use only")


def test_what_was_not_assessed_is_listed_per_patient_and_once_for_all() -> None:
    study, found = matched()
    nobody = never_assessed(
        SummaryTables(study.facts, study.patients, found.markers, found.matrix, *[empty(schemas.EVIDENCE)] * 3)
    )
    assert nobody == [{"reason": "no expression of CRBN", "marker_ids": ["crbn_high"], "markers": ["crbn_high"]}]
    assert summaries()["P3"]["timepoints"]["baseline"]["not_assessed"] == [
        {"reason": "no mutation assay covers TP53", "n": 1, "markers": ["tp53"]},
        {"reason": "no mutation assay covers any of CUL4A, DDB1", "n": 1, "markers": ["crl4"]},
    ]


def test_statement_of_another_disease_reaches_nobody_here() -> None:
    patient = summaries()["P2"]
    row = patient["timepoints"]["baseline"]["statements"][0]
    assert (row["marker_id"], row["same_disease"], row["reaches_patients"]) == ("tp53", "other", False)
    assert patient["reading"]["level"] == "preclinical"


@pytest.mark.parametrize(("grade", "verified"), [("D", True), ("E", True), ("M", True), ("A", False)])
def test_laboratory_or_unread_evidence_alone_never_makes_a_clinical_reading(grade: str, verified: bool) -> None:
    assert {row["reading"]["level"] for row in summaries(evidence_grade=grade, verified=verified).values()} <= {
        "preclinical",
        "none",
    }


def test_clinical_reading_needs_evidence_from_patients_in_the_same_disease_and_drug() -> None:
    assert summaries()["P1"]["reading"]["level"] == "clinical"
    assert summaries(disease="DLBCLNOS")["P1"]["reading"]["level"] == "preclinical"
    assert summaries(drug="thalidomide")["P1"]["reading"]["level"] == "preclinical"


def test_patient_coded_more_coarsely_than_the_statement_does_not_surely_fit() -> None:
    study, found = matched()
    coarse = study.facts | {"disease": "MBN"}
    rows = summarise(
        SummaryTables(
            coarse,
            study.patients,
            found.markers,
            found.matrix,
            found.evidence,
            empty(schemas.CLONALITY),
            empty(schemas.PATHWAY_STATES),
        )
    )
    first = rows[0]["timepoints"]["baseline"]["statements"][0]
    assert (first["same_disease"], first["reaches_patients"]) == ("not_known", False)


def test_no_reading_says_that_a_patient_is_resistant() -> None:
    base = {"direction": "resistance", "label": "CRBN", "evidence_grade": "A"}
    sentences = [
        reading(rows)["sentence"] for rows in ([], [base | {"reaches_patients": True}], [base | {"reaches_patients": False}])
    ]
    assert not any("patient is" in text or "is resistant" in text for text in sentences)
    assert [reading(rows)["level"] for rows in ([], [base | {"reaches_patients": True}])] == ["none", "clinical"]
