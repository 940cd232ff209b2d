"""Expression of an unlabelled cohort -> ABC or GCB by PRPS-ST: published weights, class means from the cohort's own stable samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.stats.two_normals import called
from resistance.subtype.apply_model import FAR, MAX_SAMPLE_MISSING, MAX_WEIGHT_MISSING
from resistance.subtype.expression import Expression
from resistance.subtype.expression_method import as_expression, classify_cohort, settings_limit
from resistance.subtype.method import UNCLASSIFIED, Called, Method, as_calls, probabilities_text
from resistance.subtype.model import Model
from resistance.subtype.published import load_published
from resistance.subtype.self_trained import CUT, fit_unlabelled, train_unlabelled

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

_SIGNATURE = load_published()["lps_wright210"]
FLAGS = ("unvalidated on RNA-seq", "class means from this cohort")


def call_expression(expression: Expression, *, max_weight_missing: float = MAX_WEIGHT_MISSING) -> pd.DataFrame:
    """Call a cohort without labels (schema TABLE_CALLS, one row per sample).

    Raises
    ------
    InputError
        Fewer than 20 usable samples, more of the weight missing than allowed, or no stable samples.
    """
    unusable = expression.unusable()
    fitted = fit_unlabelled(expression, _SIGNATURE.weights, max_weight_missing=max_weight_missing)
    part, normals, found, usable = fitted.part, fitted.normals, fitted.found, fitted.usable
    lost, share, weight = found.missing, fitted.share, fitted.weight
    score = np.full(len(expression.samples), np.nan)
    score[usable] = part.scored.score
    missing = np.ones(score.size)
    missing[usable] = part.scored.weight_missing
    codes, p = called(normals, score, CUT), normals.probability(score)
    far = (np.abs(score - normals.mean_1) > FAR * normals.sd_1) & (np.abs(score - normals.mean_0) > FAR * normals.sd_0)
    high, low = _SIGNATURE.classes
    flags = [*FLAGS, *expression.merged_among(found.rows.values())]
    stable = f"{int(part.stable_1.sum())} {high} and {int(part.stable_0.sum())} {low} samples are stable"
    rows: list[dict[str, Any]] = []
    for j, sample in enumerate(expression.samples):
        row = METHOD.row(
            sample_id=sample, score=float(score[j]), features_missing=";".join(lost) or None,
            features_used=round((1 - float(missing[j])) * weight.size), weight_missing=min(1.0, share + (1 - share) * float(missing[j])),
        )  # fmt: skip
        if sample in unusable:
            rows.append(row | {"reason": f"no call: {unusable[sample]}"})
            continue
        row["flags"] = ";".join([*flags, *(["far from both classes"] if far[j] else [])])
        if row["weight_missing"] > MAX_WEIGHT_MISSING:
            row["flags"] += f";{row['weight_missing']:.0%} of the weight not measured"
        if np.isnan(score[j]) or missing[j] > MAX_SAMPLE_MISSING:
            rows.append(
                row
                | {"reason": f"no call: {missing[j]:.1%} of the score's weight is not measured in this sample or without spread"}
            )
            continue
        subtype = {1: high, 0: low}.get(int(codes[j]), UNCLASSIFIED)
        shown = p[j] if subtype == high or (subtype == UNCLASSIFIED and p[j] >= 0.5) else 1 - p[j]
        rows.append(
            row
            | {
                "subtype": subtype,
                "probability": float(shown),
                "probabilities": probabilities_text({high: float(p[j]), low: float(1 - p[j])}),
                "reason": f"score {score[j]:.4g}: P({high}) = {p[j]:.3g}, cut {CUT:g}; self-trained on this cohort ({stable}){found.in_words()}",
            }
        )
    return as_calls(rows)


def train(expression: Expression, *, name: str = "prps_st", max_weight_missing: float = MAX_WEIGHT_MISSING) -> Model:
    """Freeze the class means that a cohort taught itself, for further samples (:func:`~resistance.subtype.self_trained.train_unlabelled`).

    Parameters
    ----------
    expression : Expression
        20 samples and more, of both classes, without labels.
    name : str
    max_weight_missing : float

    Returns
    -------
    Model
        ``model.write(path)`` saves it; :func:`resistance.subtype.apply_model.apply_model` calls samples by it.

    Raises
    ------
    InputError
        As :func:`call_expression`.
    """
    return train_unlabelled(expression, _SIGNATURE.weights, _SIGNATURE.classes, name=name, max_weight_missing=max_weight_missing)


def classify(cohort: Cohort, settings: Subtype) -> Called:
    """Call every patient of a cohort with expression."""
    limit = settings_limit(settings)
    return classify_cohort(
        cohort,
        METHOD,
        lambda table: call_expression(table, max_weight_missing=limit),
        unit="PRPS against this cohort's stable samples",
    )


def classify_table(
    table: pd.DataFrame, *, unit: str = "log2", platform: str = "unspecified", max_weight_missing: float = MAX_WEIGHT_MISSING
) -> pd.DataFrame:
    """Call every sample of a table, genes in rows."""
    return call_expression(as_expression(table, unit, platform), max_weight_missing=max_weight_missing)


METHOD = Method(
    name="prps_st_wright210",
    version="1",
    kind="cell_of_origin",
    input="expression",
    needs="expression of a whole unlabelled cohort (counts, TPM or log2) with both classes in it, genes by symbol or Ensembl id",
    classes=_SIGNATURE.classes,
    features=tuple(_SIGNATURE.weights),
    platforms=("rnaseq", "array"),
    citation="Jiang A et al. Blood Cancer Discov 2020; 1(3):244, preprint doi:10.1101/2020.04.28.051953 (PRPS-ST); weights of the R package PRPS 1.1.0",
    verified=True,
    limits="Unvalidated on RNA-seq here (its authors report it on several platforms). Class means come from the cohort itself: a call depends on the other samples, a cohort of one class is "
    "split all the same, and with few samples the distributions are narrower than they are (see 'far from both classes').",
    classify=classify,
    classify_table=classify_table,
)
