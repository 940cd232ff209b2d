"""Setting -> every question of the analysis, each either to be asked or refused with the reason, from margins alone.

Nothing here looks at an outcome together with a marker: what may be asked is decided by numbers of
patients, carriers and events, so that a plan can be written before any result is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from resistance.associate.methods import method_for
from resistance.associate.setting import PRESENT, Mask, Setting

if TYPE_CHECKING:
    from resistance.config import CohortFile, Contrast

#: covariates that say what the arm is; the interaction model holds the arm itself
ARM = ("imid", "treatment")
#: a first column of terms for each kind of question
KINDS = ("joint", "contrasts", "markers", "genes", "interaction")


@dataclass(frozen=True)
class Question:
    """One question.

    Parameters
    ----------
    question_id : str
        population/endpoint/marker/model/term.
    kind : {'markers', 'genes', 'joint', 'contrasts', 'interaction'}
    population, family, endpoint, marker_id, label, contrast, model : str
        As in the results table.
    method : str
        Name of the method, '-' where none takes this endpoint.
    terms : tuple of str
        Markers in the model, or the name of a contrast.
    covariates, strata : tuple of str
        Adjusted for.
    n, events, carriers, not_assessed, incomplete : int
        Patients in the model, with the outcome, with the marker; left out because the marker was not
        assessed; left out because a covariate is unknown.
    refused : str
        Why it cannot be asked; '' when it can.
    """

    question_id: str
    kind: str
    population: str
    family: str
    endpoint: str
    marker_id: str
    label: str
    contrast: str
    model: str
    method: str
    terms: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    n: int = 0
    events: int = 0
    carriers: int = 0
    not_assessed: int = 0
    incomplete: int = 0
    refused: str = ""


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
    terms : array of bool, shape (n, k)
    """

    base: Mask
    assessed: Mask
    complete: Mask
    terms: Mask

    @property
    def used(self) -> Mask:
        """Patients in the model."""
        return self.base & self.assessed & self.complete


def rows_of(question: Question, config: CohortFile, setting: Setting) -> Rows:
    """Return who stands in the model, and the terms (for every patient, in the order of the setting)."""
    base = setting.populations[question.population][1] & setting.outcomes[question.endpoint].usable
    complete: Mask = setting.known([*question.covariates, *question.strata])
    if question.kind == "contrasts":
        contrast = next(c for c in config.analysis.contrasts if c.name == question.terms[0])
        at_level = setting.level(contrast.variable, contrast.level)
        return Rows(base, at_level | setting.level(contrast.variable, contrast.reference), complete, at_level[:, None])
    states = np.column_stack([setting.state(term) for term in question.terms])
    if question.kind == "interaction":
        complete = complete & ~np.isnan(setting.imid)
    return Rows(base, np.asarray((states >= 0).all(axis=1)), complete, states == PRESENT)


def enumerate_questions(config: CohortFile, setting: Setting) -> list[Question]:
    """Return every question of the analysis, in the order of the report.

    Joint models and contrasts first (they are declared by name), then every marker and gene for every
    population and endpoint, then the marker x treatment questions.
    """
    asked = _joint(config, setting), _contrasts(config), _singles(config, setting)
    found = [_decided(question, config, setting) for part in asked for question in part]
    return sorted(found, key=lambda q: (KINDS.index(q.kind), list(setting.populations).index(q.population)))


def _new(
    kind: str, population: str, endpoint: str, marker_id: str, label: str, contrast: str, model: str, terms: tuple[str, ...],
    term: str, family_kind: str | None = None,
) -> Question:  # fmt: skip
    return Question(
        question_id="/".join((population, endpoint, marker_id, model, term)),
        kind=kind,
        population=population,
        family="/".join((population, endpoint, model, family_kind or kind)),
        endpoint=endpoint,
        marker_id=marker_id,
        label=label,
        contrast=contrast,
        model=model,
        method="-",
        terms=terms,
    )


def _joint(config: CohortFile, setting: Setting) -> Iterator[Question]:
    for joint in config.analysis.joint:
        terms = tuple(dict.fromkeys(joint.markers))
        names = [setting.labels[term] for term in terms]
        states = np.column_stack([setting.state(term) == PRESENT for term in terms])
        overlap = bool((states.sum(axis=1) > 1).any())
        for term, name in zip(terms, names, strict=True):
            others = ", ".join(other for other in names if other != name) or "no other"
            words = f"present v absent, given {others}" if overlap else f"present v none of {', '.join(names)}"
            yield _new("joint", joint.population, joint.endpoint, term, name, words, "joint", terms, joint.name)


def _contrasts(config: CohortFile) -> Iterator[Question]:
    for contrast in config.analysis.contrasts:
        for model in _models(config, contrast):
            question = _new(
                "contrasts",
                contrast.population,
                contrast.endpoint,
                f"{contrast.variable}:{contrast.level}",
                contrast.name,
                f"{contrast.level} v {contrast.reference}",
                model,
                (contrast.name,),
                contrast.name,
            )
            yield _with_adjustment(question, config, without=(contrast.variable,))


