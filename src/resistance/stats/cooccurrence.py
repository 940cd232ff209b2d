"""Patients x genes, altered or not -> tests of pairs that account for how many genes each patient has altered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.errors import ModelError
from resistance.stats._arrays import FloatArray

#: largest difference between a fitted and an observed margin, in patients or genes
_TOLERANCE = 1e-9
_MOST_ROUNDS = 2000
_CHUNK = 512


@dataclass(frozen=True)
class PairTests:
    """Tests of pairs of genes; arrays over pairs.

    Parameters
    ----------
    n : ndarray of int
        Patients assessed for both.
    both : ndarray of int
        Of these with both altered.
    expected : ndarray of float
        Sum of the patients' probabilities of both.
    p_together, p_apart : ndarray of float
        One-sided: P(X >= both) and P(X <= both) of the Poisson-binomial distribution.
    p_two_sided : ndarray of float
        Twice the smaller of the two, at most 1.
    """

    n: NDArray[np.int64]
    both: NDArray[np.int64]
    expected: FloatArray
    p_together: FloatArray
    p_apart: FloatArray
    p_two_sided: FloatArray


def background(altered: ArrayLike, assessed: ArrayLike) -> FloatArray:
    """Return each patient's probability of each alteration, by burden and frequency alone.

    Of all models that keep the number of altered genes of each patient and the number of patients of
    each gene, the one with the greatest entropy: ``logit p[i, j] = a[i] + b[j]``.

    Parameters
    ----------
    altered, assessed : array-like of bool, patients x genes
        What is not assessed is left out of both margins.

    Returns
    -------
    ndarray of float, patients x genes
        Probabilities; exactly 0 or 1 where a patient or gene has nothing or everything altered, NaN
        where not assessed.

    Raises
    ------
    ValueError
        The shapes differ.
    ModelError
        The margins could not be met.

    References
    ----------
    Canisius S, Martens JWM, Wessels LFA. Genome Biology 2016; 17: 261. doi:10.1186/s13059-016-1114-x
    """
    hit, seen = np.asarray(altered, dtype=bool), np.asarray(assessed, dtype=bool)
    if hit.shape != seen.shape or hit.ndim != 2:
        raise ValueError(f"altered has the shape {hit.shape}, assessed {seen.shape}")
    hit = hit & seen
    out = np.where(seen, 0.0, np.nan)
    open_ = seen.copy()
    # a margin of nothing or everything fixes its cells; that can fix further margins
    while True:
        changed = False
        for axis in (0, 1):
            there, free = (hit & open_).sum(axis=axis), open_.sum(axis=axis)
            fixed = (free > 0) & ((there == 0) | (there == free))
            if fixed.any():
                cells = open_ & (fixed[None, :] if axis == 0 else fixed[:, None])
                out[cells] = hit[cells]
                open_ &= ~cells
                changed = True
        if not changed:
            break
    rows, columns = np.flatnonzero(open_.any(axis=1)), np.flatnonzero(open_.any(axis=0))
    if len(rows):
        inner = np.ix_(rows, columns)
        fitted = _fit(hit[inner] & open_[inner], open_[inner])
        part = out[inner]
        part[open_[inner]] = fitted[open_[inner]]
        out[inner] = part
    return out


def _fit(hit: NDArray[np.bool_], free: NDArray[np.bool_]) -> FloatArray:
    """Meet both margins by Newton steps on rows and columns in turn."""
    by_row, by_column = (hit & free).sum(axis=1).astype(float), (hit & free).sum(axis=0).astype(float)
    weight = free.astype(float)
    a = np.log(by_row / (free.sum(axis=1) - by_row))
    b = np.zeros(hit.shape[1])
    for _ in range(_MOST_ROUNDS):
        p = weight / (1.0 + np.exp(-(a[:, None] + b[None, :])))
        b += np.clip((by_column - p.sum(axis=0)) / (p * (1.0 - p) * weight).sum(axis=0), -2.0, 2.0)
        p = weight / (1.0 + np.exp(-(a[:, None] + b[None, :])))
        a += np.clip((by_row - p.sum(axis=1)) / (p * (1.0 - p) * weight).sum(axis=1), -2.0, 2.0)
        p = weight / (1.0 + np.exp(-(a[:, None] + b[None, :])))
        if max(np.abs(p.sum(axis=0) - by_column).max(), np.abs(p.sum(axis=1) - by_row).max()) < _TOLERANCE:
            return np.asarray(p, dtype=np.float64)
    raise ModelError(f"burden and frequencies could not both be met in {_MOST_ROUNDS} rounds")


def pair_tests(altered: ArrayLike, assessed: ArrayLike, probability: ArrayLike, pairs: ArrayLike) -> PairTests:
    """Test whether pairs of genes are altered together, or apart, beyond the background.

    Parameters
    ----------
    altered, assessed : array-like of bool, patients x genes
    probability : array-like of float, patients x genes
        As :func:`background` gives it.
    pairs : array-like of int, pairs x 2
        Columns of the two genes.

    Returns
    -------
    PairTests
        Exact probabilities of the number of patients with both; patients who are not assessed for
        both genes do not count.
    """
    hit, seen = np.asarray(altered, dtype=bool), np.asarray(assessed, dtype=bool)
    p = np.nan_to_num(np.asarray(probability, dtype=np.float64), nan=0.0)
    wanted = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    n, both = np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.int64)
    expected, upper, lower = (np.zeros(len(wanted)) for _ in range(3))
    for i, (first, second) in enumerate(wanted):
        known = seen[:, first] & seen[:, second]
        n[i] = known.sum()
        both[i] = (hit[:, first] & hit[:, second] & known).sum()
    # pairs with similar counts go together, so that the tables of counts stay narrow
    order = np.argsort(both, kind="stable")
    for start in range(0, len(order), _CHUNK):
        chunk = order[start : start + _CHUNK]
        joint = p[:, wanted[chunk, 0]] * p[:, wanted[chunk, 1]]
        joint[~(seen[:, wanted[chunk, 0]] & seen[:, wanted[chunk, 1]])] = 0.0
        expected[chunk] = joint.sum(axis=0)
        upper[chunk], lower[chunk] = _tails(joint, both[chunk])
    two_sided = np.minimum(1.0, 2.0 * np.minimum(upper, lower))
    return PairTests(n, both, expected, upper, lower, two_sided)


def _tails(joint: FloatArray, observed: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return P(X >= observed) and P(X <= observed), X the sum of independent draws (one column per pair).

    Draw by draw, with all counts above the largest observed one gathered in a last state: sums of
    positive numbers only, so that small tails keep their digits.
    """
    width = int(observed.max()) + 1 if len(observed) else 1
    counts = np.zeros((width + 1, joint.shape[1]))
    counts[0] = 1.0
    for p in joint[(joint > 0).any(axis=1)]:
        up = counts * p
        counts *= 1.0 - p
        counts[1:] += up[:-1]
        counts[-1] += up[-1]
    upto = np.cumsum(counts, axis=0)
    above = np.cumsum(counts[::-1], axis=0)[::-1]
    column = np.arange(joint.shape[1])
    return np.minimum(above[observed, column], 1.0), np.minimum(upto[observed, column], 1.0)
