"""A logistic likelihood and its maximum -> the profile-likelihood interval of one coefficient, and the p of its being 0."""

from __future__ import annotations

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.logistic_likelihood import LONGEST_STEP, LogisticLikelihood
from resistance.stats.newton import Maximum

#: refits for one bound of a profile interval; four are usual
PROFILE_STEPS = 60
#: steps along the likelihood without the penalty in search of another hill
HILL_STEPS = 25


def _moved(model: LogisticLikelihood, params: FloatArray, column: int, value: float) -> FloatArray:
    """Return coefficients with one at another value: the others follow along the ridge, or stay where that is higher."""
    stayed = params.copy()
    stayed[column] = value
    others = np.arange(params.size) != column
    followed = stayed.copy()
    curvature = model.hessian(params)
    try:
        along = np.linalg.solve(curvature[np.ix_(others, others)], curvature[others, column])
    except np.linalg.LinAlgError:
        return stayed
    followed[others] -= along * (value - params[column])
    with np.errstate(all="ignore"):
        return followed if model.loglike(followed) > model.loglike(stayed) else stayed


def profile(
    model: LogisticLikelihood, top: Maximum, column: int, confidence: float = 0.95, *, hills: bool = False
) -> tuple[float, float, float]:
    """Return the interval of one coefficient and the p of its being 0, both from its profile likelihood.

    Parameters
    ----------
    hills : bool
        The likelihood may have more than one hill: look for a higher one where the profile ends.

    Returns
    -------
    low, high : float
        Values at which the profile has fallen by the chi-square quantile; infinite where it never falls
        that far, NaN where the other coefficients were not found.
    p_value : float
        From the fall at 0, NaN where the other coefficients were not found.  The interval holds 0 when p is above
        1 - confidence: the search on that side starts from what is known at 0.

    Notes
    -----
    Newton's method on the signed root of the deviance, which is nearly a straight line in the
    coefficient, between bounds that enclose the answer.
    """
    from scipy.stats import chi2

    target = float(np.sqrt(chi2.ppf(confidence, 1)))
    se = float(np.sqrt(np.linalg.inv(top.information)[column, column]))
    estimate = float(top.params[column])
    held = np.arange(top.params.size) == column
    zero = model.maximise(_moved(model, top.params, column, 0.0), held)
    if hills:
        zero = other_hill(model, zero.params, held, zero)
    root = _root(top, zero) if zero.converged else float("nan")
    p_value = float(chi2.sf(root**2, 1)) if zero.converged else float("nan")
    bounds = []
    for step in (-se, se):
        inner, outer, first = 0.0, float("inf"), target
        distance = -estimate / step  # of 0, in standard errors, on this side
        if distance > 0 and root < target:
            inner, first = distance, max(target, 1.5 * distance)
        elif distance > 0 and root >= target:
            outer, first = distance, min(target, distance * target / root)
        bounds.append(_profile_bound(model, top, column, step, target, (inner, outer, first), hills))
    return bounds[0], bounds[1], p_value


def other_hill(model: LogisticLikelihood, start: FloatArray, held: BoolArray, found: Maximum) -> Maximum:
    """Return the maximum found with one coefficient held, or a higher one if there is one elsewhere.

    Nearly separated data give the penalised likelihood more than one hill.  Looked for from where the other
    coefficients are 0, and along the way on which the likelihood without the penalty climbs from there.
    """
    if held.all():
        return found
    plain, best = model.without_penalty(), found
    params = np.where(held, start, 0.0)
    free = np.ix_(~held, ~held)
    along = [params]
    with np.errstate(all="ignore"):
        for _ in range(HILL_STEPS):
            try:
                step = np.linalg.solve(plain.information(params)[free], plain.score(params)[~held])
            except np.linalg.LinAlgError:
                break
            step *= min(1.0, LONGEST_STEP * max(1.0, float(np.abs(params).max())) / max(float(np.abs(step).max()), 1e-300))
            params = params.copy()
            params[~held] += step
            if not np.isfinite(model.loglike(params)):
                break
            along.append(params)
        highest = max(along, key=model.loglike)
    for other in (along[0], highest):
        there = model.maximise(other, held)
        if there.converged and (not best.converged or there.loglike > best.loglike + 1e-8):
            best = there
    return best


def _root(top: Maximum, held: Maximum) -> float:
    """Return the root of the deviance."""
    return float(np.sqrt(max(0.0, 2 * (top.loglike - held.loglike))))


def _profile_bound(
    model: LogisticLikelihood,
    top: Maximum,
    column: int,
    step: float,
    target: float,
    known: tuple[float, float, float],
    hills: bool,
) -> float:
    """Return where the root of the deviance reaches `target`.

    Distances are from the estimate, in `step` (one signed standard error); `known` are two that enclose the
    answer and the first one to look at.
    """
    held = np.arange(top.params.size) == column
    estimate, last = float(top.params[column]), top.params.copy()
    inner, outer, distance = known
    for count in range(PROFILE_STEPS):
        found = model.maximise(_moved(model, last, column, estimate + distance * step), held)
        if not np.isfinite(found.loglike):  # too far in one step
            distance = (inner + distance) / 2
            continue
        if not found.converged:
            return float("nan")
        last = found.params
        root = _root(top, found)
        inner, outer = (distance, outer) if root < target else (inner, distance)
        slope = -float(model.score(last)[column]) * step / root if root > 0 else 0.0
        following = distance + (target - root) / slope if slope > 0 else float("inf")
        # Newton doubles the digits: a step in the sixth leaves none in the eleventh
        if abs(following - distance) < 1e-6 * distance or outer - inner < 1e-10 * outer:
            distance = min(max(following, inner), outer)
            start = last.copy()
            start[column] = estimate + distance * step
            if not hills:
                return estimate + distance * step
            higher = other_hill(model, start, held, found)
            if higher is found or _root(top, higher) > target - 1e-3:
                return estimate + distance * step
            last, inner, outer = higher.params, distance, float("inf")
            distance *= 1.1
            continue
        # Newton's step where it stays between the bounds, and halves where it has been slow
        if not inner < following < min(outer, 3 * distance) or (count % 4 == 3 and np.isfinite(outer)):
            following = (inner + outer) / 2 if np.isfinite(outer) else 2 * distance
        distance = following
    return float("nan") if np.isfinite(outer) else float(np.copysign(np.inf, step))
