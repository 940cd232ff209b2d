"""Features and weights, no labels -> PRPS-ST: classes that stay the same whatever share is assumed, then scores against those.

Which samples are of which class is unknown.  For each assumed share of class 1 every feature is cut at
that quantile (in the direction of its weight), its two parts give provisional class means and spreads,
and two normal distributions are fitted to the scores that follow.  Samples that fall on one side at
every share, and on the other with all weights turned round, are stable; they alone teach the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.linear_score import Score, checked_values
from resistance.stats.probability_ratio import ClassMoments, probability_ratio_score
from resistance.stats.two_normals import TwoNormals, from_labels

#: shares of class 1 that are assumed
SHARES = tuple(round(0.05 * k, 2) for k in range(1, 20))
#: fewest stable samples of a class
MIN_STABLE = 3
#: relative change of the log likelihood at which the mixture stops, as mclust
TOLERANCE, STEPS = 1e-5, 1000


@dataclass(frozen=True)
class SelfTrained:
    """Scores of samples without labels.

    Parameters
    ----------
    scored : Score
        PRPS against the stable samples; NaN everywhere where there are too few of them.
    normals : TwoNormals or None
        Of the scores of the stable samples.
    stable_1, stable_0 : array of bool, shape (n,)
    note : str
        Why there are no scores; '' where there are.
    moments : ClassMoments or None
        Of the stable samples, by which further samples can be scored; a feature that takes no part has a spread of 0.
    """

    scored: Score
    normals: TwoNormals | None
    stable_1: BoolArray
    stable_0: BoolArray
    note: str
    moments: ClassMoments | None = None


def self_train(values: NDArray[Any], weights: ArrayLike, *, shares: tuple[float, ...] = SHARES) -> SelfTrained:
    """Score samples by PRPS with class means that come from the samples themselves.

    Parameters
    ----------
    values : array, shape (m, n)
        Features in rows, samples in columns; a missing value adds nothing.  A feature that a stable
        sample lacks takes no part in the final score, as in the published program.
    weights : array, shape (m,)
        Positive: higher in class 1.
    shares : tuple of float
        Shares of class 1 that are assumed.

    Returns
    -------
    SelfTrained

    Raises
    ------
    ValueError
        Another shape, or a weight that is not finite.

    Notes
    -----
    Jiang et al. 2020 (Blood Cancer Discov 1(3):244), as ``PRPSstableSLwithWeights`` of the R package PRPS 1.1;
    its mixtures are those of mclust (equal or unequal variances, by BIC, from the halves of the scores).
    """
    x, w = checked_values(values, weights)
    n = x.shape[1]
    nothing = Score(np.full(n, np.nan), np.ones(n))
    high = _always(x, w, shares)
    low_high, low_low = _always(x, -w, shares)
    # turned round, class 1 scores low
    stable_1, stable_0 = high[0] & low_low, high[1] & low_high
    if min(stable_1.sum(), stable_0.sum()) < MIN_STABLE:
        note = (
            f"{int(stable_1.sum())} and {int(stable_0.sum())} samples stay in one class whatever share is assumed, {MIN_STABLE} of each "
            "are needed"
        )
        return SelfTrained(nothing, None, stable_1, stable_0, note)
    moments = _moments(x[:, stable_1], x[:, stable_0])
    known = np.isfinite(moments.mean_1 + moments.mean_0 + moments.sd_1 + moments.sd_0)
    if not known.any():
        return SelfTrained(nothing, None, stable_1, stable_0, "no feature is known in all stable samples")
    mean_1, mean_0, sd_1, sd_0 = (
        np.where(known, part, 0.0) for part in (moments.mean_1, moments.mean_0, moments.sd_1, moments.sd_0)
    )
    filled = ClassMoments(mean_1, mean_0, sd_1, sd_0, moments.df_1, moments.df_0)
    scored = probability_ratio_score(x, w, filled)  # a spread of 0 leaves the feature out
    try:
        normals = from_labels(scored.score[stable_1 | stable_0], stable_1[stable_1 | stable_0])
    except ValueError:
        return SelfTrained(nothing, None, stable_1, stable_0, "the scores of the stable samples do not differ")
    return SelfTrained(scored, normals, stable_1, stable_0, "", filled)


def _moments(one: FloatArray, zero: FloatArray) -> ClassMoments:
    """Return class moments; NaN for a feature that a sample lacks."""
    return ClassMoments(
        one.mean(axis=1),
        zero.mean(axis=1),
        one.std(axis=1, ddof=1),
        zero.std(axis=1, ddof=1),
        one.shape[1] - 1,
        zero.shape[1] - 1,
    )


def _always(x: FloatArray, w: FloatArray, shares: tuple[float, ...]) -> tuple[BoolArray, BoolArray]:
    """Return the samples that are in the upper, and in the lower, part of the scores at every share."""
    n = x.shape[1]
    upper, lower = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    for share in shares:
        score = probability_ratio_score(x, w, _split(x, w, share)).score
        above = _upper_part(score)
        upper &= above
        lower &= ~above & ~np.isnan(score)
    return upper, lower


def _split(x: FloatArray, w: FloatArray, share: float) -> ClassMoments:
    """Return the moments of each feature's two parts, when `share` of the samples are class 1."""
    negative = w < 0
    cut = np.nanquantile(x, np.array([share, 1 - share]), axis=1)
    border = np.where(negative, cut[0], cut[1])[:, None]
    with np.errstate(invalid="ignore"):
        one = np.where(negative[:, None], x <= border, x >= border)
    known = ~np.isnan(x)
    parts = []
    for which in (one & known, ~one & known):
        n = which.sum(axis=1)
        mean = np.divide(np.where(which, x, 0.0).sum(axis=1), n, out=np.zeros(n.size), where=n > 0)
        ss = np.where(which, x - mean[:, None], 0.0) ** 2
        # one value has no spread: its feature takes no part, which a spread of 0 says
        parts.append((mean, np.sqrt(np.divide(ss.sum(axis=1), n - 1, out=np.zeros(n.size), where=n > 1))))
    total = x.shape[1]
    df_1 = int(share * total) - 1
    return ClassMoments(parts[0][0], parts[1][0], parts[0][1], parts[1][1], max(df_1, 1), max(total - df_1 - 2, 1))


