"""Methods side by side: agreement and kappa, every disagreement with what may explain it, and no vote."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from resistance.schemas import SUBTYPES
from resistance.subtype.concordance import concordance, disagreements
from resistance.tables import conform


def subtypes(calls, kinds=None, **more):
    """calls: method -> {patient: class or None}."""
    rows = [
        {"patient_id": p, "method": m, "kind": (kinds or {}).get(m, "cell_of_origin"), "subtype": s, "reason": f"{m} says {s}"} | more.get(m, {})
        for m, of in calls.items()
        for p, s in of.items()
    ]  # fmt: skip
    return conform(pd.DataFrame(rows), SUBTYPES)


def study(*pairs):
    """Two methods on len(pairs) patients."""
    return {"label:a": {f"P{i:03}": a for i, (a, _) in enumerate(pairs)}, "b": {f"P{i:03}": b for i, (_, b) in enumerate(pairs)}}


def test_agreement_is_counted_with_and_without_the_unclassified():
    pairs = [("ABC", "ABC")] * 20 + [("GCB", "GCB")] * 15 + [("ABC", "GCB")] * 3 + [("UNCLASSIFIED", "GCB")] * 4
    pairs += [("UNCLASSIFIED", "UNCLASSIFIED")] * 2 + [(None, "GCB"), ("ABC", None)]
    row = concordance(subtypes(study(*pairs))).iloc[0]
    assert row[["n_both", "agree_both", "unclassified_1", "unclassified_2", "n", "agree"]].tolist() == [44, 37, 6, 2, 38, 35]
    definite = [(a, b) for a, b in pairs if a in ("ABC", "GCB") and b in ("ABC", "GCB")]
    assert row["kappa"] == pytest.approx(cohen_kappa_score(*zip(*definite, strict=True)))
    both = [(a, b) for a, b in pairs if a and b]
    assert row["kappa_both"] == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
    assert row["kappa_ci_low"] < row["kappa"] < row["kappa_ci_high"]
    assert pd.isna(row["note"])


def test_abc_counts_as_non_gcb_beside_a_method_that_knows_no_abc_and_only_there():
    calls = {
        "array": {"P1": "ABC", "P2": "GCB", "P3": "ABC"}, "hans": {"P1": "non-GCB", "P2": "non-GCB", "P3": "GCB"},
        "nano": {"P1": "ABC", "P2": "GCB", "P3": "GCB"},
    }  # fmt: skip
    found = concordance(subtypes(calls)).set_index(["method_1", "method_2"])
    assert found.index.tolist() == [("array", "hans"), ("array", "nano"), ("hans", "nano")]
    assert found["agree"].tolist() == [1, 2, 2]
    shown = disagreements(subtypes(calls))
    first = shown[(shown["method_1"] == "array") & (shown["method_2"] == "hans")]
    assert first[["patient_id", "subtype_1", "subtype_2"]].to_numpy().tolist() == [["P2", "GCB", "non-GCB"], ["P3", "ABC", "GCB"]]


def test_methods_of_different_kinds_are_not_compared():
    calls = {"hans": {"P1": "GCB"}, "double_expressor": {"P1": "double_expressor"}, "label:nano": {"P1": "GCB"}}
    found = concordance(subtypes(calls, kinds={"double_expressor": "risk"}))
    assert found[["method_1", "method_2", "kind"]].to_numpy().tolist() == [["hans", "label:nano", "cell_of_origin"]]


def test_nobody_in_common_is_a_row_with_a_note_and_one_class_has_no_kappa():
    row = concordance(subtypes({"a": {"P1": "GCB", "P2": None}, "b": {"P1": None, "P2": "GCB"}})).iloc[0]
    assert (row["n"], row["note"]) == (0, "no patient was called by both")
    row = concordance(subtypes({"a": {"P1": "GCB"}, "b": {"P1": "GCB"}})).iloc[0]
    assert pd.isna(row["kappa"])
    assert row["note"] == "fewer than 20 patients; kappa is not defined: both gave one class to all"
    row = concordance(subtypes({"a": {"P1": "GCB"}, "label:b": {"P1": "germinal"}})).iloc[0]
    assert row["note"] == (
        "fewer than 20 patients; one of the two gave one class to all, where kappa is 0 whatever the agreement; the two have no class in common"
    )


def test_a_disagreement_says_what_may_explain_it():
    calls = {"label:nano": {"P1": "ABC", "P2": "GCB"}, "hans": {"P1": "GCB", "P2": "GCB"}}
    table = subtypes(calls, hans={"flags": "borderline", "sample_id": "S1"}, **{"label:nano": {"sample_id": "S2"}})
    samples = pd.DataFrame({"sample_id": ["S1", "S2"], "timepoint": ["baseline", "relapse"]})
    row = disagreements(table, samples).iloc[0]
    assert row["patient_id"] == "P1"
    assert row["difference"] == "other_class"
    assert row["why"] == "hans: borderline; different samples (S2, S1, relapse and baseline)"
    assert (row["reason_1"], row["reason_2"]) == ("label:nano says ABC", "hans says GCB")


def test_an_unclassified_call_is_a_disagreement_of_its_own_kind():
    row = disagreements(subtypes({"a": {"P1": "UNCLASSIFIED"}, "b": {"P1": "GCB"}}, b={"verified": False})).iloc[0]
    assert row["difference"] == "unclassified"
    assert row["why"] == "a: between the classes; b: rule not verified"


@pytest.mark.parametrize(("probability", "why"), [(0.91, "b: probability 0.91"), (0.97, None), (None, None)])
def test_a_close_call_says_so(probability, why):
    row = disagreements(subtypes({"a": {"P1": "ABC"}, "b": {"P1": "GCB"}}, b={"probability": probability})).iloc[0]
    assert (None if pd.isna(row["why"]) else row["why"]) == why


def test_every_patient_with_two_calls_agrees_or_is_listed():
    pairs = [("ABC", "GCB"), ("GCB", "GCB"), ("UNCLASSIFIED", "ABC"), ("UNCLASSIFIED", "UNCLASSIFIED"), (None, "ABC")] * 7
    table = subtypes(study(*pairs))
    row = concordance(table).iloc[0]
    assert row["n_both"] == row["agree_both"] + len(disagreements(table))


def test_one_method_alone_gives_empty_tables():
    assert concordance(subtypes({"a": {"P1": "GCB"}})).empty
    assert disagreements(subtypes({"a": {"P1": "GCB"}})).empty


@pytest.mark.shared
def test_the_published_agreement_of_reddy_2017(shared):
    table = pd.read_excel(shared / "cohorts" / "reddy_duke_2017" / "DLBCL_Reddy.xlsx")
    words = {"Unclassified": "UNCLASSIFIED", "NON-GCB": "non-GCB"}
    columns = {"rnaseq": "ABC GCB (RNAseq)", "nanostring": "Nanostring ABC GCB", "hans": "Hans GCB NonGCB"}
    calls = {
        f"label:{name}": dict(zip(table["Sample  ID"].astype(str), table[c].replace(words).astype("object").where(table[c].notna(), None), strict=True))
        for name, c in columns.items()
    }  # fmt: skip
    found = concordance(subtypes(calls)).set_index(["method_1", "method_2"])
    # facts/cell_of_origin.md: Hans v RNA-seq 345/439, Hans v NanoString 99/116, NanoString v RNA-seq 153/200 with the unclassified
    assert found.loc[("label:rnaseq", "label:hans"), ["agree", "n"]].tolist() == [345, 439]
    assert found.loc[("label:nanostring", "label:hans"), ["agree", "n"]].tolist() == [99, 116]
    assert found.loc[("label:rnaseq", "label:nanostring"), ["agree_both", "n_both"]].tolist() == [153, 200]
    shown = disagreements(subtypes(calls))
    assert (
        len(
            shown[
                (shown["method_1"] == "label:rnaseq")
                & (shown["method_2"] == "label:hans")
                & (shown["difference"] == "other_class")
            ]
        )
        == 94
    )


GENETIC = {"label:a": "genetic", "b": "genetic"}


def test_a_class_that_is_like_another_is_compared_as_that_class():
    pairs = [("MCD-like", "MCD"), ("BN2-like", "BN2"), ("EZB-like", "MCD"), ("Other", "Other")]
    table = subtypes(study(*pairs), GENETIC)
    row = concordance(table).iloc[0]
    assert (row["n"], row["agree"]) == (4, 3)
    listed = disagreements(table)
    assert listed[["patient_id", "subtype_1", "subtype_2"]].to_numpy().tolist() == [["P002", "EZB-like", "MCD"]]


@pytest.mark.parametrize("pairs", [[("C1", "BN2"), ("C5", "MCD"), ("C0", "Other")], [("G1", "G1"), ("G2", "G1")], [("C1", "G1")]])
def test_names_of_different_systems_are_not_compared(pairs):
    table = subtypes(study(*pairs), GENETIC)
    row = concordance(table).iloc[0]
    assert (row["n_both"], row["n"]) == (len(pairs), 0)
    assert pd.isna(row["kappa"])
    assert row["note"] == "the two name their classes by different systems: nothing to compare"
    assert disagreements(table).empty


def test_two_methods_with_the_clusters_of_one_paper_are_compared():
    row = concordance(subtypes(study(("C1", "C1"), ("C2", "C3")), GENETIC)).iloc[0]
    assert (row["n"], row["agree"]) == (2, 1)


RISKS = {"label:a": "risk", "b": "risk"}


def test_risks_without_a_class_in_common_are_crossed_and_not_called_disagreements():
    pairs = [("double_expressor", "DHITsig-"), ("not_double_expressor", "DHITsig+"), ("not_double_expressor", "UNCLASSIFIED")]
    table = subtypes(study(*pairs), RISKS)
    row = concordance(table).iloc[0]
    assert (row["n_both"], row["n"], row["note"]) == (3, 0, "the two name their classes by different systems: nothing to compare")
    assert pd.isna(row["kappa"])
    assert pd.isna(row["agreement"])
    assert disagreements(table).empty


def test_risks_that_disagree_on_everybody_are_disagreements_where_their_classes_are_the_same():
    table = subtypes(study(("high", "low"), ("low", "high")), RISKS)
    assert concordance(table).iloc[0][["n", "agree"]].tolist() == [2, 0]
    assert len(disagreements(table)) == 2
    # one class each: nothing says that they are of two systems
    assert len(disagreements(subtypes(study(("high", "low")), RISKS))) == 1
    # two known methods of one signature, though here they have no call in common
    calls = {
        "lps_dhitsig104": {"P1": "DHITsig-POS", "P2": "DHITsig-POS"},
        "rnaseq_dzsig28": {"P1": "DZsig-NEG", "P2": "DZsig-NEG"},
    }
    assert len(disagreements(subtypes(calls, dict.fromkeys(calls, "expression_class")))) == 2


def test_the_dark_zone_signature_is_one_thing_on_all_its_platforms():
    calls = {
        "dlbcl90_dhitsig": {"P1": "DHITsig+", "P2": "DHITsig-", "P3": "UNCLASSIFIED"},
        "rnaseq_dzsig28": {"P1": "DZsig-POS", "P2": "DZsig-POS", "P3": "DZsig-NEG"},
        "dlbcl90_pmbl": {"P1": "DLBCL", "P2": "DLBCL", "P3": "PMBL"},
    }
    kinds = {"dlbcl90_dhitsig": "risk", "rnaseq_dzsig28": "expression_class", "dlbcl90_pmbl": "expression_class"}
    table = subtypes(calls, kinds)
    found = concordance(table)
    assert found[["method_1", "method_2", "n_both", "n", "agree"]].to_numpy().tolist() == [
        ["dlbcl90_dhitsig", "rnaseq_dzsig28", 3, 2, 1]
    ]
    assert disagreements(table)["patient_id"].tolist() == ["P2", "P3"]


def test_a_method_that_gives_one_class_has_a_kappa_of_0_and_the_note_says_why():
    row = concordance(subtypes(study(*[("GCB", "GCB")] * 18, *[("GCB", "ABC")] * 4))).iloc[0]
    assert (row["agree"], row["kappa"]) == (18, pytest.approx(0, abs=1e-12))
    assert row["note"] == "one of the two gave one class to all, where kappa is 0 whatever the agreement"
