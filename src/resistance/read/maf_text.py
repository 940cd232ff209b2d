"""A MAF-like file of any dialect -> the columns that are needed, under our names, as text with line numbers."""

from __future__ import annotations

import csv
import difflib
import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from resistance.config import ColumnMap, Variants
from resistance.dropped import Dropped
from resistance.errors import InputError, Problem
from resistance.read.population import population_names
from resistance.read.sheet import NA_WORDS, take

if TYPE_CHECKING:
    import pandas as pd

#: our name -> names in files (case does not matter); the first that is there and not empty is used.
#: 'AF' is not among them: in the GDC's MAF it is a population frequency
ALIASES: Mapping[str, tuple[str, ...]] = {
    "sample_id": ("Tumor_Sample_Barcode", "Tumor_Sample", "Tumour_Sample_Barcode"),
    "build": ("NCBI_Build", "Build", "Genome_Build"),
    "chrom": ("Chromosome", "Chrom", "CHR"),
    "pos": ("Start_Position", "Start_position", "Start", "Pos", "Position"),
    "ref": ("Reference_Allele", "Ref"),
    "alt": ("Tumor_Seq_Allele2", "Alt"),
    "alt_1": ("Tumor_Seq_Allele1",),
    "gene": ("Hugo_Symbol", "Gene_Symbol", "Symbol", "Gene"),
    "classification": ("Variant_Classification", "Effect"),
    "consequence": ("Consequence",),
    "hgvsc": ("HGVSc", "cDNA_Change", "cDNA"),
    "hgvsp": ("HGVSp_Short", "Protein_Change", "AAChange", "Amino_Acid_Change", "HGVSp"),
    "transcript": ("Transcript_ID", "Annotation_Transcript", "Transcript", "Feature", "RefSeq"),
    "exon": ("Exon_Number", "Exon"),
    "depth": ("t_depth", "Depth", "Tumor_Depth"),
    "ref_count": ("t_ref_count",),
    "alt_count": ("t_alt_count",),
    "vaf": ("t_vaf", "VAF", "tumor_f", "i_tumor_f", "Variant_Allele_Frequency", "Allele_Fraction"),
    "filter": ("FILTER",),
    "mutation_status": ("Mutation_Status",),
}
#: without these a row is no call
NEEDED = ("sample_id", "chrom", "pos", "ref", "alt")
#: names that the cohort file may map but that are derived from the others here
UNUSED = ("end",)
#: how the columns are called that state a population frequency: this, then their name in the file
POPULATION = "population_af: "


