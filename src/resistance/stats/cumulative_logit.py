"""Ordered categories and columns -> the log-likelihood of the cumulative logit model, its score and second derivatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray


class CumulativeLogit:
    """logit P(category <= j) = threshold_j - columns @ coef, with some coefficients different at every threshold if wanted.

    Concave in all parameters (Pratt 1981, doi:10.1080/01621459.1981.10477613), so that Newton's method finds the
    one maximum.

    Parameters
    ----------
    categories : array of int, shape (n,)
        0..c-1, each of them present.
    columns : array, shape (n, k)
    weights : array, shape (n,)
        Above 0.
    nominal : array of bool, shape (k,)
        Columns with one coefficient per threshold.

    Notes
    -----
    Parameters: c-1 thresholds; then, column after column, 1 coefficient, or c-1 for a nominal one.
    """

    def __init__(self, categories: NDArray[np.intp], columns: FloatArray, weights: FloatArray, nominal: BoolArray) -> None:
        n, k = columns.shape
        cuts = int(categories.max())
        self.weights = weights
        width = np.where(nominal, cuts, 1)
        starts = cuts + np.cumsum(width) - width
        size = cuts + int(width.sum())
        upper, lower = np.zeros((n, size)), np.zeros((n, size))
        self.top, self.bottom = categories == cuts, categories == 0
        for cut in range(cuts):
            at = np.zeros((n, size))
            at[:, cut] = 1.0
            for column in range(k):
                at[:, starts[column] + (cut if nominal[column] else 0)] = -columns[:, column]
            upper[categories == cut] = at[categories == cut]
            lower[categories == cut + 1] = at[categories == cut + 1]
        self.upper, self.lower, self.cuts = upper, lower, cuts

    def _ends(self, params: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the linear predictors at both ends of each patient's category, and what their distance adds."""
        u, v = self.upper @ params, self.lower @ params
        distance = np.where(self.top | self.bottom, np.inf, u - v)
        return u, v, distance

    def loglike(self, params: FloatArray) -> float:
        """Return the log-likelihood; minus infinity where thresholds cross around a patient's own category.

        With one coefficient per threshold they may cross for patients who are in other categories, as in R's
        ordinal::clm: what nobody was seen in has no part in the likelihood.
        """
        u, v, distance = self._ends(params)
        if not (distance > 0).all():
            return -float("inf")
        # log(F(u) - F(v)) without the difference of two numbers near 1
        log_p = (
            np.where(self.top, 0.0, -np.logaddexp(0, -u))
            + np.where(self.bottom, 0.0, -np.logaddexp(0, v))
            + np.log(-np.expm1(-distance))
        )
        return float(self.weights @ log_p)

    def score(self, params: FloatArray) -> FloatArray:
        """Return the first derivatives."""
        du, dv = self._slopes(params)
        return np.asarray(self.upper.T @ (self.weights * du) + self.lower.T @ (self.weights * dv))

    def scores(self, params: FloatArray) -> FloatArray:
        """Return each patient's part of the first derivatives, shape (n, parameters)."""
        du, dv = self._slopes(params)
        return np.asarray(self.weights[:, None] * (du[:, None] * self.upper + dv[:, None] * self.lower))

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return the second derivatives."""
        from scipy.special import expit

        u, v, distance = self._ends(params)
        near = 1 / np.expm1(distance)
        bend = near * (1 + near)
        uu = np.where(self.top, 0.0, -expit(u) * expit(-u) - bend) * self.weights
        vv = np.where(self.bottom, 0.0, -expit(v) * expit(-v) - bend) * self.weights
        uv = bend * self.weights
        cross = self.upper.T @ (uv[:, None] * self.lower)
        return np.asarray(self.upper.T @ (uu[:, None] * self.upper) + self.lower.T @ (vv[:, None] * self.lower) + cross + cross.T)

    def _slopes(self, params: FloatArray) -> tuple[FloatArray, FloatArray]:
        from scipy.special import expit

        u, v, distance = self._ends(params)
        near = 1 / np.expm1(distance)
        return np.where(self.top, 0.0, expit(-u) + near), np.where(self.bottom, 0.0, -expit(v) - near)
