"""Time to event with few carriers, or few events expected in them: Firth's Cox regression, its p by permutation."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import Any

from resistance.associate.methods.proportional import proportional
from resistance.associate.methods.record import Estimate, Method, Sample, detectable_hazard, from_fit, joined
from resistance.stats.firth_cox import firth_cox
from resistance.stats.permutation import martingale_permutation

_MONOTONE = "without the penalty the hazard ratio would be 0 or infinite (no event on one side)"


def fit(sample: Sample) -> Estimate:
    """Estimate by penalised likelihood, test by permuting the residuals of the model without the marker within strata."""
    found = fit_penalised(sample)
    if not found.converged:
        return found
    test = martingale_permutation(
        sample.time,
        sample.event,
        sample.term,
        covariates=sample.others,
        strata=sample.strata,
        start=sample.entry,
        permutations=sample.permutations,
        seed=sample.seed,
        project=True,
    )
    if test.reason in ("monotone", "collinear", "iterations"):
        # the model without the marker has no maximum (another marker is separated), so there are no residuals to permute
        return replace(
            found, p_asymptotic=found.p_value, note=joined(found.note, f"p by the penalised likelihood ratio ({test.note})")
        )
    if not test.converged:
        return replace(found, p_asymptotic=found.p_value, p_value=float("nan"), note=joined(found.note, f"no p: {test.note}"))
    how = f"all {test.relabellings:,.0f} relabellings" if test.exact else f"{test.permutations:,} permutations"
    return replace(
        found,
        p_asymptotic=found.p_value,
        p_value=test.p_value,
        p_value_minimum=test.p_value_minimum,
        exact=True,
        note=joined(found.note, f"p from {how} within strata" if sample.strata is not None else f"p from {how}"),
    )


def fit_penalised(sample: Sample) -> Estimate:
    """Fit the penalised model alone: its own likelihood-ratio p is somewhat too small with few carriers."""
    found = firth_cox(
        sample.time, sample.event, sample.design, start=sample.entry, strata=sample.strata, tested=[sample.tested]
    )  # fmt: skip
    if not found.converged:
        return from_fit(found, sample)
    more: dict[str, Any] = {} if found.monotone else proportional(sample)
    separated = found.monotone and sample.tested in found.monotone_columns
    bounds = f"{exp(found.coef[sample.tested]):.3g} is shrunk; {_MONOTONE}" if separated else ""
    return from_fit(found, sample, detectable_effect=detectable_hazard(sample), separated=separated, note=bounds, **more)


METHOD = Method(
    key="firth_cox",
    name="Firth Cox regression (profile penalised interval), p by permuting martingale residuals within strata",
    test="permutation of martingale residuals within strata",
    kinds=("time_to_event",),
    models=("crude", "adjusted", "joint", "landmark"),
    scale="log_hazard_ratio",
    minimum_events=2,
    stratified=True,
    reference="Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x; Therneau et al. 1990, doi:10.1093/biomet/77.1.147",
    fit=fit,
    rare=True,
    exact=True,
)
#: several rows of a patient cannot be permuted, and imputed data sets are pooled from estimates
PENALISED = Method(
    key="firth_cox_lrt",
    name="Firth Cox regression (profile penalised interval, penalised likelihood-ratio p)",
    test="penalised likelihood ratio",
    kinds=("time_to_event",),
    models=("time_dependent", "imputed"),
    scale="log_hazard_ratio",
    minimum_events=2,
    stratified=True,
    reference="Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x",
    fit=fit_penalised,
    rare=True,
)
