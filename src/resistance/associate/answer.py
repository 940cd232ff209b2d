"""Plan and stage tables -> one row per question of the plan, answered or with the reason why not."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.associate.methods import Estimate, Method, Sample, method_named, too_few
from resistance.associate.plan import digest_of, digests
from resistance.associate.questions import Question, rows_of
from resistance.associate.setting import Setting, make_setting
from resistance.errors import InputError
from resistance.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile


def answer(
    plan: dict[str, Any],
    config: CohortFile,
    cohort: Cohort,
    markers: pd.DataFrame,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    *,
    gene_states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Answer the questions of a plan, no more and no fewer.

    Parameters
    ----------
    plan : dict
        From :func:`resistance.associate.make_plan`.
    config, cohort, markers, matrix, subtypes, gene_states
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

    _check(plan, digests(cohort, markers, matrix, subtypes, gene_states))
    setting = make_setting(config, cohort, markers, matrix, subtypes, gene_states)
    rows = [_row(_question(item), config, setting) for item in plan["questions"]]
    frame = pd.DataFrame(rows, columns=[c for c in RESULTS.names if c != "q_value"])
    frame["q_value"] = np.nan
    for _, family in frame.groupby("family", sort=False):
        frame.loc[family.index, "q_value"] = benjamini_hochberg(family["p_value"].to_numpy(dtype=np.float64))
    return conform(frame[list(RESULTS.names)], RESULTS)


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


def _row(question: Question, config: CohortFile, setting: Setting) -> dict[str, Any]:
    rows = rows_of(question, config, setting)
    used = rows.used
    tested = question.terms.index(question.marker_id) if question.kind == "joint" else 0
    event = setting.outcomes[question.endpoint].event
    method = None if question.method == "-" else method_named(question.method)
    notes: list[str] = []
    if question.refused or method is None:
        found = Estimate(note=question.refused)
    else:
        sample, notes = _sample(question, setting, used, rows.terms, tested)
        found = method.fit(sample)
        if not method.exact and question.model != "interaction":
            binary = "binary" in method.kinds
            found = too_few(found, sample, binary=binary, least=config.analysis.min_carrier_events)
    if question.incomplete and question.n:
        notes.append(f"{question.incomplete} patients left out for an unknown covariate")
    if question.kind == "contrasts" and question.not_assessed:
        notes.append(f"{question.not_assessed} patients with another or no value left out")
    return {
        "question_id": question.question_id,
        "population": question.population,
        "family": question.family,
        "endpoint": question.endpoint,
        "marker_id": question.marker_id,
        "label": question.label,
        "contrast": question.contrast,
        "model": question.model,
        "method": question.method if method is not None else "none",
        "adjusted_for": _adjusted_for(question),
        "scale": None if method is None else method.scale,
        **_numbers(found, method),
        "n": question.n,
        "events": question.events,
        "carriers": question.carriers,
        "carrier_events": int((used & rows.terms[:, tested] & event).sum()),
        "not_assessed": question.not_assessed,
        "converged": found.converged,
        "note": "; ".join(filter(None, [found.note, *notes])) or None,
    }


def _numbers(found: Estimate, method: Method | None) -> dict[str, float]:
    """Return the numbers to ten digits, so that the last bits of one machine's libraries do not show in the file."""
    names = ("effect", "ci_low", "ci_high", "p_value", "p_value_minimum", "detectable_effect")
    if method is None or not found.converged:
        return dict.fromkeys(names, float("nan"))
    values = {name: float(getattr(found, name)) for name in names}
    return {name: float(f"{value:.10g}") if isfinite(value) else float("nan") for name, value in values.items()}


def _adjusted_for(question: Question) -> str | None:
    parts = [*question.covariates, *(f"strata({name})" for name in question.strata)]
    return ";".join(parts) or None


def _sample(question: Question, setting: Setting, used: Any, terms: Any, tested: int) -> tuple[Sample, list[str]]:
    """Return the complete cases of a question, and what was left out of the model."""
    columns = setting.columns(question.covariates)
    varies = {name: values[used] for name, values in columns.items() if np.ptp(values[used]) > 0}
    constant = [name for name in columns if name not in varies]
    outcome = setting.outcomes[question.endpoint]
    n = int(used.sum())
    present = terms[used]
    # a joint marker that nobody here has says nothing; the others are then compared with patients who have none of them
    in_model = [i for i in range(present.shape[1]) if i == tested or present[:, i].any()]
    constant += [setting.labels[question.terms[i]] for i in range(present.shape[1]) if i not in in_model]
    sample = Sample(
        event=outcome.event[used],
        time=outcome.time[used],
        terms=present[:, in_model],
        tested=in_model.index(tested),
        covariates=np.column_stack(list(varies.values())) if varies else np.zeros((n, 0)),
        names=(*(setting.labels.get(question.terms[i], question.terms[i]) for i in in_model), *varies),
        strata=setting.strata(question.strata)[used] if question.strata else None,
        arm=setting.imid[used] == 1,
    )
    notes = [f"{', '.join(constant)} does not vary among these patients and is not in the model"] if constant else []
    return sample, notes
