"""Beside a hazard ratio: the difference in restricted mean survival time, which needs no proportional hazards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from resistance.associate.methods.record import Estimate, FamilySample, Sample
from resistance.stats.rmst import compare_rmst
from resistance.stats.scan.restricted_mean import compare_rmst_scan


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


def with_restricted_means(found: list[Estimate], family: FamilySample) -> list[Estimate]:
    """Do the same for every marker of a family."""
    shared = family.shared
    if not shared.flag:
        return found
    if shared.entry is not None or (shared.code > 1).any():
        return [with_restricted_mean(x, family.one(i)) if x.converged else x for i, x in enumerate(found)]
    means = compare_rmst_scan(shared.time, shared.event, family.markers)
    return [
        replace(
            x,
            rmst_days=float(means.difference[i]),
            rmst_ci_low_days=float(means.ci_low[i]),
            rmst_ci_high_days=float(means.ci_high[i]),
            rmst_tau_days=float(means.tau[i]),
        )
        if x.converged and np.isfinite(means.difference[i])
        else x
        for i, x in enumerate(found)
    ]
