"""A planned cohort with strata -> the power of the penalised logistic and the stratified permutation test, by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray

IntArray = NDArray[np.int64]
#: relative difference below which two sums of residuals are tied
TIED = 1e-9
#: step at which a coefficient of the penalised fit is at rest
AT_REST = 1e-8


@dataclass(frozen=True)
class SimulatedPower:
    """Power by simulation.

    Parameters
    ----------
    power : float
        Share of the cohorts with p <= alpha; a cohort without an answer counts as not rejected.
    ci_low, ci_high : float
        Exact 95 % interval (Clopper-Pearson) of the error of simulation.
    replicates : int
    no_answer : int
        Cohorts in which the marker does not vary within any stratum, or nobody or everybody has the outcome.
    alpha : float
    seed : int
    """

    power: float
    ci_low: float
    ci_high: float
    replicates: int
    no_answer: int
    alpha: float
    seed: int


def simulate_firth(
    odds_ratio: float,
    *,
    n: Sequence[int] | ArrayLike,
    prevalence: Sequence[float] | ArrayLike,
    outcome: Sequence[float] | ArrayLike,
    seed: int,
    alpha: float = 0.05,
    replicates: int = 2000,
) -> SimulatedPower:
    """Simulate the Firth likelihood-ratio test of a binary marker beside the strata.

    Parameters
    ----------
    odds_ratio : float
        Of the marker, in every stratum; 1 gives the type-I error.
    n : sequence of int, length s
        Patients in each stratum (such as GCB and non-GCB).
    prevalence, outcome : sequence of float, length s
        Probability of carrying the marker, and of the outcome in those who do not, in each stratum.
    seed : int
    alpha : float
    replicates : int

    Raises
    ------
    ValueError
        Strata of different number, a probability outside 0..1, no stratum, a ratio that is not positive.

    Notes
    -----
    Marker and outcome are drawn for each patient, so that the number of carriers varies as it will.  Model:
    intercept, strata and marker; penalised likelihood, null model penalised by the full model's information
    (Heinze and Schemper 2002, doi:10.1002/sim.1047).
    """
    from scipy.stats import chi2

    sizes, share, base = _strata(n, prevalence, outcome)
    if not 0 < odds_ratio < np.inf:
        raise ValueError("odds_ratio: must be positive and finite")
    _check(alpha, replicates)
    draw = np.random.default_rng(seed)
    carriers = draw.binomial(sizes, share, size=(replicates, sizes.size))
    odds = base / (1 - base + 1e-300) * odds_ratio
    with_marker = np.where(base == 1, 1.0, odds / (1 + odds))
    # rows of the grouped data: others of each stratum, then carriers of each stratum
    total = np.concatenate([sizes - carriers, carriers], axis=1).astype(np.float64)
    events = np.concatenate([draw.binomial(sizes - carriers, base), draw.binomial(carriers, with_marker)], axis=1).astype(
        np.float64
    )
    marked = np.repeat([False, True], sizes.size)
    n_events, n_all = events.sum(axis=1), float(sizes.sum())
    # a marker that is the same in everybody of each stratum cannot be told from the strata
    answered = ((carriers > 0) & (carriers < sizes)).any(axis=1) & (n_events > 0) & (n_events < n_all)
    rejected = np.zeros(replicates, dtype=bool)
    if answered.any():
        strata = np.tile(np.eye(sizes.size)[:, sizes > 0], (2, 1))
        columns = np.column_stack([strata, marked])
        free, settled = _penalised(events[answered], total[answered], columns, held=False)
        null, settled_null = _penalised(events[answered], total[answered], columns, held=True)
        ratio = np.where(settled & settled_null, np.maximum(0.0, 2 * (free - null)), np.nan)
        index = np.flatnonzero(answered)
        answered[index[np.isnan(ratio)]] = False
        rejected[index] = np.where(np.isnan(ratio), 1.0, chi2.sf(np.nan_to_num(ratio), 1)) <= alpha
    return _result(rejected, int((~answered).sum()), alpha, seed)


def simulate_permutation(
    hazard_ratio: float,
    *,
    n: Sequence[int] | ArrayLike,
    prevalence: Sequence[float] | ArrayLike,
    hazard: Sequence[float] | ArrayLike,
    accrual: float,
    follow_up: float,
    seed: int,
    loss: float = 0.0,
    alpha: float = 0.05,
    replicates: int = 400,
    permutations: int = 999,
) -> SimulatedPower:
    """Simulate the permutation test of a rare marker on survival, its martingale residuals permuted within strata.

    Parameters
    ----------
    hazard_ratio : float
        Of the marker, in every stratum; 1 gives the type-I error.
    n : sequence of int, length s
        Patients in each stratum (such as COO x treatment).
    prevalence : sequence of float, length s
        Probability of carrying the marker in each stratum.
    hazard : sequence of float, length s
        Events per patient and unit of time in those who do not carry it.
    accrual, follow_up, loss : float
        Duration of accrual, follow-up after the last patient, hazard of loss; see
        :func:`resistance.stats.power_models.expected_events`.
    seed : int
    alpha : float
        The least p is ``1 / (permutations + 1)``: levels below it have no power.
    replicates, permutations : int

    Notes
    -----
    Two-sided p = (b + 1) / (B + 1) of the sum of the carriers' residuals, counted from its mean under
    permutation.
    """
    sizes, share, base = _strata(n, prevalence, hazard, probability=False)
    if not 0 < hazard_ratio < np.inf:
        raise ValueError("hazard_ratio: must be positive and finite")
    for name, value in (("accrual", accrual), ("follow_up", follow_up), ("loss", loss)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name}: negative or infinite")
    _check(alpha, replicates)
    if permutations < 1:
        raise ValueError("permutations: at least one is needed")
    draw = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(sizes.size), sizes)
    rejected, no_answer = np.zeros(replicates, dtype=bool), 0
    for i in range(replicates):
        marker = draw.random(stratum.size) < share[stratum]
        rate = base[stratum] * np.where(marker, hazard_ratio, 1.0)
        unit = draw.standard_exponential((2, stratum.size))
        with np.errstate(divide="ignore"):
            to_event, to_loss = unit[0] / rate, unit[1] / loss if loss else np.full(stratum.size, np.inf)
        until = np.minimum(to_loss, follow_up + accrual * draw.random(stratum.size))
        event = to_event <= until
        residual = martingale_residuals(np.minimum(to_event, until), event, stratum)
        p = permutation_p(residual, marker, stratum, permutations, draw)
        if np.isnan(p):
            no_answer += 1
        else:
            rejected[i] = p <= alpha * (1 + 1e-12)
    return _result(rejected, no_answer, alpha, seed)


def martingale_residuals(time: FloatArray, event: BoolArray, stratum: IntArray) -> FloatArray:
    """Return event minus Nelson-Aalen cumulative hazard of each patient within the stratum; they add up to 0 there."""
    residual = np.empty(time.size)
    for value in np.unique(stratum):
        of = np.flatnonzero(stratum == value)
        distinct, place = np.unique(time[of], return_inverse=True)
        events = np.bincount(place, event[of], distinct.size)
        at_risk = of.size - np.concatenate([[0], np.cumsum(np.bincount(place, minlength=distinct.size))[:-1]])
        residual[of] = event[of] - np.cumsum(events / at_risk)[place]
    return residual


def permutation_p(
    residual: FloatArray, marker: BoolArray, stratum: IntArray, permutations: int, draw: np.random.Generator
) -> float:
    """Return the two-sided Monte-Carlo p of the carriers' sum of residuals; NaN where no permutation can change it."""
    observed, permuted, varies = 0.0, np.zeros(permutations), False
    for value in np.unique(stratum):
        of = stratum == value
        left = residual[of] - residual[of].mean()
        k = int(marker[of].sum())
        observed += float(left[marker[of]].sum())
        if 0 < k < left.size and np.ptp(left) > 0:
            varies = True
            # the smaller group is drawn: the sum of the others is its negative
            few, sign = (k, 1.0) if 2 * k <= left.size else (left.size - k, -1.0)
            keys = draw.random((permutations, left.size))
            chosen = np.argpartition(keys, few - 1, axis=1)[:, :few]
            permuted += sign * left[chosen].sum(axis=1)
    if not varies:
        return float("nan")
    scale = float(np.abs(residual).sum())
    as_far = np.abs(permuted) >= abs(observed) - TIED * scale
    return float((as_far.sum() + 1) / (permutations + 1))


