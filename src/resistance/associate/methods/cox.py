"""Time to event with enough carriers who had it, or a number: Cox regression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from resistance.associate.methods import firth_cox
from resistance.associate.methods.proportional import proportional, proportional_all
from resistance.associate.methods.record import (
    Estimate,
    FamilySample,
    Method,
    Sample,
    detectable_hazard,
    detectable_hazard_of,
    detectable_hazard_per,
    few,
    few_of,
    finite,
    from_fit,
    interval_note,
    joined,
)
from resistance.stats._times import follow_up
from resistance.stats.cox import cox
from resistance.stats.scan.cox import cox_scan

#: of the 95 % interval
Z = 1.959963984540054


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question, with the interval of the likelihood that its p is from."""
    return _fit(sample, wald=False)


def fit_wald(sample: Sample) -> Estimate:
    """Do the same with Wald's interval."""
    return _fit(sample, wald=True)


def scan(family: FamilySample) -> list[Estimate]:
    """Fit the model of each marker; one without a maximum is left to `fit`, which penalises it."""
    return _scan(family, wald=False)


def scan_wald(family: FamilySample) -> list[Estimate]:
    """Do the same with Wald's interval."""
    return _scan(family, wald=True)


def _fit(sample: Sample, *, wald: bool) -> Estimate:
    found = cox(
        sample.time,
        sample.event,
        sample.design,
        start=sample.entry,
        strata=sample.strata,
        tested=sample.asked,
        profile=not wald,
    )
    if found.reason == "monotone":
        # an empty cell has an answer all the same: the penalised one
        penalised = (firth_cox.fit if sample.flag and not sample.copy else firth_cox.fit_penalised)(sample)
        return replace(penalised, note=joined("by Firth's penalised likelihood", penalised.note))
    if not found.converged:
        return from_fit(found, sample)
    if sample.copy:
        return from_fit(found, sample, detectable_effect=detectable_hazard(sample), separated=False)
    i = sample.tested
    low, high = (float(x[i]) for x in ((found.ci_low, found.ci_high) if wald else (found.profile_low, found.profile_high)))
    return from_fit(
        found,
        sample,
        ci_low=finite(low),
        ci_high=finite(high),
        detectable_effect=detectable_hazard(sample),
        separated=False,
        note=joined(few(sample, both_sides=False), interval_note(low, high, float(found.p_value[i]))),
        **proportional(sample),
    )


def _scan(family: FamilySample, *, wald: bool) -> list[Estimate]:
    shared = family.shared
    time, start = follow_up(shared.time, shared.entry)
    model = (time, shared.event, family.markers, shared.covariates)
    found = cox_scan(*model, start=start, strata=shared.strata, profile=not wald)
    out = [Estimate() for _ in family.labels]
    asked = [int(i) for i in np.flatnonzero(found.converged & np.isfinite(found.p_value) & (found.se > 0))]
    carriers, others, _, both = (counts.tolist() for counts in family.margins)
    spread = np.nanstd(family.markers, axis=0)
    for i, assumption in zip(asked, proportional_all(family, asked), strict=True):
        effect, se, p_value, events = float(found.coef[i]), float(found.se[i]), float(found.p_value[i]), int(found.events[i])
        low, high = (effect - Z * se, effect + Z * se) if wald else (float(found.ci_low[i]), float(found.ci_high[i]))
        note = few_of(both[i], carriers[i] - both[i], both_sides=False) if shared.flag else ""
        out[i] = Estimate(
            effect=effect,
            se=se,
            ci_low=finite(low),
            ci_high=finite(high),
            p_value=p_value,
            detectable_effect=detectable_hazard_of(carriers[i] / (carriers[i] + others[i]), events)
            if shared.flag
            else detectable_hazard_per(float(spread[i]), events),
            separated=False,
            converged=True,
            note=joined(note, interval_note(low, high, p_value)),
            **assumption,
        )
    return out


METHOD = Method(
    key="cox",
    name="Cox regression (Efron ties, profile interval, likelihood-ratio p)",
    test="likelihood ratio",
    kinds=("time_to_event",),
    models=("crude", "adjusted", "imputed", "joint", "landmark", "time_dependent"),
    scale="log_hazard_ratio",
    minimum_events=2,
    stratified=True,
    reference="Cox 1972; Efron 1977",
    fit=fit,
    terms=("flag", "number"),
    scan=scan,
)
#: as R's summary of a Cox model and most papers have it
WALD = replace(METHOD, key="cox_wald", name=METHOD.name.replace("profile", "Wald"), fit=fit_wald, scan=scan_wald, usual=False)
