"""Cohort (samples, calls) -> quantity: how much ctDNA each plasma sample holds, with its limit of detection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resistance.ctdna.support import VARIANT, in_germline, in_time, with_counts
from resistance.schemas import QUANTITY
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Ctdna

#: material in which the variants of the tumour itself are found
TUMOUR = ("tumour", "bone_marrow")
_CONFIDENCE = 0.95


def quantify(cohort: Cohort, settings: Ctdna) -> pd.DataFrame:
    """Quantify ctDNA in every plasma sample over the variants that are followed in its patient.

    Followed are the variants with support in the patient's baseline tumour (or bone marrow); where
    that gives none, those of the first plasma sample.  A variant that is also seen in germline
    material (inherited, or clonal haematopoiesis) is not followed.  A followed variant counts in a
    sample only when its depth there is known; without a row it was not assessed, which is not zero.

    Parameters
    ----------
    cohort : Cohort
    settings : config.Ctdna
        ``convention_pg_per_haploid_genome`` (3.3 pg: 1 ng = 303 haploid genome equivalents,
        Devonshire 2014, PMC4182654) and ``detection_alt_count``.

    Returns
    -------
    DataFrame
        Schema QUANTITY, one row per plasma sample, patients in the order of their names, samples in
        time.  ``hge_per_ml`` = mean VAF x cfDNA (ng/mL) / (pg per genome / 1000); NA, with the
        reason in ``note``, where the mass is not known.
    """
    import pandas as pd

    plasma = in_time(cohort.samples[cohort.samples["material"] == "plasma"])
    if plasma.empty:
        return empty(QUANTITY)
    counted = with_counts(cohort.calls)
    followed, origins = tracked_variants(cohort, counted)
    of_patient = dict(list(followed.groupby("patient_id")))
    of_sample = dict(list(counted.groupby("sample_id")))
    nothing = followed.iloc[:0]
    rows = []
    for sample in plasma.to_dict("records"):
        wanted = of_patient.get(sample["patient_id"], nothing)
        here = of_sample.get(sample["sample_id"], counted.iloc[:0])
        assessed = here.merge(wanted[VARIANT], on=VARIANT)
        assessed = assessed[assessed["reads"].notna() & assessed["mutant"].notna()]
        rows.append(_row(sample, len(wanted), assessed, origins.get(sample["patient_id"], ""), settings))
    return conform(pd.DataFrame(rows), QUANTITY)


def tracked_variants(cohort: Cohort, counted: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the variants followed in each patient (patient_id and variant), and what to know about their origin."""
    ordered = in_time(cohort.samples)
    is_tumour = ordered["material"].isin(TUMOUR) & (ordered["timepoint"] == "baseline")
    is_plasma = ordered["material"] == "plasma"
    is_first = is_plasma & ~ordered["patient_id"].where(is_plasma).duplicated()
    sources = ordered.assign(is_tumour=is_tumour).loc[is_tumour | is_first, ["sample_id", "patient_id", "timepoint", "is_tumour"]]
    found = counted[counted["seen"]].merge(sources, on="sample_id")
    germline = in_germline(cohort, counted).assign(is_germline=True)
    found = found.merge(germline, on=["patient_id", *VARIANT], how="left")
    found = found[found["is_germline"].isna()]
    # plasma gives the variants only where the tumour gives none
    found = found[found["is_tumour"] | ~found["patient_id"].isin(found.loc[found["is_tumour"], "patient_id"])]
    origins = {
        patient: "variants followed from this patient's first plasma sample (no baseline tumour variant): the level there is "
        "biased upwards, and a variant below its detection limit is missed"
        + ("" if timepoint == "baseline" else "; the first plasma sample is not a baseline sample")
        for patient, timepoint, tumour in zip(found["patient_id"], found["timepoint"], found["is_tumour"], strict=True)
        if not tumour
    }
    followed = found[["patient_id", *VARIANT]].drop_duplicates().sort_values(["patient_id", *VARIANT], kind="stable")
    return followed.reset_index(drop=True), origins


