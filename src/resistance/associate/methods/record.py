"""What a method gets (a sample), what it says (an estimate), and how it is described (a record)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, isfinite, log, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: below about this many carriers with an event (binary: with either outcome) an asymptotic p is too small now and then
FEW = 20
#: margins whose detectable effect is remembered: the markers of a scan have the same ones over and over
REMEMBERED = 65_536


@dataclass(frozen=True)
class Sample:
    """The patients of one question, complete cases.  A time-dependent question has several rows per patient.

    Parameters
    ----------
    value : array, shape (n,)
        Binary endpoints 1 or 0, ordinal ones the rank from 0 (worst), continuous ones the number.
    event : array of bool, shape (n,)
        The outcome: response, or event at the end of follow-up.
    code : array of int, shape (n,)
        Time to event: 0 censored, 1 the event, 2.. competing events.
    time : array, shape (n,)
        End of follow-up in days (NaN for other endpoints).
    entry : array, shape (n,), optional
        Start of follow-up in days where it is not 0 for all.
    terms : array, shape (n, k)
        Markers in the model: 1 present, 0 absent, or the value of a measure.
    tested : int
        Which of them the question is about.
    flag : bool
        The term is a flag (present or not), not a number.
    covariates : array, shape (n, c)
    names : tuple of str
        Names of terms and covariates, for messages.
    strata : array of str or None
    arm : array of bool, shape (n,)
        With an IMiD (False throughout where not asked).
    levels : tuple of str
        Ordinal endpoints: the levels from worst to best.
    permutations, seed : int
        Of a permutation test.
    copy : bool
        One of several imputed data sets: only effect and standard error are wanted, which are pooled.
    """

    value: FloatArray
    event: BoolArray
    code: NDArray[np.int64]
    time: FloatArray
    entry: FloatArray | None
    terms: FloatArray
    tested: int
    flag: bool
    covariates: FloatArray
    names: tuple[str, ...]
    strata: NDArray[np.str_] | None
    arm: BoolArray
    levels: tuple[str, ...] = ()
    permutations: int = 9999
    seed: int = 1
    copy: bool = False

    @property
    def asked(self) -> tuple[int, ...]:
        """Columns of which interval, p and assumption are wanted."""
        return () if self.copy else (self.tested,)

    @property
    def term(self) -> FloatArray:
        """Values of the marker in question."""
        return np.asarray(self.terms[:, self.tested], dtype=np.float64)

    @property
    def carrier(self) -> BoolArray:
        """Patients with the marker in question."""
        return np.asarray(self.term == 1, dtype=np.bool_)

    @property
    def others(self) -> FloatArray:
        """The model's columns without the marker in question."""
        return np.column_stack([np.delete(self.terms, self.tested, axis=1), self.covariates])

    @property
    def design(self) -> FloatArray:
        """Terms and covariates side by side."""
        return np.column_stack([self.terms, self.covariates])

    @property
    def margins(self) -> tuple[int, int, int]:
        """Carriers, others, and patients with the outcome."""
        return int(self.carrier.sum()), int((~self.carrier).sum()), int(self.event.sum())


