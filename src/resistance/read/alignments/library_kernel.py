"""The bytes of BAM records -> numbers of reads and bases, and fragment lengths by joining mates (compiled).

Positions are 0-based here, as in the file.
"""

from __future__ import annotations

import numpy as np

from resistance.compiled import njit
from resistance.read.alignments.record import (
    DEL,
    DIFF,
    DUPLICATE,
    EQUAL,
    HEAD,
    PAIRED,
    QC_FAIL,
    SECONDARY,
    SKIP,
    SUPPLEMENTARY,
    UNMAPPED,
    M,
    hash_bytes,
    i32,
    u16,
)

PROPER = 0x2
#: numbers that are added up, in this order
COUNTS = (
    "secondary", "supplementary", "reads", "failed_quality_control", "unmapped", "mapped", "duplicates", "low_mapping_quality",
    "considered", "near_target", "on_target", "bases", "bases_on_target", "given_up",
)  # fmt: skip
(
    IS_SECONDARY, IS_SUPPLEMENTARY, READS, IS_FAILED, IS_UNMAPPED, MAPPED, DUPLICATES, LOW_MAPPING, CONSIDERED, NEAR_TARGET,
    ON_TARGET, BASES, BASES_ON_TARGET, GIVEN_UP,
) = range(len(COUNTS))  # fmt: skip
#: a mate that waits for the other: hash of its name, where the other is due, and whether it can be used
WAITING = np.dtype([("name", np.uint64), ("contig", np.int32), ("pos", np.int32), ("usable", np.bool_), ("taken", np.bool_)])
#: places of `state`
N_WAITING, CONTIG, POS, NEAR_AT, INSIDE_AT, N_LONG = range(6)
#: how a block ended
DONE, CROWDED, DAMAGED = 0, 1, 2


@njit(cache=True, error_model="numpy")
def add_up(data, at, size, min_mapping, read_length, near, near_of, inside, inside_of, state, counts, lengths, long, waiting):
    """Add up the records of a block.

    Parameters
    ----------
    data : array of uint8
    at, size : int
        Where the first record begins, and how many bytes are there.
    min_mapping, read_length : int
        What a mate needs for its fragment to have a length; read_length -1: any.
    near, inside : array of int64, (n, 2)
        Half-open regions, padded and not: sorted, disjoint within a contig.
    near_of, inside_of : array of int64, (contigs, 2)
        First region of a contig, and the one behind its last.
    state : array of int64
        Mates that wait, place of the last record, the first region that ends behind it, lengths in `long`; updated.
    counts : array of int64
        As COUNTS; added to.
    lengths : array of int64
        Fragments by length; added to.
    long : array of int64
        Lengths beyond; filled.
    waiting : array of WAITING
        Hash table of a size that is a power of 2.

    Returns
    -------
    at : int
        Byte behind the last record that was read.
    ended : int
        DONE, CROWDED (half of `waiting`, or all of `long`, is in use), or DAMAGED.
    """
    n_contigs = len(near_of)
    asked = len(inside) > 0
    while at + 4 <= size:
        length = i32(data, at)
        if length < HEAD - 4:
            return at, DAMAGED
        if at + 4 + length > size:
            break
        if 2 * state[N_WAITING] >= len(waiting) or state[N_LONG] >= len(long):
            return at, CROWDED
        end = at + 4 + length
        contig, pos = i32(data, at + 4), i32(data, at + 8)
        n_name, mapping = np.int64(data[at + 12]), np.int64(data[at + 13])
        n_ops, flag, n_bases = u16(data, at + 16), u16(data, at + 18), i32(data, at + 20)
        cigar = at + HEAD + n_name
        if n_bases < 0 or n_name == 0 or cigar + 4 * n_ops + (n_bases + 1) // 2 + n_bases > end or contig >= n_contigs:
            return at, DAMAGED
        head, at = at, end
        if flag & (SECONDARY | SUPPLEMENTARY):
            counts[IS_SECONDARY if flag & SECONDARY else IS_SUPPLEMENTARY] += 1
            continue
        counts[READS] += 1
        if flag & (QC_FAIL | UNMAPPED):
            counts[IS_FAILED if flag & QC_FAIL else IS_UNMAPPED] += 1
            continue
        counts[MAPPED] += 1
        if flag & DUPLICATE:
            counts[DUPLICATES] += 1
            continue
        high = mapping >= min_mapping
        counts[LOW_MAPPING] += not high
        if contig != state[CONTIG] or pos < state[POS]:
            state[NEAR_AT], state[INSIDE_AT] = (near_of[contig, 0], inside_of[contig, 0]) if contig >= 0 else (0, 0)
        state[CONTIG], state[POS] = contig, pos
        if flag & PAIRED and flag & PROPER:
            template = abs(i32(data, head + 32))
            usable = high and (read_length < 0 or n_bases == read_length)
            name = hash_bytes(data, head + HEAD, cigar - 1)
            if _pair(waiting, state, name, usable, i32(data, head + 24), i32(data, head + 28)) and template > 0:
                if template < len(lengths):
                    lengths[template] += 1
                else:
                    long[state[N_LONG]] = template
                    state[N_LONG] += 1
        if asked:
            counts[CONSIDERED] += 1
            _place(data, cigar, n_ops, contig, pos, near, near_of, inside, inside_of, state, counts)
    return at, DONE


