"""Tables as they are written: cells with their place, so that what is wrong is named."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    pass


class Cells:
    """The cells of one row, whose problems are collected."""

    def __init__(self, path: Path, line: int, row: Mapping[str, str], problems: list[Problem]) -> None:
        self.path, self.line, self.row, self.problems = str(path), line, row, problems

    def number(self, column: str, *, empty: bool = False) -> float:
        cell = self.row[column]
        if not cell:
            if not empty:
                self.problems.append(Problem("is empty", self.path, self.line, column))
            return nan
        try:
            value = float(cell)
        except ValueError:
            self.problems.append(Problem("is no number", self.path, self.line, column, cell))
            return nan
        if not isfinite(value) and not empty:
            self.problems.append(Problem("is not finite", self.path, self.line, column, cell))
        return value

    def count(self, column: str) -> int:
        cell = self.row[column]
        if not cell.isdecimal():
            self.problems.append(Problem("is no whole number", self.path, self.line, column, cell or "NA"))
            return 0
        return int(cell)


def read_rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns and the rows with their lines; NA is empty text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("the table is missing", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("the table is not UTF-8 text", path=path, remedy="Save it as UTF-8.") from error
    reader = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip() for name in next(reader, [])]
    if len(header) < 2:
        raise InputError("is not a tab-separated table with a header", path=path, row=1)
    if len(set(header)) < len(header):
        raise InputError("a column stands twice", path=path, row=1)
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(f"has {len(cells)} cells where the header has {len(header)}", path=path, row=reader.line_num)
        values = (cell.strip() for cell in cells)
        rows.append((reader.line_num, {n: "" if v == "NA" else v for n, v in zip(header, values, strict=True)}))
    if not rows:
        raise InputError("the table has no rows", path=path)
    return header, rows
