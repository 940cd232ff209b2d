"""Effects of studies with their standard errors -> pooled effect, heterogeneity, prediction interval, differences of groups.

Effects are on the scale on which they are normal: logarithms of odds, risk and hazard ratios, differences of means.
"""

from resistance.stats.meta.between_studies import INTERVALS, METHODS, Interval, Method
from resistance.stats.meta.pooled import MetaResult, leave_one_out, meta_analysis
from resistance.stats.meta.regression import MetaRegressionResult, meta_regression
from resistance.stats.meta.small_studies import EggerResult, egger
from resistance.stats.meta.subgroups import SubgroupResult, subgroup_difference

__all__ = [
    "INTERVALS",
    "METHODS",
    "EggerResult",
    "Interval",
    "MetaRegressionResult",
    "MetaResult",
    "Method",
    "SubgroupResult",
    "egger",
    "leave_one_out",
    "meta_analysis",
    "meta_regression",
    "subgroup_difference",
]
