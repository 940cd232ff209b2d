"""Calls become MAF rows: positions and alleles by the convention, and the project's own reader finds the same again."""

from __future__ import annotations

import pandas as pd
import pytest
from export_fixture import CALLS, COMPLEX, DELETION, DNP, INSERTION, NOWHERE, SNV

from resistance.config import Variants
from resistance.consequences import meaning, words
from resistance.dropped import Dropped
from resistance.export.maf import COLUMNS
from resistance.export.maf_words import NONCODING, variant_classification, variant_type
from resistance.read.maf import read_maf

SAMPLES = ("P1-T", "P1-R", "P2-T", "P3-T", "P1-N")
KEY = ["sample_id", "build", "chrom", "pos", "ref", "alt"]


@pytest.fixture(scope="module")
def maf(exported):
    return pd.read_csv(exported / "maf" / "mutations.maf", sep="\t", comment="#", dtype=str, keep_default_na=False)


def row(maf, sample, variant):
    found = maf[
        (maf["Tumor_Sample_Barcode"] == sample)
        & (maf["Chromosome"] == variant["chrom"])
        & (maf["Reference_Allele"] == variant["ref"])
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_the_header(exported, maf):
    assert (exported / "maf" / "mutations.maf").read_text().startswith("#version 2.4\nHugo_Symbol\tEntrez_Gene_Id\tCenter\t")
    assert tuple(maf.columns) == COLUMNS


@pytest.mark.parametrize(
    ("sample", "variant", "start", "end", "kind", "ref", "alt", "classification"),
    [
        ("P1-T", SNV, "7577121", "7577121", "SNP", "G", "A", "Missense_Mutation"),
        ("P1-T", INSERTION, "3192720", "3192721", "INS", "-", "TG", "Frame_Shift_Ins"),
        ("P1-R", DELETION, "3192730", "3192732", "DEL", "CAG", "-", "In_Frame_Del"),
        ("P2-T", DNP, "1000000", "1000001", "DNP", "CC", "TT", "Missense_Mutation"),
        ("P2-T", COMPLEX, "2000000", "2000002", "DEL", "ACG", "T", "Frame_Shift_Del"),
        ("P3-T", NOWHERE, "3000000", "3000000", "SNP", "A", "C", "Unknown"),
    ],
)
def test_positions_and_alleles(maf, sample, variant, start, end, kind, ref, alt, classification):
    found = row(maf, sample, variant)
    assert tuple(found[["Start_Position", "End_Position", "Variant_Type", "Reference_Allele", "Tumor_Seq_Allele2"]]) == (
        start, end, kind, ref, alt,
    )  # fmt: skip
    assert found["Tumor_Seq_Allele1"] == ref
    assert found["Variant_Classification"] == classification


def test_one_row_in_full(maf):
    assert row(maf, "P1-T", SNV).to_dict() == {
        "Hugo_Symbol": "TP53", "Entrez_Gene_Id": "0", "Center": "", "NCBI_Build": "GRCh37", "Chromosome": "17",
        "Start_Position": "7577121", "End_Position": "7577121", "Strand": "+", "Variant_Classification": "Missense_Mutation",
        "Variant_Type": "SNP", "Reference_Allele": "G", "Tumor_Seq_Allele1": "G", "Tumor_Seq_Allele2": "A",
        "Tumor_Sample_Barcode": "P1-T", "Matched_Norm_Sample_Barcode": "P1-N", "HGVSc": "c.817C>T", "HGVSp_Short": "p.R273C",
        "Transcript_ID": "ENST00000269305.4", "Exon_Number": "8", "t_depth": "200", "t_ref_count": "150", "t_alt_count": "50",
        "n_depth": "150", "n_ref_count": "150", "n_alt_count": "0", "t_vaf": "0.25", "FILTER": "PASS",
        "Consequence": "missense_variant", "IMPACT": "HIGH",
        "all_effects": "TP53,missense_variant,R273C,ENST00000269305.4,ENST00000269305.4:c.817C>T,HIGH;AAA1,stop_gained,Q5*,,,HIGH",
    }  # fmt: skip


def test_a_count_that_the_caller_did_not_give_stays_empty(maf):
    found = row(maf, "P2-T", COMPLEX)
    assert tuple(found[["t_depth", "t_ref_count", "t_alt_count", "t_vaf", "n_depth", "FILTER"]]) == (
        "",
        "",
        "",
        "0.25",
        "",
        "PASS",
    )
    assert row(maf, "P1-R", DELETION)["FILTER"] == ""


def test_rows_stand_by_contig_and_position(maf):
    assert maf["Chromosome"].tolist() == ["2", "3", "3", "10", "17", "17", "X"]
    assert maf["Tumor_Sample_Barcode"].tolist()[4:6] == ["P1-R", "P1-T"]


def test_calls_that_are_no_mutations_are_counted_by_reason(exported):
    table = pd.read_csv(exported / "maf" / "export_dropped.tsv", sep="\t")
    assert dict(zip(table["reason"], table["n"], strict=True)) == {
        "call of a germline sample": 2,
        "looked for, but no read supports the variant": 1,
        "some reads, but the caller's genotype is without the variant": 1,
        "kept, without gene: no effect is known": 1,
        "kept, under one gene: a further gene that the variant changes stands in all_effects only": 2,
    }
    assert table.loc[table["reason"] == "looked for, but no read supports the variant", "example"].item() == "P2-T 17:7577121 G>A"


def test_the_reader_finds_the_same_calls_and_classes(exported):
    dropped = Dropped("read")
    calls, effects, fusions = read_maf(
        Variants(format="maf", file="mutations.maf"), exported / "maf" / "mutations.maf", build="GRCh37", samples=SAMPLES, dropped=dropped
    )  # fmt: skip
    expected = pd.DataFrame(CALLS[:7]).sort_values(KEY).reset_index(drop=True)
    got = calls.sort_values(KEY).reset_index(drop=True)
    assert got[KEY].to_numpy().tolist() == expected[KEY].to_numpy().tolist()
    for name in ("depth", "alt_count", "vaf"):
        assert got[name].astype("float64").tolist() == pytest.approx(expected[name].astype("float64").tolist(), nan_ok=True)
    assert fusions.empty
    classes = dict(zip(effects["gene"], effects["effect_class"], strict=False))
    assert classes == {"TP53": "missense", "CRBN": "inframe_indel", "BTK": "missense", "ABC2": "truncating"}
    assert effects.loc[effects["gene"] == "BTK", "consequence"].item() == "missense_variant&splice_region_variant"


@pytest.mark.parametrize("gained", [-3, -1, 0, 1, 3])
def test_every_known_consequence_is_read_again_as_the_same_class(gained):
    for term in sorted({word.so_term for word in words().values()}):
        known = meaning(term)
        word = variant_classification(known.effect_class, known.consequence, gained)
        assert meaning(word).effect_class == known.effect_class, f"{term} -> {word}"


def test_every_noncoding_term_has_a_word():
    assert {word.so_term for word in words().values() if word.effect_class == "noncoding"} == set(NONCODING)


def test_a_truncation_without_change_of_length_is_a_nonsense_mutation():
    assert variant_classification("truncating", "frameshift_variant", 0) == "Nonsense_Mutation"
    assert variant_classification("truncating", "stop_gained&frameshift_variant", -2) == "Nonsense_Mutation"
    assert variant_classification("truncating", "", 2) == "Frame_Shift_Ins"


@pytest.mark.parametrize(
    ("ref", "alt", "kind"),
    [("A", "C", "SNP"), ("AC", "GT", "DNP"), ("ACG", "TTT", "TNP"), ("ACGT", "TTTT", "ONP"), ("-", "A", "INS"), ("A", "-", "DEL"), ("A", "CG", "INS")],
)  # fmt: skip
def test_the_type_of_a_variant(ref, alt, kind):
    assert variant_type(ref, alt) == kind
