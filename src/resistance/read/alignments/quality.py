"""What a pass over an alignment file adds up, and base counts -> tables: fragment lengths, depth of each region, numbers of a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resistance.read.alignments.library import USUAL, QualityRule, Reads
from resistance.read.alignments.targets import Target
from resistance.schemas import ALIGNMENT_QUALITY, FRAGMENT_LENGTHS, REGION_COVERAGE
from resistance.tables import conform

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: Picard's measures of uniformity
_LOW_DEPTH, _FOLD_PERCENTILE = 0.2, 20


def fragment_lengths(sample_id: str, lengths: Counter[int], rule: QualityRule = USUAL) -> pd.DataFrame:
    """Return the histogram: schema FRAGMENT_LENGTHS; lengths beyond ``rule.longest`` stand together one above it."""
    import pandas as pd

    kept: Counter[int] = Counter()
    for length, n in lengths.items():
        kept[min(length, rule.longest + 1)] += n
    rows = [{"sample_id": sample_id, "length": length, "n": kept[length]} for length in sorted(kept)]
    return conform(pd.DataFrame(rows, columns=list(FRAGMENT_LENGTHS.names)), FRAGMENT_LENGTHS)


def region_coverage(sample_id: str, targets: Iterable[Target], depths: pd.DataFrame) -> pd.DataFrame:
    """Return the depth of each region: schema REGION_COVERAGE.

    Parameters
    ----------
    sample_id : str
    targets : iterable of Target
    depths : DataFrame
        chrom, pos and depth, one row per position, runs of neighbouring positions in order.
    """
    import numpy as np
    import pandas as pd

    of_chrom = {str(name): part for name, part in depths.groupby("chrom", sort=False)}
    rows = []
    for t in targets:
        part = of_chrom.get(t.chrom)
        here = np.zeros(t.length)
        if part is not None:
            pos = part["pos"].to_numpy(dtype=np.int64)
            low, high = np.searchsorted(pos, [t.start + 1, t.end + 1])
            here[pos[low:high] - t.start - 1] = part["depth"].to_numpy(dtype=float)[low:high]
        rows.append(
            {
                "sample_id": sample_id,
                "region": t.name,
                "chrom": t.chrom,
                "start": t.start,
                "end": t.end,
                "mean_depth": float(here.mean()),
                "median_depth": float(np.median(here)),
                "min_depth": int(here.min()),
                "share_above_fifth": float((here >= _LOW_DEPTH * here.mean()).mean()) if here.any() else None,
            }
        )
    return conform(pd.DataFrame(rows, columns=list(REGION_COVERAGE.names)), REGION_COVERAGE)


def quality_of(sample_id: str, reads: Reads, depths: NDArray[np.int64] | None = None, rule: QualityRule = USUAL) -> pd.DataFrame:
    """Return the sample's numbers.

    Parameters
    ----------
    sample_id : str
    reads : Reads
        Of :func:`resistance.read.alignments.library.count_reads`.
    depths : array of int, optional
        Usable depth of each position of the targets; without it there is no coverage.
    rule : QualityRule

    Returns
    -------
    DataFrame
        Schema ALIGNMENT_QUALITY.  ``duplicate_rate``: of mapped reads; ``on_target_rate`` and ``near_target_rate``: of mapped
        reads that are no duplicates, by any shared base; ``on_target_base_rate``: of their aligned bases;
        ``short_fragment_ratio``: short over long fragments; ``share_above_fifth_of_mean`` (Picard's 0.2x) and
        ``fold_80`` (mean over the 20th percentile) say how even the coverage is.  NA, with a note, where nothing is there to
        divide by.
    """
    import pandas as pd

    c = reads.counts
    rows: list[tuple[str, float | None, str | None]] = [(name, float(c[key]), None) for name, key in _COUNTS]
    rows.append(_share("duplicate_rate", c["duplicates"], c["mapped"], "no mapped read"))
    if c["mapped"] and not c["duplicates"]:
        rows[-1] = (*rows[-1][:2], "no read is marked as a duplicate: were duplicates marked, or removed?")
    rows.append(_share("low_mapping_quality_rate", c["low_mapping_quality"], c["mapped"] - c["duplicates"], "no usable read"))
    no_targets = "no targets were given" if not c["considered"] and c["mapped"] > c["duplicates"] else "no usable read"
    rows.append(_share("on_target_rate", c["on_target"], c["considered"], no_targets))
    rows.append(
        _share("near_target_rate", c["near_target"], c["considered"], no_targets, f"within {rule.padding} bases of a target")
    )
    rows.append(_share("on_target_base_rate", c["bases_on_target"], c["bases"], no_targets))
    rows += _of_lengths(reads.lengths, rule)
    rows += _of_depths(depths, rule)
    frame = pd.DataFrame(rows, columns=["metric", "value", "note"])
    frame.insert(0, "sample_id", sample_id)
    return conform(frame, ALIGNMENT_QUALITY)


_COUNTS = (
    ("mapped_reads", "mapped"),
    ("unmapped_reads", "unmapped"),
    ("failed_quality_control_reads", "failed_quality_control"),
    ("duplicate_reads", "duplicates"),
    ("secondary_reads", "secondary"),
    ("supplementary_reads", "supplementary"),
    ("reads_without_mate", "mates_not_in_file"),
)


def _share(name: str, part: int, whole: int, why_not: str, note: str | None = None) -> tuple[str, float | None, str | None]:
    return (name, None, why_not) if whole <= 0 else (name, part / whole, note)


def _of_lengths(lengths: Counter[int], rule: QualityRule) -> list[tuple[str, float | None, str | None]]:
    import numpy as np

    values = np.array(sorted(length for length in lengths if length <= rule.longest), dtype=np.int64)
    n = np.array([lengths[int(v)] for v in values], dtype=np.int64)
    total = int(n.sum())
    words = {
        "fragments": "proper pairs with both mates in the file",
        "fragment_length_mean": None,
        "fragment_length_median": None,
        "fragment_length_mode": None,
        "short_fragment_rate": f"{rule.short[0]} to {rule.short[1]} bases, of all up to {rule.longest}",
        "short_fragment_ratio": f"{rule.short[0]}-{rule.short[1]} bases over {rule.long[0]}-{rule.long[1]}",
    }
    if not total:
        why = "no fragment: single-end reads, or no proper pair with both mates in the file"
        return [(name, 0.0 if name == "fragments" else None, why) for name in words]
    cumulative = np.cumsum(n)
    low, high = (int(values[np.searchsorted(cumulative, rank)]) for rank in ((total + 1) // 2, total // 2 + 1))
    short, long = (int(n[(values >= a) & (values <= b)].sum()) for a, b in (rule.short, rule.long))
    found: dict[str, float | None] = {
        "fragments": float(sum(lengths.values())),
        "fragment_length_mean": float(values @ n) / total,
        "fragment_length_median": (low + high) / 2,
        "fragment_length_mode": float(values[n.argmax()]),
        "short_fragment_rate": short / total,
        "short_fragment_ratio": short / long if long else None,
    }
    return [(name, found[name], note if found[name] is not None else "no long fragment") for name, note in words.items()]


def _of_depths(depths: NDArray[np.int64] | None, rule: QualityRule) -> list[tuple[str, float | None, str | None]]:
    import numpy as np

    names = ["depth_mean", "depth_median", "share_above_fifth_of_mean", "fold_80", *(f"share_above_{d}" for d in rule.depths)]
    if depths is None or not len(depths):
        return [(name, None, "no targets were given") for name in names]
    d = np.asarray(depths, dtype=np.float64)
    mean, low = float(d.mean()), float(np.percentile(d, _FOLD_PERCENTILE))
    out: list[tuple[str, float | None, str | None]] = [
        ("depth_mean", mean, None),
        ("depth_median", float(np.median(d)), None),
        (
            "share_above_fifth_of_mean",
            float((d >= _LOW_DEPTH * mean).mean()) if mean else None,
            None if mean else "no usable read",
        ),
        ("fold_80", mean / low if low else None, None if low else "a fifth of the positions has no usable read"),
    ]
    return [*out, *((f"share_above_{t}", float((d >= t).mean()), f"positions with a depth of {t} or more") for t in rule.depths)]
