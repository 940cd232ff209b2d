"""The numbers of the report, against counts made by hand from the fixture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import report_fixture as made

from resistance.errors import InputError
from resistance.report.content import build_content
from resistance.report.tables_in import read_tables


def content_of(folder: Path, config: Any = None, **of_results: Any) -> dict[str, Any]:
    results = made.build_results(folder / "results", **of_results)
    return build_content(config or made.config_of(), read_tables(results), made.PROVENANCE)


def test_the_cohort_stands_in_one_sentence(content: dict[str, Any]) -> None:
    # 23 known ages 51..73: median 62; reversed Kaplan-Meier of events at 100, 300 ... gives 1800 days
    assert content["sentence"] == (
        "24 patients with DLBCL (median age 62 years, 50 % women); treated with LEN (16) and R2 (8); 10 of 20 evaluable (50 %) "
        "responded; 12 events in 24 for overall survival, median follow-up 59.1 months."
    )


def test_the_flow_counts_every_exclusion(content: dict[str, Any]) -> None:
    assert content["flow"]["steps"] == [
        {"step": "patients in patients.tsv", "n": 27, "left_out": False},
        {"step": "no lenalidomide", "n": 3, "left_out": True},
        {"step": "patients analysed", "n": 24, "left_out": False},
    ]
    response, survival = content["flow"]["endpoints"]
    assert (response["n"], response["events"]) == (20, 10)
    assert response["left_out"] == [{"reason": "not evaluable", "n": 2}, {"reason": "value not known", "n": 2}]
    assert (survival["n"], survival["events"], survival["left_out"]) == (24, 12, [])
    assert content["flow"]["assays"] == [{"what": "mutation assessed", "n": 24}, {"what": "two or more plasma samples", "n": 8}]


def test_table_one_counts_by_response_and_counts_the_unknown(content: dict[str, Any]) -> None:
    table = content["table_one"]
    assert [(c["name"], c["n"]) for c in table["columns"]] == [
        ("All patients", 24),
        ("Responder", 10),
        ("Non-responder", 10),
        ("Not evaluable", 4),
    ]
    rows = {row["variable"]: row for row in table["rows"]}
    # ages of responders 51..59 (the first is unknown), of non-responders 60..69
    assert rows["Age, years"]["missing"] == [1, 1, 0, 0]
    assert rows["Age, years"]["cells"][1] == {"n": 9, "median": 55, "q1": 53, "q3": 57}
    # LEN in 6 of 10 responders and 7 of 10 others: |.6 - .7| / sqrt((.24 + .21) / 2)
    assert rows["Treatment"]["levels"] == ["LEN", "R2"]
    assert [cell["n"] for cell in rows["Treatment"]["cells"][0]] == [16, 6, 7, 3]
    assert rows["Treatment"]["smd"] == pytest.approx(0.1 / math.sqrt(0.225), rel=1e-5)


def test_numbers_have_a_signed_standardised_difference(content: dict[str, Any]) -> None:
    age = next(row for row in content["table_one"]["rows"] if row["variable"] == "Age, years")
    # variances of 51..59 and 60..69: 7.5 and 9.1667; means 55 and 64.5
    assert age["smd"] == pytest.approx((55 - 64.5) / math.sqrt((7.5 + 55 / 6) / 2), rel=1e-5)


def test_the_oncoprint_keeps_three_states_apart(content: dict[str, Any]) -> None:
    onco = content["oncoprint"]
    assert [t["name"] for t in onco["tracks"]] == ["Response", "Cell of origin", "Treatment"]
    assert onco["tracks"][0]["levels"] == ["CR", "PR", "SD", "PD", "Not evaluable"]
    tp53, crbn = onco["rows"]
    assert (tp53["marker_id"], tp53["present"], tp53["assessed"], tp53["runs"]["not_assessed"]) == ("tp53", 6, 24, [])
    # present: 0 6 12 18; not assessed: 4 9 14 19 (positions in the cohort)
    assert (crbn["present"], crbn["assessed"], crbn["fraction"]) == (4, 20, 0.2)
    ids = onco["patients"]
    assert {ids[i] for a, b in crbn["runs"]["present"] for i in range(a, b)} == {"P0001", "P0007", "P0013", "P0019"}
    assert {ids[i] for a, b in crbn["runs"]["not_assessed"] for i in range(a, b)} == {"P0005", "P0010", "P0015", "P0020"}
    assert sorted(ids) == [f"P{i:04d}" for i in range(1, 25)]


def test_a_marker_nobody_was_assessed_for_is_no_row_but_is_listed(content: dict[str, Any]) -> None:
    row = next(m for m in content["coverage"] if m["marker_id"] == "ikzf1")
    assert (row["present"], row["assessed"], row["not_assessed"], row["fraction"]) == (0, 0, 24, None)
    assert row["reason"] == "no assay covers the gene"


def test_response_by_class_has_exact_intervals(content: dict[str, Any]) -> None:
    rnaseq, hans = content["subtype"]["methods"]
    assert [c["subtype"] for c in rnaseq["classes"]] == ["GCB", "ABC", "UNCLASSIFIED"]
    gcb = rnaseq["classes"][0]
    assert (gcb["n"], gcb["evaluable"], gcb["responders"]) == (8, 7, 3)
    # R: binom.test(3, 7)$conf.int
    assert (gcb["low"], gcb["high"]) == (pytest.approx(0.0989883, rel=1e-5), pytest.approx(0.8159484, rel=1e-5))
    assert hans["not_called"] == 4


def test_methods_are_crossed_and_abc_counts_as_non_gcb(content: dict[str, Any]) -> None:
    (cross,) = content["subtype"]["agreement"]
    assert (cross["rows"], cross["columns"]) == (["GCB", "ABC", "UNCLASSIFIED"], ["GCB", "non-GCB"])
    assert cross["counts"] == [[3, 4], [4, 3], [3, 3]]
    assert (cross["both"], cross["definite"], cross["agree"]) == (20, 14, 6)


def test_curves_follow_the_joint_question_of_the_plan(content: dict[str, Any]) -> None:
    joint = next(f for f in content["survival"] if f["by"] == "TP53 and CRBN")
    assert {g["name"]: (g["n"], g["events"]) for g in joint["groups"]} == {
        "None of them": (13, 3),
        "TP53 mutated": (3, 3),
        "CRBN altered": (2, 2),
        "TP53 mutated + CRBN altered": (2, 2),
    }
    assert joint["left_out"] == 4
    assert [g["at_risk"][0] for g in joint["groups"]] == [13, 3, 2, 2]
    assert [(e["label"], e["model"]) for e in joint["estimates"]] == [("TP53 mutated", "joint"), ("CRBN altered", "joint")]


def test_forests_hold_crude_beside_adjusted_in_the_order_of_carriers(content: dict[str, Any]) -> None:
    forest = next(f for f in content["forests"] if f["kind"] == "markers" and f["endpoint"] == "os")
    assert forest["models"] == ["crude", "adjusted"]
    assert [row["label"] for row in forest["rows"]] == ["TP53 mutated", "CRBN altered"]
    assert forest["rows"][0]["estimates"]["crude"]["value"] == pytest.approx(math.e, rel=1e-5)
    assert forest["without"] == [{"reason": "not assessed in any patient", "n": 1, "labels": ["IKZF1 mutated °"]}]


def test_questions_without_an_answer_are_counted(content: dict[str, Any]) -> None:
    questions = content["questions"]
    assert (questions["asked"], questions["answered"]) == (9, 7)
    assert questions["reasons"] == [{"reason": "not assessed in any patient", "n": 2}]


def test_undetectable_ctdna_stands_at_its_own_limit(content: dict[str, Any]) -> None:
    drawn = content["ctdna"]["trajectories"]
    assert drawn["unit"] == "hge_per_ml"
    undetected = [p for p in drawn["points"] if not p["detected"]]
    assert len(undetected) == 4
    # 0.001 x 10 ng/mL / 0.0033 ng
    assert {p["value"] for p in undetected} == {3.0303}
    assert sum(p["relapse"] for p in drawn["points"]) == 8
    (row,) = content["ctdna"]["response"]["rows"]
    assert (row["assessable"], row["molecular_response"], row["cleared"]) == (8, 4, 4)
    assert content["ctdna"]["emergence"]["by_gene"] == [{"gene": "CRBN", "patients": 1}]


def test_adverse_events_count_the_worst_grade_of_a_patient_once(content: dict[str, Any]) -> None:
    events = content["adverse_events"]
    assert events["rows"][0] == {"term": "Neutropenia", "grades": [0, 0, 1, 1, 0], "any": 2, "severe": 2}
    assert (events["with_any"], events["with_severe"]) == (3, 2)


def test_without_an_imid_the_study_is_prognostic_only(tmp_path: Path) -> None:
    said = content_of(tmp_path, imid=False)["arms"]
    assert said["says"] == "No patient had an IMiD: prognostic only; cannot inform on IMiD."
    assert said["predictive"] is False


@pytest.mark.parametrize(("interaction", "predictive"), [(True, True), (False, False)])
def test_only_both_arms_and_an_interaction_allow_the_word(tmp_path: Path, interaction: bool, predictive: bool) -> None:
    said = content_of(tmp_path, imid="both", interaction=interaction)["arms"]
    assert said["predictive"] is predictive
    assert ("predictive" in said["says"]) is predictive


def test_a_stage_that_did_not_run_is_named(tmp_path: Path) -> None:
    results = made.build_results(tmp_path / "results")
    (results / "associate" / "plan.json").unlink()
    with pytest.raises(InputError, match=r"plan\.json: the analysis plan is missing\. Run `resistance associate` first\."):
        read_tables(results)


def test_a_broken_plan_is_named(tmp_path: Path) -> None:
    results = made.build_results(tmp_path / "results")
    (results / "associate" / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"plan\.json: not readable as JSON"):
        read_tables(results)
