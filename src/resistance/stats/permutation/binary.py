"""A binary outcome and markers -> permutation tests by outcome less fitted probability within strata, for one marker or very many."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, flags
from resistance.stats.null_residuals import (
    Residuals,
    covariate_table,
    logistic_residuals,
    stratum_codes,
)
from resistance.stats.permutation.residual_scan import marker_table, one_column, scan_residuals
from resistance.stats.permutation.results import PermutationScan, PermutationTest, first_test
from resistance.stats.relabelling import Adjust, Alternative


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
        outcome, one_column(marker), covariates=covariates, strata=strata, permutations=permutations, seed=seed,
        alternative=alternative, project=project, threads=1,
    )  # fmt: skip
    return first_test(one)


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
    """Do :func:`logistic_permutation` for each of many markers, with the same permutations for all (see :func:`permutation_scan`).

    Examples
    --------
    >>> found = logistic_permutation_scan([1, 1, 0, 0, 0], [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]], seed=1)
    >>> found.p_value.round(3).tolist()
    [0.1, 0.4]
    """
    y = flags(outcome, "outcome")
    z = covariate_table(covariates, y.size)
    groups = stratum_codes(strata, y.size)

    def residuals(here: BoolArray) -> Residuals:
        return logistic_residuals(y[here], z[here], strata=groups[here])

    return scan_residuals(
        residuals, y, marker_table(markers, y.size), groups, permutations, seed, alternative, adjust, threads, z if project else None
    )  # fmt: skip
