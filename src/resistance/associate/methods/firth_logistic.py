"""A binary outcome with covariates, several markers or a number: Firth's penalised logistic regression."""

from __future__ import annotations

from resistance.associate.methods.record import Estimate, Method, Sample, detectable_odds, few, from_fit, joined
from resistance.stats.firth_logistic import firth_logistic


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = firth_logistic(sample.event, sample.design, tested=[sample.tested])
    if not found.converged:
        return from_fit(found, sample)
    note = "separation: without the penalty the odds ratio would be infinite or 0" if found.separated else ""
    return from_fit(
        found,
        sample,
        detectable_effect=detectable_odds(sample),
        separated=found.separated,
        note=joined(note, few(sample, both_sides=True)),
    )


METHOD = Method(
    key="firth",
    name="Firth logistic regression (profile penalised interval, penalised likelihood-ratio p)",
    test="penalised likelihood ratio",
    kinds=("binary",),
    models=("crude", "adjusted", "imputed", "joint"),
    scale="log_odds_ratio",
    minimum_events=2,
    stratified=False,
    reference="Firth 1993, doi:10.1093/biomet/80.1.27; Heinze and Schemper 2002, doi:10.1002/sim.1047",
    fit=fit,
    terms=("flag", "number"),
    exact=True,  # with four carriers its test holds the level (3 % at 5 %), see docs/type_one_error.md
)
