"""An alignment file, read once -> fragment lengths, duplicates, and how many reads and bases lie on target."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.read.alignments.opened import quiet
from resistance.read.alignments.stream import damaged, read_whole
from resistance.read.alignments.targets import Target, contigs_of, merged
from resistance.variant import contig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _OfContig = tuple[NDArray[np.int64], NDArray[np.int64]]

#: mates that may wait before those that wait in vain are looked for (a power of 2)
_WAITING = 1 << 17
#: lengths from here on are counted one by one, and so many of them are held before
_LONGEST, _LONG = 1 << 16, 1 << 12
#: of a CRAM: QNAME to TLEN, and SEQ for its length (SAM specification: bits of samtools' required_fields)
_FIELDS = 0x3FF


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
    import numpy as np

    from resistance.read.alignments.library_kernel import COUNTS

    regions = tuple(targets)
    near, inside = merged(regions, rule.padding), merged(regions)
    references, whole = _references(alignment, fasta)
    contigs_of(references, (t.chrom for t in regions), alignment)
    names = [contig(name) for name in references]
    tally = _Tally(rule, _by_contig(near, names), _by_contig(inside, names), alignment)
    try:
        with whole as (path, offset), quiet():
            read_whole(path, offset, tally.consume, alignment)
    except OSError as error:
        raise _unreadable(alignment, str(error)) from error
    out = Reads(counts=Counter({name: int(n) for name, n in zip(COUNTS, tally.counts, strict=True) if n}))
    found = np.flatnonzero(tally.lengths)
    out.lengths.update(dict(zip(found.tolist(), tally.lengths[found].tolist(), strict=True)))
    out.lengths.update(tally.longer)
    out.counts["mates_not_in_file"] = out.counts.pop("given_up", 0) + tally.waiting
    return out


class _Tally:
    """What is added up from block to block; memory holds the mates that wait, and nothing else that grows."""

    def __init__(self, rule: QualityRule, near: _OfContig, inside: _OfContig, said: Path) -> None:
        import numpy as np

        from resistance.read.alignments.library_kernel import COUNTS, WAITING

        self._rule, self._near, self._inside, self._said = rule, near, inside, said
        self._state = np.array([0, -1, -1, 0, 0, 0], np.int64)
        self._table = np.zeros(2 * _WAITING, WAITING)
        self._long = np.zeros(_LONG, np.int64)
        self.counts = np.zeros(len(COUNTS), np.int64)
        self.lengths = np.zeros(_LONGEST, np.int64)
        self.longer: Counter[int] = Counter()

    @property
    def waiting(self) -> int:
        """Mates that still wait for the other."""
        return int(self._state[0])

    def consume(self, data: NDArray[np.uint8], at: int, size: int) -> tuple[int, bool]:
        """Take the whole records of a block."""
        from resistance.read.alignments.library_kernel import DAMAGED, DONE, N_LONG, add_up

        length = -1 if self._rule.read_length is None else self._rule.read_length
        while True:
            at, ended = add_up(
                data, at, size, self._rule.min_mapping_quality, length, *self._near, *self._inside, self._state, self.counts,
                self.lengths, self._long, self._table,
            )  # fmt: skip
            if ended == DAMAGED:
                raise damaged(self._said)
            self.longer.update(self._long[: self._state[N_LONG]].tolist())
            self._state[N_LONG] = 0
            if ended == DONE:
                return at, False
            if 2 * self.waiting >= len(self._table):
                self._renew()

    def _renew(self) -> None:
        """Give up the mates that wait in vain; double the table where those that are left fill a quarter of it."""
        import numpy as np

        from resistance.read.alignments.library_kernel import CONTIG, GIVEN_UP, N_WAITING, POS, WAITING, move

        place = int(self._state[CONTIG]), int(self._state[POS])
        fresh = np.zeros(len(self._table), WAITING)
        kept, gone = move(self._table, fresh, *place)
        if 4 * kept >= len(fresh):
            fresh = np.zeros(2 * len(fresh), WAITING)
            kept, gone = move(self._table, fresh, *place)
        self._table = fresh
        self._state[N_WAITING] = kept
        self.counts[GIVEN_UP] += gone


def _by_contig(regions: Sequence[Target], names: Sequence[str]) -> _OfContig:
    """Return sorted, disjoint regions as numbers, and for each contig of the file where its own begin and end."""
    import numpy as np

    first: dict[str, int] = {}
    n: Counter[str] = Counter()
    for k, t in enumerate(regions):
        first.setdefault(t.chrom, k)
        n[t.chrom] += 1
    spans = np.array([(t.start, t.end) for t in regions], dtype=np.int64).reshape(-1, 2)
    edges = [(first.get(name, 0), first.get(name, 0) + n[name]) for name in names]
    return spans, np.array(edges, dtype=np.int64).reshape(-1, 2)


def _references(alignment: Path, fasta: Path | None) -> tuple[tuple[str, ...], Any]:
    """Return the contigs of a file, and a context that gives a BAM of its reads and where they begin in it."""
    import pysam

    try:
        with quiet(), pysam.AlignmentFile(str(alignment), reference_filename=None if fasta is None else str(fasta)) as file:
            references = tuple(str(name) for name in file.references)
            if file.is_bam:
                return references, nullcontext((alignment, file.tell()))
    except (OSError, ValueError) as error:
        raise _unreadable(alignment, str(error)) from error
    return references, _as_bam(alignment, fasta)


@contextmanager
def _as_bam(alignment: Path, fasta: Path | None) -> Iterator[tuple[Path, int]]:
    """Give a temporary BAM of a CRAM's reads: what is added up here needs neither qualities nor tags."""
    import pysam
    import pysam.utils

    with tempfile.TemporaryDirectory(prefix="resistance_") as folder:
        bam = Path(folder) / "reads.bam"
        reference = [] if fasta is None else ["-T", str(fasta)]
        try:
            with quiet():
                pysam.view(
                    "-b", "-1", *reference, "--input-fmt-option", f"required_fields={_FIELDS}", "-o", str(bam), str(alignment),
                    catch_stdout=False,
                )  # fmt: skip
        except pysam.utils.SamtoolsError as error:
            raise _unreadable(alignment, "the reference is not the one it was written with, or it is damaged") from error
        with pysam.AlignmentFile(str(bam)) as file:
            offset = file.tell()
        yield bam, offset


def _unreadable(alignment: Path, why: str) -> InputError:
    return InputError(
        f"cannot be read to its end ({why})",
        path=alignment,
        remedy="Copy or download it again; `samtools quickcheck` tells.",
    )
