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
    ],
)
def test_difference_is_what_spelling_does_not_explain(file: pd.DataFrame, own: pd.DataFrame, differs: str | None) -> None:
    assert list(differences(file, own)["differs"]) == ([] if differs is None else [differs])


def test_variant_that_only_one_side_knows_is_no_difference() -> None:
    assert differences(effects("L265P").iloc[:0], effects("L265P")).empty
