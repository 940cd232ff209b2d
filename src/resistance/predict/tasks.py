"""Cohort file and columns -> what each prediction model is trained on, or why it is refused; written down before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.associate.plan import digest_of
from resistance.associate.setting import Outcome as Endpoint
from resistance.errors import InputError
from resistance.predict.columns import Column, Source, clinical_columns, molecular_columns, molecular_names
from resistance.stats.prediction.outcomes import Outcome, binary, ordinal, survival

if TYPE_CHECKING:
    from resistance.config import Prediction

VERSION = 1
#: patients per fold, on either side of the outcome, without which a fold says nothing
PER_FOLD = 2
#: known patients from which a column that mirrors the outcome in all of them is no accident
_MIRROR = 10


@dataclass(frozen=True)
class Task:
    """One prediction model.

    Parameters
    ----------
    asked : Prediction
    patients : tuple of str
        Who trains it, in the order of the patients table.
    outcome : Outcome
    targets : tuple of str
        What each probability is of.
    clinical, molecular : tuple of Column
        Of these patients.
    left_out : tuple of (str, str)
        Columns that are not used, and why.
    excluded : dict
        Reason -> patients of the population without the endpoint.
    refused : str
        Why nothing is fitted; '' otherwise.
    notes : tuple of str
    """

    asked: Prediction
    patients: tuple[str, ...]
    outcome: Outcome
    targets: tuple[str, ...]
    clinical: tuple[Column, ...]
    molecular: tuple[Column, ...]
    left_out: tuple[tuple[str, str], ...]
    excluded: dict[str, int]
    refused: str
    notes: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, the clinical first."""
        return (*self.clinical, *self.molecular)

    @property
    def events(self) -> int:
        """Patients with the event (ordinal: above the lowest level)."""
        return int(_above(self.outcome).sum())

    @property
    def models(self) -> tuple[str, ...]:
        """Models that are judged: the baseline first, the fullest linear one last but for the comparator."""
        both = ("clinical", "molecular", "both") if self.clinical else ("molecular",)
        return (*both, "boosting") if self.asked.boosting else both

    def columns_of(self, model: str) -> tuple[Column, ...]:
        """Return the columns of one model."""
        return {"clinical": self.clinical, "molecular": self.molecular}.get(model, self.columns)


def make_tasks(source: Source) -> list[Task]:
    """Return the prediction models of the cohort file, refused ones too.

    Raises
    ------
    InputError
        A name that these tables do not have, or a covariate and a marker of one name.
    """
    return [_task(asked, source) for asked in source.config.prediction]


def describe(tasks: list[Task], source: Source, inputs: dict[str, str]) -> dict[str, Any]:
    """Return what will be done, as plain values: settings, patients, columns, imputation, seed; with a digest of it all.

    Parameters
    ----------
    tasks : list of Task
    source : Source
    inputs : dict
        Digests of the tables (:func:`resistance.associate.plan.digests`).
    """
    plan: dict[str, Any] = {
        "version": VERSION,
        "study": source.config.study.name,
        "seed": source.config.seed,
        "timepoint": source.config.analysis.timepoint,
        "use": "Research use only. Not validated in another cohort.",
        "predictions": [_facts(task, source) for task in tasks],
        "inputs": inputs,
    }
    return plan | {"digest": digest_of(plan)}


def _facts(task: Task, source: Source) -> dict[str, Any]:
    endpoint = source.config.endpoints[task.asked.endpoint]
    return {
        "settings": task.asked.model_dump(mode="json"),
        "endpoint": {"label": endpoint.label, "kind": endpoint.kind, "origin": endpoint.origin, "targets": list(task.targets)},
        "population": source.setting.populations[task.asked.population][0],
        "patients": len(task.patients),
        "events": task.events,
        "without_endpoint": task.excluded,
        "events_per_column": round(min(task.events, len(task.patients) - task.events) / len(task.columns), 3)
        if task.columns and task.outcome.kind != "survival"
        else round(task.events / len(task.columns), 3)
        if task.columns
        else None,
        "models": list(task.models),
        "columns": [
            {"name": c.name, "coding": c.coding, "of": of, "known": int((~np.isnan(c.value)).sum())}
            for of, columns in (("clinical", task.clinical), ("molecular", task.molecular))
            for c in columns
        ],
        "left_out": [{"name": name, "reason": reason} for name, reason in task.left_out],
        "complete_patients": int((~np.isnan(_table(task.columns, len(task.patients)))).all(axis=1).sum()),
        "missing": "A value that is not known (marker not assessed, covariate unknown) is filled with the mean of the training "
        "patients, anew in each fold; never read as absent.",
        "refused": task.refused,
        "notes": list(task.notes),
    }


def _table(columns: tuple[Column, ...], n: int) -> NDArray[np.float64]:
    return np.column_stack([c.value for c in columns]) if columns else np.zeros((n, 0))


