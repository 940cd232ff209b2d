"""The samples sheet of a ctDNA study: controls, cycles, mass; and what the cohort file says about levels."""

from __future__ import annotations

import pytest

from resistance.config import parse
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.samples import read_samples

COLUMNS = {
    "sample_id": "s",
    "patient_id": "p",
    "material": {"constant": "plasma"},
    "timepoint": {"column": "t", "values": {"C1D1": "baseline", "C2D1": "on_treatment", "control": None}},
    "day": {"column": "d", "unit": "days"},
}


def raw(samples=None, **more):
    return {
        "resistance": 1,
        "study": {"name": "t", "title": "t", "build": "GRCh38"},
        "patients": {"file": "p.tsv", "columns": {"patient_id": "id"}},
        "samples": {"file": "s.tsv", "columns": COLUMNS} | (samples or {}),
        "endpoints": {
            "orr": {"label": "ORR", "kind": "binary", "value": "bor", "positive": ["CR"], "negative": ["PD"]},
            "pfs": {
                "label": "PFS",
                "kind": "time_to_event",
                "survival": {
                    "time": {"column": "m", "unit": "months"}, "event": "e", "event_codes": [1], "censored_codes": [0],
                },
            },
        },
    } | more  # fmt: skip


def read(tmp_path, text, spec=None):
    (tmp_path / "s.tsv").write_text(text)
    dropped = Dropped("gather")
    config = parse(raw(spec), "c.yaml")
    found = read_samples(config, tmp_path, patients={"A"}, all_patients=frozenset("AB"), dropped=dropped)
    return found, dropped.frame()


SHEET = "s\tp\tt\td\nA1\tA\tC1D1\t0\nH1\tHealthy1\tcontrol\tNA\nH2\tHealthy2\tcontrol\tNA\nB1\tB\tC1D1\t0\n"


def test_samples_of_healthy_controls_are_dropped_and_counted_where_the_study_says_so(tmp_path):
    found, dropped = read(tmp_path, SHEET, {"unknown_patients": "drop"})
    assert found.samples["sample_id"].tolist() == ["A1"]
    assert found.files["sample_id"].tolist() == ["A1"]
    assert found.all_ids == {"A1", "B1", "H1", "H2"}
    assert dropped[["reason", "n", "example"]].to_numpy().tolist() == [
        ["the patient is not analysed", 1, "B1"],
        ["the patient is not in the patients sheet", 2, "H1"],
    ]


def test_without_that_word_they_stop_the_run_and_the_message_says_it(tmp_path):
    with pytest.raises(InputError) as error:
        read(tmp_path, SHEET)
    assert "s.tsv, row 3, column 'p" in str(error.value)
    assert "Add the patient, remove sample H1, or set 'unknown_patients: drop'." in str(error.value)


def test_a_cycle_that_is_no_whole_number_is_named(tmp_path):
    text = "s\tp\tt\td\tc\nA1\tA\tC1D1\t0\t1.5\n"
    with pytest.raises(InputError) as error:
        read(tmp_path, text, {"columns": {**COLUMNS, "cycle": "c"}})
    assert "s.tsv, row 2, column 'cycle', value '1.5'" in str(error.value)


def test_a_negative_mass_or_volume_is_named(tmp_path):
    text = "s\tp\tt\td\tml\tng\nA1\tA\tC1D1\t0\t-4\t-1\n"
    with pytest.raises(InputError) as error:
        read(tmp_path, text, {"columns": {**COLUMNS, "plasma_ml": "ml", "cfdna_ng": "ng"}})
    assert "row 2, column 'plasma_ml', value '-4" in str(error.value)
    assert "row 2, column 'cfdna_ng', value '-1" in str(error.value)


@pytest.mark.parametrize(
    ("ctdna", "message"),
    [
        ({"relapse_endpoint": "pfss"}, "ctdna.relapse_endpoint names 'pfss', which does not exist (did you mean pfs?)"),
        ({"relapse_endpoint": "orr"}, "'orr' is no time_to_event endpoint: lead time needs the day of relapse"),
        (
            {"level": {"measurement": "CPA", "unit": "x", "detection_limit": 1}},
            "ctdna.level.measurement names 'CPA', which is no measurement of kind score (there are: hge)",
        ),
        (
            {"level": {"measurement": "hge", "unit": "x", "detection_limit": "lod"}},
            "ctdna.level.detection_limit names 'lod', which is no measurement of kind score (there are: hge)",
        ),
        ({"level": {"measurement": "hge", "unit": "x"}}, "column 'ctdna.level.detection_limit': this key is required"),
        ({"detection": "reads"}, "column 'ctdna.detection', value 'reads': Input should be"),
        ({"milestones": {"early": {"drop_log10": 2, "cycle": 1, "days": [30, 20]}}}, "the first day comes after the last"),
        ({"haematopoiesis": {"white_cell_ratio": 0.5}}, "column 'ctdna.haematopoiesis.white_cell_ratio', value '0.5'"),
        ({"cfdna_cv": 1.5}, "column 'ctdna.cfdna_cv', value '1.5'"),
    ],
)
def test_a_cohort_file_that_asks_for_what_is_not_there_is_told_so(ctdna, message):
    scores = [{"file": "m.tsv", "kind": "score", "columns": {"sample_id": "s", "hge": "h"}}]
    with pytest.raises(InputError) as error:
        parse(raw(ctdna=ctdna, measurements=scores), "c.yaml")
    assert message in str(error.value)
