"""Observations of finished sites -> counts of alleles in reads, fragments, families and duplexes (compiled)."""

from __future__ import annotations

import numpy as np

from resistance.compiled import njit
from resistance.read.alignments.observe import (
    ALT,
    DISCORDANT,
    HAS_MOLECULE,
    IS_BESIDE,
    IS_CONSENSUS,
    IS_DUPLICATE,
    IS_REVERSE,
    REF,
    STRAND_B,
)

#: columns of the counts by site
(
    READS_REF, READS_ALT, READS_OTHER, ALT_FORWARD, ALT_REVERSE, ALT_QUALITY_SUM, ALT_QUALITY_N, ALT_MAPPING_SUM,
    FRAGMENTS_REF, FRAGMENTS_ALT, FRAGMENTS_OTHER, FRAGMENTS_DISCORDANT, FRAGMENTS_NO_UMI,
    FAMILIES_REF, FAMILIES_ALT, FAMILIES_OTHER, FAMILIES_SPLIT, FAMILIES_SMALL, FAMILIES_ALT_SINGLETON,
    DUPLEXES_REF, DUPLEXES_ALT, DUPLEXES_OTHER, DUPLEXES_SPLIT, DUPLEXES_SMALL, DUPLEXES_ONE_STRAND,
) = range(25)  # fmt: skip
N_COUNTS = 25
#: columns of the lengths by site: medians of fragments
LENGTH_ALT, LENGTH_REF = range(2)
#: families of this size and more are counted together
LARGEST = 100

FRAGMENT = np.dtype([("name", np.uint64), ("molecule", np.uint64), ("site", np.int32), ("allele", np.uint8)], align=True)
_MEMBER = np.dtype(
    [
        ("molecule", np.uint64),
        ("total", np.int64),
        ("strand_a", np.int64),
        ("strand_b", np.int64),
        ("allele", np.uint8),
    ],
    align=True,
)


@njit(cache=True, error_model="numpy", nogil=True)
def tally(seen, n_seen, begin, end, families, min_family, min_reads, agreement, counts, lengths, sizes, wanted, fragments):
    """Count the observations of sites begin..end-1.

    Parameters
    ----------
    seen : array of OBSERVATION
        In any order; those of other sites are passed over.
    n_seen : int
    begin, end : int
        Sites, half-open.
    families : bool
        Whether UMI families are counted.
    min_family : int
        Least size of a family.
    min_reads : array of 3 int64
        Of a duplex: in all, of the larger strand, of the smaller.
    agreement : float
        A family's allele is what more than this share of it shows.
    counts, lengths : arrays of int64 (sites, N_COUNTS) and of float64 (sites, 2)
        Written for these sites.
    sizes : array of int64 (LARGEST + 1)
        Families by size, once per site; added to.
    wanted : array of bool (sites)
        Sites whose fragments are handed out.
    fragments : array of FRAGMENT
        At least `n_seen`.

    Returns
    -------
    int
        How many of `fragments` were written.
    """
    starts = np.zeros(end - begin + 1, np.int64)
    for i in range(n_seen):
        if begin <= seen[i].site < end:
            starts[seen[i].site - begin + 1] += 1
    for k in range(end - begin):
        starts[k + 1] += starts[k]
    place = starts[:-1].copy()
    index = np.empty(starts[-1], np.int64)
    for i in range(n_seen):
        if begin <= seen[i].site < end:
            k = seen[i].site - begin
            index[place[k]] = i
            place[k] += 1
    handed = np.int64(0)  # else the function is compiled for a literal 0 as well
    for site in range(begin, end):
        rows = index[starts[site - begin] : starts[site - begin + 1]]
        names = np.empty(len(rows), np.uint64)
        for i in range(len(rows)):
            names[i] = seen[rows[i]].name
        rows = rows[np.argsort(names, kind="mergesort")]
        handed = _one_site(
            seen, rows, site, families, min_family, min_reads, agreement, counts[site], lengths[site], sizes, wanted[site],
            fragments, handed,
        )  # fmt: skip
    return handed


