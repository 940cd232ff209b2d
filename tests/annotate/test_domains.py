"""Which parts of a protein a change touches: on MANE Select, on the transcripts of papers, and where nothing is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from resistance import schemas
from resistance.annotate.domains import with_domains
from resistance.annotate.numbering import numbers
from resistance.annotate.transcripts import load_transcripts
from resistance.hgvs import changed_residues, protein_change
from resistance.knowledge import load_domains
from resistance.tables import conform

CRBN = "ENST00000231948.9"


def touched(
    gene: str, hgvsp: str | None, effect_class: str = "missense", transcript: str | None = None, **more: Any
) -> str | None:
    """The domain of one change; on the naming transcript where none is given."""
    named = transcript or numbers("GRCh37")[gene][0].transcript.transcript
    where = {"build": "GRCh37", "chrom": "1", "pos": 7, "ref": "A", "alt": "T", "source": "file:MAF"}
    residue = None if hgvsp is None else protein_change(hgvsp)[1]
    row = where | {"gene": gene, "effect_class": effect_class, "hgvsp": hgvsp, "residue": residue, "transcript": named} | more
    frame = conform(pd.DataFrame([row], columns=list(schemas.EFFECTS.names)), schemas.EFFECTS)
    found = conform(with_domains(frame), schemas.EFFECTS)["domain"].iloc[0]
    return found if isinstance(found, str) else None


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_every_domain_lies_in_the_protein_of_its_transcript(build: str) -> None:
    for (gene, name), domain in load_domains().items():
        model = numbers(build)[gene][0]
        assert model.transcript.transcript.split(".")[0] == domain.transcript.split(".")[0], (gene, name)
        assert domain.ranges[-1][1] <= model.residues, (gene, name)
        assert domain.truncated_from is None or domain.truncated_from < domain.ranges[0][0]


def test_domains_name_mane_select_by_its_version() -> None:
    known = {t.transcript for t in load_transcripts("GRCh38") if t.role == "MANE Select"}
    assert {domain.transcript for domain in load_domains().values()} <= known


def test_single_residues_of_one_part_stand_in_several_rows() -> None:
    assert load_domains()["CRBN", "tryptophan_cage"].ranges == ((380, 380), (386, 386), (400, 400))


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_parts_that_are_exons_are_what_the_transcript_says(build: str) -> None:
    def first_and_last(gene: str, number: int) -> tuple[int, int]:
        model = numbers(build)[gene][0]
        t = model.transcript
        exons = t.exons if t.strand == "+" else t.exons[::-1]
        a, b = exons[number - 1]
        inside = [pos for pos in (a, b, t.cds_start, t.cds_end) if a <= pos <= b and model.base(pos) is not None]
        bases = sorted(model.base(pos) or 0 for pos in inside)
        return bases[0], bases[-1]

    # exon 3 of CTNNB1 begins within codon 5 and ends with the first base of codon 81
    first, last = first_and_last("CTNNB1", 3)
    assert (first // 3 + 1, (last + 1) // 3) == (5, 80)
    assert load_domains()["CTNNB1", "exon3"].ranges == ((5, 80),)
    for gene in ("NOTCH1", "NOTCH2"):
        first, last = first_and_last(gene, 34)
        assert first // 3 + 1 == load_domains()[gene, "PEST"].truncated_from
        assert last // 3 == load_domains()[gene, "PEST"].ranges[-1][1]


@pytest.mark.shared
def test_letters_of_the_proteins_are_those_of_the_field(shared: Path) -> None:
    text = (shared / "truth" / "annotation" / "real_proteins.fa").read_text(encoding="ascii")
    proteins = {entry.split()[0]: "".join(entry.split("\n")[1:]).rstrip("*") for entry in text.split(">") if entry}
    crbn, ctnnb1, myd88 = proteins["CRBN"], proteins["CTNNB1"], proteins["MYD88"]
    assert [crbn[r - 1] for r, _ in load_domains()["CRBN", "tryptophan_cage"].ranges] == ["W"] * 3
    assert crbn[378 - 1] == "H"
    assert [ctnnb1[r - 1] for r in (32, 33, 34, 37, 41, 45)] == ["D", "S", "G", "S", "T", "S"]
    # the protein given is that of ENST00000417037.2: 13 residues more before, 8 more within the TIR domain
    first, last = load_domains()["MYD88", "TIR"].ranges[0]
    assert len(myd88) - 21 == numbers("GRCh37")["MYD88"][0].residues
    assert myd88[252 + 21 - 1] == "L"
    assert myd88[first + 13 - 1 :].startswith("ERFDAFICY")
    assert last + 21 <= len(myd88)
    for gene in ("TP53", "BRAF", "CREBBP"):
        assert len(proteins[gene]) == numbers("GRCh37")[gene][0].residues


@pytest.mark.parametrize(
    ("gene", "hgvsp", "effect_class", "parts"),
    [
        ("CRBN", "W386R", "missense", "thalidomide_binding;tryptophan_cage"),
        ("CRBN", "H378Y", "missense", "thalidomide_binding"),
        ("CRBN", "A317T", "missense", "LON"),
        ("CRBN", "A427T", "missense", "none"),
        ("CRBN", "W386*", "truncating", "thalidomide_binding;tryptophan_cage"),
        ("CRBN", "R283Kfs*4", "truncating", "LON"),  # everything behind is lost: it touches where it begins
        ("CRBN", "Q99*", "truncating", "LON"),
        ("CRBN", "E20_D24del", "inframe_indel", "none"),
        ("CRBN", "K317_A318insQ", "inframe_indel", "none"),  # before the first residue of the domain
        ("CRBN", "A318_V319insQ", "inframe_indel", "thalidomide_binding"),
        ("CRBN", "W400_S405delinsA", "inframe_indel", "thalidomide_binding;tryptophan_cage"),
        ("CRBN", "A381_N385del", "inframe_indel", "thalidomide_binding"),
        ("CRBN", "*443Qext*2", "stop_lost", "none"),
        ("IKZF1", "Q146H", "missense", "zinc_finger_2"),
        ("IKZF3", "Q147H", "missense", "zinc_finger_2"),
        ("IKZF3", "L162R", "missense", "zinc_finger_2"),
        ("CARD11", "D230N", "missense", "coiled_coil"),
        ("CARD11", "E93D", "missense", "CARD"),
        ("MYD88", "L252P", "missense", "TIR"),
        ("CD79B", "Y196F", "missense", "ITAM"),
        ("CD79A", "Y188C", "missense", "ITAM"),
        ("CTNNB1", "S45F", "missense", "exon3;degron"),
        ("CTNNB1", "K335I", "missense", "none"),
        ("CTNNB1", "A5_A80del", "inframe_indel", "exon3;degron"),
        ("NOTCH1", "P2514Rfs*4", "truncating", "PEST"),
        ("NOTCH1", "Q2395*", "truncating", "PEST"),  # Reactome R-HSA-2644606: PEST domain mutant
        ("NOTCH1", "Q2395H", "missense", "none"),
        ("NOTCH1", "R1627*", "truncating", "none"),  # before the ankyrin repeats: a loss of function
        ("NOTCH2", "R2400*", "truncating", "PEST"),
        ("NOTCH2", "Q2325*", "truncating", "PEST"),
        ("EZH2", "Y646F", "missense", "SET"),
        ("TP53", "R175H", "missense", "DNA_binding"),
        ("KRAS", "G12D", "missense", None),  # no part of this protein is listed
    ],
)
def test_change_touches_the_parts_that_it_lies_in(gene: str, hgvsp: str, effect_class: str, parts: str | None) -> None:
    assert touched(gene, hgvsp, effect_class) == parts


@pytest.mark.parametrize(
    ("gene", "hgvsp", "transcript", "parts"),
    [
        ("MYD88", "L265P", "ENST00000396334.3", "TIR"),
        ("MYD88", "L273P", "ENST00000417037.2", "TIR"),
        ("CD79B", "Y197F", "ENST00000392795.3", "ITAM"),
        ("CD79B", "L185P", "ENST00000392795.3", "none"),  # 184 on MANE Select, before the ITAM
        ("MYC", "T58A", "ENST00000652288.1", "box_1"),
        ("MYC", "T58A", "ENST00000621592.8", "none"),
        ("RUNX1", "R174Q", "ENST00000344691.4", "runt"),
        ("CRBN", "W385R", "ENST00000432408.2", "thalidomide_binding;tryptophan_cage"),
    ],
)
def test_residue_of_another_transcript_is_brought_to_that_of_the_domain(
    gene: str, hgvsp: str, transcript: str, parts: str
) -> None:
    assert touched(gene, hgvsp, transcript=transcript) == parts


def test_place_decides_where_the_transcript_is_not_named() -> None:
    at = {"chrom": "3", "pos": 38182641, "ref": "T", "alt": "C"}
    assert touched("MYD88", "L265P", transcript="NM_002468", **at) == "TIR"
    assert touched("MYD88", "L265P", transcript="NM_002468", **(at | {"pos": 38182640})) == "TIR"
    assert touched("MYD88", "L271P", transcript="NM_002468", **at) is None  # no known transcript has 271 there


def test_what_is_not_known_is_na() -> None:
    assert touched("CRBN", None) is None
    assert touched("CRBN", "W386=", "synonymous") is None
    assert touched("CRBN", "X386_splice", "splice") is None
    assert touched("CRBN", None, "noncoding") is None
    assert touched("CRBN", "W386R", transcript="ENST00000999999.1") is None
    assert touched("CRBN", None, residue=386) == "thalidomide_binding;tryptophan_cage"


def test_own_table_is_not_altered_and_an_empty_one_is_allowed() -> None:
    empty = conform(pd.DataFrame(columns=list(schemas.EFFECTS.names)), schemas.EFFECTS)
    assert len(with_domains(empty)) == 0
    assert list(conform(with_domains(empty), schemas.EFFECTS).columns) == list(schemas.EFFECTS.names)


@pytest.mark.parametrize(
    ("change", "residues"),
    [
        ("L265P", (265, 265, False)),
        ("E505fs*141", (505, 505, False)),
        ("K3del", (3, 3, False)),
        ("K3_A5delinsQQ", (3, 5, False)),
        ("K3_A5dup", (3, 5, False)),
        ("K3_A4insQQ", (3, 4, True)),
        ("M1?", (1, 1, False)),
        ("*443Qext*2", (443, 443, False)),
        ("L265=", None),
        ("X189_splice", None),
        ("?", None),
        ("0", None),
    ],
)
def test_residues_of_a_change_are_read_from_its_name(change: str, residues: tuple[int, int, bool] | None) -> None:
    assert changed_residues(change) == residues
