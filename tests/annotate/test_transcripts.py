"""The table of transcripts: every gene is there, whole, on both builds, and residues go from one transcript to another."""

from __future__ import annotations

import pytest

from resistance.annotate.numbering import Named, Numbers, counted_on, numbers, renumber
from resistance.annotate.transcripts import Transcript, load_transcripts
from resistance.knowledge import load_genes

BUILDS = ("GRCh37", "GRCh38")
#: the panel as it was asked for: CRL4-CRBN, neosubstrates, IRF4, NF-kB, Wnt, HGF and MAPK, TP53 and del(5q), immune
PANEL = """
CRBN DDB1 CUL4A CUL4B RBX1 DDA1 GPS1 COPS2 COPS3 COPS4 COPS5 COPS6 COPS7A COPS7B COPS8 COPS9 NEDD8 UBE2M UBE2D3 UBE2G1 CAND1
GLMN FBXO7 KPNB1 TOP2B IKZF1 IKZF3 ZFP91 CSNK1A1 GSPT1 ZNF692 IRF4 PRDM1 SPIB MYC BATF IRF7 IFNB1 CARD11 MYD88 CD79A CD79B
TNFAIP3 NFKBIA NFKBIB NFKBIE NFKB1 NFKB2 REL RELA RELB TRAF2 TRAF3 BIRC2 BIRC3 CYLD MAP3K14 MALT1 BCL10 TNIP1 LTBR IKBKB
TNFRSF13B CTNNB1 APC AXIN1 AXIN2 GSK3B LRP5 LRP6 TCF7L2 LEF1 CD44 RNF43 ZNRF3 FZD1 FZD2 FZD3 FZD4 FZD5 FZD6 FZD7 FZD8 FZD9
FZD10 HGF MET KRAS NRAS BRAF MAP2K1 MAPK1 FGFR3 DIS3 TP53 RUNX1 CDKN1A KDM1A CKS1B RPS14 DDX41 EGR1 FCGR3A B2M CD58 CIITA
"""


def model(build: str, gene: str, plain: str | None = None) -> Numbers:
    """Return the naming transcript of a gene, or the one with this identifier."""
    return next(m for m in numbers(build)[gene] if plain is None or m.transcript.transcript.split(".")[0] == plain)


@pytest.mark.parametrize("build", BUILDS)
def test_every_gene_of_the_panel_has_a_transcript(build: str) -> None:
    assert [gene for gene in PANEL.split() if gene not in numbers(build)] == []
    assert [gene for gene in PANEL.split() if load_genes().current(gene) != gene] == []


@pytest.mark.parametrize("build", BUILDS)
def test_only_the_loci_of_immunoglobulins_have_none(build: str) -> None:
    assert sorted(set(load_genes().symbols) - set(numbers(build))) == ["IGH", "IGK", "IGL"]


@pytest.mark.parametrize(("build", "broken"), [("GRCh37", ["MAP3K14"]), ("GRCh38", [])])
def test_every_coding_sequence_is_whole_but_one_that_the_assembly_cuts(build: str, broken: list[str]) -> None:
    assert [m.transcript.gene for models in numbers(build).values() for m in models if not m.is_whole] == broken


@pytest.mark.parametrize("build", BUILDS)
def test_versions_are_named_and_no_transcript_stands_twice(build: str) -> None:
    names = [t.transcript for t in load_transcripts(build)]
    assert len(set(names)) == len(names)
    assert [name for name in names if "." not in name] == []


@pytest.mark.parametrize("build", BUILDS)
def test_each_legacy_transcript_numbers_some_shared_codon_differently(build: str) -> None:
    for first, *legacy in numbers(build).values():
        for other in legacy:
            moved = [(r, renumber(r, first, other)) for r in range(1, first.residues + 1)]
            shared = [(r, there) for r, there in moved if there is not None]
            assert len(shared) >= 0.5 * first.residues, other.transcript.transcript
            assert any(r != there for r, there in shared), other.transcript.transcript


