"""Names worked out by hand with the HGVS Nomenclature (v21) beside them; every one on both strands.

The gene (see test_naming.py), in the direction of its transcript::

    ggcattacgg ATG GCT AAA AAA TGG gtaagtcccctttcag CAT GAA CAT GAA CTG TTT gtgagtaaaatttcag GGA TTC CAG TAA ccgtacga
       -10..-1 M   A   K   K   W       15+1..16-1    H   E   H   E   L   F      33+1..34-1     G   F   Q   *   *1..*8
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_naming import EXONS, GENOME, INTRONS, START, change, model, place

from resistance.annotate.naming import coding_name, protein_consequence, protein_name, shift_three_prime
from resistance.annotate.transcripts import Model, reverse_complement
from resistance.consequences import meaning

BOTH = pytest.mark.parametrize("strand", ["+", "-"])


def names(m: Model, variant: tuple[int, str, str]) -> tuple[str | None, str | None]:
    shifted = shift_three_prime(m, *variant)
    return coding_name(m, *shifted), protein_name(m, *shifted)


def along(m: Model, coding: int, offset: int) -> int:
    """Return the position so many bases behind a coding base, in the direction of the transcript."""
    return place(m, coding) + (offset if m.transcript.strand == "+" else -offset)


def edit(m: Model, first: int, last: int, new: str) -> tuple[int, str, str]:
    """Return the variant that replaces the genome's bases from one position to another, given in the transcript's direction."""
    low, high = min(first, last), max(first, last)
    ref = "".join(m.base(p) for p in range(low, high + 1))
    return low, ref, (new if m.transcript.strand == "+" else reverse_complement(new)) or "-"


def insert(m: Model, before: int, new: str) -> tuple[int, str, str]:
    """Return the insertion behind a position, in the direction of the transcript."""
    forward = m.transcript.strand == "+"
    return (before if forward else before - 1), "-", new if forward else reverse_complement(new)


@BOTH
@pytest.mark.parametrize(
    ("first", "last", "new", "coding", "protein"),
    [
        # start codon: no prediction where it is changed, whatever the frame
        (1, 3, "", "c.1_3del", "M1?"),
        (0, 1, "", "c.-1_1del", "M1?"),
        (-1, 5, "CC", "c.-2_5delinsCC", "M1?"),  # 0 is c.-1
        (3, 3, "A", "c.3G>A", "M1?"),
        # stop codon: the same, another residue (extension), and from before it to behind it (frameshift, HGVS Protein, deletion)
        (45, 45, "G", "c.45A>G", "*15="),
        (43, 45, "", "c.43_45del", "*15Pext*?"),
        (44, 44, "C", "c.44A>C", "*15Sext*?"),
        (40, 47, "", "c.40_*2del", "Q14Vfs*?"),
        (40, 43, "", "c.40_43del", "Q14Nfs*?"),
        (42, 44, "", "c.42_44del", "*15Pext*?"),  # CAA for CAG: the first residue that is another is the stop
        # a stop within what is put in ends the name (HGVS Protein, delins: p.(Asn47delinsSerSerTer)); at once it is a nonsense change
        (7, 8, "TA", "c.7_8delinsTA", "K3*"),
        (7, 10, "GGCT", "c.7_10delinsGGCT", "K3_K4delinsG*"),
        (9, 9, "GGGCTAATGT", "c.9delinsGGGCTAATGT", "K3_K4insG*"),  # AAG GGC TAA TGT AAA
        # the frame is kept, the residues are not
        (8, 11, "C", "c.8_11delinsC", "K3_K4delinsT"),
        (5, 7, "", "c.5_7del", "A2_K3delinsE"),
        # inversions (HGVS DNA, inversion); a protein is never inverted
        (13, 15, "CCA", "c.13_15inv", "W5P"),
        (16, 17, "TG", "c.16_17inv", "H6C"),
        # in the UTRs
        (-9, -9, "A", "c.-10G>A", None),
        (46, 48, "", "c.*1_*3del", None),
        (53, 53, "C", "c.*8A>C", None),
    ],
)
def test_deletions_and_replacements(strand: str, first: int, last: int, new: str, coding: str, protein: str | None) -> None:
    m = model(strand)
    assert names(m, change(m, first, last, new)) == (coding, protein)


@BOTH
@pytest.mark.parametrize(
    ("behind", "new", "coding", "protein"),
    [
        (0, "C", "c.-1_1insC", None),
        (0, "G", "c.-1dup", None),
        (0, "A", "c.1dup", None),  # AATG: the start codon is there as before
        (2, "CC", "c.2_3insCC", "M1?"),
        (3, "TTTTAA", "c.3_4insTTTTAA", "M1_A2insF*"),
        (9, "TAA", "c.9_10insTAA", "K4*"),
        (9, "GGCTAAGGC", "c.9_10insGGCTAAGGC", "K3_K4insG*"),
        (12, "AAAAAA", "c.7_12dup", "K3_K4dup"),
        (12, "AAAAAAAAA", "c.12_13insAAAAAAAAA", "K4_W5insKKK"),  # three copies: [..] is not written
        (18, "GAACATGAA", "c.19_27dup", "E7_E9dup"),
        (
            42,
            "TGG",
            "c.43_44insGGT",
            "*15Wext*1",
        ),  # CAG TGG TAA is CAG T GGT AA; a longer end goes before an insertion (HGVS Protein, extension)
        (44, "C", "c.44_45insC", "*15Yext*?"),
        (45, "A", "c.45dup", None),
        (45, "T", "c.45_*1insT", None),
        (45, "CC", "c.*1_*2dup", None),
        (52, "A", "c.*8dup", None),
        (52, "CC", "c.*7_*8insCC", None),
        (-9, "GG", "c.-10_-9dup", None),
    ],
)
def test_insertions(strand: str, behind: int, new: str, coding: str, protein: str | None) -> None:
    m = model(strand)
    assert names(m, change(m, behind, behind, new, insert=True)) == (coding, protein)


@BOTH
def test_three_prime_rule_goes_over_the_exon_s_end_and_the_protein_is_that_of_the_spelling_in_the_exon(strand: str) -> None:
    # TGG|gtaag: HGVS DNA, deletion: c.1704+1del, not c.1704del
    m = model(strand)
    assert names(m, edit(m, place(m, 14), place(m, 14), "")) == ("c.15+1del", "W5Cfs*?")
    assert names(m, insert(m, place(m, 14), "G")) == ("c.15+1dup", "H6Afs*2")
    # cag|GGA: HGVS DNA, deletion: c.1813del, not c.1813-1del
    assert names(m, edit(m, along(m, 34, -1), along(m, 34, -1), "")) == ("c.35del", "G12Dfs*?")
    assert names(m, insert(m, along(m, 34, -1), "G")) == ("c.35dup", "F13Ifs*?")


@BOTH
def test_nothing_is_shifted_from_one_exon_into_the_next(strand: str) -> None:
    # ...TTT|gtgag..cag|GGA: the last T of the exon, not a base of the next (HGVS DNA, deletion: c.3921del, not c.3922del)
    m = model(strand)
    assert names(m, edit(m, place(m, 31), place(m, 31), "")) == ("c.33del", "F11Lfs*?")


@BOTH
def test_insertion_on_a_border_has_a_coding_name_and_no_protein_name(strand: str) -> None:
    m = model(strand)
    assert names(m, insert(m, place(m, 15), "T")) == ("c.15_15+1insT", None)
    assert names(m, insert(m, along(m, 16, -1), "T")) == ("c.16-1_16insT", None)


@BOTH
def test_introns_are_counted_from_the_nearer_exon(strand: str) -> None:
    m = model(strand)
    assert names(m, insert(m, along(m, 15, 8), "GG")) == ("c.15+8_16-8insGG", None)
    assert names(m, edit(m, along(m, 15, 6), along(m, 15, 6), "A"))[0] == "c.15+6T>A"
    assert names(m, edit(m, along(m, 15, 7), along(m, 15, 8), ""))[0] == "c.16-8_16-7del"  # CC of CCCC is its end
    assert names(m, edit(m, along(m, 16, -2), along(m, 17, 0), "T")) == ("c.16-2_17delinsT", None)


@BOTH
def test_introns_of_the_untranslated_regions_are_counted_from_utr_positions(strand: str) -> None:
    """The same bases, coding only from AAA of the second codon: the first intron lies behind c.9, the second is in the 3' UTR."""
    m = model(strand)
    low, high = sorted((place(m, 16), place(m, 18)))  # CAT alone is coding
    utr = Model(replace(m.transcript, cds_start=low, cds_end=high), m.genome, m.offset)
    assert utr.c_position(along(m, 15, 1)) == "-1+1"
    assert utr.c_position(along(m, 16, -1)) == "1-1"
    assert utr.c_position(along(m, 33, 1)) == "*15+1"
    assert utr.c_position(along(m, 34, -2)) == "*16-2"


