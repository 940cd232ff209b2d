"""Times, entry, causes and columns -> weights after a competing failure, and the pseudo-likelihood of the subdistribution hazard.

What Fine-Gray regression and the score test of groups share.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import FloatArray
from resistance.stats.follow_up import FollowUp

#: whether a patient whose event falls on the time of a censoring was at risk of being censored there
TiedEvents = Literal["at_risk", "gone"]


def tied_events_of(rows: FollowUp, asked: TiedEvents | None) -> TiedEvents:
    """Return the convention for events at the time of a censoring: the one asked for, or that of the design's source.

    Raises
    ------
    ValueError
        Another word.
    """
    if asked not in (None, "at_risk", "gone"):
        raise ValueError(f"tied_events: {asked!r} is neither at_risk nor gone")
    if asked is not None:
        return asked
    late = rows.time.size > 0 and bool((rows.start >= rows.time.min()).any())
    return "gone" if late else "at_risk"


class _Free:
    """Of one group: censoring and entry as product-limit estimates, one going forward and one backward in time.

    A patient is at risk after `start` up to `time`.  Those with an event at the time of a censoring still stand at
    its risk set, or are `gone`; those who enter at the time of an event do not stand at that of the event.  At one
    time events come first, then censorings, then entries.
    """

    def __init__(
        self,
        start: FloatArray,
        time: FloatArray,
        censored: NDArray[np.bool_],
        earliest: float,
        latest: float,
        tied_events: TiedEvents,
    ) -> None:
        # what is before the first competing failure, or after the last event, is in both halves of every ratio, or in none
        # (and where all at risk were censored before anybody failed otherwise, both halves would be 0)
        lost = time[censored & (time >= earliest) & (time <= latest)]
        self.lost_at = np.unique(lost)
        self.lost = np.bincount(np.searchsorted(self.lost_at, lost), minlength=self.lost_at.size)
        self.lost_risk = _at_risk(start, time, self.lost_at, after=False)
        if tied_events == "gone":
            ended = np.sort(time[~censored])
            self.lost_risk -= np.searchsorted(ended, self.lost_at, side="right") - np.searchsorted(ended, self.lost_at)
        self._lost = np.concatenate([[1.0], np.cumprod(1 - self.lost / np.maximum(self.lost_risk, 1))])
        entered = (start >= earliest) & (start < latest)
        self.come_at = np.unique(start[entered])
        self.come = np.bincount(np.searchsorted(self.come_at, start[entered]), minlength=self.come_at.size)
        self.come_risk = _at_risk(start, time, self.come_at, after=True)
        share = 1 - self.come / np.maximum(self.come_risk, 1)
        self.there = bool((share > 0).all())
        self._come = np.concatenate([[1.0], np.cumprod(1 / np.where(share > 0, share, 1.0))])

    def __call__(self, at: FloatArray) -> FloatArray:
        """Return the probability of being neither censored nor yet to enter just before each time, but for a constant."""
        lost = self._lost[np.searchsorted(self.lost_at, at, side="left")]
        return np.asarray(lost * self._come[np.searchsorted(self.come_at, at, side="left")], dtype=np.float64)


def _at_risk(start: FloatArray, time: FloatArray, at: FloatArray, *, after: bool) -> NDArray[np.intp]:
    """Return how many are at risk at each time, or (`after`) just after it."""
    side: Any = "right" if after else "left"
    return np.asarray(np.searchsorted(np.sort(start), at, side=side) - np.searchsorted(np.sort(time), at, side=side))


class Subdistribution:
    """Log pseudo-likelihood of a Fine-Gray model, with gradient, second derivatives and the middle of its sandwich.

    A patient who failed from another cause at T weighs G(t-) / G(T-) at a later time t, with delayed entry
    G(t-) H(t-) / (G(T-) H(T-)): a factor of the event time and one of the patient, so that the sums over risk sets
    are running sums, group by group.

    Parameters
    ----------
    rows : FollowUp
    cause : array of int, shape (n,)
    columns : array, shape (n, k)
        Of unit range.
    groups : array of int, shape (n,)
        Each has its own distribution of censoring and entry.
    of : int
    tied_events : {'at_risk', 'gone'}

    Attributes
    ----------
    weighted : bool
        Everybody who failed otherwise has a weight (see :func:`resistance.stats.fine_gray.fine_gray`).
    """

    def __init__(
        self,
        rows: FollowUp,
        cause: NDArray[np.intp],
        columns: FloatArray,
        groups: NDArray[np.intp],
        of: int,
        tied_events: TiedEvents,
    ) -> None:
        time = rows.time
        self._time, self._start, self._columns = time, rows.start, columns
        self._own = cause == of
        self._other = (cause > 0) & ~self._own
        self._groups = groups
        self._gone_at_once = tied_events == "gone"
        self._at, index = np.unique(time[self._own], return_inverse=True)
        self._deaths = np.bincount(index, minlength=self._at.size).astype(np.float64)
        self._falling = np.argsort(-time, kind="stable")
        self._still = np.searchsorted(-time[self._falling], -self._at, side="right")
        self._late = np.argsort(-rows.start, kind="stable") if np.isfinite(rows.start).any() else None
        self._not_yet = np.searchsorted(-np.sort(rows.start)[::-1], -self._at, side="right")
        self.weighted = True
        self._free = []  # per group: members failed otherwise by rising time, G(T-) of each, how many before t, G(t-), and both
        for g in np.unique(groups):
            mine = groups == g
            gone = np.flatnonzero(mine & self._other)
            gone = gone[np.argsort(time[gone], kind="stable")]
            earliest = float(time[gone].min(initial=np.inf))
            latest = float(self._at.max(initial=-np.inf))
            free = _Free(rows.start[mine], time[mine], cause[mine] == 0, earliest, latest, tied_events)
            self.weighted &= free.there
            self._free.append((gone, free(time[gone]), np.searchsorted(time[gone], self._at, side="left"), free(self._at), free))

    def risk_sums(self, values: FloatArray) -> FloatArray:
        """Return, for each event time of the cause (rising), the weighted sum of one value a patient over the risk set."""
        return self._left(values[:, None])[:, 0]

    def loglike(self, params: FloatArray) -> float:
        """Return the log pseudo-likelihood."""
        linear, weight, shift = self._weights(params)
        left = self._left(weight[:, None])[:, 0]
        return float(linear[self._own].sum() - (self._deaths * (np.log(left) + shift)).sum())

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient, shape (k,)."""
        _, weight, _ = self._weights(params)
        mean = self._left(weight[:, None] * self._columns) / self._left(weight[:, None])
        return np.asarray(self._columns[self._own].sum(axis=0) - self._deaths @ mean)

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return its second derivatives, shape (k, k)."""
        _, weight, _ = self._weights(params)
        n, k = self._columns.shape
        left = self._left(weight[:, None])
        mean = self._left(weight[:, None] * self._columns) / left
        outer = (self._columns[:, :, None] * self._columns[:, None, :]).reshape(n, k * k)
        second = (self._left(weight[:, None] * outer) / left).reshape(-1, k, k)
        return np.asarray(-np.einsum("t,tij->ij", self._deaths, second) + mean.T @ (self._deaths[:, None] * mean))

    def middle(self, params: FloatArray, known_weights: bool = False) -> FloatArray:
        """Return the sum of squared terms of the patients, shape (k, k).

        A patient's term is eta, the score over the own (weighted) time at risk, plus psi, what the own
        censoring and entry do to the weights of those who failed otherwise before.
        """
        linear, _, _ = self._weights(params)
        x, risk = self._columns, np.exp(linear)
        left = self._left(risk[:, None])
        mean = self._left(risk[:, None] * x) / left
        hazard = (self._deaths / left[:, 0])[:, None]
        a, b = _running(hazard), _running(hazard * mean)
        until = np.searchsorted(self._at, self._time, side="right")
        since = np.searchsorted(self._at, self._start, side="right")
        term = -risk[:, None] * (x * (a[until] - a[since]) - (b[until] - b[since]))
        own = np.flatnonzero(self._own)
        term[own] += x[own] - mean[until[own] - 1]
        for g, (gone, own_free, _, later, free) in zip(np.unique(self._groups), self._free, strict=True):
            c, d = _running(hazard * later[:, None]), _running(hazard * mean * later[:, None])
            after = until[gone]
            share = (risk[gone] / own_free)[:, None]
            term[gone] -= share * (x[gone] * (c[-1] - c[after]) - (d[-1] - d[after]))
            if known_weights or not gone.size:
                continue
            mine = np.flatnonzero(self._groups == g)
            first, second = _running(share * x[gone]), _running(share)

            def still(
                before: NDArray[np.intp],
                come: NDArray[np.intp],
                first: FloatArray = first,
                second: FloatArray = second,
                c: FloatArray = c,
                d: FloatArray = d,
            ) -> FloatArray:
                """Return the score, from the event `come` on, of the first `before` who failed otherwise."""
                return np.asarray(first[before] * (c[-1] - c[come]) - second[before] * (d[-1] - d[come]))

            # of those who failed otherwise before v, what comes from v on: Fine and Gray write I(u >= v > T), and cmprsk
            # follows; a censoring at v is in the weights of T <= v < u, which is what counts where nothing else is published
            side: Any = "right" if self._gone_at_once else "left"
            before = np.searchsorted(self._time[gone], free.lost_at, side=side)
            q = still(before, np.searchsorted(self._at, free.lost_at, side=side)) / free.lost_risk[:, None]
            drift = _running(q * (free.lost / free.lost_risk)[:, None])
            t, s = self._time[mine], self._start[mine]
            censored = ~self._own[mine] & ~self._other[mine]
            until_own = np.searchsorted(free.lost_at, t, side="right")
            if self._gone_at_once:
                until_own = np.where(censored, until_own, np.searchsorted(free.lost_at, t, side="left"))
            term[mine] += drift[np.searchsorted(free.lost_at, s, side="right")] - drift[until_own]
            cut = np.flatnonzero(censored & np.isin(t, free.lost_at))
            term[mine[cut]] += q[np.searchsorted(free.lost_at, t[cut])]
            if not free.come_at.size:
                continue
            # the other way round for entry: it divides the weight of those who failed otherwise by then, for later events
            before = np.searchsorted(self._time[gone], free.come_at, side="right")
            q = still(before, np.searchsorted(self._at, free.come_at, side="right")) / free.come_risk[:, None]
            drift = _running(q * (free.come / free.come_risk)[:, None])
            term[mine] += (
                drift[np.searchsorted(free.come_at, t, side="left")] - drift[np.searchsorted(free.come_at, s, side="left")]
            )
            place = np.searchsorted(free.come_at, s)
            here = np.isin(s, free.come_at)
            term[mine[here]] -= q[place[here]]
        return np.asarray(term.T @ term)

    def _weights(self, params: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        linear = self._columns @ params
        shift = float(linear.max()) if linear.size else 0.0
        return linear, np.exp(linear - shift), shift

    def _left(self, values: FloatArray) -> FloatArray:
        """Return the weighted sum over the risk set at each event time."""
        total = _running(values[self._falling])[self._still]
        if self._late is not None:  # not yet entered at the event
            total = total - _running(values[self._late])[self._not_yet]
        for gone, own, before, later, _ in self._free:
            total = total + later[:, None] * _running(values[gone] / own[:, None])[before]
        return total


def _running(values: FloatArray) -> FloatArray:
    """Return running sums down the rows, beginning with 0."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
