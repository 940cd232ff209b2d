"""Binary matrix with gaps -> a mixture of products of Bernoulli distributions: fit, choice of the number of classes, posteriors.

Entries that were not observed are marginalised: they add nothing to the likelihood, so a sample
with half of its features unseen has a wider posterior, and no unseen feature counts as absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.stats._threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: probabilities stay this far from 0 and 1, so that an event never seen in a class makes it unlikely, not impossible
_LEAST = 1e-6
#: iterations after which the hopeless starts are given up
_SHORT = 15
#: starts that are followed to the end
_KEPT = 3


@dataclass(frozen=True)
class BernoulliMixture:
    """A fitted mixture of k classes over d binary features.

    Parameters
    ----------
    weights : ndarray, shape (k,)
        Share of each class, largest first.
    probabilities : ndarray, shape (k, d)
        Probability of each feature in each class.
    log_likelihood : float
        Of the observed entries at the estimate (without the prior).
    bic, icl : float
        -2 log likelihood + parameters x log(n); ICL adds twice the entropy of the assignment.  Smaller is better.
    n : int
        Samples of the fit with at least one observed entry.
    iterations : int
        Of the start that won.
    converged : bool
        The last step gained less than the tolerance per sample.
    pseudo_count : float
        The prior of the fit.
    """

    weights: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    log_likelihood: float
    bic: float
    icl: float
    n: int
    iterations: int
    converged: bool
    pseudo_count: float

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.weights)

    @property
    def n_parameters(self) -> int:
        """Free parameters: k - 1 shares and k x d probabilities."""
        return self.k - 1 + self.probabilities.size


class _Observed:
    """The matrix as two sparse parts: ones, and entries that were not observed (events are rare, so are gaps)."""

    def __init__(self, data: ArrayLike) -> None:
        from scipy.sparse import csr_array

        values = np.asarray(data, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] == 0:
            raise ValueError("the matrix needs two dimensions and at least one feature")
        gaps = np.isnan(values)
        if not (gaps | (values == 0) | (values == 1)).all():
            raise ValueError("the matrix holds values other than 0, 1 and NaN")
        self.shape = values.shape
        self.ones = csr_array((values == 1).astype(np.float64))
        self.gaps = csr_array(gaps.astype(np.float64)) if gaps.any() else None
        self.seen: NDArray[np.bool_] = np.asarray(~gaps.all(axis=1), dtype=np.bool_)

    def log_density(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log P(observed entries | class), shape (n, k)."""
        absent = np.log1p(-probabilities)
        out = self.ones @ (np.log(probabilities) - absent).T + absent.sum(axis=1)
        if self.gaps is not None:
            out -= self.gaps @ absent.T
        return np.asarray(out, dtype=np.float64)

    def estimate(self, share: NDArray[np.float64], pseudo_count: float) -> NDArray[np.float64]:
        """Return the probabilities given the posteriors `share`, shape (k, d)."""
        total = share.sum(axis=0)[:, None]
        if self.gaps is not None:
            total = total - (self.gaps.T @ share).T
        hit = (self.ones.T @ share).T
        # where a class has seen nothing of a feature, nothing is known: the fallback is even odds
        ratio = (hit + pseudo_count) / np.maximum(total + 2 * pseudo_count, 1e-300)
        return np.asarray(np.clip(np.where(total + pseudo_count > 0, ratio, 0.5), _LEAST, 1 - _LEAST))


