"""What the cohort file says of its assays -> the coverage table: which sample was looked at, for what, in which genes.

A gene that no assay reaches is not assessed; without this table nothing could ever be absent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import Collected, InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.panel import bed_genes, listed_genes, mean_depths
from resistance.read.sheet import read_sheet, take
from resistance.schemas import COVERAGE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: why a sample has no row
NO_FILE = "the sample has no coverage file of its own: not assessed"


def read_coverage(
    assays: Sequence[config.Assay],
    base: Path,
    *,
    samples: pd.DataFrame,
    files: pd.DataFrame | None = None,
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
    files : DataFrame, optional
        sample_id and coverage (a path, or NA): the samples' own files, for assays with ``sample_file``.
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
            known, other = frozenset(genes or ()), aliases or {}
            if assay.sample_file is not None:
                parts.append(_own_files(assay, base, who, files, known, other, dropped))
            else:
                parts.append(_one(assay, base, who, everybody, known, other, all_samples, dropped))
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
        covered, source = listed_genes(path, assay), path.name
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
            _shallow(assay),
            int(shallow.sum()),
            f"{names[i]} {gene[i]}",
        )
    table = pd.DataFrame({"sample_id": names, "gene": gene.map(lambda name: _current(name, known, aliases), na_action="ignore")})
    return table[deep].assign(kind=assay.kind, source=path.name)


def _own_files(
    assay: config.Assay,
    base: Path,
    who: list[str],
    files: pd.DataFrame | None,
    known: frozenset[str],
    aliases: Mapping[str, str],
    dropped: Dropped,
) -> pd.DataFrame:
    """Read the file that the samples sheet names for each sample; a file that serves many is read once."""
    import pandas as pd

    named: dict[str, str] = {}
    if files is not None and "coverage" in files:
        given = files.dropna(subset=["coverage"])
        named = dict(zip(given["sample_id"].astype(str), given["coverage"].astype(str), strict=True))
    served: dict[str, list[str]] = {}
    without = [name for name in who if name not in named]
    for name in who:
        if name in named:
            served.setdefault(named[name], []).append(name)
    if not served:
        raise InputError(
            "no sample has a coverage file",
            column="samples.columns.coverage",
            remedy="Say which column of the samples sheet names the files, or describe the assay by genes, gene_list or bed.",
        )
    if without:
        dropped.add("coverage", "samples sheet", NO_FILE, len(without), without[0])
    found = Collected()
    parts = [pd.DataFrame({"sample_id": [], "gene": [], "kind": [], "source": []}, dtype=str)]
    for text, names in served.items():
        covered = found.call(_covered_by, assay, base / text, known, aliases, dropped)
        current = sorted({_current(gene, known, aliases) for gene in covered or ()})
        pairs = [(sample, gene) for sample in names for gene in current]
        parts.append(pd.DataFrame(pairs, columns=["sample_id", "gene"]).assign(kind=assay.kind, source=Path(text).name))
    found.stop()
    return pd.concat(parts, ignore_index=True)


def _covered_by(
    assay: config.Assay, path: Path, known: frozenset[str], aliases: Mapping[str, str], dropped: Dropped
) -> list[str]:
    """Return the genes that one sample's file covers."""
    import pandas as pd

    if assay.sample_file == "gene_list":
        return listed_genes(path, assay)
    if assay.sample_file == "bed":
        return bed_genes(path, known=known, aliases=aliases, dropped=dropped)
    if assay.sample_file == "mosdepth":
        table = mean_depths(path, known=known, aliases=aliases, dropped=dropped)
    else:
        sheet = read_sheet(path)
        gene = take(sheet, config.ColumnMap(column="gene"), name="gene", path=path)
        depth = take(sheet, config.ColumnMap(column="mean_depth"), name="mean_depth", path=path, into="number")
        table = pd.DataFrame({"gene": gene, "mean_depth": depth})
    deep = table["mean_depth"] >= assay.min_depth
    if (~deep).any():
        dropped.add("coverage", path, _shallow(assay), int((~deep).sum()), str(table.loc[~deep, "gene"].iloc[0]))
    return [str(gene) for gene in table.loc[deep, "gene"].dropna()]


def _shallow(assay: config.Assay) -> str:
    return f"mean depth unknown or below {assay.min_depth:g}: not assessed"
