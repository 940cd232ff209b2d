"""Matrix of genetic events (events x samples) -> the same, checked: one spelling of names, values 0 to 3, NaN where nobody could look."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resistance.errors import InputError, Problem
from resistance.subtype.event_names import event_name
from resistance.subtype.genes import look_like_mouse
from resistance.subtype.method import as_frame
from resistance.subtype.text_table import read_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: words for 'nobody could look'; an empty cell is one
UNKNOWN = ("", "NA", "NaN", "nan", "N/A", "not_assessed", "None", "null", ".")
#: names of the column with the events' names, and of a second one that published matrices have
_LABELS = ("gene", "event", "feature", "sample", "classifier_name", "description", "name")
#: rows of published matrices that describe the sample
_OF_SAMPLES = ("PURITY", "PLOIDY", "COO")
#: values of the published coding: 0 none; 1 synonymous, or low-level copy number; 2 other mutation, or high-level; 3 structural
VALUES = (0.0, 1.0, 2.0, 3.0)
_FLAGS = {"True": 1, "TRUE": 1, "False": 0, "FALSE": 0}


@dataclass(frozen=True)
class Events:
    """Checked events.

    Parameters
    ----------
    table : DataFrame
        Samples x events, float64: 0..3, NaN where the assay could not see the event.
    renamed : dict of str to str
        Name here -> name in the file, where they differ by more than spelling of punctuation or case.
    where : str or None
        File or table, for messages.
    passed_over : int
        Rows that are no events and are not read: how many cells carry one (``TP53.CCF``), purity, ploidy; and rows
        that no method asks for and that hold something else than codes.
    """

    table: pd.DataFrame
    renamed: dict[str, str]
    where: str | None = None
    passed_over: int = 0

    def take(self, wanted: Sequence[str]) -> NDArray[np.float64]:
        """Return the columns `wanted` (names here), NaN where the table does not have the event."""
        return np.asarray(self.table.reindex(columns=list(wanted)).to_numpy(dtype=np.float64))


def check_events(table: pd.DataFrame, *, known: Collection[str] = (), where: str | None = None) -> Events:
    """Check a matrix with events in rows and samples in columns.

    Parameters
    ----------
    table : DataFrame
        Index: events, as published or as R renamed them; columns: samples.  Values 0 to 3 or missing.
    known : collection of str
        Events that the method asks for (names of this package): they tell rows from columns.
    where : str, optional
        File or table, for messages.

    Returns
    -------
    Events

    Raises
    ------
    InputError
        No events or samples, samples in the rows, an event or sample twice, none of the known events, or a value other
        than 0 to 3 (where events are known: of one of them), named by event and sample.
    """
    import pandas as pd

    table, passed_over = _without_fractions(table)
    if table.empty:
        raise InputError("the matrix has no events or no samples", path=where)
    raw_names = [str(x) for x in table.index]
    names = _in_any_case([event_name(x) for x in raw_names], known)
    _refuse_swapped([str(x) for x in table.columns], names, known, where)
    if known and look_like_mouse(raw_names):
        raise InputError(
            f"the genes look like mouse ({', '.join(raw_names[:3])} ...), and the events that are looked for are human",
            path=where,
            remedy="Give human orthologues by human symbols. If the samples are human, write symbols as HGNC does (BCL6, H1-4).",
        )
    if known and not set(names) & set(known):
        close = difflib.get_close_matches(names[0], sorted(known), 1)
        raise InputError(
            f"none of the {len(names)} events is one of the {len(set(known))} that are asked for",
            path=where,
            value=raw_names[0],
            remedy=f"Events are named like {', '.join(sorted(known)[:3])}"
            + (f"; did you mean {close[0]}?" if close else "; copy number like 17p:DEL, structural variants like SV:BCL6."),
        )
    problems = _twice(names, raw_names, where) + _twice_sample([str(x) for x in table.columns], where)
    if problems:
        raise InputError(problems)
    values, bad = _values(table)
    asked = np.array([not known or name in set(known) for name in names])
    other = bad.any(axis=1) & ~asked  # such as the age of the patient
    problems = _bad_values(table, raw_names, bad & asked[:, None], where)
    if problems:
        raise InputError(problems)
    if other.any():
        keep = np.flatnonzero(~other)
        values, table, passed_over = values[keep], table.iloc[keep], passed_over + int(other.sum())
        names, raw_names = [names[i] for i in keep], [raw_names[i] for i in keep]
    plain = {new: old for new, old in zip(names, raw_names, strict=True) if _letters(new) != _letters(old)}
    frame = pd.DataFrame(values.T, index=[str(x) for x in table.columns], columns=names)
    return Events(frame, plain, where, passed_over)


def table_events(table: pd.DataFrame, *, known: Collection[str] = (), where: str | None = None) -> Events:
    """Check a plain table of either form.

    Parameters
    ----------
    table : DataFrame
        With a column ``sample_id`` (or an index of that name): one row per sample, one column per event.
        Else events in rows: in the first column where it is called ``gene``, ``event`` ... or holds words under a plain
        index, else in the index; one column per sample.
    known, where
        As in :func:`check_events`.
    """
    table = as_frame(table)
    frame = table.reset_index() if table.index.name == "sample_id" else table
    if "sample_id" in frame.columns:
        return check_events(frame.set_index("sample_id").T, known=known, where=where)
    label = next((name for name in frame.columns[:1] if str(name).lower() in _LABELS or _names_rows(frame)), None)
    if label is not None:
        frame = frame.set_index(label)
    return check_events(frame[[name for name in frame.columns if str(name).lower() not in _LABELS]], known=known, where=where)


def read_events(path: Path, *, samples_in_rows: bool = False, known: Collection[str] = ()) -> Events:
    """Read a matrix from a file (see :func:`resistance.subtype.text_table.read_table`).

    Parameters
    ----------
    path : Path
    samples_in_rows : bool
        The first column names samples, the header events.  The published matrices have it the other way round.
    known : collection of str
        As in :func:`check_events`.

    Raises
    ------
    InputError
        The file is missing or no table, or what :func:`check_events` refuses.
    """
    table = read_table(path)
    table = table.set_index(table.columns[0])
    if not samples_in_rows:
        table = table[[name for name in table.columns if str(name).lower() not in _LABELS]]
    if samples_in_rows:
        table = table.T
    return check_events(table, known=known, where=str(path))


def _names_rows(frame: pd.DataFrame) -> bool:
    """Return whether the first column names the rows: words under an index that names nothing."""
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex) or not len(frame):
        return False
    words = frame.iloc[:, 0].dropna().astype(str).str.strip()
    words = words[~words.isin(UNKNOWN)]
    return len(words) > 0 and bool(pd.to_numeric(words.replace(_FLAGS), errors="coerce").isna().all())


def _without_fractions(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Leave out what published matrices hold beside their events: fractions of cells, purity and ploidy."""
    names = [str(name) for name in table.index]
    events = set(names)
    keep = [not (name.upper() in _OF_SAMPLES or (name.upper().endswith(".CCF") and name[:-4] in events)) for name in names]
    return (table, 0) if all(keep) else (table.loc[keep], keep.count(False))