@one_thread
def fit_bernoulli_mixture(
    data: ArrayLike,
    k: int,
    *,
    rng: np.random.Generator,
    restarts: int = 20,
    pseudo_count: float = 0.5,
    tolerance: float = 1e-7,
    max_iterations: int = 2000,
) -> BernoulliMixture:
    """Fit a mixture of `k` classes by EM from several random starts.

    Parameters
    ----------
    data : array_like, shape (n, d)
        0, 1 or NaN (not observed).
    k : int
        Classes, 1 or more.
    rng : numpy.random.Generator
        Source of the starts; the same generator gives the same fit.
    restarts : int
        Random starts.  All take some steps, the best three go on until they converge, and the one
        with the highest posterior density wins.
    pseudo_count : float
        Symmetric beta prior of every probability, and Dirichlet prior of the shares, as observations
        added to each cell: 0 is maximum likelihood.
    tolerance : float
        Gain of the objective per sample below which EM stops.
    max_iterations : int
        Steps of one start; beyond them ``converged`` is False.

    Returns
    -------
    BernoulliMixture
        Classes from the largest to the smallest.  A row without any observed entry takes no part.

    Raises
    ------
    ValueError
        Values other than 0, 1 and NaN; no observed row; fewer rows than classes.

    References
    ----------
    Lacy SE et al. Blood 2020; 135:1759-1771 (DLBCL, 117 features). McLachlan, Peel: Finite Mixture Models, 2000.
    Biernacki C et al. IEEE PAMI 2000; 22:719-725 (ICL). Biernacki C et al. CSDA 2003; 41:561-575 (short runs of EM).

    Examples
    --------
    >>> x = np.array([[1, 1, 0], [1, 1, 0], [1, np.nan, 0], [0, 0, 1], [0, 0, 1]])
    >>> found = fit_bernoulli_mixture(x, 2, rng=np.random.default_rng(1))
    >>> bernoulli_posterior(found, x).argmax(axis=1).tolist()
    [0, 0, 0, 1, 1]
    """
    observed = _Observed(data)
    rows = int(observed.seen.sum())
    if k < 1 or rows < k:
        raise ValueError(f"{rows} rows with an observed entry cannot be {k} classes")
    if restarts < 1 or max_iterations < 1 or pseudo_count < 0:
        raise ValueError("restarts and max_iterations are at least 1, pseudo_count is not negative")
    use = observed.seen[:, None].astype(np.float64)
    starts = [_start(observed, k, rng, pseudo_count) for _ in range(1 if k == 1 else restarts)]
    short = [_climb(observed, use, *start, pseudo_count, tolerance, min(_SHORT, max_iterations)) for start in starts]
    order = sorted(range(len(short)), key=lambda i: (-short[i].objective, i))
    best = None
    for i in order[:_KEPT]:
        run = short[i]
        if not run.converged and run.iterations < max_iterations:
            more = _climb(observed, use, run.weights, run.probabilities, pseudo_count, tolerance, max_iterations - run.iterations)
            run = more._after(run.iterations)
        if best is None or run.objective > best.objective + 1e-9 * abs(best.objective):
            best = run
    assert best is not None
    return _finished(observed, use, best, rows, pseudo_count)


def choose_bernoulli_mixture(
    data: ArrayLike, ks: Sequence[int], *, rng: np.random.Generator, criterion: str = "icl", **settings: Any
) -> tuple[BernoulliMixture, dict[int, BernoulliMixture]]:
    """Fit every number of classes and choose by BIC or ICL.

    Parameters
    ----------
    data, rng, **settings
        As in :func:`fit_bernoulli_mixture`.
    ks : sequence of int
        Numbers of classes to try.
    criterion : {'icl', 'bic'}

    Returns
    -------
    best : BernoulliMixture
        The smallest value of the criterion; of equal ones the fewest classes.
    fits : dict of int to BernoulliMixture
        Every fit by its number of classes.

    Raises
    ------
    ValueError
        An unknown criterion, no number of classes, or what :func:`fit_bernoulli_mixture` refuses.
    """
    if criterion not in ("icl", "bic"):
        raise ValueError(f"criterion '{criterion}' is neither icl nor bic")
    if not ks:
        raise ValueError("no number of classes to try")
    fits = {k: fit_bernoulli_mixture(data, k, rng=rng, **settings) for k in sorted(set(ks))}
    best = min(fits, key=lambda k: (getattr(fits[k], criterion), k))
    return fits[best], fits


