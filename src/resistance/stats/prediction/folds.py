"""An outcome and patients -> fold numbers: balanced for the outcome, all rows of a patient together; labels permuted by patient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import codes
from resistance.stats.prediction.outcomes import Outcome


def patient_codes(groups: Any, n: int) -> NDArray[np.intp]:
    """Return the patient's number for each row (rows themselves where `groups` is None)."""
    return np.arange(n, dtype=np.intp) if groups is None else codes(groups, "groups", n)


def stratified_folds(outcome: Outcome, n_folds: int, rng: np.random.Generator, groups: Any = None) -> NDArray[np.intp]:
    """Deal patients to folds at random, each outcome evenly.

    Parameters
    ----------
    outcome : Outcome
    n_folds : int
    rng : numpy.random.Generator
    groups : array, shape (n,), optional
        Patient of each row; a patient's label is the highest of its rows'.

    Returns
    -------
    array of int, shape (n,)
        0 to n_folds - 1.  Fold sizes differ by one patient at most, and so do the counts of each label.

    Raises
    ------
    ValueError
        Fewer than two folds, or fewer patients than folds.
    """
    patient = patient_codes(groups, outcome.n)
    count = int(patient.max(initial=-1)) + 1
    if n_folds < 2:
        raise ValueError("folds: at least 2 are needed")
    if count < n_folds:
        raise ValueError(f"folds: {n_folds} folds of {count} patient(s)")
    label = np.zeros(count, dtype=np.intp)
    np.maximum.at(label, patient, outcome.labels())
    order = rng.permutation(count)
    order = order[np.argsort(label[order], kind="stable")]
    fold = np.empty(count, dtype=np.intp)
    # dealing goes on from one label to the next, or the first folds would get every remainder
    fold[order] = (np.arange(count) + rng.integers(n_folds)) % n_folds
    return fold[patient]


def permuted(outcome: Outcome, rng: np.random.Generator, groups: Any = None) -> Outcome:
    """Return the outcome with its labels dealt out anew, among patients who have as many rows.

    The rows of a patient keep the labels of one other patient together, so that nothing but the link between
    columns and outcome is broken.
    """
    patient = patient_codes(groups, outcome.n)
    rows = np.argsort(patient, kind="stable")
    sizes = np.bincount(patient)
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    source = np.empty(outcome.n, dtype=np.intp)
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        shuffled = rng.permutation(which)
        for to, of in zip(which, shuffled, strict=True):
            source[rows[start[to] : start[to] + size]] = rows[start[of] : start[of] + size]
    return outcome.take(source)


def bootstrap_weights(patient: NDArray[np.intp], n_bootstraps: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return how often each row is drawn, shape (n_bootstraps, n), when patients are drawn with replacement."""
    count = int(patient.max(initial=-1)) + 1
    drawn = np.empty((n_bootstraps, count), dtype=np.int64)
    for b in range(n_bootstraps):
        drawn[b] = np.bincount(rng.integers(count, size=count), minlength=count)
    return drawn[:, patient]
