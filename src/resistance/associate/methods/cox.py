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
    from_fit,
    joined,
)
from resistance.stats._times import follow_up
from resistance.stats.cox import cox
from resistance.stats.scan.cox import cox_scan

#: of the 95 % interval
Z = 1.959963984540054
DISAGREE = "the Wald interval and the likelihood-ratio p disagree about 5 %: few events"


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = cox(
        sample.time, sample.event, sample.design, start=sample.entry, strata=sample.strata, tested=[sample.tested]
    )  # fmt: skip
    if found.reason == "monotone":
        # an empty cell has an answer all the same: the penalised one
        penalised = (firth_cox.fit if sample.flag else firth_cox.fit_penalised)(sample)
        return replace(penalised, note=joined("by Firth's penalised likelihood", penalised.note))
    if not found.converged:
        return from_fit(found, sample)
    i = sample.tested
    note = few(sample, both_sides=False)
    if (found.p_value[i] < 0.05) != (found.ci_low[i] > 0 or found.ci_high[i] < 0):
        note = joined(note, DISAGREE)
    return from_fit(
        found, sample, detectable_effect=detectable_hazard(sample), separated=False, note=note, **proportional(sample)
    )


def scan(family: FamilySample) -> list[Estimate]:
    """Fit the model of each marker; one without a maximum is left to `fit`, which penalises it."""
    shared = family.shared
    time, start = follow_up(shared.time, shared.entry)
    found = cox_scan(time, shared.event, family.markers, shared.covariates, start=start, strata=shared.strata)
    out = [Estimate() for _ in family.labels]
    asked = [int(i) for i in np.flatnonzero(found.converged & np.isfinite(found.p_value) & (found.se > 0))]
    carriers, others, _, both = (counts.tolist() for counts in family.margins)
    spread = np.nanstd(family.markers, axis=0)
    for i, assumption in zip(asked, proportional_all(family, asked), strict=True):
        low, high = (float(found.coef[i] + side * Z * found.se[i]) for side in (-1, 1))
        events = int(found.events[i])
        note = few_of(both[i], carriers[i] - both[i], both_sides=False) if shared.flag else ""
        if (found.p_value[i] < 0.05) != (low > 0 or high < 0):
            note = joined(note, DISAGREE)
        out[i] = Estimate(
            effect=float(found.coef[i]),
            se=float(found.se[i]),
            ci_low=low,
            ci_high=high,
            p_value=float(found.p_value[i]),
            detectable_effect=detectable_hazard_of(carriers[i] / (carriers[i] + others[i]), events)
            if shared.flag
            else detectable_hazard_per(float(spread[i]), events),
            separated=False,
            converged=True,
            note=note,
            **assumption,
        )
    return out


METHOD = Method(
    key="cox",
    name="Cox regression (Efron ties, Wald interval, likelihood-ratio p)",
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
