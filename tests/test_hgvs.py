"""Spellings of protein and coding changes."""

from __future__ import annotations

import pytest

from resistance.hgvs import coding_change, exon_number, protein_change


@pytest.mark.parametrize(
    ("text", "change", "residue"),
    [
        ("p.L265P", "L265P", 265),
        ("L265P", "L265P", 265),
        ("p.Leu265Pro", "L265P", 265),
        ("ENSP00000379625.3:p.Leu265Pro", "L265P", 265),
        ("p.(Leu265Pro)", "L265P", 265),
        ("p.Gln61Ter", "Q61*", 61),
        ("p.Q61X", "Q61*", 61),
        ("p.Q61*", "Q61*", 61),
        ("p.E505fs*141", "E505fs*141", 505),
        ("p.Q5fsX9", "Q5fs*9", 5),
        ("p.Glu505ArgfsTer141", "E505Rfs*141", 505),
        ("p.X189_splice", "X189_splice", 189),
        ("p.X264Q", "*264Q", 264),
        ("p.Ter264GlnextTer30", "*264Qext*30", 264),
        ("p.Lys23_Val25del", "K23_V25del", 23),
        ("p.S167_G168delins*", "S167_G168delins*", 167),
        ("p.R9R", "R9=", 9),
        ("p.Arg9%3D", "R9=", 9),
        ("p.=", "=", None),
        ("p.M1?", "M1?", 1),
        ("p.M1V", "M1V", 1),
        ("p.KL116fs", "KL116fs", 116),
        ("p.0?", "0?", None),
        ("p.?", None, None),
        ("", None, None),
    ],
)
def test_protein_changes_have_one_spelling(text, change, residue):
    assert protein_change(text) == (change, residue)


@pytest.mark.parametrize(
    ("text", "named", "expected"),
    [
        ("ENST00000331789.5:c.1012T>C", "ENST00000331789", ("ENST00000331789.5:c.1012T>C", "ENST00000331789.5")),
        ("c.1012T>C", "ENST00000331789.5", ("ENST00000331789.5:c.1012T>C", "ENST00000331789.5")),
        ("ENST00000331789:c.1012T>C", "ENST00000331789.5", ("ENST00000331789.5:c.1012T>C", "ENST00000331789.5")),
        ("c.A139T", "NM_001101", ("NM_001101:c.139A>T", "NM_001101")),
        ("c.256G>A", None, ("c.256G>A", None)),
        ("NM_1.2:c.27%3D", None, ("NM_1.2:c.27=", "NM_1.2")),
        ("NM_1.2(TP53):c.27A>G", None, ("NM_1.2:c.27A>G", "NM_1.2")),
        ("c.?", "NM_1.2", (None, "NM_1.2")),
    ],
)
def test_coding_changes_carry_their_transcript_with_its_version(text, named, expected):
    assert coding_change(text, named) == expected


@pytest.mark.parametrize(("text", "number"), [("3/9", 3), ("exon3", 3), ("12", 12), ("3-4/9", 3), ("", None), ("intron", None)])
def test_exons_are_numbers(text, number):
    assert exon_number(text) == number
