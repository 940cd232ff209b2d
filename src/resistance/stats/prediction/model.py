"""A fitted linear model <-> JSON of fixed bytes; a saved model and named columns -> linear predictor, risk, risk at times.

The file holds everything a new cohort needs: features in order with coding, imputation value, mean and scale, coefficients,
thresholds or baseline hazard, the range each feature had in training.  Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray
from resistance.stats.prediction.learners import LinearScorer, hazard_at, probabilities
from resistance.stats.prediction.outcomes import Outcome
from resistance.stats.prediction.steps import FittedCut, FittedFill, FittedFilter, FittedScale, table_of

FORMAT = "resistance prediction model"
VERSION = 1
KINDS = ("binary", "ordinal", "survival")


@dataclass(frozen=True)
class Feature:
    """One column of a model.

    Parameters
    ----------
    name : str
    coding : str
        What its numbers mean, in words ("1 mutated, 0 not", "log2 TPM", "years").
    impute : float or None
        Value in place of a missing one (None: the model fills nothing in).
    cut : float or None
        The value becomes 1 above it, else 0; before centring.
    mean, scale : float
        Subtracted, divided by.
    coef : float
        Of the column so treated.
    low, high : float or None
        Range among the training patients, before any of this; None where all were missing.
    """

    name: str
    coding: str
    impute: float | None
    cut: float | None
    mean: float
    scale: float
    coef: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Model:
    """A fitted linear model.

    Parameters
    ----------
    kind : {'binary', 'ordinal', 'survival'}
    features : tuple of Feature
    thresholds : tuple of float
        logit P(Y > level j) = linear predictor - threshold j (binary: one, minus the intercept).
    levels : tuple of float
        Ordinal categories.
    baseline_times, baseline_hazard : tuple of float
        Cumulative baseline hazard after each event time, for a linear predictor of 0.
    n, events : int
        Training rows and events (ordinal: rows above the lowest category).
    time_unit : str
        Of `baseline_times`.
    max_time : float or None
        Longest follow-up in training: risks beyond it are not given.  None unless time to event.
    penalty : float
    method : str
        In words, such as "lasso, penalty by 5-fold cross-validation".
    """

    kind: str
    features: tuple[Feature, ...]
    thresholds: tuple[float, ...]
    levels: tuple[float, ...]
    baseline_times: tuple[float, ...]
    baseline_hazard: tuple[float, ...]
    n: int
    events: int
    time_unit: str
    max_time: float | None
    penalty: float
    method: str


@dataclass(frozen=True)
class Prediction:
    """Predictions for new patients.

    Parameters
    ----------
    linear_predictor : array, shape (n,)
    risk : array, shape (n,)
        Binary: probability.  Ordinal: probability of the highest category.  Time to event: hazard relative to a linear
        predictor of 0 (its exponential).
    probability : array, shape (n, J - 1)
        Ordinal: of more than each level; binary: as `risk`; time to event: no columns.
    times : array, shape (T,)
    risk_at : array, shape (n, T)
        Time to event: probability of an event by each time; NaN beyond the longest follow-up in training.
    n_missing, n_out_of_range : array of int, shape (k,)
        Per feature: patients in whom it was filled in, and in whom it lies outside the training range.
    patient_missing, patient_out_of_range : array of int, shape (n,)
        Per patient, the features.
    notes : tuple of str
    """

    linear_predictor: FloatArray
    risk: FloatArray
    probability: FloatArray
    times: FloatArray
    risk_at: FloatArray
    n_missing: NDArray[np.int64]
    n_out_of_range: NDArray[np.int64]
    patient_missing: NDArray[np.int64]
    patient_out_of_range: NDArray[np.int64]
    notes: tuple[str, ...]


def model_from(
    scorer: LinearScorer,
    columns: ArrayLike,
    outcome: Outcome,
    names: Sequence[str],
    *,
    codings: Sequence[str] | None = None,
    time_unit: str = "",
    method: str = "",
    keep_zeros: bool = False,
) -> Model:
    """Turn a fitted scorer into a model that can be saved.

    Parameters
    ----------
    scorer : LinearScorer
    columns : array, shape (n, k)
        The training columns as they went into the steps (for the ranges).
    outcome : Outcome
        Of the training rows.
    names : sequence of str
        Of the columns; each once.
    codings : sequence of str, optional
    time_unit, method : str
    keep_zeros : bool
        Keep features whose coefficient is 0 (a new cohort must then have them).

    Raises
    ------
    ValueError
        Names that do not fit, or steps in an order that is not impute, cut, scale (with filters anywhere).
    """
    if not isinstance(scorer, LinearScorer):
        raise ValueError("scorer: only linear models can be saved")
    table = table_of(columns, outcome.n)
    k = table.shape[1]
    if len(names) != k or len(set(names)) != k or not all(names):
        raise ValueError(f"names: {k} different names, none of them empty, are needed")
    words = [""] * k if codings is None else list(codings)
    if len(words) != k:
        raise ValueError(f"codings: {len(words)} for {k} columns")
    index = np.arange(k)
    impute, cut = np.full(k, np.nan), np.full(k, np.inf)
    mean, scale = np.zeros(k), np.ones(k)
    stage = 0
    for step in scorer.steps.steps:
        if isinstance(step, FittedFilter):
            index = index[step.kept]
            continue
        order = {FittedFill: 1, FittedCut: 2, FittedScale: 3}.get(type(step))
        if order is None or order < stage or (order == stage and order > 1):
            raise ValueError("steps: a saved model knows impute, then cut, then scale, each once (filters anywhere)")
        stage = order
        if isinstance(step, FittedFill):
            # filled twice: nothing is left for the second
            impute[index] = np.where(np.isnan(impute[index]), step.values, impute[index])
        elif isinstance(step, FittedCut):
            cut[index] = step.at
        elif isinstance(step, FittedScale):
            mean[index], scale[index] = step.mean, step.spread
    features = []
    for at, coef in zip(index.tolist(), scorer.coef, strict=True):
        if coef == 0 and not keep_zeros:
            continue
        known = table[~np.isnan(table[:, at]), at]
        features.append(
            Feature(
                name=names[at],
                coding=words[at],
                impute=None if np.isnan(impute[at]) else float(impute[at]),
                cut=None if np.isinf(cut[at]) else float(cut[at]),
                mean=float(mean[at]),
                scale=float(scale[at]),
                coef=float(coef),
                low=float(known.min()) if known.size else None,
                high=float(known.max()) if known.size else None,
            )
        )
    timed = outcome.kind == "survival"
    above = outcome.event if timed else outcome.values > outcome.values.min(initial=np.inf)
    return Model(
        kind=outcome.kind,
        features=tuple(features),
        thresholds=tuple(float(v) for v in scorer.thresholds),
        levels=tuple(float(v) for v in scorer.levels),
        baseline_times=tuple(float(v) for v in scorer.baseline_times),
        baseline_hazard=tuple(float(v) for v in scorer.baseline_hazard),
        n=outcome.n,
        events=int(above.sum()),
        time_unit=time_unit,
        max_time=float(outcome.values.max()) if timed and outcome.n else None,
        penalty=scorer.penalty,
        method=method,
    )


def to_json(model: Model) -> str:
    """Write a model as JSON: sorted keys, shortest exact numbers, a digest of everything else."""
    body = _body(model)
    return json.dumps({**body, "digest": _digest(body)}, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Model:
    """Read a model.

    Raises
    ------
    ValueError
        Not such a file, another version, an altered digest, a field that is missing or of a wrong kind.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"model: not JSON (line {error.lineno}, column {error.colno}: {error.msg})") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"model: not a {FORMAT} (its 'format' says otherwise)")
    if found.get("version") != VERSION:
        raise ValueError(f"model: version {found.get('version')!r}; this program reads version {VERSION}: save the model anew")
    body = {key: value for key, value in found.items() if key != "digest"}
    if found.get("digest") != _digest(body):
        raise ValueError("model: the digest does not fit its content: the file was altered after it was saved")
    try:
        model = Model(
            kind=str(body["kind"]),
            features=tuple(_feature(one) for one in body["features"]),
            thresholds=_floats(body["thresholds"]),
            levels=_floats(body["levels"]),
            baseline_times=_floats(body["baseline_times"]),
            baseline_hazard=_floats(body["baseline_hazard"]),
            n=int(body["n"]),
            events=int(body["events"]),
            time_unit=str(body["time_unit"]),
            max_time=_optional(body["max_time"]),
            penalty=_number(body["penalty"]),
            method=str(body["method"]),
        )
    except KeyError as error:
        raise ValueError(f"model: the field {error} is missing") from None
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"model: a field is of a wrong kind ({error})") from None
    _check(model)
    return model


