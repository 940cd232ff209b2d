"""PS: prediction strength - every gene votes for the class whose mean is nearer, weighted by Welch's t."""

from __future__ import annotations

from resistance.stats._arrays import FloatArray
from resistance.stats.linear_score import Score
from resistance.stats.prediction_strength import prediction_strength
from resistance.subtype.rule import Rule, Trained


def score(values: FloatArray, trained: Trained) -> Score:
    """Return the balance of the votes, -1..1; the midpoint of a gene is the mean of its two class means."""
    return prediction_strength(values, trained.weight, (trained.mean_1 + trained.mean_0) / 2)


RULE = Rule(
    name="ps",
    title="prediction strength",
    citation="Golub TR et al. Science 1999; 286:531-537, doi:10.1126/science.286.5439.531; as in the R package PRPS 1.1",
    score=score,
    # as published: every cohort is standardised by itself, and its scores above and below 0 are the classes' distributions
    train_scaling="standardise",
    apply_scaling="own",
    densities="sign",
)
