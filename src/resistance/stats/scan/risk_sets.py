"""Times, events, strata -> who is at risk at each event, written once and used for every marker.

Patients enter and leave the risk sets in one order (falling time, stratum after stratum), so that a scan
walks through the same list of steps for each marker.  The same sets as a table, terms x patients, serve
small data, the null model and the markers that need smaller steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray

Indices = NDArray[np.int64]
#: entries of the terms x patients table above which it is made in pieces
TABLE = 4_000_000


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk when.

    Parameters
    ----------
    step_row, step_sign : array
        Patients in the order in which they enter (+1) or, with delayed entry, leave (-1) the risk set
        when time runs backwards.
    step_end : array, one per event time
        The first step that comes after it.
    fresh : array of bool, one per event time
        It is the first of its stratum: all sums begin at 0.
    dead_row, dead_start, dead_end : array
        Patients with the event, and which of them stand at each event time.
    efron : bool
    """

    step_row: Indices
    step_sign: FloatArray
    step_end: Indices
    fresh: BoolArray
    dead_row: Indices
    dead_start: Indices
    dead_end: Indices
    efron: bool
    time: FloatArray
    start: FloatArray
    event: BoolArray
    stratum: Indices

    @property
    def n(self) -> int:
        """Patients."""
        return int(self.time.size)

    @property
    def delayed(self) -> bool:
        """Some patients enter after 0."""
        return bool(np.isfinite(self.start).any())

    @property
    def ties(self) -> Literal["efron", "breslow"]:
        """The rule for tied events."""
        return "efron" if self.efron else "breslow"

    @property
    def steps(self) -> tuple[Any, ...]:
        """What the compiled kernels take."""
        return (
            self.step_row,
            self.step_sign,
            self.step_end,
            self.fresh,
            self.dead_row,
            self.dead_start,
            self.dead_end,
            self.efron,
        )


