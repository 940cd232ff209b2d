"""A TSV, CSV or XLSX sheet -> a frame of text with line numbers -> columns with our names, values and units."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resistance.config import ColumnMap, Scalar
from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

#: words that mean 'unknown' in any column, whatever their case
NA_WORDS = frozenset(
    ("", "na", "n/a", "nan", "null", "none", ".", "[not available]", "[not applicable]", "[not evaluated]", "[unknown]", "#n/a")
)
#: length of a unit in days; a month is a twelfth of a Julian year
DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
Into = Literal["text", "number", "days", "years", "fraction", "percent"]


def read_sheet(path: Path, *, sheet: str | None = None, comment: str | None = None, encoding: str = "utf-8-sig") -> pd.DataFrame:
    """Read a table file as text.

    Parameters
    ----------
    path : Path
        ``.xlsx`` is read as a workbook, ``.csv`` by comma (or semicolon where the header holds no
        comma), everything else by tab; ``.gz`` is unpacked.
    sheet : str, optional
        Sheet of a workbook (default: the first).
    comment : str, optional
        Lines that start with it are passed over.
    encoding : str
        Text encoding; ``utf-8-sig`` also drops a byte-order mark.

    Returns
    -------
    DataFrame
        Every cell as text without outer blanks, NaN where it is one of :data:`NA_WORDS`, and
        ``_row``, the 1-based line of the file.  A second column of one name is called ``name (2)``.

    Raises
    ------
    InputError
        The file is missing, empty, unreadable, or a row has another number of cells than the header.
    """
    import numpy as np
    import pandas as pd

    rows = _workbook(path, sheet) if path.suffix.lower() in (".xlsx", ".xlsm") else _text(path, encoding, comment)
    header: list[str] | None = None
    cells: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    for line, row in rows:
        if not any(row):
            continue
        if header is None:
            header = _unique(row)
        elif len(row) != len(header):
            problems.append(
                Problem(
                    f"has {len(row)} cells where the header has {len(header)}",
                    str(path),
                    line,
                    remedy="The file may be cut off, or a cell holds a line break or separator: save it again.",
                )
            )
        else:
            cells.append(row)
            lines.append(line)
    if problems:
        raise InputError(problems[:20])
    if header is None or not cells:
        raise InputError("the sheet is empty" if header is None else "the sheet has a header and no rows", path=path)
    frame = pd.DataFrame(cells, columns=header, dtype=pd.StringDtype(na_value=np.nan))
    frame = frame.mask(frame.apply(lambda column: column.str.lower().isin(NA_WORDS)))
    frame["_row"] = lines
    return frame


def _text(path: Path, encoding: str, comment: str | None) -> Iterator[tuple[int, list[str]]]:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path) from error
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise InputError(f"cannot be unpacked: the file is cut off or damaged ({error})", path=path) from error
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"is not {encoding} text (byte {error.start})",
            path=path,
            remedy="Save it as UTF-8, or set 'encoding' in the cohort file (such as latin-1 or utf-16).",
        ) from error
    if "\0" in text:
        raise InputError("holds NUL bytes: this is no text table", path=path, remedy="Is it a workbook? Then name it .xlsx.")
    delimiter = "\t"
    if path.name.lower().removesuffix(".gz").endswith(".csv"):
        first = next((x for x in text.splitlines() if x.strip() and not (comment and x.startswith(comment))), "")
        delimiter = ";" if ";" in first and "," not in first else ","
    # a quote is only a quote in CSV; in TSV a stray one would swallow rows
    source = io.StringIO(text, newline="")
    reader = (
        csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE)
        if delimiter == "\t"
        else csv.reader(source, delimiter=delimiter)
    )
    try:
        for row in reader:
            if comment and row and row[0].startswith(comment):
                continue
            cells = [cell.strip() for cell in row]
            if delimiter == "\t":  # R and Excel quote text cells in TSV too
                cells = [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]
            yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"cannot be read as a table: {error}", path=path, row=reader.line_num) from error


def _workbook(path: Path, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise InputError(f"is not a readable XLSX workbook ({error})", path=path, remedy="Save it again as .xlsx.") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise InputError(
                "the workbook has no such sheet", path=path, value=sheet, remedy=f"It has: {', '.join(book.sheetnames)}."
            )
        page = book[sheet] if sheet is not None else book[book.sheetnames[0]]
        width = 0
        for line, row in enumerate(page.iter_rows(values_only=True), start=1):
            cells = [_cell(value) for value in row]
            if not width and any(cells):
                width = max(i for i, cell in enumerate(cells, start=1) if cell)
            if any(cells[width:]):
                width = len(cells)  # reported as a row that is longer than the header
            yield line, (cells + [""] * width)[:width]
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip()


def _unique(names: Iterable[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def code(value: Scalar) -> str:
    """Return a declared code as a cell of text shows it (1, 1.0 and '1.0' are the same code)."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    whole, _, fraction = text.partition(".")
    return whole if fraction and set(fraction) == {"0"} and whole.lstrip("-").isdigit() else text


def codes(values: pd.Series) -> pd.Series:
    """Return text cells as :func:`code` writes declared codes; NaN stays."""
    return values.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)


