"""A continuous outcome and columns -> least squares: effects with t interval and p; or one marker after the other with the same covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, matrix, numbers
from resistance.stats._design import collinear_columns, named, power_of_two, with_intercept
from resistance.stats._threads import one_thread

#: markers whose residuals are held at a time: a block stays in the cache of one core
BLOCK = 64
#: fraction of a marker's variance, left after the covariates, below which it is collinear with them
TIED = 1e-16


@dataclass(frozen=True)
class LinearResult:
    """Linear regression; every number is NaN unless `converged`.

    Parameters
    ----------
    intercept : float
    coef, se : array, shape (k,)
        Change of the outcome per unit of each column, and the standard errors.
    ci_low, ci_high : array, shape (k,)
    t, p_value : array, shape (k,)
        t statistic and two-sided p from the same standard error as the interval.
    partial_r2 : array, shape (k,)
        Share of the variance left by the other columns that the column explains, 0..1.
    standardised : array, shape (k,)
        Standard deviations of the outcome per standard deviation of the column.
    effect_sd : array, shape (k,)
        `coef` in units of the residual standard deviation: for a 0/1 column the difference of the groups in
        the sense of Cohen, adjusted.
    sigma : float
        Residual standard deviation.
    r_squared : float
    df : float
        Residual degrees of freedom.
    n : int
    converged : bool
    reason : {'', 'constant outcome', 'collinear', 'no residual degrees of freedom', 'exact fit', 'leverage'}
        ``leverage``: HC3 has no answer where a patient is fitted exactly, such as a single carrier.
    columns : tuple of int
        0-based columns that are the cause.
    note : str
    """

    intercept: float
    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    t: FloatArray
    p_value: FloatArray
    partial_r2: FloatArray
    standardised: FloatArray
    effect_sd: FloatArray
    sigma: float
    r_squared: float
    df: float
    n: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class LinearScan:
    """One regression per marker, each with the same covariates and its own patients.

    Parameters
    ----------
    coef, se, ci_low, ci_high, t, p_value, partial_r2, standardised, effect_sd : array, shape (m,)
        As in :class:`LinearResult`; NaN where `converged` is False.
    df : array, shape (m,)
        Residual degrees of freedom.
    n : array of int, shape (m,)
        Patients in whom the marker is known.
    converged : array of bool, shape (m,)
    reason : tuple of str, length m
        '', 'constant marker', 'collinear', 'no residual degrees of freedom', 'constant outcome', 'exact fit'
        or 'collinear covariates'.
    note : str
        How many markers have no answer, and why.
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    t: FloatArray
    p_value: FloatArray
    partial_r2: FloatArray
    standardised: FloatArray
    effect_sd: FloatArray
    df: FloatArray
    n: NDArray[np.intp]
    converged: BoolArray
    reason: tuple[str, ...]
    note: str


