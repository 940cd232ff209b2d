"""An alignment file, read once -> fragment lengths, duplicates, and how many reads and bases lie on target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.read.alignments.targets import Target, contigs_of, merged
from resistance.regions import Regions
from resistance.variant import contig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: reads taken from the file before their places are compared with the regions
_BLOCK = 200_000
#: mates that may wait before those that wait in vain are looked for
_WAITING = 200_000
_UNMAPPED, _SECONDARY, _FAILED, _DUPLICATE, _SUPPLEMENTARY = 0x4, 0x100, 0x200, 0x400, 0x800


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

    References
    ----------
    Mouliere F et al. Enhanced detection of circulating tumor DNA by fragment size analysis (90 to 150 bases). Sci Transl Med
    2018; 10: eaat4921. doi:10.1126/scitranslmed.aat4921
    Cristiano S et al. Genome-wide cell-free DNA fragmentation in patients with cancer (long: 151 to 220 bases). Nature 2019; 570:
    385. doi:10.1038/s41586-019-1272-6
    """

    short: tuple[int, int] = (90, 150)
    long: tuple[int, int] = (151, 220)
    longest: int = 1000
    padding: int = 100
    depths: tuple[int, ...] = (100, 500, 1000, 5000, 10000)
    min_mapping_quality: int = 30
    read_length: int | None = None


USUAL = QualityRule()


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
    alignment: Path, targets: Iterable[Target] = (), *, rule: QualityRule = USUAL, fasta: Path | None = None
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

    Raises
    ------
    InputError
        The targets lie on none of its contigs, or the file is damaged.
    """
    import pysam

    regions = tuple(targets)
    out = Reads()
    near = Regions([(t.chrom, t.start, t.end) for t in merged(regions, rule.padding)])
    inside = merged(regions)
    pairs = _Pairs(out.lengths)
    block: list[tuple[int, int, list[tuple[int, int]]]] = []
    counts = out.counts
    try:
        with pysam.AlignmentFile(str(alignment), reference_filename=None if fasta is None else str(fasta)) as file:
            contigs_of(file.references, (t.chrom for t in regions), alignment)
            names = [contig(name) for name in file.references]
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
                    pairs.add(read, high and (rule.read_length is None or read.query_length == rule.read_length))
                if regions:
                    block.append((read.reference_id, read.reference_start, read.get_blocks()))
                    if len(block) == _BLOCK:
                        _on_target(block, names, near, inside, counts)
                        block = []
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read to its end ({error})",
            path=alignment,
            remedy="Copy or download it again; `samtools quickcheck` tells.",
        ) from error
    if block:
        _on_target(block, names, near, inside, counts)
    counts["mates_not_in_file"] = pairs.alone + len(pairs.waiting)
    return out


class _Pairs:
    """Counts a fragment when its second mate comes; the first waits, so that memory holds only pairs that are open."""

    def __init__(self, lengths: Counter[int]) -> None:
        self.lengths = lengths
        self.alone = 0
        #: name -> whether the first mate can be used, and where the second is due
        self.waiting: dict[str, tuple[bool, int, int]] = {}
        self._limit = _WAITING

    def add(self, read: Any, usable: bool) -> None:
        """Take one mate of a proper pair."""
        first = self.waiting.pop(read.query_name, None)
        if first is None:
            self.waiting[read.query_name] = usable, read.next_reference_id, read.next_reference_start
            if len(self.waiting) > self._limit:
                self._forget(read.reference_id, read.reference_start)
        elif first[0] and usable and read.template_length:
            self.lengths[abs(read.template_length)] += 1

    def _forget(self, contig: int, pos: int) -> None:
        """Give up those whose mate should have come before this place: it was filtered, or is not in the file."""
        kept = {name: due for name, due in self.waiting.items() if due[1] < 0 or due[1:] >= (contig, pos)}
        self.alone += len(self.waiting) - len(kept)
        self.waiting = kept
        self._limit = max(_WAITING, 2 * len(kept))


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
