"""p-values of a family of tests -> adjusted p-values; tests that were not run, or could never succeed, are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray

Method = Literal["bonferroni", "holm", "hochberg", "hommel", "bh", "by"]
METHODS: tuple[Method, ...] = ("bonferroni", "holm", "hochberg", "hommel", "bh", "by")
#: p and level may be the same number in exact arithmetic and differ in the last bits
ROUNDING = 1e-12


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """Return the smallest false discovery rate at which each test would be called.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: it stays NaN and does not count as a test.

    Returns
    -------
    array, shape (m,)
        Never smaller than the p, never above 1.

    Notes
    -----
    Benjamini and Hochberg 1995.  Valid under independence and positive dependence.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, float("nan")]).tolist()
    [0.02, 0.02, nan]
    """
    return adjust(p_values, "bh")


def adjust(p_values: ArrayLike, method: Method, *, not_run: int = 0) -> FloatArray:
    """Return adjusted p-values: a test is called at level alpha where its adjusted p is at most alpha.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: it stays NaN and does not count as a test.
    method : {'bonferroni', 'holm', 'hochberg', 'hommel', 'bh', 'by'}
        Family-wise error: Bonferroni and Holm whatever the dependence, Hochberg and Hommel under positive
        dependence.  False discovery rate: Benjamini-Hochberg under independence or positive dependence,
        Benjamini-Yekutieli whatever the dependence.
    not_run : int
        Tests that belong to the family and have no p here (planned and not run, or left out after a look
        at their result): each counts as a test with p = 1.

    Returns
    -------
    array, shape (m,)
        Never smaller than the p, never above 1.

    Raises
    ------
    ValueError
        A p outside 0..1, an unknown method, a negative `not_run`.

    Notes
    -----
    Holm 1979; Hochberg 1988, doi:10.1093/biomet/75.4.800; Hommel 1988, doi:10.1093/biomet/75.2.383, computed
    as in Wright 1992, doi:10.2307/2532694 (time grows with m squared); Benjamini and Hochberg 1995;
    Benjamini and Yekutieli 2001, doi:10.1214/aos/1013699998.

    Examples
    --------
    >>> adjust([0.01, 0.03, 0.04], "holm").tolist()
    [0.03, 0.06, 0.06]
    >>> adjust([0.01], "bonferroni", not_run=4).tolist()
    [0.05]
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(METHODS)}")
    if not_run < 0:
        raise ValueError("not_run: negative")
    p, known = checked(p_values)
    order = np.flatnonzero(known)[np.argsort(p[known], kind="stable")]
    adjusted = np.full(p.size, np.nan)
    if order.size:
        adjusted[order] = _ADJUST[method](p[order], order.size + not_run)
    # m/m * p may round below p in the last bit
    return np.asarray(np.maximum(adjusted, p), dtype=np.float64)


def weighted_benjamini_hochberg(p_values: ArrayLike, weights: ArrayLike) -> FloatArray:
    """Return Benjamini-Hochberg q-values of p / weight: prior importance or power, stated before the p were seen.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: neither its p nor its weight counts.
    weights : array, shape (m,)
        Not negative; scaled to a mean of 1 over the answered questions, so that no level is gained.
        A weight of 0 gives the test up (q = 1).

    Raises
    ------
    ValueError
        A p outside 0..1, a negative or missing weight of an answered question, or all weights 0.

    Notes
    -----
    Genovese, Roeder and Wasserman 2006, doi:10.1093/biomet/93.3.509.  Weights learned from the same p are
    only valid where each test's weight comes from the others (folds: Ignatiadis 2016,
    doi:10.1038/nmeth.3885); this function takes weights and cannot see where they come from.

    Examples
    --------
    >>> weighted_benjamini_hochberg([0.02, 0.02], [1.5, 0.5]).round(4).tolist()
    [0.0267, 0.04]
    """
    p, known = checked(p_values)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != p.shape:
        raise ValueError(f"weights: shape {w.shape} for {p.size} tests")
    if not known.any():
        return np.full(p.size, np.nan)
    if not np.isfinite(w[known]).all() or (w[known] < 0).any():
        raise ValueError("weights: negative or missing")
    mean = float(w[known].mean())
    if mean == 0:
        raise ValueError("weights: all are 0")
    scaled = np.full(p.size, np.nan)
    relative = w[known] / mean
    quotient = np.divide(p[known], relative, out=np.ones(relative.size), where=relative > 0)
    scaled[known] = np.minimum(1.0, quotient)
    return benjamini_hochberg(scaled)


@dataclass(frozen=True)
class TaroneResult:
    """Bonferroni over the tests that can succeed at all.

    Parameters
    ----------
    p_adjusted : array, shape (m,)
        ``min(1, n_counted * p)`` of the counted tests, 1 for those that could never succeed, NaN without p.
    rejected : array of bool, shape (m,)
    counted : array of bool, shape (m,)
        Tests whose smallest attainable p does not exceed `threshold`.
    n_tests, n_counted, n_never, n_not_run : int
        Tests with a p; the divisor of alpha; tests with a p whose smallest attainable p exceeds `threshold`;
        questions without p.
    threshold : float
        Level of each test, alpha / n_counted.
    alpha : float
        Family-wise level.
    """

    p_adjusted: FloatArray
    rejected: BoolArray
    counted: BoolArray
    n_tests: int
    n_counted: int
    n_never: int
    n_not_run: int
    threshold: float
    alpha: float


