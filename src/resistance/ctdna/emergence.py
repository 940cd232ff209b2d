"""Cohort and effects -> emergence: which variants appear, grow, shrink or vanish between baseline and later samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.ctdna.background_rates import background_rates
from resistance.ctdna.comparison import SIDES, Counted, count_calls, known_before, pairs_of, side_by_side
from resistance.ctdna.courses import clusters
from resistance.ctdna.named import count_named
from resistance.ctdna.selection import relative_change
from resistance.schemas import EMERGENCE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Ctdna

#: what the class of a comparison follows from
_JUDGED = [
    *(f"{side}_{name}" for side in SIDES for name in ("used", "count", "row", "inferred", "critical", "missed")),
    "q_value", "q_emergent", "known_before",
]  # fmt: skip
#: a variant counts as missed for want of depth when it would have been seen with less than this probability
POWER = 0.95


def find_emergence(
    cohort: Cohort,
    effects: pd.DataFrame,
    settings: Ctdna,
    *,
    pileup: pd.DataFrame | None = None,
    background: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare every later sample with the patient's baseline sample of the same material.

    Plasma is compared with plasma and tumour with tumour, because tumour content makes their VAFs
    incomparable; a later sample without a baseline of its material is not compared.  Per variant
    seen in either, the fractions are tested for equality given the background of each library and
    what libraries differ beyond the drawing of reads (:func:`resistance.stats.paired_counts.equal_fractions`;
    Fisher's exact test where neither is assumed), and once more against the change of the tumour's
    level (:func:`resistance.ctdna.selection.relative_change`).  Benjamini-Hochberg within the patient.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema EFFECTS, for gene and protein change.
    settings : config.Ctdna
        ``emergence_fdr``, ``emergence_min_later_vaf``, ``emergence_overdispersion``, ``detection_alt_count``, and
        ``background_error_rate``: callers that force a genotype on every sample (Mutect2 does) call a
        variant where they read a single error.
    pileup : DataFrame, optional
        Schema PILEUP: counts from the alignments, taken in the place of the callers'.
    background : DataFrame, optional
        Schema BACKGROUND: error rates of each sample, in the place of ``background_error_rate``.

    Returns
    -------
    DataFrame
        Schema EMERGENCE.  ``change`` is

        - *emergent*: seen in no baseline or germline sample of the patient with more reads than
          background explains, above background later, changed (q_emergent), and the baseline was deep
          enough to have shown the later VAF with probability .95;
        - *expanding*, *shrinking*: a significant rise or fall of a variant known at baseline;
        - *cleared*: seen at baseline, not above background later, where the later depth would have shown it;
        - *stable*: no change beyond chance;
        - *not_assessable*: depth not known or too low on one side.

        ``selection`` says whether the variant changed more or less than the tumour's level did.

        Where a sample has no row for a variant and its coverage says that the gene was assayed, the
        lower quartile of the depths of that sample's calls stands for the unknown depth (noted); the
        depth column stays NA.
    """
    import pandas as pd

    parts = [compare(count_calls(cohort, effects, settings, pileup), settings, background)]
    if len(cohort.paired_variants):
        parts.append(compare(count_named(cohort.paired_variants, settings), settings))
    full = [part for part in parts if len(part)]
    return conform(pd.concat(full, ignore_index=True), EMERGENCE) if full else empty(EMERGENCE)


