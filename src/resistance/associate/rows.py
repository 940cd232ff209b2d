"""A question and the setting -> who stands in its model, and the terms that are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.associate.course import episodes
from resistance.associate.dated import spans
from resistance.associate.question import Question
from resistance.associate.setting import Setting
from resistance.associate.states import NOT_ASSESSED, PRESENT, Mask

if TYPE_CHECKING:
    from resistance.config import CohortFile, Contrast

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Who stands in the model of a question.

    Parameters
    ----------
    base : array of bool
        In the population, with a value of the endpoint.
    assessed : array of bool
        The marker is known (contrasts: the patient has one of the two levels).
    complete : array of bool
        Covariates, strata and arm are known.
    terms : array, shape (n, k)
        1 present, 0 absent, or the value of a measure.
    flag : bool
        The terms are flags.
    origin : float
        Day from which time counts (a landmark), else 0.
    late : int
        Patients of the population who are not at risk at the landmark.
    at_event : array of bool, optional
        Time-dependent marker: the patient has it when follow-up ends.
    """

    base: Mask
    assessed: Mask
    complete: Mask
    terms: FloatArray
    flag: bool = True
    origin: float = 0.0
    late: int = 0
    at_event: Mask | None = None

    @property
    def used(self) -> Mask:
        """Patients in the model."""
        return self.base & self.assessed & self.complete

    def carriers(self, column: int) -> Mask:
        """Patients in the model who have the marker."""
        return np.asarray(self.used & (self.terms[:, column] == 1), dtype=np.bool_)

    def carrier_events(self, column: int, event: Mask) -> int:
        """Return how many patients in the model had the event with the marker."""
        had = self.carriers(column) & event
        return int((had if self.at_event is None else had & self.at_event).sum())


def rows_of(question: Question, config: CohortFile, setting: Setting) -> Rows:
    """Return who stands in the model, and the terms (for every patient, in the order of the setting)."""
    base = setting.populations[question.population][1] & setting.outcomes[question.endpoint].usable
    # an imputed model takes the patients with unknown covariates as well; strata are never imputed
    imputes = question.model == "imputed"
    covariates = [name for name in question.covariates if not imputes or name in setting.stratified_by]
    needed = (*covariates, *question.strata)
    complete: Mask = setting.known(needed)
    if question.kind == "contrasts":
        contrast = next(c for c in config.analysis.contrasts if c.name == question.terms[0])
        at_level = setting.level(contrast.variable, contrast.level)
        known = at_level | reference_of(contrast, setting)
        # further terms are the other levels, each against the reference
        others = [setting.level(contrast.variable, term) for term in question.terms[1:]]
        for other in others:
            known = known | other
        return Rows(base, known, complete, np.column_stack([at_level, *others]).astype(np.float64))
    if question.kind == "landmark":
        return _at_landmark(question, config, setting, base, complete)
    if question.kind == "time_dependent":
        if question.terms[0] in setting.dated:
            return _ever_measured(question, setting, base, complete)
        return _ever_present(question, setting, base, complete)
    if question.kind == "interaction":
        complete = complete & ~np.isnan(setting.imid)
    if question.terms[0] in setting.measures:
        value = setting.measures[question.terms[0]].value
        return Rows(base, ~np.isnan(value), complete, np.nan_to_num(value)[:, None], flag=False)
    states = np.column_stack([setting.state(term) for term in question.terms])
    assessed = np.ones(len(base), dtype=bool) if config.analysis.not_assessed == "absent" else (states >= 0).all(axis=1)
    return Rows(base, np.asarray(assessed), complete, (states == PRESENT).astype(np.float64))


def reference_of(contrast: Contrast, setting: Setting) -> Mask:
    """Return the patients with whom the level of a contrast is compared."""
    if contrast.reference is not None:
        return setting.level(contrast.variable, contrast.reference)
    return setting.known([contrast.variable]) & ~setting.level(contrast.variable, contrast.level)


def _at_landmark(question: Question, config: CohortFile, setting: Setting, base: Mask, complete: Mask) -> Rows:
    """Patients without event and in follow-up at the landmark, by what their samples had shown until then."""
    landmark = next(x for x in config.analysis.landmarks if x.name == question.declared)
    outcome = setting.outcomes[question.endpoint]
    n = len(base)
    at_risk = base & (outcome.time > landmark.day)
    late = int((base & ~at_risk).sum())
    if question.terms[0] in setting.dated:
        value = setting.dated[question.terms[0]].known_by(landmark.day, landmark.timepoint, n)
        terms = np.nan_to_num(value)[:, None]
        return Rows(at_risk, ~np.isnan(value), complete, terms, flag=False, origin=landmark.day, late=late)
    day = setting.course.day.get(landmark.timepoint, np.full(n, np.nan))
    state = setting.course.state(landmark.timepoint, question.terms[0], n)
    assessed = (state != NOT_ASSESSED) & (day <= landmark.day)
    present = (state == PRESENT).astype(np.float64)[:, None]
    return Rows(at_risk, assessed, complete, present, origin=landmark.day, late=late)


def _ever_measured(question: Question, setting: Setting, base: Mask, complete: Mask) -> Rows:
    """Patients with a value before the end of their follow-up; the terms only say that values vary, the spans hold them."""
    outcome, measure = setting.outcomes[question.endpoint], setting.dated[question.terms[0]]
    n = len(base)
    found = spans(measure, base, outcome.entry, np.where(base, outcome.time, 0.0))
    known = np.zeros(n, dtype=bool)
    known[found.patient] = True
    used = found.value[np.isin(found.patient, np.flatnonzero(complete))]
    terms = np.zeros((n, 1))
    if used.size and np.ptp(used) > 0:
        terms[np.flatnonzero(known & complete)[:1]] = 1.0  # varies; a single patient's course does as well
        terms[np.flatnonzero(known & complete)[1:]] = 0.0
    return Rows(base, known, complete, terms, flag=False)


def _ever_present(question: Question, setting: Setting, base: Mask, complete: Mask) -> Rows:
    """Patients with time at risk in a known state; carriers are those who have the marker during any of it."""
    outcome = setting.outcomes[question.endpoint]
    found = episodes(setting.course, question.terms[0], base, outcome.entry, np.where(base, outcome.time, 0.0))
    known, present, at_event = (np.zeros(len(base), dtype=bool) for _ in range(3))
    known[found.patient] = True
    present[found.patient[found.present]] = True
    at_event[found.patient[found.present & found.last]] = True
    return Rows(base, known, complete, present[:, None].astype(np.float64), at_event=at_event)
