"""Markers of later samples: known from the day of their sample on, never before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.associate import answer, make_plan
from resistance.associate.course import episodes, make_course
from resistance.cohort import Cohort
from resistance.config import CohortFile
from resistance.stats.cox import cox
from resistance.tables import conform

Configure = Callable[..., CohortFile]


def small() -> tuple[Cohort, pd.DataFrame]:
    """Four patients: A gains the marker on day 60, B never, C is only seen later, D's later day is unknown."""
    states = [
        ("A", "baseline", "absent"), ("A", "on_treatment", "present"), ("B", "baseline", "absent"), ("B", "on_treatment", "absent"),
        ("C", "baseline", "not_assessed"), ("C", "on_treatment", "present"), ("D", "baseline", "present"), ("D", "on_treatment", "absent"),
    ]  # fmt: skip
    matrix = conform(
        pd.DataFrame([(p, "M1", t, s) for p, t, s in states], columns=["patient_id", "marker_id", "timepoint", "state"]),
        schemas.MATRIX,
    )
    samples = pd.DataFrame(
        [(f"{p}{t}", p, "plasma", t, day) for p, t, day in
         [("A", "baseline", -3.0), ("A", "on_treatment", 60.0), ("B", "baseline", 0.0), ("B", "on_treatment", 50.0),
          ("C", "on_treatment", 40.0), ("D", "baseline", -10.0), ("D", "on_treatment", np.nan)]],
        columns=["sample_id", "patient_id", "material", "timepoint", "day"],
    )  # fmt: skip
    patients = pd.DataFrame({"patient_id": list("ABCD")})
    facts = {"name": "s", "title": "s", "build": "GRCh38", "flow": []}
    return Cohort(facts=facts, patients=patients, samples=samples), matrix


def test_follow_up_is_cut_where_the_known_state_changes() -> None:
    cohort, matrix = small()
    course = make_course(cohort, matrix, pd.Index(list("ABCD")))
    found = episodes(course, "M1", np.ones(4, dtype=bool), np.zeros(4), np.array([100.0, 100.0, 100.0, 100.0]))
    rows = list(zip(found.patient.tolist(), found.start, found.stop, found.present.tolist(), found.last.tolist(), strict=True))
    assert rows == [
        (0, 0, 60, False, False),
        (0, 60, 100, True, True),
        (1, 0, 50, False, False),
        (1, 50, 100, False, True),
        (2, 40, 100, True, True),  # before day 40 nothing is known of C: not counted
        (3, 0, 100, True, True),  # the later day is unknown: it changes nothing
    ]


def test_a_sample_after_the_end_of_follow_up_says_nothing() -> None:
    cohort, matrix = small()
    course = make_course(cohort, matrix, pd.Index(list("ABCD")))
    found = episodes(course, "M1", np.array([True, False, True, False]), np.zeros(4), np.array([60.0, 9.0, 40.0, 9.0]))
    assert (found.patient.tolist(), found.start.tolist(), found.stop.tolist()) == ([0], [0.0], [60.0])


@pytest.fixture(scope="module")
def treated(study: Any) -> Any:
    """The small study with samples on day 60 of the first 120 patients; M1 is present then in every third."""
    ids = study.cohort.patients["patient_id"].tolist()
    samples = [(f"{p}b", p, "plasma", "baseline", 0.0) for p in ids] + [
        (f"{p}t", p, "plasma", "on_treatment", 60.0) for p in ids[:120]
    ]
    samples[-1] = (*samples[-1][:4], 90.0)  # one sample is taken too late for a landmark at day 60
    later = pd.DataFrame(
        [(p, "M1", "on_treatment", "present" if i % 3 == 0 else "absent") for i, p in enumerate(ids[:120])],
        columns=["patient_id", "marker_id", "timepoint", "state"],
    )
    frame = pd.DataFrame(samples, columns=["sample_id", "patient_id", "material", "timepoint", "day"])
    cohort = type(study.cohort)(**(vars(study.cohort) | {"samples": frame}))
    base = study.matrix[study.matrix["timepoint"] == "baseline"]
    return study.having(cohort=cohort, matrix=conform(pd.concat([base, later], ignore_index=True), schemas.MATRIX))


def test_a_landmark_takes_only_who_is_at_risk_and_counts_from_there(treated: Any, configure: Configure) -> None:
    landmark = {"name": "day 60", "endpoint": "os", "day": 60}
    config = configure(analysis={"landmarks": [landmark], "strata": [], "covariates": ["age_years"], "few_carriers": 0})
    mine = treated.having(config=config)
    rows = answer(make_plan(*mine.arguments()), *mine.arguments())
    row = rows[rows["model"] == "landmark"].iloc[0]
    os = treated.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id")
    at_risk = (os["time_days"] > 60).to_numpy()
    sampled = np.arange(160) < 119
    used = at_risk & sampled
    x = np.column_stack([np.arange(160) % 3 == 0, treated.cohort.patients["age_years"]])[used]
    expected = cox(os["time_days"].to_numpy()[used] - 60, os["event"].to_numpy(dtype=float)[used], x)
    assert (row["n"], row["not_assessed"]) == (int(used.sum()), int((at_risk & ~sampled).sum()))
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert f"{int((~at_risk).sum())} patients had the event or left follow-up by day 60" in row["note"]


def test_a_time_dependent_marker_counts_from_its_sample_on(treated: Any, configure: Configure) -> None:
    item = {"name": "course", "endpoint": "os", "markers": ["M1"]}
    config = configure(analysis={"time_dependent": [item], "strata": [], "few_carriers": 0})
    mine = treated.having(config=config)
    rows = answer(make_plan(*mine.arguments()), *mine.arguments())
    row = rows[rows["model"] == "time_dependent"].iloc[0]
    os = treated.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id")
    base = treated.matrix.query("marker_id == 'M1' and timepoint == 'baseline'").set_index("patient_id")["state"].eq("present")
    spans = []  # by hand: until the sample the baseline state, from there on the new one
    for i, (patient, time, event) in enumerate(zip(os.index, os["time_days"], os["event"], strict=True)):
        day = 90.0 if i == 119 else 60.0
        if i < 120 and time > day:
            spans += [(0.0, day, 0, base[patient]), (day, time, event, i % 3 == 0)]
        else:
            spans.append((0.0, time, event, base[patient]))
    start, stop, event, present = (np.array(column, dtype=float) for column in zip(*spans, strict=True))
    expected = cox(stop, event, present, start=start)
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert (row["n"], row["events"]) == (160, int(os["event"].sum()))


def test_a_landmark_that_nobody_reaches_is_refused_in_words(treated: Any, configure: Configure) -> None:
    config = configure(analysis={"landmarks": [{"name": "late", "endpoint": "os", "day": 99999}]})
    plan = make_plan(*treated.having(config=config).arguments())
    refused = {q["refused"] for q in plan["questions"] if q["kind"] == "landmark"}
    assert refused == {"no patient is in follow-up without event at day 99999"}
