"""Calls of the cohort -> which variants are looked for in the alignments of each sample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from resistance.ctdna.support import VARIANT, with_counts

if TYPE_CHECKING:
    import pandas as pd


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
        sample_id -> build, chrom, pos, ref, alt, sorted, each once.
    """
    import pandas as pd

    seen = with_counts(calls)
    seen = seen.loc[seen["seen"], ["sample_id", *VARIANT]].merge(samples[["sample_id", "patient_id"]], on="sample_id")
    extra = [] if everywhere is None else [everywhere[VARIANT]]

    def merged(part: pd.DataFrame) -> pd.DataFrame:
        rows = pd.concat([part[VARIANT], *extra], ignore_index=True).drop_duplicates()
        return rows.sort_values(VARIANT, kind="stable").reset_index(drop=True)

    all_of_them = merged(seen)
    by_patient = {patient: merged(part) for patient, part in seen.groupby("patient_id", sort=True)}
    patient_of = dict(zip(samples["sample_id"], samples["patient_id"], strict=True))
    none = merged(seen.iloc[:0])
    out = {}
    for sample in wanted:
        whole = of == "cohort" or sample not in patient_of
        out[sample] = all_of_them if whole else by_patient.get(patient_of[sample], none)
    return out
