"""Raw RNA-seq counts -> the published linear scores that are fitted on a reference library size, one sample at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError
from resistance.stats.reference_library import reference_library_sizes
from resistance.subtype.expression import Expression, from_frame, plain_platform
from resistance.subtype.expression_method import as_expression, classify_cohort
from resistance.subtype.genes import current_symbol, find_genes
from resistance.subtype.method import UNCLASSIFIED, Called, Method, as_calls
from resistance.subtype.published import REFERENCE_LIBRARY, Published, load_published
from resistance.subtype.reference_sample import MIN_GENES, REMEDY, ReferenceSample, as_reference, read_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

FloatArray = NDArray[np.float64]
#: library size below which a sample is flagged
LOW_LIBRARY = 5e5
#: flag of scores whose scale nobody published
OTHER_REFERENCE = "not the published reference sample"
UNIT = "linear score of ln(count + 1) per million, on the scale of the NanoString score"
#: platforms whose numbers are no counts of reads
_OTHER_PLATFORMS = frozenset(("nanostring", "ncounter", "array", "microarray", "affymetrix", "agilent", "lymphochip"))
LIMITS = (
    "Raw counts of a whole transcriptome only, best stranded; each sample is normalised against one reference sample, so that single "
    "samples can be called. Genes with fewer counts than samples do not enter the library size."
)


def check_reference(settings: Subtype) -> int | None:
    """Read the reference sample that a cohort names, and look for the genes of the methods that it asks for.

    Parameters
    ----------
    settings : config.Subtype
        Paths are taken as they stand (see ``Subtype.below``).

    Returns
    -------
    int or None
        Its genes with a count; None where no reference is named.

    Raises
    ------
    InputError
        See :func:`resistance.subtype.reference_sample.read_reference`.
    """
    if settings.rnaseq_reference is None:
        return None
    wanted = {name: tuple(of.weights) for name, of in load_published().items() if name in settings.methods}
    wanted = {name: genes for name, genes in wanted.items() if load_published()[name].scale == "ln_cpm_reference"}
    return len(read_reference(Path(settings.rnaseq_reference), wanted).counts)


def normalised(
    expression: Expression, genes: tuple[str, ...], reference: ReferenceSample | None
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Return ln(count + 1) + ln(1e6 / library) of some genes, the library sizes, and genes with fewer counts than samples.

    Raises
    ------
    InputError
        Not counts; no reference sample; a gene without a row; fewer than 2,000 genes of the reference sample.
    """
    if expression.unit != "counts":
        raise InputError(
            f"raw counts are needed, the table holds {expression.unit}",
            remedy="Give the counts (unit: counts), or use the method lps_wright210, which takes log2 and TPM. A table that was "
            "normalised against the reference sample already is unit 'normalised'.",
        )
    if plain_platform(expression.platform) in _OTHER_PLATFORMS:
        raise InputError(
            f"the score is one of RNA-seq counts, the table is {expression.platform}", column="platform", value=expression.platform,
            remedy="For NanoString counts use dlbcl90_coo and dlbcl90_dhitsig, for arrays lps_wright210 or a trained model.",
        )  # fmt: skip
    if reference is None:
        raise InputError(
            "the reference sample of gneSeqCOO is needed for raw counts, and is not part of this package",
            column="rnaseq_reference",
            remedy=f"{REMEDY} A table that is normalised against it already is unit 'normalised'.",
        )
    found = find_genes(genes, expression.genes, where="expression")
    if found.missing:
        raise InputError(
            f"{len(found.missing)} of {len(genes)} genes are missing, and the score has no value without them "
            f"({', '.join(found.missing)})",
            remedy="Give the whole transcriptome by Ensembl ids.",
        )
    counts = reference.counts
    by_symbol = {current_symbol(name): count for name, count in counts.items()}
    of = np.array(
        [
            # the copy of a gene on Y has its own row in some tables, and no place in the reference
            np.nan if name.endswith("_PAR_Y") else counts.get(name.split(".")[0], by_symbol.get(current_symbol(name), np.nan))
            for name in expression.genes
        ]
    )
    values = np.asarray(expression.values, dtype=np.float64)
    total = np.nansum(values, axis=1)
    enough = total >= len(expression.samples)
    rows = ~np.isnan(of) & enough
    if (~np.isnan(of)).sum() < MIN_GENES:
        raise InputError(
            f"{int((~np.isnan(of)).sum())} genes of the reference sample are in the table, {MIN_GENES} are needed for the library size",
            remedy="Give all genes, by Ensembl ids (with or without version); a filtered or symbol-only table cannot be normalised so.",
        )
    library = reference_library_sizes(values[rows], of[rows], REFERENCE_LIBRARY)
    at = {gene: i for i, gene in enumerate(expression.genes)}
    places = [at[found.rows[gene]] for gene in genes]
    with np.errstate(invalid="ignore"):
        out = np.log(values[places] + 1) + np.log(1e6 / library)[None, :]
    return out, library, tuple(gene for gene, i in zip(genes, places, strict=True) if not enough[i])


def score_normalised(signature: Published, values: FloatArray) -> FloatArray:
    """Return the score of values that are normalised already: genes of the signature x samples; NaN where one is missing."""
    weight = np.array(list(signature.weights.values()))
    # no matrix product: a gene that is missing must leave the sample without a score, whatever the library does with NaN
    return np.asarray(signature.constant + np.einsum("i,ij->j", weight, np.asarray(values, dtype=np.float64)))


