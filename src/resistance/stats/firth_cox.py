"""Times, events and columns -> Cox regression with Firth's penalty: a hazard ratio also where no carrier, or only carriers, had events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, codes, flags, matrix, to_unit_range
from resistance.stats._times import follow_up
from resistance.stats.newton import Maximum, maximise
from resistance.stats.partial_likelihood import PartialLikelihood

NAN = float("nan")
#: fits of one profile after which its bound counts as not found
MAX_POINTS = 60
#: steps with the plain information before its change with the penalty is taken into account
PLAIN_STEPS = 6


@dataclass(frozen=True)
class FirthCoxResult:
    """Firth-penalised Cox regression; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se : array, shape (k,)
        Log hazard ratios per unit of each column, and standard errors from the information.
    ci_low, ci_high : array, shape (k,)
        Interval by penalised profile likelihood on the log scale (NaN for columns not asked for).
    p_value : array, shape (k,)
        Penalised likelihood-ratio p, from the same likelihood as the interval (NaN for columns not asked for).
    p_wald : array, shape (k,)
        For comparison only: wrong where carriers or their events are few.
    loglike_null, loglike : float
        Penalised log partial likelihood without and with the columns.  The penalty is that of columns
        divided by their standard deviations, so that a change of unit changes nothing.
    p_global : float
        Penalised likelihood-ratio p of all columns together.
    monotone : bool
        The likelihood without the penalty has no maximum: its hazard ratio would be 0 or infinite.
    monotone_columns : tuple of int
        0-based columns because of which.
    n, events : int
    converged : bool
    reason : {'', 'no events', 'collinear', 'monotone', 'iterations'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        The same in words; what `monotone` means where it is True.
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    p_wald: FloatArray
    loglike_null: float
    loglike: float
    p_global: float
    monotone: bool
    monotone_columns: tuple[int, ...]
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


class FirthPartialLikelihood:
    """Log partial likelihood plus half the log determinant of its information.

    Parameters
    ----------
    model : PartialLikelihood
    k : int
        Number of columns.
    """

    def __init__(self, model: PartialLikelihood, k: int) -> None:
        self._model = model
        self._last: tuple[bytes, tuple[float, FloatArray, FloatArray]] | None = None
        self._steps = 0
        self._free = np.ones(k, dtype=bool)

    def _at(self, params: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        key = params.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = (key, self._model.penalised(params))
        return self._last[1]

    def loglike(self, params: FloatArray) -> float:
        """Return the penalised log-likelihood."""
        return self._at(params)[0]

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient, shape (k,)."""
        return self._at(params)[1]

    def information(self, params: FloatArray) -> FloatArray:
        """Return the information of the likelihood without the penalty, shape (k, k)."""
        return self._at(params)[2]

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return what Newton's steps divide by: minus the information, and from the seventh step on the true second derivatives.

        The information is near and cheap, and nearly always enough; with a single carrier steps by it turn
        about the maximum for a hundred rounds.
        """
        information = self._at(params)[2]
        self._steps += 1
        if self._steps <= PLAIN_STEPS:
            return -information
        width = 1e-5  # of columns whose range is 1: rounding and curvature both cost about 1e-10
        second = -information
        for column in np.flatnonzero(self._free):
            ahead, behind = params.copy(), params.copy()
            ahead[column] += width
            behind[column] -= width
            second[column] = (self._model.penalised(ahead)[1] - self._model.penalised(behind)[1]) / (2 * width)
        second = (second + second.T) / 2
        block = -second[np.ix_(self._free, self._free)]
        if not np.isfinite(block).all() or np.linalg.eigvalsh(block)[0] <= 0:
            return -information  # not (yet) where the penalised likelihood is concave
        return second

    def maximum(self, start: FloatArray, held: Any = None) -> Maximum:
        """Climb from `start` (see :func:`resistance.stats.newton.maximise`)."""
        self._steps = 0
        self._free = np.ones(start.size, dtype=bool) if held is None else ~held
        return maximise(self, start, held)


def firth_cox(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    tested: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> FirthCoxResult:
    """Fit a Cox model with Firth's penalty.

    Parameters
    ----------
    time, event, columns, start, strata : array
        As in :func:`resistance.stats.cox.cox`; time 0 is allowed.
    ties : {'efron', 'breslow'}
    tested : sequence of int, optional
        Columns whose interval and p are wanted (default: all; each costs about ten more fits).
    confidence : float

    Returns
    -------
    FirthCoxResult
        Also where no carrier had an event; ``converged`` is False for constant or collinear columns and
        where there is no event.

    Notes
    -----
    Heinze and Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x; penalty after Firth 1993,
    doi:10.1093/biomet/80.1.27.  coxphf of R has Breslow's ties and standard errors from the same information.
    Below about 20 carriers or carrier events the p is still too small now and then: take a permutation of
    martingale residuals for the p, this for effect and interval.

    Examples
    --------
    >>> found = firth_cox([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0])
    >>> found.monotone, bool(found.ci_low[0] < found.coef[0] < found.ci_high[0] < 1e3)
    (True, True)
    """
    from scipy.stats import chi2, norm

    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties: {ties!r} is neither efron nor breslow")
    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    x = matrix(columns, "columns", n)
    groups = None if strata is None else codes(strata, "strata", n)
    k, events = x.shape[1], int(e.sum())
    if events == 0:
        return _unanswered(k, n, events, "no events", ())
    unit, spread = to_unit_range(x)
    plain = PartialLikelihood(t, e, unit, groups, ties, start=s)
    model = FirthPartialLikelihood(plain, k)
    zero = np.zeros(k)
    top = model.maximum(zero)
    if not top.converged:
        return _unanswered(k, n, events, top.reason, top.columns)
    without = maximise(plain, zero)
    monotone = without.reason == "monotone"
    coef = top.params / spread
    se = np.sqrt(np.diag(np.linalg.inv(model.information(top.params)))) / spread
    low, high, p_value = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    for column in range(k) if tested is None else tested:
        held = np.arange(k) == column
        at_zero = top.params.copy()
        at_zero[column] = 0.0
        less = model.maximum(at_zero, held)
        if not less.converged:  # the others may make no sense without this column
            less = model.maximum(zero, held)
        if less.converged:
            p_value[column] = chi2.sf(max(0.0, 2 * (top.loglike - less.loglike)), 1)
        step = norm.ppf(0.5 + confidence / 2)
        low[column] = _bound(model, top, column, -1.0, step, se[column] * spread[column]) / spread[column]
        high[column] = _bound(model, top, column, 1.0, step, se[column] * spread[column]) / spread[column]
    null = model.loglike(zero)
    per_deviation = float(np.log(spread / x.std(axis=0, ddof=1)).sum()) if k else 0.0
    return FirthCoxResult(
        coef=coef,
        se=se,
        ci_low=low,
        ci_high=high,
        p_value=p_value,
        p_wald=2 * norm.sf(np.abs(coef / se)),
        loglike_null=null + per_deviation,
        loglike=top.loglike + per_deviation,
        p_global=float(chi2.sf(max(0.0, 2 * (top.loglike - null)), k)) if k else NAN,
        monotone=monotone,
        monotone_columns=without.columns if monotone else (),
        n=n,
        events=events,
        converged=True,
        reason="",
        columns=(),
        note=f"{_named(without.columns)}: without the penalty no finite hazard ratio" if monotone else "",
    )


def _bound(model: FirthPartialLikelihood, top: Maximum, column: int, side: float, z: float, se: float) -> float:
    """Return where the profile's signed root has grown to `z` on one side (NaN where the profile could not be followed).

    The signed root sqrt(2 * loss) is nearly a straight line whose slope is known at each point (the
    gradient of the profile is that of the likelihood), so that Newton's method needs three or four points.
    """
    held = np.arange(top.params.size) == column
    best = top.params[column]
    inner, outer = best, side * np.inf
    value = best + side * z * se
    params = top.params
    for _ in range(MAX_POINTS):
        begin = params.copy()
        begin[column] = value
        found = model.maximum(begin, held)
        if not found.converged:  # too far at once
            value = (params[column] + value) / 2
            continue
        params = found.params
        root = float(np.sqrt(max(0.0, 2 * (top.loglike - found.loglike))))
        if root < z:
            inner = value
        else:
            outer = value
        slope = -side * float(model.score(params)[column]) / root if root > 0 else 0.0
        new = value + side * (z - root) / slope if slope > 0 else np.nan
        if not min(inner, outer) < new < max(inner, outer):
            if abs(root - z) < 1e-10:
                return float(value)
            new = (inner + outer) / 2 if np.isfinite(outer) else best + 2 * (value - best)
        elif not np.isfinite(outer):
            # flat for a stretch: not more than four times as far at once
            new = best + side * min(abs(new - best), 4 * abs(value - best))
        if abs(new - value) <= 1e-9 * max(1.0, abs(value)):
            return float(new)
        value = new
    return NAN


def _named(columns: tuple[int, ...]) -> str:
    return ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)


def _unanswered(k: int, n: int, events: int, reason: str, columns: tuple[int, ...]) -> FirthCoxResult:
    note = {
        "no events": "no events",
        "collinear": f"{_named(columns)}: constant or collinear (within strata, among patients at risk)",
        "monotone": f"{_named(columns)}: no finite hazard ratio in spite of the penalty",
        "iterations": "the penalised likelihood was not maximised within the allowed iterations",
    }[reason]
    nan = np.full(k, np.nan)
    return FirthCoxResult(nan, nan, nan, nan, nan, nan, NAN, NAN, NAN, False, (), n, events, False, reason, columns, note)
