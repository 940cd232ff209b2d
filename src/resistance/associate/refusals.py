"""Why a question of the plan cannot be asked, from margins alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.associate.methods import Method
from resistance.associate.question import Question
from resistance.associate.rows import Rows, reference_of
from resistance.associate.setting import Setting

if TYPE_CHECKING:
    from resistance.config import CohortFile, ColumnMap, Endpoint

#: patients of an ordered outcome who are not in its commonest category, as few as an asymptotic test may have
APART = 2


def refusal(question: Question, method: Method | None, config: CohortFile, setting: Setting, rows: Rows) -> str:
    """Return the first reason against asking, '' where there is none."""
    plan, kind = config.analysis, config.endpoints[question.endpoint].kind
    events = question.events or 0
    what, rarer = {
        "time_to_event": ("events", events),
        "binary": ("patients with the rarer outcome", min(events, question.n - events)),
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
        if not (rows.base & reference_of(contrast, setting)).any():
            return f"no patient here has {contrast.variable} {'of another level' if contrast.reference is None else contrast.reference}"
    elif not (rows.base & rows.assessed).any() and question.kind == "time_dependent":
        return "no patient has time at risk after the marker was first known"
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
    if question.model == "cut" and kind == "time_to_event" and (setting.outcomes[question.endpoint].entry[rows.used] > 0).any():
        return "patients came under observation late (delayed entry), for which the search of a cut has no test"
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
