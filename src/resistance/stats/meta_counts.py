"""2x2 counts of studies -> effects of each study, and the pooled effect by Mantel-Haenszel or Peto, which need no half patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.meta.between_studies import check_confidence, one_of

Measure = Literal["odds_ratio", "risk_ratio", "risk_difference"]
MEASURES: tuple[Measure, ...] = ("odds_ratio", "risk_ratio", "risk_difference")


@dataclass(frozen=True)
class CountEffects:
    """Effects of single studies.

    Parameters
    ----------
    effect, se : array, shape (k,)
        Log odds ratio, log risk ratio or risk difference; NaN where a zero leaves it without a finite value or error.
    corrected : array of bool, shape (k,)
        Studies to whose four cells the correction was added.
    note : str
        In words what was added to how many, or how many have no effect.
    """

    effect: FloatArray
    se: FloatArray
    corrected: BoolArray
    note: str


@dataclass(frozen=True)
class PooledCounts:
    """A pooled effect of 2x2 tables; every number is NaN unless `converged`.

    Parameters
    ----------
    effect, se, ci_low, ci_high, p_value : float
        Log odds ratio, log risk ratio or risk difference; normal interval and p.
    q, q_df, q_p : float, int, float
        Heterogeneity (Peto only; NaN for Mantel-Haenszel, whose test is Breslow and Day's).
    k, k_used : int
        Studies; those that say something: patients on both sides, and for ratios somebody with the outcome, for
        odds ratios somebody without it too.
    method, measure : str
    converged : bool
    reason : {'', 'no studies', 'no information', 'monotone'}
    columns : tuple of int
        Always empty.
    note : str
    """

    effect: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    q: float
    q_df: int
    q_p: float
    k: int
    k_used: int
    method: str
    measure: str
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def effects_of_counts(tables: ArrayLike, *, measure: Measure = "odds_ratio", correction: float = 0.0) -> CountEffects:
    """Return the effect of each study.

    Parameters
    ----------
    tables : array, shape (k, 4)
        exposed with, exposed without, unexposed with, unexposed without the outcome.
    measure : {'odds_ratio', 'risk_ratio', 'risk_difference'}
    correction : float
        What is added to the four cells of a study with an empty one (0: nothing, and no effect where it needs a
        logarithm of 0).  A study without patients on a side, or in which nobody (or everybody) has the outcome,
        stays without a ratio: it says nothing about it.

    Raises
    ------
    ValueError
        Another shape, counts that are negative or no whole numbers, a negative correction.

    Examples
    --------
    >>> found = effects_of_counts([[2, 21, 9, 8]])
    >>> round(float(found.effect[0]), 3), round(float(found.se[0]), 3)
    (-2.469, 0.885)
    """
    counts = _tables(tables)
    one_of(measure, MEASURES, "measure")
    if not correction >= 0:
        raise ValueError("correction: negative")
    informative = _informative(counts)
    corrected = np.zeros(counts.shape[0], dtype=bool)
    if correction > 0:
        corrected = (counts == 0).any(axis=1) & informative
    filled = counts + correction * corrected[:, None]
    a, b, c, d = filled.T
    n1, n0 = a + b, c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "odds_ratio":
            effect, variance = np.log(a * d) - np.log(b * c), 1 / a + 1 / b + 1 / c + 1 / d
        elif measure == "risk_ratio":
            effect, variance = np.log(a / n1) - np.log(c / n0), 1 / a - 1 / n1 + 1 / c - 1 / n0
        else:
            effect, variance = a / n1 - c / n0, a * b / n1**3 + c * d / n0**3
    usable = np.isfinite(effect) & np.isfinite(variance) & (variance > 0)
    if measure != "risk_difference":
        usable &= informative
    effect, se = np.where(usable, effect, np.nan), np.sqrt(np.where(usable, variance, np.nan))
    notes = []
    if corrected.any():
        notes.append(f"{correction:g} added to the four cells of {corrected.sum()} of {corrected.size} studies")
    if not usable.all():
        notes.append(f"{(~usable).sum()} of {usable.size} studies without an effect (an empty cell or margin)")
    return CountEffects(effect, se, corrected, "; ".join(notes))


def mantel_haenszel(tables: ArrayLike, *, measure: Measure = "odds_ratio", confidence: float = 0.95) -> PooledCounts:
    """Pool 2x2 tables by Mantel and Haenszel's weights (fixed effect); empty cells need no correction.

    Parameters
    ----------
    tables : array, shape (k, 4)
        As in :func:`effects_of_counts`.
    measure : {'odds_ratio', 'risk_ratio', 'risk_difference'}
    confidence : float

    Notes
    -----
    Errors: Robins, Breslow and Greenland 1986, doi:10.2307/2531052 (odds ratio); Greenland and Robins 1985,
    doi:10.2307/2530643 (risk ratio); Sato 1989, Biometrics 45:1323 (risk difference).

    Examples
    --------
    >>> found = mantel_haenszel([[2, 21, 9, 8], [0, 10, 3, 9]])
    >>> round(found.effect, 3), found.k_used
    (-2.723, 2)
    """
    counts = _tables(tables)
    one_of(measure, MEASURES, "measure")
    check_confidence(confidence)
    k = counts.shape[0]
    if k == 0:
        return _unanswered(k, 0, "mantel_haenszel", measure, "no studies", "there is no study")
    both = (counts[:, :2].sum(axis=1) > 0) & (counts[:, 2:].sum(axis=1) > 0)
    used = _informative(counts)
    if measure != "odds_ratio":
        # everybody on both sides is a risk ratio of 1, and a difference of 0 as nobody is
        used = both & ((measure == "risk_difference") | (counts[:, 0] + counts[:, 2] > 0))
    a, b, c, d = counts[used].T
    n1, n0 = a + b, c + d
    n = n1 + n0
    if not used.any():
        note = "no study has patients on both sides, and with and without the outcome"
        return _unanswered(k, 0, "mantel_haenszel", measure, "no information", note)
    if measure == "risk_difference":
        weight = n1 * n0 / n
        effect = float(((a * n0 - c * n1) / n).sum() / weight.sum())
        p = (c * n1**2 - a * n0**2 + n1 * n0 * (n0 - n1) / 2) / n**2
        q = (a * (n0 - c) + c * (n1 - a)) / (2 * n)
        variance = float((effect * p.sum() + q.sum()) / weight.sum() ** 2)
        if not variance > 0:
            who = (
                "nobody or everybody has the outcome" if effect == 0 else "all of one side have the outcome and none of the other"
            )
            note = f"{who}: the difference is {effect:.0f} without an error"
            return _unanswered(k, int(used.sum()), "mantel_haenszel", measure, "no information", note)
    else:
        up, down = (a * d / n, b * c / n) if measure == "odds_ratio" else (a * n0 / n, c * n1 / n)
        if up.sum() == 0 or down.sum() == 0:
            note = "all studies have the empty cell on one side: no finite ratio"
            return _unanswered(k, int(used.sum()), "mantel_haenszel", measure, "monotone", note)
        effect = float(np.log(up.sum() / down.sum()))
        if measure == "odds_ratio":
            p, q = (a + d) / n, (b + c) / n
            r, s = up.sum(), down.sum()
            variance = float(
                (p * up).sum() / (2 * r**2) + (p * down + q * up).sum() / (2 * r * s) + (q * down).sum() / (2 * s**2)
            )
        else:
            variance = float(((n1 * n0 * (a + c) - a * c * n) / n**2).sum() / (up.sum() * down.sum()))
            if not variance > 0:
                note = "everybody has the outcome: the ratio is 1 without an error"
                return _unanswered(k, int(used.sum()), "mantel_haenszel", measure, "no information", note)
    return _answer(effect, variance**0.5, confidence, k, int(used.sum()), "mantel_haenszel", measure)


def peto(tables: ArrayLike, *, confidence: float = 0.95) -> PooledCounts:
    """Pool 2x2 tables by Peto's one-step odds ratio: for rare outcomes and small effects, groups of like size.

    Parameters
    ----------
    tables : array, shape (k, 4)
        As in :func:`effects_of_counts`; empty cells need no correction.
    confidence : float

    Notes
    -----
    Yusuf 1985, doi:10.1016/S0033-0620(85)80003-7.  Biased for large effects or groups of very different size
    (Greenland and Salvan 1990, doi:10.1002/sim.4780090307): rare markers are such groups.

    Examples
    --------
    >>> round(peto([[2, 21, 9, 8]]).effect, 3)
    -2.164
    """
    from scipy.stats import chi2

    counts = _tables(tables)
    check_confidence(confidence)
    k = counts.shape[0]
    if k == 0:
        return _unanswered(k, 0, "peto", "odds_ratio", "no studies", "there is no study")
    used = _informative(counts)
    a, b, c, d = counts[used].T
    n1, n0, with_outcome, without = a + b, c + d, a + c, b + d
    n = n1 + n0
    if not used.any():
        note = "no study has patients on both sides, and with and without the outcome"
        return _unanswered(k, 0, "peto", "odds_ratio", "no information", note)
    difference = a - with_outcome * n1 / n
    variance = n1 * n0 * with_outcome * without / (n**2 * (n - 1))
    total = float(variance.sum())
    effect = float(difference.sum() / total)
    q = max(0.0, float((difference**2 / variance).sum() - difference.sum() ** 2 / total))
    df = int(used.sum()) - 1
    q_p = float(chi2.sf(q, df)) if df else float("nan")
    found = _answer(effect, total**-0.5, confidence, k, int(used.sum()), "peto", "odds_ratio")
    return PooledCounts(**{**found.__dict__, "q": q, "q_df": df, "q_p": q_p})


def _tables(tables: ArrayLike) -> FloatArray:
    counts = np.asarray(tables, dtype=np.float64)
    if counts.size == 0:
        return np.zeros((0, 4))
    if counts.ndim != 2 or counts.shape[1] != 4:
        raise ValueError(f"tables: shape {counts.shape}; four counts for each study are needed")
    if not np.isfinite(counts).all() or (counts < 0).any() or (counts != np.round(counts)).any():
        raise ValueError("tables: counts must be whole numbers that are not negative")
    return counts


def _informative(counts: FloatArray) -> BoolArray:
    a, b, c, d = counts.T
    return np.asarray(np.minimum.reduce([a + b, c + d, a + c, b + d]) > 0)


def _answer(effect: float, se: float, confidence: float, k: int, used: int, method: str, measure: str) -> PooledCounts:
    from scipy.stats import norm

    reach = float(norm.isf((1 - confidence) / 2)) * se
    why = {"odds_ratio": "nobody or everybody with the outcome, or ", "risk_ratio": "nobody with the outcome, or "}.get(
        measure, ""
    )
    note = "" if used == k else f"{k - used} of {k} studies say nothing ({why}an empty side)"
    p = float(2 * norm.sf(abs(effect) / se))
    nan = float("nan")
    return PooledCounts(effect, se, effect - reach, effect + reach, p, nan, 0, nan, k, used, method, measure, True, "", (), note)


def _unanswered(k: int, used: int, method: str, measure: str, reason: str, note: str) -> PooledCounts:
    nan = float("nan")
    return PooledCounts(nan, nan, nan, nan, nan, nan, 0, nan, k, used, method, measure, False, reason, (), note)
