"""Columns, outcome and a way to fit -> Harrell's bootstrap: how much better a model looks on its own patients than on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.prediction.folds import patient_codes
from resistance.stats.prediction.learners import ConstantScorer, Learner, LinearScorer, Plain, Scorer
from resistance.stats.prediction.outcomes import Outcome
from resistance.stats.prediction.steps import Step, table_of

if TYPE_CHECKING:
    from resistance.stats.prediction.plus632 import LeftOut


@dataclass(frozen=True)
class Optimism:
    """Optimism of each index, names as in rms.

    Parameters
    ----------
    index : tuple of str
        Binary: Dxy, C, R2, Intercept, Slope, Emax, D, U, Q, B, g, gp.  Time to event: Dxy, C, Slope, D, U, Q, g, and
        B where a time is given (Brier score, weighted for censoring).  Ordinal: Dxy, C, Slope.
    apparent : array
        On the patients the model was fitted on.
    training, test : array
        Means over bootstrap samples: the model fitted on a sample judged there, and judged on the patients given.
    optimism : array
        training - test.
    corrected : array
        apparent - optimism.
    n_bootstraps, n_failed : int
        Samples used; samples left out because no model could be fitted there or an index was not defined.
    converged : bool
        False where the model could not be fitted on all patients, or on no sample.
    reason : {'', 'constant outcome', 'not fitted', 'no sample fitted'}
    columns : tuple of int
    note : str
    """

    index: tuple[str, ...]
    apparent: FloatArray
    training: FloatArray
    test: FloatArray
    optimism: FloatArray
    corrected: FloatArray
    n_bootstraps: int
    n_failed: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str

    def of(self, name: str) -> float:
        """Return the corrected value of one index."""
        return float(self.corrected[self.index.index(name)])


INDEXES = {
    "binary": ("Dxy", "C", "R2", "Intercept", "Slope", "Emax", "D", "U", "Q", "B", "g", "gp"),
    "survival": ("Dxy", "C", "Slope", "D", "U", "Q", "g", "B"),
    "ordinal": ("Dxy", "C", "Slope"),
}


def bootstrap_optimism(
    columns: ArrayLike,
    outcome: Outcome,
    *,
    seed: int,
    learner: Learner | None = None,
    steps: Sequence[Step] = (),
    n_bootstraps: int = 200,
    groups: Any = None,
    time: float | None = None,
    samples: ArrayLike | None = None,
    beside: LeftOut | None = None,
) -> Optimism:
    """Correct a model's apparent performance for having been fitted on the same patients.

    Parameters
    ----------
    columns : array, shape (n, k)
    outcome : Outcome
    seed : int
    learner : Learner, optional
        Default: plain regression.  Whatever it does (choice of a penalty, filter in `steps`) is done anew in
        each sample.
    steps : sequence of Step
    n_bootstraps : int
    groups : array, shape (n,), optional
        Patient of each row; patients are drawn.
    time : float, optional
        Time to event: when survival is scored.
    samples : array of int, shape (B, patients), optional
        Patients drawn (0-based, sorted by their value in `groups`) instead of `n_bootstraps` random ones.
    beside : LeftOut, optional
        Is told of every model that is fitted, so that the .632+ estimator costs no further ones.

    Notes
    -----
    Efron and Gong 1983; Harrell, Lee, Mark 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.
    Indexes as in rms: D and U are (chi-square - 1)/n and (chi-square of intercept 0 and slope 1 - 2)/n of the logistic
    recalibration, Q = D - U, B the Brier score, g and gp Gini's mean difference of the recalibrated linear predictor
    and probability, Emax the largest error over 0..1 of the mean recalibration.
    """
    table = table_of(columns, outcome.n)
    way = Plain() if learner is None else learner
    patient = patient_codes(groups, outcome.n)
    names = INDEXES[outcome.kind]
    if outcome.kind == "survival" and time is None:
        names = names[:-1]
    at = numbers([] if time is None else [time], "time")
    nan = np.full(len(names), np.nan)

    def unanswered(reason: str, note: str) -> Optimism:
        return Optimism(names, nan, nan, nan, nan, nan, 0, 0, False, reason, (), note)

    if not outcome.varies:
        return unanswered("constant outcome", "the outcome does not vary")
    if n_bootstraps < 1:
        raise ValueError("n_bootstraps: at least 1 is needed")
    whole = _fitted(way, steps, table, outcome, groups, np.random.default_rng([seed, 0]))
    apparent = None if whole is None else _indexes(whole, table, outcome, at, names, own=True)
    if beside is not None and whole is not None:
        beside.whole(whole, table)
    if apparent is None:
        return unanswered("not fitted", "the model could not be fitted on all patients")
    count = int(patient.max()) + 1
    given = None if samples is None else _draws(samples, count)
    n_bootstraps = n_bootstraps if given is None else len(given)
    rows_of = np.split(np.argsort(patient, kind="stable"), np.cumsum(np.bincount(patient))[:-1])
    trained, tested = [], []
    for b in range(n_bootstraps):
        rng = np.random.default_rng([seed, 1, b])
        drawn = rng.integers(count, size=count) if given is None else given[b]
        rows = drawn if groups is None else np.concatenate([rows_of[i] for i in drawn])
        sample = outcome.take(rows)
        if not sample.varies:
            continue
        # a patient drawn twice stays one patient for the folds within the sample
        model = _fitted(way, steps, table[rows], sample, patient[rows], rng)
        if model is None:
            continue
        if beside is not None:
            beside.sample(model, table, drawn, sample)
        inside = _indexes(model, table[rows], sample, at, names, own=True)
        outside = _indexes(model, table, outcome, at, names, own=False)
        if inside is not None and outside is not None:
            trained.append(inside)
            tested.append(outside)
    if not trained:
        return unanswered("no sample fitted", "the model could not be fitted on any bootstrap sample")
    training, test = np.mean(trained, axis=0), np.mean(tested, axis=0)
    if "Emax" in names:
        place, a, b_ = names.index("Emax"), names.index("Intercept"), names.index("Slope")
        test[place] = _largest_error(float(test[a]), float(test[b_]))
        # rms reports the error of the corrected recalibration; it is a distance, so its optimism has no sign
        optimism = training - test
        optimism[place] = test[place]
        corrected = apparent - optimism
        corrected[place] = test[place]
    else:
        optimism = training - test
        corrected = apparent - optimism
    failed = n_bootstraps - len(trained)
    note = f"{failed} of {n_bootstraps} bootstrap samples left out: no model, or an index not defined there" if failed else ""
    return Optimism(names, apparent, training, test, optimism, corrected, len(trained), failed, True, "", (), note)


def _draws(samples: ArrayLike, count: int) -> NDArray[np.intp]:
    """Check samples given by the caller."""
    given = np.asarray(samples)
    if given.ndim != 2 or given.shape[1] != count or given.dtype.kind not in "iu":
        raise ValueError(f"samples: whole numbers in the shape (samples, {count}) are needed, not {given.dtype} {given.shape}")
    if given.size == 0 or given.min() < 0 or given.max() >= count:
        raise ValueError(f"samples: numbers from 0 to {count - 1} are needed")
    return given.astype(np.intp)


def _fitted(way: Learner, steps: Sequence[Step], table: FloatArray, outcome: Outcome, groups: Any, rng: Any) -> Scorer | None:
    scorer = way.fit(steps, table, outcome, groups, rng)
    if isinstance(scorer, ConstantScorer) or (isinstance(way, Plain) and isinstance(scorer, LinearScorer) and scorer.note):
        return None  # a sample without a finite estimate is not a sample of this model
    return scorer


def _indexes(
    scorer: Scorer, table: FloatArray, outcome: Outcome, at: FloatArray, names: tuple[str, ...], own: bool
) -> FloatArray | None:
    """Return the indexes of a model on some patients; on its own (`own`) intercept and slope are 0 and 1 by definition."""
    score = scorer.score(table)
    if outcome.kind == "binary":
        found = _binary(scorer, table, outcome, own)
    elif outcome.kind == "survival":
        found = _survival(scorer, score, table, outcome, at, own)
    else:
        found = _ordinal(score, outcome, own)
    values = np.array([found[name] for name in names])
    return values if np.isfinite(values).all() else None


def _binary(scorer: Scorer, table: FloatArray, outcome: Outcome, own: bool) -> dict[str, float]:
    from scipy.special import expit

    from resistance.stats.prediction.auc import placements
    from resistance.stats.prediction.calibration import log_likelihood
    from resistance.stats.prediction.penalised_logistic import penalised_logistic

    y = outcome.values == 1
    p = np.clip(scorer.probability(table, np.zeros(0))[:, 0], 1e-15, 1 - 1e-15)
    logit = np.log(p) - np.log1p(-p)
    m = y.size
    rate = y.mean()
    null = float(m * (rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
    fixed = log_likelihood(y, logit)
    if own and isinstance(scorer, LinearScorer) and scorer.penalty == 0:
        # a fit without penalty is its own recalibration; a penalised one is not, and its apparent slope says so
        intercept, slope, best = 0.0, 1.0, fixed
    else:
        refit = penalised_logistic(y, logit, lambdas=0.0)
        intercept, slope, best = float(refit.intercept[0]), float(refit.coef[0, 0]), float(refit.loglike[0])
    c = float(placements(y, logit)[0].mean())
    d = (2 * (best - null) - 1) / m
    u = (2 * (best - fixed) - 2) / m
    line = slope * logit
    return {
        "Dxy": 2 * c - 1,
        "C": c,
        "R2": float(np.expm1(-2 * (best - null) / m) / np.expm1(2 * null / m)),
        "Intercept": intercept,
        "Slope": slope,
        "Emax": _largest_error(intercept, slope) if own and slope != 1 else 0.0,
        "D": d,
        "U": u,
        "Q": d - u,
        "B": float(((p - y) ** 2).mean()),
        "g": _spread(line),
        "gp": _spread(expit(intercept + line)),
    }


def _survival(
    scorer: Scorer, score: FloatArray, table: FloatArray, outcome: Outcome, at: FloatArray, own: bool
) -> dict[str, float]:
    from resistance.stats.cox import cox
    from resistance.stats.prediction.brier import ipcw_brier
    from resistance.stats.prediction.c_index import harrell_c

    c = harrell_c(outcome.values, outcome.event, score).c
    fit = cox(outcome.values, outcome.event, score, tested=())
    slope = float(fit.coef[0])
    null = fit.loglike_null
    fixed = cox_loglike(outcome, score)
    # a model without any column has no slope: the sample is left out and counted
    found = {"Dxy": 2 * c - 1, "C": c, "Slope": slope, "g": _spread(slope * score)}
    # per unit of the null deviance, as rms has it for Cox models
    found["D"] = (2 * (fit.loglike - null) - 1) / (-2 * null) if null < 0 else float("nan")
    found["U"] = (2 * (fit.loglike - fixed) - 2) / (-2 * null) if null < 0 else float("nan")
    found["Q"] = found["D"] - found["U"]
    if at.size:
        survival = 1 - scorer.probability(table, at)
        found["B"] = float(ipcw_brier(outcome.values, outcome.event, survival, at).brier[0])
    return found


def cox_loglike(outcome: Outcome, score: FloatArray) -> float:
    """Return the log partial likelihood (Efron) of given linear predictors."""
    from resistance.stats.partial_likelihood import PartialLikelihood

    model = PartialLikelihood(outcome.values, outcome.event, score.reshape(-1, 1), None, "efron")
    return model.loglike(np.ones(1))


def _ordinal(score: FloatArray, outcome: Outcome, own: bool) -> dict[str, float]:
    from resistance.stats.prediction.penalised_ordinal import penalised_ordinal

    pairs = outcome.pairs()
    right = (pairs & (score[:, None] > score)).sum() + 0.5 * (pairs & (score[:, None] == score)).sum()
    c = float(right / pairs.sum())
    return {"Dxy": 2 * c - 1, "C": c, "Slope": float(penalised_ordinal(outcome.values, score, lambdas=0.0).coef[0, 0])}


def gini_mean_difference(values: ArrayLike) -> float:
    """Return the mean absolute difference of two different patients' values.

    Examples
    --------
    >>> gini_mean_difference([0, 1, 3])
    2.0
    """
    ordered = np.sort(numbers(values, "values"))
    n = ordered.size
    if n < 2:
        return float("nan")
    rank = 2 * np.arange(1, n + 1) - n - 1
    return float(2 * (rank * ordered).sum() / (n * (n - 1)))


def _spread(values: FloatArray) -> float:
    """Return Gini's mean difference; NaN where a model without any column has no slope."""
    return gini_mean_difference(values) if np.isfinite(values).all() else float("nan")


def _largest_error(intercept: float, slope: float) -> float:
    """Return the largest distance of expit(intercept + slope * logit(p)) from p over 0..1 in steps of .0005."""
    from scipy.special import expit

    p = np.arange(1, 2000) / 2000
    return float(np.abs(p - expit(intercept + slope * (np.log(p) - np.log1p(-p)))).max())
