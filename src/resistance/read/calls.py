"""Calls of one file -> those of known samples, passed filters and enough reads, one per sample and variant.

What both readers of small variants (MAF and VCF) do to their rows; everything left out is counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import schemas
from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

#: what a caller writes for 'passed' or 'no filter applied'
PASSED = "PASS"


def unknown_sample(name: str, n: int, samples: Collection[str], path: Path, row: int | None = None) -> Problem:
    """Return what to say about a sample of the file that the samples sheet does not have."""
    close = difflib.get_close_matches(name, sorted(samples), 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    what = f"{n} row(s) are of a sample" if row is not None else "the file holds a sample"
    return Problem(
        f"{what} that the samples sheet does not have",
        str(path),
        row,
        value=name,
        remedy=f"{hint}Add it to the samples sheet, translate the name (variants.sample_id pattern, template), "
        "or set variants.unknown_samples: drop.",
    )


def only_known_samples(rows: pd.DataFrame, source: Variants, path: Path, samples: Collection[str], dropped: Dropped) -> pd.Series:
    """Return which rows are of a sample of the samples sheet.

    Raises
    ------
    InputError
        There are others and ``source.unknown_samples`` is 'error'; or no row is of a known sample.
    """
    known = rows["sample_id"].isin(list(samples))
    lost = rows[~known]
    if lost.empty:
        return known
    if source.unknown_samples == "error" or not known.any():
        counts = lost["sample_id"].value_counts().sort_index()
        first = lost.drop_duplicates("sample_id").set_index("sample_id")["_row"]
        problems = [unknown_sample(str(name), int(n), samples, path, int(first[name])) for name, n in list(counts.items())[:10]]
        if len(counts) > len(problems):
            problems.append(
                Problem(f"{len(counts) - len(problems)} further samples of the file are not in the samples sheet", str(path))
            )
        raise InputError(problems)
    dropped.add("calls", path, "the sample is not in the samples sheet", len(lost), lost["sample_id"].iloc[0])
    return known


def passes(filters: str | None, keep: Collection[str]) -> bool:
    """Return whether every FILTER value of a cell ('a;b') is among those kept; an empty cell counts as '.'."""
    if not filters:
        return "." in keep or PASSED in keep
    return all(part.strip() in keep for part in filters.replace(",", ";").split(";") if part.strip())


def keep_calls(rows: pd.DataFrame, source: Variants, path: Path, dropped: Dropped) -> pd.DataFrame:
    """Apply ``keep_filters``, ``min_depth`` and ``min_vaf``; a row without the number passes.

    A row that was looked for and not seen (alt_count 0) has no VAF to fail by: it says that the
    variant is absent, so only its depth is asked.
    """
    keep = {*source.keep_filters}
    failing = [cell for cell in rows["filter"].dropna().unique() if not passes(str(cell), keep)]
    failed = rows["filter"].isin(failing)
    if not passes(None, keep):
        failed |= rows["filter"].isna()
    shallow = ~failed & (rows["depth"] < source.min_depth).fillna(False).astype(bool)
    seen = (rows["alt_count"] != 0).fillna(True).astype(bool)
    rare = ~failed & ~shallow & seen & (rows["vaf"] < source.min_vaf).fillna(False).astype(bool)
    for cell in sorted(rows.loc[failed, "filter"].fillna(".").unique()):
        out = failed & (rows["filter"].fillna(".") == cell)
        dropped.add("calls", path, f"FILTER {cell} is not kept", int(out.sum()), _named(rows, out))
    for out, reason in ((shallow, f"depth below {source.min_depth}"), (rare, f"VAF below {source.min_vaf:g}")):
        dropped.add("calls", path, reason, int(out.sum()), _named(rows, out))
    return rows[~(failed | shallow | rare)]


def one_per_sample(rows: pd.DataFrame, path: Path, dropped: Dropped) -> pd.DataFrame:
    """Keep of each sample and variant the row with the greatest depth, then alt_count; sort by the key of calls."""
    key = list(schemas.CALLS.key)
    ordered = rows.sort_values(
        [*key, "depth", "alt_count"], ascending=[*(True for _ in key), False, False], na_position="last", kind="stable"
    )
    twice = ordered.duplicated(key)
    dropped.add(
        "calls",
        path,
        "the same sample and variant stands in another row with at least this depth",
        int(twice.sum()),
        _named(ordered, twice),
    )
    return ordered[~twice]


def _named(rows: pd.DataFrame, chosen: pd.Series) -> str | None:
    if not chosen.any():
        return None
    row = rows[chosen].iloc[0]
    return f"{row['sample_id']} {row['chrom']}:{row['pos']} {row['ref']}>{row['alt']}"