def predict(model: Model, columns: Mapping[str, ArrayLike], *, times: ArrayLike = ()) -> Prediction:
    """Predict for new patients.

    Parameters
    ----------
    model : Model
    columns : mapping of str to array, shape (n,)
        By name; NaN is missing and is filled with the model's value; further columns are ignored.
    times : array, optional
        For time to event, in the model's unit.

    Raises
    ------
    ValueError
        A feature that is not there (all are named), lengths that differ, infinite values, a missing value the model cannot
        fill, negative times, times for an outcome without time.
    """
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if at.ndim != 1 or not np.isfinite(at).all() or (at < 0).any():
        raise ValueError("times: numbers that are not negative are needed")
    if at.size and model.kind != "survival":
        raise ValueError(f"times: the model's outcome is {model.kind}, it knows no time")
    absent = [feature.name for feature in model.features if feature.name not in columns]
    if absent:
        raise ValueError(
            f"columns: the model needs {', '.join(absent)} ({len(absent)} of {len(model.features)} features are not there)"
        )
    sizes = {name: np.asarray(values).size for name, values in columns.items()}
    wanted = [feature.name for feature in model.features] or list(sizes)
    if len({sizes[name] for name in wanted}) > 1:
        raise ValueError("columns: " + ", ".join(f"{name} has {sizes[name]} values" for name in wanted))
    n, k = (sizes[wanted[0]] if wanted else 0), len(model.features)
    linear = np.zeros(n)
    missing, outside = np.zeros((n, k), dtype=bool), np.zeros((n, k), dtype=bool)
    for j, feature in enumerate(model.features):
        try:
            values = np.asarray(columns[feature.name], dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"columns: {feature.name} does not hold numbers") from None
        if values.ndim != 1:
            raise ValueError(f"columns: {feature.name} has {values.ndim} dimensions, one is needed")
        if np.isinf(values).any():
            raise ValueError(f"columns: {feature.name} has {int(np.isinf(values).sum())} infinite value(s)")
        missing[:, j] = np.isnan(values)
        fill = feature.impute
        if missing[:, j].any() and fill is None:
            raise ValueError(
                f"columns: {feature.name} has {int(missing[:, j].sum())} missing value(s), the model has none to fill in"
            )
        if feature.low is not None and feature.high is not None:
            outside[:, j] = (values < feature.low) | (values > feature.high)
        values = np.where(missing[:, j], 0.0 if fill is None else fill, values)
        if feature.cut is not None:
            values = (values > feature.cut).astype(np.float64)
        linear += feature.coef * ((values - feature.mean) / feature.scale)
    none = np.zeros(0)
    longest = math.inf if model.max_time is None else model.max_time
    probability, risk_at = np.zeros((n, 0)), np.zeros((n, 0))
    if model.kind == "survival":
        with np.errstate(over="ignore"):
            risk = np.exp(linear)
        hazard = np.asarray(model.baseline_hazard)
        risk_at = probabilities("survival", linear, none, np.asarray(model.baseline_times), hazard, at)
        risk_at[:, at > longest] = np.nan
    else:
        probability = probabilities(model.kind, linear, np.asarray(model.thresholds), none, none, none)
        risk = probability[:, -1].copy()
    notes = []
    for j, feature in enumerate(model.features):
        if missing[:, j].any():
            notes.append(f"{feature.name}: missing in {int(missing[:, j].sum())} of {n}, {feature.impute:g} taken")
        if outside[:, j].any():
            notes.append(f"{feature.name}: outside {feature.low:g} to {feature.high:g} in {int(outside[:, j].sum())} of {n}")
    beyond = at[at > longest]
    if beyond.size:
        notes.append(f"no risk beyond {longest:g} {model.time_unit}".rstrip() + ", the longest follow-up in training")
    return Prediction(
        linear_predictor=linear,
        risk=risk,
        probability=probability,
        times=at,
        risk_at=risk_at,
        n_missing=missing.sum(axis=0).astype(np.int64),
        n_out_of_range=outside.sum(axis=0).astype(np.int64),
        patient_missing=missing.sum(axis=1).astype(np.int64),
        patient_out_of_range=outside.sum(axis=1).astype(np.int64),
        notes=tuple(notes),
    )


