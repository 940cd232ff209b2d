"""Variants of one copy that are read together: their effect replaces the single ones, and they are one variant."""

from __future__ import annotations

import pandas as pd
import pytest
from test_matrix import call, cohort, covered, effect, effects, markers, sample, subtypes

from resistance import schemas
from resistance.matrix import build_matrix, gene_states
from resistance.tables import conform

ASKED = markers(("TP53", "mutation", "truncating"), ("TP53", "mutation", "missense"), ("TP53", "mutation", "multi_hit"))


@pytest.fixture
def study():
    """P1 and P2 carry both variants; P1 on one copy."""
    calls = [call(p, pos) for p in ("P1", "P2") for pos in (10, 11)]
    return cohort(("P1", "P2"), calls=calls, coverage=covered("TP53", "P1", "P2"))


def together(effect_class: str, hgvsp: str) -> pd.DataFrame:
    one = {"sample_id": "P1", "members": "1:10 A>T;1:11 A>T", "gene": "TP53", "effect_class": effect_class, "hgvsp": hgvsp,
           "build": "GRCh37", "chrom": "1", "ref": "A", "alt": "T", "source": "native:csq"}  # fmt: skip
    return conform(pd.DataFrame([one | {"pos": 10}, one | {"pos": 11}]), schemas.PHASED_EFFECTS)


def state(found, patient: str, marker: str) -> str:
    return found.matrix.set_index(["patient_id", "marker_id"]).loc[(patient, marker), "state"]


def matched(study, phased):
    single = effects(effect(10, "TP53", hgvsp="R4Q"), effect(11, "TP53", hgvsp="R4W"))
    return build_matrix(study, single, subtypes(), ASKED, subtype_method=None, phased=phased)


def test_two_missense_variants_that_are_a_stop_together_are_truncating_in_the_sample_that_has_them_on_one_copy(study):
    found = matched(study, together("truncating", "R4*"))
    assert [state(found, p, "m1") for p in ("P1", "P2")] == ["present", "absent"]
    assert [state(found, p, "m2") for p in ("P1", "P2")] == ["absent", "present"]
    evidence = found.evidence[found.evidence["marker_id"] == "m1"]
    assert set(evidence["hgvsp"]) == {"R4*"}


def test_variants_of_one_copy_are_one_hit_and_not_both_copies(study):
    found = matched(study, together("truncating", "R4*"))
    assert state(found, "P1", "m3") != "present"
    assert state(found, "P2", "m3") == "present"


def test_the_same_variants_without_phase_in_another_sample_of_the_patient_are_no_further_hits():
    samples = pd.DataFrame([sample("P1"), sample("P1", "P1b", material="plasma")])
    calls = [call(s, pos) for s in ("P1", "P1b") for pos in (10, 11)]
    study = cohort(("P1",), samples=samples, calls=calls, coverage=covered("TP53", "P1", "P1b"))
    found = matched(study, together("truncating", "R4*"))
    assert state(found, "P1", "m3") != "present"


def test_a_pair_that_changes_nothing_together_is_no_change(study):
    found = matched(study, together("synonymous", "R4="))
    assert [state(found, "P1", m) for m in ("m1", "m2", "m3")] == ["absent", "absent", "absent"]
    single = effects(effect(10, "TP53"), effect(11, "TP53"))
    genes = gene_states(study, single, ["TP53"], phased=together("synonymous", "R4=")).set_index("patient_id")["state"]
    assert (genes["P1"], genes["P2"]) == ("absent", "present")


def test_without_the_table_nothing_changes(study):
    found = matched(study, None)
    assert [state(found, p, "m2") for p in ("P1", "P2")] == ["present", "present"]


@pytest.mark.parametrize(
    ("phases", "multi"),
    [
        ((".|1", ".|1"), "absent"),
        ((".|1", ".|2"), "present"),
        ((".|1", None), "present"),
        (("both", "both"), "present"),
        (("7|1", "9|1"), "present"),
    ],
)
def test_variants_that_the_caller_put_on_one_copy_hit_one_copy(phases, multi):
    calls = [call("P1", pos, phase=phase) for pos, phase in zip((10, 900), phases, strict=True)]
    neutral = [{"sample_id": "P1", "gene": "TP53", "state": 0, "source": "x"}]
    study = cohort(("P1",), calls=calls, coverage=covered("TP53", "P1"), copy_number=neutral)
    asked = markers(("TP53", "mutation", "multi_hit"), ("TP53", "mutation", "mono_allelic"))
    single = effects(effect(10, "TP53"), effect(900, "TP53"))
    found = build_matrix(study, single, subtypes(), asked, subtype_method=None)
    assert state(found, "P1", "m1") == multi
    assert state(found, "P1", "m2") == ("present" if multi == "absent" else "absent")
    if multi == "absent":
        text = found.matrix.set_index("marker_id").loc["m2", "evidence"]
        assert text.startswith("variants on one copy")
