"""A trained model and expression of other samples -> their calls; what is missing, shifted or off the scale is said, not hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError
from resistance.stats.quantile_scaling import row_moments
from resistance.stats.two_normals import TwoNormals, called, from_labels
from resistance.subtype import lps
from resistance.subtype.expression import Expression, plain_platform
from resistance.subtype.genes import find_genes, share_missing
from resistance.subtype.method import as_calls, probabilities_text
from resistance.subtype.rules import rule_of
from resistance.subtype.scaling import MIN_STEADY

if TYPE_CHECKING:
    import pandas as pd

    from resistance.subtype.model import Model

#: share of a score's weight that genes without a row in the table may have, unless another is asked for
MAX_WEIGHT_MISSING = 0.2
#: share of the weight above which missing genes look like another way of naming
OTHER_NAMES = 0.9
#: share of the weight that one sample's missing values may have; above MAX_WEIGHT_MISSING it is flagged
MAX_SAMPLE_MISSING = 0.5
#: fewest samples that can be standardised by themselves
MIN_OWN = 10
#: share of the distance between the classes by which missing values may shift a score
MAX_SHIFT = 0.1
#: median distance of the score's genes from their training means, in training standard deviations, above which a sample is
#: off the scale (about .67 for a sample like those of the training)
MAX_MEDIAN_DISTANCE = 3.0
#: standard deviations from both classes beyond which a score is flagged
FAR = 4.0
FloatArray = NDArray[np.float64]


#: what every call of a model without labels says
SELF_TRAINED_FLAGS = ("unvalidated on RNA-seq", "class means from an unlabelled cohort")


@dataclass(frozen=True)
class Options:
    """How a model is applied.

    Parameters
    ----------
    scaling : {'model', 'own', None}
        With the training set's numbers, or each gene standardised by the new samples (needs ten of them, with
        about the training set's mix of classes).  None: as the rule was published.
    densities : {'training', 'sign', None}
        Distributions of the score in each class: of the training, or of the new scores above and below 0
        (PS, PRPS).  None: as the rule was published.
    max_weight_missing : float
        Share of the score's weight that genes without a row in the table may have.
    """

    scaling: str | None = None
    densities: str | None = None
    max_weight_missing: float = MAX_WEIGHT_MISSING


def apply_model(
    model: Model, expression: Expression, options: Options | None = None, *, method: str | None = None
) -> pd.DataFrame:
    """Call every sample of a table.

    Parameters
    ----------
    model : Model
    expression : Expression
    options : Options, optional
    method : str, optional
        Name of the method in the calls (default: ``model:<name>``).

    Returns
    -------
    DataFrame
        Schema TABLE_CALLS, one row per sample in the order of the table; ``subtype`` is NA, with the
        reason, where more of the weight is missing than allowed, where missing values shift the
        score, where the sample is off the model's scale, or has no value.

    Raises
    ------
    InputError
        The table is of another platform or unit than the model and nothing bridges them; too few
        samples to standardise; an option that the model cannot follow.
    """
    wanted, rule = options or Options(), rule_of(model.rule)
    _refuse_turned(model, expression)
    scaling, densities = wanted.scaling or rule.apply_scaling, wanted.densities or rule.densities
    if model.scaling.kind in ("reference_sample", "quantile") and wanted.scaling is None:
        scaling, densities = "model", wanted.densities or "training"
    _refuse_options(model, expression, scaling, densities)
    values, absent, renamed = _values(model, expression)
    k = len(model.genes)
    if scaling == "own":
        scaled, share = _own(model, values[:k]), np.ones(values.shape[1])
    else:
        scaled, share = model.scaling.apply(values, k)
    scored = rule.score(scaled, model.trained)
    normals = model.normals
    if densities == "sign":
        normals = _by_sign(scored.score)
    flags = ["standardised within these samples"] if scaling == "own" else []
    flags += expression.merged_among(_rows(model, expression).values())
    flags += list(SELF_TRAINED_FLAGS) if model.self_trained else []
    flags += ["distributions of these samples' scores"] if densities == "sign" else []
    if model.platform == "unspecified" or expression.platform == "unspecified":
        flags.append("platform not stated")
    elif plain_platform(model.platform) != plain_platform(expression.platform):
        flags.append(f"trained on {model.platform}")
    weights = dict(zip(model.genes, np.abs(model.trained.weight), strict=True))
    lost_genes = [gene for gene in absent if gene in weights]
    common = {
        "method": method or f"model:{model.name}", "kind": "expression_class" if set(model.classes) - {"ABC", "GCB", "non-GCB"} else "cell_of_origin",
        "verified": True, "features_missing": ";".join(lost_genes) or None,
    }  # fmt: skip
    refused = _refusals(model, expression, scaled, scored.weight_missing, share, wanted, scaling, lost_genes)
    code = called(normals, scored.score, model.cut)
    turned = normals.turned(scored.score)
    far = (np.abs(scored.score - normals.mean_1) > FAR * normals.sd_1) & (
        np.abs(scored.score - normals.mean_0) > FAR * normals.sd_0
    )
    p_1, p_0 = normals.probability(scored.score), normals.probability_0(scored.score)
    first, second = model.classes
    used = (~np.isnan(scaled)).sum(axis=0)
    unusable = expression.unusable()
    rows: list[dict[str, Any]] = []
    for j, sample in enumerate(expression.samples):
        score = float(scored.score[j])
        row = common | {
            "sample_id": sample, "score": score, "features_used": int(used[j]), "weight_missing": float(scored.weight_missing[j]),
        }  # fmt: skip
        own = list(flags)
        if score == score and sample not in unusable:
            row["probabilities"] = probabilities_text({first: float(p_1[j]), second: float(p_0[j])})
            own += ["far from both classes"] if far[j] else []
            own += (
                [f"{scored.weight_missing[j]:.0%} of the weight not measured"]
                if scored.weight_missing[j] > MAX_WEIGHT_MISSING
                else []
            )
        if sample in refused:
            nothing = {"score": np.nan} if sample in unusable else {}
            rows.append(row | nothing | {"probabilities": None, "flags": ";".join(own) or None, "reason": refused[sample]})
            continue
        name = {1: first, 0: second}.get(int(code[j]), "UNCLASSIFIED")
        p = float(max(p_1[j], p_0[j]) if code[j] == -1 else (p_1[j] if code[j] == 1 else p_0[j]))
        reason = f"score {score:.4g}: P({first}) = {p_1[j]:.3g}, cut {model.cut:g}"
        if turned[j]:
            reason += "; beyond one class, where the other's wider spread would claim it"
        if lost_genes:
            reason += f"; {share_missing(weights, lost_genes):.1%} of the weight is missing ({len(lost_genes)} genes)"
        if renamed:
            reason += f"; names resolved: {', '.join(renamed[:5])}{' ...' if len(renamed) > 5 else ''}"
        rows.append(row | {"subtype": name, "probability": p, "flags": ";".join(own) or None, "reason": reason})
    return as_calls(rows)


def _refuse_turned(model: Model, expression: Expression) -> None:
    """Samples in rows, told by the model's own genes, which need be known nowhere else (probes)."""
    in_columns, in_rows = (
        len(find_genes(model.genes, names, any_case=False).rows) for names in (expression.samples, expression.genes)
    )
    if in_columns > in_rows:
        raise InputError(
            f"samples stand in rows here ({in_columns} column names are genes of the model, {in_rows} row names are)",
            remedy="Turn the table: genes in rows, samples in columns (table.T; on the command line: --samples-in-rows).",
        )


