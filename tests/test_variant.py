"""Canonical variants, contigs and builds."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.errors import InputError
from resistance.variant import Variant, build_name, contig, contigs, refusal, trim, trim_columns

BASES = st.text("ACGT", min_size=1, max_size=6)
REFERENCE = "ACGTTGCATTACGGA" * 4


@pytest.mark.parametrize(
    ("given_as", "canonical"),
    [
        ((100, "A", "C"), (100, "A", "C")),
        ((100, "a", "c"), (100, "A", "C")),
        ((100, "C", "CT"), (100, "-", "T")),  # VCF insertion: the anchor is the base before
        ((100, "-", "T"), (100, "-", "T")),  # MAF insertion
        ((100, "CAG", "C"), (101, "AG", "-")),  # VCF deletion
        ((101, "AG", "-"), (101, "AG", "-")),  # MAF deletion
        ((100, "CAG", "CG"), (101, "A", "-")),
        ((100, "AAA", "AA"), (100, "A", "-")),  # suffix first: the leftmost of the repeat
        ((100, "TTCG", "TA"), (101, "TCG", "A")),
        ((100, "ACGT", "TGCA"), (100, "ACGT", "TGCA")),
    ],
)
def test_every_spelling_comes_to_one_form(given_as, canonical):
    assert trim(*given_as) == canonical


@pytest.mark.parametrize(
    ("given_as", "reason"),
    [
        ((100, "", "A"), "an allele is empty"),
        ((100, "-", "-"), "an allele is empty"),
        ((100, "R", "A"), "an allele holds letters other than A, C, G and T"),
        ((100, "A", "<DEL>"), "an allele holds letters other than A, C, G and T"),
        ((100, "A", "A"), "the alternative allele is the reference allele"),
        ((0, "A", "C"), "the position is not 1 or more"),
    ],
)
def test_what_is_no_small_variant_is_refused(given_as, reason):
    with pytest.raises(InputError, match=reason):
        trim(*given_as)


@given(pos=st.integers(2, 40), ref=BASES, alt=BASES, before=st.text("ACGT", max_size=3), after=st.text("ACGT", max_size=3))
def test_flanking_bases_do_not_change_what_sequence_a_variant_makes(pos, ref, alt, before, after):
    if ref == alt:
        return
    plain, padded = trim(pos, ref, alt), trim(pos, before + ref + after, before + alt + after)

    def made(start, old, new):
        # the altered sequence over a reference that holds the padded allele at pos
        sequence = "N" * (pos - 1) + before + ref + after + "N" * 10
        at = start if old == "-" else start - 1
        old, new = old.replace("-", ""), new.replace("-", "")
        assert sequence[at : at + len(old)] == old
        return sequence[:at] + new + sequence[at + len(old) :]

    assert made(*padded) == made(plain[0] + len(before), *plain[1:])
    assert trim(*padded) == padded  # trimming a trimmed variant changes nothing


@given(st.lists(st.tuples(st.integers(1, 99), st.text("ACGTN-", max_size=4), st.text("ACGTN-", max_size=4)), max_size=30))
def test_columns_are_trimmed_as_single_variants_are(rows):
    frame = pd.DataFrame(rows, columns=["pos", "ref", "alt"]).astype({"pos": "Int64", "ref": "str", "alt": "str"})
    table = trim_columns(frame["pos"], frame["ref"], frame["alt"])
    for row, (_, out) in zip(rows, table.iterrows(), strict=True):
        reason = refusal(*row[1:])
        if reason is None and not trimmed_away(*row):
            assert (out["pos"], out["ref"], out["alt"]) == trim(*row)
            assert pd.isna(out["refused"])
        else:
            assert out["refused"] == reason or out["refused"] == "the position is not 1 or more"


def trimmed_away(pos: int, ref: str, alt: str) -> bool:
    """An insertion before the first base."""
    return pos == 1 and len(ref) < len(alt) and ref != "-" and alt.endswith(ref)


def test_columns_with_unknown_cells_are_refused_not_lost():
    table = trim_columns(
        pd.Series([5, pd.NA, 7], index=[3, 1, 2], dtype="Int64"),
        pd.Series(["A", "A", None], index=[3, 1, 2]),
        pd.Series(["C"] * 3, index=[3, 1, 2]),
    )
    assert table.index.tolist() == [3, 1, 2]
    assert table["refused"].tolist()[1:] == ["the position is not 1 or more", "an allele is empty"]


def altered(variant: Variant, sequence: str) -> str:
    at = variant.pos if variant.ref == "-" else variant.pos - 1
    ref, alt = variant.ref.replace("-", ""), variant.alt.replace("-", "")
    assert sequence[at : at + len(ref)] == ref
    return sequence[:at] + alt + sequence[at + len(ref) :]


@given(pos=st.integers(2, 50), ref=BASES, alt=BASES)
def test_a_left_aligned_variant_makes_the_same_sequence_and_comes_back_from_vcf(pos, ref, alt):
    if ref == alt:
        return
    # the reference holds the variant's own bases where it lies
    sequence = REFERENCE[: pos - 1] + ref + REFERENCE[pos - 1 :]

    def base_at(chrom: str, at: int) -> str:
        return sequence[at - 1]

    variant = Variant("37", "chr1", pos, ref, alt)
    left = variant.left_aligned(base_at)
    assert left.pos <= variant.pos
    assert altered(left, sequence) == altered(variant, sequence)
    vcf_pos, vcf_ref, vcf_alt = left.to_vcf(base_at)
    assert sequence[vcf_pos - 1 : vcf_pos - 1 + len(vcf_ref)] == vcf_ref
    back = Variant("hg19", "1", vcf_pos, vcf_ref, vcf_alt)
    assert back == left or (left.pos <= 2 and altered(back, sequence) == altered(left, sequence))


def test_two_places_of_one_repeat_are_one_variant_when_left_aligned():
    sequence = "GATTTTC"
    shifted = [Variant("37", "1", pos, "T", "-").left_aligned(lambda chrom, at: sequence[at - 1]) for pos in (3, 4, 5, 6)]
    assert set(shifted) == {Variant("37", "1", 3, "T", "-")}
    inserted = [Variant("37", "1", pos, "-", "T").left_aligned(lambda chrom, at: sequence[at - 1]) for pos in (2, 4, 6)]
    assert set(inserted) == {Variant("37", "1", 2, "-", "T")}


def test_a_deletion_of_the_first_base_is_anchored_behind():
    assert Variant("37", "1", 1, "G", "-").to_vcf(lambda chrom, at: "GATTTTC"[at - 1]) == (1, "GA", "A")


def test_an_indel_needs_the_reference_to_become_vcf_and_a_substitution_does_not():
    assert Variant("38", "3", 100, "TC", "AG").to_vcf() == (100, "TC", "AG")
    with pytest.raises(InputError, match=r"3:100 ->A \(GRCh38\).*needs the reference sequence"):
        Variant("38", "3", 100, "-", "A").to_vcf()


def test_spellings_of_one_variant_are_equal_and_hash_alike():
    spellings = {
        Variant("hg19", "chr20", 31022441, "A", "AG"),
        Variant("37", "20", 31022441, "-", "G"),
        Variant("GRCh37", "20", 31022440, "CA", "CAG"),
    }
    assert spellings == {Variant("b37", "20", 31022441, "-", "G")}
    assert str(spellings.pop()) == "20:31022441 ->G (GRCh37)"
    assert Variant("37", "1", 5, "A", "C") < Variant("37", "1", 6, "A", "C")
    assert Variant("37", "1", 5, "ACG", "-").end == 7
    assert Variant("37", "1", 5, "-", "ACG").end == 6


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("chr1", "1"), ("CHRX", "X"), ("chrM", "MT"), ("M", "MT"), ("mt", "MT"), ("23", "X"), ("24", "Y"), ("07", "7"), ("7.0", "7"),
        ("NC_000007.13", "7"), ("NC_000023.11", "X"), ("NC_012920.1", "MT"), ("GL000219.1", "GL000219.1"), ("chrUn_KI270742v1", "Un_KI270742v1"),
    ],
)  # fmt: skip
def test_contigs_have_one_name(name, short):
    assert contig(name) == short
    assert contigs(pd.Series([name, None], dtype="str")).tolist()[0] == short


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("37", "GRCh37"), ("GRCh37", "GRCh37"), ("grch37.p13", "GRCh37"), ("hg19", "GRCh37"), ("b37", "GRCh37"), ("hs37d5", "GRCh37"),
        ("38", "GRCh38"), ("hg38", "GRCh38"), ("GRCh38.d1.vd1", "GRCh38"),
    ],
)  # fmt: skip
def test_builds_have_one_name(name, build):
    assert build_name(name) == build


@pytest.mark.parametrize("name", ["36", "hg18", "", "mm10", "chm13", "379"])
def test_other_builds_are_refused(name):
    with pytest.raises(InputError, match=r"not a genome build this package knows\. Use GRCh37 \(hg19\) or GRCh38 \(hg38\)\."):
        build_name(name)
