"""Numbers and an outcome -> whether a number is the outcome itself, or a mirror of it, in every patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.associate.methods import Sample

FloatArray = NDArray[np.float64]

#: distance from 1 below which a correlation is one, and below which it is looked at once more
ONE, NEAR = 1e-9, 1e-6
#: fewer patients may agree by chance; as many different values do not fall into the outcome's order by chance (2 in 8!)
PATIENTS, DISTINCT = 5, 8


def same_as_outcome(sample: Sample, kind: str) -> str:
    """Return the complaint where a column of the model is the outcome itself; '' where none is.

    A number is, with a correlation of 1, or where it puts all patients in the outcome's order (a logarithm
    of it).  A covariate of two values is, where it says who had the outcome: nothing is left for a marker to explain.
    Of the marker itself that is an extreme answer, see :func:`says_the_outcome`.
    """
    outcome = sample.time if kind == "time_to_event" else sample.value
    columns = [] if sample.flag else [(sample.names[0], sample.term)]
    covariates = [(name, sample.covariates[:, i]) for i, name in enumerate(sample.names[sample.terms.shape[1] :])]
    for name, values in (*columns, *covariates):
        if len(values) < PATIENTS or np.unique(values).size < 3 or np.unique(outcome).size < 2:
            continue
        if correlation_is_one(values[:, None], outcome, ONE)[0]:
            return f"no estimate: {name} is the outcome itself (correlation 1), so it cannot explain it"
        if in_the_same_order(values[:, None], outcome)[0]:
            return f"no estimate: {name} is the outcome itself (it has the same order in every patient), so it cannot explain it"
    for name, values in covariates:
        if _agrees(values, sample, kind):
            return (
                f"no estimate: {name} is the outcome itself (it says of every patient who had it), so nothing is left to explain"
            )
    return ""


def says_the_outcome(sample: Sample, kind: str) -> str:
    """Return the warning where the marker alone says of every patient who had the outcome: it may have been made from it."""
    if not _agrees(sample.term, sample, kind):
        return ""
    return f"{sample.names[sample.tested]} says of every patient who had the outcome: is one of them made from the other?"


def _agrees(values: FloatArray, sample: Sample, kind: str) -> bool:
    outcome = sample.event.astype(np.float64) if kind in ("binary", "time_to_event") else sample.value
    if len(values) < PATIENTS or np.unique(values).size != 2 or np.unique(outcome).size != 2:
        return False
    return bool(correlation_is_one(values[:, None], outcome, ONE)[0])


def correlation_is_one(columns: FloatArray, outcome: FloatArray, tolerance: float) -> NDArray[np.bool_]:
    """Return which columns (NaN: not known) have a correlation of 1 or -1 with the outcome but for the tolerance.

    Parameters
    ----------
    columns : array, shape (n, m)
    outcome : array, shape (n,)
    tolerance : float
    """
    known = ~np.isnan(columns)
    n = np.maximum(known.sum(axis=0), 1)
    y = np.where(known, outcome[:, None], 0.0)
    x = np.where(known, columns, 0.0)
    # squares of a very large or small unit would overflow or vanish
    x = x / _largest(x)
    y = y / _largest(y)
    x = np.where(known, x - x.sum(axis=0) / n, 0.0)
    y = np.where(known, y - y.sum(axis=0) / n, 0.0)
    both = (x * y).sum(axis=0)
    size = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return np.asarray((size > 0) & (np.abs(both) > (1 - tolerance) * size), dtype=np.bool_)


def in_the_same_order(columns: FloatArray, outcome: FloatArray) -> NDArray[np.bool_]:
    """Return which columns (NaN: not known) rise, or fall, with the outcome from patient to patient, with enough different values."""
    rising = columns[np.argsort(outcome, kind="stable")]
    known = ~np.isnan(rising)
    found = np.zeros(columns.shape[1], dtype=bool)
    whole = np.asarray(known.all(axis=0))
    if whole.any():
        steps = np.diff(rising[:, whole], axis=0)
        found[whole] = (steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)
    for j in np.flatnonzero(~whole & known.any(axis=0)):
        steps = np.diff(rising[known[:, j], j])
        found[j] = bool((steps >= 0).all() or (steps <= 0).all())
    for j in np.flatnonzero(found):
        here = ~np.isnan(columns[:, j])
        found[j] = min(np.unique(columns[here, j]).size, np.unique(outcome[here]).size) >= DISTINCT
    return found


def _largest(values: FloatArray) -> FloatArray:
    largest = np.abs(values).max(axis=0, initial=0.0)
    return np.where(largest > 0, largest, 1.0)
