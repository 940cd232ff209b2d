"""Compared variants -> which variants of a patient have one course over the samples of a material."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.stats._arrays import FloatArray

#: variants below which there is nothing to group
LEAST = 3


def clusters(frame: pd.DataFrame) -> pd.DataFrame:
    """Group the variants of each patient and material by their fractions at baseline and in every later sample.

    Parameters
    ----------
    frame : DataFrame
        One row per comparison and variant, as :func:`resistance.ctdna.comparison.side_by_side` gives them, with
        ``baseline_`` and ``later_`` ``background`` and ``germline`` (left out: it has no course).

    Returns
    -------
    DataFrame
        cluster and cluster_probability on the index of `frame`; NA for germline variants, variants that
        were read in no sample, and patients with fewer than three variants.

    Notes
    -----
    The model is :func:`resistance.stats.fraction_clusters.cluster_fractions`.
    """
    import pandas as pd

    from resistance.stats.fraction_clusters import cluster_fractions

    number, probability = np.zeros(len(frame), dtype=np.int64), np.full(len(frame), np.nan)
    usable = np.flatnonzero(~frame["germline"].to_numpy(dtype=bool))
    part = frame.iloc[usable]
    of = {
        side: np.column_stack(
            [part[f"{side}_{x}"].to_numpy(dtype=np.float64) for x in ("count", "used", "background", "overdispersion")]
        )
        for side in ("baseline", "later")
    }
    keys, samples = part["key"].to_numpy(dtype=object), part["later_sample_id"].to_numpy(dtype=object)
    order = part["_order"].to_numpy()
    for at in part.groupby(["patient_id", "material"], sort=True).indices.values():
        names, row = np.unique(keys[at], return_inverse=True)
        if len(names) < LEAST:
            continue
        # a patient's material has one baseline sample, which every comparison repeats
        columns = [_column(of["baseline"][at], row, len(names))]
        later = samples[at]
        for sample in dict.fromkeys(later[np.argsort(order[at], kind="stable")].tolist()):
            here = later == sample
            columns.append(_column(of["later"][at[here]], row[here], len(names)))
        mutant, reads, background, spread = np.stack(columns, axis=2).transpose(1, 0, 2)
        found = cluster_fractions(mutant, reads, background=np.nan_to_num(background), overdispersion=np.nan_to_num(spread))
        number[usable[at]], probability[usable[at]] = found.cluster[row], found.probability[row]
    cluster = pd.array(number, dtype="Int64")
    cluster[number == 0] = pd.NA
    return pd.DataFrame({"cluster": cluster, "cluster_probability": probability}, index=frame.index)


def _column(values: FloatArray, row: NDArray[np.intp], n: int) -> FloatArray:
    """Return mutant reads, reads, background and overdispersion of one sample, by number of the variant; NaN where it has no row."""
    out = np.full((n, values.shape[1]), np.nan)
    out[row[::-1]] = values[::-1]  # the first row of a variant stays
    return out
