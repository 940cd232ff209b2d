"""Log2 ratios -> states; copy-number segments -> the state of arms and bands: what share of their bases is gained or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance import config

if TYPE_CHECKING:
    import pandas as pd

#: least share of a region's bases that segments must cover
MIN_COVERED = 0.5


def state_of_log2(values: pd.Series, source: config.CopyNumber) -> pd.Series:
    """Return the state -2..2 of log2 ratios by the thresholds of the cohort file; NA stays NA."""
    import pandas as pd

    state = pd.Series(0, index=values.index, dtype="Int64")
    state = state.mask(values >= source.gain_log2, 1).mask(values >= source.amplification_log2, 2)
    state = state.mask(values <= source.loss_log2, -1).mask(values <= source.deletion_log2, -2)
    return state.mask(values.isna())


def region_states(segments: pd.DataFrame, regions: pd.DataFrame, source: config.CopyNumber) -> pd.DataFrame:
    """Return the state of each region in each sample.

    Parameters
    ----------
    segments : DataFrame
        sample_id, chrom, start, end (1-based, both ends included), mean (log2 ratio).
    regions : DataFrame
        region, chrom, start, end, share: of one build.
    source : config.CopyNumber
        Its thresholds turn log2 ratios into states.

    Returns
    -------
    DataFrame
        sample_id, gene (the region's name), log2_ratio (mean over the bases that segments cover) and state: the highest level
        (gain 1, amplification 2; loss -1, deep deletion -2) that at least `share` of the covered bases reach, 0 where none does,
        NA where segments cover less than half of the region.  Where gain and loss reach it alike, neither counts.
    """
    import numpy as np
    import pandas as pd

    states = state_of_log2(segments["mean"], source).to_numpy(dtype=np.float64, na_value=np.nan)
    samples = sorted(set(segments["sample_id"]))
    place = segments["sample_id"].map({name: i for i, name in enumerate(samples)}).to_numpy(dtype=np.intp)
    chrom, first, last = (segments[name].to_numpy() for name in ("chrom", "start", "end"))
    mean = segments["mean"].to_numpy(dtype=np.float64)
    n = len(samples)
    parts = []
    for region in regions.sort_values("region").itertuples(index=False):
        here = (chrom == region.chrom) & (first <= region.end) & (last >= region.start)
        bases = np.minimum(last[here], region.end) - np.maximum(first[here], region.start) + 1.0
        at, state = place[here], states[here]

        covered = np.bincount(at, weights=bases, minlength=n)
        known = covered >= MIN_COVERED * (region.end - region.start + 1)
        total = np.where(covered > 0, covered, np.nan)
        level = np.zeros(n)
        for depth in (1.0, 2.0):
            gained, lost = (
                np.bincount(at[which], weights=bases[which], minlength=n) / total for which in (state >= depth, state <= -depth)
            )
            reached = np.where(gained > lost, gained, lost) >= region.share
            level = np.where(reached & (gained != lost), np.where(gained > lost, depth, -depth), level)
        ratio = np.bincount(at, weights=bases * mean[here], minlength=n) / total
        parts.append(
            pd.DataFrame(
                {
                    "sample_id": samples,
                    "gene": region.region,
                    "log2_ratio": np.where(known, ratio, np.nan),
                    "state": pd.Series(np.where(known, level, np.nan)).astype("Int64"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
