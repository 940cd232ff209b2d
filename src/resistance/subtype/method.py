"""What every classification method is: a record that says what it needs, where it comes from and how it calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort


@dataclass(frozen=True)
class Method:
    """A classification method.

    Parameters
    ----------
    name : str
        As in the column ``method`` of the subtypes table and in ``subtype.methods`` of the cohort file.
    version : str
        Changes when a call can change.
    needs : str
        Kind of input, in words.
    citation : str
        Where the rule was published.
    verified : bool
        The rule was read in its source.
    classify : callable
        Takes the cohort, gives rows of the schema SUBTYPES: one per patient, also for those who
        could not be called (``subtype`` NA, the reason in words).
    """

    name: str
    version: str
    needs: str
    citation: str
    verified: bool
    classify: Callable[[Cohort], pd.DataFrame]
