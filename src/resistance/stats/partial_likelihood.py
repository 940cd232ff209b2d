"""Times, events, columns and strata -> Cox's partial log-likelihood with gradient and second derivatives.

The sums over risk sets are cumulative sums over patients in the order of time, so that one evaluation is
a handful of array operations; statsmodels' PHReg, against which this is tested, loops over event times
(``benchmarks/cox.py`` has both side by side).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class _Stratum:
    """One stratum, its patients by falling time.

    ``risk_end`` and ``tie_start``, ``tie_end`` say for each event where its risk set ends and between
    which of ``tied`` (rows with an event, by falling time) its ties stand; ``share`` is Efron's
    fraction l/d of the tied weights that is taken out (0 throughout for Breslow).
    """

    columns: FloatArray
    outer: FloatArray
    tied: Indices
    risk_end: Indices
    tie_start: Indices
    tie_end: Indices
    share: FloatArray


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

    Notes
    -----
    Cox 1975, doi:10.1093/biomet/62.2.269; ties after Efron 1977, doi:10.1080/01621459.1977.10480613.
    """

    def __init__(
        self, time: FloatArray, event: BoolArray, columns: FloatArray, strata: Indices | None, ties: Literal["efron", "breslow"]
    ) -> None:
        groups = np.zeros(time.size, dtype=np.int64) if strata is None else strata
        self._k = columns.shape[1]
        self._strata = []
        for group in np.unique(groups):
            here = groups == group
            if event[here].any():  # a stratum without events has no term
                self._strata.append(_prepared(time[here], event[here], columns[here], ties))

    def loglike(self, params: FloatArray) -> float:
        """Return the log partial likelihood."""
        total = 0.0
        for stratum in self._strata:
            linear, weight, shift = _weights(stratum, params)
            total += linear[stratum.tied].sum() - (np.log(_left(stratum, weight)) + shift).sum()
        return float(total)

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient, shape (k,)."""
        total = np.zeros(self._k)
        for stratum in self._strata:
            _, weight, _ = _weights(stratum, params)
            mean = _left(stratum, weight[:, None] * stratum.columns) / _left(stratum, weight)[:, None]
            total += stratum.columns[stratum.tied].sum(axis=0) - mean.sum(axis=0)
        return total

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return its second derivatives, shape (k, k)."""
        total = np.zeros((self._k, self._k))
        for stratum in self._strata:
            _, weight, _ = _weights(stratum, params)
            left = _left(stratum, weight)
            mean = _left(stratum, weight[:, None] * stratum.columns) / left[:, None]
            second = _left(stratum, weight[:, None] * stratum.outer) / left[:, None]
            total -= second.sum(axis=0).reshape(self._k, self._k) - mean.T @ mean
        return total


def _prepared(time: FloatArray, event: BoolArray, columns: FloatArray, ties: str) -> _Stratum:
    order = np.argsort(-time, kind="stable")
    t, e, x = time[order], event[order], columns[order]
    tied = np.flatnonzero(e)
    falling = -t[tied]
    risk_end = np.searchsorted(-t, falling, side="right")
    tie_start, tie_end = np.searchsorted(falling, falling, side="left"), np.searchsorted(falling, falling, side="right")
    share = (np.arange(tied.size) - tie_start) / (tie_end - tie_start) if ties == "efron" else np.zeros(tied.size)
    outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    return _Stratum(x, outer, tied, risk_end, tie_start, tie_end, share)


def _weights(stratum: _Stratum, params: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Return the linear predictor, exp(it - its largest value), and that value."""
    linear = stratum.columns @ params
    shift = float(linear.max())
    return linear, np.exp(linear - shift), shift


def _left(stratum: _Stratum, values: FloatArray) -> FloatArray:
    """Return, for each event, the sum over its risk set less Efron's share of the sum over its ties."""
    zero = np.zeros((1, *values.shape[1:]))
    at_risk = np.concatenate([zero, np.cumsum(values, axis=0)])[stratum.risk_end]
    among_ties = np.concatenate([zero, np.cumsum(values[stratum.tied], axis=0)])
    tied = among_ties[stratum.tie_end] - among_ties[stratum.tie_start]
    share = stratum.share.reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(at_risk - share * tied)
