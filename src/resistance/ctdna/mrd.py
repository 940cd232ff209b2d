"""Cohort, counts in the alignments and background -> tests for minimal residual disease in every plasma sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.ctdna.background_rates import background_rates
from resistance.ctdna.followed import tracked_variants
from resistance.ctdna.mrd_tests import SampleSites, run_tests, site_p_values
from resistance.ctdna.quantity import TUMOUR
from resistance.ctdna.support import VARIANT, in_time, with_counts
from resistance.schemas import MRD, MRD_SITES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Ctdna
    from resistance.ctdna.followed import Followed

#: wrong bases that the rate of a sample is shared by
_WRONG_BASES = 3
_EVENT_COLUMNS = ("event", "event_fragments", "event_alt", "event_multi")


def find_mrd(
    cohort: Cohort,
    settings: Ctdna,
    *,
    followed: Followed | None = None,
    pileup: pd.DataFrame | None = None,
    background: pd.DataFrame | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test every plasma sample for the variants that are followed in its patient.

    Parameters
    ----------
    cohort : Cohort
    settings : config.Ctdna
        ``mrd``; and ``background_error_rate``, the rate per allele of samples without a measured background.
    followed : Followed, optional
        What :func:`resistance.ctdna.followed.follow` chose; default: by its default rules.
    pileup : DataFrame, optional
        Schema PILEUP.  A sample without a row in it is tested by its called counts.  Samples that the cohort does not have are
        controls.
    background : DataFrame, optional
        Schema BACKGROUND.
    seed : int

    Returns
    -------
    (DataFrame, DataFrame)
        Schemas MRD (one row per plasma sample and method) and MRD_SITES (one row per plasma sample and followed variant).
        A variant without a row or with depth 0 was not assessed, which is not zero: it is listed and not used.
    """
    import pandas as pd

    plasma = in_time(cohort.samples[cohort.samples["material"] == "plasma"])
    if plasma.empty:
        return empty(MRD), empty(MRD_SITES)
    counted = with_counts(cohort.calls)
    chosen, origins = tracked_variants(cohort, counted) if followed is None else (followed.variants, followed.notes)
    tracked = chosen.merge(_tumour_vafs(cohort, counted), on=["patient_id", *VARIANT], how="left")
    counts = _counts(counted, pileup, plasma)
    sites = (
        plasma[["patient_id", "sample_id"]].merge(tracked, on="patient_id").merge(counts, on=["sample_id", *VARIANT], how="left")
    )
    sites = with_events(with_rates(sites, background, settings), settings)
    order = {name: i for i, name in enumerate(plasma["sample_id"])}
    sites = (
        sites.assign(_order=sites["sample_id"].map(order)).sort_values(["_order", *VARIANT], kind="stable").reset_index(drop=True)
    )
    controls = None if pileup is None else pileup[~pileup["sample_id"].isin(cohort.samples["sample_id"])]
    by_sample = dict(list(sites.groupby("sample_id", sort=False)))
    problems, rows = {}, []
    for sample in plasma["sample_id"]:
        mine = by_sample.get(sample, sites.iloc[:0])
        problems[sample] = sample_sites(mine[mine["first"] & mine["used"]], controls)
    tested = run_tests(problems, settings.mrd, seed).set_index(["sample_id", "method"])
    n_tracked = tracked.groupby("patient_id").size()
    for sample in plasma.to_dict("records"):
        mine = by_sample.get(sample["sample_id"], sites.iloc[:0])
        n = int(n_tracked.get(sample["patient_id"], 0))
        used = mine[mine["used"]]
        said = _notes(n, mine, origins.get(sample["patient_id"], ""))
        for method in settings.mrd.methods:
            found = tested.loc[(sample["sample_id"], method)].dropna().to_dict()
            row: dict[str, Any] = {name: sample[name] for name in ("patient_id", "sample_id", "timepoint", "day")}
            row |= {"method": method, "n_tracked": n} | found
            if len(used):
                row |= {"unit": used["unit"].iloc[0], "background": "; ".join(sorted(set(used["rate_from"])))}
            rows.append(row | {"note": "; ".join([*said, *([found["note"]] if "note" in found else [])]) or None})
    return conform(pd.DataFrame(rows), MRD), _site_table(sites, problems)


