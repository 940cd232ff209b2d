"""A marker, a treatment arm and an outcome -> whether the marker's effect differs between the arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, flags, matrix
from resistance.stats.cox import CoxResult, cox
from resistance.stats.firth_logistic import firth_logistic
from resistance.stats.logistic import LogisticResult, logistic

if TYPE_CHECKING:
    from resistance.stats.firth_cox import FirthCoxResult


@dataclass(frozen=True)
class InteractionResult:
    """A marker x treatment interaction; every number is NaN unless `converged`.

    Parameters
    ----------
    effect, se : float
        Log of the ratio (effect in carriers over effect in the others) of odds or hazard ratios.
    ci_low, ci_high : float
        Interval of the effect: profile of the (penalised) likelihood (logistic) or Wald (Cox).
    p_value : float
        Likelihood-ratio p of the product term (of the likelihood, penalised or partial, that was maximised).
    marker_in_control, marker_in_arm : float
        Log odds or hazard ratio of the marker in each arm.
    cells : tuple of int
        Patients: non-carriers in control and arm, carriers in control and arm.
    n, events : int
    converged : bool
    reason : str
        As in :class:`CoxResult` or :class:`LogisticResult`; 'empty cell' where one of the four
        groups has no patient.
    columns : tuple of int
        0 the product, 1 the marker, 2 the arm, 3.. the covariates.
    note : str
    """

    effect: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    marker_in_control: float
    marker_in_arm: float
    cells: tuple[int, int, int, int]
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def logistic_interaction(
    outcome: ArrayLike, marker: ArrayLike, arm: ArrayLike, covariates: ArrayLike = (), *, penalised: bool = False
) -> InteractionResult:
    """Test marker x arm in a logistic model.

    Parameters
    ----------
    outcome, marker, arm : array of 0/1, shape (n,)
    covariates : array, shape (n, k), optional
    penalised : bool
        By Firth's likelihood (see :func:`resistance.stats.firth_logistic.firth_logistic`): there is an answer
        also where all or none of a group have the outcome; `columns` and `note` then name the separation.

    Notes
    -----
    The comparison of a marker's effect between *randomised* arms is what makes it a treatment effect;
    without randomisation it is as confounded as any other.

    Examples
    --------
    >>> marker, arm = np.tile([0, 1], 20), np.repeat([0, 1], 20)
    >>> outcome = np.r_[np.repeat([1, 0, 1, 0], 5), np.tile([1, 1, 0, 1, 0], 4)]
    >>> found = logistic_interaction(outcome, marker, arm)
    >>> [round(float(np.exp(x)), 2) for x in (found.marker_in_control, found.marker_in_arm, found.effect)]
    [0.44, 1.0, 2.25]
    """
    y = flags(outcome, "outcome")
    columns, cells = interaction_columns(marker, arm, covariates, y.size)
    if min(cells) == 0:
        return no_interaction(cells, y.size, int(y.sum()))
    return interaction_of((firth_logistic if penalised else logistic)(y, columns, tested=[0]), cells)


def cox_interaction(
    time: ArrayLike,
    event: ArrayLike,
    marker: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike = (),
    *,
    strata: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
) -> InteractionResult:
    """Test marker x arm in a Cox model (see :func:`logistic_interaction`)."""
    e = flags(event, "event")
    columns, cells = interaction_columns(marker, arm, covariates, e.size)
    if min(cells) == 0:
        return no_interaction(cells, e.size, int(e.sum()))
    return interaction_of(cox(time, e, columns, strata=strata, ties=ties, tested=[0]), cells)


def interaction_columns(
    marker: ArrayLike, arm: ArrayLike, covariates: ArrayLike, n: int
) -> tuple[FloatArray, tuple[int, int, int, int]]:
    """Return the columns of the model (product, marker, arm, covariates) and the patients in the four groups."""
    m, a = flags(marker, "marker", n), flags(arm, "arm", n)
    z = matrix(covariates, "covariates", n) if np.size(covariates) else np.zeros((n, 0))
    cells = (int((~m & ~a).sum()), int((~m & a).sum()), int((m & ~a).sum()), int((m & a).sum()))
    return np.column_stack([m & a, m, a, z]).astype(np.float64), cells


def interaction_of(fit: CoxResult | FirthCoxResult | LogisticResult, cells: tuple[int, int, int, int]) -> InteractionResult:
    """Return what the fit of :func:`interaction_columns` says about the product."""
    return InteractionResult(
        effect=float(fit.coef[0]),
        se=float(fit.se[0]),
        ci_low=float(fit.ci_low[0]),
        ci_high=float(fit.ci_high[0]),
        p_value=float(fit.p_value[0]),
        marker_in_control=float(fit.coef[1]),
        marker_in_arm=float(fit.coef[0] + fit.coef[1]),
        cells=cells,
        n=fit.n,
        events=fit.events,
        converged=fit.converged,
        reason=fit.reason,
        columns=fit.columns,
        note=fit.note,
    )


def no_interaction(cells: tuple[int, int, int, int], n: int, events: int) -> InteractionResult:
    """Return the result where one of the four groups is empty."""
    nan = float("nan")
    note = "one of the four groups of marker and arm has no patient"
    return InteractionResult(nan, nan, nan, nan, nan, nan, nan, cells, n, events, False, "empty cell", (), note)
