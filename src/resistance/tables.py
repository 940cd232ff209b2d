"""Data frames <-> the files between the stages, each against a named schema.

A stage table is Parquet with the columns, types and order that its :class:`Schema` names; the
report's copies are TSV. Both are written to a temporary name and renamed, so that a crash never
leaves half a file, and both are the same bytes for the same rows.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

#: kinds of column; text is the NaN-backed string type that pandas 2.3 and 3 share
KINDS = ("text", "integer", "real", "flag")


@dataclass(frozen=True)
class Column:
    """One column of a stage table.

    Parameters
    ----------
    name : str
    kind : {'text', 'integer', 'real', 'flag'}
        text -> str, integer -> Int64, real -> float64, flag -> boolean; NA is allowed unless
        ``required``.
    description : str
        What it means, with the unit.
    required : bool
        NA is an error.
    allowed : tuple of str
        The only values the column may hold, where not empty.
    low, high : float, optional
        Closed bounds.
    """

    name: str
    kind: str
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name}: unknown kind {self.kind}")


@dataclass(frozen=True)
class Schema:
    """A named table: its columns, its key and whether columns beyond the named may follow.

    ``extra`` names what may follow the named columns: ``None`` for nothing, else the kind of the
    further columns (``'any'`` leaves them as they are).
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    extra: str | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))


def _dtype(kind: str) -> object:
    import numpy as np
    import pandas as pd

    return {
        "text": pd.StringDtype(na_value=np.nan),
        "integer": pd.Int64Dtype(),
        "real": np.dtype("float64"),
        "flag": pd.BooleanDtype(),
    }[kind]


def empty(schema: Schema) -> pd.DataFrame:
    """Return a table of no rows with the schema's columns and types."""
    import pandas as pd

    return pd.DataFrame({c.name: pd.Series([], dtype=_dtype(c.kind)) for c in schema.columns})


def conform(frame: pd.DataFrame, schema: Schema, *, path: str | Path | None = None) -> pd.DataFrame:
    """Return `frame` with the schema's columns, order and types, or raise with all that is wrong.

    Parameters
    ----------
    frame : DataFrame
        May lack columns that are not required (they become NA).  A column ``_row``, where there,
        holds the 1-based line of the source file; it is used in messages and left out.
    schema : Schema
    path : str or Path, optional
        The file the rows came from, for messages.

    Returns
    -------
    DataFrame
        A new table with a fresh index.

    Raises
    ------
    InputError
        Unknown or missing column, value of the wrong kind, outside the allowed values or bounds,
        NA where a value is required, duplicate key: every problem at once (at most 20 per column).
    """
    import pandas as pd

    where = schema.name if path is None else str(path)
    lines = frame["_row"] if "_row" in frame else pd.Series(range(1, len(frame) + 1), index=frame.index)
    given = frame.drop(columns="_row", errors="ignore")
    problems: list[Problem] = []
    unknown = [name for name in given.columns if name not in schema.names]
    if unknown and schema.extra is None:
        problems += [
            Problem("unknown column", where, column=str(name), remedy=f"The {schema.name} table has: {', '.join(schema.names)}.")
            for name in unknown
        ]
    out: dict[str, pd.Series] = {}
    for column in schema.columns:
        if column.name not in given:
            if column.required and len(given):
                problems.append(Problem("missing column", where, column=column.name, remedy=column.description))
            out[column.name] = pd.Series(pd.NA, index=given.index, dtype="object")
        else:
            out[column.name] = given[column.name]
        typed, bad, why = _typed(out[column.name], column)
        out[column.name] = typed
        for check_bad, check_why in ((bad, why), *_violations(typed, column)):
            for index in check_bad[check_bad].index[:20]:
                value = given[column.name][index] if column.name in given else None
                problems.append(
                    Problem(
                        check_why,
                        where,
                        int(lines[index]),
                        column.name,
                        None if pd.isna(value) else str(value),
                        column.description,
                    )
                )
    if schema.extra is not None:
        # at once: an expression matrix has a column per sample, and inserting each would copy the frame
        for name in unknown:
            out[name] = given[name] if schema.extra == "any" else given[name].astype(_dtype(schema.extra))
    table = pd.DataFrame(out, index=given.index)
    if schema.key and not problems:
        twice = table.duplicated(list(schema.key), keep="first")
        for index in twice[twice].index[:20]:
            problems.append(
                Problem(
                    f"duplicate {' + '.join(schema.key)}",
                    where,
                    int(lines[index]),
                    schema.key[0],
                    " / ".join(str(table[name][index]) for name in schema.key),
                    "Each may stand once; remove or merge the second row.",
                )
            )
    if problems:
        raise InputError(problems)
    return table.reset_index(drop=True)


def _typed(values: pd.Series, column: Column) -> tuple[pd.Series, pd.Series, str]:
    """Return the values in the column's type, a mask of those that have none, and the reason."""
    import pandas as pd

    if column.kind == "text":
        if values.dtype == _dtype("text"):  # already so: millions of calls need not be written anew
            return values, pd.Series(False, index=values.index), ""
        missing = values.isna()
        text = values.astype("object").where(~missing, None)
        return text.map(str, na_action="ignore").astype(_dtype("text")), pd.Series(False, index=values.index), ""
    if column.kind == "flag":
        words = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False, "yes": True, "no": False}
        flags = values.map(lambda v: words.get(str(v).strip().lower()), na_action="ignore")
        bad = flags.isna() & values.notna()
        return flags.astype("boolean"), bad, "is neither true nor false"
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna() & values.notna()
    if column.kind == "integer":
        fraction = numbers.notna() & (numbers % 1 != 0)
        return numbers.where(~fraction).astype("Int64"), (bad | fraction).astype(bool), "is not a whole number"
    infinite = numbers.notna() & ~numbers.between(float("-1e308"), float("1e308"))
    return numbers.astype("float64"), (bad | infinite).astype(bool), "is not a number"


def _violations(values: pd.Series, column: Column) -> Iterator[tuple[pd.Series, str]]:
    if column.required:
        yield values.isna(), "has no value"
    if column.allowed:
        yield values.notna() & ~values.isin(column.allowed), f"is not one of {', '.join(column.allowed)}"
    if column.low is not None:
        yield (values < column.low).fillna(False).astype(bool), f"is below {column.low:g}"
    if column.high is not None:
        yield (values > column.high).fillna(False).astype(bool), f"is above {column.high:g}"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` when the block ends well, else remove it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp gives 0600; results are shared in a group, so take what the umask allows
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write text (UTF-8, newline as given) whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_table(frame: pd.DataFrame, path: str | Path, schema: Schema) -> None:
    """Check `frame` against `schema` and write it as Parquet; the same rows give the same bytes."""
    table = conform(frame, schema)
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd", engine="pyarrow")


def read_table(path: str | Path, schema: Schema) -> pd.DataFrame:
    """Read a stage table.

    Raises
    ------
    InputError
        The file is not there, is not Parquet or has other columns.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except FileNotFoundError as error:
        raise InputError("the stage table is missing", path=path, remedy="Run the stage that writes it.") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"not a readable Parquet file ({error})", path=path, remedy="Delete it and run its stage again."
        ) from error
    return conform(frame, schema, path=path)


def write_tsv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table for people: tab separated, NA as ``NA``, numbers in their shortest exact form."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, sep="\t", index=False, na_rep="NA", lineterminator="\n", encoding="utf-8")
