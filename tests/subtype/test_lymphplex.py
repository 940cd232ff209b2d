"""LymphPlex: published centres and seeds, every distance recomputed, concordance with LymphGen, unseen genes."""

from __future__ import annotations

import csv
import math

import pandas as pd
import pytest

from resistance.subtype import lymphplex
from resistance.subtype.events import check_events

FUSIONS = {"BCL2": "SV:BCL2", "BCL6": "SV:BCL6"}


@pytest.fixture(scope="module")
def published(shared):
    with (shared / "truth/coo/lymphplex/Centers.txt").open() as lines:
        centres = {
            row.pop("Group"): {FUSIONS.get(g, g): float(v) for g, v in row.items()}
            for row in csv.DictReader(lines, delimiter="\t")
        }
    seeds: dict[str, list[str]] = {}
    with (shared / "truth/coo/lymphplex/Seeds.txt").open() as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            seeds.setdefault(row["Cluster"], []).append(FUSIONS.get(row["Seed"], row["Seed"]))
    return centres, seeds


@pytest.fixture(scope="module")
def full(shared):
    raw = pd.read_csv(shared / "cohorts/dlbclass_699/DLBCL.699.fullGSM.Sep_23_2022.tsv", sep="\t", index_col=0, dtype=str)
    keep = [name for name in raw.index if not name.endswith(".CCF") and name not in ("PLOIDY", "PURITY", "COO")]
    return check_events(raw.loc[keep])


@pytest.mark.shared
def test_every_centre_and_seed_is_the_published_one(published):
    centres, seeds = published
    ours = lymphplex.centres()
    assert set(ours.classes) == set(centres)
    for name, row in zip(ours.classes, ours.centres, strict=True):
        assert dict(zip(ours.events, row, strict=True)) == centres[name]
    assert {name: [ours.events[j] for j in columns] for name, columns in ours.seeds.items()} == seeds


def slow(genes, centres, seeds):
    """Seeds, else the nearest centre, written out for one tumour without gaps."""
    whole = [name for name, wanted in seeds.items() if all(genes[g] for g in wanted)]
    if len(whole) == 1:
        return whole[0], None
    distances = {name: sum((genes[g] - c) ** 2 for g, c in row.items()) for name, row in centres.items()}
    nearest = min(distances, key=distances.get)
    return nearest, distances[nearest]


@pytest.mark.shared
def test_every_tumour_is_the_one_of_the_rule_written_out_when_all_genes_are_seen(published, full):
    centres, seeds = published
    names = [name for name in centres["MCD"] if name not in full.table]
    assert sorted(names) == ["ARID1A", "DDX3X", "MPEG1", "NOTCH1"]
    complete = full.table.copy()
    complete[names] = 0.0
    rows = lymphplex.call(check_events(complete.T), tp53=False)
    assert len(rows) == 699
    for row in rows:
        genes = {g: int(complete.loc[row["sample_id"], g] >= 2) for g in centres["MCD"]}
        name, distance = slow(genes, centres, seeds)
        assert row["subtype"] == lymphplex.LABELS[name]
        assert row["weight_missing"] == 0
        assert (row["score"] is None) == (distance is None)
        if distance is not None:
            assert row["score"] == pytest.approx(distance, rel=1e-12)


@pytest.mark.shared
def test_accuracy_is_70_and_kappa_57_against_lymphgen_on_the_699(shared, full):
    """Facts: .70 and .57; composites and A53, which the rule does not have, count as Other."""
    rows = lymphplex.call(full, tp53=False)
    table = pd.read_csv(shared / "cohorts/dlbclass_699/lymphgenclasses.tsv", sep="\t", index_col=0)
    theirs = table.iloc[:, -1].map(lambda x: "Other" if "/" in x or x == "A53" else x)
    ours = pd.Series({row["sample_id"]: row["subtype"].removesuffix("-like") for row in rows})
    assert len(ours) == 699
    right = (ours == theirs.loc[ours.index]).mean()
    assert round(right, 2) == 0.70
    classes = sorted(set(ours) | set(theirs))
    by_chance = sum((ours == c).mean() * (theirs == c).mean() for c in classes)
    assert round((right - by_chance) / (1 - by_chance), 2) == 0.57


def tumour(**codes):
    genes = dict.fromkeys((*lymphplex.centres().events, "TP53"), 0) | codes
    return lymphplex.call(check_events(pd.DataFrame({"S": genes})))[0]


