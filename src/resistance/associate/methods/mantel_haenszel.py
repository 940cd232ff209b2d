"""Two groups and a binary outcome within strata: the common odds ratio, its exact test, and whether it is common at all."""

from __future__ import annotations

from resistance.associate.methods.record import Estimate, Method, Sample, detectable_odds, log_ratio
from resistance.stats.stratified import exact_stratified, homogeneity, stratified_tables


def fit(sample: Sample) -> Estimate:
    """Test the tables of all strata together."""
    if sample.covariates.shape[1] or sample.terms.shape[1] > 1:
        return Estimate(note="no estimate: Mantel-Haenszel takes strata, no covariates (name them under analysis.strata)")
    tables = stratified_tables(
        sample.carrier, sample.event, sample.strata if sample.strata is not None else ["all"] * len(sample.event)
    )
    found = exact_stratified(tables)
    if not found.converged:
        return Estimate(note=f"no estimate: {found.note}")
    common = homogeneity(tables)
    words = f"the odds ratios of the strata differ with p {common.tarone_p:.2g} (Breslow-Day, Tarone)" if common.converged else ""
    return Estimate(
        effect=log_ratio(found.odds_ratio),
        ci_low=log_ratio(found.ci_low),
        ci_high=log_ratio(found.ci_high),
        p_value=found.p_value,
        detectable_effect=detectable_odds(sample),
        separated=not 0 < found.odds_ratio < float("inf"),
        converged=True,
        note=words,
    )


METHOD = Method(
    key="mantel_haenszel",
    name="Exact conditional test of a common odds ratio (Cochran-Mantel-Haenszel)",
    test="exact conditional, two-sided",
    kinds=("binary",),
    models=("adjusted",),
    scale="log_odds_ratio",
    minimum_events=1,
    stratified=True,
    reference="Mantel and Haenszel 1959; Breslow and Day 1980; Tarone 1985",
    fit=fit,
    exact=True,
    usual=False,
)
