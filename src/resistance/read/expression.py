"""An expression matrix (counts, TPM or log2) -> the expression table: current symbols x analysed samples, in the file's unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError
from resistance.read.grid import Grid, read_grid
from resistance.read.known import analysed_columns
from resistance.read.sheet import sample_name
from resistance.read.symbols import as_date, current_symbols, ensembl_gene, restorable
from resistance.schemas import EXPRESSION
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: log2 of anything measured stays below this (2^50 reads); above it the numbers are no logarithms
MAX_LOG2 = 50.0
NO_SYMBOL = "the row has no gene symbol"
A_DATE = "the gene symbol was turned into a date by a spreadsheet and cannot be restored"
RESTORED = "kept: the gene symbol was turned into a date by a spreadsheet and was restored"
RENAMED = "kept, under the gene's current symbol"
SUMMED = "kept: further row of the gene, added to the first"
LOWER = "further row of the gene with a lower mean"


def read_expression(
    source: config.Expression,
    base: Path,
    *,
    samples: Collection[str],
    aliases: Mapping[str, str] | None = None,
    genes: Collection[str] | None = None,
    all_samples: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read an expression matrix.

    Parameters
    ----------
    source : config.Expression
        File, unit (counts, tpm or log2: checked for plausibility, never guessed) and sample names.
    base : Path
        Folder of the cohort file.
    samples : collection of str
        Samples that are analysed.
    aliases : mapping, optional
        Alias, previous symbol or Ensembl id (without version) -> current symbol.
    genes : collection of str, optional
        Current symbols that are never taken for an alias.
    all_samples : collection of str, optional
        Every sample of the samples sheet; those not analysed are left out and counted.
    dropped : Dropped
        Also takes what was restored, renamed and merged, with reasons that begin with 'kept'.

    Returns
    -------
    DataFrame
        Schema ``expression``: one row per gene, sorted, and one float64 column per sample, sorted;
        NaN where the file has none.  Several rows of one gene are added up for counts and TPM (NaN
        counts as nothing where another row has a value); for log2 the row with the highest mean is kept.

    Raises
    ------
    InputError
        Damaged file, samples in rows, unknown sample, numbers that contradict the unit, gene names
        that are numbers.
    """
    path = base / source.file
    grid = read_grid(path, labels=() if source.gene_column is None else (source.gene_column,))
    written = _gene_column(grid, source.gene_column, path)
    _refuse_turned(grid, written, source, samples, path)
    columns = analysed_columns(
        list(grid.values), source.sample_id, known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="expression", path=path, dropped=dropped,
    )  # fmt: skip
    refuse_other_unit(grid.values[list(columns)], grid.lines, source.unit, path)
    gene = _symbols(written, aliases or {}, genes or (), path, dropped)
    values = grid.values.loc[gene.notna(), list(columns)].rename(columns=columns)
    merged = _merged(values[sorted(values.columns)], gene[gene.notna()], source.unit, path, dropped)
    return conform(merged, EXPRESSION, path=path)


def _gene_column(grid: Grid, wanted: str | None, path: Path) -> pd.Series:
    if wanted is not None and wanted not in grid.labels:
        raise InputError(
            "the file has no such column (needed for 'gene_column')",
            path=path,
            column=wanted,
            remedy=f"Its text columns are: {', '.join(map(repr, grid.labels.columns))}.",
        )
    if wanted is not None:
        return grid.labels[wanted]
    return grid.labels["Hugo_Symbol"] if "Hugo_Symbol" in grid.labels else grid.labels.iloc[:, 0]


def _refuse_turned(grid: Grid, written: pd.Series, source: config.Expression, samples: Collection[str], path: Path) -> None:
    """Samples in rows: refused, since the genes' names would be taken for samples."""
    known = frozenset(samples)

    def ours(names: list[str]) -> int:
        n = 0
        for name in names:
            try:
                n += sample_name(name, source.sample_id, path=path) in known
            except InputError:  # a gene's name does not match the pattern of samples
                continue
        return n

    in_rows = ours([str(name) for name in written.dropna()[:2000]])
    if in_rows and not ours([str(name) for name in grid.values.columns]):
        raise InputError(
            f"samples stand in rows here ({in_rows} row names are samples, no column name is)",
            path=path,
            remedy="Turn the table: genes in rows, samples in columns.",
        )


