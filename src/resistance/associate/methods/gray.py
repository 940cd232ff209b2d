"""Cumulative incidence in two groups where events compete: Gray's test, which has no effect size."""

from __future__ import annotations

import numpy as np

from resistance.associate.methods.record import Estimate, Method, Sample, few, joined
from resistance.stats.gray import gray_test


def fit(sample: Sample) -> Estimate:
    """Compare carriers with the others, within strata."""
    if sample.covariates.shape[1] or sample.terms.shape[1] > 1:
        return Estimate(note="no estimate: Gray's test takes strata, no covariates (name them under analysis.strata)")
    if sample.entry is not None:
        return Estimate(note="no estimate: Gray's test takes no delayed entry (fine_gray does)")
    # several kinds of competing events are one here: they all keep a patient from the event
    cause = np.minimum(sample.code, 2)
    found = gray_test(sample.time, cause, sample.carrier.astype(int), strata=sample.strata)
    if not found.converged:
        return Estimate(note=f"no estimate: {found.note}")
    more = "more" if found.score[1] > 0 else "fewer"
    words = f"{more} events of this kind with the marker than without; {int((cause == 2).sum())} competing events"
    return Estimate(p_value=found.p_value, converged=True, note=joined(words, few(sample, both_sides=False)))


METHOD = Method(
    key="gray",
    name="Gray's test of cumulative incidence",
    test="Gray's test",
    kinds=("time_to_event",),
    models=("subdistribution",),
    scale="",
    minimum_events=2,
    stratified=True,
    reference="Gray 1988, doi:10.1214/aos/1176350951",
    fit=fit,
    usual=False,
)
