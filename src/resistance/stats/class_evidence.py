"""Coded events and classes -> a penalised multinomial model on events and on the evidence that they carry for each class.

A tumour with many events is not more of everything: its events are divided by the root of the sum
of their squares.  Beside each event stands, per class, the evidence of all events together: their
log odds ratios against the other classes, smoothed, where they speak for the class.  That gives rare
events a voice that a penalised model of single events takes from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from resistance.stats._threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: levels of an event: absent, weak (synonymous, low-level copy number), strong
LEVELS = (0.0, 0.5, 1.0)
#: completions per class for what was not observed
_DRAWS = 32
_TEMPERATURES = (0.25, 4.0)
_MOST_BLIND = 10.0


@dataclass(frozen=True)
class EvidenceModel:
    """A fitted model of k classes on d events.

    Parameters
    ----------
    evidence : ndarray, shape (d, k)
        Log odds ratio of an event for a class against the others, 0 where it speaks against it.
    evidence_scale : ndarray, shape (k,)
        Standard deviation of the summed evidence in training.
    event_coef, evidence_coef : ndarray, shape (k, d) and (k, k)
    intercept : ndarray, shape (k,)
    mean : ndarray, shape (d,)
        Mean level of each event in training.
    frequency : ndarray, shape (k, 2, d)
        Share of each class with the weak and with the strong level, for completing what was not observed.
    event_scale : float
        Factor of the divided events, against the evidence.
    temperature : float
        Logits are divided by it (calibration by cross-validation).
    blindness : float
        What is not observed makes the answer less sure than completions tell: log probabilities are divided by
        1 + blindness x the share of the weight that is missing.
    """

    evidence: NDArray[np.float64]
    evidence_scale: NDArray[np.float64]
    event_coef: NDArray[np.float64]
    evidence_coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    mean: NDArray[np.float64]
    frequency: NDArray[np.float64]
    event_scale: float
    temperature: float = 1.0
    blindness: float = 0.0

    @property
    def weight(self) -> NDArray[np.float64]:
        """Weight of each event, shape (d,): spread over the classes of what it adds to the logits, times how often it occurs."""
        slope = self.event_scale * self.event_coef + (self.evidence_coef @ (self.evidence / self.evidence_scale).T)
        return np.asarray(slope.std(axis=0) * self.mean)


@one_thread
def fit_class_evidence(
    values: ArrayLike,
    labels: ArrayLike,
    k: int,
    *,
    membership: ArrayLike | None = None,
    inverse_penalty: float = 0.6,
    pseudo_count: float = 2.0,
    event_scale: float = 3.0,
) -> EvidenceModel:
    """Fit the model.

    Parameters
    ----------
    values : array_like, shape (n, d)
        Levels of :data:`LEVELS`; NaN where not observed (the mean level stands in).
    labels : array_like of int, shape (n,)
        Class 0..k-1; every class at least once.
    k : int
    membership : array_like, shape (n, k), optional
        How sure each sample's class is, rows summing to 1: weighs the evidence.  Default: the labels.
    inverse_penalty : float
        Of the ridge penalty (C of scikit-learn); larger is less.
    pseudo_count : float
        Added to each cell of the log odds ratios.
    event_scale : float

    Returns
    -------
    EvidenceModel
        With temperature 1; see :func:`calibrate`.

    Raises
    ------
    ValueError
        Shapes, levels or classes do not fit.

    Notes
    -----
    Log odds ratios as in Bernoulli naive Bayes; their sums as predictors beside the events follow the
    published idea of summed events (Chapuy B et al. DLBclass. Blood 2025), with weights that are learned.
    """
    from sklearn.linear_model import LogisticRegression

    x = _levels(values)
    y = np.asarray(labels)
    if y.shape != (len(x),) or k < 2 or sorted(set(y.tolist())) != list(range(k)):
        raise ValueError(f"labels are needed for {len(x)} samples, with each of the classes 0 to {k - 1}")
    member = np.eye(k)[y] if membership is None else np.asarray(membership, dtype=np.float64)
    if member.shape != (len(x), k) or not np.allclose(member.sum(axis=1), 1, atol=1e-6) or (member < 0).any():
        raise ValueError("membership needs one row per sample that sums to 1")
    observed = ~np.isnan(x)
    present = np.where(observed, x > 0, 0.0)
    hit, seen = present.T @ member, observed.astype(np.float64).T @ member
    odds = np.log((hit + pseudo_count) / (seen + 2 * pseudo_count))
    rest_hit, rest_seen = hit.sum(axis=1, keepdims=True) - hit, seen.sum(axis=1, keepdims=True) - seen
    evidence = np.maximum(odds - np.log((rest_hit + pseudo_count) / (rest_seen + 2 * pseudo_count)), 0.0)
    mean = np.where(observed.any(axis=0), np.nansum(x, axis=0) / np.maximum(observed.sum(axis=0), 1), 0.0)
    own = np.eye(k)[y]
    frequency = np.stack(
        [
            ((np.where(observed, x == level, 0.0).T @ own + 0.1) / (observed.astype(np.float64).T @ own + 0.3)).T
            for level in LEVELS[1:]
        ],
        axis=1,
    )
    divided = _divided(np.where(observed, x, mean))
    total = divided @ evidence
    scale = np.where(total.std(axis=0) > 0, total.std(axis=0), 1.0)
    design = np.hstack([event_scale * divided, total / scale])
    fit = LogisticRegression(C=inverse_penalty, max_iter=10_000, tol=1e-8).fit(design, y)
    coef, intercept = fit.coef_, fit.intercept_
    if k == 2:  # one row for the second class; the first is the reference
        coef, intercept = np.vstack([np.zeros_like(coef), coef]), np.r_[0.0, intercept]
    d = x.shape[1]
    return EvidenceModel(evidence, scale, coef[:, :d], coef[:, d:], intercept, mean, frequency, float(event_scale))


@one_thread
def predict_class_evidence(model: EvidenceModel, values: ArrayLike, *, seed: int = 1) -> NDArray[np.float64]:
    """Return the probability of each class.

    Parameters
    ----------
    model : EvidenceModel
    values : array_like, shape (n, d)
        Levels; NaN where not observed.
    seed : int
        Of the completions of what was not observed; a sample's probabilities do not depend on the others.

    Returns
    -------
    ndarray, shape (n, k)
        Where events were not observed, the answer is the one that completing and classifying in turn leads to:
        completions are drawn in each class as often as the class has the event, and the classes stand in the
        proportions that the completed samples have (the stationary state of a Gibbs sampler, computed, not
        simulated); made less sure by the model's blindness.
    """
    x = _levels(values)
    if x.shape[1] != len(model.mean):
        raise ValueError(f"the matrix has {x.shape[1]} events, the model {len(model.mean)}")
    gaps = np.isnan(x)
    out = _softmax(_logits(model, np.where(gaps, 0.0, x)) / model.temperature)
    open_ = np.flatnonzero(gaps.any(axis=1))
    if not open_.size:
        return out
    k = len(model.intercept)
    draws = np.random.default_rng(seed).random((_DRAWS, x.shape[1]))
    step = np.zeros((len(open_), k, k))  # from a class that completes to the class that the completed sample has
    for c in range(k):
        weak, strong = model.frequency[c]
        filled = np.where(draws < strong, 1.0, np.where(draws < strong + weak, 0.5, 0.0))
        for row in filled:
            step[:, c] += _softmax(_logits(model, np.where(gaps[open_], row, x[open_])) / model.temperature)
    stationary = _stationary(step / _DRAWS)
    share = missing_weight(model, x)[open_, None]
    out[open_] = _softmax(np.log(stationary) / (1 + model.blindness * share))
    return out


def _stationary(step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary shares of Markov chains, (n, k, k) from row to column -> (n, k)."""
    k = step.shape[1]
    system = np.swapaxes(step, 1, 2) - np.eye(k)
    system[:, -1] = 1.0  # the shares sum to 1
    right = np.zeros((len(step), k, 1))
    right[:, -1] = 1.0
    found = np.maximum(np.linalg.solve(system, right)[:, :, 0], 1e-300)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def missing_weight(model: EvidenceModel, values: ArrayLike) -> NDArray[np.float64]:
    """Return the share of the model's weight, 0..1, on events that were not observed (NaN), shape (n,)."""
    weight = model.weight
    total = weight.sum()
    return np.asarray(
        np.isnan(np.asarray(values, dtype=np.float64)) @ weight / total if total else np.zeros(len(np.asarray(values)))
    )


