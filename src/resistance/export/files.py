"""What every format does with files: plain tables without quotes, and no file left from an earlier export."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.tables import replacing

if TYPE_CHECKING:
    import pandas as pd


def one_line(values: pd.Series) -> pd.Series:
    """Return text in which tabs, line breaks and runs of blanks are one blank: such tables have no quotes."""
    return values.str.replace(r"\s+", " ", regex=True).str.strip()


def write_plain(frame: pd.DataFrame, path: Path, *, above: Sequence[str] = (), na: str = "") -> Path:
    """Write a tab separated table without quotes, the lines `above` before its header."""
    import numpy as np
    import pandas as pd

    text = pd.StringDtype(na_value=np.nan)
    texts = {
        name: one_line(frame[name].astype(text))
        for name in frame.columns
        if pd.api.types.is_string_dtype(frame[name]) or pd.api.types.is_object_dtype(frame[name])
    }
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in above)
        # the quote sign is set to one that no text holds: with QUOTE_NONE pandas would still ask to escape it
        frame.assign(**texts).to_csv(
            file, sep="\t", index=False, na_rep=na, lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar="\0"
        )
    return path


def remove_stale(folder: Path, patterns: Iterable[str], written: Iterable[Path]) -> None:
    """Remove what an earlier export left in `folder` under our names and this one did not write."""
    keep = set(written)
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path not in keep and path.is_file():
                path.unlink()
