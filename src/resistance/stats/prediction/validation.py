"""Candidates (columns, steps, learner) and an outcome -> repeated cross-validation on common folds: discrimination, Brier, calibration, gains.

Everything that looks at the outcome or at other patients is fitted within the training patients of each fold; a
learner that must choose a penalty does so in a further cross-validation among them (nested).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.prediction.censoring import censoring_curve
from resistance.stats.prediction.folds import bootstrap_weights, patient_codes, permuted, stratified_folds
from resistance.stats.prediction.learners import ConstantScorer, Learner
from resistance.stats.prediction.outcomes import Outcome
from resistance.stats.prediction.slope import calibration_slope
from resistance.stats.prediction.steps import Step, table_of


@dataclass(frozen=True)
class Candidate:
    """One way to predict.

    Parameters
    ----------
    name : str
    columns : array, shape (n, k)
        NaN is missing (then :class:`resistance.stats.prediction.steps.Impute` comes first in `steps`).
    learner : Learner
    steps : sequence of Step
    """

    name: str
    columns: ArrayLike
    learner: Learner
    steps: Sequence[Step] = ()


@dataclass(frozen=True)
class Performance:
    """How well one candidate predicts patients it was not fitted on.

    Parameters
    ----------
    name : str
    discrimination, ci_low, ci_high : float
        AUC (binary), C (ordinal: share of pairs of different categories ordered rightly; time to event: Harrell's), over
        pairs of the same fold, since scores of models of different folds are on different scales.  Interval by bootstrap
        of patients, the predictions held fixed: it says nothing of how the model would vary with other training patients.
    per_repeat : array, shape (R,)
        The same, each repeat alone.
    brier, brier_ci_low, brier_ci_high : float
        Brier score; ordinal: ranked probability score (mean over the cuts between categories); time to event: weighted
        for censoring, mean over `times`, NaN without times.
    brier_null, brier_scaled : float
        Score of everybody's frequency, and 1 - brier / brier_null.
    slope, slope_ci_low, slope_ci_high, intercept, intercept_ci_low, intercept_ci_high : float
        Calibration of the predicted log odds, mean over repeats (ordinal: slope of the score); time to event: coefficient of
        the linear predictor in a Cox model stratified by fold, intercept NaN.  Intervals of
        :func:`resistance.stats.prediction.slope.calibration_slope`.
    scores : array, shape (R, n)
        Linear predictors from outside the fit.
    predicted : array, shape (R, n, m)
        Probabilities from outside the fit.
    n_failed : int
        Folds (of R x folds) in which no model could be fitted and everybody got the frequency.
    permuted : array, shape (P,)
        Discrimination with permuted labels, the whole procedure run again.
    p_value : float
        (b + 1) / (P + 1), b the permutations at least as good; NaN without permutations.
    converged : bool
    reason : {'', 'constant outcome', 'no comparable pairs'}
    columns : tuple of int
    note : str
    """

    name: str
    discrimination: float
    ci_low: float
    ci_high: float
    per_repeat: FloatArray
    brier: float
    brier_ci_low: float
    brier_ci_high: float
    brier_null: float
    brier_scaled: float
    slope: float
    slope_ci_low: float
    slope_ci_high: float
    intercept: float
    intercept_ci_low: float
    intercept_ci_high: float
    scores: FloatArray
    predicted: FloatArray
    n_failed: int
    permuted: FloatArray
    p_value: float
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class Gain:
    """What a candidate adds to the baseline, on the same folds and the same bootstrapped patients.

    Parameters
    ----------
    name, baseline : str
    discrimination, discrimination_ci_low, discrimination_ci_high : float
        Candidate's AUC or C less the baseline's.
    brier, brier_ci_low, brier_ci_high : float
        Baseline's Brier less the candidate's (positive is better).
    per_repeat : array, shape (R,)
        Gain in discrimination of each repeat.
    message : str
        In words, with a warning where an interval holds 0.
    """

    name: str
    baseline: str
    discrimination: float
    discrimination_ci_low: float
    discrimination_ci_high: float
    brier: float
    brier_ci_low: float
    brier_ci_high: float
    per_repeat: FloatArray
    message: str


@dataclass(frozen=True)
class Validation:
    """Repeated cross-validation of several candidates on common folds.

    Parameters
    ----------
    kind : {'binary', 'ordinal', 'survival'}
    performance : tuple of Performance
        In the order given.
    gains : tuple of Gain
        Of every other candidate over the baseline (empty without one).
    folds : array of int, shape (R, n)
    n, patients, events : int
        Rows; patients; rows with the outcome (ordinal: rows above the lowest category).
    """

    kind: str
    performance: tuple[Performance, ...]
    gains: tuple[Gain, ...]
    folds: NDArray[np.intp]
    n: int
    patients: int
    events: int


def cross_validate(
    candidates: Sequence[Candidate],
    outcome: Outcome,
    *,
    seed: int,
    baseline: str | None = None,
    n_folds: int = 5,
    n_repeats: int = 10,
    groups: Any = None,
    times: ArrayLike = (),
    n_bootstraps: int = 1000,
    n_permutations: int = 0,
    confidence: float = 0.95,
) -> Validation:
    """Judge candidates by repeated, nested cross-validation.

    Parameters
    ----------
    candidates : sequence of Candidate
        All on the same rows.  Put the clinical-only model among them and name it as `baseline`.
    outcome : Outcome
        Of :mod:`resistance.stats.prediction.outcomes`.
    seed : int
        Of folds, inner folds, bootstrap and permutations; a candidate's numbers do not depend on which others are there.
    baseline : str, optional
        Name of the candidate that gains are measured against.
    n_folds, n_repeats : int
        Folds are balanced for the outcome.
    groups : array, shape (n,), optional
        Patient of each row; the rows of a patient are never in training and test at once.
    times : array, optional
        Times at which survival is scored (Brier).
    n_bootstraps : int
        Patients drawn for the intervals.
    n_permutations : int
        Permuted-label controls, each one repeat of the whole procedure.
    confidence : float

    Raises
    ------
    ValueError
        Rows that differ in number, names given twice, an unknown baseline, fewer patients than folds, missing
        values that no step fills.

    Notes
    -----
    Varma and Simon 2006, doi:10.1186/1471-2105-7-91 (why nested); Ambroise and McLachlan 2002,
    doi:10.1073/pnas.102102699 (why selection belongs inside).  Memory grows with n squared (pairs of patients).
    """
    names = [candidate.name for candidate in candidates]
    if not names or len(set(names)) < len(names):
        raise ValueError("candidates: one or more with different names are needed")
    if baseline is not None and baseline not in names:
        raise ValueError(f"baseline: {baseline!r} is not among the candidates ({', '.join(names)})")
    if n_repeats < 1 or n_bootstraps < 0 or n_permutations < 0:
        raise ValueError("n_repeats must be at least 1; n_bootstraps and n_permutations cannot be negative")
    tables = [table_of(candidate.columns, outcome.n) for candidate in candidates]
    at = numbers(np.atleast_1d(np.asarray(times, dtype=np.float64)), "times")
    patient = patient_codes(groups, outcome.n)
    folds = np.array([stratified_folds(outcome, n_folds, np.random.default_rng([seed, 0, r]), groups) for r in range(n_repeats)])
    weights = bootstrap_weights(patient, n_bootstraps, np.random.default_rng([seed, 1]))
    observed, importance = targets(outcome, at)
    tail = (1 - confidence) / 2
    performance, drawn = [], []
    for candidate, table in zip(candidates, tables, strict=True):
        runs = [
            _one_repeat(candidate, table, outcome, folds[r], groups, at, [seed, 2, r], observed.shape[1])
            for r in range(n_repeats)
        ]
        scores = np.array([run[0] for run in runs])
        predicted = np.array([run[1] for run in runs])
        control = np.array(
            [_permuted_run(candidate, table, outcome, n_folds, groups, at, seed, b) for b in range(n_permutations)]
        )
        one, bootstrapped = _judge(
            candidate.name,
            outcome,
            folds,
            scores,
            predicted,
            observed,
            importance,
            weights,
            patient,
            sum(run[2] for run in runs),
            control,
            tail,
        )
        performance.append(one)
        drawn.append(bootstrapped)
    gains = []
    if baseline is not None:
        base = names.index(baseline)
        for i, one in enumerate(performance):
            if i != base:
                gains.append(_gain(one, performance[base], drawn[i], drawn[base], outcome.kind, tail))
    above = outcome.event if outcome.kind == "survival" else outcome.values > outcome.values.min(initial=np.inf)
    return Validation(
        kind=outcome.kind,
        performance=tuple(performance),
        gains=tuple(gains),
        folds=folds,
        n=outcome.n,
        patients=int(patient.max(initial=-1)) + 1,
        events=int(above.sum()),
    )


def _one_repeat(
    candidate: Candidate,
    table: FloatArray,
    outcome: Outcome,
    fold: NDArray[np.intp],
    groups: Any,
    times: FloatArray,
    seed: list[int],
    width: int,
) -> tuple[FloatArray, FloatArray, int]:
    """Return scores and probabilities of every row from models fitted without its patient, and the fits that failed."""
    scores = np.zeros(outcome.n)
    predicted = np.zeros((outcome.n, width))
    failed = 0
    levels = np.unique(outcome.values)
    patients = None if groups is None else np.asarray(groups)
    for k in np.unique(fold):
        out = fold == k
        inside = outcome.take(~out)
        rng = np.random.default_rng([*seed, int(k)])
        scorer = candidate.learner.fit(candidate.steps, table[~out], inside, None if patients is None else patients[~out], rng)
        failed += isinstance(scorer, ConstantScorer)
        scores[out] = scorer.score(table[out])
        found = scorer.probability(table[out], times)
        if outcome.kind == "ordinal" and found.shape[1] != width:
            found = all_levels(found, np.unique(inside.values), levels)
        predicted[out] = found
    return scores, predicted, failed


def all_levels(found: FloatArray, known: FloatArray, levels: FloatArray) -> FloatArray:
    """Return P(Y > level) for every level from a model whose training patients lacked some."""
    above = np.column_stack([np.ones(len(found)), found, np.zeros(len(found))])
    return above[:, np.searchsorted(known, levels[:-1], side="right")]


def _permuted_run(
    candidate: Candidate,
    table: FloatArray,
    outcome: Outcome,
    n_folds: int,
    groups: Any,
    times: FloatArray,
    seed: int,
    number: int,
) -> float:
    """Return the discrimination of the whole procedure on labels dealt out at random."""
    rng = np.random.default_rng([seed, 3, number])
    dealt = permuted(outcome, rng, groups)
    fold = stratified_folds(dealt, n_folds, rng, groups)
    width = targets(dealt, times)[0].shape[1]
    scores, _, _ = _one_repeat(candidate, table, dealt, fold, groups, times, [seed, 4, number], width)
    good, pairs = _pair_counts(dealt, fold[None, :], scores[None, :])
    return float(good.sum() / pairs.sum()) if pairs.sum() else float("nan")


def _pair_counts(outcome: Outcome, folds: NDArray[np.intp], scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return n x n arrays: comparable pairs of the same fold ordered rightly (ties one half), and all of them."""
    comparable = outcome.pairs()
    good, pairs = np.zeros(comparable.shape), np.zeros(comparable.shape)
    for fold, score in zip(folds, scores, strict=True):
        same = comparable & (fold[:, None] == fold)
        pairs += same
        good += (same & (score[:, None] > score)) + 0.5 * (same & (score[:, None] == score))
    return good, pairs


def targets(outcome: Outcome, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what probabilities are scored against, shape (n, m), and the weights of these entries."""
    if outcome.kind == "survival":
        curve = censoring_curve(outcome.values, outcome.event)
        case = outcome.event[:, None] & (outcome.values[:, None] <= times)
        control = outcome.values[:, None] > times
        with np.errstate(divide="ignore"):
            before, beyond = 1 / curve.before(outcome.values), 1 / curve.at(times)
        weight = np.where(case, before[:, None], np.where(control, beyond, 0.0))
        weight[:, ~control.any(axis=0)] = np.nan  # nobody is followed so far: that time cannot be scored
        return case.astype(np.float64), weight
    levels = np.unique(outcome.values)
    if outcome.kind == "binary":
        levels = np.array([0.0, 1.0])
    above = (outcome.values[:, None] > levels[:-1]).astype(np.float64)
    return above, np.ones(above.shape)


def _judge(
    name: str,
    outcome: Outcome,
    folds: NDArray[np.intp],
    scores: FloatArray,
    predicted: FloatArray,
    observed: FloatArray,
    importance: FloatArray,
    weights: NDArray[np.int64],
    patient: NDArray[np.intp],
    failed: int,
    control: FloatArray,
    tail: float,
) -> tuple[Performance, tuple[FloatArray, FloatArray]]:
    per_repeat = np.full(len(folds), np.nan)
    good, pairs = np.zeros((outcome.n, outcome.n)), np.zeros((outcome.n, outcome.n))
    for r in range(len(folds)):
        one_good, one_pairs = _pair_counts(outcome, folds[r : r + 1], scores[r : r + 1])
        if one_pairs.sum():
            per_repeat[r] = one_good.sum() / one_pairs.sum()
        good += one_good
        pairs += one_pairs
    total = float(pairs.sum())
    value = float(good.sum()) / total if total else float("nan")
    w = weights.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        # halves and whole numbers: these sums are exact whatever order a BLAS adds them in
        boot = ((w @ good) * w).sum(axis=1) / ((w @ pairs) * w).sum(axis=1)
    each = (importance * (predicted - observed) ** 2).mean(axis=(0, 2)) if observed.shape[1] else np.full(outcome.n, np.nan)
    frequency = (importance * observed).sum(axis=0) / importance.sum(axis=0) if outcome.n else np.zeros(0)
    null = float((importance * (frequency - observed) ** 2).mean()) if observed.shape[1] else float("nan")
    brier = float(each.mean())
    boot_brier = np.einsum("bn,n->b", w, each) / w.sum(axis=1) if len(w) else np.zeros(0)
    calibrated = calibration_slope(outcome, folds, scores, predicted, patient, 1 - 2 * tail)
    finite = control[np.isfinite(control)]
    reason = "" if total else ("constant outcome" if not outcome.varies else "no comparable pairs")
    notes = {
        "": "",
        "constant outcome": "the outcome does not vary",
        "no comparable pairs": "no two patients of a fold can be compared",
    }
    words = [notes[reason]] if reason else []
    if failed:
        words.append(f"no model in {failed} of {folds.size // max(outcome.n, 1) * int(folds.max(initial=0) + 1)} folds")
    low, high = _interval(boot, tail)
    brier_low, brier_high = _interval(boot_brier, tail)
    performance = Performance(
        name=name,
        discrimination=value,
        ci_low=low,
        ci_high=high,
        per_repeat=per_repeat,
        brier=brier,
        brier_ci_low=brier_low,
        brier_ci_high=brier_high,
        brier_null=null,
        brier_scaled=1 - brier / null if null > 0 else float("nan"),
        slope=calibrated.slope,
        slope_ci_low=calibrated.slope_ci_low,
        slope_ci_high=calibrated.slope_ci_high,
        intercept=calibrated.intercept,
        intercept_ci_low=calibrated.intercept_ci_low,
        intercept_ci_high=calibrated.intercept_ci_high,
        scores=scores,
        predicted=predicted,
        n_failed=failed,
        permuted=control,
        p_value=float((np.count_nonzero(finite >= value) + 1) / (finite.size + 1)) if finite.size else float("nan"),
        converged=not reason,
        reason=reason,
        columns=(),
        note="; ".join(words),
    )
    return performance, (boot, boot_brier)


def _gain(
    one: Performance,
    base: Performance,
    drawn: tuple[FloatArray, FloatArray],
    drawn_base: tuple[FloatArray, FloatArray],
    kind: str,
    tail: float,
) -> Gain:
    difference = one.discrimination - base.discrimination
    low, high = _interval(drawn[0] - drawn_base[0], tail)
    brier = base.brier - one.brier
    brier_low, brier_high = _interval(drawn_base[1] - drawn[1], tail)
    metric = "AUC" if kind == "binary" else "C"
    words = []
    for label, value, bottom, top in ((metric, difference, low, high), ("Brier score", brier, brier_low, brier_high)):
        if np.isnan(value):
            continue
        text = f"{label}: gain over {base.name} {value:+.3f} ({bottom:+.3f} to {top:+.3f})"
        if np.isnan(bottom):
            text = f"{label}: gain over {base.name} {value:+.3f}, no interval"
        elif bottom <= 0 <= top:
            text += ", the interval holds 0: no gain is shown"
        elif top < 0:
            text += ": worse"
        words.append(text)
    return Gain(
        name=one.name,
        baseline=base.name,
        discrimination=difference,
        discrimination_ci_low=low,
        discrimination_ci_high=high,
        brier=brier,
        brier_ci_low=brier_low,
        brier_ci_high=brier_high,
        per_repeat=one.per_repeat - base.per_repeat,
        message="; ".join(words),
    )


def _interval(values: FloatArray, tail: float) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size < 2:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)
