"""Outcome and covariates -> what a model without the marker leaves unexplained of each patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, flags, matrix, numbers, to_unit_range
from resistance.stats.newton import maximise
from resistance.stats.scan.risk_sets import CoxTable, risk_sets


@dataclass(frozen=True)
class Residuals:
    """What a model of the covariates leaves unexplained; empty where `reason` says why there is no model.

    Parameters
    ----------
    values : array, shape (n,)
    information : array, shape (n,)
        How much each patient tells of a marker: expected events, or the variance of the outcome.
    """

    values: FloatArray
    information: FloatArray
    reason: str
    columns: tuple[int, ...]
    note: str


def martingale_residuals(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
) -> Residuals:
    """Return event less expected number of events of each patient under the Cox model of the covariates.

    Returns
    -------
    Residuals
        Their sum over carriers is the score of a marker; they sum to 0 within each stratum.
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    unit, _ = to_unit_range(covariate_table(covariates, t.size))
    begin = None if start is None else numbers(start, "start", t.size)
    if not e.any():
        return Residuals(np.zeros(0), np.zeros(0), "no events", (), "no events")
    table = CoxTable(risk_sets(t, e, begin, stratum_codes(strata, t.size), ties), unit)
    null = maximise(table, np.zeros(unit.shape[1]))
    if not null.converged:
        return _no_model(null.reason, null.columns)
    values = table.residuals(null.params)
    return Residuals(values, np.maximum(e - values, 0.0), "", (), "")


def logistic_residuals(outcome: ArrayLike, covariates: ArrayLike | None = None, *, strata: Any = None) -> Residuals:
    """Return outcome less fitted probability of each patient, with an intercept for each stratum.

    A stratum in which everybody or nobody has the outcome is fitted perfectly: its residuals are 0.
    """
    y = flags(outcome, "outcome").astype(np.float64)
    z = covariate_table(covariates, y.size)
    groups = stratum_codes(strata, y.size)
    if y.size == 0 or y.min() == y.max():
        return Residuals(np.zeros(0), np.zeros(0), "constant outcome", (), "the outcome does not vary")
    size = np.bincount(groups)
    rate = np.bincount(groups, weights=y) / size
    mixed = np.isin(groups, np.flatnonzero((rate > 0) & (rate < 1)))
    values = np.zeros(y.size)
    if not mixed.any():
        return Residuals(np.zeros(0), np.zeros(0), "constant outcome", (), "the outcome does not vary within any stratum")
    kept = np.unique(groups[mixed])
    dummies = (groups[mixed, None] == kept).astype(np.float64)
    unit, _ = to_unit_range(z[mixed])
    model = _Logistic(y[mixed], np.column_stack([dummies, unit]))
    start = np.append(np.log(rate[kept] / (1 - rate[kept])), np.zeros(z.shape[1]))
    top = maximise(model, start)
    if not top.converged:
        return _no_model(top.reason, tuple(c - kept.size for c in top.columns if c >= kept.size))
    fitted = model.probability(top.params)
    values[mixed] = y[mixed] - fitted
    information = np.zeros(y.size)
    information[mixed] = fitted * (1 - fitted)
    return Residuals(values, information, "", (), "")


def less_covariates(
    markers: FloatArray, covariates: FloatArray, strata: NDArray[np.int64], information: FloatArray
) -> FloatArray:
    """Return markers without what covariates and strata say about them.

    A weighted least-squares fit, by the information of each patient: the score of the marker is the same,
    and its spread under permutation becomes that of the score given the covariates.  Without it a marker
    that goes with a covariate has too large a p.

    Parameters
    ----------
    markers : array, shape (n, m)
    covariates : array, shape (n, k)
    strata : array of int, shape (n,)
    information : array, shape (n,)
    """
    dummies = (strata[:, None] == np.unique(strata)).astype(np.float64)
    columns = np.column_stack([dummies, to_unit_range(covariates)[0]])
    root = np.sqrt(information)[:, None]
    fitted = np.linalg.lstsq(columns * root, markers * root, rcond=None)[0]
    return np.asarray(markers - columns @ fitted)


class _Logistic:
    """Log-likelihood of a logistic model in numpy: no library need be imported for it."""

    def __init__(self, y: FloatArray, x: FloatArray) -> None:
        self._y, self._x = y, x

    def probability(self, params: FloatArray) -> FloatArray:
        return np.asarray(1 / (1 + np.exp(-(self._x @ params))))

    def loglike(self, params: FloatArray) -> float:
        eta = self._x @ params
        return float(self._y @ eta - np.logaddexp(0.0, eta).sum())

    def score(self, params: FloatArray) -> FloatArray:
        return np.asarray((self._y - self.probability(params)) @ self._x)

    def hessian(self, params: FloatArray) -> FloatArray:
        p = self.probability(params)
        return np.asarray(-(self._x * (p * (1 - p))[:, None]).T @ self._x)


def _no_model(reason: str, columns: tuple[int, ...]) -> Residuals:
    which = ("covariate " if len(columns) == 1 else "covariates ") + ", ".join(str(c) for c in columns)
    words = {
        "collinear": f"{which}: constant or collinear (within strata)",
        "monotone": f"{which}: no finite effect (separation, or no event on one side)",
        "iterations": "the model of the covariates was not maximised within the allowed iterations",
    }
    return Residuals(np.zeros(0), np.zeros(0), reason, columns, words[reason])


def covariate_table(covariates: ArrayLike | None, n: int) -> FloatArray:
    """Return n x k covariates without missing values; k is 0 when there are none."""
    return np.zeros((n, 0)) if covariates is None else matrix(covariates, "covariates", n)


def stratum_codes(strata: Any, n: int) -> NDArray[np.int64]:
    """Return each patient's stratum; one for all when there are none."""
    return np.zeros(n, dtype=np.int64) if strata is None else codes(strata, "strata", n).astype(np.int64)
