"""A table of genes x samples -> :class:`Expression`, checked once: names, orientation, unit; nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError, Problem
from resistance.subtype.method import as_frame

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

UNITS = ("counts", "tpm", "log2")
#: log2 of anything measured stays below this; a linear scale exceeds it as soon as a whole transcriptome is there
MAX_LOG2 = 50.0
#: genes from which a table counts as a whole transcriptome
WHOLE = 1000
#: columns that name or describe the gene and are no samples
_LABELS = frozenset((
    "id", "gene", "genes", "gene_id", "gene_name", "gene_symbol", "gene_type", "geneid", "symbol", "hugo_symbol", "hgnc_symbol", "probe", "probe_id",
    "probeset", "entrez_gene_id", "entrez_id", "ensembl_gene_id", "ensembl_id", "cytoband", "description", "name",
))  # fmt: skip
#: rows looked at a time
_BLOCK = 2_000_000
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression of genes in samples.

    Parameters
    ----------
    genes : tuple of str
        Row names, each once.
    samples : tuple of str
        Column names, each once.
    values : array, shape (genes, samples)
        Single or double precision; NaN where not measured.
    unit : {'counts', 'tpm', 'log2'}
    platform : str
        In the user's word, 'unspecified' where not given.
    merged : tuple of str
        Genes that stood in several rows: added up for counts and TPM, the row with the highest mean for log2.
    """

    genes: tuple[str, ...]
    samples: tuple[str, ...]
    values: NDArray[Any]
    unit: str
    platform: str = "unspecified"
    merged: tuple[str, ...] = ()

    def rows(self, places: Sequence[int] | NDArray[np.intp]) -> FloatArray:
        """Return rows on a log2 scale: log2 as it stands, counts as log2(CPM + 1), TPM as log2(TPM + 1).

        The library of a sample is the sum over the whole table; a sample without any count is NaN.
        """
        part = np.asarray(self.values[np.asarray(places, dtype=np.intp)], dtype=np.float64)
        if self.unit == "log2":
            return part
        if self.unit == "counts":
            total = self.library_sizes()
            part = part / np.where(total > 0, total, np.nan) * 1e6
        return np.asarray(np.log2(part + 1))

    def library_sizes(self) -> FloatArray:
        """Return the sum of each sample over its known values."""
        total = np.zeros(len(self.samples))
        for rows in _blocks(self.values):
            block = np.asarray(self.values[rows], dtype=np.float64)
            total += np.nansum(block, axis=0)
        return total

    def unusable(self) -> dict[str, str]:
        """Return sample -> why nothing can be said about it: no value at all, or one and the same for all genes (such as 0)."""
        low, high = np.full(len(self.samples), np.inf), np.full(len(self.samples), -np.inf)
        genes = np.zeros(len(self.samples), dtype=np.intp)
        for rows in _blocks(self.values):
            block = self.values[rows]
            low, high = np.fmin(low, np.fmin.reduce(block, axis=0)), np.fmax(high, np.fmax.reduce(block, axis=0))
            genes += (~np.isnan(block)).sum(axis=0)
            if (low < high).all():  # as a rule after the first rows
                break
        reasons = {}
        for name, least, most, n in zip(self.samples, low, high, genes, strict=True):
            if n == 0:
                reasons[name] = "no value at all"
            elif least == most and (n > 1 or (least == 0 and self.unit != "log2")):
                reasons[name] = f"all values are {least:g} ({self.unit})"
        return reasons

    def merged_among(self, rows: Iterable[str]) -> list[str]:
        """Return, as a flag, which of some rows stood in the file several times (see ``merged``); no flag where none did."""
        double = sorted(set(self.merged) & set(rows))
        return [f"several rows: {', '.join(double)}"] if double else []

    def select(self, samples: Sequence[str]) -> Expression:
        """Return some of the samples, in the order given."""
        at = {name: i for i, name in enumerate(self.samples)}
        return Expression(
            self.genes, tuple(samples), self.values[:, [at[name] for name in samples]], self.unit, self.platform, self.merged
        )