def call_counts(signature: Published, method: Method, expression: Expression, reference: ReferenceSample | None) -> pd.DataFrame:
    """Score and call every sample of raw counts (schema TABLE_CALLS); flagged where the reference is not the published one.

    Raises
    ------
    InputError
        As :func:`normalised`.
    """
    values, library, low_genes = normalised(expression, tuple(signature.weights), reference)
    common = [] if reference is None or reference.published else [OTHER_REFERENCE]
    rows = find_genes(tuple(signature.weights), expression.genes, where="expression").rows
    common += expression.merged_among(rows.values())
    common += [f"low counts: {', '.join(low_genes)}"] if low_genes else []
    flags = [list(common) for _ in expression.samples]
    for of, size in zip(flags, library, strict=True):
        of[:0] = ["low library size"] if size < LOW_LIBRARY else []
    return _call(signature, method, expression, values, flags)


def call_normalised(signature: Published, method: Method, table: pd.DataFrame) -> pd.DataFrame:
    """Score and call every sample of a table that is normalised already (schema TABLE_CALLS), flagged ``normalised elsewhere``.

    Parameters
    ----------
    table : DataFrame
        Genes (in the index, or a first column of words) x samples, as :func:`normalised` gives them: natural log of counts per
        million against the reference sample.  The library size, and with it the quality of a sample, is not known.

    Raises
    ------
    InputError
        A gene is missing, samples stand in rows, a cell is no number.
    """
    # the numbers are logarithms: what is checked of log2 is to be checked of these
    expression = from_frame(table, "log2", where="expression")
    genes = tuple(signature.weights)
    found = find_genes(genes, expression.genes, where="expression")
    if found.missing:
        raise InputError(
            f"{len(found.missing)} of {len(genes)} genes are missing, and the score has no value without them "
            f"({', '.join(found.missing)})",
            remedy="Give all of them, genes in rows.",
        )
    at = {gene: i for i, gene in enumerate(expression.genes)}
    values = np.asarray(expression.values[[at[found.rows[gene]] for gene in genes]], dtype=np.float64)
    flags = [["normalised elsewhere"] for _ in expression.samples]
    return _call(signature, method, expression, values, flags)


def _call(
    signature: Published, method: Method, expression: Expression, values: FloatArray, flags: list[list[str]]
) -> pd.DataFrame:
    samples, unusable = expression.samples, expression.unusable()
    resolved = find_genes(tuple(signature.weights), expression.genes).in_words()
    score = score_normalised(signature, values)
    above, up_to = signature.above, signature.up_to
    if above is None or up_to is None:
        raise ValueError(f"{signature.name} has no cut-offs")
    high, low = signature.classes
    rows: list[dict[str, Any]] = []
    for j, sample in enumerate(samples):
        row = method.row(
            sample_id=sample, score=float(score[j]), features_used=int((~np.isnan(values[:, j])).sum()),
            weight_missing=float(np.isnan(values[:, j]).mean()), flags=";".join(flags[j]) or None,
        )  # fmt: skip
        if sample in unusable or np.isnan(score[j]):
            why = unusable.get(sample, "a gene of the score has no value in this sample")
            rows.append(row | {"reason": f"no call: {why}"})
            continue
        # the borders belong to the lower class
        subtype = high if score[j] > above else low if score[j] <= up_to else UNCLASSIFIED
        reason = f"score {score[j]:.4g}: {low} up to {up_to:g}, {high} above {above:g}{resolved}"
        rows.append(row | {"subtype": subtype, "reason": reason})
    return as_calls(rows)


def reference_method(name: str, *, kind: str, citation: str) -> tuple[Method, Callable[..., Called], Callable[..., Any]]:
    """Return the method of that name, and how it calls a cohort and a plain table."""
    signature = load_published()[name]

    def classify(cohort: Cohort, settings: Subtype) -> Called:
        given = settings.rnaseq_reference
        # the user's file is checked before anybody is called: what is wrong with it is no reason of one patient
        reference = None if given is None else read_reference(Path(given), {name: tuple(signature.weights)})
        return classify_cohort(cohort, method, lambda table: call_counts(signature, method, table, reference), unit=UNIT)

    def classify_table(
        table: pd.DataFrame, *, unit: str = "counts", platform: str = "rnaseq",
        rnaseq_reference: str | Path | Mapping[str, float] | ReferenceSample | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Call every sample of a table, genes in rows.

        Parameters
        ----------
        table : DataFrame
        unit : {'counts', 'normalised'}
            Raw counts, or values as :func:`normalised` gives them.
        platform : str
        rnaseq_reference : path, mapping of str to float, or ReferenceSample, optional
            The reference sample of gneSeqCOO (Ensembl id -> count), which raw counts need: see
            :func:`resistance.subtype.reference_sample.read_reference`.
        """
        if unit == "normalised":
            if rnaseq_reference is not None:
                raise InputError(
                    "a table that is normalised already is not compared with the reference sample", column="rnaseq_reference",
                    remedy="Leave it out, or give raw counts (unit counts).",
                )  # fmt: skip
            return call_normalised(signature, method, table)
        reference = None if rnaseq_reference is None else as_reference(rnaseq_reference, {name: tuple(signature.weights)})
        return call_counts(signature, method, as_expression(table, unit, platform), reference)

    method = Method(
        name=name,
        version="1.1.0",
        kind=kind,
        input="expression",
        needs="raw RNA-seq counts of a whole transcriptome, genes by Ensembl id, and the authors' reference sample",
        classes=signature.classes,
        features=tuple(signature.weights),
        platforms=("rnaseq",),
        citation=citation,
        verified=signature.verified,
        limits=f"{LIMITS} {signature.note}",
        classify=classify,
        classify_table=classify_table,
        cut_scores=tuple(
            (name, score)
            for name, score in zip(signature.classes, (signature.above, signature.up_to), strict=True)
            if score is not None
        ),
    )
    return method, classify, classify_table
