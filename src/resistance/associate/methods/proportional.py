"""Beside a hazard ratio: does it change with time?"""

from __future__ import annotations

from typing import Any

import numpy as np

from resistance.associate.methods.record import FamilySample, FloatArray, Sample
from resistance.stats.proportional_hazards import proportional_hazards
from resistance.stats.scan.proportional import proportional_hazards_scan


def proportional(sample: Sample) -> dict[str, Any]:
    """Return the exact score test of proportional hazards of the marker in question, nothing where it cannot be done."""
    found = proportional_hazards(sample.time, sample.event, sample.design, start=sample.entry, strata=sample.strata)
    if not found.converged:
        return {}
    return {"assumption": "proportional hazards", "assumption_p": float(found.p_value[sample.tested])}


def proportional_all(family: FamilySample, markers: list[int]) -> list[dict[str, Any]]:
    """Do the same for some markers of a family."""
    shared = family.shared
    p_values: FloatArray = proportional_hazards_scan(
        shared.time, shared.event, family.markers[:, markers], shared.covariates, start=shared.entry, strata=shared.strata
    )
    return [
        {"assumption": "proportional hazards", "assumption_p": float(p)} if np.isfinite(p) else proportional(family.one(i))
        for i, p in zip(markers, p_values, strict=True)
    ]