def baseline_survival(model: Model, times: ArrayLike) -> FloatArray:
    """Return the model's survival at given times for a linear predictor of 0."""
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    return np.asarray(
        np.exp(-hazard_at(np.asarray(model.baseline_times), np.asarray(model.baseline_hazard), at)), dtype=np.float64
    )


def _body(model: Model) -> dict[str, Any]:
    _check(model)
    features = [
        {
            "name": f.name,
            "coding": f.coding,
            "impute": _plain(f.impute),
            "cut": _plain(f.cut),
            "mean": _plain(f.mean),
            "scale": _plain(f.scale),
            "coef": _plain(f.coef),
            "low": _plain(f.low),
            "high": _plain(f.high),
        }
        for f in model.features
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": model.kind,
        "features": features,
        "thresholds": [_plain(v) for v in model.thresholds],
        "levels": [_plain(v) for v in model.levels],
        "baseline_times": [_plain(v) for v in model.baseline_times],
        "baseline_hazard": [_plain(v) for v in model.baseline_hazard],
        "n": int(model.n),
        "events": int(model.events),
        "time_unit": model.time_unit,
        "max_time": _plain(model.max_time),
        "penalty": _plain(model.penalty),
        "method": model.method,
    }


def _digest(body: Mapping[str, Any]) -> str:
    """Return SHA-256 of the content without spaces (so that reindenting a file does not count as altering it)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _plain(value: float | None) -> float | None:
    """-0 is written as 0, which is the same number."""
    return None if value is None else float(value) + 0.0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _optional(value: Any) -> float | None:
    return None if value is None else _number(value)


def _floats(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is not a list")
    return tuple(_number(value) for value in values)


def _feature(one: Mapping[str, Any]) -> Feature:
    return Feature(
        name=str(one["name"]),
        coding=str(one["coding"]),
        impute=_optional(one["impute"]),
        cut=_optional(one["cut"]),
        mean=_number(one["mean"]),
        scale=_number(one["scale"]),
        coef=_number(one["coef"]),
        low=_optional(one["low"]),
        high=_optional(one["high"]),
    )


def _check(model: Model) -> None:
    """Refuse a model that contradicts itself."""
    names = [feature.name for feature in model.features]
    if model.kind not in KINDS:
        raise ValueError(f"model: the kind {model.kind!r} is not one of {', '.join(KINDS)}")
    if len(set(names)) < len(names):
        raise ValueError("model: a feature is named twice")
    for feature in model.features:
        optional = (feature.impute, feature.cut, feature.low, feature.high)
        numbers = [feature.coef, feature.mean, feature.scale, *(value for value in optional if value is not None)]
        if not all(math.isfinite(value) for value in numbers) or feature.scale <= 0:
            raise ValueError(f"model: a number of {feature.name} is not usable (not finite, or a scale that is not positive)")
    if len(model.baseline_times) != len(model.baseline_hazard):
        raise ValueError("model: baseline times and hazards differ in number")
    if list(model.baseline_times) != sorted(set(model.baseline_times)) or list(model.baseline_hazard) != sorted(
        model.baseline_hazard
    ):
        raise ValueError("model: baseline times or hazards are not ascending")
    wanted = {"binary": 1, "ordinal": max(len(model.levels) - 1, 1), "survival": 0}[model.kind]
    if len(model.thresholds) != wanted or not all(math.isfinite(v) for v in model.thresholds):
        raise ValueError(f"model: {len(model.thresholds)} thresholds, {wanted} are needed")
    if list(model.thresholds) != sorted(model.thresholds):
        raise ValueError("model: thresholds are not ascending")
