"""Records -> depths of A, C, G, T, N, deletions and insertions by position, mates merged or not (compiled).

Mates that overlap are held back as codes, one byte a position, until both have been read; memory is that of the fragments
that overlap one place, whatever the depth elsewhere.
"""

from __future__ import annotations

import numpy as np

from resistance.compiled import njit
from resistance.read.alignments.observe import (
    BEYOND,
    DAMAGED,
    DONE,
    FAILED,
    FULL,
    MARKED,
    NO_BASES,
    NO_CONTIG,
    NOT_PLACED,
    NOT_PRIMARY,
    NOT_WHOLE,
    POORLY_MAPPED,
    SEEN,
    UNSORTED,
    USED,
)
from resistance.read.alignments.record import (
    DEL,
    DIFF,
    DUPLICATE,
    EQUAL,
    HARD,
    HEAD,
    INS,
    MATE_UNMAPPED,
    PAD,
    PAIRED,
    QC_FAIL,
    SECONDARY,
    SKIP,
    SUPPLEMENTARY,
    UNMAPPED,
    M,
    hash_bytes,
    i32,
    nibble,
    reference_span,
    u16,
)

#: columns of the depths
A, C, G, T, N, DELETION, INSERTION, DISAGREE = range(8)
N_COLUMNS = 8
#: codes of a position: the columns up to DELETION, then nothing that counts; a bit for an insertion behind it
NOTHING, INSERTED = 6, 16
_COLUMN = np.array([6, 0, 1, 6, 2, 6, 6, 6, 3, 6, 6, 6, 6, 6, 6, 4], dtype=np.uint8)
HELD = np.dtype([("name", np.uint64), ("begin", np.int64), ("until", np.int64), ("at", np.int64), ("n", np.int64)])


@njit(cache=True, error_model="numpy")
def _codes(data, cigar, n_ops, seq, quality, min_base, drop_beside, out):
    """Write the code of each reference position that a read takes."""
    ref, query = 0, 0
    before = -1
    for k in range(n_ops):
        word = i32(data, cigar + 4 * k)
        op, length = word & 15, (word >> 4) & 0xFFFFFFF
        if length == 0 or op == PAD or op == HARD:
            continue
        if op == M or op == EQUAL or op == DIFF:
            for i in range(length):
                code = NOTHING
                if data[quality + query + i] >= min_base:
                    code = _COLUMN[nibble(data, seq, query + i)]
                out[ref + i] = code
            if drop_beside and (before == INS or before == DEL):
                out[ref] = NOTHING
            ref += length
            query += length
        elif op == DEL or op == SKIP:
            if drop_beside and op == DEL and (before == M or before == EQUAL or before == DIFF):
                out[ref - 1] = NOTHING
            for i in range(length):
                out[ref + i] = DELETION if op == DEL else NOTHING
            ref += length
        elif op == INS:
            # the base before it has to count; that another indel stands before that base is no matter
            if (before == M or before == EQUAL or before == DIFF) and data[quality + query - 1] >= min_base:
                out[ref - 1] = (NOTHING if drop_beside else out[ref - 1]) | INSERTED
            query += length
        else:
            query += length
        before = op


@njit(cache=True, error_model="numpy", inline="always")
def _add(depths, at, code):
    # 7 is DISAGREE, which a single read never is
    if code & 15 != NOTHING:
        depths[at, code & 15] += 1
    if code & INSERTED:
        depths[at, INSERTION] += 1


