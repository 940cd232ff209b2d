"""An alignment file and regions -> its records over them, as blocks of bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.read.alignments.index import read_index
from resistance.read.alignments.opened import Alignment, quiet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: bytes that are unpacked at once
BLOCK = 4 << 20
#: regions of one contig that are nearer to each other are read as one
NEAR = 32_768
_AGAIN = "Copy or download it again, or write it again from the reads."

#: takes the data, where to begin and how many bytes are there; returns the byte behind the last whole record and if all is read
Consume = Callable[["NDArray[np.uint8]", int, int], tuple[int, bool]]


@dataclass(frozen=True)
class Stretch:
    """A stretch of one contig that is read in one go: number of the contig, and 0-based half-open bases."""

    contig: int
    start: int
    end: int


def stretches(spans: Sequence[tuple[int, int, int]]) -> list[Stretch]:
    """Return sorted stretches that hold all spans (contig, start, end), near ones joined.

    Examples
    --------
    >>> stretches([(0, 500, 600), (0, 100, 200), (1, 5, 6)])
    [Stretch(contig=0, start=100, end=600), Stretch(contig=1, start=5, end=6)]
    """
    out: list[Stretch] = []
    for contig, start, end in sorted(spans):
        if out and out[-1].contig == contig and start <= out[-1].end + NEAR:
            out[-1] = replace(out[-1], end=max(end, out[-1].end))
        else:
            out.append(Stretch(contig, start, end))
    return out


@contextmanager
def as_bam(alignment: Alignment, wanted: Sequence[Stretch]) -> Iterator[Alignment]:
    """Give the file itself, or for a CRAM a temporary BAM of the stretches.

    Raises
    ------
    InputError
        The CRAM cannot be decoded with its reference.
    """
    if not alignment.is_cram:
        yield alignment
        return
    import pysam.utils

    with tempfile.TemporaryDirectory(prefix="resistance_") as folder:
        bed, bam = Path(folder) / "regions.bed", Path(folder) / "reads.bam"
        bed.write_text("".join(f"{alignment.contigs[s.contig]}\t{s.start}\t{s.end}\n" for s in wanted))
        with quiet():
            try:
                pysam.view(
                    "-b",
                    "-1",
                    "-M",
                    "-L",
                    str(bed),
                    "-T",
                    str(alignment.fasta),
                    "-o",
                    str(bam),
                    str(alignment.path),
                    catch_stdout=False,
                )
                pysam.index(str(bam))
            except pysam.utils.SamtoolsError as error:
                raise undecoded(alignment) from error
        yield replace(
            alignment, path=bam, is_cram=False, index=read_index(bam.with_name("reads.bam.bai"), len(alignment.contigs))
        )


class Stream:
    """An open BAM whose stretches are read one after the other.

    Parameters
    ----------
    alignment : Alignment
        A BAM.
    said : Path
        Name of the file in messages (for a CRAM not that of the temporary BAM).
    """

    def __init__(self, alignment: Alignment, said: Path) -> None:
        import numpy as np
        import pysam

        self._alignment, self._said = alignment, said
        self._file: Any = pysam.BGZFile(str(alignment.path), "rb", None)
        self._quiet = quiet()
        self._data = np.empty(2 * BLOCK, np.uint8)

    def __enter__(self) -> Stream:
        self._quiet.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
        except OSError:  # a file that could not be read cannot be closed either: the first error says more
            if kind is None:
                raise
        finally:
            self._quiet.__exit__(None, None, None)

    def read(self, stretch: Stretch, consume: Consume) -> None:
        """Give the records that may lie over a stretch to `consume`, until it says that all is read.

        Raises
        ------
        InputError
            The file is cut off or damaged.
        """
        assert self._alignment.index is not None
        begin = self._alignment.index.begin(stretch.contig, stretch.start)
        if begin is not None:
            self._data = _read(self._file, begin, self._data, consume, self._said)


def read_whole(path: Path, begin: int, consume: Consume, said: Path) -> None:
    """Give all records of a BAM to `consume`.

    Parameters
    ----------
    path : Path
    begin : int
        Virtual offset of the first record (behind the header).
    consume : callable
    said : Path
        Name of the file in messages.

    Raises
    ------
    InputError
        The file is cut off or damaged.
    """
    import numpy as np
    import pysam

    with pysam.BGZFile(str(path), "rb", None) as file:
        _read(file, begin, np.empty(2 * BLOCK, np.uint8), consume, said)


def _read(file: Any, begin: int, data: NDArray[np.uint8], consume: Consume, said: Path) -> NDArray[np.uint8]:
    """Read from a virtual offset until `consume` says that all is read; return the buffer, which may have grown."""
    import numpy as np

    held = 0
    try:
        file.seek(begin)
        while True:
            block = file.read(BLOCK)
            if held + len(block) > len(data):  # one record of megabytes (a long read)
                data = np.concatenate([data, np.empty(len(data), np.uint8)])
            data[held : held + len(block)] = np.frombuffer(block, np.uint8)
            size = held + len(block)
            at, all_read = consume(data, 0, size)
            if all_read:
                return data
            held = size - at
            if not block:
                break
            data[:held] = data[at:size].copy()
    except OSError as error:
        raise InputError(f"the file is damaged: a block cannot be unpacked ({error})", path=said, remedy=_AGAIN) from error
    if held:
        raise InputError("the file is cut off within a record", path=said, remedy=_AGAIN)
    return data


def undecoded(alignment: Alignment) -> InputError:
    """Return the error for reads that cannot be unpacked, of a CRAM most often by another reference."""
    if not alignment.is_cram:
        return InputError("the file is damaged: a block cannot be unpacked", path=alignment.path, remedy=_AGAIN)
    return InputError(
        "the CRAM cannot be decoded: the reference is not the one it was written with, or the file is damaged",
        path=alignment.path,
        value=str(alignment.fasta),
        remedy="Give the FASTA that it was written with.",
    )


def damaged(path: Path) -> InputError:
    """Return the error for a record whose fields contradict each other."""
    return InputError("a record is damaged: its lengths contradict each other", path=path, remedy=_AGAIN)


def unsorted(path: Path) -> InputError:
    """Return the error for a record that lies before the one in front of it."""
    return InputError(
        "is not sorted by coordinate, whatever its header says",
        path=path,
        remedy=f"Sort it: samtools sort -o SORTED.bam {path.name}, then samtools index SORTED.bam.",
    )
