"""Labelled matrix of events -> a classifier with calibrated confidence, judged by cross-validation, as one JSON file; and its calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError, Problem
from resistance.stats import class_evidence as evidence
from resistance.subtype.event_names import event_name
from resistance.subtype.events import Events
from resistance.subtype.saved_json import read_saved, saved_text
from resistance.subtype.visible import MAX_WEIGHT_MISSING, Seen, look

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT, VERSION = "resistance genetic classifier", 1
#: samples that a class needs, so that every fold of the cross-validation holds one
LEAST_PER_CLASS = 10
FOLDS, REPEATS = 10, 3
#: accuracy that the confidence cut is chosen for
WANTED_ACCURACY = 0.98
_ARRAYS = ("evidence", "evidence_scale", "event_coef", "evidence_coef", "intercept", "mean", "frequency")


@dataclass(frozen=True)
class EventModel:
    """A trained classifier.

    Parameters
    ----------
    classes, events : tuple of str
    fit : EvidenceModel
    judged : dict
        Cross-validation in training: n, folds, repeats, accuracy, log_loss, brier, expected_calibration_error,
        confidence_cut (lowest confidence from which the accuracy is at least :data:`WANTED_ACCURACY`, None
        where there is none), share_above_cut, accuracy_above_cut, recall of each class.
    training : dict
        n, n of each class, digest of the training data, seed, source (file names).
    """

    classes: tuple[str, ...]
    events: tuple[str, ...]
    fit: evidence.EvidenceModel
    judged: dict[str, Any]
    training: dict[str, Any]


def levels(events: Events, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return coded events as levels: 1 (synonymous, low-level copy number) is half, 2 and 3 are whole; NaN stays."""
    values = events.take(names)
    return np.where(np.isnan(values), np.nan, np.where(values >= 2, 1.0, values / 2))


def train(
    events: Events,
    labels: Mapping[str, str],
    *,
    membership: Mapping[str, Mapping[str, float]] | None = None,
    seed: int = 1,
    source: Mapping[str, str] | None = None,
) -> EventModel:
    """Train on the samples that have a label.

    Parameters
    ----------
    events : Events
    labels : mapping of str to str
        Sample -> class.
    membership : mapping, optional
        Sample -> class -> how sure (0..1); scaled to sum to 1.  Samples that are not there count as sure.
    seed : int
        Of the folds and completions.
    source : mapping, optional
        What the data are, kept in the model.

    Returns
    -------
    EventModel

    Raises
    ------
    InputError
        No sample in common, a class with fewer than :data:`LEAST_PER_CLASS` samples, fewer than two
        classes, or no event that differs between the labelled samples.
    """
    samples = [str(s) for s in events.table.index if str(s) in labels]
    _refuse_labels(events, labels, samples)
    classes = tuple(sorted({labels[s] for s in samples}))
    of = events.table.loc[samples]
    names = tuple(str(name) for name in of.columns if of[name].notna().any())
    if not (of.max() > of.min()).any():
        raise InputError(
            "no event differs between the labelled samples", path=events.where, remedy="Give the matrix of all events."
        )
    x = levels(Events(of, {}, events.where), names)
    y = np.asarray([classes.index(labels[s]) for s in samples])
    member = _membership(samples, y, classes, membership or {})
    judged, temperature, blindness = _judge(x, y, member, classes, names, seed)
    fit = evidence.fit_class_evidence(x, y, len(classes), membership=member)
    fit = evidence.calibrate(fit, temperature, blindness)
    training = {
        "n": len(samples),
        "per_class": {name: int((y == c).sum()) for c, name in enumerate(classes)},
        "without_label": len(events.table) - len(samples),
        "digest": _digest_of(samples, names, x, y, member),
        "seed": seed,
        "source": dict(source or {}),
    }
    return EventModel(classes, names, fit, judged, training)


def call(
    model: EventModel, events: Events, *, min_confidence: float | None = None, max_weight_missing: float = MAX_WEIGHT_MISSING
) -> list[dict[str, Any]]:
    """Call every sample.

    Parameters
    ----------
    model : EventModel
    events : Events
        Events of the model that are not there are missing, not absent.
    min_confidence : float, optional
        Below it a sample is UNCLASSIFIED.  Default: every sample has the likeliest class, and those below the
        model's own cut are flagged low_confidence.
    max_weight_missing : float
        Share of the model's weight, 0..1, beyond which a sample is not called.

    Returns
    -------
    list of dict
        Per sample: subtype, probability (confidence of the call), probabilities, what is missing, flags, reason.
    """
    x = levels(events, model.events)
    seen = look(model.events, x, model.fit.weight)
    probability = evidence.predict_class_evidence(model.fit, x, seed=int(model.training.get("seed", 1)))
    return [
        _row(model, str(sample), i, x[i], probability[i], seen, min_confidence, max_weight_missing)
        for i, sample in enumerate(events.table.index)
    ]


