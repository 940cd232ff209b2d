"""Quantity -> molecular_response: the change of ctDNA from the patient's baseline plasma, per later plasma sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.ctdna.level import Level, level_of, log10_change, unit_name, unit_of
from resistance.ctdna.support import baseline_of, in_time
from resistance.schemas import RESPONSE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import Ctdna, Milestone


def molecular_response(quantity: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Compare each later plasma sample with the patient's baseline plasma.

    The change is in mutant genome equivalents per mL where both samples have them, else in mean
    VAF (noted).  A sample in which no ctDNA was detected is not zero: it lies somewhere below its limit of
    detection, so the change computed with that limit is an upper bound and ``censored`` is True.

    Parameters
    ----------
    quantity : DataFrame
        Schema QUANTITY.
    settings : config.Ctdna
        ``molecular_response_log10``, the drop that counts at any time; ``milestones``, the drops of an early and a
        major molecular response and the cycle (else the days) they are asked of (Kurtz 2018,
        doi 10.1200/JCO.2018.78.5246); ``clearance_lod_vaf``.

    Returns
    -------
    DataFrame
        Schema RESPONSE, one row per plasma sample that is no baseline sample.  ``log10_change`` is
        negative for a drop; NA with a note where the baseline is missing or undetectable.
        A response is NA where a censored change is a smaller drop than asked for: the
        sample was not read deeply enough to tell.
    """
    import pandas as pd

    later = in_time(quantity[quantity["timepoint"] != "baseline"])
    if later.empty:
        return empty(RESPONSE)
    baselines = {row["patient_id"]: row for row in baseline_of(quantity, ["patient_id"]).to_dict("records")}
    rows = [_row(sample, baselines.get(sample["patient_id"]), settings) for sample in later.to_dict("records")]
    return conform(pd.DataFrame(rows), RESPONSE)


def is_sensitive(sample: dict[str, Any], settings: Ctdna) -> bool:
    """Return whether an undetected sample proves clearance: its limit of detection is low enough.

    The level of another assay has a limit that the study gave as its own: it is taken as low enough.
    """
    import pandas as pd

    if pd.notna(sample["assay_level"]):
        return True
    return bool(pd.notna(sample["lod_vaf"]) and sample["lod_vaf"] <= settings.clearance_lod_vaf)


def _row(sample: dict[str, Any], baseline: dict[str, Any] | None, settings: Ctdna) -> dict[str, Any]:
    import pandas as pd

    row = {name: sample[name] for name in ("patient_id", "sample_id", "timepoint", "day", "cycle")}
    if baseline is None:
        return row | {"note": "no baseline plasma sample"}
    row["baseline_sample_id"] = baseline["sample_id"]
    for side, what in ((baseline, "baseline"), (sample, "this sample")):
        if pd.isna(side["detected"]):
            return row | {"note": f"no followed variant was assessed in {what}"}
    if not baseline["detected"]:
        return row | {"note": "ctDNA was not detected at baseline: there is nothing to fall from"}
    unit = unit_of((baseline, sample))
    start, now = (None if unit is None else level_of(side, unit) for side in (baseline, sample))
    if start is None or now is None:
        return row | {"note": "no level of both samples in one unit"}
    row["unit"] = unit_name(unit, (baseline, sample))
    notes = []
    if unit == "mean_vaf":
        notes.append("change of the mean VAF: without cfDNA mass in both samples there are no genome equivalents")
    if unit != "assay" and baseline["n_assessed"] != sample["n_assessed"]:
        notes.append(
            f"{baseline['n_assessed']} followed variants assessed at baseline, {sample['n_assessed']} here: "
            "the means are not over the same variants"
        )
    change, low, high = log10_change(now, start)
    row |= {"baseline_level": start.value, "level": now.value, "log10_change": change, "censored": now.censored}
    row |= {"log10_change_ci_low": low, "log10_change_ci_high": high}
    row["molecular_response"] = reached(change, now, settings.molecular_response_log10)
    for name, milestone in (("early", settings.milestones.early), ("major", settings.milestones.major)):
        if is_due(sample, milestone):
            row[f"{name}_molecular_response"] = reached(change, now, milestone.drop_log10)
    if now.censored and row["molecular_response"] is None:
        notes.append(
            f"not detected, but the detection limit proves no more than a drop of {max(0.0, -change):.2f} log10: too shallow to tell"
        )
    row["cleared"] = _cleared(sample, now, settings, notes)
    return row | {"note": "; ".join(notes) or None}


def reached(change: float, level: Level, drop_log10: float) -> bool | None:
    """Return whether the drop was reached; None where a bound leaves it open."""
    # a drop of exactly 2 log10 can come out as 1.9999999999999998
    enough = change <= -drop_log10 + 1e-9
    return True if enough else None if level.censored else False


def is_due(sample: dict[str, Any], milestone: Milestone) -> bool:
    """Return whether a sample is of the milestone's time: by its cycle; by its day where the cycle is not known."""
    import pandas as pd

    if pd.notna(sample["cycle"]):
        return int(sample["cycle"]) == milestone.cycle
    return bool(pd.notna(sample["day"]) and milestone.days[0] <= sample["day"] <= milestone.days[1])


def _cleared(sample: dict[str, Any], level: Level, settings: Ctdna, notes: list[str]) -> bool | None:
    if not level.censored:
        return False
    if is_sensitive(sample, settings):
        return True
    limit = math.nan if sample["lod_vaf"] is None else float(sample["lod_vaf"])
    notes.append(
        f"not detected, but a VAF below {limit:.2g} would not have been seen: no proof of clearance "
        f"(clearance_lod_vaf {settings.clearance_lod_vaf:g})"
    )
    return None
