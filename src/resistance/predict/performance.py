"""What a cross-validation, a bootstrap and a horizon say of a model -> the rows of the performance table, with words."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.predict.tasks import Task
from resistance.stats.prediction.optimism import Optimism
from resistance.stats.prediction.plus632 import Plus632
from resistance.stats.prediction.survival_calibration import SurvivalCalibration, survival_calibration
from resistance.stats.prediction.validation import Gain, Validation

FloatArray = NDArray[np.float64]
Row = dict[str, Any]

_METRIC = {"binary": "auc", "ordinal": "c", "survival": "c"}
_BRIER = {"binary": "Brier score", "ordinal": "ranked probability score", "survival": "Brier score at the horizon"}


def performance_rows(task: Task, found: Validation, optimism: dict[str, Optimism], left_out: dict[str, Plus632]) -> list[Row]:
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
            performance_row(
                task, one.name, metric, cross, one.discrimination, one.ci_low, one.ci_high, note="; ".join(filter(None, words))
            ),
            performance_row(task, one.name, "brier", cross, one.brier, one.brier_ci_low, one.brier_ci_high, note=_BRIER[kind]),
            performance_row(task, one.name, "brier_null", cross, one.brier_null, note="everybody's frequency"),
            performance_row(
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
                performance_row(
                    task, one.name, "calibration_intercept", cross, one.intercept, one.intercept_ci_low, one.intercept_ci_high
                )
            )
        if kind == "survival":
            rows += _horizon_rows(task, one.name, one.predicted.mean(axis=0))
        if one.permuted.size:
            known = one.permuted[np.isfinite(one.permuted)]
            middle, low, high = (known.mean(), known.min(), known.max()) if known.size else (np.nan,) * 3
            words_permuted = f"{known.size} permutations of the outcome, the whole procedure each time"
            rows.append(
                performance_row(
                    task, one.name, metric, "permuted_labels", float(middle), float(low), float(high), one.p_value, words_permuted
                )
            )
        if one.name in optimism:
            rows += _optimism(task, one.name, metric, optimism[one.name])
            rows += _left_out(task, one.name, metric, left_out[one.name])
    for gain in found.gains:
        rows += _gain(task, gain, metric)
    return rows


def _horizon_rows(task: Task, model: str, risk: FloatArray) -> list[Row]:
    """Return the calibration by the horizon: observed over expected, and the recalibration of the cumulative hazard."""
    found, cross = at_horizon(task, risk), "cross_validated"
    why = found.note if not found.converged else ""
    words = f"observed {found.observed:.3f}, expected {found.expected:.3f} by day {found.time:g}"
    return [
        performance_row(
            task, model, "observed_expected", cross, found.ratio, found.ratio_ci_low, found.ratio_ci_high, note=words
        ),
        performance_row(
            task, model, "horizon_intercept", cross, found.intercept, found.intercept_ci_low, found.intercept_ci_high, note=why
        ),
        performance_row(task, model, "horizon_slope", cross, found.slope, found.slope_ci_low, found.slope_ci_high, note=why),
    ]


def at_horizon(task: Task, risk: FloatArray, groups: int = 10) -> SurvivalCalibration:
    """Return how risks by the horizon, the mean over repeats, agree with what was observed by then."""
    outcome = task.outcome
    p = np.clip(risk[:, 0], 0.0, 1.0)
    return survival_calibration(outcome.values, outcome.event, p, float(task.asked.horizon_days or 0.0), groups=groups)


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
            rows.append(performance_row(task, model, name, "apparent", float(found.apparent[at]), note=found.note))
            rows.append(performance_row(task, model, name, "optimism_corrected", float(found.corrected[at]), note=words))
    return rows


def _left_out(task: Task, model: str, metric: str, found: Plus632) -> list[Row]:
    """Return the .632+ estimates, with how much the model overfits in words."""
    rows = []
    for index, name in (("C", metric), ("B", "brier"), ("error", "misclassified")):
        if index in found.index:
            at = found.index.index(index)
            overfit = f"relative overfitting {found.overfit[at]:.2f}, " if isfinite(found.overfit[at]) else ""
            words = f"{overfit}{found.n_bootstraps} bootstrap samples" + (f"; {found.note}" if found.note else "")
            rows.append(
                performance_row(task, model, name, "plus_632", float(found.plus[at]), note=found.note if found.reason else words)
            )
    return rows


def _gain(task: Task, gain: Gain, metric: str) -> list[Row]:
    """Return the gains over the clinical baseline, each with its half of the sentence."""
    out = []
    for name, value, low, high in (
        (metric, gain.discrimination, gain.discrimination_ci_low, gain.discrimination_ci_high),
        ("brier", gain.brier, gain.brier_ci_low, gain.brier_ci_high),
    ):
        out.append(
            performance_row(
                task, gain.name, f"gain_{name}", "cross_validated", value, low, high, note=gain_words(value, low, high)
            )
        )
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


def performance_row(
    task: Task, model: str | None, metric: str, judged: str, estimate: float = float("nan"), low: float = float("nan"),
    high: float = float("nan"), p: float = float("nan"), note: str = "",
) -> Row:  # fmt: skip
    return {
        "prediction": task.asked.name,
        "endpoint": task.asked.endpoint,
        "model": model,
        "metric": metric,
        "judged": judged,
        "estimate": rounded(estimate),
        "ci_low": rounded(low),
        "ci_high": rounded(high),
        "p_value": rounded(p),
        "n": len(task.patients),
        "events": task.events,
        "columns": len(task.columns_of(model)) if model is not None else len(task.columns),
        "note": note or None,
    }


def rounded(value: float) -> float:
    """Keep ten digits, so that the last bits of one machine's libraries do not show in the file."""
    return float(f"{value:.10g}") if isfinite(value) else float("nan")
