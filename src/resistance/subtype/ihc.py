"""Cohort's IHC table -> the state of named antibodies in one baseline sample per patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resistance.cohort import Cohort

#: points on either side of a cut-off within which a percentage is borderline (reading varies by about as much)
BORDERLINE_POINTS = 5.0
#: other names of the antibodies that the rules ask for
_ALIASES = {"MME": "CD10", "IRF4": "MUM1", "MUM1/IRF4": "MUM1", "IRF4/MUM1": "MUM1", "CMYC": "MYC"}


@dataclass(frozen=True)
class Stain:
    """One antibody in one sample.

    ``positive`` is None where it is not known; ``percent`` is None where only a call was given.
    """

    antibody: str
    positive: bool | None
    percent: float | None
    borderline: bool
    contradictory: bool = False

    def __str__(self) -> str:
        if self.positive is None:
            return f"{self.antibody} {'given twice and contradictory' if self.contradictory else 'not known'}"
        shown = "" if self.percent is None else f" ({self.percent:g} %)"
        return f"{self.antibody}{'+' if self.positive else '-'}{shown}"


@dataclass(frozen=True)
class Stains:
    """The antibodies of one sample of a patient; an antibody that was not done is there as not known."""

    sample_id: str
    timepoint: str
    of: Mapping[str, Stain]


def normalised(antibody: str) -> str:
    """Return an antibody's name as the rules write it (``BCL-6`` -> ``BCL6``, ``IRF4`` -> ``MUM1``)."""
    name = antibody.upper().replace("-", "").replace(" ", "").replace("_", "")
    return _ALIASES.get(name, name)


def stains_by_patient(cohort: Cohort, cutoffs: Mapping[str, float]) -> dict[str, Stains]:
    """Return the stains of each patient with a row for at least one of the antibodies.

    Parameters
    ----------
    cohort : Cohort
    cutoffs : mapping of str to float
        Antibody -> percentage from which it is positive.

    Returns
    -------
    dict
        patient_id -> the stains of one sample: of the baseline samples (else of the others) the one
        with most of the antibodies, then the earliest.  Two rows of one antibody that disagree leave
        it not known.
    """
    table = cohort.ihc.assign(antibody=cohort.ihc["antibody"].map(normalised))
    table = table[table["antibody"].isin(list(cutoffs))].merge(cohort.samples, on="sample_id")
    candidates: dict[str, list[tuple[tuple[bool, int, bool, float, str], Stains]]] = {}
    for sample_id, rows in table.groupby("sample_id"):
        first = rows.iloc[0]
        of = {name: _stain(name, rows[rows["antibody"] == name].to_dict("records"), cut) for name, cut in cutoffs.items()}
        known = sum(stain.positive is not None for stain in of.values())
        day = float(first["day"])
        rank = (first["timepoint"] != "baseline", -known, day != day, 0.0 if day != day else day, str(sample_id))
        stains = Stains(str(sample_id), str(first["timepoint"]), of)
        candidates.setdefault(str(first["patient_id"]), []).append((rank, stains))
    return {patient: min(found, key=lambda item: item[0])[1] for patient, found in candidates.items()}


def _stain(antibody: str, rows: list[dict[str, object]], cutoff: float) -> Stain:
    calls: set[bool] = set()
    percents: set[float] = set()
    for row in rows:
        percent = float(str(row["percent_positive"]))
        if percent == percent:
            percents.add(percent)
            calls.add(percent >= cutoff)
        elif row["positive"] is True or row["positive"] is False:
            calls.add(row["positive"])
    if len(calls) != 1:
        return Stain(antibody, None, None, False, contradictory=bool(calls))
    percent_shown = max(percents) if percents else None
    near = any(abs(percent - cutoff) <= BORDERLINE_POINTS for percent in percents)
    return Stain(antibody, calls.pop(), percent_shown, near)
