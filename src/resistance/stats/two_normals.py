"""A score and two normal distributions -> the probability of either class; the distributions from labels or from a mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers

#: fewest scores from which a mixture is fitted
MIN_FOR_MIXTURE = 20
#: fewest scores that each of its parts must hold
MIN_PART = 5
#: how much better (in BIC) two normal distributions must be than one: Kass and Raftery call 6..10 strong
MIN_BIC_GAIN = 6.0


@dataclass(frozen=True)
class TwoNormals:
    """The score's distribution in class 1 and in class 0, each of the same prior weight.

    Parameters
    ----------
    mean_1, sd_1, mean_0, sd_0 : float
    """

    mean_1: float
    sd_1: float
    mean_0: float
    sd_0: float

    def probability(self, score: ArrayLike) -> FloatArray:
        """Return the probability of class 1: its density over the sum of both; NaN stays NaN.

        Computed from the logarithms, so that it is defined where both densities underflow.
        """
        from scipy.special import expit

        return np.asarray(expit(self._log_ratio(score)))

    def probability_0(self, score: ArrayLike) -> FloatArray:
        """Return the probability of class 0, as exact near 0 as near 1."""
        from scipy.special import expit

        return np.asarray(expit(-self._log_ratio(score)))

    def _log_ratio(self, score: ArrayLike) -> FloatArray:
        x = np.asarray(score, dtype=np.float64)
        first, second = (x - self.mean_1) / self.sd_1, (x - self.mean_0) / self.sd_0
        return np.asarray((second**2 - first**2) / 2 + np.log(self.sd_0 / self.sd_1))

    def turned(self, score: ArrayLike) -> BoolArray:
        """Return where the wider class wins on the far side of the other one.

        With unequal standard deviations the wider normal has the higher density at both ends, so that a
        score beyond the mean of class 1 can come out as class 0.  That is no evidence for class 0.
        """
        x = np.asarray(score, dtype=np.float64)
        p = self.probability(x)
        upper, lower = (self.mean_1, self.mean_0), (self.mean_0, self.mean_1)
        beyond_1 = x > upper[0] if upper[0] > upper[1] else x < upper[0]
        beyond_0 = x > lower[0] if lower[0] > lower[1] else x < lower[0]
        return np.asarray((beyond_1 & (p < 0.5)) | (beyond_0 & (p > 0.5)))


def from_labels(scores: ArrayLike, group: Any) -> TwoNormals:
    """Return the mean and standard deviation of the scores of each class (Wright 2003, doi:10.1073/pnas.1732008100).

    Parameters
    ----------
    scores : array, shape (n,)
        NaN is left out.
    group : array of 0 and 1, shape (n,)

    Raises
    ------
    ValueError
        A class with fewer than two scores, or without any spread.

    Examples
    --------
    >>> from_labels([-2.0, -1.0, -1.5, 1.0, 2.0, 1.5], [False, False, False, True, True, True])
    TwoNormals(mean_1=1.5, sd_1=0.5, mean_0=-1.5, sd_0=0.5)
    """
    x = np.asarray(scores, dtype=np.float64)
    one = flags(group, "group", x.size)
    parts = [x[which & ~np.isnan(x)] for which in (one, ~one)]
    if any(part.size < 2 or np.ptp(part) == 0 for part in parts):
        raise ValueError("scores: each class needs two scores that differ")
    (mean_1, sd_1), (mean_0, sd_0) = ((float(part.mean()), float(part.std(ddof=1))) for part in parts)
    return TwoNormals(mean_1, sd_1, mean_0, sd_0)


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions fitted to unlabelled scores.

    Parameters
    ----------
    normals : TwoNormals or None
        Class 1 is the one with the higher mean; None where the scores do not show two groups.
    share_1 : float
        Share of class 1 in the mixture.
    bic_gain : float
        BIC of one normal minus BIC of two: evidence for two.
    converged : bool
    note : str
        Why there are no two groups; '' where there are.
    """

    normals: TwoNormals | None
    share_1: float
    bic_gain: float
    converged: bool
    note: str


