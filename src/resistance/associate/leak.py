"""Numbers and an outcome -> whether a number is the outcome itself, or a mirror of it, in every patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.associate.methods import Sample

#: distance from 1 below which a correlation is one, and below which it is looked at once more
ONE, NEAR = 1e-9, 1e-6


def same_as_outcome(sample: Sample, kind: str) -> str:
    """Return the complaint where a column of the model is the outcome itself; '' where none is."""
    outcome = sample.time if kind == "time_to_event" else sample.value
    columns = [] if sample.flag else [(sample.names[0], sample.term)]
    columns += [(name, sample.covariates[:, i]) for i, name in enumerate(sample.names[sample.terms.shape[1] :])]
    for name, values in columns:
        varied = len(values) > 4 and np.unique(values).size > 2 and np.unique(outcome).size > 1
        if varied and abs(float(np.corrcoef(values, outcome)[0, 1])) > 1 - ONE:
            return f"no estimate: {name} is the outcome itself (correlation 1), so it cannot explain it"
    return ""


def correlation_is_one(columns: NDArray[np.float64], outcome: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
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
    x = np.where(known, x - x.sum(axis=0) / n, 0.0)
    y = np.where(known, y - y.sum(axis=0) / n, 0.0)
    both = (x * y).sum(axis=0)
    size = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return np.asarray((size > 0) & (np.abs(both) > (1 - tolerance) * size), dtype=np.bool_)