def read_text(source: Variants, path: Path, dropped: Dropped) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the needed columns of a MAF-like file.

    Parameters
    ----------
    source : config.Variants
        Its ``columns`` and ``sample_id`` come before the usual names.
    path : Path
        Tab separated (comma where the header holds no tab), plain or gzip; comment lines and a
        byte-order mark are passed over.
    dropped : Dropped
        Counts cells of a second column of the same name that say something else.

    Returns
    -------
    table : DataFrame
        Text columns named as the keys of :data:`ALIASES` (those that the file has), NaN where
        unknown, the columns that state a population frequency (see :data:`POPULATION`), and ``_row``,
        the 1-based line of the file.
    named : dict of str to str
        Our name -> what to call the column in a message: its name in the file.

    Raises
    ------
    InputError
        The file is missing, cut off or no table; a needed column is not there; a row has another
        number of cells than the header; a configured value is not among the declared ones.
    """
    import pandas as pd

    header, above, separator, quoted = table_header(path)
    specs = dict(source.columns)
    if source.sample_id is not None:
        specs["sample_id"] = source.sample_id
    own = specs.pop("population_af", None)
    unknown = sorted(set(specs) - set(ALIASES) - set(UNUSED))
    if unknown:
        raise InputError(
            [
                Problem(
                    "variants.columns has no such name",
                    str(path),
                    column=name,
                    remedy=f"Names: {', '.join(ALIASES)}, population_af, end.",
                )
                for name in unknown
            ]
        )
    chosen = _choose(header, specs, path)
    asked = [name for spec in (*specs.values(), *([] if own is None else [own])) for name in _names(spec)]
    populations = list(population_names("maf", list(dict.fromkeys(header)))) if own is None else []
    needed = list(dict.fromkeys([*(name for names in chosen.values() for name in names), *asked, *populations]))
    raw = _cells(path, header, needed, above, separator, quoted)
    raw = _join_twins(raw, chosen, path, dropped)
    out: dict[str, pd.Series] = {}
    named = {
        name: " / ".join(chosen.get(name) or _names(specs[name]) if name in specs or name in chosen else aliases[:1])
        for name, aliases in ALIASES.items()
    }
    for name in ALIASES:
        if name in specs:
            out[name] = _taken(raw, name, specs[name], path)
        elif name in chosen:
            values = raw[chosen[name][0]]
            for further in chosen[name][1:]:
                values = values.fillna(raw[further])
            out[name] = values
    if own is not None:
        fractions = take(raw, own, name="variants.columns.population_af", path=path, into="fraction" if own.unit else "text")
        shown = " / ".join(_names(own)) or "population_af"
        out[f"{POPULATION}{shown}"] = fractions.map(str, na_action="ignore").astype(raw.dtypes.iloc[0])
    out |= {f"{POPULATION}{name}": raw[name] for name in populations}
    return pd.DataFrame({**out, "_row": raw["_row"]}), named


def _taken(raw: pd.DataFrame, name: str, spec: ColumnMap, path: Path) -> pd.Series:
    """Take a column that the cohort file names."""
    shown = "variants.sample_id" if name == "sample_id" else f"variants.columns.{name}"
    if name == "vaf" and spec.unit is not None:
        fractions = take(raw, spec, name=shown, path=path, into="fraction")
        return fractions.map(repr, na_action="ignore").astype(raw.dtypes.iloc[0])
    return take(raw, spec, name=shown, path=path)


def _names(spec: ColumnMap) -> list[str]:
    return [spec.column] if isinstance(spec.column, str) else list(spec.column or [])


def open_bytes(path: Path) -> IO[bytes]:
    """Open a plain or gzip file."""
    try:
        with path.open("rb") as file:
            magic = file.read(2)
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path) from error
    return cast("IO[bytes]", gzip.open(path, "rb")) if magic == b"\x1f\x8b" else path.open("rb")


def damaged(path: Path, error: Exception) -> InputError:
    """Return what to say about a gzip file that ends early."""
    return InputError(
        f"cannot be unpacked: the file is cut off or damaged ({error})", path=path, remedy="Copy or download it again."
    )


def table_header(path: Path) -> tuple[list[str], int, str, bool]:
    """Return the column names, the number of lines up to and with the header, the separator, and whether cells are quoted."""
    line, text = 0, ""
    try:
        with open_bytes(path) as file:
            for line, raw in enumerate(file, start=1):
                text = raw.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r\n")
                if "\0" in text:
                    raise InputError("holds NUL bytes: this is no text table", path=path, row=line, remedy="Export it as text.")
                if text.strip() and not text.startswith("#"):
                    break
            else:
                raise InputError("the file is empty or has comments only", path=path, remedy="It needs a header line.")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError("the header is not UTF-8 text", path=path, row=line, remedy="Export it as UTF-8 text.") from error
    separator = "\t" if "\t" in text else ","
    quoted = '"' in text
    cells = next(csv.reader([text], delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE))
    return [cell.strip() for cell in cells], line, separator, quoted


def _choose(header: Sequence[str], specs: Mapping[str, ColumnMap], path: Path) -> dict[str, list[str]]:
    """Return our name -> columns of the file that hold it, first choice first."""
    folded: dict[str, str] = {}
    for column in header:
        folded.setdefault(column.lower(), column)
    chosen: dict[str, list[str]] = {}
    for name, aliases in ALIASES.items():
        there = [folded[alias.lower()] for alias in aliases if alias.lower() in folded]
        # a second name of a gene or place is another thing (the GDC's Gene is an Ensembl id): no filling up from it
        several = name in ("hgvsc", "hgvsp", "transcript", "depth", "vaf")
        if there and name not in specs:
            chosen[name] = list(dict.fromkeys(there)) if several else there[:1]
    problems = [
        Problem(
            f"no column holds '{name}'",
            str(path),
            1,
            ALIASES[name][0],
            remedy=f"Name it under variants.{'sample_id' if name == 'sample_id' else f'columns.{name}'}"
            f"{hint(ALIASES[name][0], header)}",
        )
        for name in NEEDED
        if name not in chosen and name not in specs
    ]
    if problems:
        raise InputError(problems)
    return chosen


def hint(name: str, header: Sequence[str]) -> str:
    """Return which columns may be meant by a name that is not there."""
    close = difflib.get_close_matches(name, header, 2)
    return f" (is it {' or '.join(close)}?)." if close else f"; the file has: {', '.join(header[:30])}."


def _cells(path: Path, header: Sequence[str], needed: Sequence[str], above: int, separator: str, quoted: bool) -> pd.DataFrame:
    """Read the needed columns (all columns of each name: 'name', 'name (2)' ...) as text, with ``_row``."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    seen: dict[str, int] = {}
    unique = []
    for column in header:
        seen[column] = seen.get(column, 0) + 1
        unique.append(column if seen[column] == 1 else f"{column} ({seen[column]})")
    wanted = [name for name, column in zip(unique, header, strict=True) if column in set(needed)]
    odd: list[tuple[int, int, str]] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        odd.append((int(row.number), int(row.actual_columns), str(row.text)))
        return "skip"

    try:
        with open_bytes(path) as file:
            table = arrow_csv.read_csv(
                file,
                # one thread, so that the rows have numbers
                arrow_csv.ReadOptions(use_threads=False, column_names=unique, skip_rows=above, block_size=16 << 20),
                arrow_csv.ParseOptions(
                    delimiter=separator,
                    quote_char='"' if quoted else False,
                    ignore_empty_lines=False,
                    invalid_row_handler=refuse,
                ),
                arrow_csv.ConvertOptions(
                    include_columns=wanted,
                    column_types=dict.fromkeys(wanted, pa.large_string()),
                    strings_can_be_null=False,
                ),
            )
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, error) from error
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise InputError(
                f"cannot be read as a table ({error})", path=path, remedy="Export it as UTF-8, tab separated text."
            ) from error
        table = pa.table({name: pa.array([], pa.large_string()) for name in wanted})
    # a blank line and a late comment are no rows
    wrong = [item for item in odd if item[2].strip() and not item[2].startswith("#")]
    if wrong:
        raise InputError(
            [
                Problem(
                    f"has {cells} cells where the header has {len(header)}",
                    str(path),
                    number,
                    remedy="The file may be cut off, or a cell holds a separator: write it again.",
                )
                for number, cells, _ in wrong[:20]
            ]
        )
    text = pd.StringDtype(na_value=np.nan)
    cells = table.to_pandas(types_mapper={pa.large_string(): text}.get)
    frame = pd.DataFrame({name: _clean(cells[name]) for name in wanted})
    lines = np.arange(above + 1, above + 1 + len(frame) + len(odd))
    frame["_row"] = lines[~np.isin(lines, [number for number, _, _ in odd])]
    return frame[frame[wanted].notna().any(axis=1)].reset_index(drop=True)


