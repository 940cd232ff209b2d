"""Cohort and effects -> emergence: which variants appear, grow, shrink or vanish between baseline and later samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.ctdna.support import VARIANT, baseline_of, with_counts
from resistance.schemas import EMERGENCE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Ctdna

#: a variant counts as missed for want of depth when it would have been seen with less than this probability
POWER = 0.95
_MATERIALS = ("plasma", "tumour", "bone_marrow")
#: classes that change no protein: another gene's effect of the same variant is named first
_SILENT = ("synonymous", "noncoding", "other")


def find_emergence(cohort: Cohort, effects: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Compare every later sample with the patient's baseline sample of the same material.

    Plasma is compared with plasma and tumour with tumour, because tumour content makes their VAFs
    incomparable; a later sample without a baseline of its material is not compared.  Per variant
    seen in either: Fisher's exact test of mutant against other reads, Benjamini-Hochberg within the
    patient.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema EFFECTS, for gene and protein change.
    settings : config.Ctdna
        ``emergence_fdr``, ``emergence_min_later_vaf``, ``detection_alt_count``, and
        ``background_error_rate``: callers that force a genotype on every sample (Mutect2 does) call a
        variant where they read a single error.

    Returns
    -------
    DataFrame
        Schema EMERGENCE.  ``change`` is

        - *emergent*: seen in no baseline or germline sample of the patient with more reads than
          sequencing errors explain, and the baseline was deep enough to have shown the later VAF with
          probability .95;
        - *expanding*, *shrinking*: a significant rise or fall of a variant known at baseline;
        - *cleared*: seen at baseline, not later, where the later depth would have shown it;
        - *stable*: no change beyond chance;
        - *not_assessable*: depth not known or too low on one side.

        Where a sample has no row for a variant and its coverage says that the gene was assayed, the
        lower quartile of the depths of that sample's calls stands for the unknown depth (noted); the
        depth column stays NA.
    """
    import pandas as pd

    pairs = _pairs(cohort.samples)
    if pairs.empty:
        return empty(EMERGENCE)
    counted = with_counts(cohort.calls)
    frame = _side_by_side(pairs, counted)
    if frame.empty:
        return empty(EMERGENCE)
    named = _names(effects)
    frame = frame.merge(named, on=VARIANT, how="left")
    frame["baseline_stray"] = _stray(frame["baseline_mutant"], frame["baseline_reads"], settings.background_error_rate)
    stray = _stray(counted["mutant"], counted["reads"], settings.background_error_rate)
    frame["known_before"] = _known_before(frame, cohort, counted[~stray])
    for side in ("baseline", "later"):
        frame[f"{side}_used"] = _usable_depth(frame, side, counted, cohort.coverage)
    frame = _tested(frame)
    verdicts = [_verdict(row, settings) for row in frame.to_dict("records")]
    frame["change"] = [change for change, _ in verdicts]
    frame["note"] = pd.array([note for _, note in verdicts], dtype="object")
    frame = frame.rename(
        columns={
            "later_sample_id": "sample_id",
            "baseline_reads": "baseline_depth",
            "baseline_mutant": "baseline_alt_count",
            "baseline_fraction": "baseline_vaf",
            "later_reads": "later_depth",
            "later_mutant": "later_alt_count",
            "later_fraction": "later_vaf",
        }
    )
    frame = frame.sort_values(["patient_id", "_order", "sample_id", *VARIANT], kind="stable")
    return conform(frame[[name for name in EMERGENCE.names if name in frame]], EMERGENCE)


