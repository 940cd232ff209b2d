"""The packaged trials -> studies, and the question of the cell of origin."""

from __future__ import annotations

from math import isfinite, log, nan
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.meta_file.analysis import MetaReport, analyse, p_in_words, with_effects
from resistance.meta_file.study import Settings, Study

if TYPE_CHECKING:
    import pandas as pd

    from resistance.stats.meta import SubgroupResult


#: populations of ``trials.tsv`` that are one side of the cell of origin
ORIGIN = {"GCB": "GCB", "non-GCB": "non-GCB", "ABC": "non-GCB"}


def trial_responses(trials: pd.DataFrame, endpoint: str = "ORR") -> list[Study]:
    """Return non-GCB against GCB of every arm of ``trials.tsv`` that has patients and responders of both.

    Parameters
    ----------
    trials : DataFrame
        Of :func:`resistance.knowledge_tables.load_trials`.
    endpoint : str

    Returns
    -------
    list of Study
        Counts alone, exposed = non-GCB; effects are NaN (see :func:`with_effects`).
    """
    rows = trials[
        (trials["endpoint"] == endpoint) & trials["population"].isin(ORIGIN) & trials["n"].notna() & trials["responders"].notna()
    ]
    found = []
    for (_, trial, arm), of in rows.groupby(["trial_id", "trial", "arm"], sort=False):
        side = {ORIGIN[row.population]: (int(row.responders), int(row.n)) for row in of.itertuples()}
        if len(side) == 2 and len(of) == 2:
            (a, n1), (c, n0) = side["non-GCB"], side["GCB"]
            found.append(Study(f"{trial}, {arm}", "", nan, nan, "", (a, n1 - a, c, n0 - c)))
    return found


def trial_treatment_effects(trials: pd.DataFrame, *, endpoint: str = "PFS", derived: bool = False) -> list[Study]:
    """Return the hazard ratio of treatment against its comparator by cell of origin, of the randomised trials of ``trials.tsv``.

    Parameters
    ----------
    trials : DataFrame
    endpoint : str
    derived : bool
        Use what is not published as a ratio with its interval too: an error from the p-value, and a ratio from the medians of
        both arms (exponential times).  Rough, and said in the note of each study.

    Returns
    -------
    list of Study
        A study without a usable number has NaN and says why.
    """
    from statistics import NormalDist

    randomised = trials[(trials["design"] == "randomised") & (trials["endpoint"] == endpoint)]
    one_sided = set(trials.loc[trials["note"].fillna("").str.contains("one-sided"), "trial_id"])
    found = []
    rows = randomised[randomised["population"].isin(ORIGIN) & randomised["comparator"].notna()]
    for row in rows.itertuples():
        effect, se, notes = nan, nan, []
        p = _published_p(row.p_value)
        z = NormalDist().inv_cdf(1 - (p if row.trial_id in one_sided else p / 2)) if 0 < p < 1 else nan
        if row.unit == "hazard_ratio":
            effect = log(row.value)
            if row.ci_low > 0 and row.ci_high > 0:
                se = (log(row.ci_high) - log(row.ci_low)) / (2 * 1.959963984540054)
        elif row.unit in ("months", "weeks"):
            other = randomised[
                (randomised["trial_id"] == row.trial_id) & (randomised["population"] == row.population)
                & (randomised["arm"] == row.comparator) & (randomised["unit"] == row.unit)
            ]  # fmt: skip
            if len(other) != 1:
                continue
            if derived:
                effect = log(float(other["value"].iloc[0]) / row.value)
                notes.append("ratio from medians")
        else:
            continue
        if not se > 0:
            if derived and z > 0 and effect != 0 and isfinite(effect):
                se = abs(effect) / z
                notes.append("error from a one-sided p" if row.trial_id in one_sided else "error from the p")
            elif not derived:
                notes.append("no interval published")
        found.append(Study(row.trial, ORIGIN[row.population], effect if se > 0 else nan, se, "; ".join(notes)))
    return found


def trials_report(question: str, settings: Settings, *, endpoint: str | None = None, derived: bool = False) -> MetaReport:
    """Answer a question of the cell of origin from the packaged ``trials.tsv``.

    Parameters
    ----------
    question : {'response', 'treatment'}
        response: non-GCB against GCB within lenalidomide arms (prognostic and predictive cannot be told apart there).
        treatment: hazard ratio of the treatment by cell of origin, and the ratio of ratios (predictive).
    settings : Settings
    endpoint : str, optional
        Default ORR, and PFS.
    derived : bool
        See :func:`trial_treatment_effects`.

    Raises
    ------
    InputError
        No row has such an endpoint.
    """
    from resistance.knowledge_tables import load_trials

    trials = load_trials()
    if question == "response":
        of = endpoint or "ORR"
        studies = trial_responses(trials, of)
        if not studies:
            raise InputError("no arm of trials.tsv has responders of GCB and non-GCB", path="--endpoint", value=of)
        return analyse(
            with_effects(studies, settings), settings, title=f"{of}, non-GCB against GCB in lenalidomide arms",
            scale=settings.measure.replace("_", " "), ratio=settings.measure != "risk_difference",
            notes=["single arms: whether the marker is predictive or prognostic cannot be told."],
        )  # fmt: skip
    of = endpoint or "PFS"
    studies = trial_treatment_effects(trials, endpoint=of, derived=derived)
    if not studies:
        raise InputError("no randomised trial of trials.tsv has it by cell of origin", path="--endpoint", value=of)
    notes = [
        "ABC by gene expression and non-GCB by immunohistochemistry are pooled as one side; lines of therapy and comparators differ.",
        "across trials the difference of the groups is confounded with everything in which they differ; within one it is not.",
    ]
    if derived:
        notes.append("ratios from medians assume exponential times, errors from p-values a normal test: rough.")
    return analyse(
        studies, settings, title=f"{of}, treatment with lenalidomide against its comparator, by cell of origin", scale="hazard ratio",
        ratio=True, notes=notes,
    )  # fmt: skip


def within_trial(report: MetaReport) -> list[tuple[str, SubgroupResult]]:
    """Return the ratio of ratios of every study that has an effect in two groups: the interaction that is not confounded."""
    from resistance.stats.meta import subgroup_difference

    by_name: dict[str, list[Study]] = {}
    for study in report.studies:
        if study.usable and study.group:
            by_name.setdefault(study.name, []).append(study)
    return [
        (name, subgroup_difference([s.effect for s in of], [s.se for s in of], [s.group for s in of], method="fixed"))
        for name, of in by_name.items()
        if len(of) == 2 and of[0].group != of[1].group
    ]


def difference_in_words(report: MetaReport, found: SubgroupResult) -> str:
    """Return the comparison of two groups as one line."""
    reach = report._shown(found.difference, found.ci_low, found.ci_high)
    how = "over" if report.ratio else "minus"
    return f"{found.names[1]} {how} {found.names[0]} {reach}, p {p_in_words(found.p_value)}" + (
        " (ratio of ratios)" if report.ratio else ""
    )


def _published_p(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return nan  # '<.001' bounds a p, it is none
