"""The association stage on a simulated cohort of many mutated genes: seconds of each step, and the peak of memory.

python benchmarks/associate.py [--genes 5000] [--patients 500] [--not-assessed 0.0] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import time
from typing import Any

import numpy as np
import pandas as pd

from resistance import schemas
from resistance.associate import answer, make_plan
from resistance.cohort import Cohort
from resistance.config import CohortFile, parse
from resistance.tables import empty


def configuration(**analysis: Any) -> CohortFile:
    """Two endpoints, two covariates, two strata: crude and adjusted."""
    return parse(
        {
            "resistance": 1,
            "study": {"name": "many", "title": "A simulated cohort.", "build": "GRCh38"},
            "seed": 7,
            "patients": {"file": "patients.tsv", "columns": {"patient_id": "id"}},
            "samples": {"file": "patients.tsv", "one_per_patient": True},
            "endpoints": {
                "response": {
                    "label": "Response", "kind": "binary", "value": "response", "positive": ["CR"], "negative": ["PD"],
                },
                "os": {
                    "label": "Overall survival", "kind": "time_to_event",
                    "survival": {
                        "time": {"column": "days", "unit": "days"}, "event": "dead", "event_codes": [1], "censored_codes": [0],
                    },
                },
            },
            "subtype": {"labels": [{"name": "coo", "value": "coo"}], "use": "label:coo"},
            "analysis": {"covariates": ["age_years", "sex"], "strata": ["subtype"], "genes": "all_mutated", **analysis},
        },
        "many.yaml",
    )  # fmt: skip


def simulate(n: int, m: int, unknown: float) -> tuple[Cohort, pd.DataFrame, pd.DataFrame]:
    """Return the cohort, the subtypes, and the states of the genes: most of them rare, as mutated genes are."""
    draw = np.random.default_rng(1)
    ids = np.array([f"P{i:04d}" for i in range(n)], dtype=object)
    time_, censor = draw.exponential(1000, n).round() + 1, draw.uniform(200, 2500, n).round()
    patients = pd.DataFrame(
        {
            "patient_id": ids, "sex": np.where(draw.random(n) < 0.5, "female", "male"), "age_years": draw.normal(65, 8, n).round(1),
            "imid": True,
        }
    )  # fmt: skip
    response = pd.DataFrame(
        {"patient_id": ids, "endpoint": "response", "kind": "binary", "value": (draw.random(n) < 0.4).astype(float)}
    )
    survival = pd.DataFrame(
        {
            "patient_id": ids, "endpoint": "os", "kind": "time_to_event", "time_days": np.minimum(time_, censor),
            "event": (time_ <= censor).astype(int),
        }
    )  # fmt: skip
    cohort = Cohort(
        facts={"name": "many", "title": "many", "build": "GRCh38", "flow": []},
        patients=patients,
        endpoints=pd.concat([response, survival], ignore_index=True),
    )
    subtypes = pd.DataFrame(
        {"patient_id": ids, "method": "label:coo", "subtype": draw.choice(["ABC", "GCB"], n), "reason": "given"}
    )
    carried = draw.random((m, n)) < draw.beta(0.5, 12, m)[:, None]
    state = np.where(carried, "present", "absent").astype(object)
    state[draw.random((m, n)) < unknown] = "not_assessed"
    genes = pd.DataFrame(
        {
            "patient_id": np.tile(ids, m),
            "marker_id": np.repeat(np.array([f"gene:G{i:05d}" for i in range(m)], dtype=object), n),
            "state": state.ravel(),
        }
    )
    return cohort, subtypes, genes


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--genes", type=int, default=5000)
    words.add_argument("--patients", type=int, default=500)
    words.add_argument("--not-assessed", type=float, default=0.0)
    words.add_argument("--profile", action="store_true")
    asked = words.parse_args()
    cohort, subtypes, genes = simulate(asked.patients, asked.genes, asked.not_assessed)
    arguments = configuration(), cohort, empty(schemas.MARKERS), empty(schemas.MATRIX), subtypes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    watch = cProfile.Profile()
    if asked.profile:
        watch.enable()
    start = time.perf_counter()
    plan = make_plan(*arguments, gene_states=genes)
    planned = time.perf_counter()
    text = json.dumps(plan, indent=2, ensure_ascii=False, sort_keys=True)
    written = time.perf_counter()
    found = answer(plan, *arguments, gene_states=genes)
    done = time.perf_counter()
    watch.disable()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        "| questions | plan, s | plan as JSON, s | MB of it | answers, s | together, s | peak, MB (before) |\n|---|---|---|---|---|---|---|"
    )
    print(
        f"| {len(found):,} | {planned - start:.1f} | {written - planned:.1f} | {len(text) / 1e6:.0f} | {done - written:.1f} "
        f"| {done - start:.1f} | {after:,.0f} ({before:,.0f}) |"
    )
    print(found["method"].value_counts().to_string())
    if asked.profile:
        pstats.Stats(watch).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    main()
