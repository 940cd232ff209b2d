"""A question and who stands in its model -> the arrays that a method takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.associate.course import episodes
from resistance.associate.dated import spans
from resistance.associate.methods.record import Sample
from resistance.associate.question import Question
from resistance.associate.rows import Rows
from resistance.associate.setting import Setting
from resistance.config import CohortFile

#: beyond it, or where values differ by less than one over it, the squares of a number are too large or small for a computer
LARGEST = 1e150


def out_of_range(columns: dict[str, NDArray[np.float64]]) -> str:
    """Return the complaint where a column (NaN: unknown) is in a unit in which no model can be computed; '' where none is."""
    for name, values in columns.items():
        known = values[~np.isnan(values)]
        spread = np.ptp(known) if known.size else 0.0
        if (np.abs(known) > LARGEST).any() or 0 < spread < 1 / LARGEST:
            return (
                f"no estimate: {name} has values beyond {LARGEST:g} or differences below {1 / LARGEST:g}: give it in another unit"
            )
    return ""


def sample_of(question: Question, rows: Rows, tested: int, config: CohortFile, setting: Setting) -> tuple[Sample, list[str]]:
    """Return the patients of a question (or the start-stop rows of a time-dependent one), and what was left out of the model."""
    outcome = setting.outcomes[question.endpoint]
    at = np.flatnonzero(rows.used)
    terms, event, time = rows.terms[at], outcome.event[at], outcome.time[at] - rows.origin
    code, entry = outcome.code[at], np.maximum(outcome.entry[at] - rows.origin, 0.0)
    if question.kind == "time_dependent" and question.terms[0] in setting.dated:
        measured = spans(setting.dated[question.terms[0]], rows.used, outcome.entry, np.where(rows.used, outcome.time, 0.0))
        at, entry, time = measured.patient, measured.start, measured.stop
        event = outcome.event[at] & measured.last
        code = np.where(measured.last, outcome.code[at], 0)
        terms = measured.value[:, None]
    elif question.kind == "time_dependent":
        known = episodes(setting.course, question.terms[0], rows.used, outcome.entry, outcome.time)
        at, entry, time = known.patient, known.start, known.stop
        event = outcome.event[at] & known.last
        code = np.where(known.last, outcome.code[at], 0)
        terms = known.present[:, None].astype(np.float64)
    varies, constant = _covariates(question.covariates, at, setting)
    # a joint marker that nobody here has says nothing; the others are then compared with patients who have none of them
    in_model = [i for i in range(terms.shape[1]) if i == tested or not rows.flag or terms[:, i].any()]
    constant += [setting.labels[question.terms[i]] for i in range(terms.shape[1]) if i not in in_model]
    sample = Sample(
        value=outcome.value[at],
        event=event,
        code=code,
        time=time,
        entry=entry if (entry > 0).any() else None,
        terms=terms[:, in_model],
        tested=in_model.index(tested),
        flag=rows.flag,
        covariates=np.column_stack(list(varies.values())) if varies else np.zeros((len(at), 0)),
        names=(*(setting.labels.get(question.terms[i], question.terms[i]) for i in in_model), *varies),
        strata=setting.strata(question.strata)[at] if question.strata else None,
        arm=setting.imid[at] == 1,
        levels=outcome.levels,
        permutations=config.analysis.permutations,
        seed=config.seed,
    )
    notes = [f"{', '.join(constant)} does not vary among these patients and is not in the model"] if constant else []
    return sample, notes


def _covariates(
    names: tuple[str, ...], at: NDArray[np.int64], setting: Setting
) -> tuple[dict[str, NDArray[np.float64]], list[str]]:  # fmt: skip
    """Return the columns that vary among these patients, by name, and what does not vary.

    Classes are compared with the commonest of the cohort.  Where nobody here has that one (a population
    of two tissues, say), the other classes together are a constant: the commonest here takes its place.
    """
    varies: dict[str, NDArray[np.float64]] = {}
    constant: list[str] = []
    for name in names:
        columns = {column: values[at] for column, values in setting.columns([name]).items()}
        there = {k: v for k, v in columns.items() if len(at) and np.nanmin(v) < np.nanmax(v)}
        if setting.codings[name].levels:
            if len(there) > 1 and bool((np.sum(list(there.values()), axis=0) == 1).all()):
                del there[max(there, key=lambda column: float(there[column].sum()))]
            # a class that nobody here has is no covariate that was left out
            constant += [] if there else [name]
        else:
            constant += [column for column in columns if column not in there]
        varies |= there
    return varies, constant
