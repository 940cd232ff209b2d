"""Effects of studies with their standard errors -> pooled effect, heterogeneity, prediction interval, differences of groups.

Effects are on the scale on which they are normal: logarithms of odds, risk and hazard ratios, differences of means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, codes, matrix, numbers

Method = Literal["reml", "dersimonian_laird", "paule_mandel", "fixed"]
METHODS: tuple[Method, ...] = ("reml", "dersimonian_laird", "paule_mandel", "fixed")
Interval = Literal["hartung_knapp_wider", "hartung_knapp", "normal"]
INTERVALS: tuple[Interval, ...] = ("hartung_knapp_wider", "hartung_knapp", "normal")


@dataclass(frozen=True)
class MetaResult:
    """A meta-analysis; every number is NaN unless `converged`.

    Parameters
    ----------
    effect, se : float
        Pooled effect and its standard error (with the factor of the interval's method).
    ci_low, ci_high, p_value : float
        Interval and two-sided p of no effect, of the same distribution.
    prediction_low, prediction_high : float
        Where the effect of a new study like these is expected (its mean never taken as more precise than its plain
        error); NaN for fixed effects and fewer than 3 studies.
    tau2, tau2_low, tau2_high : float
        Variance of the studies' true effects (0 for 'fixed'), and its Q-profile interval.
    q, q_p : float
        Cochran's Q on k - 1 degrees of freedom and its p; NaN with one study.
    i2, h2 : float
        Share of the variance between the studies that is not sampling error, 0..1; and 1 / (1 - i2).
    weights : array, shape (k,)
        Share of each study in the pooled effect; adds up to 1.
    k : int
        Studies.
    method, interval : str
    confidence : float
    converged : bool
    reason : {'', 'no studies', 'one study'}
    columns : tuple of int
        Always empty (no column can be the cause).
    note : str
    """

    effect: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    prediction_low: float
    prediction_high: float
    tau2: float
    tau2_low: float
    tau2_high: float
    q: float
    q_p: float
    i2: float
    h2: float
    weights: FloatArray
    k: int
    method: str
    interval: str
    confidence: float
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class MetaRegressionResult:
    """Effects explained by columns of the studies; every number is NaN unless `converged`.

    Parameters
    ----------
    coef, se, ci_low, ci_high, p_value : array, shape (c + 1,)
        Intercept first, then the columns.
    tau2, tau2_low, tau2_high : float
        Variance that the columns leave, with its Q-profile interval.
    r_squared : float
        Share of the variance between studies (by the same method) that the columns explain, not below 0; NaN for
        'fixed', and where there is none to explain.
    q_residual, q_residual_p : float
        Heterogeneity left, on k - c - 1 degrees of freedom.
    q_columns, q_columns_p : float
        All columns together: F (Hartung-Knapp) or chi-square (normal) statistic and its p.
    k : int
    method, interval : str
    converged : bool
    reason : {'', 'too few studies', 'collinear'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
    """

    coef: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p_value: FloatArray
    tau2: float
    tau2_low: float
    tau2_high: float
    r_squared: float
    q_residual: float
    q_residual_p: float
    q_columns: float
    q_columns_p: float
    k: int
    method: str
    interval: str
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def meta_analysis(
    effects: ArrayLike,
    se: ArrayLike,
    *,
    method: Method = "reml",
    interval: Interval = "hartung_knapp_wider",
    confidence: float = 0.95,
) -> MetaResult:
    """Pool the effects of studies.

    Parameters
    ----------
    effects, se : array, shape (k,)
        Effects on the log (or another normal) scale and their standard errors.
    method : {'reml', 'dersimonian_laird', 'paule_mandel', 'fixed'}
        How the variance between studies is estimated; 'fixed' takes it as 0 (inverse variance).
    interval : {'hartung_knapp_wider', 'hartung_knapp', 'normal'}
        Hartung-Knapp-Sidik-Jonkman: t on k - 1 degrees of freedom, the standard error scaled by the spread that is
        seen.  'wider' never scales it below 1, so that few studies that happen to agree do not give an interval
        narrower than their own precision (Knapp and Hartung's ad hoc rule).  'fixed' always has 'normal'.
    confidence : float

    Returns
    -------
    MetaResult
        One study: with 'fixed' its own effect; with random effects no answer, the heterogeneity cannot be told.

    Raises
    ------
    ValueError
        Missing or infinite numbers, a standard error that is not positive, an unknown method.

    Notes
    -----
    REML: the restricted likelihood is maximised over a grid, then by Fisher scoring, so that a second, lower maximum
    is not taken.  DerSimonian and Laird 1986, doi:10.1016/0197-2456(86)90046-2; Paule and Mandel 1982; Hartung and Knapp
    2001, doi:10.1002/sim.1009; Knapp and Hartung 2003, doi:10.1002/sim.1482; Q-profile: Viechtbauer 2007,
    doi:10.1002/sim.2514; prediction interval, t on k - 2: Higgins, Thompson and Spiegelhalter 2009,
    doi:10.1111/j.1467-985X.2008.00552.x; I2: Higgins and Thompson 2002, doi:10.1002/sim.1186, from tau2.

    Examples
    --------
    >>> result = meta_analysis([-0.9, -0.2, -0.5], [0.2, 0.25, 0.3])
    >>> round(result.effect, 3), round(result.tau2, 3)
    (-0.557, 0.085)
    """
    from scipy.stats import chi2, norm, t

    y, s = _studies(effects, se)
    _known(method, METHODS, "method")
    _known(interval, INTERVALS, "interval")
    _level(confidence)
    if method == "fixed":
        interval = "normal"
    k = y.size
    if k == 0:
        return _unanswered(k, method, interval, confidence, "no studies", "there is no study")
    if k == 1 and method != "fixed":
        return _unanswered(k, method, interval, confidence, "one study", "one study: heterogeneity cannot be told")
    v, x = s**2, np.ones((k, 1))
    tau2 = _tau2(method, y, v, x)
    w = 1 / (v + tau2)
    effect = float(w @ y / w.sum())
    error = float(1 / np.sqrt(w.sum()))
    plain = error
    if interval == "normal":
        quantile, distribution = float(norm.isf((1 - confidence) / 2)), norm
    else:
        error *= _scale(interval, float(w @ (y - effect) ** 2 / (k - 1)))
        quantile, distribution = float(t.isf((1 - confidence) / 2, k - 1)), t(k - 1)
    q = _generalised_q(0.0, y, v, x)
    if k == 1:
        i2 = float("nan")
    elif method == "fixed":
        i2 = max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0
    else:
        precision = 1 / v
        typical = (k - 1) * precision.sum() / (precision.sum() ** 2 - precision @ precision)
        i2 = float(tau2 / (tau2 + typical))
    low, high = _tau2_interval(y, v, x, confidence) if k > 1 else (float("nan"), float("nan"))
    prediction = float("nan"), float("nan")
    if method != "fixed" and k >= 3:
        reach = float(t.isf((1 - confidence) / 2, k - 2)) * float(np.sqrt(tau2 + max(plain, error) ** 2))
        prediction = effect - reach, effect + reach
    return MetaResult(
        effect=effect,
        se=error,
        ci_low=effect - quantile * error,
        ci_high=effect + quantile * error,
        p_value=float(2 * distribution.sf(abs(effect) / error)) if error > 0 else float("nan"),
        prediction_low=prediction[0],
        prediction_high=prediction[1],
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        q=q if k > 1 else float("nan"),
        q_p=float(chi2.sf(q, k - 1)) if k > 1 else float("nan"),
        i2=i2,
        h2=1 / (1 - i2),
        weights=np.asarray(w / w.sum()),
        k=k,
        method=method,
        interval=interval,
        confidence=confidence,
        converged=True,
        reason="",
        columns=(),
        note="" if k > 1 else "one study: its own effect",
    )


def meta_regression(
    effects: ArrayLike,
    se: ArrayLike,
    columns: ArrayLike,
    *,
    method: Method = "reml",
    interval: Interval = "hartung_knapp_wider",
    confidence: float = 0.95,
) -> MetaRegressionResult:
    """Explain the effects of studies by what the studies are.

    Parameters
    ----------
    effects, se : array, shape (k,)
    columns : array, shape (k, c)
        Study-level columns (share of non-GCB patients, a class of trials as 0/1), without intercept.
    method, interval, confidence
        As in :func:`meta_analysis`; the degrees of freedom are k - c - 1.

    Raises
    ------
    ValueError
        As :func:`meta_analysis`; columns of another length or with missing values.

    Notes
    -----
    Berkey 1995, doi:10.1002/sim.4780140406; Knapp and Hartung 2003, doi:10.1002/sim.1482.  An association across
    trials need not hold across the patients of any of them (ecological bias): a marker x treatment question is answered
    from within trials (:func:`subgroup_difference`) where that is published.
    """
    from scipy.stats import chi2, f, norm, t

    y, s = _studies(effects, se)
    _known(method, METHODS, "method")
    _known(interval, INTERVALS, "interval")
    _level(confidence)
    if method == "fixed":
        interval = "normal"
    given = matrix(columns, "columns", y.size)
    k, c = given.shape
    if k <= c + 1 or k == 0:
        return _unanswered_regression(c, k, method, interval, "too few studies", ())
    spread = np.ptp(given, axis=0)
    centre = given.mean(axis=0)
    unit = (given - centre) / np.where(spread > 0, spread, 1.0)
    guilty = _collinear(unit)
    if guilty:
        return _unanswered_regression(c, k, method, interval, "collinear", guilty)
    v, x = s**2, np.column_stack([np.ones(k), unit])
    tau2 = _tau2(method, y, v, x)
    w = 1 / (v + tau2)
    covariance = np.linalg.inv(x.T @ (w[:, None] * x))
    at = covariance @ (x.T @ (w * y))
    freedom = k - c - 1
    left = _without_rounding(y - x @ at, y)
    if interval == "normal":
        quantile, distribution = float(norm.isf((1 - confidence) / 2)), norm
    else:
        covariance = covariance * _scale(interval, float(w @ left**2 / freedom)) ** 2
        quantile, distribution = float(t.isf((1 - confidence) / 2, freedom)), t(freedom)
    q_columns = (
        float(at[1:] @ np.linalg.solve(covariance[1:, 1:], at[1:])) if c and (np.diag(covariance) > 0).all() else float("nan")
    )
    if interval != "normal":
        q_columns /= max(1, c)
    # back from unit columns
    back = np.eye(c + 1)
    back[1:, 1:] /= spread[:, None]
    back[0, 1:] = -centre / spread
    coef, error = back @ at, np.sqrt(np.diag(back @ covariance @ back.T))
    low, high = _tau2_interval(y, v, x, confidence)
    q = _generalised_q(0.0, y, v, x)
    without = _tau2(method, y, v, np.ones((k, 1)))
    z = np.divide(np.abs(coef), error, out=np.full(c + 1, np.nan), where=error > 0)
    return MetaRegressionResult(
        coef=coef,
        se=error,
        ci_low=coef - quantile * error,
        ci_high=coef + quantile * error,
        p_value=np.asarray(2 * distribution.sf(z)),
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        r_squared=max(0.0, 1 - tau2 / without) if method != "fixed" and without > 0 else float("nan"),
        q_residual=q,
        q_residual_p=float(chi2.sf(q, freedom)),
        q_columns=q_columns if c else float("nan"),
        q_columns_p=float(chi2.sf(q_columns, c) if interval == "normal" else f.sf(q_columns, c, freedom)) if c else float("nan"),
        k=k,
        method=method,
        interval=interval,
        converged=True,
        reason="",
        columns=(),
        note="",
    )


@dataclass(frozen=True)
class SubgroupResult:
    """Pooled effects of groups and whether they differ; the numbers of the test are NaN unless `converged`.

    Parameters
    ----------
    names : tuple
        Groups, sorted.
    groups : tuple of MetaResult
        Each pooled by itself (with its own variance between studies).
    q, df, p_value : float, int, float
        Test that all groups have one effect (chi-square).
    difference, se, ci_low, ci_high : float
        With two groups: the second minus the first; of log ratios the log of the ratio of ratios.  NaN otherwise.
    converged : bool
    reason : {'', 'one group'}
    columns : tuple of int
        Always empty.
    note : str
    """

    names: tuple[Any, ...]
    groups: tuple[MetaResult, ...]
    q: float
    df: int
    p_value: float
    difference: float
    se: float
    ci_low: float
    ci_high: float
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def subgroup_difference(
    effects: ArrayLike,
    se: ArrayLike,
    group: ArrayLike,
    *,
    method: Method = "reml",
    confidence: float = 0.95,
) -> SubgroupResult:
    """Test whether groups of effects (GCB and non-GCB, two classes of trials) have one pooled effect.

    Parameters
    ----------
    effects, se : array, shape (k,)
    group : array, shape (k,)
    method : {'reml', 'dersimonian_laird', 'paule_mandel', 'fixed'}
        A group of one study has the effect and error of that study, whatever the method.

    Notes
    -----
    Effects of one trial in two groups of its patients are independent, and their difference is the marker x treatment
    interaction: the ratio of ratios (Altman and Bland 2003, doi:10.1136/bmj.326.7382.219).  Across trials it is
    confounded with everything else in which these differ.  Normal intervals; Borenstein and Higgins 2013,
    doi:10.1007/s11121-013-0377-7.

    Examples
    --------
    >>> import math
    >>> found = subgroup_difference([math.log(0.85), math.log(0.5)], [0.15, 0.2], ["GCB", "non-GCB"])
    >>> round(math.exp(found.difference), 3), round(found.p_value, 3)
    (0.588, 0.034)
    """
    from scipy.stats import chi2, norm

    y, s = _studies(effects, se)
    _known(method, METHODS, "method")
    _level(confidence)
    code = codes(group, "group", y.size)
    names = tuple(np.unique(np.asarray(group)).tolist())
    pooled = []
    for i in range(len(names)):
        of = code == i
        pooled.append(
            meta_analysis(y[of], s[of], method=method if of.sum() > 1 else "fixed", interval="normal", confidence=confidence)
        )
    nan = float("nan")
    if len(names) < 2:
        note = "one group: nothing to compare" if names else "there is no study"
        return SubgroupResult(names, tuple(pooled), nan, 0, nan, nan, nan, nan, nan, False, "one group", (), note)
    mean = np.array([p.effect for p in pooled])
    weight = 1 / np.array([p.se for p in pooled]) ** 2
    q = float(weight @ (mean - weight @ mean / weight.sum()) ** 2)
    difference = error = low = high = nan
    if len(names) == 2:
        difference, error = float(mean[1] - mean[0]), float(np.sqrt((1 / weight).sum()))
        reach = float(norm.isf((1 - confidence) / 2)) * error
        low, high = difference - reach, difference + reach
    df = len(names) - 1
    return SubgroupResult(names, tuple(pooled), q, df, float(chi2.sf(q, df)), difference, error, low, high, True, "", (), "")


def leave_one_out(
    effects: ArrayLike,
    se: ArrayLike,
    *,
    method: Method = "reml",
    interval: Interval = "hartung_knapp_wider",
    confidence: float = 0.95,
) -> tuple[MetaResult, ...]:
    """Return the meta-analysis without the first study, without the second, and so on."""
    y, s = _studies(effects, se)
    keep = ~np.eye(y.size, dtype=bool)
    return tuple(meta_analysis(y[k], s[k], method=method, interval=interval, confidence=confidence) for k in keep)


@dataclass(frozen=True)
class EggerResult:
    """Egger's regression for small-study effects; numbers are NaN unless `converged`.

    Parameters
    ----------
    intercept, se, p_value : float
        Intercept of effect / se on 1 / se, and its t-test on k - 2 degrees of freedom (p is NaN where the studies fit exactly).
    k : int
    converged : bool
    reason : {'', 'too few studies', 'equal precision'}
    columns : tuple of int
    note : str
    """

    intercept: float
    se: float
    p_value: float
    k: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def egger(effects: ArrayLike, se: ArrayLike) -> EggerResult:
    """Ask whether small studies have other effects than large ones.

    Notes
    -----
    Egger 1997, doi:10.1136/bmj.315.7109.629.  With fewer than 10 studies it has hardly any power; of log odds ratios
    it finds asymmetry where there is none, since effect and error are related.
    """
    from scipy.stats import t

    y, s = _studies(effects, se)
    k, nan = y.size, float("nan")
    if k < 3:
        return EggerResult(nan, nan, nan, k, False, "too few studies", (), f"{k} studies: at least 3 are needed")
    if np.ptp(s) <= 1e-12 * s.max():
        return EggerResult(nan, nan, nan, k, False, "equal precision", (), "all studies have one standard error")
    x = np.column_stack([np.ones(k), s.min() / s])
    inverse = np.linalg.inv(x.T @ x)
    coef = inverse @ x.T @ (y / s)
    left = _without_rounding(y / s - x @ coef, y / s)
    error = float(np.sqrt(left @ left / (k - 2) * inverse[0, 0]))
    p = float(2 * t.sf(abs(coef[0]) / error, k - 2)) if error > 0 else nan
    return EggerResult(float(coef[0]), error, p, k, True, "", (), "")


def _studies(effects: ArrayLike, se: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y = numbers(effects, "effects")
    s = numbers(se, "se")
    if s.size != y.size:
        raise ValueError(f"se: {s.size} values for {y.size} studies")
    if (s <= 0).any():
        raise ValueError("se: must be positive")
    return y, s


def _known(value: str, allowed: Sequence[str], name: str) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(allowed)}")


def _level(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError("confidence: outside 0..1")


def _without_rounding(left: FloatArray, y: FloatArray) -> FloatArray:
    """Return residuals, 0 where they are the rounding of studies that fit exactly: a p is not made of rounding."""
    return np.where(np.abs(left) <= 1e-13 * np.abs(y).max(), 0.0, left)


def _scale(interval: str, spread: float) -> float:
    """Return Hartung and Knapp's factor of the standard error."""
    return float(np.sqrt(max(1.0, spread) if interval == "hartung_knapp_wider" else spread))


def _tau2(method: str, y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    freedom = y.size - x.shape[1]
    if method == "fixed":
        return 0.0
    # effects of any unit: the search runs in units of the sampling variance
    unit = float(np.exp(np.log(v).mean()))
    y, v = y / np.sqrt(unit), v / unit
    if method == "dersimonian_laird":
        return unit * max(0.0, float((_generalised_q(0.0, y, v, x) - freedom) / np.trace(_projection(1 / v, x))))
    if method == "paule_mandel":
        return unit * _crossing(y, v, x, float(freedom))
    return unit * _restricted_maximum(y, v, x)


def _projection(w: FloatArray, x: FloatArray) -> FloatArray:
    wx = w[:, None] * x
    return np.asarray(np.diag(w) - wx @ np.linalg.solve(x.T @ wx, wx.T))


def _generalised_q(tau2: float, y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    w = 1 / (v + tau2)
    wx = w[:, None] * x
    left = y - x @ np.linalg.solve(x.T @ wx, wx.T @ y)
    return float(w @ left**2)


def _crossing(y: FloatArray, v: FloatArray, x: FloatArray, level: float) -> float:
    """Return the variance at which the generalised Q falls to `level`; 0 where it starts below."""
    from scipy.optimize import brentq

    if _generalised_q(0.0, y, v, x) <= level:
        return 0.0
    high = float(v.max())
    while _generalised_q(high, y, v, x) > level:
        high *= 4
    return float(brentq(lambda value: _generalised_q(value, y, v, x) - level, 0.0, high, xtol=1e-14 * high, rtol=1e-14))


def _tau2_interval(y: FloatArray, v: FloatArray, x: FloatArray, confidence: float) -> tuple[float, float]:
    from scipy.stats import chi2

    freedom = y.size - x.shape[1]
    outer = (1 - confidence) / 2
    return _crossing(y, v, x, float(chi2.isf(outer, freedom))), _crossing(y, v, x, float(chi2.ppf(outer, freedom)))


def _restricted_maximum(y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    def restricted(tau2: float) -> float:
        w = 1 / (v + tau2)
        information = np.linalg.slogdet(x.T @ (w[:, None] * x))[1]
        return float(np.log(w).sum() - information - _generalised_q(tau2, y, v, x)) / 2

    top = float(y.var() + v.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 100, 120) * top])
    values = np.array([restricted(value) for value in grid])
    best = int(values.argmax())
    low, high = grid[max(0, best - 1)], grid[min(grid.size - 1, best + 1)]
    tau2 = float(grid[best])
    for _ in range(200):
        projection = _projection(1 / (v + tau2), x)
        twice = projection @ projection
        step = float((y @ twice @ y - np.trace(projection)) / np.trace(twice))
        moved = min(max(tau2 + step, low), high)
        if abs(moved - tau2) <= 1e-14 * max(top, tau2):
            return float(moved)
        if step > 0:
            low = max(low, tau2)
        else:
            high = min(high, tau2)
        if moved in (low, high) and high > low and not (moved == 0.0 and step < 0):
            moved = (low + high) / 2  # scoring that leaves the bracket of the maximum is replaced by halving
        tau2 = moved
    return tau2


def _collinear(unit: FloatArray) -> tuple[int, ...]:
    """Return the columns that are constant or a combination of the others."""
    if unit.shape[1] == 0:
        return ()
    norm = np.linalg.norm(unit, axis=0)
    dead = norm < 1e-10
    scaled = unit / np.where(dead, 1.0, norm)
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    null = vectors[:, values < 1e-9]
    involved = (np.abs(null) > 1e-3).any(axis=1) if null.size else np.zeros(norm.size, dtype=bool)
    return tuple(int(i) for i in np.flatnonzero(dead | involved))


def _unanswered(k: int, method: str, interval: str, confidence: float, reason: str, note: str) -> MetaResult:
    nan = float("nan")
    return MetaResult(
        nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, np.full(k, np.nan), k, method, interval,
        confidence, False, reason, (), note,
    )  # fmt: skip


def _unanswered_regression(
    c: int, k: int, method: str, interval: str, reason: str, columns: tuple[int, ...]
) -> MetaRegressionResult:
    nan, row = float("nan"), np.full(c + 1, np.nan)
    which = ("column " if len(columns) == 1 else "columns ") + ", ".join(str(i) for i in columns)
    note = f"{k} studies for {c + 1} coefficients" if reason == "too few studies" else f"{which}: constant or collinear"
    return MetaRegressionResult(
        row, row, row, row, row, nan, nan, nan, nan, nan, nan, nan, nan, k, method, interval, False, reason, columns, note
    )
