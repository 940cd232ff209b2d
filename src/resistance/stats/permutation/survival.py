"""Times, events and markers -> permutation tests by martingale residuals within strata, for one marker or very many."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, flags, numbers
from resistance.stats.null_residuals import (
    Residuals,
    covariate_table,
    martingale_residuals,
    stratum_codes,
)
from resistance.stats.permutation.residual_scan import marker_table, one_column, scan_residuals
from resistance.stats.permutation.results import PermutationScan, PermutationTest, first_test
from resistance.stats.relabelling import Adjust, Alternative
from resistance.stats.scan.risk_sets import risk_sets


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
        time, event, one_column(marker), covariates=covariates, strata=strata, start=start, ties=ties,
        permutations=permutations, seed=seed, alternative=alternative, project=project, threads=1,
    )  # fmt: skip
    return first_test(one)


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

    Examples
    --------
    >>> found = permutation_scan([5, 8, 3, 9, 12], [1, 1, 1, 0, 1], [[1, 0], [0, 0], [1, 1], [0, 1], [0, 0]], seed=1)
    >>> found.p_value.round(3).tolist()
    [0.2, 1.0]
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

    return scan_residuals(
        residuals, e, marker_table(markers, t.size), groups, permutations, seed, alternative, adjust, threads, z if project else None
    )  # fmt: skip
