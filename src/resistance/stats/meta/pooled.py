"""Effects of studies with their standard errors -> pooled effect, heterogeneity and prediction interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray
from resistance.stats.meta.between_studies import (
    INTERVALS,
    METHODS,
    Interval,
    Method,
    between_variance,
    between_variance_interval,
    check_confidence,
    checked_studies,
    generalised_q,
    hartung_knapp_factor,
    one_of,
    without_rounding,
)


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

    y, s = checked_studies(effects, se)
    one_of(method, METHODS, "method")
    one_of(interval, INTERVALS, "interval")
    check_confidence(confidence)
    if method == "fixed":
        interval = "normal"
    k = y.size
    if k == 0:
        return _unanswered(k, method, interval, confidence, "no studies", "there is no study")
    if k == 1 and method != "fixed":
        return _unanswered(k, method, interval, confidence, "one study", "one study: heterogeneity cannot be told")
    v, x = s**2, np.ones((k, 1))
    tau2 = between_variance(method, y, v, x)
    w = 1 / (v + tau2)
    effect = float(w @ y / w.sum())
    error = float(1 / np.sqrt(w.sum()))
    plain = error
    if interval == "normal":
        quantile, distribution = float(norm.isf((1 - confidence) / 2)), norm
    else:
        error *= hartung_knapp_factor(interval, float(w @ without_rounding(y - effect, y) ** 2 / (k - 1)))
        quantile, distribution = float(t.isf((1 - confidence) / 2, k - 1)), t(k - 1)
    q = generalised_q(0.0, y, v, x)
    if k == 1:
        i2 = float("nan")
    elif method == "fixed":
        i2 = max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0
    else:
        precision = 1 / v
        typical = (k - 1) * precision.sum() / (precision.sum() ** 2 - precision @ precision)
        i2 = float(tau2 / (tau2 + typical))
    low, high = between_variance_interval(y, v, x, confidence) if k > 1 else (float("nan"), float("nan"))
    prediction = float("nan"), float("nan")
    if method != "fixed" and k >= 3:
        reach = float(t.isf((1 - confidence) / 2, k - 2)) * float(np.sqrt(tau2 + max(plain, error) ** 2))
        prediction = effect - reach, effect + reach
    note = "" if k > 1 else "one study: its own effect"
    if error == 0:
        note = "the studies have one effect: Hartung and Knapp's error is 0 and says nothing, take 'hartung_knapp_wider'"
    return MetaResult(
        effect=effect,
        se=error,
        ci_low=effect - quantile * error,
        ci_high=effect + quantile * error,
        p_value=float(2 * distribution.sf(abs(effect) / error)) if error > 0 else float("nan" if effect == 0 else 0.0),
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
        note=note,
    )


def leave_one_out(
    effects: ArrayLike,
    se: ArrayLike,
    *,
    method: Method = "reml",
    interval: Interval = "hartung_knapp_wider",
    confidence: float = 0.95,
) -> tuple[MetaResult, ...]:
    """Return the meta-analysis without the first study, without the second, and so on.

    Examples
    --------
    >>> [round(one.effect, 2) for one in leave_one_out([0.2, 0.2, 0.8], [0.1, 0.1, 0.1], method="fixed")]
    [0.5, 0.5, 0.2]
    """
    y, s = checked_studies(effects, se)
    keep = ~np.eye(y.size, dtype=bool)
    return tuple(meta_analysis(y[k], s[k], method=method, interval=interval, confidence=confidence) for k in keep)


def _unanswered(k: int, method: str, interval: str, confidence: float, reason: str, note: str) -> MetaResult:
    nan = float("nan")
    return MetaResult(
        nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, np.full(k, np.nan), k, method, interval,
        confidence, False, reason, (), note,
    )  # fmt: skip
