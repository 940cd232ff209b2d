"""Where the files and the own annotation disagree."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import schemas
from resistance.annotate.compare import differences
from resistance.tables import conform


def effects(hgvsp: str | None, effect_class: str = "missense", transcript: str | None = "ENST1.2") -> pd.DataFrame:
    row = {"build": "GRCh37", "chrom": "1", "pos": 7, "ref": "A", "alt": "T", "gene": "CRBN", "effect_class": effect_class,
           "hgvsp": hgvsp, "transcript": transcript, "source": "file:MAF"}  # fmt: skip
    return conform(pd.DataFrame([row]), schemas.EFFECTS)


@pytest.mark.parametrize(
    ("file", "own", "differs"),
    [
        (effects("L265P"), effects("L265P"), None),
        (effects("L265P", transcript="ENST1.9"), effects("L252P"), "protein"),
        (effects("L265P", transcript="ENST2.1"), effects("L252P"), "protein, other transcript"),
        (effects("L265P", transcript=None), effects("L252P"), "protein"),
        (effects("E50fs*12", "truncating"), effects("E50Kfs*12", "truncating"), None),
        (effects("E50fs*1", "truncating"), effects("E50*", "truncating"), None),
        (effects("P128delP", "inframe_indel"), effects("P128del", "inframe_indel"), None),
        (effects("E50fs*12", "truncating"), effects("E50Kfs*13", "truncating"), "protein"),
        (effects("X50_splice", "splice"), effects(None, "splice"), None),
        (effects("L265P"), effects("L265P", "splice"), "class"),
        (effects("L265P", transcript="ENST2.1"), effects("L265P", "splice"), "class, other transcript"),
        (effects("E50fs", "truncating"), effects("E50Kfs*12", "truncating"), None),
        (effects("E50fs", "truncating"), effects("E51Kfs*12", "truncating"), "protein"),
        (effects("E50Rfs*12", "truncating"), effects("E50Kfs*12", "truncating"), "protein"),
        (effects("*160R", "stop_lost"), effects("*160Rext*9", "stop_lost"), None),
        (effects("*160Rext*8", "stop_lost"), effects("*160Rext*9", "stop_lost"), "protein"),
        (effects("M1V", "start_lost"), effects("M1?", "start_lost"), None),
        (effects("C180_V181insC", "inframe_indel"), effects("C180dup", "inframe_indel"), None),
        (effects("L10_V11insKQL", "inframe_indel"), effects("K8_L10dup", "inframe_indel"), None),
        (effects("L10_V11insKQM", "inframe_indel"), effects("K8_L10dup", "inframe_indel"), "protein"),
        (effects("L10_V11insKL", "inframe_indel"), effects("K8_L10dup", "inframe_indel"), "protein"),
        (effects("E50Kfs*12", "truncating"), effects(None, "truncating"), "protein not named here"),
        (effects(None, "truncating"), effects("E50Kfs*12", "truncating"), None),
    ],
)
def test_difference_is_what_spelling_does_not_explain(file: pd.DataFrame, own: pd.DataFrame, differs: str | None) -> None:
    assert list(differences(file, own)["differs"]) == ([] if differs is None else [differs])


def test_variant_that_only_one_side_knows_is_no_difference() -> None:
    assert differences(effects("L265P").iloc[:0], effects("L265P")).empty


def myd88(hgvsp: str, transcript: str | None, effect_class: str = "missense") -> pd.DataFrame:
    """3:38182641 T>C of GRCh37, the commonest mutation of ABC lymphoma: L265P of ENST00000396334.3, L252P of MANE Select."""
    row = {"build": "GRCh37", "chrom": "3", "pos": 38182641, "ref": "T", "alt": "C", "gene": "MYD88", "hgvsp": hgvsp,
           "residue": int(hgvsp.strip("*LPR")), "effect_class": effect_class, "transcript": transcript, "source": "x",
           "picked": transcript == "ENST00000650905.2"}  # fmt: skip
    return conform(pd.DataFrame([row]), schemas.EFFECTS)


@pytest.mark.parametrize("transcript", ["ENST00000396334.3", "ENST00000396334", None])
def test_same_codon_counted_on_another_transcript_differs_in_numbering_only(transcript: str | None) -> None:
    found = differences(myd88("L265P", transcript), myd88("L252P", "ENST00000650905.2"))
    assert found[["differs", "hgvsp_file", "hgvsp_own"]].values.tolist() == [["numbering", "L265P", "L252P"]]


def test_another_residue_at_the_same_place_is_no_matter_of_numbering() -> None:
    assert list(differences(myd88("L265R", None), myd88("L252P", "ENST00000650905.2"))["differs"]) == ["protein"]
    other_frame = differences(myd88("*160R", None, "stop_lost"), myd88("L252P", "ENST00000650905.2"))
    assert list(other_frame["differs"]) == ["class"]


def test_own_words_on_another_transcript_explain_a_class_without_the_file_naming_one() -> None:
    own = pd.concat([effects(None, "noncoding"), effects("P178T", transcript="ENST2.1")], ignore_index=True)
    own = conform(own.assign(picked=[True, False]), schemas.EFFECTS)
    assert list(differences(effects("P178T", transcript=None), own)["differs"]) == ["class, other transcript"]
    assert list(differences(effects("P178A", transcript=None), own)["differs"]) == ["class"]