def _row(
    model: EventModel,
    sample: str,
    i: int,
    x: NDArray[np.float64],
    p: NDArray[np.float64],
    seen: Seen,
    min_confidence: float | None,
    most: float,
) -> dict[str, Any]:
    row = {"sample_id": sample} | seen.columns(i)
    unseen = seen.words(i)
    if seen.weight_missing[i] > most:
        return row | {"reason": f"not called: {unseen}"}
    k = int(np.argmax(p))
    confidence = float(p[k])
    cut = model.judged.get("confidence_cut")
    flags = [row["flags"]] if row["flags"] else []
    limit = min_confidence if min_confidence is not None else cut
    below = limit is not None and confidence < limit
    if below:
        flags.append("low_confidence")
    present = [j for j in np.flatnonzero(np.nan_to_num(x) > 0) if model.fit.evidence[j, k] > 0]
    present.sort(key=lambda j: (-model.fit.evidence[j, k] * x[j], model.events[j]))
    support = ", ".join(model.events[j] for j in present[:5]) or "no event of its own"
    reason = f"{model.classes[k]} {confidence:.2f} ({support})"
    if below:
        reason += f", below the confidence of {limit:.2f}"
    return row | {
        "subtype": "UNCLASSIFIED" if below and min_confidence is not None else model.classes[k],
        "score": None,
        "probability": confidence,
        "probabilities": ";".join(f"{name}={value:.4f}" for name, value in zip(model.classes, p, strict=True)),
        "flags": ";".join(flags) or None,
        "borderline": below if limit is not None else None,
        "reason": reason + (f"; {unseen}" if unseen else ""),
    }


def _refuse_labels(events: Events, labels: Mapping[str, str], samples: list[str]) -> None:
    if not samples:
        raise InputError(
            f"none of the {len(labels)} labelled samples is one of the {len(events.table)} of the matrix",
            path=events.where,
            value=next(iter(labels), None),
            remedy=f"Samples of the matrix are named like {', '.join(str(x) for x in events.table.index[:2])}.",
        )
    counts: dict[str, int] = dict.fromkeys(labels.values(), 0)
    for sample in samples:
        counts[labels[sample]] += 1
    if len(counts) < 2:
        raise InputError("one class is nothing to tell apart", path=events.where, value=next(iter(counts)))
    problems = [
        Problem(
            f"the class has {n} of the matrix' samples, {LEAST_PER_CLASS} are needed"
            if n
            else "the class has no sample in the matrix",
            events.where,
            column="label",
            value=name,
            remedy="Leave its labels out, or join it with another class.",
        )
        for name, n in sorted(counts.items())
        if n < LEAST_PER_CLASS
    ]
    if problems:
        raise InputError(problems)


def _membership(
    samples: list[str], y: NDArray[np.intp], classes: tuple[str, ...], given: Mapping[str, Mapping[str, float]]
) -> NDArray[np.float64]:
    member = np.eye(len(classes))[y]
    for i, sample in enumerate(samples):
        if sample in given:
            row = np.asarray([float(given[sample].get(name, 0.0)) for name in classes])
            if not (row >= 0).all() or row.sum() <= 0:
                raise InputError(
                    "the membership is no share", column="membership", value=sample, remedy="Numbers from 0 to 1, not all 0."
                )
            member[i] = row / row.sum()
    return member


def _judge(
    x: NDArray[np.float64],
    y: NDArray[np.intp],
    member: NDArray[np.float64],
    classes: tuple[str, ...],
    names: tuple[str, ...],
    seed: int,
) -> tuple[dict[str, Any], float, float]:
    """Cross-validate: what accuracy and confidence are worth, the temperature, and what hidden events cost."""
    from sklearn.model_selection import StratifiedKFold

    k = len(classes)
    plain = np.zeros((REPEATS, len(y), k))
    hidden: list[tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]] = []
    masks = _masks(names, seed)
    for repeat in range(REPEATS):
        for fitted, held in StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat).split(x, y):
            fit = evidence.fit_class_evidence(x[fitted], y[fitted], k, membership=member[fitted])
            plain[repeat, held] = evidence.predict_class_evidence(fit, x[held], seed=seed)
            if repeat == 0:
                for mask in masks:
                    masked = np.where(mask, np.nan, x[held])
                    p = evidence.predict_class_evidence(fit, masked, seed=seed)
                    hidden.append((p, y[held], evidence.missing_weight(fit, masked)))
    again = np.tile(y, REPEATS)
    temperature = evidence.fitted_temperature(plain.reshape(-1, k), again)
    tempered = _tempered(plain.reshape(-1, k), temperature)
    p_hidden, y_hidden, share = (np.concatenate(parts) for parts in zip(*hidden, strict=True))
    blindness = evidence.fitted_blindness(_tempered(p_hidden, temperature), y_hidden, share)
    return _measures(tempered, again, classes) | {"n": len(y), "folds": FOLDS, "repeats": REPEATS}, temperature, blindness


