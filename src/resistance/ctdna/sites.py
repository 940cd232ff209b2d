"""Calls of the cohort -> which variants are looked for in the alignments of each sample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from resistance.ctdna.support import VARIANT, with_counts

if TYPE_CHECKING:
    import pandas as pd


#: bases between variants that one fragment of cell-free DNA shows together
TOGETHER = 100
_PAIR = 2


def sites_to_count(
    calls: pd.DataFrame,
    samples: pd.DataFrame,
    wanted: Iterable[str],
    *,
    of: Literal["patient", "cohort"] = "patient",
    everywhere: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the variants that are force-called in each sample.

    A variant counts as one of a patient when any sample of the patient shows it: only so is a variant that appears
    at relapse counted in the plasma before it, where the caller listed nothing.

    Parameters
    ----------
    calls, samples : DataFrame
        Schemas CALLS and SAMPLES.  A call without support (0 reads stated, or not called) gives no variant.
    wanted : iterable of str
        Samples to be counted.  One that `samples` does not have is a control: it gets the variants of all patients.
    of : {'patient', 'cohort'}
        Whose variants are counted in a patient's sample.
    everywhere : DataFrame, optional
        Variants counted in every sample (hot spots), columns build, chrom, pos, ref and alt.

    Returns
    -------
    dict of DataFrame
        sample_id -> build, chrom, pos, ref, alt, sorted, each once; and ``event``: the same word for variants that a caller
        put on one copy, each at most :data:`TOGETHER` bases from the next, so that a fragment can show them all; else NA.
    """
    import numpy as np
    import pandas as pd

    seen = with_counts(calls)
    seen = seen.loc[seen["seen"], ["sample_id", *VARIANT]].merge(samples[["sample_id", "patient_id"]], on="sample_id")
    extra = [] if everywhere is None else [everywhere[VARIANT]]
    events = _events(calls, samples)

    def merged(part: pd.DataFrame, patient: str | None = None) -> pd.DataFrame:
        rows = pd.concat([part[VARIANT], *extra], ignore_index=True).drop_duplicates()
        rows = rows.sort_values(VARIANT, kind="stable").reset_index(drop=True)
        mine = events[events["patient_id"] == patient].drop(columns="patient_id")
        rows = rows.merge(mine, on=VARIANT, how="left")
        # one that the list lacks leaves an event of one, which is none
        lonely = rows.groupby("event")["pos"].transform("size") < _PAIR
        return rows.assign(event=rows["event"].mask(lonely.fillna(False).astype(bool), np.nan))

    all_of_them = merged(seen)
    by_patient = {patient: merged(part, str(patient)) for patient, part in seen.groupby("patient_id", sort=True)}
    patient_of = dict(zip(samples["sample_id"], samples["patient_id"], strict=True))
    none = merged(seen.iloc[:0])
    out = {}
    for sample in wanted:
        whole = of == "cohort" or sample not in patient_of
        out[sample] = all_of_them if whole else by_patient.get(patient_of[sample], none)
    return out


def _events(calls: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return patient_id, variant and event of the variants that a sample of the patient has on one copy, side by side.

    Samples are asked in their order; what the first of them phases stays.
    """

    phased = calls[calls["phase"].notna()].merge(
        samples[["sample_id", "patient_id"]].assign(_at=range(len(samples))), on="sample_id"
    )
    phased = phased.sort_values(["patient_id", "_at", "chrom", "phase", "pos"], kind="stable")
    copy = ["patient_id", "_at", "chrom", "phase"]
    gap = phased.groupby(copy, sort=False)["pos"].diff()
    number = (gap.isna() | (gap > TOGETHER)).cumsum()
    first = phased.groupby(number)["pos"].transform("min")
    word = phased["chrom"].astype("object").str.cat(first.astype(str), sep=":")
    size = phased.groupby(number)["pos"].transform("size")
    found = phased.assign(event=word)[(size >= _PAIR).to_numpy(dtype=bool)]
    rows: pd.DataFrame = found.drop_duplicates(["patient_id", *VARIANT])[["patient_id", *VARIANT, "event"]]
    return rows
