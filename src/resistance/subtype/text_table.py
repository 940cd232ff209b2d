"""A table file (events, labels, a reference sample, LymphGen's result) -> a frame of text, every row as long as its header."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

_FORMS = "Tab separated text (.csv: commas or semicolons; .xlsx) with a header."
_SHOWN = 20


def read_table(path: Path, *, what: str = "the table") -> pd.DataFrame:
    """Read a table as text: tab separated, ``.csv`` (comma, or semicolon where the header holds no comma) or ``.xlsx`` (first
    sheet), text also as ``.gz``.

    Parameters
    ----------
    path : Path
    what : str
        Name of the table, for messages.

    Returns
    -------
    DataFrame
        Every cell as text, '' where it is empty; lines without any text are passed over.  Where the header is one cell short, as
        R writes it, the first column is called ``name``; a column without a name is called ``Unnamed: <place>``.

    Raises
    ------
    InputError
        The file is missing or no table, two columns have one name, or a row has another number of cells than the header.
    """
    import pandas as pd

    lines = iter(_lines(path, what))
    header = next((cells for _, cells in lines), None)
    if header is None:
        raise InputError("not a readable table (it is empty)", path=path, remedy=_FORMS)
    rows = list(lines)
    longest = max((len(cells) for _, cells in rows), default=0)
    if longest == len(header) + 1:
        header = ["name", *header]
    elif longest > len(header) + 1:
        raise InputError("the header is several cells short", path=path, remedy=_FORMS)
    header = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(header)]
    problems = [
        Problem("two columns have this name", str(path), column=name, remedy="Rename or remove one of them.")
        for name, n in Counter(header).items()
        if n > 1
    ]
    problems += [
        Problem(
            f"has {len(cells)} cells where the header has {len(header)}", str(path), line, remedy="The file may be cut off: copy it again."
        )
        for line, cells in rows
        if len(cells) != len(header)
    ]  # fmt: skip
    if problems:
        raise InputError(problems[:_SHOWN])
    if len(header) < 2:
        raise InputError("the table has one column", path=path, remedy=_FORMS)
    return pd.DataFrame([cells for _, cells in rows], columns=header, dtype="object")


def _lines(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of the file and the cells of each row that holds any text."""
    name = path.name.lower().removesuffix(".gz")
    try:
        if name.endswith((".xlsx", ".xlsm")):
            yield from _workbook(path)
            return
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds NUL bytes")
        first = next((line for line in text.splitlines() if line.strip()), "")
        separator = "\t" if not name.endswith(".csv") else ";" if ";" in first and "," not in first else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except FileNotFoundError as error:
        raise InputError(f"{what} is missing", path=path) from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a table", path=path) from error
    except (ValueError, OSError, EOFError, KeyError, csv.Error, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"not a readable table ({error})", path=path, remedy=_FORMS) from error


def _workbook(path: Path) -> Iterator[tuple[int, list[str]]]:
    import pandas as pd

    sheet = pd.read_excel(path, dtype=str, keep_default_na=False, header=None)
    for line, cells in enumerate(sheet.itertuples(index=False, name=None), start=1):
        texts = ["" if cell is None or cell != cell else str(cell) for cell in cells]
        if any(text.strip() for text in texts):
            yield line, texts