def _refuse_options(model: Model, expression: Expression, scaling: str, densities: str) -> None:
    if scaling not in ("model", "own") or densities not in ("training", "sign"):
        raise InputError("scaling is 'model' or 'own', densities are 'training' or 'sign'", value=f"{scaling}, {densities}")
    if scaling == "own" and model.scaling.kind not in ("none", "standardise"):
        raise InputError(
            f"the model scales by {model.scaling.kind}: samples cannot be standardised by themselves beside it",
            column="scaling", value=scaling, remedy="Use 'model'.",
        )  # fmt: skip
    if scaling == "own" and len(expression.samples) < MIN_OWN:
        raise InputError(
            f"{len(expression.samples)} samples cannot be standardised by themselves, {MIN_OWN} are needed",
            column="scaling", value=scaling,
            remedy="Use scaling 'model' (with densities 'training'), or a model trained with scaling reference_sample or quantile.",
        )  # fmt: skip
    if densities == "sign" and model.rule == "lps":
        raise InputError("0 is no border of LPS", column="densities", value=densities, remedy="Use 'training'.")
    differ = []
    named = "unspecified" not in (model.platform, expression.platform)
    if named and plain_platform(model.platform) != plain_platform(expression.platform):
        differ.append(f"platform {model.platform}, these are {expression.platform}")
    if model.unit != expression.unit:
        differ.append(f"unit {model.unit}, these are {expression.unit}")
    if differ and scaling == "model" and model.scaling.kind in ("none", "standardise"):
        raise InputError(
            f"the model was trained on {'; '.join(differ)}, and nothing bridges the two", column="platform", value=expression.platform,
            remedy="Use scaling 'own' (a cohort of ten and more with about the training set's mix of classes), or train with scaling "
            "reference_sample or quantile.",
        )  # fmt: skip


def _rows(model: Model, expression: Expression) -> dict[str, str]:
    return dict(find_genes(model.genes, expression.genes, where="expression").rows)


def _values(model: Model, expression: Expression) -> tuple[FloatArray, tuple[str, ...], tuple[str, ...]]:
    """Return log2 values of the genes that the model looks at (NaN where the table has no row), those missing, those renamed."""
    wanted = model.scaling.genes or model.genes
    found = find_genes(wanted, expression.genes, where="expression")
    at = {gene: i for i, gene in enumerate(expression.genes)}
    out = np.full((len(wanted), len(expression.samples)), np.nan)
    here = [i for i, gene in enumerate(wanted) if gene in found.rows]
    if here:
        out[here] = expression.rows([at[found.rows[wanted[i]]] for i in here])
    return out, found.missing, tuple(text for text in found.renamed if text.rpartition(" = ")[2] in set(model.genes))


