"""The cohort file (YAML) -> typed, checked settings; the same models give the workflow's JSON schema.

Every key is documented here once; ``resistance schema`` prints the schema and ``resistance init``
writes a file that explains itself from these descriptions.  Paths are relative to the cohort file.
"""

from __future__ import annotations

from resistance.config.analysis import (
    Analysis,
    Contrast,
    DatedMeasure,
    Landmark,
    MarkerQuestion,
    Measure,
    Multiplicity,
    Population,
    TimeDependent,
)
from resistance.config.choices import Annotation, Markers, Report, Study
from resistance.config.classes import GeneSets, Genetic, Subtype, SubtypeLabel, SubtypeModel
from resistance.config.clinic import AdverseEvent, ClinicalEvents, Endpoint, Features, Patients, Samples, TimeColumn
from resistance.config.cohort_file import CohortFile, json_schema, load, parse
from resistance.config.plasma import Alignments, Controls, Ctdna, Mrd, PairedVariants, Umi
from resistance.config.plasma_level import Haematopoiesis, Level, Milestone, Milestones
from resistance.config.plasma_quality import BackgroundRates, CellFreeQuality, Identity
from resistance.config.prediction import Prediction
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
    "AdverseEvent",
    "Alignments",
    "Analysis",
    "Annotation",
    "Assay",
    "BackgroundRates",
    "Build",
    "CellFreeQuality",
    "ClinicalEvents",
    "CohortFile",
    "ColumnMap",
    "Contrast",
    "Controls",
    "CopyNumber",
    "Ctdna",
    "DatedMeasure",
    "Endpoint",
    "EvidenceKind",
    "Expression",
    "Features",
    "Fusions",
    "GeneSets",
    "Genetic",
    "Haematopoiesis",
    "Identity",
    "Ihc",
    "JoinedSheet",
    "Landmark",
    "Level",
    "Liftover",
    "Mapped",
    "MarkerQuestion",
    "Markers",
    "Material",
    "Measure",
    "MeasuredKind",
    "Measurements",
    "Milestone",
    "Milestones",
    "Mrd",
    "Multiplicity",
    "NanoString",
    "PairedVariants",
    "Patients",
    "Population",
    "Prediction",
    "Report",
    "Rule",
    "Samples",
    "Scalar",
    "Sheet",
    "Study",
    "Subtype",
    "SubtypeLabel",
    "SubtypeModel",
    "TimeColumn",
    "TimeDependent",
    "Timepoint",
    "Umi",
    "Variants",
    "json_schema",
    "load",
    "parse",
]
