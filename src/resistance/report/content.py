"""Stage tables, cohort file, provenance -> one plain dictionary with every number the report shows (``report.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report import content_markers, content_patterns, content_study
from resistance.report.content_checklists import checklists
from resistance.report.content_clinic import adverse_events, table_one
from resistance.report.content_ctdna import ctdna
from resistance.report.content_methods import methods
from resistance.report.content_prediction import prediction
from resistance.report.content_results import columns_asked, forests, results_rows, unanswered
from resistance.report.content_subtype import subtype_content
from resistance.report.content_survival import survival
from resistance.report.tables_variants import flagged
from resistance.report.words import plain

if TYPE_CHECKING:
    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables


def build_content(config: CohortFile, tables: StageTables, provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of every figure and table.

    Parameters
    ----------
    config : CohortFile
    tables : StageTables
    provenance : dict
        What the results were made from; printed as it is.

    Returns
    -------
    dict
        JSON values only: fractions 0..1, times as named by their key, None for what is not known,
        floats to six significant digits.
    """
    facts = tables.cohort.facts
    endpoints = content_study.endpoint_summary(config, tables)
    results = results_rows(config, tables)
    counted = content_markers.coverage(config, tables)
    oncoprint = content_markers.oncoprint(config, tables, counted)
    content = {
        key: plain(value)
        for key, value in {
            "study": {
                "name": facts.get("name", config.study.name),
                "title": config.report.title or facts.get("title") or config.study.title,
                "build": facts["build"],
                "disease": facts.get("disease", config.study.disease),
                "simulated": bool(facts.get("simulated", False) or config.study.simulated),
                "simulation_note": facts.get("simulation_note") or config.study.simulation_note,
                "citation": facts.get("citation") or config.study.citation,
            },
            "sentence": content_study.sentence(config, tables, endpoints),
            "notes": list(config.report.notes),
            "arms": content_study.arms(tables),
            "flow": content_study.flow(config, tables, endpoints),
            "table_one": table_one(config, tables),
            "oncoprint": oncoprint,
            "pathways": content_patterns.pathways(config, tables, oncoprint),
            "pairs": content_patterns.pairs(tables),
            "both_copies": content_patterns.both_copies(config, tables),
            "clonality": content_patterns.clonality(tables),
            "published": content_patterns.published(config, tables),
            "subtype": subtype_content(config, tables),
            "forests": forests(config, results),
            "survival": survival(config, tables, results),
            "prediction": prediction(config, tables),
            "ctdna": ctdna(config, tables),
            "adverse_events": adverse_events(tables),
            "results": results,
            "questions": unanswered(config, tables, results),
            "columns": columns_asked(config),
            "coverage": counted,
            "flagged": flagged(config, tables, counted),
            "evidence": content_markers.evidence(tables, counted),
            "annotation": content_markers.annotation(config, tables),
            "dropped": content_markers.dropped(tables),
            "methods": methods(config, tables, results, provenance.get("reference")),
            "provenance": provenance,
        }.items()
    }
    return content | {"checklists": plain(checklists(config, content, prediction=bool(content["prediction"])))}
