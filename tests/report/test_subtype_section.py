"""The section on subtypes: kappa beside the counts, on whom methods differ, scores with cut-offs, what was not verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import report_fixture as made
from sklearn.metrics import cohen_kappa_score

from resistance import schemas
from resistance.config import GeneSets
from resistance.report.content_clinic import method_label
from resistance.report.content_scores import gene_sets_in_words, score_rows
from resistance.report.content_subtype import _seen_cuts, subtype_content
from resistance.report.figure_subtype import scores_figure
from resistance.report.page import _environment
from resistance.report.tables_in import read_tables
from resistance.subtype.concordance import concordance, disagreements
from resistance.tables import conform


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The fixture's study with a NanoString score, an unverified rule and a double expressor."""
    tables = read_tables(made.build_results(tmp_path_factory.mktemp("subtypes") / "results"))
    ids = sorted(tables.cohort.patients["patient_id"])
    scores = [800.0 + 100 * i for i in range(24)]  # P0001 800 ... P0024 3100
    rows = [
        {
            "patient_id": p, "method": "dlbcl90_coo", "kind": "cell_of_origin", "score": s, "verified": True, "reason": "counts",
            "subtype": None if i == 0 else "GCB" if s < 1907.8 else "ABC" if s > 2433.5 else "UNCLASSIFIED",
            "flags": "housekeeping_low" if i == 0 else "zero_count" if i < 3 else None,
        }
        for i, (p, s) in enumerate(zip(ids, scores, strict=True))
    ]  # fmt: skip
    rows += [
        {"patient_id": p, "method": m, "kind": k, "subtype": s, "verified": v, "reason": "stains", "borderline": True, "flags": "borderline"}
        for p in ids[:5]
        for m, k, s, v in (("muris", "cell_of_origin", "GCB", False), ("double_expressor", "risk", "double_expressor", True))
    ]  # fmt: skip
    subtypes = conform(
        pd.concat([tables.subtypes, conform(pd.DataFrame(rows), schemas.SUBTYPES)], ignore_index=True), schemas.SUBTYPES
    )
    more = replace(tables, subtypes=subtypes, concordance=concordance(subtypes), disagreements=disagreements(subtypes))
    return subtype_content(made.config_of(), more)


def test_only_methods_of_one_kind_are_crossed_and_have_their_kappa(content: dict[str, Any]) -> None:
    pairs = [(a["a"], a["b"]) for a in content["agreement"]]
    assert len(pairs) == 6  # four methods of cell of origin; nothing with the double expressor
    assert not any("Double" in name for pair in pairs for name in pair)
    cross = next(a for a in content["agreement"] if (a["a"], a["b"]) == ("rnaseq (as given)", "Hans"))
    # by the fixture: GCB 3 GCB, 4 non-GCB; ABC 4 GCB, 3 non-GCB
    first = ["GCB"] * 7 + ["non-GCB"] * 7
    second = ["GCB"] * 3 + ["non-GCB"] * 4 + ["GCB"] * 4 + ["non-GCB"] * 3
    assert cross["kappa"] == pytest.approx(cohen_kappa_score(first, second))
    assert cross["kappa_low"] < cross["kappa"] < cross["kappa_high"]
    assert cross["kind"] == "Cell of origin"


def test_flags_are_counted_and_the_unverified_is_marked(content: dict[str, Any]) -> None:
    of = {m["method"]: m for m in content["methods"]}
    assert of["dlbcl90_coo"]["flags"] == [{"flag": "housekeeping low", "n": 1}, {"flag": "zero count", "n": 2}]
    assert of["dlbcl90_coo"]["not_called"] == 1
    assert [m for m in of if not of[m]["verified"]] == ["muris"]
    assert (of["muris"]["borderline"], of["muris"]["flags"]) == (5, [])
    assert "doi:10." in of["muris"]["source"]
    assert of["label:rnaseq"]["source"] is None


def test_disagreements_put_other_classes_before_the_unclassified(content: dict[str, Any]) -> None:
    found = content["disagreements"]
    assert found["n"] >= len(found["rows"]) > 0
    unclassified = ["UNCLASSIFIED" in row["a"] + row["b"] for row in found["rows"]]
    assert unclassified == sorted(unclassified)
    explained = [row["why"] for row in found["rows"] if row["b"].startswith("Muris") or row["a"].startswith("Muris")]
    assert explained
    assert all("muris: borderline; muris: rule not verified" in why for why in explained)