def take(frame: pd.DataFrame, spec: ColumnMap, *, name: str, path: str | Path, into: Into = "text") -> pd.Series:
    """Take one column out of a sheet, in our words and units.

    Parameters
    ----------
    frame : DataFrame
        From :func:`read_sheet`.
    spec : ColumnMap
        Where the value stands and how it is translated: first non-empty column, pattern, template,
        values, unit, in this order.
    name : str
        Our name of the column, for messages.
    path : str or Path
        The file, for messages.
    into : {'text', 'number', 'days', 'years', 'fraction', 'percent'}
        What the caller wants; times and fractions are converted from ``spec.unit``.

    Returns
    -------
    Series
        Text, or float64; NA where unknown.

    Raises
    ------
    InputError
        The column is not there, a value is not among ``values``, does not match ``pattern`` or is no number.
    """
    import pandas as pd

    if spec.constant is not None:
        values = pd.Series(code(spec.constant), index=frame.index, dtype=frame.dtypes.iloc[0])
        shown = name
    else:
        names = [spec.column] if isinstance(spec.column, str) else list(spec.column or [])
        sources = [_source(frame, column, name, path) for column in names]
        values = sources[0]
        for further in sources[1:]:
            values = values.fillna(further)
        shown = " / ".join(names)
    if spec.na:
        values = values.mask(values.isin(spec.na))

    def refuse(bad: pd.Series, message: str, remedy: str) -> None:
        if bad.any():
            raise InputError(
                [
                    Problem(message, str(path), int(frame["_row"][i]), shown, str(values[i]), remedy)
                    for i in bad[bad].index[:20]
                ]
            )  # fmt: skip

    if spec.pattern is not None:
        found = values.str.extract(spec.pattern, expand=True).iloc[:, 0]
        refuse(
            found.isna() & values.notna(), f"does not match the pattern {spec.pattern}", f"Correct '{name}' in the cohort file."
        )
        values = found
    if spec.template is not None:
        template = spec.template
        values = values.map(template.format, na_action="ignore").astype(values.dtype)
    if spec.values is not None:
        known = {code(raw): value for raw, value in spec.values.items()}
        as_codes = codes(values)
        refuse(
            as_codes.notna() & ~as_codes.isin(list(known)),
            "is not among the declared values",
            f"Add it under '{name}: values' in the cohort file (null for unknown); declared: {', '.join(known)}.",
        )
        words = {raw: None if value is None else code(value) for raw, value in known.items()}
        values = as_codes.map(words, na_action="ignore").astype(values.dtype)
    if into == "text":
        return values
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    bad = (numbers.isna() & values.notna()) | numbers.isin([float("inf"), float("-inf")])
    comma = values[bad].str.contains(",").any() if bad.any() else False
    refuse(
        bad,
        "is not a number",
        "Write decimals with a point and no thousands separator." if comma else "Correct it, or list it under 'na'.",
    )
    return numbers * _factor(spec, into, name, path)


def _source(frame: pd.DataFrame, column: str, name: str, path: str | Path) -> pd.Series:
    if column not in frame or column == "_row":
        import difflib

        names = [str(x) for x in frame.columns if x != "_row"]
        close = difflib.get_close_matches(column, names, 3)
        hint = f"Did you mean {' or '.join(repr(x) for x in close)}?" if close else f"It has: {', '.join(names[:40])}."
        raise InputError(f"the file has no such column (needed for '{name}')", path=path, column=column, remedy=hint)
    twin = f"{column} (2)"
    if twin in frame and not frame[column].equals(frame[twin].rename(column)):
        raise InputError("two columns have this name and differ", path=path, column=column, remedy="Rename one of them.")
    return frame[column]


def _factor(spec: ColumnMap, into: Into, name: str, path: str | Path) -> float:
    if into == "number":
        return 1.0
    if into in ("days", "years"):
        time_unit = spec.unit or into
        if time_unit not in DAYS:
            raise InputError(f"'{name}' is a time, so its unit is days, weeks, months or years", path=path, value=time_unit)
        return DAYS[time_unit] if into == "days" else DAYS[time_unit] / DAYS["years"]
    unit = spec.unit or into
    if unit not in ("fraction", "percent"):
        raise InputError(f"'{name}' is a share, so its unit is fraction or percent", path=path, value=unit)
    return {("percent", "fraction"): 0.01, ("fraction", "percent"): 100.0}.get((unit, into), 1.0)


def sample_name(value: str, spec: ColumnMap | None, *, path: str | Path) -> str:
    """Return a file's own name of a sample (a column of a matrix, a VCF header) in our words.

    Raises
    ------
    InputError
        The name does not match ``spec.pattern``.
    """
    import re

    if spec is None:
        return value
    if spec.pattern is not None:
        match = re.search(spec.pattern, value)
        if match is None:
            raise InputError(f"the sample name does not match the pattern {spec.pattern}", path=path, value=value)
        value = match.group(1)
    if spec.template is not None:
        value = spec.template.format(value)
    if spec.values is not None:
        return code(spec.values.get(value) or value)
    return value
