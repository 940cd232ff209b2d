"""Training columns and outcome -> what is learnt from them before a model (imputation, scaling, filter, cuts), to be applied to others.

A step is fitted on the patients of a fold and applied to those left out; nothing of the latter is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray
from resistance.stats.prediction.outcomes import Outcome


class FittedStep(Protocol):
    """What was learnt; `sources` says which column that goes in each column that comes out is made of."""

    @property
    def sources(self) -> NDArray[np.intp]:
        """Columns that went in, one per column that comes out."""

    def apply(self, columns: FloatArray) -> FloatArray:
        """Return the columns of other patients, treated alike."""


class Step(Protocol):
    """Something to be learnt from training patients."""

    def fit(self, columns: FloatArray, outcome: Outcome) -> FittedStep:
        """Learn it."""


@dataclass(frozen=True)
class FittedFill:
    """Values for missing entries."""

    values: FloatArray

    @property
    def sources(self) -> NDArray[np.intp]:
        """All columns, in their order."""
        return np.arange(self.values.size)

    def apply(self, columns: FloatArray) -> FloatArray:
        """Return the columns without missing values."""
        return np.where(np.isnan(columns), self.values, columns)


@dataclass(frozen=True)
class Impute:
    """Fill missing values (NaN) with the training patients' median or mean; 0 where a column has none at all."""

    how: Literal["median", "mean"] = "median"

    def fit(self, columns: FloatArray, outcome: Outcome) -> FittedFill:
        """Learn the values."""
        values = np.zeros(columns.shape[1])
        for j in range(columns.shape[1]):
            known = columns[~np.isnan(columns[:, j]), j]
            if known.size:
                values[j] = np.median(known) if self.how == "median" else known.mean()
        return FittedFill(values)


@dataclass(frozen=True)
class FittedScale:
    """Means and standard deviations."""

    mean: FloatArray
    spread: FloatArray

    @property
    def sources(self) -> NDArray[np.intp]:
        """All columns, in their order."""
        return np.arange(self.mean.size)

    def apply(self, columns: FloatArray) -> FloatArray:
        """Return the columns centred and divided."""
        return (columns - self.mean) / self.spread


@dataclass(frozen=True)
class Scale:
    """Centre columns and divide by their standard deviation (constant ones are only centred)."""

    def fit(self, columns: FloatArray, outcome: Outcome) -> FittedScale:
        """Learn means and standard deviations."""
        spread = columns.std(axis=0)
        constant = (np.ptp(columns, axis=0) == 0) | ~(spread > 0)
        return FittedScale(columns.mean(axis=0), np.where(constant, 1.0, spread))


@dataclass(frozen=True)
class FittedFilter:
    """Columns kept."""

    kept: NDArray[np.intp]

    @property
    def sources(self) -> NDArray[np.intp]:
        """The kept columns."""
        return self.kept

    def apply(self, columns: FloatArray) -> FloatArray:
        """Return the kept columns."""
        return columns[:, self.kept]


@dataclass(frozen=True)
class Filter:
    """Keep the columns most associated with the outcome (univariate score test), besides those `always` kept."""

    keep: int
    always: tuple[int, ...] = ()

    def fit(self, columns: FloatArray, outcome: Outcome) -> FittedFilter:
        """Rank the columns."""
        if self.keep < 0:
            raise ValueError("keep: a count that is not negative is needed")
        rank = -score_statistics(columns, outcome)
        rank[list(self.always)] = -np.inf
        first = np.argsort(rank, kind="stable")[: self.keep + len(set(self.always))]
        return FittedFilter(np.sort(first))


@dataclass(frozen=True)
class FittedCut:
    """Thresholds; a value above its own becomes 1."""

    at: FloatArray

    @property
    def sources(self) -> NDArray[np.intp]:
        """All columns, in their order."""
        return np.arange(self.at.size)

    def apply(self, columns: FloatArray) -> FloatArray:
        """Return 1 above the threshold, else 0 (infinite threshold: the column stays as it is)."""
        return np.where(np.isinf(self.at), columns, (columns > self.at).astype(np.float64))


