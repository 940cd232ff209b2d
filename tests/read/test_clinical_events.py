"""Adverse events by CTCAE term and grade, and lines of treatment."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.clinical_events import read_adverse_events, read_treatments

EVENTS = {"patient_id": "pt", "term": "ae", "grade": "g"}


def _read(step, folder, text, columns, dropped=None, **keys):
    (folder / "x.tsv").write_text(text)
    source = config.ClinicalEvents.model_validate({"file": "x.tsv", "columns": columns} | keys)
    return step(source, folder, patients=["P1", "P2"], all_patients={"P1", "P2", "P3"}, dropped=dropped or Dropped("test"))


def test_events_are_read_with_time_in_days(tmp_path):
    columns = EVENTS | {"day": {"column": "week", "unit": "weeks"}, "drug": "drug", "cycle": "cycle"}
    text = "pt\tae\tg\tweek\tdrug\tcycle\nP2\tRash\t2\t1\tlenalidomide\t1\nP1\tNeutropenia\t4\t2.5\tNA\tNA\n"
    table = _read(read_adverse_events, tmp_path, text, columns)
    assert table["patient_id"].tolist() == ["P1", "P2"]
    assert table["grade"].tolist() == [4, 2]
    assert table["day"].tolist() == [17.5, 7]
    assert pd.isna(table["drug"][0])


def test_grade_0_is_no_event_and_counted(tmp_path):
    dropped = Dropped("test")
    table = _read(read_adverse_events, tmp_path, "pt\tae\tg\nP1\tRash\t0\nP1\tNausea\t1\n", EVENTS, dropped)
    assert table["term"].tolist() == ["Nausea"]
    assert dropped.frame()["reason"].tolist() == ["grade 0: no adverse event"]


@pytest.mark.parametrize(
    ("grade", "message"),
    [("6", "is above 5"), ("2.5", "is not a whole number"), ("NA", "has no value"), ("high", "value 'high': is not a number")],
)
def test_a_grade_that_does_not_exist_is_refused(tmp_path, grade, message):
    with pytest.raises(InputError, match=message):
        _read(read_adverse_events, tmp_path, f"pt\tae\tg\nP1\tRash\t{grade}\n", EVENTS)


def test_rows_of_patients_who_are_not_analysed_are_counted(tmp_path):
    dropped = Dropped("test")
    assert len(_read(read_adverse_events, tmp_path, "pt\tae\tg\nP3\tRash\t1\nP1\tRash\t1\n", EVENTS, dropped)) == 1
    assert dropped.frame()[["reason", "n"]].to_numpy().tolist() == [["the patient is not analysed", 1]]


def test_a_patient_whom_nobody_knows_is_refused(tmp_path):
    with pytest.raises(
        InputError,
        match=r"row 2, column 'pt', value 'P9': names a patient that the patients sheet does not have.*unknown_patients: drop",
    ):
        _read(read_adverse_events, tmp_path, "pt\tae\tg\nP9\tRash\t1\n", EVENTS)


def test_columns_are_checked(tmp_path):
    with pytest.raises(InputError) as error:
        _read(read_adverse_events, tmp_path, "pt\tae\nP1\tRash\n", {"patient_id": "pt", "term": "ae", "regimen": "x"})
    assert [(p.column, p.message) for p in error.value.problems] == [
        ("regimen", "adverse_events.columns names something this table does not have"),
        ("grade", "adverse_events.columns must say where this stands"),
    ]


def test_treatments_are_read_in_order(tmp_path):
    columns = {
        "patient_id": "pt",
        "line": "line",
        "regimen": "rx",
        "start_day": {"column": "from", "unit": "days"},
        "end_day": {"column": "to", "unit": "days"},
    }
    text = "pt\tline\trx\tfrom\tto\nP1\t2\tR2\t0\tNA\nP1\t1\tR-CHOP\t-400\t-270\n"
    table = _read(read_treatments, tmp_path, text, columns)
    assert table["regimen"].tolist() == ["R-CHOP", "R2"]
    assert table["start_day"].tolist() == [-400, 0]


def test_a_treatment_that_ends_before_it_starts_is_refused(tmp_path):
    columns = {
        "patient_id": "pt",
        "regimen": "rx",
        "start_day": {"column": "from", "unit": "days"},
        "end_day": {"column": "to", "unit": "days"},
    }
    with pytest.raises(
        InputError, match=r"row 2, column 'end_day', value 'P1': the treatment ends \(day 3\) before it starts \(day 5\)"
    ):
        _read(read_treatments, tmp_path, "pt\trx\tfrom\tto\nP1\tR2\t5\t3\n", columns)