def lost_share(model: Model, expression: Expression, allowed: float) -> tuple[list[str], float, str]:
    """Return the model's genes that a table lacks, their share of the weight, and both in words (InputError: samples in rows)."""
    _refuse_turned(model, expression)
    lost = list(find_genes(model.genes, expression.genes, where="expression").missing)
    share = share_missing(dict(zip(model.genes, np.abs(model.trained.weight), strict=True)), lost)
    return lost, share, lost_in_words(lost, share, allowed, expression.genes)


def lost_in_words(lost: Sequence[str], share: float, allowed: float, rows: Sequence[str] = ()) -> str:
    """Return, in words, which genes a table lacks and how much of the score's weight they have; of nearly all, how `rows` are named."""
    names = f"{', '.join(lost[:20])}{' ...' if len(lost) > 20 else ''}"
    found = f"; the table's rows are named {', '.join(rows[:3])} ..." if rows and share > OTHER_NAMES else ""
    return f"{len(lost)} genes with {share:.1%} of the score's weight are missing, {allowed:.0%} are allowed ({names}){found}"


def _own(model: Model, values: FloatArray) -> FloatArray:
    """Standardise each gene by the new samples, then put it on the scale that the model scores on."""
    mean, sd = row_moments(values)
    z = np.where(sd[:, None] > 0, (values - mean[:, None]) / np.where(sd > 0, sd, 1.0)[:, None], np.nan)
    if model.scaling.kind == "standardise":
        return z
    centre, spread = training_moments(model)
    return np.asarray(centre[:, None] + spread[:, None] * z)


def training_moments(model: Model) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each gene over all training samples, from those of the classes."""
    of = model.trained
    n = of.n_1 + of.n_0
    mean = (of.n_1 * of.mean_1 + of.n_0 * of.mean_0) / n
    ss = (of.n_1 - 1) * of.sd_1**2 + (of.n_0 - 1) * of.sd_0**2 + of.n_1 * of.n_0 / n * (of.mean_1 - of.mean_0) ** 2
    return mean, np.sqrt(ss / (n - 1))


def _by_sign(score: FloatArray) -> TwoNormals:
    known = score[~np.isnan(score)]
    high = known >= 0
    if min(high.sum(), (~high).sum()) < 2:
        raise InputError(
            f"{int(high.sum())} scores are above 0 and {int((~high).sum())} below: no distributions can be taken from them",
            column="densities", value="sign", remedy="Use densities 'training'.",
        )  # fmt: skip
    return from_labels(known, high)


def _refusals(
    model: Model, expression: Expression, scaled: FloatArray, weight_missing: FloatArray, share: FloatArray, wanted: Options,
    scaling: str, lost: list[str],
) -> dict[str, str]:  # fmt: skip
    """Return sample -> why it gets no call."""
    share_lost = share_missing(dict(zip(model.genes, np.abs(model.trained.weight), strict=True)), lost)
    out = dict(expression.unusable())
    mean, sd = training_moments(model)
    shift = np.zeros(scaled.shape[1])
    if model.rule == "lps" and lps.is_centred(model.trained):
        # left out of the sum: the same as a value of 0, and the genes' middles are only about 0
        lost_sum = ((model.trained.weight * lps.middle(model.trained))[:, None] * np.isnan(scaled)).sum(axis=0)
        shift = np.abs(lost_sum) / abs(model.normals.mean_1 - model.normals.mean_0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # a gene without spread takes no part, and has no distance
        distance = np.abs(scaled - mean[:, None]) / np.where(sd > 0, sd, np.nan)[:, None]
    for j, sample in enumerate(expression.samples):
        if sample in out:
            continue
        known = distance[:, j][~np.isnan(distance[:, j])]
        if share_lost > wanted.max_weight_missing:
            out[sample] = "no call: " + lost_in_words(lost, share_lost, wanted.max_weight_missing)
        elif weight_missing[j] > MAX_SAMPLE_MISSING or not known.size:
            out[sample] = (
                f"no call: {weight_missing[j]:.1%} of the score's weight is not measured in this sample, {MAX_SAMPLE_MISSING:.0%} are allowed"
            )
        elif shift[j] > MAX_SHIFT:
            out[sample] = (
                f"no call: missing values shift the score by {shift[j]:.0%} of the distance between the classes "
                "(the genes' middles are not 0); train with scaling standardise"
            )
        elif share[j] < MIN_STEADY:
            out[sample] = f"no call: {share[j]:.0%} of the genes that the scaling rests on are there, {MIN_STEADY:.0%} are needed"
        elif scaling == "model" and np.median(known) > MAX_MEDIAN_DISTANCE:
            out[sample] = (
                f"no call: off the model's scale (its genes lie a median of {np.median(known):.1f} training standard deviations "
                "from their means); another platform, unit or normalisation?"
            )
    return out
