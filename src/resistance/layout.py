"""Where each stage table stands below the results folder (the workflow and every command agree by this)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance import schemas
from resistance.tables import Schema, read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

#: file of a reference bundle that says what it is
REFERENCE_FACTS = "reference.json"
#: tables that one batch of samples gives (below read/<batch>/)
BATCH = (schemas.CALLS, schemas.EFFECTS, schemas.FUSIONS, schemas.DROPPED)

#: tables that the alignments of one batch of samples give (below pileup/<batch>/)
PILEUP = (
    schemas.PILEUP,
    schemas.READ_COUNTS,
    schemas.BACKGROUND,
    schemas.CONTROL_POSITIONS,
    schemas.ALIGNMENT_QUALITY,
    schemas.FRAGMENT_LENGTHS,
    schemas.REGION_COVERAGE,
    schemas.SNP_COUNTS,
    schemas.DROPPED,
)

#: tables of the cohort folder, in the order in which they are written
COHORT = (
    schemas.PATIENTS,
    schemas.SAMPLES,
    schemas.ENDPOINTS,
    schemas.CALLS,
    schemas.EFFECTS,
    schemas.COVERAGE,
    schemas.COPY_NUMBER,
    schemas.FUSIONS,
    schemas.EXPRESSION,
    schemas.NANOSTRING,
    schemas.NANOSTRING_LANES,
    schemas.IHC,
    schemas.MEASUREMENTS,
    schemas.FEATURES,
    schemas.ADVERSE_EVENTS,
    schemas.TREATMENTS,
    schemas.PAIRED_VARIANTS,
    schemas.DROPPED,
)

#: stage -> the tables it writes below its folder
STAGES: dict[str, tuple[Schema, ...]] = {
    "cohort": COHORT,
    "annotate": (schemas.EFFECTS, schemas.PHASED_EFFECTS, schemas.DIFFERENCES, schemas.DROPPED),
    "ctdna": (
        schemas.QUANTITY,
        schemas.RESPONSE,
        schemas.COURSE,
        schemas.MRD,
        schemas.MRD_SITES,
        schemas.EMERGENCE,
        schemas.HAEMATOPOIESIS,
        schemas.IDENTITY,
    ),
    "subtype": (schemas.SUBTYPES, schemas.SCORES, schemas.CONCORDANCE, schemas.DISAGREEMENTS, schemas.DROPPED),
    "matrix": (
        schemas.MARKERS,
        schemas.MATRIX,
        schemas.EVIDENCE,
        schemas.ALLELIC_STATES,
        schemas.CLONALITY,
        schemas.PATHWAY_STATES,
        schemas.COOCCURRENCE,
        schemas.EMERGENT_RESISTANCE,
        schemas.DROPPED,
    ),
    "associate": (schemas.RESULTS,),
    "train": (
        schemas.PERFORMANCE,
        schemas.CALIBRATION,
        schemas.DECISION_CURVE,
        schemas.SELECTION,
        schemas.PREDICTIONS,
    ),
}


def table_path(results: str | Path, stage: str, schema: Schema) -> Path:
    """Return the path of a stage's table: ``<results>/<stage>/<table>.parquet``."""
    return Path(results) / stage / f"{schema.name}.parquet"


def read_stage(results: str | Path, stage: str, schema: Schema) -> pd.DataFrame:
    """Read a table that `stage` wrote below `results`."""
    return read_table(table_path(results, stage, schema), schema)


def write_stage(frame: pd.DataFrame, results: str | Path, stage: str, schema: Schema) -> None:
    """Write a table of `stage` below `results`."""
    write_table(frame, table_path(results, stage, schema), schema)
