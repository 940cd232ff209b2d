"""Expression -> scores that are no classes (NF-kB, IRF4, Wnt, proliferation, NK and T cells, dark zone): one number per sample.

Each is a continuous marker of the analysis under ``score:<name>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError
from resistance.schemas import SCORES
from resistance.stats.linear_score import Score
from resistance.stats.weighted_z import weighted_z
from resistance.subtype.apply_model import MAX_SAMPLE_MISSING, MAX_WEIGHT_MISSING, lost_in_words
from resistance.subtype.expression import Expression, from_cohort
from resistance.subtype.genes import find_genes, share_missing
from resistance.subtype.method import TABLE_SCORES, with_patients
from resistance.subtype.published import GeneScore, load_scores
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: fewest samples that can be standardised by themselves
MIN_SAMPLES = 10
ALL = "all"
UNITS = {"z": "combined z within the cohort", "mean_log2": "mean log2 expression"}


def score_names(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the scores of that name, 'all' for every one.

    Raises
    ------
    InputError
        There is no such score.
    """
    known = load_scores()
    names = list(known) if ALL in wanted else list(dict.fromkeys(wanted))
    strange = [name for name in names if name not in known]
    if strange:
        raise InputError(
            "there is no such score",
            column="subtype.scores",
            value=strange[0],
            remedy=f"There are: {', '.join(known)}; or 'all'.",
        )
    return tuple(names)


def score_expression(
    expression: Expression, names: Sequence[str] = (ALL,), *, max_weight_missing: float = MAX_WEIGHT_MISSING
) -> pd.DataFrame:
    """Score every sample of a table.

    Parameters
    ----------
    expression : Expression
        Counts and TPM are brought to a log2 scale first.
    names : sequence of str
        Scores of ``resources/signatures/expression_scores.tsv``, or 'all'.
    max_weight_missing : float
        Share of a score's weight that genes without a row may have.

    Returns
    -------
    DataFrame
        Schema TABLE_SCORES, one row per sample and score.  ``value`` is NA, with the reason, where too
        much of the weight is missing (for one sample: more than half), where fewer than ten samples are there to standardise by, or where
        the sample has no value.

    Raises
    ------
    InputError
        There is no such score.

    Notes
    -----
    z: Lee et al. 2008, doi:10.1371/journal.pcbi.1000217.  mean_log2: Becht et al. 2016,
    doi:10.1186/s13059-016-1070-5.  A z-score depends on the other samples: within cross-validation it
    belongs into the fold.
    """
    import pandas as pd

    parts = [_one(expression, load_scores()[name], max_weight_missing) for name in score_names(names)]
    if not parts:
        return empty(TABLE_SCORES)
    return conform(pd.DataFrame([row for part in parts for row in part], columns=list(TABLE_SCORES.names)), TABLE_SCORES)


def score_cohort(cohort: Cohort, names: Sequence[str], *, max_weight_missing: float = MAX_WEIGHT_MISSING) -> pd.DataFrame:
    """Return the scores of a cohort's samples (schema SCORES); without expression, or without names, no rows."""
    if not names:
        return empty(SCORES)
    import pandas as pd

    score_names(names)
    table = from_cohort(cohort)
    if table is None:
        return empty(SCORES)
    try:
        scores = score_expression(table, names, max_weight_missing=max_weight_missing)
    except InputError as error:  # the table's names cannot be resolved: the other methods go on, and each score says why
        why = "; ".join(f"{problem.message}. {problem.remedy or ''}".strip() for problem in error.problems)
        rows = [
            {
                "sample_id": sample,
                "name": of.name,
                "unit": UNITS[of.scale],
                "features_used": 0,
                "verified": of.verified,
                "note": why,
            }
            for of in (load_scores()[name] for name in score_names(names))
            for sample in table.samples
        ]
        scores = conform(pd.DataFrame(rows, columns=list(TABLE_SCORES.names)), TABLE_SCORES)
    return with_patients(cohort, scores)


def _one(expression: Expression, of: GeneScore, max_weight_missing: float) -> list[dict[str, Any]]:
    found = find_genes(tuple(of.weights), expression.genes, where="expression")
    at = {gene: i for i, gene in enumerate(expression.genes)}
    here = [gene for gene in of.weights if gene in found.rows]
    lost = list(found.missing)
    share = share_missing(of.weights, lost)
    unusable = expression.unusable()
    usable = np.array([sample not in unusable for sample in expression.samples])
    why = ""
    scored = Score(np.full(len(expression.samples), np.nan), np.zeros(len(expression.samples)))
    if share > max_weight_missing or not here:
        why = lost_in_words(lost, share, max_weight_missing)
    elif of.scale == "z" and usable.sum() < MIN_SAMPLES:
        why = f"{int(usable.sum())} samples, {MIN_SAMPLES} are needed to standardise by"
    else:
        values = expression.rows([at[found.rows[gene]] for gene in here])
        values[:, ~usable] = np.nan
        weight = np.array([of.weights[gene] for gene in here])
        scored = weighted_z(values, weight) if of.scale == "z" else _mean(values)
    rows = []
    for j, sample in enumerate(expression.samples):
        notes = [why or unusable.get(sample, "")]
        value = float(scored.score[j])
        if scored.weight_missing[j] > max_weight_missing and usable[j] and not why:
            notes.append(f"{scored.weight_missing[j]:.0%} of the weight not measured or without spread")
            value = np.nan if scored.weight_missing[j] > MAX_SAMPLE_MISSING else value
        if not of.verified:
            notes.append("gene list not verified")
        notes += expression.merged_among(found.rows.values())
        notes += [found.in_words().removeprefix("; ")] if found.other_case else []
        rows.append(
            {
                "sample_id": sample,
                "name": of.name,
                "value": value,
                "unit": UNITS[of.scale],
                "features_used": len(here) if not why else 0,
                "features_missing": ";".join(lost) or None,
                "weight_missing": share,
                "verified": of.verified,
                "note": "; ".join(note for note in notes if note) or None,
            }
        )
    return rows


def _mean(values: np.ndarray[Any, Any]) -> Score:
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return Score(np.divide(total, n, out=np.full(n.size, np.nan), where=n > 0), 1 - n / values.shape[0])
