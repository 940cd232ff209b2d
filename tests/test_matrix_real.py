"""The marker matrix on real cohorts: counts against those recomputed from the files by brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.knowledge import load_markers
from resistance.matrix import build_matrix, gene_states
from resistance.schemas import EFFECTS, SUBTYPES
from resistance.tables import conform, empty

#: words of the two files that are not silent, by class; the reading of files has tests of its own
CLASSES = {
    "Missense_Mutation": "missense",
    "Nonsense_Mutation": "truncating",
    "Frame_Shift_Ins": "truncating",
    "Frame_Shift_Del": "truncating",
    "In_Frame_Ins": "inframe_indel",
    "In_Frame_Del": "inframe_indel",
    "Splice_Site": "splice",
    "Translation_Start_Site": "start_lost",
    "Nonstop_Mutation": "stop_lost",
    "Silent": "synonymous",
    "non_synonymous_codon": "missense",
    "stop_gained": "truncating",
    "frameshift_variant": "truncating",
    "splice_site_variant": "splice",
    "inframe_codon_loss": "inframe_indel",
    "inframe_codon_gain": "inframe_indel",
    "inframe_variant": "inframe_indel",
    "initiator_codon_change": "start_lost",
    "stop_lost": "stop_lost",
    "synonymous_codon": "synonymous",
    "complex_change_in_transcript": "other",
}


def study(calls: pd.DataFrame, patients: pd.Series, copy_number: pd.DataFrame | None = None) -> tuple[Cohort, pd.DataFrame]:
    """A cohort with one tumour sample per patient, all genes covered, and its effects."""
    calls = calls.assign(build="GRCh37", source="file")
    calls["effect_class"] = calls["word"].map(CLASSES).fillna("noncoding")
    variant = ["build", "chrom", "pos", "ref", "alt"]
    effects = calls[[*variant, "gene", "effect_class", "hgvsp", "residue"]].drop_duplicates([*variant, "gene"])
    counted = [c for c in ("vaf", "depth") if c in calls]
    made = Cohort(
        facts={"build": "GRCh37"},
        patients=pd.DataFrame({"patient_id": patients}),
        samples=pd.DataFrame({"sample_id": patients, "patient_id": patients, "material": "tumour", "timepoint": "baseline"}),
        calls=calls[["sample_id", *variant, *counted, "source"]].drop_duplicates(["sample_id", *variant]),
        coverage=pd.DataFrame({"sample_id": patients, "kind": "mutation", "gene": "*", "source": "panel"}),
        **({} if copy_number is None else {"copy_number": copy_number}),
    )
    return made, conform(effects.assign(source="file:MAF"), EFFECTS)


def states_of(made: Cohort, effects: pd.DataFrame) -> pd.DataFrame:
    return build_matrix(made, effects, empty(SUBTYPES), load_markers(), subtype_method=None).matrix


def count(table: pd.DataFrame, marker: str) -> dict[str, int]:
    return table.loc[table["marker_id"] == marker, "state"].value_counts().to_dict()


@pytest.fixture(scope="module")
def mds(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Variants, clinic and ids of the 181 patients treated with lenalidomide."""
    folder = shared / "cohorts" / "mds_lenalidomide"
    clinic = pd.read_csv(folder / "ipssm_df_clinical.tsv", sep="\t")
    clinic = clinic[clinic["lenalidomid"] == 1]
    variants = pd.read_csv(folder / "ipssm_maf.tsv", sep="\t", dtype={"CHR": "str"})
    return variants[variants["ID"].isin(clinic["ID"])], clinic, clinic["ID"]


