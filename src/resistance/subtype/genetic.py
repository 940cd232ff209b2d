"""What the genetic methods share: the events of a cohort or of a plain table, and calls of samples -> calls of patients."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError
from resistance.schemas import SCORES
from resistance.subtype.cohort_events import events_of_cohort
from resistance.subtype.events import Events, read_events, table_events
from resistance.subtype.method import Called, Method, as_calls, per_patient
from resistance.tables import empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

#: rows as the methods give them: a dictionary per sample
Rows = Callable[[Events], list[dict[str, Any]]]
WHAT = "genetic events"


def cohort_events(cohort: Cohort, settings: Subtype, known: Collection[str] = ()) -> Events:
    """Return the events of a cohort: from its calls, and from the matrix of the cohort file where it names one.

    A sample of the matrix takes its events from there and the events that the matrix does not have, or has
    as missing, from the calls.

    Raises
    ------
    InputError
        The matrix is not usable, or none of its samples is one of the cohort.
    """
    own = events_of_cohort(cohort)
    source = settings.genetic.events
    if source is None:
        return own
    given = read_events(Path(source.file), samples_in_rows=source.samples_in_rows, known=known)
    names = our_samples([str(x) for x in given.table.index], source.sample_pattern, cohort, source.file)
    theirs, ours = list(names), list(names.values())
    table = given.table.loc[theirs].set_axis(ours).combine_first(own.table)
    order = [name for name in dict.fromkeys([*own.table.index, *ours]) if name in table.index]
    return replace(given, table=table.reindex(order))


def our_samples(names: Sequence[str], pattern: str | None, cohort: Cohort, where: str) -> dict[str, str]:
    """Return the samples of a file that are samples of the cohort: name in the file -> sample_id.

    Raises
    ------
    InputError
        None of them is, or two of them are the same sample.
    """
    known = set(cohort.samples["sample_id"].astype(str))
    found: dict[str, str] = {}
    for name in names:
        match = re.fullmatch(pattern or "(.*)", name)
        if match is not None and match[1] in known:
            found[name] = match[1]
    if not found:
        raise InputError(
            "none of the file's samples is a sample of the cohort",
            path=where,
            value=names[0] if names else None,
            remedy="Name them as in the column sample_id of the samples sheet, or give sample_pattern.",
        )
    seen: dict[str, str] = {}
    for theirs, ours in found.items():
        if ours in seen:
            raise InputError(
                f"'{seen[ours]}' and '{theirs}' are both the sample {ours}", path=where, remedy="Correct sample_pattern."
            )
        seen[ours] = theirs
    return found


def classify_cohort(cohort: Cohort, settings: Subtype, method: Method, rows_of: Rows) -> Called:
    """Call the patients of a cohort; samples of which nothing is known have no row."""
    events = cohort_events(cohort, settings, method.features)
    asked = events.table.reindex(columns=list(method.features)) if method.features else events.table
    looked = events.table[asked.notna().any(axis=1)]
    if looked.empty:
        return Called(per_patient(cohort, method, as_calls([]), what=WHAT), empty(SCORES))
    calls = _told(rows_of(replace(events, table=looked)), events, method)
    return Called(per_patient(cohort, method, as_calls([method.row(**row) for row in calls]), what=WHAT), empty(SCORES))


def is_binary(events: Events) -> bool:
    """Return whether a matrix holds 1 and nothing above: 1 then cannot mean 'synonymous' beside 'other mutation'."""
    values = events.table.to_numpy(dtype=np.float64)
    return bool((values == 1).any() and not (values > 1).any())


def _told(rows: list[dict[str, Any]], events: Events, method: Method) -> list[dict[str, Any]]:
    """Say in each reason which of the method's events the file calls otherwise, and how many of its rows are no events."""
    wanted = set(method.features)
    # by name: the order of the file's rows says nothing
    older = sorted(f"{old} = {new}" for new, old in events.renamed.items() if not wanted or new in wanted)
    parts = [f"names resolved: {', '.join(older[:5])}{' ...' if len(older) > 5 else ''}"] if older else []
    if events.passed_over:
        parts.append(f"{events.passed_over} rows that are no events (such as .CCF, purity) not read")
    return [row | {"reason": "; ".join(filter(None, [row.get("reason"), *parts]))} for row in rows]


def classify_events_table(table: pd.DataFrame, method: Method, rows_of: Rows, *, coded: bool = True) -> pd.DataFrame:
    """Call the samples of a plain table (see :func:`resistance.subtype.events.table_events`).

    Parameters
    ----------
    coded : bool
        The method uses the codes: a matrix of 0 and 1 only is flagged binary_matrix in every row, because every
        event of it counts as a weak one.
    """
    events = table_events(table, known=method.features)
    rows = rows_of(events)
    if coded and is_binary(events):
        rows = [row | {"flags": ";".join(filter(None, [row.get("flags"), "binary_matrix"]))} for row in rows]
    return as_calls([method.row(**row) for row in _told(rows, events, method)])
