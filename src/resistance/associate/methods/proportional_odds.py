"""An ordered outcome (CR, PR, SD, PD): proportional odds, with the test of that assumption and the odds at each cut."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np

from resistance.associate.methods.record import Estimate, Method, Sample, few_carriers, finite, from_fit, joined
from resistance.stats.ordinal import cutwise_odds, proportional_odds
from resistance.stats.ordinal_permutation import ordinal_permutation
from resistance.stats.ordinal_separated import separated_odds
from resistance.stats.power_models import detectable_ordinal

#: below this the common odds ratio is not the whole story, and those of the cuts are given
NOT_PROPORTIONAL = 0.05


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    codes = sample.value.astype(int)
    found = proportional_odds(
        codes, sample.design, tested=sample.asked, nominal=not sample.copy, overall=False, categories=len(sample.levels)
    )
    if not found.converged:
        failed = from_fit(found, sample)
        return _separated(failed, sample) if found.reason == "monotone" and not sample.copy else failed
    nominal = float(found.nominal_p[sample.tested])
    note = few_carriers(sample)
    if nominal < NOT_PROPORTIONAL:
        note = joined(note, "the odds are not proportional", _cuts(sample))
    elif np.isnan(nominal) and len(sample.levels) > 2 and not sample.copy:
        note = joined(note, "whether the odds are proportional cannot be tested here", _cuts(sample))
    return from_fit(
        found,
        sample,
        detectable_effect=_detectable(sample),
        separated=False,
        assumption="proportional odds" if np.isfinite(nominal) else None,
        assumption_p=nominal,
        note=note,
    )


def _separated(failed: Estimate, sample: Sample) -> Estimate:
    """Return the bound of the odds ratio that is 0 or infinite and its p: the clearest of findings has one.

    Where nothing is adjusted for, the p is that of the ranks, right for few carriers.
    """
    limit = separated_odds(sample.value.astype(int), sample.design, tested=sample.tested)
    if limit.converged:
        infinite = limit.direction > 0
        bound = float(np.exp(np.clip(limit.ci_low if infinite else limit.ci_high, -700, 700)))
        said = f"odds ratio {'infinite' if infinite else '0'} (separation): at {'least' if infinite else 'most'} {bound:.3g} with 95 % confidence"
        found = Estimate(
            ci_low=finite(limit.ci_low),
            ci_high=finite(limit.ci_high),
            p_value=limit.p_value,
            detectable_effect=_detectable(sample),
            separated=True,
            converged=True,
            note=joined(said, _cuts(sample), few_carriers(sample)),
        )
    else:
        found = replace(failed, note=joined(failed.note, _cuts(sample)))
    if sample.others.shape[1]:
        return found
    found = by_ranks(found, sample)
    return replace(found, note=joined(found.note, "p by permuting ranks")) if np.isfinite(found.p_value) else found


def fit_rare(sample: Sample) -> Estimate:
    """Estimate by proportional odds where it has a maximum; test by the permutation of ranks, right for few carriers."""
    return by_ranks(fit(sample), sample)


def by_ranks(found: Estimate, sample: Sample) -> Estimate:
    """Return the estimate with the p of permuting ranks within strata."""
    test = ordinal_permutation(
        sample.value.astype(int), sample.term, sample.strata, permutations=sample.permutations, seed=sample.seed
    )  # fmt: skip
    if not test.converged:
        return replace(found, p_asymptotic=found.p_value, p_value=nan, note=joined(found.note, f"no p: {test.note}"))
    return replace(
        found,
        p_asymptotic=found.p_value,
        p_value=test.p_value,
        p_value_minimum=test.p_minimum,
        separated=found.separated or not found.converged,
        converged=True,
        note=found.note.replace("interval and p are approximate", "the interval is approximate"),
    )


def _cuts(sample: Sample) -> str:
    """Return the odds ratio at each cut of the outcome, in words."""
    found = cutwise_odds(sample.value.astype(int), sample.design, tested=sample.tested, categories=len(sample.levels))
    said = []
    for i, level in enumerate(sample.levels[1:]):
        ratio, low, high = (float(np.exp(values[i])) for values in (found.coef, found.ci_low, found.ci_high))
        if np.isfinite(found.coef[i]):
            interval = "no interval" if np.isnan(low + high) else f"{low:.2g} to {high:.2g}"
            said.append(f"{level} or better {ratio:.2g} ({interval})")
    return "odds ratios by cut: " + ", ".join(said) if said else ""


def _detectable(sample: Sample) -> float:
    if not sample.flag:
        return nan
    shares = np.bincount(sample.value.astype(int), minlength=len(sample.levels)) / sample.value.size
    carriers, others, _ = sample.margins
    ratio = detectable_ordinal(shares[shares > 0], carriers, others)
    return finite(float(np.log(ratio))) if ratio > 0 else nan


_NAME = "Proportional-odds model (profile interval{})"
METHOD = Method(
    key="proportional_odds",
    name=_NAME.format(", likelihood-ratio p"),
    test="likelihood ratio",
    kinds=("ordinal",),
    models=("crude", "adjusted", "imputed", "joint"),
    scale="log_odds_ratio",
    minimum_events=5,
    stratified=False,
    reference="McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x; Peterson and Harrell 1990, doi:10.2307/2347760",
    fit=fit,
    terms=("flag", "number"),
)
RARE = Method(
    key="ordinal_permutation",
    name=_NAME.format("") + ", p by permuting ranks within strata",
    test="permutation of ranks within strata (van Elteren)",
    kinds=("ordinal",),
    models=("crude",),
    scale="log_odds_ratio",
    minimum_events=2,
    stratified=True,
    reference="van Elteren 1960; McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x",
    fit=fit_rare,
    rare=True,
    exact=True,
)