@one_thread
def bernoulli_posterior(mixture: BernoulliMixture, data: ArrayLike) -> NDArray[np.float64]:
    """Return the posterior probability of each class, marginalised over what was not observed.

    Parameters
    ----------
    mixture : BernoulliMixture
    data : array_like, shape (n, d)
        0, 1 or NaN, features in the order of the fit.

    Returns
    -------
    ndarray, shape (n, k)
        Rows add up to 1; a row without any observed entry has the shares of the classes.
    """
    observed = _Observed(data)
    if observed.shape[1] != mixture.probabilities.shape[1]:
        raise ValueError(f"the matrix has {observed.shape[1]} features, the mixture {mixture.probabilities.shape[1]}")
    return _posterior(observed.log_density(mixture.probabilities), mixture.weights)[0]


@dataclass(frozen=True)
class _Run:
    weights: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    objective: float
    iterations: int
    converged: bool

    def _after(self, earlier: int) -> _Run:
        return _Run(self.weights, self.probabilities, self.objective, self.iterations + earlier, self.converged)


def _start(
    observed: _Observed, k: int, rng: np.random.Generator, pseudo_count: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a start: shares alike, probabilities between those of all samples and those of k samples drawn at random."""
    n = observed.shape[0]
    overall = observed.estimate(observed.seen[:, None].astype(np.float64), max(pseudo_count, 0.5))
    drawn = rng.choice(np.flatnonzero(observed.seen), size=k, replace=False)
    one = np.zeros((n, k))
    one[drawn, np.arange(k)] = 1.0
    own = observed.estimate(one, 0.5)
    if k == 1:
        return np.ones(1), overall
    return np.full(k, 1 / k), np.clip(0.5 * overall + 0.5 * own, _LEAST, 1 - _LEAST)


def _posterior(density: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return posteriors, shape (n, k), and the log likelihood of each row."""
    joint = density + np.log(weights)
    top = joint.max(axis=1, keepdims=True)
    share = np.exp(joint - top)
    total = share.sum(axis=1, keepdims=True)
    return share / total, (top + np.log(total))[:, 0]


def _climb(
    observed: _Observed,
    use: NDArray[np.float64],
    weights: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    pseudo_count: float,
    tolerance: float,
    steps: int,
) -> _Run:
    rows, before, converged, taken = float(use.sum()), -np.inf, False, 0
    objective = before
    for step in range(1, steps + 1):
        taken = step
        share, log_rows = _posterior(observed.log_density(probabilities), weights)
        objective = float(log_rows @ use[:, 0]) + _log_prior(weights, probabilities, pseudo_count)
        if objective - before < tolerance * rows:
            converged = True
            break
        before = objective
        share = share * use
        weights = (share.sum(axis=0) + pseudo_count) / (rows + len(weights) * pseudo_count)
        weights = np.maximum(weights, 1e-300)
        probabilities = observed.estimate(share, pseudo_count)
    return _Run(weights, probabilities, objective, taken, converged)


def _log_prior(weights: NDArray[np.float64], probabilities: NDArray[np.float64], pseudo_count: float) -> float:
    if pseudo_count == 0:
        return 0.0
    inside = np.log(probabilities).sum() + np.log1p(-probabilities).sum() + np.log(weights).sum()
    return float(pseudo_count * inside)


def _finished(observed: _Observed, use: NDArray[np.float64], run: _Run, rows: int, pseudo_count: float) -> BernoulliMixture:
    order = np.lexsort((*run.probabilities.T[::-1], -run.weights))
    weights, probabilities = run.weights[order], run.probabilities[order]
    share, log_rows = _posterior(observed.log_density(probabilities), weights)
    likelihood = float(log_rows @ use[:, 0])
    entropy = float(-(use * np.where(share > 0, share * np.log(np.maximum(share, 1e-300)), 0.0)).sum())
    parameters = len(weights) - 1 + probabilities.size
    bic = -2 * likelihood + parameters * float(np.log(rows))
    return BernoulliMixture(
        weights, probabilities, likelihood, bic, bic + 2 * entropy, rows, run.iterations, run.converged, pseudo_count
    )
