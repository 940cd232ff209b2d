"""A binary outcome and columns -> logistic regression: log odds ratios with profile interval and likelihood-ratio p, or why there are none."""

from resistance.stats.logistic.model import logistic, logistic_likelihood_ratio, logistic_score_test
from resistance.stats.logistic.results import LogisticResult, LogisticTest

__all__ = ["LogisticResult", "LogisticTest", "logistic", "logistic_likelihood_ratio", "logistic_score_test"]
