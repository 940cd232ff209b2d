"""A marker, a treatment arm and times with few events -> whether the marker's hazard ratio differs between the arms, by Firth's Cox model."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import flags, matrix
from resistance.stats.firth_cox import firth_cox
from resistance.stats.interaction import InteractionResult


def firth_cox_interaction(
    time: ArrayLike,
    event: ArrayLike,
    marker: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike = (),
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    confidence: float = 0.95,
) -> InteractionResult:
    """Test marker x arm in a Cox model with Firth's penalty: an answer also where a cell has no event.

    Parameters
    ----------
    time, event, marker, arm : array, shape (n,)
        `event`, `marker` and `arm` are 0/1.
    covariates : array, shape (n, k), optional
    start, strata, ties, confidence
        As in :func:`resistance.stats.firth_cox.firth_cox`.

    Returns
    -------
    InteractionResult
        Interval and p from the penalised profile likelihood; `note` says where the likelihood without the
        penalty would have no maximum.  ``converged`` is False where one of the four groups has no patient.

    Notes
    -----
    As in :func:`resistance.stats.interaction.cox_interaction`, randomised arms are what makes the comparison
    one of treatment effects.
    """
    e = flags(event, "event")
    n = e.size
    m, a = flags(marker, "marker", n), flags(arm, "arm", n)
    z = matrix(covariates, "covariates", n) if np.size(covariates) else np.zeros((n, 0))
    cells = (int((~m & ~a).sum()), int((~m & a).sum()), int((m & ~a).sum()), int((m & a).sum()))
    if min(cells) == 0:
        nan = float("nan")
        note = "one of the four groups of marker and arm has no patient"
        return InteractionResult(nan, nan, nan, nan, nan, nan, nan, cells, n, int(e.sum()), False, "empty cell", (), note)
    columns = np.column_stack([m & a, m, a, z]).astype(np.float64)
    fit = firth_cox(time, e, columns, start=start, strata=strata, ties=ties, tested=[0], confidence=confidence)
    return InteractionResult(
        effect=float(fit.coef[0]),
        se=float(fit.se[0]),
        ci_low=float(fit.ci_low[0]),
        ci_high=float(fit.ci_high[0]),
        p_value=float(fit.p_value[0]),
        marker_in_control=float(fit.coef[1]),
        marker_in_arm=float(fit.coef[0] + fit.coef[1]),
        cells=cells,
        n=n,
        events=fit.events,
        converged=fit.converged,
        reason=fit.reason,
        columns=fit.columns,
        note=fit.note,
    )
