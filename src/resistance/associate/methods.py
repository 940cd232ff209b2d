"""The methods that questions are answered with: one record each, which `answer` loops over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, inf, isfinite, log, nan

import numpy as np
from numpy.typing import NDArray

from resistance.stats.cox import cox
from resistance.stats.exact import fisher
from resistance.stats.interaction import InteractionResult, cox_interaction, logistic_interaction
from resistance.stats.logistic import logistic
from resistance.stats.power import detectable_hazard_ratio, detectable_odds_ratio

FloatArray = NDArray[np.float64]

#: below about this many carriers with an event (binary: with either outcome) an asymptotic p is too small now and then
FEW = 20


@dataclass(frozen=True)
class Sample:
    """The patients of one question, complete cases.

    Parameters
    ----------
    event : array of bool, shape (n,)
        The outcome: response, or event at the end of follow-up.
    time : array, shape (n,)
        Follow-up in days (NaN for binary endpoints).
    terms : array of bool, shape (n, k)
        Markers in the model, 1 = present.
    tested : int
        Which of them the question is about.
    covariates : array, shape (n, c)
    names : tuple of str
        Names of terms and covariates, for messages.
    strata : array of str or None
    arm : array of bool, shape (n,)
        With an IMiD (False throughout where not asked).
    """

    event: NDArray[np.bool_]
    time: FloatArray
    terms: NDArray[np.bool_]
    tested: int
    covariates: FloatArray
    names: tuple[str, ...]
    strata: NDArray[np.str_] | None
    arm: NDArray[np.bool_]

    @property
    def carrier(self) -> NDArray[np.bool_]:
        """Patients with the marker in question."""
        return np.asarray(self.terms[:, self.tested], dtype=np.bool_)

    @property
    def design(self) -> FloatArray:
        """Terms and covariates side by side."""
        return np.column_stack([self.terms.astype(np.float64), self.covariates])

    @property
    def margins(self) -> tuple[int, int, int]:
        """Carriers, others, and patients with the outcome."""
        return int(self.carrier.sum()), int((~self.carrier).sum()), int(self.event.sum())


@dataclass(frozen=True)
class Estimate:
    """What a method says; numbers on the log scale, NaN where there is none."""

    effect: float = nan
    ci_low: float = nan
    ci_high: float = nan
    p_value: float = nan
    p_value_minimum: float = nan
    detectable_effect: float = nan
    converged: bool = False
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A way to answer a question.

    Parameters
    ----------
    name : str
        As the results table prints it.
    kinds : tuple of str
        Endpoint kinds.
    models : tuple of str
        Kinds of estimate: crude, adjusted, joint, interaction.
    scale : str
        Scale of the effect.
    minimum_events : int
        Fewer events (binary: of the rarer outcome) are not fitted.
    stratified : bool
        Strata keep a baseline of their own; else they enter as covariates.
    reference : str
    fit : callable
        Sample -> Estimate.
    exact : bool
        The p-value holds however few carriers there are; else it needs some with an event (see :func:`too_few`).
    """

    name: str
    kinds: tuple[str, ...]
    models: tuple[str, ...]
    scale: str
    minimum_events: int
    stratified: bool
    reference: str
    fit: Callable[[Sample], Estimate]
    exact: bool = False


def too_few(found: Estimate, sample: Sample, *, binary: bool, least: int) -> Estimate:
    """Withhold the p-value of a model whose carriers had fewer than `least` events (binary: of either outcome).

    The likelihood-ratio test is asymptotic: one carrier who dies early gives a p far below what chance
    would give.  Estimate and interval stay, without p the row is in no family and is no finding.
    """
    events = int((sample.carrier & sample.event).sum())
    reached = min(events, int((sample.carrier & ~sample.event).sum())) if binary else events
    if not found.converged or reached >= least:
        return found
    note = f"not tested with fewer than {least} (analysis.min_carrier_events)"
    return replace(found, p_value=nan, note="; ".join(filter(None, [found.note, note])))


def _log(ratio: float) -> float:
    """Return the logarithm, NaN where it is infinite or not defined."""
    return log(ratio) if 0 < ratio < inf else nan


def _fisher(sample: Sample) -> Estimate:
    found = fisher(sample.carrier, sample.event)
    note = ""
    if found.odds_ratio == 0:
        note = f"odds ratio 0 (an empty cell): at most {found.ci_high:.3g} with 95 % confidence"
    elif found.odds_ratio == inf:
        note = f"odds ratio infinite (an empty cell): at least {found.ci_low:.3g} with 95 % confidence"
    return Estimate(
        effect=_log(found.odds_ratio),
        ci_low=_log(found.ci_low),
        ci_high=_log(found.ci_high),
        p_value=found.p_value,
        p_value_minimum=found.p_value_minimum,
        detectable_effect=_detectable_odds(sample),
        converged=True,
        note=note,
    )


def _logistic(sample: Sample) -> Estimate:
    found = logistic(sample.event, sample.design, tested=[sample.tested])
    if not found.converged:
        return _failed(found.reason, found.columns, sample.names)
    i = sample.tested
    return Estimate(
        effect=float(found.coef[i]),
        ci_low=_finite(found.ci_low[i]),
        ci_high=_finite(found.ci_high[i]),
        p_value=float(found.p_value[i]),
        detectable_effect=_detectable_odds(sample),
        converged=True,
        note=_few(sample, both_sides=True),
    )