def _row(sample: dict[str, Any], n_tracked: int, assessed: pd.DataFrame, origin: str, settings: Ctdna) -> dict[str, Any]:
    import math

    import pandas as pd

    row = {name: sample[name] for name in ("patient_id", "sample_id", "timepoint", "day")}
    row |= {"n_tracked": n_tracked, "n_assessed": len(assessed)}
    notes = [origin] if origin else []
    if n_tracked == 0:
        return row | {"note": "no variant to follow: none was seen in a baseline tumour or in the first plasma sample"}
    if assessed.empty:
        notes.append(
            f"none of the {n_tracked} followed variants has a known depth in this sample: not assessed, which is not zero"
        )
        return row | {"note": "; ".join(notes)}
    if len(assessed) < n_tracked:
        notes.append(f"{n_tracked - len(assessed)} of {n_tracked} followed variants were not assessed here and do not count")
    depths = assessed["reads"].astype(int).tolist()
    mutant, depth = int(assessed["mutant"].sum()), sum(depths)
    mean = float(assessed["fraction"].mean())
    low, high = pooled_interval(mutant, depth)
    if not low <= mean <= high:
        notes.append("depths differ so much that the mean VAF lies outside the interval of the pooled fraction")
    lod = detection_limit(depths, settings.detection_alt_count)
    n_detected = int((assessed["mutant"] >= settings.detection_alt_count).sum())
    row |= {"n_detected": n_detected, "mean_vaf": mean, "mean_vaf_ci_low": low, "mean_vaf_ci_high": high, "lod_vaf": lod}
    row["detected"] = n_detected > 0
    mass = sample["cfdna_ng_per_ml"]
    if pd.isna(mass):
        notes.append("cfDNA mass per mL plasma is not known: no genome equivalents")
    else:
        genomes_per_ml = float(mass) / (settings.convention_pg_per_haploid_genome / 1000)
        row["hge_per_ml"], row["lod_hge_per_ml"] = mean * genomes_per_ml, lod * genomes_per_ml
        if mean > 0 and genomes_per_ml > 0:
            row["log10_hge_per_ml"] = math.log10(mean * genomes_per_ml)
        if pd.notna(sample["plasma_ml"]) and max(depths) > genomes_per_ml * float(sample["plasma_ml"]):
            notes.append(
                f"depth exceeds the {genomes_per_ml * float(sample['plasma_ml']):.0f} genomes of the plasma: "
                "the detection limit is better on paper than in the tube"
            )
    return row | {"note": "; ".join(notes) or None}


def pooled_interval(mutant: int, depth: int) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) 95 % interval of `mutant` of `depth` reads.

    Examples
    --------
    >>> low, high = pooled_interval(0, 100)
    >>> low, round(high, 6)
    (0.0, 0.036217)
    """
    from scipy.stats import beta

    tail = (1 - _CONFIDENCE) / 2
    low = 0.0 if mutant == 0 else float(beta.ppf(tail, mutant, depth - mutant + 1))
    high = 1.0 if mutant == depth else float(beta.ppf(1 - tail, mutant + 1, depth - mutant))
    return low, high


def detection_limit(depths: Sequence[int], alt_count: int = 1) -> float:
    """Return the VAF that at least one of the variants would have shown with probability .95.

    Parameters
    ----------
    depths : sequence of int
        Reads at each followed variant.
    alt_count : int
        Reads of one variant that count as detected.  With 1 this is the f of
        1 - (1 - f) ** sum(depths) = .95; sequencing error is not part of it.

    Returns
    -------
    float
        Fraction 0..1; 1 where no variant is deep enough to be detected at all.

    Examples
    --------
    >>> round(detection_limit([29957]), 6)
    0.0001
    """
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import binom

    if alt_count == 1:
        return float(-np.expm1(np.log1p(-_CONFIDENCE) / sum(depths)))
    reads = np.asarray(depths)
    if reads.max() < alt_count:
        return 1.0

    def missed(vaf: float) -> float:
        return float(np.prod(binom.cdf(alt_count - 1, reads, vaf)) - (1 - _CONFIDENCE))

    return float(brentq(missed, 0.0, 1.0, xtol=1e-12))
