"""Labels of the patients table (``label:<name>``) -> subtype rows: what the study itself calls its patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.errors import InputError
from resistance.schemas import SUBTYPES
from resistance.subtype.method import Method
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort


def label_method(name: str) -> Method:
    """Return the method that takes the study's label `name` as it stands."""
    column = f"label:{name}"

    def classify(cohort: Cohort) -> pd.DataFrame:
        import pandas as pd

        if column not in cohort.patients:
            raise InputError(
                "the patients table holds no such label",
                path="cohort/patients.parquet",
                column=column,
                remedy="Gather the cohort again with this cohort file.",
            )
        given = cohort.patients[column]
        table = pd.DataFrame({"patient_id": cohort.patients["patient_id"], "method": column, "kind": "label", "subtype": given})
        table["reason"] = pd.Series("given by the study", index=table.index).mask(given.isna(), "the study gives no label")
        return conform(table, SUBTYPES)

    return Method(column, "1", "a column of the patients table", "the study itself", True, classify)
