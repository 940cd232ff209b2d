"""What fragments show at variants that lie on one copy -> support of each event, and how much background the joint look removes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PhasedEvents:
    """Support of events; arrays over events 0..n-1.  A variant alone is an event of one site.

    Parameters
    ----------
    ref : array of int
        Fragments that show the reference allele at any site of the event.
    alt : array of int
        Fragments that show the variant at a site, and the reference at none: on one copy a fragment has all of the event's
        variants or none, so that one with both shows an error.
    fragments : array of int
        Fragments that show either at any site.
    several : array of int
        Fragments that reach two sites of the event or more.
    alt_several : array of int
        Of `alt`: those that show the variant at two sites or more.
    discarded : array of int
        Fragments that show the variant at a site and the reference at another (or mates that disagree).
    informative : int
        Fragments that show either allele at any site of any event, each once.
    """

    ref: IntArray
    alt: IntArray
    fragments: IntArray
    several: IntArray
    alt_several: IntArray
    discarded: IntArray
    informative: int

    @property
    def purification(self) -> float:
        """Share of looks that are checked at a second site: sum(several) / sum(fragments); 0 without a fragment."""
        total = int(self.fragments.sum())
        return float(self.several.sum()) / total if total else 0.0

    def purified_rate(self, rate: float) -> float:
        """Return the background rate of a single site, less what the second site removes: rate * (1 - purification)."""
        return rate * (1.0 - self.purification)


def phased_events(
    fragment: ArrayLike, event: ArrayLike, site: ArrayLike, is_alt: ArrayLike, n_events: int | None = None
) -> PhasedEvents:
    """Merge what each fragment shows at the sites of each event.

    Parameters
    ----------
    fragment, event, site : array-like of int, shape (n,)
        Numbers of the fragment, of the event and of the site that one observation belongs to; a fragment may be observed twice
        at a site (two mates that are not merged).
    is_alt : array-like of bool, shape (n,)
        The variant was seen, else the reference.  Observations of any other base do not belong here.
    n_events : int, optional
        Events in all, those without an observation too (default: the largest number plus 1).

    Returns
    -------
    PhasedEvents

    Raises
    ------
    ValueError
        Arrays of different lengths, or a number of an event that is not below `n_events`.

    References
    ----------
    Alkodsi A et al. ctDNAtools (R package), 2020: merging of mutations in phase.
    Kurtz DM et al. Enhanced detection of minimal residual disease by targeted sequencing of phased variants in circulating
    tumor DNA. Nat Biotechnol 2021; 39: 1537. doi:10.1038/s41587-021-00981-w

    Examples
    --------
    Two sites of one event: a fragment with both variants, one with a variant and the reference, one with a reference.

    >>> found = phased_events([1, 1, 2, 2, 3], [0] * 5, [10, 11, 10, 11, 10], [True, True, True, False, False])
    >>> found.alt.tolist(), found.ref.tolist(), found.alt_several.tolist(), found.discarded.tolist()
    ([1], [2], [1], [1])
    >>> round(found.purification, 4)
    0.6667
    """
    f, e, s = (np.asarray(x, dtype=np.int64).ravel() for x in (fragment, event, site))
    a = np.asarray(is_alt, dtype=bool).ravel()
    if not f.size == e.size == s.size == a.size:
        raise ValueError("fragment, event, site and is_alt: one value each per observation")
    n = int(e.max(initial=-1)) + 1 if n_events is None else n_events
    if e.size and (e.min() < 0 or e.max() >= n):
        raise ValueError(f"event: a number outside 0..{n - 1}")
    # one row per event, fragment and site, then one per event and fragment
    order = np.lexsort((s, f, e))
    f, e, s, a = f[order], e[order], s[order], a[order]
    new_look = np.ones(f.size, dtype=bool)
    new_look[1:] = (f[1:] != f[:-1]) | (e[1:] != e[:-1])
    new_site = new_look.copy()
    new_site[1:] |= s[1:] != s[:-1]
    look = np.cumsum(new_look) - 1
    at_site = np.cumsum(new_site) - 1
    n_looks = int(look[-1]) + 1 if f.size else 0
    look_of_site = look[new_site]
    alt_at_site = np.bincount(at_site, weights=a, minlength=look_of_site.size) > 0
    sites = np.bincount(look_of_site, minlength=n_looks)
    alt_sites = np.bincount(look_of_site, weights=alt_at_site, minlength=n_looks)
    has_ref = np.bincount(look, weights=~a, minlength=n_looks) > 0
    has_alt = alt_sites > 0
    of_event = e[new_look]

    def count(mask: NDArray[np.bool_]) -> IntArray:
        return np.bincount(of_event[mask], minlength=n).astype(np.int64)

    pure = has_alt & ~has_ref
    return PhasedEvents(
        count(has_ref),
        count(pure),
        count(np.ones(n_looks, dtype=bool)),
        count(sites > 1),
        count(pure & (alt_sites > 1)),
        count(has_alt & has_ref),
        int(np.unique(f).size),
    )
