"""p-values of tests in families -> which families and which tests within them are called: selection, gates, fixed order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.multiplicity import ROUNDING, adjust, benjamini_hochberg, checked


@dataclass(frozen=True)
class FamiliesResult:
    """Two levels of false discovery: families, and tests within the families that were selected.

    Parameters
    ----------
    names : tuple
        Distinct families, sorted.
    family_n : tuple of int
        Tests with a p in each.
    family_p : array, shape (f,)
        Simes' p that a family holds any effect; NaN for a family without any p, which does not count.
    family_q : array, shape (f,)
        Benjamini-Hochberg over the families.
    selected : array of bool, shape (f,)
    q : array, shape (m,)
        Smallest level at which a test is called: its family selected, and the test called by
        Benjamini-Hochberg within it at that level times the share of families selected.
    rejected : array of bool, shape (m,)
        Called at `alpha`.
    alpha : float
    """

    names: tuple[Any, ...]
    family_n: tuple[int, ...]
    family_p: FloatArray
    family_q: FloatArray
    selected: BoolArray
    q: FloatArray
    rejected: BoolArray
    alpha: float


def families(p_values: ArrayLike, family: Sequence[Any] | ArrayLike, *, alpha: float = 0.05) -> FamiliesResult:
    """Select families of tests, then call tests within them, with the error of the selection paid for.

    Parameters
    ----------
    p_values : array, shape (m,)
        NaN marks a question that could not be answered: it stays NaN and does not count as a test.
    family : array, shape (m,)
        Which family (endpoint, pathway, evidence kind) each test belongs to; declared before the p are seen.
    alpha : float
        False discovery rate of the families, and, on average over the selected families, within them.

    Raises
    ------
    ValueError
        A p outside 0..1, `family` of another length or with a missing name, `alpha` outside 0..1.

    Notes
    -----
    Benjamini and Bogomolov 2014, doi:10.1111/rssb.12028, with Simes' p for a family and Benjamini-Hochberg at
    both levels; Benjamini and Yekutieli 2005, doi:10.1198/016214504000001907, for why selection must be paid.
    With one family this is Benjamini-Hochberg; with one test per family too.

    Examples
    --------
    >>> result = families([0.001, 0.4, 0.3, 0.8], ["ORR", "ORR", "PFS", "PFS"])
    >>> result.q.round(3).tolist(), result.selected.tolist()
    ([0.004, 0.6, 0.6, 0.8], [True, False])
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha: outside 0..1")
    p, known = checked(p_values)
    names, code = _families(family, p.size)
    within, simes = np.full(p.size, np.nan), np.full(len(names), np.nan)
    for i in range(len(names)):
        of = code == i
        within[of] = benjamini_hochberg(p[of])
        if known[of].any():
            simes[i] = np.nanmin(within[of])
    family_q = benjamini_hochberg(simes)
    q = np.full(p.size, np.nan)
    levels = np.sort(family_q[~np.isnan(family_q)])
    m = levels.size
    if m:
        # from one of its steps to the next, the number of selected families stays as it is
        steps = np.unique(levels)
        share = np.searchsorted(levels, steps, side="right") / m
        ends = np.append(steps[1:], np.inf)
        needed = np.maximum(np.maximum(steps, family_q[code][known][:, None]), within[known][:, None] / share)
        q[known] = np.minimum(1.0, np.where(needed < ends, needed, np.inf).min(axis=1))
    level = alpha * (1 + ROUNDING)
    return FamiliesResult(
        names=names,
        family_n=tuple(int(known[code == i].sum()) for i in range(len(names))),
        family_p=simes,
        family_q=family_q,
        selected=np.where(np.isnan(family_q), 2.0, family_q) <= level,
        q=q,
        rejected=np.where(known, q, 2.0) <= level,
        alpha=alpha,
    )


def fixed_sequence(p_values: ArrayLike) -> FloatArray:
    """Return adjusted p-values of tests made one after the other, each at the full level, until the first that fails.

    Parameters
    ----------
    p_values : array, shape (m,)
        In the order that was declared.  A test without p (NaN) cannot succeed: it stays NaN and what
        comes behind it has 1.

    Returns
    -------
    array, shape (m,)
        The largest p up to and with each test.

    Notes
    -----
    Maurer, Hothorn and Lehmacher 1995; keeps the family-wise error whatever the dependence.

    Examples
    --------
    >>> fixed_sequence([0.01, 0.2, 0.001]).tolist()
    [0.01, 0.2, 0.2]
    """
    p, known = checked(p_values)
    return np.where(known, np.maximum.accumulate(np.where(known, p, 1.0)), np.nan)


def gatekeeping(p_values: ArrayLike, family: Sequence[Any] | ArrayLike, order: Sequence[Any]) -> FloatArray:
    """Return adjusted p-values where a family is tested only after every test of the family before it succeeded.

    Parameters
    ----------
    p_values : array, shape (m,)
        A test without p (NaN) cannot succeed: it stays NaN, and what stands behind its family has 1.
    family : array, shape (m,)
    order : sequence
        The families in the order of testing: every one, once.

    Returns
    -------
    array, shape (m,)
        Holm within each family, never below the largest of the families before.

    Raises
    ------
    ValueError
        A p outside 0..1; `order` lacks a family, or names one twice or one that is not there.

    Notes
    -----
    Serial gatekeeping: Westfall and Krishen 2001, doi:10.1016/S0378-3758(01)00077-5.

    Examples
    --------
    >>> gatekeeping([0.01, 0.02, 0.004], ["primary", "primary", "secondary"], ["primary", "secondary"]).tolist()
    [0.02, 0.02, 0.02]
    """
    p, known = checked(p_values)
    names, code = _families(family, p.size)
    if len(order) != len(set(order)) or set(order) != set(names):
        raise ValueError(f"order: each of {', '.join(str(name) for name in names)} is needed once")
    adjusted = np.full(p.size, np.nan)
    gate = 0.0
    for name in order:
        of = code == names.index(name)
        adjusted[of] = np.maximum(adjust(p[of], "holm", not_run=int((~known[of]).sum())), gate)
        gate = 1.0 if not known[of].all() else max(gate, float(adjusted[of].max()))
    return adjusted


def _families(family: Sequence[Any] | ArrayLike, n: int) -> tuple[tuple[Any, ...], Any]:
    array = np.asarray(family)
    if array.ndim != 1 or array.size != n:
        raise ValueError(f"family: shape {array.shape} for {n} tests")
    if (array.dtype.kind == "f" and np.isnan(array).any()) or (
        array.dtype.kind == "O" and any(a is None or a != a for a in array)
    ):
        raise ValueError("family: missing name")
    names, code = np.unique(array, return_inverse=True)
    return tuple(names.tolist()), code.reshape(-1)
