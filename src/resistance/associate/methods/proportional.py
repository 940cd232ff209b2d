"""Beside a hazard ratio: does it change with time?"""

from __future__ import annotations

from typing import Any

from resistance.associate.methods.record import Sample
from resistance.stats.proportional_hazards import proportional_hazards


def proportional(sample: Sample) -> dict[str, Any]:
    """Return the exact score test of proportional hazards of the marker in question, nothing where it cannot be done."""
    found = proportional_hazards(sample.time, sample.event, sample.design, start=sample.entry, strata=sample.strata)
    if not found.converged:
        return {}
    return {"assumption": "proportional hazards", "assumption_p": float(found.p_value[sample.tested])}
