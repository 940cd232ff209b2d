"""Marker x treatment: does the effect of a marker differ between the arms?"""

from __future__ import annotations

from math import exp

from resistance.associate.methods.record import FEW, Estimate, Method, Sample, failed, finite, joined
from resistance.stats.interaction import InteractionResult, cox_interaction, logistic_interaction


def fit_logistic(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    return _estimate(logistic_interaction(sample.event, sample.carrier, sample.arm, sample.covariates), sample)


def fit_cox(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = cox_interaction(sample.time, sample.event, sample.carrier, sample.arm, sample.covariates, strata=sample.strata)
    return _estimate(found, sample)


def _estimate(found: InteractionResult, sample: Sample) -> Estimate:
    if not found.converged:
        names = ("marker x arm", sample.names[0], "treatment arm", *sample.names[1:])
        return failed(found.reason, found.columns, names)
    note = (
        f"ratio for the marker without IMiD {exp(found.marker_in_control):.3g}, with IMiD {exp(found.marker_in_arm):.3g}; "
        f"non-carriers and carriers without IMiD {found.cells[0]} and {found.cells[2]}, with IMiD {found.cells[1]} and {found.cells[3]}"
    )
    few = "few patients in a group: interval and p are approximate" if min(found.cells) < FEW else ""
    return Estimate(
        effect=found.effect,
        se=found.se,
        ci_low=finite(found.ci_low),
        ci_high=finite(found.ci_high),
        p_value=found.p_value,
        converged=True,
        note=joined(note, few),
    )


LOGISTIC = Method(
    key="logistic_interaction",
    name="Logistic regression, marker x treatment (profile interval, likelihood-ratio p)",
    test="likelihood ratio",
    kinds=("binary",),
    models=("interaction",),
    scale="log_ratio_of_odds_ratios",
    minimum_events=4,
    stratified=False,
    reference="Venzon and Moolgavkar 1988",
    fit=fit_logistic,
)
COX = Method(
    key="cox_interaction",
    name="Cox regression, marker x treatment (Efron ties, Wald interval, likelihood-ratio p)",
    test="likelihood ratio",
    kinds=("time_to_event",),
    models=("interaction",),
    scale="log_ratio_of_hazard_ratios",
    minimum_events=4,
    stratified=True,
    reference="Cox 1972; Efron 1977",
    fit=fit_cox,
)
