"""Base counts of positions -> rates of wrong bases: over all, per substitution, per trinucleotide context.

Bases are coded 0..3 for A, C, G, T; -1 is an unknown reference base.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray

BASES = "ACGT"
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class NonReference:
    """The rate of non-reference bases.

    Parameters
    ----------
    errors, depth : int
        Sums over the positions used.
    rate : float
        errors / depth; NaN without a read.
    used : array of bool, shape (n,)
        Positions with a known reference base, with reads, whose non-reference fraction is below the limit.
    """

    errors: int
    depth: int
    rate: float
    used: BoolArray


def non_reference_rate(counts: ArrayLike, reference: ArrayLike, *, below: float = 0.1) -> NonReference:
    """Return sum(non-reference) / sum(depth) over positions whose own non-reference fraction is less than `below`.

    A position at or above the limit is taken for a variant of the patient, not for errors.

    Parameters
    ----------
    counts : array-like of int, shape (n, 4)
        Reads with A, C, G, T at each position; black-listed substitutions set to 0, black-listed positions left out before.
    reference : array-like of int, shape (n,)
        Code of the reference base.
    below : float
        Strictly below.

    References
    ----------
    Alkodsi A et al. ctDNAtools (R package), 2020.

    Examples
    --------
    >>> found = non_reference_rate([[999, 1, 0, 0], [0, 400, 0, 600], [0, 0, 1000, 0]], [0, 1, 2])
    >>> found.errors, found.depth, found.rate
    (1, 2000, 0.0005)
    """
    table, ref = _checked(counts, reference)
    depth = table.sum(axis=1)
    known = (ref >= 0) & (depth > 0)
    right = np.where(known, table[np.arange(ref.size), np.maximum(ref, 0)], 0)
    wrong = depth - right
    used = known.copy()
    used[known] = wrong[known] / depth[known] < below
    errors, reads = int(wrong[used].sum()), int(depth[used].sum())
    return NonReference(errors, reads, errors / reads if reads else float("nan"), used)


def substitution_errors(counts: ArrayLike, reference: ArrayLike, used: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return errors, depth and positions of each of the 12 substitutions, shape (4, 4): from the row's base to the column's.

    The depth of a substitution is that of all positions with its reference base; the diagonal is 0.

    Examples
    --------
    >>> errors, depth, _ = substitution_errors([[98, 2, 0, 0], [0, 100, 0, 0]], [0, 1], np.array([True, True]))
    >>> int(errors[0, 1]), int(depth[0, 1]), int(depth[1, 0]), int(errors.sum())
    (2, 100, 100, 2)
    """
    table, ref = _checked(counts, reference)
    errors = np.zeros((4, 4), dtype=np.int64)
    depth = np.zeros((4, 4), dtype=np.int64)
    positions = np.zeros((4, 4), dtype=np.int64)
    for base in range(4):
        here = table[used & (ref == base)]
        errors[base] = here.sum(axis=0)
        depth[base] = here.sum()
        positions[base] = int((here.sum(axis=1) > 0).sum())
    for square in (errors, depth, positions):
        np.fill_diagonal(square, 0)
    return errors, depth, positions


def folded(square: ArrayLike) -> IntArray:
    """Return a (4, 4) table with the substitution on the other strand added: C>A is C>A and G>T; shape (4, 4), rows C and T.

    Examples
    --------
    >>> folded(np.arange(16).reshape(4, 4))[1].tolist()
    [15, 0, 15, 15]
    """
    table = np.asarray(square, dtype=np.int64)
    both = table + table[::-1, ::-1]
    both[[0, 2]] = 0
    np.fill_diagonal(both, 0)
    return both


def context_codes(reference: ArrayLike, before: ArrayLike, after: ArrayLike) -> IntArray:
    """Return 16 * before + 4 * reference + after, the code of each position's trinucleotide; -1 where a base is unknown.

    Examples
    --------
    >>> context_codes([1, 1], [0, -1], [2, 2]).tolist()
    [6, -1]
    """
    r, b, a = (np.asarray(x, dtype=np.int64) for x in (reference, before, after))
    return np.where((r >= 0) & (b >= 0) & (a >= 0), 16 * b + 4 * r + a, -1)


def context_name(code: int) -> str:
    """Return the trinucleotide of a code.

    Examples
    --------
    >>> context_name(6)
    'ACG'
    """
    return BASES[code // 16] + BASES[code // 4 % 4] + BASES[code % 4]


def majority_base(counts: ArrayLike, *, least: float = 0.75) -> IntArray:
    """Return the code of the base that at least this share of a position's reads show, -1 where none does (or no read).

    A heterozygous position has no majority, so that its context is unknown rather than wrong.

    Examples
    --------
    >>> majority_base([[99, 1, 0, 0], [50, 50, 0, 0], [0, 0, 0, 0]]).tolist()
    [0, -1, -1]
    """
    table = np.asarray(counts, dtype=np.int64)
    depth = table.sum(axis=1)
    best = table.argmax(axis=1)
    most = table.max(axis=1, initial=0)
    return np.where((depth > 0) & (most >= least * depth), best, -1).astype(np.int64)


def without_substitutions(counts: ArrayLike, rows: ArrayLike, bases: ArrayLike) -> IntArray:
    """Return the counts with the reads of black-listed substitutions taken out (they leave the depth as well)."""
    table = np.array(counts, dtype=np.int64)
    table[np.asarray(rows, dtype=np.int64), np.asarray(bases, dtype=np.int64)] = 0
    return table


def rates(errors: ArrayLike, depth: ArrayLike) -> FloatArray:
    """Return errors / depth, NaN where there is no read."""
    k, n = np.asarray(errors, dtype=np.float64), np.asarray(depth, dtype=np.float64)
    out: FloatArray = np.full(k.shape, np.nan)
    np.divide(k, n, out=out, where=n > 0)
    return out


def _checked(counts: ArrayLike, reference: ArrayLike) -> tuple[IntArray, IntArray]:
    table, ref = np.asarray(counts, dtype=np.int64), np.asarray(reference, dtype=np.int64)
    if table.ndim != 2 or table.shape[1] != 4 or table.shape[0] != ref.size:
        raise ValueError(f"counts: shape {table.shape} for {ref.size} reference bases; (n, 4) is needed")
    if (table < 0).any():
        raise ValueError("counts: a count is negative")
    return table, ref
