"""LymphGen: the rule for combining confidences against 160 real outputs, its limits, and what a damaged table says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.subtype import lymphgen


def table(*rows, **more):
    """rows: dictionaries of class -> (confidence, features)."""
    out = []
    for i, row in enumerate(rows):
        record = {"Sample.Name": f"S{i + 1}", "Copy.Number": "Available"}
        for name in lymphgen.CLASSES:
            confidence, features = row.get(name, (0, 0))
            record |= {f"Confidence.{name}": str(confidence), f"{name}.Feature.Count": str(features)}
        out.append(record)
    return pd.DataFrame(out).assign(**more)


def calls(*rows, **more):
    return [row["subtype"] for row in lymphgen.call(table(*rows, **more))]


@pytest.mark.shared
def test_all_160_published_predictions_follow_from_the_confidences(shared):
    given = lymphgen.read_lymphgen(shared / "cohorts/hilton_lcr_2023/lymphgen/lymphgen_results.tsv")
    rows = lymphgen.call(given.drop(columns="Subtype.Prediction"))
    assert len(rows) == 160
    assert [row["subtype"] for row in rows] == given["Subtype.Prediction"].tolist()
    assert [row["sample_id"] for row in rows] == given["sample_id"].tolist()


@pytest.mark.shared
def test_the_published_table_carries_no_disagreement_and_its_nine_samples_without_copy_number_no_a53(shared):
    given = lymphgen.read_lymphgen(shared / "cohorts/hilton_lcr_2023/lymphgen/lymphgen_results.tsv")
    rows = lymphgen.call(given)
    flags = [set((row["flags"] or "").split(";")) for row in rows]
    assert not any({"differs_from_prediction", "rounding_decides"} & found for found in flags)
    assert sum("composite" in found for found in flags) == given["Subtype.Prediction"].str.contains("/").sum()
    without = [row for row, found in zip(rows, flags, strict=True) if "no_copy_number" in found]
    assert len(without) == 9
    assert not any("A53" in row["subtype"] for row in without)
    for row, (_, line) in zip(rows, given.iterrows(), strict=True):
        named = [n for n in row["subtype"].split("/") if n != "Other"]
        confidences = [float(line[f"Confidence.{name}"]) for name in named]
        assert row["probability"] == (min(confidences) if confidences else None)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"BN2": (0.95, 5)}, "BN2"),
        ({"BN2": (0.6, 5)}, "BN2"),
        ({"BN2": (0.6, 5), "EZB": (0.7, 4)}, "Other"),
        ({"BN2": (0.95, 5), "EZB": (0.7, 4)}, "BN2"),
        ({"BN2": (0.95, 5), "EZB": (0.93, 4)}, "BN2/EZB"),
        ({"ST2": (0.95, 5), "BN2": (0.93, 4), "A53": (0.99, 9)}, "BN2/ST2/A53"),
        ({"BN2": (0.5, 5)}, "Other"),
        ({"BN2": (0.9, 5), "EZB": (0.95, 4)}, "EZB"),
        ({}, "Other"),
        ({"N1": (0.95, 1)}, "N1"),
        ({"MCD": (0.95, 1)}, "Other"),
        ({"A53": (0.95, 1)}, "Other"),
        ({"MCD": (0.95, 1), "BN2": (0.6, 3)}, "BN2"),
    ],
)
def test_the_rule_by_hand(row, expected):
    assert calls(row) == [expected]


def test_without_copy_number_a53_is_not_called_and_does_not_stand_in_the_way():
    assert calls({"A53": (0.95, 5), "BN2": (0.6, 3)}, **{"Copy.Number": "Not Available"}) == ["BN2"]


def test_columns_of_classes_that_were_not_predicted_may_be_missing():
    given = table({"EZB": (0.95, 3)}).drop(columns=["Confidence.A53", "A53.Feature.Count", "Confidence.N1", "N1.Feature.Count"])
    row = lymphgen.call(given)[0]
    assert row["subtype"] == "EZB"
    assert "not predicted: N1, A53" in row["reason"]
    assert row["probabilities"] == "BN2=0;EZB=0.95;MCD=0;ST2=0"


def test_counts_of_features_may_be_missing_then_no_minimum_is_applied():
    given = table({"EZB": (0.95, 0)})
    assert lymphgen.call(given)[0]["subtype"] == "Other"
    assert lymphgen.call(given.drop(columns="EZB.Feature.Count"))[0]["subtype"] == "EZB"


def test_a_printed_confidence_on_the_limit_leaves_it_to_lymphgens_own_call():
    """LymphGen cuts off after two digits: 0.9 is anything from .90 to below .91."""
    given = table({"BN2": (0.9, 5), "EZB": (0.95, 4)}, **{"Subtype.Prediction": "BN2/EZB"})
    row = lymphgen.call(given)[0]
    assert (row["subtype"], row["flags"]) == ("BN2/EZB", "rounding_decides;composite")
    assert calls({"BN2": (0.9, 5), "EZB": (0.95, 4)}, **{"Subtype.Prediction": "EZB"}) == ["EZB"]


def test_another_call_in_the_table_is_told_and_not_taken():
    row = lymphgen.call(table({"BN2": (0.95, 5)}, **{"Subtype.Prediction": "MCD"}))[0]
    assert (row["subtype"], row["flags"]) == ("BN2", "differs_from_prediction")
    assert "LymphGen's own call is MCD" in row["reason"]


def test_a_call_by_a_single_middling_confidence_is_borderline():
    found = lymphgen.call(table({"BN2": (0.6, 5)}, {"BN2": (0.95, 5)}, {}))
    assert [row["borderline"] for row in found] == [True, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="Sample.Name"), "no column with the sample"),
        (lambda t: t[["Sample.Name", "Copy.Number"]], "no column Confidence.<class>"),
        (lambda t: pd.concat([t, t]), r"row 2, column 'Sample.Name', value 'S1': the sample stands in two rows"),
        (lambda t: t.assign(**{"Confidence.BN2": "95"}), r"row 2, column 'Confidence.BN2', value '95': is no number from 0 to 1"),
        (lambda t: t.assign(**{"Confidence.EZB": "high"}), "column 'Confidence.EZB', value 'high'"),
        (
            lambda t: t.assign(**{"MCD.Feature.Count": "-1"}),
            "column 'MCD.Feature.Count', value '-1': is no number from 0 or more",
        ),
        (lambda t: t.assign(**{"Copy.Number": "perhaps"}), "value 'perhaps': is neither Available nor Not Available"),
    ],
)
def test_a_damaged_table_is_named_with_its_place(change, message):
    with pytest.raises(InputError, match=message):
        lymphgen.call(change(table({"BN2": (0.95, 5)})))


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="LymphGen's result table is missing"):
        lymphgen.read_lymphgen(tmp_path / "x.tsv")


def test_the_rule_on_random_confidences_is_the_one_written_out():
    rng = np.random.default_rng(1)
    confidence = rng.choice([0, 0.3, 0.5, 0.51, 0.7, 0.9, 0.91, 0.99], size=(400, 6))
    features = rng.integers(0, 4, size=(400, 6)).astype(float)
    copies = rng.random(400) < 0.7
    for p, n, cn, found in zip(confidence, features, copies, lymphgen.combine(confidence, features, copies), strict=True):
        usable = {}
        for name, value, count in zip(lymphgen.CLASSES, p, n, strict=True):
            if count >= lymphgen.MINIMUM_FEATURES[name] and (cn or name != "A53"):
                usable[name] = value
        likely = [name for name, value in usable.items() if value > 0.5]
        called = [name for name in likely if usable[name] > 0.9 or len(likely) == 1]
        assert found == ("/".join(called) or "Other")