def _task(asked: Prediction, source: Source) -> Task:
    setting = source.setting
    endpoint = setting.outcomes[asked.endpoint]
    members = setting.populations[asked.population][1]
    used = members & endpoint.usable
    rows = np.flatnonzero(used)
    clinical = [column for name in asked.clinical for column in clinical_columns(name, source, used)]
    names = molecular_names(asked, source)
    clash = sorted({column.name for column in clinical} & set(names))
    if clash:
        raise InputError(
            "a covariate and a marker have the same name, so a saved model could not tell them apart",
            path=f"prediction '{asked.name}'",
            value=clash[0],
            remedy="Rename the covariate in the cohort file.",
        )
    outcome, targets = _outcome(endpoint, rows, asked)
    left_out: list[tuple[str, str]] = []
    kept_clinical = _kept(clinical, rows, outcome, asked, left_out)
    kept_molecular = _kept(molecular_columns(names, source), rows, outcome, asked, left_out)
    known = np.array([setting.patients[i] for i in rows], dtype=object)
    notes = []
    if endpoint.competing:
        counted = "counted as the event" if _as_event(source, asked) else "censored: the risk is that in patients spared by them"
        notes.append(f"competing events are {counted}")
    return Task(
        asked=asked,
        patients=tuple(str(x) for x in known),
        outcome=outcome,
        targets=targets,
        clinical=kept_clinical,
        molecular=kept_molecular,
        left_out=tuple(left_out),
        excluded=endpoint.excluded if asked.population == "all" else {"no value": int((members & ~endpoint.usable).sum())},
        refused=_refusal(asked, endpoint, rows, outcome, (*kept_clinical, *kept_molecular), kept_molecular, source),
        notes=tuple(notes),
    )


def _as_event(source: Source, asked: Prediction) -> bool:
    column = source.config.endpoints[asked.endpoint].survival
    return column is not None and column.competing_as == "event"


def _outcome(endpoint: Endpoint, rows: NDArray[np.intp], asked: Prediction) -> tuple[Outcome, tuple[str, ...]]:
    if endpoint.kind == "time_to_event":
        horizon = float(asked.horizon_days or 0.0)
        return survival(endpoint.time[rows], endpoint.event[rows]), (f"event by day {horizon:g}",)
    if endpoint.kind == "ordinal":
        met = np.unique(endpoint.value[rows])
        return ordinal(endpoint.value[rows]), tuple(f"above {endpoint.levels[int(level)]}" for level in met[:-1])
    return binary(endpoint.value[rows]), ("yes",)


def _kept(
    columns: list[Column], rows: NDArray[np.intp], outcome: Outcome, asked: Prediction, left_out: list[tuple[str, str]]
) -> tuple[Column, ...]:
    """Return the columns of these patients that can be used; the choice does not look at the outcome."""
    kept = []
    for column in columns:
        value = column.value[rows]
        known = value[~np.isnan(value)]
        unknown = 1 - known.size / max(1, value.size)
        if known.size == 0:
            left_out.append((column.name, "known of nobody"))
        elif unknown > asked.max_unknown:
            left_out.append((column.name, f"not known of {value.size - known.size} of {value.size} patients"))
        elif known.min() == known.max():
            left_out.append((column.name, f"the same in everybody ({known[0]:g})"))
        else:
            kept.append(Column(column.name, column.coding, value))
    return tuple(kept)


def _refusal(
    asked: Prediction,
    endpoint: Endpoint,
    rows: NDArray[np.intp],
    outcome: Outcome,
    columns: tuple[Column, ...],
    molecular: tuple[Column, ...],
    source: Source,
) -> str:
    """Return why nothing is fitted, or ''."""
    n, above = len(rows), _above(outcome)
    events = int(above.sum())
    if source.config.analysis.timepoint != "baseline":
        return (
            f"the markers of this analysis are those of '{source.config.analysis.timepoint}': to have one, a patient must have "
            "come that far (immortal time), so it cannot predict from the start"
        )
    if n == 0:
        return "no patient of the population has the endpoint"
    if outcome.kind != "survival" and not outcome.varies:
        return "the endpoint is the same in everybody"
    if (endpoint.entry[rows] > 0).any():
        return "patients enter follow-up late (delayed entry), which these models do not know"
    least, what = (events, "events") if outcome.kind == "survival" else (min(events, n - events), "patients of the rarer outcome")
    needed = max(asked.min_events, PER_FOLD * asked.folds)
    if least < needed:
        return f"too few events: {least} {what} of {n}, and {needed} are needed (min_events, and {PER_FOLD} per fold of {asked.folds})"
    if outcome.kind == "survival":
        followed, horizon = outcome.values > float(asked.horizon_days or 0.0), asked.horizon_days
        if not followed.any():
            return f"nobody is followed beyond day {horizon:g} (horizon_days; the longest follow-up is {outcome.values.max():g} days)"
        if not (outcome.event & ~followed).any():
            return f"nobody has the event by day {horizon:g} (horizon_days)"
    if not molecular:
        return "no molecular column can be used: each is unknown of too many patients, or the same in everybody"
    for column in columns:
        if _mirrors(column.value, outcome):
            return f"{column.name} is the endpoint itself in every patient of whom it is known, so it cannot predict it"
    return ""


def _above(outcome: Outcome) -> NDArray[np.bool_]:
    if outcome.kind == "survival":
        return outcome.event
    lowest = 0.0 if outcome.kind == "binary" else outcome.values.min(initial=np.inf)
    return np.asarray(outcome.values > lowest, dtype=np.bool_)


def _mirrors(value: NDArray[np.float64], outcome: Outcome) -> bool:
    """Whether a column is the outcome (or its opposite) up to unit and origin in all patients of whom it is known."""
    known = ~np.isnan(value)
    if known.sum() < _MIRROR:
        return False
    x = value[known]
    against = [outcome.values[known]] + ([outcome.event[known].astype(np.float64)] if outcome.kind == "survival" else [])
    return any(
        np.ptp(y) > 0 and np.ptp(x) > 0 and abs(float(np.corrcoef(x, y)[0, 1])) > 1 - 1e-9 and min(_sides(y), _sides(x)) > 1
        for y in against
    )


def _sides(values: NDArray[np.float64]) -> int:
    """Return the patients on the smaller side of the middle: one outlier alone correlates with anything."""
    middle = (values.min() + values.max()) / 2
    return int(min((values > middle).sum(), (values <= middle).sum()))
