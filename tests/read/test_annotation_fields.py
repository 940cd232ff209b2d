"""CSQ, ANN and BCSQ as VEP, SnpEff and bcftools write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance.errors import InputError
from resistance.read.annotation_fields import Effect, fields_of

VEP = (
    "Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|EXON|HGVSc|HGVSp|"
    "Protein_position|Amino_acids|PICK|MANE_SELECT|CANONICAL"
)
SNPEFF = (
    "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | "
    "Transcript_BioType | Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | CDS.pos / CDS.length | AA.pos / AA.length | Distance' "
)
BCFTOOLS = "Haplotype-aware consequence annotation from BCFtools/csq. Format: Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"


def effects(name: str, description: str, entries: list[str], *alleles: str, pos: int = 100, field=None) -> list[Effect]:
    field = field or fields_of({name: description}, Path("calls.vcf"))[0]
    return list(field.effects(entries, "chr3", pos, alleles))


def vep(allele: str, consequence: str = "missense_variant", gene: str = "MYD88", **cells: str) -> str:
    names = VEP.split("Format: ")[1].split("|")
    known = {
        "Allele": allele,
        "Consequence": consequence,
        "SYMBOL": gene,
        "Feature_type": "Transcript",
        "Feature": "ENST1",
        **cells,
    }
    return "|".join(known.get(name, "") for name in names)


def test_a_vep_entry_becomes_an_effect():
    entry = vep("C", HGVSc="ENST1.3:c.794T>C", HGVSp="ENSP1.1:p.Leu265Pro", EXON="5/5", IMPACT="MODERATE", PICK="1")
    assert effects("CSQ", VEP, [entry], "T", "C") == [
        Effect(
            1,
            "MYD88",
            "missense_variant",
            "missense",
            "ENST1.3:c.794T>C",
            "L265P",
            265,
            5,
            "ENST1.3",
            "MODERATE",
            True,
            "file:CSQ",
        )
    ]


@pytest.mark.parametrize(
    ("alleles", "names"),
    [
        (("T", "C", "G"), ("C", "G")),
        (("CAG", "C", "CAGT"), ("-", "AGT")),  # all share the first base: VEP takes it off
        (("CAG", "C", "TAG"), ("C", "TAG")),  # they do not: it does not
        (("CAG", "C", "*"), ("-", "*")),
        (("CAG", "CG", "CT"), ("G", "T")),
    ],
)
def test_vep_names_alleles_by_its_own_rule(alleles, names):
    entries = [vep(name, gene=f"GENE{i}") for i, name in enumerate(names, start=1)]
    assert [(e.allele, e.gene) for e in effects("CSQ", VEP, entries, *alleles)] == [(1, "GENE1"), (2, "GENE2")]


def test_without_hgvs_a_substitution_is_put_together_from_vep_s_amino_acids():
    entries = [
        vep("C", Amino_acids="L/P", Protein_position="265/317"),
        vep("C", "synonymous_variant", Amino_acids="L", Protein_position="265"),
        vep("C", "frameshift_variant", Amino_acids="L/X", Protein_position="265"),
    ]
    assert [(e.hgvsp, e.residue) for e in effects("CSQ", VEP, entries, "T", "C")] == [("L265P", 265), ("L265=", 265), (None, 265)]


def test_entries_without_gene_or_of_regulatory_features_are_no_effects():
    entries = [vep("C", "intergenic_variant", gene=""), vep("C", "regulatory_region_variant", Feature_type="RegulatoryFeature")]
    assert effects("CSQ", VEP, entries, "T", "C") == []


def test_the_first_flag_that_vep_was_asked_for_is_the_files_choice():
    entries = [vep("C", PICK="", CANONICAL="YES", MANE_SELECT="NM_1.1"), vep("C", PICK="1")]
    assert [e.picked for e in effects("CSQ", VEP, entries, "T", "C")] == [False, True]
    canonical = VEP.replace("|PICK|MANE_SELECT", "")
    entries = ["|".join(["C", "missense_variant", "", "A", *[""] * 8, flag]) for flag in ("YES", "")]
    assert [e.picked for e in effects("CSQ", canonical, entries, "T", "C")] == [True, False]


def test_a_snpeff_entry_becomes_an_effect():
    entry = "C|missense_variant&splice_region_variant|MODERATE|MYD88|ENSG1|transcript|NM_002468.4|protein_coding|5/5|c.794T>C|p.Leu265Pro|960/1|794/1|265/1||"
    (effect,) = effects("ANN", SNPEFF, [entry, "C|intergenic_region|MODIFIER|A-B|x|intergenic_region|x|||n.1T>C||||||"], "T", "C")
    assert (effect.gene, effect.consequence, effect.effect_class) == (
        "MYD88",
        "missense_variant&splice_region_variant",
        "missense",
    )
    assert (effect.hgvsc, effect.hgvsp, effect.exon, effect.transcript) == ("NM_002468.4:c.794T>C", "L265P", 5, "NM_002468.4")
    assert effect.source == "file:ANN"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("missense|MYD88|ENST1|protein_coding|+|265L>265P|100T>C", ("missense", "L265P", 265)),
        ("synonymous|MYD88|ENST1|protein_coding|+|265L|100T>C", ("synonymous", "L265=", 265)),
        ("stop_gained|MYD88|ENST1|protein_coding|+|61Q>61*|100T>C", ("truncating", "Q61*", 61)),
        ("frameshift|MYD88|ENST1|protein_coding|+|46TIISP..9>46TNYLS..*|100T>C", ("truncating", None, 47)),
        ("*missense|MYD88|ENST1|protein_coding|+|265L>265P|100T>C", ("other", "L265P", 265)),
        ("intron|MYD88|ENST1|protein_coding", ("noncoding", None, None)),
    ],
)
def test_a_bcftools_entry_becomes_an_effect(entry, expected):
    (effect,) = effects("BCSQ", BCFTOOLS, [entry], "T", "C")
    assert (effect.effect_class, effect.hgvsp, effect.residue) == expected


def test_a_change_of_two_records_is_found_from_the_second_one():
    (field,) = fields_of({"BCSQ": BCFTOOLS}, Path("calls.vcf"))
    entry = "missense|MYD88|ENST1|protein_coding|+|265L>265R|100T>C+101A>G"
    effects("BCSQ", BCFTOOLS, [entry], "T", "C", field=field)
    (effect,) = effects("BCSQ", BCFTOOLS, ["@100"], "A", "G", pos=101, field=field)
    assert (effect.gene, effect.hgvsp) == ("MYD88", "L265R")


def test_bcftools_says_by_the_dna_change_which_allele_it_means():
    entries = ["missense|A|ENST1|protein_coding|+|5L>5P|100T>C", "stop_gained|A|ENST1|protein_coding|+|5L>5*|100T>G"]
    assert [(e.allele, e.hgvsp) for e in effects("BCSQ", BCFTOOLS, entries, "T", "C", "G")] == [(1, "L5P"), (2, "L5*")]


def test_every_consequence_that_bcftools_writes_is_known():
    terms = "missense synonymous stop_gained stop_lost start_lost start_retained stop_retained frameshift splice_acceptor splice_donor "
    terms += "splice_region inframe_insertion inframe_deletion inframe_altering coding_sequence non_coding intron intergenic 3_prime_utr 5_prime_utr feature_elongation"
    for term in terms.split():
        assert effects("BCSQ", BCFTOOLS, [f"{term}|A|ENST1|protein_coding"], "T", "C")


def test_a_consequence_nobody_knows_is_refused():
    with pytest.raises(
        InputError, match=r"calls\.vcf, value 'misense_variant': INFO/CSQ holds .* Did you mean missense_variant\?"
    ):
        effects("CSQ", VEP, [vep("C", "misense_variant")], "T", "C")


def test_a_csq_header_without_its_format_is_refused():
    with pytest.raises(InputError, match="declares INFO/CSQ without its 'Format"):
        fields_of({"CSQ": "Consequence annotations"}, Path("calls.vcf"))
