"""Raw NanoString counts and a published signature -> score, probability, call and quality per sample.

The numbers of a signature belong to the counts of its code set.  RNA-seq and arrays have another
scale, on which the same sum means nothing: they are refused, and the message names what works there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.schemas import SCORES
from resistance.stats.normal_classes import class_probabilities, far_outside, score_at
from resistance.subtype.genes import find_genes, share_missing
from resistance.subtype.method import (
    TABLE_SCORES,
    UNCLASSIFIED,
    Called,
    Method,
    as_calls,
    per_patient,
    probabilities_text,
    with_patients,
)
from resistance.subtype.nanostring_lane import add_lanes, judge_lanes
from resistance.subtype.nanostring_table import OTHER_PLATFORM, counts_of_table, refuse_other_numbers
from resistance.subtype.signature import Signature, housekeeping_genes, load_signatures
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.config import Subtype

#: quality: mean log2 count of the housekeeping genes below which COO and PMBL are not called, and their
#: geometric mean below which DHITsig is not called (both mean 60 counts; DLBCL90 1.1.0 tests each so)
MIN_MEAN_LOG2, MIN_GEOMETRIC_MEAN = 5.906890596, 60.0
HOUSEKEEPING_SCORE = "nanostring_housekeeping"


@dataclass(frozen=True)
class Scored:
    """A signature's score in each sample.

    Parameters
    ----------
    samples : tuple of str
    score, mean_log2, geometric_mean : ndarray of float64
        NaN where a count of the score (or of every housekeeping gene) is not known.
    probabilities : ndarray, shape (n, 2)
    missing : list of tuple of str
        Genes of the signature without a count, by sample.
    raised : list of tuple of str
        Genes with a count of 0, taken as 1 (log2 of 0 is not a number), by sample.
    n_housekeeping : int
        Housekeeping genes of the 13 that the table has.
    renamed, other_case : tuple of str
        Names of the table that are older ones of the genes, and names in small letters.
    """

    samples: tuple[str, ...]
    score: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    mean_log2: NDArray[np.float64]
    geometric_mean: NDArray[np.float64]
    missing: list[tuple[str, ...]]
    raised: list[tuple[str, ...]]
    n_housekeeping: int
    renamed: tuple[str, ...]
    other_case: tuple[str, ...]


def score_counts(signature: Signature, counts: pd.DataFrame) -> Scored:
    """Score every sample.

    Parameters
    ----------
    signature : Signature
    counts : DataFrame
        Codes (index, by any symbol) x samples, raw counts; NaN: not known.

    Raises
    ------
    InputError
        The code set lacks a gene of the signature.  The coefficients do not cancel gene by gene, so
        that one gene less moves the score by hundreds of points: there is no share that could be missed.
    """
    import numpy as np

    found = find_genes(signature.genes, counts.index)
    house = find_genes(housekeeping_genes(), counts.index)
    needed = list(found.missing)
    if signature.scale == "log2_per_1000_housekeeping":
        needed += [gene for gene in house.missing if gene not in needed]
    if needed or not house.rows:
        lost = share_missing(signature.coefficients, found.missing)
        raise InputError(
            f"{signature.name} cannot be computed: the code set lacks {', '.join(needed or housekeeping_genes())} "
            f"({lost:.0%} of the weight of the score)",
            remedy="All genes of the score are needed. A Lymph2Cx code set has those of dlbcl90_coo only. " + OTHER_PLATFORM,
        )
    raw = counts.loc[list(found.rows.values())].to_numpy(dtype=float)
    raw_house = counts.loc[list(house.rows.values())].to_numpy(dtype=float)
    # the published program replaces a count of 0 by 1
    log2, log2_house = np.log2(np.maximum(raw, 1)), np.log2(np.maximum(raw_house, 1))
    mean_log2 = log2_house.mean(axis=0)
    weights = np.array([signature.coefficients[gene] for gene in found.rows])
    if signature.scale == "log2_per_1000_housekeeping":
        log2 = log2 + np.log2(1000) - mean_log2
    score = (weights[:, None] * log2).sum(axis=0) + signature.constant
    genes = np.array([*found.rows, *house.rows], dtype=object)
    both = np.vstack([raw, raw_house])
    return Scored(
        tuple(str(name) for name in counts.columns),
        score,
        class_probabilities(score, signature.means, signature.sds),
        mean_log2,
        2**mean_log2,
        [tuple(dict.fromkeys(genes[np.isnan(column)])) for column in both.T],
        [tuple(dict.fromkeys(genes[column < 1])) for column in both.T],
        len(house.rows),
        tuple(text for text in found.renamed if text not in found.other_case),
        found.other_case,
    )


def low_quality(scale: str, mean_log2: float, geometric_mean: float) -> bool:
    """Return whether the housekeeping genes are too low for a call, as the published program tests it."""
    return geometric_mean < MIN_GEOMETRIC_MEAN if scale == "log2_per_1000_housekeeping" else mean_log2 < MIN_MEAN_LOG2


def call_score(signature: Signature, score: float, probabilities: tuple[float, float]) -> tuple[str, float, str]:
    """Return class, its probability, and the reason in words.

    Examples
    --------
    >>> call_score(load_signatures()["dlbcl90_coo"], 2311.7, (0.772, 0.228))
    ('UNCLASSIFIED', 0.772, 'score 2311.7: P(ABC) 0.772, no class reaches 0.9')
    """
    best = 0 if probabilities[0] >= probabilities[1] else 1
    name, p = signature.classes[best], float(probabilities[best])
    called = p >= signature.call_at
    end = f"at least {signature.call_at:g}" if called else f"no class reaches {signature.call_at:g}"
    return (name if called else UNCLASSIFIED), p, f"score {score:.1f}: P({name}) {p:.3g}, {end}"


def call_rows(method: Method, signature: Signature, scored: Scored) -> list[dict[str, Any]]:
    """Return one row of calls per sample (see :meth:`Method.row`)."""
    rows = []
    outside = far_outside(scored.score, signature.means, signature.sds)
    for i, sample in enumerate(scored.samples):
        missing = scored.missing[i]
        flags: list[str] = []
        row = method.row(
            sample_id=sample,
            features_used=len(signature.genes) - sum(gene in signature.coefficients for gene in missing),
            features_missing=";".join(missing) or None,
            weight_missing=share_missing(signature.coefficients, (g for g in missing if g in signature.coefficients)),
        )
        if scored.score[i] != scored.score[i]:
            rows.append(row | {"reason": f"no count of {', '.join(missing)}"})
            continue
        p = (float(scored.probabilities[i, 0]), float(scored.probabilities[i, 1]))
        call: str | None
        call, of_call, reason = call_score(signature, float(scored.score[i]), p)
        row |= {"score": scored.score[i], "probability": of_call}
        row["probabilities"] = probabilities_text(dict(zip(signature.classes, p, strict=True)))
        mean_log2, geometric = float(scored.mean_log2[i]), float(scored.geometric_mean[i])
        if mean_log2 != mean_log2:
            flags.append("housekeeping_unknown")
            reason += f"; quality not known: no count of {', '.join(missing)}"
        elif low_quality(signature.scale, mean_log2, geometric):
            flags.append("housekeeping_low")
            call = None
            reason = f"not called: geometric mean of the housekeeping genes {geometric:.1f}, at least {MIN_GEOMETRIC_MEAN:g} is needed; {reason}"  # fmt: skip
        if scored.n_housekeeping < len(housekeeping_genes()):
            flags.append(f"housekeeping_{scored.n_housekeeping}_of_{len(housekeeping_genes())}")
        if scored.raised[i]:
            flags.append("zero_count")
            reason += f"; count 0 taken as 1: {', '.join(scored.raised[i])}"
        if outside[i]:
            flags.append("far_outside")
            reason += "; more than 4 standard deviations from every class: no training sample looked like this"
        if scored.renamed:
            reason += f"; older names: {', '.join(scored.renamed)}"
        if scored.other_case:
            reason += f"; names in another case: {', '.join(scored.other_case)}"
        rows.append(row | {"subtype": call, "flags": ";".join(flags) or None, "reason": reason})
    return rows


def score_rows(method: Method, signature: Signature, scored: Scored) -> pd.DataFrame:
    """Return the scores of every sample, schema TABLE_SCORES: the signature's, and the housekeeping genes' mean."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for i, sample in enumerate(scored.samples):
        low = low_quality(signature.scale, float(scored.mean_log2[i]), float(scored.geometric_mean[i]))
        of_score = [gene for gene in scored.missing[i] if gene in signature.coefficients]
        of_house = [gene for gene in scored.missing[i] if gene in housekeeping_genes()]
        rows.append(
            {
                "sample_id": sample, "name": signature.name, "value": None if low else scored.score[i], "unit": "points on the scale of the code set",
                "features_used": len(signature.genes) - len(of_score), "features_missing": ";".join(of_score) or None,
                "weight_missing": share_missing(signature.coefficients, of_score), "verified": method.verified,
                "note": f"housekeeping genes too low for a score ({scored.score[i]:.1f})" if low else None,
            }
        )  # fmt: skip
        rows.append(
            {
                "sample_id": sample, "name": HOUSEKEEPING_SCORE, "value": scored.mean_log2[i], "unit": "mean log2 count",
                "features_used": scored.n_housekeeping - len(of_house), "features_missing": ";".join(of_house) or None,
                "weight_missing": len(of_house) / scored.n_housekeeping, "verified": True,
                "note": "too low" if scored.mean_log2[i] < MIN_MEAN_LOG2 else None,
            }
        )  # fmt: skip
    return conform(pd.DataFrame(rows, columns=list(TABLE_SCORES.names)), TABLE_SCORES)


