"""The ctDNA section: no bare negative, bounds as bounds, what the knowledge base says of what is new, warnings first."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import report_fixture as made

from resistance import schemas
from resistance.report.content_residual import quality
from resistance.report.figure_plasma import lengths_figure, waterfall_figure
from resistance.report.tables_in import read_tables
from resistance.tables import conform


@pytest.fixture(scope="module")
def section(report: Path) -> str:
    html = (report / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<section id="ctdna".*?</section>', html, re.DOTALL)
    assert found is not None
    text = re.sub(r"<script.*?</script>|<[^>]+>", " ", found[0], flags=re.DOTALL)
    return re.sub(r"\s+", " ", text)


def test_a_negative_test_never_stands_without_its_limit(section: str) -> None:
    assert "not found; 0.030 % or more would have been" in section
    assert "cannot be told: only 2.000 % or more would have been found" in section
    assert "not assessed: no site was read" in section


def test_tests_for_residual_disease_are_counted_by_time_point(content: dict[str, Any]) -> None:
    (row,) = content["ctdna"]["residual"]["counts"]
    counted = {name: row[name] for name in ("samples", "positive", "negative", "underpowered", "not_assessed")}
    assert counted == {"samples": 4, "positive": 1, "negative": 1, "underpowered": 1, "not_assessed": 1}
    assert row["median_lod_vaf"] == 0.0003


def test_the_deepest_change_stands_by_response_and_bounds_are_counted(content: dict[str, Any]) -> None:
    depth = content["ctdna"]["depth"]
    assert [bar["change"] for bar in depth["bars"]] == [-1.0] * 4 + [-2.0] * 4
    assert [bar["censored"] for bar in depth["bars"]] == [False] * 4 + [True] * 4
    total = sum(row["patients"] for row in depth["summary"])
    assert total == 8
    assert sum(row["censored"] for row in depth["summary"]) == 4
    assert sum(row["cleared"]["n"] for row in depth["summary"]) == 4
    for row in depth["summary"]:
        mine = sorted(bar["change"] for bar in depth["bars"] if bar["group"] == row["group"])
        assert row["median_change"] == pd.Series(mine).median()
        assert row["median_baseline"] == pytest.approx(303.03)


def test_bounds_read_as_bounds_in_the_course(section: str) -> None:
    assert "at most 3.03" in section
    assert "at least 40" in section
    assert "day 28, not sustained" in section


def test_a_new_variant_is_one_row_with_all_its_statements(content: dict[str, Any], section: str) -> None:
    (row,) = content["ctdna"]["emergence"]["resistance"]
    assert [s["label"] for s in row["statements"]] == ["CRBN altered", "CRBN emergent"]
    assert "emergent, selected" in section
    assert "yes (Len-Dex)" in section
    assert "CRBN emergent °" in section  # not read in its source


def test_variants_of_blood_cells_are_shown_and_those_of_the_tumour_counted(content: dict[str, Any], section: str) -> None:
    found = content["ctdna"]["haematopoiesis"]
    assert found["counts"] == [{"origin": "haematopoietic", "n": 1}, {"origin": "tumour", "n": 1}]
    assert [row["hgvsp"] for row in found["rows"]] == ["R882H"]
    assert "None is removed silently" in section


def test_a_sample_that_is_not_the_patients_is_warned_of(content: dict[str, Any], section: str) -> None:
    (row,) = content["ctdna"]["identity"]["rows"]
    assert (row["verdict"], row["note"]) == ("different", "31 of 40 differ")
    assert "1 warning: samples of one patient that differ" in section
    assert content["ctdna"]["identity"]["counts"] == [
        {"check": "same_person", "verdict": "different", "n": 1},
        {"check": "same_person", "verdict": "same", "n": 1},
    ]


def test_the_waterfall_is_hollow_where_the_change_is_a_bound(content: dict[str, Any]) -> None:
    figure = waterfall_figure(content["ctdna"]["depth"])
    assert figure is not None
    assert "Pale bars with an arrow (4): not detected, the change is at least this deep" in figure.caption
    assert waterfall_figure({**content["ctdna"]["depth"], "bars": []}) is None


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tables = read_tables(made.build_results(tmp_path_factory.mktemp("aligned") / "results"))
    plasma = tables.cohort.samples.query("material == 'plasma'")["sample_id"].tolist()[:2]
    lengths = [(s, at, n) for s in plasma for at, n in ((100, 1), (167, 8), (334, 1), (900, 5))] + [("CONTROL", 167, 99)]
    more = {
        "fragment_lengths": conform(pd.DataFrame(lengths, columns=["sample_id", "length", "n"]), schemas.FRAGMENT_LENGTHS),
        "alignment_quality": conform(
            pd.DataFrame([(s, "on_target_rate", 0.8) for s in [*plasma, "CONTROL"]], columns=["sample_id", "metric", "value"]),
            schemas.ALIGNMENT_QUALITY,
        ),
        "region_coverage": conform(
            pd.DataFrame(
                [
                    {"sample_id": s, "region": r, "chrom": "3", "start": i, "end": i + 9, "mean_depth": d}
                    for s in plasma
                    for i, (r, d) in enumerate((("CRBN_1", 4000.0), ("CRBN_2", 200.0)))
                ]
            ),
            schemas.REGION_COVERAGE,
        ),
    }
    return quality(replace(tables, aligned=more))


def test_lengths_are_shares_of_what_is_drawn_and_controls_stay_out(aligned: dict[str, Any]) -> None:
    assert aligned["lengths"] == [
        {"material": "plasma", "length": at, "share": pytest.approx(share)} for at, share in ((100, 0.1), (167, 0.8), (334, 0.1))
    ]
    figure = lengths_figure(aligned["lengths"])
    assert figure is not None
    assert "plasma peaks at 167 bases" in figure.alt
    assert lengths_figure([]) is None


def test_the_least_covered_regions_stand_first(aligned: dict[str, Any]) -> None:
    assert [row["region"] for row in aligned["shallowest"]] == ["CRBN_2", "CRBN_1"]
    assert aligned["metrics"] == ["on_target_rate"]
    assert len(aligned["rows"]) == 2


def test_what_a_reader_may_not_know_is_explained(section: str) -> None:
    assert "hGE: haploid genome equivalents, 3.3 pg of DNA each." in section
    assert "Early: at least 2 log10 after cycle 1 (day 14 to 35 where the cycle is not known)." in section
    assert "Relapse, plasma" in section  # two materials of one visit are two rows


def test_milestones_are_shares_of_the_samples_that_they_were_asked_of(tmp_path: Path) -> None:
    from resistance.report.content_ctdna import ctdna

    tables = read_tables(made.build_results(tmp_path / "results"))
    rows = tables.molecular_response.head(3).assign(
        timepoint="on_treatment", early_molecular_response=[True, False, None], major_molecular_response=[None, None, None]
    )
    found = ctdna(made.config_of(), replace(tables, molecular_response=conform(rows, schemas.RESPONSE)))
    (row,) = found["response"]["rows"]
    assert (row["samples"], row["early"], row["major"]) == (3, {"n": 1, "of": 2}, {"n": 0, "of": 0})


def test_a_level_of_another_assay_is_drawn_in_its_own_unit_with_its_own_limit(tmp_path: Path) -> None:
    from resistance.config import Ctdna
    from resistance.report.content_ctdna import ctdna
    from resistance.report.figure_ctdna import trajectories_figure

    tables = read_tables(made.build_results(tmp_path / "results"))
    level = {"level": {"measurement": "m", "unit": "CPA score", "detection_limit": 1.5}}
    config = made.config_of().model_copy(update={"ctdna": Ctdna.model_validate(level)})
    none = dict.fromkeys(
        ("mean_vaf", "mean_vaf_ci_low", "mean_vaf_ci_high", "hge_per_ml", "lod_hge_per_ml", "lod_vaf"), float("nan")
    )
    rows = tables.quantity.head(2).assign(
        **none, assay_level=[4.0, 0.5], assay_limit=1.5, assay_unit="CPA score", detected=[True, False], day=[0.0, 20.0]
    )
    drawn = ctdna(config, replace(tables, quantity=conform(rows, schemas.QUANTITY)))["trajectories"]
    assert [(p["value"], p["detected"]) for p in drawn["points"]] == [(4.0, True), (1.5, False)]
    assert drawn["not_drawn"] == 0
    figure = trajectories_figure(drawn)
    assert figure is not None
    assert "CPA score (log scale)" in str(figure)
    assert ctdna(config, tables)["depth"]["unit"] == "CPA score"
