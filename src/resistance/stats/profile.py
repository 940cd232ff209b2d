"""A log-likelihood and its maximum -> the profile-likelihood interval of one coefficient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.newton import Likelihood, Maximum, maximise

Climb = Callable[[FloatArray, BoolArray], Maximum]
#: refits for one bound of a profile interval; four are usual
PROFILE_STEPS = 60


def profile_interval(
    model: Likelihood,
    top: Maximum,
    column: int,
    confidence: float = 0.95,
    *,
    scale: float = 1.0,
    climb: Climb | None = None,
) -> tuple[float, float]:
    """Return the values of one coefficient at which the profile likelihood has fallen by the chi-square quantile.

    Parameters
    ----------
    model : Likelihood
    top : Maximum
        Where it is highest.
    column : int
    confidence : float
    scale : float
        What the log-likelihood of `model` is to be multiplied with (case weights divided by their mean).
    climb : callable, optional
        (start, held) -> Maximum, where the model has a way of its own; default
        :func:`resistance.stats.newton.maximise`.

    Returns
    -------
    low, high : float
        Infinite where the profile never falls that far, NaN where the other coefficients were not found.

    Notes
    -----
    Newton's method on the signed root of the deviance, which is nearly a straight line in the
    coefficient, between bounds that enclose the answer.
    """
    from scipy.stats import chi2

    target = float(np.sqrt(chi2.ppf(confidence, 1) / scale))
    se = float(np.sqrt(np.linalg.inv(top.information)[column, column]))
    move: Climb = (lambda start, held: maximise(model, start, held)) if climb is None else climb
    with np.errstate(all="ignore"):  # far out weights over- and underflow: such points are too far
        return _profile_bound(model, top, column, -se, target, move), _profile_bound(model, top, column, se, target, move)


def _profile_bound(model: Likelihood, top: Maximum, column: int, step: float, target: float, climb: Climb) -> float:
    """Return where the root of the deviance reaches `target`, on the side of `step` (one signed standard error)."""
    held = np.arange(top.params.size) == column
    estimate, last = float(top.params[column]), top.params.copy()
    inner, outer, distance = 0.0, float("inf"), target  # distances from the estimate, in standard errors
    lost = False
    for _ in range(PROFILE_STEPS):
        start = last.copy()
        start[column] = estimate + distance * step
        found = climb(start, held)
        lost = not found.converged
        if lost:  # too far at once
            distance = (inner + distance) / 2
            if distance - inner < 1e-6 * distance:
                break
            continue
        last = found.params
        root = float(np.sqrt(max(0.0, 2 * (top.loglike - found.loglike))))
        inner, outer = (distance, outer) if root < target else (inner, distance)
        slope = -float(model.score(last)[column]) * step / root if root > 0 else 0.0
        following = distance + (target - root) / slope if slope > 0 else float("inf")
        if abs(following - distance) < 1e-6 * distance:  # Newton doubles the digits: there are twelve now
            return estimate + following * step
        farthest = min(outer, 3 * distance)
        if not inner < following < farthest:
            following = (inner + outer) / 2 if np.isfinite(outer) else 2 * distance
        distance = following
    if lost or np.isfinite(outer):
        return float("nan")
    return float(np.copysign(np.inf, step))
