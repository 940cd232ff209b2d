"""The user's file of the reference sample of gneSeqCOO -> gene -> count, checked once, and whether it is the published sample."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from resistance.errors import InputError, Problem
from resistance.subtype.expression import MAX_LOG2
from resistance.subtype.genes import ENSEMBL, current_symbol
from resistance.subtype.text_table import read_table

#: fewest genes that the reference, and of it a table of counts, must have
MIN_GENES = 2000
#: share of a score's own genes that the reference must name; below it, it names genes in some other way
MIN_SHARE = 0.5
#: genes that stand twice are listed up to here
_SHOWN = 20
#: of goyaRefSample4, gneSeqCOO 1.1.0: lines 'gene<tab>count to six digits', sorted
_PUBLISHED = "e4d1519274135fa4696b9af244039ff0cedc4ae7b33e6e708a4be0c2ee9a7ee2"
REMEDY = (
    "Name a table of its two columns, Ensembl id and count: subtype.rnaseq_reference in the cohort file, --rnaseq-reference FILE on the "
    "command line, rnaseq_reference= in Python. Its authors publish it (goyaRefSample4 of github.com/Genentech/gneSeqCOO; "
    "docs/expression_classes.md says how to write the file)."
)
_FORM = "Two columns with a header, the Ensembl id and the count; tab separated, .csv (comma) or .xlsx."


@dataclass(frozen=True)
class ReferenceSample:
    """Counts of the sample that libraries are compared with.

    Parameters
    ----------
    counts : mapping of str to float
        Ensembl id without version (or symbol) -> count, above 0.
    published : bool
        It is goyaRefSample4 of gneSeqCOO 1.1.0, on which the scores' scale rests.
    without_count : int
        Genes of the file with the count 0, which take no part.
    """

    counts: Mapping[str, float]
    published: bool
    without_count: int = 0


def as_reference(
    given: str | Path | Mapping[str, float] | ReferenceSample, genes: Mapping[str, Collection[str]] | None = None
) -> ReferenceSample:
    """Return a reference sample given as a file, or as gene -> count.

    Raises
    ------
    InputError
        See :func:`read_reference`.
    """
    if isinstance(given, ReferenceSample):
        return given
    if isinstance(given, str | Path):
        return read_reference(Path(given), genes)
    return _checked([(str(gene), str(count), None) for gene, count in given.items()], None, ("gene", "count"), genes)


def read_reference(path: Path, genes: Mapping[str, Collection[str]] | None = None) -> ReferenceSample:
    """Read the reference sample from a file.

    Parameters
    ----------
    path : Path
        A table with a header and two columns, gene and count; text (tab, ``.csv``, ``.gz``) or ``.xlsx``.  The header may lack the
        first name, as R writes it.  Rows of the copy of a gene on Y (``_PAR_Y``) are passed over.
    genes : mapping of str to collection of str, optional
        Method -> its genes, at least half of which must be there.

    Returns
    -------
    ReferenceSample

    Raises
    ------
    InputError
        Not two columns; a gene without a name or that stands twice; a count that is no number, negative or infinite; fewer than
        2,000 genes with a count; names by which the methods' genes are not found.  With file, row, column and value.
    """
    table = read_table(path)
    if table.shape[1] != 2:
        raise InputError(
            f"the reference sample has {table.shape[1]} columns, two are needed ({', '.join(map(str, table.columns[:6]))})",
            path=path,
            remedy=_FORM,
        )
    names = (str(table.columns[0]), str(table.columns[1]))
    if ENSEMBL.fullmatch(names[0].strip()):
        raise InputError("the first row is a gene: the file has no header", path=path, column=names[1], remedy=_FORM)
    rows = [(str(gene), str(count), i + 2) for i, (gene, count) in enumerate(table.itertuples(index=False, name=None))]
    return _checked(rows, path, names, genes)


def _refuse_other_names(counts: Mapping[str, float], genes: Mapping[str, Collection[str]], where: str) -> None:
    """Refuse a reference in which fewer than half of a method's genes are found: another naming, or another organism."""
    there = {current_symbol(gene) for gene in counts}
    problems = []
    for method, wanted in genes.items():
        n = sum(current_symbol(gene) in there for gene in wanted)
        if n < MIN_SHARE * len(wanted):
            message = f"{n} of the {len(wanted)} genes of {method} are in the reference sample, at least half are needed"
            remedy = "Name genes by Ensembl ids (ENSG...), human, as the published reference does."
            problems.append(Problem(message, where, value=next(iter(counts)), remedy=remedy))
    if problems:
        raise InputError(problems)


def _checked(
    rows: Sequence[tuple[str, str, int | None]], path: Path | None, columns: tuple[str, str],
    genes: Mapping[str, Collection[str]] | None = None,
) -> ReferenceSample:  # fmt: skip
    where = "reference sample" if path is None else str(path)
    counts: dict[str, float] = {}
    first: dict[str, int | None] = {}
    problems: list[Problem] = []
    none = 0
    for given, text, line in rows:
        gene = given.strip()
        if gene.endswith("_PAR_Y"):
            continue
        found = ENSEMBL.fullmatch(gene)
        gene = gene if found is None else found.group(1)
        try:
            count = math.nan if "_" in text else float(text)
        except ValueError:
            count = math.nan
        if not gene:
            problems.append(Problem("the gene has no name", where, line, columns[0], None, "Leave the row out."))
        elif gene in first:
            before = "" if first[gene] is None else f" (first in row {first[gene]})"
            problems.append(Problem(f"the gene stands twice{before}", where, line, columns[0], given, "Keep one row per gene."))
        elif not math.isfinite(count):
            problems.append(
                Problem("is not a number", where, line, columns[1], text, "A count of 0 or more; decimals have a point.")
            )
        elif count < 0:
            problems.append(
                Problem("the count is negative", where, line, columns[1], text, "Give counts, not logarithms or ratios.")
            )
        elif count == 0:
            none += 1
        else:
            counts[gene] = count
        first.setdefault(gene, line)
    if problems:
        more = len(problems) - _SHOWN
        last = [Problem(f"and {more} more problems of this kind", where)] if more > 0 else []
        raise InputError([*problems[:_SHOWN], *last])
    if len(counts) < MIN_GENES:
        raise InputError(
            f"the reference sample has {len(counts)} genes with a count, {MIN_GENES} are needed for a library size",
            path=where,
            remedy="Give the whole reference sample (goyaRefSample4 has 20,337 genes).",
        )
    highest = max(counts.values())
    if highest <= MAX_LOG2 and any(count % 1 for count in counts.values()):
        raise InputError(
            f"no count is above {MAX_LOG2:g}: these look like logarithms", path=where, value=f"{highest:g}", remedy="Give counts."
        )
    _refuse_other_names(counts, genes or {}, where)
    return ReferenceSample(MappingProxyType(counts), digest(counts) == _PUBLISHED, none)


def digest(counts: Mapping[str, float]) -> str:
    """Return the SHA-256 of the genes and their counts to six digits, whatever the order of the file."""
    text = "".join(f"{gene}\t{counts[gene]:.6g}\n" for gene in sorted(counts))
    return hashlib.sha256(text.encode()).hexdigest()
