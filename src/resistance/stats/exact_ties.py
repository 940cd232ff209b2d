"""Times with many ties -> the partial likelihood of discrete time: which d of those at risk had the event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.partial_likelihood import Indices, PartialLikelihood

#: numbers held at once per evaluation, so that memory stays small whatever the cohort
BLOCK = 2_000_000


@dataclass(frozen=True)
class _TiedSets:
    """Risk sets with the same number of tied events, filled up to one size.

    ``present`` is False where a set is filled up.
    """

    d: int
    columns: FloatArray
    present: BoolArray


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
    same over all subsets of size d.  The recursion is that of Gail, Lubin and Rubinstein 1981,
    doi:10.1093/biomet/68.3.703, here over halves of the risk set instead of one patient after the other.
    It costs (patients at risk) x d per event time: for times in weeks or months, where Efron's
    approximation is no longer good.  Each hazard ratio is then an odds ratio.
    """

    def __init__(
        self, time: FloatArray, event: BoolArray, columns: FloatArray, strata: Indices | None, start: FloatArray | None = None
    ) -> None:
        groups = np.zeros(time.size, dtype=np.int64) if strata is None else strata
        self._k = columns.shape[1]
        self._observed = np.zeros(self._k)
        single = event.copy()
        risk_sets: dict[int, list[Indices]] = {}
        for group in np.unique(groups):
            here = np.flatnonzero(groups == group)
            times, counts = np.unique(time[here[event[here]]], return_counts=True)
            for at, d in zip(times[counts > 1], counts[counts > 1], strict=True):
                at_risk = here[(time[here] >= at) & (True if start is None else start[here] < at)]
                tied = at_risk[event[at_risk] & (time[at_risk] == at)]
                single[tied] = False
                self._observed += columns[tied].sum(axis=0)
                risk_sets.setdefault(int(d), []).append(at_risk)
        # an event without ties has Breslow's term
        self._single = PartialLikelihood(time, single, columns, strata, "breslow", start=start)
        self._sets = [_filled(columns, block, d) for d in sorted(risk_sets) for block in _blocks(risk_sets[d], d, self._k)]
        self._last: tuple[bytes, tuple[float, FloatArray, FloatArray]] | None = None

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
            value = self._single.loglike(params) + float(self._observed @ params)
            gradient = self._single.score(params) + self._observed
            second = self._single.hessian(params)
            for sets in self._sets:
                logs, means, covariances = subset_sums(sets.columns, sets.present, params, sets.d)
                value -= float(logs.sum())
                gradient = gradient - means.sum(axis=0)
                second = second - covariances.sum(axis=0)
            self._last = (key, (value, gradient, second))
        return self._last[1]


