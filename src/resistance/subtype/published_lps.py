"""Published weights and a cohort's expression -> a score per sample, and classes only where the cohort's scores show two groups.

Weights travel from one platform to another, the distributions of the score in the two classes do not.
Here every gene is standardised within the cohort, and two normal distributions are fitted to the
scores without labels; where one explains them as well as two, there is a score and no class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError
from resistance.stats.linear_score import linear_score
from resistance.stats.quantile_scaling import row_moments
from resistance.stats.two_normals import Mixture, called, from_mixture
from resistance.subtype.apply_model import MAX_SAMPLE_MISSING, MAX_WEIGHT_MISSING, lost_in_words
from resistance.subtype.expression import Expression
from resistance.subtype.expression_method import as_expression, classify_cohort, settings_limit
from resistance.subtype.genes import find_genes, share_missing
from resistance.subtype.method import UNCLASSIFIED, Called, Method, as_calls, probabilities_text
from resistance.subtype.published import Published, load_published

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

#: fewest samples that can be standardised by themselves
MIN_SAMPLES = 10
#: probability from which a class is called
CUT = 0.9
UNVALIDATED = "unvalidated on RNA-seq"
WITHIN = "standardised within these samples"
UNIT = "sum of weight times z, z within the cohort"
LIMITS = (
    "Unvalidated on RNA-seq. Genes are standardised within the cohort and classes come from a mixture of its own scores: a call depends "
    "on the other samples, a cohort of one class has none to show, and ten samples are the least (20 for classes)."
)


def call_expression(
    signature: Published, method: Method, expression: Expression, *, max_weight_missing: float = MAX_WEIGHT_MISSING
) -> pd.DataFrame:
    """Score a cohort and, where it shows two groups, call it.

    Returns
    -------
    DataFrame
        Schema TABLE_CALLS, one row per sample.

    Raises
    ------
    InputError
        Fewer than ten usable samples, or more of the weight missing than allowed.
    """
    unusable = expression.unusable()
    usable = np.array([sample not in unusable for sample in expression.samples])
    if usable.sum() < MIN_SAMPLES:
        raise InputError(
            f"{int(usable.sum())} samples cannot be standardised by themselves, {MIN_SAMPLES} are needed",
            remedy="Train a model on a labelled cohort (`resistance subtype train`) and apply it to single samples.",
        )
    found = find_genes(tuple(signature.weights), expression.genes, where="expression")
    at = {gene: i for i, gene in enumerate(expression.genes)}
    here = [gene for gene in signature.weights if gene in found.rows]
    values = expression.rows([at[found.rows[gene]] for gene in here])
    mean, sd = row_moments(values[:, usable])
    varies = sd > 0
    lost = [*found.missing, *(gene for gene, some in zip(here, varies, strict=True) if not some)]
    share = share_missing(signature.weights, lost)
    if share > max_weight_missing or not varies.any():
        raise InputError(
            lost_in_words(lost, share, max_weight_missing, expression.genes),
            remedy="Give the whole transcriptome by symbols or Ensembl ids, or raise max_weight_missing knowingly (on the command line: "
            "--max-weight-missing).",
        )
    weight = np.array([signature.weights[gene] for gene in here])[varies]
    z = (values[varies] - mean[varies, None]) / sd[varies, None]
    scored = linear_score(z, weight)
    resolved = found.in_words()
    fit = usable & ~np.isnan(scored.score) & (scored.weight_missing <= MAX_SAMPLE_MISSING)
    mixture = from_mixture(scored.score[fit])
    flags = [UNVALIDATED, WITHIN] if expression.platform.lower() not in ("array", "affymetrix", "lymphochip") else [WITHIN]
    flags += expression.merged_among(found.rows.values())
    common = method.row(features_missing=";".join(lost) or None)
    kept = 1 - share
    rows: list[dict[str, Any]] = []
    normals = mixture.normals
    codes = None if normals is None else called(normals, scored.score, CUT)
    for j, sample in enumerate(expression.samples):
        score = float(scored.score[j]) if usable[j] else np.nan
        missing = share + kept * float(scored.weight_missing[j])
        row = common | {
            "sample_id": sample, "score": score, "features_used": int((~np.isnan(z[:, j])).sum()), "weight_missing": min(1.0, missing),
            "flags": ";".join(flags),
        }  # fmt: skip
        if usable[j] and missing > MAX_WEIGHT_MISSING:
            row["flags"] = ";".join([*flags, f"{missing:.0%} of the weight not measured"])
        if sample in unusable:
            rows.append(row | {"reason": f"no call: {unusable[sample]}"})
        elif not fit[j]:
            rows.append(
                row | {"score": np.nan, "reason": f"no call: {missing:.1%} of the score's weight is not measured in this sample"}
            )
        elif normals is None or codes is None:
            rows.append(row | {"reason": f"score {score:.4g} and no class: {mixture.note}{resolved}"})
        else:
            called_row = _called_row(signature, mixture, score, int(codes[j]))
            rows.append(row | called_row | {"reason": called_row["reason"] + resolved})
    return as_calls(rows)


def _called_row(signature: Published, mixture: Mixture, score: float, code: int) -> dict[str, Any]:
    normals = mixture.normals
    if normals is None:
        raise ValueError("no distributions")
    high, low = signature.classes
    p = float(normals.probability(score))
    subtype = {1: high, 0: low}.get(code, UNCLASSIFIED)
    shown = p if subtype == high or (subtype == UNCLASSIFIED and p >= 0.5) else 1 - p
    reason = (
        f"score {score:.4g}: P({high}) = {p:.3g}, cut {CUT:g}; classes by a mixture of this cohort's scores "
        f"({mixture.share_1:.0%} {high}, gain in BIC {mixture.bic_gain:.1f})"
    )
    if bool(normals.turned(score)):
        reason += "; beyond one class, where the other's wider spread would claim it"
    return {
        "subtype": subtype,
        "probability": shown,
        "probabilities": probabilities_text({high: p, low: 1 - p}),
        "reason": reason,
    }


def published_method(name: str, *, kind: str, citation: str) -> tuple[Method, Callable[..., Called], Callable[..., Any]]:
    """Return the method of published weights of that name, and how it calls a cohort and a plain table."""
    signature = load_published()[name]

    def classify(cohort: Cohort, settings: Subtype) -> Called:
        limit = settings_limit(settings)
        return classify_cohort(
            cohort, method, lambda table: call_expression(signature, method, table, max_weight_missing=limit), unit=UNIT
        )

    def classify_table(
        table: pd.DataFrame, *, unit: str = "log2", platform: str = "unspecified", max_weight_missing: float = MAX_WEIGHT_MISSING
    ) -> pd.DataFrame:
        return call_expression(signature, method, as_expression(table, unit, platform), max_weight_missing=max_weight_missing)

    method = Method(
        name=name,
        version="1",
        kind=kind,
        input="expression",
        needs="expression of a whole cohort (counts, TPM or log2), genes by symbol or Ensembl id",
        classes=signature.classes,
        features=tuple(signature.weights),
        platforms=("rnaseq", "array"),
        citation=citation,
        verified=signature.verified,
        limits=f"{LIMITS} {signature.note}",
        classify=classify,
        classify_table=classify_table,
    )
    return method, classify, classify_table
