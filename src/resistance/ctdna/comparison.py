"""Samples and counts -> each later sample beside the patient's baseline of its material: one row per variant seen in either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resistance.ctdna.support import VARIANT, baseline_of, with_counts

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Ctdna

#: materials that are compared over time
MATERIALS = ("plasma", "tumour", "bone_marrow")
SIDES = ("baseline", "later")
#: classes that change no protein: another gene's effect of the same variant is named first
_SILENT = ("synonymous", "noncoding", "other")


@dataclass(frozen=True)
class Counted:
    """What was read of which variant in which sample.

    Parameters
    ----------
    samples : DataFrame
        patient_id, sample_id, material, timepoint, day, purity, overdispersion (of that library).
    counts : DataFrame
        sample_id, key (names the variant), reads, mutant, fraction, seen, unit; as
        :func:`resistance.ctdna.support.with_counts` gives them. ``inferred``: reads were worked out from the fraction.
    names : DataFrame
        One row per key: build, chrom, pos, ref, alt, gene, hgvsp (NA where the source does not say).
    depth : DataFrame
        sample_id, gene ('*': any), reads: what to reckon with where a sample has no row for a variant of that gene.
    """

    samples: pd.DataFrame
    counts: pd.DataFrame
    names: pd.DataFrame
    depth: pd.DataFrame


def count_calls(cohort: Cohort, effects: pd.DataFrame, settings: Ctdna, pileup: pd.DataFrame | None = None) -> Counted:
    """Return the counts of a cohort's calls; those of the alignments, where a variant was counted there, come first.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema EFFECTS, for gene and protein change.
    settings : config.Ctdna
    pileup : DataFrame, optional
        Schema PILEUP.
    """
    import pandas as pd

    counts = with_counts(cohort.calls, pileup, settings.background_error_rate).assign(inferred=False)
    key = _key(counts)
    named = _names(effects)
    names = pd.DataFrame(counts[VARIANT].assign(key=key).drop_duplicates("key")).merge(named, on=VARIANT, how="left")
    typical = counts.groupby("sample_id")["reads"].quantile(0.25)
    # called sites are on the whole read more deeply than sites without a call: the quartile is on the safe side
    assayed = cohort.coverage.loc[cohort.coverage["kind"] == "mutation", ["sample_id", "gene"]].drop_duplicates()
    depth = assayed.assign(reads=assayed["sample_id"].map(typical).astype("float64").round())
    return Counted(
        _libraries(cohort.samples, settings),
        counts.assign(key=key)[["sample_id", "key", "reads", "mutant", "fraction", "seen", "unit", "inferred"]],
        names,
        depth[depth["reads"].notna()],
    )


def _key(variants: pd.DataFrame) -> pd.Series:
    return variants["chrom"].str.cat([variants["pos"].astype(str), variants["ref"], variants["alt"]], sep=":")


def _libraries(samples: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Return the samples with the overdispersion of each: a library of N genomes spreads by 1 / N at least."""
    mass = samples["cfdna_ng"].fillna(samples["cfdna_ng_per_ml"] * samples["plasma_ml"])
    genomes = mass / (settings.convention_pg_per_haploid_genome / 1000)
    spread = (1.0 / genomes.where(genomes > 1)).fillna(0.0).clip(lower=settings.emergence_overdispersion)
    columns = ["patient_id", "sample_id", "material", "timepoint", "day", "purity"]
    return samples[columns].assign(overdispersion=spread.clip(upper=0.5))


def _names(effects: pd.DataFrame) -> pd.DataFrame:
    """Return one gene and protein change per variant: of the gene whose protein it changes, where there is one."""
    ranked = effects.assign(_silent=effects["effect_class"].isin(_SILENT), _unnamed=effects["hgvsp"].isna())
    ranked = ranked.sort_values([*VARIANT, "_silent", "_unnamed", "gene"], kind="stable")
    return ranked.drop_duplicates(VARIANT)[[*VARIANT, "gene", "hgvsp"]]


