"""Samples and marker matrix -> what was known of a marker when, so that nobody is counted by what is only known later.

A patient must stay in follow-up to have a later sample.  Counting such a marker from time zero gives
carriers time in which they could not have an event (immortal time); here a landmark or start-stop
rows count each patient by what was known at each moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.associate.states import NOT_ASSESSED, PRESENT, Mask, States, states_of
from resistance.stats.landmark import episodes as split

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """States at each time point, and when they were known.

    Parameters
    ----------
    states : dict
        Time point -> marker_id -> state per patient.
    day : dict
        Time point -> day of the patient's last sample of it, NaN where there is none or its day is unknown.
    sampled : dict
        Time point -> the patient has a sample of it.
    """

    states: dict[str, States]
    day: dict[str, FloatArray]
    sampled: dict[str, Mask]

    def state(self, timepoint: str, marker_id: str, n: int) -> NDArray[np.int8]:
        """Return a marker's states at a time point, not assessed where nothing is known."""
        return self.states.get(timepoint, {}).get(marker_id, np.full(n, NOT_ASSESSED, dtype=np.int8))


@dataclass(frozen=True)
class Episodes:
    """Start-stop rows of a time-dependent marker.

    Parameters
    ----------
    patient : array of int
        Index of the patient of each row.
    start, stop : array
        Days.
    last : array of bool
        The row in which the patient's follow-up ends (its event, if any, is there).
    present : array of bool
        The marker's state during the row.
    """

    patient: NDArray[np.int64]
    start: FloatArray
    stop: FloatArray
    last: Mask
    present: Mask


def make_course(cohort: Cohort, matrix: pd.DataFrame, index: pd.Index) -> Course:
    """Return the course of all markers.

    Parameters
    ----------
    cohort : Cohort
    matrix : DataFrame
        Schema ``matrix``.
    index : Index
        Patients.
    """
    samples = cohort.samples[cohort.samples["material"] != "germline"]
    states, day, sampled = {}, {}, {}
    for timepoint in sorted({*matrix["timepoint"], *samples["timepoint"]}):
        states[str(timepoint)] = states_of(matrix[matrix["timepoint"] == timepoint], index)
        mine = samples[samples["timepoint"] == timepoint]
        # a state joins all samples of the time point: it is known when the last of them is
        last = mine.groupby("patient_id")["day"].agg(lambda days: days.max(skipna=False))
        day[str(timepoint)] = last.astype("float64").reindex(index).to_numpy(dtype=np.float64)
        sampled[str(timepoint)] = np.isin(np.asarray(index, dtype=object), mine["patient_id"].to_numpy(dtype=object))
    return Course(states, day, sampled)


def episodes(course: Course, marker_id: str, members: Mask, entry: FloatArray, end: FloatArray) -> Episodes:
    """Cut the follow-up of each patient where the marker's known state changes.

    A patient counts by the last state known at each moment.  Time before the first known state is not
    counted (delayed entry); a later time point at which the marker was not assessed, or whose day is
    unknown, changes nothing.  A baseline sample counts from the start of follow-up.

    Parameters
    ----------
    course : Course
    marker_id : str
    members : array of bool
        Patients to use.
    entry, end : array
        Days of the start and the end of follow-up.
    """
    at = np.flatnonzero(members)
    n = members.size
    changes: dict[tuple[int, float], int] = {}
    for timepoint in course.states:
        if timepoint != "baseline":
            state, day = course.state(timepoint, marker_id, n)[at], course.day[timepoint][at]
            for i in np.flatnonzero((state != NOT_ASSESSED) & ~np.isnan(day)):
                # two time points on one day: the marker is there when either shows it
                place = int(i), float(day[i])
                changes[place] = max(int(state[i]), changes.get(place, NOT_ASSESSED))
    first = course.state("baseline", marker_id, n)[at].astype(np.float64)
    rows, days = [place[0] for place in changes], [place[1] for place in changes]
    found = split(end[at], np.zeros(at.size), first, rows, days, list(changes.values()))
    begin = np.maximum(found.start, entry[at][found.row])
    counted = (found.value != NOT_ASSESSED) & (begin < found.stop)
    last = np.append(found.row[1:] != found.row[:-1], True) if found.row.size else np.zeros(0, dtype=bool)
    return Episodes(
        patient=at[found.row[counted]],
        start=begin[counted],
        stop=found.stop[counted],
        last=last[counted],
        present=found.value[counted] == PRESENT,
    )
