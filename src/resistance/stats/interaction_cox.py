"""A marker, a treatment arm and times with few events -> whether the marker's hazard ratio differs between the arms, by Firth's Cox model."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from resistance.stats._arrays import flags
from resistance.stats.firth_cox import firth_cox
from resistance.stats.interaction import InteractionResult, interaction_columns, interaction_of, no_interaction


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
    columns, cells = interaction_columns(marker, arm, covariates, e.size)
    if min(cells) == 0:
        return no_interaction(cells, e.size, int(e.sum()))
    return interaction_of(
        firth_cox(time, e, columns, start=start, strata=strata, ties=ties, tested=[0], confidence=confidence), cells
    )