@BOTH
def test_deletion_of_an_intron_with_the_codons_beside_it_is_named_from_the_joined_exons(strand: str) -> None:
    m = model(strand)
    assert names(m, edit(m, place(m, 13), place(m, 18), "")) == ("c.13_18del", "W5_H6del")
    assert names(m, edit(m, place(m, 15), place(m, 17), "")) == ("c.15_17del", "W5_H6delinsC")
    assert names(m, edit(m, place(m, 14), place(m, 17), "")) == ("c.14_17del", "W5Lfs*?")
    # every intron between goes with it; c.37 is T as c.13 is
    assert names(m, edit(m, place(m, 13), place(m, 36), "")) == ("c.14_37del", "W5_G12del")


@BOTH
def test_what_reaches_out_of_the_transcript_has_no_coding_name(strand: str) -> None:
    m = model(strand)
    assert names(m, edit(m, along(m, 53, 0), along(m, 53, 1), "")) == (None, None)
    assert names(m, edit(m, along(m, -9, -2), along(m, 4, 0), ""))[0] is None


@BOTH
def test_start_codon_other_than_atg_is_a_start_all_the_same(strand: str) -> None:
    """MYC begins with CTG: TTG codes for leucine too, and is no synonymous change there."""
    genome = GENOME.replace("CGGATGGCT", "CGGCTGGCT")
    plain = model(strand)
    m = Model(plain.transcript, genome if strand == "+" else reverse_complement(genome), START)
    assert m.protein.startswith("LAKK")
    assert names(m, change(m, 1, 1, "T")) == ("c.1C>T", "M1?")
    assert names(m, change(m, 13, 13, "C")) == ("c.13T>C", "W5R")