def subset_sums(columns: FloatArray, present: BoolArray, params: FloatArray, d: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, for each set of rows, the log of the sum over its subsets of d rows of exp(their linear predictors), with derivatives.

    The sum is a number such as 10 ** 300.  Divided by the odds that draw d rows on average it becomes the
    chance that independent draws give exactly d, which neither overflows nor underflows.

    Parameters
    ----------
    columns : array, shape (sets, m, k)
    present : array of bool, shape (sets, m)
        False where a set has fewer than m rows; at least d are True.
    params : array, shape (k,)
    d : int

    Returns
    -------
    value : array, shape (sets,)
    gradient : array, shape (sets, k)
        Mean, over subsets, of the sum of the columns.
    second : array, shape (sets, k, k)
        Covariance of the same.
    """
    sets, m, k = columns.shape
    linear = columns @ params
    value = np.where(present, linear, 0.0).sum(axis=1)
    gradient = np.where(present[:, :, None], columns, 0.0).sum(axis=1)
    second = np.zeros((sets, k, k))
    some = np.flatnonzero(present.sum(axis=1) > d)  # of a set of d rows there is one subset
    if some.size == 0:
        return value, gradient, second
    here, rows = present[some], columns[some]
    shifted = linear[some] + _offset(linear[some], here, d)[:, None]
    drawn = np.where(here, _expit(shifted), 0.0)
    left = np.where(here, _expit(-shifted), 1.0)
    centre = (drawn[:, None, :] @ rows)[:, 0] / drawn.sum(axis=1)[:, None]
    x = np.where(here[:, :, None], rows - centre[:, None, :], 0.0)
    # chance of 0, 1, .. d draws among the rows of a node, its gradient and second derivatives
    size = 1 << int(m - 1).bit_length()
    chance = np.zeros((some.size, size, 2))
    chance[:, :, 0] = 1.0
    chance[:, :m, 0], chance[:, :m, 1] = left, drawn
    first = np.zeros((some.size, size, 2, k))
    first[:, :m, 1] = drawn[:, :, None] * x
    outer = np.zeros((some.size, size, 2, k, k))
    outer[:, :m, 1] = first[:, :m, 1, :, None] * x[:, :, None, :]
    while chance.shape[1] > 1:
        chance, first, outer = _joined(chance, first, outer, d)
    whole = chance[:, 0, d]
    mean = first[:, 0, d] / whole[:, None]
    second[some] = outer[:, 0, d] / whole[:, None, None] - mean[:, :, None] * mean[:, None, :]
    gradient[some] = mean + d * centre
    offset = shifted[:, 0] - linear[some][:, 0]
    value[some] = np.log(whole) - d * offset + np.where(here, np.logaddexp(0.0, shifted), 0.0).sum(axis=1)
    return value, gradient, second


def _joined(chance: FloatArray, first: FloatArray, outer: FloatArray, d: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the nodes joined in pairs: so many draws in one and the rest in the other."""
    a, b = chance[:, 0::2], chance[:, 1::2]
    da, db = first[:, 0::2], first[:, 1::2]
    orders = chance.shape[2]
    top = min(2 * (orders - 1), d) + 1
    shape = (a.shape[0], a.shape[1], top)
    k = first.shape[-1]
    chances, firsts, outers = np.zeros(shape), np.zeros((*shape, k)), np.zeros((*shape, k, k))
    for one in range(orders):
        n = min(orders, top - one)
        to = slice(one, one + n)
        ca, cb = a[:, :, one, None], b[:, :, :n]
        chances[:, :, to] += ca * cb
        ga, gb = da[:, :, one, None, :], db[:, :, :n]
        firsts[:, :, to] += ga * cb[..., None] + ca[..., None] * gb
        cross = ga[..., :, None] * gb[..., None, :]
        outers[:, :, to] += outer[:, 0::2, one, None] * cb[..., None, None] + ca[..., None, None] * outer[:, 1::2, :n]
        outers[:, :, to] += cross + np.swapaxes(cross, -1, -2)
    return chances, firsts, outers


def _blocks(risk_sets: list[Indices], d: int, k: int) -> list[list[Indices]]:
    """Return the sets in blocks of about one size each, none of more than BLOCK numbers."""
    by_size = sorted(risk_sets, key=len)
    blocks: list[list[Indices]] = []
    for rows in by_size:
        fits = blocks and (len(blocks[-1]) + 1) * len(rows) * 4 * (1 + k + k * k) <= BLOCK
        if fits and len(rows) <= 2 * len(blocks[-1][0]):
            blocks[-1].append(rows)
        else:
            blocks.append([rows])
    return blocks


def _filled(columns: FloatArray, risk_sets: list[Indices], d: int) -> _TiedSets:
    m = max(len(rows) for rows in risk_sets)
    filled, present = np.zeros((len(risk_sets), m, columns.shape[1])), np.zeros((len(risk_sets), m), dtype=bool)
    for place, rows in enumerate(risk_sets):
        filled[place, : len(rows)], present[place, : len(rows)] = columns[rows], True
    return _TiedSets(d, filled, present)


def _expit(values: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-np.logaddexp(0.0, -values)))


def _offset(linear: FloatArray, present: BoolArray, d: int) -> FloatArray:
    """Return, for each set, the log odds to add so that d rows are drawn on average (any value near is good)."""
    low = -np.where(present, linear, -np.inf).max(axis=1) - 50.0
    high = -np.where(present, linear, np.inf).min(axis=1) + 50.0
    while (high - low).max() > 1e-2:
        middle = (low + high) / 2
        few = np.where(present, _expit(linear + middle[:, None]), 0.0).sum(axis=1) < d
        low, high = np.where(few, middle, low), np.where(few, high, middle)
    return np.asarray((low + high) / 2)
