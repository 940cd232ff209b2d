"""An alignment file, read once -> fragment lengths, duplicates, share on target; and from base counts the depth of each region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.read.alignments.targets import Target, contigs_of, merged
from resistance.regions import Regions
from resistance.schemas import ALIGNMENT_QUALITY, FRAGMENT_LENGTHS, REGION_COVERAGE
from resistance.tables import conform
from resistance.variant import contig

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: reads taken from the file before their places are compared with the regions
_BLOCK = 200_000
_UNMAPPED, _SECONDARY, _FAILED, _DUPLICATE, _SUPPLEMENTARY = 0x4, 0x100, 0x200, 0x400, 0x800
#: Picard's measures of uniformity
_LOW_DEPTH, _FOLD_PERCENTILE = 0.2, 20


@dataclass(frozen=True)
class QualityRule:
    """What is measured.

    Parameters
    ----------
    short, long : (int, int)
        Lengths in bases, both ends included, of short and long fragments, for their ratio.
    longest : int
        Longer fragments are counted together, and are no part of mean and median.
    padding : int
        Bases beside a region that still count as on target, for the padded rate.
    depths : tuple of int
        Thresholds for the share of positions.
    min_mapping_quality : int
        Of both mates, for fragment lengths.
    read_length : int or None
        Only fragments whose mates both have this many bases get a length, as in ctDNAtools, which leaves out trimmed reads.
        Fragments shorter than a read are trimmed ones, so that the short end is lost; None counts all.
    """

    short: tuple[int, int] = (90, 150)
    long: tuple[int, int] = (151, 220)
    longest: int = 1000
    padding: int = 100
    depths: tuple[int, ...] = (100, 500, 1000, 5000, 10000)
    min_mapping_quality: int = 30
    read_length: int | None = None


@dataclass
class Reads:
    """What one pass over a file adds up.

    Parameters
    ----------
    lengths : Counter
        Fragment length -> fragments.
    counts : Counter
        Name -> reads or bases.
    """

    lengths: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def count_reads(
    alignment: Path, targets: Iterable[Target] = (), *, rule: QualityRule = QualityRule(), fasta: Path | None = None
) -> Reads:
    """Read a whole file once.

    Parameters
    ----------
    alignment : Path
        BAM or CRAM in the order of coordinates.
    targets : iterable of Target
        Without any, nothing is said about on target.
    rule : QualityRule
    fasta : Path, optional
        For CRAM.

    Returns
    -------
    Reads
        Records that are secondary or supplementary are counted as such and not looked at again; so are those that failed quality
        control.  A fragment has a length when both mates are in the file, mapped as a proper pair, neither a duplicate, and each
        with the mapping quality of `rule`; the length is the template length (TLEN), outer end to outer end.
    """
    import pysam

    regions = tuple(targets)
    out = Reads()
    near = Regions([(t.chrom, t.start, t.end) for t in merged(regions, rule.padding)])
    inside = merged(regions)
    waiting: dict[str, bool] = {}
    block: list[tuple[int, int, list[tuple[int, int]]]] = []
    with pysam.AlignmentFile(str(alignment), reference_filename=None if fasta is None else str(fasta)) as file:
        contigs_of(file.references, (t.chrom for t in regions), alignment)
        names = [contig(name) for name in file.references]
        counts = out.counts
        for read in file.fetch(until_eof=True):
            flag = read.flag
            if flag & (_SECONDARY | _SUPPLEMENTARY):
                counts["secondary" if flag & _SECONDARY else "supplementary"] += 1
                continue
            counts["reads"] += 1
            if flag & (_FAILED | _UNMAPPED):
                counts["failed_quality_control" if flag & _FAILED else "unmapped"] += 1
                continue
            counts["mapped"] += 1
            if flag & _DUPLICATE:
                counts["duplicates"] += 1
                continue
            high = read.mapping_quality >= rule.min_mapping_quality
            counts["low_mapping_quality"] += not high
            if flag & 0x1 and flag & 0x2:
                whole = rule.read_length is None or read.query_length == rule.read_length
                _length(read, high and whole, waiting, out.lengths)
            if regions:
                block.append((read.reference_id, read.reference_start, read.get_blocks()))
                if len(block) == _BLOCK:
                    _on_target(block, names, near, inside, counts)
                    block = []
        if block:
            _on_target(block, names, near, inside, counts)
        counts["mates_not_in_file"] = len(waiting)
    return out


def _length(read: Any, usable: bool, waiting: dict[str, bool], lengths: Counter[int]) -> None:
    """Count the fragment when its second mate comes; the first waits, so that memory holds only pairs that are open."""
    first = waiting.pop(read.query_name, None)
    if first is None:
        waiting[read.query_name] = usable
    elif first and usable and read.template_length:
        lengths[abs(read.template_length)] += 1


def _on_target(
    block: Sequence[tuple[int, int, list[tuple[int, int]]]],
    names: Sequence[str],
    near: Regions,
    inside: Sequence[Target],
    counts: Counter[str],
) -> None:
    import numpy as np
    import pandas as pd

    chrom = pd.Series([names[r] for r, _, _ in block], dtype="object")
    start = np.array([s for _, s, _ in block], dtype=np.int64)
    end = np.array([b[-1][1] if b else s for _, s, b in block], dtype=np.int64)
    counts["considered"] += len(block)
    counts["near_target"] += int(near.overlap(chrom, start, end).sum())
    counts["on_target"] += int(Regions([(t.chrom, t.start, t.end) for t in inside]).overlap(chrom, start, end).sum())
    owner = np.repeat(np.arange(len(block)), [len(b) for _, _, b in block])
    spans = np.array([span for _, _, b in block for span in b], dtype=np.int64).reshape(-1, 2)
    counts["bases"] += int((spans[:, 1] - spans[:, 0]).sum())
    codes = chrom.to_numpy(dtype=object)[owner]
    for name in dict.fromkeys(t.chrom for t in inside):
        here = spans[codes == name]
        ours = np.array([(t.start, t.end) for t in inside if t.chrom == name], dtype=np.int64)
        counts["bases_on_target"] += int((_covered(ours, here[:, 1]) - _covered(ours, here[:, 0])).sum())


def _covered(regions: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many bases of the sorted, disjoint regions lie before each place."""
    import numpy as np

    widths = regions[:, 1] - regions[:, 0]
    before = np.concatenate([[0], np.cumsum(widths)])
    index = np.searchsorted(regions[:, 0], at, side="right")
    last = np.maximum(index - 1, 0)
    return np.asarray(before[last] + np.clip(at - regions[last, 0], 0, widths[last]), dtype=np.int64)


def fragment_lengths(sample_id: str, lengths: Counter[int], rule: QualityRule = QualityRule()) -> pd.DataFrame:
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


def quality_of(
    sample_id: str, reads: Reads, depths: NDArray[np.int64] | None = None, rule: QualityRule = QualityRule()
) -> pd.DataFrame:
    """Return the sample's numbers.

    Parameters
    ----------
    sample_id : str
    reads : Reads
        Of :func:`count_reads`.
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