@BOTH
def test_unknown_bases_leave_open_whether_it_is_a_duplication(strand: str) -> None:
    plain = model(strand)
    at = GENOME.index("CATGAACATGAA")
    hidden = GENOME[:at] + "NN" + GENOME[at + 2 :]  # c.16 and c.17
    m = Model(plain.transcript, hidden if strand == "+" else reverse_complement(hidden), START)
    assert names(m, change(m, 18, 18, "CAT", insert=True)) == (None, None)  # may be c.16_18dup
    assert names(m, change(m, 18, 18, "CAA", insert=True))[0] == "c.18_19insCAA"  # c.18 is T: no copy
    assert names(m, change(m, 20, 20, "C"))[0] == "c.20A>C"  # a substitution needs no other base
    assert names(m, edit(m, along(m, 16, -1), along(m, 16, -1), ""))[0] is None  # the G may be followed by more


@BOTH
def test_transcript_without_a_whole_frame_has_no_protein_names(strand: str) -> None:
    broken = GENOME.replace("AAATGGGTAAG", "AAATAGGTAAG")  # a stop at the place of W5
    plain = model(strand)
    m = Model(plain.transcript, broken if strand == "+" else reverse_complement(broken), START)
    assert "*" in m.protein[:-1]
    assert protein_name(m, *change(m, 4, 4, "A")) is None
    first, (low, high), *rest = plain.transcript.exons  # one base short, as MAP3K14 is on GRCh37
    short = Model(replace(plain.transcript, exons=(first, (low, high - 1), *rest)), plain.genome, START)
    assert len(short.bases[short.coding]) % 3
    assert protein_name(short, *change(plain, 4, 4, "A")) is None


def test_the_gene_is_the_one_that_is_drawn_above() -> None:
    assert EXONS[0].endswith("ATGGCTAAAAAATGG")
    assert INTRONS == ("GTAAGTCCCCTTTCAG", "GTGAGTAAAATTTCAG")


@pytest.mark.parametrize(
    ("name", "same_length", "term"),
    [
        ("L265P", True, "missense_variant"),
        ("K178_K179delinsNE", True, "missense_variant"),
        ("L265*", True, "stop_gained"),
        ("L265=", True, "synonymous_variant"),
        ("*15=", True, "stop_retained_variant"),
        ("M1?", False, "start_lost"),
        ("*15Qext*12", True, "stop_lost"),
        ("E505Rfs*141", False, "frameshift_variant"),
        ("K4del", False, "inframe_deletion"),
        ("K4_W5del", False, "inframe_deletion"),
        ("K4dup", False, "inframe_insertion"),
        ("K4_W5insS", False, "inframe_insertion"),
        ("K4_W5insS*", False, "stop_gained"),
        ("K4delinsSS", False, "inframe_insertion"),
        ("K4_W5delinsS", False, "inframe_deletion"),
    ],
)
def test_term_of_a_protein_change(name: str, same_length: bool, term: str) -> None:
    assert protein_consequence(name, same_length=same_length) == term
    assert meaning(term).unknown == ()