def _upper_part(score: FloatArray) -> BoolArray:
    """Return which scores belong to the upper of two normal distributions (equal or unequal variances, by BIC)."""
    known = score[~np.isnan(score)]
    if known.size < 4 or np.ptp(known) == 0:
        return np.zeros(score.size, dtype=bool)
    fits = [_mixture(known, equal=equal) for equal in (True, False)]
    _, mean, sd, share = max(fits, key=lambda fit: fit[0])
    logs = [-0.5 * ((score - mean[k]) / sd[k]) ** 2 - np.log(sd[k]) + np.log(share[k]) for k in (0, 1)]
    upper = int(np.argmax(mean))
    with np.errstate(invalid="ignore"):
        return np.asarray(logs[upper] > logs[1 - upper])


def _mixture(x: FloatArray, *, equal: bool) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Return BIC (higher is better), means, standard deviations and shares of two normal distributions."""
    n = x.size
    z = np.zeros((n, 2))
    z[np.arange(n), (x > np.quantile(x, 0.5)).astype(int)] = 1.0
    before = -np.inf
    least = 1e-6 * x.std()
    mean, sd, share, likelihood = np.zeros(2), np.ones(2), np.full(2, 0.5), -np.inf
    for _ in range(STEPS):
        size = np.maximum(z.sum(axis=0), 1e-12)
        share = size / n
        mean = (z * x[:, None]).sum(axis=0) / size
        square = (z * (x[:, None] - mean) ** 2).sum(axis=0)
        sd = np.full(2, np.sqrt(square.sum() / n)) if equal else np.sqrt(square / size)
        sd = np.maximum(sd, least)
        logs = np.log(share) - 0.5 * ((x[:, None] - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
        top = logs.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(logs - top).sum(axis=1))
        likelihood = float(total.sum())
        z = np.exp(logs - total[:, None])
        if abs(likelihood - before) < TOLERANCE * (1 + abs(likelihood)):
            break
        before = likelihood
    return 2 * likelihood - (4 if equal else 5) * np.log(n), mean, sd, share
