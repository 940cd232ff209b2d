"""A small cohort with a known answer: one marker that drives response and death, one that does nothing, one half unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.cohort import Cohort
from resistance.config import CohortFile, parse
from resistance.predict.columns import Source, make_source
from resistance.tables import conform

N = 150
QUICK = {"repeats": 2, "permutations": 3, "bootstraps": 3, "stability": False}


@dataclass(frozen=True)
class Study:
    """What `make_source` takes."""

    raw: dict[str, Any]
    cohort: Cohort
    markers: pd.DataFrame
    matrix: pd.DataFrame
    subtypes: pd.DataFrame

    def source(self, *predictions: dict[str, Any], **changes: Any) -> Source:
        return make_source(self.config(*predictions, **changes), self.cohort, self.markers, self.matrix, self.subtypes)

    def config(self, *predictions: dict[str, Any], **changes: Any) -> CohortFile:
        return parse({**self.raw, **changes, "prediction": list(predictions)}, "small.yaml")

    def having(self, **changes: Any) -> Study:
        return replace(self, **changes)


def asked(name: str = "response", **changes: Any) -> dict[str, Any]:
    """A prediction of the cohort file that is quick."""
    return {"name": name, "endpoint": "response", "clinical": ["ipi", "subtype"], **QUICK, **changes}


@pytest.fixture(scope="session")
def study() -> Study:
    draw = np.random.default_rng(5)
    ids = [f"P{i:03d}" for i in range(N)]
    signal, noise, half = (draw.random(N) < p for p in (0.4, 0.3, 0.3))
    ipi = draw.integers(0, 5, N).astype(float)
    coo = draw.choice(["ABC", "GCB", "UNCLASSIFIED"], N, p=[0.35, 0.5, 0.15]).astype(object)
    coo[:4] = None
    logit = -0.2 + 2.6 * (signal - 0.4) - 0.3 * (ipi - 2)
    value = (draw.random(N) < 1 / (1 + np.exp(-logit))).astype(float)
    depth = np.digitize(logit + draw.logistic(size=N), [-1.0, 0.2, 1.2]).astype(float)
    time = np.ceil(draw.exponential(900 / np.exp(-1.2 * signal + 0.2 * ipi)))
    censor = np.ceil(draw.uniform(200, 2000, N))
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "sex": draw.choice(["female", "male"], N),
            "age_years": draw.normal(65, 8, N).round(1),
            "imid": True,
            "ipi": np.where(np.arange(N) % 25 == 3, np.nan, ipi),
            "population:first": np.arange(N) < 100,
            "population:few": np.arange(N) < 15,
        }
    )
    reason = pd.Series(["not evaluable" if i < 3 else None for i in range(N)], dtype=object)
    endpoints = pd.concat(
        [
            pd.DataFrame({"patient_id": ids, "endpoint": "response", "kind": "binary", "value": value, "excluded": reason}),
            pd.DataFrame({"patient_id": ids, "endpoint": "depth", "kind": "ordinal", "value": depth}),
            pd.DataFrame({"patient_id": ids, "endpoint": "none", "kind": "binary", "value": 0.0}),
            pd.DataFrame({"patient_id": ids, "endpoint": "ic50", "kind": "continuous", "value": draw.normal(size=N)}),
            pd.DataFrame(
                {
                    "patient_id": ids,
                    "endpoint": "os",
                    "kind": "time_to_event",
                    "time_days": np.minimum(time, censor),
                    "event": (time <= censor).astype(int),
                }
            ),
        ],
        ignore_index=True,
    )
    endpoints.loc[endpoints["excluded"].notna(), "value"] = np.nan
    carried = {"SIGNAL": signal, "NOISE": noise, "HALF": half, "NOBODY": np.zeros(N, bool), "BLIND": noise, "MIRROR": value == 1}
    rows = []
    for marker, has in carried.items():
        for i, patient in enumerate(ids):
            state = "present" if has[i] else "absent"
            if (marker == "BLIND" and i % 10) or (marker == "HALF" and i % 3 == 0):
                state = "not_assessed"
            rows.append({"patient_id": patient, "marker_id": marker, "timepoint": "baseline", "state": state})
    markers = pd.DataFrame(
        [
            {
                "marker_id": m,
                "label": m,
                "genes": m,
                "evidence_kind": "mutation",
                "rule": "truncating",
                "direction": "resistance",
                "evidence_grade": "B",
                "source": "PMID:1",
                "verified": True,
            }
            for m in carried
        ]
    )
    subtypes = pd.DataFrame({"patient_id": ids, "method": "label:coo", "subtype": coo, "reason": "given"})
    time_column = {"time": {"column": "days", "unit": "days"}, "event": "dead", "event_codes": [1], "censored_codes": [0]}
    yes_no = {"kind": "binary", "value": "r", "positive": ["CR"], "negative": ["PD"]}
    raw: dict[str, Any] = {
        "resistance": 1,
        "study": {"name": "small", "title": "A made-up cohort.", "build": "GRCh38"},
        "seed": 7,
        "patients": {"file": "patients.tsv", "columns": {"patient_id": "id"}},
        "samples": {"file": "patients.tsv", "one_per_patient": True},
        "covariates": {"ipi": "ipi"},
        "endpoints": {
            "response": {"label": "Response", **yes_no},
            "none": {"label": "Nobody", **yes_no},
            "depth": {"label": "Depth", "kind": "ordinal", "value": "d", "levels": ["PD", "SD", "PR", "CR"]},
            "ic50": {"label": "IC50", "kind": "continuous", "value": "i"},
            "os": {"label": "Overall survival", "kind": "time_to_event", "survival": time_column},
        },
        "subtype": {"labels": [{"name": "coo", "value": "coo"}], "use": "label:coo"},
        "analysis": {
            "markers": ["SIGNAL", "NOISE", "HALF", "NOBODY", "BLIND"],
            "strata": [],
            "measures": [{"name": "age", "variable": "age_years", "scale": "sd"}],
            "populations": {
                "first": {"label": "First", "include": []},
                "few": {"label": "Few", "include": []},
            },
        },
    }
    facts = {"name": "small", "title": "A made-up cohort.", "build": "GRCh38", "flow": []}
    return Study(
        raw,
        Cohort(facts=facts, patients=patients, endpoints=endpoints),
        conform(markers, schemas.MARKERS),
        conform(pd.DataFrame(rows), schemas.MATRIX),
        conform(subtypes, schemas.SUBTYPES),
    )
