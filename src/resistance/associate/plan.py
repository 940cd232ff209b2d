"""Cohort file and stage tables -> the statistical analysis plan, complete before any p-value exists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.associate.methods import METHODS
from resistance.associate.question import COUNTED, Question, role_of
from resistance.associate.questions import enumerate_questions
from resistance.associate.setting import Setting, make_setting
from resistance.stats.independent_weights import TESTS_PER_BIN

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile

VERSION = 2


def make_plan(
    config: CohortFile,
    cohort: Cohort,
    markers: pd.DataFrame,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    *,
    gene_states: pd.DataFrame | None = None,
    stages: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """Write down what will be asked, of whom and how.

    Only margins are looked at: numbers of patients, carriers and events, never an outcome together
    with a marker.

    Parameters
    ----------
    config : CohortFile
    cohort : Cohort
    markers, matrix, subtypes : DataFrame
        As in :mod:`resistance.schemas`.
    gene_states : DataFrame, optional
        patient_id, marker_id (``gene:TP53``), state: the genes of a scan (``analysis.genes: all_mutated``).
    stages : mapping of DataFrame, optional
        Further stage tables that measures are read from: ``effects`` (``vaf:``), ``quantity`` (``ctdna:``).

    Returns
    -------
    dict
        Plain values, ready for JSON: ``study``, ``arms``, ``claim`` (what these data can say),
        ``seed``, ``timepoint``, ``policies``, ``populations`` (n, arms; per endpoint n and events),
        ``endpoints`` (with the patients left out, by reason), ``adjustment``, ``methods``, ``families`` (questions, refused),
        ``questions`` (see :class:`resistance.associate.question.Question`), ``inputs`` (digests of
        the tables) and ``digest`` (SHA-256 of all the rest).

    Raises
    ------
    InputError
        The analysis names a marker, variable or population that the tables do not have.
    """
    setting = make_setting(config, cohort, markers, matrix, subtypes, gene_states, stages)
    questions = enumerate_questions(config, setting)
    _unique(questions)
    used = {question.method for question in questions}
    plan: dict[str, Any] = {
        "version": VERSION,
        "study": {"name": config.study.name, "title": config.study.title, "simulated": config.study.simulated},
        "arms": _arms(setting),
        "claim": _claim(config, setting),
        "seed": config.seed,
        "alpha": 0.05,
        "timepoint": config.analysis.timepoint,
        "policies": _policies(config, setting, questions),
        "populations": _populations(config, setting),
        "endpoints": _endpoints(config, setting),
        "adjustment": {
            "covariates": list(config.analysis.covariates),
            "strata": list(setting.stratified_by),
            "strata_declared": config.analysis.strata is not None,
            "codings": {name: coding.words for name, coding in sorted(setting.codings.items())},
            "unknown": {name: int(values.isna().sum()) for name, values in sorted(setting.variables.items())},
        },
        "measures": [
            {"marker_id": name, "label": m.label, "source": m.source, "per": m.per, "measured": int(np.isfinite(m.value).sum())}
            for name, m in setting.measures.items()
        ],
        "methods": [
            {"name": m.name, "test": m.test, "scale": m.scale, "reference": m.reference} for m in METHODS if m.name in used
        ],
        "families": _families(questions),
        "questions": [_plain(question) for question in questions],
        "inputs": digests(cohort, markers, matrix, subtypes, gene_states, stages),
    }
    return plan | {"digest": digest_of(plan)}


def digest_of(plan: dict[str, Any]) -> str:
    """Return the SHA-256 of a plan without its own digest."""
    text = json.dumps({k: v for k, v in plan.items() if k != "digest"}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digests(
    cohort: Cohort,
    markers: pd.DataFrame,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    gene_states: pd.DataFrame | None,
    stages: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, str]:
    """Return the SHA-256 of the rows of every table the analysis reads; the order of rows does not matter."""
    tables = {
        "patients": cohort.patients,
        "endpoints": cohort.endpoints,
        "markers": markers,
        "matrix": matrix,
        "subtypes": subtypes,
    }
    if gene_states is not None:
        tables["gene_states"] = gene_states
    tables |= {"samples": cohort.samples, "measurements": cohort.measurements, **(stages or {})}
    return {name: _rows_digest(table) for name, table in tables.items()} | {
        "expression": _wide_digest(cohort.expression, "gene"),
        "features": _wide_digest(cohort.features, "patient_id"),
    }


def _wide_digest(table: pd.DataFrame, key: str) -> str:
    """Return the SHA-256 of a wide table of numbers: of its names and the bytes of its numbers (as text it takes minutes)."""
    rows = table[key].astype(str).to_numpy()
    order, columns = np.argsort(rows, kind="stable"), sorted(name for name in table.columns if name != key)
    names = hashlib.sha256("\n".join([*rows[order], "", *columns]).encode())
    names.update(np.ascontiguousarray(table[columns].to_numpy(dtype="<f8")[order]).tobytes())
    return names.hexdigest()


def _rows_digest(table: pd.DataFrame) -> str:
    lines = table.to_csv(index=False, header=False, lineterminator="\n").split("\n")
    text = ",".join(str(name) for name in table.columns) + "\n" + "\n".join(sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(question: Question) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(question).items()}


def _unique(questions: list[Question]) -> None:
    from resistance.errors import InputError, Problem

    seen: set[str] = set()
    problems = []
    for question in questions:
        if question.question_id in seen:
            remedy = "Give each joint model and contrast a name of its own."
            problems.append(Problem("the same question stands twice in the analysis", "analysis", value=question.question_id,
                                    remedy=remedy))  # fmt: skip
        seen.add(question.question_id)
    if problems:
        raise InputError(problems)


def _arms(setting: Setting) -> dict[str, int]:
    with_imid, without_imid, unknown = setting.arms(setting.populations["all"][1])
    return {"imid": with_imid, "no_imid": without_imid, "unknown": unknown}


def _claim(config: CohortFile, setting: Setting) -> str:
    """Return what these data can say about treatment, in one sentence."""
    arms = _arms(setting)
    if arms["imid"] and arms["no_imid"]:
        if config.analysis.treatment_interaction:
            return (
                "Patients with and without an IMiD: a marker counts as predictive only by its marker x treatment interaction, "
                "and only as far as the arms are comparable; every other row is an association with outcome."
            )
        return "Patients with and without an IMiD, but no interaction is asked: every row is an association with outcome."
    if arms["imid"]:
        return (
            "Every patient had an IMiD: there is no control arm, so an association with outcome may be prognostic or an effect "
            "on the treatment, and these data cannot tell which."
        )
    if arms["no_imid"]:
        return "No patient had an IMiD: every association here is prognostic under other treatment."
    return "It is not known who had an IMiD: every row is an association with outcome, whatever the treatment."


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
        asked_of = [row["questions"] - row["refused"] for row in _families(questions)]
        large = sum(number >= 2 * TESTS_PER_BIN for number in asked_of)
        text += f" {large} of the {len(asked_of)} families here have so many." if large else " No family here has so many."
    if asked.family_wise == "max_t":
        text += (
            " Families of single markers also get step-down max-T p-values (Westfall and Young) by permutation within strata. A marker's "
            "statistic is that of its assessed patients; this takes a patient's outcome to say nothing, within a stratum, about "
            "whether a marker was assessed (where it does, the p-values are right in large samples only)."
        )
    if asked.hierarchy:
        order = ", then ".join(config.endpoints[name].label for name in asked.hierarchy)
        text += f" Endpoints are tested in the order {order}: findings are confirmatory only where each one before has a finding at 5 %."
    return text


def _policies(config: CohortFile, setting: Setting, questions: list[Question]) -> dict[str, Any]:
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
            f"A marker needs at least {plan.min_carriers} carrier(s) and one patient without it; the others are "
            "listed, not tested. Only these margins decide, never a result."
        ),
        "rare": (
            f"Survival: where carriers (or patients without the marker), or the events expected in them from the margins, are fewer "
            f"than {plan.few_carriers}, effect and interval are penalised (Firth) and the p comes from {plan.permutations:,} permutations "
            "of martingale residuals within strata. Which it is, is decided by margins before any result."
        ),
        "few_events": (
            f"An asymptotic model with fewer than {plan.min_carrier_events} carriers who had an event (binary endpoints: "
            "either outcome) gives estimate and interval but no p. Exact and permutation tests are not concerned."
        ),
        "not_converged": "A model without a finite maximum gives neither an estimate nor a p.",
        "interval": "95 %.",
    }


def _populations(config: CohortFile, setting: Setting) -> list[dict[str, Any]]:
    out = []
    for name, (label, members) in setting.populations.items():
        counted = {}
        for endpoint, outcome in setting.outcomes.items():
            usable = members & outcome.usable
            events = int((usable & outcome.event).sum()) if outcome.kind in COUNTED else None
            counted[endpoint] = {"n": int(usable.sum()), "events": events}
        with_imid, without_imid, unknown = setting.arms(members)
        arms = {"imid": with_imid, "no_imid": without_imid, "unknown": unknown}
        out.append({"name": name, "label": label, "n": int(members.sum()), "arms": arms, "endpoints": counted})
    return out


def _endpoints(config: CohortFile, setting: Setting) -> list[dict[str, Any]]:
    out = []
    for name, endpoint in config.endpoints.items():
        survival = endpoint.survival
        competing = survival.competing_as if survival is not None and survival.competing_codes else None
        out.append(
            {
                "name": name,
                "label": endpoint.label,
                "kind": endpoint.kind,
                "origin": endpoint.origin,
                "primary": name == config.analysis.primary,
                "role": role_of(name, config),
                "competing_as": competing,
                "excluded": setting.outcomes[name].excluded,
            }
        )
    return out


def _families(questions: list[Question]) -> list[dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for question in questions:
        row = out.setdefault(question.family, {"family": question.family, "questions": 0, "refused": 0})
        row["questions"] += 1
        row["refused"] += bool(question.refused)
    return list(out.values())
