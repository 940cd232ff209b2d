"""IHC of CD10, BCL6 and MUM1 -> GCB or non-GCB by the algorithm of Hans et al. 2004."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.schemas import SUBTYPES
from resistance.subtype.ihc import Stain, Stains, stains_by_patient
from resistance.subtype.method import Method
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: percentage of positive tumour cells from which each of the three is positive
CUTOFFS = {"CD10": 30.0, "BCL6": 30.0, "MUM1": 30.0}


def decide(cd10: bool | None, bcl6: bool | None, mum1: bool | None) -> tuple[str | None, tuple[str, ...]]:
    """Follow the tree: CD10, then BCL6, then MUM1.

    Parameters
    ----------
    cd10, bcl6, mum1 : bool or None
        Positive, negative, or not known.

    Returns
    -------
    call : str or None
        'GCB', 'non-GCB', or None where the tree comes to an antibody that is not known.
    asked : tuple of str
        The antibodies that the tree asked for, in this order; the last one is the missing one where
        there is no call.

    References
    ----------
    Hans CP et al. Blood 2004; 103:275-282.

    Examples
    --------
    >>> decide(True, None, None)
    ('GCB', ('CD10',))
    >>> decide(False, False, True)
    ('non-GCB', ('CD10', 'BCL6'))
    """
    asked: tuple[str, ...] = ("CD10",)
    if cd10 is None or cd10:
        return ("GCB" if cd10 else None), asked
    asked = (*asked, "BCL6")
    if bcl6 is None or not bcl6:
        return (None if bcl6 is None else "non-GCB"), asked
    asked = (*asked, "MUM1")
    if mum1 is None:
        return None, asked
    return ("non-GCB" if mum1 else "GCB"), asked


def classify(cohort: Cohort) -> pd.DataFrame:
    """Call every patient by Hans from the IHC of one baseline sample.

    Returns
    -------
    DataFrame
        Schema SUBTYPES, one row per patient.  ``borderline`` is True where a percentage that the call
        rests on lies within 5 points of 30 %, NA where there is no percentage among them.
    """
    import pandas as pd

    stains = stains_by_patient(cohort, CUTOFFS)
    rows = [_row(patient, stains.get(patient)) for patient in cohort.patients["patient_id"]]
    return conform(pd.DataFrame(rows), SUBTYPES)


def _row(patient: str, stains: Stains | None) -> dict[str, Any]:
    row: dict[str, Any] = {"patient_id": patient, "method": METHOD.name, "kind": "cell_of_origin", "verified": METHOD.verified}
    if stains is None:
        return row | {"reason": "no IHC of CD10, BCL6 or MUM1"}
    call, asked = decide(*(stains.of[name].positive for name in CUTOFFS))
    used: list[Stain] = [stains.of[name] for name in asked]
    reason = ", ".join(str(stain) for stain in used)
    if call is None:
        reason += f": no call without {asked[-1]}"
    elif any(stain.borderline for stain in used):
        near = [stain.antibody for stain in used if stain.borderline]
        reason += f"; borderline: {', '.join(near)} within 5 points of 30 %"
    if stains.timepoint != "baseline":
        reason += f"; no baseline IHC, from a sample of time point {stains.timepoint}"
    measured = any(stain.percent is not None for stain in used)
    borderline = any(stain.borderline for stain in used) if measured else None
    return row | {"sample_id": stains.sample_id, "subtype": call, "borderline": borderline, "reason": reason}


METHOD = Method(
    name="hans",
    version="1",
    needs="IHC of CD10, BCL6 and MUM1: percentages, or calls",
    citation="Hans CP et al. Blood 2004; 103:275-282",
    verified=True,
    classify=classify,
)
