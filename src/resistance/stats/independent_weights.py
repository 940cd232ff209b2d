"""p-values and something known of each test beforehand -> weights that are learned out of fold, and weighted adjusted p-values.

Tests with more information (more carriers, higher expression) have more power; if what is known does not go with
the p of tests without effect, groups of tests may have different thresholds.  The threshold of a test is learned
from the other folds of tests only, so that no p buys its own weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.grenander import Grenander, grenander
from resistance.stats.multiplicity import adjust, benjamini_hochberg, checked

Kind = Literal["ordinal", "nominal"]
Method = Literal["bh", "bonferroni"]
Integers = NDArray[np.intp]
#: tests for each bin, and the most bins, of the default
TESTS_PER_BIN = 1500
MOST_BINS = 40
#: p below this share of the usual threshold count as 0 when the weights are learned
NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class IndependentWeights:
    """Adjusted p-values under learned weights.

    Parameters
    ----------
    p_adjusted : array, shape (m,)
        Called at level `alpha` (and, as a guide, at others: the weights were learned for this one).  NaN without p.
    weight : array, shape (m,)
        Mean 1 over the tests of each fold; NaN without p.
    group, fold : array of int, shape (m,)
        0-based; -1 without p.
    weights : array, shape (groups, folds)
        Weight of each group's tests in each fold.
    regularisation : array, shape (folds,)
        The bound that was given or chosen for each fold; 0 means weights of 1, infinite means free.
    labels : array, shape (groups,)
        Nominal: the value of each group.  Ordinal: its largest covariate.
    n : int
        Tests with a p.
    rejected : int
        Tests with an adjusted p of at most `alpha`.
    alpha : float
    n_failed : int
        Linear programmes, those of the cross-validation among them, that the solver gave up: weights of 1 stand for them.
    """

    p_adjusted: FloatArray
    weight: FloatArray
    group: Integers
    fold: Integers
    weights: FloatArray
    regularisation: FloatArray
    labels: NDArray[Any]
    n: int
    rejected: int
    alpha: float
    n_failed: int


def independent_weights(
    p_values: ArrayLike,
    covariate: ArrayLike,
    *,
    seed: int,
    alpha: float = 0.05,
    kind: Kind = "ordinal",
    bins: int | None = None,
    folds: ArrayLike | int = 5,
    regularisation: ArrayLike | None = None,
    method: Method = "bh",
) -> IndependentWeights:
    """Adjust p-values by weights learned from a covariate (independent hypothesis weighting).

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: it is no test, whatever its covariate.
    covariate : array, shape (m,)
        Known of each test before its p, and independent of it where there is no effect: a margin, such as carriers
        or mean expression, never a look at the outcome.  Nominal: labels.
    seed : int
        Of the folds.  Unless `folds` are given, they go by the order of the tests.
    alpha : float
        Level for which the weights are learned.
    kind : {'ordinal', 'nominal'}
        Ordinal covariates are binned by rank, and weights of neighbours may differ by a bounded total variation;
        of nominal ones each value is a group, and weights may differ from 1 by a bounded sum.
    bins : int, optional
        Ordinal only.  Default m / 1,500, at least 1 and at most 40.  Equal values stay together, so that
        there may be fewer.
    folds : int or array of int, shape (m,)
        Number of folds (at random), or the fold of each test: tests that depend on each other belong into one.
    regularisation : float or array, shape (folds,), optional
        The bound; default: for each fold the one of 0, 1, bins x (1/8, 1/4, 1/2, 1) and infinity with most
        rejections among the other folds, by cross-validation in them; the smallest of equals.
    method : {'bh', 'bonferroni'}
        What weights are learned for, and what adjusts the weighted p.

    Returns
    -------
    IndependentWeights

    Raises
    ------
    ValueError
        A p or `alpha` outside 0..1, a covariate that is missing where there is a p, folds that do not fit, fewer
        than two folds, a negative bound.

    Notes
    -----
    Ignatiadis, Klaus, Zaugg and Huber 2016, doi:10.1038/nmeth.3885; Ignatiadis and Huber 2021,
    doi:10.1111/rssb.12411.  In each group the distribution of p is Grenander's estimate F from the other folds;
    thresholds t maximise the expected rejections, sum of m F(t), with an estimated false discovery rate,
    sum of m t / sum of m F(t), of at most alpha (Bonferroni: sum of m t at most alpha), a linear programme;
    the weights are the thresholds divided by their mean over the tests of the fold.  Bonferroni keeps its
    level for independent folds whatever the number of tests, the false discovery rate as that number grows: with
    fewer than 3,000 tests there is one bin, which is Benjamini-Hochberg itself.  Discrete p that are
    larger than uniform in some groups keep the level.

    Examples
    --------
    >>> draw = np.random.default_rng(1)
    >>> strong = np.arange(4000) < 2000
    >>> p = np.where(strong & (draw.random(4000) < 0.3), draw.beta(0.3, 30, 4000), draw.random(4000))
    >>> found = independent_weights(p, strong, kind="nominal", regularisation=2.0, seed=1)
    >>> bool((found.weights[1] > found.weights[0]).all()), found.rejected > int((adjust(p, "bh") <= 0.05).sum())
    (True, True)
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha: outside 0..1")
    if kind not in ("ordinal", "nominal"):
        raise ValueError(f"kind: 'ordinal' or 'nominal', not {kind!r}")
    if method not in ("bh", "bonferroni"):
        raise ValueError(f"method: 'bh' or 'bonferroni', not {method!r}")
    p, known = checked(p_values)
    tested = p[known]
    group, labels = _grouped(covariate, known, kind, bins)
    draw = np.random.default_rng(seed)
    fold, number = _folds(folds, known, draw)
    bounds = _bounds(regularisation, number)
    learner = _Learner(labels.size, kind, alpha, method)
    weights, chosen = np.ones((labels.size, number)), np.zeros(number)
    if labels.size > 1:
        for f in range(number):
            out = fold == f
            if not out.any():
                continue
            inner = _even(int((~out).sum()), min(5, int((~out).sum())), draw)
            chosen[f] = learner.choose(tested[~out], group[~out], inner) if bounds is None else bounds[f]
            size = np.bincount(group[out], minlength=labels.size)
            weights[:, f] = next(learner.weights(tested[~out], group[~out], size, [float(chosen[f])]))
    weight = weights[group, fold]
    # a weight of 0 gives the test up; its p counts as 1
    weighted = np.minimum(1.0, np.divide(tested, weight, out=np.ones(tested.size), where=weight > 0))
    adjusted = adjust(weighted, method)

    def spread(values: NDArray[Any], nothing: Any) -> NDArray[Any]:
        out = np.full(p.size, nothing, dtype=values.dtype)
        out[known] = values
        return out

    return IndependentWeights(
        p_adjusted=spread(adjusted, np.nan),
        weight=spread(weight, np.nan),
        group=spread(group, -1),
        fold=spread(fold, -1),
        weights=weights,
        regularisation=chosen,
        labels=labels,
        n=tested.size,
        rejected=int((adjusted <= alpha).sum()),
        alpha=alpha,
        n_failed=learner.failed,
    )


