"""Two groups and a binary outcome: Fisher's exact test."""

from __future__ import annotations

from math import inf

from resistance.associate.methods.record import (
    Estimate,
    FamilySample,
    Method,
    Sample,
    detectable_odds,
    detectable_odds_of,
    log_ratio,
)
from resistance.stats.exact import FisherResult, fisher, fisher_table


def fit(sample: Sample) -> Estimate:
    """Test one 2x2 table."""
    return _estimate(fisher(sample.carrier, sample.event), detectable_odds(sample))


def scan(family: FamilySample) -> list[Estimate]:
    """Test the table of each marker; the same table is tested once."""
    known: dict[tuple[int, int, int, int], Estimate] = {}
    out = []
    for carriers, others, events, both in zip(*(counts.tolist() for counts in family.margins), strict=True):
        table = both, carriers - both, events - both, others - events + both
        if table not in known:
            known[table] = _estimate(fisher_table(*table), detectable_odds_of(carriers, others, events))
        out.append(known[table])
    return out


def _estimate(found: FisherResult, detectable: float) -> Estimate:
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
        detectable_effect=detectable,
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
    scan=scan,
)
