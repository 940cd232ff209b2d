"""A binary outcome with covariates, several markers or a number: Firth's penalised logistic regression."""

from __future__ import annotations

from math import nan

import numpy as np

from resistance.associate.methods.record import (
    Estimate,
    FamilySample,
    Method,
    Sample,
    detectable_odds,
    detectable_odds_of,
    few,
    few_of,
    from_fit,
    joined,
)
from resistance.stats.firth_logistic import firth_logistic
from resistance.stats.scan.logistic import firth_logistic_scan
from resistance.stats.scan.overlap import overlap_scan

SEPARATED = "separation: without the penalty the odds ratio would be infinite or 0"


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = firth_logistic(sample.event, sample.design, tested=sample.asked)
    if not found.converged:
        return from_fit(found, sample)
    note = SEPARATED if found.separated else ""
    return from_fit(
        found,
        sample,
        detectable_effect=detectable_odds(sample),
        separated=found.separated,
        note=joined(note, few(sample, both_sides=True)),
    )


def scan(family: FamilySample) -> list[Estimate]:
    """Fit the model of each marker; where the outcome may be separated completely it is left to `fit`."""
    shared = family.shared
    found = firth_logistic_scan(shared.event, family.markers, shared.covariates, profile=True)
    overlap = overlap_scan(shared.event, family.markers, shared.covariates)
    sound = found.converged & (overlap != "unknown") & np.isfinite(found.ci_low + found.ci_high + found.p_value)
    carriers, others, events, both = (counts.tolist() for counts in family.margins)
    out = []
    for i, separated in enumerate((overlap == "marker").tolist()):
        if not sound[i]:
            out.append(Estimate())
            continue
        note = SEPARATED if separated else ""
        out.append(
            Estimate(
                effect=float(found.coef[i]),
                se=float(found.se[i]),
                ci_low=float(found.ci_low[i]),
                ci_high=float(found.ci_high[i]),
                p_value=float(found.p_value[i]),
                detectable_effect=detectable_odds_of(carriers[i], others[i], events[i]) if shared.flag else nan,
                separated=separated,
                converged=True,
                note=joined(note, few_of(both[i], carriers[i] - both[i], both_sides=True) if shared.flag else ""),
            )
        )
    return out


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
    scan=scan,
)