def classify_cohort(
    cohort: Cohort,
    settings: Subtype,
    method: Method,
    rows_of: Callable[[pd.DataFrame], tuple[list[dict[str, Any]], pd.DataFrame]],
) -> Called:
    """Call a cohort from its NanoString table.

    Parameters
    ----------
    rows_of : callable
        Counts (codes x samples) -> rows of calls and scores.

    Raises
    ------
    InputError
        There are no NanoString counts but another platform's expression.
    """
    names = [name for name in cohort.nanostring.columns if name not in ("gene", "code_class")]
    if not names:
        if len(cohort.expression.columns) > 1:
            platform = cohort.facts.get("expression_platform") or "expression"
            raise InputError(
                f"{method.name} needs NanoString counts; the cohort has expression on the platform '{platform}'",
                path="subtype",
                column="methods",
                value=method.name,
                remedy=OTHER_PLATFORM,
            )
        return Called(per_patient(cohort, method, as_calls([]), what="NanoString counts"), empty(SCORES))
    counts = cohort.nanostring.set_index("gene")[names]
    try:
        refuse_other_numbers(counts)
        rows, scores = rows_of(counts)
        rows = add_lanes(rows, judge_lanes(counts, cohort.nanostring_lanes))
    except InputError as error:  # say which table of the cohort is meant
        raise InputError([replace(problem, path=problem.path or "nanostring") for problem in error.problems]) from error
    calls = per_patient(cohort, method, as_calls(rows), what="NanoString counts")
    return Called(calls, with_patients(cohort, scores))


