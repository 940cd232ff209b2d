"""A row of the samples table -> cell-free DNA per mL plasma, with the error of the measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resistance.config import Ctdna

#: a concentration and a mass over a volume that differ by more contradict each other (rounding does not)
_AGREE = 0.05


@dataclass(frozen=True)
class CellFree:
    """Cell-free DNA of one sample.

    Parameters
    ----------
    ng_per_ml : float
        NaN where it is not known; `note` says why.
    plasma_ml : float
        NaN where it is not known.
    cv : float
        Coefficient of variation of ng_per_ml.
    note : str
        Empty where there is nothing to say.
    """

    ng_per_ml: float
    plasma_ml: float
    cv: float
    note: str


def cfdna_of(sample: dict[str, Any], settings: Ctdna) -> CellFree:
    """Return the cell-free DNA per mL plasma: as measured, else the mass divided by the plasma volume.

    Parameters
    ----------
    sample : dict
        plasma_ml, cfdna_ng and cfdna_ng_per_ml of the samples table.
    settings : config.Ctdna
        ``cfdna_cv``, and ``plasma_volume_cv`` where the volume is divided by.

    Notes
    -----
    Where concentration and mass / volume differ by more than 5 %, nothing says which is right: neither is used.
    """
    volume, total, given = (_number(sample[name]) for name in ("plasma_ml", "cfdna_ng", "cfdna_ng_per_ml"))
    divided = total / volume if volume > 0 else math.nan
    both = math.hypot(settings.cfdna_cv, settings.plasma_volume_cv)
    if not math.isnan(given) and not math.isnan(divided) and abs(given - divided) > _AGREE * max(given, divided):
        why = (
            f"cfdna_ng_per_ml is {given:g}, but cfdna_ng / plasma_ml is {divided:.3g}: they contradict each other, "
            "so that there are no genome equivalents"
        )
        return CellFree(math.nan, volume, math.nan, why)
    if not math.isnan(given):
        return CellFree(given, volume, settings.cfdna_cv, "")
    if not math.isnan(divided):
        return CellFree(divided, volume, both, "")
    if math.isnan(total):
        return CellFree(math.nan, volume, math.nan, "cfDNA mass per mL plasma is not known: no genome equivalents")
    state = "0 mL" if volume == 0 else "not known"
    return CellFree(
        math.nan,
        volume,
        math.nan,
        f"the plasma volume (plasma_ml) is {state}: {total:g} ng of cfDNA give no genome equivalents per mL",
    )


def _number(value: Any) -> float:
    import pandas as pd

    return math.nan if pd.isna(value) else float(value)
