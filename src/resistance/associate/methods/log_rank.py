"""Time to event in two groups: the log-rank test, with Peto's one-step hazard ratio."""

from __future__ import annotations

from math import sqrt

from resistance.associate.methods.record import Estimate, Method, Sample, detectable_hazard, few
from resistance.stats.log_rank import log_rank


def fit(sample: Sample) -> Estimate:
    """Compare carriers with the others."""
    found = log_rank(sample.time, sample.event, sample.carrier.astype(int), start=sample.entry, strata=sample.strata)
    if not found.converged:
        return Estimate(note=f"no estimate: {found.note}")
    variance = float(found.variance[1, 1])
    effect, se = float(found.observed[1] - found.expected[1]) / variance, 1 / sqrt(variance)
    return Estimate(
        effect=effect,
        se=se,
        ci_low=effect - 1.959963984540054 * se,
        ci_high=effect + 1.959963984540054 * se,
        p_value=found.p_value,
        detectable_effect=detectable_hazard(sample),
        converged=True,
        note=few(sample, both_sides=False),
    )


METHOD = Method(
    key="log_rank",
    name="Log-rank test (Peto's one-step hazard ratio)",
    test="log-rank",
    kinds=("time_to_event",),
    models=("crude",),
    scale="log_hazard_ratio",
    minimum_events=2,
    stratified=True,
    reference="Mantel 1966; Peto and Peto 1972, doi:10.2307/2344317",
    fit=fit,
    usual=False,
)
