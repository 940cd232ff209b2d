"""Training columns and outcome -> something that scores other patients: elastic net with its penalty chosen inside, plain regression, boosting.

A learner never sees the patients on whom it is judged; where it must choose (a penalty), it does so by
cross-validation among its training patients in which the steps before it are fitted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.prediction.folds import stratified_folds
from resistance.stats.prediction.outcomes import Outcome
from resistance.stats.prediction.steps import FittedSteps, Step, fit_steps

#: optimality conditions within this are enough to choose a penalty and to score patients
LOOSE = 1e-6


class Scorer(Protocol):
    """What a learner returns."""

    def score(self, columns: FloatArray) -> FloatArray:
        """Return a score per patient: the linear predictor (higher means the outcome, or an earlier event)."""

    def probability(self, columns: FloatArray, times: FloatArray) -> FloatArray:
        """Return probabilities, shape (n, m): of the outcome; of each higher category; of an event by each time."""


@dataclass(frozen=True)
class LinearScorer:
    """Steps, coefficients and what turns the linear predictor into a probability.

    Parameters
    ----------
    kind : {'binary', 'ordinal', 'survival'}
    steps : FittedSteps
    coef : array, shape (k,)
        For the columns that come out of the steps.
    thresholds : array
        Binary, ordinal: logit P(Y > level j) = linear predictor - threshold j.
    baseline_times, baseline_hazard : array
        Time to event: Breslow's cumulative baseline hazard (where the linear predictor is 0), a step per event time.
    levels : array
        Ordinal categories (empty otherwise).
    penalty : float
        Chosen lambda, 0 for none.
    note : str
    """

    kind: str
    steps: FittedSteps
    coef: FloatArray
    thresholds: FloatArray
    baseline_times: FloatArray
    baseline_hazard: FloatArray
    levels: FloatArray
    penalty: float
    note: str

    def score(self, columns: FloatArray) -> FloatArray:
        """Return the linear predictor (without thresholds or baseline)."""
        return np.asarray(np.einsum("nk,k->n", self.steps.apply(columns), self.coef), dtype=np.float64)

    def probability(self, columns: FloatArray, times: FloatArray) -> FloatArray:
        """Return probabilities, shape (n, m)."""
        return probabilities(self.kind, self.score(columns), self.thresholds, self.baseline_times, self.baseline_hazard, times)


@dataclass(frozen=True)
class ConstantScorer:
    """No model could be fitted: everybody has the training patients' frequency."""

    kind: str
    levels_above: FloatArray
    event_times: FloatArray
    incidence: FloatArray
    note: str

    def score(self, columns: FloatArray) -> FloatArray:
        """Return 0 for everybody."""
        return np.zeros(len(columns))

    def probability(self, columns: FloatArray, times: FloatArray) -> FloatArray:
        """Return the same probabilities for everybody."""
        if self.kind == "survival":
            row = np.concatenate([[0.0], self.incidence])[np.searchsorted(self.event_times, times, side="right")]
        else:
            row = self.levels_above
        return np.tile(row, (len(columns), 1))


@dataclass(frozen=True)
class TreeScorer:
    """Boosted trees."""

    kind: str
    steps: FittedSteps
    raw: Callable[[FloatArray], FloatArray]
    levels_above: Callable[[FloatArray], FloatArray] | None
    baseline_times: FloatArray
    baseline_hazard: FloatArray
    note: str = ""

    def score(self, columns: FloatArray) -> FloatArray:
        """Return the sum of the trees."""
        return self.raw(self.steps.apply(columns))

    def probability(self, columns: FloatArray, times: FloatArray) -> FloatArray:
        """Return probabilities, shape (n, m)."""
        score = self.score(columns)
        if self.levels_above is not None:
            return self.levels_above(score)
        return probabilities(self.kind, score, np.zeros(1), self.baseline_times, self.baseline_hazard, times)


class Learner(Protocol):
    """A way to make a scorer."""

    def fit(self, steps: Sequence[Step], columns: FloatArray, outcome: Outcome, groups: Any, rng: np.random.Generator) -> Scorer:
        """Fit the steps and the model."""


