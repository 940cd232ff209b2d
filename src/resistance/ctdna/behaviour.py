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
) -> NDArray[np.object_]:
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
    ndarray of str
        ``stays``: the others fell at least twofold beyond chance, and the lower bound of this variant's later /
        baseline lies above the upper bound of theirs; ``falls``: they did, and so did it, beyond chance, and not
        less than they; ``not_assessable`` otherwise.
    """
    import numpy as np

    plasma = in_time(cohort.samples[cohort.samples["material"] == "plasma"])
    first = dict(baseline_of(plasma, ["patient_id"])[["patient_id", "sample_id"]].itertuples(index=False, name=None))
    out = np.full(len(rows), "not_assessable", dtype=object)
    known = counted[counted["reads"].notna() & counted["mutant"].notna()][["sample_id", *VARIANT, "reads", "mutant"]]
    indexed = rows[["patient_id", *VARIANT]].assign(_row=np.arange(len(rows)))
    later = plasma[plasma["patient_id"].isin(first) & (plasma["timepoint"] != "baseline")]
    found = known.merge(plasma[["sample_id", "patient_id"]], on="sample_id").merge(indexed, on=["patient_id", *VARIANT])
    by_sample = {name: part.set_index("_row")[["mutant", "reads"]] for name, part in found.groupby("sample_id")}
    for patient, samples in later.groupby("patient_id", sort=True):
        start = by_sample.get(first[patient])
        if start is None:
            continue
        series = [by_sample[name] for name in samples["sample_id"] if name in by_sample]
        _compare(start, series, reference, out)
    return out


def _compare(start: pd.DataFrame, series: list[pd.DataFrame], reference: NDArray[np.bool_], out: NDArray[np.object_]) -> None:
    """Write the behaviour of one patient's variants into `out`."""
    import numpy as np

    from resistance.stats.fractions import fraction_ratio

    lowest, pair = np.inf, None
    for later in series:
        both = start.join(later, how="inner", lsuffix="_start", rsuffix="_later")
        others = both[reference[both.index.to_numpy()]]
        depth = others["reads_later"].sum()
        if depth > 0 and others["mutant_later"].sum() / depth < lowest:
            lowest, pair = others["mutant_later"].sum() / depth, both
    if pair is None:
        return
    index = pair.index.to_numpy()
    own = [pair[name].to_numpy(dtype=np.float64) for name in ("mutant_later", "reads_later", "mutant_start", "reads_start")]
    mine = reference[index]
    # the others' reads: all of the reference, less the variant's own
    rest = [values[mine].sum() - np.where(mine, values, 0.0) for values in own]
    _, low, high = fraction_ratio(*own)
    _, _, theirs = fraction_ratio(*rest)
    fallen = theirs < _FALLEN
    out[index] = np.select([fallen & (low > theirs), fallen & (high < 1.0)], ["stays", "falls"], "not_assessable")