def _masks(names: tuple[str, ...], seed: int) -> list[NDArray[np.bool_]]:
    """Return what panels hide: copy number, structural variants, both, and halves drawn at random."""
    copies = np.asarray([name.endswith((":AMP", ":DEL")) for name in names])
    structural = np.asarray([name.startswith("SV:") for name in names])
    rng = np.random.default_rng(seed)
    drawn = [rng.random(len(names)) < share for share in (0.25, 0.5)]
    return [mask for mask in (copies, structural, copies | structural, *drawn) if mask.any() and not mask.all()] or drawn[:1]


def _tempered(p: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    power = np.maximum(p, 1e-300) ** (1 / temperature)
    return np.asarray(power / power.sum(axis=1, keepdims=True))


def _measures(p: NDArray[np.float64], y: NDArray[np.intp], classes: tuple[str, ...]) -> dict[str, Any]:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(right[order]) / np.arange(1, len(y) + 1)
    good = np.flatnonzero(running >= WANTED_ACCURACY)
    cut = float(confidence[order[good[-1]]]) if good.size else None
    above = confidence >= cut if cut is not None else np.zeros(len(y), dtype=bool)
    bins = np.minimum((confidence * 10).astype(int), 9)
    error = sum(abs(float(right[bins == b].sum() - confidence[bins == b].sum())) for b in range(10)) / len(y)
    return {
        "accuracy": float(right.mean()),
        "log_loss": float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-300)).mean()),
        "brier": float(((p - np.eye(len(classes))[y]) ** 2).sum(axis=1).mean()),
        "expected_calibration_error": error,
        "confidence_cut": cut,
        "share_above_cut": float(above.mean()),
        "accuracy_above_cut": float(right[above].mean()) if above.any() else None,
        "recall": {name: float(right[y == c].mean()) for c, name in enumerate(classes)},
    }


def _digest_of(samples: list[str], names: tuple[str, ...], *arrays: NDArray[Any]) -> str:
    parts = hashlib.sha256(json.dumps([samples, list(names)]).encode())
    for array in arrays:
        parts.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return f"sha256:{parts.hexdigest()}"


def to_json(model: EventModel) -> str:
    """Return the model as JSON text, with a digest of its content; no pickle anywhere."""
    return saved_text(_body(model))


def from_body(body: dict[str, Any]) -> EventModel:
    """Return a model from the content of its file.

    Raises
    ------
    ValueError
        Numbers or names that do not fit together.
    """
    arrays = {name: np.asarray(body["fit"][name], dtype=np.float64) for name in _ARRAYS}
    classes, events = tuple(body["classes"]), tuple(body["events"])
    k, d = len(classes), len(events)
    shapes = {"evidence": (d, k), "evidence_scale": (k,), "event_coef": (k, d), "evidence_coef": (k, k), "intercept": (k,), "mean": (d,), "frequency": (k, 2, d)}  # fmt: skip
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape or not np.isfinite(arrays[name]).all()]
    if wrong or tuple(event_name(name) for name in events) != events:
        raise ValueError(f"the model's parts do not fit together ({', '.join(wrong) or 'names of events'})")
    scale, temperature, blindness = (float(body["fit"][name]) for name in ("event_scale", "temperature", "blindness"))
    if not (scale > 0 and temperature > 0 and blindness >= 0):
        raise ValueError("the model's scale, temperature or blindness is not usable")
    fit = evidence.calibrate(evidence.EvidenceModel(**arrays, event_scale=scale), temperature, blindness)  # type: ignore[arg-type]
    return EventModel(classes, events, fit, body["judged"], body["training"])


def read_model(path: Path) -> EventModel:
    """Read a saved model (InputError where it is missing, altered or something else)."""
    return read_saved(path, FORMAT, VERSION, from_body, "`resistance subtype train genetic` writes one.")


def _body(model: EventModel) -> dict[str, Any]:
    fit: dict[str, Any] = {name: (getattr(model.fit, name) + 0.0).tolist() for name in _ARRAYS}
    fit |= {name: float(getattr(model.fit, name)) for name in ("event_scale", "temperature", "blindness")}
    return {
        "format": FORMAT,
        "version": VERSION,
        "classes": list(model.classes),
        "events": list(model.events),
        "fit": fit,
        "judged": model.judged,
        "training": model.training,
    }
