"""A small results folder, written by hand, that every test of the report reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from resistance import schemas
from resistance.cohort import Cohort
from resistance.config import CohortFile, parse
from resistance.layout import write_stage
from resistance.subtype.concordance import concordance, disagreements
from resistance.tables import conform, empty

PROVENANCE = {
    "command": "resistance run cohort.yaml",
    "seed": 7,
    "inputs": [{"path": "patients.tsv", "bytes": 1234, "sha256": "ab" * 32}],
    "versions": {"resistance": "0.1", "python": "3.11"},
}
#: 24 patients: 20 evaluable (10 responders), 2 not evaluable, 2 unknown
RESPONSES = ["CR"] * 4 + ["PR"] * 6 + ["SD"] * 4 + ["PD"] * 6 + ["NE"] * 2 + [None] * 2


def config_of(n: int = 24, **changes: Any) -> CohortFile:
    """Return the cohort file of the fixture."""
    raw: dict[str, Any] = {
        "resistance": 1,
        "study": {
            "name": "fixture",
            "title": "A cohort made for tests",
            "build": "GRCh37",
            "disease": "DLBCL",
            "simulated": True,
            "simulation_note": "Made by hand.",
        },
        "patients": {"file": "patients.tsv", "columns": {"patient_id": "id"}},
        "samples": {"file": "samples.tsv"},
        "covariates": {"ipi": "IPI", "stage": "STAGE"},
        "endpoints": {
            "response": {
                "label": "Best response CR or PR",
                "kind": "binary",
                "value": "RESPONSE",
                "positive": ["CR", "PR"],
                "negative": ["SD", "PD"],
                "not_evaluable": ["NE"],
            },
            "os": {
                "label": "Overall survival",
                "kind": "time_to_event",
                "survival": {
                    "time": {"column": "OS", "unit": "days"},
                    "event": "DEAD",
                    "event_codes": [1],
                    "censored_codes": [0],
                },
            },
        },
        "subtype": {"labels": [{"name": "rnaseq", "value": "COO"}], "methods": ["hans"], "use": "label:rnaseq"},
        "analysis": {
            "primary": "os",
            "covariates": ["ipi"],
            "strata": ["subtype"],
            "joint": [{"name": "TP53 and CRBN", "markers": ["tp53", "crbn"], "endpoint": "os"}],
        },
        "report": {"notes": ["Follow-up is short."]},
    }
    for key, value in changes.items():
        raw[key] = {**raw.get(key, {}), **value} if isinstance(value, dict) else value
    return parse(raw, "cohort.yaml")


def build_cohort(n: int = 24, *, imid: object = True, simulated: bool = True, bare: bool = False) -> Cohort:
    """Return a cohort of `n` patients; `bare` leaves out everything but patients and endpoints."""
    ids = [f"P{i:04d}" for i in range(1, n + 1)]
    response = [RESPONSES[i % 24] for i in range(n)]
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "sex": ["female" if i % 2 == 0 else "male" for i in range(n)],
            "age_years": [50.0 + i % 24 if i else float("nan") for i in range(n)],
            "disease": "DLBCL",
            "treatment": ["LEN" if i % 3 else "R2" for i in range(n)],
            "imid": [imid if not isinstance(imid, str) else bool(i % 3) for i in range(n)],
            "ipi": [float(i % 5) for i in range(n)],
            "stage": ["III" if i % 2 else "IV" for i in range(n)],
            "label:rnaseq": [("ABC", "GCB", "UNCLASSIFIED")[i % 3] for i in range(n)],
            "population:all_len": [bool(i % 3) for i in range(n)],
        }
    )
    value = {"CR": 1.0, "PR": 1.0, "SD": 0.0, "PD": 0.0}
    reason = {"NE": "not evaluable", None: "value not known"}
    endpoints = pd.concat(
        [
            pd.DataFrame(
                {
                    "patient_id": ids,
                    "endpoint": "response",
                    "kind": "binary",
                    "label": response,
                    "value": [value.get(r) for r in response],
                    "excluded": [reason.get(r) if r not in value else None for r in response],
                }
            ),
            pd.DataFrame(
                {
                    "patient_id": ids,
                    "endpoint": "os",
                    "kind": "time_to_event",
                    "time_days": [100.0 * (1 + i % 24) for i in range(n)],
                    "event": [1 if i % 2 == 0 else 0 for i in range(n)],
                }
            ),
        ],
        ignore_index=True,
    )
    facts = {
        "name": "fixture",
        "title": "A cohort made for tests",
        "build": "GRCh37",
        "disease": "DLBCL",
        "simulated": simulated,
        "imid": imid if isinstance(imid, bool) else None,
        "flow": [
            {"step": "patients in patients.tsv", "n": n + 3},
            {"step": "left out: no lenalidomide", "n": 3},
            {"step": "patients analysed", "n": n},
        ],
    }
    if bare:
        return Cohort(facts=facts, patients=patients, endpoints=endpoints)
    samples = pd.concat(
        [
            pd.DataFrame(
                {
                    "sample_id": [f"{p}-T" for p in ids],
                    "patient_id": ids,
                    "material": "tumour",
                    "timepoint": "baseline",
                    "day": 0.0,
                }
            ),
            *(
                pd.DataFrame(
                    {
                        "sample_id": [f"{p}-{tag}" for p in ids[4:12]],
                        "patient_id": ids[4:12],
                        "material": "plasma",
                        "timepoint": timepoint,
                        "day": day,
                        "cfdna_ng_per_ml": 10.0,
                    }
                )
                for tag, timepoint, day in (("B", "baseline", 0.0), ("C", "on_treatment", 28.0), ("R", "relapse", 200.0))
            ),
        ],
        ignore_index=True,
    )
    coverage = pd.DataFrame({"sample_id": [f"{p}-T" for p in ids], "kind": "mutation", "gene": "TP53", "source": "declared"})
    events = pd.DataFrame(
        {
            "patient_id": [ids[0], ids[0], ids[1], ids[2]],
            "term": ["Neutropenia", "Neutropenia", "Neutropenia", "Rash"],
            "grade": [2, 4, 3, 1],
            "drug": "lenalidomide",
        }
    )
    dropped = pd.DataFrame(
        {"stage": ["read"], "table": ["calls"], "source": ["a.maf"], "reason": ["FILTER not kept"], "n": [5], "example": ["TP53"]}
    )
    return Cohort(
        facts=facts,
        patients=patients,
        endpoints=endpoints,
        samples=samples,
        coverage=coverage,
        adverse_events=events,
        dropped=dropped,
    )


MARKERS = (
    ("tp53", "TP53 mutated", "mutation", True),
    ("crbn", "CRBN altered", "mutation", True),
    ("ikzf1", "IKZF1 mutated", "mutation", False),
)


def _state(marker: str, i: int) -> str:
    """TP53 in every fourth and never unknown, CRBN in every sixth with every fifth not assessed, IKZF1 never assessed."""
    if marker == "tp53":
        return "present" if i % 4 == 0 else "absent"
    if marker == "crbn":
        return "not_assessed" if i % 5 == 4 else "present" if i % 6 == 0 else "absent"
    return "not_assessed"


def _result(marker: str, label: str, endpoint: str, model: str, effect: float | None, **more: Any) -> dict[str, Any]:
    kind = {"joint": "joint", "interaction": "interaction"}.get(model, "markers")
    scale = {"response": "log_odds_ratio", "os": "log_hazard_ratio"}[endpoint]
    if model == "interaction":
        scale = "log_ratio_of_hazard_ratios"
    row: dict[str, Any] = {
        "question_id": f"all/{endpoint}/{marker}/{model}/{'TP53 and CRBN' if kind == 'joint' else 'present'}",
        "population": "all",
        "family": f"all/{endpoint}/{model}/{kind}",
        "role": "primary" if endpoint == "response" else "exploratory",
        "endpoint": endpoint,
        "marker_id": marker,
        "label": label,
        "contrast": "present v absent",
        "model": model,
        "method": "Cox" if endpoint == "os" else "logistic",
        "adjusted_for": "ipi;subtype" if model == "adjusted" else None,
        "scale": scale if effect is not None else None,
        "effect": effect,
        "ci_low": None if effect is None else effect - 0.5,
        "ci_high": None if effect is None else effect + 0.5,
        "p_value": None if effect is None else 0.02,
        "q_value": None if effect is None else 0.04,
        "n": 24 if endpoint == "os" else 20,
        "events": 12 if endpoint == "os" else 10,
        "carriers": 6,
        "carrier_events": 3,
        "not_assessed": 0,
        "converged": effect is not None,
        "note": None,
    }
    return {**row, **more}


def build_results(results: Path, n: int = 24, *, interaction: bool = False, empty_stages: bool = False, **of_cohort: Any) -> Path:
    """Write every stage's tables below `results`."""
    cohort = build_cohort(n, bare=empty_stages, **of_cohort)
    cohort.write(results / "cohort")
    ids = cohort.patients["patient_id"].tolist()
    for stage, schema in (
        ("annotate", schemas.EFFECTS),
        ("annotate", schemas.DROPPED),
        ("subtype", schemas.DROPPED),
        ("matrix", schemas.DROPPED),
    ):
        write_stage(empty(schema), results, stage, schema)
    plan = {
        "version": 1,
        "digest": "cd" * 32,
        "policies": {"multiplicity": "Benjamini-Hochberg within each family."},
        "methods": [{"name": "Cox", "scale": "log_hazard_ratio", "reference": "Cox 1972"}],
    }
    (results / "associate").mkdir(parents=True)
    (results / "associate" / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    (results / "associate" / "plan.html").write_text("<!DOCTYPE html><title>Plan</title>", encoding="utf-8")
    if empty_stages:
        for stage, schema in (
            *(("ctdna", schema) for schema in (schemas.MRD, schemas.COURSE, schemas.HAEMATOPOIESIS, schemas.IDENTITY)),
            ("matrix", schemas.EMERGENT_RESISTANCE),
            ("ctdna", schemas.QUANTITY), ("ctdna", schemas.RESPONSE), ("ctdna", schemas.EMERGENCE), ("subtype", schemas.SUBTYPES),
            ("subtype", schemas.SCORES), ("subtype", schemas.CONCORDANCE), ("subtype", schemas.DISAGREEMENTS),
            ("annotate", schemas.DIFFERENCES), ("annotate", schemas.PHASED_EFFECTS), ("matrix", schemas.MARKERS), ("matrix", schemas.MATRIX), ("matrix", schemas.EVIDENCE), ("matrix", schemas.ALLELIC_STATES), ("matrix", schemas.CLONALITY),
            ("matrix", schemas.PATHWAY_STATES), ("matrix", schemas.COOCCURRENCE), ("associate", schemas.RESULTS),
        ):  # fmt: skip
            write_stage(empty(schema), results, stage, schema)
        return results
    write_stage(_quantity(ids[4:12]), results, "ctdna", schemas.QUANTITY)
    write_stage(_molecular_response(ids[4:12]), results, "ctdna", schemas.RESPONSE)
    write_stage(_emergence(ids), results, "ctdna", schemas.EMERGENCE)
    write_stage(_emergent_resistance(ids), results, "matrix", schemas.EMERGENT_RESISTANCE)
    write_stage(_mrd(ids), results, "ctdna", schemas.MRD)
    write_stage(_course(ids), results, "ctdna", schemas.COURSE)
    write_stage(_haematopoiesis(ids), results, "ctdna", schemas.HAEMATOPOIESIS)
    write_stage(_identity(ids), results, "ctdna", schemas.IDENTITY)
    subtypes = [
        {
            "patient_id": p,
            "method": "label:rnaseq",
            "kind": "cell_of_origin",
            "subtype": ("ABC", "GCB", "UNCLASSIFIED")[i % 3],
            "reason": "as given",
        }
        for i, p in enumerate(ids)
    ] + [
        {
            "patient_id": p,
            "method": "hans",
            "kind": "cell_of_origin",
            "subtype": None if i >= 20 else "non-GCB" if i % 2 else "GCB",
            "reason": "CD10",
        }
        for i, p in enumerate(ids)
    ]
    table = conform(pd.DataFrame(subtypes), schemas.SUBTYPES)
    for schema, frame in (
        (schemas.SUBTYPES, table), (schemas.SCORES, empty(schemas.SCORES)), (schemas.CONCORDANCE, concordance(table)),
        (schemas.DISAGREEMENTS, disagreements(table)),
    ):  # fmt: skip
        write_stage(frame, results, "subtype", schema)
    markers = [
        {
            "marker_id": name, "label": label, "genes": label.split()[0], "evidence_kind": kind, "rule": "any", "direction": "resistance",
            "disease": "MM", "drug": "lenalidomide", "evidence_grade": "B" if verified else "D",
            "source": "PMID:24129344" if verified else "citation only", "verified": verified,
        }
        for name, label, kind, verified in MARKERS
    ]  # fmt: skip
    write_stage(pd.DataFrame(markers), results, "matrix", schemas.MARKERS)
    states = [
        {
            "patient_id": p, "marker_id": name, "timepoint": "baseline", "state": _state(name, i),
            "evidence": "no assay covers the gene" if _state(name, i) == "not_assessed" else None,
        }
        for i, p in enumerate(ids)
        for name, _, _, _ in MARKERS
    ]  # fmt: skip
    write_stage(pd.DataFrame(states), results, "matrix", schemas.MATRIX)
    write_stage(empty(schemas.DIFFERENCES), results, "annotate", schemas.DIFFERENCES)
    write_stage(empty(schemas.PHASED_EFFECTS), results, "annotate", schemas.PHASED_EFFECTS)
    for schema in (schemas.EVIDENCE, schemas.ALLELIC_STATES, schemas.CLONALITY, schemas.PATHWAY_STATES, schemas.COOCCURRENCE):
        write_stage(empty(schema), results, "matrix", schema)
    rows = [
        _result("tp53", "TP53 mutated", "os", "joint", 1.2),
        _result("crbn", "CRBN altered", "os", "joint", 0.4, n=20, carriers=4),
        _result("tp53", "TP53 mutated", "os", "crude", 1.0),
        _result("crbn", "CRBN altered", "os", "crude", 0.3, carriers=4),
        _result("ikzf1", "IKZF1 mutated", "os", "crude", None, n=0, carriers=0, note="not assessed in any patient"),
        _result("tp53", "TP53 mutated", "os", "adjusted", 0.9),
        _result("crbn", "CRBN altered", "os", "adjusted", 9.0, carriers=4, note="wide"),
        _result("tp53", "TP53 mutated", "response", "crude", -1.1),
        _result("ikzf1", "IKZF1 mutated", "response", "crude", None, n=0, carriers=0, note="not assessed in any patient"),
    ]
    if interaction:
        rows.append(_result("tp53", "TP53 mutated", "os", "interaction", 0.7))
    write_stage(pd.DataFrame(rows), results, "associate", schemas.RESULTS)
    return results


def _quantity(ids: list[str]) -> pd.DataFrame:
    """Write 10 % VAF at baseline, undetectable on treatment in the first four, back at relapse."""
    rows = []
    for i, p in enumerate(ids):
        for tag, timepoint, day, vaf in (
            ("B", "baseline", 0, 0.1),
            ("C", "on_treatment", 28, 0.0 if i < 4 else 0.01),
            ("R", "relapse", 200, 0.05),
        ):
            rows.append(
                {
                    "patient_id": p, "sample_id": f"{p}-{tag}", "timepoint": timepoint, "day": day, "n_tracked": 3, "n_assessed": 3,
                    "n_detected": 3 if vaf else 0, "mean_vaf": vaf, "mean_vaf_ci_low": vaf / 2, "mean_vaf_ci_high": min(1, vaf * 2 + 0.001),
                    "lod_vaf": 0.001, "hge_per_ml": vaf * 10 / 0.0033, "lod_hge_per_ml": 0.001 * 10 / 0.0033, "detected": vaf > 0,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _molecular_response(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "patient_id": p, "sample_id": f"{p}-C", "baseline_sample_id": f"{p}-B", "timepoint": "on_treatment", "day": 28,
                "log10_change": -2.0 if i < 4 else -1.0, "censored": i < 4, "molecular_response": i < 4, "cleared": i < 4,
            }
            for i, p in enumerate(ids)
        ]
    )  # fmt: skip


def _emergent_resistance(ids: list[str]) -> pd.DataFrame:
    row = {
        "patient_id": ids[4], "sample_id": f"{ids[4]}-R", "timepoint": "relapse", "day": 200, "gene": "CRBN", "hgvsp": "W386*",
        "build": "GRCh37", "chrom": "3", "pos": 3192720, "ref": "G", "alt": "A", "change": "emergent", "selection": "selected",
        "baseline_vaf": 0.0, "baseline_lod_vaf": 0.002, "later_vaf": 0.05, "q_value": 3e-20, "direction": "resistance",
        "drug": "lenalidomide", "source": "PMID:24129344", "given": "Len-Dex",
    }  # fmt: skip
    return pd.DataFrame(
        [
            {**row, "marker_id": "crbn", "label": "CRBN altered", "evidence_grade": "C", "verified": True, "drug_given": True},
            {
                **row,
                "marker_id": "crbn_emergent",
                "label": "CRBN emergent",
                "evidence_grade": "M",
                "verified": False,
                "drug_given": None,
            },
        ]
    )


def _mrd(ids: list[str]) -> pd.DataFrame:
    """Write one positive, one negative and one underpowered sample, and one that was not assessed."""
    rows = [
        (0.0001, "positive", 0.004, 0.0002),
        (0.4, "negative", 0.0, 0.0003),
        (0.7, "underpowered", 0.0, 0.02),
        (None, None, None, None),
    ]
    return pd.DataFrame(
        [
            {
                "patient_id": ids[4 + i], "sample_id": f"{ids[4 + i]}-C", "timepoint": "on_treatment", "day": 28, "method": "exact",
                "n_sites": 3, "n_sites_positive": 2 if v == "positive" else 0, "p_value": p, "mean_vaf": vaf, "lob_vaf": 1e-4, "lod_vaf": lod,
                "p_detect_1e3": 0.99, "p_detect_1e4": 0.4, "p_detect_1e5": 0.05, "verdict": v, "note": None if v else "no site was read",
            }
            for i, (p, v, vaf, lod) in enumerate(rows)
        ]
    )  # fmt: skip


def _course(ids: list[str]) -> pd.DataFrame:
    common = {
        "unit": "hge_per_ml",
        "n_samples": 3,
        "n_assessed": 3,
        "baseline_level": 303.03,
        "baseline_detected": True,
        "nadir_day": 28,
    }
    return pd.DataFrame(
        [
            {**common, "patient_id": ids[4], "nadir_level": 3.03, "nadir_censored": True, "nadir_log10_change": -2.0, "cleared": True,
             "clearance_day": 28, "clearance_sustained": False, "molecular_relapse": True, "molecular_relapse_day": 200,
             "lead_time_days": 40, "lead_time_censored": True},
            {**common, "patient_id": ids[8], "nadir_level": 30.3, "nadir_censored": False, "nadir_log10_change": -1.0, "cleared": False},
        ]
    )  # fmt: skip


def _haematopoiesis(ids: list[str]) -> pd.DataFrame:
    common = {"build": "GRCh37", "chrom": "2", "ref": "G", "alt": "A", "listed_gene": True, "followed": False}
    return pd.DataFrame(
        [
            {**common, "patient_id": ids[4], "pos": 25457242, "gene": "DNMT3A", "hgvsp": "R882H", "origin": "haematopoietic",
             "plasma_vaf": 0.03, "white_cell_vaf": 0.04, "behaviour": "stays", "note": "in white cells at the same fraction"},
            {**common, "patient_id": ids[5], "pos": 25457243, "gene": "DNMT3A", "hgvsp": "R882C", "origin": "tumour", "followed": True,
             "behaviour": "falls"},
        ]
    )  # fmt: skip


def _identity(ids: list[str]) -> pd.DataFrame:
    common = {"check": "same_person", "n_sites": 40}
    return pd.DataFrame(
        [
            {
                **common, "patient_id": p, "other_patient_id": p, "sample_id": f"{p}-B", "other_sample_id": f"{p}-C", "verdict": verdict,
                "warning": verdict == "different", "note": "31 of 40 differ" if verdict == "different" else None,
            }
            for p, verdict in ((ids[4], "different"), (ids[5], "same"))
        ]
    )  # fmt: skip


def _emergence(ids: list[str]) -> pd.DataFrame:
    common = {"build": "GRCh37", "chrom": "3", "ref": "G", "alt": "A", "timepoint": "relapse", "day": 200}
    return pd.DataFrame(
        [
            {
                **common, "patient_id": ids[4], "pos": 3192720, "gene": "CRBN", "hgvsp": "W386*", "baseline_sample_id": f"{ids[4]}-B",
                "sample_id": f"{ids[4]}-R", "baseline_alt_count": 0, "baseline_depth": 2000, "later_alt_count": 90, "later_depth": 1800,
                "baseline_vaf": 0.0, "later_vaf": 0.05, "change": "emergent", "p_value": 1e-20, "q_value": 2e-20, "p_emergent": 1e-20,
                "q_emergent": 3e-20, "baseline_lod_vaf": 0.002, "relative_change": 4.2, "selection": "selected", "cluster": 2,
            },
            {
                **common, "patient_id": ids[5], "pos": 7577121, "gene": "TP53", "hgvsp": "R273C", "baseline_sample_id": f"{ids[5]}-B",
                "sample_id": f"{ids[5]}-R", "baseline_alt_count": 200, "baseline_depth": 2000, "later_alt_count": 180, "later_depth": 1800,
                "baseline_vaf": 0.1, "later_vaf": 0.1, "change": "stable", "p_value": 1.0, "q_value": 1.0,
            },
        ]
    )  # fmt: skip
