"""HGVS names by hand, and by brute force: what the name says, done to the reference protein, is the changed protein."""

from __future__ import annotations

import random
import re

import pytest

from resistance.annotate.naming import changed_transcript, coding_name, describe_protein, protein_name, shift_three_prime
from resistance.annotate.transcripts import CODONS, Model, Transcript, load_transcripts, reverse_complement, translate

#: 10 bases of 5' UTR, three exons, 8 bases of 3' UTR; introns are lower complexity on purpose
EXONS = ("GGCATTACGGATGGCTAAAAAATGG", "CATGAACATGAACTGTTT", "GGATTCCAGTAACCGTACGA")
INTRONS = ("GTAAGTCCCCTTTCAG", "GTGAGTAAAATTTCAG")
GENOME = "TTTTT" + EXONS[0] + INTRONS[0] + EXONS[1] + INTRONS[1] + EXONS[2] + "CCCCC"
START = 1000


def model(strand: str = "+") -> Model:
    """ATG GCT AAA AAA TGG | CAT GAA CAT GAA CTG TTT | GGA TTC CAG TAA: MAKKWHEHELFGFQ*."""
    spans, at = [], START + 5
    for i, exon in enumerate(EXONS):
        spans.append((at, at + len(exon) - 1))
        at += len(exon) + (len(INTRONS[i]) if i < len(INTRONS) else 0)
    cds = START + 5 + 10, spans[2][0] + 11
    if strand == "-":  # the same gene, read from the other strand
        last = 2 * START + len(GENOME) - 1
        spans = [(last - b, last - a) for a, b in reversed(spans)]
        cds = last - cds[1], last - cds[0]
    genome = GENOME if strand == "+" else reverse_complement(GENOME)
    return Model(Transcript("TOY", "ENST0.1", "MANE Select", "1", strand, *cds, tuple(spans)), genome, START)


def place(m: Model, n: int) -> int:
    """Return the genome's position of coding base n."""
    at = m.coding.start + n - 1
    return int(m.positions[at] if m.transcript.strand == "+" else m.positions[len(m.positions) - 1 - at])


def test_standard_code_has_its_landmarks() -> None:
    assert len(CODONS) == 64
    assert {codon for codon, aa in CODONS.items() if aa == "*"} == {"TAA", "TAG", "TGA"}
    assert [codon for codon, aa in CODONS.items() if aa == "M"] == ["ATG"]
    assert [codon for codon, aa in CODONS.items() if aa == "W"] == ["TGG"]


@pytest.mark.parametrize("strand", ["+", "-"])
def test_spliced_transcript_reads_the_same_from_both_strands(strand: str) -> None:
    assert model(strand).protein == "MAKKWHEHELFGFQ*"


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize(
    ("coding", "offset", "name"),
    [
        (1, 0, "1"),
        (15, 0, "15"),
        (15, 1, "15+1"),
        (15, 8, "15+8"),
        (15, 9, "16-8"),
        (16, -1, "16-1"),
        (1, -1, "-1"),
        (45, 1, "*1"),
        (1, -10, "-10"),
    ],
)
def test_positions_count_from_the_start_codon_and_into_introns(strand: str, coding: int, offset: int, name: str) -> None:
    m = model(strand)
    assert m.c_position(place(m, coding) + (offset if strand == "+" else -offset)) == name


def change(m: Model, first: int, last: int, new: str | None, *, insert: bool = False) -> tuple[int, str, str]:
    """Return the canonical variant that replaces coding bases first..last by `new` (in the transcript's direction)."""
    forward = m.transcript.strand == "+"
    if insert:  # behind coding base `first`
        left = place(m, first) if forward else place(m, first + 1)
        return left, "-", str(new) if forward else reverse_complement(str(new))
    low = min(place(m, first), place(m, last))
    ref = "".join(m.base(low + i) for i in range(last - first + 1))
    return low, ref, "-" if not new else new if forward else reverse_complement(new)


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize(
    ("first", "last", "new", "insert", "coding", "protein"),
    [
        (13, 13, "C", False, "c.13T>C", "W5R"),
        (9, 9, "G", False, "c.9A>G", "K3="),
        (15, 15, "A", False, "c.15G>A", "W5*"),
        (2, 2, "C", False, "c.2T>C", "M1?"),
        (43, 43, "C", False, "c.43T>C", "*15Qext*?"),
        (7, 7, None, False, "c.12del", "K4Nfs*?"),  # one A of six is the last; AAA AAT GGC ... meets no stop
        (7, 9, None, False, "c.10_12del", "K4del"),
        (12, 12, "AAA", True, "c.10_12dup", "K4dup"),
        (6, 6, "A", True, "c.12dup", "W5Mfs*3"),
        (16, 21, None, False, "c.23_28del", "H8_E9del"),  # CATGAACATGAAC: the last six that can be
        (27, 27, "CATGAA", True, "c.23_28dup", "H8_E9dup"),
        (28, 28, "GCC", True, None, None),
        (13, 14, "AA", False, "c.13_14delinsAA", "W5K"),
        (15, 15, "GTTT", False, "c.15delinsGTTT", None),
        (30, 30, "TTCTTC", True, "c.32_33insCTTCTT", "F11_G12insFF"),
    ],
)
def test_names_by_hand_on_both_strands(
    strand: str, first: int, last: int, new: str | None, insert: bool, coding: str | None, protein: str | None
) -> None:
    m = model(strand)
    shifted = shift_three_prime(m, *change(m, first, last, new, insert=insert))
    if coding is not None:
        assert coding_name(m, *shifted) == coding
    if protein is not None:
        assert protein_name(m, *shifted) == protein


