"""Cohort (samples, calls, pile-up) -> quantity: how much ctDNA each plasma sample holds, with its limit of detection."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from resistance.ctdna.copies import variant_copies
from resistance.ctdna.followed import Followed, follow, tracked_variants
from resistance.ctdna.mass import cfdna_of
from resistance.ctdna.support import TUMOUR, VARIANT, in_time
from resistance.schemas import QUANTITY
from resistance.stats.detected_reads import detection_limit, least_count
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Ctdna

__all__ = ["TUMOUR", "detection_limit", "quantify", "tracked_variants"]


def quantify(
    cohort: Cohort, settings: Ctdna, *, followed: Followed | None = None, mrd: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Quantify ctDNA in every plasma sample over the variants that are followed in its patient.

    A followed variant counts in a sample only when its depth there is known; without a row it was not
    assessed, which is not zero.  Of variants that the pile-up says lie on one molecule, the one read most
    deeply counts.

    Parameters
    ----------
    cohort : Cohort
    settings : config.Ctdna
        ``convention_pg_per_haploid_genome`` (3.3 pg: 1 ng = 303 haploid genome equivalents,
        Devonshire 2014, PMC4182654), errors of mass and volume, what counts as detected.
    followed : Followed, optional
        Of :func:`resistance.ctdna.followed.follow`; made here from the calls where not given.
    mrd : DataFrame, optional
        Schema MRD: the error rate of each sample as the tests assume it (measured, where alignments were counted)
        takes the place of ``background_error_rate``; with ``detection: mrd`` verdict and limit of detection are taken.

    Returns
    -------
    DataFrame
        Schema QUANTITY, one row per plasma sample, patients in the order of their names, samples in
        time.  ``hge_per_ml`` = mean VAF x cfDNA (ng/mL) / (pg per genome / 1000); NA, with the
        reason in ``note``, where the mass is not known.  Its interval joins that of the mean VAF
        (:func:`resistance.stats.fractions.mean_fraction`) and the stated errors of mass and volume on
        the log scale.

    Notes
    -----
    ``tumour_fraction`` is the share of cells, from the reads of clonal variants and their copies
    (:func:`resistance.stats.tumour_fraction.tumour_fraction`); where no variant has known copies, each is taken as
    heterozygous in a diploid genome (twice the VAF), which ``tumour_fraction_basis`` says.
    """
    import pandas as pd

    plasma = in_time(cohort.samples[cohort.samples["material"] == "plasma"])
    if plasma.empty:
        return empty(QUANTITY)
    chosen = follow(cohort, settings) if followed is None else followed
    wanted = chosen.variants.merge(variant_copies(cohort, chosen), on=["patient_id", *VARIANT], how="left")
    here = chosen.counted.merge(plasma[["sample_id", "patient_id"]], on="sample_id").merge(wanted, on=["patient_id", *VARIANT])
    here = here[here["reads"].notna() & here["mutant"].notna()]
    of_sample = _by_sample(here)
    n_tracked = chosen.variants.groupby("patient_id").size().to_dict()
    left_out = _left_out(chosen)
    levels = _assay_levels(cohort, settings)
    verdicts, rates = _verdicts(mrd, settings), _rates(mrd)
    rows = []
    for sample in plasma.to_dict("records"):
        patient, name = sample["patient_id"], sample["sample_id"]
        row = {key: sample[key] for key in ("patient_id", "sample_id", "timepoint", "day", "cycle")}
        row |= {"n_tracked": n_tracked.get(patient, 0), "pg_per_haploid_genome": settings.convention_pg_per_haploid_genome}
        notes = [chosen.notes[patient]] if patient in chosen.notes else []
        row["n_haematopoietic"], more = left_out.get(patient, (0, []))
        notes += more
        row |= _counted(row["n_tracked"], of_sample.get(name), settings, notes)
        _judge(row, verdicts.get(name), rates.get(name, settings.background_error_rate), settings, notes)
        row |= _mass(row, sample, settings, notes)
        row |= _assay(levels.get(name), settings, row, notes)
        rows.append(row | {"note": "; ".join(notes) or None})
    return conform(pd.DataFrame(rows).drop(columns=["_depths", "_deepest"], errors="ignore"), QUANTITY)


#: columns of the counts that one sample's row is made of
_USED = ("reads", "mutant", "fraction", "unit", "diploid_copies", "tumour_copies", "multiplicity", "subclonal", "once")


