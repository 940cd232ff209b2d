"""Values, some known only to lie below a limit -> a line through them by maximum likelihood (Tobit), with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, numbers
from resistance.stats.newton import maximise

#: residual spread, of the spread of the values, below which the fit counts as perfect
_PERFECT = 1e-9
_LOG_ROOT_2_PI = 0.5 * float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class CensoredFit:
    """A linear model of partly left-censored values.

    Parameters
    ----------
    coef : ndarray, shape (k + 1,)
        Intercept and slopes; NaN where `reason` is not empty.
    std_error, ci_low, ci_high : ndarray, shape (k + 1,)
        From the observed information, scaled by the degrees of freedom; bounds by Student's t.
    sigma : float
        Standard deviation by maximum likelihood (divided by n, as survreg's scale).
    loglike : float
        Log-likelihood at the maximum.
    n, n_censored : int
    reason : {'', 'too few values', 'collinear', 'perfect fit', 'iterations'}
        Why there is no fit.
    """

    coef: FloatArray
    std_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    sigma: float
    loglike: float
    n: int
    n_censored: int
    reason: str

    @property
    def converged(self) -> bool:
        """The coefficients may be used."""
        return self.reason == ""


def censored_regression(
    values: ArrayLike, covariates: ArrayLike, censored: ArrayLike, *, confidence: float = 0.95
) -> CensoredFit:
    """Fit a linear model with normal errors to values of which some are only known to lie below a limit.

    Parameters
    ----------
    values : array-like, shape (n,)
        The value, or the limit below which it lies where `censored`.
    covariates : array-like, shape (n, k) or (n,)
        Without the column of ones.
    censored : array-like of bool, shape (n,)
    confidence : float
        Of the intervals.

    Returns
    -------
    CensoredFit
        Without a censored value coefficients, errors and intervals are those of ordinary least squares; values that
        lie on one line have no spread, and the interval is the estimate.

    Raises
    ------
    ValueError
        NaN, shapes that do not fit, or a flag other than 0 and 1.

    Notes
    -----
    At least k + 2 values must be uncensored: with fewer, the line goes through them and the likelihood has
    no bound.  Where they lie on one line and the censored ones agree with it, the likelihood grows without
    end as the spread shrinks: ``perfect fit``.  The maximum likelihood spread is too small in small samples;
    standard errors are therefore scaled by sqrt(m / (m - k - 1)), m the uncensored values, and the interval
    takes Student's t with m - k - 1 degrees of freedom.

    References
    ----------
    Tobin J. Econometrica 1958; 26: 24. doi:10.2307/1907382
    Olsen RJ. Econometrica 1978; 46: 1211. doi:10.2307/1911445 (the parameters in which it is concave)

    Examples
    --------
    >>> fit = censored_regression([0.0, 1.1, 1.9, 3.0], [0, 1, 2, 3], [1, 0, 0, 0])
    >>> fit.n_censored, [round(float(x), 3) for x in fit.coef]
    (1, [-0.022, 1.002])
    """
    y = numbers(values, "values")
    n = y.size
    below = flags(np.asarray(censored, dtype=np.float64), "censored", n)
    x = np.column_stack([np.ones(n), matrix(covariates, "covariates", n)])
    k = x.shape[1]
    seen = ~below
    free = int(seen.sum()) - k
    if free < 1:
        return _none(k, n, int(below.sum()), "too few values")
    # of the values that are seen, or of all: a covariate that moves among the censored only cannot be told
    if np.linalg.matrix_rank(x[seen] - x[seen].mean(axis=0) * (np.arange(k) > 0)) < k:
        return _none(k, n, int(below.sum()), "collinear")
    centre, scale = x[seen].mean(axis=0), np.ptp(x[seen], axis=0)
    centre[0], scale[0] = 0.0, 1.0
    z = (x - centre) / scale
    start, *_ = np.linalg.lstsq(z[seen], y[seen], rcond=None)
    spread = float(np.sqrt(np.mean((y[seen] - z[seen] @ start) ** 2)))
    perfect = spread <= _PERFECT * max(1.0, float(np.ptp(y)))
    if not below.any():
        return _fit(z, y, below, start, 0.0 if perfect else spread, centre, scale, confidence)
    if perfect:
        if (z[below] @ start <= y[below]).all():
            return _none(k, n, int(below.sum()), "perfect fit")
        # the limits contradict the line through the others: there is a maximum, near the line through all
        start, *_ = np.linalg.lstsq(z, y, rcond=None)
        spread = float(np.sqrt(np.mean((y - z @ start) ** 2)))
    model = _Olsen(z, y / spread, below)
    found = maximise(model, np.append(start / spread, 1.0))
    if not found.converged:
        return _none(k, n, int(below.sum()), "perfect fit" if found.reason == "monotone" else found.reason)
    sigma = spread / found.params[-1]
    return _fit(z, y, below, found.params[:-1] * sigma, sigma, centre, scale, confidence)


class _Olsen:
    """The log-likelihood in coefficients / sigma and 1 / sigma, in which it is concave."""

    def __init__(self, x: FloatArray, y: FloatArray, below: BoolArray) -> None:
        self.x, self.y, self.below = x, y, below

    def _residuals(self, params: FloatArray) -> FloatArray:
        return np.asarray(params[-1] * self.y - self.x @ params[:-1])

    def loglike(self, params: FloatArray) -> float:
        from scipy.special import log_ndtr

        if params[-1] <= 0:
            return -np.inf
        r = self._residuals(params)
        seen = ~self.below
        density = -0.5 * float(r[seen] @ r[seen]) - int(seen.sum()) * (_LOG_ROOT_2_PI - np.log(params[-1]))
        return float(density + log_ndtr(r[self.below]).sum())

    def score(self, params: FloatArray) -> FloatArray:
        r = self._residuals(params)
        slope = np.where(self.below, _mills(r), -r)
        return np.append(-slope @ self.x, slope @ self.y + (~self.below).sum() / params[-1])

    def hessian(self, params: FloatArray) -> FloatArray:
        r = self._residuals(params)
        mills = _mills(r)
        curve = np.where(self.below, -mills * (mills + r), -1.0)
        design = np.column_stack([-self.x, self.y])
        out = (design * curve[:, None]).T @ design
        out[-1, -1] -= (~self.below).sum() / params[-1] ** 2
        return out


def _mills(r: FloatArray) -> FloatArray:
    """Return density / distribution of the standard normal, without underflow."""
    from scipy.special import log_ndtr

    return np.asarray(np.exp(-0.5 * r**2 - _LOG_ROOT_2_PI - log_ndtr(r)))


def _fit(
    z: FloatArray,
    y: FloatArray,
    below: BoolArray,
    beta: FloatArray,
    sigma: float,
    centre: FloatArray,
    scale: FloatArray,
    confidence: float,
) -> CensoredFit:
    """Return the fit on the scale of the covariates, with errors from the information at the maximum."""
    from scipy.stats import t

    k, m = z.shape[1], int((~below).sum())
    if sigma > 0.0:
        model = _Olsen(z, y / sigma, below)
        at = np.append(beta / sigma, 1.0)
        covariance = np.linalg.inv(-model.hessian(at))
        # beta = gamma / theta: its derivatives by gamma and theta, at theta = 1 on the scale of sigma
        turn = np.column_stack([np.eye(k), -at[:-1]])
        covariance = turn @ covariance @ turn.T * sigma**2 * m / (m - k)
        loglike = model.loglike(at) - m * np.log(sigma)
    else:
        covariance, loglike = np.zeros((k, k)), np.inf
    back = np.diag(1.0 / scale)
    back[0, 1:] = -centre[1:] / scale[1:]
    coef = back @ beta
    error = np.sqrt(np.clip(np.diag(back @ covariance @ back.T), 0.0, None))
    half = float(t.ppf((1.0 + confidence) / 2.0, m - k)) * error
    return CensoredFit(coef, error, coef - half, coef + half, sigma, loglike, y.size, int(below.sum()), "")


def _none(k: int, n: int, n_censored: int, reason: str) -> CensoredFit:
    nothing = np.full(k, np.nan)
    return CensoredFit(nothing, nothing, nothing, nothing, np.nan, np.nan, n, n_censored, reason)