def _pairs(samples: pd.DataFrame) -> pd.DataFrame:
    """Return later and baseline sample of each comparison: patient_id, *_sample_id, timepoint, day, _order."""
    usable = samples[samples["material"].isin(_MATERIALS)]
    first = baseline_of(usable, ["patient_id", "material"])[["patient_id", "material", "sample_id"]]
    later = usable[usable["timepoint"] != "baseline"]
    pairs = later.merge(first, on=["patient_id", "material"], suffixes=("", "_first"))
    pairs = pairs.rename(columns={"sample_id": "later_sample_id", "sample_id_first": "baseline_sample_id"})
    pairs = pairs.sort_values(["patient_id", "day", "later_sample_id"], kind="stable", na_position="last").reset_index(drop=True)
    pairs["_order"] = range(len(pairs))
    return pairs[["patient_id", "later_sample_id", "baseline_sample_id", "timepoint", "day", "_order"]]


def _side_by_side(pairs: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Return one row per comparison and variant that is seen on either side, with the counts of both."""
    sides = []
    for side in ("baseline", "later"):
        calls = counted.rename(
            columns={"sample_id": f"{side}_sample_id", **{x: f"{side}_{x}" for x in ("reads", "mutant", "fraction", "seen")}}
        )
        sides.append(pairs[["later_sample_id", "baseline_sample_id"]].merge(calls, on=f"{side}_sample_id"))
    keys = ["later_sample_id", "baseline_sample_id", *VARIANT]
    both = sides[0].merge(sides[1], on=keys, how="outer")
    for side in ("baseline", "later"):
        both[f"{side}_row"] = both[f"{side}_seen"].notna()
        both[f"{side}_seen"] = both[f"{side}_seen"].eq(True)
    both = both[both["baseline_seen"] | both["later_seen"]]
    return pairs.merge(both, on=["later_sample_id", "baseline_sample_id"]).reset_index(drop=True)


def _names(effects: pd.DataFrame) -> pd.DataFrame:
    """Return one gene and protein change per variant: of the gene whose protein it changes, where there is one."""
    ranked = effects.assign(_silent=effects["effect_class"].isin(_SILENT), _unnamed=effects["hgvsp"].isna())
    ranked = ranked.sort_values([*VARIANT, "_silent", "_unnamed", "gene"], kind="stable")
    return ranked.drop_duplicates(VARIANT)[[*VARIANT, "gene", "hgvsp"]]


def _known_before(frame: pd.DataFrame, cohort: Cohort, counted: pd.DataFrame) -> pd.Series:
    """Return the material in which the variant was seen before treatment beside the compared baseline sample (NA: none)."""
    before = cohort.samples[(cohort.samples["timepoint"] == "baseline") | (cohort.samples["material"] == "germline")]
    found = counted[counted["seen"]].merge(before[["sample_id", "patient_id", "material"]], on="sample_id")
    found = found.sort_values("material", kind="stable").drop_duplicates(["patient_id", *VARIANT])
    merged = frame[["patient_id", *VARIANT]].merge(found, on=["patient_id", *VARIANT], how="left")
    return merged["material"].set_axis(frame.index)


def _stray(mutant: pd.Series, reads: pd.Series, error_rate: float) -> pd.Series:
    """Return where the mutant reads are no more than errors explain (one-sided binomial p > .05; no counts: not stray)."""
    from scipy.stats import binom

    known = mutant.notna() & reads.notna()
    chance = binom.sf(mutant.fillna(0) - 1, reads.fillna(0), error_rate)
    return known & (mutant > 0) & (chance > 1 - POWER)


def _usable_depth(frame: pd.DataFrame, side: str, counted: pd.DataFrame, coverage: pd.DataFrame) -> pd.Series:
    """Return the depth to reckon with: as read; else, where the gene was assayed, the lower quartile of the sample's depths."""
    import pandas as pd

    # called sites are on the whole read more deeply than sites without a call: the quartile is on the safe side
    typical = counted.groupby("sample_id")["reads"].quantile(0.25)
    assayed = coverage.loc[coverage["kind"] == "mutation", ["sample_id", "gene"]]
    pairs = pd.MultiIndex.from_frame(assayed)
    sample = frame[f"{side}_sample_id"]
    whole = sample.isin(assayed.loc[assayed["gene"] == "*", "sample_id"])
    in_gene = pd.Series(pd.MultiIndex.from_arrays([sample, frame["gene"]]).isin(pairs), index=frame.index)
    # a row without a depth says that the caller looked, not how deeply: only a site without a row is taken as not called
    fallback = sample.map(typical).where((whole | in_gene) & ~frame[f"{side}_row"])
    return frame[f"{side}_reads"].fillna(fallback.astype("float64").round())


def _tested(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with p_value and q_value, NA where a side has no counts."""
    import numpy as np
    import pandas as pd
    from scipy.stats import false_discovery_control, fisher_exact

    out = frame.copy()
    for side in ("baseline", "later"):
        # a site that was read or assayed and has no row has no mutant read
        absent = out[f"{side}_used"].notna() & ~out[f"{side}_row"]
        out[f"{side}_count"] = out[f"{side}_mutant"].mask(absent, 0.0).where(out[f"{side}_used"].notna())
    countable = out["baseline_count"].notna() & out["later_count"].notna()
    cache: dict[tuple[int, int, int, int], float] = {}
    p_values = pd.Series(np.nan, index=out.index)
    for index, a, m, b, n in (
        out.loc[countable, ["baseline_count", "baseline_used", "later_count", "later_used"]].astype(int).itertuples(name=None)
    ):
        if (a, m, b, n) not in cache:
            cache[a, m, b, n] = min(1.0, float(fisher_exact([[a, b], [m - a, n - b]]).pvalue))
        p_values[index] = cache[a, m, b, n]
    out["p_value"] = p_values
    out["q_value"] = np.nan
    for _, group in out[countable].groupby("patient_id"):
        out.loc[group.index, "q_value"] = false_discovery_control(group["p_value"].to_numpy(), method="bh")
    return out


def _verdict(row: dict[str, Any], settings: Ctdna) -> tuple[str, str | None]:
    """Return the class of one comparison and what to know about it."""
    notes: list[str] = []
    for side in ("baseline", "later"):
        if math.isnan(row[f"{side}_used"]):
            why = "a call without depth" if row[f"{side}_row"] else "no row for this variant, no coverage that holds the gene"
            return "not_assessable", f"depth of the {side} sample is not known ({why})"
        if math.isnan(row[f"{side}_count"]):
            return "not_assessable", f"mutant reads of the {side} sample are not known"
        if not row[f"{side}_row"]:
            notes.append(
                f"no row in the {side} sample: taken as 0 of {row[f'{side}_used']:.0f} reads, the lower quartile of its depths"
            )

    def words(*more: str) -> str | None:
        return "; ".join([*notes, *more]) or None

    before, after = row["baseline_count"] / row["baseline_used"], row["later_count"] / row["later_used"]
    significant = row["q_value"] <= settings.emergence_fdr
    if before == 0 or after == 0:
        seen, reads, when = (after, row["baseline_used"], "baseline") if before == 0 else (before, row["later_used"], "later")
        missed = (1 - seen) ** reads
        if missed > 1 - POWER:
            return "not_assessable", words(f"{reads:.0f} {when} reads miss a VAF of {seen:.3g} with probability {missed:.2f}")
    if not significant:
        return "stable", words("no change beyond chance")
    if after == 0:
        return "cleared", words()
    if before > 0 and not (row["baseline_stray"] and after > before):
        return ("expanding" if after > before else "shrinking"), words()
    if before > 0:
        notes.append(
            f"{row['baseline_count']:.0f} of {row['baseline_used']:.0f} reads at baseline, no more than sequencing errors"
        )
    if isinstance(row["known_before"], str):
        return "expanding", words(f"not new: seen in the {row['known_before'].replace('_', ' ')} before treatment")
    if row["later_count"] < settings.detection_alt_count or after < settings.emergence_min_later_vaf:
        return "stable", words(
            f"below the least later VAF ({settings.emergence_min_later_vaf:g}) or read count of an emergent variant"
        )
    return "emergent", words()
