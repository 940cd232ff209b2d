"""Adverse events become binary endpoints: who had this term at this grade or worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.config import CohortFile, parse
from resistance.errors import InputError
from resistance.read.adverse_endpoints import with_adverse_endpoints
from resistance.schemas import ADVERSE_EVENTS, ENDPOINTS
from resistance.tables import conform, empty

EVENTS = conform(
    pd.DataFrame(
        [
            ("A", "Neutrophil count decreased", 4, 20.0),
            ("A", "Rash", 2, 10.0),
            ("B", "neutrophil count decreased ", 3, np.nan),
            ("C", "Neutrophil count decreased", 2, 5.0),
            ("D", "Neutrophil count decreased", 3, 90.0),
        ],
        columns=["patient_id", "term", "grade", "day"],
    ),
    ADVERSE_EVENTS,
)
PATIENTS = pd.Series(["A", "B", "C", "D", "E"], name="patient_id")


def study(**adverse_event: Any) -> CohortFile:
    endpoint = {"label": "Neutropenia", "kind": "binary", "adverse_event": adverse_event}
    return parse(
        {
            "resistance": 1,
            "study": {"name": "t", "title": "t", "build": "GRCh38"},
            "patients": {"file": "p.tsv", "columns": {"patient_id": "id"}},
            "samples": {"file": "p.tsv", "one_per_patient": True},
            "adverse_events": {"file": "ae.tsv", "columns": {"patient_id": "id", "term": "term", "grade": "grade"}},
            "endpoints": {"neutropenia": endpoint},
        },
        "t.yaml",
    )


def values(config: CohortFile) -> dict[str, float | str]:
    table = with_adverse_endpoints(empty(ENDPOINTS), EVENTS, PATIENTS, config)
    return {
        row["patient_id"]: row["excluded"] if isinstance(row["excluded"], str) else row["value"]
        for row in table.to_dict("records")
    }


def test_a_grade_is_reached_or_not_and_a_patient_without_a_row_had_none() -> None:
    assert values(study(terms=["Neutrophil count decreased"])) == {"A": 1, "B": 1, "C": 0, "D": 1, "E": 0}
    assert values(study(terms=["Neutrophil count decreased"], grade_at_least=4)) == {"A": 1, "B": 0, "C": 0, "D": 0, "E": 0}


def test_without_terms_any_event_of_the_grade_counts() -> None:
    assert values(study(grade_at_least=2)) == {"A": 1, "B": 1, "C": 1, "D": 1, "E": 0}


def test_up_to_a_day_an_event_without_a_day_makes_the_patient_unknown() -> None:
    found = values(study(terms=["NEUTROPHIL COUNT DECREASED"], until_day=30))
    assert found == {"A": 1, "B": "an adverse event without a day", "C": 0, "D": 0, "E": 0}


def test_a_term_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"value 'Neutropenia': no row of the adverse events has the term.*Rash"):
        values(study(terms=["Neutropenia"]))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ({"kind": "continuous", "adverse_event": {}}, "'adverse_event' makes a binary endpoint"),
        ({"kind": "binary", "adverse_event": {}, "value": "x"}, "give either 'adverse_event' or 'value'"),
    ],
)
def test_an_endpoint_is_either_from_adverse_events_or_from_a_column(endpoint: dict[str, Any], words: str) -> None:
    raw = study().model_dump(by_alias=True, exclude_unset=True) | {"endpoints": {"e": {"label": "E", **endpoint}}}
    with pytest.raises(InputError, match=words):
        parse(raw, "t.yaml")


def test_it_needs_the_table_of_adverse_events() -> None:
    raw = study().model_dump(by_alias=True, exclude_unset=True)
    del raw["adverse_events"]
    with pytest.raises(InputError, match="there is no 'adverse_events' table"):
        parse(raw, "t.yaml")
