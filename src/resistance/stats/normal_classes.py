"""A score and a normal density per class -> the probability of each class (Bayes' rule, equal priors)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def class_probabilities(
    score: ArrayLike, means: Sequence[float], sds: Sequence[float], *, priors: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """Return the probability of each class given a score.

    Parameters
    ----------
    score : array_like, shape (n,)
        NaN gives NaN.
    means, sds : sequence of float, length k
        Of the score in each class; sds above 0.
    priors : sequence of float, length k, optional
        Of the classes; default equal.

    Returns
    -------
    ndarray, shape (n, k)
        Rows add up to 1.  Computed from log densities: far in the tails of all classes, where the
        densities themselves are 0, their ratio is still known.

    Raises
    ------
    ValueError
        Lengths that differ, or a standard deviation that is not above 0.

    Notes
    -----
    With unequal standard deviations the probability of the narrower class falls again far outside on
    its own side, since the wider density is then the higher one: see :func:`far_outside`.

    References
    ----------
    Wright G et al. PNAS 2003; 100:9991-9996.  doi:10.1073/pnas.1732008100

    Examples
    --------
    >>> class_probabilities([1907.8, 2433.5], [3215.973, 891.9562], [468.9292, 595.508])[:, 0].round(2)
    array([0.1, 0.9])
    """
    mean, sd = np.asarray(means, dtype=float), np.asarray(sds, dtype=float)
    prior = np.full(len(mean), 1 / len(mean)) if priors is None else np.asarray(priors, dtype=float)
    if not len(mean) == len(sd) == len(prior):
        raise ValueError("means, sds and priors must have one entry per class")
    if not (sd > 0).all():
        raise ValueError("standard deviations must be above 0")
    x = np.asarray(score, dtype=float)[:, None]
    log_density = -0.5 * ((x - mean) / sd) ** 2 - np.log(sd) + np.log(prior)
    # the ratio of densities is what counts: subtracting the highest keeps one of them at 1
    weight = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def score_at(probability: float, means: Sequence[float], sds: Sequence[float]) -> float:
    """Return the score between the two means at which the first class has a probability.

    Parameters
    ----------
    probability : float
        Of the first class, 0..1.
    means, sds : sequence of float, length 2
        The class with the higher mean first.

    Raises
    ------
    ValueError
        The probability is not reached between the two means.

    Examples
    --------
    >>> [round(score_at(p, [3215.973, 891.9562], [468.9292, 595.508]), 1) for p in (0.1, 0.9)]
    [1907.8, 2433.5]
    """
    from scipy.optimize import brentq

    def excess(score: float) -> float:
        return float(class_probabilities([score], means, sds)[0, 0]) - probability

    high, low = float(means[0]), float(means[1])
    if excess(low) > 0 or excess(high) < 0:
        raise ValueError(f"no score between {low:g} and {high:g} gives the first class the probability {probability:g}")
    return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14))


def far_outside(score: ArrayLike, means: Sequence[float], sds: Sequence[float], *, by: float = 4.0) -> NDArray[np.bool_]:
    """Return which scores lie more than `by` standard deviations from the mean of every class.

    There the probabilities compare two densities that both say "never seen": a score that no class
    explains is still given to one of them with near certainty.

    Parameters
    ----------
    score : array_like, shape (n,)
        NaN is not outside.
    means, sds : sequence of float, length k
    by : float
        Standard deviations.

    Examples
    --------
    >>> far_outside([0, 5, 9], [0, 10], [1, 1])
    array([False,  True, False])
    """
    x = np.asarray(score, dtype=float)[:, None]
    away = np.abs(x - np.asarray(means, dtype=float)) / np.asarray(sds, dtype=float)
    return np.asarray((away > by).all(axis=1))
