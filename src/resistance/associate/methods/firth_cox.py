"""Time to event with few carriers, or few events expected in them: Firth's Cox regression, its p by permutation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp
from typing import Any

import numpy as np

from resistance.associate.methods.proportional import proportional, proportional_all
from resistance.associate.methods.record import (
    Estimate,
    FamilySample,
    Method,
    Sample,
    detectable_hazard,
    detectable_hazard_of,
    from_fit,
    joined,
)
from resistance.stats._times import follow_up
from resistance.stats.firth_cox import firth_cox
from resistance.stats.permutation import PermutationScan, PermutationTest, martingale_permutation, permutation_scan
from resistance.stats.scan.cox import firth_cox_scan

LEVEL = 0.05
DISAGREE = "the penalised interval and this p disagree about 5 %: few events, believe the p"
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
    others = [name for i, name in enumerate(sample.names) if i != sample.tested]
    return _with_test(found, test, strata=sample.strata is not None, covariates=others)


def scan(family: FamilySample) -> list[Estimate]:
    """Estimate and test each marker; one whose model without the penalty has no maximum is left to `fit`."""
    shared = family.shared
    time, start = follow_up(shared.time, shared.entry)
    model = (time, shared.event, family.markers)
    found = firth_cox_scan(*model, shared.covariates, start=start, strata=shared.strata, profile=True)
    sound = found.converged & np.isfinite(found.ci_low + found.ci_high + found.p_value)
    carriers, others, _, both = (counts.tolist() for counts in family.margins)
    inside = np.array([0 < hit < int(events) for hit, events in zip(both, found.events, strict=True)])
    # no event on one side of the marker: it is monotone, and nothing else has to be found out when the rest is not
    asked = [int(i) for i in np.flatnonzero(sound & inside)]
    assumptions = dict(zip(asked, proportional_all(family, asked), strict=True))
    tests = permutation_scan(
        shared.time,
        shared.event,
        family.markers,
        covariates=shared.covariates,
        strata=shared.strata,
        start=shared.entry,
        permutations=shared.permutations,
        seed=shared.seed,
        project=True,
    )
    out = [Estimate() for _ in family.labels]
    for i in np.flatnonzero(sound & tests.converged).tolist():
        monotone = not inside[i]
        if not monotone and not assumptions[i]:
            continue
        effect = float(found.coef[i])
        estimate = Estimate(
            effect=effect,
            se=float(found.se[i]),
            ci_low=float(found.ci_low[i]),
            ci_high=float(found.ci_high[i]),
            p_value=float(found.p_value[i]),
            detectable_effect=detectable_hazard_of(carriers[i] / (carriers[i] + others[i]), int(found.events[i])),
            separated=monotone,
            converged=True,
            note=_bounds(effect) if monotone else "",
            **assumptions.get(i, {}),
        )
        out[i] = _with_test(estimate, _at(tests, i), strata=shared.strata is not None)
    return out


def _at(tests: PermutationScan, marker: int) -> PermutationTest:
    values = {
        name: getattr(tests, name)[marker].item()
        for name in (
            "statistic",
            "z",
            "p_value",
            "p_value_minimum",
            "relabellings",
            "exact",
            "n",
            "events",
            "carriers",
            "carrier_events",
        )
    }
    # as of one marker: none drawn where all were looked at
    drawn = 0 if values["exact"] else tests.permutations
    return PermutationTest(
        **values,
        permutations=drawn,
        converged=bool(tests.converged[marker]),
        reason=str(tests.reason[marker]),
        columns=(),
        note="",
    )


def _with_test(found: Estimate, test: PermutationTest, *, strata: bool, covariates: Sequence[str] = ()) -> Estimate:
    """Return the estimate with the p of the permutation test."""
    if test.reason in ("monotone", "collinear", "iterations"):
        # the model without the marker has no maximum (another marker is separated), so there are no residuals to permute
        named = ", ".join(covariates[i] for i in test.columns if i < len(covariates)) or "the covariates"
        why = {"monotone": f"{named}: no finite effect without the penalty", "collinear": f"{named}: cannot be told apart"}
        note = f"p by the penalised likelihood ratio, since nothing can be permuted ({why.get(test.reason, test.note)})"
        return replace(found, p_asymptotic=found.p_value, asymptotic=True, note=joined(found.note, note))
    if not test.converged:
        return replace(found, p_asymptotic=found.p_value, p_value=float("nan"), note=joined(found.note, f"no p: {test.note}"))
    unlike = np.isfinite(found.ci_low + found.ci_high) and (test.p_value < LEVEL) != (found.ci_low > 0 or found.ci_high < 0)
    how = f"all {test.relabellings:,.0f} relabellings" if test.exact else f"{test.permutations:,} permutations"
    return replace(
        found,
        p_asymptotic=found.p_value,
        p_value=test.p_value,
        p_value_minimum=test.p_value_minimum,
        exact=True,
        note=joined(found.note, f"p from {how} within strata" if strata else f"p from {how}", DISAGREE if unlike else ""),
    )


def fit_penalised(sample: Sample) -> Estimate:
    """Fit the penalised model alone: its own likelihood-ratio p is somewhat too small with few carriers."""
    found = firth_cox(
        sample.time, sample.event, sample.design, start=sample.entry, strata=sample.strata, tested=sample.asked
    )  # fmt: skip
    if not found.converged:
        return from_fit(found, sample)
    more: dict[str, Any] = {} if found.monotone or sample.copy else proportional(sample)
    separated = found.monotone and sample.tested in found.monotone_columns
    bounds = _bounds(float(found.coef[sample.tested])) if separated else ""
    return from_fit(found, sample, detectable_effect=detectable_hazard(sample), separated=separated, note=bounds, **more)


def _bounds(effect: float) -> str:
    return f"{exp(effect):.3g} is shrunk; {_MONOTONE}"


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
    scan=scan,
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
