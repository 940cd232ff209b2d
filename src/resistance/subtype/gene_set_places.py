"""Gene sets and a table of expression -> which rows each set has there, and which sets and samples have no score, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError
from resistance.subtype.apply_model import MAX_SAMPLE_MISSING
from resistance.subtype.expression import Expression
from resistance.subtype.expression_scores import MIN_SAMPLES
from resistance.subtype.gene_set_methods import GENE, GeneSetMethod
from resistance.subtype.genes import find_genes

#: set -> its genes
Sets = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Bounds:
    """Which sets get a score.

    Parameters
    ----------
    min_genes, max_genes : int
        Of a set, taking part.
    max_missing : float
        Share of a set's genes that may take no part.
    """

    min_genes: int = 10
    max_genes: int = 500
    max_missing: float = 0.5


@dataclass(frozen=True)
class Placed:
    """A gene set among the rows of a table.

    Parameters
    ----------
    name : str
    rows : array of int
        0-based rows of the background that are the set's, sorted.
    listed : int
        Genes of the set, names of one gene counted once.
    missing : tuple of str
        Genes that take no part: without a row, without the values or the spread that the method needs.
    why : str
        Why there is no score, '' where there is one.
    note : str
        What takes no part although it has a row, and names that are one gene.
    """

    name: str
    rows: NDArray[np.intp]
    listed: int
    missing: tuple[str, ...]
    why: str
    note: str


@dataclass(frozen=True, eq=False)
class Ground:
    """What sets are scored on.

    Parameters
    ----------
    values : array, shape (background, usable samples)
        On a log2 scale; NaN only where the method bears it (``missing`` 'sample' or 'mean').
    samples : tuple of str
    usable : array of bool, shape (samples,)
    unusable : mapping of str to str
        Sample -> why nothing can be said about it.
    placed : tuple of Placed
    too_few : str
        That there are too few samples to compare, '' where there are enough or none are compared.
    """

    values: NDArray[np.float64]
    samples: tuple[str, ...]
    usable: NDArray[np.bool_]
    unusable: Mapping[str, str]
    placed: tuple[Placed, ...]
    too_few: str


def place_sets(expression: Expression, sets: Sets, how: GeneSetMethod, bounds: Bounds, *, where: str = "expression") -> Ground:
    """Find the genes of each set among the rows of a table.

    Parameters
    ----------
    expression : Expression
        A sample in which more than half of the genes have no value is left out; then genes are, that have no
        value, that lack one in one of the others (``missing`` 'gene'), or do not vary (``varying``).
    sets : mapping of str to sequence of str
        Name of the score -> genes, by any name that :func:`resistance.subtype.genes.find_genes` resolves.
    how : GeneSetMethod
    bounds : Bounds
    where : str
        Name of the table, for messages.

    Raises
    ------
    InputError
        None of the genes is in the table; a gene in two rows.
    """
    at = _found(expression, sets, where)
    values = expression.rows(np.arange(len(expression.genes)))
    unusable = dict(expression.unusable())
    for sample, share in zip(expression.samples, np.isnan(values).mean(axis=0), strict=True):
        if share > MAX_SAMPLE_MISSING:
            unusable.setdefault(sample, f"{share:.0%} of the genes have no value")
    usable = np.array([sample not in unusable for sample in expression.samples])
    measured = values[:, usable]
    known = ~np.isnan(measured)
    whole = np.asarray(known.all(axis=1) if how.missing == GENE else known.any(axis=1))
    taken = whole.copy()
    if how.varying and usable.any():
        taken[whole] = np.nanmax(measured[whole], axis=1) > np.nanmin(measured[whole], axis=1)
    place = np.cumsum(taken) - 1
    background = -1 if how.alone else int(taken.sum())
    placed = []
    for name, genes in sets.items():
        rows = {at[gene]: gene for gene in reversed(genes) if gene in at}
        missing = [gene for gene in dict.fromkeys(genes) if gene not in at]
        listed = len(rows) + len(missing)
        inside = np.array(sorted(place[row] for row in rows if taken[row]), dtype=np.intp)
        open_ = [gene for row, gene in sorted(rows.items()) if not whole[row]]
        flat = [gene for row, gene in sorted(rows.items()) if whole[row] and not taken[row]]
        lost = (*missing, *open_, *flat)
        note = _words(open_, flat, len(dict.fromkeys(genes)) - listed, int((~whole).sum()), how)
        placed.append(Placed(name, inside, listed, lost, why_not(inside.size, listed, background, bounds), note))
    too_few = ""
    if how.across_samples and usable.sum() < MIN_SAMPLES:
        too_few = f"no score: {int(usable.sum())} samples, {MIN_SAMPLES} are needed to compare them"
    return Ground(measured[taken], expression.samples, usable, unusable, tuple(placed), too_few)


def _found(expression: Expression, sets: Sets, where: str) -> dict[str, int]:
    """Return gene of a set -> its 0-based row in the table."""
    names = list(dict.fromkeys(gene for genes in sets.values() for gene in genes))
    found = find_genes(names, expression.genes, where=where)
    if not found.rows:
        raise InputError(
            f"none of the {len(names)} genes of the gene sets is in the table (they are {', '.join(names[:3])} ..., "
            f"the table has {', '.join(expression.genes[:3])} ...)",
            path=where,
            remedy="Both need names of one kind: gene symbols, or Ensembl ids. Name probes by their genes first.",
        )
    row_of = {name: i for i, name in enumerate(expression.genes)}
    return {gene: row_of[row] for gene, row in found.rows.items()}


def why_not(n: int, listed: int, background: int, bounds: Bounds) -> str:
    """Return why `n` genes of a set of `listed` have no score before so many genes (-1: none are needed), '' where they have one."""
    lost = listed - n
    if n < bounds.min_genes:
        return f"no score: {n} of {listed} genes take part, {bounds.min_genes} are needed"
    if n > bounds.max_genes:
        return f"no score: {n} genes take part, {bounds.max_genes} are allowed"
    if lost > bounds.max_missing * listed:
        return f"no score: {lost} of {listed} genes ({lost / listed:.0%}) are missing, {bounds.max_missing:.0%} are allowed"
    if n == background:
        return "no score: the set holds every gene of the table, nothing is left to compare it with"
    return ""


def _words(open_: Sequence[str], flat: Sequence[str], same: int, all_open: int, how: GeneSetMethod) -> str:
    where = "in each sample" if how.missing == GENE else "in any sample"
    parts = [f"{len(open_)} gene(s) without a value {where} ({all_open} of the table)"] if open_ else []
    parts += [f"{len(flat)} gene(s) that do not vary"] if flat else []
    parts += [f"{same} further name(s) of a gene of the set"] if same else []
    return "; ".join(parts)
