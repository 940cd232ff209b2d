"""Quantity -> molecular_response: the change of ctDNA from the patient's baseline plasma, per later plasma sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.ctdna.support import baseline_of, in_time
from resistance.schemas import RESPONSE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import Ctdna


def molecular_response(quantity: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Compare each later plasma sample with the patient's baseline plasma.

    The change is in mutant genome equivalents per mL where both samples have them, else in mean
    VAF (noted).  A sample without a mutant read is not zero: it lies somewhere below its limit of
    detection, so the change computed with that limit is an upper bound and ``censored`` is True.

    Parameters
    ----------
    quantity : DataFrame
        Schema QUANTITY.
    settings : config.Ctdna
        ``molecular_response_log10``: the drop that counts (2 for an early, 2.5 for a major molecular
        response; Kurtz 2018, doi 10.1200/JCO.2018.78.5246).

    Returns
    -------
    DataFrame
        Schema RESPONSE, one row per plasma sample that is no baseline sample.  ``log10_change`` is
        negative for a drop; NA with a note where the baseline is missing or undetectable.
        ``molecular_response`` is NA where a censored change is a smaller drop than asked for: the
        sample was not read deeply enough to tell.
    """
    import pandas as pd

    later = in_time(quantity[quantity["timepoint"] != "baseline"])
    if later.empty:
        return empty(RESPONSE)
    baselines = {row["patient_id"]: row for row in baseline_of(quantity, ["patient_id"]).to_dict("records")}
    rows = [_row(sample, baselines.get(sample["patient_id"]), settings) for sample in later.to_dict("records")]
    return conform(pd.DataFrame(rows), RESPONSE)


def _row(sample: dict[str, Any], baseline: dict[str, Any] | None, settings: Ctdna) -> dict[str, Any]:
    import pandas as pd

    row = {name: sample[name] for name in ("patient_id", "sample_id", "timepoint", "day")}
    if baseline is None:
        return row | {"note": "no baseline plasma sample"}
    row["baseline_sample_id"] = baseline["sample_id"]
    for side, what in ((baseline, "baseline"), (sample, "this sample")):
        if pd.isna(side["detected"]):
            return row | {"note": f"no followed variant was assessed in {what}"}
    if not baseline["detected"]:
        return row | {"note": "ctDNA was not detected at baseline: there is nothing to fall from"}
    notes = []
    level, limit = "hge_per_ml", "lod_hge_per_ml"
    if any(pd.isna(side[level]) for side in (baseline, sample)) or baseline[level] == 0 or sample[limit] == 0:
        level, limit = "mean_vaf", "lod_vaf"
        notes.append("change of the mean VAF: without cfDNA mass in both samples there are no genome equivalents")
    if baseline["n_assessed"] != sample["n_assessed"]:
        notes.append(
            f"{baseline['n_assessed']} followed variants assessed at baseline, {sample['n_assessed']} here: "
            "the means are not over the same variants"
        )
    detected = bool(sample["detected"])
    change = math.log10((sample[level] if detected else sample[limit]) / baseline[level])
    enough: bool | None = change <= -settings.molecular_response_log10
    if not detected and not enough:
        enough = None
        notes.append(
            f"not detected, but the detection limit proves no more than a drop of {max(0.0, -change):.2f} log10: too shallow to tell"
        )
    row |= {"log10_change": change, "censored": not detected, "molecular_response": enough, "cleared": not detected}
    return row | {"note": "; ".join(notes) or None}
