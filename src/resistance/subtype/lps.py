"""LPS: the linear predictor score of Wright 2003 - weights are Welch's t of the training set."""

from __future__ import annotations

import numpy as np

from resistance.stats._arrays import FloatArray
from resistance.stats.linear_score import Score, linear_score
from resistance.subtype.rule import Rule, Trained

#: values are centred when leaving one gene out shifts the score by less than this share of the distance between the classes
CENTRED = 0.01


def middle(trained: Trained) -> FloatArray:
    """Return the middle between the two class means of each gene."""
    return np.asarray((trained.mean_1 + trained.mean_0) / 2)


def is_centred(trained: Trained) -> bool:
    """Return whether the genes' values lie around 0, so that a missing value may be left out of the sum.

    A value that is left out counts as 0.  Log ratios lie around 0; log2 intensities or counts do not, and a
    gene with mean 8 that is left out would move the score towards a class.
    """
    distance = abs(float(trained.weight @ (trained.mean_1 - trained.mean_0)))
    return bool(np.abs(trained.weight * middle(trained)).mean() < CENTRED * distance)


def score(values: FloatArray, trained: Trained) -> Score:
    """Return the sum of t times value.

    Missing values are left out where values are centred, as published; elsewhere they count as the middle
    between the classes, which favours neither.
    """
    found = linear_score(values, trained.weight)
    if is_centred(trained):
        return found
    filled = np.where(np.isnan(values), middle(trained)[:, None], values)
    return Score(np.where(np.isnan(found.score), np.nan, linear_score(filled, trained.weight).score), found.weight_missing)


RULE = Rule(
    name="lps",
    title="linear predictor score",
    citation="Wright G et al. PNAS 2003; 100:9991-9996, doi:10.1073/pnas.1732008100",
    score=score,
    train_scaling="none",
    apply_scaling="model",
    densities="training",
)
