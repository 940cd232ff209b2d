"""Background table, samples and variants -> the share of reads that shows each variant by error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_COMPLEMENT = str.maketrans("ACGT", "TGCA")
#: wrong bases that one rate for all errors of a position is shared by
_WRONG_BASES = 3


def background_rates(
    samples: pd.Series, ref: pd.Series, alt: pd.Series, background: pd.DataFrame | None, usual: float
) -> pd.Series:
    """Return the background rate of each sample and variant.

    Parameters
    ----------
    samples, ref, alt : Series
        One row per sample and variant; alleles may be NA.
    background : DataFrame or None
        Schema BACKGROUND.  A substitution has the rate of its own kind over all contexts, on either
        strand; without it a third of the sample's one rate.
    usual : float
        Rate where the table says nothing, and of indels, for which there is none.

    Returns
    -------
    Series
        On the index of `samples`.
    """
    import pandas as pd

    if background is None or background.empty:
        return pd.Series(usual, index=samples.index, dtype="float64")
    counted = background[background["depth"] > 0]
    per_kind = counted[counted["substitution"] != "all"].groupby(["sample_id", "substitution"])[["errors", "depth"]].sum()
    rates = (per_kind["errors"] / per_kind["depth"]).astype("float64")
    whole = (
        counted[counted["substitution"] == "all"].drop_duplicates("sample_id").set_index("sample_id")["rate"].astype("float64")
    )
    one_base = [x.astype("string").str.fullmatch("[ACGT]").fillna(False).astype(bool) for x in (ref, alt)]
    word = ref.astype("object").str.cat(alt.astype("object"), sep=">")
    mirrored = word.map(lambda x: x.translate(_COMPLEMENT), na_action="ignore")
    found = pd.Series(float("nan"), index=samples.index)
    for kind in (word, mirrored):
        at = pd.MultiIndex.from_arrays([samples.astype("object"), kind.astype("object")])
        found = found.fillna(pd.Series(rates.reindex(at).to_numpy(), index=samples.index))
    found = found.fillna(samples.map(whole) / _WRONG_BASES).where(one_base[0] & one_base[1])
    return found.fillna(usual)
