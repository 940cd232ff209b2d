"""Expression of an unlabelled cohort and published weights -> PRPS-ST: the cohort's own class means, and a model of them for further samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from resistance.errors import InputError
from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.self_training import SelfTrained, self_train
from resistance.stats.two_normals import TwoNormals
from resistance.subtype.apply_model import MAX_WEIGHT_MISSING, lost_in_words
from resistance.subtype.expression import Expression
from resistance.subtype.genes import Found, find_genes, share_missing
from resistance.subtype.model import SELF_TRAINED, Model
from resistance.subtype.rule import Trained
from resistance.subtype.scaling import Scaling
from resistance.subtype.train_model import training_digest

#: fewest samples that can teach themselves (the published examples have 40 and more)
MIN_SAMPLES = 20
CUT = 0.9


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a cohort taught itself.

    Parameters
    ----------
    part : SelfTrained
        Of the usable samples.
    normals : TwoNormals
        Of the scores of the stable samples.
    usable : array of bool, shape (n,)
        Samples with values that differ.
    found : Found
        Genes of the signature that the table has.
    weight : array, shape (k,)
        Of these.
    share : float
        Share of the weight that the others had.
    """

    part: SelfTrained
    normals: TwoNormals
    usable: BoolArray
    found: Found
    weight: FloatArray
    share: float


def fit_unlabelled(
    expression: Expression, weights: Mapping[str, float], *, max_weight_missing: float = MAX_WEIGHT_MISSING
) -> Fitted:
    """Let a cohort teach itself.

    Parameters
    ----------
    expression : Expression
    weights : mapping of str to float
        Gene -> weight; positive: higher in class 1.
    max_weight_missing : float
        Share of the weight that genes without a row may have.

    Raises
    ------
    InputError
        Fewer than 20 usable samples, more of the weight missing than allowed, or no stable samples.
    """
    unusable = expression.unusable()
    usable = np.array([sample not in unusable for sample in expression.samples])
    if usable.sum() < MIN_SAMPLES:
        raise InputError(
            f"{int(usable.sum())} samples cannot teach themselves, {MIN_SAMPLES} are needed",
            remedy="Train a model on a labelled cohort (`resistance subtype train`), or on a larger unlabelled one (`train prps-st`), and "
            "apply it.",
        )
    found = find_genes(tuple(weights), expression.genes, where="expression")
    share = share_missing(weights, found.missing)
    if share > max_weight_missing or not found.rows:
        raise InputError(
            lost_in_words(found.missing, share, max_weight_missing, expression.genes),
            remedy="Give the whole transcriptome by symbols or Ensembl ids.",
        )
    at = {gene: i for i, gene in enumerate(expression.genes)}
    weight = np.array([weights[gene] for gene in found.rows])
    part = self_train(expression.rows([at[row] for row in found.rows.values()])[:, usable], weight)
    if part.normals is None:
        raise InputError(
            f"the cohort teaches no classes: {part.note}", remedy="Use the score of lps_wright210, which needs no classes."
        )
    return Fitted(part, part.normals, usable, found, weight, share)


def train_unlabelled(
    expression: Expression, weights: Mapping[str, float], classes: tuple[str, str], *, name: str,
    max_weight_missing: float = MAX_WEIGHT_MISSING,
) -> Model:  # fmt: skip
    """Freeze what a cohort taught itself, so that further samples are called by it, also one alone.

    Parameters
    ----------
    expression, weights, max_weight_missing
        As :func:`fit_unlabelled`.
    classes : tuple of str
        The class of high scores first.
    name : str

    Returns
    -------
    Model
        Of the rule 'prps', with the class means and spreads of the stable samples.  Applied to the cohort it was trained on, it
        gives the scores of PRPS-ST; a sample that is added does not change it.  There is no performance, since there are no labels.

    Raises
    ------
    InputError
        As :func:`fit_unlabelled`.
    """
    fitted = fit_unlabelled(expression, weights, max_weight_missing=max_weight_missing)
    part, moments = fitted.part, fitted.part.moments
    if moments is None:
        raise ValueError("scores without class means")
    nothing = np.full(fitted.weight.size, np.nan)
    of_stable = np.full(len(expression.samples), "usable", dtype=object)
    of_stable[~fitted.usable] = None
    n_1, n_0 = int(part.stable_1.sum()), int(part.stable_0.sum())
    return Model(
        name, "prps", classes, CUT, expression.unit, expression.platform, tuple(fitted.found.rows),
        Trained(fitted.weight, moments.mean_1, moments.mean_0, moments.sd_1, moments.sd_0, n_1, n_0), nothing, nothing,
        Scaling("none"), fitted.normals,
        {
            "digest": training_digest(expression, list(of_stable)),
            "kind": SELF_TRAINED,
            "samples": {classes[0]: n_1, classes[1]: n_0},
            "left_out": {
                why: n
                for why, n in (
                    ("not stable", int(fitted.usable.sum()) - n_1 - n_0),
                    ("no usable values", int((~fitted.usable).sum())),
                )
                if n
            },
            "genes_of_the_table": len(expression.genes),
            "genes_missing": list(fitted.found.missing),
            "weight_missing": fitted.share,
            "genes_tested": 0,
            "apparent": {},
            "cross_validated": {},
        },
    )  # fmt: skip
