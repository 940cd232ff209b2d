"""Compared variants -> which variants of a patient have one course over the samples of a material."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

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

    out = pd.DataFrame(
        {"cluster": pd.array([pd.NA] * len(frame), dtype="Int64"), "cluster_probability": np.nan}, index=frame.index
    )
    usable = frame[~frame["germline"]]
    for _, mine in usable.groupby(["patient_id", "material"], sort=True):
        keys = sorted(mine["key"].unique())
        if len(keys) < LEAST:
            continue
        columns = [_column(mine, "baseline", mine["baseline_sample_id"].iloc[0], keys)]
        later = mine.sort_values("_order")["later_sample_id"].drop_duplicates()
        columns += [_column(mine, "later", sample, keys) for sample in later]
        mutant, reads, background, spread = (np.column_stack([column[i] for column in columns]) for i in range(4))
        found = cluster_fractions(mutant, reads, background=background, overdispersion=spread)
        of_key = dict(zip(keys, zip(found.cluster.tolist(), found.probability.tolist(), strict=True), strict=True))
        rows = [of_key[key] for key in mine["key"]]
        out.loc[mine.index, "cluster"] = pd.array([number or pd.NA for number, _ in rows], dtype="Int64")
        out.loc[mine.index, "cluster_probability"] = [p for _, p in rows]
    return out


def _column(mine: pd.DataFrame, side: str, sample: str, keys: list[str]) -> tuple[np.ndarray, ...]:
    """Return mutant reads, reads, background and overdispersion of one sample, by key."""
    rows = mine[mine[f"{side}_sample_id"] == sample].drop_duplicates("key").set_index("key").reindex(keys)
    names = (f"{side}_count", f"{side}_used", f"{side}_background", f"{side}_overdispersion")
    mutant, reads, background, spread = (rows[name].to_numpy(dtype=np.float64) for name in names)
    return mutant, reads, np.nan_to_num(background), np.nan_to_num(spread)
