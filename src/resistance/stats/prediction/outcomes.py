"""Arrays -> an outcome to predict: binary, ordinal or time to event; what folds, filters and scores ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers


@dataclass(frozen=True)
class Outcome:
    """An outcome per row; make it with :func:`binary`, :func:`ordinal` or :func:`survival`.

    Parameters
    ----------
    kind : {'binary', 'ordinal', 'survival'}
    values : array, shape (n,)
        0/1, the category's number, or the time.
    event : array of bool, shape (n,)
        For time to event; all True otherwise.
    """

    kind: Literal["binary", "ordinal", "survival"]
    values: FloatArray
    event: BoolArray

    @property
    def n(self) -> int:
        """Rows."""
        return self.values.size

    @property
    def varies(self) -> bool:
        """A model can be fitted: two categories are met, or an event."""
        return bool(self.event.any()) if self.kind == "survival" else bool(np.unique(self.values).size > 1)

    def take(self, rows: Any) -> Outcome:
        """Return the outcome of some rows."""
        return Outcome(self.kind, self.values[rows], self.event[rows])

    def labels(self) -> NDArray[np.intp]:
        """Return what folds are balanced for: the category, or whether there was an event."""
        kept = self.event.astype(np.float64) if self.kind == "survival" else self.values
        return np.unique(kept, return_inverse=True)[1].reshape(-1)

    def pairs(self) -> BoolArray:
        """Return an n x n array: True where row i ought to have the higher score than row j."""
        v = self.values
        if self.kind == "survival":
            return np.asarray(self.event[:, None] & ((v[:, None] < v) | ((v[:, None] == v) & ~self.event)))
        return np.asarray(v[:, None] > v)

    def residuals(self) -> FloatArray:
        """Return the score residuals of the model without columns (martingale residuals for time to event).

        Their product with a centred column is the numerator of that column's score test.
        """
        if self.kind == "survival":
            _, inverse = np.unique(self.values, return_inverse=True)
            inverse = inverse.reshape(-1)
            ended = np.bincount(inverse, weights=self.event)
            at_risk = np.bincount(inverse)[::-1].cumsum()[::-1]
            return np.asarray(self.event - np.cumsum(ended / at_risk)[inverse], dtype=np.float64)
        # P(below) - P(above): the derivative of the proportional-odds likelihood; y - mean for two categories
        _, inverse = np.unique(self.values, return_inverse=True)
        inverse = inverse.reshape(-1)
        share = np.bincount(inverse) / max(self.n, 1)
        up_to = np.cumsum(share)
        return np.asarray((up_to - share)[inverse] - (1 - up_to)[inverse], dtype=np.float64)


def binary(outcome: ArrayLike) -> Outcome:
    """Make a binary outcome of 0 and 1."""
    y = flags(outcome, "outcome")
    return Outcome("binary", y.astype(np.float64), np.ones(y.size, dtype=np.bool_))


def ordinal(outcome: ArrayLike) -> Outcome:
    """Make an ordinal outcome of numbers whose order is that of the categories."""
    y = numbers(outcome, "outcome")
    return Outcome("ordinal", y, np.ones(y.size, dtype=np.bool_))


def survival(time: ArrayLike, event: ArrayLike) -> Outcome:
    """Make a time to event."""
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    return Outcome("survival", t, e)
