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
from resistance.dropped import KEPT, Dropped
from resistance.errors import InputError, Problem
from resistance.read.sites import SiteLists

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: what a caller writes for 'passed' or 'no filter applied'
PASSED = "PASS"
_VARIANT = ["chrom", "pos", "ref", "alt"]


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


def keep_calls(
    rows: pd.DataFrame,
    source: Variants,
    path: Path,
    dropped: Dropped,
    lists: SiteLists | None = None,
    *,
    states_population: bool = True,
) -> pd.DataFrame:
    """Apply the filters of a source; a row without the number that a filter asks for passes.

    What is wrong with one call comes first: ``keep_filters``, ``min_depth``, ``min_alt_count``,
    ``min_vaf``.  Then what is wrong with the variant, in every sample: ``max_population_af``,
    ``panel_of_normals``, ``blacklist``.  A row is counted once, under its first reason.

    A row that was looked for and not seen (alt_count 0) has no VAF to fail by: it says that the
    variant is absent, so only its depth is asked, and its variant.

    Parameters
    ----------
    rows : DataFrame
        Calls in the package's form.
    source : config.Variants
    path : Path
    dropped : Dropped
    lists : SiteLists, optional
        What ``panel_of_normals``, ``blacklist`` and ``hotspots`` hold.
    states_population : bool
        The file has a field for population frequencies; else ``max_population_af`` can drop nothing,
        and that is said.

    Returns
    -------
    DataFrame
        The rows that are left; ``population_af`` is the largest that the file states for the variant.
    """
    lists = lists or SiteLists()
    rows = _population_of_the_variant(rows)
    keep = {*source.keep_filters}
    failing = [cell for cell in rows["filter"].dropna().unique() if not passes(str(cell), keep)]
    failed = rows["filter"].isin(failing)
    if not passes(None, keep):
        failed |= rows["filter"].isna()
    for cell in sorted(rows.loc[failed, "filter"].fillna(".").unique()):
        out = failed & (rows["filter"].fillna(".") == cell)
        dropped.add("calls", path, f"FILTER {cell} is not kept", int(out.sum()), _named(rows, out))
    left = ~failed.to_numpy(dtype=bool)
    seen = (rows["alt_count"] != 0).fillna(True).to_numpy(dtype=bool)
    for fails, reason in (
        (_below(rows["depth"], source.min_depth), f"depth below {source.min_depth}"),
        (seen & _below(rows["alt_count"], source.min_alt_count), f"supporting reads below {source.min_alt_count}"),
        (seen & _below(rows["vaf"], source.min_vaf), f"VAF below {source.min_vaf:g}"),
    ):
        out = left & fails
        dropped.add("calls", path, reason, int(out.sum()), _named(rows, out))
        left &= ~out
    if source.max_population_af is not None and not states_population:
        dropped.add(
            "calls",
            path,
            f"{KEPT}: the file has no field with a population frequency, so max_population_af {source.max_population_af:g} "
            "drops nothing",
            int(left.sum()),
            _named(rows, left),
        )
    return rows[_without_sites(rows, left, source, path, dropped, lists)]


def _without_sites(
    rows: pd.DataFrame, left: NDArray[np.bool_], source: Variants, path: Path, dropped: Dropped, lists: SiteLists
) -> NDArray[np.bool_]:
    """Return which of the rows that are left stay when the variants themselves are judged."""
    import numpy as np

    left = left.copy()
    reasons: list[tuple[str, NDArray[np.bool_]]] = []
    if source.max_population_af is not None:
        frequent = (rows["population_af"] > source.max_population_af).to_numpy(dtype=bool)
        reasons.append((f"population allele frequency above {source.max_population_af:g}", frequent))
    for what, sites in (("panel of normals", lists.panel_of_normals), ("blacklist", lists.blacklist)):
        if sites is not None:
            held = np.zeros(len(rows), dtype=bool)
            held[left] = sites.hold(rows[left])
            reasons.append((f"in the {what} {lists.name(what.replace(' ', '_'))}", held))
    if not reasons:
        return left
    spared = np.zeros(len(rows), dtype=bool)
    if lists.hotspots is not None:
        judged = left & np.logical_or.reduce([fails for _, fails in reasons])
        spared[judged] = lists.hotspots.hold(rows[judged])
    for reason, fails in reasons:
        kept = left & fails & spared
        name = lists.name("hotspots")
        dropped.add("calls", path, f"{KEPT}: a hot spot of {name}, though {reason}", int(kept.sum()), _named(rows, kept))
        out = left & fails & ~spared
        if out.any():
            genes = np.full(len(rows), "", dtype=object)
            genes[out] = lists.genes_of(rows[out])
            marked = out & (genes != "")
            # a marker is lost here, perhaps a known one: it is not hidden among the rest
            for chosen, more in ((out & ~marked, ""), (marked, ", in a gene of the markers")):
                gene = f" ({genes[chosen][0]})" if more and chosen.any() else ""
                dropped.add("calls", path, f"{reason}{more}", int(chosen.sum()), f"{_named(rows, chosen)}{gene}")
        left &= ~out
    return left


def _population_of_the_variant(rows: pd.DataFrame) -> pd.DataFrame:
    """Give every row the largest frequency that the file states for its variant, in whatever sample."""
    import pandas as pd

    if "population_af" not in rows:
        return rows.assign(population_af=pd.Series(float("nan"), index=rows.index, dtype="float64"))
    if not rows["population_af"].notna().any():
        return rows
    several = rows[rows.duplicated(_VARIANT, keep=False)]
    largest = several.groupby(_VARIANT, sort=False)["population_af"].transform("max")
    return rows.assign(population_af=largest.reindex(rows.index).fillna(rows["population_af"]))


def _below(values: pd.Series, limit: float) -> NDArray[np.bool_]:
    below: NDArray[np.bool_] = (values < limit).fillna(False).to_numpy(dtype=bool)
    return below


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


def _named(rows: pd.DataFrame, chosen: pd.Series | NDArray[np.bool_]) -> str | None:
    if not chosen.any():
        return None
    row = rows[chosen].iloc[0]
    return f"{row['sample_id']} {row['chrom']}:{row['pos']} {row['ref']}>{row['alt']}"
