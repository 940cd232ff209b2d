"""Tables of a source on the other build -> the same tables on the study's build; what has no place there is counted.

Names of the file's own annotation (c. and p.) are kept: they count in a transcript, which does not
move. Consequences are kept with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance import schemas
from resistance.config import Variants
from resistance.consequences import SEVERITY
from resistance.dropped import KEPT, Dropped
from resistance.liftover import Lifter
from resistance.read.builds import Said
from resistance.read.calls import one_per_sample
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

VARIANT = ["chrom", "pos", "ref", "alt"]


def lifter_of(source: Variants, base: Path, build: str) -> Lifter | None:
    """Return what moves the source's variants to the study's build; None where they are on it.

    Raises
    ------
    InputError
        The chain cannot be used (see :class:`resistance.liftover.Lifter`).
    """
    if source.liftover is None:
        return None
    return Lifter(base / source.liftover.chain, source.liftover.from_, build)


def said_of(lifter: Lifter | None) -> Said | None:
    """Return by what the source's file is on its build."""
    return None if lifter is None else Said.of_source(lifter.source)


def lift_tables(
    calls: pd.DataFrame, effects: pd.DataFrame, fusions: pd.DataFrame, lifter: Lifter | None, path: Path, dropped: Dropped
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Move what was read of one file.

    Parameters
    ----------
    calls, effects, fusions : DataFrame
        By :data:`resistance.schemas.CALLS`, ``EFFECTS`` and ``FUSIONS``, on ``lifter.source``.
    lifter : Lifter or None
        None: nothing is moved.
    path : Path
        The file, for the counts.
    dropped : Dropped
        Counts calls without a place by reason; calls whose alleles were complemented and structural
        events that lost their position are counted as kept.

    Returns
    -------
    calls, effects, fusions : DataFrame
        On ``lifter.target``. Of two variants of a sample that come to one place the call with the
        greater depth is kept, and counted.
    """
    if lifter is None:
        return calls, effects, fusions
    if len(calls):
        calls = _calls(calls, lifter, path, dropped)
    if len(effects):
        effects = _effects(effects, lifter, path)
    return calls, effects, _fusions(fusions, lifter, path, dropped)


def _moved(table: pd.DataFrame, lifts: pd.DataFrame, lifter: Lifter) -> pd.DataFrame:
    moved = table.assign(build=lifter.target, **{name: lifts[name] for name in VARIANT})
    return moved[lifts["failed"].isna()]


def _calls(calls: pd.DataFrame, lifter: Lifter, path: Path, dropped: Dropped) -> pd.DataFrame:
    lifts = lifter.lift_columns(calls)

    def count(rows: pd.Series, reason: str) -> None:
        if rows.any():
            example = "{sample_id} {chrom}:{pos} {ref}>{alt} ({build})".format(**calls[rows].iloc[0])
            dropped.add("calls", path, reason, int(rows.sum()), example)

    for reason in sorted(lifts["failed"].dropna().unique()):
        count(lifts["failed"].eq(reason).fillna(False).astype(bool), f"liftover: {reason}")
    turned = lifts["strand"].eq("-").fillna(False).astype(bool)
    indel = calls["ref"].eq("-") | calls["alt"].eq("-")
    count(turned & ~indel, f"{KEPT}: liftover to the other strand, alleles complemented")
    # which end of a repeat is the left one has changed, and without the sequence it cannot be moved there
    count(turned & indel, f"{KEPT}: liftover to the other strand, alleles complemented; in a repeat it is not moved left again")
    rows = one_per_sample(_moved(calls, lifts, lifter), path, dropped)
    return conform(rows, schemas.CALLS, path=path)


def _effects(effects: pd.DataFrame, lifter: Lifter, path: Path) -> pd.DataFrame:
    moved = _moved(effects, lifter.lift_columns(effects), lifter)
    key = list(schemas.EFFECTS.key)
    rank = moved["effect_class"].map({name: rank for rank, name in enumerate(SEVERITY)})
    ordered = moved.assign(_rank=rank).sort_values([*key, "_rank", "hgvsp", "hgvsc"], kind="stable")
    return conform(ordered.drop_duplicates(key).drop(columns="_rank"), schemas.EFFECTS, path=path)


def _fusions(fusions: pd.DataFrame, lifter: Lifter, path: Path, dropped: Dropped) -> pd.DataFrame:
    """A structural event is known by its genes: without a place it is kept, and its position is unknown."""
    moved = {name: fusions[name].tolist() for name in ("chrom_1", "pos_1", "chrom_2", "pos_2")}
    for side in ("1", "2"):
        placed = fusions[f"chrom_{side}"].notna() & fusions[f"pos_{side}"].notna()
        for i in placed.to_numpy().nonzero()[0]:
            chrom, pos = moved[f"chrom_{side}"][i], moved[f"pos_{side}"][i]
            lift = lifter.lift_span(chrom, int(pos), 1)
            if lift.failed is not None:
                row = fusions.iloc[i]
                example = f"{row['sample_id']} {row['kind']} {row['gene_1']} {chrom}:{pos} ({lifter.source})"
                dropped.add("fusions", path, f"{KEPT} without its position: liftover: {lift.failed}", 1, example)
            moved[f"chrom_{side}"][i], moved[f"pos_{side}"][i] = lift.chrom, lift.pos
    return conform(fusions.assign(**moved), schemas.FUSIONS, path=path)