def _by_sample(here: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the counts of each sample as arrays; of variants on one molecule ``once`` marks the one read most deeply."""
    import numpy as np

    ordered = here.sort_values(
        ["sample_id", "event", "reads", *VARIANT], ascending=[True, True, False] + [True] * 5, kind="stable"
    )
    once = ordered["event"].isna() | ~ordered.duplicated(["sample_id", "event"])
    ordered = ordered.assign(once=once).sort_values(["sample_id", *VARIANT], kind="stable")
    names = ordered["sample_id"].to_numpy(dtype=object)
    edges = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if names.size else np.array([], dtype=np.intp)
    arrays = {name: ordered[name].to_numpy() for name in _USED}
    bounds = [*edges.tolist(), names.size]
    return {str(names[a]): {name: values[a:b] for name, values in arrays.items()} for a, b in itertools.pairwise(bounds)}


def _counted(n_tracked: int, every: dict[str, Any] | None, settings: Ctdna, notes: list[str]) -> dict[str, Any]:
    """Return the counts, mean and median of one sample, and its tumour fraction."""
    import numpy as np

    from resistance.stats.fractions import mean_fraction

    if n_tracked == 0:
        notes.append("no variant to follow: none was seen in a baseline tumour or in the first plasma sample")
        return {"n_assessed": 0}
    if every is None:
        notes.append(
            f"none of the {n_tracked} followed variants has a known depth in this sample: not assessed, which is not zero"
        )
        return {"n_assessed": 0}
    n_read = every["reads"].size
    if n_read < n_tracked:
        notes.append(f"{n_tracked - n_read} of {n_tracked} followed variants were not assessed here and do not count")
    once = every["once"].astype(bool)
    if not once.all():
        notes.append(f"{int((~once).sum())} variant(s) lie on one molecule with another and count once")
    found = {name: values[once] for name, values in every.items()}
    depth, mutant = found["reads"].astype(np.int64), found["mutant"].astype(np.int64)
    mean = mean_fraction(mutant, depth)
    units = sorted(set(found["unit"].tolist()))
    if len(units) > 1:
        notes.append(f"counts of different kinds: {', '.join(units)}")
    return {
        "n_assessed": int(depth.size),
        "n_detected": int((mutant >= settings.detection_alt_count).sum()),
        "alt_count": int(mutant.sum()),
        "depth": int(depth.sum()),
        "unit": "; ".join(units),
        "mean_vaf": mean.value,
        "mean_vaf_ci_low": mean.low,
        "mean_vaf_ci_high": mean.high,
        "median_vaf": float(np.median(found["fraction"])),
        "_depths": depth.tolist(),
        "_deepest": int(depth.max()),
    } | _tumour_fraction(found, notes)


def _tumour_fraction(found: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    import numpy as np

    from resistance.stats.tumour_fraction import tumour_fraction

    clonal = ~np.isnan(found["diploid_copies"]) & ~found["subclonal"].astype(bool)
    known = clonal & ~np.isnan(found["tumour_copies"])
    if known.any():
        basis, part, copies, multiplicity = "copy_number", known, found["tumour_copies"], found["multiplicity"]
    elif clonal.any():
        basis, part, copies = "diploid", clonal, found["diploid_copies"]
        multiplicity = np.ones(copies.size)
    else:
        return {}
    share = tumour_fraction(
        found["mutant"][part], found["reads"][part], copies[part], multiplicity[part], found["diploid_copies"][part]
    )
    if share.value == 1.0:
        notes.append("VAFs ask for a tumour fraction of 1 or more: copies or multiplicity are others than assumed")
    return {
        "tumour_fraction": share.value,
        "tumour_fraction_ci_low": share.low,
        "tumour_fraction_ci_high": share.high,
        "tumour_fraction_basis": basis,
    }


def _judge(row: dict[str, Any], verdict: dict[str, Any] | None, error_rate: float, settings: Ctdna, notes: list[str]) -> None:
    """Write into the row whether ctDNA is detected, and the fraction that would have been."""
    if "_depths" not in row:
        return
    depths: list[int] = row["_depths"]
    rate = 0.0 if settings.detection == "counts" else error_rate
    row["lod_vaf"] = detection_limit(depths, settings.detection_alt_count, rate)
    enough = least_count(row["depth"], rate)
    row["detected"] = row["n_detected"] > 0 and row["alt_count"] >= enough
    if settings.detection == "mrd":
        if verdict is None:
            notes.append("no verdict of the test for residual disease: detected by the counts against background_error_rate")
        else:
            row["detected"] = verdict["verdict"] == "positive"
            if not math.isnan(verdict["lod_vaf"]):
                row["lod_vaf"] = verdict["lod_vaf"]
            if not row["detected"] and row["alt_count"]:
                notes.append(f"{row['alt_count']} mutant read(s), {verdict['verdict']} by the test '{verdict['method']}'")
            return
    if not row["detected"] and row["n_detected"] > 0:
        notes.append(f"{row['alt_count']} mutant read(s) of {row['depth']}, no more than errors explain (fewer than {enough})")


def _mass(row: dict[str, Any], sample: dict[str, Any], settings: Ctdna, notes: list[str]) -> dict[str, Any]:
    """Return genome equivalents per mL with their interval."""
    from resistance.stats.fractions import Estimate, times_error

    mass = cfdna_of(sample, settings)
    out: dict[str, Any] = {"cfdna_ng_per_ml": mass.ng_per_ml}
    if "_depths" not in row:
        return out
    if mass.note:
        notes.append(mass.note)
    if math.isnan(mass.ng_per_ml):
        return out
    genomes_per_ml = mass.ng_per_ml / (settings.convention_pg_per_haploid_genome / 1000)
    level = times_error(Estimate(row["mean_vaf"], row["mean_vaf_ci_low"], row["mean_vaf_ci_high"]), mass.cv)
    out |= {
        "hge_per_ml": level.value * genomes_per_ml,
        "hge_per_ml_ci_low": level.low * genomes_per_ml,
        "hge_per_ml_ci_high": level.high * genomes_per_ml,
        "lod_hge_per_ml": row["lod_vaf"] * genomes_per_ml,
    }
    if out["hge_per_ml"] > 0:
        out["log10_hge_per_ml"] = math.log10(out["hge_per_ml"])
    if not math.isnan(mass.plasma_ml) and row["_deepest"] > genomes_per_ml * mass.plasma_ml:
        notes.append(
            f"depth exceeds the {genomes_per_ml * mass.plasma_ml:.0f} genomes of the plasma: "
            "the detection limit is better on paper than in the tube"
        )
    return out


def _left_out(followed: Followed) -> dict[str, tuple[int, list[str]]]:
    """Return by patient how many variants are left out as of blood cells, and notes on these and on the suspected."""
    found = followed.origins
    out: dict[str, tuple[int, list[str]]] = {}
    for patient, part in found.groupby("patient_id", sort=True):
        blood = int((~part["kept"] & part["origin"].isin(["haematopoietic", "suspected"])).sum())
        doubtful = int((~part["kept"] & (part["origin"] == "undetermined")).sum())
        inherited = int(((part["origin"] == "germline") & (part["evidence"] == "behaviour")).sum())
        proven, suspected = (int((part["followed"] & (part["origin"] == x)).sum()) for x in ("haematopoietic", "suspected"))
        notes = [
            f"{n} {what}"
            for n, what in (
                (blood, "variant(s) of blood cells left out"),
                (doubtful, "variant(s) left out that white cells show as well"),
                (inherited, "variant(s) left out as inherited: no white cells, but a VAF that stays while the others fall"),
                (proven, "followed variant(s) are of blood cells"),
                (suspected, "followed variant(s) are suspected to be of blood cells"),
            )
            if n
        ]
        out[str(patient)] = blood, notes
    return out


def _verdicts(mrd: pd.DataFrame | None, settings: Ctdna) -> dict[str, dict[str, Any]]:
    """Return by sample the row of the first of the configured tests that has a verdict."""
    if mrd is None or settings.detection != "mrd":
        return {}
    rank = {name: i for i, name in enumerate(settings.mrd.methods)}
    given = mrd[mrd["verdict"].notna() & mrd["method"].isin(rank)]
    given = given.assign(_rank=given["method"].map(rank)).sort_values(["sample_id", "_rank"], kind="stable")
    rows = given.drop_duplicates("sample_id")[["sample_id", "method", "verdict", "lod_vaf"]]
    return {row["sample_id"]: row for row in rows.to_dict("records")}


def _rates(mrd: pd.DataFrame | None) -> dict[str, float]:
    """Return by sample the error rate that the tests for residual disease assume."""
    if mrd is None:
        return {}
    known = mrd[mrd["background_rate"].notna()].drop_duplicates("sample_id")
    return dict(zip(known["sample_id"], known["background_rate"].astype(float), strict=True))


def _assay_levels(cohort: Cohort, settings: Ctdna) -> dict[str, tuple[float, float]]:
    """Return by sample the level and the limit of the assay that ``ctdna.level`` names."""
    if settings.level is None:
        return {}
    scores = cohort.measurements[cohort.measurements["kind"] == "score"]

    def named(name: str) -> dict[str, float]:
        part = scores[scores["name"] == name]
        return dict(zip(part["sample_id"], part["value"], strict=True))

    limit = settings.level.detection_limit
    limits = named(limit) if isinstance(limit, str) else {}
    return {
        sample: (value, limits.get(sample, math.nan) if isinstance(limit, str) else float(limit))
        for sample, value in named(settings.level.measurement).items()
    }


def _assay(level: tuple[float, float] | None, settings: Ctdna, row: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return the level of another assay; it decides what is detected."""
    if settings.level is None:
        return {}
    if level is None:
        notes.append(f"no {settings.level.measurement} of this sample: not assessed")
        return {"detected": None, "assay_unit": settings.level.unit}
    if math.isnan(level[1]):
        notes.append(f"no {settings.level.detection_limit} of this sample: whether its level is above the limit is not known")
    return {
        "assay_level": level[0],
        "assay_limit": level[1],
        "assay_unit": settings.level.unit,
        "detected": None if math.isnan(level[1]) else level[0] > level[1],
    }