@dataclass(frozen=True)
class ElasticNet:
    """Lasso, ridge or both; the penalty with the least deviance in an inner cross-validation.

    Parameters
    ----------
    alpha : float
        1 lasso, 0 ridge.
    inner_folds : int
    n_lambdas : int
    lambda_min_ratio : float, optional
        Last penalty over first; default .05 with more columns than patients, else .0001.
    rule : {'min', '1se'}
        ``1se``: the largest penalty whose deviance is within one standard error of the least.
    unpenalised : tuple of int
        Columns that go into the steps and stay without penalty (clinical covariates).
    """

    alpha: float = 1.0
    inner_folds: int = 5
    n_lambdas: int = 50
    lambda_min_ratio: float | None = None
    rule: Literal["min", "1se"] = "min"
    unpenalised: tuple[int, ...] = ()

    def fit(self, steps: Sequence[Step], columns: FloatArray, outcome: Outcome, groups: Any, rng: np.random.Generator) -> Scorer:
        """Fit the steps, choose the penalty and fit the model."""
        if not outcome.varies:
            return constant_scorer(outcome, "the outcome does not vary")
        fitted, table = fit_steps(steps, columns, outcome)
        whole = self._path(table, fitted, outcome, None)
        deviance = np.full((self.inner_folds, whole.lambdas.size), np.nan)
        patients = outcome.n if groups is None else np.unique(np.asarray(groups)).size
        if patients >= self.inner_folds:
            fold = stratified_folds(outcome, self.inner_folds, rng, groups)
            for k in range(self.inner_folds):
                out = fold == k
                inside = outcome.take(~out)
                if inside.varies:
                    inner, inner_table = fit_steps(steps, columns[~out], inside)
                    path = self._path(inner_table, inner, inside, whole.lambdas)
                    deviance[k] = held_out_deviance(path, inner.apply(columns), outcome, out)
        chosen = self._choose(deviance, whole.solved)
        coef = whole.coef[chosen]
        if not np.isfinite(coef).all():
            return constant_scorer(outcome, "no penalty was solved")
        return linear_scorer(outcome, fitted, table, coef, whole.thresholds[chosen], float(whole.lambdas[chosen]), "")

    def _path(self, table: FloatArray, fitted: FittedSteps, outcome: Outcome, lambdas: FloatArray | None) -> Path:
        factor = np.where(np.isin(fitted.sources, self.unpenalised), 0.0, 1.0)
        # with more columns than patients the far end of glmnet's path (.01) is nearly saturated, never chosen and slow
        wide = table.shape[0] < table.shape[1]
        ratio = 0.05 if self.lambda_min_ratio is None and wide else self.lambda_min_ratio
        return fit_path(
            outcome,
            table,
            lambdas=lambdas,
            alpha=self.alpha,
            penalty_factor=factor if factor.any() else None,
            n_lambdas=self.n_lambdas,
            lambda_min_ratio=ratio,
            tolerance=LOOSE,
        )

    def _choose(self, deviance: FloatArray, solved: BoolArray) -> int:
        used = deviance[~np.isnan(deviance).all(axis=1)]
        if used.shape[0] == 0:
            return 0
        mean = used.mean(axis=0)  # NaN where a fold did not solve that penalty
        usable = solved & np.isfinite(mean)
        if not usable.any():
            return 0
        least = int(np.argmin(np.where(usable, mean, np.inf)))
        if self.rule == "min" or used.shape[0] < 2:
            return least
        allowed = mean[least] + used[:, least].std(ddof=1) / np.sqrt(used.shape[0])
        return int(np.flatnonzero(usable & (mean <= allowed))[0])


