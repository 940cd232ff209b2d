"""Stage tables -> patients.json and patients.html: what applies to each patient, and what was not assessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.patients import SummaryTables, never_assessed, statements, summarise
from resistance.report.words import plain

if TYPE_CHECKING:
    from resistance.report.tables_in import StageTables


def summaries(tables: StageTables, study: dict[str, Any]) -> dict[str, Any]:
    """Return the summaries of all patients with the study they belong to, JSON values only.

    Parameters
    ----------
    tables : StageTables
    study : dict
        As it stands in the report's content.
    """
    given = SummaryTables(
        facts=tables.cohort.facts,
        patients=tables.cohort.patients,
        markers=tables.markers,
        matrix=tables.matrix,
        evidence=tables.evidence,
        clonality=tables.clonality,
        pathway_states=tables.pathway_states,
    )
    rows = summarise(given)
    levels = {level: sum(row["reading"]["level"] == level for row in rows) for level in ("clinical", "preclinical", "none")}
    return {
        "study": plain(study),
        "readings": levels,
        "assessed_in_nobody": plain(never_assessed(given)),
        "statements": plain(statements(given)),
        "patients": plain(rows),
    }
