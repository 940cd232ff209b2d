"""Records of a permutation test of one marker, and of very many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.relabelling import Integers


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


def first_test(scan: PermutationScan) -> PermutationTest:
    """Return the test of the first (only) marker, with its reason in words."""
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
