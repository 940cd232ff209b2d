"""Marker x treatment: does the effect of a marker differ between the arms?"""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import Any

import numpy as np

from resistance.associate.methods.record import FEW, Estimate, Method, Sample, failed, finite, interval_note, joined
from resistance.stats.cox import CoxResult, cox
from resistance.stats.firth_cox import firth_cox
from resistance.stats.firth_logistic import firth_logistic
from resistance.stats.linear import linear
from resistance.stats.ordinal import proportional_odds


def fit_logistic(sample: Sample) -> Estimate:
    """Fit the model of one question; an empty cell has a finite answer by the penalty."""
    return _estimate(firth_logistic(sample.event, _design(sample), tested=[0]), sample)


def fit_ordinal(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = proportional_odds(sample.value.astype(int), _design(sample), tested=[0], nominal=False, categories=len(sample.levels))
    return _estimate(found, sample)


def fit_linear(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    return _estimate(linear(sample.value, _design(sample)), sample, ratio=False)


def fit_cox(sample: Sample) -> Estimate:
    """Fit the model of one question, with the interval of the likelihood that its p is from."""
    design = _design(sample)
    found = cox(sample.time, sample.event, design, start=sample.entry, strata=sample.strata, tested=[0], profile=True)
    if not found.converged:
        return _estimate(found, sample)
    return _estimate(replace(found, ci_low=found.profile_low, ci_high=found.profile_high), sample)


def fit_cox_wald(sample: Sample) -> Estimate:
    """Do the same with Wald's interval."""
    found = cox(sample.time, sample.event, _design(sample), start=sample.entry, strata=sample.strata, tested=[0])
    return _estimate(found, sample)


def fit_firth_cox(sample: Sample) -> Estimate:
    """Fit the model of one question by penalised likelihood."""
    found = firth_cox(sample.time, sample.event, _design(sample), start=sample.entry, strata=sample.strata, tested=[0])
    return _estimate(found, sample)


def _design(sample: Sample) -> Any:
    """Return the columns product, marker, arm, covariates."""
    arm = sample.arm.astype(np.float64)
    return np.column_stack([sample.term * arm, sample.term, arm, sample.covariates])


def _estimate(found: Any, sample: Sample, *, ratio: bool = True) -> Estimate:
    if not found.converged:
        names = ("marker x arm", sample.names[0], "treatment arm", *sample.names[1:])
        return failed(found.reason, found.columns, names, found.note)
    without, both = float(found.coef[1]), float(found.coef[1] + found.coef[0])
    shown = (exp(without), exp(both)) if ratio else (without, both)
    what = "ratio" if ratio else "difference"
    note = f"{what} for the marker without IMiD {shown[0]:.3g}, with IMiD {shown[1]:.3g}"
    few = ""
    if sample.flag:
        m, a = sample.carrier, sample.arm
        cells = int((~m & ~a).sum()), int((~m & a).sum()), int((m & ~a).sum()), int((m & a).sum())
        note += f"; non-carriers and carriers without IMiD {cells[0]} and {cells[2]}, with IMiD {cells[1]} and {cells[3]}"
        few = "few patients in a group: interval and p are approximate" if min(cells) < FEW else ""
    separated = getattr(found, "separated", getattr(found, "monotone", None))
    penalty = "without the penalty a ratio would be infinite or 0 (an empty cell)" if separated else ""
    low, high = float(found.ci_low[0]), float(found.ci_high[0])
    about = interval_note(low, high, float(found.p_value[0])) if isinstance(found, CoxResult) else ""
    return Estimate(
        effect=float(found.coef[0]),
        se=float(found.se[0]),
        ci_low=finite(low),
        ci_high=finite(high),
        p_value=float(found.p_value[0]),
        separated=None if separated is None else bool(separated),
        converged=True,
        note=joined(note, few, penalty, about),
    )


LOGISTIC = Method(
    key="logistic_interaction",
    name="Firth logistic regression, marker x treatment (profile interval, penalised likelihood-ratio p)",
    test="penalised likelihood ratio",
    kinds=("binary",),
    models=("interaction",),
    scale="log_ratio_of_odds_ratios",
    minimum_events=4,
    stratified=False,
    reference="Firth 1993, doi:10.1093/biomet/80.1.27",
    fit=fit_logistic,
    terms=("flag", "number"),
)
ORDINAL = Method(
    key="ordinal_interaction",
    name="Proportional-odds model, marker x treatment (profile interval, likelihood-ratio p)",
    test="likelihood ratio",
    kinds=("ordinal",),
    models=("interaction",),
    scale="log_ratio_of_odds_ratios",
    minimum_events=8,
    stratified=False,
    reference="McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x",
    fit=fit_ordinal,
    terms=("flag", "number"),
)
LINEAR = Method(
    key="linear_interaction",
    name="Linear regression, marker x treatment (t interval and test)",
    test="t test",
    kinds=("continuous",),
    models=("interaction",),
    scale="difference_of_differences",
    minimum_events=5,
    stratified=False,
    reference="Student 1908",
    fit=fit_linear,
    terms=("flag", "number"),
)
COX = Method(
    key="cox_interaction",
    name="Cox regression, marker x treatment (Efron ties, profile interval, likelihood-ratio p)",
    test="likelihood ratio",
    kinds=("time_to_event",),
    models=("interaction",),
    scale="log_ratio_of_hazard_ratios",
    minimum_events=4,
    stratified=True,
    reference="Cox 1972; Efron 1977",
    fit=fit_cox,
    terms=("flag", "number"),
    rare=False,
)
COX_WALD = replace(COX, key="cox_interaction_wald", name=COX.name.replace("profile", "Wald"), fit=fit_cox_wald, usual=False)
FIRTH_COX = Method(
    key="firth_cox_interaction",
    name="Firth Cox regression, marker x treatment (profile interval, penalised likelihood-ratio p)",
    test="penalised likelihood ratio",
    kinds=("time_to_event",),
    models=("interaction",),
    scale="log_ratio_of_hazard_ratios",
    minimum_events=4,
    stratified=True,
    reference="Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x",
    fit=fit_firth_cox,
    rare=True,
)