def pairs_of(samples: pd.DataFrame) -> pd.DataFrame:
    """Return later and baseline sample of each comparison, patients in order and samples in time.

    Returns
    -------
    DataFrame
        patient_id, material, timepoint, day, ``_order``; ``baseline_sample_id`` and ``later_sample_id``, with the
        purity and overdispersion of each.
    """
    usable = samples[samples["material"].isin(MATERIALS)]
    first = baseline_of(usable, ["patient_id", "material"])
    first = first[["patient_id", "material", "sample_id", "purity", "overdispersion"]]
    later = usable[usable["timepoint"] != "baseline"]
    pairs = later.merge(first, on=["patient_id", "material"], suffixes=("_later", "_baseline"))
    pairs = pairs.rename(
        columns={f"{name}_{side}": f"{side}_{name}" for name in ("sample_id", "purity", "overdispersion") for side in SIDES}
    )
    pairs = pairs.sort_values(["patient_id", "day", "later_sample_id"], kind="stable", na_position="last").reset_index(drop=True)
    return pairs.assign(_order=range(len(pairs)))


def side_by_side(pairs: pd.DataFrame, counted: Counted) -> pd.DataFrame:
    """Return one row per comparison and variant that is seen on either side, with the counts of both.

    Returns
    -------
    DataFrame
        The columns of `pairs` and of ``counted.names``; for each side ``_reads``, ``_mutant``, ``_fraction``, ``_seen``,
        ``_row`` (the sample has a row), ``_used`` (reads to reckon with) and ``_count`` (mutant reads to reckon with).
    """
    sides = []
    told = ("reads", "mutant", "fraction", "seen", "unit", "inferred")
    for side in SIDES:
        calls = counted.counts.rename(columns={"sample_id": f"{side}_sample_id", **{x: f"{side}_{x}" for x in told}})
        sides.append(pairs[["later_sample_id", "baseline_sample_id"]].merge(calls, on=f"{side}_sample_id"))
    both = sides[0].merge(sides[1], on=["later_sample_id", "baseline_sample_id", "key"], how="outer")
    for side in SIDES:
        both[f"{side}_row"] = both[f"{side}_seen"].notna()
        both[f"{side}_seen"] = both[f"{side}_seen"].eq(True)
        both[f"{side}_inferred"] = both[f"{side}_inferred"].eq(True)
    both = both[both["baseline_seen"] | both["later_seen"]]
    frame = pairs.merge(both, on=["later_sample_id", "baseline_sample_id"]).merge(counted.names, on="key", how="left")
    for side in SIDES:
        frame[f"{side}_used"] = _usable_depth(frame, side, counted.depth)
        # a site that was read or assayed and has no row has no mutant read
        absent = frame[f"{side}_used"].notna() & ~frame[f"{side}_row"]
        frame[f"{side}_count"] = frame[f"{side}_mutant"].mask(absent, 0.0).where(frame[f"{side}_used"].notna())
    return frame.reset_index(drop=True)


def _usable_depth(frame: pd.DataFrame, side: str, depth: pd.DataFrame) -> pd.Series:
    """Return the depth to reckon with: as read; else, where the gene was assayed, the usual depth of the sample."""
    sample = f"{side}_sample_id"
    known = depth.rename(columns={"sample_id": sample})
    whole = known[known["gene"] == "*"].drop_duplicates(sample).set_index(sample)["reads"]
    of_gene = frame[[sample, "gene"]].merge(known.drop_duplicates([sample, "gene"]), on=[sample, "gene"], how="left")["reads"]
    fallback = of_gene.set_axis(frame.index).fillna(frame[sample].map(whole))
    # a row without a depth says that the caller looked, not how deeply: only a site without a row is taken as not called
    return frame[f"{side}_reads"].fillna(fallback.where(~frame[f"{side}_row"]))


def known_before(frame: pd.DataFrame, counted: Counted, supported: pd.Series) -> pd.Series:
    """Return the material in which the variant was seen before treatment beside the compared baseline sample (NA: none).

    Parameters
    ----------
    frame : DataFrame
        From :func:`side_by_side`.
    counted : Counted
    supported : Series of bool
        Which of its counts hold more than background explains.
    """
    samples = counted.samples
    before = samples[(samples["timepoint"] == "baseline") | (samples["material"] == "germline")]
    found = counted.counts[counted.counts["seen"] & supported]
    found = found.merge(before[["sample_id", "patient_id", "material"]], on="sample_id")
    found = found.sort_values("material", kind="stable").drop_duplicates(["patient_id", "key"])
    merged = frame[["patient_id", "key"]].merge(found[["patient_id", "key", "material"]], on=["patient_id", "key"], how="left")
    return merged["material"].set_axis(frame.index)
