"""A table of NanoString counts as somebody has it -> codes x samples, checked to be raw counts of a code set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.errors import InputError, Problem
from resistance.subtype.genes import current_symbol
from resistance.subtype.method import as_frame
from resistance.subtype.signature import load_signatures

if TYPE_CHECKING:
    import pandas as pd

#: a code set has at most 800 targets and some controls; a transcriptome has many times that
MAX_CODES = 1000
OTHER_PLATFORM = (
    "Cut-offs of a code set mean nothing on another scale: use the method lps (weights for expression, or a model that "
    "`resistance subtype train` makes from a labelled cohort)."
)
_LABELS = ("gene", "code_class", "name", "code", "accession", "codeclass", "class_name", "annotation")


def counts_of_table(table: pd.DataFrame, *, platform: str = "nanostring") -> pd.DataFrame:
    """Check a table of counts and return it as codes (index) x samples.

    Parameters
    ----------
    table : DataFrame
        Codes in rows: their names in a column 'gene' (or 'Name', 'Code'), else in the first column if
        it is text, else in the index; one column of raw counts per sample (of a header of several rows the first
        names the sample).  A column of code classes and accessions may stand there.
    platform : str
        Anything but 'nanostring' is refused.

    Raises
    ------
    InputError
        Another platform, by name or by what the numbers look like (logarithms, fractions, more rows
        than a code set has); negative counts; samples in rows; a code that stands twice where it counts.
    """
    import pandas as pd

    if platform.lower() not in ("nanostring", "ncounter"):
        raise InputError(f"the signature is one of NanoString counts, the table is {platform}", remedy=OTHER_PLATFORM)
    table = _one_header(as_frame(table))
    twice = [str(name) for name in table.columns[table.columns.duplicated()]]
    if twice:
        raise InputError("two columns have this name", column=twice[0], remedy="Rename one of the samples.")
    labels = {str(name): str(name).strip().lower().replace(" ", "_") for name in table.columns}
    named = [name for name in ("gene", "name", "code") if name in labels.values()]
    text = [name for name in table.columns if not _is_number(table[name])]
    if named:
        key: Any = next(name for name, label in labels.items() if label == named[0])
    else:
        key = table.columns[0] if len(table.columns) and table.columns[0] in text else None
    names = pd.Series(table.index if key is None else table[key].to_numpy(), dtype="object").map(lambda x: str(x).strip())
    values = table.drop(columns=[name for name in table.columns if name == key or labels.get(str(name)) in _LABELS])
    _refuse_turned(values, names)
    words = [name for name in values.columns if name in text]
    if words:
        raise InputError("the column holds no counts", column=str(words[0]), remedy="Codes in rows, one column of raw counts per sample.")  # fmt: skip
    if not len(values.columns) or not len(values):
        raise InputError("the table holds no counts", remedy="Codes in rows, one column of raw counts per sample.")
    values = values.astype("float64").set_axis(names.to_numpy(), axis=0)
    refuse_other_numbers(values)
    return values


def _one_header(table: pd.DataFrame) -> pd.DataFrame:
    """Pass over second names of the samples (a row without a code, or a second level of the columns); read text that is numbers."""
    import pandas as pd

    if table.columns.nlevels > 1:
        table = table.set_axis(table.columns.get_level_values(0), axis=1)
    if not len(table.columns):
        return table
    first = table.iloc[:, 0] if isinstance(table.index, pd.RangeIndex) else table.index.to_series()
    if len(table) > 1 and (pd.isna(first.iloc[0]) or str(first.iloc[0]).strip() == ""):
        second = pd.to_numeric(table.iloc[0, 1:], errors="coerce")
        table = table.iloc[1:] if second.isna().all() else table
    numbers = {}
    for i in range(len(table.columns)):
        found = None if _is_number(table.iloc[:, i]) else pd.to_numeric(table.iloc[:, i], errors="coerce")
        if found is not None and found.notna().any() and not (found.isna() & table.iloc[:, i].notna()).any():
            numbers[i] = found.astype("float64")
    parts = [numbers.get(i, table.iloc[:, i]) for i in range(len(table.columns))]
    return pd.concat(parts, axis=1).set_axis(table.columns, axis=1) if numbers else table


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def _refuse_turned(values: pd.DataFrame, names: pd.Series) -> None:
    wanted = {gene for signature in load_signatures().values() for gene in signature.genes}
    in_columns = sum(current_symbol(str(name)) in wanted for name in values.columns)
    if in_columns > 5 and in_columns > sum(current_symbol(name) in wanted for name in names):
        raise InputError(
            f"samples stand in rows here ({in_columns} column names are genes of the code set)",
            remedy="Turn the table: codes in rows, samples in columns (table.T; on the command line: --samples-in-rows).",
        )


def refuse_other_numbers(values: pd.DataFrame) -> None:
    """Refuse codes x samples that are no raw counts of a code set: negative, not whole, too many rows, no count above 50.

    Raises
    ------
    InputError
        With one cell that shows it, and the way out.
    """
    problem: Problem | None = None
    for bad, why in (
        (values < 0, "a count is negative: raw counts are expected"),
        ((values % 1 != 0) & values.notna(), "a count is not whole: raw counts are expected, before normalisation and logarithm"),
    ):
        if bad.any(axis=None):
            sample = bad.any().idxmax()
            row = bad[sample].to_numpy().argmax()
            problem = Problem(why, None, None, str(sample), f"{values.index[row]}: {values[sample].iloc[row]:g}", f"If these are no NanoString counts: {OTHER_PLATFORM}")  # fmt: skip
            break
    if problem is None and len(values) > MAX_CODES:
        problem = Problem(f"{len(values)} rows are no code set (at most {MAX_CODES}): these look like RNA-seq or an array", remedy=OTHER_PLATFORM)  # fmt: skip
    # counts of 0 and nothing else are no logarithms but an empty lane, which its housekeeping genes tell
    if problem is None and 0 < values.max(axis=None) <= 50:
        problem = Problem("no count is above 50: these look like logarithms", value=f"{values.max(axis=None):g}", remedy="Give raw counts.")  # fmt: skip
    if problem is not None:
        raise InputError([problem])
