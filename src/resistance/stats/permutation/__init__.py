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

from resistance.stats.permutation.binary import logistic_permutation, logistic_permutation_scan
from resistance.stats.permutation.results import PermutationScan, PermutationTest
from resistance.stats.permutation.survival import martingale_permutation, permutation_scan

__all__ = [
    "PermutationScan",
    "PermutationTest",
    "logistic_permutation",
    "logistic_permutation_scan",
    "martingale_permutation",
    "permutation_scan",
]
