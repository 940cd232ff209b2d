"""BAI or CSI -> where in the file the first record over a region stands (SAM specification, section 5; CSIv1)."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AGAIN = "Write it again: samtools index FILE."


@dataclass(frozen=True)
class Index:
    """Where to begin to read.

    Parameters
    ----------
    windows : list of arrays of uint64
        Per contig of the header: virtual file offset of the first record that overlaps each window of
        2 ** `shift` bases; empty where the contig has no records.
    shift : int
    """

    windows: list[NDArray[np.uint64]]
    shift: int

    def begin(self, contig: int, start: int) -> int | None:
        """Return the virtual offset at which a region that starts at `start` (0-based) has to be read, or None: no record."""
        offsets = self.windows[contig]
        if not len(offsets):
            return None
        # records that begin before the last window's start may still reach `start`: that window's offset serves
        return int(offsets[min(start >> self.shift, len(offsets) - 1)])


def index_of(path: Path) -> Path | None:
    """Return the index beside an alignment file, in any of the usual spellings, or None."""
    names = [path.with_name(path.name + suffix) for suffix in (".bai", ".csi", ".crai")]
    names += [path.with_suffix(suffix) for suffix in (".bai", ".csi", ".crai")]
    return next((name for name in names if name.exists()), None)


def read_index(path: Path, n_contigs: int) -> Index:
    """Read a BAI or CSI.

    Raises
    ------
    InputError
        Damaged, or of another file (another number of contigs).
    """
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        if data[:4] == b"BAI\1":
            found = Index(_linear(data), 14)
        elif data[:4] == b"CSI\1":
            found = _from_bins(data)
        else:
            raise InputError("is no index of a BAM file", path=path, remedy=_AGAIN)
    except (struct.error, EOFError, gzip.BadGzipFile, zlib.error, ValueError, MemoryError) as error:
        raise InputError("the index is damaged or cut off", path=path, remedy=_AGAIN) from error
    if len(found.windows) != n_contigs:
        raise InputError(
            f"the index is of another file: it has {len(found.windows)} contigs, the header {n_contigs}", path=path, remedy=_AGAIN
        )
    return found


def _linear(data: bytes) -> list[NDArray[np.uint64]]:
    """Return the linear index of a BAI, windows without a record filled from the next one that has."""
    import numpy as np

    (n_contigs,) = struct.unpack_from("<i", data, 4)
    at, out = 8, []
    for _ in range(n_contigs):
        (n_bins,) = struct.unpack_from("<i", data, at)
        at += 4
        for _ in range(n_bins):
            (n_chunks,) = struct.unpack_from("<i", data, at + 4)
            at += 8 + 16 * n_chunks
        (n_windows,) = struct.unpack_from("<i", data, at)
        at += 4
        windows = np.frombuffer(data, dtype="<u8", count=n_windows, offset=at).astype(np.uint64)
        at += 8 * n_windows
        out.append(_filled(windows))
    return out


def _filled(windows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Give windows before the first record that record's offset; those behind keep the one before, as samtools writes them."""
    import numpy as np

    if not len(windows):
        return windows
    first = np.flatnonzero(windows)
    if not len(first):
        return windows[:0]
    filled = windows.copy()
    filled[: first[0]] = windows[first[0]]
    # some writers leave a gap at 0: the offset of the window before is too early, never too late
    return np.maximum.accumulate(filled)


def _from_bins(data: bytes) -> Index:
    """Return windows of a CSI, which has no linear index: each bin says where its first overlapping record stands."""

    shift, depth, n_aux = struct.unpack_from("<iii", data, 4)
    at = 16 + n_aux
    (n_contigs,) = struct.unpack_from("<i", data, at)
    at += 4
    first_leaf, out = ((1 << 3 * depth) - 1) // 7, []
    beyond = ((1 << 3 * (depth + 1)) - 1) // 7
    for _ in range(n_contigs):
        (n_bins,) = struct.unpack_from("<i", data, at)
        at += 4
        bins: dict[int, int] = {}
        for _ in range(n_bins):
            number, offset, n_chunks = struct.unpack_from("<IQi", data, at)
            at += 16 + 16 * n_chunks
            if number < beyond:
                bins[number] = offset
        out.append(_windows(bins, first_leaf))
    return Index(out, shift)


def _windows(bins: dict[int, int], first_leaf: int) -> NDArray[np.uint64]:
    """Return the offset by smallest window from those of the bins that hold it."""
    import numpy as np

    if not bins:
        return np.zeros(0, np.uint64)
    reach = 0
    for number in bins:
        last = number
        while last < first_leaf:
            last = 8 * last + 8
        reach = max(reach, last - first_leaf + 1)
    # a bin's offset is that of the first record over its start: the largest of a window's bins is the nearest that serves
    out = np.zeros(min(reach, 1 << 20), np.uint64)
    for number, offset in bins.items():
        first = last = number
        while first < first_leaf:
            first, last = 8 * first + 1, 8 * last + 8
        here = out[first - first_leaf : last - first_leaf + 1]
        np.maximum(here, np.uint64(offset), out=here)
    return out if not out.any() else _filled(out)