def risk_sets(
    time: FloatArray, event: BoolArray, start: FloatArray | None, strata: Indices | None, ties: Literal["efron", "breslow"]
) -> RiskSets:
    """Sort the patients once.

    Raises
    ------
    ValueError
        Negative times, `start` not before `time`, or an unknown rule for ties.
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties: 'efron' or 'breslow', not {ties!r}")
    if time.size and time.min() < 0:
        raise ValueError("time: negative values")
    begin = np.full(time.size, -np.inf) if start is None else start
    if start is not None:
        if time.size and start.min() < 0:
            raise ValueError("start: negative values")
        if (start >= time).any():
            raise ValueError(f"start: {int((start >= time).sum())} patient(s) whose follow-up does not begin before it ends")
    group = np.zeros(time.size, dtype=np.int64) if strata is None else strata.astype(np.int64)
    rows: list[Indices] = []
    signs: list[FloatArray] = []
    step_end: list[Indices] = []
    fresh: list[BoolArray] = []
    dead: list[Indices] = []
    dead_start: list[Indices] = []
    dead_end: list[Indices] = []
    steps = deaths = 0
    for stratum in np.unique(group) if strata is not None else (0,):
        here = np.flatnonzero(group == stratum)
        at = np.unique(time[here][event[here]])[::-1]
        numbers = np.arange(at.size)
        leaving = here[:0] if start is None else here
        # the number of the event time (counted backwards) at which a patient comes in, or leaves
        order, when, sign = _in_turn(at, time[here], here, begin[leaving], leaving)
        rows.append(order)
        signs.append(sign)
        step_end.append(steps + np.searchsorted(when, numbers, side="right"))
        fresh.append(numbers == 0)
        dying = here[event[here]]
        when = np.searchsorted(-at, -time[dying])
        turn = np.argsort(when, kind="stable")
        dead.append(dying[turn])
        dead_start.append(deaths + np.searchsorted(when[turn], numbers, side="left"))
        dead_end.append(deaths + np.searchsorted(when[turn], numbers, side="right"))
        steps += order.size
        deaths += dying.size
    return RiskSets(
        _joined(rows, np.int64),
        _joined(signs, np.float64),
        _joined(step_end, np.int64),
        _joined(fresh, np.bool_),
        _joined(dead, np.int64),
        _joined(dead_start, np.int64),
        _joined(dead_end, np.int64),
        ties == "efron",
        time,
        begin,
        event,
        group,
    )


def _in_turn(
    at: FloatArray, time: FloatArray, coming: Indices, begin: FloatArray, leaving: Indices
) -> tuple[Indices, Indices, FloatArray]:
    """Return patients as they come in (1) and leave (-1) when time runs backwards, and the number of the event time that follows.

    At one event time all come in before any leaves; within these by falling time.  Who comes in before the first event has no part.
    """
    turn = np.argsort(-time, kind="stable")
    who, when = coming[turn], np.searchsorted(-at, -time[turn])
    sign = np.ones(who.size)
    if leaving.size:
        turn = np.argsort(-begin, kind="stable")
        who, when = np.append(who, leaving[turn]), np.append(when, np.searchsorted(-at, -begin[turn]))
        sign = np.append(sign, -np.ones(turn.size))
        turn = np.argsort(2 * when + (sign < 0), kind="stable")
        who, when, sign = who[turn], when[turn], sign[turn]
    part = when < at.size
    return who[part], when[part], sign[part]


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype=dtype)


@dataclass(frozen=True)
class Evaluation:
    """The (penalised) log-likelihood at one point.

    Parameters
    ----------
    loglike : float
    score : array, shape (p,)
    information : array, shape (p, p)
        Of the likelihood without penalty.
    expected : array, shape (n,)
        Each patient's expected number of events (its cumulative hazard).
    """

    loglike: float
    score: FloatArray
    information: FloatArray
    expected: FloatArray


class CoxTable:
    """Cox's log partial likelihood of one design, with Firth's penalty when asked, as matrix products.

    Parameters
    ----------
    sets : RiskSets
    columns : array, shape (n, p)
        Of unit range.
    here : array of bool, shape (n,), optional
        Patients in the model (default: all).
    firth : bool
        Add half the log-determinant of the information of all columns.
    """

    def __init__(self, sets: RiskSets, columns: FloatArray, here: BoolArray | None = None, firth: bool = False) -> None:
        inside = np.ones(sets.n, dtype=bool) if here is None else here
        self._inside = np.flatnonzero(inside)
        self._x = columns[inside]
        self._firth = firth
        dead = [d[inside[d]] for d in np.split(sets.dead_row, sets.dead_end[:-1])] if sets.dead_end.size else []
        dead = [d for d in dead if d.size]
        place = np.cumsum(inside) - 1
        self._dead = np.concatenate([place[d] for d in dead]) if dead else np.zeros(0, dtype=np.int64)
        self._time, self._start, self._stratum = sets.time[inside], sets.start[inside], sets.stratum[inside]
        self._event = sets.event[inside]
        first = np.array([d[0] for d in dead], dtype=np.int64)
        size = np.array([d.size for d in dead], dtype=np.int64)
        self._term_time = np.repeat(sets.time[first], size)
        self._term_stratum = np.repeat(sets.stratum[first], size)
        within = np.concatenate([np.arange(s) for s in size]) if dead else np.zeros(0)
        self._share = within / np.repeat(size, size) if sets.efron else np.zeros(self._dead.size)
        self._piece = max(1, TABLE // max(1, self._inside.size))
        self._kept: list[FloatArray] | None = None
        if self._dead.size <= self._piece:
            self._kept = [self._membership(slice(0, self._dead.size))]
        self._sum_dead = self._x[self._dead].sum(axis=0)
        self._last: tuple[bytes, Evaluation] | None = None

    @property
    def events(self) -> int:
        """Patients with the event."""
        return int(self._dead.size)

    def _membership(self, terms: slice) -> FloatArray:
        """Return terms x patients: 1 at risk, 0 not, 1 less Efron's share for those who have the event then."""
        t, s = self._term_time[terms, None], self._term_stratum[terms, None]
        at_risk = (self._time >= t) & (self._start < t) & (self._stratum == s)
        tied = at_risk & self._event & (self._time == t)
        return np.asarray(at_risk - self._share[terms, None] * tied)

    def _pieces(self) -> Iterable[FloatArray]:
        if self._kept is not None:
            return self._kept
        bounds = [slice(a, a + self._piece) for a in range(0, self._dead.size, self._piece)]
        return map(self._membership, bounds)

    def at(self, params: FloatArray) -> Evaluation:
        """Return log-likelihood, score and information; NaN where they overflow or the information is singular."""
        key = params.tobytes()
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        found = self._evaluate_quietly(params)
        self._last = (key, found)
        return found

    def _evaluate_quietly(self, params: FloatArray) -> Evaluation:
        with np.errstate(all="ignore"):  # what over- or underflows is met by a shorter step
            return self._evaluate(params)

    def _evaluate(self, params: FloatArray) -> Evaluation:
        x, p = self._x, self._x.shape[1]
        linear = x @ params
        shift = float(linear.max()) if linear.size else 0.0
        weight = np.exp(linear - shift)
        loglike = float(linear[self._dead].sum())
        score, information = self._sum_dead.copy(), np.zeros((p, p))
        expected = np.zeros(x.shape[0])
        for share, total in self._shares(weight):
            loglike -= float((np.log(total) + shift).sum())
            mean = share @ x
            score -= mean.sum(axis=0)
            expected += share.sum(axis=0)
            information -= mean.T @ mean
        information += (x * expected[:, None]).T @ x
        if not self._firth:
            return Evaluation(loglike, score, information, expected)
        sign, logdet = np.linalg.slogdet(information)
        if not sign > 0 or not np.isfinite(logdet):
            return Evaluation(float("nan"), np.full(p, np.nan), information, expected)
        inverse = np.linalg.inv(information)
        # sum over terms of E[(x - mean) (x - mean)' V (x - mean)]: the trace of V times the change of the information
        xv = x @ inverse
        q = np.einsum("ij,ij->i", xv, x)
        third = (x * (expected * q)[:, None]).sum(axis=0)
        for share, _ in self._shares(weight):
            mean = share @ x
            third -= mean.T @ (share @ q)
            third -= 2 * x.T @ np.einsum("ij,ij->i", xv, share.T @ mean)
            third += 2 * mean.T @ np.einsum("ij,jk,ik->i", mean, inverse, mean)
        return Evaluation(loglike + logdet / 2, score + third / 2, information, expected)

    def _shares(self, weight: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield, for pieces of the terms, each patient's share of the weight at risk, and the total."""
        for member in self._pieces():
            share = member * weight
            total = share.sum(axis=1)
            share /= total[:, None]
            yield share, total

    def marker_covariance(self, params: FloatArray) -> FloatArray:
        """Return the n x p matrix whose product with a marker is its information with the columns."""
        linear = self._x @ params
        weight = np.exp(linear - linear.max()) if linear.size else linear
        expected, crossed = np.zeros(self._x.shape[0]), np.zeros_like(self._x)
        for share, _ in self._shares(weight):
            expected += share.sum(axis=0)
            crossed += share.T @ (share @ self._x)
        return np.asarray(self._x * expected[:, None] - crossed)

    def mean_squares(self, params: FloatArray, markers: FloatArray) -> FloatArray:
        """Return, for each marker (n, m), the sum over terms of its squared mean among those at risk."""
        linear = self._x @ params
        weight = np.exp(linear - linear.max()) if linear.size else linear
        total = np.zeros(markers.shape[1])
        for share, _ in self._shares(weight):
            total += np.square(share @ markers).sum(axis=0)
        return total

    def loglike(self, params: FloatArray) -> float:
        """Return the log-likelihood (for :func:`resistance.stats.newton.maximise`)."""
        return self.at(params).loglike

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient."""
        return self.at(params).score

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return the second derivatives; with the penalty by differences of the score, where they say "downhill".

        The information alone makes Newton's method crawl where one event or two are all there is.
        """
        information = self.at(params).information
        if not self._firth or not params.size:
            return -information
        step = 1e-5 * np.eye(params.size)
        slopes = (
            np.array([self._evaluate_quietly(params + d).score - self._evaluate_quietly(params - d).score for d in step]) / 2e-5
        )
        curvature = -(slopes + slopes.T) / 2
        if np.isfinite(curvature).all() and np.linalg.eigvalsh(curvature).min() > 1e-3 * np.diag(information).min():
            return np.asarray(-curvature)
        return -information

    def residuals(self, params: FloatArray) -> FloatArray:
        """Return the martingale residuals of the patients in the model: events less expected events, ties as in the likelihood."""
        return np.asarray(self._event - self.at(params).expected)
