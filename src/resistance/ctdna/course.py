"""Quantity and endpoints -> ctdna_course: what each patient's ctDNA did over time, one row per patient."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resistance.ctdna.level import Level, level_of, log10_change, unit_name, unit_of
from resistance.ctdna.relapse import find_relapse, lead_time
from resistance.ctdna.response import is_due, is_sensitive, reached
from resistance.ctdna.slopes import doubling_time, half_life
from resistance.ctdna.support import baseline_of, in_time
from resistance.schemas import COURSE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import Ctdna


@dataclass(frozen=True)
class Point:
    """One assessed plasma sample of a patient: when, how much, and whether being undetected would prove anything."""

    sample_id: str
    day: float
    level: Level
    sensitive: bool


def ctdna_course(quantity: pd.DataFrame, endpoints: pd.DataFrame, settings: Ctdna) -> pd.DataFrame:
    """Describe the course of ctDNA in each patient.

    Parameters
    ----------
    quantity : DataFrame
        Schema QUANTITY.
    endpoints : DataFrame
        Schema ENDPOINTS; the event of ``relapse_endpoint`` is clinical relapse, its time counts from day 0 of the
        samples.
    settings : config.Ctdna

    Returns
    -------
    DataFrame
        Schema COURSE, one row per patient with plasma.

    Notes
    -----
    A patient's levels are in one unit: genomes per mL where every assessed sample has them, else the mean VAF.
    Samples without a day are left out (noted).  An undetected sample is a bound at its limit of detection
    everywhere: it never enters as zero.

    - *Clearance* lies between the last detected sample and the first undetected one whose limit of detection is
      sufficient (``clearance_lod_vaf``): both days are given.
    - *Molecular relapse* is, after clearance, the first sample in which ctDNA is detected again; without clearance the
      first that rose by ``relapse_rise_log10`` over the lowest sample before it, beyond chance (the two rules of
      Heuser 2021, doi:10.1182/blood.2021013626).  It is confirmed when the next sample shows it too; one that the
      next sample contradicts is passed over and counted.
    - *Doubling time* and *half-life*: a line through log10 levels from the nadir to the highest sample after it, and
      from baseline to the nadir, by maximum likelihood with undetected samples as bounds (Tobit); at least three
      detected samples.
    """
    import pandas as pd

    if quantity.empty:
        return empty(COURSE)
    samples = itertools.groupby(in_time(quantity).to_dict("records"), key=lambda row: row["patient_id"])
    first = {row["patient_id"]: row["sample_id"] for row in baseline_of(quantity, ["patient_id"]).to_dict("records")}
    clinic = _clinic(endpoints, settings)
    rows = [
        _course(str(patient), list(part), first.get(patient), clinic.get(str(patient)), settings) for patient, part in samples
    ]
    return conform(pd.DataFrame(rows), COURSE)


def _clinic(endpoints: pd.DataFrame, settings: Ctdna) -> dict[str, dict[str, Any]]:
    rows = endpoints[endpoints["endpoint"] == settings.relapse_endpoint]
    return {str(row["patient_id"]): row for row in rows.to_dict("records")}


def _course(
    patient: str, samples: list[dict[str, Any]], first: str | None, clinic: dict[str, Any] | None, settings: Ctdna
) -> dict[str, Any]:
    """Return the row of one patient."""
    import pandas as pd

    row: dict[str, Any] = {"patient_id": patient, "n_samples": len(samples), "n_assessed": 0}
    notes: list[str] = []
    assessed = [s for s in samples if pd.notna(s["detected"])]
    undated = sum(pd.isna(s["day"]) for s in assessed)
    if undated:
        notes.append(f"{undated} sample(s) without a day are left out of the course")
    unit = unit_of(assessed)
    if unit is None:
        notes.append("no plasma sample was assessed" if not assessed else "no unit in which all samples have a level")
        return row | {"note": "; ".join(notes)}
    row["unit"] = unit_name(unit, assessed)
    if unit == "mean_vaf":
        notes.append("levels are mean VAFs: without cfDNA mass in all samples there are no genome equivalents")
    at_start = next((s for s in assessed if s["sample_id"] == first), None)
    baseline = None if at_start is None else level_of(at_start, unit)
    points = [_point(s, unit, settings) for s in assessed if s["timepoint"] != "baseline" and pd.notna(s["day"])]
    points.sort(key=lambda p: (p.day, p.sample_id))
    start = None if at_start is None or pd.isna(at_start["day"]) else _point(at_start, unit, settings)
    row["n_assessed"] = len(points) + (start is not None)
    if at_start is None or baseline is None:
        notes.append("no baseline plasma sample" if first is None else "the baseline plasma sample was not assessed")
    else:
        row |= {
            "baseline_sample_id": first,
            "baseline_day": at_start["day"],
            "baseline_level": baseline.value,
            "baseline_detected": not baseline.censored,
        }
        if baseline.censored:
            notes.append("ctDNA was not detected at baseline: there is nothing to fall from")
        else:
            row |= _milestones([s for s in assessed if s["timepoint"] != "baseline"], baseline, unit, settings)
    if not points:
        notes.append("no plasma sample with a day after baseline")
        return row | {"note": "; ".join(notes)}
    detected_start = None if baseline is None or baseline.censored else baseline
    nadir = min(points, key=lambda p: p.level.value)
    row |= {"nadir_sample_id": nadir.sample_id, "nadir_day": nadir.day, "nadir_level": nadir.level.value}
    row["nadir_censored"] = nadir.level.censored
    if detected_start is not None:
        row["nadir_log10_change"] = log10_change(nadir.level, detected_start)[0]
    row |= _clearance(start, points, detected_start, notes)
    series = points if start is None else [start, *points]
    cleared_at = row.get("clearance_day", math.nan)
    relapse = find_relapse(series, cleared_at, settings.relapse_rise_log10)
    row |= relapse
    if relapse["molecular_relapse"] is None and len(series) > 1:
        notes.append("whether ctDNA rose as much as molecular relapse asks for cannot be told: it was not detected before")
    row |= lead_time(relapse, clinic, settings.relapse_endpoint, points, notes)
    row |= doubling_time(series, nadir, notes)
    if start is not None and detected_start is not None:
        row |= half_life([start, *points], nadir, notes)
        row |= _area(start, points)
    return row | {"note": "; ".join(notes) or None}


def _point(sample: dict[str, Any], unit: str, settings: Ctdna) -> Point:
    level = level_of(sample, unit)
    assert level is not None  # unit_of found a level of every sample in this unit
    return Point(sample["sample_id"], float(sample["day"]), level, is_sensitive(sample, settings))


def _milestones(later: Sequence[dict[str, Any]], baseline: Level, unit: str, settings: Ctdna) -> dict[str, Any]:
    """Return early and major molecular response, of the last sample of their time."""
    out: dict[str, Any] = {}
    for name, milestone in (("early", settings.milestones.early), ("major", settings.milestones.major)):
        for sample in later:
            level = level_of(sample, unit)
            if level is not None and is_due(sample, milestone):
                change = log10_change(level, baseline)[0]
                out[f"{name}_molecular_response"] = reached(change, level, milestone.drop_log10)
    return out


def _clearance(start: Point | None, points: Sequence[Point], baseline: Level | None, notes: list[str]) -> dict[str, Any]:
    """Return whether, between which days, and for how long ctDNA was cleared."""
    if baseline is None:
        return {}
    undetected = [p for p in points if p.level.censored]
    proofs = [p for p in undetected if p.sensitive]
    if not proofs:
        if undetected:
            notes.append(f"{len(undetected)} undetected sample(s), none sensitive enough to prove clearance")
        return {"cleared": None if undetected else False}
    at = proofs[0]
    before = [p.day for p in ([] if start is None else [start]) + list(points) if p.day < at.day and not p.level.censored]
    after = [p for p in points if p.day > at.day]
    return {
        "cleared": True,
        "clearance_after_day": max(before, default=math.nan),
        "clearance_day": at.day,
        "clearance_sustained": all(p.level.censored for p in after) if after else None,
    }


def _area(start: Point, points: Sequence[Point]) -> dict[str, Any]:
    """Return the mean log10 change over the days of observation (trapezoids), and whether it is an upper bound."""
    days = [start.day] + [p.day for p in points]
    changes = [0.0] + [log10_change(p.level, start.level)[0] for p in points]
    span = days[-1] - days[0]
    if not span > 0:
        return {}
    area = sum((b - a) * (x + y) / 2 for a, b, x, y in zip(days, days[1:], changes, changes[1:], strict=False))
    return {"mean_log10_change": area / span, "mean_log10_change_bound": any(p.level.censored for p in points)}
