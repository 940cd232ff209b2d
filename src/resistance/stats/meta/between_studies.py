"""Effects with sampling variances and a design -> the variance between studies, its interval, and Cochran's Q."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers

Method = Literal["reml", "dersimonian_laird", "paule_mandel", "fixed"]
METHODS: tuple[Method, ...] = ("reml", "dersimonian_laird", "paule_mandel", "fixed")
Interval = Literal["hartung_knapp_wider", "hartung_knapp", "normal"]
INTERVALS: tuple[Interval, ...] = ("hartung_knapp_wider", "hartung_knapp", "normal")
#: residuals of this share of the values are what rounding leaves of none
ROUNDING = 1e-13


def checked_studies(effects: ArrayLike, se: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return effects and standard errors; refuse what is missing, infinite, of another length or not positive."""
    y = numbers(effects, "effects")
    s = numbers(se, "se")
    if s.size != y.size:
        raise ValueError(f"se: {s.size} values for {y.size} studies")
    if (s <= 0).any():
        raise ValueError("se: must be positive")
    return y, s


def one_of(value: str, allowed: Sequence[str], name: str) -> None:
    """Refuse a word that is none of those allowed."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(allowed)}")


def check_confidence(confidence: float) -> None:
    """Refuse a confidence outside 0..1."""
    if not 0 < confidence < 1:
        raise ValueError("confidence: outside 0..1")


def without_rounding(left: FloatArray, y: FloatArray) -> FloatArray:
    """Return residuals, 0 where they are the rounding of studies that fit exactly: a p is not made of rounding."""
    return np.where(np.abs(left) <= ROUNDING * np.abs(y).max(), 0.0, left)


def hartung_knapp_factor(interval: str, spread: float) -> float:
    """Return Hartung and Knapp's factor of the standard error."""
    return float(np.sqrt(max(1.0, spread) if interval == "hartung_knapp_wider" else spread))


def between_variance(method: str, y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    """Return the variance of the true effects around the columns `x`, by one of `METHODS`."""
    freedom = y.size - x.shape[1]
    if method == "fixed":
        return 0.0
    # effects of any unit: the search runs in units of the sampling variance
    unit = float(np.exp(np.log(v).mean()))
    y, v = y / np.sqrt(unit), v / unit
    if method == "dersimonian_laird":
        return unit * max(0.0, float((generalised_q(0.0, y, v, x) - freedom) / np.trace(_projection(1 / v, x))))
    if method == "paule_mandel":
        return unit * _crossing(y, v, x, float(freedom))
    return unit * _restricted_maximum(y, v, x)


def _projection(w: FloatArray, x: FloatArray) -> FloatArray:
    wx = w[:, None] * x
    return np.asarray(np.diag(w) - wx @ np.linalg.solve(x.T @ wx, wx.T))


def generalised_q(tau2: float, y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    """Return the weighted squares left by the columns, with this variance between studies (Cochran's Q where it is 0)."""
    w = 1 / (v + tau2)
    wx = w[:, None] * x
    left = y - x @ np.linalg.solve(x.T @ wx, wx.T @ y)
    return float(w @ left**2)


def _crossing(y: FloatArray, v: FloatArray, x: FloatArray, level: float) -> float:
    """Return the variance at which the generalised Q falls to `level`; 0 where it starts below."""
    from scipy.optimize import brentq

    if generalised_q(0.0, y, v, x) <= level:
        return 0.0
    high = float(v.max())
    while generalised_q(high, y, v, x) > level:
        high *= 4
    return float(brentq(lambda value: generalised_q(value, y, v, x) - level, 0.0, high, xtol=1e-14 * high, rtol=1e-14))


def between_variance_interval(y: FloatArray, v: FloatArray, x: FloatArray, confidence: float) -> tuple[float, float]:
    """Return the Q-profile interval of the variance between studies."""
    from scipy.stats import chi2

    freedom = y.size - x.shape[1]
    outer = (1 - confidence) / 2
    return _crossing(y, v, x, float(chi2.isf(outer, freedom))), _crossing(y, v, x, float(chi2.ppf(outer, freedom)))


def _restricted_maximum(y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    def restricted(tau2: float) -> float:
        w = 1 / (v + tau2)
        information = np.linalg.slogdet(x.T @ (w[:, None] * x))[1]
        return float(np.log(w).sum() - information - generalised_q(tau2, y, v, x)) / 2

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
