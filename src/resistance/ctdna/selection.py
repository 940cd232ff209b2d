"""Compared variants -> how each changed against the tumour's level, so that a rise of all together is no selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from resistance.stats._arrays import FloatArray

#: other variants that a level needs
LEAST = 3
#: standard error of a median over that of a mean, and standard deviation over median absolute deviation (normal)
_MEDIAN, _MAD = 1.2533, 1.4826


def relative_change(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the change of the tumour's level for each variant, and the test of the variant's change against it.

    The level of a comparison is the weighted median, over the *other* variants that were seen at
    baseline, of log(later / baseline VAF): it falls under treatment, rises at relapse and moves with
    the content of tumour, and up to half of the variants may have been selected without moving it.
    Where fewer than three other variants were seen, the purities of the two samples give it, if both
    are known.

    Parameters
    ----------
    frame : DataFrame
        ``later_sample_id``; ``baseline_`` and ``later_`` ``count``, ``used``, ``background``,
        ``overdispersion``, ``purity``; ``baseline_known`` (more than background explains) and
        ``germline`` (seen in germline material: says nothing of the tumour).

    Returns
    -------
    DataFrame
        On the index of `frame`: log2_ratio, level_log2, level_variants, relative_change,
        relative_p_value (NaN where a count or the level is not known), level_note.
    """
    import pandas as pd

    from resistance.stats.paired_counts import equal_fractions

    a, m, b, n = (
        frame[name].to_numpy(dtype=np.float64) for name in ("baseline_count", "baseline_used", "later_count", "later_used")
    )
    log_ratio = np.log((b + 0.5) / (n + 1.0)) - np.log((a + 0.5) / (m + 1.0))
    spread = (1 + (m - 1) * frame["baseline_overdispersion"].to_numpy()) / (a + 0.5)
    spread = spread + (1 + (n - 1) * frame["later_overdispersion"].to_numpy()) / (b + 0.5)
    level, error = np.full(len(frame), np.nan), np.zeros(len(frame))
    used = np.zeros(len(frame), dtype=np.int64)
    notes = np.full(len(frame), "", dtype=object)
    refers = (frame["baseline_known"] & ~frame["germline"]).to_numpy(dtype=bool) & np.isfinite(log_ratio)
    for at in frame.groupby("later_sample_id", sort=False).indices.values():
        of_level = at[refers[at]]
        by_purity = _purity(frame.iloc[at[0]])
        for i in at:
            others = of_level[of_level != i]
            if len(others) >= LEAST:
                # what all others lost is a level below what was read: there is nothing to compare with
                if b[others].sum() <= 2 * (n[others] * frame["later_background"].to_numpy()[others]).sum() + 1:
                    notes[i] = "the tumour's other variants are not seen later: no level to compare with"
                    continue
                level[i], error[i] = _weighted_median(log_ratio[others], spread[others])
                used[i] = len(others)
            elif np.isfinite(by_purity):
                level[i] = by_purity
            else:
                notes[i] = f"{len(others)} other variants seen at baseline: fewer than {LEAST}, no level to compare with"
    found = equal_fractions(
        a,
        m,
        b,
        n,
        background=(frame["baseline_background"].to_numpy(), frame["later_background"].to_numpy()),
        overdispersion=(frame["baseline_overdispersion"].to_numpy(), frame["later_overdispersion"].to_numpy()),
        log_ratio=level,
        log_ratio_se=error,
    )
    known = np.isfinite(level)
    return pd.DataFrame(
        {
            "log2_ratio": log_ratio / np.log(2),
            "level_log2": level / np.log(2),
            "level_variants": pd.array(np.where(known, used, -1), dtype="Int64"),
            "relative_change": (log_ratio - level) / np.log(2),
            "relative_p_value": found.p_value,
            "level_note": pd.Series(notes, index=frame.index).where(notes != "", None),
        },
        index=frame.index,
    ).assign(level_variants=lambda t: t["level_variants"].where(known))


def _purity(row: pd.Series) -> float:
    before, after = float(row["baseline_purity"]), float(row["later_purity"])
    return float(np.log(after / before)) if before > 0 and after > 0 else float("nan")


def _weighted_median(values: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Return the median weighted by precision, and its standard error: from the drawing of reads or the spread, the larger."""
    weight = 1.0 / variance
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    middle = float(values[order][np.searchsorted(share, 0.5)])
    effective = weight.sum() ** 2 / (weight**2).sum()
    off = np.abs(values - middle)
    by_size = np.argsort(off, kind="stable")
    deviation = off[by_size][np.searchsorted(np.cumsum(weight[by_size]) / weight.sum(), 0.5)]
    scale = max((_MAD * deviation) ** 2, len(values) / weight.sum())
    return middle, float(_MEDIAN * np.sqrt(scale / effective))
