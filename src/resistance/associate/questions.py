"""Setting -> every question of the analysis, each either to be asked or refused with the reason, from margins alone.

Nothing here looks at an outcome together with a marker: what may be asked is decided by numbers of
patients, carriers and events, so that a plan can be written before any result is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.associate.dated import spans
from resistance.associate.methods import Method, method_for
from resistance.associate.setting import Setting
from resistance.associate.states import NOT_ASSESSED, PRESENT, Mask

if TYPE_CHECKING:
    from resistance.config import CohortFile, ColumnMap, Contrast, Endpoint, Landmark, TimeDependent

FloatArray = NDArray[np.float64]

#: patients of an ordered outcome who are not in its commonest category, as few as an asymptotic test may have
APART = 2
#: covariates that say what the arm is; the interaction model holds the arm itself
ARM = ("imid", "treatment")
#: the kinds of question, in the order of the report
KINDS = (
    "joint",
    "contrasts",
    "markers",
    "measures",
    "features",
    "genes",
    "expression",
    "landmark",
    "time_dependent",
    "interaction",
)


@dataclass(frozen=True)
class Question:
    """One question.

    Parameters
    ----------
    question_id : str
        population/endpoint/marker/model/term.
    kind : str
        One of :data:`KINDS`.
    population, family, endpoint, marker_id, label, contrast, model : str
        As in the results table.
    method : str
        Name of the method, '-' where none takes this endpoint.
    terms : tuple of str
        Markers in the model, or the name of a contrast.
    declared : str
        Name of the joint model, contrast, landmark or time-dependent question in the cohort file.
    covariates, strata : tuple of str
        Adjusted for.
    n, events, carriers, not_assessed, incomplete : int
        Patients in the model, with the outcome, with the marker; left out because the marker was not
        assessed; left out because a covariate is unknown.
    rare : bool
        Too few carriers, or events expected in them, for an asymptotic test (survival).
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
    declared: str = ""
    covariates: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    n: int = 0
    events: int = 0
    carriers: int = 0
    not_assessed: int = 0
    incomplete: int = 0
    rare: bool = False
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
    terms : array, shape (n, k)
        1 present, 0 absent, or the value of a measure.
    flag : bool
        The terms are flags.
    origin : float
        Day from which time counts (a landmark), else 0.
    late : int
        Patients of the population who are not at risk at the landmark.
    """

    base: Mask
    assessed: Mask
    complete: Mask
    terms: FloatArray
    flag: bool = True
    origin: float = 0.0
    late: int = 0

    @property
    def used(self) -> Mask:
        """Patients in the model."""
        return self.base & self.assessed & self.complete

    def carriers(self, column: int) -> Mask:
        """Patients in the model who have the marker."""
        return np.asarray(self.used & (self.terms[:, column] == 1), dtype=np.bool_)


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
        known = at_level | _reference(contrast, setting)
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
        known, present = _ever(question, setting)
        return Rows(base, known, complete, present[:, None].astype(np.float64))
    if question.kind == "interaction":
        complete = complete & ~np.isnan(setting.imid)
    if question.terms[0] in setting.measures:
        value = setting.measures[question.terms[0]].value
        return Rows(base, ~np.isnan(value), complete, np.nan_to_num(value)[:, None], flag=False)
    states = np.column_stack([setting.state(term) for term in question.terms])
    assessed = np.ones(len(base), dtype=bool) if config.analysis.not_assessed == "absent" else (states >= 0).all(axis=1)
    return Rows(base, np.asarray(assessed), complete, (states == PRESENT).astype(np.float64))


def _other_levels(contrast: Contrast, setting: Setting) -> tuple[str, ...]:
    """Return the levels that stand in the model beside the one asked about."""
    if contrast.others == "left_out" or contrast.reference is None:
        return ()
    named = {str(contrast.level), str(contrast.reference)}
    return tuple(level for level in setting.codings[contrast.variable].levels if level not in named)


def _reference(contrast: Contrast, setting: Setting) -> Mask:
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


def _ever(question: Question, setting: Setting) -> tuple[Mask, Mask]:
    """Return who has a known state at any time point, and in whom the marker is present at any."""
    n = len(setting.patients)
    known, present = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for timepoint in setting.course.states:
        state = setting.course.state(timepoint, question.terms[0], n)
        known |= state != NOT_ASSESSED
        present |= state == PRESENT
    return known, present


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
            for name in (*setting.markers, *measures) if plan.treatment_interaction else ():
                question = _new(
                    "interaction", population, endpoint, name, setting.labels[name], "effect with IMiD v effect without",
                    "interaction", (name,), "present:imid", "measures" if name in measures else "markers",
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
    question = replace(
        question,
        n=n,
        events=events,
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
    return replace(question, refused=_refusal(question, method, config, setting, rows))


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


def _refusal(question: Question, method: Method | None, config: CohortFile, setting: Setting, rows: Rows) -> str:
    """Return the first reason against asking, '' where there is none."""
    plan, kind = config.analysis, config.endpoints[question.endpoint].kind
    what, rarer = {
        "time_to_event": ("events", question.events),
        "binary": ("patients with the rarer outcome", min(question.events, question.n - question.events)),
    }.get(kind, ("patients", question.n))
    if question.kind not in ("contrasts", "landmark", "time_dependent") and plan.timepoint != "baseline":
        return (
            f"the marker was taken at {plan.timepoint}, the endpoint counts from {config.endpoints[question.endpoint].origin}: "
            "patients had to come that far to have it (immortal time), so it is not asked; ask it at a landmark (analysis.landmarks)"
        )
    if not rows.base.any():
        if question.kind == "landmark" and rows.late:
            return f"no patient is in follow-up without event at day {rows.origin:g}"
        return "no patient of the population has a value of the endpoint"
    leak = _leak(question, config, setting)
    if leak:
        return leak
    if method is None:
        return (
            f"no method for a {question.model} question about {'a number' if not rows.flag else 'a marker'} and a {kind} endpoint"
        )
    if question.kind == "interaction":
        with_imid, without_imid, _ = setting.arms(rows.base)
        if min(with_imid, without_imid) == 0:
            return "one arm only: whether a marker's effect differs by treatment cannot be asked"
    if question.kind == "contrasts":
        contrast = next(c for c in plan.contrasts if c.name == question.terms[0])
        if not (rows.base & setting.level(contrast.variable, contrast.level)).any():
            return f"no patient here has {contrast.variable} {contrast.level}"
        if not (rows.base & _reference(contrast, setting)).any():
            return f"no patient here has {contrast.variable} {'of another level' if contrast.reference is None else contrast.reference}"
    elif not (rows.base & rows.assessed).any():
        return "not measured in any patient" if not rows.flag else "not assessed in any patient"
    if question.n == 0:
        return "no patient has all covariates known"
    if not rows.flag:
        if np.ptp(rows.terms[rows.used, 0]) == 0:
            return "the measure does not vary"
    else:
        if question.carriers == 0:
            return "no carrier"
        if question.carriers == question.n and question.kind != "time_dependent":
            return "no patient without it"
        if question.kind != "contrasts" and question.carriers < plan.min_carriers:
            return f"fewer than {plan.min_carriers} carriers (analysis.min_carriers)"
    if rarer < method.minimum_events:
        return f"fewer than {method.minimum_events} {what}"
    if kind == "ordinal" and not method.exact:
        # one patient in another category is no more than one event
        best = setting.outcomes[question.endpoint].value[rows.used]
        apart = int(best.size - np.unique(best, return_counts=True)[1].max())
        if apart < APART:
            return f"fewer than {APART} patients outside the commonest category"
    if question.kind == "interaction" and rows.flag:
        return _empty_cell(rows, setting)
    return ""


def _leak(question: Question, config: CohortFile, setting: Setting) -> str:
    """Return the complaint where what is asked about comes from the column that the endpoint comes from."""
    endpoint = config.endpoints[question.endpoint]
    columns = {name for spec in (endpoint.value, *_survival_columns(endpoint)) if spec is not None for name in columns_in(spec)}
    asked = [question.terms[0]] if question.kind != "contrasts" else []
    if question.kind == "contrasts":
        asked = [c.variable for c in config.analysis.contrasts if c.name == question.terms[0]]
    for name in (*asked, *question.covariates, *question.strata):
        variable = setting.measures[name].source if name in setting.measures else name
        spec = config.covariates.get(variable)
        if spec is not None and columns & set(columns_in(spec)):
            return f"{variable} is read from a column of the endpoint itself: it would explain the outcome by the outcome"
    return ""


def _survival_columns(endpoint: Endpoint) -> tuple[ColumnMap | None, ...]:
    return () if endpoint.survival is None else (endpoint.survival.time, endpoint.survival.event)


def columns_in(spec: ColumnMap) -> tuple[str, ...]:
    """Return the columns of the file that a value is taken from."""
    return (spec.column,) if isinstance(spec.column, str) else tuple(spec.column or ())


def _empty_cell(rows: Rows, setting: Setting) -> str:
    carrier, used = rows.terms[:, 0] == 1, rows.used
    for arm, words in ((1.0, "with IMiD"), (0.0, "without IMiD")):
        for has, which in ((True, "carrier"), (False, "non-carrier")):
            if not (used & (setting.imid == arm) & (carrier == has)).any():
                return f"no {which} {words}"
    return ""


def role_of(endpoint: str, config: CohortFile) -> str:
    """Return what the plan makes of an endpoint."""
    if endpoint == config.analysis.primary:
        return "primary"
    return "secondary" if endpoint in config.analysis.secondary else "exploratory"
