"""A binary outcome and the expression of many genes -> their difference between patients with and without it, all genes at once.

Turned round: the gene is what is explained, the outcome explains.  The variance of each gene leans on those of the others,
which is what makes a test of few patients worth while.
"""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import NDArray

from resistance.associate.methods.record import Estimate, FamilySample, FloatArray, Method, Sample, failed, finite
from resistance.stats.counts import negative_binomial
from resistance.stats.library_size import enough_counts, tmm_factors
from resistance.stats.moderated_t import ModeratedResult, moderated_t
from resistance.stats.voom import voom

#: why a gene of counts has no p
_COUNTS = {
    "no counts": "no counts, or none but outlying ones",
    "outlier": "a single outlying count decides (Cook's distance), so that no p is given",
    "not converged": "the likelihood was not maximised",
}


def fit(sample: Sample) -> Estimate:
    """Say that one gene alone has nothing to lean on."""
    return Estimate(note=f"no estimate: {sample.names[0]} can only be answered together with the other genes")


def scan_moderated(family: FamilySample) -> list[Estimate]:
    """Fit expression ~ outcome + covariates to every gene; counts by voom's precision weights, genes with few left out."""
    here, design, names = _design(family)
    if design.shape[0] <= design.shape[1]:
        return [Estimate(note="no estimate: no more patients than columns")] * len(family.labels)
    if family.counts is None:
        found = moderated_t(family.markers[here].T, design, trend=True)
        return [_of(found, i, names) for i in range(len(family.labels))]
    counts = family.counts[:, here]
    if not np.isfinite(counts).all():
        return [Estimate(note="no estimate: the table of counts has gaps")] * len(family.labels)
    if (counts.sum(axis=0) == 0).any():
        return [Estimate(note="no estimate: a patient without a single count: leave the sample out")] * len(family.labels)
    kept = np.asarray(enough_counts(counts, design=design), dtype=bool)
    place = {int(row): i for i, row in enumerate(np.flatnonzero(kept))}
    if len(place) < 2:
        return [Estimate(note="no estimate: fewer than two genes with enough counts")] * len(family.labels)
    chosen = counts[kept]
    factors = tmm_factors(chosen)
    weighted = voom(chosen, design, library_sizes=chosen.sum(axis=0) * factors.factors)
    if not weighted.converged:
        return [failed(weighted.reason, _shown(weighted.columns), names, weighted.note)] * len(family.labels)
    found = moderated_t(weighted.log_cpm, design, weights=weighted.weights)
    few = Estimate(note="not tested: too few counts in too many patients (their logarithms have no common variance)")
    return [_of(found, place[row], names) if row in place else few for row in family.rows]


def scan_counts(family: FamilySample) -> list[Estimate]:
    """Fit the negative-binomial model counts ~ outcome + covariates to every gene."""
    here, design, names = _design(family)
    if family.counts is None or not np.isfinite(family.counts[:, here]).all():
        why = "there are no counts" if family.counts is None else "the table of counts has gaps"
        return [Estimate(note=f"no estimate: {why}")] * len(family.labels)
    found = negative_binomial(family.counts[:, here], design[:, 1:])
    if found.reason in ("no residual degrees of freedom", "collinear"):
        return [failed(found.reason, found.columns, names, found.note)] * len(family.labels)
    out = []
    for row in family.rows:
        why = _COUNTS.get(found.reasons[row], "")
        if not np.isfinite(found.effect[row] + found.se[row]):
            out.append(Estimate(note=f"no estimate: {why or found.note}"))
            continue
        out.append(
            Estimate(
                effect=float(found.effect[row]),
                se=float(found.se[row]),
                ci_low=finite(float(found.ci_low[row])),
                ci_high=finite(float(found.ci_high[row])),
                p_value=float(found.p_value[row]),
                converged=True,
                note=why,
            )
        )
    return out


def _design(family: FamilySample) -> tuple[NDArray[np.int64], FloatArray, tuple[str, ...]]:
    """Return the patients with any expression, the columns 1, outcome, covariates that vary, and the names of all but the first."""
    shared = family.shared
    here = np.flatnonzero(~np.isnan(family.markers).all(axis=1))
    covariates = shared.covariates[here]
    varies = np.ptp(covariates, axis=0) > 0 if here.size else np.zeros(covariates.shape[1], dtype=bool)
    names = ("the outcome", *(name for name, in_model in zip(shared.names[1:], varies, strict=True) if in_model))
    return here, np.column_stack([np.ones(here.size), shared.event[here], covariates[:, varies]]), names


def _shown(columns: tuple[int, ...]) -> tuple[int, ...]:
    """Return columns of the design as places in the names, which have no intercept."""
    return tuple(i - 1 for i in columns if i > 0)


def _of(found: ModeratedResult, gene: int, names: tuple[str, ...]) -> Estimate:
    """Return the estimate of one gene."""
    if not found.converged:
        return failed(found.reason, _shown(found.columns), names, found.note)
    if not found.estimable[gene, 1]:
        return Estimate(note="no estimate: the patients in whom it was measured cannot tell")
    prior = float(found.df_prior[gene])
    return Estimate(
        effect=float(found.effect[gene, 1]),
        se=float(found.se[gene, 1]),
        ci_low=float(found.ci_low[gene, 1]),
        ci_high=float(found.ci_high[gene, 1]),
        p_value=float(found.p_value[gene, 1]),
        detectable_effect=nan,
        converged=True,
        note=f"variance leans on the other genes with {prior:.1f} degrees of freedom" if np.isfinite(prior) else "",
    )


_CONTRAST = "log2 difference in expression, with the outcome v without"
MODERATED_T = Method(
    key="moderated_t",
    name="Moderated t of expression by outcome (trended prior; voom weights for counts)",
    test="moderated t",
    kinds=("binary",),
    models=("crude", "adjusted"),
    scale="difference",
    minimum_events=2,
    stratified=False,
    reference="Smyth 2004, doi:10.2202/1544-6115.1027; Law et al. 2014, doi:10.1186/gb-2014-15-2-r29",
    fit=fit,
    terms=("number",),
    usual=False,
    scan=scan_moderated,
    asked=("expression",),
    whole=True,
    contrast=_CONTRAST,
)
DESEQ2 = Method(
    key="deseq2",
    name="Negative-binomial regression of counts by outcome (DESeq2's, by pydeseq2)",
    test="Wald",
    kinds=("binary",),
    models=("crude", "adjusted"),
    scale="difference",
    minimum_events=2,
    stratified=False,
    reference="Love, Huber and Anders 2014, doi:10.1186/s13059-014-0550-8; Muzellec et al. 2023, doi:10.1093/bioinformatics/btad547",
    fit=fit,
    terms=("number",),
    usual=False,
    scan=scan_counts,
    asked=("expression",),
    whole=True,
    contrast=_CONTRAST,
)