def test_the_histogram_holds_every_score_and_the_cut_offs(content: dict[str, Any]) -> None:
    (scores,) = content["scores"]
    assert scores["method"] == "dlbcl90_coo"
    assert {level["name"]: sum(level["counts"]) for level in scores["levels"]} == {
        "GCB": 11, "ABC": 7, "UNCLASSIFIED": 5, "not called": 1,
    }  # fmt: skip
    assert [(cut["name"], round(cut["score"], 1)) for cut in scores["cuts"]] == [("ABC", 2433.5), ("GCB", 1907.8)]
    figure = scores_figure(scores)
    assert figure.caption == "Scores of DLBCL90 cell of origin in 24 patients; called ABC from 2433.5; GCB up to 1907.8."
    assert "not called 1" in figure.alt


def test_cut_offs_of_a_trained_model_are_those_seen() -> None:
    calls = np.array(["GCB", "GCB", "UNCLASSIFIED", "ABC", "ABC", "not called"], dtype=object)
    values = np.array([-9.0, -3.0, 0.5, 4.0, 8.0, 99.0])
    assert _seen_cuts(values, calls) == (("ABC", 4.0), ("GCB", -3.0))
    assert _seen_cuts(-values, calls) == (("GCB", 3.0), ("ABC", -4.0))
    assert _seen_cuts(values[[1, 0, 2, 4, 0, 5]], calls) == ()  # they overlap
    assert _seen_cuts(values[:2], calls[:2]) == ()


def test_the_section_says_it_all(content: dict[str, Any]) -> None:
    section = '{% import "macros.html.j2" as m %}{% include "subtype.html.j2" %}'
    shown = {"subtype": content, "published": {"rows": []}}
    html = _environment().from_string(section).render(c=shown, figures={"subtype": [], "subtype scores": []}, sim=False)
    assert html.count('<span class="tag unverified-tag">not verified</span>') == 1
    assert html.count("not verified in its source") == 1
    assert "No vote is taken: rnaseq (as given) alone stratifies the analysis" in html
    assert "; kappa -0.14 (" in html
    assert f"On whom they differ ({content['disagreements']['patients']} patients)" in html
    assert html.count("<table") == html.count("<caption")
    assert "1 × housekeeping low" in html


def test_the_tables_stand_beside_the_page(report: Path) -> None:
    written = {path.stem for path in (report / "tables").iterdir()}
    assert {"subtypes", "subtype_scores", "subtype_concordance", "subtype_disagreements"} <= written


def test_names_of_methods_for_people() -> None:
    names = ("label:hans_label", "hans", "double_expressor", "dlbcl90_dhitsig", "visco_young")
    assert [method_label(name) for name in names] == [
        "hans label (as given)",
        "Hans",
        "Double expressor",
        "DLBCL90 DHITsig",
        "Visco-Young",
    ]


def test_methods_without_a_call_are_shown_with_the_reason_and_not_crossed(tmp_path: Path) -> None:
    tables = read_tables(made.build_results(tmp_path / "results"))
    ids = sorted(tables.cohort.patients["patient_id"])
    rows = [
        {
            "patient_id": p, "method": "lps_wright210", "kind": "cell_of_origin", "subtype": None, "verified": True, "weight_missing": 0.19,
            "reason": f"score {i}.5 and no class: two groups are no better than one; few", "flags": f"{20 + i}% of the weight not measured",
        }
        for i, p in enumerate(ids)
    ]  # fmt: skip
    subtypes = conform(
        pd.concat([tables.subtypes, conform(pd.DataFrame(rows), schemas.SUBTYPES)], ignore_index=True), schemas.SUBTYPES
    )
    more = replace(tables, subtypes=subtypes, concordance=concordance(subtypes), disagreements=disagreements(subtypes))
    content = subtype_content(made.config_of(), more)
    of = {m["method"]: m for m in content["methods"]}["lps_wright210"]
    assert (of["not_called"], of["why_open"]) == (len(ids), "no class: two groups are no better than one")
    assert of["unseen"] == (0.19, 0.19)
    assert of["flags"] == [{"flag": "much of the weight not measured in the sample", "n": len(ids)}]
    assert not any("LPS" in row["a"] + row["b"] for row in content["agreement"])
    assert content["apart"] == []
    section = '{% import "macros.html.j2" as m %}{% include "subtype.html.j2" %}'
    shown = {"subtype": content, "published": {"rows": []}}
    html = _environment().from_string(section).render(c=shown, figures={"subtype": [], "subtype scores": []}, sim=False)
    assert "nobody called: no class: two groups are no better than one</td>" in html
    assert "19 % of its weight missing" in html