def default_bins(tests: int) -> int:
    """Return the number of bins of an ordinal covariate for so many tests: one for each 1,500, 1 to 40."""
    return max(1, min(MOST_BINS, tests // TESTS_PER_BIN))


class _Learner:
    """Weights of groups from p-values, for one kind of covariate, level and method."""

    def __init__(self, groups: int, kind: Kind, alpha: float, method: Method) -> None:
        self._groups, self._kind, self._alpha, self._method = groups, kind, alpha, method
        self.failed = 0

    def choose(self, p: FloatArray, group: Integers, fold: Integers) -> float:
        """Return the bound with most rejections when each fold's weights come from the others; the smallest of equals."""
        g = self._groups
        bounds = sorted({0.0, 1.0, g / 8, g / 4, g / 2, float(g), float("inf")})
        weight = np.ones((len(bounds), p.size))
        for f in np.unique(fold):
            out = fold == f
            size = np.bincount(group[out], minlength=g)
            for row, found in enumerate(self.weights(p[~out], group[~out], size, bounds)):
                weight[row, out] = found[group[out]]
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = np.where(weight > 0, np.minimum(1.0, p / weight), 1.0)
        rejected = [int((adjust(row, self._method) <= self._alpha).sum()) for row in weighted]
        return bounds[int(np.argmax(rejected))]

    def weights(self, p: FloatArray, group: Integers, size: Integers, bounds: list[float]) -> Iterator[FloatArray]:
        """Yield for each bound the weights of the groups, with a mean of 1 over groups of `size` tests."""
        scale = self._scale(p)
        shapes = [grenander(p[group == g], zero=min(NEGLIGIBLE * scale, 0.5)) for g in range(self._groups)]
        for bound in bounds:
            yield np.ones(self._groups) if bound == 0 else self._solve(shapes, size, bound, scale)

    def _scale(self, p: FloatArray) -> float:
        """Return the size of threshold to be expected: the programme's numbers are near 1 in its units."""
        if p.size == 0:
            return self._alpha
        if self._method == "bonferroni":
            return self._alpha / p.size
        called = int((benjamini_hochberg(p) <= self._alpha).sum())
        return self._alpha * max(called, 1) / p.size

    def _solve(self, shapes: list[Grenander], size: Integers, bound: float, scale: float) -> FloatArray:
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        g, m = self._groups, float(size.sum())
        share = size / m
        # columns: thresholds t (in units of scale), heights F(t) (in units of scale / alpha), distances
        rows: list[NDArray[Any]] = []
        columns: list[NDArray[Any]] = []
        values: list[FloatArray] = []
        right: list[float] = []

        def row(where: ArrayLike, what: ArrayLike, at_most: float) -> None:
            w, v = np.asarray(where, dtype=np.intp), np.asarray(what, dtype=np.float64)
            rows.append(np.full(w.size, len(right)))
            columns.append(w)
            values.append(v)
            right.append(at_most)

        of = np.arange(g)
        for i, shape in enumerate(shapes):
            for slope, intercept in zip(shape.slope, shape.intercept, strict=True):
                row([g + i, i], [1.0, -self._alpha * slope], self._alpha * intercept / scale)
        if self._method == "bh":
            row(np.concatenate([of, g + of]), np.concatenate([share, -share]), 0.0)
        else:
            row(of, share, self._alpha / (m * scale))
        further = 0
        if np.isfinite(bound):
            # the mean threshold is the unit of weights
            if self._kind == "ordinal":
                further = g - 1
                for i in range(further):
                    row([i + 1, i, 2 * g + i], [1.0, -1.0, -1.0], 0.0)
                    row([i + 1, i, 2 * g + i], [-1.0, 1.0, -1.0], 0.0)
            else:
                further = g
                for i in range(further):
                    away = (of == i) - share
                    row(np.append(of, 2 * g + i), np.append(away, -1.0), 0.0)
                    row(np.append(of, 2 * g + i), np.append(-away, -1.0), 0.0)
            row(np.concatenate([of, 2 * g + np.arange(further)]), np.concatenate([-bound * share, np.ones(further)]), 0.0)
        total = 2 * g + further
        table = coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(len(right), total))
        gain = np.zeros(total)
        gain[g : 2 * g] = -share
        limits = [(0.0, 1.0 / scale)] * g + [(0.0, None)] * (total - g)
        found = linprog(gain, A_ub=table.tocsr(), b_ub=np.array(right), bounds=limits, method="highs-ds")
        if found.status != 0:  # nothing learned: all tests alike, which is always allowed
            self.failed += 1
            return np.ones(g)
        threshold = np.maximum(found.x[:g], 0.0)
        mean = float(share @ threshold)
        # thresholds of nothing, up to the programme's tolerance
        return threshold / mean if mean > 1e-6 else np.ones(g)


def _grouped(covariate: ArrayLike, known: NDArray[np.bool_], kind: Kind, bins: int | None) -> tuple[Integers, NDArray[Any]]:
    """Return the group of each test with a p, and the groups' labels."""
    values = np.asarray(covariate)
    if values.shape != known.shape:
        raise ValueError(f"covariate: shape {values.shape} for {known.size} tests")
    mine = values[known]
    if kind == "nominal":
        if bins is not None:
            raise ValueError("bins: a nominal covariate has its own groups")
        if mine.dtype.kind == "O" and any(v is None or v != v for v in mine):
            raise ValueError("covariate: missing where there is a p")
        if mine.dtype.kind == "f" and np.isnan(mine).any():
            raise ValueError("covariate: missing where there is a p")
        labels, group = np.unique(mine, return_inverse=True)
        return group.reshape(-1).astype(np.intp), labels
    if bins is not None and bins < 1:
        raise ValueError(f"bins: at least 1, not {bins}")
    if mine.dtype.kind == "f" and np.isnan(mine).any():
        raise ValueError("covariate: missing where there is a p")
    at = numbers(mine, "covariate")
    if at.size == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0)
    distinct, inverse, count = np.unique(at, return_inverse=True, return_counts=True)
    # equal values take the mean of their ranks
    rank = np.cumsum(count) - (count - 1) / 2
    number = bins or default_bins(at.size)
    _, of_value = np.unique(np.ceil(rank * number / at.size - 1e-9), return_inverse=True)
    last = np.flatnonzero(np.append(np.diff(of_value) > 0, True))
    return of_value[inverse.reshape(-1)].astype(np.intp), distinct[last]