def _cox(sample: Sample) -> Estimate:
    found = cox(sample.time, sample.event, sample.design, strata=sample.strata, tested=[sample.tested])
    if not found.converged:
        return _failed(found.reason, found.columns, sample.names)
    i = sample.tested
    notes = [_few(sample, both_sides=False)]
    if (found.p_value[i] < 0.05) != (found.ci_low[i] > 0 or found.ci_high[i] < 0):
        notes.append("the Wald interval and the likelihood-ratio p disagree about 5 %: few events")
    return Estimate(
        effect=float(found.coef[i]),
        ci_low=float(found.ci_low[i]),
        ci_high=float(found.ci_high[i]),
        p_value=float(found.p_value[i]),
        detectable_effect=log(detectable_hazard_ratio(float(sample.carrier.mean()), found.events)),
        converged=True,
        note="; ".join(filter(None, notes)),
    )


def _logistic_interaction(sample: Sample) -> Estimate:
    return _interaction(logistic_interaction(sample.event, sample.carrier, sample.arm, sample.covariates), sample)


def _cox_interaction(sample: Sample) -> Estimate:
    found = cox_interaction(sample.time, sample.event, sample.carrier, sample.arm, sample.covariates, strata=sample.strata)
    return _interaction(found, sample)


def _interaction(found: InteractionResult, sample: Sample) -> Estimate:
    if not found.converged:
        names = ("marker x arm", sample.names[0], "treatment arm", *sample.names[1:])
        return _failed(found.reason, found.columns, names)
    note = (
        f"ratio for the marker without IMiD {exp(found.marker_in_control):.3g}, with IMiD {exp(found.marker_in_arm):.3g}; "
        f"non-carriers and carriers without IMiD {found.cells[0]} and {found.cells[2]}, with IMiD {found.cells[1]} and {found.cells[3]}"
    )
    if min(found.cells) < FEW:
        note += "; few patients in a group: interval and p are approximate"
    return Estimate(
        effect=found.effect,
        ci_low=_finite(found.ci_low),
        ci_high=_finite(found.ci_high),
        p_value=found.p_value,
        converged=True,
        note=note,
    )


def _finite(number: float) -> float:
    return float(number) if isfinite(number) else nan


def _few(sample: Sample, *, both_sides: bool) -> str:
    """Say that the carriers are too few for the asymptotic p, where they are."""
    events = int((sample.carrier & sample.event).sum())
    least = min(events, int((sample.carrier & ~sample.event).sum())) if both_sides else events
    if least >= FEW:
        return ""
    what = "with the rarer outcome" if both_sides else "with an event"
    return f"few carriers {what} ({least}): interval and p are approximate"


def _detectable_odds(sample: Sample) -> float:
    below, above = (_log(ratio) for ratio in detectable_odds_ratio(*sample.margins))
    reachable = [x for x in (below, above) if isfinite(x)]
    return min(reachable, key=abs) if reachable else nan


def _failed(reason: str, columns: tuple[int, ...], names: tuple[str, ...]) -> Estimate:
    which = ", ".join(names[i] for i in columns)
    words = {
        "no events": "no event",
        "constant outcome": "everybody has the same outcome",
        "empty cell": "one of the four groups of marker and arm has no patient",
        "collinear": f"no estimate: {which} cannot be told apart from each other (or from the strata)"
        if len(columns) > 1
        else f"no estimate: {which} does not vary (or not within the strata)",
        "monotone": f"no finite estimate: {which} separates the outcome (all or none of one group has it)",
        "iterations": "no estimate: the likelihood was not maximised",
    }
    return Estimate(note=words[reason])


METHODS: tuple[Method, ...] = (
    Method(
        "Fisher exact (conditional odds ratio, exact interval)",
        ("binary",),
        ("crude",),
        "log_odds_ratio",
        1,
        False,
        "Fisher 1922",
        _fisher,
        exact=True,
    ),
    Method(
        "Logistic regression (profile interval, likelihood-ratio p)",
        ("binary",),
        ("adjusted", "joint"),
        "log_odds_ratio",
        2,
        False,
        "Venzon and Moolgavkar 1988",
        _logistic,
    ),
    Method(
        "Cox regression (Efron ties, Wald interval, likelihood-ratio p)",
        ("time_to_event",),
        ("crude", "adjusted", "joint"),
        "log_hazard_ratio",
        2,
        True,
        "Cox 1972; Efron 1977",
        _cox,
    ),
    Method(
        "Logistic regression, marker x treatment (profile interval, likelihood-ratio p)",
        ("binary",),
        ("interaction",),
        "log_ratio_of_odds_ratios",
        4,
        False,
        "Venzon and Moolgavkar 1988",
        _logistic_interaction,
    ),
    Method(
        "Cox regression, marker x treatment (Efron ties, Wald interval, likelihood-ratio p)",
        ("time_to_event",),
        ("interaction",),
        "log_ratio_of_hazard_ratios",
        4,
        True,
        "Cox 1972; Efron 1977",
        _cox_interaction,
    ),
)


def method_for(kind: str, model: str) -> Method | None:
    """Return the first method that takes this kind of endpoint and model."""
    return next((m for m in METHODS if kind in m.kinds and model in m.models), None)


def method_named(name: str) -> Method:
    """Return the method of this name."""
    return next(m for m in METHODS if m.name == name)