def calibrate(model: EvidenceModel, temperature: float, blindness: float = 0.0) -> EvidenceModel:
    """Return the model with another temperature and blindness."""
    if not temperature > 0 or not blindness >= 0:
        raise ValueError("the temperature is not positive, or the blindness negative")
    return replace(model, temperature=float(temperature), blindness=float(blindness))


def fitted_temperature(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature that makes out-of-fold probabilities (n, k) of temperature 1 best calibrated (log loss)."""
    low, high = np.log(_TEMPERATURES)
    return float(np.exp(_least_loss(probabilities, labels, lambda value: np.exp(value), low, high)))


def fitted_blindness(probabilities: ArrayLike, labels: ArrayLike, missing: ArrayLike) -> float:
    """Return the blindness for out-of-fold probabilities (n, k) made with events hidden, given the share of the weight hidden (n,)."""
    share = np.asarray(missing, dtype=np.float64)[:, None]
    return _least_loss(probabilities, labels, lambda value: 1 + value * share, 0.0, _MOST_BLIND)


def _least_loss(
    probabilities: ArrayLike, labels: ArrayLike, divisor: Callable[[float], NDArray[np.float64] | float], low: float, high: float
) -> float:
    """Return the parameter between low and high whose divisor of the log probabilities gives the least log loss."""
    from scipy.optimize import minimize_scalar

    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), 1e-300))
    y = np.asarray(labels)

    def loss(value: float) -> float:
        p = _softmax(logits / divisor(value))
        return float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-300)).mean())

    return float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x)


def _levels(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError("the matrix needs two dimensions, samples and events")
    if not (np.isnan(x) | np.isin(x, LEVELS)).all():
        raise ValueError(f"the matrix holds values other than {', '.join(f'{level:g}' for level in LEVELS)} and NaN")
    return x


def _divided(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(x / np.sqrt((x**2).sum(axis=1, keepdims=True) + 1.0))


def _logits(model: EvidenceModel, x: NDArray[np.float64]) -> NDArray[np.float64]:
    divided = _divided(x)
    total = divided @ model.evidence / model.evidence_scale
    return np.asarray(model.event_scale * divided @ model.event_coef.T + total @ model.evidence_coef.T + model.intercept)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    top = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(top / top.sum(axis=1, keepdims=True))
