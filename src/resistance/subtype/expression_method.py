"""What the methods on expression share: the cohort's table or a plain one -> calls; one row per sample, or per patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.subtype.expression import Expression, from_cohort, from_frame
from resistance.subtype.method import TABLE_SCORES, Called, Method, per_patient, with_patients
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

NO_TABLE = "no expression of the patient"


def classify_cohort(cohort: Cohort, method: Method, call: Callable[[Expression], pd.DataFrame], *, unit: str | None) -> Called:
    """Call a cohort by a method on expression.

    Parameters
    ----------
    cohort : Cohort
    method : Method
    call : callable
        :class:`Expression` -> calls of schema TABLE_CALLS.
    unit : str, optional
        Scale of the score, in words; None where it is no score of its own.

    Returns
    -------
    Called
        A method that refuses the whole table (its unit, its platform, too few genes) leaves every
        patient without a call, with that reason.
    """
    import pandas as pd

    table = from_cohort(cohort)
    if table is None:
        rows = [
            method.row(patient_id=patient, reason="no expression table in the cohort")
            for patient in cohort.patients["patient_id"]
        ]
        return Called(_subtypes(rows))
    try:
        calls = call(table)
    except InputError as error:
        reason = "no call: " + "; ".join(f"{problem.message}. {problem.remedy or ''}".strip() for problem in error.problems)
        rows = [method.row(patient_id=patient, reason=reason) for patient in cohort.patients["patient_id"]]
        return Called(_subtypes(rows))
    subtypes = per_patient(cohort, method, calls, what="expression", nothing=NO_TABLE)
    if unit is None or calls["score"].isna().all():
        return Called(subtypes)
    scores = pd.DataFrame(
        {
            "sample_id": calls["sample_id"],
            "name": method.name,
            "value": calls["score"],
            "unit": unit,
            "features_used": calls["features_used"],
            "features_missing": calls["features_missing"],
            "weight_missing": calls["weight_missing"],
            "verified": method.verified,
            "note": calls["flags"],
        }
    )
    return Called(subtypes, with_patients(cohort, conform(scores, TABLE_SCORES)))


def as_expression(table: pd.DataFrame, unit: str, platform: str) -> Expression:
    """Return a plain table as :class:`Expression`."""
    return from_frame(table, unit, platform=platform, where="expression")


def _subtypes(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    from resistance.schemas import SUBTYPES

    return conform(pd.DataFrame(rows, columns=list(SUBTYPES.names)), SUBTYPES) if rows else empty(SUBTYPES)


def settings_limit(settings: Subtype) -> float:
    """Return the share of a score's weight that may be missing."""
    return float(settings.max_weight_missing)
