"""What the cohort file says of its assays -> the coverage table: which sample was looked at, for what, in which genes.

A gene that no assay reaches is not assessed; without this table nothing could ever be absent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import read_sheet, take
from resistance.schemas import COVERAGE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: columns of a gene matrix that are no genes, beside the first
_NO_GENES = frozenset(("sample", "sample_id", "patient", "patient_id", "id", "tumor_sample_barcode"))


def read_coverage(
    assays: Sequence[config.Assay],
    base: Path,
    *,
    samples: pd.DataFrame,
    genes: Collection[str] | None = None,
    aliases: Mapping[str, str] | None = None,
    all_samples: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Work out what each assay covers.

    Parameters
    ----------
    assays : sequence of config.Assay
    base : Path
        Folder of the cohort file.
    samples : DataFrame
        The samples that are analysed (schema ``samples``); ``material`` is used.
    genes : collection of str, optional
        Symbols of the knowledge base: they tell a gene's name from the rest of a BED region's name.
    aliases : mapping, optional
        Alias -> current symbol.
    all_samples : collection of str, optional
        Every sample of the samples sheet.
    dropped : Dropped
        Takes the genes of a depth table that are too shallow, and BED regions without a gene's name.

    Returns
    -------
    DataFrame
        Schema ``coverage``, one row per sample, kind and gene, sorted; the first assay that gives a
        row is its source.

    Raises
    ------
    InputError
        Missing or damaged file, a BED file without gene names, a gene list without genes.
    """
    import pandas as pd

    parts: list[pd.DataFrame] = []
    problems: list[Problem] = []
    for assay in assays:
        try:
            who = _assayed(assay, base, samples, all_samples, dropped)
            everybody = [str(name) for name in samples["sample_id"]]
            parts.append(_one(assay, base, who, everybody, frozenset(genes or ()), aliases or {}, all_samples, dropped))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty(COVERAGE)
    table = pd.concat(parts, ignore_index=True).drop_duplicates(list(COVERAGE.key), keep="first")
    return conform(table.sort_values(list(COVERAGE.key), kind="stable"), COVERAGE)


def _one(
    assay: config.Assay,
    base: Path,
    who: list[str],
    everybody: list[str],
    known: frozenset[str],
    aliases: Mapping[str, str],
    all_samples: Collection[str] | None,
    dropped: Dropped,
) -> pd.DataFrame:
    import pandas as pd

    if assay.depth is not None:
        return _deep_enough(assay, base / assay.depth, who, everybody, known, aliases, all_samples, dropped)
    if assay.gene_list is not None:
        path = base / assay.gene_list
        covered, source = _listed(path, assay), path.name
    elif assay.bed is not None:
        path = base / assay.bed
        covered, source = bed_genes(path, known=known, aliases=aliases, dropped=dropped), path.name
    else:
        covered, source = list(assay.genes or ()), "cohort file"
    current = sorted({_current(gene, known, aliases) for gene in covered})
    pairs = [(sample, gene) for sample in who for gene in current]
    return pd.DataFrame(pairs, columns=["sample_id", "gene"]).assign(kind=assay.kind, source=source)


def _current(gene: str, known: frozenset[str], aliases: Mapping[str, str]) -> str:
    return gene if gene in known else aliases.get(gene, gene)


def _assayed(
    assay: config.Assay, base: Path, samples: pd.DataFrame, all_samples: Collection[str] | None, dropped: Dropped
) -> list[str]:
    """Return the samples that an assay was done on, in the order of the samples table."""
    chosen = samples
    if assay.materials:
        chosen = chosen[chosen["material"].isin(assay.materials)]
    ids = [str(name) for name in chosen["sample_id"]]
    if assay.samples == "all":
        return ids
    assert assay.samples_file is not None
    assert assay.sample_id is not None
    path = base / assay.samples_file
    comment = "#" if path.name.lower().removesuffix(".gz").endswith((".maf", ".txt", ".tsv")) else None
    sheet = read_sheet(path, comment=comment)
    names = take(sheet, assay.sample_id, name="sample_id", path=path)
    there = set(names.dropna())
    found = [name for name in ids if name in there]
    if not found:
        raise InputError(
            "the file names none of the samples that the assay may have been done on",
            path=path,
            column=str(assay.sample_id.column),
            value=None if names.dropna().empty else str(names.dropna().iloc[0]),
            remedy="Give 'sample_id' a pattern or template that turns these names into those of the samples sheet.",
        )
    strange = sorted(there - set(samples["sample_id"]) - set(all_samples or ()))
    if all_samples is not None and strange:
        dropped.add("coverage", path, "the sample is not in the samples sheet", len(strange), strange[0])
    return found


