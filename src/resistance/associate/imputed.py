"""A question whose model has gaps in the covariates -> the method's answer over many completed data sets, pooled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from resistance.associate.leak import same_as_outcome, says_the_outcome
from resistance.associate.methods import Estimate, Method, Sample, too_few
from resistance.associate.methods.record import few, few_carriers, joined
from resistance.associate.question import Question
from resistance.associate.rows import Rows
from resistance.associate.sample import out_of_range, sample_of
from resistance.associate.setting import Setting
from resistance.config import CohortFile
from resistance.stats.imputation import Kind, impute, pool, survival_predictors

FloatArray = NDArray[np.float64]

#: what the p of a pooled row is
TEST = "t of the pooled estimate (Rubin's rules, Barnard and Rubin's degrees of freedom)"
#: potential scale reduction above which the chains of the imputation may not have settled
UNSETTLED = 1.2


@dataclass(frozen=True)
class _Covariate:
    """One variable, as it is imputed and as it stands in the model."""

    name: str
    values: FloatArray
    kind: Kind
    levels: tuple[str, ...]
    reference: str

    def columns(self, values: FloatArray) -> dict[str, FloatArray]:
        """Return the model's columns by name; a class is compared with the reference of the whole cohort."""
        if not self.levels:
            return {self.name: values}
        return {
            f"{self.name}={level}": (values == code).astype(np.float64)
            for code, level in enumerate(self.levels)
            if level != self.reference
        }


def method_words(method: Method, copies: int) -> str:
    """Return the method's name as the results print it for a pooled answer: interval and test are not its own."""
    return f"{method.name.partition(' (')[0]}, pooled over {copies} imputed data sets (t interval and test)"


def imputed(
    question: Question, method: Method, rows: Rows, tested: int, config: CohortFile, setting: Setting
) -> tuple[Estimate, list[str]]:
    """Answer a question of the model ``imputed``.

    Parameters
    ----------
    question, method
        The method is fitted to every completed data set.
    rows : Rows
        Who stands in the model; covariates may be unknown, strata are known.
    tested : int
        Index of the term that is asked about.
    config, setting

    Returns
    -------
    Estimate, list of str
        The pooled answer, and what does not vary and was left out of the model.

    Notes
    -----
    Covariates are imputed by chained equations from each other, the markers of the model, the strata and the outcome
    (survival: event and Nelson-Aalen cumulative hazard, White and Royston 2009, doi:10.1002/sim.3618); effect and variance
    are pooled by Rubin's rules with the degrees of freedom of Barnard and Rubin 1999, doi:10.1093/biomet/86.4.948, the number of
    events standing for that of patients in a Cox model.  The seed is the plan's.
    """
    kind = config.endpoints[question.endpoint].kind
    at = np.flatnonzero(rows.used)
    base, notes = sample_of(replace(question, covariates=()), rows, tested, config, setting)
    covariates = [_covariate(name, at, setting) for name in question.covariates]
    columns = {"the outcome": base.value} if kind == "continuous" else {}
    columns |= dict(zip(base.names, base.design.T, strict=True)) | {c.name: c.values for c in covariates}
    refused = out_of_range(columns) or same_as_outcome(base, kind)
    if refused:
        return Estimate(note=refused), notes
    notes += filter(None, [says_the_outcome(base, kind)])
    for covariate in covariates:
        known = np.unique(covariate.values[~np.isnan(covariate.values)]).size
        if known < 2 and np.isnan(covariate.values).any():
            what = "is unknown in every patient of this model" if known == 0 else "has one known value in this model"
            return Estimate(note=f"no estimate: {covariate.name} {what}, so there is nothing to impute it from"), notes
    table, kinds = _table(covariates, base)
    copies = impute(table, kinds, seed=config.seed, outcome=_outcome(base, kind), m=config.analysis.imputations)
    fits, constant = [], set()
    for completed in copies.completed:
        columns = {
            name: values for i, covariate in enumerate(covariates) for name, values in covariate.columns(completed[:, i]).items()
        }
        varies = {name: values for name, values in columns.items() if np.ptp(values) > 0}
        constant |= columns.keys() - varies.keys()
        sample = replace(
            base,
            covariates=np.column_stack(list(varies.values())) if varies else np.zeros((at.size, 0)),
            names=(*base.names, *varies),
            copy=True,
        )
        fits.append(method.fit(sample))
    if constant:
        notes.append(f"{', '.join(sorted(constant))} does not vary among these patients and is not in the model")
    found = _pooled(fits, base, kind, len(varies))
    if found.converged:
        found = too_few(found, base, kind, config.analysis.min_carrier_events)
    gaps = {covariate.name: int(np.isnan(covariate.values).sum()) for covariate in covariates}
    return replace(found, note=joined(found.note, *_words(gaps, table, copies.drift, config))), notes


