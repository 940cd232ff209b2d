"""Sets of features as 0-based rows -> checked index arrays; the result that every per-sample score shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray
from resistance.stats._design import power_of_two


@dataclass(frozen=True)
class SetScores:
    """One score per set and sample.

    Parameters
    ----------
    scores : array, shape (s, n)
        NaN in the rows of the sets that could not be scored.
    size : array of int, shape (s,)
        Features of each set that took part.
    converged : bool
        Every set was scored.
    reasons : tuple of str, length s
        '' for a scored set, else 'empty set' (none of its features varies, or none is there),
        'every feature' (nothing is left to compare it with), 'one sample', or 'no range' (scores that are
        to be divided by their range are all equal).
    columns : tuple of int
        0-based sets that were not scored.
    note : str
        The same in words, and how many features were left out because they do not vary.
    """

    scores: FloatArray
    size: NDArray[np.intp]
    converged: bool
    reasons: tuple[str, ...]
    columns: tuple[int, ...]
    note: str


def checked_expression(expression: ArrayLike) -> FloatArray:
    """Return a features x samples array without missing values."""
    x = np.asarray(expression, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"expression: two dimensions are needed (features in rows, samples in columns), not {x.ndim}")
    if not np.isfinite(x).all():
        raise ValueError(f"expression: {int((~np.isfinite(x)).sum())} value(s) are missing or infinite")
    return x


def checked_sets(sets: Sequence[ArrayLike], m: int, *, in_order: bool = True) -> list[NDArray[np.intp]]:
    """Return each set as 0-based rows, sorted unless their given order is wanted.

    Raises
    ------
    ValueError
        A row that is not there, is no whole number, or stands twice in one set.
    """
    found = []
    for number, rows in enumerate(sets):
        array = np.asarray(rows)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise ValueError(f"sets[{number}]: 0-based rows in one dimension are needed")
        array = array.astype(np.intp)
        ordered = np.sort(array)
        if array.size and (ordered[0] < 0 or ordered[-1] >= m):
            raise ValueError(f"sets[{number}]: a row outside 0..{m - 1}")
        if (np.diff(ordered) == 0).any():
            raise ValueError(f"sets[{number}]: a feature stands twice")
        found.append(ordered if in_order else array)
    return found


def varying(x: FloatArray, sets: list[NDArray[np.intp]]) -> tuple[FloatArray, list[NDArray[np.intp]], int]:
    """Return the features that vary (of size near 1), the sets in terms of those, and how many features were left out."""
    keep = np.ptp(x, axis=1) > 0 if x.shape[1] else np.zeros(x.shape[0], dtype=bool)
    place = np.cumsum(keep) - 1
    kept = x[keep]
    if kept.size:
        kept = kept / power_of_two(kept, axis=1)[:, None]
    return kept, [place[rows[keep[rows]]] for rows in sets], int((~keep).sum())


def standardised(x: FloatArray) -> FloatArray:
    """Return each feature minus its mean, over its standard deviation."""
    return np.asarray((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, ddof=1, keepdims=True))


def reason_of(rows: NDArray[np.intp], m: int, n: int, *, needs_rest: bool) -> str:
    """Return why a set cannot be scored, or ''."""
    if n < 2:
        return "one sample"
    if rows.size == 0:
        return "empty set"
    return "every feature" if needs_rest and rows.size == m else ""


def collected(scores: FloatArray, sets: list[NDArray[np.intp]], reasons: list[str], constant: int) -> SetScores:
    """Return the result with its note."""
    words = {
        "one sample": "one sample cannot be compared with others",
        "empty set": "none of the features is there and varies",
        "no range": "all scores are equal, there is no range to divide by",
        "every feature": "the set holds every feature: nothing is left to compare it with",
    }
    lost = tuple(i for i, reason in enumerate(reasons) if reason)
    notes = [f"{constant} feature(s) do not vary and were left out"] if constant else []
    for reason in sorted({reason for reason in reasons if reason}):
        which = [str(i) for i in lost if reasons[i] == reason]
        notes.append(f"set(s) {', '.join(which)}: {words[reason]}")
    return SetScores(
        scores, np.array([rows.size for rows in sets], dtype=np.intp), not lost, tuple(reasons), lost, "; ".join(notes)
    )