def _listed(path: Path, assay: config.Assay) -> list[str]:
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
    sheet = _bed_rows(path)
    symbols = frozenset(known) | frozenset(aliases)
    found: dict[str, None] = {}
    unnamed: list[str] = []
    for name in sheet:
        here = [symbol for part in re.split(r"[,;|]", name) for symbol in (_symbol_of(part.strip(), symbols),) if symbol]
        if not here:
            unnamed.append(name)
        found.update(dict.fromkeys(here))
    if not found:
        raise InputError(
            "no region is named after a known gene (column 4)",
            path=path,
            value=unnamed[0],
            remedy="Name the regions by gene (TP53, TP53_exon5), or give the panel as 'gene_list'.",
        )
    if unnamed:
        dropped.add("coverage", path, "the region is not named after a gene of the knowledge base", len(unnamed), unnamed[0])
    return list(found)


def _symbol_of(part: str, symbols: frozenset[str]) -> str | None:
    if not symbols or part in symbols:
        return re.split(r"[_:]", part)[0] if not symbols else part
    # 'HLA-A_exon2' -> 'HLA-A'; a symbol may itself hold '_' or ':', so the whole part was tried first
    first = re.split(r"[_:]", part)[0]
    return first if first in symbols else None


def _bed_rows(path: Path) -> list[str]:
    import gzip

    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"is no readable BED file ({error})", path=path) from error
    names, problems = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        cells = line.split("\t")
        if len(cells) < 4:
            problems.append(
                Problem("has no fourth column", str(path), number, remedy="Tab separated chrom, start, end and the gene's name are expected.")
            )  # fmt: skip
        elif not (cells[1].isdigit() and cells[2].isdigit() and int(cells[1]) < int(cells[2])):
            problems.append(
                Problem("is no region: the end must lie behind the start", str(path), number, value="-".join(cells[1:3]))
            )
        else:
            names.append(cells[3].strip())
    if problems:
        raise InputError(problems[:20])
    if not names:
        raise InputError("the file has no regions", path=path)
    return names


def _deep_enough(
    assay: config.Assay,
    path: Path,
    who: list[str],
    everybody: list[str],
    known: frozenset[str],
    aliases: Mapping[str, str],
    all_samples: Collection[str] | None,
    dropped: Dropped,
) -> pd.DataFrame:
    import pandas as pd

    sheet = read_sheet(path)
    spec = assay.sample_id if assay.samples == "all" and assay.sample_id is not None else config.ColumnMap(column="sample_id")
    names = take(sheet, spec, name="sample_id", path=path)
    gene = take(sheet, config.ColumnMap(column="gene"), name="gene", path=path)
    depth = take(sheet, config.ColumnMap(column="mean_depth"), name="mean_depth", path=path, into="number")
    analysed = analysed_rows(
        names, sheet["_row"], known=everybody, all_known=all_samples, strangers="drop",
        table="coverage", path=path, column="sample_id", dropped=dropped,
    )  # fmt: skip
    kept = analysed & names.isin(who)
    deep = kept & (depth >= assay.min_depth)
    shallow = kept & ~deep
    if shallow.any():
        i = shallow.idxmax()
        dropped.add(
            "coverage",
            path,
            f"mean depth unknown or below {assay.min_depth:g}: not assessed",
            int(shallow.sum()),
            f"{names[i]} {gene[i]}",
        )
    table = pd.DataFrame({"sample_id": names, "gene": gene.map(lambda name: _current(name, known, aliases), na_action="ignore")})
    return table[deep].assign(kind=assay.kind, source=path.name)
