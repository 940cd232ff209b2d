"""Columns and an outcome -> stability selection: how often each column is chosen in halves of the patients, and the bound on false ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.prediction.folds import stratified_folds
from resistance.stats.prediction.learners import LOOSE, fit_path
from resistance.stats.prediction.outcomes import Outcome
from resistance.stats.prediction.steps import Impute, fit_steps, table_of

Assumption = Literal["none", "unimodal", "r-concave"]
Search = Literal["published", "exact"]
#: accuracy of the search over shapes in the program published with the paper (the fourth root of the machine epsilon)
PUBLISHED_STEP = 2.0**-13


@dataclass(frozen=True)
class StabilityResult:
    """How stably columns are selected.

    Parameters
    ----------
    frequency : array, shape (k,)
        Share of the halves in which a column is among the `q` first to enter.
    selected : array of int
        Columns with a frequency of at least `cutoff`.
    cutoff : float
    q : int
        Columns taken in each half (at most).
    q_mean : float
        Columns taken, on average.
    pfer_none, pfer_unimodal, pfer_r_concave : float
        Bounds on the expected number of falsely selected columns (r-concave: by the exact search).
    n_halves : int
        Halves in which a model could be fitted.
    n_failed : int
    converged : bool
    reason : {'', 'constant outcome', 'no half fitted'}
    columns : tuple of int
    note : str
    """

    frequency: FloatArray
    selected: Any
    cutoff: float
    q: int
    q_mean: float
    pfer_none: float
    pfer_unimodal: float
    pfer_r_concave: float
    n_halves: int
    n_failed: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def stability_selection(
    columns: ArrayLike,
    outcome: Outcome,
    *,
    q: int,
    seed: int,
    cutoff: float = 0.75,
    n_pairs: int = 50,
    alpha: float = 1.0,
    groups: Any = None,
) -> StabilityResult:
    """Select columns by the lasso in complementary halves of the patients.

    Parameters
    ----------
    columns : array, shape (n, k)
        Missing values are filled with the half's median.
    outcome : Outcome
    q : int
        Columns taken in each half: the first to enter as the penalty falls.
    seed : int
    cutoff : float
        Frequency from which a column is selected, above one half.
    n_pairs : int
        Pairs of halves.
    alpha : float
        Mixing of the elastic net, above 0.
    groups : array, shape (n,), optional
        Patient of each row.

    Notes
    -----
    Meinshausen and Buhlmann 2010, doi:10.1111/j.1467-9868.2010.00740.x; complementary pairs and bounds: Shah and Samworth
    2013, doi:10.1111/j.1467-9868.2011.01034.x.  Halves are balanced for the outcome.
    """
    table = table_of(columns, outcome.n)
    k = table.shape[1]
    if not 1 <= q <= max(k, 1):
        raise ValueError(f"q: {q} of {k} columns")
    if not 0 < alpha <= 1:
        raise ValueError("alpha: above 0, up to 1")
    if n_pairs < 1:
        raise ValueError("n_pairs: at least 1 is needed")
    plain = pfer_bound(k, q, cutoff, n_pairs=n_pairs)
    unimodal = pfer_bound(k, q, cutoff, "unimodal", n_pairs=n_pairs)
    r_concave = pfer_bound(k, q, cutoff, "r-concave", n_pairs=n_pairs, search="exact")
    counts = np.zeros(k)
    taken, fitted, failed = 0, 0, 0
    for pair in range(n_pairs if outcome.varies else 0):
        half = stratified_folds(outcome, 2, np.random.default_rng([seed, pair]), groups)
        for side in (0, 1):
            rows = half == side
            inside = outcome.take(rows)
            if not inside.varies:
                failed += 1
                continue
            _, filled = fit_steps([Impute()], table[rows], inside)
            path = fit_path(inside, filled, alpha=alpha, n_lambdas=100, lambda_min_ratio=0.01, tolerance=LOOSE)
            first = _first(path.coef, path.solved, q)
            counts[first] += 1
            taken += first.size
            fitted += 1
    if fitted == 0:
        reason = "no half fitted" if outcome.varies else "constant outcome"
        note = {
            "constant outcome": "the outcome does not vary",
            "no half fitted": "no half of the patients has an event on both sides",
        }
        nan, number = np.full(k, np.nan), float("nan")
        none = np.zeros(0, dtype=np.intp)
        return StabilityResult(
            nan, none, cutoff, q, number, plain, unimodal, r_concave, 0, failed, False, reason, (), note[reason]
        )
    frequency = counts / fitted
    # 38 of 50 is .76 only up to rounding; a frequency that equals the cut-off counts
    selected = np.flatnonzero(frequency >= cutoff - 1e-12)
    note_text = f"{failed} of {fitted + failed} halves left out: no event, or one category" if failed else ""
    return StabilityResult(
        frequency, selected, cutoff, q, taken / fitted, plain, unimodal, r_concave, fitted, failed, True, "", (), note_text
    )


def _first(coef: FloatArray, solved: Any, q: int) -> Any:
    """Return the columns met on the path as long as they are q at most, in falling penalties."""
    met = np.zeros(coef.shape[1], dtype=bool)
    for at in np.flatnonzero(solved):
        now = met | (coef[at] != 0)
        if now.sum() > q:
            new = np.flatnonzero(now & ~met)
            # several enter between two penalties: those with the largest coefficients came first
            order = new[np.argsort(-np.abs(coef[at, new]), kind="stable")]
            met[order[: q - int(met.sum())]] = True
            break
        met = now
    return np.flatnonzero(met)


def pfer_bound(
    p: int, q: float, cutoff: float, assumption: Assumption = "none", *, n_pairs: int = 50, search: Search = "published"
) -> float:
    """Bound the expected number of falsely selected columns.

    Parameters
    ----------
    p : int
        Columns.
    q : float
        Columns taken in each half, on average.
    cutoff : float
        Above one half, up to 1.
    assumption : {'none', 'unimodal', 'r-concave'}
        About how often a false column is selected.  ``none`` is Meinshausen and Buhlmann's bound and holds for single
        halves too; the others need complementary pairs.
    n_pairs : int
    search : {'published', 'exact'}
        Of the r-concave bound.  The program published with the paper (and R's stabs) leaves out the end of its search, where
        the largest tail often lies: up to 3 % too small for cut-offs to .9, a third at 1; ``published`` agrees with it, ``exact``
        does not stop short.

    Notes
    -----
    Shah and Samworth 2013, doi:10.1111/j.1467-9868.2011.01034.x: theorem 1, theorem 2 (unimodal), section 3.3
    (r-concave: r = -1/2 for pairs, r = -1/4 for halves).

    Examples
    --------
    >>> pfer_bound(1000, 10, 0.75)
    0.2
    >>> round(pfer_bound(1000, 10, 0.75, "unimodal"), 3)
    0.102
    """
    if p < 1 or not 0 <= q <= p:
        raise ValueError(f"q: {q} of {p} columns")
    if not 0.5 < cutoff <= 1:
        raise ValueError(f"cutoff: {cutoff} is not above one half, up to 1")
    if n_pairs < 1:
        raise ValueError("n_pairs: at least 1 is needed")
    theta = q / p
    if theta == 0:
        return 0.0
    plain = q * q / ((2 * cutoff - 1) * p)
    if assumption == "none":
        return float(plain)
    if assumption == "unimodal":
        least = 0.5 + min(theta**2, 1 / (2 * n_pairs) + 0.75 * theta**2)
        if cutoff <= least:  # the theorem says nothing there
            return float(plain)
        if cutoff <= 0.75:
            factor = 1 / (2 * (2 * cutoff - 1 - 1 / (2 * n_pairs)))
        else:
            factor = 4 * (1 - cutoff + 1 / (2 * n_pairs)) / (1 + 1 / n_pairs)
        return float(factor * theta * q) if factor > 0 else float(plain)
    if assumption == "r-concave":
        pairs = tail_bound(theta**2, 2 * cutoff - 1, n_pairs, -0.5, search)
        halves = tail_bound(theta, cutoff, 2 * n_pairs, -0.25, search)
        return float(p * min(pairs, halves))
    raise ValueError(f"assumption: {assumption!r} is not none, unimodal or r-concave")


def tail_bound(mean: float, tail: float, steps: int, r: float, search: Search = "published") -> float:
    """Return the largest P(X >= tail) of r-concave laws on 0, 1/steps, ..., 1 with the given mean (1 where no bound holds).

    The extreme laws are f(i) proportional to (a + i)**(1/r) on 0..k with what is left of the mass on k + 1; a and k are
    sought for the largest tail.
    """
    from scipy.optimize import brentq, minimize_scalar

    needed = int(np.ceil(tail * steps - 1e-9))  # .6 * 50 is 30 only up to rounding
    target = mean * steps
    least = int(np.ceil(2 * target)) + 1
    if needed < least:
        return 1.0
    s = 1 / r
    index = np.arange(steps + 2, dtype=np.float64)

    def excess(a: float, k: int) -> float:
        mass = (a + index[: k + 1]) ** s
        return float((index[: k + 1] * mass).sum() / mass.sum() - target)

    def shape_for(k: int) -> float:
        # the smaller a, the more mass at 0: the mean of the law on 0..k rises with a, up to k/2
        low, high = 1e-9, 1e5
        if excess(high, k) < 0:
            return high
        return low if excess(low, k) > 0 else float(brentq(excess, low, high, args=(k,), xtol=1e-14))

    def tail_of(a: float, k: int) -> float:
        mass = (a + index[: k + 1]) ** s
        scale = (k + 1 - target) / ((k + 1 - index[: k + 1]) * mass).sum()
        return float(1 - scale * mass[:needed].sum())

    supports = range(max(least, needed - 1), steps)
    shapes = {k: shape_for(k) for k in range(max(least, needed - 1), steps + 1)}
    best = tail_of(shapes[steps], steps) if search == "exact" or not supports else 0.0
    for k in supports:
        # between these two, the mass left for k + 1 is neither negative nor more than the law allows
        low, high = shapes[k + 1], shapes[k]
        if search == "exact":
            best = max(best, tail_of(low, k), tail_of(high, k))
        if high > low:
            step = PUBLISHED_STEP if search == "published" else low * 1e-6
            found = minimize_scalar(lambda a, k=k: -tail_of(a, k), bounds=(low, high), method="bounded", options={"xatol": step})
            best = max(best, -float(found.fun))
    return min(1.0, best)