def _singles(config: CohortFile, setting: Setting) -> Iterator[Question]:
    plan = config.analysis
    usual = [name for name, endpoint in config.endpoints.items() if endpoint.kind in ("binary", "time_to_event")]
    for population in setting.populations:
        for endpoint in dict.fromkeys(plan.endpoints) if plan.endpoints else usual:
            for kind, names in (("markers", setting.markers), ("genes", setting.genes)):
                for model in _models(config):
                    for name in names:
                        label = setting.labels[name]
                        question = _new(kind, population, endpoint, name, label, "present v absent", model, (name,), "present")
                        yield _with_adjustment(question, config)
            for name in setting.markers if plan.treatment_interaction else ():
                words = "effect with IMiD v effect without"
                question = _new(
                    "interaction", population, endpoint, name, setting.labels[name], words, "interaction", (name,),
                    "present:imid", "markers",
                )  # fmt: skip
                yield _with_adjustment(question, config, without=ARM)


def _models(config: CohortFile, contrast: Contrast | None = None) -> tuple[str, ...]:
    """Return crude, and adjusted where there is anything to adjust for."""
    named = {*config.analysis.covariates, *config.analysis.strata} - ({contrast.variable} if contrast else set())
    return ("crude", "adjusted") if named else ("crude",)


def _with_adjustment(question: Question, config: CohortFile, without: tuple[str, ...] = ()) -> Question:
    if question.model not in ("adjusted", "interaction"):
        return question
    strata = tuple(name for name in dict.fromkeys(config.analysis.strata) if name not in without)
    covariates = tuple(name for name in dict.fromkeys(config.analysis.covariates) if name not in (*without, *strata))
    method = method_for(config.endpoints[question.endpoint].kind, question.model)
    if method is not None and not method.stratified:
        return replace(question, covariates=(*covariates, *strata))
    return replace(question, covariates=covariates, strata=strata)


def _decided(question: Question, config: CohortFile, setting: Setting) -> Question:
    """Fill in the numbers, and the reason why a question cannot be asked."""
    method = method_for(config.endpoints[question.endpoint].kind, question.model)
    rows = rows_of(question, config, setting)
    used = rows.used
    carriers = used & rows.terms[:, question.terms.index(question.marker_id) if question.kind == "joint" else 0]
    question = replace(
        question,
        method="-" if method is None else method.name,
        n=int(used.sum()),
        events=int((used & setting.outcomes[question.endpoint].event).sum()),
        carriers=int(carriers.sum()),
        not_assessed=int((rows.base & ~rows.assessed).sum()),
        incomplete=int((rows.base & rows.assessed & ~rows.complete).sum()),
    )
    return replace(question, refused=_refusal(question, config, setting, rows))


def _refusal(question: Question, config: CohortFile, setting: Setting, rows: Rows) -> str:
    """Return the first reason against asking, '' where there is none."""
    plan, kind = config.analysis, config.endpoints[question.endpoint].kind
    method = method_for(kind, question.model)
    what = "events" if kind == "time_to_event" else "patients with the rarer outcome"
    rarer = question.events if kind == "time_to_event" else min(question.events, question.n - question.events)
    if question.kind != "contrasts" and plan.timepoint != "baseline":
        return (
            f"the marker was taken at {plan.timepoint}, the endpoint counts from {config.endpoints[question.endpoint].origin}: "
            "patients had to come that far to have it (immortal time), so it is not asked"
        )
    if method is None:
        return f"{kind} endpoints are described, not tested, in this version"
    if not rows.base.any():
        return "no patient of the population has a value of the endpoint"
    if question.kind == "interaction":
        with_imid, without_imid, _ = setting.arms(rows.base)
        if min(with_imid, without_imid) == 0:
            return "one arm only: whether a marker's effect differs by treatment cannot be asked"
    if question.kind == "contrasts":
        contrast = next(c for c in plan.contrasts if c.name == question.terms[0])
        for level in (contrast.level, contrast.reference):
            if not (rows.base & setting.level(contrast.variable, level)).any():
                return f"no patient here has {contrast.variable} {level}"
    elif not (rows.base & rows.assessed).any():
        return "not assessed in any patient"
    if question.n == 0:
        return "no patient has all covariates known"
    if question.carriers == 0:
        return "no carrier"
    if question.carriers == question.n:
        return "no patient without it"
    if question.kind != "contrasts" and question.carriers < plan.min_carriers:
        return f"fewer than {plan.min_carriers} carriers (analysis.min_carriers)"
    if rarer < method.minimum_events:
        return f"fewer than {method.minimum_events} {what}"
    if question.kind == "interaction":
        return _empty_cell(rows, setting)
    return ""


def _empty_cell(rows: Rows, setting: Setting) -> str:
    carrier, used = rows.terms[:, 0], rows.used
    for arm, words in ((1.0, "with IMiD"), (0.0, "without IMiD")):
        for has, which in ((True, "carrier"), (False, "non-carrier")):
            if not (used & (setting.imid == arm) & (carrier == has)).any():
                return f"no {which} {words}"
    return ""
