"""Two groups and a binary outcome: Fisher's exact test."""

from __future__ import annotations

from math import inf

from resistance.associate.methods.record import Estimate, Method, Sample, detectable_odds, log_ratio
from resistance.stats.exact import fisher


def fit(sample: Sample) -> Estimate:
    """Test one 2x2 table."""
    found = fisher(sample.carrier, sample.event)
    note = ""
    if found.odds_ratio == 0:
        note = f"odds ratio 0 (an empty cell): at most {found.ci_high:.3g} with 95 % confidence"
    elif found.odds_ratio == inf:
        note = f"odds ratio infinite (an empty cell): at least {found.ci_low:.3g} with 95 % confidence"
    return Estimate(
        effect=log_ratio(found.odds_ratio),
        ci_low=log_ratio(found.ci_low),
        ci_high=log_ratio(found.ci_high),
        p_value=found.p_value,
        p_value_minimum=found.p_value_minimum,
        detectable_effect=detectable_odds(sample),
        separated=min(found.table) == 0,
        converged=True,
        note=note,
    )


METHOD = Method(
    key="fisher",
    name="Fisher exact (conditional odds ratio, exact interval)",
    test="Fisher exact, two-sided",
    kinds=("binary",),
    models=("crude",),
    scale="log_odds_ratio",
    minimum_events=1,
    stratified=False,
    reference="Fisher 1922",
    fit=fit,
    exact=True,
)
