"""Cohort file and questions -> the sentences of the plan: definitions, policies, families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.associate.question import Question
from resistance.associate.setting import Setting
from resistance.stats.independent_weights import TESTS_PER_BIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resistance.config import CohortFile, Endpoint, Population, Rule

_MULTIPLICITY = {
    "bh": "Benjamini-Hochberg (false discovery rate)",
    "by": "Benjamini-Yekutieli (false discovery rate under any dependence)",
    "storey": "Storey's q-value (false discovery rate; families of fewer than 100 tests by Benjamini-Hochberg)",
    "ihw": "Independent hypothesis weighting (false discovery rate: Benjamini-Hochberg with weights that are learned out of fold)",
    "holm": "Holm (family-wise error)",
    "bonferroni": "Bonferroni (family-wise error)",
}


def _multiplicity(config: CohortFile, questions: list[Question]) -> str:
    asked = config.analysis.multiplicity
    text = (
        f"{_MULTIPLICITY[asked.method]} within each family; a family is one population, endpoint, model and kind of question. "
        "Questions that cannot be answered stay in the list and are counted as not run."
    )
    if asked.method == "ihw":
        by = (
            "carriers (or patients without the marker, where fewer)"
            if asked.weights_by == "carriers"
            else "patients in the model"
        )
        text += (
            f" Weights go by {by}, those of expression by its mean over all patients: margins that are known before any p. A family is "
            f"cut into one bin of that margin for each {TESTS_PER_BIN:,} tests, 5 folds are drawn with the seed {config.seed}, and each "
            f"fold's weights come from the p of the others; a family of fewer than {2 * TESTS_PER_BIN:,} tests has one bin, which is "
            "Benjamini-Hochberg unweighted."
        )
        asked_of = [row["questions"] - row["refused"] for row in families_of(questions)]
        large = sum(number >= 2 * TESTS_PER_BIN for number in asked_of)
        text += f" {large} of the {len(asked_of)} families here have so many." if large else " No family here has so many."
    if asked.family_wise == "max_t":
        text += (
            " Families of single markers also get step-down max-T p-values (Westfall and Young) by permutation within strata. A marker's "
            "statistic is that of its assessed patients; this takes a patient's outcome to say nothing, within a stratum, about "
            "whether a marker was assessed (where it does, the p-values are right in large samples only)."
        )
    families = len(families_of(questions))
    if families > 1:
        text += f" Nothing is adjusted across the {families:,} families: the more of them, the more findings by chance."
    if asked.hierarchy:
        order = ", then ".join(config.endpoints[name].label for name in asked.hierarchy)
        text += (
            f" Endpoints are tested in the order {order}: a family's findings are confirmatory only where the "
            "family of the same population, model and kind of question has one at 5 % for each endpoint before."
        )
    return text


def outcome_in_words(endpoint: Endpoint) -> str:
    """Return what counts as the outcome of an endpoint, by the codes of the file."""
    survival, adverse = endpoint.survival, endpoint.adverse_event
    if survival is not None and endpoint.kind == "time_to_event":
        text = f"event {_codes(survival.event_codes)}; censored {_codes(survival.censored_codes)}"
        if survival.competing_codes:
            text += f"; competing {_codes(survival.competing_codes)}"
        if survival.start is not None:
            text += "; counted from the start of treatment"
        return text + (
            "; at risk from the day the patient came under observation (delayed entry)" if survival.entry is not None else ""
        )
    if adverse is not None:
        what = "any adverse event" if adverse.terms is None else _codes(adverse.terms, " or ")
        until = f", by day {adverse.until_day:g}" if adverse.until_day is not None else ""
        return f"{what} of grade {adverse.grade_at_least} or more{until}"
    if endpoint.kind == "binary":
        left = f"; not evaluable {_codes(endpoint.not_evaluable)}" if endpoint.not_evaluable else ""
        return f"yes {_codes(endpoint.positive)}; no {_codes(endpoint.negative)}{left}"
    if endpoint.kind == "ordinal":
        left = f"; not evaluable {_codes(endpoint.not_evaluable)}" if endpoint.not_evaluable else ""
        return f"worst to best: {_codes(endpoint.levels, ' < ')}{left}"
    return "the number as it stands"


def population_in_words(population: Population) -> str:
    """Return the rules of a population."""
    return "; ".join(_rule(rule) for rule in population.include) or "all patients"


def _rule(rule: Rule) -> str:
    parts = []
    if rule.in_ is not None:
        parts.append(f"is {_codes(rule.in_, ' or ')}")
    if rule.not_in is not None:
        parts.append(f"is not {_codes(rule.not_in, ' or ')}")
    if rule.at_least is not None:
        parts.append(f"at least {rule.at_least:g}")
    if rule.at_most is not None:
        parts.append(f"at most {rule.at_most:g}")
    return f"{rule.column} {' and '.join(parts)}".rstrip()


def _codes(values: Iterable[Any], between: str = ", ") -> str:
    return between.join(str(value) for value in values)


def _rare(config: CohortFile, questions: list[Question]) -> str:
    """Return how rare markers are asked in survival, as the methods of this plan do it: the cohort file may take others."""
    plan = config.analysis
    if not any(config.endpoints[q.endpoint].kind == "time_to_event" and q.method != "-" for q in questions):
        return ""
    text = (
        f"Survival: where carriers (or patients without the marker), or the events expected in them from the margins, are fewer "
        f"than {plan.few_carriers}, effect and interval are penalised (Firth) and the p comes from {plan.permutations:,} permutations "
        "of martingale residuals within strata. Which it is, is decided by margins before any result."
    )
    instead = [key for key in plan.methods if key in ("cox", "log_rank", "firth_cox", "firth_cox_lrt")]
    if instead:
        text += f" The cohort file takes {_codes(instead, ' and ')} instead wherever a question allows it (analysis.methods)."
    return text


def _competing(config: CohortFile) -> str:
    """Return how competing events count, '' where no endpoint has any."""
    ways = {
        endpoint.survival.competing_as
        for endpoint in config.endpoints.values()
        if endpoint.survival is not None and endpoint.survival.competing_codes
    }
    if not ways:
        return ""
    models = {
        "censored": "a cause-specific model censors a patient at a competing event (its ratio is that of the rates among those still "
        "free of both, not of the risks)",
        "event": "a competing event counts as the event",
    }
    said = "; ".join(models[way] for way in sorted(ways))
    return (
        f"{said[0].upper()}{said[1:]}. Beside it stands the subdistribution model (Fine and Gray), whose ratio is about the "
        "cumulative incidence. Curves are cumulative incidences (Aalen and Johansen), not 1 less Kaplan-Meier."
    )


def policies(config: CohortFile, setting: Setting, questions: list[Question]) -> dict[str, Any]:
    """Return in sentences what the plan does with what is unknown, rare, repeated or not to be had, and why."""
    plan = config.analysis
    return {
        "not_assessed": (
            "A patient in whom the marker was not assessed is left out of that question, and counted."
            if plan.not_assessed == "leave_out"
            else "A patient in whom the marker was not assessed counts as without it: an assumption of this study, and counted."
        ),
        "missing_covariate": (
            "Complete cases: a patient with an unknown covariate is left out of adjusted models, and counted."
            if plan.missing == "complete_cases"
            else f"Unknown covariates are imputed {plan.imputations} times by chained equations with the outcome in them, and pooled by "
            "Rubin's rules (model 'imputed'); the complete cases stand beside it (model 'adjusted'). Strata are not imputed."
        ),
        "timepoints": (
            "Only markers taken at baseline are associated with endpoints that count from time zero. Markers of later samples "
            "are asked at a landmark or as time-dependent covariates, or described: a patient must stay in follow-up to have one "
            "(immortal time)."
        ),
        "markers_at_other_timepoints": setting.other_timepoints,
        "same_event": setting.same_event,
        "multiplicity": _multiplicity(config, questions),
        "filter": (
            f"A marker needs at least {plan.min_carriers} {'carrier' if plan.min_carriers == 1 else 'carriers'} and one patient without it; the others are "
            "listed, not tested. Only these margins decide, never a result."
        ),
        "rare": _rare(config, questions),
        "few_events": (
            f"An asymptotic model with fewer than {plan.min_carrier_events} carriers who had an event (binary endpoints: "
            "either outcome) gives estimate and interval but no p. Exact and permutation tests, and the penalised likelihood ratio of a "
            "logistic model (conservative with few carriers), are not concerned."
        ),
        "competing": _competing(config),
        "unmeasured": (
            "Beside each ratio stands the E-value: how strongly an unmeasured confounder would have to go with marker and outcome to "
            "explain it away, and to bring its interval to 1."
            if plan.e_values
            else ""
        ),
        "not_converged": "A model without a finite maximum gives neither an estimate nor a p.",
        "interval": "95 %.",
    }


def families_of(questions: list[Question]) -> list[dict[str, Any]]:
    """Return the families of the plan, each with its questions and the refused ones among them, counted."""
    out: dict[str, dict[str, Any]] = {}
    for question in questions:
        row = out.setdefault(question.family, {"family": question.family, "questions": 0, "refused": 0})
        row["questions"] += 1
        row["refused"] += bool(question.refused)
    return list(out.values())
