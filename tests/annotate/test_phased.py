"""Variants on one copy of a gene are read together where they touch one codon or restore the frame."""

from __future__ import annotations

import json

import pytest

from resistance.annotate.phased import compounds
from resistance.annotate.placing import Given
from resistance.annotate.reference import Reference

# TP53 R248 is CGG, on the reverse strand: 7577539 G (C of CGG), 7577538 C (the first G), 7577537 C (the second G)
R248W: Given = ("17", 7577539, "G", "A")
R248Q: Given = ("17", 7577538, "C", "T")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("phases", "together"),
    [
        (("1|1", "1|1"), True),
        (("1|1", "1|2"), False),
        (("1|1", "2|1"), False),
        (("both", "1|2"), True),
        (("both", "both"), True),
    ],
)
def test_two_substitutions_of_one_codon_on_one_copy_are_one_change(
    bundle: Reference, phases: tuple[str, str], together: bool
) -> None:
    found = compounds({"S1": dict(zip((R248W, R248Q), phases, strict=True)), "S2": {R248W: "1|1"}}, bundle)
    if not together:
        assert found == []
        return
    (one,) = found
    # TAG: by hand CGG with C>T and G>A
    assert (one.hgvsp, one.effect_class, one.residue) == ("R248*", "truncating", 248)
    assert one.hgvsc.split(":")[1] == "c.742_743delinsTA"
    assert one.members == (R248Q, R248W)
    assert one.samples == ("S1",)


@pytest.mark.shared
def test_substitutions_of_neighbouring_codons_stay_apart(bundle: Reference) -> None:
    # R249 is AGG: 7577536 T (A of AGG)
    assert compounds({"S1": {R248W: "1|1", ("17", 7577536, "T", "A"): "1|1"}}, bundle) == []


@pytest.mark.shared
def test_a_second_deletion_that_restores_the_frame_is_read_with_the_first(bundle: Reference) -> None:
    model = bundle.models()["TP53"][0]
    low, high = 7577520, 7577533
    variants = {("17", low, model.stretch(low, low + 1), "-"): ".|1", ("17", high, model.base(high), "-"): ".|1"}
    (one,) = compounds({"S1": variants}, bundle)
    assert one.effect_class in ("inframe_indel", "missense")
    assert "fs" not in one.hgvsp
    assert one.hgvsc.split(":")[1].startswith("c.[")


@pytest.mark.shared
def test_samples_with_the_same_copy_share_a_row(bundle: Reference) -> None:
    copy = {R248W: "1|1", R248Q: "1|1"}
    (one,) = compounds({"S2": copy, "S1": copy}, bundle)
    assert one.samples == ("S1", "S2")
    json.dumps(one.members)
