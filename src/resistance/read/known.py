"""Names of samples or patients in a file -> which of them are analysed; strangers are refused or counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.config import ColumnMap
from resistance.errors import InputError, Problem
from resistance.read.sheet import sample_name

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

NOT_ANALYSED = "the patient is not analysed"


def analysed_rows(
    names: pd.Series,
    lines: pd.Series,
    *,
    known: Collection[str],
    all_known: Collection[str] | None = None,
    strangers: str = "error",
    table: str,
    path: Path,
    column: str,
    what: str = "sample",
    dropped: Dropped,
) -> pd.Series:
    """Return which rows belong to samples (or patients) that are analysed.

    Parameters
    ----------
    names, lines : Series
        Names in our spelling (NA: refused) and the 1-based line of each row.
    known : collection of str
        Those that are analysed.
    all_known : collection of str, optional
        Those whom the sheets name at all; rows of the ones that are not analysed are left out and counted.
    strangers : {'error', 'drop'}
        What happens to a name that the sheets do not have.
    table, path, column, what, dropped
        For the counts and the messages.

    Returns
    -------
    Series of bool

    Raises
    ------
    InputError
        A row without a name; a stranger, unless they are dropped.
    """
    missing = names.isna()
    if missing.any():
        raise InputError(
            [Problem(f"the {what} has no name", str(path), int(lines[i]), column, remedy="Fill it in, or delete the row.") for i in names[missing].index[:20]]
        )  # fmt: skip
    kept = names.isin(list(known))
    elsewhere = ~kept & names.isin(list(all_known or ()))
    strange = ~kept & ~elsewhere
    if strange.any() and strangers == "error":
        first = names[strange].drop_duplicates()
        raise InputError(
            [
                Problem(
                    f"names a {what} that the {what}s sheet does not have ({int((names == names[i]).sum())} row(s))",
                    str(path),
                    int(lines[i]),
                    column,
                    str(names[i]),
                    f"Add it to the {what}s sheet, or set 'unknown_{what}s: drop'.",
                )
                for i in first.index[:20]
            ]
        )
    for mask, reason in ((elsewhere, NOT_ANALYSED), (strange, f"the {what} is not in the {what}s sheet")):
        if mask.any():
            dropped.add(table, path, reason, int(mask.sum()), names[mask].iloc[0])
    return kept


def analysed_columns(
    names: Sequence[str],
    spec: ColumnMap | None,
    *,
    known: Collection[str],
    all_known: Collection[str] | None = None,
    strangers: str = "error",
    table: str,
    path: Path,
    dropped: Dropped,
) -> dict[str, str]:
    """Return column name -> sample for the columns of a matrix that belong to analysed samples.

    Parameters are those of :func:`analysed_rows`; `spec` turns the column names into ours.

    Raises
    ------
    InputError
        A column names no sample (unless dropped), two columns name one sample, or no column names any.
    """
    analysed, somebody = frozenset(known), frozenset(all_known or ())
    out: dict[str, str] = {}
    ours: dict[str, str] = {}
    problems: list[Problem] = []
    strange: list[str] = []
    for name in names:
        try:
            sample = sample_name(name, spec, path=path)
        except InputError as error:
            strange.append(name)
            problems += error.problems
            continue
        if sample in analysed:
            if sample in ours:
                raise InputError(
                    f"two columns belong to sample {sample}: '{ours[sample]}' and '{name}'",
                    path=path,
                    column=name,
                    remedy="Leave one of them out of the file, or correct 'sample_id' in the cohort file.",
                )
            out[name], ours[sample] = sample, name
        elif sample in somebody:
            dropped.add(table, path, NOT_ANALYSED, 1, sample)
        else:
            strange.append(name)
            problems.append(
                Problem(
                    "the column names a sample that the samples sheet does not have",
                    str(path),
                    column=name,
                    value=None if sample == name else sample,
                    remedy="Add it to the samples sheet, correct 'sample_id', or set 'unknown_samples: drop'.",
                )
            )
    if problems and strangers == "error":
        raise InputError(problems[:20])
    if strange:
        dropped.add(table, path, "the sample is not in the samples sheet", len(strange), strange[0])
    if not out:
        raise InputError(
            "no column of the file belongs to an analysed sample",
            path=path,
            value=", ".join(names[:3]),
            remedy="Give 'sample_id' a pattern or template that turns these names into those of the samples sheet.",
        )
    return out
