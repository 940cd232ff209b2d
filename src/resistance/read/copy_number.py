"""Copy number from cBioPortal matrices, segments or clinical columns -> the copy_number table, one row per sample and gene.

A row with ``state`` NA says that the file names the gene and the sample and has no value: not assessed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.grid import read_grid
from resistance.read.known import analysed_columns, analysed_rows
from resistance.read.segment_regions import region_states, state_of_log2
from resistance.read.sheet import read_sheet, sample_name, take
from resistance.read.symbols import current_symbols
from resistance.schemas import COPY_NUMBER
from resistance.tables import conform
from resistance.variant import contig, contigs

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: words for 'columns' -> state; cnloh has two copies
STATES = {"deep_deletion": -2, "loss": -1, "neutral": 0, "cnloh": 0, "gain": 1, "amplification": 2}
#: cBioPortal's codes -> state; its importer reads a partial deletion (-1.5) as a deep one
DISCRETE = {-2.0: -2, -1.5: -2, -1.0: -1, 0.0: 0, 1.0: 1, 2.0: 2}
NOT_OURS = "gene is not in the knowledge base"
TWICE = "the gene has a second row; the first is kept"
RENAMED = "kept, under the gene's current symbol"
#: usual names of the columns of a segment file, lower case without '.', '_' and blanks
_SEG = {
    "sample": ("id", "sample", "sampleid", "tumorsamplebarcode"),
    "chrom": ("chrom", "chr", "chromosome"),
    "start": ("locstart", "start", "startposition"),
    "end": ("locend", "end", "endposition"),
    "mean": ("segmean", "segmentmean", "log2", "mean", "log2ratio"),
}


def read_copy_number(
    source: config.CopyNumber,
    base: Path,
    *,
    samples: Collection[str],
    genes: Collection[str] | None,
    aliases: Mapping[str, str] | None = None,
    patients_frame: pd.DataFrame | None = None,
    gene_positions: pd.DataFrame | None = None,
    regions: pd.DataFrame | None = None,
    build: str | None = None,
    all_samples: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read one source of copy number.

    Parameters
    ----------
    source : config.CopyNumber
    base : Path
        Folder of the cohort file.
    samples : collection of str
        Samples that are analysed.
    genes : collection of str or None
        Genes to keep, current symbols (None: all); the others are counted.
    aliases : mapping, optional
        Alias -> current symbol.
    patients_frame : DataFrame, optional
        columns: used instead of the file (text, with ``_row``, as :func:`read_sheet` gives it).
    gene_positions : DataFrame, optional
        seg: gene, build, chrom, start, end (1-based, both ends included).
    regions : DataFrame, optional
        seg: arms and bands to tell as well, under their names: region, build, chrom, start, end, share.
    build : str, optional
        seg: the cohort's build.
    all_samples : collection of str, optional
        Every sample of the samples sheet; those not analysed are left out and counted.
    dropped : Dropped

    Returns
    -------
    DataFrame
        Schema ``copy_number``, sorted by sample and gene.  From log2 ratios the state follows by the
        thresholds of the cohort file; from segments the ratio of a gene is the mean over the bases
        that segments cover, and arms and bands have rows too (:func:`~resistance.read.segment_regions.region_states`).  ``loh`` is NA where the format cannot tell.

    Raises
    ------
    InputError
        Damaged file, unknown sample, a code or word that does not exist, missing gene coordinates.
    """
    path = base / source.file
    if source.format == "columns":
        table = _from_columns(source, path, samples, all_samples, patients_frame, dropped)
    elif source.format == "seg":
        table = _from_segments(source, path, samples, all_samples, genes, gene_positions, regions, build, dropped)
    else:
        table = _from_matrix(source, path, samples, all_samples, genes, aliases or {}, dropped)
    table["source"] = path.name
    return conform(table.sort_values(["sample_id", "gene"], kind="stable"), COPY_NUMBER, path=path)