@njit(cache=True, error_model="numpy", nogil=True)
def count_positions(
    data, at, size, start, end, is_first, merge, min_base, min_mapping, keep_duplicates, keep_all, drop_beside, per_start, state, depths, scratch,
    held, n_held, arena, used, by_read,
):  # fmt: skip
    """Read whole records of a block and add them to the depths of start..end-1 (0-based).

    Parameters
    ----------
    data, at, size
        As in :func:`resistance.read.alignments.observe.observe`.
    start, end : int
        Positions that are counted.
    is_first : bool
        Reads that begin before `start` are counted in `by_read` (else the piece before has done so).
    merge : bool
        Mates are merged.
    keep_all : bool
        Every mapped alignment counts, whatever its flags.
    per_start : int
        Of the reads that begin at one position no more than this many are counted (0: all): enough to tell the reference.
    state : array of 6 int64
        Contig and position of the last record, the place to stop at, the longest alignment so far, and the reads that began
        at the last position; updated.
    depths : array of int64 (end - start, N_COLUMNS)
    scratch : array of uint8
        As long as the longest alignment; FULL is returned where it is too short.
    held : array of HELD
    n_held : int
    arena : array of uint8
        Codes of the held reads.
    used : int
        Bytes of the arena that are in use.

    Returns
    -------
    at, n_held, used : int
    ended : int
        DONE, FULL (`held` or `arena` have to be emptied), DAMAGED, UNSORTED or BEYOND.
    """
    while at + 4 <= size:
        length = i32(data, at)
        if length < HEAD - 4:
            return at, n_held, used, DAMAGED
        if at + 4 + length > size:
            break
        contig, pos = i32(data, at + 4), i32(data, at + 8)
        if contig < 0:
            contig = NO_CONTIG
        if contig > state[2] or (contig == state[2] and pos >= state[3]):
            return at, n_held, used, BEYOND
        if contig < state[0] or (contig == state[0] and pos < state[1]):
            return at, n_held, used, UNSORTED
        n_name, mapping = np.int64(data[at + 12]), np.int64(data[at + 13])
        n_ops, flag, n_bases = u16(data, at + 16), u16(data, at + 18), i32(data, at + 20)
        cigar = at + HEAD + n_name
        seq = cigar + 4 * n_ops
        quality = seq + (n_bases + 1) // 2
        record_end = at + 4 + length
        if n_bases < 0 or quality + n_bases > record_end:
            return at, n_held, used, DAMAGED
        begun = state[5] + 1 if contig == state[0] and pos == state[1] else 1
        if 0 < per_start < begun:
            state[5] = begun
            at = record_end
            continue
        span, in_cigar = reference_span(data, cigar, n_ops)
        if contig != state[2] or pos + max(span, 1) <= start:
            state[0], state[1], state[5] = contig, pos, begun
            at = record_end
            continue
        if span > len(scratch) or n_held == len(held) or used + span > len(arena):
            return at, n_held, used, FULL
        state[0], state[1], state[5] = contig, pos, begun
        why = USED
        if flag & UNMAPPED or n_ops == 0:
            why = NOT_PLACED
        elif flag & SECONDARY and not keep_all:
            why = NOT_PRIMARY
        elif flag & SUPPLEMENTARY and not keep_all:
            why = NOT_WHOLE
        elif flag & QC_FAIL and not keep_all:
            why = FAILED
        elif mapping < min_mapping:
            why = POORLY_MAPPED
        elif n_bases == 0 or in_cigar != n_bases:
            why = NO_BASES
        elif flag & DUPLICATE and not keep_duplicates and not keep_all:
            why = MARKED
        if is_first or pos >= start:
            by_read[SEEN] += 1
            by_read[why] += 1
        if why != USED:
            at = record_end
            continue
        state[4] = max(state[4], span)
        hold = False
        if merge and flag & PAIRED and not flag & MATE_UNMAPPED and i32(data, at + 24) == contig:
            mate = i32(data, at + 28)
            hold = mate < pos + span if mate >= pos else pos - mate < state[4]
            if hold:
                _codes(data, cigar, n_ops, seq, quality, min_base, drop_beside, arena[used : used + span])
                one = held[n_held]
                one.name = hash_bytes(data, at + HEAD, cigar - 1)
                one.begin, one.until, one.at, one.n = pos, max(pos, mate), used, span
                n_held += 1
                used += span
        if not hold:
            _codes(data, cigar, n_ops, seq, quality, min_base, drop_beside, scratch)
            for i in range(max(0, start - pos), min(span, end - pos)):
                _add(depths, pos + i - start, scratch[i])
        at = record_end
    return at, n_held, used, DONE


@njit(cache=True, error_model="numpy", nogil=True)
def release(held, n_held, arena, start, end, before, depths):
    """Add the held reads whose mates have been read (those due before a position) to the depths, and keep the others.

    Returns
    -------
    n_held, used : int
    """
    n_due = 0
    for i in range(n_held):
        n_due += held[i].until < before
    due = np.empty(n_due, np.int64)
    names = np.empty(n_due, np.uint64)
    k = 0
    for i in range(n_held):
        if held[i].until < before:
            due[k], names[k] = i, held[i].name
            k += 1
    order = np.argsort(names, kind="mergesort")
    first = 0
    while first < n_due:
        last = first + 1
        while last < n_due and names[order[last]] == names[order[first]]:
            last += 1
        low, high = end, start
        for k in range(first, last):
            one = held[due[order[k]]]
            low, high = min(low, one.begin), max(high, one.begin + one.n)
        for pos in range(max(low, start), min(high, end)):
            shown = NOTHING
            for k in range(first, last):
                one = held[due[order[k]]]
                i = pos - one.begin
                if 0 <= i < one.n and arena[one.at + i] != NOTHING:
                    code = arena[one.at + i]
                    shown = code if shown == NOTHING or shown == code else DISAGREE
            _add(depths, pos - start, shown)
        first = last
    kept, used = 0, 0
    for i in range(n_held):
        if held[i].until >= before:
            at, n = held[i].at, held[i].n
            for j in range(n):
                arena[used + j] = arena[at + j]
            held[kept] = held[i]
            held[kept].at = used
            kept += 1
            used += n
    return kept, used