# what papers print, and what it is on MANE Select
@pytest.mark.parametrize(
    ("gene", "plain", "theirs", "mane"),
    [
        ("MYD88", "ENST00000396334", 265, 252),  # L265P: Ngo 2011; facts of VEP on GRCh37
        ("MYD88", "ENST00000417037", 273, 252),
        ("MYC", "ENST00000652288", 58, 73),  # T58A of Burkitt lymphoma counts from the ATG of exon 2
        ("RUNX1", "ENST00000344691", 174, 201),  # R174Q of RUNX1b is R201Q of RUNX1c
        ("CD79B", "ENST00000392795", 197, 196),  # Y196 of Davis 2010; VEP's longest transcript has one residue more
        ("EZH2", "ENST00000460911", 641, 646),  # Y641 of follicular lymphoma: Morin 2010
        ("CRBN", "ENST00000432408", 385, 386),  # isoform 2
        ("CUL4B", "ENST00000404115", 913, 895),  # last residues of the isoforms of 913 and 895
        ("NFKBIE", "ENST00000275015", 500, 361),  # last residues of the proteins of 500 and 361
    ],
)
@pytest.mark.parametrize("build", BUILDS)
def test_residues_of_papers_are_found_on_mane_select(build: str, gene: str, plain: str, theirs: int, mane: int) -> None:
    old, new = model(build, gene, plain), model(build, gene)
    assert renumber(theirs, old, new) == mane
    assert renumber(mane, new, old) == theirs


def test_braf_v600_is_640_where_the_old_identifier_is_used_on_grch38() -> None:
    new, old = model("GRCh38", "BRAF"), model("GRCh38", "BRAF", "ENST00000288602")
    assert (new.residues, old.residues, renumber(600, new, old)) == (766, 806, 640)
    assert [m.transcript.transcript for m in numbers("GRCh37")["BRAF"]] == [new.transcript.transcript]


def test_gene_that_is_turned_round_between_the_builds_has_a_transcript_on_both() -> None:
    strands = {build: model(build, "TUBGCP5").transcript.strand for build in BUILDS}
    assert strands == {"GRCh37": "+", "GRCh38": "-"}


def test_proteins_have_the_lengths_of_their_uniprot_entries() -> None:
    wanted = {
        "CRBN": 442, "IKZF1": 519, "IKZF3": 509, "CARD11": 1154, "MYD88": 296, "CD79A": 226, "CD79B": 229, "CTNNB1": 781,
        "NOTCH1": 2555, "NOTCH2": 2471, "TP53": 393, "BRAF": 766, "EZH2": 751, "RUNX1": 480, "MYC": 454,
    }  # fmt: skip
    for build in BUILDS:
        assert {gene: model(build, gene).residues for gene in wanted} == wanted


@pytest.mark.parametrize("strand", ["+", "-"])
def test_residues_and_bases_agree_with_counting_by_hand(strand: str) -> None:
    # coding bases 12-16 and 21-24: three codons, the second over the intron
    t = Transcript("G", "T.1", "MANE Select", "1", strand, 12, 24, ((10, 16), (21, 30)))
    of = Numbers(t)
    order = [12, 13, 14, 15, 16, 21, 22, 23, 24]
    order = order if strand == "+" else order[::-1]
    assert [of.base(pos) for pos in order] == list(range(9))
    assert [of.codon(r) for r in (1, 2, 3)] == [tuple(order[i : i + 3]) for i in (0, 3, 6)]
    assert [of.residue(pos) for pos in (11, 17, 20, 25)] == [None] * 4
    assert (of.codon(0), of.codon(4), of.residues, of.is_whole) == (None, None, 2, True)


def myd88(transcript: str | None, residue: int, ref: str = "T", alt: str = "C", build: str = "GRCh37") -> str | None:
    pos = {"GRCh37": 38182641, "GRCh38": 38141150}[build]
    found = counted_on(Named(build, "MYD88", transcript, pos, ref, alt, residue))
    return None if found is None else found.transcript.transcript


@pytest.mark.parametrize("build", BUILDS)
def test_place_on_the_genome_tells_the_numbering_where_the_version_is_missing(build: str) -> None:
    assert myd88("ENST00000396334.3", 265, build=build) == "ENST00000396334.3"
    assert myd88("ENST00000396334", 265, build=build) == "ENST00000396334.3"
    assert myd88("ENST00000396334", 252, build=build) == "ENST00000650905.2"  # as .8 numbers
    assert myd88("NM_002468", 265, build=build) == "ENST00000396334.3"
    assert myd88(None, 273, build=build) == "ENST00000417037.2"


def test_number_that_no_transcript_has_there_is_not_guessed() -> None:
    assert myd88("ENST00000396334", 260) is None
    assert myd88(None, 253) is None
    assert counted_on(Named("GRCh37", "NOGENE", None, 1, "A", "T", 1)) is None


def test_indel_may_be_named_a_little_behind_its_first_base() -> None:
    assert myd88("ENST00000650905", 253, "TGC", "-") == "ENST00000650905.2"
    assert myd88(None, 254, "TGC", "-") == "ENST00000650905.2"
    assert myd88(None, 400, "TGC", "-") is None
