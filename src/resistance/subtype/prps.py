"""PRPS: probability ratio based prediction score of Ennishi 2019 - how well each value fits either class."""

from __future__ import annotations

from resistance.stats._arrays import FloatArray
from resistance.stats.linear_score import Score
from resistance.stats.probability_ratio import ClassMoments, probability_ratio_score
from resistance.subtype.rule import Rule, Trained


def score(values: FloatArray, trained: Trained) -> Score:
    """Return the sum of \\|t\\| times the logarithm of the ratio of the two classes' p-values."""
    moments = ClassMoments(trained.mean_1, trained.mean_0, trained.sd_1, trained.sd_0, trained.n_1 - 1, trained.n_0 - 1)
    return probability_ratio_score(values, trained.weight, moments)


RULE = Rule(
    name="prps",
    title="probability ratio based prediction score",
    citation="Ennishi D et al. J Clin Oncol 2019; 37:190-201, doi:10.1200/JCO.18.01583; as in the R package PRPS 1.1",
    score=score,
    train_scaling="none",
    apply_scaling="model",
    densities="training",
)
