"""Setting -> every question of the analysis, each either to be asked or refused with the reason, from margins alone.

Nothing here looks at an outcome together with a marker: what may be asked is decided by numbers of
patients, carriers and events, so that a plan can be written before any result is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from resistance.associate.methods import Method, method_for
from resistance.associate.question import COUNTED, KINDS, Question
from resistance.associate.refusals import refusal
from resistance.associate.rows import Rows, rows_of
from resistance.associate.setting import Setting
from resistance.associate.states import PRESENT

if TYPE_CHECKING:
    from resistance.config import CohortFile, Contrast, Landmark, TimeDependent

#: covariates that say what the arm is; the interaction model holds the arm itself
ARM = ("imid", "treatment")


def enumerate_questions(config: CohortFile, setting: Setting) -> list[Question]:
    """Return every question of the analysis, in the order of the report.

    Joint models and contrasts first (they are declared by name), then every marker, measure and gene for
    every population and endpoint, then what is asked under treatment, then marker x treatment.
    """
    asked = _joint(config, setting), _contrasts(config, setting), _singles(config, setting), _under_treatment(config, setting)
    found = [_decided(question, config, setting) for part in asked for question in part]
    return sorted(found, key=lambda q: (KINDS.index(q.kind), list(setting.populations).index(q.population)))


def _new(
    kind: str, population: str, endpoint: str, marker_id: str, label: str, contrast: str, model: str, terms: tuple[str, ...],
    term: str, family_kind: str | None = None, declared: str = "",
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
        declared=declared,
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
            yield _new(
                "joint", joint.population, joint.endpoint, term, name, words, "joint", terms, joint.name, declared=joint.name
            )  # fmt: skip


def _contrasts(config: CohortFile, setting: Setting) -> Iterator[Question]:
    for contrast in config.analysis.contrasts:
        for model in _models(config, setting, contrast.endpoint, without=(contrast.variable,)):
            question = _new(
                "contrasts",
                contrast.population,
                contrast.endpoint,
                f"{contrast.variable}:{contrast.level}",
                contrast.name,
                f"{contrast.level} v {'the rest' if contrast.reference is None else contrast.reference}",
                model,
                (contrast.name, *_other_levels(contrast, setting)),
                contrast.name,
                declared=contrast.name,
            )
            yield _with_adjustment(question, config, setting, without=(contrast.variable,))


def _singles(config: CohortFile, setting: Setting) -> Iterator[Question]:
    plan = config.analysis
    declared = {f"measure:{m.name}": m for m in plan.measures}
    for population in setting.populations:
        for endpoint in dict.fromkeys(plan.endpoints) if plan.endpoints else config.endpoints:
            measures = [name for name, m in declared.items() if m.population in ("all", population)]
            expressed = [name for name in setting.measures if name not in declared]
            groups = (
                ("markers", setting.markers),
                ("measures", measures),
                ("features", setting.features),
                ("genes", setting.genes),
                ("expression", expressed),
            )
            for kind, names in groups:
                for model in _models(config, setting, endpoint):
                    for name in names:
                        yield _single(kind, population, endpoint, name, model, config, setting)
            for name in measures:
                if declared[name].optimal_cut:
                    yield _new(
                        "measures", population, endpoint, name, setting.labels[name], "above v below the best cut", "cut", (name,),
                        "cut",
                    )  # fmt: skip
            for name in (*setting.markers, *setting.features, *measures) if plan.treatment_interaction else ():
                kind = "measures" if name in measures else "features" if name in setting.features else "markers"
                question = _new(
                    "interaction", population, endpoint, name, setting.labels[name], "effect with IMiD v effect without",
                    "interaction", (name,), "present:imid", kind,
                )  # fmt: skip
                own = (setting.measures[name].source,) if name in measures else ()
                yield _with_adjustment(question, config, setting, without=(*ARM, *own))


def _single(
    kind: str, population: str, endpoint: str, name: str, model: str, config: CohortFile, setting: Setting
) -> Question:  # fmt: skip
    flag = name not in setting.measures
    words = "present v absent" if flag else setting.measures[name].per
    term = "present" if flag else "value"
    question = _new(kind, population, endpoint, name, setting.labels[name], words, model, (name,), term)
    # a measure that is itself adjusted for must not stand in its own model twice
    own = () if flag else (setting.measures[name].source,)
    return _with_adjustment(question, config, setting, without=own)


def _under_treatment(config: CohortFile, setting: Setting) -> Iterator[Question]:
    """Questions about markers of later samples: at a landmark, or as time-dependent covariates."""
    later = sorted({name for time, states in setting.course.states.items() if time != "baseline" for name in states})
    for landmark in config.analysis.landmarks:
        there = setting.course.states.get(landmark.timepoint, {})
        for name in landmark.markers if landmark.markers is not None else [m for m in setting.markers if m in there]:
            words = f"present v absent by day {landmark.day:g}"
            question = _new(
                "landmark", landmark.population, landmark.endpoint, name, setting.labels[name], words, "landmark", (name,),
                landmark.name, declared=landmark.name,
            )  # fmt: skip
            yield _with_adjustment(question, config, setting)
        for measure in landmark.measures:
            yield _dated("landmark", landmark, f"dated:{measure.name}", f", last known by day {landmark.day:g}", config, setting)
    for item in config.analysis.time_dependent:
        for name in item.markers if item.markers is not None else [m for m in setting.markers if m in later]:
            question = _new(
                "time_dependent", item.population, item.endpoint, name, setting.labels[name], "present v absent, as last known",
                "time_dependent", (name,), item.name, declared=item.name,
            )  # fmt: skip
            yield _with_adjustment(question, config, setting)
        for measure in item.measures:
            yield _dated("time_dependent", item, f"dated:{measure.name}", ", as last known", config, setting)


def _dated(
    kind: str, item: Landmark | TimeDependent, name: str, when: str, config: CohortFile, setting: Setting
) -> Question:  # fmt: skip
    words = setting.dated[name].per + when
    question = _new(
        kind, item.population, item.endpoint, name, setting.labels[name], words, kind, (name,), item.name, declared=item.name
    )  # fmt: skip
    return _with_adjustment(question, config, setting)


def _other_levels(contrast: Contrast, setting: Setting) -> tuple[str, ...]:
    """Return the levels that stand in the model beside the one asked about."""
    if contrast.others == "left_out" or contrast.reference is None:
        return ()
    named = {str(contrast.level), str(contrast.reference)}
    return tuple(level for level in setting.codings[contrast.variable].levels if level not in named)


def _models(config: CohortFile, setting: Setting, endpoint: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return crude; adjusted where there is anything to adjust for; and what competing events and missing values ask for."""
    plan = config.analysis
    named = {*plan.covariates, *setting.stratified_by} - set(without)
    models = ["crude"]
    if named:
        models.append("adjusted")
        if plan.missing == "multiple_imputation" and set(plan.covariates) - set(without) - set(setting.stratified_by):
            models.append("imputed")
    if setting.outcomes[endpoint].competing:
        models.append("subdistribution")
    return tuple(models)


