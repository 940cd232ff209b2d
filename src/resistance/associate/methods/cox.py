"""Time to event with enough carriers who had it, or a number: Cox regression."""

from __future__ import annotations

from dataclasses import replace

from resistance.associate.methods import firth_cox
from resistance.associate.methods.proportional import proportional
from resistance.associate.methods.record import Estimate, Method, Sample, detectable_hazard, few, from_fit, joined
from resistance.stats.cox import cox


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
        note = joined(note, "the Wald interval and the likelihood-ratio p disagree about 5 %: few events")
    return from_fit(
        found, sample, detectable_effect=detectable_hazard(sample), separated=False, note=note, **proportional(sample)
    )


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
)
