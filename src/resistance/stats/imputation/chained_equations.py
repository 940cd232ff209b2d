"""Columns with gaps -> several completed copies by chained equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, flags, matrix, numbers
from resistance.stats._design import named
from resistance.stats.imputation.draws import drawn_classes, matched

Kind = Literal["number", "binary", "category"]
KINDS: tuple[Kind, ...] = ("number", "binary", "category")


@dataclass(frozen=True)
class ImputationResult:
    """Completed copies of a table.

    Parameters
    ----------
    completed : array, shape (m, n, k)
        The columns with every gap filled; observed values are untouched.  NaN unless `converged`.
    missing : tuple of int
        Gaps of each column.
    means : array, shape (iterations, m, k)
        Mean of the values filled in, by iteration (NaN for columns without gaps): to look for a trend.
    drift : array, shape (k,)
        Potential scale reduction of those means over the second half of the iterations (Gelman and Rubin 1992):
        clearly above 1.1 asks for more iterations.  NaN without gaps or with a single copy.
    n, m : int
    converged : bool
    reason : {'', 'nothing observed'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
    """

    completed: FloatArray
    missing: tuple[int, ...]
    means: FloatArray
    drift: FloatArray
    n: int
    m: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def impute(
    columns: ArrayLike,
    kinds: Sequence[Kind],
    *,
    seed: int,
    outcome: ArrayLike | None = None,
    m: int = 20,
    iterations: int = 10,
    donors: int = 5,
) -> ImputationResult:
    """Fill gaps by chained equations.

    Parameters
    ----------
    columns : array, shape (n, k)
        Markers and covariates of the model; NaN is a gap.
    kinds : sequence of {'number', 'binary', 'category'}, length k
        Numbers by predictive mean matching (values that some patient has), 0/1 by logistic and categories (numeric
        codes) by polytomous regression, both penalised so that a separating predictor does no harm.
    seed : int
    outcome : array, shape (n, c), optional
        Complete columns of the endpoint.  Leave it out and the effects of what was imputed shrink towards none:
        response as 0/1, a number as it is, survival as :func:`survival_predictors`.
    m : int
        Copies; about as many as per cent of patients have a gap.
    iterations : int
    donors : int
        Patients of the closest predicted value, one of whom gives his own.

    Raises
    ------
    ValueError
        Another shape or number of kinds, a binary column with other values than 0 and 1, infinite values, gaps in
        the outcome, counts below 1.

    Notes
    -----
    van Buuren and Groothuis-Oudshoorn 2011, doi:10.18637/jss.v045.i03; matching after a draw of the coefficients (type 1):
    Little 1988; augmented rows against separation: White, Daniel and Royston 2010, doi:10.1016/j.csda.2010.04.005.
    Valid where a gap depends on what was seen only (missing at random); a panel that never covered a gene is such a case
    only if the panels were not chosen by what is asked.  An endpoint is never imputed here.

    Examples
    --------
    >>> age = [61.0, float("nan"), 70.0, 55.0, 66.0, 48.0]
    >>> found = impute([[a, m] for a, m in zip(age, [0, 1, 1, 0, 1, 0])], ["number", "binary"], seed=1, m=3)
    >>> found.completed.shape, found.missing, bool(found.completed[0, 1, 0] in age)
    ((3, 6, 2), (1, 0), True)
    """
    x = np.asarray(columns, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"columns: two dimensions are needed, not {x.ndim}")
    n, k = x.shape
    if len(kinds) != k:
        raise ValueError(f"kinds: {len(kinds)} for {k} columns")
    if np.isinf(x).any():
        raise ValueError("columns: infinite values")
    for name, count in (("m", m), ("iterations", iterations), ("donors", donors)):
        if count < 1:
            raise ValueError(f"{name}: at least 1 is needed")
    for i, kind in enumerate(kinds):
        if kind not in KINDS:
            raise ValueError(f"kinds: {kind!r} is none of {', '.join(KINDS)}")
        if kind == "binary" and not np.isin(x[~np.isnan(x[:, i]), i], (0.0, 1.0)).all():
            raise ValueError(f"columns: column {i} is not 0 and 1 alone")
    fixed = np.zeros((n, 0)) if outcome is None else matrix(outcome, "outcome", n)
    gaps = np.isnan(x)
    missing = tuple(int(count) for count in gaps.sum(axis=0))
    empty = tuple(i for i in range(k) if missing[i] == n and n > 0)
    means = np.full((iterations, m, k), np.nan)
    if empty:
        nan = np.full((m, n, k), np.nan)
        return ImputationResult(
            nan, missing, means, np.full(k, np.nan), n, m, False, "nothing observed", empty, f"{named(empty)}: no value is known"
        )
    levels = [np.unique(x[~gaps[:, i], i]) if kind != "number" else np.zeros(0) for i, kind in enumerate(kinds)]
    # fewest gaps first; ties in the order given
    order = [int(i) for i in np.argsort(missing, kind="stable") if missing[i]]
    completed = np.repeat(x[None], m, axis=0)
    for copy, draw in enumerate(np.random.default_rng(seed).spawn(m)):
        table = completed[copy]
        for i in order:
            table[gaps[:, i], i] = draw.choice(x[~gaps[:, i], i], missing[i])
        for iteration in range(iterations):
            for i in order:
                others = [_design(table[:, j], levels[j] if kinds[j] == "category" else None) for j in range(k) if j != i]
                predictors = _standardised(np.column_stack([np.ones((n, 0)), *others, fixed]))
                gap, known = gaps[:, i], ~gaps[:, i]
                if kinds[i] == "number":
                    filled = matched(x[known, i], predictors[known], predictors[gap], donors, draw)
                else:
                    filled = drawn_classes(x[known, i], predictors[known], predictors[gap], levels[i], draw)
                table[gap, i] = filled
                means[iteration, copy, i] = filled.mean()
    return ImputationResult(completed, missing, means, _drift(means), n, m, True, "", (), "" if order else "no gaps")


def survival_predictors(time: ArrayLike, event: ArrayLike) -> FloatArray:
    """Return the outcome columns with which covariates of a survival model are imputed.

    Parameters
    ----------
    time : array, shape (n,)
        Follow-up, any unit, not negative.
    event : array of 0/1, shape (n,)

    Returns
    -------
    array, shape (n, 2)
        Event, and the Nelson-Aalen cumulative hazard at the patient's time.

    Notes
    -----
    White and Royston 2009, doi:10.1002/sim.3618: not the time itself, nor its logarithm.

    Examples
    --------
    >>> survival_predictors([1, 2, 3], [1, 0, 1]).round(3).tolist()
    [[1.0, 0.333], [0.0, 0.333], [1.0, 1.333]]
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    if t.size and t.min() < 0:
        raise ValueError("time: negative values")
    distinct, place = np.unique(t, return_inverse=True)
    events = np.bincount(place, e, distinct.size)
    at_risk = t.size - np.concatenate([[0], np.cumsum(np.bincount(place, minlength=distinct.size))])[:-1]
    return np.column_stack([e.astype(np.float64), np.cumsum(events / at_risk)[place] if t.size else t])


def _design(column: FloatArray, levels: FloatArray | None) -> FloatArray:
    if levels is None:
        return column[:, None]
    return np.asarray(column[:, None] == levels[None, 1:], dtype=np.float64)


def _standardised(predictors: FloatArray) -> FloatArray:
    """Return intercept and the predictors that vary, centred and of unit spread."""
    spread = predictors.std(axis=0)
    vary = spread > 1e-12 * np.maximum(1.0, np.abs(predictors).max(axis=0, initial=0.0))
    unit = (predictors[:, vary] - predictors[:, vary].mean(axis=0)) / spread[vary]
    return np.column_stack([np.ones(predictors.shape[0]), unit])


def _drift(means: FloatArray) -> FloatArray:
    late = means[means.shape[0] // 2 :]
    length, copies, k = late.shape
    if copies < 2 or length < 2:
        return np.full(k, np.nan)
    within, between = late.var(axis=0, ddof=1).mean(axis=0), late.mean(axis=0).var(axis=0, ddof=1)
    ratio = np.divide(between, within, out=np.full(k, np.nan), where=within > 0)
    return np.asarray(np.sqrt((length - 1) / length + ratio))
