"""Files that describe a panel (gene list, BED, mosdepth's regions) -> the genes they cover."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.bed import bed_rows
from resistance.read.sheet import read_sheet, take

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: why a region counts for nothing
UNNAMED = "the region is not named after a gene of the knowledge base"
#: columns of a gene matrix that are no genes, beside the first
_NO_GENES = frozenset(("sample", "sample_id", "patient", "patient_id", "id", "tumor_sample_barcode"))


def listed_genes(path: Path, assay: config.Assay) -> list[str]:
    """Return the symbols of a gene list: of a header line, of a column, or one per line."""
    if assay.header:
        names = [str(name) for name in read_sheet(path).columns if name != "_row"][1:]
        genes = [name for name in names if name.lower() not in _NO_GENES]
    elif assay.gene_column is not None:
        sheet = read_sheet(path, comment="#")
        column = take(sheet, config.ColumnMap(column=assay.gene_column), name="gene_column", path=path)
        genes = [str(name) for name in column.dropna().unique()]
    else:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError as error:
            raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
        except UnicodeDecodeError as error:
            raise InputError("is not UTF-8 text", path=path, remedy="One symbol per line is expected.") from error
        genes = []
        for number, line in enumerate(lines, start=1):
            gene = line.split("#")[0].strip().strip('"')
            if re.search(r"[\s,;]", gene):
                raise InputError("holds more than one word", path=path, row=number, value=gene, remedy="One symbol per line is expected; for a table's header set 'header: true'.")  # fmt: skip
            if gene and gene.lower() not in ("gene", "hugo_symbol", "symbol"):
                genes.append(gene)
    absent = [name for name in assay.not_genes if name not in genes]
    if absent:
        raise InputError("not_genes names something that the list does not hold", path=path, value=absent[0], remedy="Remove it from not_genes.")  # fmt: skip
    genes = [name for name in genes if name not in assay.not_genes]
    if not genes:
        raise InputError("the gene list is empty: it names no gene", path=path, remedy="One symbol per line is expected.")
    return genes


def bed_genes(path: Path, *, known: Collection[str], aliases: Mapping[str, str], dropped: Dropped) -> list[str]:
    """Return the genes that the regions of a BED file are named after (column 4).

    A name such as ``TP53``, ``TP53_exon5`` or ``ref|TP53,ens|ENST00000269305`` counts for TP53: parts
    between ``,`` ``;`` and ``|`` are looked at one by one, whole or up to the first ``_`` or ``:``.

    Raises
    ------
    InputError
        Missing file, a line without four columns or whose end is not behind its start, or no region
        named after a known gene.
    """
    found: dict[str, None] = {}
    unnamed: list[str] = []
    symbols = frozenset(known) | frozenset(aliases)
    for _, cells in bed_rows(path, n_columns=4):
        here = _symbols_in(cells[3], symbols)
        if not here:
            unnamed.append(cells[3])
        found.update(dict.fromkeys(here))
    _count_unnamed(bool(found), unnamed, path, dropped)
    return list(found)


def mean_depths(path: Path, *, known: Collection[str], aliases: Mapping[str, str], dropped: Dropped) -> pd.DataFrame:
    """Return the mean depth of each gene from mosdepth's ``regions.bed.gz`` (chrom, start, end, name, mean depth).

    Regions are named as for :func:`bed_genes`; a gene's depth is the mean over its regions, each
    weighted by its length.

    Returns
    -------
    DataFrame
        gene, mean_depth; sorted.

    Raises
    ------
    InputError
        As :func:`bed_genes`, and a fifth column that is no number.
    """
    import pandas as pd

    symbols = frozenset(known) | frozenset(aliases)
    rows: list[tuple[str, int, float]] = []
    unnamed: list[str] = []
    problems = []
    for number, cells in bed_rows(path, n_columns=5, fifth="mean depth"):
        try:
            depth = float(cells[4])
        except ValueError:
            depth = math.nan
        if not 0 <= depth < math.inf:
            what = "the mean depth (column 5) is no number, or negative"
            problems.append(Problem(what, str(path), number, value=cells[4], remedy="Give mosdepth's regions.bed.gz."))
            continue
        here = _symbols_in(cells[3], symbols)
        if not here:
            unnamed.append(cells[3])
        rows += [(gene, int(cells[2]) - int(cells[1]), depth) for gene in dict.fromkeys(here)]
    if problems:
        raise InputError(problems[:20])
    _count_unnamed(bool(rows), unnamed, path, dropped)
    table = pd.DataFrame(rows, columns=["gene", "length", "depth"])
    table["bases"] = table["length"] * table["depth"]
    sums = table.groupby("gene", sort=True)[["length", "bases"]].sum()
    return pd.DataFrame({"gene": sums.index.astype(str), "mean_depth": (sums["bases"] / sums["length"]).to_numpy()})


def _count_unnamed(any_named: bool, unnamed: list[str], path: Path, dropped: Dropped) -> None:
    """Count regions that belong to no known gene; a file of nothing else is refused."""
    if not any_named:
        raise InputError(
            "no region is named after a known gene (column 4)",
            path=path,
            value=unnamed[0],
            remedy="Name the regions by gene (TP53, TP53_exon5), or give the panel as 'gene_list'.",
        )
    if unnamed:
        dropped.add("coverage", path, UNNAMED, len(unnamed), unnamed[0])


def _symbols_in(name: str, symbols: frozenset[str]) -> list[str]:
    parts = (_symbol_of(part.strip(), symbols) for part in re.split(r"[,;|]", name))
    return [symbol for symbol in parts if symbol]


def _symbol_of(part: str, symbols: frozenset[str]) -> str | None:
    if not symbols or part in symbols:
        return re.split(r"[_:]", part)[0] if not symbols else part
    # 'HLA-A_exon2' -> 'HLA-A'; a symbol may itself hold '_' or ':', so the whole part was tried first
    first = re.split(r"[_:]", part)[0]
    return first if first in symbols else None
