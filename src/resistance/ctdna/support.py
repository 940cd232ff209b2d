"""Calls -> calls with usable counts: what was read, and what was seen with how much support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: columns that name a variant
VARIANT = ["build", "chrom", "pos", "ref", "alt"]
#: material in which the variants of the tumour itself are found
TUMOUR = ("tumour", "bone_marrow")
#: time points in the order in which a patient passes them; orders samples whose day is not known
_ORDER = ("baseline", "on_treatment", "end_of_treatment", "follow_up", "relapse")


#: chance below which force-counted reads alone, without a call, make a variant seen
_FORCED = 1e-4


def with_counts(calls: pd.DataFrame, pileup: pd.DataFrame | None = None, error_rate: float = 1e-4) -> pd.DataFrame:
    """Return the calls with the counts that the ctDNA stage reckons with.

    Parameters
    ----------
    calls : DataFrame
        Schema CALLS.
    pileup : DataFrame, optional
        Schema PILEUP: where a sample was force-called, these counts stand in the place of the caller's,
        and a variant that the caller did not list is assessed.
    error_rate : float
        Share of reads that show a given wrong base by error.

    Returns
    -------
    DataFrame
        sample_id and the variant's columns; ``reads`` (depth, NA where not known or 0: nothing was
        read there), ``mutant`` (supporting reads; from VAF x depth where the file gives no count;
        NA where neither is known), ``fraction`` (0..1), ``seen``: True where there is support,
        also for a call that the file lists without any count, False where 0 reads are stated or where
        the caller made no call (stray reads make no variant); ``forced``: the counts are of the
        pile-up; ``unit`` of the counts and ``event`` (phase group within the sample, or NA).
        What the pile-up shows and no caller listed is seen only where errors would show so many
        reads with a probability below 1e-4.
    """
    import numpy as np
    import pandas as pd

    text = pd.StringDtype(na_value=np.nan)
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
    out["forced"] = False
    out["unit"] = pd.Series("reads", index=out.index, dtype=text)
    out["event"] = pd.Series(np.nan, index=out.index, dtype=text)
    if pileup is None or pileup.empty:
        return out
    return _overlaid(out, pileup, error_rate)


def read_somewhere(pileup: pd.DataFrame, called: pd.DataFrame) -> pd.DataFrame:
    """Return the pile-up without the rows that no read covers where the caller's file has reads.

    The alignments are then of a smaller panel than the calls, and a site outside of it is still the one that the caller read.
    """
    keys = ["sample_id", *VARIANT]
    known = called.loc[called["reads"].notna(), keys].drop_duplicates().assign(_known=True)
    elsewhere = pileup[keys].merge(known, on=keys, how="left")["_known"].notna().to_numpy()
    return pileup[~(elsewhere & (pileup["depth"] == 0).fillna(False).to_numpy(dtype=bool))].reset_index(drop=True)


def _overlaid(called: pd.DataFrame, pileup: pd.DataFrame, error_rate: float) -> pd.DataFrame:
    """Return the calls with the counts of the pile-up in their place, and its further rows."""
    import pandas as pd
    from scipy.stats import binom

    keys = ["sample_id", *VARIANT]
    pileup = read_somewhere(pileup, called)
    forced = pileup[[*keys, "unit", "event"]].copy()
    reads = pileup["depth"].astype("float64")
    forced["reads"] = reads.where(reads > 0)
    # nothing usable was read: neither 0 of something nor a count
    forced["mutant"] = pileup["alt_count"].astype("float64").where(reads > 0)
    forced["fraction"] = forced["mutant"] / forced["reads"]
    by_caller = forced[keys].merge(called[[*keys, "seen"]], on=keys, how="left")["seen"].set_axis(forced.index)
    chance = binom.sf(forced["mutant"].fillna(0) - 1, forced["reads"].fillna(0), error_rate)
    alone = (forced["mutant"] > 0) & (chance < _FORCED)
    forced["seen"] = by_caller.where(by_caller.notna(), alone).astype(bool)
    forced["forced"] = True
    rest = called.merge(forced[keys].assign(_there=True), on=keys, how="left")
    rest = called[rest["_there"].isna().to_numpy()]
    parts = [part for part in (rest, forced[list(called.columns)]) if len(part)]
    joined = pd.concat(parts, ignore_index=True)
    return joined.sort_values(keys, kind="stable").reset_index(drop=True)


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


def candidate_variants(cohort: Cohort, counted: pd.DataFrame) -> pd.DataFrame:
    """Return what may be followed in each patient, whatever its origin.

    Parameters
    ----------
    cohort : Cohort
    counted : DataFrame
        Of :func:`with_counts`.

    Returns
    -------
    DataFrame
        patient_id, the variant, ``is_tumour`` (seen in a tumour or bone marrow before treatment; else in the
        patient's first plasma sample) and ``timepoint`` of that sample; each variant once, the tumour first.
    """
    ordered = in_time(cohort.samples)
    is_tumour = ordered["material"].isin(TUMOUR) & (ordered["timepoint"] == "baseline")
    is_plasma = ordered["material"] == "plasma"
    is_first = is_plasma & ~ordered["patient_id"].where(is_plasma).duplicated()
    sources = ordered.assign(is_tumour=is_tumour).loc[is_tumour | is_first, ["sample_id", "patient_id", "timepoint", "is_tumour"]]
    found = counted.loc[counted["seen"], ["sample_id", *VARIANT]].merge(sources, on="sample_id")
    found = found.sort_values(["patient_id", *VARIANT, "is_tumour"], ascending=[True] * 6 + [False], kind="stable")
    return found.drop(columns="sample_id").drop_duplicates(["patient_id", *VARIANT]).reset_index(drop=True)