def _penalised(events: FloatArray, total: FloatArray, columns: FloatArray, *, held: bool) -> tuple[FloatArray, BoolArray]:
    """Return the penalised log-likelihood maximum of every replicate, and where the search came to rest.

    `events`, `total`: shape (replicates, rows); `columns`: shape (rows, k), of which the last is held at 0 if `held`.
    """
    k = columns.shape[1]
    free = np.arange(k - 1 if held else k)
    beta = np.zeros((events.shape[0], k))

    def state(b: FloatArray, rows: Any) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        eta = b @ columns.T
        p = 1 / (1 + np.exp(-np.clip(eta, -500, 500)))
        weight = total[rows] * p * (1 - p)
        information = np.einsum("rj,ja,jb->rab", weight, columns, columns)
        likelihood = (events[rows] * eta - total[rows] * np.logaddexp(0, eta)).sum(axis=1)
        return likelihood + np.linalg.slogdet(information)[1] / 2, p, weight, information

    value, p, weight, information = state(beta, slice(None))
    settled = np.zeros(events.shape[0], dtype=bool)
    for _ in range(50):
        run = np.flatnonzero(~settled)
        if run.size == 0:
            break
        inverse = np.linalg.inv(information[run])
        leverage = weight[run] * np.einsum("ja,rab,jb->rj", columns, inverse, columns)
        score = (events[run] - total[run] * p[run] + leverage * (0.5 - p[run])) @ columns
        step = np.zeros((run.size, k))
        step[:, free] = np.linalg.solve(information[run][:, free[:, None], free], score[:, free, None])[..., 0]
        largest = np.abs(step).max(axis=1)
        settled[run[largest < AT_REST]] = True
        step *= np.minimum(1.0, 5 / np.maximum(largest, 1e-300))[:, None]
        pending = np.arange(run.size)
        for _ in range(12):  # halved where the penalised likelihood would fall
            rows = run[pending]
            trial = beta[rows] + step[pending]
            found = state(trial, rows)
            better = found[0] >= value[rows] - 1e-12
            beta[rows[better]] = trial[better]
            for kept, new in zip((value, p, weight, information), found, strict=True):
                kept[rows[better]] = new[better]
            pending = pending[~better]
            if pending.size == 0:
                break
            step[pending] /= 2
    return value, settled


