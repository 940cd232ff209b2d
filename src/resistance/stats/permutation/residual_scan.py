"""Residuals of a model of the covariates and markers -> the permutation test of each marker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.null_residuals import (
    Residuals,
    less_covariates,
)
from resistance.stats.partly_assessed import PartlyAssessed
from resistance.stats.permutation.results import PermutationScan
from resistance.stats.relabelling import MARKERS_AT_ONCE, Adjust, Alternative, Integers, Relabelling, Tally, side_of


def scan_residuals(
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
    """Test each marker by permuting within strata what `residuals` says of the patients in whom it was assessed.

    Parameters
    ----------
    residuals : callable
        Patients (array of bool) -> residuals of the model of the covariates among them.
    event : array of bool, shape (n,)
        Counted among carriers.
    markers : array, shape (n, m)
    strata : array of int, shape (n,)
    permutations, seed, alternative, adjust, threads
        As in :func:`resistance.stats.permutation.permutation_scan`.
    project : array, shape (n, k), optional
        Covariates, where what they say about the marker is to be taken out of it.
    """
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


def marker_table(markers: ArrayLike, n: int) -> NDArray[Any]:
    """Return markers as a table of n rows."""
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


def one_column(marker: ArrayLike) -> NDArray[Any]:
    """Return one marker as a table of one column."""
    values = np.asarray(marker)
    if values.ndim != 1:
        raise ValueError(f"marker: one dimension is needed, not {values.ndim}")
    return values.reshape(-1, 1)