def compare(counted: Counted, settings: Ctdna, background: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the comparisons of one source of counts (see :func:`find_emergence`)."""
    import pandas as pd

    pairs = pairs_of(counted.samples)
    supported = _supported(counted, settings, background)
    frame = side_by_side(pairs, counted) if len(pairs) else pd.DataFrame()
    if frame.empty:
        return frame
    for side in SIDES:
        frame[f"{side}_background"] = background_rates(
            frame[f"{side}_sample_id"], frame["ref"], frame["alt"], background, settings.background_error_rate
        )
    frame["known_before"] = known_before(frame, counted, supported)
    frame["germline"] = frame["known_before"].eq("germline")
    frame = _with_limits(frame, settings)
    frame["baseline_known"] = frame["baseline_count"] >= frame["baseline_critical"]
    frame = _tested(frame)
    frame = frame.join(clusters(frame))
    for side, other in (("baseline", "later"), ("later", "baseline")):
        frame[f"{side}_missed"] = _missed(frame, side, other)
    verdicts = [_verdict(row, settings) for row in frame[_JUDGED].to_dict("records")]
    frame["change"] = [change for change, _ in verdicts]
    frame["note"] = pd.array([note for _, note in verdicts], dtype="object")
    frame["selection"] = _selection(frame, settings.emergence_fdr)
    frame["unit"] = frame["later_unit"].fillna(frame["baseline_unit"])
    names = {"later_sample_id": "sample_id"}
    for side in SIDES:
        names |= {f"{side}_reads": f"{side}_depth", f"{side}_mutant": f"{side}_alt_count", f"{side}_fraction": f"{side}_vaf"}
    frame = frame.rename(columns=names).sort_values(["patient_id", "_order", "sample_id", *_place(frame)], kind="stable")
    return frame[[name for name in EMERGENCE.names if name in frame]]


def _place(frame: pd.DataFrame) -> list[str]:
    return ["build", "chrom", "pos", "ref", "alt"] if frame["pos"].notna().any() else ["key"]


def _supported(counted: Counted, settings: Ctdna, background: pd.DataFrame | None) -> pd.Series:
    """Return which counts hold more mutant reads than background explains; without counts: what the caller reported."""
    from resistance.stats.overdispersed import critical_count

    counts = counted.counts
    alleles = counts[["key"]].merge(counted.names[["key", "ref", "alt"]], on="key", how="left").set_axis(counts.index)
    rate = background_rates(counts["sample_id"], alleles["ref"], alleles["alt"], background, settings.background_error_rate)
    known = counts["reads"].notna() & counts["mutant"].notna()
    least = critical_count(counts["reads"].fillna(0).to_numpy(), rate.to_numpy(), alpha=1 - POWER)
    return (counts["mutant"] >= least) | ~known


def _with_limits(frame: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Return the frame with the count that stands out of background, the limit of detection and the interval of each side."""
    from resistance.stats.overdispersed import critical_count, detectable_fraction, fraction_interval

    out = frame.copy()
    for side in SIDES:
        reads, spread = out[f"{side}_used"].to_numpy(dtype=np.float64), out[f"{side}_overdispersion"].to_numpy(dtype=np.float64)
        least = critical_count(np.nan_to_num(reads), out[f"{side}_background"].to_numpy(), alpha=1 - POWER)
        out[f"{side}_critical"] = least
        # a limit of detection also asks for the reads that the study counts as detected
        out[f"{side}_lod_vaf"] = detectable_fraction(
            reads, np.maximum(least, settings.detection_alt_count), spread, probability=POWER
        )
        low, high = fraction_interval(out[f"{side}_count"].to_numpy(dtype=np.float64), reads, spread)
        out[f"{side}_vaf_ci_low"], out[f"{side}_vaf_ci_high"] = low, high
    return out


def _tested(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its p- and q-values, NA where a side has no counts."""
    from resistance.stats.multiplicity import benjamini_hochberg
    from resistance.stats.overdispersed import upper_tail
    from resistance.stats.paired_counts import equal_fractions

    out = frame.join(relative_change(frame))
    columns = {
        f"{side} {name}": out[f"{side}_{name}"].to_numpy(dtype=np.float64)
        for side in SIDES
        for name in ("count", "used", "background", "overdispersion")
    }
    found = equal_fractions(
        columns["baseline count"],
        columns["baseline used"],
        columns["later count"],
        columns["later used"],
        background=(columns["baseline background"], columns["later background"]),
        overdispersion=(columns["baseline overdispersion"], columns["later overdispersion"]),
    )
    out["p_value"] = found.p_value
    by_background = upper_tail(
        np.nan_to_num(columns["later count"]), np.nan_to_num(columns["later used"]), columns["later background"]
    )
    new = ~out["baseline_known"] & out["p_value"].notna()
    out["p_emergent"] = np.where(new, np.fmax(found.p_value, by_background), np.nan)
    for p, q in (("p_value", "q_value"), ("p_emergent", "q_emergent"), ("relative_p_value", "relative_q_value")):
        out[q] = np.nan
        for _, group in out[out[p].notna()].groupby("patient_id"):
            out.loc[group.index, q] = benjamini_hochberg(group[p].to_numpy())
    return out


def _selection(frame: pd.DataFrame, fdr: float) -> pd.Series:
    import pandas as pd

    tested = frame["relative_q_value"].notna()
    moved = frame["relative_q_value"] <= fdr
    words = np.where(moved, np.where(frame["relative_change"] > 0, "selected", "counter_selected"), "with_tumour").astype(object)
    return pd.Series(words, index=frame.index).where(tested, None)


def _verdict(row: dict[str, Any], settings: Ctdna) -> tuple[str, str | None]:
    """Return the class of one comparison and what to know about it."""
    notes: list[str] = []
    for side in SIDES:
        if math.isnan(row[f"{side}_used"]):
            why = "a call without depth" if row[f"{side}_row"] else "no row for this variant, no coverage that holds the gene"
            return "not_assessable", f"depth of the {side} sample is not known ({why})"
        if math.isnan(row[f"{side}_count"]):
            return "not_assessable", f"mutant reads of the {side} sample are not known"
        if not row[f"{side}_row"]:
            notes.append(
                f"no row in the {side} sample: taken as 0 of {row[f'{side}_used']:.0f} reads, the lower quartile of its depths"
            )

    if row["baseline_inferred"] or row["later_inferred"]:
        notes.append("reads inferred from the fractions, which gives fewer rather than more")

    def words(*more: str) -> str | None:
        return "; ".join([*notes, *more]) or None

    seen = {side: row[f"{side}_count"] >= row[f"{side}_critical"] for side in SIDES}
    fraction = {side: row[f"{side}_count"] / row[f"{side}_used"] for side in SIDES}
    if not any(seen.values()):
        return "stable", words("no more than background at both times")
    for side, other in (("baseline", "later"), ("later", "baseline")):
        missed = 0.0 if seen[side] else row[f"{side}_missed"]
        if missed > 1 - POWER:
            return "not_assessable", words(
                f"{row[f'{side}_used']:.0f} {side} reads miss a VAF of {fraction[other]:.3g} with probability {missed:.2f}"
            )
    for side in SIDES:
        if not seen[side] and row[f"{side}_count"] > 0:
            when = "at baseline" if side == "baseline" else "later"
            notes.append(f"{row[f'{side}_count']:.0f} of {row[f'{side}_used']:.0f} reads {when}, no more than sequencing errors")
    if (row["q_value"] if seen["baseline"] else row["q_emergent"]) > settings.emergence_fdr:
        return "stable", words("no change beyond chance")
    if not seen["later"]:
        return "cleared", words()
    if seen["baseline"]:
        return ("expanding" if fraction["later"] > fraction["baseline"] else "shrinking"), words()
    if isinstance(row["known_before"], str):
        return "expanding", words(f"not new: seen in the {row['known_before'].replace('_', ' ')} before treatment")
    if row["later_count"] < settings.detection_alt_count or fraction["later"] < settings.emergence_min_later_vaf:
        return "stable", words(
            f"below the least later VAF ({settings.emergence_min_later_vaf:g}) or read count of an emergent variant"
        )
    return "emergent", words()


def _missed(frame: pd.DataFrame, side: str, other: str) -> np.ndarray:
    """Return the probability that this side shows no more than background where it holds the fraction of the other.

    NaN where the question does not arise: counts are not known, this side shows more, or neither does.
    """
    from resistance.stats.overdispersed import upper_tail

    of = {
        name: frame[name].to_numpy(dtype=np.float64)
        for name in (f"{x}_{y}" for x in SIDES for y in ("count", "used", "critical", "background", "overdispersion"))
    }
    seen = {x: of[f"{x}_count"] >= of[f"{x}_critical"] for x in SIDES}
    asked = np.isfinite([of[f"{x}_{y}"] for x in SIDES for y in ("count", "used")]).all(axis=0) & seen[other] & ~seen[side]
    part = {name: values[asked] for name, values in of.items()}
    expected = part[f"{side}_background"] + (1 - part[f"{side}_background"]) * (part[f"{other}_count"] / part[f"{other}_used"])
    out = np.full(len(frame), np.nan)
    out[asked] = 1.0 - upper_tail(part[f"{side}_critical"], part[f"{side}_used"], expected, part[f"{side}_overdispersion"])
    return out
