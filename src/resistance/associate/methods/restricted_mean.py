"""Beside a hazard ratio: the difference in restricted mean survival time, which needs no proportional hazards."""

from __future__ import annotations

from dataclasses import replace

from resistance.associate.methods.record import Estimate, Sample
from resistance.stats.rmst import compare_rmst


def with_restricted_mean(found: Estimate, sample: Sample) -> Estimate:
    """Return the estimate with the difference in restricted mean survival (carriers less others, crude).

    Nothing is added where there are competing events: a mean time until one cause alone has no meaning.
    """
    if not sample.flag or (sample.code > 1).any() or not 0 < sample.carrier.sum() < len(sample.time):
        return found
    means = compare_rmst(sample.time, sample.event, sample.carrier.astype(int), start=sample.entry)
    if not means.converged:
        return found
    return replace(
        found,
        rmst_days=means.difference.estimate,
        rmst_ci_low_days=means.difference.ci_low,
        rmst_ci_high_days=means.difference.ci_high,
        rmst_tau_days=means.tau,
    )
