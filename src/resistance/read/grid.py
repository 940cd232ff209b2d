"""A file with genes in rows and samples in columns -> text labels, a block of numbers, and the line of each row."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.read.sheet import NA_WORDS, read_sheet

if TYPE_CHECKING:
    import pandas as pd

#: columns that describe the gene and are no samples, in the files of cBioPortal, GISTIC, GCT, featureCounts, STAR and Salmon
LABELS = frozenset(
    [
        "hugo_symbol",
        "entrez_gene_id",
        "cytoband",
        "description",
        "locus_id",
        "gene_id",
        "gene_name",
        "gene_type",
        "gene_symbol",
        "composite.element.ref",
        "geneid",
        "ensembl_id",
        "ensembl_gene_id",
        "hgnc_symbol",
        "symbol",
        "chr",
        "start",
        "end",
        "strand",
        "length",
        "effectivelength",
    ]
)


@dataclass(frozen=True)
class Grid:
    """A matrix file.

    ``labels`` holds the text columns (the first is the row's name), ``values`` float64 per further
    column (NaN: not measured), ``lines`` the 1-based line of each row; all share one index.
    """

    labels: pd.DataFrame
    values: pd.DataFrame
    lines: pd.Series


def read_grid(path: Path, *, labels: Collection[str] = (), further_headers: bool = False) -> Grid:
    """Read a matrix of numbers with genes in rows.

    Parameters
    ----------
    path : Path
        Tab separated (also ``.gz``; GCT; a header that is one cell short, as R writes it), CSV or XLSX.
    labels : collection of str
        Columns that hold text beside the first one and the usual ones (:data:`LABELS`).
    further_headers : bool
        Rows without a name that hold no number (second names of the samples) are passed over.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        Missing, empty or damaged file, a column name that stands twice, a row that is cut off, a cell
        that is neither a number nor unknown.
    """
    import numpy as np
    import pandas as pd

    tabular = path.name.lower().removesuffix(".gz").endswith((".csv", ".xlsx", ".xlsm"))
    frame = read_sheet(path) if tabular else _tab_separated(path, labels)
    if further_headers:
        unnamed = frame.iloc[:, 0].isna() | (frame.iloc[:, 0].astype("object") == "")
        if unnamed.any():
            others = frame.loc[unnamed].iloc[:, 1:].drop(columns="_row")
            words = others.apply(lambda column: pd.to_numeric(column, errors="coerce").isna()).all(axis=1)
            frame = frame.drop(index=words.index[words])
    lines = frame["_row"]
    names = [str(name) for name in frame.columns if name != "_row"]
    twice = [name for name in names if name.endswith(" (2)") and name.removesuffix(" (2)") in names]
    if twice:
        raise InputError(
            [Problem("two columns have this name", str(path), column=name.removesuffix(" (2)"), remedy="Rename or remove one of them.") for name in twice[:20]]
        )  # fmt: skip
    text = [name for i, name in enumerate(names) if i == 0 or name in labels or name.lower().replace(" ", "_") in LABELS]
    numbers: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    for name in names:
        if name in text:
            continue
        column = frame[name]
        found = pd.to_numeric(column, errors="coerce").astype("float64")
        bad = (found.isna() & column.notna()) | found.isin([float("inf"), float("-inf")])
        problems += [
            Problem("is not a number", str(path), int(lines[i]), name, str(column[i]), _remedy(str(column[i])))
            for i in bad[bad].index[:3]
        ]  # fmt: skip
        numbers[name] = found
    if problems:
        raise InputError(problems[:20])
    if not numbers:
        raise InputError("the file has no column of numbers", path=path, remedy="One column per sample is expected.")
    return Grid(frame[text].astype(pd.StringDtype(na_value=np.nan)), pd.DataFrame(numbers, index=frame.index), lines)


def _remedy(cell: str) -> str:
    """Return what to do about a cell that is no number."""
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", cell.strip()):
        return "Write numbers without thousands separators; decimals have a point."
    if re.fullmatch(r"-?\d+,\d+", cell.strip()):
        return "Decimals have a point."
    return "Genes stand in rows, samples in columns; decimals have a point; empty or NA: not measured."


def _tab_separated(path: Path, labels: Collection[str]) -> pd.DataFrame:
    """Read by the fast parser; it would fill a row that is cut off, so cells are counted first."""
    import pandas as pd

    text = _text(path).rstrip("\r\n")
    rows = text.splitlines()
    skipped = 0
    while skipped < len(rows) and (rows[skipped].startswith("#") or not rows[skipped].strip()):
        skipped += 1
    if rows and rows[0].startswith("#1.") and skipped == 1:
        skipped = 2  # GCT: the second line holds the size
    if skipped >= len(rows):
        raise InputError("the file is empty", path=path)
    header = [cell.strip().strip('"') for cell in rows[skipped].split("\t")]
    body = [(line, row) for line, row in enumerate(rows[skipped + 1 :], start=skipped + 2) if row.strip()]
    if not body:
        raise InputError("the file has a header and no rows", path=path)
    if body[0][1].count("\t") == len(header):
        header = ["", *header]  # R writes no name above the row names
    if len(header) == 1:
        raise InputError("the file has one column only", path=path, remedy="Tab separated columns are expected (.csv: commas).")
    short = [(line, row) for line, row in body if row.count("\t") + 1 != len(header)]
    if short:
        raise InputError(
            [
                Problem(f"has {row.count(chr(9)) + 1} cells where the header has {len(header)}", str(path), line, remedy="The file may be cut off: copy it again.")
                for line, row in short[:20]
            ]
        )  # fmt: skip
    seen: dict[str, int] = {}
    unique = []
    for name in header:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    texts = {name: str for i, name in enumerate(unique) if i == 0 or name in labels or name.lower().replace(" ", "_") in LABELS}
    words = sorted(
        {spelling for word in NA_WORDS for spelling in (word, word.upper(), word.title(), word.capitalize())} | {"NaN"}
    )
    frame = pd.read_csv(
        io.StringIO("\n".join(row for _, row in body)),
        sep="\t",
        header=None,
        names=unique,
        dtype=texts,
        keep_default_na=False,
        na_values=words,
        low_memory=False,
    )
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("object").map(lambda cell: str(cell).strip().strip('"'), na_action="ignore")
    frame["_row"] = [line for line, _ in body]
    return frame


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", path=path, remedy="Save it as tab separated text, UTF-8.") from error
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise InputError(f"cannot be read: the file is cut off or damaged ({error})", path=path) from error
