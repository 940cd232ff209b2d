"""Covariates and subtypes of the patients -> values per patient, and columns of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile


#: share of numbers from which on, and different numbers above which, a variable is a measurement and not a set of classes
NUMBERS, CLASSES = 0.8, 10


@dataclass(frozen=True)
class Coding:
    """How a variable enters a model.

    Parameters
    ----------
    name : str
    levels : tuple of str
        Classes, sorted; none for a number.
    reference : str
        Class the others are compared with: the most frequent of the cohort; '' for a number.
    """

    name: str
    levels: tuple[str, ...]
    reference: str

    @property
    def words(self) -> str:
        """Return the coding for the plan."""
        if not self.levels:
            return f"{self.name} (per unit)"
        others = ", ".join(level for level in self.levels if level != self.reference)
        return f"{self.name} ({others or 'no other class'} v {self.reference})"


def value_of(name: str, config: CohortFile, cohort: Cohort, subtypes: pd.DataFrame) -> pd.Series:
    """Return a variable per patient: float64 where it is a number or a flag, else text; NA where unknown.

    Parameters
    ----------
    name : str
        Column of the patients table, or ``subtype`` for the calls of the method in ``subtype.use``.

    Returns
    -------
    Series
        Indexed by patient_id, in the order of the patients table.

    Raises
    ------
    InputError
        No such variable, or ``subtype`` without ``subtype.use``; an infinite number; a word among measurements.
    """
    import numpy as np
    import pandas as pd

    ids = cohort.patients["patient_id"].astype("object")
    if name == "subtype":
        if config.subtype.use is None:
            raise InputError(
                "the analysis names 'subtype', but no method is chosen",
                column="subtype.use",
                remedy="Set subtype.use to the method whose calls count, such as hans or label:<name>.",
            )
        mine = subtypes[subtypes["method"] == config.subtype.use]
        values = mine.set_index("patient_id")["subtype"].reindex(ids)
    elif name in cohort.patients:
        values = cohort.patients[name].set_axis(ids)
    else:
        raise InputError(
            "the patients table has no such variable", path="patients", column=name, remedy="Name its column under 'covariates'."
        )
    values = values.set_axis(pd.Index(ids, name="patient_id"))
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("Float64").astype("float64")
    known = values.notna()
    numbers = pd.to_numeric(values.astype("object"), errors="coerce").astype("float64")
    if known.any() and (numbers.notna() == known).all():
        endless = np.isinf(numbers.to_numpy())
        if endless.any():
            patient = str(ids.iloc[int(np.argmax(endless))])
            raise InputError(
                "is not a finite number", path="patients", column=name, value=f"{values[patient]} (patient {patient})",
                remedy="Correct it, or list it under 'na'.",
            )  # fmt: skip
        return numbers
    _check_classes(name, values[known], numbers[known])
    return values.astype("object").map(str, na_action="ignore").astype(pd.StringDtype(na_value=np.nan))


def _check_classes(name: str, values: pd.Series, numbers: pd.Series) -> None:
    """Refuse a measurement with a few words in it: as classes, each number would be one of its own."""
    fine = numbers.dropna()
    if len(fine) < NUMBERS * len(values) or fine.nunique() <= CLASSES or (fine % 1 == 0).all():
        return
    words = values[numbers.isna()]
    patient, word = str(words.index[0]), str(words.iloc[0])
    raise InputError(
        f"is not a number, as it is in {len(fine)} other patients", path="patients", column=name,
        value=f"{word} (patient {patient})", remedy="Correct it, or list it under 'na'.",
    )  # fmt: skip


def is_number(values: pd.Series) -> bool:
    """Whether a variable of :func:`value_of` is a number."""
    return bool(values.dtype.kind == "f")


def coding_of(name: str, values: pd.Series) -> Coding:
    """Return how a variable enters a model, decided once for the whole cohort."""
    if is_number(values):
        return Coding(name, (), "")
    counts = values.dropna().value_counts()
    levels = tuple(sorted(str(level) for level in counts.index))
    reference = min(levels, key=lambda level: (-int(counts[level]), level)) if levels else ""
    return Coding(name, levels, reference)


def columns_of(values: pd.Series, coding: Coding) -> dict[str, pd.Series]:
    """Return the model's columns of a variable by name (``sex=male``); a class is compared with the reference."""
    if not coding.levels:
        return {coding.name: values} if is_number(values) else {}
    return {f"{coding.name}={level}": (values == level).astype("float64") for level in coding.levels if level != coding.reference}


def equals(values: pd.Series, level: Any) -> pd.Series:
    """Return where a variable has the level that the cohort file names (1, 1.0 and '1' are the same)."""
    if is_number(values):
        try:
            number = float(level)
        except (TypeError, ValueError):
            return values.isna() & False
        return values == number
    return (values == str(level)).astype(bool)
