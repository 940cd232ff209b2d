"""What every classification method is: a record that says what it needs and where it comes from, and how it calls.

A method works on a plain table of samples (``classify_table``) and on a cohort (``classify``); both
give the same calls.  The cohort's table has one row per patient, a plain table's one per sample.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.schemas import SCORES, SUBTYPES
from resistance.tables import Column, Schema, conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

#: what a method can classify
KINDS = ("cell_of_origin", "genetic", "expression_class", "risk")
#: which table of a cohort a method reads
INPUTS = ("ihc", "nanostring", "expression", "genetic_features", "label")
#: class of a sample that was measured and belongs to no class clearly
UNCLASSIFIED = "UNCLASSIFIED"

#: calls of a plain table: as SUBTYPES, one row per sample, no patient
TABLE_CALLS = Schema(
    "calls",
    "One row per sample of a table that was classified without a cohort.",
    (
        Column("sample_id", "text", "Sample as the table names it.", required=True),
        *(column for column in SUBTYPES.columns if column.name not in ("patient_id", "sample_id")),
    ),
    key=("sample_id", "method"),
)
#: scores of a plain table: as SCORES, no patient
TABLE_SCORES = Schema(
    "scores",
    "One row per sample and score of a table that was scored without a cohort.",
    tuple(column for column in SCORES.columns if column.name != "patient_id"),
    key=("sample_id", "name"),
)


@dataclass(frozen=True)
class Called:
    """What a method says about a cohort.

    Parameters
    ----------
    subtypes : DataFrame
        Schema SUBTYPES: one row per patient, also for those who could not be called (``subtype`` NA,
        the reason in words).
    scores : DataFrame
        Schema SCORES: one row per sample and score; no rows where the method has no score.
    """

    subtypes: pd.DataFrame
    scores: pd.DataFrame = field(default_factory=lambda: empty(SCORES))


@dataclass(frozen=True)
class Method:
    """A classification method.

    Parameters
    ----------
    name : str
        As in the column ``method`` of the subtypes table and in ``subtype.methods`` of the cohort file.
    version : str
        Changes when a call can change.
    kind : {'cell_of_origin', 'genetic', 'expression_class', 'risk'}
    input : {'ihc', 'nanostring', 'expression', 'genetic_features', 'label'}
        The table of the cohort that is read.
    needs : str
        The same in words, with the unit.
    classes : tuple of str
        What a call can be, beside UNCLASSIFIED.
    features : tuple of str
        Genes, antibodies or events, by current symbols; () where the user's table decides.
    platforms : tuple of str
        Where the numbers of the rule hold.
    citation : str
        Where the rule was published, with its DOI.
    verified : bool
        The rule was read in its source, or reproduces published calls.
    limits : str
        What a reader of a call must know, in words.
    classify : callable
        Cohort and settings -> :class:`Called`.
    classify_table : callable, optional
        Plain table (and options by name) -> DataFrame of schema TABLE_CALLS.
    cut_scores : tuple of (str, float)
        Class -> the score from which (for the class with the lower scores: up to which) it is called;
        () where there is no such score.
    """

    name: str
    version: str
    kind: str
    input: str
    needs: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    platforms: tuple[str, ...]
    citation: str
    verified: bool
    limits: str
    classify: Callable[[Cohort, Subtype], Called]
    classify_table: Callable[..., pd.DataFrame] | None = None
    cut_scores: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS and self.input != "label":
            raise ValueError(f"method {self.name}: kind '{self.kind}' is none of {', '.join(KINDS)}")
        if self.input not in INPUTS:
            raise ValueError(f"method {self.name}: input '{self.input}' is none of {', '.join(INPUTS)}")

    def record(self) -> dict[str, Any]:
        """Return what the method says about itself, for a table or JSON."""
        own = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items() if not callable(value)}

    def row(self, **found: Any) -> dict[str, Any]:
        """Return one row of calls with what every row of the method has in common."""
        return {"method": self.name, "kind": self.kind, "verified": self.verified} | found


def probabilities_text(probabilities: Mapping[str, float]) -> str:
    """Return the probabilities of all classes as the calls hold them.

    Parameters
    ----------
    probabilities : mapping of str to float
        Class -> probability, 0..1; written with six significant digits (the column ``probability`` keeps
        the exact number of the call).

    Examples
    --------
    >>> probabilities_text({"ABC": 0.93, "GCB": 0.07})
    'ABC=0.93;GCB=0.07'
    """
    return ";".join(f"{name}={value:.6g}" for name, value in probabilities.items())


def as_frame(table: Any, *, in_row: bool = False) -> pd.DataFrame:
    """Return a table as a data frame; a Series is one sample.

    Parameters
    ----------
    table : DataFrame or Series
    in_row : bool
        The sample becomes a row (antibodies), else a column (genes, events).

    Raises
    ------
    InputError
        Something else, such as a path.
    """
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, pd.Series):
        one = table.to_frame("sample" if table.name is None else table.name)
        return one.T if in_row else one
    raise InputError(
        f"a table is needed, this is a {type(table).__name__}",
        remedy="Give a pandas DataFrame (or a Series for one sample); `resistance subtype call` reads files.",
    )


def as_calls(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows (see :meth:`Method.row`, each with its sample_id) as a table of schema TABLE_CALLS."""
    import pandas as pd

    return conform(pd.DataFrame(rows, columns=list(TABLE_CALLS.names)), TABLE_CALLS)


