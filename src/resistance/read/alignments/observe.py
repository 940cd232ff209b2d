"""Records over sites -> observations: which allele each read shows at each site, or why it shows none (compiled)."""

from __future__ import annotations

import numpy as np

from resistance.compiled import njit
from resistance.read.alignments.record import (
    DELETED,
    DUPLICATE,
    HEAD,
    PAIRED,
    QC_FAIL,
    REVERSE,
    SECONDARY,
    SKIP,
    SKIPPED,
    SUPPLEMENTARY,
    UNMAPPED,
    hash_bytes,
    i32,
    locate,
    nibble,
    reference_span,
    tag_number,
    tag_size,
    u16,
)

#: alleles
REF, ALT, OTHER, DISCORDANT = range(4)
#: bits of an observation
IS_REVERSE, IS_DUPLICATE, HAS_MOLECULE, STRAND_B, IS_CONSENSUS, IS_BESIDE = 1, 2, 4, 8, 16, 32
#: reasons, as columns of the table of reasons by site and by read
SEEN, NOT_PLACED, NOT_PRIMARY, NOT_WHOLE, FAILED, MARKED, POORLY_MAPPED, NO_BASES, NO_UMI, USED = range(10)
POOR_BASE, UNKNOWN_BASE, NO_BASE, BESIDE, NOT_SPANNED = range(10, 15)
N_REASONS = 15
#: what ended a call
DONE, FULL, DAMAGED, UNSORTED, BEYOND = range(5)
NO_CONTIG = np.int64(1) << 40

OBSERVATION = np.dtype(
    [
        ("name", np.uint64),
        ("molecule", np.uint64),
        ("site", np.int32),
        ("length", np.int32),
        ("total", np.int32),
        ("strand_a", np.int32),
        ("strand_b", np.int32),
        ("allele", np.uint8),
        ("bits", np.uint8),
        ("base_quality", np.uint8),
        ("mapping_quality", np.uint8),
    ],
    align=True,
)
SITE = np.dtype(
    [
        ("contig", np.int64),
        ("first", np.int64),
        ("last", np.int64),
        ("anchored", np.bool_),
        ("ref_at", np.int64),
        ("ref_n", np.int64),
        ("alt_at", np.int64),
        ("alt_n", np.int64),
    ]
)


