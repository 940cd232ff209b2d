"""Table of labels (sample_id, label, and a column per class for how sure it is) -> what training and judging need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.subtype.events import UNKNOWN, read_table

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


def read_labels(path: Path, *, sample: str = "sample_id", label: str = "label") -> Labels:
    """Read a table of labels.

    Parameters
    ----------
    path : Path
    sample, label : str
        Names of the two columns.  A column named like a class holds, 0 to 1, how sure the class is.

    Raises
    ------
    InputError
        A column is missing, a sample stands twice, no row has a label, or a share is no number from 0 to 1.
    """
    return labels_of(read_table(path), sample=sample, label=label, where=str(path))


def labels_of(table: pd.DataFrame, *, sample: str = "sample_id", label: str = "label", where: str = "labels") -> Labels:
    """Return the labels of a table of text (see :func:`read_labels`)."""
    for name in (sample, label):
        if name not in table:
            raise InputError(
                "the table of labels lacks a column",
                path=where,
                column=name,
                remedy=f"It has: {', '.join(str(x) for x in table.columns[:10])}. Name the columns by --sample and --label.",
            )
    names = [str(x).strip() for x in table[sample]]
    given = ["" if x is None or x != x else str(x).strip() for x in table[label]]
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