def _from_matrix(
    source: config.CopyNumber,
    path: Path,
    samples: Collection[str],
    all_samples: Collection[str] | None,
    genes: Collection[str] | None,
    aliases: Mapping[str, str],
    dropped: Dropped,
) -> pd.DataFrame:
    import pandas as pd

    grid = read_grid(path)
    columns = analysed_columns(
        list(grid.values),
        source.sample_id,
        known=samples,
        all_known=all_samples,
        strangers=source.unknown_samples,
        table="copy_number",
        path=path,
        dropped=dropped,
    )
    if source.format == "cbioportal_discrete":
        _refuse_other_codes(grid.values, grid.lines, path)
    written = grid.labels["Hugo_Symbol"] if "Hugo_Symbol" in grid.labels else grid.labels.iloc[:, 0]
    gene = current_symbols(written, aliases, genes or ())
    dropped.add("copy_number", path, "the row has no gene symbol", int(gene.isna().sum()))
    ours = gene.notna() if genes is None else gene.isin(list(genes))
    other = gene.notna() & ~ours
    dropped.add("copy_number", path, NOT_OURS, int(other.sum()), gene[other].iloc[0] if other.any() else None)
    twice = ours & gene.where(ours).duplicated(keep="first")
    dropped.add("copy_number", path, TWICE, int(twice.sum()), gene[twice].iloc[0] if twice.any() else None)
    kept = ours & ~twice
    renamed = kept & (gene != written) & written.isin(list(aliases))
    if renamed.any():
        first = renamed.idxmax()
        dropped.add("copy_number", path, RENAMED, int(renamed.sum()), f"{written[first]} -> {gene[first]}")
    values = grid.values.loc[kept, list(columns)].rename(columns=columns)
    long = values.assign(gene=gene[kept]).melt(id_vars="gene", var_name="sample_id", value_name="value")
    if source.format == "cbioportal_discrete":
        long["state"] = long["value"].map(DISCRETE).astype("Int64")
        return long.drop(columns="value")
    long["state"] = state_of_log2(long["value"], source)
    return pd.DataFrame(long.rename(columns={"value": "log2_ratio"}))


def _refuse_other_codes(values: pd.DataFrame, lines: pd.Series, path: Path) -> None:
    problems = []
    for name in values:
        bad = values[name].notna() & ~values[name].isin(list(DISCRETE))
        problems += [
            Problem(
                "is no discrete copy-number code",
                str(path),
                int(lines[i]),
                str(name),
                f"{values[name][i]:g}",
                "The codes are -2, -1.5, -1, 0, 1, 2; for log2 ratios set 'format: cbioportal_log2'.",
            )
            for i in bad[bad].index[:1]
        ]
    if problems:
        raise InputError(problems[:5])


def _from_columns(
    source: config.CopyNumber,
    path: Path,
    samples: Collection[str],
    all_samples: Collection[str] | None,
    patients_frame: pd.DataFrame | None,
    dropped: Dropped,
) -> pd.DataFrame:
    import pandas as pd

    problems = []
    if not source.genes:
        problems.append(Problem("'genes' is empty: say which column holds which gene", "copy_number", column="genes"))
    if source.sample_id is None:
        problems.append(Problem("'sample_id' must name the column with the sample", "copy_number", column="sample_id"))
    for gene, spec in source.genes.items():
        for word in () if spec.values is None else spec.values.values():
            if word is not None and word not in STATES:
                problems.append(
                    Problem("is no copy-number state", "copy_number", None, f"genes.{gene}.values", str(word), f"The states are: {', '.join(STATES)}.")
                )  # fmt: skip
    if problems:
        raise InputError(problems)
    assert source.sample_id is not None
    sheet = read_sheet(path) if patients_frame is None else patients_frame
    names = take(sheet, source.sample_id, name="sample_id", path=path)
    shown = str(source.sample_id.column)
    kept = analysed_rows(
        names, sheet["_row"], known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="copy_number", path=path, column=shown, dropped=dropped,
    )  # fmt: skip
    parts = []
    for gene, spec in source.genes.items():
        words = take(sheet, spec, name=gene, path=path)
        wrong = words.notna() & ~words.isin(list(STATES))
        if wrong.any():
            raise InputError(
                [
                    Problem("is no copy-number state", str(path), int(sheet["_row"][i]), str(spec.column), str(words[i]), f"Map it under 'values' to one of: {', '.join(STATES)}.")
                    for i in wrong[wrong].index[:20]
                ]
            )  # fmt: skip
        part = pd.DataFrame({"_row": sheet["_row"], "sample_id": names, "gene": gene, "state": words.map(STATES).astype("Int64")})
        # a column without a word for cnloh cannot tell whether heterozygosity was lost
        tells = "cnloh" in (spec.values or {}).values() or (words == "cnloh").any()
        part["loh"] = (words == "cnloh").astype("boolean").mask(words.isna() | (not tells))
        parts.append(part[kept])
    return pd.concat(parts, ignore_index=True)