@one_thread
def linear(
    outcome: ArrayLike,
    columns: ArrayLike,
    *,
    covariance: Literal["classical", "hc3"] = "classical",
    confidence: float = 0.95,
) -> LinearResult:
    """Fit a linear model with an intercept.

    Parameters
    ----------
    outcome : array, shape (n,)
    columns : array, shape (n, k)
        Markers and covariates, no missing values.
    covariance : {'classical', 'hc3'}
        ``hc3`` holds when the spread of the outcome differs between patients.
    confidence : float

    Returns
    -------
    LinearResult

    Notes
    -----
    HC3: MacKinnon and White 1985, doi:10.1016/0304-4076(85)90158-7; its t is compared with the same degrees of
    freedom (Long and Ervin 2000, doi:10.1080/00031305.2000.10474549).

    Examples
    --------
    >>> result = linear([1.0, 2.0, 3.0, 5.0, 6.0, 7.0], [0, 0, 0, 1, 1, 1])
    >>> result.coef.round(6).tolist(), round(float(result.p_value[0]), 4)
    ([4.0], 0.008)
    """
    from scipy.special import stdtr, stdtrit

    y = numbers(outcome, "outcome")
    x = matrix(columns, "columns", y.size)
    if covariance not in ("classical", "hc3"):
        raise ValueError(f"covariance: {covariance!r} is not classical or hc3")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is outside 0..1")
    n, k = x.shape
    y_unit, x_unit = power_of_two(y), power_of_two(x)
    y, x = y / y_unit, x / x_unit
    if n == 0 or np.ptp(y) == 0:
        return _unanswered(n, k, "constant outcome", ())
    df = n - k - 1
    if df < 1:  # asked first: with so few patients any columns are collinear
        return _unanswered(n, k, "no residual degrees of freedom", ())
    tied = tuple(i - 1 for i in collinear_columns(with_intercept(x)) if i > 0)
    if tied:
        return _unanswered(n, k, "collinear", tied)
    middle, spread = x.mean(axis=0), x.std(axis=0, ddof=1)
    z = (x - middle) / np.where(spread > 0, spread, 1.0)
    level = y - y.mean()
    q, r = np.linalg.qr(z)
    inverse = np.linalg.inv(r)
    gamma = inverse @ (q.T @ level)
    residual = level - z @ gamma
    residual -= residual.mean()
    rss, tss = float(residual @ residual), float(level @ level)
    if rss <= _rounding(y):
        used = np.abs(gamma) > 1e-8 * y.std(ddof=1)
        return _unanswered(n, k, "exact fit", tuple(int(i) for i in np.flatnonzero(used)))
    bread = inverse @ inverse.T
    classical = np.sqrt(np.diag(bread) * rss / df)
    if covariance == "hc3":
        leverage = (q**2).sum(axis=1) + 1 / n
        alone = np.flatnonzero(leverage > 1 - 1e-10)
        if alone.size:
            carried = tuple(int(i) for i in np.flatnonzero((np.abs(z[alone] @ bread) > 1e-10).any(axis=0)))
            return _unanswered(n, k, "leverage", carried)
        scaled = (z @ bread) * (residual / (1 - leverage))[:, None]
        error = np.sqrt((scaled**2).sum(axis=0))
    else:
        error = classical
    t, sigma = gamma / error, float(np.sqrt(rss / df))
    effect_sd = gamma / spread / sigma / x_unit
    intercept = float((y.mean() - gamma @ (middle / spread)) * y_unit)
    coef, se = gamma / spread / x_unit * y_unit, error / spread / x_unit * y_unit
    width = float(stdtrit(df, 0.5 + confidence / 2)) * se
    squared = (gamma / classical) ** 2
    return LinearResult(
        intercept=intercept,
        coef=coef,
        se=se,
        ci_low=coef - width,
        ci_high=coef + width,
        t=t,
        p_value=np.minimum(1.0, 2 * stdtr(float(df), -np.abs(t))),
        partial_r2=squared / (squared + df),
        standardised=gamma / float(y.std(ddof=1)),
        effect_sd=effect_sd,
        sigma=float(sigma * y_unit),
        r_squared=1 - rss / tss,
        df=float(df),
        n=n,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


@one_thread
def linear_scan(outcome: ArrayLike, markers: ArrayLike, covariates: ArrayLike = (), *, confidence: float = 0.95) -> LinearScan:
    """Fit outcome ~ marker + covariates for every marker.

    Parameters
    ----------
    outcome : array, shape (n,)
        No missing values.
    markers : array, shape (n, m)
        NaN where a marker is not known; the patient is then left out of that marker's model only.
    covariates : array, shape (n, k), optional
        No missing values; an intercept is added.
    confidence : float

    Returns
    -------
    LinearScan

    Raises
    ------
    ValueError
        Shapes that do not fit, an infinite marker, a missing outcome or covariate.

    Examples
    --------
    >>> found = linear_scan([1.0, 2.0, 3.0, 6.0], [[0, 1], [0, 0], [1, 1], [1, 0]])
    >>> found.coef.round(2).tolist()
    [3.0, -2.0]
    """
    from scipy.special import stdtr, stdtrit

    y = numbers(outcome, "outcome")
    n = y.size
    markers_array = np.asarray(markers, dtype=np.float64)
    x = markers_array.reshape(-1, 1) if markers_array.ndim == 1 else markers_array
    if x.ndim != 2 or x.shape[0] != n:
        raise ValueError(f"markers: shape {np.shape(markers)} for {n} patients")
    z = matrix(covariates, "covariates", n) if np.size(covariates) else np.zeros((n, 0))
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is outside 0..1")
    m = x.shape[1]
    y_unit = power_of_two(y)
    y, z = y / y_unit, z / power_of_two(z)
    design = with_intercept(z)
    numbers_of = {name: np.full(m, np.nan) for name in ("coef", "se", "t", "partial_r2", "standardised", "effect_sd", "df")}
    count = np.zeros(m, dtype=np.intp)
    reasons: list[str] = []
    tied = tuple(i - 1 for i in collinear_columns(design) if i > 0) if n else ()
    basis = np.linalg.qr(design)[0] if n >= design.shape[1] else design
    for start in range(0, m, BLOCK):
        block = np.ascontiguousarray(x[:, start : start + BLOCK].T)
        if np.isinf(block).any():
            raise ValueError("markers: infinite value(s)")
        seen = ~np.isnan(block)
        unit = power_of_two(np.where(seen, block, 0.0), axis=1)
        block = block / unit[:, None]
        rows = slice(start, start + block.shape[0])
        count[rows] = seen.sum(axis=1)
        if tied:
            reasons += ["collinear covariates"] * block.shape[0]
            continue
        fit = _fit_complete(y, block, basis) if seen.all() and n else _fit_block(y, block, seen, basis)
        for name, values in fit[0].items():
            per_unit = y_unit / unit if name in ("coef", "se") else 1 / unit if name == "effect_sd" else 1.0
            numbers_of[name][rows] = values * per_unit
        reasons += fit[1]
    df = numbers_of.pop("df")
    with np.errstate(invalid="ignore"):
        known = df >= 1
        safe = np.where(known, df, 1.0)
        p_value = np.minimum(1.0, 2 * stdtr(safe, -np.abs(numbers_of["t"])))
        distinct, which = np.unique(safe, return_inverse=True)
        width = stdtrit(distinct, 0.5 + confidence / 2)[which] * numbers_of["se"]
    without = sorted({r for r in reasons if r})
    note = "; ".join(f"{reasons.count(r)} marker(s): {r}" for r in without)
    if tied:
        note = f"covariates, {named(tied)}: collinear"
    return LinearScan(
        ci_low=numbers_of["coef"] - width,
        ci_high=numbers_of["coef"] + width,
        p_value=p_value,
        df=df,
        n=count,
        converged=np.array([not r for r in reasons], dtype=np.bool_),
        reason=tuple(reasons),
        note=note,
        **numbers_of,
    )


def _fit_block(y: FloatArray, block: FloatArray, seen: BoolArray, basis: FloatArray) -> tuple[dict[str, FloatArray], list[str]]:
    """Fit markers (rows of `block`): take the covariates out of marker and outcome, then regress one on the other."""
    rows, n = block.shape
    p = basis.shape[1]
    count = seen.sum(axis=1)
    safe_count = np.maximum(count, 1)
    values = np.where(seen, block, 0.0)
    # the mean is taken out first: a marker such as a year must not lose its digits in the products
    centred = np.where(seen, values - (values.sum(axis=1) / safe_count)[:, None], 0.0)
    outcome = np.where(seen, y, 0.0)
    outcome = np.where(seen, y - (outcome.sum(axis=1) / safe_count)[:, None], 0.0)
    own, varies = _varies(block, seen), _varies(np.broadcast_to(y, block.shape), seen)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(n, p * p)
    gram = (seen.astype(np.float64) @ products).reshape(rows, p, p)
    eigen, vectors = np.linalg.eigh(gram)
    real = eigen > 1e-10
    inverse = (vectors * np.where(real, 1 / np.where(real, eigen, 1.0), 0.0)[:, None, :]) @ vectors.transpose(0, 2, 1)
    rank = real.sum(axis=1)
    marker_left, outcome_left = centred, outcome
    for _ in range(3):  # the later passes take out what rounding left
        marker_left = np.where(seen, marker_left - np.einsum("gij,gj->gi", inverse, marker_left @ basis) @ basis.T, 0.0)
        outcome_left = np.where(seen, outcome_left - np.einsum("gij,gj->gi", inverse, outcome_left @ basis) @ basis.T, 0.0)
    return _one_on_the_other(centred, outcome, marker_left, outcome_left, own, varies, count - rank - 1.0, y)


def _fit_complete(y: FloatArray, block: FloatArray, basis: FloatArray) -> tuple[dict[str, FloatArray], list[str]]:
    """Do the same without missing markers: the outcome is freed of the covariates once for all."""
    rows, n = block.shape
    centred = block - block.mean(axis=1, keepdims=True)
    outcome = y - y.mean()
    left, outcome_left = centred, outcome
    for _ in range(2):
        left = left - (left @ basis) @ basis.T
        outcome_left = outcome_left - basis @ (basis.T @ outcome_left)
    own = block.max(axis=1) > block.min(axis=1)
    df = np.full(rows, n - basis.shape[1] - 1.0)
    return _one_on_the_other(centred, outcome, left, outcome_left, own, np.full(rows, np.ptp(y) > 0), df, y)


def _varies(values: FloatArray, seen: BoolArray) -> BoolArray:
    high = np.where(seen, values, -np.inf).max(axis=1, initial=-np.inf)
    return np.asarray(high > np.where(seen, values, np.inf).min(axis=1, initial=np.inf))


def _one_on_the_other(
    centred: FloatArray,
    outcome: FloatArray,
    marker_left: FloatArray,
    outcome_left: FloatArray,
    own: BoolArray,
    varies: BoolArray,
    df: FloatArray,
    y: FloatArray,
) -> tuple[dict[str, FloatArray], list[str]]:
    """Regress what the covariates left of the outcome on what they left of each marker."""
    sxx, total = np.einsum("ij,ij->i", marker_left, marker_left), np.einsum("ij,ij->i", centred, centred)
    sxy = (marker_left * outcome_left).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        coef = sxy / sxx
        residual = outcome_left - coef[:, None] * marker_left
        rss = np.einsum("ij,ij->i", residual, residual)
        se = np.sqrt(rss / df / sxx)
        t = coef / se
        results = {
            "coef": coef,
            "se": se,
            "t": t,
            "partial_r2": t**2 / (t**2 + df),
            "standardised": coef * np.sqrt(total / (outcome**2).sum(axis=-1)),
            "effect_sd": coef / np.sqrt(rss / df),
        }
    floor = _rounding(y)
    reasons = []
    for i in range(df.size):
        if not own[i]:
            reasons.append("constant marker")
        elif not varies[i]:
            reasons.append("constant outcome")
        elif df[i] < 1:
            reasons.append("no residual degrees of freedom")
        elif not sxx[i] > max(TIED * total[i], 1e-300):
            reasons.append("collinear")
        elif not rss[i] > floor:
            reasons.append("exact fit")
        else:
            reasons.append("")
    fine = np.array([not r for r in reasons], dtype=bool)
    found = {name: np.where(fine, value, np.nan) for name, value in results.items()}
    found["df"] = np.maximum(df, 0.0)
    return found, reasons


def _rounding(y: FloatArray) -> float:
    """Return the residual sum of squares that rounding alone leaves of an outcome that is fitted exactly."""
    return float((8 * np.finfo(float).eps) ** 2 * y.size * (y @ y))


def _unanswered(n: int, k: int, reason: str, columns: tuple[int, ...]) -> LinearResult:
    which = named(columns)
    note = {
        "constant outcome": "the outcome does not vary",
        "collinear": f"{which}: constant or collinear",
        "no residual degrees of freedom": f"{n} patients are too few for {k} columns and an intercept",
        "exact fit": f"{which}: the outcome follows exactly; is it a copy of it, or made from it?",
        "leverage": f"{which}: some patient is fitted exactly (such as a single carrier); HC3 has no standard error",
    }[reason]
    nan, number = np.full(k, np.nan), float("nan")
    df = float(max(0, n - k - 1))
    return LinearResult(number, *(nan,) * 9, number, number, df, n, False, reason, columns, note)