@pytest.mark.parametrize(
    ("codes", "label"),
    [
        ({"MYD88": 2, "CD79B": 2}, "MCD-like"),
        ({"SV:BCL6": 3, "NOTCH2": 2}, "BN2-like"),
        ({"NOTCH1": 2}, "N1-like"),
        ({"EZH2": 2, "SV:BCL2": 3}, "EZB-like"),
        ({"SGK1": 2, "TET2": 2}, "ST2-like"),
        ({}, "Other"),
        ({"MYD88": 2, "CD79B": 2, "TP53": 2}, "TP53"),
        ({"TP53": 1}, "Other"),
    ],
)
def test_seeds_decide_and_a_mutated_tp53_overrides(codes, label):
    row = tumour(**codes)
    assert row["subtype"] == label
    if label == "TP53":
        assert row["reason"].startswith("TP53 mutated; without it MCD-like: all seeds of MCD (MYD88, CD79B)")


def test_a_synonymous_change_is_no_seed():
    assert tumour(MYD88=1, CD79B=2)["score"] is not None


def test_seeds_of_two_classes_leave_it_to_the_centres():
    row = tumour(**{"MYD88": 2, "CD79B": 2, "NOTCH1": 2})
    assert row["score"] is not None
    assert row["reason"].startswith("seeds of MCD and N1; nearest centre")


def test_an_unseen_gene_stands_with_its_expected_part():
    """Slow: both states of the gene, weighted by how often the centre of the unclassified has it."""
    known = lymphplex.centres()
    genes = dict.fromkeys(known.events, 0) | {"PIM1": 2, "BTG1": 2}
    del genes["NOTCH1"]
    row = lymphplex.call(check_events(pd.DataFrame({"S": genes | {"TP53": 0}})))[0]
    share = known.centres[known.classes.index("Others")][known.events.index("NOTCH1")]
    expected = {}
    for name, centre in zip(known.classes, known.centres, strict=True):
        total = 0.0
        for g, c in zip(known.events, centre, strict=True):
            if g == "NOTCH1":
                total += share * (1 - c) ** 2 + (1 - share) * c**2
            else:
                total += (float(genes[g] >= 2) - c) ** 2
        expected[name] = total
    assert row["score"] == pytest.approx(min(expected.values()))
    assert row["features_missing"] == "NOTCH1"
    assert row["weight_missing"] > 0.05
    assert "events_not_visible" in row["flags"]


def test_a_class_whose_seeds_are_not_all_seen_has_no_call_by_seeds():
    codes = dict.fromkeys((*lymphplex.centres().events, "TP53"), 0) | {"MYD88": 2, "CD79B": "NA"}
    row = lymphplex.call(check_events(pd.DataFrame({"S": codes})))[0]
    assert row["score"] is not None


def test_an_unseen_tp53_is_said_and_too_few_genes_call_nobody():
    codes = dict.fromkeys(lymphplex.centres().events, 0)
    row = lymphplex.call(check_events(pd.DataFrame({"S": codes})))[0]
    assert row["flags"] == "tp53_not_visible"
    few = lymphplex.classify_table(pd.DataFrame({"S": {"MYD88": 2, "CD79B": 2}}))
    assert few["subtype"].isna().all()
    assert few["reason"].iloc[0].startswith("not called: 34 of 36 events not visible")


def test_weights_of_the_rule_sum_to_one():
    assert math.isclose(lymphplex._weight(lymphplex.centres()).sum(), 1)


@pytest.mark.shared
def test_lymphplex_own_binary_form_is_recognised(published):
    centres, seeds = published
    names = {f: g for g, f in FUSIONS.items()}
    tumours = {
        "A": ["BCL2", "EZH2"],
        "B": ["BCL6", "NOTCH2"],
        "C": ["PIM1", "MYD88", "BTG1"],
        "D": ["CREBBP", "TNFRSF14", "BCL2"],
        "E": [],
    }
    columns = [names.get(g, g) for g in centres["MCD"]]
    table = pd.DataFrame({t: [int(g in found) for g in columns] for t, found in tumours.items()}, index=columns)
    calls = lymphplex.classify_table(table.T.rename_axis("sample_id").reset_index()).set_index("sample_id")
    for t, found in tumours.items():
        genes = {g: int(names.get(g, g) in found) for g in centres["MCD"]}
        assert calls.loc[t, "subtype"] == lymphplex.LABELS[slow(genes, centres, seeds)[0]]
        assert calls.loc[t, "features_used"] == 36
    assert calls["flags"].str.contains("binary_matrix").all()
    coded = lymphplex.classify_table(2 * table)  # coded: a mutation of BCL2 is no fusion
    assert not coded["flags"].fillna("").str.contains("binary_matrix").any()
    assert coded["features_missing"].str.contains("SV:BCL2").all()