@pytest.mark.shared
def test_mds_states_agree_with_counts_from_the_files(mds: tuple[pd.DataFrame, pd.DataFrame, pd.Series], shared: Path) -> None:
    variants, clinic, ids = mds
    known = variants["START"].notna() & variants["CHR"].notna()
    calls = pd.DataFrame(
        {
            "sample_id": variants["ID"], "chrom": variants["CHR"], "pos": variants["START"], "ref": variants["REF"].fillna("-"),
            "alt": variants["ALT"].fillna("-"), "gene": variants["GENE"], "word": variants["EFFECT"],
            "hgvsp": variants["PROTEIN_CHANGE"].str.removeprefix("p."), "vaf": variants["VAF"], "depth": variants["DEPTH"],
        }
    )[known]  # fmt: skip
    calls["residue"] = pd.to_numeric(calls["hgvsp"].str.extract(r"^[A-Z*](\d+)", expand=False))
    arm = clinic["chr17"]
    copy_number = pd.DataFrame(
        {
            "sample_id": clinic["ID"], "gene": "TP53", "state": np.where(arm.isin(["del", "iso17q"]), -1, 0), "loh": arm == "cnloh",
            "source": "clinical",
        }
    )  # fmt: skip
    table = states_of(*study(calls, ids, copy_number))

    # brute force: the variants of each patient, and the arm
    n = variants[variants["GENE"] == "TP53"].groupby("ID").size().reindex(ids).fillna(0).to_numpy()
    hit = clinic["chr17"].isin(["del", "cnloh", "iso17q"]).to_numpy()
    multi, mono = (n >= 2) | ((n == 1) & hit), (n == 1) & ~hit
    assert (multi.sum(), mono.sum()) == (12, 15)
    for marker, expected in (("tp53_multi_hit", multi), ("tp53_mono_allelic", mono), ("tp53_mutation", n > 0)):
        rows = table[table["marker_id"] == marker].set_index("patient_id")["state"].reindex(ids)
        assert ((rows == "present").to_numpy() == expected).all(), marker
        assert set(rows) == {"present", "absent"}
    # the study's own columns say the same
    own = pd.read_csv(shared / "cohorts" / "mds_lenalidomide" / "ipssm_df_mut.tsv", sep="\t").set_index("ID").reindex(ids)
    assert (own["TP53multi"].to_numpy() == multi).all()
    assert (own["TP53mono"].to_numpy() == mono).all()
    assert count(table, "csnk1a1_mutation") == {"absent": 172, "present": 9}
    assert count(table, "csnk1a1_e98")["present"] == 2


@pytest.mark.shared
def test_one_tp53_variant_without_copy_number_is_not_told(mds: tuple[pd.DataFrame, pd.DataFrame, pd.Series]) -> None:
    variants, _, ids = mds
    calls = variants.loc[variants["GENE"] == "TP53", ["ID", "CHR", "START", "REF", "ALT", "GENE", "EFFECT"]]
    calls.columns = ["sample_id", "chrom", "pos", "ref", "alt", "gene", "word"]
    table = states_of(*study(calls.fillna("-").assign(hgvsp=None, residue=None), ids))
    n = calls.groupby("sample_id").size()
    assert count(table, "tp53_multi_hit") == {
        "absent": 181 - len(n),
        "present": int((n > 1).sum()),
        "not_assessed": int((n == 1).sum()),
    }
    assert count(table, "tp53_mono_allelic") == {"absent": 181 - int((n == 1).sum()), "not_assessed": int((n == 1).sum())}


@pytest.mark.shared
def test_reddy_carriers_agree_with_the_known_counts(shared: Path) -> None:
    maf = pd.read_csv(shared / "cohorts" / "reddy_duke_2017" / "data_mutations.txt", sep="\t", dtype="str")
    calls = pd.DataFrame(
        {
            "sample_id": maf["Tumor_Sample_Barcode"], "chrom": maf["Chromosome"], "pos": pd.to_numeric(maf["Start_Position"]),
            "ref": maf["Reference_Allele"], "alt": maf["Tumor_Seq_Allele2"], "gene": maf["Hugo_Symbol"].fillna("?"),
            "word": maf["Variant_Classification"], "hgvsp": maf["HGVSp_Short"].str.removeprefix("p."),
        }
    )  # fmt: skip
    calls["residue"] = pd.to_numeric(calls["hgvsp"].str.extract(r"^[A-Z*](\d+)", expand=False))
    ids = pd.Series(sorted(maf["Tumor_Sample_Barcode"].unique()))
    made, effects = study(calls, ids)
    table = states_of(made, effects)
    assert count(table, "ikzf3_mutation")["present"] == 26
    assert count(table, "irf4_mutation")["present"] == 38
    scanned = gene_states(made, effects)
    carriers = scanned[scanned["state"] == "present"].groupby("marker_id").size()
    changing = calls[~calls["word"].map(CLASSES).fillna("noncoding").isin(["noncoding", "synonymous", "other"])]
    expected = changing.groupby("gene")["sample_id"].nunique()
    assert carriers.rename(lambda name: name.removeprefix("gene:")).to_dict() == expected.to_dict()
