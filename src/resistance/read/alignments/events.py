"""Alleles of fragments at several sites -> counts of phased variants as one event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: columns that :func:`event_counts` gives
EVENT_COLUMNS = ("event_fragments", "event_alt", "event_mixed", "event_multi", "event_alt_multi")


def event_counts(alleles: pd.DataFrame, event: pd.Series) -> pd.DataFrame:
    """Count, per event, the fragments that carry its variants.

    A fragment that covers several variants of one copy should show all of them: one that shows a reference allele at
    another site of the event is an error, and supports the reference (ctDNAtools, doi 10.1101/2020.01.27.912790).

    Parameters
    ----------
    alleles : DataFrame
        From :func:`resistance.read.alignments.count.fragment_alleles`: fragment, variant (label in the index of `event`) and
        allele ('ref', 'alt', 'other', 'discordant').
    event : Series of str
        Event of each variant; NA: none.

    Returns
    -------
    DataFrame
        One row per event that has a fragment, indexed by it, sorted:

        event_fragments
            Fragments with the reference or the variant at one of its sites at least.
        event_alt
            Of these with a variant and no reference allele, nor mates that disagree, at any of its sites.
        event_mixed
            Of these with a variant at one site and the reference allele at another: errors, counted as reference.
        event_multi
            Of these over two of its sites or more.
        event_alt_multi
            Of `event_alt` with the variant at two sites or more: not explained by one error.

    Examples
    --------
    >>> import pandas as pd
    >>> alleles = pd.DataFrame({"fragment": [1, 1, 2, 2, 3], "variant": [0, 1, 0, 1, 0], "allele": ["alt", "alt", "alt", "ref", "ref"]})
    >>> event_counts(alleles, pd.Series(["x", "x"])).loc["x"].tolist()
    [3, 1, 1, 2, 1]
    """
    import pandas as pd

    rows = alleles.assign(event=alleles["variant"].map(event)).dropna(subset=["event"])
    flags = pd.DataFrame(
        {"event": rows["event"], "fragment": rows["fragment"]}
        | {word: (rows["allele"] == word).astype("int64") for word in ("ref", "alt", "discordant")}
    )
    each = flags.groupby(["event", "fragment"], sort=True).sum()
    shown = each["ref"] + each["alt"]
    carries = (each["alt"] > 0) & (each["ref"] == 0) & (each["discordant"] == 0)
    columns = {
        "event_fragments": shown > 0,
        "event_alt": carries,
        "event_mixed": (each["alt"] > 0) & (each["ref"] > 0),
        "event_multi": shown > 1,
        "event_alt_multi": carries & (each["alt"] > 1),
    }
    return pd.DataFrame(columns, index=each.index).astype("int64").groupby(level="event", sort=True).sum()
