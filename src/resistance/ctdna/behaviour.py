"""Counts of a patient's plasma samples -> does a variant fall with the others under treatment, or does it stay?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.ctdna.support import VARIANT, baseline_of, in_time

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort

#: the others have fallen where the upper bound of later / baseline is below this
_FALLEN = 0.5


def behaviour_of(
    rows: pd.DataFrame, cohort: Cohort, counted: pd.DataFrame, *, reference: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Compare the course of each variant with that of the patient's other variants.

    Baseline plasma is compared with the later plasma sample in which the others, their reads pooled, are lowest.

    Parameters
    ----------
    rows : DataFrame
        patient_id and the variant, each once.
    cohort : Cohort
    counted : DataFrame
        Of :func:`resistance.ctdna.support.with_counts`.
    reference : ndarray of bool
        Rows that stand for the tumour; a variant is never compared with itself.

    Returns
    -------
    behaviour : ndarray of str
        ``stays``: the others fell at least twofold beyond chance, and the lower bound of this variant's later /
        baseline lies above the upper bound of theirs; ``falls``: they did, and so did it, beyond chance, and not
        less than they; ``not_assessable`` otherwise.
    later_vaf : ndarray
        VAF in the later sample of the comparison; NaN where there is none.
    """
    import numpy as np

    plasma = in_time(cohort.samples[cohort.samples["material"] == "plasma"])
    first = set(baseline_of(plasma, ["patient_id"])["sample_id"])
    out, vaf = np.full(len(rows), "not_assessable", dtype=object), np.full(len(rows), np.nan)
    # of each patient the baseline sample and the later ones, in time; the samples' number is their order
    wanted = plasma[plasma["sample_id"].isin(first) | (plasma["timepoint"] != "baseline")].reset_index(drop=True)
    wanted = wanted[["sample_id", "patient_id"]].assign(_sample=np.arange(len(wanted)), _first=wanted["sample_id"].isin(first))
    known = counted.loc[counted["reads"].notna() & counted["mutant"].notna(), ["sample_id", *VARIANT, "reads", "mutant"]]
    indexed = rows[["patient_id", *VARIANT]].assign(_row=np.arange(len(rows)))
    found = known.merge(wanted, on="sample_id").merge(indexed, on=["patient_id", *VARIANT])
    for _, part in found.groupby("patient_id", sort=True):
        row, sample = (part[name].to_numpy(dtype=np.intp) for name in ("_row", "_sample"))
        at = sample[part["_first"].to_numpy(dtype=bool)]
        if at.size == 0 or np.unique(sample).size < 2:
            continue
        index, place = np.unique(row, return_inverse=True)
        columns, column = np.unique(sample, return_inverse=True)
        counts = np.full((2, index.size, columns.size), np.nan)
        counts[0, place, column] = part["mutant"].to_numpy(dtype=np.float64)
        counts[1, place, column] = part["reads"].to_numpy(dtype=np.float64)
        start = int(np.searchsorted(columns, at[0]))
        out[index], vaf[index] = _compare(counts, start, reference[index])
    return out, vaf


def _compare(
    counts: NDArray[np.float64], start: int, reference: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return behaviour and later VAF of one patient's variants.

    Parameters
    ----------
    counts : ndarray, shape (2, variants, samples)
        Mutant and all reads; NaN where not known.
    start : int
        Column of the baseline sample; the others come later.
    reference : ndarray of bool, shape (variants,)
    """
    import numpy as np

    from resistance.stats.fractions import fraction_ratio

    mutant, reads = counts
    both = ~np.isnan(mutant) & ~np.isnan(mutant[:, [start]])
    used = both & reference[:, None]
    depth = np.where(used, reads, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.where(depth > 0, np.where(used, mutant, 0.0).sum(axis=0) / depth, np.inf)
    level[start] = np.inf
    lowest = int(level.argmin())
    if not np.isfinite(level[lowest]):
        return np.full(reference.size, "not_assessable", dtype=object), np.full(reference.size, np.nan)
    here = both[:, lowest]
    own = [np.where(here, values, np.nan) for values in (mutant[:, lowest], reads[:, lowest], mutant[:, start], reads[:, start])]
    # the others' reads: all of the reference, less the variant's own
    mine = here & reference
    rest = [np.where(mine, values, 0.0).sum() - np.where(mine, values, 0.0) for values in own]
    _, low, high = fraction_ratio(*own)
    _, _, theirs = fraction_ratio(*rest)
    fallen = theirs < _FALLEN
    words = np.select([fallen & (low > theirs), fallen & (high < 1.0)], ["stays", "falls"], "not_assessable").astype(object)
    return words, own[0] / own[1]