@njit(cache=True, error_model="numpy")
def _one_site(seen, rows, site, families, min_family, min_reads, agreement, count, length, sizes, wanted, fragments, handed):
    """Count one site; `rows` are its observations, ordered by name."""
    n = len(rows)
    members = np.empty(n if families else 0, _MEMBER)
    n_members = 0
    alt_lengths, ref_lengths = np.empty(n, np.int32), np.empty(n, np.int32)
    n_alt, n_ref = 0, 0
    start = 0
    while start < n:
        stop = start
        name = seen[rows[start]].name
        # the fragment without marked duplicates, and with them (as a member of its family)
        allele, member = -1, -1
        molecule, bits, template = np.uint64(0), 0, 0
        total, strand_a, strand_b = np.int64(1 << 40), np.int64(1 << 40), np.int64(1 << 40)
        while stop < n and seen[rows[stop]].name == name:
            row = seen[rows[stop]]
            stop += 1
            if not row.bits & IS_DUPLICATE:
                if row.allele == REF:
                    count[READS_REF] += 1
                elif row.allele == ALT:
                    count[READS_ALT] += 1
                    count[ALT_REVERSE if row.bits & IS_REVERSE else ALT_FORWARD] += 1
                    count[ALT_MAPPING_SUM] += row.mapping_quality
                    if row.base_quality != 255:
                        count[ALT_QUALITY_SUM] += row.base_quality
                        count[ALT_QUALITY_N] += 1
                else:
                    count[READS_OTHER] += 1
            if row.bits & IS_BESIDE:
                continue
            if not row.bits & IS_DUPLICATE:
                allele = row.allele if allele < 0 or allele == row.allele else DISCORDANT
            member = row.allele if member < 0 or member == row.allele else DISCORDANT
            if row.bits & HAS_MOLECULE:
                molecule = row.molecule
            bits |= row.bits
            template = max(template, row.length)
            # mates of a consensus have depths of their own: the shallower one speaks
            total = min(total, row.total)
            strand_a, strand_b = min(strand_a, row.strand_a), min(strand_b, row.strand_b)
        start = stop
        if allele >= 0:
            if allele == DISCORDANT:
                count[FRAGMENTS_DISCORDANT] += 1
            elif allele == REF:
                count[FRAGMENTS_REF] += 1
            elif allele == ALT:
                count[FRAGMENTS_ALT] += 1
            else:
                count[FRAGMENTS_OTHER] += 1
            if template > 0:
                if allele == REF:
                    ref_lengths[n_ref] = template
                    n_ref += 1
                elif allele == ALT:
                    alt_lengths[n_alt] = template
                    n_alt += 1
            if wanted:
                out = fragments[handed]
                out.name, out.molecule, out.site, out.allele = name, molecule, site, allele
                handed += 1
        if families and member >= 0:
            if not bits & HAS_MOLECULE:
                count[FRAGMENTS_NO_UMI] += 1
                continue
            one = members[n_members]
            one.molecule, one.allele = molecule, member
            one.total = total if bits & IS_CONSENSUS else 1
            if bits & IS_CONSENSUS and strand_a >= 0 and strand_b >= 0:
                one.strand_a, one.strand_b = strand_a, strand_b
            else:
                one.strand_a = 0 if bits & STRAND_B else one.total
                one.strand_b = one.total if bits & STRAND_B else 0
            n_members += 1
    length[LENGTH_ALT] = _median(alt_lengths[:n_alt])
    length[LENGTH_REF] = _median(ref_lengths[:n_ref])
    if families:
        _families(members[:n_members], min_family, min_reads, agreement, count, sizes)
    return handed


@njit(cache=True, error_model="numpy")
def _median(lengths):
    """Return the median, NaN of none; by bisection, which takes a quarter of the time that numpy's takes to be compiled."""
    n = len(lengths)
    if n == 0:
        return np.nan
    return 0.5 * (_at_rank(lengths, (n - 1) // 2) + _at_rank(lengths, n // 2))


@njit(cache=True, error_model="numpy")
def _at_rank(lengths, rank):
    """Return the number with `rank` others at or before it in order."""
    low, high = np.int64(0), np.int64(1) << 31
    while low < high:
        middle = (low + high) // 2
        below = np.int64(0)
        for length in lengths:
            below += length <= middle
        if below > rank:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, error_model="numpy")
def _winner(votes, size, agreement):
    """Return the allele that more than a share of all shows, or -1."""
    for allele in range(3):
        if votes[allele] > agreement * size:
            return allele
    return -1


@njit(cache=True, error_model="numpy")
def _families(members, min_family, min_reads, agreement, count, sizes):
    """Count the families and duplexes of one site."""
    keys = np.empty(len(members), np.uint64)
    for i in range(len(members)):
        keys[i] = members[i].molecule
    order = np.argsort(keys, kind="mergesort")
    # votes of both strands together, and of each
    votes = np.zeros((3, 3), np.int64)
    start = 0
    while start < len(order):
        stop = start
        votes[:] = 0
        size = np.zeros(3, np.int64)
        while stop < len(order) and keys[order[stop]] == keys[order[start]]:
            one = members[order[stop]]
            size[0] += one.total
            size[1] += one.strand_a
            size[2] += one.strand_b
            if one.allele != DISCORDANT:
                votes[0, one.allele] += one.total
                votes[1, one.allele] += one.strand_a
                votes[2, one.allele] += one.strand_b
            stop += 1
        start = stop
        sizes[min(size[0], LARGEST)] += 1
        if size[0] < min_family:
            count[FAMILIES_SMALL] += 1
        else:
            allele = _winner(votes[0], size[0], agreement)
            count[FAMILIES_SPLIT if allele < 0 else FAMILIES_REF + allele] += 1
            if allele == ALT and size[0] == 1:
                count[FAMILIES_ALT_SINGLETON] += 1
        if size[1] == 0 or size[2] == 0:
            count[DUPLEXES_ONE_STRAND] += 1
        elif size[0] < min_reads[0] or max(size[1], size[2]) < min_reads[1] or min(size[1], size[2]) < min_reads[2]:
            count[DUPLEXES_SMALL] += 1
        else:
            first, second = _winner(votes[1], size[1], agreement), _winner(votes[2], size[2], agreement)
            count[DUPLEXES_REF + first if first >= 0 and first == second else DUPLEXES_SPLIT] += 1
