"""Expression and sets of features -> GSVA: how high each set stands in each sample, relative to the other samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats._gene_sets import SetScores, checked_expression, checked_sets, collected, reason_of, varying

#: kernel terms held at a time (features x samples x samples)
TERMS = 4_000_000
#: terms from which a compiled loop pays for being compiled
COMPILED_FROM = 200_000_000
#: the reference implementation reads the normal distribution from a table of this step that ends at this many SDs
TABLE_STEP, TABLE_END = 1e-3, 10.0


def gsva(
    expression: ArrayLike, sets: Sequence[ArrayLike], *, tau: float = 1.0, difference: bool = True, tabulated: bool = True
) -> SetScores:
    """Score sets by gene set variation analysis with a Gaussian kernel.

    Parameters
    ----------
    expression : array, shape (m, n)
        Features in rows, samples in columns, on a log scale; no missing values.
    sets : sequence of int arrays
        0-based rows of each set.
    tau : float
        Weight of the extreme ranks in the walk.
    difference : bool
        Sum of the highest and the lowest point of the walk (near normal when nothing is there);
        False: whichever is farther from 0 (the classical statistic, bimodal).
    tabulated : bool
        Read the normal distribution from the table that the Bioconductor package uses (steps of 0.001
        SD), which makes ranks and scores equal to its; False: the exact distribution.

    Returns
    -------
    SetScores
        Roughly -1..1.  A score depends on the other samples: inside cross-validation it must be computed
        within the fold.

    Raises
    ------
    ValueError
        Missing values, a row outside the expression, a row twice in one set.

    Notes
    -----
    Haenzelmann, Castelo and Guinney 2013, doi:10.1186/1471-2105-14-7.  Work grows with the square of the
    number of samples.
    """
    x = checked_expression(expression)
    rows = checked_sets(sets, x.shape[0])
    if not np.isfinite(tau) or tau < 0:
        raise ValueError(f"tau: {tau} is negative or not a number")
    n = x.shape[1]
    x, rows, constant = varying(x, rows)
    m = x.shape[0]
    reasons = [reason_of(r, m, n, needs_rest=True) for r in rows]
    scores = np.full((len(rows), n), np.nan)
    if all(reasons):
        return collected(scores, rows, reasons, constant)
    # ties stay in the order of the features
    order = np.argsort(-_kernel_levels(x, tabulated), axis=0, kind="stable")
    extremity = np.abs(np.arange(m, 0, -1) - m / 2) ** tau
    place = np.empty((m, n), dtype=np.intp)
    np.put_along_axis(place, order, np.arange(m)[:, None], axis=0)
    for number, r in enumerate(rows):
        if reasons[number]:
            continue
        at = np.sort(place[r], axis=0)  # where in the ranking the members stand
        weight = extremity[at]
        # one member in the very middle has weight 0: its step is whole all the same
        weight = np.where(weight.sum(axis=0) > 0, weight, 1.0)
        inside = np.cumsum(weight, axis=0) / weight.sum(axis=0)
        outside = (at - np.arange(r.size)[:, None]) / (m - r.size)
        # the walk is highest at a member and lowest just before one (or 0, at its ends)
        high = np.maximum((inside - outside).max(axis=0), 0.0)
        before = np.vstack([np.zeros(n), inside[:-1]]) - outside
        low = np.minimum(before.min(axis=0), 0.0)
        scores[number] = high + low if difference else np.where(high > np.abs(low), high, low)
    return collected(scores, rows, reasons, constant)


def _kernel_levels(x: FloatArray, tabulated: bool) -> FloatArray:
    """Return, for each value, the kernel estimate of the fraction of samples below it, on the log odds scale."""
    from scipy.special import ndtr

    m, n = x.shape
    width = x.std(axis=1, ddof=1) / 4
    table = ndtr(np.arange(round(TABLE_END / TABLE_STEP) + 1) * TABLE_STEP) if tabulated else None
    if table is not None and m * n * n >= COMPILED_FROM:
        from resistance.stats._gsva_kernel import tabulated_fractions

        return _log_odds(tabulated_fractions(np.ascontiguousarray(x), width, table, TABLE_END))
    levels = np.empty((m, n))
    block = max(1, TERMS // (n * n))
    for start in range(0, m, block):
        part = x[start : start + block]
        z = (part[:, :, None] - part[:, None, :]) / width[start : start + block, None, None]
        if table is None:
            below = ndtr(z)
        else:
            size = np.abs(z)
            index = (np.minimum(size, TABLE_END) / TABLE_END * (table.size - 1)).astype(np.intp)
            below = np.where(size > TABLE_END, 1.0, table[index])
            below = np.where(z < 0, 1 - below, below)
        levels[start : start + block] = _log_odds(below.mean(axis=2))
    return levels


def _log_odds(fraction: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log((1 - fraction) / fraction))
