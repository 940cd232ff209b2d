"""Tasks -> the tables of the stage: how each model predicts patients it did not see, what it gains, and the models to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance import schemas
from resistance.predict.tasks import Task
from resistance.stats.prediction.calibration import calibration_curve
from resistance.stats.prediction.decision_curve import DecisionCurve, decision_curve, survival_decision_curve
from resistance.stats.prediction.learners import Boosting, ConstantScorer, ElasticNet, Learner, LinearScorer, Plain
from resistance.stats.prediction.model import model_from, predict, to_json
from resistance.stats.prediction.optimism import Optimism, bootstrap_optimism
from resistance.stats.prediction.plus632 import LeftOut, Plus632
from resistance.stats.prediction.stability import StabilityResult, stability_selection
from resistance.stats.prediction.steps import Impute, Scale
from resistance.stats.prediction.survival_calibration import SurvivalCalibration, survival_calibration
from resistance.stats.prediction.validation import Candidate, Gain, Performance, Validation, cross_validate
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
_METRIC = {"binary": "auc", "ordinal": "c", "survival": "c"}
_BRIER = {"binary": "Brier score", "ordinal": "ranked probability score", "survival": "Brier score at the horizon"}


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
            rows["performance"].append(_row(task, None, "none", "refused", note=task.refused))
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
    rows["performance"] += _performance(task, found, optimism, left_out)
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


def _row(
    task: Task, model: str | None, metric: str, judged: str, estimate: float = float("nan"), low: float = float("nan"),
    high: float = float("nan"), p: float = float("nan"), note: str = "",
) -> Row:  # fmt: skip
    return {
        "prediction": task.asked.name,
        "endpoint": task.asked.endpoint,
        "model": model,
        "metric": metric,
        "judged": judged,
        "estimate": _rounded(estimate),
        "ci_low": _rounded(low),
        "ci_high": _rounded(high),
        "p_value": _rounded(p),
        "n": len(task.patients),
        "events": task.events,
        "columns": len(task.columns_of(model)) if model is not None else len(task.columns),
        "note": note or None,
    }


def _rounded(value: float) -> float:
    """Keep ten digits, so that the last bits of one machine's libraries do not show in the file."""
    return float(f"{value:.10g}") if isfinite(value) else float("nan")


def _performance(task: Task, found: Validation, optimism: dict[str, Optimism], left_out: dict[str, Plus632]) -> list[Row]:
    kind, metric = task.outcome.kind, _METRIC[task.outcome.kind]
    rows = []
    for one in found.performance:
        words = [one.note, *task.notes]
        fewest = task.events if kind == "survival" else min(task.events, len(task.patients) - task.events)
        columns = len(task.columns_of(one.name))
        if one.name == "clinical" and fewest < 10 * columns:
            words.append(f"{fewest} events for {columns} columns without penalty: fewer than ten each")
        if one.name != "clinical" and not task.clinical:
            words.append("no clinical baseline was given: whether this adds to what the clinic knows is not answered")
        cross = "cross_validated"
        rows += [
            _row(task, one.name, metric, cross, one.discrimination, one.ci_low, one.ci_high, note="; ".join(filter(None, words))),
            _row(task, one.name, "brier", cross, one.brier, one.brier_ci_low, one.brier_ci_high, note=_BRIER[kind]),
            _row(task, one.name, "brier_null", cross, one.brier_null, note="everybody's frequency"),
            _row(
                task,
                one.name,
                "calibration_slope",
                cross,
                one.slope,
                one.slope_ci_low,
                one.slope_ci_high,
                note=_slope_words(one.slope),
            ),
        ]
        if kind == "binary":
            rows.append(
                _row(task, one.name, "calibration_intercept", cross, one.intercept, one.intercept_ci_low, one.intercept_ci_high)
            )
        if kind == "survival":
            rows += _horizon_rows(task, one.name, one.predicted.mean(axis=0))
        if one.permuted.size:
            known = one.permuted[np.isfinite(one.permuted)]
            middle, low, high = (known.mean(), known.min(), known.max()) if known.size else (np.nan,) * 3
            words_permuted = f"{known.size} permutations of the outcome, the whole procedure each time"
            rows.append(
                _row(
                    task, one.name, metric, "permuted_labels", float(middle), float(low), float(high), one.p_value, words_permuted
                )
            )
        if one.name in optimism:
            rows += _optimism(task, one.name, metric, optimism[one.name])
            rows += _left_out(task, one.name, metric, left_out[one.name])
    for gain in found.gains:
        rows += _gain(task, gain, metric)
    return rows


def _slope_words(slope: float) -> str:
    if not isfinite(slope):
        return "cannot be estimated: the predictions do not vary"
    if slope < 0.8:
        return "below 1: predictions are too extreme (overfitting)"
    return "above 1: predictions are too timid (shrunken)" if slope > 1.25 else ""


def _optimism(task: Task, model: str, metric: str, found: Optimism) -> list[Row]:
    rows = []
    for index, name in (("C", metric), ("B", "brier"), ("Slope", "calibration_slope")):
        if index in found.index:
            at = found.index.index(index)
            words = f"{found.n_bootstraps} bootstrap samples" + (f"; {found.note}" if found.note else "")
            rows.append(_row(task, model, name, "apparent", float(found.apparent[at]), note=found.note))
            rows.append(_row(task, model, name, "optimism_corrected", float(found.corrected[at]), note=words))
    return rows


