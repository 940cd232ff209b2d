"""The report on prediction: the gain beside its interval, the control, and what was refused; nothing where none is asked."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import report_fixture as made

from resistance.layout import STAGES, write_stage
from resistance.predict.columns import make_source
from resistance.predict.tasks import describe, make_tasks
from resistance.predict.train import train
from resistance.report.content_prediction import prediction
from resistance.report.figure_prediction import prediction_figures
from resistance.report.page import write_report
from resistance.report.tables_in import read_tables
from resistance.schemas import PERFORMANCE

ASKED = {
    "endpoint": "response",
    "features": ["tp53", "crbn"],
    "repeats": 1,
    "permutations": 1,
    "bootstraps": 0,
    "stability": False,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("prediction")
    results = made.build_results(folder)
    small = {"folds": 2, "inner_folds": 2, "min_events": 4, "max_unknown": 0.9}
    models = [{"name": "small", "clinical": ["ipi"], **ASKED, **small}, {"name": "few", **ASKED, "min_events": 50}]
    config = made.config_of(prediction=models)
    before = read_tables(results)
    source = make_source(config, before.cohort, before.markers, before.matrix, before.subtypes)
    tasks = make_tasks(source)
    (results / "train").mkdir()
    (results / "train" / "plan.json").write_text(json.dumps(describe(tasks, source, {})), encoding="utf-8")
    found = train(tasks, 7)
    for schema in STAGES["train"]:
        write_stage(found.tables[schema.name], results, "train", schema)
    return results, config


def test_the_page_says_gain_control_and_what_it_may_not_be_used_for(told: tuple[Path, Any], tmp_path: Path) -> None:
    results, config = told
    write_report(config, results, tmp_path, made.PROVENANCE)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    small, few = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["prediction"]
    assert "not validated in another cohort" in page
    assert small["gain"] in page
    assert small["gain"].startswith("Gain in AUC over the clinical model: ")
    assert [r["model"] for r in small["models"]] == ["clinical", "molecular", "both"]
    assert all(r["permuted"]["estimate"] is not None for r in small["models"])
    assert few["refused"].startswith("too few events")
    assert f"Nothing was trained: {few['refused']}" in page
    assert {row["item"] for row in small["checklist"]} >= {"Missing data", "Internal validation", "Seed and digest"}
    assert (tmp_path / "tables" / "prediction_performance.tsv").is_file()
    assert 'id="figure-calibration-small"' in page
    assert 'id="figure-decision-small"' in page


def test_the_page_shows_the_interval_of_the_slope_the_632_plus_and_calibration_by_the_horizon(
    told: tuple[Path, Any], tmp_path: Path
) -> None:
    results, config = told
    shutil.copytree(results, tmp_path / "results")
    path = next((tmp_path / "results" / "train").glob("performance.*"))
    table = pd.read_parquet(path)
    numbers = {
        ("calibration_slope", "cross_validated"): (0.815, 0.512, 1.118),
        ("auc", "plus_632"): (0.634, np.nan, np.nan),
        ("observed_expected", "cross_validated"): (1.207, 0.913, 1.555),
        ("horizon_slope", "cross_validated"): (0.731, 0.402, 1.060),
    }
    mine = table[(table["prediction"] == "small") & (table["model"] == "both")]
    # rows that the page does not need here become those it is asked about
    free = mine.index[~mine["metric"].isin(["auc", "brier", "calibration_slope"])][: len(numbers) - 1].tolist()
    rows = [mine.index[mine["metric"] == "calibration_slope"][0], *free]
    changed = table.copy()
    for row, ((metric, judged), values) in zip(rows, numbers.items(), strict=True):
        changed.loc[row, ["metric", "judged"]] = [metric, judged]
        changed.loc[row, ["estimate", "ci_low", "ci_high"]] = values
    tables = read_tables(results, trained=True)
    tables.trained["performance"] = changed
    both = prediction(config, tables)[0]["models"][-1]
    assert (both["slope"]["estimate"], both["slope"]["low"], both["slope"]["high"]) == (0.815, 0.512, 1.118)
    assert both["plus_632"]["estimate"] == 0.634
    assert (both["ratio"]["estimate"], both["horizon_slope"]["high"]) == (1.207, 1.060)
    write_stage(changed, tmp_path / "results", "train", PERFORMANCE)
    plan = json.loads((tmp_path / "results" / "train" / "plan.json").read_text())
    plan["predictions"][0]["endpoint"]["kind"] = "time_to_event"
    (tmp_path / "results" / "train" / "plan.json").write_text(json.dumps(plan))
    write_report(config, tmp_path / "results", tmp_path / "out", made.PROVENANCE)
    page = re.sub(r"<[^>]+>", "", (tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    for words in (
        "0.815 (0.512 to 1.118)",
        "0.634",
        ".632+",
        "observed over expected 1.207 (0.913 to 1.555)",
        "0.731 (0.402 to 1.060)",
    ):
        assert words in page


def test_a_cohort_file_without_prediction_has_no_such_section(report: Path, content: dict[str, Any]) -> None:
    assert content["prediction"] == []
    assert 'id="prediction"' not in (report / "report.html").read_text(encoding="utf-8")
    assert not list((report / "tables").glob("prediction_*"))


def test_an_interval_that_holds_0_is_never_called_a_gain(told: tuple[Path, Any]) -> None:
    results, config = told
    tables = read_tables(results, trained=True)
    table = tables.trained["performance"]
    mine = (table["metric"] == "gain_auc") & (table["model"] == "both")
    for low, words in ((-0.1, "is not shown"), (0.1, "leaves out 0")):
        table.loc[mine, ["estimate", "ci_low", "ci_high"]] = [0.2, low, 0.3]
        assert words in prediction(config, tables)[0]["gain"]
    table.loc[mine, ["estimate", "ci_low", "ci_high"]] = [-0.2, -0.3, -0.1]
    assert "worse than without" in prediction(config, tables)[0]["gain"]


def test_a_refused_model_has_no_figure(told: tuple[Path, Any]) -> None:
    results, config = told
    few = prediction(config, read_tables(results, trained=True))[1]
    assert prediction_figures(few) == [None, None]


def test_a_yes_or_no_is_counted_by_its_rarer_answer(told: tuple[Path, Any]) -> None:
    """10 of 20 responded: with two columns of markers and one of the clinic 10 / 3 of either answer, not events."""
    results, config = told
    small = prediction(config, read_tables(results, trained=True))[0]
    assert (small["events"], small["patients"]) == (10, 20)
    assert small["events_per_column"] == pytest.approx(10 / len(small["columns"]), abs=1e-3)
    assert small["per_column"] == "patients of the rarer outcome per column"
    rows = {row["item"]: row["value"] for row in small["checklist"]}
    assert rows["Sample size"].endswith("patients of the rarer outcome per column")