def _tumour_vafs(cohort: Cohort, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the largest VAF of each patient's variants in baseline tumour material: patient_id, variant, tumour_vaf."""
    samples = cohort.samples
    tumour = samples.loc[samples["material"].isin(TUMOUR) & (samples["timepoint"] == "baseline"), ["sample_id", "patient_id"]]
    found = counted[counted["seen"]].merge(tumour, on="sample_id")
    found = found.groupby(["patient_id", *VARIANT], as_index=False)["fraction"].max()
    return found.rename(columns={"fraction": "tumour_vaf"})


def _counts(counted: pd.DataFrame, pileup: pd.DataFrame | None, plasma: pd.DataFrame) -> pd.DataFrame:
    """Return depth, alt_count, unit and event of each sample and variant, from the alignments where they were read."""
    import pandas as pd

    called = counted[counted["sample_id"].isin(plasma["sample_id"])]
    called = called[["sample_id", *VARIANT]].assign(depth=called["reads"], alt_count=called["mutant"], unit="reads")
    called = called.drop_duplicates(["sample_id", *VARIANT])
    if pileup is None or pileup.empty:
        return called.assign(**dict.fromkeys(_EVENT_COLUMNS, None))
    columns = ["sample_id", *VARIANT, "depth", "alt_count", "unit", *(c for c in _EVENT_COLUMNS if c in pileup)]
    parts = [pileup[columns].astype({"depth": "float64", "alt_count": "float64"})]
    other = called[~called["sample_id"].isin(pileup["sample_id"])]
    if len(other):
        parts.append(other)
    return pd.concat(parts, ignore_index=True).reindex(
        columns=["sample_id", *VARIANT, "depth", "alt_count", "unit", *_EVENT_COLUMNS]
    )


def with_rates(sites: pd.DataFrame, background: pd.DataFrame | None, settings: Ctdna) -> pd.DataFrame:
    """Return the sites with rate (per allele), precision (alpha + beta), rate_from (in words), used and why (not).

    Parameters
    ----------
    sites : DataFrame
        sample_id, depth, alt_count; ref and alt where rates are by substitution.
    background : DataFrame or None
        Schema BACKGROUND.
    settings : config.Ctdna
    """
    import numpy as np
    import pandas as pd

    out = sites.copy()
    out["used"] = (out["depth"].fillna(0) > 0) & out["alt_count"].notna()
    out["why"] = pd.Series(None, index=out.index, dtype="object")
    out.loc[out["depth"].isna() | out["alt_count"].isna(), "why"] = "not counted in this sample"
    out.loc[(out["depth"] == 0).fillna(False).astype(bool), "why"] = "not read: depth 0"
    usual, mrd = settings.background_error_rate, settings.mrd
    whole = None
    if background is not None and len(background):
        whole = background[(background["substitution"] == "all") & (background["context"] == "all") & (background["depth"] > 0)]
        whole = whole.drop_duplicates("sample_id").set_index("sample_id")
    measured = out["sample_id"].isin([] if whole is None else whole.index)
    out["precision"] = np.inf
    if mrd.rates == "substitution":
        out["rate"] = background_rates(out["sample_id"], out["ref"], out["alt"], background, usual).clip(lower=mrd.least_rate / 3)
        said = "by substitution, of the sample's own background"
    else:
        rate = pd.Series(np.nan, index=out.index) if whole is None else out["sample_id"].map(whole["rate"].astype("float64"))
        share = _WRONG_BASES if mrd.rate_per_allele == "third" else 1
        out["rate"] = (rate.clip(lower=mrd.least_rate) / share).where(measured, usual)
        said = "of the sample's own background" + (" / 3 (one of three wrong bases)" if share > 1 else ", not divided by 3")
    if whole is not None and mrd.overdispersion == "background":
        spread = out["sample_id"].map((whole["alpha"] + whole["beta"]).astype("float64"))
        out["precision"] = spread.where(spread.notna(), np.inf)
    said += ", beta-binomial" if np.isfinite(out["precision"]).any() else ""
    out["rate_from"] = np.where(measured, said, f"assumed: {usual:g} per allele, no background was measured")
    if whole is not None and mrd.rates == "sample":
        # a rate that was not seen is not 0, and what stands for it is said
        unseen = measured & (out["sample_id"].map(whole["rate"].astype("float64")) < mrd.least_rate)
        out.loc[unseen, "rate_from"] += f"; less than least_rate was seen: {mrd.least_rate:g} of any wrong base is assumed"
    return out


def with_events(sites: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Return the sites with phased variants as one event: `first` marks the row that stands for it.

    On one copy a fragment has all variants of the event or none: it counts once, with the variant where it shows one and
    nowhere the reference.  An error then passes only on fragments that reach a single site of the event.
    """
    out = sites.copy()
    out["first"] = True
    joined = out["event"].notna() & out["event_fragments"].notna() & out["used"] & out["unit"].isin(["reads", "fragments"])
    if not joined.any():
        return out
    part = out[joined]
    several = part.groupby(["sample_id", "event"])["event"].transform("size") > 1
    part = part[several]
    if part.empty:
        return out
    out.loc[part.index, "depth"] = part["event_fragments"].astype("float64")
    out.loc[part.index, "alt_count"] = part["event_alt"].astype("float64")
    for column in ("rate", "tumour_vaf"):
        out.loc[part.index, column] = part.groupby(["sample_id", "event"])[column].transform("mean")
    out.loc[part.index, "first"] = ~part.duplicated(["sample_id", "event"])
    empty_event = part.index[(part["event_fragments"] == 0).to_numpy()]
    out.loc[empty_event, "used"] = False
    out.loc[empty_event, "why"] = "not read: no fragment of the event"
    several_looks = part["event_multi"].astype("float64").fillna(0)
    if settings.mrd.phased_rate == "event":
        share = several_looks / part["event_fragments"].astype("float64").where(lambda x: x > 0)
        out.loc[part.index, "rate"] = out.loc[part.index, "rate"] * (1 - share.fillna(0))
    else:
        one = out[out["first"] & out["used"]]
        looks = one["event_multi"].astype("float64").fillna(0).where(one.index.isin(part.index), 0.0)
        share = looks.groupby(one["sample_id"]).sum() / one.groupby("sample_id")["depth"].sum()
        out["rate"] = out["rate"] * (1 - out["sample_id"].map(share).fillna(0))
    out["rate"] = out["rate"].astype("float64")
    return out


def sample_sites(mine: pd.DataFrame, controls: pd.DataFrame | None = None) -> SampleSites:
    """Return the arrays of one sample's usable sites, and of control samples at the same variants."""
    import numpy as np

    counts = None
    if controls is not None and len(controls) and len(mine):
        wanted = mine[VARIANT].reset_index(drop=True)
        stacked = []
        for _, one in controls.groupby("sample_id", sort=True):
            at = wanted.merge(one[[*VARIANT, "alt_count", "depth"]], on=VARIANT, how="left")
            stacked.append([at["alt_count"].fillna(0).astype("int64"), at["depth"].fillna(0).astype("int64")])
        counts = np.asarray(stacked, dtype=np.int64)
    return SampleSites(
        mine["alt_count"].to_numpy(dtype=np.float64).astype(np.int64),
        mine["depth"].to_numpy(dtype=np.float64).astype(np.int64),
        mine["rate"].to_numpy(dtype=np.float64),
        mine["precision"].to_numpy(dtype=np.float64),
        mine["tumour_vaf"].to_numpy(dtype=np.float64),
        counts,
    )


def _notes(n_tracked: int, mine: pd.DataFrame, origin: str) -> list[str]:
    notes = [origin] if origin else []
    if n_tracked == 0:
        return [*notes, "no variant to follow: not assessed"]
    missing = int((~mine["used"]).sum())
    if missing == n_tracked:
        return [
            *notes,
            f"none of the {n_tracked} followed variants has a known depth in this sample: not assessed, which is not zero",
        ]
    if missing:
        notes.append(f"{missing} of {n_tracked} followed variants were not assessed here and do not count")
    events = set(mine.loc[~mine["first"], "event"])
    if events:
        notes.append(
            f"{int(mine['event'].isin(events).sum())} variants lie in phased events ({len(events)}), which count once each"
        )
    if mine.loc[mine["used"], "unit"].isin(["families", "duplexes"]).any() and mine["event"].notna().any():
        notes.append("phased variants are counted apart: events are counted in fragments only")
    return notes


def _site_table(sites: pd.DataFrame, problems: dict[str, SampleSites]) -> pd.DataFrame:
    out = with_site_p(sites, problems).rename(columns={"rate": "background_rate", "why": "note"})
    return conform(out[[name for name in MRD_SITES.names if name in out]], MRD_SITES)


def with_site_p(sites: pd.DataFrame, problems: dict[str, SampleSites]) -> pd.DataFrame:
    """Return the sites with vaf and the p of each alone (NA where it was not used)."""
    import numpy as np

    out = sites.copy()
    out["p_value"] = np.nan
    for sample, mine in out[out["first"] & out["used"]].groupby("sample_id", sort=False):
        out.loc[mine.index, "p_value"] = site_p_values(problems[str(sample)])
    keys = ["sample_id", "event"]
    of_event = out["event"].notna() & out["used"]
    out.loc[of_event, "p_value"] = out[of_event].groupby(keys)["p_value"].transform("first").where(
        ~out.loc[of_event, "first"], out.loc[of_event, "p_value"]
    )  # fmt: skip
    out["vaf"] = (out["alt_count"] / out["depth"].where(out["depth"] > 0)).astype("float64")
    return out