def tarone(p_values: ArrayLike, p_minimum: ArrayLike, alpha: float = 0.05) -> TaroneResult:
    """Test a family of discrete tests; those that the margins keep from ever being significant do not count.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered.
    p_minimum : array, shape (m,)
        Smallest p each test can give with its margins (:func:`resistance.stats.exact.p_value_minimum`).
    alpha : float
        Family-wise level.

    Raises
    ------
    ValueError
        A p outside 0..1 or below its own minimum, a minimum that is missing where a p is there, `alpha`
        outside 0..1.

    Notes
    -----
    Tarone 1990, doi:10.2307/2531456: the divisor is the smallest k such that at most k tests can reach
    alpha / k.  The margins are all it looks at, so that the family-wise error is kept.  A test rejected at
    one alpha may not be at a larger one (the divisor grows with alpha): `p_adjusted` belongs to `alpha`.

    Examples
    --------
    >>> result = tarone([0.02, 0.4, 1.0], [0.001, 0.3, 1.0])
    >>> result.n_counted, result.rejected.tolist()
    (1, [True, False, False])
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha: outside 0..1")
    p, known = checked(p_values)
    least = np.asarray(p_minimum, dtype=np.float64)
    if least.shape != p.shape:
        raise ValueError(f"p_minimum: shape {least.shape} for {p.size} tests")
    if not ((least[known] >= 0) & (least[known] <= 1)).all():
        raise ValueError("p_minimum: outside 0..1, or missing where there is a p")
    # the sum of the same probabilities in another order
    if (p[known] < least[known] * (1 - 1e-9)).any():
        raise ValueError("p_values: a p is smaller than its smallest attainable p")
    level = alpha * (1 + ROUNDING)
    attainable = np.sort(least[known])
    k = 1
    while np.searchsorted(attainable, level / k, side="right") > k:
        k += 1
    counted = known & (np.where(known, least, 2.0) <= level / k)
    adjusted = np.where(known, 1.0, np.nan)
    adjusted[counted] = np.minimum(1.0, k * p[counted])
    return TaroneResult(
        p_adjusted=adjusted,
        rejected=counted & (np.where(known, p, 2.0) <= level / k),
        counted=counted,
        n_tests=int(known.sum()),
        n_counted=k,
        n_never=int((known & ~counted).sum()),
        n_not_run=int((~known).sum()),
        threshold=alpha / k,
        alpha=alpha,
    )


def checked(p_values: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Return p-values as an array, and which of them are there."""
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values: one dimension is needed, not {p.ndim}")
    known = ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError("p_values: outside 0..1")
    return p, known


# each takes the p in ascending order and the number of tests (at least as many; the rest has p = 1)


def _bonferroni(p: FloatArray, m: int) -> FloatArray:
    return np.asarray(np.minimum(1.0, p * m))


def _holm(p: FloatArray, m: int) -> FloatArray:
    return np.asarray(np.minimum(1.0, np.maximum.accumulate((m - np.arange(p.size)) * p)))


def _hochberg(p: FloatArray, m: int) -> FloatArray:
    return np.asarray(np.minimum(1.0, _falling_minimum((m - np.arange(p.size)) * p)))


def _benjamini_hochberg(p: FloatArray, m: int) -> FloatArray:
    return np.asarray(np.minimum(1.0, _falling_minimum(p * (m / np.arange(1, p.size + 1)))))


def _benjamini_yekutieli(p: FloatArray, m: int) -> FloatArray:
    harmonic = float((1 / np.arange(1, m + 1)).sum())
    return np.asarray(np.minimum(1.0, _falling_minimum(harmonic * p * (m / np.arange(1, p.size + 1)))))


def _hommel(p: FloatArray, m: int) -> FloatArray:
    every = np.concatenate([p, np.ones(m - p.size)])
    ranks = np.arange(1, m + 1)
    found = np.full(m, float((m * every / ranks).min()))
    for size in range(m - 1, 1, -1):
        # Simes' p of every set of `size` hypotheses that holds the largest ones
        first = m - size + 1
        last = float((size * every[first:] / ranks[1:size]).min())
        smaller = np.minimum(size * every[:first], last)
        found[:first] = np.maximum(found[:first], smaller)
        found[first:] = np.maximum(found[first:], smaller[-1])
    return np.asarray(np.minimum(1.0, np.maximum(found, every))[: p.size])


def _falling_minimum(values: FloatArray) -> FloatArray:
    return np.asarray(np.minimum.accumulate(values[::-1])[::-1])


_ADJUST = {
    "bonferroni": _bonferroni,
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "bh": _benjamini_hochberg,
    "by": _benjamini_yekutieli,
}