def refuse_other_unit(values: pd.DataFrame, lines: pd.Series, unit: str, path: Path) -> None:
    """Refuse numbers that contradict the declared unit.

    Raises
    ------
    InputError
        Counts or TPM below 0; counts that are not whole; log2 above :data:`MAX_LOG2`, or a whole
        transcriptome of TPM below it.
    """
    if unit == "log2":
        bad, why, looks = values > MAX_LOG2, f"is above {MAX_LOG2:g}", "counts or TPM"
    else:
        bad, why, looks = values < 0, "is negative", "log2 values"
        if unit == "counts" and not bad.any(axis=None):
            # RSEM and Salmon give expected counts such as 12.37: those are to be rounded by the user, knowingly
            bad, why, looks = (values % 1 != 0) & values.notna(), "is not a whole number", "TPM, expected counts or log2 values"
    if not bad.any(axis=None):
        highest = values.max(axis=None)
        # a whole transcriptome in TPM adds up to a million per sample
        if unit == "tpm" and len(values) >= 1000 and highest <= MAX_LOG2:
            raise InputError(
                f"no value is above {MAX_LOG2:g}: the matrix is declared as tpm and looks like log2 values",
                path=path,
                value=f"{highest:g}",
                remedy="Correct 'unit' under expression (counts, tpm or log2).",
            )
        return
    name = bad.any().idxmax()
    i = bad[name].idxmax()
    raise InputError(
        f"{why}: the matrix is declared as {unit} and looks like {looks}",
        path=path,
        row=int(lines[i]),
        column=str(name),
        value=f"{values[name][i]:g}",
        remedy="Correct 'unit' under expression (counts, tpm or log2)"
        + (", or round expected counts to whole numbers." if unit == "counts" else "."),
    )


def _symbols(written: pd.Series, aliases: Mapping[str, str], genes: Collection[str], path: Path, dropped: Dropped) -> pd.Series:
    """Return current symbols; NA where the row cannot be used, which is counted."""
    names = written.dropna()
    numbers = names.str.fullmatch(r"\d+")
    if len(names) and numbers.mean() > 0.5:
        raise InputError(
            "the gene names are numbers: these look like Entrez ids",
            path=path,
            value=str(names.iloc[0]),
            remedy="Give symbols or Ensembl ids; 'gene_column' names their column.",
        )
    dropped.add("expression", path, NO_SYMBOL, int(written.isna().sum()))
    dates = {name: as_date(name) for name in names.unique()}
    present, undo = set(names), restorable()
    fixed: dict[str, str | None] = {}
    for name, day in dates.items():
        if day is not None:
            symbol = undo.get(day)
            # where the file also has the symbol itself, the date was some other row
            fixed[name] = None if symbol is None or symbol in present else symbol
    for lost, reason in ((False, RESTORED), (True, A_DATE)):
        which = [name for name, symbol in fixed.items() if (symbol is None) == lost]
        if which:
            example = which[0] if lost else f"{which[0]} -> {fixed[which[0]]}"
            dropped.add("expression", path, reason, int(names.isin(which).sum()), example)
    gone = [name for name, symbol in fixed.items() if symbol is None]
    restored = {name: symbol for name, symbol in fixed.items() if symbol is not None}
    clean = written.mask(written.isin(gone)).replace(restored).astype(written.dtype)
    gene = current_symbols(clean, aliases, genes)
    renamed = gene.notna() & (gene != clean) & ~(clean.map(ensembl_gene, na_action="ignore") == gene)
    if renamed.any():
        first = renamed.idxmax()
        dropped.add("expression", path, RENAMED, int(renamed.sum()), f"{clean[first]} -> {gene[first]}")
    return gene


def _merged(values: pd.DataFrame, gene: pd.Series, unit: str, path: Path, dropped: Dropped) -> pd.DataFrame:
    """Return one row per gene."""
    further = gene.duplicated(keep="first")
    example = gene[further].iloc[0] if further.any() else None
    if unit == "log2":
        dropped.add("expression", path, LOWER, int(further.sum()), example)
        order = values.mean(axis=1).sort_values(ascending=False, kind="stable", na_position="last").index
        highest = gene.loc[order].drop_duplicates(keep="first")
        table = values.loc[highest.index].assign(gene=highest)
    else:
        dropped.add("expression", path, SUMMED, int(further.sum()), example)
        table = values.groupby(gene).sum(min_count=1).rename_axis("gene").reset_index()
    samples = list(values.columns)
    return table.sort_values("gene", kind="stable")[["gene", *samples]]
