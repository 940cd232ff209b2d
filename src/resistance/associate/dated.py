"""ctDNA tables and samples -> numbers with the day they were measured: last known at a landmark, or a covariate that changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.associate.states import Mask
from resistance.errors import InputError
from resistance.stats.landmark import episodes as split

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import DatedMeasure

FloatArray = NDArray[np.float64]

#: what is measured -> table of the ctDNA stage, and its column; a level also has the limit that stands for it when undetected
SOURCES = {
    "hge_per_ml": ("quantity", "hge_per_ml", "lod_hge_per_ml"),
    "mean_vaf": ("quantity", "mean_vaf", "lod_vaf"),
    "detected": ("quantity", "detected", None),
    "log10_change": ("molecular_response", "log10_change", None),
    "cleared": ("molecular_response", "cleared", None),
    "molecular_response": ("molecular_response", "molecular_response", None),
    "mrd_positive": ("mrd", "verdict", None),
}
_FLAGS = ("detected", "cleared", "molecular_response", "mrd_positive")
_PER = {"unit": "per unit", "log2": "per doubling", "log10": "per tenfold"}


@dataclass(frozen=True)
class Dated:
    """A number that was measured on dated samples.

    Parameters
    ----------
    label, per, source : str
        Short name; what an effect is per; where it comes from.
    patient : array of int
        Index of the patient of each measurement, by patient and day.
    day, value : array
        Day, and value on the scale of the measure.
    timepoint : array of str
        Of the sample.
    at_limit : int
        Undetected samples whose limit of detection stands for the level.
    undated : int
        Measurements that were left out because the day is not known.
    """

    label: str
    per: str
    source: str
    patient: NDArray[np.int64]
    day: FloatArray
    value: FloatArray
    timepoint: NDArray[np.object_]
    at_limit: int
    undated: int

    def known_by(self, day: float, timepoint: str, n: int) -> FloatArray:
        """Return each patient's last value of that time point's samples, taken by `day`; NaN where there is none."""
        out = np.full(n, np.nan)
        at = (self.day <= day) & (self.timepoint == timepoint)
        out[self.patient[at]] = self.value[at]  # sorted by day: the last one stays
        return out

    def ever(self, n: int) -> FloatArray:
        """Return each patient's last value at any time (who has one at all; not for a model)."""
        out = np.full(n, np.nan)
        out[self.patient] = self.value
        return out


@dataclass(frozen=True)
class Spans:
    """Start-stop rows: patient, start, stop (days), the row that ends follow-up, and the value known during it."""

    patient: NDArray[np.int64]
    start: FloatArray
    stop: FloatArray
    last: Mask
    value: FloatArray


def dated(measure: DatedMeasure, index: pd.Index, stages: Mapping[str, pd.DataFrame]) -> Dated:
    """Return a measure of dated samples.

    Parameters
    ----------
    measure : config.DatedMeasure
    index : Index
        Patients.
    stages : mapping of DataFrame
        ``quantity``, ``molecular_response`` and ``mrd``.

    Raises
    ------
    InputError
        Residual disease was not tested by the method named, or a level is 0 without a limit of detection where
        its logarithm is asked.
    """
    import pandas as pd

    name = measure.variable.partition(":")[2]
    table_name, column, limit = SOURCES[name]
    rows = stages[table_name]
    if name == "mrd_positive":
        # underpowered is neither positive nor negative
        rows = rows[rows["method"] == measure.method].assign(
            verdict=lambda t: t["verdict"].map({"positive": 1.0, "negative": 0.0}).astype("float64")
        )
    value = rows[column].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    at_limit = np.zeros(len(rows), dtype=bool)
    if limit is not None:
        below = (~rows["detected"].fillna(True).astype(bool)).to_numpy(dtype=bool)
        bound = rows[limit].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
        at_limit = below & ~np.isnan(bound)
        value = np.where(at_limit, bound, value)
    if name not in _FLAGS and measure.scale in ("log2", "log10"):
        if name == "log10_change":
            raise InputError(
                "a change in log10 has no second logarithm", column=f"analysis '{measure.name}'", value=measure.variable,
                remedy="Use the scale unit.",
            )  # fmt: skip
        bad = value <= 0
        if bad.any():
            raise InputError(
                "a level of 0 without a limit of detection has no logarithm", column=f"analysis '{measure.name}'",
                value=str(rows["sample_id"].to_numpy()[bad][0]), remedy="Use the scale unit, or 'ctdna:detected'.",
            )  # fmt: skip
        value = np.log2(value) if measure.scale == "log2" else np.log10(value)
    day = rows["day"].to_numpy(dtype=np.float64)
    patient = index.get_indexer(pd.Index(rows["patient_id"].astype("object")))
    known = ~np.isnan(value) & (patient >= 0)
    used = np.flatnonzero(known & ~np.isnan(day))
    order = used[np.lexsort((rows["sample_id"].astype(str).to_numpy()[used], day[used], patient[used]))]
    per = "yes v no" if name in _FLAGS else _PER[measure.scale]
    return Dated(
        label=measure.name,
        per=per,
        source=measure.variable,
        patient=patient[order].astype(np.int64),
        day=day[order],
        value=value[order],
        timepoint=rows["timepoint"].astype("object").to_numpy()[order],
        at_limit=int(at_limit[order].sum()),
        undated=int((known & np.isnan(day)).sum()),
    )


def spans(measure: Dated, members: Mask, entry: FloatArray, end: FloatArray) -> Spans:
    """Cut the follow-up of each patient at each measurement.

    A patient counts by the last value known at each moment, from the moment after its sample on: time
    before the first value is not counted (delayed entry), and nothing is carried back.  Samples of day 0
    or before count from the start.  Of two samples of one day the one later in the alphabet stands.

    Parameters
    ----------
    measure : Dated
    members : array of bool
        Patients to use.
    entry, end : array
        Days of the start and the end of follow-up.
    """
    at = np.flatnonzero(members)
    place = np.full(members.size, -1, dtype=np.int64)
    place[at] = np.arange(at.size)
    here = np.flatnonzero(place[measure.patient] >= 0)
    last_of_day = np.ones(here.size, dtype=bool)
    same = (np.diff(measure.patient[here]) == 0) & (np.diff(measure.day[here]) == 0)
    last_of_day[:-1] = ~same
    here = here[last_of_day]
    # the split carries the number of the measurement; -1: none yet
    found = split(end[at], np.zeros(at.size), np.full(at.size, -1.0), place[measure.patient[here]], measure.day[here], here)
    begin = np.maximum(found.start, entry[at][found.row])
    number = found.value.astype(np.int64)
    counted = (number >= 0) & (begin < found.stop)
    last = np.append(found.row[1:] != found.row[:-1], True) if found.row.size else np.zeros(0, dtype=bool)
    return Spans(
        patient=at[found.row[counted]],
        start=begin[counted],
        stop=found.stop[counted],
        last=last[counted],
        value=measure.value[number[counted]],
    )