def from_frame(frame: pd.DataFrame, unit: str, *, platform: str = "unspecified", where: str = "expression") -> Expression:
    """Check a table of genes x samples.

    Parameters
    ----------
    frame : DataFrame
        Genes in rows (the index, or a first column of text or called 'id', 'gene', 'probe' ...), samples in columns; further
        columns that describe the gene ('Entrez_Gene_Id', 'Description') are passed over.
    unit : {'counts', 'tpm', 'log2'}
        What the numbers are; checked for plausibility, never guessed.
    platform : str
    where : str
        Name of the table, for messages.

    Returns
    -------
    Expression

    Raises
    ------
    InputError
        An unknown unit, an empty table, a sample that stands twice, samples in rows, a cell that is no
        number, and numbers that contradict the unit.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"S1": [3.0, 5.5]}, index=["IRF4", "MME"])
    >>> from_frame(table, "log2").genes
    ('IRF4', 'MME')
    """
    import pandas as pd

    if unit not in UNITS:
        raise InputError("is no unit of expression", path=where, value=unit, remedy=f"Say {', '.join(UNITS)}.")
    frame = as_frame(frame)
    if frame.shape[1] and isinstance(frame.index, pd.RangeIndex):
        first = str(frame.columns[0]).strip().lower()
        if first in _LABELS or not pd.api.types.is_numeric_dtype(frame.iloc[:, 0]):
            frame = frame.set_index(frame.columns[0])
    numbers = [str(name).strip().lower() not in _LABELS for name in frame.columns]
    frame = frame if all(numbers) else frame.loc[:, numbers]
    if not frame.shape[0] or not frame.shape[1]:
        raise InputError("the table has no genes or no samples", path=where, remedy="Genes stand in rows, samples in columns.")
    genes, samples = ([str(name).strip() for name in axis] for axis in (frame.index, frame.columns))
    _refuse_turned(genes, samples, where)
    problems = [
        Problem(f"the sample stands {samples.count(name)} times", where, value=name, remedy="Keep one column per sample.")
        for name in _twice(samples)
    ]
    if problems:
        raise InputError(problems[:20])
    try:
        values = frame.to_numpy() if _all_one_kind(frame) else frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        raise InputError(_no_numbers(frame, where)) from None
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    refuse_other_unit(values, unit, genes, samples, where)
    double = tuple(_twice(genes))
    if double:
        genes, values = _one_row_each(genes, values, unit)
    return Expression(tuple(genes), tuple(samples), values, unit, platform, double)


def plain_platform(name: str) -> str:
    """Return the name of a platform without case and punctuation, by which two names are compared.

    Examples
    --------
    >>> plain_platform("RNA-seq") == plain_platform("rnaseq")
    True
    """
    return "".join(c for c in name.lower() if c.isalnum())


def merged_in_words(expression: Expression) -> str:
    """Return what was done with genes that stood in several rows, '' where there are none."""
    if not expression.merged:
        return ""
    names = ", ".join(expression.merged[:5]) + (" ..." if len(expression.merged) > 5 else "")
    how = "the row with the highest mean was kept" if expression.unit == "log2" else "their rows were added up"
    return f"{len(expression.merged)} gene(s) stood in several rows ({names}): {how}"


def _one_row_each(genes: list[str], values: NDArray[Any], unit: str) -> tuple[list[str], NDArray[Any]]:
    places: dict[str, list[int]] = {}
    for i, name in enumerate(genes):
        places.setdefault(name, []).append(i)
    out = np.array(values[[rows[0] for rows in places.values()]])
    for at, rows in enumerate(places.values()):
        if len(rows) == 1:
            continue
        block = np.asarray(values[rows], dtype=np.float64)
        known = ~np.isnan(block)
        total = np.where(known, block, 0.0).sum(axis=0)
        if unit == "log2":
            n = known.sum(axis=1)
            mean = np.divide(np.where(known, block, 0.0).sum(axis=1), n, out=np.full(n.size, -np.inf), where=n > 0)
            out[at] = block[int(np.argmax(mean))]
        else:
            out[at] = np.where(known.any(axis=0), total, np.nan)
    return list(places), out


def from_cohort(cohort: Cohort) -> Expression | None:
    """Return the cohort's expression table, None where it has none."""
    table = cohort.expression
    if table.empty or table.shape[1] < 2:
        return None
    unit = str(cohort.facts.get("expression_unit") or "log2")
    platform = str(cohort.facts.get("expression_platform") or "unspecified")
    return from_frame(table.set_index("gene"), unit, platform=platform, where="expression")


