"""Residuals of a model of the covariates, permuted within strata -> the p-value of a rare marker, of one or of very many.

With few carriers every asymptotic test of a Cox model is too liberal (docs/type_one_error.md).  Here the model
of the covariates is fitted without the marker, each patient keeps what it leaves unexplained (the martingale
residual, or outcome less fitted probability), the marker's statistic is the sum of the carriers' residuals,
and it is compared with the same sum after the residuals have changed hands within each stratum.

What it assumes: within a stratum, patients without effect of the marker could have exchanged their residuals.
That is exact when the covariates are the strata (and censoring does not depend on the marker within them).
A continuous covariate is adjusted for through the residuals, whose distribution may still depend on it a little (variance,
skewness): approximate then, and best with the strong discrete covariates as strata.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, numbers
from resistance.stats.null_residuals import (
    Residuals,
    covariate_table,
    less_covariates,
    logistic_residuals,
    martingale_residuals,
    stratum_codes,
)
from resistance.stats.partly_assessed import PartlyAssessed
from resistance.stats.relabelling import MARKERS_AT_ONCE, Adjust, Alternative, Integers, Relabelling, Tally, side_of
from resistance.stats.scan.risk_sets import risk_sets


@dataclass(frozen=True)
class PermutationTest:
    """Permutation test of one marker; numbers are NaN unless `converged`.

    Parameters
    ----------
    statistic : float
        Sum over patients of marker x residual (residuals centred within strata); positive: carriers have
        more events than the covariates let expect.
    z : float
        It divided by its standard deviation under permutation.
    p_value : float
        Share of relabellings at least as extreme (`exact`), or (b + 1) / (B + 1) of B random ones.
    p_value_minimum : float
        The smallest p that this marker could have had.
    relabellings : float
        Number of distinct ways to place the marker within the strata that have something to tell.
    permutations : int
        Random permutations used; 0 when exact.
    exact : bool
    n, events, carriers, carrier_events : int
    converged : bool
    reason : {'', 'all missing', 'no events', 'constant outcome', 'constant', 'collinear', 'monotone', 'iterations'}
        'constant': the marker does not vary within any stratum in which the residuals do.
    columns : tuple of int
        0-based covariates that are the cause.
    note : str
    """

    statistic: float
    z: float
    p_value: float
    p_value_minimum: float
    relabellings: float
    permutations: int
    exact: bool
    n: int
    events: int
    carriers: int
    carrier_events: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class PermutationScan:
    """Permutation tests of m markers: arrays of the fields of :class:`PermutationTest`.

    Parameters
    ----------
    p_adjusted : array, shape (m,)
        Step-down Westfall-Young p of all markers together; NaN unless `adjust` was given.
    permutations : int
        Random permutations behind the p-values that are not `exact`.
    """

    statistic: FloatArray
    z: FloatArray
    p_value: FloatArray
    p_value_minimum: FloatArray
    p_adjusted: FloatArray
    relabellings: FloatArray
    permutations: int
    exact: BoolArray
    n: Integers
    events: Integers
    carriers: Integers
    carrier_events: Integers
    converged: BoolArray
    reason: NDArray[np.str_]
    columns: tuple[int, ...]
    note: str


def martingale_permutation(
    time: ArrayLike,
    event: ArrayLike,
    marker: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    strata: Any = None,
    start: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    permutations: int = 9999,
    seed: int,
    alternative: Alternative = "two-sided",
    project: bool = False,
) -> PermutationTest:
    """Test one marker by permuting the martingale residuals of the Cox model of the covariates within strata.

    Parameters
    ----------
    time, event, start, strata, ties
        As in :func:`resistance.stats.scan.cox.firth_cox_scan`; one row a patient.
    marker : array, shape (n,)
        NaN (-1 in integers): the patient is left out.
    covariates : array, shape (n, k), optional
        Without missing values.
    permutations : int
        Random ones, where there are more than 100,000 relabellings; otherwise all are looked at.
    seed : int
    alternative : {'two-sided', 'greater', 'less'}
        Two-sided compares absolute values.
    project : bool
        Take out of the marker what the covariates say about it (see
        :func:`resistance.stats.null_residuals.less_covariates`).  Without, the p of a marker that goes with a
        covariate is too large; with, the marker is a number, whose arrangements are mostly too many to look at all.

    Returns
    -------
    PermutationTest

    Notes
    -----
    Therneau, Grambsch and Fleming 1990, doi:10.1093/biomet/77.1.147 (residuals); without covariates it is the
    permutation version of the (stratified) log-rank test.  (b + 1) / (B + 1): Phipson and Smyth 2010,
    doi:10.2202/1544-6115.1585.

    Examples
    --------
    >>> found = martingale_permutation([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], seed=1)
    >>> found.exact, found.relabellings, round(found.p_value, 4)
    (True, 15.0, 0.1333)
    """
    one = permutation_scan(
        time, event, _one(marker), covariates=covariates, strata=strata, start=start, ties=ties,
        permutations=permutations, seed=seed, alternative=alternative, project=project, threads=1,
    )  # fmt: skip
    return _first(one)


def permutation_scan(
    time: ArrayLike,
    event: ArrayLike,
    markers: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    strata: Any = None,
    start: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    permutations: int = 9999,
    seed: int,
    alternative: Alternative = "two-sided",
    adjust: Adjust | None = None,
    project: bool = False,
    threads: int | None = None,
) -> PermutationScan:
    """Do :func:`martingale_permutation` for each of many markers, with the same permutations for all.

    Parameters
    ----------
    markers : array, shape (n, m)
        Markers with the same missing patients share a model of the covariates; each such set of patients costs one.
    adjust : {'max_t', 'min_p'}, optional
        Also give Westfall and Young's step-down p, from the same permutations.  All p-values come from
        random permutations then.  Where markers lack patients, each statistic is that of its own assessed patients,
        in their standard deviations, with residuals of one model of all patients that are permuted among all
        (:mod:`resistance.stats.partly_assessed` says what this assumes); ``relabellings`` is NaN then.
    project : bool
        As in :func:`martingale_permutation`; slower, since whole numbers are faster.
    threads : int, optional
        The p-values do not depend on it: the sums are of integers, exact in any order.

    Raises
    ------
    ValueError
        As :func:`martingale_permutation`.

    Notes
    -----
    Residuals are rounded to about 1e-5 so that sums are exact integers in single precision (where that is not enough,
    in double precision); two sums that differ by no more than the rounding count as equal.
    """
    t = numbers(time, "time")
    e = flags(event, "event", t.size)
    z = covariate_table(covariates, t.size)
    begin = None if start is None else numbers(start, "start", t.size)
    groups = stratum_codes(strata, t.size)
    risk_sets(t, e, begin, groups, ties)  # the guards, whoever is missing

    def residuals(here: BoolArray) -> Residuals:
        return martingale_residuals(
            t[here], e[here], z[here], start=None if begin is None else begin[here], strata=groups[here], ties=ties
        )

    return _scan(
        residuals, e, _table(markers, t.size), groups, permutations, seed, alternative, adjust, threads, z if project else None
    )  # fmt: skip


def logistic_permutation(
    outcome: ArrayLike,
    marker: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    strata: Any = None,
    permutations: int = 9999,
    seed: int,
    alternative: Alternative = "two-sided",
    project: bool = False,
) -> PermutationTest:
    """Test one marker by permuting outcome less fitted probability within strata.

    The logistic model has an intercept for each stratum and the covariates.  Without covariates this is
    the exact conditional test of a common odds ratio (for one stratum Fisher's, two-sided by distance from
    the mean).  Parameters as in :func:`martingale_permutation`.

    Examples
    --------
    >>> found = logistic_permutation([1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], seed=1)
    >>> found.exact, found.p_value
    (True, 0.1)
    """
    one = logistic_permutation_scan(
        outcome, _one(marker), covariates=covariates, strata=strata, permutations=permutations, seed=seed,
        alternative=alternative, project=project, threads=1,
    )  # fmt: skip
    return _first(one)


def logistic_permutation_scan(
    outcome: ArrayLike,
    markers: ArrayLike,
    *,
    covariates: ArrayLike | None = None,
    strata: Any = None,
    permutations: int = 9999,
    seed: int,
    alternative: Alternative = "two-sided",
    adjust: Adjust | None = None,
    project: bool = False,
    threads: int | None = None,
) -> PermutationScan:
    """Do :func:`logistic_permutation` for each of many markers, with the same permutations for all (see :func:`permutation_scan`)."""
    y = flags(outcome, "outcome")
    z = covariate_table(covariates, y.size)
    groups = stratum_codes(strata, y.size)

    def residuals(here: BoolArray) -> Residuals:
        return logistic_residuals(y[here], z[here], strata=groups[here])

    return _scan(
        residuals, y, _table(markers, y.size), groups, permutations, seed, alternative, adjust, threads, z if project else None
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------------- the scan


def _scan(
    residuals: Callable[[BoolArray], Residuals],
    event: BoolArray,
    markers: NDArray[Any],
    strata: Integers,
    permutations: int,
    seed: int,
    alternative: Alternative,
    adjust: Adjust | None,
    threads: int | None,
    project: FloatArray | None = None,
) -> PermutationScan:
    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative: 'two-sided', 'greater' or 'less', not {alternative!r}")
    if adjust not in (None, "max_t", "min_p"):
        raise ValueError(f"adjust: 'max_t' or 'min_p', not {adjust!r}")
    if permutations < 1:
        raise ValueError(f"permutations: at least 1, not {permutations}")
    n, m = markers.shape
    out = Tally(m)
    tested = markers
    whole = np.ones(n, dtype=bool)
    columns: tuple[int, ...] = ()
    note = ""
    patterns: dict[bytes, list[int]] = {}
    for j in range(0, m, MARKERS_AT_ONCE):
        present = _present(markers[:, j : j + MARKERS_AT_ONCE])
        for i in np.flatnonzero(~present.all(axis=0)):
            patterns.setdefault(np.packbits(present[:, i]).tobytes(), []).append(j + int(i))
    incomplete = np.zeros(m, dtype=bool)
    for members in patterns.values():
        incomplete[members] = True
    jobs = [(whole, np.flatnonzero(~incomplete))]
    jobs += [
        (np.unpackbits(np.frombuffer(key, dtype=np.uint8), count=n).astype(bool), np.array(members))
        for key, members in patterns.items()
    ]
    if patterns and adjust is not None:
        whole_model = residuals(whole)
        columns, note = whole_model.columns, whole_model.note
        _partly_assessed(whole_model, event, markers, strata, permutations, seed, alternative, adjust, project, out)
        jobs = []
    for here, which in jobs:
        if not which.size:
            continue
        if not here.any():
            out.reason[which] = "all missing"
            continue
        found = residuals(here)
        if found.reason:
            out.reason[which] = found.reason
            out.count(which, markers, here, event)
            if here is whole:
                columns, note = found.columns, found.note
            continue
        if project is not None and project.shape[1]:
            if tested is markers:
                tested = markers.astype(np.float64)
            rows = np.ix_(here, which)
            tested[rows] = less_covariates(tested[rows], project[here], strata[here], found.information)
        Relabelling(found.values, strata, event, tested, here, which, permutations, seed, alternative, adjust, threads, out).run()
        out.count(which, markers, here, event)
    converged = out.reason == ""
    for values in (out.statistic, out.z, out.p_value, out.p_value_minimum, out.p_adjusted):
        values[~converged] = np.nan
    return PermutationScan(
        statistic=out.statistic,
        z=out.z,
        p_value=out.p_value,
        p_value_minimum=out.p_value_minimum,
        p_adjusted=out.p_adjusted,
        relabellings=out.relabellings,
        permutations=permutations,
        exact=out.exact & converged,
        n=out.n,
        events=out.events,
        carriers=out.carriers,
        carrier_events=out.carrier_events,
        converged=converged,
        reason=out.reason,
        columns=columns,
        note=note,
    )


def _partly_assessed(
    found: Residuals,
    event: BoolArray,
    markers: NDArray[Any],
    strata: Integers,
    permutations: int,
    seed: int,
    alternative: Alternative,
    adjust: Adjust,
    project: FloatArray | None,
    out: Tally,
) -> None:
    """Adjust together markers of which each lacks other patients: one model of all patients, one permutation for all markers."""
    m = markers.shape[1]

    def taken(which: NDArray[np.intp]) -> FloatArray:
        x = markers[:, which]
        here = _present(x)
        x = np.where(here, x, np.nan).astype(np.float64)
        if project is not None and project.shape[1]:
            size = np.abs(np.nan_to_num(x)).max(axis=0)
            kinds, kind = np.unique(here, axis=1, return_inverse=True)
            for k, rows in enumerate(kinds.T):
                if rows.any():
                    at = np.ix_(rows, kind.reshape(-1) == k)
                    x[at] = less_covariates(x[at], project[rows], strata[rows], found.information[rows])
            # a marker that the covariates tell in full: what rounding leaves of it is nothing
            x[:, np.abs(np.nan_to_num(x)).max(axis=0) <= 1e-9 * size] *= 0.0
        return x

    for j in range(0, m, MARKERS_AT_ONCE):
        part = markers[:, j : j + MARKERS_AT_ONCE]
        here = _present(part)
        hit = here & (part != 0)
        which = slice(j, j + MARKERS_AT_ONCE)
        out.n[which], out.events[which] = here.sum(axis=0), here[event].sum(axis=0)
        out.carriers[which], out.carrier_events[which] = hit.sum(axis=0), hit[event].sum(axis=0)
    if found.reason:
        out.reason[:] = found.reason
    else:
        every = PartlyAssessed(found.values, strata, taken, m, permutations, seed, lambda z: side_of(z, alternative))
        out.statistic, out.z = every.observed()
        out.reason[np.isnan(out.z)] = "constant"
        tests = every.adjusted(adjust, out.z)
        out.p_value, out.p_adjusted = tests.p_value, tests.p_adjusted
        out.p_value_minimum[:] = 1 / (permutations + 1)
    out.reason[out.n == 0] = "all missing"


# ----------------------------------------------------------------------------------------------------------- guards


def _table(markers: ArrayLike, n: int) -> NDArray[Any]:
    table = np.asarray(markers)
    if table.dtype.kind not in "biuf":
        table = np.asarray(markers, dtype=np.float64)
    if table.ndim == 1 and table.size == n:
        table = table.reshape(n, 1)
    if table.ndim != 2 or table.shape[0] != n:
        raise ValueError(f"markers: shape {table.shape} for {n} patients")
    return table


def _present(markers: NDArray[Any]) -> BoolArray:
    if markers.dtype.kind == "f":
        infinite = int(np.isinf(markers).sum())
        if infinite:
            raise ValueError(f"markers: {infinite} value(s) are infinite")
        return np.asarray(~np.isnan(markers))
    return np.asarray(markers != -1) if markers.dtype.kind == "i" else np.ones(markers.shape, dtype=bool)


def _one(marker: ArrayLike) -> NDArray[Any]:
    values = np.asarray(marker)
    if values.ndim != 1:
        raise ValueError(f"marker: one dimension is needed, not {values.ndim}")
    return values.reshape(-1, 1)


def _first(scan: PermutationScan) -> PermutationTest:
    exact = bool(scan.exact[0])
    reason = str(scan.reason[0])
    note = scan.note or {
        "": "",
        "constant": "the marker does not vary within any stratum in which the residuals do",
        "all missing": "the marker is missing in every patient",
    }.get(reason, reason)
    return PermutationTest(
        statistic=float(scan.statistic[0]),
        z=float(scan.z[0]),
        p_value=float(scan.p_value[0]),
        p_value_minimum=float(scan.p_value_minimum[0]),
        relabellings=float(scan.relabellings[0]),
        permutations=0 if exact or reason else scan.permutations,
        exact=exact,
        n=int(scan.n[0]),
        events=int(scan.events[0]),
        carriers=int(scan.carriers[0]),
        carrier_events=int(scan.carrier_events[0]),
        converged=bool(scan.converged[0]),
        reason=reason,
        columns=scan.columns,
        note=note,
    )
