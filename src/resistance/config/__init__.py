"""The cohort file (YAML) -> typed, checked settings; the same models give the workflow's JSON schema.

Every key is documented here once; ``resistance schema`` prints the schema and ``resistance init``
writes a file that explains itself from these descriptions.  Paths are relative to the cohort file.
"""

from __future__ import annotations

from resistance.config.choices import (
    Analysis,
    Annotation,
    Contrast,
    Ctdna,
    MarkerQuestion,
    Markers,
    Population,
    Report,
    Study,
    Subtype,
    SubtypeLabel,
)
from resistance.config.clinic import ClinicalEvents, Endpoint, Patients, Samples, TimeColumn
from resistance.config.cohort_file import CohortFile, json_schema, load, parse
from resistance.config.sources import Assay, CopyNumber, Expression, Fusions, Ihc, Liftover, Measurements, NanoString, Variants
from resistance.config.words import (
    Build,
    ColumnMap,
    EvidenceKind,
    JoinedSheet,
    Mapped,
    Material,
    MeasuredKind,
    Rule,
    Scalar,
    Sheet,
    Timepoint,
)

__all__ = [
    "Analysis",
    "Annotation",
    "Assay",
    "Build",
    "ClinicalEvents",
    "CohortFile",
    "ColumnMap",
    "Contrast",
    "CopyNumber",
    "Ctdna",
    "Endpoint",
    "EvidenceKind",
    "Expression",
    "Fusions",
    "Ihc",
    "JoinedSheet",
    "Liftover",
    "Mapped",
    "MarkerQuestion",
    "Markers",
    "Material",
    "MeasuredKind",
    "Measurements",
    "NanoString",
    "Patients",
    "Population",
    "Report",
    "Rule",
    "Samples",
    "Scalar",
    "Sheet",
    "Study",
    "Subtype",
    "SubtypeLabel",
    "TimeColumn",
    "Timepoint",
    "Variants",
    "json_schema",
    "load",
    "parse",
]
