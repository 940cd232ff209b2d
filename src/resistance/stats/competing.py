"""Times, causes and columns -> Cox regression of one cause's rate, the others censored (cause-specific hazards)."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from resistance.stats._arrays import numbers
from resistance.stats.aalen_johansen import causes_of
from resistance.stats.cox import CoxResult, cox


def cause_specific_cox(time: ArrayLike, cause: ArrayLike, columns: ArrayLike, *, of: int = 1, **options: Any) -> CoxResult:
    """Fit a Cox model to the rate of one cause among patients who are still event-free.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up to the first event of any cause, not negative.
    cause : array of int, shape (n,)
        0 censored, 1, 2 ... the kind of event.
    columns : array, shape (n, k)
    of : int
        The cause; the others end a patient's time at risk as censoring does.
    **options
        Passed to :func:`resistance.stats.cox.cox` (strata, ties, tested, confidence ...).

    Returns
    -------
    CoxResult
        ``events`` are those of the cause.

    Notes
    -----
    Prentice et al. 1978, doi:10.2307/2530374.  A rate ratio says nothing about incidence by itself: that also depends
    on the rates of the competing causes.  Fit one model per cause, and beside them
    :func:`resistance.stats.fine_gray.fine_gray` (Latouche et al. 2013, doi:10.1016/j.jclinepi.2012.09.017).

    Examples
    --------
    >>> found = cause_specific_cox([1, 2, 3, 4, 5, 6], [1, 2, 1, 0, 1, 0], [[0], [1], [1], [0], [0], [1]])
    >>> found.converged, found.events
    (True, 3)
    """
    if of < 1:
        raise ValueError(f"of: {of} is not a cause (1, 2 ...)")
    t = numbers(time, "time")
    return cox(t, causes_of(cause, t.size) == of, columns, **options)
