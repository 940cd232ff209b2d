"""What the scans of logistic models take and answer: markers, numbers of each, and why there are none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray

#: what a reason code means; 0 is "converged"
REASONS = (
    "",
    "not assessed",
    "constant outcome",
    "constant marker",
    "collinear",
    "collinear covariates",
    "iterations",
    "separated covariates",
    "separated",
)
NOTES = (
    "",
    "the marker was not assessed in any patient",
    "the outcome does not vary among the patients in whom the marker was assessed",
    "the marker is the same in all patients in whom it was assessed",
    "the marker is a combination of the covariates, or there are fewer patients than columns",
    "the covariates are constant, collinear, or as many as the patients",
    "the likelihood was not maximised within the allowed iterations",
    "the covariates alone separate the outcome: without penalty their model has no finite coefficients",
    "the marker separates the outcome: without penalty its coefficient is not finite",
)
(
    NOT_ASSESSED_CODE,
    OUTCOME_CODE,
    CONSTANT_CODE,
    COLLINEAR_CODE,
    COVARIATES_CODE,
    ITERATIONS_CODE,
    SEPARATED_CODE,
    SEPARATED_MARKER_CODE,
) = range(1, 9)

IntArray = NDArray[np.int8]


@dataclass(frozen=True)
class LogisticScan:
    """A logistic model of each of m markers; all arrays have shape (m,), floats are NaN where not `converged`.

    Parameters
    ----------
    coef : array
        Log odds ratio per unit of the marker, adjusted for the covariates; Firth's is finite also with separation.
    se, se_plain : array
        Standard error from the information with the penalty's share in it (R's logistf since 1.25) and
        from that of the patients alone (brglm2).  A Wald p from either says nothing of a separated marker.
        Equal without the penalty.
    p_value : array
        (Penalised) likelihood ratio.
    ci_low, ci_high : array
        Profile-likelihood interval; NaN when it was not asked for.
    loglike, loglike_null : array
        (Penalised) log-likelihood with the marker, and with its coefficient held at 0 (the penalty is
        that of the full model in both).
    converged : array of bool
    reason : array of int8
        Index into :data:`REASONS`; :meth:`note` says it in words.
    n, events : array of int
        Patients in whom the marker was assessed, and those of them with the outcome.
    carriers, carrier_events : array of float
        Patients with marker 1, and those with the outcome; NaN for a marker that is not 0/1.
    p_value_minimum : array
        Smallest two-sided p (Fisher) that any table with these margins can give, whatever the data: a
        filter on it does not look at results.  NaN for a marker that is not 0/1.
    columns : tuple of int
        0-based covariates because of which no model can be fitted.
    """

    coef: FloatArray
    se: FloatArray
    se_plain: FloatArray
    p_value: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    loglike: FloatArray
    loglike_null: FloatArray
    converged: BoolArray
    reason: IntArray
    n: NDArray[np.int64]
    events: NDArray[np.int64]
    carriers: FloatArray
    carrier_events: FloatArray
    p_value_minimum: FloatArray
    columns: tuple[int, ...]

    def note(self, marker: int) -> str:
        """Return in words why a marker has no result ('' when it has)."""
        return NOTES[self.reason[marker]]


def minimum_p_values(n: ArrayLike, events: ArrayLike, carriers: ArrayLike) -> FloatArray:
    """Return the smallest two-sided p of Fisher's test that any 2 x 2 table with these margins can give.

    Parameters
    ----------
    n, events, carriers : array
        Of one shape; NaN gives NaN.

    Notes
    -----
    The hypergeometric distribution has one peak, so the least likely table stands at an end; the other end
    counts when it is as likely (R's tolerance).
    """
    total, with_event, exposed = (np.asarray(value, dtype=np.float64) for value in (n, events, carriers))
    known = ~np.isnan(total + with_event + exposed)
    # a table of logarithms of factorials: scipy's function would take longer to import than all markers need
    factorial = np.array([math.lgamma(i + 1) for i in range(int(total[known].max(initial=0)) + 1)])

    def log_choose(a: FloatArray, b: FloatArray) -> FloatArray:
        whole = [np.where(known, count, 0).astype(np.intp) for count in (a, b, a - b)]
        return np.asarray(factorial[whole[0]] - factorial[whole[1]] - factorial[whole[2]])

    low = np.maximum(0.0, with_event + exposed - total)
    high = np.minimum(exposed, with_event)
    ends = []
    for both in (low, high):
        ends.append(
            np.exp(log_choose(exposed, both) + log_choose(total - exposed, with_event - both) - log_choose(total, with_event))
        )
    first, last = ends
    p = np.where(first <= last * (1 + 1e-7), first, 0.0) + np.where(last <= first * (1 + 1e-7), last, 0.0)
    p = np.where(low == high, 1.0, np.minimum(p, 1.0))
    return np.asarray(np.where(np.isnan(low + high), np.nan, p))


def columns_of_markers(markers: ArrayLike, n: int) -> NDArray[Any]:
    """Return the markers as a two-dimensional array of booleans, integers or floats (one dimension is one marker); nothing is copied."""
    array = np.asarray(markers)
    if array.ndim == 1 and array.size == n:
        array = array.reshape(n, 1)
    if array.ndim != 2 or array.shape[0] != n:
        raise ValueError(f"markers: shape {array.shape} for {n} patients; patients x markers is needed")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"markers: numbers are needed, not {array.dtype}")
    return array
