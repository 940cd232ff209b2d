"""A binary outcome, weights and a design -> the log-likelihood of logistic regression, plain or with Firth's penalty, and its derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.newton import AT_REST, Maximum, maximise

PENALISED_ITERATIONS = 500
#: a step may not move a coefficient by more than this times the largest (columns of unit range)
LONGEST_STEP = 5.0
#: curvature, as a share of the Fisher information, below which the step takes this share
LEAST_CURVATURE = 0.001
#: gain in log-likelihood that rounding can hide
NO_GAIN = 1e-9
#: gain at which the next step is the last
LAST_GAIN = 1e-12
#: share of the log-likelihood that is rounding
ROUNDING = 1e-13


@dataclass(frozen=True)
class _Point:
    """What is needed more than once at one set of coefficients; `half` is NaN where the information is singular."""

    linear: FloatArray
    probability: FloatArray
    variance: FloatArray
    information: FloatArray
    log_determinant: float
    half: FloatArray

    @property
    def quadratic(self) -> FloatArray:
        """The rows' x' I^-1 x."""
        return np.asarray(np.einsum("ij,ij->i", self.half, self.half))


class LogisticLikelihood:
    """Log-likelihood of a logistic model.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
        Bool or float.
    design : array, shape (n, k)
        With its column of ones.
    weights : array, shape (n,), optional
        Frequency weights, positive.
    penalised : bool
        Add half the log determinant of the Fisher information (Jeffreys' prior).

    Notes
    -----
    Firth 1993, doi:10.1093/biomet/80.1.27; Heinze and Schemper 2002, doi:10.1002/sim.1047.  The penalty
    equals, at the maximum, two further patients per patient with half its leverage as weight, one with
    and one without the outcome; `augmented_information` is the information of that enlarged data set.
    """

    def __init__(
        self, outcome: FloatArray | BoolArray, design: FloatArray, weights: FloatArray | None = None, *, penalised: bool = False
    ) -> None:
        self._y = np.asarray(outcome, dtype=np.float64)
        self._x = np.asarray(design, dtype=np.float64)
        self._w = np.ones(self._y.size) if weights is None else np.asarray(weights, dtype=np.float64)
        self._penalised = penalised
        self._last: tuple[bytes, _Point] | None = None

    def with_design(self, design: FloatArray) -> LogisticLikelihood:
        """Return the likelihood of the same patients with other columns."""
        return LogisticLikelihood(self._y, design, self._w, penalised=self._penalised)

    def without_penalty(self) -> LogisticLikelihood:
        """Return the likelihood of the same patients and columns without the penalty."""
        return LogisticLikelihood(self._y, self._x, self._w)

    def loglike(self, params: FloatArray) -> float:
        """Return the log-likelihood (with the penalty: -inf where the information is singular)."""
        linear = self._at(params).linear if self._penalised else self._x @ params
        value = float(self._w @ (self._y * linear - np.logaddexp(0.0, linear)))
        return value + self._at(params).log_determinant / 2 if self._penalised else value

    def score(self, params: FloatArray) -> FloatArray:
        """Return the gradient, shape (k,)."""
        if not self._penalised:
            return np.asarray(self._x.T @ (self._w * (self._y - _probability(self._x @ params))))
        at = self._at(params)
        residual = self._w * (self._y - at.probability) + self._w * at.variance * at.quadratic * (0.5 - at.probability)
        return np.asarray(self._x.T @ residual)

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return the second derivatives, shape (k, k); those of the penalised likelihood are not negative definite everywhere."""
        if not self._penalised:
            return -self.information(params)
        at = self._at(params)
        # with q_i = x_i' I^-1 x_i the penalty's slope is sum w_i v_i (1 - 2 p_i) q_i x_i / 2; both factors move
        k = self._x.shape[1]
        pairs = (at.half[:, :, None] * at.half[:, None, :]).reshape(-1, k * k)
        cross = pairs.T @ ((self._w * at.variance * (1 - 2 * at.probability))[:, None] * self._x)
        curvature = self._w * at.variance * (1 - 6 * at.variance) * at.quadratic
        return np.asarray(self._cross(curvature) / 2 - cross.T @ cross / 2 - at.information)

    def maximise(self, start: FloatArray, held: BoolArray | None = None) -> Maximum:
        """Return the maximum over the coefficients that are not held (see :func:`resistance.stats.newton.maximise`).

        The penalised likelihood has one whenever the design is of full rank, but is not concave on the
        way: where it bends the wrong way the step takes the size of the curvature and leaves its sign,
        measured against the Fisher information (a step that is uphill whatever the curvature).
        """
        if not self._penalised:
            return maximise(self, start, held)
        params = np.array(start, dtype=np.float64)
        free = np.ones(params.size, dtype=np.bool_) if held is None else ~held
        block = np.ix_(free, free)
        with np.errstate(all="ignore"):  # exp underflows on the way; a singular information halves the step
            loglike = self.loglike(params)
            curvature = -self.hessian(params)[block]
            for _ in range(PENALISED_ITERATIONS):
                if not (np.isfinite(loglike) and np.isfinite(curvature).all()):
                    break
                slope = self.score(params)[free]
                step, bent = _uphill(slope, curvature, self.information(params)[block])
                gain = float(slope @ step) / 2
                size = float(np.abs(step).max(initial=0.0))
                scale = max(1.0, float(np.abs(params).max()))
                if not bent and (size < AT_REST * scale or gain < LAST_GAIN):
                    last = params.copy()
                    last[free] += step  # Newton doubles the digits, and there are eight
                    value = self.loglike(last)
                    if value >= loglike - ROUNDING * max(1.0, abs(loglike)):
                        params, loglike = last, value
                    return Maximum(params, loglike, curvature, "", ())
                step *= min(1.0, LONGEST_STEP * scale / size) if size > 0 else 1.0
                for half in range(40):
                    trial = params.copy()
                    trial[free] += step / 2**half
                    value = self.loglike(trial)
                    if value >= loglike - ROUNDING * max(1.0, abs(loglike)):
                        break
                else:
                    # no uphill point along an uphill direction: rounding, if there is nothing to gain
                    if not bent and gain < NO_GAIN:
                        return Maximum(params, loglike, curvature, "", ())
                    break
                params, loglike = trial, value
                curvature = -self.hessian(params)[block]
        return Maximum(params, loglike, curvature, "iterations", ())

    def information(self, params: FloatArray) -> FloatArray:
        """Return the Fisher information, shape (k, k)."""
        return self._at(params).information if self._penalised else self._cross(self._w * _variance(self._x @ params))

    def augmented_information(self, params: FloatArray) -> FloatArray:
        """Return the Fisher information of the data with the two further patients of the penalty, shape (k, k)."""
        return self._cross((self._w + self.leverage(params)) * self._at(params).variance)

    def leverage(self, params: FloatArray) -> FloatArray:
        """Return the diagonal of the weighted hat matrix, shape (n,); its sum is k."""
        at = self._at(params)
        return np.asarray(self._w * at.variance * at.quadratic)

    def probability(self, params: FloatArray) -> FloatArray:
        """Return the fitted probabilities, shape (n,)."""
        return _probability(self._x @ params)

    def _at(self, params: FloatArray) -> _Point:
        """Return what belongs to these coefficients; the last ones are remembered, value, slope and curvature share them."""
        key = params.tobytes()
        if self._last is None or self._last[0] != key:
            linear = self._x @ params
            small = np.exp(-np.abs(linear))  # never overflows
            variance = small / (1.0 + small) ** 2
            information = self._cross(self._w * variance)
            log_determinant, half = -np.inf, np.full(self._x.shape, np.nan)
            try:
                lower = np.linalg.cholesky(information)
            except np.linalg.LinAlgError:
                pass
            else:
                log_determinant = 2 * float(np.log(np.diag(lower)).sum())
                half = self._x @ np.linalg.inv(lower).T
            probability = np.where(linear >= 0, 1.0, small) / (1.0 + small)
            self._last = (key, _Point(linear, probability, variance, information, log_determinant, half))
        return self._last[1]

    def _cross(self, weight: FloatArray) -> FloatArray:
        return np.asarray(self._x.T @ (weight[:, None] * self._x))


def _uphill(gradient: FloatArray, curvature: FloatArray, information: FloatArray) -> tuple[FloatArray, bool]:
    """Return the Newton step, with every curvature made positive where one is not, and whether one was not."""
    try:
        np.linalg.cholesky(curvature)
        return np.asarray(np.linalg.solve(curvature, gradient)), False
    except np.linalg.LinAlgError:
        pass
    try:
        lower = np.linalg.cholesky(information)
        relative = np.linalg.solve(lower, np.linalg.solve(lower, curvature).T)
        share, directions = np.linalg.eigh((relative + relative.T) / 2)
    except np.linalg.LinAlgError:
        return np.full(gradient.size, np.nan), True
    along = directions.T @ np.linalg.solve(lower, gradient)
    step = np.linalg.solve(lower.T, directions @ (along / np.maximum(np.abs(share), LEAST_CURVATURE)))
    return step, True


def _probability(linear: FloatArray) -> FloatArray:
    small = np.exp(-np.abs(linear))  # never overflows
    return np.asarray(np.where(linear >= 0, 1.0, small) / (1.0 + small))


def _variance(linear: FloatArray) -> FloatArray:
    small = np.exp(-np.abs(linear))
    return np.asarray(small / (1.0 + small) ** 2)
