"""Two groups and a binary outcome, with more power than Fisher's test: mid-p, Boschloo's and Barnard's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from resistance.associate.methods import fisher
from resistance.associate.methods.record import Estimate, Method, Sample, log_ratio
from resistance.stats.barnard import barnard
from resistance.stats.boschloo import boschloo
from resistance.stats.exact import mid_p


def fit_mid_p(sample: Sample) -> Estimate:
    """Return the mid-p and the interval that belongs to it."""
    found = mid_p(sample.carrier, sample.event)
    low, high = log_ratio(found.ci_low), log_ratio(found.ci_high)
    return replace(
        fisher.fit(sample), ci_low=low, ci_high=high, p_value=found.p_value, p_value_minimum=found.p_value_minimum
    )  # fmt: skip


def fit_boschloo(sample: Sample) -> Estimate:
    """Return Boschloo's p; estimate and interval are Fisher's."""
    return replace(fisher.fit(sample), p_value=boschloo(sample.carrier, sample.event).p_value, p_value_minimum=float("nan"))


def fit_barnard(sample: Sample) -> Estimate:
    """Return Barnard's p (pooled z); estimate and interval are Fisher's."""
    return replace(fisher.fit(sample), p_value=barnard(sample.carrier, sample.event).p_value, p_value_minimum=float("nan"))


def _record(key: str, name: str, test: str, reference: str, fit: Callable[[Sample], Estimate]) -> Method:
    return replace(fisher.METHOD, key=key, name=name, test=test, reference=reference, fit=fit, usual=False, scan=None)


MID_P = _record(
    "mid_p", "Fisher mid-p (conditional odds ratio, mid-p interval)", "Fisher mid-p, two-sided", "Lancaster 1961", fit_mid_p
)
BOSCHLOO = _record(
    "boschloo",
    "Boschloo exact (conditional odds ratio and exact interval of Fisher's test)",
    "Boschloo exact, two-sided",
    "Boschloo 1970",
    fit_boschloo,
)
BARNARD = _record(
    "barnard",
    "Barnard exact, pooled z (conditional odds ratio and exact interval of Fisher's test)",
    "Barnard exact, two-sided",
    "Barnard 1945, doi:10.1038/156177a0",
    fit_barnard,
)