@dataclass(frozen=True)
class Plain:
    """Regression without penalty (logistic, proportional odds, Cox), for a few columns such as a clinical index.

    Where a fold's patients have no finite estimate (an empty cell), a ridge penalty of .01 is used and noted.
    """

    def fit(self, steps: Sequence[Step], columns: FloatArray, outcome: Outcome, groups: Any, rng: np.random.Generator) -> Scorer:
        """Fit the steps and the model."""
        if not outcome.varies:
            return constant_scorer(outcome, "the outcome does not vary")
        fitted, table = fit_steps(steps, columns, outcome)
        note = ""
        path = fit_path(outcome, table, lambdas=np.zeros(1), alpha=0.0, tolerance=LOOSE)
        if not path.solved[0]:
            path, note = (
                fit_path(outcome, table, lambdas=np.array([0.01]), alpha=0.0, tolerance=LOOSE),
                "ridge: no finite estimate",
            )
        if not path.solved[0]:
            return constant_scorer(outcome, "not solved")
        return linear_scorer(outcome, fitted, table, path.coef[0], path.thresholds[0], float(path.lambdas[0]), note)


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted trees, a comparator for the linear models.

    Binary: scikit-learn's HistGradientBoostingClassifier (log loss).  Ordinal: HistGradientBoostingRegressor on the
    score residuals of the null model; its score is then put into a proportional-odds model.  Time to event: regression
    trees fitted to the martingale residuals of the score so far, that is the gradient of Breslow's partial likelihood
    (Ridgeway 1999; Friedman 2001, doi:10.1214/aos/1013203451).

    Parameters
    ----------
    n_trees : int
    rate : float
    depth : int
    min_leaf : int
        Patients per leaf, at least.
    """

    n_trees: int = 100
    rate: float = 0.05
    depth: int = 2
    min_leaf: int = 10

    def fit(self, steps: Sequence[Step], columns: FloatArray, outcome: Outcome, groups: Any, rng: np.random.Generator) -> Scorer:
        """Fit the steps and the trees."""
        if not outcome.varies:
            return constant_scorer(outcome, "the outcome does not vary")
        fitted, table = fit_steps(steps, columns, outcome)
        seed = int(rng.integers(2**31))
        if outcome.kind == "survival":
            raw = self._survival(table, outcome, seed)
            times, hazard = baseline(outcome.values, outcome.event, raw(table))
            return TreeScorer("survival", fitted, raw, None, times, hazard)
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        shape: dict[str, Any] = {
            "max_iter": self.n_trees,
            "learning_rate": self.rate,
            "max_depth": self.depth,
            "min_samples_leaf": self.min_leaf,
            "early_stopping": False,
            "random_state": seed,
        }
        none = np.zeros(0)
        if outcome.kind == "binary":
            classifier = HistGradientBoostingClassifier(**shape).fit(table, outcome.values)
            return TreeScorer("binary", fitted, lambda x: np.asarray(classifier.decision_function(x)), None, none, none)
        regressor = HistGradientBoostingRegressor(**shape).fit(table, outcome.residuals())

        def raw_ordinal(x: FloatArray) -> FloatArray:
            return np.asarray(regressor.predict(x), dtype=np.float64)

        path = fit_path(outcome, raw_ordinal(table).reshape(-1, 1), lambdas=np.array([1e-3]), alpha=0.0, tolerance=LOOSE)

        def above(score: FloatArray) -> FloatArray:
            return probabilities("ordinal", score * path.coef[0, 0], path.thresholds[0], none, none, none)

        return TreeScorer("ordinal", fitted, raw_ordinal, above, none, none)

    def _survival(self, table: FloatArray, outcome: Outcome, seed: int) -> Callable[[FloatArray], FloatArray]:
        from sklearn.tree import DecisionTreeRegressor

        score = np.zeros(outcome.n)
        trees = []
        for number in range(self.n_trees):
            times, hazard = baseline(outcome.values, outcome.event, score)
            expected = hazard_at(times, hazard, outcome.values) * np.exp(score)
            tree = DecisionTreeRegressor(max_depth=self.depth, min_samples_leaf=self.min_leaf, random_state=seed + number)
            tree.fit(table, outcome.event - expected)
            trees.append(tree)
            score = score + self.rate * tree.predict(table)

        def raw(x: FloatArray) -> FloatArray:
            total = np.zeros(len(x))
            for tree in trees:
                total += self.rate * tree.predict(x)
            return total

        return raw


@dataclass(frozen=True)
class Path:
    """A penalised path of any kind of outcome."""

    kind: str
    lambdas: FloatArray
    coef: FloatArray
    thresholds: FloatArray
    solved: BoolArray


def fit_path(outcome: Outcome, table: FloatArray, **options: Any) -> Path:
    """Fit the penalised model that belongs to the kind of outcome."""
    if outcome.kind == "survival":
        from resistance.stats.prediction.penalised_cox import penalised_cox

        cox = penalised_cox(outcome.values, outcome.event, table, **options)
        return Path("survival", cox.lambdas, cox.coef, np.zeros((cox.lambdas.size, 0)), cox.solved)
    if outcome.kind == "binary":
        from resistance.stats.prediction.penalised_logistic import penalised_logistic

        logit = penalised_logistic(outcome.values, table, **options)
        return Path("binary", logit.lambdas, logit.coef, -logit.intercept[:, None], logit.solved)
    from resistance.stats.prediction.penalised_ordinal import penalised_ordinal

    odds = penalised_ordinal(outcome.values, table, **options)
    return Path("ordinal", odds.lambdas, odds.coef, odds.thresholds, odds.solved)


def held_out_deviance(path: Path, table: FloatArray, outcome: Outcome, out: BoolArray) -> FloatArray:
    """Return, per penalty, minus twice the log-likelihood of the patients left out, per patient (per event for Cox).

    Cox: the partial likelihood of everybody less that of those trained on, at the same coefficients (Verweij and van
    Houwelingen 1993, doi:10.1002/sim.4780122407); the risk sets of a small fold alone would say little.
    """
    scores = np.einsum("nk,lk->ln", table, path.coef)
    result = np.full(path.lambdas.size, np.nan)
    if path.kind == "survival":
        from resistance.stats.prediction import _descent
        from resistance.stats.prediction._path import blocks

        everybody = blocks(outcome.values, outcome.event, None)
        kept = np.flatnonzero(~out)
        inside = blocks(outcome.values[kept], outcome.event[kept], None)
        for at in np.flatnonzero(path.solved):
            b, s = everybody, scores[at][everybody.order]
            total = _descent.cox_loss(s, b.event, b.start, b.stop, b.deaths, b.first, b.last)
            b, s = inside, scores[at][kept][inside.order]
            total -= _descent.cox_loss(s, b.event, b.start, b.stop, b.deaths, b.first, b.last)
            result[at] = 2 * total / max(1, int(outcome.event[out].sum()))
        return result
    levels = np.unique(outcome.values[~out])
    place = np.searchsorted(levels, outcome.values[out])
    known = (place < levels.size) & (levels[np.minimum(place, levels.size - 1)] == outcome.values[out])
    for at in np.flatnonzero(path.solved):
        s = scores[at][out]
        above = probabilities(path.kind, s, path.thresholds[at], np.zeros(0), np.zeros(0), np.zeros(0))
        edges = np.column_stack([np.ones(s.size), above, np.zeros(s.size)])
        cell = np.take_along_axis(edges, place[:, None], 1)[:, 0] if known.all() else np.full(s.size, np.nan)
        if known.all():
            cell = cell - np.take_along_axis(edges, place[:, None] + 1, 1)[:, 0]
            result[at] = -2 * float(np.log(np.maximum(cell, 1e-15)).mean())
    return result


def linear_scorer(
    outcome: Outcome, fitted: FittedSteps, table: FloatArray, coef: FloatArray, thresholds: FloatArray, penalty: float, note: str
) -> LinearScorer:
    """Put a linear model together, with its baseline hazard where time is the outcome."""
    times = hazard = np.zeros(0)
    if outcome.kind == "survival":
        times, hazard = baseline(outcome.values, outcome.event, np.einsum("nk,k->n", table, coef))
    levels = np.unique(outcome.values) if outcome.kind == "ordinal" else np.zeros(0)
    return LinearScorer(outcome.kind, fitted, coef, thresholds, times, hazard, levels, penalty, note)


def constant_scorer(outcome: Outcome, note: str) -> ConstantScorer:
    """Score everybody alike."""
    if outcome.kind == "survival":
        times, hazard = baseline(outcome.values, outcome.event, np.zeros(outcome.n))
        return ConstantScorer("survival", np.zeros(0), times, -np.expm1(-hazard), note)
    levels = np.unique(outcome.values)
    levels = np.array([0.0, 1.0]) if outcome.kind == "binary" else levels
    above = np.array([(outcome.values > level).mean() for level in levels[:-1]])
    return ConstantScorer(outcome.kind, above, np.zeros(0), np.zeros(0), note)


def baseline(time: FloatArray, event: BoolArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return event times and Breslow's cumulative baseline hazard after each (Breslow 1972)."""
    times = np.unique(time[event])
    if times.size == 0:
        return times, np.zeros(0)
    order = np.argsort(time, kind="stable")
    shift = float(score.max())
    left = np.concatenate([np.cumsum(np.exp(score[order] - shift)[::-1])[::-1], [0.0]])
    at_risk = left[np.searchsorted(time[order], times, side="left")]
    deaths = np.bincount(np.searchsorted(times, time[event]), minlength=times.size)
    return times, np.asarray(np.cumsum(deaths / at_risk) * np.exp(-shift), dtype=np.float64)


def hazard_at(times: FloatArray, hazard: FloatArray, at: FloatArray) -> FloatArray:
    """Return the cumulative hazard at given times."""
    return np.asarray(np.concatenate([[0.0], hazard])[np.searchsorted(times, at, side="right")], dtype=np.float64)


def probabilities(
    kind: str, score: FloatArray, thresholds: FloatArray, times: FloatArray, hazard: FloatArray, at: FloatArray
) -> FloatArray:
    """Turn linear predictors into probabilities, shape (n, m)."""
    from scipy.special import expit

    if kind == "survival":
        with np.errstate(over="ignore"):
            return np.asarray(-np.expm1(-hazard_at(times, hazard, at) * np.exp(score)[:, None]), dtype=np.float64)
    return np.asarray(expit(score[:, None] - thresholds), dtype=np.float64)


def rows_of(columns: ArrayLike) -> NDArray[np.float64]:
    """Return a two-dimensional float array."""
    table = np.asarray(columns, dtype=np.float64)
    return table.reshape(-1, 1) if table.ndim == 1 else table
