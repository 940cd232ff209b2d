"""Kaplan-Meier curves and log-rank tests under one name: see `kaplan_meier.py` and `log_rank.py`."""

from resistance.stats.kaplan_meier import (
    KaplanMeier,
    kaplan_meier,
    numbers_at_risk,
    reverse_kaplan_meier,
    survival_at,
    survival_quantile,
)
from resistance.stats.log_rank import LogRank, log_rank, log_rank_trend

__all__ = [
    "KaplanMeier",
    "LogRank",
    "kaplan_meier",
    "log_rank",
    "log_rank_trend",
    "numbers_at_risk",
    "reverse_kaplan_meier",
    "survival_at",
    "survival_quantile",
]