@njit(cache=True, error_model="numpy", nogil=True)
def observe(
    data,
    at,
    size,
    sites,
    begin,
    end_site,
    widest,
    bases,
    min_base,
    min_mapping,
    keep_duplicates,
    tag,
    state,
    out,
    filled,
    by_site,
    by_read,
):
    """Read whole records of a block and write what they show.

    Parameters
    ----------
    data : array of uint8
        Records one behind the other; the last may be cut.
    at, size : int
        Where to begin, and how many bytes are there.
    sites : array of SITE
        Sorted by contig and first position.
    begin, end_site : int
        Those of the sites that are counted now.
    widest : int
        Reference bases of the widest site.
    bases : array of uint8
        Alleles as BAM's codes.
    min_base, min_mapping : int
    keep_duplicates : bool
    tag : int
        The two letters of the tag of families (first + 256 x second), 0 for none.
    state : array of 4 int64
        Contig and position of the last record, and the place to stop at (contig, position); updated.
    out : array of OBSERVATION
    filled : int
        How many of `out` are in use.
    by_site, by_read : arrays of int64, (sites, reasons) and (reasons,)
        Counts, added to.

    Returns
    -------
    at : int
        Byte behind the last record that was read.
    filled : int
    ended : int
        DONE (the block is read), FULL (`out` has to be emptied), DAMAGED, UNSORTED, or BEYOND (the place to stop at).
    """
    n_sites = len(sites)
    while at + 4 <= size:
        length = i32(data, at)
        if length < HEAD - 4:
            return at, filled, DAMAGED
        if at + 4 + length > size:
            break
        contig, pos = i32(data, at + 4), i32(data, at + 8)
        if contig < 0:
            contig = NO_CONTIG
        if contig > state[2] or (contig == state[2] and pos >= state[3]):
            return at, filled, BEYOND
        if contig < state[0] or (contig == state[0] and pos < state[1]):
            return at, filled, UNSORTED
        state[0], state[1] = contig, pos
        n_name, mapping = np.int64(data[at + 12]), np.int64(data[at + 13])
        n_ops, flag, n_bases = u16(data, at + 16), u16(data, at + 18), i32(data, at + 20)
        cigar = at + HEAD + n_name
        seq = cigar + 4 * n_ops
        quality = seq + (n_bases + 1) // 2
        end = at + 4 + length
        if n_bases < 0 or quality + n_bases > end:
            return at, filled, DAMAGED
        span, in_cigar = reference_span(data, cigar, n_ops)
        # the first site that the record can reach: sites are sorted by their first position, none is wider than `widest`
        low, high = 0, n_sites
        target = pos - widest
        while low < high:
            middle = (low + high) // 2
            if sites[middle].contig < contig or (sites[middle].contig == contig and sites[middle].first < target):
                low = middle + 1
            else:
                high = middle
        reach = pos + max(span, 1)
        # a read is counted with the first site it lies over, so that it counts once where sites are taken in turns
        count, leading = 0, -1
        for k in range(low, n_sites):
            if sites[k].contig != contig or sites[k].first >= reach:
                break
            if sites[k].last >= pos:
                if leading < 0:
                    leading = k
                count += begin <= k < end_site
        counted = begin <= leading < end_site
        if count == 0:
            at = end
            continue
        if filled + count > len(out):
            return at, filled, FULL
        why = USED
        if flag & UNMAPPED or n_ops == 0:
            why = NOT_PLACED
        elif flag & SECONDARY:
            why = NOT_PRIMARY
        elif flag & SUPPLEMENTARY:
            why = NOT_WHOLE
        elif flag & QC_FAIL:
            why = FAILED
        elif mapping < min_mapping:
            why = POORLY_MAPPED
        elif n_bases == 0 or in_cigar != n_bases:
            why = NO_BASES
        elif flag & DUPLICATE and not keep_duplicates:
            why = MARKED
        by_read[SEEN] += counted
        by_read[why] += counted
        low = max(low, begin)
        for k in range(low, end_site):
            if sites[k].contig != contig or sites[k].first >= reach:
                break
            if sites[k].last >= pos:
                by_site[k, SEEN] += 1
                by_site[k, why] += 1
        # a marked duplicate is one more member of its family
        if why != USED and not (why == MARKED and tag != 0):
            at = end
            continue
        bits = np.uint8(0)
        if flag & REVERSE:
            bits |= np.uint8(IS_REVERSE)
        if why == MARKED:
            bits |= np.uint8(IS_DUPLICATE)
        name = hash_bytes(data, at + HEAD, cigar - 1)
        molecule = np.uint64(0)
        total, strand_a, strand_b = np.int64(-1), np.int64(-1), np.int64(-1)
        if tag != 0:
            field = quality + n_bases
            while field + 3 < end:
                width = tag_size(data, field, end)
                if width < 0 or field + width > end:
                    return at, filled, DAMAGED
                label = u16(data, field)
                if label == tag:
                    bits |= np.uint8(HAS_MOLECULE)
                    if data[field + 2] == 90:
                        stop = field + width - 1
                        if stop - 2 >= field + 3 and data[stop - 2] == 47 and (data[stop - 1] == 65 or data[stop - 1] == 66):
                            if data[stop - 1] == 66:
                                bits |= np.uint8(STRAND_B)
                            stop -= 2
                        molecule = hash_bytes(data, field + 3, stop)
                    else:
                        molecule = np.uint64(tag_number(data, field))
                elif label == 0x4463:  # cD: raw reads of a consensus read
                    total = tag_number(data, field)
                elif label == 0x4461:  # aD, bD: those of each strand
                    strand_a = tag_number(data, field)
                elif label == 0x4462:
                    strand_b = tag_number(data, field)
                field += width
            if total >= 0:
                bits |= np.uint8(IS_CONSENSUS)
            if bits & HAS_MOLECULE == 0:
                by_read[NO_UMI] += counted
        template = np.int64(0)
        if flag & PAIRED:
            template = abs(i32(data, at + 32))
        for k in range(low, end_site):
            if sites[k].contig != contig or sites[k].first >= reach:
                break
            if sites[k].last < pos:
                continue
            allele, lowest, reason, beside = _allele(data, cigar, n_ops, pos, seq, quality, sites[k], bases, min_base)
            if reason != USED:
                if why == USED:
                    by_site[k, reason] += 1
                continue
            row = out[filled]
            row.name, row.molecule, row.site, row.length = name, molecule, k, template
            row.total, row.strand_a, row.strand_b = total, strand_a, strand_b
            row.allele, row.base_quality, row.mapping_quality = allele, lowest, mapping
            row.bits = bits | np.uint8(IS_BESIDE) if beside else bits
            if beside and why == USED:
                by_site[k, BESIDE] += 1
            filled += 1
        at = end
    return at, filled, DONE


