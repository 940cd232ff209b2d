"""Patients -> the rows of the clinical files as a trial group has them: patients, treatments, adverse events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.simulate.effects import CHEMO, LEN, R2
from resistance.simulate.patients import MONTH, Patient
from resistance.simulate.streams import allot, pick

Cell = str | int | float | None


@dataclass(frozen=True)
class Toxicity:
    """A CTCAE term: how likely per arm, and the weights of grades 1 to 4."""

    term: str
    lenalidomide: float
    rituximab: float
    chemotherapy: float
    grades: tuple[float, float, float, float]
    drugs: tuple[str, str, str]


#: CTCAE 5.0 terms; frequencies assumed (the known profile of the drugs, no effect is planted)
TOXICITIES = (
    Toxicity("Neutrophil count decreased", 0.5, 0.52, 0.6, (1, 2, 4, 3), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Platelet count decreased", 0.3, 0.28, 0.5, (3, 3, 2, 1), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Anemia", 0.25, 0.24, 0.4, (3, 4, 2, 0), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Febrile neutropenia", 0.06, 0.06, 0.15, (0, 0, 9, 1), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Thromboembolic event", 0.08, 0.07, 0.03, (0, 5, 4, 1), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Rash maculo-papular", 0.2, 0.24, 0.04, (6, 3, 1, 0), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Fatigue", 0.35, 0.33, 0.4, (5, 4, 1, 0), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Diarrhea", 0.2, 0.22, 0.15, (6, 3, 1, 0), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Constipation", 0.2, 0.18, 0.2, (7, 3, 0, 0), ("lenalidomide", "lenalidomide", "chemotherapy")),
    Toxicity("Infusion related reaction", 0.0, 0.25, 0.0, (5, 4, 1, 0), ("lenalidomide", "rituximab", "chemotherapy")),
)
_FIRST = ("R-CHOP", "R-CHOP", "R-CHOP", "R-DA-EPOCH")
_LATER = ("R-ICE", "R-GemOx", "R-DHAP", "R-Bendamustine")
_CHOICE = ("gemcitabine", "oxaliplatin", "etoposide", "rituximab monotherapy")

PATIENT_COLUMNS = (
    "SUBJID",
    "SEX",
    "AGE",
    "ARM",
    "N_PRIOR_LINES",
    "REFRACTORY",
    "IPI",
    "COO_NANOSTRING",
    "BOR",
    "PFS_MONTHS",
    "PFS_EVENT",
    "OS_MONTHS",
    "OS_STATUS",
)


def patient_rows(rng: np.random.Generator, patients: list[Patient], labels: dict[str, str | None]) -> list[list[Cell]]:
    """Return the patients sheet; some values are missing, as in any study.

    Parameters
    ----------
    rng : Generator
    patients : list of Patient
    labels : dict
        Cell of origin by NanoString, None where it was not done.
    """
    n = len(patients)
    gaps = {
        name: allot(rng, [0] * n, [share] * n)
        for name, share in (("response", 0.05), ("ipi", 0.035), ("age", 0.01), ("refractory", 0.03), ("follow_up", 0.01))
    }
    rows: list[list[Cell]] = []
    for i, p in enumerate(patients):
        event = p.progression_day is not None or p.death_day is not None
        times: list[Cell] = [
            round(p.pfs_day / MONTH, 2),
            int(event),
            round(p.last_day / MONTH, 2),
            "1:DECEASED" if p.death_day is not None else "0:LIVING",
        ]
        rows.append(
            [
                p.name,
                "F" if p.female else "M",
                None if gaps["age"][i] else p.age,
                p.arm,
                p.prior_lines,
                None if gaps["refractory"][i] else ("Y" if p.refractory else "N"),
                None if gaps["ipi"][i] else p.ipi,
                labels[p.name],
                "NE" if gaps["response"][i] else p.response,
                *([None] * 4 if gaps["follow_up"][i] else times),
            ]
        )
    return rows


def treatment_rows(rng: np.random.Generator, patients: list[Patient]) -> list[list[Cell]]:
    """Return lines of treatment: subject, line, regimen, first and last day from the start of the studied one."""
    rows: list[list[Cell]] = []
    for p in patients:
        day = -int(rng.integers(30, 120))
        earlier: list[list[Cell]] = []
        for line in range(p.prior_lines, 0, -1):
            length = int(rng.integers(60, 170))
            names = _FIRST if line == 1 else _LATER
            earlier.append([p.name, line, names[int(rng.integers(len(names)))], day - length, day])
            day -= length + int(rng.integers(40, 500))
        regimen = {LEN: "lenalidomide", R2: "lenalidomide + rituximab", CHEMO: _CHOICE[int(rng.integers(len(_CHOICE)))]}[p.arm]
        rows += [*earlier[::-1], [p.name, p.prior_lines + 1, regimen, 0, int(min(p.pfs_day, 365))]]
    return rows


def adverse_event_rows(rng: np.random.Generator, patients: list[Patient]) -> list[list[Cell]]:
    """Return adverse events: subject, CTCAE term, grade, drug, cycle of 28 days, day."""
    rows: list[list[Cell]] = []
    for p in patients:
        arm = (LEN, R2, CHEMO).index(p.arm)
        cycles = max(1, min(12, int(p.pfs_day // 28)))
        mine: list[list[Cell]] = []
        for kind in TOXICITIES:
            if rng.random() >= (kind.lenalidomide, kind.rituximab, kind.chemotherapy)[arm]:
                continue
            cycle = int(rng.integers(1, cycles + 1))
            day = min((cycle - 1) * 28 + int(rng.integers(1, 28)), int(p.last_day))
            mine.append([p.name, kind.term, 1 + pick(rng, kind.grades), kind.drugs[arm], cycle, day])
        rows += sorted(mine, key=lambda row: (int(row[5] or 0), str(row[1])))
    return rows
