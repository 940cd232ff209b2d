"""Patients -> their samples: a tumour before treatment, serial plasma, plasma and some biopsies at progression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.simulate.patients import Patient

#: share of patients who are biopsied at progression, and of whom plasma is drawn then (assumed)
BIOPSIED, DRAWN = 0.45, 0.92


@dataclass(frozen=True)
class Sample:
    """One sample, in the words of the files. ``day`` counts from the start of treatment."""

    name: str
    patient: Patient
    plasma: bool
    visit: str
    day: int
    plasma_ml: float | None
    cfdna_ng_per_ml: float | None

    @property
    def relapse(self) -> bool:
        """Taken at progression."""
        return self.visit == "Progression"


def make_samples(rng: np.random.Generator, patients: list[Patient]) -> list[Sample]:
    """Return the samples of all patients, by patient, tumours first, then plasma by day."""
    samples: list[Sample] = []
    for patient in patients:
        tumour = [(-int(rng.integers(2, 40)), "Screening")]
        biopsy, drawn, ended = rng.random() < BIOPSIED, rng.random() < DRAWN, rng.random() < 0.6
        day = 0 if patient.progression_day is None else int(patient.progression_day)
        if patient.relapsed and (biopsy or patient.crbn_copy_lost) and day >= 14:
            tumour.append((day + 2, "Progression"))
        for number, (when, visit) in enumerate(tumour, start=1):
            samples.append(Sample(f"{patient.name}-T{number}", patient, False, visit, when, None, None))
        plasma = [(-int(rng.integers(0, 4)), "Screening")]
        for planned, visit in ((28, "Cycle 1"), (84, "Cycle 3")):
            when = planned + int(rng.integers(-2, 4))
            if when + 4 < patient.pfs_day and rng.random() < 0.95:
                plasma.append((when, visit))
        if patient.relapsed and (drawn or patient.crbn_emerges):
            plasma.append((day, "Progression"))
        elif patient.progression_day is None and patient.last_day > 150 and ended:
            plasma.append((int(min(patient.last_day - 20, 340)), "End of treatment"))
        for number, (when, visit) in enumerate(plasma, start=1):
            millilitres = round(float(rng.uniform(3.0, 5.0)) * 2) / 2
            mass = round(float(np.exp(np.log(14.0) + 0.7 * rng.standard_normal())), 1)
            if patient.has_plasma:
                name = f"{patient.name}-P{number}"
                samples.append(Sample(name, patient, True, visit, when, millilitres, mass))
    return samples