def from_mixture(scores: ArrayLike) -> Mixture:
    """Fit two normal distributions to scores without labels, and say whether the scores show two groups at all.

    Parameters
    ----------
    scores : array, shape (n,)
        Without missing values.

    Returns
    -------
    Mixture
        Deterministic: the expectation-maximisation starts at the halves below and above each of three
        quantiles (.3, .5, .7), and the fit of highest likelihood is taken.

    Raises
    ------
    ValueError
        A missing value.

    Notes
    -----
    Schwarz 1978, doi:10.1214/aos/1176344136; Kass and Raftery 1995, doi:10.1080/01621459.1995.10476572.  The
    fit is scikit-learn's ``GaussianMixture``.  Means and spreads are those of the cohort: a cohort of one
    class still gives a fit, and only the gain in BIC says that it should not be used.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    x = numbers(scores, "scores")
    nothing = np.nan
    if x.size < MIN_FOR_MIXTURE:
        return Mixture(None, nothing, nothing, False, f"{x.size} scores, fewer than {MIN_FOR_MIXTURE}")
    spread = x.std()
    if spread == 0:
        return Mixture(None, nothing, nothing, False, "all scores are equal")
    z = ((x - x.mean()) / spread)[:, None]
    one = GaussianMixture(1, reg_covar=1e-9).fit(z)
    best: GaussianMixture | None = None
    for level in (0.3, 0.5, 0.7):
        high = z[:, 0] > np.quantile(z, level)
        if not high.any() or high.all():
            continue
        means = np.array([[z[~high].mean()], [z[high].mean()]])
        precisions = np.array([[[1 / max(z[part].var(), 1e-3)]] for part in (~high, high)])
        model = GaussianMixture(
            2, tol=1e-8, max_iter=500, reg_covar=1e-6, means_init=means, precisions_init=precisions,
            weights_init=np.array([1 - high.mean(), high.mean()]),
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told below
            model.fit(z)
        if best is None or model.score(z) > best.score(z):
            best = model
    if best is None:
        return Mixture(None, nothing, nothing, False, "nearly all scores are equal")
    gain = float(one.bic(z) - best.bic(z))
    high_first = np.argsort(best.means_[:, 0])[::-1]
    mean = best.means_[high_first, 0] * spread + x.mean()
    sd = np.sqrt(best.covariances_[high_first, 0, 0]) * spread
    share = float(best.weights_[high_first[0]])
    smaller = min(share, 1 - share) * x.size
    reasons = []
    if not best.converged_:
        reasons.append("the fit did not converge")
    if gain < MIN_BIC_GAIN:
        reasons.append(f"two groups are no better than one (gain in BIC {gain:.1f}, {MIN_BIC_GAIN:g} needed)")
    if smaller < MIN_PART:
        reasons.append(f"one of the groups holds {smaller:.1f} scores, fewer than {MIN_PART}")
    if abs(mean[0] - mean[1]) < max(sd):
        reasons.append("one group lies within the other (their means are less than one standard deviation apart)")
    normals = None if reasons else TwoNormals(float(mean[0]), float(sd[0]), float(mean[1]), float(sd[1]))
    return Mixture(normals, share, gain, bool(best.converged_), "; ".join(reasons))


def called(normals: TwoNormals, score: FloatArray, cut: float) -> NDArray[np.int8]:
    """Return 1, 0, or -1 (neither): the class whose probability is at least `cut`.

    A score beyond one class that the other's wider spread would claim (:meth:`TwoNormals.turned`) is called neither.
    """
    out = np.full(score.shape, -1, dtype=np.int8)
    out[normals.probability(score) >= cut] = 1
    out[normals.probability_0(score) >= cut] = 0
    out[normals.turned(score)] = -1
    return out