def _clean(values: pd.Series) -> pd.Series:
    """Strip blanks and make the words for 'unknown' NaN."""
    stripped = values.str.strip()
    return stripped.mask(stripped.str.lower().isin(NA_WORDS))


def _join_twins(raw: pd.DataFrame, chosen: Mapping[str, Sequence[str]], path: Path, dropped: Dropped) -> pd.DataFrame:
    """Fill a column up from further columns of the same name; where they disagree the first counts, or it is an error."""
    core = {chosen[name][0] for name in (*NEEDED, "build") if name in chosen}
    out = raw.copy(deep=False)
    for column in [name for name in raw.columns if name.endswith(" (2)")]:
        first = column.removesuffix(" (2)")
        if first not in raw:
            continue
        number = 2
        while (twin := f"{first} ({number})") in out:
            differ = out[first].notna() & out[twin].notna() & (out[first] != out[twin])
            if differ.any():
                index = differ[differ].index[0]
                shown = f"{out[first][index]} / {out[twin][index]}"
                if first in core:
                    raise InputError(
                        "two columns have this name and differ",
                        path=path,
                        row=int(out["_row"][index]),
                        column=first,
                        value=shown,
                        remedy="Rename one of them.",
                    )
                dropped.add(
                    "cells", path, f"second column '{first}' says something else; the first is used", int(differ.sum()), shown
                )
            out[first] = out[first].fillna(out[twin])
            out = out.drop(columns=twin)
            number += 1
    return out