def call_table(
    rows_of: Callable[[pd.DataFrame], tuple[list[dict[str, Any]], pd.DataFrame]],
    table: pd.DataFrame, platform: str, lanes: pd.DataFrame | None,
) -> pd.DataFrame:  # fmt: skip
    """Call every sample of a plain table (:func:`resistance.subtype.nanostring_table.counts_of_table`).

    Parameters
    ----------
    rows_of : callable
        Counts (codes x samples) -> rows of calls and scores.
    table : DataFrame
    platform : str
    lanes : DataFrame or None
        Attributes of the samples' lanes, schema ``nanostring_lanes``; None: not known.
    """
    counts = counts_of_table(table, platform=platform)
    return as_calls(add_lanes(rows_of(counts)[0], judge_lanes(counts, lanes)))


def cut_scores(signature: Signature) -> tuple[tuple[str, float], ...]:
    """Return the scores at which the two classes begin to be called.

    Examples
    --------
    >>> [(name, round(score, 1)) for name, score in cut_scores(load_signatures()["dlbcl90_coo"])]
    [('ABC', 2433.5), ('GCB', 1907.8)]
    """
    first, second = signature.classes
    high, low = (score_at(p, signature.means, signature.sds) for p in (signature.call_at, 1 - signature.call_at))
    return (first, high), (second, low)


def nanostring_method(
    name: str, *, kind: str, citation: str, limits: str, version: str = "1.1.0"
) -> tuple[Method, Callable[[Cohort, Subtype], Called], Callable[..., pd.DataFrame]]:
    """Make the record and the two functions of a method that is one signature.

    Returns
    -------
    method, classify, classify_table
    """
    signature = load_signatures()[name]

    def of(counts: pd.DataFrame) -> tuple[list[dict[str, Any]], pd.DataFrame]:
        scored = score_counts(signature, counts)
        return call_rows(method, signature, scored), score_rows(method, signature, scored)

    def classify(cohort: Cohort, settings: Subtype) -> Called:
        """Call every patient of a cohort with NanoString counts (see :class:`resistance.subtype.method.Method`)."""
        return classify_cohort(cohort, settings, method, of)

    def classify_table(table: pd.DataFrame, *, platform: str = "nanostring", lanes: pd.DataFrame | None = None) -> pd.DataFrame:
        """Call every sample of a table of raw counts, codes in rows (see :func:`call_table`)."""
        return call_table(of, table, platform, lanes)

    method = Method(
        name=name,
        version=version,
        kind=kind,
        input="nanostring",
        needs=f"raw NanoString counts of the {len(signature.genes)} genes of the score, and of the 13 housekeeping genes for the quality",
        classes=signature.classes,
        features=signature.genes,
        platforms=("NanoString nCounter, code set DLBCL90",),
        citation=citation,
        verified=True,
        limits=limits,
        classify=classify,
        classify_table=classify_table,
        cut_scores=cut_scores(signature),
    )
    return method, classify, classify_table
