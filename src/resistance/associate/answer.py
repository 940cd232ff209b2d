"""Plan and stage tables -> one row per question of the plan, answered or with the reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from math import exp, inf, isfinite
from typing import TYPE_CHECKING, Any, Literal

from resistance.associate.family_wise import family_wise
from resistance.associate.imputed import TEST, imputed, method_words
from resistance.associate.leak import same_as_outcome, says_the_outcome
from resistance.associate.methods import Estimate, Method, method_named, too_few
from resistance.associate.methods.restricted_mean import with_restricted_mean
from resistance.associate.multiplicity import adjusted_for_many
from resistance.associate.plan import digest_of, digests
from resistance.associate.question import COUNTED, Question, role_of
from resistance.associate.rows import Rows, rows_of
from resistance.associate.sample import out_of_range, sample_of
from resistance.associate.setting import Setting, make_setting
from resistance.associate.states import NOT_ASSESSED
from resistance.associate.together import answered_together
from resistance.errors import InputError
from resistance.stats.evalue import e_value

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile


#: numbers of an estimate that are columns of the results
NUMBERS = tuple(f.name for f in fields(Estimate) if f.type == "float" and f.name != "se")
_E_SCALES: dict[str, Literal["odds_ratio", "hazard_ratio"]] = {"log_odds_ratio": "odds_ratio", "log_hazard_ratio": "hazard_ratio"}
#: share of patients with the outcome above which a ratio is converted before its E-value is taken
COMMON = 0.15
#: log ratio whose exponential a double still holds
LARGEST = 700.0
#: columns that need all answers of a family
_LATER = ("q_value", "weight", "p_familywise", "gate_open")


def answer(
    plan: dict[str, Any],
    config: CohortFile,
    cohort: Cohort,
    markers: pd.DataFrame,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    *,
    gene_states: pd.DataFrame | None = None,
    stages: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Answer the questions of a plan, no more and no fewer.

    Parameters
    ----------
    plan : dict
        From :func:`resistance.associate.make_plan`.
    config, cohort, markers, matrix, subtypes, gene_states, stages
        What the plan was made from.

    Returns
    -------
    DataFrame
        The ``results`` table, in the order of the plan.  Where a question was refused or its model has
        no finite maximum, the numbers are NA, ``converged`` is False and ``note`` says why.

    Raises
    ------
    InputError
        The plan was altered, or the tables changed since it was made.
    """
    import pandas as pd

    from resistance.schemas import RESULTS
    from resistance.tables import conform

    _check(plan, digests(cohort, markers, matrix, subtypes, gene_states, stages))
    setting = make_setting(config, cohort, markers, matrix, subtypes, gene_states, stages)
    questions = [_question(item) for item in plan["questions"]]
    together = answered_together(questions, config, setting)
    rows = [_row(question, together.get(question.question_id), config, setting) for question in questions]
    frame = pd.DataFrame(rows, columns=[c for c in RESULTS.names if c not in _LATER])
    max_t = family_wise(questions, config, setting) if config.analysis.multiplicity.family_wise == "max_t" else {}
    frame["p_familywise"] = frame["question_id"].map(max_t).astype("float64")
    means = {name: m.centre for name, m in setting.measures.items() if name.startswith("expression:")}
    return conform(adjusted_for_many(frame, config, means)[list(RESULTS.names)], RESULTS)


def count_tests(results: pd.DataFrame) -> pd.DataFrame:
    """Return per family how many questions were planned, tested and not run, and the smallest q.

    Returns
    -------
    DataFrame
        family, questions, tested, not_run, smallest_q (NaN where nothing was tested).
    """
    import pandas as pd

    rows = []
    for family, mine in results.groupby("family", sort=False):
        tested = int(mine["p_value"].notna().sum())
        smallest = float(mine["q_value"].min()) if tested else float("nan")
        rows.append((family, len(mine), tested, len(mine) - tested, smallest))
    return pd.DataFrame(rows, columns=["family", "questions", "tested", "not_run", "smallest_q"])


def _check(plan: dict[str, Any], inputs: dict[str, str]) -> None:
    if plan.get("digest") != digest_of(plan):
        raise InputError(
            "the analysis plan was altered after it was written",
            path="plan.json",
            column="digest",
            value=plan.get("digest"),
            remedy="Change the cohort file instead, and run `resistance associate` again.",
        )
    changed = sorted(name for name in {*inputs, *plan["inputs"]} if inputs.get(name) != plan["inputs"].get(name))
    if changed:
        raise InputError(
            f"these tables are not those the analysis plan was made from: {', '.join(changed)}",
            path="plan.json",
            column="inputs",
            remedy="Run `resistance associate` again: it writes the plan first.",
        )


def _question(item: dict[str, Any]) -> Question:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in item.items()}
    return Question(**values)


