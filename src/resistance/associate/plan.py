"""Cohort file and stage tables -> the statistical analysis plan, complete before any p-value exists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.associate.methods import METHODS
from resistance.associate.policies import families_of, outcome_in_words, policies, population_in_words
from resistance.associate.question import COUNTED, Question, role_of
from resistance.associate.questions import enumerate_questions
from resistance.associate.setting import Setting, make_setting

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile

VERSION = 3


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
        "policies": policies(config, setting, questions),
        "populations": _populations(config, setting),
        "endpoints": _endpoints(config, setting),
        "adjustment": {
            "covariates": list(config.analysis.covariates),
            "strata": list(setting.stratified_by),
            "strata_declared": config.analysis.strata is not None,
            "codings": {
                name: coding.words
                for name, coding in sorted(setting.codings.items())
                if name in (*config.analysis.covariates, *setting.stratified_by)  # a contrast names its own levels
            },
            "unknown": {name: int(values.isna().sum()) for name, values in sorted(setting.variables.items())},
        },
        "measures": [
            {"marker_id": name, "label": m.label, "source": m.source, "per": m.per, "measured": int(np.isfinite(m.value).sum())}
            for name, m in setting.measures.items()
        ],
        "methods": [
            {"name": m.name, "test": m.test, "scale": m.scale, "reference": m.reference} for m in METHODS if m.name in used
        ],
        "families": families_of(questions),
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
        rules = population_in_words(config.analysis.populations[name]) if name in config.analysis.populations else ""
        out.append({"name": name, "label": label, "rules": rules, "n": int(members.sum()), "arms": arms, "endpoints": counted})
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
                "outcome": outcome_in_words(endpoint),
                "origin": endpoint.origin,
                "primary": name == config.analysis.primary,
                "role": role_of(name, config),
                "competing_as": competing,
                "excluded": setting.outcomes[name].excluded,
            }
        )
    return out