def _covariate(name: str, at: NDArray[np.int64], setting: Setting) -> _Covariate:
    values, coding = setting.variables[name].iloc[at], setting.codings[name]
    if not coding.levels:
        return _Covariate(name, values.to_numpy(dtype=np.float64), "number", (), "")
    code = values.astype("object").map({level: float(i) for i, level in enumerate(coding.levels)})
    kind: Kind = "binary" if len(coding.levels) == 2 else "category"
    return _Covariate(name, code.to_numpy(dtype=np.float64), kind, coding.levels, coding.reference)


def _table(covariates: list[_Covariate], base: Sample) -> tuple[FloatArray, list[Kind]]:
    """Return the columns of the imputation: covariates, markers, strata."""
    columns = [covariate.values for covariate in covariates]
    kinds: list[Kind] = [covariate.kind for covariate in covariates]
    columns += list(base.terms.T)
    kinds += ["binary" if base.flag else "number"] * base.terms.shape[1]
    if base.strata is not None and np.unique(base.strata).size > 1:
        columns.append(np.unique(base.strata, return_inverse=True)[1].astype(np.float64))
        kinds.append("category")
    return np.column_stack(columns), kinds


def _outcome(base: Sample, kind: str) -> FloatArray:
    if kind == "time_to_event":
        return survival_predictors(base.time, base.event)
    return base.value[:, None]


def _pooled(fits: list[Estimate], base: Sample, kind: str, n_covariates: int) -> Estimate:
    lost = [fit for fit in fits if not (fit.converged and isfinite(fit.effect) and fit.se > 0)]
    if lost:
        why = lost[0].note.removeprefix("no estimate: ") or "no standard error"
        return Estimate(note=f"no estimate: {len(lost)} of {len(fits)} imputed data sets have none ({why})")
    # a Cox model has as much to tell as it has events, and no intercept; an ordinal one has a constant for each cut
    size = int(base.event.sum()) if kind == "time_to_event" else base.value.size
    constants = {"time_to_event": 0, "ordinal": max(1, np.unique(base.value).size - 1)}.get(kind, 1)
    coefficients = base.terms.shape[1] + n_covariates + constants
    if size <= coefficients:
        what = "events" if kind == "time_to_event" else "patients"
        return Estimate(
            note=f"no estimate: {coefficients} coefficients and {size} {what} leave no degrees of freedom to pool with"
        )
    found = pool([fit.effect for fit in fits], [fit.se**2 for fit in fits], size, coefficients)
    if not found.converged:
        return Estimate(note=f"no estimate: {found.note}")
    return Estimate(
        effect=float(found.estimate[0]),
        se=float(found.se[0]),
        ci_low=float(found.ci_low[0]),
        ci_high=float(found.ci_high[0]),
        p_value=float(found.p_value[0]),
        detectable_effect=fits[0].detectable_effect
        if kind != "continuous"
        else float(np.mean([f.detectable_effect for f in fits])),
        separated=None if fits[0].separated is None else any(fit.separated for fit in fits),
        converged=True,
        note=joined(
            f"fraction of missing information {found.fmi[0]:.2f}, {found.df[0]:.1f} degrees of freedom",
            _few(base, kind),
        ),
    )


def _few(base: Sample, kind: str) -> str:
    """Say that the carriers are too few for the asymptotic p, in the terms of the outcome."""
    if kind in ("binary", "time_to_event"):
        return few(base, both_sides=kind == "binary")
    return few_carriers(base) if kind == "ordinal" else ""


def _words(gaps: dict[str, int], table: FloatArray, drift: FloatArray, config: CohortFile) -> list[str]:
    """Say how much was imputed, and what speaks against it."""
    n = int(np.isnan(table).any(axis=1).sum())
    copies = config.analysis.imputations
    if not n:
        return ["nothing to impute: every covariate is known"]
    parts = ", ".join(f"{name} {count}" for name, count in gaps.items() if count)
    said = [f"{n} patients with an imputed covariate ({parts}), {copies} data sets"]
    if copies < 100 * n / table.shape[0]:
        said.append(
            "fewer data sets than per cent of patients with a gap: another seed may give another p (analysis.imputations)"
        )
    if (drift[np.isfinite(drift)] > UNSETTLED).any():
        said.append("the means of the imputed values had not settled")
    return said
