"""A table of paired fractions -> counts of variants that are named by gene and protein change, with reads inferred where none are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.ctdna.comparison import Counted
from resistance.ctdna.support import VARIANT

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import Ctdna

#: fractions of one sample and assay that its usual depth needs
_LEAST = 3


def count_named(table: pd.DataFrame, settings: Ctdna) -> Counted:
    """Return the counts of a table of paired fractions.

    Parameters
    ----------
    table : DataFrame
        Schema PAIRED_VARIANTS.
    settings : config.Ctdna

    Returns
    -------
    Counted
        Reads as the table gives them; else, where it says that they may be inferred, as
        :func:`inferred_reads` does; else NA, which makes the comparison not assessable.

    Notes
    -----
    A sample without a row for a variant was not looked at there, as far as the table says.
    """
    import pandas as pd

    samples = table.drop_duplicates("sample_id")[["patient_id", "sample_id", "material", "timepoint", "day"]]
    samples = samples.assign(purity=np.nan, overdispersion=settings.emergence_overdispersion)
    reads, mutant = table["depth"].astype("float64"), table["alt_count"].astype("float64")
    inferred = table["infer_depth"].fillna(False).astype(bool) & reads.isna()
    reads = reads.where(~inferred, inferred_reads(table))
    mutant = mutant.fillna((table["vaf"] * reads).round())
    reads = reads.where(reads > 0)
    counts = pd.DataFrame(
        {
            "sample_id": table["sample_id"],
            "key": table["variant"],
            "reads": reads,
            "mutant": mutant,
            "fraction": (mutant / reads).fillna(table["vaf"]),
            "seen": ~((mutant == 0) | (table["vaf"] == 0)),
            "unit": "reads",
            "inferred": inferred & reads.notna(),
        }
    )
    names = table.drop_duplicates("variant")[["variant", "gene", "hgvsp"]].rename(columns={"variant": "key"})
    names = names.assign(**{name: pd.Series(pd.NA, index=names.index, dtype="object") for name in VARIANT})
    depth = pd.DataFrame({"sample_id": [], "gene": [], "reads": []}).astype({"sample_id": "object", "gene": "object"})
    return Counted(samples.reset_index(drop=True), counts, names, depth)


def inferred_reads(table: pd.DataFrame) -> pd.Series:
    """Return the reads that the fractions of each sample and assay let expect; NA where too few do.

    A fraction of reads, written with all digits, is a ratio of whole numbers: the reads are a multiple of
    its smallest denominator. The lower quartile of these denominators is the usual depth of the sample
    and assay (below the truth, since numerators and denominators cancel). A fraction has the smallest
    multiple of its own denominator that reaches it; a fraction of 0 or 1 the usual depth itself.
    """
    import pandas as pd

    from resistance.stats.whole_ratio import smallest_ratio

    _, denominator = smallest_ratio(table["vaf"].to_numpy(dtype=np.float64))
    whole = pd.Series(denominator, index=table.index).where(denominator > 1).astype("float64")
    group = [table["sample_id"], table["assay"].fillna("")]
    known = whole.groupby(group).transform("count")
    usual = whole.groupby(group).transform(lambda q: q.quantile(0.25)).where(known >= _LEAST)
    by_sample = whole.groupby(table["sample_id"]).transform(lambda q: q.quantile(0.25))
    usual = usual.fillna(by_sample.where(whole.groupby(table["sample_id"]).transform("count") >= _LEAST))
    return (whole * np.ceil(usual / whole).clip(lower=1)).fillna(usual.round())
