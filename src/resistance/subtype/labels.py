"""Labels of the patients table (``label:<name>``) -> subtype rows: what the study itself calls its patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.errors import InputError
from resistance.schemas import SUBTYPES
from resistance.subtype.method import Called, Method
from resistance.tables import conform

if TYPE_CHECKING:
    from resistance.cohort import Cohort
    from resistance.config import Subtype


def label_method(name: str, kind: str = "cell_of_origin") -> Method:
    """Return the method that takes the study's label `name` as it stands; `kind` is what the label classifies."""
    column = f"label:{name}"

    def classify(cohort: Cohort, settings: Subtype) -> Called:
        import pandas as pd

        if column not in cohort.patients:
            raise InputError(
                "the patients table holds no such label",
                path="cohort/patients.parquet",
                column=column,
                remedy="Gather the cohort again with this cohort file.",
            )
        given = cohort.patients[column]
        table = pd.DataFrame({"patient_id": cohort.patients["patient_id"], "method": column, "kind": kind, "subtype": given})
        table["reason"] = pd.Series("given by the study", index=table.index).mask(given.isna(), "the study gives no label")
        return Called(conform(table, SUBTYPES))

    return Method(
        name=column,
        version="1",
        kind=kind,
        input="label",
        needs="a column of the patients table",
        classes=(),
        features=(),
        platforms=(),
        citation="the study itself",
        verified=True,
        limits="How the study came to it is not known here.",
        classify=classify,
    )
