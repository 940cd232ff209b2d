"""The bytes of BAM records -> numbers: fields, auxiliary tags, hashes, where a reference position lies in a read (compiled).

The layout is that of the SAM specification, section 4.2. Positions are 0-based here, as in the file.
"""

from __future__ import annotations

import numpy as np

from resistance.compiled import njit

UNMAPPED, REVERSE, MATE_UNMAPPED = 0x4, 0x10, 0x8
PAIRED, SECONDARY, QC_FAIL, DUPLICATE, SUPPLEMENTARY = 0x1, 0x100, 0x200, 0x400, 0x800
#: operations of a CIGAR
M, INS, DEL, SKIP, SOFT, HARD, PAD, EQUAL, DIFF = range(9)
#: no base of the read stands at the position: deleted there, skipped there (N), or beyond the read
DELETED, SKIPPED, OUTSIDE = -1, -2, -3
#: bytes of a record before its name, with the field of its size
HEAD = 36


@njit(cache=True, error_model="numpy", inline="always")
def u16(data, at):
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8


@njit(cache=True, error_model="numpy", inline="always")
def i32(data, at):
    low = np.int64(data[at]) | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2]) << 16 | np.int64(data[at + 3]) << 24
    return low - (np.int64(1) << 32) if low >= np.int64(1) << 31 else low


@njit(cache=True, error_model="numpy")
def hash_bytes(data, start, end):
    """Return FNV-1a of data[start:end], mixed (splitmix64) so that names that differ in one digit lie far apart."""
    h = np.uint64(0xCBF29CE484222325)
    for i in range(start, end):
        h = (h ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@njit(cache=True, error_model="numpy")
def reference_span(data, cigar, n_ops):
    """Return how many reference bases an alignment takes, and how many bases of the read."""
    span = np.int64(0)
    bases = np.int64(0)
    for k in range(n_ops):
        word = i32(data, cigar + 4 * k)
        op, length = word & 15, (word >> 4) & 0xFFFFFFF
        if op == M or op == EQUAL or op == DIFF:
            span += length
            bases += length
        elif op == DEL or op == SKIP:
            span += length
        elif op == INS or op == SOFT:
            bases += length
    return span, bases


@njit(cache=True, error_model="numpy")
def locate(data, cigar, n_ops, begin, pos):
    """Return the index in the read of the base at a reference position, and whether it stands beside an indel.

    Parameters
    ----------
    data : array of uint8
    cigar : int
        Where the CIGAR starts.
    n_ops : int
    begin, pos : int
        0-based: where the alignment begins, and the position.

    Returns
    -------
    int
        Index, or DELETED, SKIPPED, OUTSIDE.
    bool
        The base is next to an insertion or a deletion of this read.
    """
    ref = begin
    query = np.int64(0)
    before = -1  # last operation that is neither padding nor hard clipping
    for k in range(n_ops):
        word = i32(data, cigar + 4 * k)
        op, length = word & 15, (word >> 4) & 0xFFFFFFF
        if length == 0 or op == PAD or op == HARD:
            continue
        if op == M or op == EQUAL or op == DIFF:
            if pos < ref:
                return OUTSIDE, False
            if pos < ref + length:
                beside = pos == ref and (before == INS or before == DEL)
                if pos == ref + length - 1:
                    for j in range(k + 1, n_ops):
                        further = i32(data, cigar + 4 * j)
                        after, size = further & 15, (further >> 4) & 0xFFFFFFF
                        if size == 0 or after == PAD or after == HARD:
                            continue
                        beside = beside or after == INS or after == DEL
                        break
                return query + pos - ref, beside
            ref += length
            query += length
        elif op == DEL or op == SKIP:
            if ref <= pos < ref + length:
                return (DELETED if op == DEL else SKIPPED), False
            ref += length
        else:
            query += length
        before = op
    return OUTSIDE, False


@njit(cache=True, error_model="numpy", inline="always")
def nibble(data, seq, index):
    """Return BAM's code of a base: 1, 2, 4, 8 for A, C, G, T, 15 for N."""
    byte = np.int64(data[seq + (index >> 1)])
    return byte >> 4 if index & 1 == 0 else byte & 15


@njit(cache=True, error_model="numpy")
def tag_size(data, at, end):
    """Return how many bytes an auxiliary field takes, or -1 where it is damaged."""
    kind = data[at + 2]
    if kind == 65 or kind == 99 or kind == 67:  # A, c, C
        return 4
    if kind == 115 or kind == 83:  # s, S
        return 5
    if kind == 105 or kind == 73 or kind == 102:  # i, I, f
        return 7
    if kind == 90 or kind == 72:  # Z, H
        stop = at + 3
        while stop < end and data[stop] != 0:
            stop += 1
        return stop - at + 1
    if kind == 66:  # B
        if at + 8 > end:
            return -1
        each = data[at + 3]
        width = 1 if each == 99 or each == 67 else 2 if each == 115 or each == 83 else 4
        return 8 + width * i32(data, at + 4)
    return -1


@njit(cache=True, error_model="numpy")
def tag_number(data, at):
    """Return the whole number of an auxiliary field, or -1 where it holds none (as where a count is below 0)."""
    kind = data[at + 2]
    if kind == 67:
        return np.int64(data[at + 3])
    if kind == 99:
        return np.int64(np.int8(data[at + 3]))
    if kind == 83:
        return u16(data, at + 3)
    if kind == 115:
        return np.int64(np.int16(u16(data, at + 3)))
    if kind == 105:
        return i32(data, at + 3)
    if kind == 73:
        return i32(data, at + 3) & 0xFFFFFFFF
    return np.int64(-1)
