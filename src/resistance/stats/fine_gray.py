"""Times, causes and columns -> Fine-Gray regression of one cause's cumulative incidence: log subdistribution hazard ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, codes, matrix, numbers, to_unit_range
from resistance.stats.aalen_johansen import causes_of
from resistance.stats.follow_up import follow_up
from resistance.stats.kaplan_meier import check_confidence
from resistance.stats.newton import maximise
from resistance.stats.subdistribution import Subdistribution, TiedEvents, tied_events_of


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
    tied_events: TiedEvents | None = None,
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
    tied_events : {'at_risk', 'gone'}, optional
        Whether a patient whose event falls on the time of a censoring was still at risk of being censored there.
        Default: ``at_risk`` where all are followed from the start (Fine and Gray; R's cmprsk), ``gone`` with delayed
        entry (Geskus; R's survival).  It matters only where events and censorings are tied.
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

    At one time events come first, then censorings, then entries.  With ``gone`` the risk set of a censoring holds
    those who were left after the events of its time; then the weighted product-limit estimate is that of Aalen and
    Johansen, as Geskus shows.  With ``at_risk``, as in cmprsk, it is so only where events and censorings are not tied.

    Groups of censoring: coefficients are those of cmprsk's `crr` with `cengroup`, the standard error is that of the
    paper's formula.  cmprsk 2.2-11 has a smaller sum in it: in a group's q(u), which integrates over all later events
    of the cause, it takes the events of that group only (differences up to .001; none with one group).

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
    model = Subdistribution(rows, c, unit, groups, of, tied_events_of(rows, tied_events))
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
