"""Features, weights and each class's mean and spread -> PRPS: how much better the sample fits class 1 than class 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats._threads import one_thread
from resistance.stats.linear_score import Score, checked_values
from resistance.stats.moderated_t import two_sided_t

#: added to the difference and to the spread: keeps a very small spread from ruling the score
OFFSET = 0.01
#: added to each p before the logarithm
FLOOR = 1e-8
#: features with a smaller spread in either class are left out
LEAST_SD = 1e-4


@dataclass(frozen=True)
class ClassMoments:
    """Mean and standard deviation of m features in two classes, and the degrees of freedom of each class.

    Parameters
    ----------
    mean_1, mean_0, sd_1, sd_0 : array, shape (m,)
    df_1, df_0 : int
        Samples of the class, less one.
    """

    mean_1: FloatArray
    mean_0: FloatArray
    sd_1: FloatArray
    sd_0: FloatArray
    df_1: int
    df_0: int


@one_thread
def probability_ratio_score(values: NDArray[Any], weights: ArrayLike, moments: ClassMoments) -> Score:
    """Return the probability ratio based score: |weight| times log10 (p in class 1 / p in class 0), summed.

    Parameters
    ----------
    values : array, shape (m, n)
        The score's features in rows, samples in columns; a missing value adds nothing.
    weights : array, shape (m,)
        Their sign plays no part: the class means give the direction.
    moments : ClassMoments

    Returns
    -------
    Score
        0 is the natural border between the classes.

    Raises
    ------
    ValueError
        Another shape, or a number that is not finite.

    Notes
    -----
    Ennishi et al. 2019, doi:10.1200/JCO.18.01583; Jiang et al. 2020 (Blood Cancer Discov 1(3):244), with
    the offsets of the R package PRPS 1.1: p is two-sided, of t = (x - mean + .01) / (sd + .01).
    """
    x, w = checked_values(values, weights)
    m = x.shape[0]
    mean = [numbers(part, "means", m) for part in (moments.mean_1, moments.mean_0)]
    sd = [numbers(part, "standard deviations", m) for part in (moments.sd_1, moments.sd_0)]
    used = (sd[0] >= LEAST_SD) & (sd[1] >= LEAST_SD)
    logs = []
    for of_class, spread, df in zip(mean, sd, (moments.df_1, moments.df_0), strict=True):
        t = (x - of_class[:, None] + OFFSET) / (spread[:, None] + OFFSET)
        logs.append(np.log10(two_sided_t(t, np.full(t.shape, float(df))) + FLOOR))
    terms = np.abs(w)[:, None] * (logs[0] - logs[1])
    known = ~np.isnan(x) & used[:, None]
    total = np.abs(w).sum()
    missing = np.minimum(np.abs(w) @ ~known / total, 1.0) if total > 0 else np.full(x.shape[1], np.nan)
    return Score(np.where(known.any(axis=0), np.where(known, terms, 0.0).sum(axis=0), np.nan), missing)