@njit(cache=True, error_model="numpy")
def _allele(data, cigar, n_ops, pos, seq, quality, site, bases, min_base):
    """Return the allele that one read shows at one site, the lowest base quality, why it shows none, and if an indel is beside."""
    first, beside = locate(data, cigar, n_ops, pos, site.first)
    last, beside_last = first, beside
    if site.last != site.first:
        last, beside_last = locate(data, cigar, n_ops, pos, site.last)
    if first < 0 or last < 0:
        if first == DELETED or last == DELETED:
            if site.anchored and first != SKIPPED and last != SKIPPED and _spans(data, cigar, n_ops, pos, site):
                return OTHER, np.uint8(255), USED, False
            return OTHER, np.uint8(0), NO_BASE, False
        return OTHER, np.uint8(0), NOT_SPANNED, False
    if not site.anchored:
        beside = beside or beside_last
        lowest = np.uint8(255)
        is_ref, is_alt = True, True
        if last - first != site.last - site.first:
            return OTHER, np.uint8(0), NO_BASE, False
        for i in range(last - first + 1):
            if 0 < i < last - first:
                at, beside_this = locate(data, cigar, n_ops, pos, site.first + i)
                if at != first + i:
                    return OTHER, np.uint8(0), NO_BASE, False
                beside = beside or beside_this
            base = nibble(data, seq, first + i)
            lowest = min(lowest, data[quality + first + i])
            if base == 15 or base == 0:
                return OTHER, np.uint8(0), UNKNOWN_BASE, False
            is_ref = is_ref and base == bases[site.ref_at + i]
            is_alt = is_alt and base == bases[site.alt_at + i]
        if lowest < min_base:
            return OTHER, lowest, POOR_BASE, False
        return (REF if is_ref else ALT if is_alt else OTHER), lowest, USED, beside
    if _skips(data, cigar, n_ops):
        return OTHER, np.uint8(0), NOT_SPANNED, False
    lowest = min(data[quality + first], data[quality + last])
    n = last - first - 1
    if n < 0:
        return OTHER, np.uint8(0), NO_BASE, False
    off_ref, off_alt = np.int64(0), np.int64(0)
    for i in range(n):
        base = nibble(data, seq, first + 1 + i)
        if base == 15 or base == 0:
            return OTHER, np.uint8(0), UNKNOWN_BASE, False
        if n == site.ref_n and base != bases[site.ref_at + i]:
            off_ref += 1
        if n == site.alt_n and base != bases[site.alt_at + i]:
            off_alt += 1
    if lowest < min_base:
        return OTHER, lowest, POOR_BASE, False
    # one wrong base in ten is an error of sequencing, not another allele: lengths tell the two apart
    if n == site.ref_n and off_ref <= n // 10:
        return REF, lowest, USED, False
    if n == site.alt_n and off_alt <= n // 10:
        return ALT, lowest, USED, False
    return OTHER, lowest, USED, False


@njit(cache=True, error_model="numpy")
def _spans(data, cigar, n_ops, pos, site):
    """Return whether an alignment reaches beyond both anchors."""
    span, _ = reference_span(data, cigar, n_ops)
    return pos <= site.first and pos + span > site.last


@njit(cache=True, error_model="numpy")
def _skips(data, cigar, n_ops):
    """Return whether an alignment jumps over an intron: what lies between two of its bases is then not known to be theirs."""
    for k in range(n_ops):
        if i32(data, cigar + 4 * k) & 15 == SKIP:
            return True
    return False
