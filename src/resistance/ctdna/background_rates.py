"""Background table, samples and variants -> the share of reads that shows each variant by error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.ctdna.background import error_rates

if TYPE_CHECKING:
    import pandas as pd

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def background_rates(
    samples: pd.Series, ref: pd.Series, alt: pd.Series, background: pd.DataFrame | None, usual: float
) -> pd.Series:
    """Return the background rate of each sample and variant.

    Parameters
    ----------
    samples, ref, alt : Series
        One row per sample and variant; alleles may be NA.
    background : DataFrame or None
        Schema BACKGROUND.  A substitution has the rate of its own kind over all contexts (drawn towards the sample's, so that
        none seen is not none), else of the same on the other strand, else a third of the sample's one rate; several bases at
        once the largest rate of one of them; an insertion or deletion the rate of its kind
        (:func:`resistance.ctdna.background.error_rates`).
    usual : float
        Rate where the table says nothing, and of alleles that are NA.

    Returns
    -------
    Series
        On the index of `samples`.
    """
    import pandas as pd

    if background is None or background.empty:
        return pd.Series(usual, index=samples.index, dtype="float64")
    whole = background[(background["context"] == "all") & (background["depth"] > 0)]
    # the same substitution as it is read on the other strand stands in where the table has only one of the two
    kinds = whole["substitution"].str.fullmatch("[ACGT]>[ACGT]")
    mirrored = whole[kinds].assign(substitution=whole.loc[kinds, "substitution"].map(lambda x: x.translate(_COMPLEMENT)))
    every = pd.concat([whole, mirrored], ignore_index=True).drop_duplicates(["sample_id", "substitution"])
    asked = pd.DataFrame({"sample_id": samples, "ref": ref, "alt": alt}).astype("object")
    unique = asked.dropna().drop_duplicates()
    of_sample = dict(list(every.groupby("sample_id")))
    parts = [
        error_rates(group, of_sample[sample], level="substitution")
        for sample, group in unique.groupby("sample_id", sort=False)
        if sample in of_sample
    ]
    if not parts:
        return pd.Series(usual, index=samples.index, dtype="float64")
    rates = pd.concat(parts)[["sample_id", "ref", "alt", "error_rate"]]
    found = asked.reset_index(drop=True).merge(rates, on=["sample_id", "ref", "alt"], how="left")["error_rate"]
    return found.astype("float64").fillna(usual).set_axis(samples.index)
