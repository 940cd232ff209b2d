"""Columns with gaps -> several completed copies by chained equations; estimates of the copies -> one estimate by Rubin's rules."""

from resistance.stats.imputation.chained_equations import KINDS, ImputationResult, Kind, impute, survival_predictors
from resistance.stats.imputation.rubin import PooledResult, pool, pool_chi_square

__all__ = [
    "KINDS",
    "ImputationResult",
    "Kind",
    "PooledResult",
    "impute",
    "pool",
    "pool_chi_square",
    "survival_predictors",
]
