"""A binary outcome and scores -> area under the ROC curve with DeLong's interval; two correlated areas compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers


@dataclass(frozen=True)
class AucResult:
    """Area under the ROC curve; NaN where it is not defined.

    Parameters
    ----------
    auc : float
        Probability that a patient with the outcome has the higher score; ties count one half.
    se : float
        DeLong's standard error; NaN with one patient in a group, 0 where the groups do not overlap.
    ci_low, ci_high : float
        Wald interval on the scale of the area, cut at 0 and 1.
    n, events : int
    converged : bool
        False where there is no area, or no standard error.
    reason : {'', 'constant outcome', 'one patient', 'no overlap'}
        ``no overlap``: perfect separation; the area stands, its interval would have no width and is NaN.
    columns : tuple of int
        Always empty here.
    note : str
    """

    auc: float
    se: float
    ci_low: float
    ci_high: float
    n: int
    events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class DelongTest:
    """Two areas of the same patients compared.

    Parameters
    ----------
    first, second : AucResult
    difference : float
        second - first.
    se, ci_low, ci_high : float
    z, p_value : float
        NaN where the standard error is 0 (scores in the same order).
    converged : bool
    reason : {'', 'constant outcome', 'one patient', 'same order'}
    columns : tuple of int
    note : str
    """

    first: AucResult
    second: AucResult
    difference: float
    se: float
    ci_low: float
    ci_high: float
    z: float
    p_value: float
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


NOTES = {
    "": "",
    "constant outcome": "the outcome does not vary",
    "one patient": "one patient with, or one without, the outcome: no standard error",
    "no overlap": "the scores of the two groups do not overlap: no interval",
    "same order": "the scores order the patients alike: no test",
}


def auc(outcome: ArrayLike, score: ArrayLike, *, confidence: float = 0.95) -> AucResult:
    """Estimate the area under the ROC curve.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    score : array, shape (n,)
        Higher means the outcome is more likely; the direction is never turned round by itself.
    confidence : float

    Notes
    -----
    DeLong, DeLong, Clarke-Pearson 1988, doi:10.2307/2531595, by midranks (Sun and Xu 2014,
    doi:10.1109/LSP.2014.2337313).

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).auc
    0.75
    """
    y = flags(outcome, "outcome")
    s = numbers(score, "score", y.size)
    n, events = y.size, int(y.sum())
    nan = float("nan")
    if events in (0, n):
        return AucResult(nan, nan, nan, nan, n, events, False, "constant outcome", (), NOTES["constant outcome"])
    with_, without = placements(y, s)
    area = float(with_.mean())
    if min(events, n - events) == 1:
        return AucResult(area, nan, nan, nan, n, events, False, "one patient", (), NOTES["one patient"])
    se = float(np.sqrt(with_.var(ddof=1) / events + without.var(ddof=1) / (n - events)))
    if se == 0:
        return AucResult(area, 0.0, nan, nan, n, events, False, "no overlap", (), NOTES["no overlap"])
    half = _quantile(confidence) * se
    return AucResult(area, se, max(0.0, area - half), min(1.0, area + half), n, events, True, "", (), "")


def delong_test(outcome: ArrayLike, first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> DelongTest:
    """Test whether two scores of the same patients have the same area under the ROC curve.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    first, second : array, shape (n,)

    Notes
    -----
    DeLong 1988, doi:10.2307/2531595.  It is not valid for two nested models fitted to these very patients
    (Demler 2012, doi:10.1002/sim.5328): give it predictions from outside the fit.

    Examples
    --------
    >>> found = delong_test([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.4, 0.5, 0.2, 0.1], [0.6, 0.7, 0.3, 0.5, 0.4, 0.2])
    >>> round(found.first.auc, 3), round(found.second.auc, 3)
    (0.889, 0.778)
    """
    from scipy.stats import norm

    y = flags(outcome, "outcome")
    a, b = numbers(first, "first", y.size), numbers(second, "second", y.size)
    one, two = auc(y, a, confidence=confidence), auc(y, b, confidence=confidence)
    difference = two.auc - one.auc
    nan = float("nan")
    reason = one.reason if one.reason in ("constant outcome", "one patient") else ""
    se = nan
    if not reason:
        with_a, without_a = placements(y, a)
        with_b, without_b = placements(y, b)
        shift_with, shift_without = with_b - with_a, without_b - without_a
        se = float(np.sqrt(shift_with.var(ddof=1) / y.sum() + shift_without.var(ddof=1) / (~y).sum()))
        if not se > 1e-12:  # placements of scores in the same order differ by rounding at most
            reason, se = "same order", 0.0
    if reason:
        return DelongTest(one, two, difference, se, nan, nan, nan, nan, False, reason, (), NOTES[reason])
    z, half = difference / se, _quantile(confidence) * se
    p_value = float(2 * norm.sf(abs(z)))
    return DelongTest(one, two, difference, se, difference - half, difference + half, z, p_value, True, "", (), "")


def placements(outcome: BoolArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return, per patient with and without the outcome, the share of the other group that is ordered rightly."""
    above, below = score[outcome], score[~outcome]
    ordered = np.sort(below)
    with_ = (np.searchsorted(ordered, above, side="left") + np.searchsorted(ordered, above, side="right")) / (2 * below.size)
    ordered = np.sort(above)
    lower = (np.searchsorted(ordered, below, side="left") + np.searchsorted(ordered, below, side="right")) / (2 * above.size)
    return with_, 1 - lower


def _quantile(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + confidence / 2))
