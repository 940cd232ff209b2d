"""Columns and vocabularies that several schemas share."""

from __future__ import annotations

from resistance.tables import Column

MATERIALS = ("plasma", "tumour", "bone_marrow", "germline", "cell_line")
TIMEPOINTS = ("baseline", "on_treatment", "end_of_treatment", "relapse", "follow_up")
EVIDENCE_KINDS = (
    "mutation",
    "copy_number",
    "fusion",
    "splice",
    "expression",
    "ihc",
    "serum",
    "score",
    "cytogenetics",
    "ctdna",
    "exposure",
    "subtype",
)
MEASURED_KINDS = ("serum", "score", "splice")
STATES = ("present", "absent", "not_assessed")

SAMPLE_COLUMN = Column("sample_id", "text", "Sample as in the samples sheet.", required=True)
PATIENT_COLUMN = Column("patient_id", "text", "Patient as in the patients sheet.", required=True)
BUILD_COLUMN = Column("build", "text", "Genome build.", required=True, allowed=("GRCh37", "GRCh38"))
VARIANT_COLUMNS = (
    BUILD_COLUMN,
    Column("chrom", "text", "Contig without 'chr' (1..22, X, Y, MT).", required=True),
    Column("pos", "integer", "1-based; the first base of ref, or the base before an insertion.", required=True, low=1),
    Column("ref", "text", "Reference bases after trimming; '-' for an insertion.", required=True),
    Column("alt", "text", "Alternative bases after trimming; '-' for a deletion.", required=True),
)
