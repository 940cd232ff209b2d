"""Serial copy-number scores of 16 patients through quantity, response and course (Janke 2024): against the table itself."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance import schemas, stages
from resistance.batching import batch_names
from resistance.config import load
from resistance.layout import read_stage

pytestmark = pytest.mark.shared
NAME = "hnc_ctdna_janke2024"


@pytest.fixture(scope="module")
def results(shared: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("janke")
    cohort_file = checkout / "config" / "cohorts" / f"{NAME}.yaml"
    for batch in batch_names(load(cohort_file), cohort_file.parent):
        stages.read(cohort_file, folder, batch)
    for stage in (stages.gather, stages.annotate, stages.ctdna):
        stage(cohort_file, folder)
    return folder


@pytest.fixture(scope="module")
def scores(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "cohorts" / NAME / "CPA-scores.tsv", sep="\t")


@pytest.fixture(scope="module")
def serial(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[scores["group"] == "case"].set_index("Sample_ID")


def limit_of(checkout: Path) -> float:
    level = load(checkout / "config" / "cohorts" / f"{NAME}.yaml").ctdna.level
    assert level is not None
    assert isinstance(level.detection_limit, float)
    return level.detection_limit


def test_the_limit_is_the_greatest_score_of_the_controls(scores, checkout):
    assert limit_of(checkout) == pytest.approx(scores.loc[scores["group"] == "control", "CPA"].max(), rel=1e-14)


def test_every_serial_sample_is_detected_as_the_authors_called_it(results, serial):
    quantity = read_stage(results, "ctdna", schemas.QUANTITY).set_index("sample_id")
    assert sorted(quantity.index) == sorted(serial.index)
    assert len(quantity) == 94
    assert quantity["assay_level"].loc[serial.index].to_numpy() == pytest.approx(serial["CPA"].to_numpy(), rel=1e-12)
    assert quantity["detected"].loc[serial.index].astype(bool).tolist() == (serial["positive"] == "positive").tolist()


def test_the_controls_are_counted_and_left_out(results):
    dropped = read_stage(results, "cohort", schemas.DROPPED)
    counts = dict(zip(dropped["reason"], dropped["n"], strict=True))
    assert counts["the patient is not in the patients sheet"] == 57


def test_every_change_is_that_of_the_scores_and_a_bound_where_the_authors_called_negative(results, serial, checkout):
    response = read_stage(results, "ctdna", schemas.RESPONSE).set_index("sample_id")
    first = serial[serial["timepoint"] == "Baseline"].set_index("Patient_ID")
    later = serial[serial["timepoint"] != "Baseline"]
    assert sorted(response.index) == sorted(later.index)
    assert len(response) == 78
    for sample, row in later.iterrows():
        start, found = first.loc[row["Patient_ID"]], response.loc[sample]
        if start["positive"] == "negative":
            assert math.isnan(found["log10_change"])
            assert "not detected at baseline" in found["note"]
            continue
        negative = row["positive"] == "negative"
        level = limit_of(checkout) if negative else row["CPA"]
        assert found["log10_change"] == pytest.approx(math.log10(level / start["CPA"]), rel=1e-12)
        assert (found["censored"], found["cleared"]) == (negative, negative)


def test_every_course_is_that_of_the_table(results, serial, checkout):
    course = read_stage(results, "ctdna", schemas.COURSE).set_index("patient_id")
    assert len(course) == 16
    for patient, samples in serial.sort_values(["Patient_ID", "time"]).groupby("Patient_ID"):
        row, start, later = course.loc[patient], samples.iloc[0], samples.iloc[1:]
        assert start["timepoint"] == "Baseline"
        positive = (later["positive"] == "positive").to_numpy()
        levels = np.where(positive, later["CPA"], limit_of(checkout))
        assert row["n_samples"] == row["n_assessed"] == len(samples)
        assert row["nadir_day"] == later["time"].iloc[levels.argmin()]
        assert row["nadir_censored"] == (not positive.all())
        if start["positive"] == "negative":
            assert row["cleared"] is pd.NA
        elif positive.all():
            assert not row["cleared"]
        else:
            at = int(np.flatnonzero(~positive)[0])
            assert row["clearance_day"] == later["time"].iloc[at]
            assert row["clearance_after_day"] == samples["time"].iloc[at]
            if at + 1 < len(later):
                assert row["clearance_sustained"] == (not positive[at + 1 :].any())
            after = np.flatnonzero(positive & (np.arange(len(later)) > at))
            # the first positive sample after clearance whose next sample, where there is one, is positive too
            kept = [i for i in after if i + 1 == len(later) or positive[i + 1]]
            assert bool(row["molecular_relapse"]) == bool(kept)
            assert row["n_unconfirmed"] == sum(i < (kept[0] if kept else len(later)) and i not in kept for i in after)
            if kept:
                assert row["molecular_relapse_day"] == later["time"].iloc[kept[0]]
