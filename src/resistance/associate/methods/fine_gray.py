"""Time to event with competing events that stay at risk: Fine and Gray's regression of the subdistribution hazard."""

from __future__ import annotations

import numpy as np

from resistance.associate.methods.record import Estimate, Method, Sample, few, from_fit, joined
from resistance.stats.fine_gray import fine_gray


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    # several kinds of competing events are one here: they all keep a patient from the event
    cause = np.minimum(sample.code, 2)
    found = fine_gray(sample.time, cause, sample.design, start=sample.entry)
    if not found.converged:
        return from_fit(found, sample)
    words = f"{int((cause == 2).sum())} competing events"
    return from_fit(found, sample, separated=False, note=joined(words, few(sample, both_sides=False)))


METHOD = Method(
    key="fine_gray",
    name="Fine-Gray regression (robust Wald interval and test)",
    test="robust Wald",
    kinds=("time_to_event",),
    models=("subdistribution",),
    scale="log_subdistribution_hazard_ratio",
    minimum_events=2,
    stratified=False,
    reference="Fine and Gray 1999, doi:10.1080/01621459.1999.10474144",
    fit=fit,
    terms=("flag", "number"),
)
