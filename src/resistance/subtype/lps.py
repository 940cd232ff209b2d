"""LPS: the linear predictor score of Wright 2003 - weights are Welch's t of the training set."""

from __future__ import annotations

from resistance.stats._arrays import FloatArray
from resistance.stats.linear_score import Score, linear_score
from resistance.subtype.rule import Rule, Trained


def score(values: FloatArray, trained: Trained) -> Score:
    """Return the sum of t times value over the genes that a sample has."""
    return linear_score(values, trained.weight)


RULE = Rule(
    name="lps",
    title="linear predictor score",
    citation="Wright G et al. PNAS 2003; 100:9991-9996, doi:10.1073/pnas.1732008100",
    score=score,
    train_scaling="none",
    apply_scaling="model",
    densities="training",
)