def apply(protein: str, name: str) -> str:
    """Do to a protein (with its stop) what a name says, up to where the name is silent."""
    if name.endswith("="):
        return protein
    if found := re.fullmatch(r"([A-Z])(\d+)\*", name):
        return protein[: int(found[2]) - 1] + "*"
    if found := re.fullmatch(r"([A-Z])(\d+)([A-Z])", name):
        assert protein[int(found[2]) - 1] == found[1]
        return protein[: int(found[2]) - 1] + found[3] + protein[int(found[2]) :]
    found = re.fullmatch(r"([A-Z])(\d+)(?:_([A-Z*])(\d+))?(del|dup|ins|delins)([A-Z*]*)", name)
    assert found, name
    first, last = int(found[2]), int(found[4] or found[2])
    assert protein[first - 1] == found[1]
    assert found[3] is None or protein[last - 1] == found[3]
    if found[5] == "dup":
        return protein[:last] + protein[first - 1 : last] + protein[last:]
    if found[5] == "ins":
        return protein[:first] + found[6] + ("" if found[6].endswith("*") else protein[first:])
    out = protein[: first - 1] + found[6]
    return out if out.endswith("*") else out + protein[last:]


@pytest.mark.parametrize("strand", ["+", "-"])
def test_every_name_rebuilds_the_changed_protein(strand: str) -> None:
    draw = random.Random(5)
    m, kinds = model(strand), set()
    for _ in range(4000):
        first = draw.randint(1, 44)
        if draw.random() < 0.4:
            given = change(m, first, first, "".join(draw.choices("ACGT", k=draw.randint(1, 6))), insert=True)
        else:
            last = min(45, first + draw.randint(0, 5))
            if abs(place(m, first) - place(m, last)) != last - first:
                continue  # over a border
            new = "".join(draw.choices("ACGT", k=draw.randint(0, 6)))
            given = change(m, first, last, new)
            if given[1] == given[2]:
                continue
        shifted = shift_three_prime(m, *given)
        name, changed = protein_name(m, *shifted), changed_transcript(m, *shifted)
        before = changed_transcript(m, *given)
        if before is not None and changed is not None:
            assert before[0] == changed[0]  # shifting does not change the transcript
        if name is None or changed is None:
            continue
        truth = translate(changed[0][m.coding.start :], to_stop=True)
        if found := re.fullmatch(r"([A-Z])(\d+)([A-Z])fs\*(\d+|\?)", name):
            at = int(found[2]) - 1
            assert truth[:at] == m.protein[:at]
            assert (m.protein[at], truth[at]) == (found[1], found[3])
            assert truth[at] != m.protein[at]
            assert found[4] == (str(truth.index("*") - at + 1) if "*" in truth else "?")
            kinds.add("fs")
        elif name == "M1?":
            assert truth[:1] != "M"
            kinds.add("start")
        elif "ext" in name:
            assert truth[: len(m.protein) - 1] == m.protein[:-1]
            assert truth[len(m.protein) - 1] != "*"
            kinds.add("ext")
        else:
            assert apply(m.protein, name) == truth, name
            kinds.add(re.sub(r"[^a-z=*]", "", name) or "sub")
    assert kinds >= {"fs", "start", "ext", "sub", "=", "*", "del", "dup", "ins", "delins"}


def test_change_over_an_exon_s_border_has_a_coding_name_and_no_protein_name() -> None:
    m = model()
    low = place(m, 14)
    ref = "".join(m.base(low + i) for i in range(4))  # c.14, c.15 and two bases of the intron
    assert coding_name(m, low, ref, "-") == "c.14_15+2del"
    assert protein_name(m, low, ref, "-") is None


def test_protein_descriptions_follow_the_nomenclature() -> None:
    assert describe_protein("MAK*", "MAKQW*", frameshift=False) == "*4Qext*2"
    assert describe_protein("MAKW*", "MAW*", frameshift=False) == "K3del"
    assert describe_protein("MAKW*", "MAQQW*", frameshift=False) == "K3delinsQQ"


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_transcripts_of_the_panel_are_there_on_both_builds(build: str) -> None:
    known = load_transcripts(build)
    naming = [t.gene for t in known if t.role != "legacy"]
    assert len(naming) == len(set(naming)) > 360
    assert {"CRBN", "DDB1", "IKZF1", "IKZF3", "TP53", "CARD11", "CTNNB1", "CSNK1A1", "RUNX1", "MYD88"} <= set(naming)
    assert {t.transcript for t in known if t.gene == "MYD88" and t.role == "legacy"} == {"ENST00000396334.3", "ENST00000417037.2"}
    crbn = next(t for t in known if t.gene == "CRBN")
    length = sum(
        min(b, crbn.cds_end) - max(a, crbn.cds_start) + 1 for a, b in crbn.exons if b >= crbn.cds_start and a <= crbn.cds_end
    )
    assert length == 3 * 443  # 442 residues (UniProt Q96SW2) and the stop
