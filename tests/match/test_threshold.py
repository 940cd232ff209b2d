"""Limits taken from training patients alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from resistance import schemas
from resistance.match.threshold import MIN_FOR_QUANTILE, Limits
from resistance.tables import conform

MARKERS = conform(
    pd.DataFrame(
        [
            {"marker_id": name, "label": name, "genes": "CRBN", "evidence_kind": kind, "rule": rule, "direction": "resistance",
             "evidence_grade": "B", "source": "PMID:1", "verified": True}
            for name, kind, rule in (("low", "expression", "below:quantile:0.25"), ("mut", "mutation", "any"))
        ]
    ),
    schemas.MARKERS,
)  # fmt: skip


def matrix(values: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "patient_id": f"P{i}",
            "marker_id": name,
            "timepoint": "baseline",
            "state": "absent",
            "value": v if name == "low" else np.nan,
        }
        for i, v in enumerate(values)
        for name in ("low", "mut")
    ]
    return conform(pd.DataFrame(rows), schemas.MATRIX)


def test_values_of_test_patients_do_not_move_the_limit() -> None:
    values = np.arange(60.0)
    training = [f"P{i}" for i in range(40)]
    first = Limits(MARKERS).fit(matrix(values), training)
    values[40:] = -1000
    second = Limits(MARKERS).fit(matrix(values), training)
    assert first.limits == second.limits == {"low": 9.75}  # the quarter of 0..39


def test_learned_limit_is_applied_to_everybody_and_leaves_other_markers_alone() -> None:
    values = np.r_[np.arange(40.0), 5.0, 30.0, np.nan]
    table = matrix(values)
    out = Limits(MARKERS).fit(table, [f"P{i}" for i in range(40)]).transform(table)
    low = out[out["marker_id"] == "low"].set_index("patient_id")["state"]
    assert (low == "present").sum() == 10 + 1
    assert list(low[["P40", "P41", "P42"]]) == ["present", "absent", "not_assessed"]
    pd.testing.assert_frame_equal(out[out["marker_id"] == "mut"], table[table["marker_id"] == "mut"])


def test_too_few_training_patients_assess_nobody() -> None:
    table = matrix(np.arange(60.0))
    out = Limits(MARKERS).fit(table, [f"P{i}" for i in range(MIN_FOR_QUANTILE - 1)]).transform(table)
    assert set(out.loc[out["marker_id"] == "low", "state"]) == {"not_assessed"}