@dataclass(frozen=True)
class QuantileCut:
    """Cut columns at a quantile of the training patients; of several quantiles the one most associated with the outcome.

    Parameters
    ----------
    quantiles : tuple of float
    columns : tuple of int, optional
        Which are cut (default all).
    """

    quantiles: tuple[float, ...] = (0.25, 0.5, 0.75)
    columns: tuple[int, ...] | None = None

    def fit(self, columns: FloatArray, outcome: Outcome) -> FittedCut:
        """Choose the cuts."""
        if not self.quantiles or not all(0 < q < 1 for q in self.quantiles):
            raise ValueError("quantiles: numbers between 0 and 1 are needed")
        candidates = np.quantile(columns, self.quantiles, axis=0)
        scores = np.array([score_statistics((columns > cut).astype(np.float64), outcome) for cut in candidates])
        at = candidates[scores.argmax(axis=0), np.arange(columns.shape[1])]
        if self.columns is not None:
            left = np.ones(columns.shape[1], dtype=bool)
            left[list(self.columns)] = False
            at[left] = np.inf
        return FittedCut(at)


@dataclass(frozen=True)
class FittedSteps:
    """Fitted steps in a row."""

    steps: tuple[FittedStep, ...]
    n_columns: int

    @property
    def sources(self) -> NDArray[np.intp]:
        """For each column that comes out, the column that went in."""
        index = np.arange(self.n_columns)
        for step in self.steps:
            index = index[step.sources]
        return index

    def apply(self, columns: FloatArray) -> FloatArray:
        """Apply them one after another."""
        if columns.ndim != 2 or columns.shape[1] != self.n_columns:
            raise ValueError(f"columns: shape {columns.shape}, the steps were fitted on {self.n_columns} columns")
        for step in self.steps:
            columns = step.apply(columns)
        if not np.isfinite(columns).all():
            raise ValueError("columns: missing or infinite values are left after the steps (put Impute first)")
        return columns


def fit_steps(steps: Sequence[Step], columns: FloatArray, outcome: Outcome) -> tuple[FittedSteps, FloatArray]:
    """Fit steps one after another; returns them and the training columns that come out."""
    fitted = []
    table = columns
    for step in steps:
        if np.isnan(table).any() and not isinstance(step, Impute):
            raise ValueError(f"columns: missing values reach {type(step).__name__} (put Impute first)")
        one = step.fit(table, outcome)
        table = one.apply(table)
        fitted.append(one)
    whole = FittedSteps(tuple(fitted), columns.shape[1])
    if not np.isfinite(table).all():
        raise ValueError("columns: missing or infinite values are left after the steps (put Impute first)")
    return whole, table


def score_statistics(columns: FloatArray, outcome: Outcome) -> FloatArray:
    """Return the score test statistic of each column alone (0 for a constant one), in the permutation form.

    With r the residuals of the model without columns: (sum x r)**2 / (var(r) sum (x - mean)**2).
    """
    residual = outcome.residuals()
    residual = residual - residual.mean()
    centred = columns - columns.mean(axis=0)
    with np.errstate(all="ignore"):
        statistic = np.einsum("n,nk->k", residual, centred) ** 2 / (np.einsum("nk,nk->k", centred, centred) * residual.var())
    statistic[(np.ptp(columns, axis=0) == 0) | ~np.isfinite(statistic)] = 0.0
    return np.asarray(statistic, dtype=np.float64)


def table_of(columns: ArrayLike, n: int) -> FloatArray:
    """Return an n x k array in which NaN stands for missing; infinite values are refused."""
    table = np.asarray(columns, dtype=np.float64)
    if table.ndim == 1 and table.size == n:
        table = table.reshape(n, 1)
    if table.ndim != 2 or table.shape[0] != n:
        raise ValueError(f"columns: shape {table.shape} for {n} rows")
    if np.isinf(table).any():
        raise ValueError(f"columns: {int(np.isinf(table).sum())} infinite value(s)")
    return table
