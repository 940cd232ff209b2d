"""A concave log-likelihood -> its maximum, or the columns because of which there is none.

Statistical packages stop when the likelihood no longer grows.  With a separated marker it stops
growing although the coefficient runs to infinity, and a huge interval with p near 1 is printed as if
it were an estimate.  Here a fit counts only when the *coefficients* have come to rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray

MAX_ITERATIONS = 60
#: smallest eigenvalue of the information, scaled to a unit diagonal, below which columns are collinear
COLLINEAR = 1e-9
#: step (columns of unit range) below which a coefficient is at rest: far below any printed digit
AT_REST = 1e-8
#: gain in log-likelihood below which nothing is left to gain
NO_GAIN = 1e-11
#: a step this large when nothing is left to gain means a coefficient on its way to infinity
RUNNING = 1e-4
#: longest step: a first step of 500 (one carrier, the first to have the event) would end where every other weight is 0
LONGEST = 5.0


class Likelihood(Protocol):
    """What a model must offer (statsmodels' models do)."""

    def loglike(self, params: FloatArray) -> Any:
        """Return the log-likelihood."""

    def score(self, params: FloatArray) -> Any:
        """Return its gradient."""

    def hessian(self, params: FloatArray) -> Any:
        """Return its second derivatives."""


@dataclass(frozen=True)
class Maximum:
    """Where the search ended.

    Parameters
    ----------
    params : array
        Coefficients; use them only if `reason` is empty.
    loglike : float
        Log-likelihood there.
    information : array
        Negative second derivatives of the free coefficients.
    reason : {'', 'collinear', 'monotone', 'iterations'}
        Why there is no maximum.
    columns : tuple of int
        Columns that cause it.
    """

    params: FloatArray
    loglike: float
    information: FloatArray
    reason: str
    columns: tuple[int, ...]

    @property
    def converged(self) -> bool:
        """The coefficients came to rest."""
        return self.reason == ""


def maximise(model: Likelihood, start: FloatArray, held: BoolArray | None = None) -> Maximum:
    """Climb by Newton's method with halved steps.

    Parameters
    ----------
    model : Likelihood
        Its columns must be of unit range (see :func:`resistance.stats._arrays.to_unit_range`).
    start : array
        First coefficients; held ones stay as they are.
    held : array of bool, optional
        Coefficients that are not moved (a null hypothesis, a point of a profile).

    Returns
    -------
    Maximum
        ``monotone`` when coefficients still run although the likelihood has no more than 1e-11 to
        gain: separation in a logistic, monotone likelihood in a Cox model.
    """
    params = np.array(start, dtype=np.float64)
    free = np.ones(params.size, dtype=bool) if held is None else ~held
    index = np.flatnonzero(free)
    with np.errstate(all="ignore"):  # exp over- and underflows on the way are met by halving the step
        loglike = float(model.loglike(params))
        if index.size == 0:
            return Maximum(params, loglike, np.zeros((0, 0)), "", ())
        information = -np.asarray(model.hessian(params))[np.ix_(free, free)]
        dependent = dependent_columns(information)
        if dependent.any():
            return Maximum(params, loglike, information, "collinear", tuple(int(i) for i in index[dependent]))
        step = np.zeros(index.size)
        for _ in range(MAX_ITERATIONS):
            gradient = np.asarray(model.score(params), dtype=np.float64)[free]
            try:
                step = np.linalg.solve(information, gradient)
            except np.linalg.LinAlgError:
                break
            if not np.isfinite(step).all():
                break
            gain = float(gradient @ step) / 2
            if np.abs(step).max() < AT_REST:
                return Maximum(params, loglike, information, "", ())
            running = np.abs(step) > RUNNING
            if gain < NO_GAIN and running.any():
                return Maximum(params, loglike, information, "monotone", tuple(int(i) for i in index[running]))
            moved = _climb(model, params, free, step * min(1.0, LONGEST / float(np.abs(step).max())), loglike)
            if moved is None:
                # no uphill point along an uphill direction: rounding, so the top is here
                reason = "iterations" if running.any() else ""
                return Maximum(params, loglike, information, reason, tuple(int(i) for i in index[running]))
            params, loglike = moved
            information = -np.asarray(model.hessian(params))[np.ix_(free, free)]
    far = np.abs(params[free]) > 10  # a ratio above 20,000 from the lowest to the highest value
    columns = tuple(int(i) for i in index[far])
    return Maximum(params, loglike, information, "monotone" if columns else "iterations", columns)


def _climb(
    model: Likelihood, params: FloatArray, free: BoolArray, step: FloatArray, loglike: float
) -> tuple[FloatArray, float] | None:
    """Return the first point along `step` (whole, half, quarter ...) that is not lower, with its log-likelihood."""
    for half in range(30):
        trial = params.copy()
        trial[free] += step / 2**half
        value = float(model.loglike(trial))
        if np.isfinite(value) and value >= loglike - 1e-12 * max(1.0, abs(loglike)):
            return trial, value
    return None


def dependent_columns(information: FloatArray) -> BoolArray:
    """Return which columns take part in a combination that the data say nothing about."""
    diagonal = np.diag(information)
    dead = ~(diagonal > 1e-12)
    scale = np.sqrt(np.where(dead, 1.0, diagonal))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    null = vectors[:, values < COLLINEAR]
    involved = (np.abs(null) > 1e-3).any(axis=1) if null.size else np.zeros(diagonal.size, dtype=bool)
    return np.asarray(dead | involved)