def _folds(folds: ArrayLike | int, known: NDArray[np.bool_], draw: np.random.Generator) -> tuple[Integers, int]:
    m = int(known.sum())
    if isinstance(folds, int | np.integer):
        if folds < 2:
            raise ValueError(f"folds: at least 2, not {folds}")
        return _even(m, int(folds), draw), int(folds)
    given = np.asarray(folds)
    if given.shape != known.shape:
        raise ValueError(f"folds: shape {given.shape} for {known.size} tests")
    names, code = np.unique(given[known], return_inverse=True)
    if m and names.size < 2:
        raise ValueError("folds: at least 2 are needed")
    return code.reshape(-1).astype(np.intp), max(2, names.size)


def _even(n: int, number: int, draw: np.random.Generator) -> Integers:
    """Return a random fold for each of n, of sizes that differ by 1 at most."""
    return np.asarray(draw.permutation(np.arange(n) % max(1, number)), dtype=np.intp)


def _bounds(regularisation: ArrayLike | None, folds: int) -> FloatArray | None:
    if regularisation is None:
        return None
    bounds = np.asarray(regularisation, dtype=np.float64)
    if bounds.ndim and bounds.shape != (folds,):
        raise ValueError(f"regularisation: shape {bounds.shape} for {folds} folds")
    if not (bounds >= 0).all():
        raise ValueError("regularisation: not negative numbers are needed")
    return np.broadcast_to(bounds, folds)