def refuse_other_unit(values: NDArray[Any], unit: str, genes: Sequence[str], samples: Sequence[str], where: str) -> None:
    """Refuse numbers that contradict the declared unit: linear values called log2, logarithms called counts or TPM.

    Raises
    ------
    InputError
        With one cell that shows it.
    """
    highest = -np.inf
    remedy = "Correct the unit (counts, tpm or log2)."
    rounded = f"{remedy[:-1]}; round expected counts (RSEM, Salmon) first."
    for rows in _blocks(values):
        block = values[rows]
        if np.isinf(block).any():
            i, j = np.argwhere(np.isinf(block))[0]
            why = "is infinite, which the logarithm of 0 is"
            raise InputError(
                why, path=where, column=samples[j], value=f"{genes[rows.start + i]} {block[i, j]:g}",
                remedy="Add a constant before the logarithm, or leave the cell empty.",
            )  # fmt: skip
        if unit == "log2":
            bad, why, looks = block > MAX_LOG2, f"is above {MAX_LOG2:g}", "counts or TPM"
        else:
            bad, why, looks = block < 0, "is negative", "log2 values or centred ratios"
            if unit == "counts" and not bad.any():
                with np.errstate(invalid="ignore"):
                    bad, why, looks = (block % 1 != 0) & ~np.isnan(block), "is not a whole number", "TPM, expected counts or log2"
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise InputError(
                f"{why}: the table is declared as {unit} and looks like {looks}", path=where, column=samples[j],
                value=f"{genes[rows.start + i]} {block[i, j]:g}", remedy=rounded if "whole" in why else remedy,
            )  # fmt: skip
        known = block[~np.isnan(block)]
        highest = max(highest, float(known.max()) if known.size else -np.inf)
    if unit != "log2" and len(genes) >= WHOLE and highest <= MAX_LOG2:
        raise InputError(
            f"no value is above {MAX_LOG2:g}: the table is declared as {unit} and looks like log2 values", path=where,
            value=f"{highest:g}", remedy=remedy,
        )  # fmt: skip


def _refuse_turned(genes: list[str], samples: list[str], where: str) -> None:
    """Samples in rows: the columns are known genes and the rows are not."""
    from resistance.knowledge import load_genes
    from resistance.subtype.genes import current_symbol
    from resistance.subtype.published import load_published, load_scores

    known = load_genes()
    weights = [found.weights for found in load_published().values()] + [found.weights for found in load_scores().values()]
    listed = {current_symbol(gene) for of in weights for gene in of}

    def symbols(names: list[str]) -> int:
        return sum(
            name.startswith("ENSG0") or known.current(name) is not None or current_symbol(name) in listed for name in names
        )

    in_columns, in_rows = symbols(samples), symbols(genes)
    if in_columns >= max(2, 0.2 * min(len(samples), 100)) and in_columns > 2 * in_rows:
        raise InputError(
            f"genes stand in columns here ({in_columns} column names are genes, {in_rows} row names are)", path=where,
            remedy="Turn the table: genes in rows, samples in columns (table.T; on the command line: --samples-in-rows).",
        )  # fmt: skip


def _twice(names: list[str]) -> list[str]:
    seen: set[str] = set()
    double: dict[str, None] = {}
    for name in names:
        if name in seen:
            double[name] = None
        seen.add(name)
    return list(double)


def _all_one_kind(frame: pd.DataFrame) -> bool:
    kinds = set(frame.dtypes)
    return len(kinds) == 1 and getattr(next(iter(kinds)), "kind", "O") in "fiu"


def _no_numbers(frame: pd.DataFrame, where: str) -> list[Problem]:
    import pandas as pd

    problems = []
    for name in frame.columns:
        column = frame[name]
        found = pd.to_numeric(column, errors="coerce")
        bad = found.isna() & column.notna()
        problems += [
            Problem("is not a number", where, column=str(name), value=f"{gene} {column[gene]}", remedy="Decimals have a point.")
            for gene in list(column.index[bad])[:3]
        ]
    return problems[:20] or [Problem("the table holds something that is no number", where)]


def _blocks(values: NDArray[Any]) -> list[slice]:
    step = max(1, _BLOCK // max(1, values.shape[1]))
    return [slice(start, min(start + step, values.shape[0])) for start in range(0, values.shape[0], step)]
