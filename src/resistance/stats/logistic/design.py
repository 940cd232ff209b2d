"""A binary outcome, columns and weights -> what a fit needs: rows that count, columns of unit range, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, numbers, to_unit_range
from resistance.stats.logistic_likelihood import LogisticLikelihood
from resistance.stats.newton import dependent_columns


@dataclass(frozen=True)
class Design:
    """What a fit needs: rows of positive weight, columns of unit range, and the way back.

    Parameters
    ----------
    outcome : array of bool, shape (n,)
    columns : array, shape (n, k)
        As given.
    unit : array, shape (n, k + 1)
        Ones, and the columns centred and divided by `spread`.
    spread : array, shape (k,)
    weights : array, shape (n,)
    used : array of bool
        Rows given that have a positive weight.
    """

    outcome: BoolArray
    columns: FloatArray
    unit: FloatArray
    spread: FloatArray
    weights: FloatArray
    used: BoolArray

    def likelihood(self, *, penalised: bool = False) -> LogisticLikelihood:
        """Return the likelihood in the columns of unit range."""
        return LogisticLikelihood(self.outcome, self.unit, self.weights, penalised=penalised)

    @property
    def start(self) -> FloatArray:
        """The log odds of everybody, and no effect."""
        share = float(self.weights @ self.outcome) / float(self.weights.sum())
        start = np.zeros(self.unit.shape[1])
        start[0] = np.log(share / (1 - share))
        return start

    @property
    def impossible(self) -> tuple[str, tuple[int, ...]]:
        """Why there is nothing to fit whatever the method ('' where there is), and the columns that are the cause."""
        if self.outcome.all() or not self.outcome.any():
            return "constant outcome", ()
        dependent = dependent_columns(self.likelihood().information(self.start))
        return ("collinear", without_intercept(np.flatnonzero(dependent))) if dependent.any() else ("", ())


def prepare(outcome: ArrayLike, columns: ArrayLike, weights: ArrayLike | None) -> Design:
    """Check the arrays of a logistic model and bring its columns to unit range."""
    y = flags(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    w = np.ones(y.size) if weights is None else numbers(weights, "weights", y.size)
    if w.size and w.min() < 0:
        raise ValueError("weights: negative values")
    used = np.asarray(w > 0)
    unit, spread = to_unit_range(x[used])
    return Design(y[used], x[used], np.column_stack([np.ones(int(used.sum())), unit]), spread, w[used], used)


def tested_columns(tested: Sequence[int] | None, k: int) -> tuple[int, ...]:
    """Return the columns asked for, all of them by default."""
    which = tuple(range(k)) if tested is None else tuple(int(i) for i in tested)
    if any(not 0 <= i < k for i in which) or len(set(which)) < len(which):
        raise ValueError(f"tested: {list(which)} are not different columns of 0 to {k - 1}")
    return which


def held_columns(columns: Sequence[int], data: Design) -> BoolArray:
    """Return the parameters (intercept first) of these columns, to be held at their value."""
    held = np.zeros(data.unit.shape[1], dtype=np.bool_)
    held[[i + 1 for i in columns]] = True
    return held


def without_intercept(columns: Any) -> tuple[int, ...]:
    """Return 0-based columns from places among the parameters, of which the first is the intercept."""
    return tuple(int(i) - 1 for i in columns if i > 0)