# --- scores as markers -----------------------------------------------------------------------------------------------


def scores_table() -> pd.DataFrame:
    rows = []
    for name, values, missing, note in (
        ("NONE", [None] * 3, "B;C", "no score: 1 of 3 genes take part, 10 are needed"),
        ("UP", [1.0, -0.5, None], ";".join(f"G{i}" for i in range(12)), None),
    ):
        rows += [
            {
                "patient_id": f"P{i}", "sample_id": f"S{i}", "name": name, "value": value, "unit": "GSVA within the cohort", "verified": True,
                "features_used": 0 if note else 20, "features_missing": missing, "weight_missing": 2 / 3 if note else 12 / 32,
                "note": note or (None if value is not None else "no value at all"),
            }
            for i, value in enumerate(values)
        ]  # fmt: skip
    return conform(pd.DataFrame(rows), schemas.SCORES)


def test_each_score_has_its_spread_its_genes_and_what_is_missing() -> None:
    found = score_rows(scores_table())
    assert (found["n"], found["without"]) == (2, 1)
    up, none = found["rows"]  # those with values first
    assert (up["name"], up["scored"], up["samples"], up["median"], up["low"], up["high"]) == ("UP", 2, 3, 0.25, -0.5, 1.0)
    assert (up["used"], up["missing"]) == (20, "G0, G1, G2, G3, G4 and 7 more")
    assert up["notes"] == [{"text": "no value at all", "n": 1}]
    assert (none["median"], none["missing"], none["share"]) == (None, "B, C", pytest.approx(2 / 3))
    assert [row["name"] for row in score_rows(scores_table(), ["UP"])["rows"]] == ["NONE"]  # shown beside its calls
    assert none["notes"] == [{"text": "no score: 1 of 3 genes take part, 10 are needed", "n": 3}]


def test_the_section_shows_the_scores_also_where_no_method_was_run(content: dict[str, Any]) -> None:
    section = '{% import "macros.html.j2" as m %}{% include "subtype.html.j2" %}'
    shown = {"subtype": content | {"methods": [], "computed": score_rows(scores_table())}, "published": {"rows": []}}
    html = _environment().from_string(section).render(c=shown, figures={"subtype": [], "subtype scores": []}, sim=False)
    assert "Scores as continuous markers (2)" in html
    assert "<caption>2 scores; 1 without a value in any sample; every sample in tables/subtype_scores.tsv.</caption>" in html
    assert "2 of 3</td>" in html
    assert "0.25 (-0.5 to 1)" in html
    assert "1 × no value at all" in html
    assert 'B, C <span class="quiet">(67 % of its weight)</span>' in html
    assert '<br><span class="quiet">no score: 1 of 3 genes take part, 10 are needed</span></td>' in html


def test_the_methods_say_how_gene_sets_were_scored() -> None:
    config = made.config_of()
    asked = [GeneSets(file="sets/own.gmt", method="ulm"), GeneSets(file="own.gmt", sets=["A"], min_genes=5, max_missing=0.2)]
    config = config.model_copy(update={"subtype": config.subtype.model_copy(update={"gene_sets": asked})})
    first, second = gene_sets_in_words(config)
    assert first == (
        "Of own.gmt every set with 10 to 500 genes in the data, and at most 50% of its genes missing, was scored by ulm (t of a linear "
        "model of expression on membership, over the genes; doi:10.1093/bioadv/vbac016). A sample's score does not depend on the others."
    )
    assert second.startswith(
        "Of own.gmt 1 of the sets with 5 to 500 genes in the data, and at most 20% of its genes missing, was scored by"
    )
    assert second.endswith("A score depends on the other samples.")