#: kinds of estimate that are adjusted for covariates and strata
ADJUSTED = ("adjusted", "imputed", "subdistribution", "landmark", "time_dependent", "interaction")


def _with_adjustment(question: Question, config: CohortFile, setting: Setting, without: tuple[str, ...] = ()) -> Question:
    if question.model not in ADJUSTED:
        return question
    strata = tuple(name for name in setting.stratified_by if name not in without)
    covariates = tuple(name for name in dict.fromkeys(config.analysis.covariates) if name not in (*without, *strata))
    method = _method(question, config, setting)
    if method is not None and not method.stratified:
        return replace(question, covariates=(*covariates, *strata))
    return replace(question, covariates=covariates, strata=strata)


def _method(question: Question, config: CohortFile, setting: Setting) -> Method | None:
    together = question.kind == "contrasts" and len(question.terms) > 1
    return method_for(
        config.endpoints[question.endpoint].kind,
        "joint" if together else question.model,
        flag=not setting.is_number(question.terms[0]),
        rare=question.rare,
        wanted=config.analysis.methods,
        asked=question.kind,
        wald=config.analysis.cox_interval == "wald",
    )


def _decided(question: Question, config: CohortFile, setting: Setting) -> Question:
    """Fill in the numbers, the method, and the reason why a question cannot be asked."""
    rows = rows_of(question, config, setting)
    used = rows.used
    carriers = rows.carriers(question.terms.index(question.marker_id) if question.kind == "joint" else 0)
    n, n_carriers, events = int(used.sum()), int(carriers.sum()), int((used & setting.outcomes[question.endpoint].event).sum())
    counted = config.endpoints[question.endpoint].kind in COUNTED
    question = replace(
        question,
        n=n,
        events=events if counted else None,
        carriers=n_carriers if rows.flag else 0,
        not_assessed=int((rows.base & ~rows.assessed).sum()),
        incomplete=int((rows.base & rows.assessed & ~rows.complete).sum()),
        rare=rows.flag and n > 0 and _rare(_smallest_group(rows), question, n, events, config),
    )
    method = _method(question, config, setting)
    question = replace(
        question,
        method="-" if method is None else method.name,
        contrast=question.contrast if method is None or not method.contrast else method.contrast,
    )
    return replace(question, refused=refusal(question, method, config, setting, rows))


def _smallest_group(rows: Rows) -> int:
    """Return the size of the smallest group of the model: markers of one model are answered by one method."""
    with_it = (rows.terms[rows.used] == 1).sum(axis=0)
    without = int(rows.used.sum()) - with_it
    sizes = np.concatenate([with_it, without])
    return int(sizes[sizes > 0].min(initial=int(rows.used.sum())))


def _rare(smaller: int, question: Question, n: int, events: int, config: CohortFile) -> bool:
    """Whether the smaller group (survival: or its events as expected from the margins) is too small for an asymptotic test."""
    least = config.analysis.few_carriers
    timed = config.endpoints[question.endpoint].kind == "time_to_event"
    return smaller < least or (timed and smaller * events / n < least)
