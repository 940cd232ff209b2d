"""A cohort's samples and coverage -> patients x time points, and which of them an assay looked at.

A patient at one time point is a *unit*; all samples of the patient at that time point (germline
apart) speak for it.  Everything here is arrays over units, so that matching needs no loop over patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from resistance.schemas import TIMEPOINTS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort


@dataclass(frozen=True)
class Units:
    """Patients x time points.

    Parameters
    ----------
    frame : DataFrame
        patient_id and timepoint, one row per unit, in the order of the patients table and of
        :data:`resistance.schemas.TIMEPOINTS`.  Every patient has a baseline; later time points are
        there where the patient has a sample.
    of_sample : Series
        Unit (row number) by sample_id, samples in the order in which they are preferred (day, then
        name).  Germline samples are not there.
    sampled : ndarray of bool
        Which units have a sample.
    """

    frame: pd.DataFrame
    of_sample: pd.Series
    sampled: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.frame)

    @property
    def baseline(self) -> NDArray[np.bool_]:
        """Which units are baselines."""
        return np.asarray(self.frame["timepoint"] == "baseline", dtype=bool)

    def locate(self, samples: pd.Series) -> NDArray[np.intp]:
        """Return the unit of each sample, -1 for a germline or unknown one."""
        return np.asarray(samples.map(self.of_sample).fillna(-1), dtype=np.intp)

    def mask(self, units: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which units are among `units`."""
        out = np.zeros(self.n, dtype=bool)
        out[units[units >= 0]] = True
        return out


def make_units(cohort: Cohort) -> Units:
    """List the units of a cohort (see :class:`Units`)."""
    import pandas as pd

    samples = cohort.samples[cohort.samples["material"] != "germline"]
    samples = samples.sort_values(["day", "sample_id"], na_position="last", kind="stable")
    patients = cohort.patients["patient_id"].astype("object")
    order = pd.Series(np.arange(len(patients)), index=patients)
    times = {name: i for i, name in enumerate(TIMEPOINTS)}
    patient = samples["patient_id"].astype("object").map(order).to_numpy(dtype=np.int64)
    time = samples["timepoint"].astype("object").map(times).to_numpy(dtype=np.int64)
    code = patient * len(TIMEPOINTS) + time
    base = np.arange(len(patients), dtype=np.int64) * len(TIMEPOINTS) + times["baseline"]
    every = np.union1d(base, code)
    frame = pd.DataFrame(
        {
            "patient_id": patients.to_numpy()[every // len(TIMEPOINTS)],
            "timepoint": np.asarray(TIMEPOINTS, dtype=object)[every % len(TIMEPOINTS)],
        }
    )
    unit = np.searchsorted(every, code)
    of_sample = pd.Series(unit, index=samples["sample_id"].astype("object"), dtype=np.int64)
    sampled = np.zeros(len(every), dtype=bool)
    sampled[unit] = True
    return Units(frame, of_sample, sampled)


class Coverage:
    """Which units were looked at, by kind of evidence and gene ('*' covers every gene)."""

    def __init__(self, cohort: Cohort, units: Units) -> None:
        self._n = units.n
        table = cohort.coverage
        unit = units.locate(table["sample_id"])
        self._units: dict[tuple[str, str], NDArray[np.intp]] = {}
        known = table.assign(_unit=unit)[unit >= 0]
        for key, rows in known.groupby(["kind", "gene"], sort=True)["_unit"]:
            kind, gene = key
            self._units[str(kind), str(gene)] = rows.to_numpy(dtype=np.intp)

    def of(self, kind: str, gene: str) -> NDArray[np.bool_]:
        """Return which units an assay of this kind covers in this gene."""
        out = np.zeros(self._n, dtype=bool)
        for name in (gene, "*"):
            found = self._units.get((kind, name))
            if found is not None:
                out[found] = True
        return out
