"""The kernels' numbers of reasons -> the words of the table ``read_counts``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.read.alignments import observe, tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEEN, KEPT = "seen", "kept"
#: why a read is not counted, in the order in which the filters are asked
READ_REASONS = {
    observe.NOT_PLACED: "unmapped",
    observe.NOT_PRIMARY: "secondary",
    observe.NOT_WHOLE: "supplementary",
    observe.FAILED: "failed quality control",
    observe.POORLY_MAPPED: "mapping quality",
    observe.NO_BASES: "no sequence",
    observe.MARKED: "duplicate",
}
#: why a read that is counted shows no allele at one site
BASE_REASONS = {
    observe.POOR_BASE: "base quality",
    observe.UNKNOWN_BASE: "base is N",
    observe.NO_BASE: "deleted in the read",
    observe.NOT_SPANNED: "does not reach over the site",
}
BESIDE = "beside an indel of the read"
NO_UMI = "no UMI"


def rows_of(
    by_read: NDArray[np.int64],
    by_site: NDArray[np.int64],
    counts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    families: bool,
    tagged: bool = True,
) -> list[dict[str, Any]]:
    """Return unit, reason and n.

    Parameters
    ----------
    by_read : array (N_REASONS,)
        Reads over any site, each once.
    by_site : array (sites, N_REASONS)
    counts : array (sites, N_COUNTS)
    sizes : array (LARGEST + 1,)
        Families by size.
    families : bool
        Whether there are UMIs.
    tagged : bool
        Whether families are named by a tag of each read (else by UMI-tools, for fragments).

    Notes
    -----
    ``bases``, ``fragments``, ``families`` and ``duplexes`` are counted once per site: a fragment over two variants twice.
    """
    total = counts.sum(axis=0)
    sites = by_site.sum(axis=0)
    rows = [("reads", SEEN, by_read[observe.SEEN]), ("reads", KEPT, by_read[observe.USED])]
    rows += [("reads", text, by_read[reason]) for reason, text in READ_REASONS.items()]
    usable = total[[tally.READS_REF, tally.READS_ALT, tally.READS_OTHER]].sum()
    rows += [("bases", SEEN, sites[observe.USED]), ("bases", KEPT, usable)]
    rows += [("bases", text, sites[reason]) for reason, text in BASE_REASONS.items()]
    rows.append(("bases", f"{BESIDE} (kept as a read, not as a fragment)", sites[observe.BESIDE]))
    kept = total[[tally.FRAGMENTS_REF, tally.FRAGMENTS_ALT, tally.FRAGMENTS_OTHER]].sum()
    rows += [
        ("fragments", SEEN, kept + total[tally.FRAGMENTS_DISCORDANT]),
        ("fragments", KEPT, kept),
        ("fragments", "mates disagree", total[tally.FRAGMENTS_DISCORDANT]),
    ]
    if families:
        rows += [("reads", f"{NO_UMI} (in no family)", by_read[observe.NO_UMI])] if tagged else []
        rows += _families(total, sizes)
    return [{"unit": unit, "reason": reason, "n": int(n)} for unit, reason, n in rows]


def _families(total: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[tuple[str, str, np.int64]]:
    kept = total[[tally.FAMILIES_REF, tally.FAMILIES_ALT, tally.FAMILIES_OTHER]].sum()
    seen = kept + total[tally.FAMILIES_SMALL] + total[tally.FAMILIES_SPLIT]
    rows = [
        ("fragments", f"{NO_UMI} (in no family)", total[tally.FRAGMENTS_NO_UMI]),
        ("families", SEEN, seen),
        ("families", KEPT, kept),
        ("families", "fewer fragments than min_family_size", total[tally.FAMILIES_SMALL]),
        ("families", "no majority", total[tally.FAMILIES_SPLIT]),
    ]
    for size in sizes.nonzero()[0]:
        rows.append(("families", f"of size {size}{' or more' if size == tally.LARGEST else ''}", sizes[size]))
    double = total[[tally.DUPLEXES_REF, tally.DUPLEXES_ALT, tally.DUPLEXES_OTHER]].sum()
    rows += [
        ("duplexes", SEEN, seen),
        ("duplexes", KEPT, double),
        ("duplexes", "one strand only", total[tally.DUPLEXES_ONE_STRAND]),
        ("duplexes", "fewer reads than min_reads", total[tally.DUPLEXES_SMALL]),
        ("duplexes", "strands disagree or have no majority", total[tally.DUPLEXES_SPLIT]),
    ]
    return rows


def why_nothing(by_site: NDArray[np.int64]) -> str:
    """Return why nothing was counted at a site, from its reasons."""
    if not by_site[observe.SEEN]:
        return "no read lies over it"
    words = [f"{by_site[reason]} {text}" for reason, text in (READ_REASONS | BASE_REASONS).items() if by_site[reason]]
    if by_site[observe.BESIDE]:
        words.append(f"{by_site[observe.BESIDE]} {BESIDE}")
    return f"{by_site[observe.SEEN]} reads lie over it, none counts ({', '.join(words) or 'families or duplexes too small'})"
