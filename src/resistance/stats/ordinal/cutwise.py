"""An ordered outcome and columns -> the odds ratio of one column at each cut, where the odds are not proportional."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, to_unit_range
from resistance.stats._threads import one_thread
from resistance.stats.cox import likelihood_ratio_p
from resistance.stats.cumulative_logit import CumulativeLogit
from resistance.stats.newton import maximise
from resistance.stats.ordinal.categories import carriers_by_category, checked_categories
from resistance.stats.profile import profile_interval


@dataclass(frozen=True)
class CutwiseResult:
    """One logistic model per threshold, for one column; NaN at the cuts where there is no maximum.

    Parameters
    ----------
    coef, se, ci_low, ci_high, p_value : array, shape (c - 1,)
        Log odds ratio of being above the cut, profile interval and likelihood-ratio p.
    carriers, others : array, shape (c,)
        Weight of carriers and of the others in each category (NaN unless the column is 0/1).
    converged : array of bool, shape (c - 1,)
    reasons : tuple of str, length c - 1
        As the reasons of :class:`OrdinalResult`.
    note : str
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    carriers: FloatArray
    others: FloatArray
    converged: NDArray[np.bool_]
    reasons: tuple[str, ...]
    note: str


@one_thread
def cutwise_odds(
    outcome_codes: ArrayLike,
    columns: ArrayLike,
    *,
    tested: int = 0,
    confidence: float = 0.95,
    weights: ArrayLike | None = None,
    categories: int | None = None,
) -> CutwiseResult:
    """Fit a logistic model of "above the cut" at every threshold.

    Parameters
    ----------
    outcome_codes, columns, weights, categories
        As for :func:`proportional_odds`.
    tested : int
        Column whose odds ratios are wanted; the others are covariates.
    confidence : float

    Returns
    -------
    CutwiseResult
        The cuts are not independent tests: the same patients are in all of them.

    Examples
    --------
    >>> found = cutwise_odds([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], [0, 1, 0, 0, 1, 0, 1, 0, 1, 1])
    >>> np.exp(found.coef).round(2).tolist()
    [2.67, 6.0]
    """
    codes, x, w, c = checked_categories(outcome_codes, columns, weights, categories)
    k = x.shape[1]
    if not 0 <= tested < k:
        raise ValueError(f"tested: no column {tested} in {k}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is outside 0..1")
    carriers = carriers_by_category(codes, x, w, c)[tested]
    others = np.bincount(codes, weights=w, minlength=c) - carriers
    found = {name: np.full(c - 1, np.nan) for name in ("coef", "se", "ci_low", "ci_high", "p_value")}
    unit, spread = to_unit_range(x)
    reasons: list[str] = []
    for cut in range(c - 1):
        above = (codes > cut).astype(np.intp)
        share = float(w @ above / w.sum()) if codes.size else 0.0
        if codes.size == 0 or not 0 < int(above.sum()) < above.size:
            reasons.append("constant outcome")
            continue
        if codes.size < k + 1:
            reasons.append("too few patients")
            continue
        model = CumulativeLogit(above, unit, w, np.zeros(k, dtype=bool))
        top = maximise(model, np.concatenate([[np.log((1 - share) / share)], np.zeros(k)]))
        reasons.append(top.reason)
        if not top.converged:
            continue
        place = 1 + tested
        found["coef"][cut] = top.params[place] / spread[tested]
        found["se"][cut] = np.sqrt(np.linalg.inv(top.information)[place, place]) / spread[tested]
        low, high = profile_interval(model, top, place, confidence)
        found["ci_low"][cut], found["ci_high"][cut] = low / spread[tested], high / spread[tested]
        found["p_value"][cut] = likelihood_ratio_p(model, top, place)
    words = {
        "constant outcome": "everybody is on one side",
        "too few patients": "fewer patients than parameters",
        "collinear": "constant or collinear columns",
        "monotone": "separation (no finite odds ratio, such as no carrier on one side)",
        "iterations": "the likelihood was not maximised within the allowed iterations",
    }
    note = "; ".join(f"cut {i}: {words[reason]}" for i, reason in enumerate(reasons) if reason)
    return CutwiseResult(
        **found,
        carriers=carriers,
        others=others,
        converged=np.array([not reason for reason in reasons], dtype=np.bool_),
        reasons=tuple(reasons),
        note=note,
    )