def _row(question: Question, known: tuple[Estimate, list[str]] | None, config: CohortFile, setting: Setting) -> dict[str, Any]:
    rows = rows_of(question, config, setting)
    tested = question.terms.index(question.marker_id) if question.kind == "joint" else 0
    event, counted = setting.outcomes[question.endpoint].event, config.endpoints[question.endpoint].kind in COUNTED
    method = None if question.method == "-" else method_named(question.method)
    notes: list[str] = []
    if question.refused or method is None:
        found = Estimate(note=question.refused)
    else:
        found, notes = known or _estimate(question, method, rows, tested, config, setting)
        notes += _assumed(question, rows, tested, config, setting)
    if question.incomplete and question.n:
        notes.append(f"{_patients(question.incomplete)} left out for an unknown covariate")
    if question.kind == "contrasts" and question.not_assessed:
        notes.append(f"{_patients(question.not_assessed)} with another or no value left out")
    if rows.late:
        notes.append(f"{_patients(rows.late)} had the event or left follow-up by day {rows.origin:g}: left out")
    return {
        "question_id": question.question_id,
        "population": question.population,
        "family": question.family,
        "role": role_of(question.endpoint, config),
        "endpoint": question.endpoint,
        "marker_id": question.marker_id,
        "label": question.label,
        "contrast": question.contrast,
        "model": question.model,
        "method": _named(question, method, config),
        "test": None if method is None else TEST if question.model == "imputed" else method.test,
        "adjusted_for": _adjusted_for(question),
        "scale": None if method is None else method.scale or None,
        **_numbers(found, method),
        **_e_values(found, method, question, config),
        "n": question.n,
        "events": question.events,
        "carriers": question.carriers if rows.flag else None,
        "carrier_events": rows.carrier_events(tested, event) if rows.flag and counted else None,
        "not_assessed": question.not_assessed,
        "separated": found.separated,
        "assumption": found.assumption,
        "converged": found.converged,
        "note": "; ".join(filter(None, [found.note, *notes])) or None,
    }


def _estimate(
    question: Question, method: Method, rows: Rows, tested: int, config: CohortFile, setting: Setting
) -> tuple[Estimate, list[str]]:
    """Answer one question, and say what was left out of its model."""
    if question.model == "imputed":
        return imputed(question, method, rows, tested, config, setting)
    sample, notes = sample_of(question, rows, tested, config, setting)
    kind = config.endpoints[question.endpoint].kind
    columns = {"the outcome": sample.value} if kind == "continuous" else {}
    refused = out_of_range(columns | dict(zip(sample.names, sample.design.T, strict=True))) or same_as_outcome(sample, kind)
    if refused:
        return Estimate(note=refused), notes
    found = method.fit(sample)
    notes += filter(None, [says_the_outcome(sample, kind)])
    if kind == "time_to_event" and question.model == "crude" and len(question.terms) == 1 and found.converged:
        found = with_restricted_mean(found, sample)
    if (not method.exact or found.asymptotic) and question.model != "interaction":
        found = too_few(found, sample, kind, config.analysis.min_carrier_events)
    return found, notes


def _named(question: Question, method: Method | None, config: CohortFile) -> str:
    """Return the method as the results print it."""
    if method is None:
        return "none"
    return method_words(method, config.analysis.imputations) if question.model == "imputed" else question.method


def _assumed(question: Question, rows: Rows, tested: int, config: CohortFile, setting: Setting) -> list[str]:
    """Say what was done to the marker before it was asked about."""
    notes = []
    if question.terms[0] in setting.measures and setting.measures[question.terms[0]].zeros:
        notes.append(
            f"{setting.measures[question.terms[0]].zeros} zeros set to half the least value above 0 before the logarithm"
        )
    if question.terms[0] in setting.measures and setting.measures[question.terms[0]].at_limit:
        notes.append(f"{setting.measures[question.terms[0]].at_limit} undetected samples stand at their own limit of detection")
    if question.terms[0] in setting.dated:
        measure = setting.dated[question.terms[0]]
        if measure.at_limit:
            notes.append(f"{measure.at_limit} undetected samples stand at their own limit of detection")
        if measure.undated:
            notes.append(f"{measure.undated} measurements without a day left out")
    if (
        config.analysis.not_assessed == "absent"
        and question.kind not in ("contrasts", "landmark", "time_dependent")
        and rows.flag
    ):
        unknown = int((rows.used & (setting.state(question.terms[tested]) == NOT_ASSESSED)).sum())
        notes.append(
            f"{_patients(unknown)} in whom it was not assessed count{'s' if unknown == 1 else ''} as without it"
            if unknown
            else ""
        )
    return notes


def _numbers(found: Estimate, method: Method | None) -> dict[str, float]:
    """Return the numbers to ten digits, so that the last bits of one machine's libraries do not show in the file."""
    if method is None or not found.converged:
        return dict.fromkeys(NUMBERS, float("nan"))
    return {name: _rounded(float(getattr(found, name))) for name in NUMBERS}


def _rounded(value: float) -> float:
    return float(f"{value:.10g}") if isfinite(value) else float("nan")


def _e_values(found: Estimate, method: Method | None, question: Question, config: CohortFile) -> dict[str, float]:
    """Return how strong an unmeasured confounder would have to be, where that is asked and the effect is a ratio."""
    scale = _E_SCALES.get("" if method is None else method.scale)
    names = ("e_value", "e_value_bound")
    if not config.analysis.e_values or scale is None or not (found.converged and isfinite(found.effect)):
        return dict.fromkeys(names, float("nan"))
    if abs(found.effect) > LARGEST:  # per unit of a measure in tiny units: the ratio is beyond the numbers of a computer
        return dict.fromkeys(names, float("nan"))
    # beyond about 15 % an odds or hazard ratio is further from 1 than the risk ratio
    common = config.endpoints[question.endpoint].kind == "ordinal" or (question.events or 0) > COMMON * question.n
    bounds = (x if isfinite(x) else other for x, other in ((found.ci_low, -inf), (found.ci_high, inf)))
    low, high = (exp(min(x, LARGEST)) for x in bounds)
    value = e_value(exp(found.effect), low, high, scale=scale, common=common)
    return {name: _rounded(x) for name, x in zip(names, (value.e_value, value.e_value_limit), strict=True)}


def _patients(n: int) -> str:
    return f"{n} patient{'' if n == 1 else 's'}"


def _adjusted_for(question: Question) -> str | None:
    parts = [*question.covariates, *(f"strata({name})" for name in question.strata)]
    return ";".join(parts) or None