def _letters(name: str) -> str:
    plain = "".join(c for c in name.upper() if c.isalnum())
    return plain[1:] if plain[:1] == "X" and plain[1:2].isdigit() else plain


def _in_any_case(names: list[str], known: Collection[str]) -> list[str]:
    """Return each name as the method writes it, where the two differ in small and capital letters alone and one event is meant."""
    of: dict[str, str | None] = {}
    for name in known:
        of[name.upper()] = None if of.get(name.upper(), name) != name else name
    there = set(names)
    return [name if (found := of.get(name.upper())) is None or found in there else found for name in names]


def _refuse_swapped(columns: list[str], names: list[str], known: Collection[str], where: str | None) -> None:
    """Refuse a matrix whose columns are events: by the events that are known, else by their form."""
    wanted = set(known)
    in_rows = sum(name in wanted for name in names)
    in_columns = sum(event_name(name) in wanted for name in columns)
    if not wanted:
        in_rows, in_columns = (sum(":" in event_name(name) for name in part) for part in (names, columns))
    if in_columns > in_rows:
        raise InputError(
            f"the events stand in the columns ({in_columns} of {len(columns)}), samples in the rows",
            path=where,
            value=columns[0],
            remedy="Events go into rows: transpose the table (table.T), call the column of the samples 'sample_id', or, for a file of "
            "`train` and `apply`, give --samples-in-rows.",
        )


def _twice(names: list[str], raw: list[str], where: str | None) -> list[Problem]:
    first: dict[str, str] = {}
    problems = []
    for name, written in zip(names, raw, strict=True):
        if name in first:
            problems.append(
                Problem(f"the event {name} stands in two rows ('{first[name]}' is the other)", where, value=written, remedy="Keep one row per event.")
            )  # fmt: skip
        first.setdefault(name, written)
    return problems[:20]


def _twice_sample(columns: list[str], where: str | None) -> list[Problem]:
    twice = sorted({name for name in columns if columns.count(name) > 1}) if len(set(columns)) < len(columns) else []
    return [
        Problem("the sample has two columns", where, column=name, remedy="Keep one column per sample.") for name in twice[:20]
    ]


def _values(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the numbers of a table, NaN where unknown, and which cells are neither unknown nor a code."""
    import pandas as pd

    text = table.astype("object").where(table.notna(), "NA")
    unknown = text.isin(UNKNOWN).to_numpy(dtype=bool)
    flat = [_FLAGS.get(str(value), value) for value in text.to_numpy(dtype=object).ravel()]
    numbers = pd.to_numeric(pd.Series(flat, dtype="object"), errors="coerce").to_numpy(dtype=np.float64).reshape(table.shape)
    numbers[unknown] = np.nan
    return numbers, ~unknown & ~np.isin(numbers, VALUES)


def _bad_values(table: pd.DataFrame, names: list[str], bad: NDArray[np.bool_], where: str | None) -> list[Problem]:
    """Name bad cells: of each event the first two, at most 20."""
    first = bad & (np.cumsum(bad, axis=1) <= 2)
    return [
        Problem(
            f"sample {table.columns[j]} has a value that is none of 0, 1, 2, 3",
            where,
            column=names[i],
            value=str(table.iloc[i, j]),
            remedy="0 none; 1 synonymous or low-level copy number; 2 other mutation or high-level; 3 structural; NA not seen.",
        )
        for i, j in zip(*(part[:20] for part in np.nonzero(first)), strict=True)
    ]
