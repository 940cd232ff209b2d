"""Rows of the quantity -> levels of ctDNA in one unit, with interval, limit of detection, and whether they are bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: unit -> columns of the quantity: level, limit of detection, lower and upper bound
_COLUMNS = {
    "hge_per_ml": ("hge_per_ml", "lod_hge_per_ml", "hge_per_ml_ci_low", "hge_per_ml_ci_high"),
    "mean_vaf": ("mean_vaf", "lod_vaf", "mean_vaf_ci_low", "mean_vaf_ci_high"),
    "assay": ("assay_level", "assay_limit", None, None),
}


@dataclass(frozen=True)
class Level:
    """A level of one sample.

    Parameters
    ----------
    value : float
        The level; the limit of detection where `censored`.
    low, high : float
        95 % interval of the level (0 and the limit where censored); the level itself where none is known.
    censored : bool
        Not detected: the level is at most `value`.
    """

    value: float
    low: float
    high: float
    censored: bool

    @property
    def log10(self) -> float:
        """log10 of the value; NaN of 0."""
        return math.log10(self.value) if self.value > 0 else math.nan


def unit_of(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the unit in which all rows that were assessed have a level: genomes per mL, else the mean VAF.

    A level of another assay goes before both.  None where no row was assessed.
    """
    assessed = [row for row in rows if _known(row["detected"])]
    for unit in ("assay", "hge_per_ml", "mean_vaf"):
        if assessed and all(level_of(row, unit) is not None for row in assessed):
            return unit
    return None


def level_of(row: Mapping[str, Any], unit: str) -> Level | None:
    """Return the level of a row, or None where it was not assessed or has none in this unit."""
    if not _known(row["detected"]):
        return None
    value, limit, low, high = (math.nan if name is None else _number(row[name]) for name in _COLUMNS[unit])
    if not row["detected"]:
        return Level(limit, 0.0, limit, True) if limit > 0 else None
    if not value > 0:
        return None
    return Level(value, value if math.isnan(low) else low, value if math.isnan(high) else high, False)


def unit_name(unit: str | None, rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the name of a unit for a table."""
    if unit != "assay":
        return unit
    return next((str(row["assay_unit"]) for row in rows if _known(row["assay_unit"])), unit)


def log10_change(later: Level, baseline: Level) -> tuple[float, float, float]:
    """Return log10 (later / baseline) with its interval.

    The distances of both levels from their bounds are joined as the root of the sum of squares, on the log
    scale (Zou and Donner 2008, doi:10.1002/sim.3095).

    Returns
    -------
    change, low, high : float
        Where `later` is censored the change is an upper bound, `high` the upper bound of that bound, and `low` NaN:
        there is none.
    """
    change = later.log10 - baseline.log10
    base_up, base_down = _distances(baseline)
    if later.censored:
        return change, math.nan, change + base_down
    up, down = _distances(later)
    low = math.nan if math.isinf(down) else change - math.hypot(down, base_up)
    high = math.nan if math.isinf(base_down) else change + math.hypot(up, base_down)
    return change, low, high


def _distances(level: Level) -> tuple[float, float]:
    """Return how far the bounds lie above and below the level, log10."""
    up = math.log10(level.high / level.value) if level.high > 0 else 0.0
    return up, math.log10(level.value / level.low) if level.low > 0 else math.inf


def _known(value: Any) -> bool:
    import pandas as pd

    return bool(pd.notna(value))


def _number(value: Any) -> float:
    return float(value) if _known(value) else math.nan
