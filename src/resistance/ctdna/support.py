"""Calls -> calls with usable counts: what was read, and what was seen with how much support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: columns that name a variant
VARIANT = ["build", "chrom", "pos", "ref", "alt"]
#: time points in the order in which a patient passes them; orders samples whose day is not known
_ORDER = ("baseline", "on_treatment", "end_of_treatment", "follow_up", "relapse")


def with_counts(calls: pd.DataFrame) -> pd.DataFrame:
    """Return the calls with the counts that the ctDNA stage reckons with.

    Parameters
    ----------
    calls : DataFrame
        Schema CALLS.

    Returns
    -------
    DataFrame
        sample_id and the variant's columns; ``reads`` (depth, NA where not known or 0: nothing was
        read there), ``mutant`` (supporting reads; from VAF x depth where the file gives no count;
        NA where neither is known), ``fraction`` (0..1), and ``seen``: True where there is support,
        also for a call that the file lists without any count, False where 0 reads are stated or where
        the caller made no call (stray reads make no variant).
    """
    out = calls[["sample_id", *VARIANT]].copy()
    reads = calls["depth"].astype("float64")
    mutant = calls["alt_count"].astype("float64")
    reads = reads.where(reads > 0)
    # a file that has VAF and depth but no count (many MAFs) loses no more than rounding
    mutant = mutant.where(mutant.notna(), (calls["vaf"] * reads).round())
    # callers that filter reads differently for AD and DP can give more mutant reads than reads
    reads = reads.where(~(mutant > reads), mutant)
    out["reads"] = reads
    out["mutant"] = mutant
    out["fraction"] = (mutant / reads).where(mutant.notna() & reads.notna(), calls["vaf"])
    stated_absent = (calls["alt_count"] == 0).fillna(False).astype(bool) | (calls["alt_count"].isna() & (calls["vaf"] == 0))
    out["seen"] = ~stated_absent & (calls["filter"] != NOT_CALLED).fillna(True).astype(bool)
    return out


def in_time(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the samples of each patient in time: baseline first, then by day, time point and name."""
    order = samples.assign(
        _late=samples["timepoint"] != "baseline", _at=samples["timepoint"].map({name: i for i, name in enumerate(_ORDER)})
    )
    order = order.sort_values(["patient_id", "_late", "day", "_at", "sample_id"], na_position="last", kind="stable")
    return order.drop(columns=["_late", "_at"]).reset_index(drop=True)


def baseline_of(samples: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return one baseline sample per group of `by`: the one nearest to treatment, of those with a day where there is any."""
    first = samples[samples["timepoint"] == "baseline"]
    first = first.assign(_known=first["day"].notna()).sort_values([*by, "_known", "day", "sample_id"], kind="stable")
    return first.groupby(by, as_index=False).tail(1).drop(columns="_known").reset_index(drop=True)


def in_germline(cohort: Cohort, counted: pd.DataFrame) -> pd.DataFrame:
    """Return patient_id and variant of all that was seen in germline material (inherited, or in white cells)."""
    samples = cohort.samples.loc[cohort.samples["material"] == "germline", ["sample_id", "patient_id"]]
    found = counted[counted["seen"]].merge(samples, on="sample_id")
    return found[["patient_id", *VARIANT]].drop_duplicates().reset_index(drop=True)
