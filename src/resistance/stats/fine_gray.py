"""Times, causes and columns -> Fine-Gray regression of one cause's cumulative incidence: log subdistribution hazard ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, matrix, numbers, to_unit_range
from resistance.stats.aalen_johansen import causes_of
from resistance.stats.follow_up import FollowUp, follow_up
from resistance.stats.kaplan_meier import check_confidence
from resistance.stats.newton import maximise


@dataclass(frozen=True)
class FineGrayResult:
    """Fine-Gray regression; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se : array, shape (k,)
        Log subdistribution hazard ratios per unit of each column, and their robust standard errors.
    ci_low, ci_high : array, shape (k,)
        Wald interval on the log scale.
    p_value : array, shape (k,)
        Wald p with the robust standard error; a likelihood ratio of this weighted likelihood has no known law.
    p_global : float
        Wald p of all columns together.
    loglike_null, loglike : float
        Log pseudo-likelihood without and with the columns.
    n, events, competing : int
        Patients, events of the cause, events of the others.
    converged : bool
    reason : {'', 'no events', 'no weights', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words.
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    p_global: float
    loglike_null: float
    loglike: float
    n: int
    events: int
    competing: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def fine_gray(
    time: ArrayLike,
    cause: ArrayLike,
    columns: ArrayLike,
    *,
    of: int = 1,
    start: ArrayLike | None = None,
    censoring_groups: Any = None,
    known_weights: bool = False,
    confidence: float = 0.95,
) -> FineGrayResult:
    """Fit a Fine-Gray model.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up to the first event of any cause, not negative.
    cause : array of int, shape (n,)
        0 censored, 1, 2 ... the kind of event.
    columns : array, shape (n, k)
        Markers and covariates known at the start, no missing values.
    of : int
        The cause that is modelled; all others compete.
    start : array, shape (n,), optional
        Delayed entry: at risk after start and up to time; one row a patient.
    censoring_groups : array, shape (n,), optional
        Groups whose censoring (and entry) differs, such as cohorts: each has its own distribution of it.
    known_weights : bool
        Take the weights as known in the standard errors (as R's survival does), not as estimates (as cmprsk).
    confidence : float

    Returns
    -------
    FineGrayResult

    Raises
    ------
    ValueError
        Missing values, causes that are not 0, 1, 2 ..., negative times, a start not before its time, `of` below 1.

    Notes
    -----
    Fine and Gray 1999, doi:10.1080/01621459.1999.10474144: patients who failed from another cause stay in the risk
    set with the probability of not having been censored meanwhile; ties after Breslow; the variance
    takes into account that the censoring distribution is an estimate.  A ratio here says how a column goes with
    the *incidence* of the cause; a column that only hastens the competing event lowers it.  For the rate
    among those still event-free see :func:`resistance.stats.competing.cause_specific_cox`; report both.
    With delayed entry patients who failed otherwise weigh by the distribution of entry as well, the product-limit
    estimate in reverse time: Geskus 2011, doi:10.1111/j.1541-0420.2010.01420.x; variance with both distributions
    estimated: Zhang, Zhang and Fine 2011, doi:10.1002/sim.4264.  It assumes that entry and censoring depend neither
    on each other nor on the columns.  Where at some time all at risk have only just come under observation (few
    early entries), those who failed otherwise before have no weight: 'no weights'.

    Examples
    --------
    >>> found = fine_gray([1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 1, 0], [[0], [1], [1], [0], [0], [1]])
    >>> found.converged, found.events, found.competing
    (True, 3, 1)
    """
    from scipy.stats import chi2, norm

    check_confidence(confidence)
    t = numbers(time, "time")
    c = causes_of(cause, t.size)
    x = matrix(columns, "columns", t.size)
    groups = np.zeros(t.size, dtype=np.intp) if censoring_groups is None else codes(censoring_groups, "censoring_groups", t.size)
    if of < 1:
        raise ValueError(f"of: {of} is not a cause (1, 2 ...)")
    rows = follow_up(t, start=start)
    t = rows.time
    k = x.shape[1]
    events, competing = int((c == of).sum()), int(((c > 0) & (c != of)).sum())
    if events == 0:
        return _unanswered(k, t.size, events, competing, "no events", ())
    unit, spread = to_unit_range(x)
    model = _Subdistribution(rows, c, unit, groups, of)
    if not model.weighted:
        return _unanswered(k, t.size, events, competing, "no weights", ())
    origin = np.zeros(k)
    top = maximise(model, origin)
    if not top.converged:
        return _unanswered(k, t.size, events, competing, top.reason, top.columns)
    bread = np.linalg.inv(top.information) if k else np.zeros((0, 0))
    covariance = bread @ model.middle(top.params, known_weights) @ bread
    variance = np.diag(covariance)
    se, coef = np.sqrt(variance) / spread, top.params / spread
    z = norm.ppf(0.5 + confidence / 2)
    p_global = float("nan")
    if k and np.linalg.matrix_rank(covariance / np.sqrt(np.outer(variance, variance)), tol=1e-9) == k:
        p_global = float(chi2.sf(float(top.params @ np.linalg.solve(covariance, top.params)), k))
    return FineGrayResult(
        coef=coef,
        se=se,
        ci_low=coef - z * se,
        ci_high=coef + z * se,
        p_value=2 * norm.sf(np.abs(coef / se)),
        p_global=p_global,
        loglike_null=float(model.loglike(origin)),
        loglike=top.loglike,
        n=t.size,
        events=events,
        competing=competing,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


class _Free:
    """Of one group: censoring and entry as product-limit estimates, one going forward and one backward in time.

    A patient is at risk after `start` up to `time`.  Those with an event at the time of a censoring still stand at
    its risk set; those who enter at the time of an event do not stand at that of the event.
    """

    def __init__(self, start: FloatArray, time: FloatArray, censored: NDArray[np.bool_], earliest: float, latest: float) -> None:
        self.lost_at = np.unique(time[censored])
        self.lost = np.bincount(np.searchsorted(self.lost_at, time[censored]), minlength=self.lost_at.size)
        self.lost_risk = _at_risk(start, time, self.lost_at, after=False)
        self._lost = np.concatenate([[1.0], np.cumprod(1 - self.lost / np.maximum(self.lost_risk, 1))])
        # entries before the first competing failure, or after the last event, are in both halves of every ratio, or in none
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


class _Subdistribution:
    """Log pseudo-likelihood of a Fine-Gray model, with gradient, second derivatives and the middle of its sandwich.

    A patient who failed from another cause at T weighs G(t-) / G(T-) at a later time t, with delayed entry
    G(t-) H(t-) / (G(T-) H(T-)): a factor of the event time and one of the patient, so that the sums over risk sets
    are running sums, group by group.
    """

    def __init__(self, rows: FollowUp, cause: NDArray[np.intp], columns: FloatArray, groups: NDArray[np.intp], of: int) -> None:
        time = rows.time
        self._time, self._start, self._columns = time, rows.start, columns
        self._own = cause == of
        self._other = (cause > 0) & ~self._own
        self._groups = groups
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
            free = _Free(rows.start[mine], time[mine], cause[mine] == 0, earliest, float(self._at.max()))
            self.weighted &= free.there
            self._free.append((gone, free(time[gone]), np.searchsorted(time[gone], self._at, side="left"), free(self._at), free))

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

            # of those who failed otherwise before v, what comes from v on: the paper's I(u >= v > T)
            before = np.searchsorted(self._time[gone], free.lost_at, side="left")
            q = still(before, np.searchsorted(self._at, free.lost_at, side="left")) / free.lost_risk[:, None]
            drift = _running(q * (free.lost / free.lost_risk)[:, None])
            t, s = self._time[mine], self._start[mine]
            term[mine] -= drift[np.searchsorted(free.lost_at, t, side="right")]
            term[mine] += drift[np.searchsorted(free.lost_at, s, side="right")]
            cut = np.flatnonzero(~self._own[mine] & ~self._other[mine])
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


def _unanswered(k: int, n: int, events: int, competing: int, reason: str, columns: tuple[int, ...]) -> FineGrayResult:
    which = ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
    note = {
        "no events": "no event of this cause",
        "no weights": "at some time all at risk have only just entered: patients who failed otherwise before have no weight",
        "collinear": f"{which}: constant or collinear among patients at risk",
        "monotone": f"{which}: monotone likelihood (no finite ratio, such as no event on one side)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }[reason]
    nan = np.full(k, np.nan)
    none = float("nan")
    return FineGrayResult(nan, nan, nan, nan, nan, none, none, none, n, events, competing, False, reason, columns, note)
