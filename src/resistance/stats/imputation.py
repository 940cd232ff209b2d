"""Columns with gaps -> several completed copies by chained equations; estimates of the copies -> one estimate by Rubin's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, numbers

Kind = Literal["number", "binary", "category"]
KINDS: tuple[Kind, ...] = ("number", "binary", "category")
#: share of its diagonal that is added to a cross product, so that collinear predictors have a solution
RIDGE = 1e-5


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
        which = ("column " if len(empty) == 1 else "columns ") + ", ".join(str(i) for i in empty)
        nan = np.full((m, n, k), np.nan)
        return ImputationResult(
            nan, missing, means, np.full(k, np.nan), n, m, False, "nothing observed", empty, f"{which}: no value is known"
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
                    filled = _matched(x[known, i], predictors[known], predictors[gap], donors, draw)
                else:
                    filled = _drawn(x[known, i], predictors[known], predictors[gap], levels[i], draw)
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


@dataclass(frozen=True)
class PooledResult:
    """Rubin's rules; every number is NaN unless `converged`.

    Parameters
    ----------
    estimate, se : array, shape (k,)
    within, between, total : array, shape (k,)
        Mean variance of the copies, variance between them, and ``within + (1 + 1/m) between``.
    df : array, shape (k,)
        Barnard and Rubin's degrees of freedom.
    ci_low, ci_high, p_value : array, shape (k,)
        t on `df`.
    riv, lambda_, fmi : array, shape (k,)
        Relative increase in variance by the gaps; share of the variance due to them; fraction of missing
        information.
    m : int
    converged : bool
    reason : {'', 'one copy', 'copy without answer', 'no variance'}
    columns : tuple of int
        0-based estimates that are the cause.
    note : str
    """

    estimate: FloatArray
    se: FloatArray
    within: FloatArray
    between: FloatArray
    total: FloatArray
    df: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    riv: FloatArray
    lambda_: FloatArray
    fmi: FloatArray
    m: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def pool(estimates: ArrayLike, variances: ArrayLike, n: float = np.inf, k: int = 1, *, confidence: float = 0.95) -> PooledResult:
    """Pool estimates of several completed copies by Rubin's rules.

    Parameters
    ----------
    estimates, variances : array, shape (m,) or (m, q)
        One row per copy; NaN in a row is a copy whose model has no answer, and then there is none at all: leaving
        the copy out would choose among them.  Variances are squared standard errors.
    n : float
        Patients (events in a Cox model); infinite for the large-sample degrees of freedom.
    k : int
        Coefficients of the model: the complete-data degrees of freedom are n - k.
    confidence : float

    Raises
    ------
    ValueError
        Arrays of different shape, a negative variance, n not above k.

    Notes
    -----
    Rubin 1987; Barnard and Rubin 1999, doi:10.1093/biomet/86.4.948.

    Examples
    --------
    >>> found = pool([1.0, 1.4, 0.9], [0.10, 0.12, 0.11], n=50, k=3)
    >>> found.estimate.round(2).tolist(), found.df.round(1).tolist(), found.fmi.round(3).tolist()
    ([1.1], [6.8], [0.569])
    """
    from scipy.stats import t

    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if q.shape != u.shape or q.ndim not in (1, 2) or q.shape[0] == 0:
        raise ValueError(f"estimates: shape {q.shape}, variances: shape {u.shape}; one row per copy is needed in both")
    if (u < 0).any():
        raise ValueError("variances: negative")
    if not n > k:
        raise ValueError(f"n: {n} is not above the {k} coefficients")
    if not 0 < confidence < 1:
        raise ValueError("confidence: outside 0..1")
    q, u = q.reshape(q.shape[0], -1), u.reshape(q.shape[0], -1)
    m, size = q.shape
    if m == 1:
        return _unpooled(size, m, "one copy", (), "one copy: what the gaps add to the variance cannot be told")
    lost = ~(np.isfinite(q) & np.isfinite(u))
    if lost.any():
        columns = tuple(int(i) for i in np.flatnonzero(lost.any(axis=0)))
        note = f"{int(lost.any(axis=1).sum())} of {m} copies without an answer"
        return _unpooled(size, m, "copy without answer", columns, note)
    estimate, within, between = q.mean(axis=0), u.mean(axis=0), q.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    if (within == 0).any():
        columns = tuple(int(i) for i in np.flatnonzero(within == 0))
        return _unpooled(size, m, "no variance", columns, "an estimate without any variance")
    extra = (1 + 1 / m) * between
    share = extra / total
    riv = extra / within
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
    if np.isinf(n):
        df = old
    else:
        complete = n - k
        seen = (complete + 1) / (complete + 3) * complete * (1 - share)
        df = 1 / (1 / old + 1 / seen)
    fmi = share + (1 - share) * 2 / (df + 3)
    error = np.sqrt(total)
    reach = t.isf((1 - confidence) / 2, df) * error
    return PooledResult(
        estimate=estimate,
        se=error,
        within=within,
        between=between,
        total=total,
        df=df,
        ci_low=estimate - reach,
        ci_high=estimate + reach,
        p_value=np.asarray(2 * t.sf(np.abs(estimate) / error, df)),
        riv=riv,
        lambda_=share,
        fmi=fmi,
        m=m,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def pool_chi_square(statistics: ArrayLike, df: int = 1) -> float:
    """Return the p of likelihood-ratio (or score) statistics of several completed copies.

    Parameters
    ----------
    statistics : array, shape (m,)
        Chi-square statistics, m at least 2; NaN where a copy has no answer makes the p NaN.
    df : int
        Their degrees of freedom.

    Notes
    -----
    D2 of Li, Meng, Raghunathan and Rubin 1991, Statistica Sinica 1:65: for many copies and p not far below .001; where
    estimates with variances are at hand :func:`pool` is sharper.

    Examples
    --------
    >>> round(pool_chi_square([4.1, 5.0, 3.6, 4.4]), 4)
    0.0422
    """
    from scipy.stats import f

    values = np.asarray(statistics, dtype=np.float64)
    if values.ndim != 1 or values.size < 2:
        raise ValueError("statistics: one of each copy, at least two, is needed")
    if (values < 0).any():
        raise ValueError("statistics: negative")
    if df < 1:
        raise ValueError("df: at least 1 is needed")
    if not np.isfinite(values).all():
        return float("nan")
    m = values.size
    increase = (1 + 1 / m) * float(np.sqrt(values).var(ddof=1))
    statistic = max(0.0, (float(values.mean()) / df - (m + 1) / (m - 1) * increase) / (1 + increase))
    freedom = df ** (-3 / m) * (m - 1) * (1 + 1 / increase) ** 2 if increase > 0 else np.inf
    return float(f.sf(statistic, df, min(freedom, 1e10)))


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


def _matched(value: FloatArray, known: FloatArray, gap: FloatArray, donors: int, draw: np.random.Generator) -> FloatArray:
    """Return values of patients whose prediction is close, after a draw of the coefficients from their posterior."""
    cross = known.T @ known
    inverse = np.asarray(np.linalg.inv(cross + RIDGE * np.diag(np.diag(cross) + 1e-12)), dtype=np.float64)
    coef = inverse @ (known.T @ value)
    left = value - known @ coef
    freedom = max(1, value.size - known.shape[1])
    sigma = np.sqrt(float(left @ left) / draw.chisquare(freedom))
    drawn = coef + sigma * _root(inverse) @ draw.standard_normal(coef.size)
    of_known, of_gap = known @ coef, gap @ drawn
    few = min(donors, value.size)
    # patients with one prediction are chosen by lot, not by their row
    order = np.lexsort((draw.random(value.size), of_known))
    window = np.searchsorted(of_known[order], of_gap)[:, None] + np.arange(-few, few)
    inside = (window >= 0) & (window < value.size)
    candidates = order[np.clip(window, 0, value.size - 1)]
    distance = np.where(inside, np.abs(of_gap[:, None] - of_known[candidates]), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")
    row = np.arange(of_gap.size)
    return np.asarray(value[candidates[row, nearest[row, draw.integers(0, few, of_gap.size)]]])


def _drawn(value: FloatArray, known: FloatArray, gap: FloatArray, levels: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Return classes drawn from a polytomous regression whose coefficients were drawn from their posterior."""
    if levels.size == 1:
        return np.full(gap.shape[0], levels[0])
    place = np.searchsorted(levels, value)
    rows, classes, weight = _augmented(known, place, levels.size)
    coef, covariance = _polytomous(rows, classes, weight, levels.size)
    drawn = coef + _root(covariance) @ draw.standard_normal(coef.size)
    chance = _chances(gap, drawn.reshape(levels.size - 1, -1))
    chosen = draw.random((gap.shape[0], 1))
    picked = (chosen > np.cumsum(chance, axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(levels[picked])


def _augmented(known: FloatArray, place: NDArray[np.intp], c: int) -> tuple[FloatArray, NDArray[np.intp], FloatArray]:
    """Return the rows and a few light ones at half a spread to both sides of each mean, for every class.

    Together they weigh as many patients as there are coefficients of a class.
    """
    p = known.shape[1] - 1
    if p == 0:
        return known, place, np.ones(place.size)
    mean, spread = known[:, 1:].mean(axis=0), known[:, 1:].std(axis=0)
    extra, classes = [], []
    for j in range(p):
        for side in (0.5, -0.5):
            row = np.concatenate([[1.0], mean])
            row[j + 1] += side * spread[j]
            extra += [row] * c
            classes += list(range(c))
    weight = np.concatenate([np.ones(place.size), np.full(len(extra), (p + 1) / len(extra))])
    return np.vstack([known, extra]), np.concatenate([place, classes]), weight


def _chances(rows: FloatArray, coef: FloatArray) -> FloatArray:
    eta = np.column_stack([np.zeros(rows.shape[0]), rows @ coef.T])
    eta = np.exp(eta - eta.max(axis=1, keepdims=True))
    return np.asarray(eta / eta.sum(axis=1, keepdims=True))


def _polytomous(rows: FloatArray, classes: NDArray[np.intp], weight: FloatArray, c: int) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (class by class, without the first) and their covariance; a light ridge keeps them finite."""
    p = rows.shape[1]
    there = classes[:, None] == np.arange(1, c)[None, :]
    coef = np.zeros((c - 1) * p)
    ridge = RIDGE * weight.sum()

    def state(at: FloatArray) -> tuple[float, FloatArray]:
        chance = _chances(rows, at.reshape(c - 1, p))
        with np.errstate(divide="ignore"):
            log_chance = np.log(chance[np.arange(classes.size), classes])
        return float(weight @ log_chance) - ridge / 2 * float(at @ at), chance[:, 1:]

    value, chance = state(coef)
    information = np.eye(coef.size)
    for _ in range(30):
        gradient = ((weight[:, None] * (there - chance)).T @ rows).ravel() - ridge * coef
        blocks = [
            [rows.T @ ((weight * chance[:, a] * ((a == b) - chance[:, b]))[:, None] * rows) for b in range(c - 1)]
            for a in range(c - 1)
        ]
        information = np.block(blocks) + ridge * np.eye(coef.size)
        step = np.linalg.solve(information, gradient)
        for _ in range(20):
            new_value, new_chance = state(coef + step)
            if new_value >= value - 1e-12:
                break
            step = step / 2
        coef, value, chance = coef + step, new_value, new_chance
        if np.abs(step).max() < 1e-8:
            break
    return coef, np.asarray(np.linalg.inv(information), dtype=np.float64)


def _root(covariance: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    # the sign of an eigenvector is the library's choice: fixed by its largest entry
    sign = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(values.size)])
    return np.asarray(vectors * sign * np.sqrt(np.maximum(values, 0.0)))


def _drift(means: FloatArray) -> FloatArray:
    late = means[means.shape[0] // 2 :]
    length, copies, k = late.shape
    if copies < 2 or length < 2:
        return np.full(k, np.nan)
    within, between = late.var(axis=0, ddof=1).mean(axis=0), late.mean(axis=0).var(axis=0, ddof=1)
    ratio = np.divide(between, within, out=np.full(k, np.nan), where=within > 0)
    return np.asarray(np.sqrt((length - 1) / length + ratio))


def _unpooled(size: int, m: int, reason: str, columns: tuple[int, ...], note: str) -> PooledResult:
    nan = np.full(size, np.nan)
    return PooledResult(nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, m, False, reason, columns, note)


def has_gaps(columns: ArrayLike) -> BoolArray:
    """Return which rows have a gap: the patients whom a complete-case model leaves out."""
    return np.asarray(np.isnan(np.asarray(columns, dtype=np.float64)).any(axis=1))
