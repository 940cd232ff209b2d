"""Expression of many features and a design -> effects with moderated t, p and interval: variances borrow strength from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, matrix
from resistance.stats._design import collinear_columns, named
from resistance.stats._threads import one_thread
from resistance.stats.variance_prior import variance_prior

#: features whose residuals are held at a time: a block stays in the cache of one core
BLOCK = 64
#: range of the standard deviation of real effects, in the unit of the expression (limma's default, for log2 scales)
EFFECT_SD = (0.1, 4.0)


@dataclass(frozen=True)
class LinearFits:
    """Least squares of many features on one design.

    Parameters
    ----------
    coef : array, shape (m, q)
        Contrasts of the coefficients; NaN where the samples of the feature cannot tell.
    sd_unscaled : array, shape (m, q)
        Their standard errors for a residual variance of 1.
    variance : array, shape (m,)
        Residual variance; NaN without residual degrees of freedom.
    df : array, shape (m,)
        Residual degrees of freedom.
    mean : array, shape (m,)
        Mean of the observed values.
    n : array of int, shape (m,)
        Samples observed.
    """

    coef: FloatArray
    sd_unscaled: FloatArray
    variance: FloatArray
    df: FloatArray
    mean: FloatArray
    n: np.ndarray


@dataclass(frozen=True)
class ModeratedResult:
    """Moderated t of m features and q effects.

    Parameters
    ----------
    effect, se : array, shape (m, q)
        Coefficients (or contrasts) in the unit of the expression, such as log2 fold changes, and their
        moderated standard errors.
    ci_low, ci_high : array, shape (m, q)
    t, p_value : array, shape (m, q)
        Moderated t and its two-sided p.
    log_odds : array, shape (m, q)
        B: natural log odds that the effect is real, given the stated proportion of real ones and that
        these have a standard deviation of 0.1 to 4, which is meant for log2 scales.
    df : array, shape (m,)
        Degrees of freedom of t.
    variance, df_residual : array, shape (m,)
        Residual variance of the feature and its degrees of freedom.
    variance_prior, df_prior : array, shape (m,)
        What the other features say.
    variance_posterior : array, shape (m,)
        The two put together.
    mean, n : array, shape (m,)
        Mean of the observed values, and samples observed.
    estimable : array of bool, shape (m, q)
        False where the samples of this feature cannot tell (all of one group missing, no variation at
        all): every number of such a row is NaN.
    converged : bool
        False when no feature could be answered.
    reason : {'', 'no features', 'collinear', 'no residual degrees of freedom', 'no variation'}
    columns : tuple of int
        0-based columns of the design that are the cause.
    note : str
    """

    effect: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    t: FloatArray
    p_value: FloatArray
    log_odds: FloatArray
    df: FloatArray
    variance: FloatArray
    df_residual: FloatArray
    variance_prior: FloatArray
    df_prior: FloatArray
    variance_posterior: FloatArray
    mean: FloatArray
    n: np.ndarray
    estimable: BoolArray
    converged: bool
    reason: Literal["", "no features", "collinear", "no residual degrees of freedom", "no variation"]
    columns: tuple[int, ...]
    note: str


@one_thread
def moderated_t(
    expression: ArrayLike,
    design: ArrayLike,
    *,
    contrasts: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    trend: bool = False,
    robust: bool = False,
    winsor_tails: tuple[float, float] = (0.05, 0.1),
    proportion: float = 0.01,
    confidence: float = 0.95,
) -> ModeratedResult:
    """Test every feature with a variance that leans on those of the others.

    Parameters
    ----------
    expression : array, shape (m, n)
        Features in rows, samples in columns, on a log scale; NaN where a value is missing.
    design : array, shape (n, p)
        All columns, the intercept among them.
    contrasts : array, shape (p, q), optional
        Each column is one contrast of the coefficients (default: every coefficient).
    weights : array, shape (m, n) or (n,), optional
        Precision of each value (see :func:`resistance.stats.voom.voom`); 0 leaves the value out.
    trend : bool
        The prior variance follows the mean of the feature.
    robust : bool
        Outlying variances neither shape the prior nor lean on it.
    winsor_tails : (float, float)
        See :func:`resistance.stats.variance_prior.variance_prior`.
    proportion : float
        Proportion of features assumed to be different, for `log_odds` only.
    confidence : float

    Returns
    -------
    ModeratedResult

    Raises
    ------
    ValueError
        Shapes that do not fit, an infinite value, a missing value in the design, a negative weight.

    Notes
    -----
    Smyth 2004, doi:10.2202/1544-6115.1027; Phipson et al. 2016, doi:10.1214/16-AOAS920 (robust);
    Law et al. 2014, doi:10.1186/gb-2014-15-2-r29 (trend).  Equal to limma.  Two differences on purpose:
    the standard error of a contrast with missing values or weights is exact here (limma's takes the
    correlation of the coefficients without them), and an effect which the observed samples of a
    feature cannot tell is NaN whatever the order of the columns.

    Examples
    --------
    >>> draw = np.random.default_rng(1)
    >>> group = np.repeat([0, 1], 4)
    >>> expression = draw.normal(size=(200, 8))
    >>> expression[0] += 5 * group
    >>> result = moderated_t(expression, np.column_stack([np.ones(8), group]))
    >>> int(np.argmin(result.p_value[:, 1]))
    0
    """
    from scipy.special import stdtrit

    x, w = _checked_samples(design), None
    y = _checked_expression(expression, x.shape[0])
    m, p = y.shape[0], x.shape[1]
    c = np.eye(p) if contrasts is None else matrix(contrasts, "contrasts", p)
    if weights is not None:
        y, w = _weighted(y, np.asarray(weights, dtype=np.float64))
    if not 0 < proportion < 1 or not 0 < confidence < 1:
        raise ValueError("proportion and confidence: outside 0..1")
    if m == 0:
        return _unanswered(m, c.shape[1], "no features", ())
    if p > 0 and y.shape[1] <= p:  # asked first: with so few samples any columns are collinear
        return _unanswered(m, c.shape[1], "no residual degrees of freedom", ())
    tied = collinear_columns(x)
    if tied or p == 0:
        return _unanswered(m, c.shape[1], "collinear", tied)
    fits = fit_linear(y, x, c, w)
    if not (fits.df > 0).any():
        return _unanswered(m, c.shape[1], "no residual degrees of freedom", ())
    if not (fits.variance[fits.df > 0] > 0).any():
        return _unanswered(m, c.shape[1], "no variation", ())
    prior = variance_prior(
        fits.variance, fits.df, covariate=fits.mean if trend else None, robust=robust, winsor_tails=winsor_tails
    )
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        own = np.where(fits.df > 0, fits.variance * fits.df, 0.0)
        borrowed = np.where(np.isfinite(prior.df) & (prior.df > 0), prior.df * prior.variance, 0.0)
        posterior = np.where(np.isinf(prior.df), prior.variance, (own + borrowed) / (fits.df + prior.df))
        df = np.minimum(fits.df + prior.df, fits.df.sum())
        se = fits.sd_unscaled * np.sqrt(posterior)[:, None]
        t = fits.coef / se
    estimable = np.isfinite(t) & (df > 0)[:, None]
    t = np.where(estimable, t, np.nan)
    blank = np.where(estimable, 1.0, np.nan)
    distinct, which = np.unique(np.where(df > 0, df, 1.0), return_inverse=True)
    width = stdtrit(distinct, 0.5 + confidence / 2)[which][:, None] * se
    return ModeratedResult(
        effect=fits.coef * blank,
        se=se * blank,
        ci_low=(fits.coef - width) * blank,
        ci_high=(fits.coef + width) * blank,
        t=t,
        p_value=two_sided_t(t, df[:, None]),
        log_odds=_log_odds(t, fits.sd_unscaled, df, prior.df, prior.variance, proportion),
        df=df,
        variance=fits.variance,
        df_residual=fits.df,
        variance_prior=prior.variance,
        df_prior=prior.df,
        variance_posterior=posterior,
        mean=fits.mean,
        n=fits.n,
        estimable=estimable,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


def two_sided_t(t: FloatArray, df: FloatArray) -> FloatArray:
    """Return the two-sided p of t statistics; NaN stays NaN."""
    from scipy.special import ndtr, stdtr

    with np.errstate(invalid="ignore"):
        finite = np.isfinite(df)
        below = np.where(finite, stdtr(np.where(finite, df, 1.0), -np.abs(t)), ndtr(-np.abs(t)))
        return np.asarray(np.minimum(1.0, 2 * below))


@one_thread
def fit_linear(
    expression: FloatArray, design: FloatArray, contrasts: FloatArray, weights: FloatArray | None = None
) -> LinearFits:
    """Fit every feature by (weighted) least squares, each with the samples that it has.

    Parameters
    ----------
    expression : array, shape (m, n)
        NaN where missing.
    design : array, shape (n, p)
        Of full rank.
    contrasts : array, shape (p, q)
    weights : array, shape (m, n), optional
        0 where `expression` is missing.
    """
    m, n = expression.shape
    p = design.shape[1]
    q, r = np.linalg.qr(design)
    rotated = np.linalg.solve(r.T, contrasts)  # the contrasts in terms of the orthonormal columns
    if weights is None:
        basis, back = np.column_stack([q, np.full(n, 1 / n)]), np.ascontiguousarray(q.T)
        at, rss = np.empty((m, p + 1)), np.empty(m)
        for start in range(0, m, BLOCK):
            rows = slice(start, start + BLOCK)
            with np.errstate(invalid="ignore"):
                np.matmul(expression[rows], basis, out=at[rows])
            if not np.isfinite(at[rows, p]).all():  # the mean of a row shows a missing value: no pass of its own
                return _fit_each(_without_infinities(expression), q, rotated, None)
            residual = at[rows, :p] @ back
            np.subtract(expression[rows], residual, out=residual)
            np.einsum("ij,ij->i", residual, residual, out=rss[rows])
        gamma, mean = at[:, :p], at[:, p]
        # what is left of a feature that the design fits exactly is rounding, not variance
        rss[rss <= _rounding(np.einsum("ij,ij->i", gamma, gamma), n)] = 0.0
        sd = np.broadcast_to(np.sqrt((rotated**2).sum(axis=0)), (m, contrasts.shape[1])).copy()
        df = np.full(m, float(n - p))
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.where(df > 0, rss / df, np.nan)
        return LinearFits(gamma @ rotated, sd, variance, df, mean, np.full(m, n))
    return _fit_each(_without_infinities(expression), q, rotated, weights)


def _rounding(sum_of_squares: FloatArray, n: int) -> FloatArray:
    """Return the residual sum of squares that rounding alone leaves."""
    return np.asarray((8 * np.finfo(float).eps) ** 2 * sum_of_squares * n)


def _fit_each(expression: FloatArray, q: FloatArray, rotated: FloatArray, weights: FloatArray | None) -> LinearFits:
    """Fit features with missing values or weights: the normal equations of a block at once, on orthonormal columns."""
    m, n = expression.shape
    p = q.shape[1]
    products = (q[:, :, None] * q[:, None, :]).reshape(n, p * p)
    coef, sd = np.empty((m, rotated.shape[1])), np.empty((m, rotated.shape[1]))
    variance, df = np.empty(m), np.empty(m)
    seen = ~np.isnan(expression)
    count = seen.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen, expression, 0.0).sum(axis=1) / count
    for start in range(0, m, BLOCK):
        rows = slice(start, start + BLOCK)
        w = seen[rows].astype(np.float64) if weights is None else np.where(seen[rows], weights[rows], 0.0)
        y = np.where(seen[rows], expression[rows], 0.0)
        scale = np.where(count[rows] > 0, w.sum(axis=1) / np.maximum(count[rows], 1), 1.0)
        gram = ((w / scale[:, None]) @ products).reshape(-1, p, p)
        values, vectors = np.linalg.eigh(gram)
        real = values > 1e-10 * np.maximum(values[:, -1:], 1e-300)
        inverse = (vectors * np.where(real, 1 / np.where(real, values, 1.0), 0.0)[:, None, :]) @ vectors.transpose(0, 2, 1)
        w_unit = w / scale[:, None]
        gamma = np.einsum("gij,gj->gi", inverse, (w_unit * y) @ q)
        for _ in range(2):  # one refinement gives back the digits that normal equations lose
            residual = np.where(seen[rows], y - gamma @ q.T, 0.0)
            gamma = gamma + np.einsum("gij,gj->gi", inverse, (w_unit * residual) @ q)
        residual = np.where(seen[rows], y - gamma @ q.T, 0.0)
        rss = (w * residual**2).sum(axis=1)
        rss = np.where(rss <= _rounding((w * y**2).sum(axis=1), n), 0.0, rss)
        df[rows] = count[rows] - real.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance[rows] = np.where(df[rows] > 0, rss / df[rows], np.nan)
        unseen = np.einsum("gij,ic->gjc", vectors, rotated) * ~real[:, :, None]
        told = (unseen**2).sum(axis=1) <= 1e-10 * (rotated**2).sum(axis=0)
        coef[rows] = np.where(told, gamma @ rotated, np.nan)
        sd[rows] = np.where(told, np.sqrt(np.einsum("ic,gij,jc->gc", rotated, inverse, rotated).clip(0) / scale[:, None]), np.nan)
    return LinearFits(coef, sd, variance, df, mean, count)


def _log_odds(
    t: FloatArray, sd_unscaled: FloatArray, df: FloatArray, df_prior: FloatArray, variance: FloatArray, proportion: float
) -> FloatArray:
    """Return B, the posterior log odds that an effect is not zero."""
    typical = float(np.nanmedian(variance))
    low, high = EFFECT_SD[0] ** 2 / typical, EFFECT_SD[1] ** 2 / typical
    found = np.full(t.shape, np.nan)
    gaussian = df_prior > 1e6
    for column in range(t.shape[1]):
        known = np.isfinite(t[:, column])
        if not known.any():
            continue
        spread = _effect_variance(t[known, column], sd_unscaled[known, column], df[known], proportion, (low, high))
        ratio = 1 + spread / sd_unscaled[known, column] ** 2
        squared, d, normal = t[known, column] ** 2, df[known], gaussian[known]
        with np.errstate(invalid="ignore", over="ignore"):
            student = (1 + d) / 2 * np.log((squared + d) / (squared / ratio + d))
            kernel = np.where(normal, squared * (1 - 1 / ratio) / 2, student)
        found[known, column] = np.log(proportion / (1 - proportion)) - np.log(ratio) / 2 + kernel
    return found


def _effect_variance(
    t: FloatArray, sd_unscaled: FloatArray, df: FloatArray, proportion: float, limits: tuple[float, float]
) -> float:
    """Return the unscaled variance of real effects, from the largest statistics against their expected order."""
    from scipy.special import ndtri, stdtrit

    m = t.size
    top = int(np.ceil(proportion / 2 * m))
    share = max(top / m, proportion)
    most = float(df.max())
    size = np.abs(t)
    for own in np.unique(df[df < most]):  # all on one scale before they are ranked
        at = df == own
        tail = two_sided_t(size[at], np.asarray(own)) / 2
        moved = -stdtrit(most, tail) if np.isfinite(most) else -ndtri(tail)
        size[at] = np.where(tail > 1e-300, moved, size[at])
    order = np.argsort(-size, kind="stable")[:top]
    size, unit = size[order], sd_unscaled[order] ** 2
    p0 = two_sided_t(size, np.asarray(most))
    target = ((np.arange(1, top + 1) - 0.5) / m - (1 - share) * p0) / share
    spread = np.zeros(top)
    above = target > p0
    quantile = -stdtrit(most, target[above] / 2) if np.isfinite(most) else -ndtri(target[above] / 2)
    spread[above] = unit[above] * ((size[above] / quantile) ** 2 - 1)
    return float(np.clip(spread, *limits).mean())


def _checked_samples(design: ArrayLike) -> FloatArray:
    x = np.asarray(design, dtype=np.float64)
    if x.ndim == 1:
        x = x.reshape(-1, 1)
    return matrix(x, "design", x.shape[0])


def _checked_expression(expression: ArrayLike, n: int) -> FloatArray:
    y = np.asarray(expression, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] != n:
        raise ValueError(f"expression: shape {y.shape} for a design of {n} samples (features are rows, samples columns)")
    return y


def _without_infinities(y: FloatArray) -> FloatArray:
    if np.isinf(y).any():
        raise ValueError(f"expression: {int(np.isinf(y).sum())} value(s) are infinite")
    return y


def _weighted(y: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return expression and weights of one shape; a weight of 0 makes the value missing."""
    if weights.shape not in (y.shape, (y.shape[1],)):
        raise ValueError(f"weights: shape {weights.shape} for an expression of shape {y.shape}")
    w = np.broadcast_to(weights, y.shape)
    present = ~np.isnan(y)
    if not np.isfinite(w[present]).all() or (w[present] < 0).any():
        raise ValueError("weights: missing, infinite or negative")
    y = np.where(w == 0, np.nan, y)
    return y, np.where(np.isnan(y), 0.0, w)


def _unanswered(
    m: int,
    q: int,
    reason: Literal["", "no features", "collinear", "no residual degrees of freedom", "no variation"],
    columns: tuple[int, ...],
) -> ModeratedResult:
    note = {
        "no features": "no features",
        "collinear": f"{named(columns)} of the design: collinear" if columns else "the design has no columns",
        "no residual degrees of freedom": "no feature has more samples than the design has columns",
        "no variation": "no feature varies beyond what the design explains",
    }[reason]
    wide, long = np.full((m, q), np.nan), np.full(m, np.nan)
    return ModeratedResult(
        *(wide,) * 7, *(long,) * 7, np.zeros(m, dtype=np.intp), np.zeros((m, q), dtype=bool), False, reason, columns, note
    )
