"""Expression, a design and sets of features -> camera: does a set stand out from the other features, given that its members are correlated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, matrix, numbers
from resistance.stats._design import collinear_columns, named
from resistance.stats._gene_sets import checked_expression, checked_sets
from resistance.stats._threads import one_thread
from resistance.stats.gene_set_test import rank_sum_tails
from resistance.stats.moderated_t import fit_linear
from resistance.stats.variance_prior import variance_prior


@dataclass(frozen=True)
class CameraResult:
    """Competitive test of each set; NaN where it has no answer.

    Parameters
    ----------
    size : array of int, shape (s,)
    correlation : array, shape (s,)
        Correlation between members that the test allows for.
    difference : array, shape (s,)
        Mean moderated statistic (normal scale) of the members minus that of the other features.
    p_down, p_up, p_value : array, shape (s,)
        One-sided and two-sided p.
    converged : bool
        Every set was answered.
    reason : {'', 'collinear', 'no residual degrees of freedom', 'no variation', 'set'}
    columns : tuple of int
        0-based columns of the design (collinear) or 0-based sets (set) that are the cause.
    note : str
    """

    size: NDArray[np.intp]
    correlation: FloatArray
    difference: FloatArray
    p_down: FloatArray
    p_up: FloatArray
    p_value: FloatArray
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@one_thread
def camera(
    expression: ArrayLike,
    design: ArrayLike,
    sets: Sequence[ArrayLike],
    *,
    contrast: int | ArrayLike = -1,
    correlation: float | None = 0.01,
    ranks: bool = False,
    allow_negative: bool = False,
    trend: bool = False,
) -> CameraResult:
    """Test whether the members of a set go with the contrast more than the other features do.

    Parameters
    ----------
    expression : array, shape (m, n)
        Features in rows, samples in columns, on a log scale; no missing values.
    design : array, shape (n, p)
        All columns, the intercept among them.
    sets : sequence of int arrays
        0-based rows of each set.
    contrast : int or array, shape (p,)
        Column of the design, or weights of its coefficients (default: the last column).
    correlation : float or None
        Correlation between members, the same for every set; None estimates it for each set from the
        residuals (fewer false positives, less power).
    ranks : bool
        Rank-sum test in place of the t-test.
    allow_negative : bool
        Let an estimated negative correlation make the test sharper.
    trend : bool
        The prior variance follows the mean of the feature.

    Raises
    ------
    ValueError
        Missing values, shapes that do not fit, a row outside the expression or twice in one set, a
        correlation outside -1..1.

    Notes
    -----
    Wu and Smyth 2012, doi:10.1093/nar/gks461; moderated t are brought to the normal scale by Hill's
    expansion (Commun ACM 1970;13:617), as limma does.
    """
    from scipy.special import stdtr

    y = checked_expression(expression)
    rows = checked_sets(sets, y.shape[0])
    d = np.asarray(design, dtype=np.float64)
    d = matrix(d.reshape(-1, 1) if d.ndim == 1 else d, "design", y.shape[1])
    m, n, p = y.shape[0], y.shape[1], d.shape[1]
    if isinstance(contrast, int | np.integer):
        if not -p <= contrast < p:
            raise ValueError(f"contrast: no column {contrast} in a design of {p}")
        c = np.eye(p)[:, contrast]
    else:
        c = numbers(contrast, "contrast", p)
    if not c.any():
        raise ValueError("contrast: all weights are 0")
    if correlation is not None and not -1 <= correlation <= 1:
        raise ValueError(f"correlation: {correlation} is outside -1..1")
    if n <= p:
        return _unanswered(rows, "no residual degrees of freedom", ())
    tied = collinear_columns(d)
    if tied:
        return _unanswered(rows, "collinear", tied)
    fits = fit_linear(y, d, c[:, None])
    if not (fits.variance > 0).any() or m < 3:
        return _unanswered(rows, "no variation", ())
    prior = variance_prior(fits.variance, fits.df, covariate=fits.mean if trend else None)
    residual_df = float(n - p)
    if np.isinf(prior.df_common):
        posterior = prior.variance
    else:
        posterior = (residual_df * fits.variance + prior.df_common * prior.variance) / (residual_df + prior.df_common)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = fits.coef[:, 0] / (fits.sd_unscaled[:, 0] * np.sqrt(posterior))
    if not np.isfinite(t).all():
        return _unanswered(rows, "no variation", ())
    statistic = t if ranks else _to_normal(t, min(residual_df + prior.df_common, m * residual_df))
    if correlation is None:
        df = min(residual_df, m - 2.0)
        basis = np.linalg.qr(d)[0]
        unit = (y - (y @ basis) @ basis.T) / np.sqrt(np.maximum(fits.variance, 1e-8))[:, None]
    else:
        df, unit = (float("inf") if ranks else m - 2.0), None
    mean, variance = float(statistic.mean()), float(statistic.var(ddof=1))
    number = len(rows)
    used, difference, down, up = (np.full(number, np.nan) for _ in range(4))
    lost = []
    for i, r in enumerate(rows):
        k = r.size
        rest = m - k
        if k == 0 or rest == 0:
            lost.append(i)
            continue
        if unit is None:
            inflation = 1 + (k - 1) * float(correlation)  # type: ignore[arg-type]
            used[i] = correlation
        else:
            inflation = k * float((unit[r].mean(axis=0) ** 2).sum()) / residual_df if k > 1 else 1.0
            used[i] = (inflation - 1) / (k - 1) if k > 1 else np.nan
        inside = float(statistic[r].mean())
        shift = m / rest * (inside - mean)
        difference[i] = shift
        if ranks:
            within = 0.0 if np.isnan(used[i]) else float(used[i])
            down[i], up[i] = rank_sum_tails(statistic, r, within if allow_negative else max(0.0, within), df)
            continue
        if not allow_negative:
            inflation = max(1.0, inflation)
        pooled = ((m - 1) * variance - shift**2 * k * rest / m) / (m - 2)
        spread = pooled * (inflation / k + 1 / rest)
        if not spread > 0:
            lost.append(i)
            difference[i] = np.nan
            continue
        standardised = shift / np.sqrt(spread)
        down[i], up[i] = float(stdtr(df, standardised)), float(stdtr(df, -standardised))
    note = f"set(s) {', '.join(map(str, lost))}: empty, every feature, or no spread to compare with" if lost else ""
    return CameraResult(
        size=np.array([r.size for r in rows], dtype=np.intp),
        correlation=used,
        difference=difference,
        p_down=down,
        p_up=up,
        p_value=np.minimum(1.0, 2 * np.minimum(down, up)),
        converged=not lost,
        reason="set" if lost else "",
        columns=tuple(lost),
        note=note,
    )


def _to_normal(t: FloatArray, df: float) -> FloatArray:
    """Return normal deviates of the same tail probability: no tail is ever computed, so that none underflows."""
    if not np.isfinite(df):
        return t
    a = df - 0.5
    b = 48 * a**2
    z = a * np.log1p(t / df * t)
    z = (((((-0.4 * z - 3.3) * z - 24) * z - 85.5) / (0.8 * z**2 + 100 + b) + z + 3) / b + 1) * np.sqrt(z)
    return np.asarray(z * np.sign(t))


def _unanswered(rows: list[NDArray[np.intp]], reason: str, columns: tuple[int, ...]) -> CameraResult:
    note = {
        "collinear": f"{named(columns)} of the design: collinear",
        "no residual degrees of freedom": "no more samples than the design has columns",
        "no variation": "too few features, or none varies beyond what the design explains",
    }[reason]
    nan = np.full(len(rows), np.nan)
    size = np.array([r.size for r in rows], dtype=np.intp)
    return CameraResult(size, nan, nan, nan, nan, nan, False, reason, columns, note)