def _left_out(task: Task, model: str, metric: str, found: Plus632) -> list[Row]:
    """Return the .632+ estimates, with how much the model overfits in words."""
    rows = []
    for index, name in (("C", metric), ("B", "brier"), ("error", "misclassified")):
        if index in found.index:
            at = found.index.index(index)
            overfit = f"relative overfitting {found.overfit[at]:.2f}, " if isfinite(found.overfit[at]) else ""
            words = f"{overfit}{found.n_bootstraps} bootstrap samples" + (f"; {found.note}" if found.note else "")
            rows.append(_row(task, model, name, "plus_632", float(found.plus[at]), note=found.note if found.reason else words))
    return rows


def _gain(task: Task, gain: Gain, metric: str) -> list[Row]:
    """Return the gains over the clinical baseline, each with its half of the sentence."""
    out = []
    for name, value, low, high in (
        (metric, gain.discrimination, gain.discrimination_ci_low, gain.discrimination_ci_high),
        ("brier", gain.brier, gain.brier_ci_low, gain.brier_ci_high),
    ):
        out.append(_row(task, gain.name, f"gain_{name}", "cross_validated", value, low, high, note=gain_words(value, low, high)))
    return out


def gain_words(value: float, low: float, high: float) -> str:
    """Return what a gain over the clinical baseline says."""
    if not isfinite(value):
        return "no gain can be estimated"
    if not (isfinite(low) and isfinite(high)):
        return "no interval: nothing can be said of a gain"
    if low <= 0 <= high:
        return "the interval holds 0: no gain over the clinical baseline is shown"
    return "worse than the clinical baseline" if high < 0 else "better than the clinical baseline"


def _calibration(task: Task, model: str, risk: FloatArray) -> list[Row]:
    head = {"prediction": task.asked.name, "model": model}
    groups = max(2, min(10, len(task.patients) // _GROUP_SIZE, task.events // _GROUPS + 1))
    if task.outcome.kind == "survival":
        found = _at_horizon(task, risk, groups)
        each = (found.group_predicted, found.group_observed, found.group_ci_low, found.group_ci_high, found.group_n)
        return [
            {
                **head,
                "target": task.targets[0],
                "curve": "group",
                **dict(zip(("predicted", "observed", "ci_low", "ci_high"), map(_rounded, map(float, numbers)), strict=True)),
                "n": int(n),
            }
            for *numbers, n in zip(*each, strict=True)
        ]
    rows = []
    levels = [0.0] if task.outcome.kind == "binary" else np.unique(task.outcome.values)[:-1].tolist()
    for j, target in enumerate(task.targets):
        curve = calibration_curve(task.outcome.values > levels[j], np.clip(risk[:, j], 0.0, 1.0), groups=groups)
        for i in range(curve.predicted.size):
            numbers = {k: _rounded(float(getattr(curve, k)[i])) for k in ("predicted", "observed", "ci_low", "ci_high")}
            rows.append({**head, "target": target, "curve": "group", **numbers, "n": int(curve.n[i])})
        for x, y in zip(curve.smooth_predicted, curve.smooth_observed, strict=True):
            inside = float(np.clip(y, 0.0, 1.0)) if np.isfinite(y) else float("nan")
            rows.append(
                {**head, "target": target, "curve": "smooth", "predicted": _rounded(float(x)), "observed": _rounded(inside)}
            )
    return rows


def _at_horizon(task: Task, risk: FloatArray, groups: int = 10) -> SurvivalCalibration:
    """Return how risks by the horizon, the mean over repeats, agree with what was observed by then."""
    outcome = task.outcome
    p = np.clip(risk[:, 0], 0.0, 1.0)
    return survival_calibration(outcome.values, outcome.event, p, float(task.asked.horizon_days or 0.0), groups=groups)


def _horizon_rows(task: Task, model: str, risk: FloatArray) -> list[Row]:
    """Return the calibration by the horizon: observed over expected, and the recalibration of the cumulative hazard."""
    found, cross = _at_horizon(task, risk), "cross_validated"
    why = found.note if not found.converged else ""
    words = f"observed {found.observed:.3f}, expected {found.expected:.3f} by day {found.time:g}"
    return [
        _row(task, model, "observed_expected", cross, found.ratio, found.ratio_ci_low, found.ratio_ci_high, note=words),
        _row(task, model, "horizon_intercept", cross, found.intercept, found.intercept_ci_low, found.intercept_ci_high, note=why),
        _row(task, model, "horizon_slope", cross, found.slope, found.slope_ci_low, found.slope_ci_high, note=why),
    ]


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
                    "net_benefit": _rounded(float(curve.net_benefit[i, 0])),
                    "ci_low": _rounded(float(curve.ci_low[i, 0])),
                    "ci_high": _rounded(float(curve.ci_high[i, 0])),
                    "treat_all": _rounded(float(curve.treat_all[i])),
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
            "coefficient": _rounded(float(coef[j])),
        }
        if told and stable is not None:
            row |= {
                "frequency": _rounded(float(stable.frequency[j])),
                "selected": bool(j in stable.selected),
                "cutoff": stable.cutoff,
                "pfer_bound": _rounded(stable.pfer_unimodal),
                "pfer_bound_plain": _rounded(stable.pfer_none),
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
            "risk": _rounded(float(np.clip(risk[i, j], 0.0, 1.0))),
            "risk_low": _rounded(float(low[i, j])),
            "risk_high": _rounded(float(high[i, j])),
            "fitted": _rounded(float(fitted[i, j])),
            "imputed": int(unknown[i]),
        }
        for j, target in enumerate(task.targets)
        for i, patient in enumerate(task.patients)
    ]
