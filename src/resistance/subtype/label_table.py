"""Table of labels (sample_id, label, and a column per class for how sure it is) -> what training and judging need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.subtype.events import UNKNOWN
from resistance.subtype.text_table import read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Labels:
    """Labels by sample.

    Parameters
    ----------
    of : dict of str to str
        Sample -> class; samples without a label are not there.
    membership : dict of str to dict
        Sample -> class -> how sure; empty where the table has no column per class.
    without : int
        Rows without a label.
    """

    of: dict[str, str]
    membership: dict[str, dict[str, float]]
    without: int


#: usual names of the two columns, tried in this order
SAMPLE_COLUMNS = ("sample_id", "sample", "id", "name")
LABEL_COLUMNS = ("label", "class", "cluster", "subtype", "group", "coo", "coo_class", "classification")


def read_labels(
    path: Path, *, sample: str | None = None, label: str | None = None, where: Sequence[tuple[str, str]] = ()
) -> Labels:
    """Read a table of labels.

    Parameters
    ----------
    path : Path
        See :func:`resistance.subtype.text_table.read_table`.
    sample, label : str, optional
        Names of the two columns; default: the usual ones (:data:`SAMPLE_COLUMNS`, :data:`LABEL_COLUMNS`).  A column named like
        a class holds, 0 to 1, how sure the class is.
    where : sequence of (column, value)
        Only rows with these values.

    Raises
    ------
    InputError
        A column is missing, a sample stands twice, no row has a label, or a share is no number from 0 to 1.
    """
    table = read_table(path)
    for name, value in where:
        table = table[table[_column(table, name, (), str(path))].map(lambda cell, value=value: str(cell).strip() == value)]
    if where and table.empty:
        shown = ", ".join(f"{name}={value}" for name, value in where)
        raise InputError(f"no row is left where {shown}", path=path, remedy="Look at --where.")
    return labels_of(table, sample=sample, label=label, where=str(path))


def _column(table: pd.DataFrame, wanted: str | None, usual: Sequence[str], where: str) -> str:
    of = {str(name).strip().lower(): str(name) for name in reversed(table.columns)}
    found = wanted if wanted is not None else next((of[name] for name in usual if name in of), None)
    if found is None or found not in table:
        raise InputError(
            "the table of labels lacks a column",
            path=where,
            column=wanted or usual[0],
            remedy=f"It has: {', '.join(str(x) for x in table.columns[:10])}. Name the columns by --sample and --label.",
        )
    return found


def labels_of(table: pd.DataFrame, *, sample: str | None = None, label: str | None = None, where: str = "labels") -> Labels:
    """Return the labels of a table of text (see :func:`read_labels`); numbers that are whole lose their '.0'."""
    sample = _column(table, sample, SAMPLE_COLUMNS, where)
    label = _column(table, label, LABEL_COLUMNS, where)
    names = [str(x).strip() for x in table[sample]]
    given = ["" if x is None or x != x else str(x).strip() for x in table[label]]
    if all(re.fullmatch(r"\d+\.0", value) for value in given if value not in UNKNOWN):
        given = [value.removesuffix(".0") for value in given]  # a class 5 that a table with gaps holds as 5.0
    of: dict[str, str] = {}
    problems = []
    for i, (name, value) in enumerate(zip(names, given, strict=True)):
        if value in UNKNOWN:
            continue
        if name in of:
            problems.append(Problem("the sample stands in two rows", where, i + 2, sample, name, "Keep one row per sample."))
        of[name] = value
    if problems:
        raise InputError(problems[:20])
    if not of:
        raise InputError("no row has a label", path=where, column=label)
    classes = sorted(set(of.values()))
    membership: dict[str, dict[str, float]] = {}
    if all(name in table for name in classes):
        for i, name in enumerate(names):
            if name not in of:
                continue
            row = {}
            for one in classes:
                text = str(table[one].iloc[i]).strip()
                try:
                    row[one] = float(text)
                except ValueError:
                    row[one] = -1.0
                if not 0 <= row[one] <= 1:
                    problems.append(Problem("is no share from 0 to 1", where, i + 2, one, text))
            membership[name] = row
    if problems:
        raise InputError(problems[:20])
    return Labels(of, membership, len(names) - len(of))
