"""A continuous outcome with covariates, several markers or a number: linear regression."""

from __future__ import annotations

from math import nan

from resistance.associate.methods.record import Estimate, Method, Sample, failed, finite, from_fit
from resistance.stats.linear import linear
from resistance.stats.power_models import detectable_shift


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = linear(sample.value, sample.design)
    if not found.converged:
        return failed(found.reason, found.columns, sample.names, found.note)
    carriers, others, _ = sample.margins
    detectable = finite(detectable_shift(carriers, others) * found.sigma) if sample.flag and min(carriers, others) > 1 else nan
    note = f"explains {100 * found.partial_r2[sample.tested]:.1f} % of the variance that the other columns leave"
    return from_fit(found, sample, detectable_effect=detectable, note=note)


METHOD = Method(
    key="linear",
    name="Linear regression (t interval and test)",
    test="t test",
    kinds=("continuous",),
    models=("crude", "adjusted", "imputed", "joint"),
    scale="difference",
    minimum_events=3,
    stratified=False,
    reference="Gauss 1809; Student 1908",
    fit=fit,
    terms=("flag", "number"),
)
