"""Times, events, columns, strata, entry times and case weights -> Cox's partial log-likelihood with its derivatives.

The sums over risk sets are cumulative sums over patients in the order of time, so that one evaluation is
a handful of array operations; statsmodels' PHReg, against which this is tested, loops over event times
(``benchmarks/cox.py`` has both side by side).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class EventTerms:
    """What the events of one stratum contribute, one entry per event, by falling time.

    Tied events have one entry each: with Efron's method the l-th of d sees the risk set less l/d of the
    tied patients, with Breslow's all see the whole risk set.

    Parameters
    ----------
    rows : array of int
        The stratum's rows in the arrays given.
    event_rows : array of int, shape (E,)
        The row of each event.
    time : array, shape (E,)
    share : array, shape (E,)
        Fraction l/d of the tied patients that is left out.
    tie_start, tie_end : array of int, shape (E,)
        Entries ``tie_start .. tie_end - 1`` have the same time.
    hazard : array, shape (E,)
        Increment of the cumulative baseline hazard (of a patient whose columns are all 0).
    mean : array, shape (E, k)
        Mean of the columns over the risk set, weighted by hazard.
    weight : array, shape (E,)
        Case weight, averaged over ties.
    """

    rows: Indices
    event_rows: Indices
    time: FloatArray
    share: FloatArray
    tie_start: Indices
    tie_end: Indices
    hazard: FloatArray
    mean: FloatArray
    weight: FloatArray


@dataclass(frozen=True)
class _Stratum:
    """One stratum, its patients by falling time.

    ``risk_end`` and ``tie_start``, ``tie_end`` say for each event where its risk set ends and between
    which of ``tied`` (rows with an event, by falling time) its ties stand; ``share`` is Efron's
    fraction l/d of the tied weights that is taken out (0 throughout for Breslow).
    ``case`` are case weights, ``weight`` those of the events averaged over ties (None: all 1).
    """

    rows: Indices
    time: FloatArray
    columns: FloatArray
    outer: FloatArray
    tied: Indices
    risk_end: Indices
    tie_start: Indices
    tie_end: Indices
    share: FloatArray
    entered: _Entered | None
    case: FloatArray | None
    weight: FloatArray


class PartialLikelihood:
    """Log partial likelihood of a Cox model.

    Parameters
    ----------
    time : array, shape (n,)
    event : array of bool, shape (n,)
    columns : array, shape (n, k)
    strata : array of int, shape (n,), optional
        Each stratum has its own baseline hazard.
    ties : {'efron', 'breslow'}
    start : array, shape (n,), optional
        Delayed entry, or the beginning of a start-stop row: at risk in (start, time].
    weights : array, shape (n,), optional
        Case weights, above 0.

    Notes
    -----
    Cox 1975, doi:10.1093/biomet/62.2.269; ties after Efron 1977, doi:10.1080/01621459.1977.10480613;
    start-stop rows after Andersen and Gill 1982, doi:10.1214/aos/1176345976.
    """

    def __init__(
        self,
        time: FloatArray,
        event: BoolArray,
        columns: FloatArray,
        strata: Indices | None,
        ties: Literal["efron", "breslow"],
        *,
        start: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> None:
        groups = np.zeros(time.size, dtype=np.int64) if strata is None else strata
        self._k = columns.shape[1]
        self._strata = []
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            if event[rows].any():  # a stratum without events has no term
                self._strata.append(_prepared(rows, time, event, columns, ties, start, weights))

    def loglike(self, params: FloatArray) -> float:
        """Return the log partial likelihood."""
        total: Any = 0.0
        for stratum in self._strata:
            linear, weight, shift = _weights(stratum, params)
            logs = np.log(_left(stratum, weight)) + shift
            if stratum.case is None:
                total += linear[stratum.tied].sum() - logs.sum()
            else:
                total += stratum.case[stratum.tied] @ linear[stratum.tied] - stratum.weight @ logs
        return float(total)

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient, shape (k,)."""
        total = np.zeros(self._k)
        for stratum in self._strata:
            _, weight, _ = _weights(stratum, params)
            mean = _left(stratum, weight[:, None] * stratum.columns) / _left(stratum, weight)[:, None]
            observed = stratum.columns[stratum.tied]
            own = np.ones(len(observed)) if stratum.case is None else stratum.case[stratum.tied]
            total += own @ observed - stratum.weight @ mean
        return total

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return its second derivatives, shape (k, k)."""
        total = np.zeros((self._k, self._k))
        for stratum in self._strata:
            mean, second = _moments(stratum, params)
            total -= (stratum.weight @ second).reshape(self._k, self._k) - (mean * stratum.weight[:, None]).T @ mean
        return total

    def spread(self, params: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return time (E,), residual (E, k) and covariance (E, k, k) at each event, strata one after the other.

        The residual is the columns of the patient with the event less their mean over the risk set (their
        sum is the gradient, that of the covariances the information); both are multiplied by case weights.
        """
        times, residuals, covariances = [np.zeros(0)], [np.zeros((0, self._k))], [np.zeros((0, self._k, self._k))]
        for stratum in self._strata:
            mean, second = _moments(stratum, params)
            covariance = second.reshape(len(mean), self._k, self._k) - mean[:, :, None] * mean[:, None, :]
            own = np.ones(len(mean)) if stratum.case is None else stratum.case[stratum.tied]
            times.append(stratum.time[stratum.tied])
            residuals.append(own[:, None] * stratum.columns[stratum.tied] - stratum.weight[:, None] * mean)
            covariances.append(stratum.weight[:, None, None] * covariance)
        return np.concatenate(times), np.concatenate(residuals), np.concatenate(covariances)

    def penalised(self, params: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return Firth's log-likelihood (this one plus half the log determinant of the information I), its gradient, and I.

        The gradient of the penalty is half of tr(I^-1 dI/d params_r).  The derivative of the information is the
        third central moment of the columns over each risk set; contracted with I^-1 before it is summed it
        costs no more than the information itself.  -inf where the information is not positive definite.
        """
        k = self._k
        parts = []
        value: Any = 0.0
        gradient, information = np.zeros(k), np.zeros((k, k))
        for s in self._strata:
            linear, weight, shift = _weights(s, params)
            left = _left(s, weight)
            moments = _left(s, weight[:, None] * np.column_stack([s.columns, s.outer])) / left[:, None]
            mean, second = moments[:, :k], moments[:, k:]
            own = np.ones(len(mean)) if s.case is None else s.case[s.tied]
            value += own @ linear[s.tied] - s.weight @ (np.log(left) + shift)
            gradient += own @ s.columns[s.tied] - s.weight @ mean
            information += (s.weight @ second).reshape(k, k) - (mean * s.weight[:, None]).T @ mean
            parts.append((s, weight, left, mean, second.reshape(len(mean), k, k)))
        sign, log_determinant = np.linalg.slogdet(information)
        if not (sign > 0 and np.isfinite(log_determinant)):
            return -np.inf, gradient, information
        inverse = np.linalg.inv(information)
        for s, weight, left, mean, second in parts:
            size = np.einsum("ij,ij->i", s.columns @ inverse, s.columns)
            with_size = weight[:, None] * np.column_stack([size, size[:, None] * s.columns])
            mean_size = _left(s, with_size) / left[:, None]
            turned = mean @ inverse
            third = mean_size[:, 1:] - mean * (mean_size[:, :1] - 2 * np.einsum("ej,ej->e", turned, mean)[:, None])
            third -= 2 * np.einsum("erj,ej->er", second, turned)
            gradient += s.weight @ third / 2
        return float(value + log_determinant / 2), gradient, information

    def terms(self, params: FloatArray) -> list[EventTerms]:
        """Return the baseline hazard's increments and the means over the risk sets, by stratum."""
        found = []
        for s in self._strata:
            _, weight, shift = _weights(s, params)
            left = _left(s, weight)
            mean = _left(s, weight[:, None] * s.columns) / left[:, None]
            hazard = s.weight / left * np.exp(-shift)
            found.append(
                EventTerms(s.rows, s.rows[s.tied], s.time[s.tied], s.share, s.tie_start, s.tie_end, hazard, mean, s.weight)
            )
        return found


def _prepared(
    rows: Indices,
    time: FloatArray,
    event: BoolArray,
    columns: FloatArray,
    ties: str,
    start: FloatArray | None,
    weights: FloatArray | None,
) -> _Stratum:
    rows = rows[np.argsort(-time[rows], kind="stable")]
    t, e, x = time[rows], event[rows], columns[rows]
    tied = np.flatnonzero(e)
    falling = -t[tied]
    risk_end = np.searchsorted(-t, falling, side="right")
    tie_start, tie_end = np.searchsorted(falling, falling, side="left"), np.searchsorted(falling, falling, side="right")
    share = (np.arange(tied.size) - tie_start) / (tie_end - tie_start) if ties == "efron" else np.zeros(tied.size)
    outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    entered = None if start is None else _Entered(start[rows], t, t[tied])
    case, weight = None, np.ones(tied.size)
    if weights is not None:
        case = weights[rows]
        among = np.concatenate([[0.0], np.cumsum(case[tied])])
        weight = (among[tie_end] - among[tie_start]) / (tie_end - tie_start)
    return _Stratum(rows, t, x, outer, tied, risk_end, tie_start, tie_end, share, entered, case, weight)


def _weights(stratum: _Stratum, params: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Return the linear predictor, case weight * exp(it - its largest value), and that value."""
    linear = stratum.columns @ params
    shift = float(linear.max())
    weight = np.exp(linear - shift)
    return linear, weight if stratum.case is None else weight * stratum.case, shift


def _moments(stratum: _Stratum, params: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the means of the columns and of their products over the risk set of each event."""
    _, weight, _ = _weights(stratum, params)
    left = _left(stratum, weight)[:, None]
    mean = _left(stratum, weight[:, None] * stratum.columns) / left
    return mean, _left(stratum, weight[:, None] * stratum.outer) / left


def _left(stratum: _Stratum, values: FloatArray) -> FloatArray:
    """Return, for each event, the sum over its risk set less Efron's share of the sum over its ties."""
    zero = np.zeros((1, *values.shape[1:]))
    if stratum.entered is None:
        at_risk = np.concatenate([zero, np.cumsum(values, axis=0)])[stratum.risk_end]
    else:
        at_risk = stratum.entered.sums(values)
    among_ties = np.concatenate([zero, np.cumsum(values[stratum.tied], axis=0)])
    tied = among_ties[stratum.tie_end] - among_ties[stratum.tie_start]
    share = stratum.share.reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(at_risk - share * tied)


class _Entered:
    """Sums over risk sets which rows enter and leave, by additions alone.

    "All that have not left less those not yet entered" would be shorter, but loses every digit where one
    with a huge weight has not yet entered.  So the interval of event times during which a row is at risk is
    cut into at most 2 log2(D) nodes of a binary tree over the D distinct event times; a node's sum is
    handed down to its leaves.
    """

    def __init__(self, start: FloatArray, time: FloatArray, event_time: FloatArray) -> None:
        times, self._leaf = np.unique(event_time, return_inverse=True)
        self._size = 1 << max(0, int(times.size - 1).bit_length())
        low = np.searchsorted(times, start, side="right") + self._size
        high = np.searchsorted(times, time, side="right") + self._size
        nodes, rows = [], []
        while (low < high).any():
            left = (low < high) & (low % 2 == 1)
            nodes.append(low[left])
            rows.append(np.flatnonzero(left))
            low = low + left
            right = (low < high) & (high % 2 == 1)
            high = high - right
            nodes.append(high[right])
            rows.append(np.flatnonzero(right))
            low, high = low // 2, high // 2
        every = np.concatenate(nodes)
        order = np.argsort(every, kind="stable")
        self._rows = np.concatenate(rows)[order]
        self._nodes, self._begin = np.unique(every[order], return_index=True)

    def sums(self, values: FloatArray) -> FloatArray:
        """Return, for each event, the sum of `values` (n, ...) over the rows at risk at its time."""
        tree = np.zeros((2 * self._size, *values.shape[1:]))
        tree[self._nodes] = np.add.reduceat(values[self._rows], self._begin, axis=0)
        width = 1
        while width < self._size:
            above = tree[width : 2 * width]
            tree[2 * width : 4 * width : 2] += above
            tree[2 * width + 1 : 4 * width : 2] += above
            width *= 2
        return np.asarray(tree[self._size + self._leaf])
