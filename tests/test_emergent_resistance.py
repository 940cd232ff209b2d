"""Emergent variants and the statements they meet: which, where, and after which drug."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import schemas
from resistance.cohort import Cohort
from resistance.emergent_resistance import find_emergent_resistance
from resistance.hgvs import class_of_change
from resistance.knowledge import load_markers
from resistance.tables import conform, empty

MARKERS = load_markers(None)


def emergence(*rows):
    """Rows: gene, hgvsp, change, pos."""
    table = pd.DataFrame(
        [
            {
                "patient_id": "P1", "build": "GRCh38" if r[3] else None, "chrom": "3" if r[3] else None, "pos": r[3],
                "ref": "C" if r[3] else None, "alt": "T" if r[3] else None, "gene": r[0], "hgvsp": r[1], "baseline_sample_id": "A",
                "sample_id": "B", "timepoint": "relapse", "day": 100, "change": r[2], "selection": r[4] if len(r) > 4 else "selected", "baseline_vaf": 0.0, "later_vaf": 0.2,
                "q_value": 0.02, "q_emergent": 0.01,
            }
            for r in rows
        ]
    )  # fmt: skip
    return conform(table, schemas.EMERGENCE)


def evidence(gene, pos, *marker_ids):
    rows = [
        {
            "patient_id": "P1", "timepoint": "relapse", "marker_id": name, "sample_id": "B", "gene": gene, "chrom": "3", "pos": pos,
            "ref": "C", "alt": "T", "finding": "x", "rule": "nonsilent", "direction": "resistance", "evidence_grade": "C",
            "verified": True, "source": "x",
        }
        for name in marker_ids
    ]  # fmt: skip
    return conform(pd.DataFrame(rows), schemas.EVIDENCE)


def cohort(treatment=None, imid=None, lines=(), study_imid=None):
    patients = pd.DataFrame({"patient_id": ["P1"], "treatment": [treatment], "imid": [imid]})
    treatments = pd.DataFrame(
        [{"patient_id": "P1", "regimen": r[0], "start_day": r[1]} for r in lines], columns=["patient_id", "regimen", "start_day"]
    )
    return Cohort(facts={"build": "GRCh38", "name": "x", "imid": study_imid}, patients=patients, treatments=treatments)


def find(rows, shown=None, **more):
    return find_emergent_resistance(cohort(**more), rows, empty(schemas.EVIDENCE) if shown is None else shown, MARKERS)


def test_an_emergent_crbn_call_meets_the_statements_of_that_call_and_of_emergence():
    found = find(emergence(("CRBN", "W386*", "emergent", 500)), evidence("CRBN", 500, "crbn_mutation", "crbn_truncating"))
    assert set(found["marker_id"]) == {"crbn_mutation", "crbn_truncating", "crbn_emergent"}
    assert found["evidence_grade"].tolist() == sorted(found["evidence_grade"], key="ABCDEM".index)
    assert found["q_value"].tolist() == [0.01] * 3


def test_evidence_of_another_call_is_no_hit():
    found = find(emergence(("CRBN", "W386*", "expanding", 500)), evidence("CRBN", 501, "crbn_mutation"))
    assert found.empty


def test_an_expanding_variant_is_not_new_but_listed_with_its_own_q():
    found = find(emergence(("CRBN", "W386*", "expanding", 500)), evidence("CRBN", 500, "crbn_mutation"))
    assert found[["change", "q_value", "marker_id"]].to_numpy().tolist() == [["expanding", 0.02, "crbn_mutation"]]


@pytest.mark.parametrize("change", ["stable", "cleared", "shrinking", "not_assessable"])
def test_what_did_not_grow_is_no_hit(change):
    assert find(emergence(("CRBN", "W386*", change, 500)), evidence("CRBN", 500, "crbn_mutation")).empty


@pytest.mark.parametrize("selection", ["with_tumour", "counter_selected", None])
def test_a_variant_that_grew_with_the_tumour_is_no_hit(selection):
    assert find(emergence(("CRBN", "W386*", "expanding", 500, selection)), evidence("CRBN", 500, "crbn_mutation")).empty
    new = find(emergence(("CRBN", "W386*", "emergent", 500, selection)), evidence("CRBN", 500, "crbn_mutation"))
    assert set(new["marker_id"]) == {"crbn_mutation", "crbn_emergent"}


def test_a_variant_without_a_position_meets_rules_by_its_protein_change():
    found = find(emergence(("IKZF3", "A260G", "emergent", None)))
    assert set(found["marker_id"]) == {"ikzf3_mutation", "ikzf3_emergent"}
    degron = find(emergence(("IKZF3", "Q147H", "emergent", None)))
    assert "ikzf3_degron" in set(degron["marker_id"])
    silent = find(emergence(("IKZF3", "A260=", "expanding", None)))
    assert silent.empty


@pytest.mark.parametrize(
    ("more", "given", "words"),
    [
        ({"treatment": "lenalidomide + rituximab"}, True, "lenalidomide + rituximab"),
        ({"treatment": "R-CHOP"}, False, "R-CHOP"),
        ({}, None, None),
        ({"imid": True}, None, "an IMiD"),  # which one, nobody says
        ({"study_imid": False}, False, None),
        ({"lines": [("Len-Dex", 20)]}, True, "Len-Dex"),
        ({"lines": [("Len-Dex", 120)], "treatment": "R-CHOP"}, False, "R-CHOP"),  # begun after the sample
        ({"lines": [("trial drug 17", 20)]}, None, "trial drug 17"),
    ],
)
def test_says_whether_a_drug_of_the_statement_was_given_before(more, given, words):
    row = find(emergence(("CRBN", "W386*", "expanding", 500)), evidence("CRBN", 500, "crbn_truncating"), **more).iloc[0]
    assert row["drug"] == "lenalidomide"
    assert (None if row["drug_given"] is pd.NA else bool(row["drug_given"])) is given
    assert (None if pd.isna(row["given"]) else row["given"]) == words


def test_nothing_emergent_is_an_empty_table():
    assert find(empty(schemas.EMERGENCE)).empty


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("A260G", "missense"), ("W386*", "truncating"), ("E505Rfs*141", "truncating"), ("X189_splice", "splice"), ("M1?", "start_lost"),
        ("M1V", "start_lost"), ("R9=", "synonymous"), ("*348Cext*159", "stop_lost"), ("K3_A5del", "inframe_indel"),
        ("K3_A5delinsQ", "inframe_indel"), ("K3delins*", "truncating"), ("QT358HS", "missense"), ("M10L", "missense"), ("0", "other"),
    ],
)  # fmt: skip
def test_the_class_of_a_protein_change(change, expected):
    assert class_of_change(change) == expected