def per_patient(cohort: Cohort, method: Method, calls: pd.DataFrame, *, what: str, nothing: str | None = None) -> pd.DataFrame:
    """Choose one sample per patient: the calls of samples -> the calls of patients.

    Parameters
    ----------
    cohort : Cohort
    method : Method
    calls : DataFrame
        Schema TABLE_CALLS; samples of the cohort.
    what : str
        What is classified, such as 'IHC' or 'NanoString counts'.
    nothing : str, optional
        Reason of a patient without any row; default 'no <what>'.

    Returns
    -------
    DataFrame
        Schema SUBTYPES, one row per patient in the order of the patients table.  Of several samples
        the first counts: baseline before any other time point, a class before none, then the earliest
        day, then the name.  The reason says where it is not the baseline, and how many others there are.
    """
    import numpy as np
    import pandas as pd

    of = cohort.samples[["sample_id", "patient_id", "timepoint", "day"]]
    table = calls.merge(of, on="sample_id", how="inner", validate="many_to_one")
    table = table.assign(
        _later=table["timepoint"] != "baseline",
        _open=table["subtype"].isna(),
        _day=table["day"].fillna(np.inf),
    ).sort_values(["_later", "_open", "_day", "sample_id"], kind="stable")
    others = (table.groupby("patient_id").size() - 1).to_dict()
    first = {row["patient_id"]: row for row in table.drop_duplicates("patient_id").to_dict("records")}
    rows = []
    for patient in cohort.patients["patient_id"]:
        row = first.get(patient)
        if row is None:
            rows.append(method.row(patient_id=patient, reason=nothing or f"no {what}"))
            continue
        reason = str(row["reason"])
        if row["_later"]:
            reason += f"; no baseline {what}, from a sample of time point {row['timepoint']}"
        if others[patient]:
            reason += f"; {others[patient]} other sample(s) of the patient not shown here"
        rows.append({name: row[name] for name in TABLE_CALLS.names} | {"patient_id": patient, "reason": reason})
    return conform(pd.DataFrame(rows, columns=list(SUBTYPES.names)), SUBTYPES)


def one_sample_each(cohort: Cohort, names: Iterable[str]) -> list[str]:
    """Return one of some samples per patient, in the order of :func:`per_patient`: baseline first, then the earliest day, then the name.

    For a fit on the cohort: a patient with five samples is no five patients.
    """
    of = cohort.samples[cohort.samples["sample_id"].isin(list(names))]
    of = of.assign(_later=of["timepoint"] != "baseline", _day=of["day"].fillna(float("inf")))
    first = of.sort_values(["_later", "_day", "sample_id"], kind="stable").drop_duplicates("patient_id")
    return [str(name) for name in first["sample_id"]]


#: characters of a reason that is shown beside a count
_LONGEST_REASON = 120


def common_reason(reasons: Iterable[str]) -> str | None:
    """Return why most of some samples have no call, short; None where no reason is that of half of them.

    Examples
    --------
    >>> common_reason(["score 3.1 and no class: one group", "score -7 and no class: one group; few", "no call: no value at all"])
    'no class: one group'
    """
    counts: dict[str, int] = {}
    for reason in reasons:
        text = re.sub(r"^score \S+ and ", "", reason.removeprefix("not called: ").removeprefix("no call: "))
        text = re.sub(r": \d+ of \d+ events not visible.*", "", text).split("; ")[0]
        counts[text] = counts.get(text, 0) + 1
    if not counts:
        return None
    text, n = min(counts.items(), key=lambda item: (-item[1], item[0]))
    if 2 * n < sum(counts.values()):
        return None
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON].rsplit(" ", 1)[0] + " ..."


def with_patients(cohort: Cohort, scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores of samples (schema TABLE_SCORES) with their patients (schema SCORES), every sample kept."""
    table = scores.merge(cohort.samples[["sample_id", "patient_id"]], on="sample_id", how="inner", validate="many_to_one")
    return conform(table[list(SCORES.names)], SCORES)
