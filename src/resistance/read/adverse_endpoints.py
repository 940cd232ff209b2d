"""Adverse events -> binary endpoints: who had one of these terms at this grade or worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance.config import AdverseEvent, CohortFile
from resistance.errors import InputError
from resistance.schemas import ENDPOINTS
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd


def with_adverse_endpoints(
    endpoints: pd.DataFrame, events: pd.DataFrame, patients: pd.Series, config: CohortFile
) -> pd.DataFrame:
    """Return the endpoints with one row per patient for each that counts adverse events.

    A patient without a row in the table of adverse events had none: the table lists events, not
    patients.  An event without a day leaves the patient out, counted, where the endpoint ends at a
    day and no dated event decides.

    Parameters
    ----------
    endpoints, events : DataFrame
        Schemas ``endpoints`` and ``adverse_events``.
    patients : Series of str
        Every analysed patient.
    config : CohortFile

    Raises
    ------
    InputError
        A term of the cohort file that no row of the table has.
    """
    import pandas as pd

    parts = [endpoints]
    for name, endpoint in config.endpoints.items():
        if endpoint.adverse_event is not None:
            path = Path(config.adverse_events.file) if config.adverse_events is not None else Path("adverse_events")
            part = _one(name, endpoint.adverse_event, events, patients, path)
            parts.append(part.assign(endpoint=name, kind="binary"))
    if len(parts) == 1:
        return endpoints
    table = conform(pd.concat([p.dropna(axis="columns", how="all") for p in parts if len(p)], ignore_index=True), ENDPOINTS)
    order = {name: i for i, name in enumerate(config.endpoints)}
    return table.sort_values("endpoint", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def _one(name: str, asked: AdverseEvent, events: pd.DataFrame, patients: pd.Series, path: Path) -> pd.DataFrame:
    import pandas as pd

    counted = events[events["grade"] >= asked.grade_at_least]
    if asked.terms is not None:
        spelled = events["term"].str.casefold().str.strip()
        for term in asked.terms:
            if not (spelled == term.casefold().strip()).any():
                there = ", ".join(sorted(set(events["term"]))[:10])
                raise InputError(
                    f"no row of the adverse events has the term of endpoint '{name}'",
                    path=path,
                    column="term",
                    value=term,
                    remedy=f"Correct endpoints.{name}.adverse_event.terms; the table has: {there or 'no row'}.",
                )
        counted = counted[counted["term"].str.casefold().str.strip().isin([t.casefold().strip() for t in asked.terms])]
    undated = set()
    if asked.until_day is not None:
        undated = set(counted.loc[counted["day"].isna(), "patient_id"])
        counted = counted[counted["day"] <= asked.until_day]
    had = patients.isin(set(counted["patient_id"]))
    unknown = patients.isin(undated) & ~had
    reason = pd.Series(None, index=patients.index, dtype="object").mask(unknown, "an adverse event without a day")
    return pd.DataFrame(
        {
            "patient_id": patients,
            "label": had.map({True: "yes", False: "no"}).mask(unknown),
            "value": had.astype("float64").mask(unknown),
            "excluded": reason,
        }
    )
