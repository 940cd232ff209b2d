"""What LPS, PS and PRPS have in common: a record of how a score is made from trained genes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resistance.stats._arrays import FloatArray
from resistance.stats.linear_score import Score


@dataclass(frozen=True, eq=False)
class Trained:
    """What training learned about each gene of the score, on the scale of the model.

    Parameters
    ----------
    weight : array, shape (k,)
        Welch's t, positive where class 1 is higher.
    mean_1, mean_0, sd_1, sd_0 : array, shape (k,)
    n_1, n_0 : int
        Training samples of each class.
    """

    weight: FloatArray
    mean_1: FloatArray
    mean_0: FloatArray
    sd_1: FloatArray
    sd_0: FloatArray
    n_1: int
    n_0: int


@dataclass(frozen=True)
class Rule:
    """A score that can be trained.

    Parameters
    ----------
    name, title, citation : str
    score : callable
        Scaled values (genes x samples) and :class:`Trained` -> :class:`~resistance.stats.linear_score.Score`.
    train_scaling : str
        Scaling of training unless another is asked for.
    apply_scaling : {'model', 'own'}
        How it is applied as published: with the training set's numbers, or each cohort standardised by itself.
    densities : {'training', 'sign'}
        Where the distributions of the score come from as published: training, or the new scores above and below 0.
    """

    name: str
    title: str
    citation: str
    score: Callable[[FloatArray, Trained], Score]
    train_scaling: str
    apply_scaling: str
    densities: str
