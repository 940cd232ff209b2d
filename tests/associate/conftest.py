"""A small cohort with a known answer, for tests of the association room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.cohort import Cohort
from resistance.config import CohortFile, parse
from resistance.tables import conform

MARKERS = {"M1": "strong marker", "M2": "null marker", "RARE": "one carrier", "NONE": "no carrier", "BLIND": "not assessed"}


@dataclass(frozen=True)
class Study:
    """What `make_plan` and `answer` take."""

    config: CohortFile
    cohort: Cohort
    markers: pd.DataFrame
    matrix: pd.DataFrame
    subtypes: pd.DataFrame
    gene_states: pd.DataFrame | None = None

    def arguments(self) -> tuple[Any, ...]:
        return self.config, self.cohort, self.markers, self.matrix, self.subtypes

    def having(self, **changes: Any) -> Study:
        return replace(self, **changes)


def configuration(**changes: Any) -> CohortFile:
    """A cohort file; `changes` replace its sections (analysis, study, subtype ...)."""
    raw: dict[str, Any] = {
        "resistance": 1,
        "study": {"name": "small", "title": "A made-up cohort.", "build": "GRCh38"},
        "seed": 7,
        "patients": {"file": "patients.tsv", "columns": {"patient_id": "id"}},
        "samples": {"file": "patients.tsv", "one_per_patient": True},
        "covariates": {"ipi": "ipi", "site": "site"},
        "endpoints": {
            "response": {
                "label": "Response", "kind": "binary", "value": "response", "positive": ["CR", "PR"], "negative": ["SD", "PD"],
            },
            "os": {
                "label": "Overall survival", "kind": "time_to_event",
                "survival": {
                    "time": {"column": "days", "unit": "days"}, "event": "dead", "event_codes": [1], "censored_codes": [0],
                    "competing_codes": [2],
                },
            },
        },
        "subtype": {"labels": [{"name": "coo", "value": "coo"}], "use": "label:coo"},
        "analysis": {"covariates": ["age_years", "sex"], "strata": ["subtype"]},
    }  # fmt: skip
    return parse(raw | changes, "small.yaml")


@pytest.fixture
def configure() -> Callable[..., CohortFile]:
    return configuration


@pytest.fixture(scope="session")
def study() -> Study:
    """160 patients, 80 with an IMiD: M1 triples the hazard and lowers response, M2 does nothing."""
    n, draw = 160, np.random.default_rng(11)
    ids = [f"P{i:03d}" for i in range(n)]
    m1, m2 = draw.random(n) < 0.3, draw.random(n) < 0.25
    imid = np.arange(n) % 2 == 0
    time = draw.exponential(1000 / np.where(m1, 3.0, 1.0)).round(0) + 1
    censor = draw.uniform(200, 2500, n).round(0)
    responds = draw.random(n) < np.where(m1, 0.25, 0.6)
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "sex": np.where(draw.random(n) < 0.5, "female", "male"),
            "age_years": draw.normal(65, 8, n).round(1),
            "imid": imid,
            "ipi": draw.integers(0, 5, n).astype(float),
            "site": draw.choice(["north", "south", "west"], n),
            "population:imid": imid,
        }
    )
    response = pd.DataFrame({"patient_id": ids, "endpoint": "response", "kind": "binary", "value": responds.astype(float)})
    response["excluded"] = None
    response.loc[:3, "value"] = np.nan
    response.loc[:3, "excluded"] = "not evaluable"
    survival = pd.DataFrame(
        {
            "patient_id": ids, "endpoint": "os", "kind": "time_to_event", "time_days": np.minimum(time, censor),
            "event": (time <= censor).astype(int),
        }
    )  # fmt: skip
    carried = {"M1": m1, "M2": m2, "RARE": np.arange(n) == 5, "NONE": np.zeros(n, dtype=bool)}
    rows = [
        {"patient_id": p, "marker_id": m, "timepoint": "baseline", "state": "present" if has else "absent"}
        for m, values in carried.items()
        for p, has in zip(ids, values, strict=True)
    ]
    rows += [{"patient_id": p, "marker_id": "BLIND", "timepoint": "baseline", "state": "not_assessed"} for p in ids]
    for row in rows[160:170]:  # ten patients in whom M2 was not assessed
        row["state"] = "not_assessed"
    rows += [{"patient_id": p, "marker_id": "M1", "timepoint": "relapse", "state": "present"} for p in ids[:20]]
    markers = pd.DataFrame(
        [
            {
                "marker_id": m, "label": label, "genes": m, "evidence_kind": "mutation", "rule": "truncating", "direction": "resistance",
                "evidence_grade": "B", "source": "PMID:1", "verified": True,
            }
            for m, label in MARKERS.items()
        ]
    )  # fmt: skip
    subtypes = pd.DataFrame(
        {"patient_id": ids, "method": "label:coo", "subtype": draw.choice(["ABC", "GCB"], n), "reason": "given"}
    )
    subtypes.loc[:1, "subtype"] = None
    facts = {"name": "small", "title": "A made-up cohort.", "build": "GRCh38", "flow": []}
    cohort = Cohort(facts=facts, patients=patients, endpoints=pd.concat([response, survival], ignore_index=True))
    return Study(
        configuration(),
        cohort,
        conform(markers, schemas.MARKERS),
        conform(pd.DataFrame(rows), schemas.MATRIX),
        conform(subtypes, schemas.SUBTYPES),
    )