def _strata(
    n: Sequence[int] | ArrayLike, prevalence: ArrayLike, base: ArrayLike, *, probability: bool = True
) -> tuple[IntArray, FloatArray, FloatArray]:
    sizes, share, level = np.atleast_1d(n), np.atleast_1d(prevalence).astype(np.float64), np.atleast_1d(base).astype(np.float64)
    if not sizes.shape == share.shape == level.shape or sizes.ndim != 1 or sizes.size == 0:
        raise ValueError("n, prevalence and outcome (or hazard): one number for each stratum is needed")
    if (sizes < 0).any() or (sizes != sizes.astype(np.int64)).any() or sizes.sum() == 0:
        raise ValueError("n: whole numbers are needed, not all 0")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError("prevalence: outside 0..1")
    if not ((level >= 0) & (level < np.inf)).all() or (probability and (level > 1).any()):
        raise ValueError("outcome: outside 0..1" if probability else "hazard: negative or infinite")
    return sizes.astype(np.int64), share, level


def _check(alpha: float, replicates: int) -> None:
    if not 0 < alpha < 1:
        raise ValueError("alpha: outside 0..1")
    if replicates < 1:
        raise ValueError("replicates: at least one is needed")


def _result(rejected: BoolArray, no_answer: int, alpha: float, seed: int) -> SimulatedPower:
    from scipy.stats import beta

    n, k = rejected.size, int(rejected.sum())
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return SimulatedPower(k / n, low, high, n, no_answer, alpha, seed)
