"""A cohort's tables are checked against each other, and come back from disk as they went."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.errors import InputError

FACTS = {"name": "t", "title": "t", "build": "GRCh38", "flow": []}
PATIENTS = pd.DataFrame({"patient_id": ["P1", "P2"], "ipi": [1.0, 3.0]})
SAMPLES = pd.DataFrame({"sample_id": ["S1"], "patient_id": ["P1"], "material": ["tumour"], "timepoint": ["baseline"]})


def call(**changes):
    row = {"sample_id": "S1", "build": "GRCh38", "chrom": "3", "pos": 1, "ref": "A", "alt": "T", "source": "f"}
    return pd.DataFrame([row | changes])


def test_what_is_not_given_is_an_empty_table_and_extra_columns_stay():
    cohort = Cohort(FACTS, patients=PATIENTS, samples=SAMPLES)
    assert len(cohort.calls) == 0
    assert cohort.patients["ipi"].tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"samples": SAMPLES.assign(patient_id="P9")},
            "value 'P9': 1 row(s) name a patient_id that the patients table does not have",
        ),
        ({"calls": call(sample_id="S9")}, "calls, column 'sample_id', value 'S9': 1 row(s) name a sample_id"),
        ({"calls": call(build="GRCh37")}, "the cohort is declared GRCh38 but holds calls on GRCh37. One build per cohort"),
        ({"expression": pd.DataFrame({"gene": ["CRBN"], "S9": [1.0]})}, "column 'S9': a column names a sample"),
    ],
)
def test_tables_that_do_not_fit_together_are_refused(tables, message):
    with pytest.raises(InputError) as error:
        Cohort(FACTS, **({"patients": PATIENTS, "samples": SAMPLES} | tables))
    assert message in str(error.value)


def test_a_cohort_comes_back_from_disk_as_it_went(tmp_path):
    cohort = Cohort(
        FACTS, patients=PATIENTS, samples=SAMPLES, calls=call(), expression=pd.DataFrame({"gene": ["CRBN"], "S1": [7.5]})
    )
    cohort.write(tmp_path)
    again = Cohort.read(tmp_path)
    assert again.facts == FACTS
    for name in ("patients", "samples", "calls", "expression", "ihc"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(cohort, name))


def test_computed_scores_stand_among_the_measurements_and_the_studys_own_stay():
    own = pd.DataFrame({"sample_id": ["S1"], "kind": ["score"], "name": ["nk"], "value": [5.0], "source": ["lab.tsv"]})
    scores = pd.DataFrame({"sample_id": "S1", "name": ["nk", "dark_zone", "wnt"], "value": [1.0, 2.5, None], "unit": "z"})
    found = Cohort(FACTS, patients=PATIENTS, samples=SAMPLES, measurements=own).with_scores(scores).measurements
    assert found[["name", "value"]].to_numpy().tolist() == [["nk", 5.0], ["dark_zone", 2.5]]


def test_an_empty_folder_names_the_command_that_fills_it(tmp_path):
    with pytest.raises(InputError, match="Run `resistance gather` first"):
        Cohort.read(tmp_path)