def _from_segments(
    source: config.CopyNumber,
    path: Path,
    samples: Collection[str],
    all_samples: Collection[str] | None,
    genes: Collection[str] | None,
    gene_positions: pd.DataFrame | None,
    regions: pd.DataFrame | None,
    build: str | None,
    dropped: Dropped,
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    positions = gene_positions
    if positions is not None:
        positions = positions[positions["start"].notna() & positions["end"].notna()]
        if "build" in positions and build is not None:
            positions = positions[positions["build"] == build]
        if genes is not None:
            positions = positions[positions["gene"].isin(list(genes))]
    if positions is None or positions.empty:
        raise InputError(
            f"segments need the genes' coordinates{'' if build is None else ' on ' + build}, and the knowledge base has none",
            path=path,
            remedy="Give a gene matrix instead (format: cbioportal_log2 or cbioportal_discrete), made by the copy-number caller.",
        )
    sheet = read_sheet(path)
    column = _segment_columns(sheet, path)
    raw = sheet[column["sample"]]
    try:
        names = raw.map(lambda name: sample_name(name, source.sample_id, path=path), na_action="ignore").astype(raw.dtype)
    except InputError:
        if source.unknown_samples == "error":
            raise
        names = raw
    kept = analysed_rows(
        names, sheet["_row"], known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="copy_number", path=path, column=column["sample"], dropped=dropped,
    )  # fmt: skip
    number = {
        key: take(sheet, config.ColumnMap(column=column[key]), name=key, path=path, into="number")
        for key in ("start", "end", "mean")
    }
    backwards = number["end"] < number["start"]
    if backwards.any():
        i = backwards.idxmax()
        raise InputError(
            "the segment ends before it starts",
            path=path,
            row=int(sheet["_row"][i]),
            column=column["end"],
            value=sheet[column["end"]][i],
        )
    segments = pd.DataFrame({"sample_id": names, "chrom": contigs(sheet[column["chrom"]]), **number})[kept].dropna()
    rows = []
    for gene, chrom, start, end in positions.sort_values("gene")[["gene", "chrom", "start", "end"]].itertuples(index=False):
        here = segments[(segments["chrom"] == contig(str(chrom))) & (segments["start"] <= end) & (segments["end"] >= start)]
        bases = (np.minimum(here["end"], end) - np.maximum(here["start"], start) + 1).rename("bases")
        total = (here["mean"] * bases).groupby(here["sample_id"]).sum() / bases.groupby(here["sample_id"]).sum()
        rows.append(pd.DataFrame({"gene": gene, "log2_ratio": total.reindex(sorted(set(segments["sample_id"])))}).reset_index())
    table = pd.concat(rows, ignore_index=True)
    table["state"] = state_of_log2(table["log2_ratio"], source)
    if regions is None or not len(segments):
        return table
    of_build = regions if build is None or "build" not in regions else regions[regions["build"] == build]
    return pd.concat([table, region_states(segments, of_build, source)], ignore_index=True)


def _segment_columns(sheet: pd.DataFrame, path: Path) -> dict[str, str]:
    plain = {str(name).lower().translate(str.maketrans("", "", "._ '\"")): str(name) for name in sheet.columns}
    out, problems = {}, []
    for key, spellings in _SEG.items():
        name = next((plain[x] for x in spellings if x in plain), None)
        if name is None:
            problems.append(
                Problem(f"no column for the segment's {key}", str(path), remedy="A SEG file has ID, chrom, loc.start, loc.end, num.mark, seg.mean.")
            )  # fmt: skip
        else:
            out[key] = name
    if problems:
        raise InputError(problems)
    return out
