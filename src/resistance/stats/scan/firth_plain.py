"""One logistic model in plain numpy, with halved steps to the last digit: small scans, and markers the kernel gave up.

Nothing is shared with the kernel but the definition.  Sums are by einsum and not by BLAS, whose rounding
may depend on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import FloatArray

AT_REST = 1e-22
#: the same when steps have become too many: with complete separation the likelihood far from its top can be all but flat
NEARLY = 1e-10
MAX_STEPS = 200
LONGEST = 5.0


@dataclass(frozen=True)
class Point:
    """The penalised likelihood at one set of coefficients.

    Parameters
    ----------
    beta : array, shape (p,)
    loglike : float
    gradient : array, shape (p,)
    information, augmented : array, shape (p, p)
        Fisher's, and that with the leverages added to the weights (as if the penalty were observations).
    """

    beta: FloatArray
    loglike: float
    gradient: FloatArray
    information: FloatArray
    augmented: FloatArray


@dataclass(frozen=True)
class PlainFit:
    """A marker's numbers on the scale of the column given; see :class:`resistance.stats.scan.logistic_answers.LogisticScan`."""

    coef: float
    variance: float
    variance_augmented: float
    loglike: float
    loglike_null: float
    ci_low: float
    ci_high: float


def evaluate(rows: FloatArray, beta: FloatArray, penalised: bool = True) -> Point | None:
    """Return likelihood and derivatives; None where the information is singular.

    Parameters
    ----------
    rows : array, shape (n, p)
        Intercept, covariates, marker; multiplied by -1 where there is no event.
    penalised : bool
        Firth's penalty.
    """
    with np.errstate(over="ignore"):  # exp(-eta) of a patient far on the wrong side: probability 0
        eta = np.einsum("ij,j->i", rows, beta)
        seen, rest = 1.0 / (1.0 + np.exp(-eta)), 1.0 / (1.0 + np.exp(eta))
        loglike = -float(np.logaddexp(0.0, -eta).sum())
    weight = seen * rest
    information = np.einsum("ia,ib->ab", rows * weight[:, None], rows)
    try:
        factor = np.linalg.cholesky(information)
        inverse = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        return None
    if not penalised:
        return Point(beta, loglike, np.einsum("ia,i->a", rows, rest), information, information)
    leverage = weight * np.einsum("ia,ia->i", np.einsum("ia,ab->ib", rows, inverse), rows)
    gradient = np.einsum("ia,i->a", rows, rest + leverage * (rest - 0.5))
    augmented = np.einsum("ia,ib->ab", rows * (weight * (1.0 + leverage))[:, None], rows)
    return Point(beta, loglike + float(np.log(np.diag(factor)).sum()), gradient, information, augmented)


def climb(rows: FloatArray, start: FloatArray, free: int, penalised: bool = True) -> Point | None:
    """Return the maximum over the first `free` coefficients, the others held; None where the search ends without one."""
    here = evaluate(rows, start, penalised)
    gain = np.inf
    for _ in range(MAX_STEPS):
        if here is None or not np.isfinite(here.loglike):
            return None
        step = np.zeros(start.size)
        try:
            step[:free] = np.linalg.solve(here.augmented[:free, :free], here.gradient[:free])
        except np.linalg.LinAlgError:
            return None
        gain = float(here.gradient @ step)
        longest = float(np.abs(step).max(initial=0.0))
        if longest > LONGEST:
            step *= LONGEST / longest
        following = None
        for half in range(40):
            trial = evaluate(rows, here.beta + step / 2**half, penalised)
            if trial is not None and trial.loglike >= here.loglike - 1e-12 * max(1.0, abs(here.loglike)):
                following = trial
                break
        if gain < AT_REST:
            return following or here
        if following is None:
            return here if gain < NEARLY else None
        here = following
    return here if gain < NEARLY else None


def fit(rows: FloatArray, start: FloatArray, drop: float, penalised: bool = True) -> PlainFit | None:
    """Fit the model without and with the last column, and the ends of its profile interval when `drop` is above 0."""
    p = rows.shape[1]
    null = climb(rows, start, p - 1, penalised)
    top = None if null is None else climb(rows, null.beta, p, penalised)
    if null is None or top is None:
        return None
    plain, augmented = (float(np.linalg.inv(matrix)[-1, -1]) for matrix in (top.information, top.augmented))
    bounds = [float("nan"), float("nan")]
    if drop > 0:
        for i, side in enumerate((-1.0, 1.0)):
            bound = _bound(rows, top, side, drop, np.sqrt(augmented), penalised)
            if bound is None:
                return None
            bounds[i] = bound
    return PlainFit(float(top.beta[-1]), plain, augmented, top.loglike, null.loglike, bounds[0], bounds[1])


def _bound(rows: FloatArray, top: Point, side: float, drop: float, unit: float, penalised: bool) -> float | None:
    from scipy.optimize import brentq

    p = rows.shape[1]
    start = top.beta
    known: dict[float, float] = {}  # the search asks for the ends of its bracket again, and must hear the same

    def excess(value: float) -> float:
        nonlocal start
        if value in known:
            return known[value]
        best = None
        # nearly separated data have more than one hill: where the one next to the last point has fallen too far, that of the top is asked
        for origin in (start, top.beta):
            trial = origin.copy()
            trial[-1] = value
            found = climb(rows, trial, p - 1, penalised)
            if found is not None and (best is None or found.loglike > best.loglike):
                best = found
            if best is not None and best.loglike >= top.loglike - drop:
                break
        if best is None:
            raise ArithmeticError
        start = best.beta
        known[value] = best.loglike - (top.loglike - drop)
        return known[value]

    inner, step = float(top.beta[-1]), side * 2.0 * unit
    known[inner] = drop
    try:
        for _ in range(40):
            outer = inner + step
            if excess(outer) < 0:
                return float(brentq(excess, inner, outer, xtol=1e-11, rtol=1e-13))
            inner, step = outer, step * 1.5
    except ArithmeticError:
        return None
    return None
