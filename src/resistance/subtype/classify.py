"""Cohort and settings -> subtypes: every label and method side by side, no majority vote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.schemas import SUBTYPES
from resistance.subtype.labels import label_method
from resistance.subtype.registry import by_name
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype


def classify_all(cohort: Cohort, settings: Subtype) -> pd.DataFrame:
    """Classify every patient by every label and method of the cohort file.

    Parameters
    ----------
    cohort : Cohort
    settings : config.Subtype
        ``labels`` first, then ``methods``, each once.

    Returns
    -------
    DataFrame
        Schema SUBTYPES, one row per patient and method, patients in the order of the patients table;
        also patients who could not be called, with the reason.
    """
    import pandas as pd

    methods = [label_method(label.name) for label in settings.labels]
    methods += [by_name(name) for name in dict.fromkeys(settings.methods)]
    parts = [method.classify(cohort) for method in methods]
    if not parts:
        return empty(SUBTYPES)
    # rows as records, because a column that is NA in one part has no type of its own to agree on
    rows = [record for part in parts for record in part.to_dict("records")]
    return conform(pd.DataFrame(rows, columns=list(SUBTYPES.names)), SUBTYPES)
