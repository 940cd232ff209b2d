"""A continuous outcome with covariates, several markers or a number: linear regression."""

from __future__ import annotations

from math import nan

import numpy as np

from resistance.associate.methods.record import (
    Estimate,
    FamilySample,
    Method,
    Sample,
    detectable_shift_of,
    failed,
    finite,
    from_fit,
)
from resistance.stats.linear import linear, linear_scan


def fit(sample: Sample) -> Estimate:
    """Fit the model of one question."""
    found = linear(sample.value, sample.design)
    if not found.converged:
        return failed(found.reason, found.columns, sample.names, found.note)
    carriers, others, _ = sample.margins
    detectable = finite(detectable_shift_of(carriers, others) * found.sigma) if sample.flag and min(carriers, others) > 1 else nan
    return from_fit(found, sample, detectable_effect=detectable, note=_explained(float(found.partial_r2[sample.tested])))


def scan(family: FamilySample) -> list[Estimate]:
    """Fit the model of each marker."""
    shared = family.shared
    found = linear_scan(shared.value, family.markers, shared.covariates)
    with np.errstate(divide="ignore", invalid="ignore"):
        # the effect in residual standard deviations
        sigma = found.coef / found.effect_sd
    carriers, others, *_ = (counts.tolist() for counts in family.margins)
    out = []
    for i, converged in enumerate(found.converged.tolist()):
        if not converged or not np.isfinite(found.p_value[i]):
            out.append(Estimate())
            continue
        enough = shared.flag and min(carriers[i], others[i]) > 1
        if enough and not np.isfinite(sigma[i]):  # a coefficient of exactly 0
            out.append(Estimate())
            continue
        out.append(
            Estimate(
                effect=float(found.coef[i]),
                se=float(found.se[i]),
                ci_low=finite(float(found.ci_low[i])),
                ci_high=finite(float(found.ci_high[i])),
                p_value=float(found.p_value[i]),
                detectable_effect=finite(detectable_shift_of(carriers[i], others[i]) * float(sigma[i])) if enough else nan,
                converged=True,
                note=_explained(float(found.partial_r2[i])),
            )
        )
    return out


def _explained(share: float) -> str:
    return f"explains {100 * share:.1f} % of the variance that the other columns leave"


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
    scan=scan,
)
