"""Ordered outcome, marker and strata -> stratified Wilcoxon p that stays right with few carriers: exact where it can be, else by permutation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, codes, numbers
from resistance.stats._threads import one_thread
from resistance.stats.ranks import is_informative, rank_sum_distribution, stratum_scores, two_sided_exact

#: distinct values of the statistic up to which strata are combined exactly
EXACT_VALUES = 200_000
#: patients x permutations held at a time
HELD = 2_000_000


@dataclass(frozen=True)
class PermutationResult:
    """Permutation test within strata.

    Parameters
    ----------
    statistic : float
        Sum of the carriers' scores (van Elteren's); positive: carriers have the better outcomes.
    z : float
        The statistic over its permutation standard deviation.
    p_value : float
        Two-sided: rearrangements at least as far from the expectation; exact, or (b + 1) / (B + 1).
    p_mid : float
        Exact only: half the weight of the arrangements exactly as far; right on average where the
        exact p is too large because there are few arrangements.  NaN otherwise.
    p_minimum : float
        Smallest p that any arrangement can give (1 / (B + 1) by permutation, if no exact one is known).
    method : {'exact', 'permutation'}
    permutations : int
        B; 0 for exact.
    strata, informative : int
        Strata; those in which marker and outcome both vary.
    n : int
        Patients in the informative strata.
    converged : bool
    reason : {'', 'no informative stratum'}
    columns : tuple of int
    note : str
    """

    statistic: float
    z: float
    p_value: float
    p_mid: float
    p_minimum: float
    method: str
    permutations: int
    strata: int
    informative: int
    n: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@one_thread
def ordinal_permutation(
    outcome_codes: ArrayLike, marker: ArrayLike, strata: Any = None, *, permutations: int = 9999, seed: int = 0
) -> PermutationResult:
    """Test a marker against an ordered outcome by rearranging the patients of each stratum.

    Parameters
    ----------
    outcome_codes : array, shape (n,)
        Higher is better; only the order counts.
    marker : array, shape (n,)
        0/1 for carriers, or a number.
    strata : array, shape (n,), optional
    permutations : int
        Rearrangements drawn where the exact distribution is too long (or the marker is a number).
    seed : int

    Notes
    -----
    The score test of the proportional-odds model uses the same ranks; its normal p is not to be trusted
    with a handful of carriers, this one is.  Score: van Elteren 1960.  p: Phipson and Smyth 2010,
    doi:10.2202/1544-6115.1585.

    Examples
    --------
    >>> round(ordinal_permutation([0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 0, 0]).p_value, 4)
    0.1333
    """
    y = numbers(outcome_codes, "outcome_codes")
    x = numbers(marker, "marker", y.size)
    s = np.zeros(y.size, dtype=np.intp) if strata is None else codes(strata, "strata", y.size)
    if permutations < 1:
        raise ValueError(f"permutations: {permutations} is below 1")
    binary = bool(np.isin(x, (0.0, 1.0)).all())
    scores = stratum_scores(y, s)
    number = int(s.max()) + 1 if s.size else 0
    used: list[NDArray[np.intp]] = []
    for stratum in range(number):
        rows = np.flatnonzero(s == stratum)
        varies = is_informative(scores[rows], x[rows] == 1) if binary else np.ptp(x[rows]) > 0 and np.ptp(scores[rows]) > 0
        if varies:
            used.append(rows)
    if not used:
        nan, note = float("nan"), "in no stratum do both marker and outcome vary"
        return PermutationResult(nan, nan, nan, nan, nan, "exact", 0, number, 0, 0, False, "no informative stratum", (), note)
    n = sum(rows.size for rows in used)
    observed = float(sum(scores[rows] @ x[rows] for rows in used))
    variance = 0.0
    for rows in used:
        spread = ((x[rows] - x[rows].mean()) ** 2).sum()
        variance += float((scores[rows] ** 2).sum() * spread / (rows.size - 1))
    z = float(observed / np.sqrt(variance))
    exact = _exact(scores, x, used) if binary else None
    if exact is not None:
        p_value, p_minimum = two_sided_exact(exact, observed)
        values, probability = exact
        same = np.abs(np.abs(values) - abs(observed)) <= 1e-9 * max(1.0, float(np.abs(values).max()))
        p_mid = p_value - float(probability[same].sum()) / 2
        return PermutationResult(observed, z, p_value, p_mid, p_minimum, "exact", 0, number, len(used), n, True, "", (), "")
    found = _drawn(scores, x, used, permutations, seed)
    # sums of the same numbers in another order differ in the last bits
    as_far = int((np.abs(found) >= abs(observed) - 1e-9 * max(1.0, abs(observed))).sum())
    least = 1 / (permutations + 1)
    p_value = (as_far + 1) / (permutations + 1)
    return PermutationResult(
        observed, z, p_value, float("nan"), least, "permutation", permutations, number, len(used), n, True, "", (), ""
    )


def _exact(scores: FloatArray, x: FloatArray, used: list[NDArray[np.intp]]) -> tuple[FloatArray, FloatArray] | None:
    """Return the values of the statistic and their probabilities, or None where there are too many."""
    values, probability = np.zeros(1), np.ones(1)
    for rows in used:
        size = rows.size
        ranks = scores[rows] * (size + 1) + (size + 1) / 2
        carriers = int(x[rows].sum())
        found = rank_sum_distribution(ranks, carriers)
        if found is None or values.size * found[0].size > EXACT_VALUES:
            return None
        own = (found[0] / 2 - carriers * (size + 1) / 2) / (size + 1)
        sums = np.add.outer(values, own).reshape(-1)
        weights = np.multiply.outer(probability, found[1]).reshape(-1)
        order = np.argsort(sums, kind="stable")
        sums, weights = sums[order], weights[order]
        # equal sums reached in two ways differ in the last bits
        first = np.flatnonzero(np.concatenate([[True], np.diff(sums) > 1e-11]))
        values, probability = sums[first], np.add.reduceat(weights, first)
    return values, probability


def _drawn(scores: FloatArray, x: FloatArray, used: list[NDArray[np.intp]], permutations: int, seed: int) -> FloatArray:
    draw = np.random.default_rng(seed)
    found = np.zeros(permutations)
    for rows in used:
        block = max(1, HELD // rows.size)
        for start in range(0, permutations, block):
            count = min(block, permutations - start)
            shuffled = draw.permuted(np.broadcast_to(scores[rows], (count, rows.size)), axis=1)
            found[start : start + count] += shuffled @ x[rows]
    return found
