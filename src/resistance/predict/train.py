"""Tasks -> the tables of the stage: how each model predicts patients it did not see, what it gains, and the models to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance import schemas
from resistance.predict.performance import at_horizon, performance_row, performance_rows, rounded
from resistance.predict.tasks import Task
from resistance.stats.prediction.calibration import calibration_curve
from resistance.stats.prediction.decision_curve import DecisionCurve, decision_curve, survival_decision_curve
from resistance.stats.prediction.learners import Boosting, ConstantScorer, ElasticNet, Learner, LinearScorer, Plain
from resistance.stats.prediction.model import model_from, predict, to_json
from resistance.stats.prediction.optimism import Optimism, bootstrap_optimism
from resistance.stats.prediction.plus632 import LeftOut, Plus632
from resistance.stats.prediction.stability import StabilityResult, stability_selection
from resistance.stats.prediction.steps import Impute, Scale
from resistance.stats.prediction.validation import Candidate, Performance, cross_validate
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
Row = dict[str, Any]

#: the mean, not the median: the median of a rare marker would read "not assessed" as absent
STEPS = (Impute("mean"), Scale())
CUTOFF, PAIRS = 0.75, 50
THRESHOLDS = np.round(np.arange(0.05, 0.951, 0.05), 2)
_GROUPS, _GROUP_SIZE = 5, 10


@dataclass(frozen=True)
class Trained:
    """What the stage writes.

    Parameters
    ----------
    tables : dict of DataFrame
        By name of the schema.
    models : dict of str
        File name -> JSON of the saved model.
    """

    tables: dict[str, pd.DataFrame]
    models: dict[str, str]


def train(tasks: list[Task], seed: int) -> Trained:
    """Judge, fit and save the models of these tasks.

    Parameters
    ----------
    tasks : list of Task
    seed : int
        Of folds, permutations, bootstrap and stability; the same seed gives the same bytes.
    """
    import pandas as pd

    rows: dict[str, list[Row]] = {schema.name: [] for schema in _TABLES}
    models: dict[str, str] = {}
    for task in tasks:
        if task.refused:
            rows["performance"].append(performance_row(task, None, "none", "refused", note=task.refused))
        else:
            _train_one(task, seed, rows, models)
    tables = {s.name: conform(pd.DataFrame(rows[s.name], columns=list(s.names)), s) for s in _TABLES}
    return Trained(tables, models)


_TABLES = (schemas.PERFORMANCE, schemas.CALIBRATION, schemas.DECISION_CURVE, schemas.SELECTION, schemas.PREDICTIONS)


def model_file(task: Task, model: str) -> str:
    """Return the file of a saved model: NAME.json for the fullest, NAME.clinical.json and NAME.molecular.json beside it."""
    full = "both" if task.clinical else "molecular"
    return f"{task.asked.name}.json" if model == full else f"{task.asked.name}.{model}.json"


def learner_of(task: Task, model: str) -> Learner:
    """Return how a model is fitted."""
    if model == "clinical":
        return Plain()
    if model == "boosting":
        return Boosting()
    unpenalised = tuple(range(len(task.clinical))) if model == "both" else ()
    return ElasticNet(alpha=task.asked.alpha, inner_folds=task.asked.inner_folds, unpenalised=unpenalised)


def _train_one(task: Task, seed: int, rows: dict[str, list[Row]], models: dict[str, str]) -> None:
    asked, outcome = task.asked, task.outcome
    times = [] if asked.horizon_days is None else [asked.horizon_days]
    tables = {model: np.column_stack([c.value for c in task.columns_of(model)]) for model in task.models}
    found = cross_validate(
        [Candidate(model, tables[model], learner_of(task, model), STEPS) for model in task.models],
        outcome,
        seed=seed,
        baseline="clinical" if task.clinical else None,
        n_folds=asked.folds,
        n_repeats=asked.repeats,
        times=times,
        n_permutations=asked.permutations,
    )
    optimism: dict[str, Optimism] = {}
    left_out: dict[str, Plus632] = {}
    for model in task.models:
        if asked.bootstraps and model != "boosting":
            beside = LeftOut(outcome, time=asked.horizon_days)
            optimism[model] = bootstrap_optimism(
                tables[model],
                outcome,
                seed=seed,
                learner=learner_of(task, model),
                steps=STEPS,
                n_bootstraps=asked.bootstraps,
                time=asked.horizon_days,
                beside=beside,
            )
            left_out[model] = beside.result()
    stable = _stability(task, tables[_fullest(task)], seed) if asked.stability else None
    rows["performance"] += performance_rows(task, found, optimism, left_out)
    for one in found.performance:
        risk = one.predicted.mean(axis=0)
        rows["calibration"] += _calibration(task, one.name, risk)
        rows["decision_curve"] += _decisions(task, one.name, risk)
        scorer = learner_of(task, one.name).fit(STEPS, tables[one.name], outcome, None, np.random.default_rng([seed, 5]))
        fitted = np.full(risk.shape, np.nan)
        if isinstance(scorer, LinearScorer):
            columns = task.columns_of(one.name)
            saved = model_from(
                scorer,
                tables[one.name],
                outcome,
                [c.name for c in columns],
                codings=[c.coding for c in columns],
                time_unit="days" if outcome.kind == "survival" else "",
                method=_method(task, one.name),
            )
            models[model_file(task, one.name)] = to_json(saved)
            values: Mapping[str, FloatArray] = {c.name: c.value for c in columns}
            applied = predict(saved, values, times=times)
            fitted = applied.risk_at if outcome.kind == "survival" else applied.probability
        rows["selection"] += _selection(task, one.name, scorer, stable)
        rows["predictions"] += _predictions(task, one, risk, fitted)


def _fullest(task: Task) -> str:
    return "both" if task.clinical else "molecular"


def _method(task: Task, model: str) -> str:
    asked = task.asked
    how = "regression without penalty" if model == "clinical" else f"elastic net, alpha {asked.alpha:g}"
    if model != "clinical":
        how += f", penalty by {asked.inner_folds}-fold cross-validation"
    if model == "both":
        how += ", clinical columns without penalty"
    return f"{asked.name} ({model}): {asked.endpoint}, {how}; research use only, not validated in another cohort"


def _stability(task: Task, table: FloatArray, seed: int) -> StabilityResult:
    """Select columns in halves; of q the largest with at most one false column expected, whatever the frequencies are like."""
    k = table.shape[1]
    q = max(1, min(k, int(np.sqrt((2 * CUTOFF - 1) * k))))
    filled = np.where(np.isnan(table), np.nanmean(table, axis=0), table)
    alpha = task.asked.alpha if task.asked.alpha > 0 else 1.0
    return stability_selection(filled, task.outcome, q=q, seed=seed, cutoff=CUTOFF, n_pairs=PAIRS, alpha=alpha)


def _calibration(task: Task, model: str, risk: FloatArray) -> list[Row]:
    head = {"prediction": task.asked.name, "model": model}
    groups = max(2, min(10, len(task.patients) // _GROUP_SIZE, task.events // _GROUPS + 1))
    if task.outcome.kind == "survival":
        found = at_horizon(task, risk, groups)
        each = (found.group_predicted, found.group_observed, found.group_ci_low, found.group_ci_high, found.group_n)
        return [
            {
                **head,
                "target": task.targets[0],
                "curve": "group",
                **dict(zip(("predicted", "observed", "ci_low", "ci_high"), map(rounded, map(float, numbers)), strict=True)),
                "n": int(n),
            }
            for *numbers, n in zip(*each, strict=True)
        ]
    rows = []
    levels = [0.0] if task.outcome.kind == "binary" else np.unique(task.outcome.values)[:-1].tolist()
    for j, target in enumerate(task.targets):
        curve = calibration_curve(task.outcome.values > levels[j], np.clip(risk[:, j], 0.0, 1.0), groups=groups)
        for i in range(curve.predicted.size):
            numbers = {k: rounded(float(getattr(curve, k)[i])) for k in ("predicted", "observed", "ci_low", "ci_high")}
            rows.append({**head, "target": target, "curve": "group", **numbers, "n": int(curve.n[i])})
        for x, y in zip(curve.smooth_predicted, curve.smooth_observed, strict=True):
            inside = float(np.clip(y, 0.0, 1.0)) if np.isfinite(y) else float("nan")
            rows.append(
                {**head, "target": target, "curve": "smooth", "predicted": rounded(float(x)), "observed": rounded(inside)}
            )
    return rows


def _decisions(task: Task, model: str, risk: FloatArray) -> list[Row]:
    rows = []
    outcome = task.outcome
    levels = np.unique(outcome.values)
    for j, target in enumerate(task.targets):
        p = np.clip(risk[:, j], 0.0, 1.0)
        curve: DecisionCurve
        if outcome.kind == "survival":
            curve = survival_decision_curve(outcome.values, outcome.event, p, THRESHOLDS, float(task.asked.horizon_days or 0.0))
        else:
            curve = decision_curve(outcome.values > (0.0 if outcome.kind == "binary" else levels[j]), p, THRESHOLDS)
        for i, threshold in enumerate(curve.thresholds):
            rows.append(
                {
                    "prediction": task.asked.name,
                    "model": model,
                    "target": target,
                    "threshold": float(threshold),
                    "net_benefit": rounded(float(curve.net_benefit[i, 0])),
                    "ci_low": rounded(float(curve.ci_low[i, 0])),
                    "ci_high": rounded(float(curve.ci_high[i, 0])),
                    "treat_all": rounded(float(curve.treat_all[i])),
                    "n_positive": int(curve.n_positive[i, 0]),
                }
            )
    return rows


def _selection(task: Task, model: str, scorer: Any, stable: StabilityResult | None) -> list[Row]:
    columns = task.columns_of(model)
    coef = np.full(len(columns), np.nan)
    if isinstance(scorer, LinearScorer):
        coef = np.zeros(len(columns))
        coef[scorer.steps.sources] = scorer.coef
    elif isinstance(scorer, ConstantScorer):
        coef = np.zeros(len(columns))
    told = stable is not None and model == _fullest(task) and stable.converged
    rows = []
    for j, column in enumerate(columns):
        known = int((~np.isnan(column.value)).sum())
        row: Row = {
            "prediction": task.asked.name,
            "model": model,
            "feature": column.name,
            "coding": column.coding,
            "known": known,
            "imputed": len(task.patients) - known,
            "coefficient": rounded(float(coef[j])),
        }
        if told and stable is not None:
            row |= {
                "frequency": rounded(float(stable.frequency[j])),
                "selected": bool(j in stable.selected),
                "cutoff": stable.cutoff,
                "pfer_bound": rounded(stable.pfer_unimodal),
                "pfer_bound_plain": rounded(stable.pfer_none),
            }
        rows.append(row)
    return rows


def _predictions(task: Task, one: Performance, risk: FloatArray, fitted: FloatArray) -> list[Row]:
    columns = task.columns_of(one.name)
    unknown = np.isnan(np.column_stack([c.value for c in columns])).sum(axis=1)
    low, high = one.predicted.min(axis=0), one.predicted.max(axis=0)
    return [
        {
            "prediction": task.asked.name,
            "model": one.name,
            "target": target,
            "patient_id": patient,
            "risk": rounded(float(np.clip(risk[i, j], 0.0, 1.0))),
            "risk_low": rounded(float(low[i, j])),
            "risk_high": rounded(float(high[i, j])),
            "fitted": rounded(float(fitted[i, j])),
            "imputed": int(unknown[i]),
        }
        for j, target in enumerate(task.targets)
        for i, patient in enumerate(task.patients)
    ]
