"""Times with many ties -> the partial likelihood of discrete time: which d of those at risk had the event."""

from __future__ import annotations

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.partial_likelihood import Indices


class ExactPartialLikelihood:
    """Log partial likelihood of the discrete-time logistic model (coxph's ``ties = "exact"``).

    Parameters
    ----------
    time : array, shape (n,)
    event : array of bool, shape (n,)
    columns : array, shape (n, k)
    strata : array of int, shape (n,), optional
    start : array, shape (n,), optional
        At risk in (start, time].

    Notes
    -----
    Of a risk set with d events the term is exp(sum of the linear predictors of those) over the sum of the
    same over all subsets of size d.  The recursion over patients is that of Gail, Lubin and Rubinstein 1981,
    doi:10.1093/biomet/68.3.703.  It costs (patients at risk) x d per event time: for times in weeks or
    months, where Efron's approximation is no longer good.  Each hazard ratio is then an odds ratio.
    """

    def __init__(
        self, time: FloatArray, event: BoolArray, columns: FloatArray, strata: Indices | None, start: FloatArray | None = None
    ) -> None:
        groups = np.zeros(time.size, dtype=np.int64) if strata is None else strata
        self._k = columns.shape[1]
        self._sets: list[tuple[FloatArray, FloatArray, int]] = []
        for group in np.unique(groups):
            here = groups == group
            for at in np.unique(time[here & event]):
                at_risk = here & (time >= at) & (True if start is None else start < at)
                dead = here & event & (time == at)
                self._sets.append((columns[at_risk], columns[dead].sum(axis=0), int(dead.sum())))
        self._last: tuple[bytes, float, FloatArray, FloatArray] | None = None

    def loglike(self, params: FloatArray) -> float:
        """Return the log partial likelihood."""
        return self._at(params)[0]

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient, shape (k,)."""
        return self._at(params)[1].copy()

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return its second derivatives, shape (k, k)."""
        return self._at(params)[2].copy()

    def _at(self, params: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        key = np.asarray(params, dtype=np.float64).tobytes()
        if self._last is None or self._last[0] != key:
            value, gradient, second = 0.0, np.zeros(self._k), np.zeros((self._k, self._k))
            for columns, observed, d in self._sets:
                log_sum, mean, covariance = log_subset_sum(columns, params, d)
                value += float(observed @ params) - log_sum
                gradient += observed - mean
                second -= covariance
            self._last = (key, value, gradient, second)
        return self._last[1:]


def log_subset_sum(columns: FloatArray, params: FloatArray, d: int) -> tuple[float, FloatArray, FloatArray]:
    """Return the log of the sum over all subsets of d rows of exp(their linear predictors), and its derivatives.

    The sum is a number such as 10 ** 300.  Divided by the odds that draw d rows on average it becomes the
    chance that independent draws give exactly d, which neither overflows nor underflows.

    Returns
    -------
    value : float
    gradient : array, shape (k,)
        Mean, over subsets, of the sum of the columns.
    second : array, shape (k, k)
        Covariance of the same.
    """
    linear = columns @ params
    m, k = columns.shape
    if d == m:
        return float(linear.sum()), columns.sum(axis=0), np.zeros((k, k))
    if d == 1:
        shift = float(linear.max())
        weight = np.exp(linear - shift)
        share = weight / weight.sum()
        mean = share @ columns
        away = columns - mean
        return float(np.log(weight.sum()) + shift), mean, (share[:, None] * away).T @ away
    offset = _offset(linear, d)
    drawn = _expit(linear + offset)
    not_drawn = _expit(-linear - offset)
    centre = drawn @ columns / drawn.sum()
    x = columns - centre
    # one row per number of rows drawn so far (0..d); columns: chance, its gradient, its second derivatives
    state = np.zeros((d + 1, 1 + k + k * k))
    state[0, 0] = 1.0
    for row in range(m):
        here = x[row]
        before = state[:-1].copy()
        chance, first = before[:, :1], before[:, 1 : 1 + k]
        cross = first[:, :, None] * here
        before[:, 1 + k :] += (cross + cross.transpose(0, 2, 1) + np.outer(here, here) * chance[:, :, None]).reshape(d, -1)
        before[:, 1 : 1 + k] += here * chance
        state *= not_drawn[row]
        state[1:] += drawn[row] * before
    chance = state[d, 0]
    gradient = state[d, 1 : 1 + k] / chance
    second = state[d, 1 + k :].reshape(k, k) / chance - np.outer(gradient, gradient)
    value = np.log(chance) - d * offset + np.logaddexp(0.0, linear + offset).sum()
    return float(value), gradient + d * centre, second


def _expit(values: FloatArray) -> FloatArray:
    half = np.exp(-np.logaddexp(0.0, -values))
    return np.asarray(half)


def _offset(linear: FloatArray, d: int) -> float:
    """Return the log odds to add so that d rows are drawn on average (any value near is good)."""
    low, high = float(-linear.max()) - 50.0, float(-linear.min()) + 50.0
    for _ in range(100):
        middle = (low + high) / 2
        if _expit(linear + middle).sum() < d:
            low = middle
        else:
            high = middle
        if high - low < 1e-3:
            break
    return (low + high) / 2