@dataclass(frozen=True)
class FamilySample:
    """The patients of many questions that differ in the marker only: one question each.

    Parameters
    ----------
    shared : Sample
        All of them; its `terms` are those of one marker and mean nothing here.
    markers : array, shape (n, m)
        One marker a column, NaN in patients in whom it was not assessed, who are left out of its question.
    labels : tuple of str, length m
        Names of the markers.
    counts : array, shape (genes, n), optional
        Where expression was given as counts: those of the whole table (NaN in patients without any), whatever the markers.
    rows : tuple of int, length m
        Where the markers stand in it.
    """

    shared: Sample
    markers: FloatArray
    labels: tuple[str, ...]
    counts: FloatArray | None = None
    rows: tuple[int, ...] = ()

    @property
    def margins(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of each marker: carriers, others, patients with the outcome, and carriers with it."""
        event = self.shared.event
        carrier = self.markers == 1
        known = ~np.isnan(self.markers)
        carriers, patients = carrier.sum(axis=0), known.sum(axis=0)
        return carriers, patients - carriers, known[event].sum(axis=0), carrier[event].sum(axis=0)

    def one(self, marker: int) -> Sample:
        """Return the patients of one question."""
        values, whole = self.markers[:, marker], self.shared
        here = ~np.isnan(values)
        covariates = whole.covariates[here]
        varies = np.ptp(covariates, axis=0) > 0 if here.any() else np.zeros(covariates.shape[1], dtype=bool)
        entry = None if whole.entry is None else whole.entry[here]
        return replace(
            whole,
            value=whole.value[here],
            event=whole.event[here],
            code=whole.code[here],
            time=whole.time[here],
            entry=entry if entry is not None and (entry > 0).any() else None,
            terms=values[here, None],
            tested=0,
            covariates=covariates[:, varies],
            names=(self.labels[marker], *(name for name, in_model in zip(whole.names[1:], varies, strict=True) if in_model)),
            strata=None if whole.strata is None else whole.strata[here],
            arm=whole.arm[here],
        )


@dataclass(frozen=True)
class Estimate:
    """What a method says; numbers on the scale of the method, NaN where there is none.

    The names are those of the results table; ``se`` is for pooling.  ``exact`` says that the p holds however few carriers
    there are though the method's usual one does not, ``asymptotic`` that it does not though the method's usual one does.
    """

    effect: float = nan
    se: float = nan
    ci_low: float = nan
    ci_high: float = nan
    p_value: float = nan
    p_asymptotic: float = nan
    p_value_minimum: float = nan
    detectable_effect: float = nan
    separated: bool | None = None
    assumption: str | None = None
    assumption_p: float = nan
    rmst_days: float = nan
    rmst_ci_low_days: float = nan
    rmst_ci_high_days: float = nan
    rmst_tau_days: float = nan
    converged: bool = False
    exact: bool = False
    asymptotic: bool = False
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A way to answer a question.

    Parameters
    ----------
    key : str
        The word that ``analysis.methods`` takes.
    name : str
        As the results table prints it.
    test : str
        The test behind the p-value.
    kinds : tuple of str
        Endpoint kinds.
    models : tuple of str
        Kinds of estimate.
    scale : str
        Scale of the effect; '' where the method gives none.
    minimum_events : int
        Fewer events (binary: of the rarer outcome; ordinal, continuous: patients) are not fitted.
    stratified : bool
        Strata keep a baseline of their own; else they enter as covariates.
    reference : str
    fit : callable
        Sample -> Estimate.
    terms : tuple of str
        ``flag`` (present or not) and ``number``.
    rare : bool, optional
        Only for rare (True) or only for common markers (False); None: for both.
    exact : bool
        The p-value holds however few carriers there are (exact, by permutation, or shown by simulation not to be
        too small); else it needs some with an event (see :func:`too_few`).
    usual : bool
        Taken without being named in ``analysis.methods``.
    scan : callable, optional
        FamilySample -> one Estimate for each marker: what `fit` would say of each, in less time.  A marker whose
        estimate is not `converged` is asked once more by `fit`, which says why.
    asked : tuple of str
        Kinds of question that it takes (see :data:`resistance.associate.question.KINDS`); () for all.
    whole : bool
        Its markers lean on each other, so that a family is always answered as a whole, by `scan` alone.
    contrast : str
        What its effect compares, where that is not what the marker's own question says.
    """

    key: str
    name: str
    test: str
    kinds: tuple[str, ...]
    models: tuple[str, ...]
    scale: str
    minimum_events: int
    stratified: bool
    reference: str
    fit: Callable[[Sample], Estimate]
    terms: tuple[str, ...] = ("flag",)
    rare: bool | None = None
    exact: bool = False
    usual: bool = True
    scan: Callable[[FamilySample], list[Estimate]] | None = None
    asked: tuple[str, ...] = ()
    whole: bool = False
    contrast: str = ""


def too_few(found: Estimate, sample: Sample, kind: str, least: int) -> Estimate:
    """Withhold the p-value of a model whose carriers had fewer than `least` events (binary: of either outcome).

    An asymptotic test needs them: one carrier who dies early gives a p far below what chance would
    give.  Estimate and interval stay; without p the row is in no family and is no finding.
    """
    if not sample.flag:
        return found
    return too_few_of(found, int(sample.carrier.sum()), int((sample.carrier & sample.event).sum()), kind, least)


def too_few_of(found: Estimate, carriers: int, events: int, kind: str, least: int) -> Estimate:
    """Do the same by the numbers of carriers and of events among them."""
    if not found.converged or found.exact:
        return found
    reached = {"binary": min(events, carriers - events), "time_to_event": events}.get(kind, carriers)
    if reached >= least:
        return found
    note = f"not tested with fewer than {least} (analysis.min_carrier_events)"
    return replace(found, p_value=nan, note=joined(found.note, note))


def few(sample: Sample, *, both_sides: bool) -> str:
    """Say that the carriers are too few for the asymptotic p, where they are."""
    if not sample.flag:
        return ""
    return few_of(int((sample.carrier & sample.event).sum()), int((sample.carrier & ~sample.event).sum()), both_sides=both_sides)


def few_of(events: int, others: int, *, both_sides: bool) -> str:
    """Do the same by the carriers with and without the outcome."""
    least = min(events, others) if both_sides else events
    if least >= FEW:
        return ""
    what = "with the rarer outcome" if both_sides else "with an event"
    return f"few carriers {what} ({least}): interval and p are approximate"


def few_carriers(sample: Sample) -> str:
    """Do the same of an ordered outcome, which has no events, by the carriers alone."""
    carriers = int(sample.carrier.sum())
    return f"few carriers ({carriers}): interval and p are approximate" if sample.flag and carriers < FEW else ""


def joined(*notes: str) -> str:
    """Return the notes that say something, behind each other."""
    return "; ".join(filter(None, notes))


def log_ratio(ratio: float) -> float:
    """Return the logarithm, NaN where it is infinite or not defined."""
    return log(ratio) if 0 < ratio < inf else nan


def finite(number: float) -> float:
    """Return the number, NaN where it is infinite."""
    return float(number) if isfinite(number) else nan


def detectable_odds(sample: Sample) -> float:
    """Return the nearest log odds ratio that these margins detect with 80 % power."""
    return detectable_odds_of(*sample.margins) if sample.flag else nan


@lru_cache(REMEMBERED)
def detectable_odds_of(carriers: int, others: int, events: int) -> float:
    """Do the same by the margins."""
    from resistance.stats.power import detectable_odds_ratio

    below, above = (log_ratio(ratio) for ratio in detectable_odds_ratio(carriers, others, events))
    reachable = [x for x in (below, above) if isfinite(x)]
    return min(reachable, key=abs) if reachable else nan


def detectable_hazard(sample: Sample) -> float:
    """Return the log hazard ratio that these margins detect with 80 % power (per unit of a number)."""
    events = int(sample.event.sum())
    if sample.flag:
        return detectable_hazard_of(float(sample.carrier.mean()), events)
    return detectable_hazard_per(float(np.std(sample.term)), events)


@lru_cache(REMEMBERED)
def detectable_hazard_of(prevalence: float, events: int) -> float:
    """Do the same by the share of carriers."""
    from resistance.stats.power import detectable_hazard_ratio

    return log_ratio(detectable_hazard_ratio(prevalence, events))


def detectable_hazard_per(spread: float, events: int) -> float:
    """Do the same for a number with this standard deviation."""
    # a flag of prevalence 1/2 has standard deviation 1/2 (Hsieh and Lavori 2000)
    return detectable_hazard_of(0.5, events) / (2 * spread) if spread > 0 else nan


@lru_cache(REMEMBERED)
def detectable_shift_of(carriers: int, others: int) -> float:
    """Return the difference in standard deviations that these margins detect with 80 % power (t test)."""
    from resistance.stats.power_models import detectable_shift

    return detectable_shift(carriers, others)


def interval_note(low: float, high: float, p_value: float) -> str:
    """Say what is to be said of an interval: a bound that is not there, or another verdict about 5 % than that of the p."""
    if isfinite(low) and isfinite(high):
        disagree = (p_value < 0.05) != (low > 0 or high < 0) and abs(p_value - 0.05) > 1e-6
        return "the Wald interval and the likelihood-ratio p disagree about 5 %: few events" if disagree else ""
    which = "bounds" if not (isfinite(low) or isfinite(high)) else "upper bound" if isfinite(low) else "lower bound"
    lost = low != low or high != high
    return f"the {which} of the interval {'was not found' if lost else 'is infinite: the likelihood never falls that far'}"


def failed(reason: str, columns: Sequence[int], names: Sequence[str], note: str = "") -> Estimate:
    """Return the estimate that a fit without a maximum gives: none, and why, with the names of the columns."""
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
        "exact fit": f"no estimate: the outcome follows {which} exactly; is it a copy of it, or made from it?",
    }
    return Estimate(note=words.get(reason) or f"no estimate: {note or reason}")


def from_fit(fit: Any, sample: Sample, **more: Any) -> Estimate:
    """Return the estimate of the tested column of a regression (any of the results of the tower)."""
    if not fit.converged:
        return failed(fit.reason, fit.columns, sample.names, fit.note)
    i = sample.tested
    values = {
        "effect": float(fit.coef[i]),
        "se": float(fit.se[i]),
        "ci_low": finite(float(fit.ci_low[i])),
        "ci_high": finite(float(fit.ci_high[i])),
        "p_value": float(fit.p_value[i]),
        "converged": True,
    }
    return Estimate(**(values | more))