@njit(cache=True, error_model="numpy")
def _pair(waiting, state, name, usable, due_contig, due_pos):
    """Take one mate of a proper pair; return whether it is the second, and both can be used."""
    mask = len(waiting) - 1
    k = np.int64(name & np.uint64(mask))
    while waiting[k].taken:
        if waiting[k].name == name:
            both = waiting[k].usable and usable
            state[N_WAITING] -= 1
            # what stands behind moves up, so that no search ends at the gap
            gap = k
            while True:
                k = (k + 1) & mask
                if not waiting[k].taken:
                    break
                home = np.int64(waiting[k].name & np.uint64(mask))
                if ((k - home) & mask) >= ((k - gap) & mask):
                    waiting[gap] = waiting[k]
                    gap = k
            waiting[gap].taken = False
            return both
        k = (k + 1) & mask
    _put(waiting, k, name, due_contig, due_pos, usable)
    state[N_WAITING] += 1
    return False


@njit(cache=True, error_model="numpy")
def _put(waiting, k, name, contig, pos, usable):
    row = waiting[k]
    row.name, row.contig, row.pos, row.usable, row.taken = name, contig, pos, usable, True


@njit(cache=True, error_model="numpy")
def _place(data, cigar, n_ops, contig, pos, near, near_of, inside, inside_of, state, counts):
    """Count the aligned bases of a read, those on target, and whether the read touches a region."""
    last = contig >= 0
    near_end = near_of[contig, 1] if last else 0
    inside_end = inside_of[contig, 1] if last else 0
    # reads come in order: no later one reaches a region that ends before this
    while state[NEAR_AT] < near_end and near[state[NEAR_AT], 1] <= pos:
        state[NEAR_AT] += 1
    while state[INSIDE_AT] < inside_end and inside[state[INSIDE_AT], 1] <= pos:
        state[INSIDE_AT] += 1
    ref = pos
    stop = pos  # behind the last aligned base
    for j in range(n_ops):
        word = i32(data, cigar + 4 * j)
        op, length = word & 15, (word >> 4) & 0xFFFFFFF
        if op == M or op == EQUAL or op == DIFF:
            counts[BASES] += length
            k = state[INSIDE_AT]
            while k < inside_end and inside[k, 0] < ref + length:
                counts[BASES_ON_TARGET] += max(0, min(ref + length, inside[k, 1]) - max(ref, inside[k, 0]))
                k += 1
            ref += length
            stop = ref
        elif op == DEL or op == SKIP:
            ref += length
    counts[NEAR_TARGET] += state[NEAR_AT] < near_end and near[state[NEAR_AT], 0] < stop
    counts[ON_TARGET] += state[INSIDE_AT] < inside_end and inside[state[INSIDE_AT], 0] < stop


@njit(cache=True, error_model="numpy")
def move(waiting, larger, contig, pos):
    """Fill an empty table with those that may still meet their mate; return how many did, and how many were given up.

    A mate that should have come before this place was filtered, or is not in the file.
    """
    kept, gone = np.int64(0), np.int64(0)
    mask = len(larger) - 1
    for i in range(len(waiting)):
        if not waiting[i].taken:
            continue
        row = waiting[i]
        if row.contig >= 0 and (row.contig < contig or (row.contig == contig and row.pos < pos)):
            gone += 1
            continue
        k = np.int64(row.name & np.uint64(mask))
        while larger[k].taken:
            k = (k + 1) & mask
        larger[k] = row
        kept += 1
    return kept, gone
