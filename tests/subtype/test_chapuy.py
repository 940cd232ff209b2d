"""Chapuy's weighted score against the published clusters, event for event, and where events are not visible."""

from __future__ import annotations

import csv
import math

import numpy as np
import pandas as pd
import pytest

from resistance.subtype import chapuy
from resistance.subtype.event_names import event_name
from resistance.subtype.events import check_events, read_events


@pytest.fixture(scope="module")
def truth(shared):
    return shared / "truth/coo/chapuy2018"


@pytest.fixture(scope="module")
def called(truth):
    events = read_events(truth / "DLBCL_significant_event_matrix.txt", known=chapuy.METHOD.features)
    return events, chapuy.call(events)


@pytest.mark.shared
def test_every_weight_is_the_published_one(truth):
    names, table = chapuy.weights()
    with (truth / "chapuy_weights.tsv").open() as lines:
        published = {
            event_name(r["Feature"]): [float(r[c]) for c in chapuy.CLASSES] for r in csv.DictReader(lines, delimiter="\t")
        }
    assert set(names) == set(published)
    for name, row in zip(names, table, strict=True):
        np.testing.assert_allclose(row, published[name], rtol=0, atol=1e-12)


@pytest.mark.shared
def test_237_of_the_292_published_clusters_are_met_and_the_12_without_events_are_c0(truth, called):
    _, rows = called
    with (truth / "NatMed.DLBCL.bestclus.txt").open() as lines:
        next(lines)
        parts = [line.split("\t") for line in lines]
    published = {name.upper(): f"C{cluster}" for name, cluster, _ in parts}
    found = {row["sample_id"].upper(): row["subtype"] for row in rows}
    assert len(published) == 292
    assert sum(found[name] == cluster for name, cluster in published.items()) == 237
    without = {name for name, cluster in found.items() if cluster == "C0"}
    assert len(without) == 12
    assert without == set(found) - set(published)


@pytest.mark.shared
def test_every_sum_is_the_one_added_up_event_for_event(truth, called):
    """Slow sums straight from the two published files."""
    _events, rows = called
    raw = pd.read_csv(truth / "DLBCL_significant_event_matrix.txt", sep="\t", index_col=0)
    weights = pd.read_csv(truth / "chapuy_weights.tsv", sep="\t", index_col=0)
    assert [row["sample_id"] for row in rows] == list(raw.columns)
    for row in rows:
        codes = raw[row["sample_id"]]
        sums = {
            cluster: sum(codes[e] * weights.loc[e, cluster] for e in weights.index if not math.isnan(codes[e]))
            for cluster in weights
        }
        if row["subtype"] == "C0":
            assert row["score"] == 0
            assert max(sums.values()) == 0
        else:
            assert max(sums, key=sums.get) == row["subtype"]
            assert row["score"] == pytest.approx(sums[row["subtype"]], rel=1e-12)


@pytest.mark.shared
def test_the_eight_exomes_without_structural_variants_say_so(called):
    _, rows = called
    short = [row for row in rows if row["features_missing"]]
    assert len(short) == 8
    assert all("SV:BCL2" in row["features_missing"].split(";") and "events not visible" in row["reason"] for row in short)


def one(**codes):
    events = check_events(pd.DataFrame({"S": codes}))
    return chapuy.call(events, max_weight_missing=1.0)[0]


def test_an_unseen_event_is_missing_weight_not_absence():
    names, table = chapuy.weights()
    codes = dict.fromkeys(names, 0) | {"TP53": 2}
    full = one(**codes)
    del codes["SV:BCL2"]
    part = one(**codes)
    share = table[names.index("SV:BCL2")].sum() / table.sum()
    assert (full["weight_missing"], full["features_missing"]) == (0, None)
    assert part["weight_missing"] == pytest.approx(share)
    assert part["features_missing"] == "SV:BCL2"
    assert (part["subtype"], part["score"]) == (full["subtype"], full["score"])


def test_a_panel_that_sees_less_than_half_of_the_weight_calls_nobody():
    events = check_events(pd.DataFrame({"S": {"TP53": 2, "MYD88": 2}}))
    row = chapuy.call(events)[0]
    assert "subtype" not in row
    assert row["reason"].startswith("not called: 154 of 156 events not visible (9")
    table = chapuy.classify_table(pd.DataFrame({"S": {"TP53": 2, "MYD88": 2}}))
    assert table["subtype"].isna().all()


def test_a_table_is_called_in_either_form_with_the_record_of_the_method():
    names, _ = chapuy.weights()
    codes = dict.fromkeys(names, 0) | {"SV:BCL2": 3, "CREBBP": 2}
    wide = pd.DataFrame({"sample_id": ["S"], **{name: [code] for name, code in codes.items()}})
    for table in (wide, pd.DataFrame({"S": codes})):
        row = chapuy.classify_table(table).iloc[0]
        assert (row["sample_id"], row["method"], row["kind"], row["subtype"], row["features_used"]) == (
            "S",
            "chapuy",
            "genetic",
            "C3",
            156,
        )
        assert row["reason"].startswith("weighted sum ")


def test_no_visible_event_is_c0_only_where_nearly_all_could_be_seen():
    names, _ = chapuy.weights()
    full = one(**dict.fromkeys(names, 0))
    assert full["subtype"] == "C0"
    part = one(**{name: 0 for name in names if not name.startswith("SV:")} | {"SV:BCL2": 0})
    blind = one(**{name: 0 for name in names if ":" not in name})
    assert part["weight_missing"] < 0.1
    assert part["subtype"] == "C0"
    assert "subtype" not in blind
    assert "which does not make it C0" in blind["reason"]


def test_a_matrix_of_zero_and_one_is_flagged_in_every_row():
    names, _ = chapuy.weights()
    table = pd.DataFrame({"S": dict.fromkeys(names, 0) | {"TP53": 1}, "T": dict.fromkeys(names, 0)})
    assert chapuy.classify_table(table)["flags"].tolist() == ["binary_matrix", "binary_matrix"]
    assert chapuy.classify_table(2 * table)["flags"].isna().all()
