"""Results folder -> the tables of all stages, in one record that the report's rooms share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import schemas
from resistance.cohort import Cohort
from resistance.errors import InputError
from resistance.layout import STAGES, read_stage
from resistance.tables import Schema, empty, read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StageTables:
    """Every table the report reads, as the stages wrote them."""

    cohort: Cohort
    effects: pd.DataFrame
    quantity: pd.DataFrame
    molecular_response: pd.DataFrame
    emergence: pd.DataFrame
    mrd: pd.DataFrame
    course: pd.DataFrame
    haematopoiesis: pd.DataFrame
    identity: pd.DataFrame
    emergent_resistance: pd.DataFrame
    subtypes: pd.DataFrame
    scores: pd.DataFrame
    concordance: pd.DataFrame
    disagreements: pd.DataFrame
    markers: pd.DataFrame
    matrix: pd.DataFrame
    evidence: pd.DataFrame
    allelic_states: pd.DataFrame
    clonality: pd.DataFrame
    pathway_states: pd.DataFrame
    cooccurrence: pd.DataFrame
    results: pd.DataFrame
    differences: pd.DataFrame
    phased: pd.DataFrame
    dropped: pd.DataFrame
    plan: dict[str, Any]
    plan_sha256: str
    plan_page: str
    #: tables of the prediction models by name, and what was done; empty where the cohort file asks for none
    trained: dict[str, pd.DataFrame] = field(default_factory=dict)
    #: tables of the alignments by name, all batches together; empty where none were counted
    aligned: dict[str, pd.DataFrame] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def read_tables(results: Path, *, trained: bool = False, batches: Sequence[str] = ()) -> StageTables:
    """Read what the stages wrote below `results`.

    Parameters
    ----------
    results : Path
    trained : bool
        The prediction models too.
    batches : sequence of str
        Batches of alignments that were counted.

    Raises
    ------
    InputError
        A stage has not run, or its table is damaged.
    """
    import pandas as pd

    cohort = Cohort.read(results / "cohort")
    path = results / "associate" / "plan.json"
    try:
        raw = path.read_bytes()
        plan = json.loads(raw)
        plan_page = path.with_suffix(".html").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError("the analysis plan is missing", path=path, remedy="Run `resistance associate` first.") from error
    except ValueError as error:
        raise InputError(f"not readable as JSON ({error})", path=path, remedy="Run `resistance associate` again.") from error
    dropped = [
        cohort.dropped,
        *(read_table(results / "pileup" / name / f"{schemas.DROPPED.name}.parquet", schemas.DROPPED) for name in batches),
        read_stage(results, "annotate", schemas.DROPPED),
        read_stage(results, "subtype", schemas.DROPPED),
        read_stage(results, "matrix", schemas.DROPPED),
    ]
    keys = ["stage", "table", "source", "reason"]
    filled = [frame for frame in dropped if len(frame)]
    merged = pd.concat(filled, ignore_index=True) if filled else cohort.dropped
    # a stage may hand on what an earlier one counted: the same row is one loss, not two
    merged = merged.drop_duplicates().sort_values([*keys, "n"], kind="stable").reset_index(drop=True)
    return StageTables(
        cohort=cohort,
        effects=read_stage(results, "annotate", schemas.EFFECTS),
        quantity=read_stage(results, "ctdna", schemas.QUANTITY),
        molecular_response=read_stage(results, "ctdna", schemas.RESPONSE),
        emergence=read_stage(results, "ctdna", schemas.EMERGENCE),
        mrd=read_stage(results, "ctdna", schemas.MRD),
        course=read_stage(results, "ctdna", schemas.COURSE),
        haematopoiesis=read_stage(results, "ctdna", schemas.HAEMATOPOIESIS),
        identity=read_stage(results, "ctdna", schemas.IDENTITY),
        emergent_resistance=read_stage(results, "matrix", schemas.EMERGENT_RESISTANCE),
        subtypes=read_stage(results, "subtype", schemas.SUBTYPES),
        scores=read_stage(results, "subtype", schemas.SCORES),
        concordance=read_stage(results, "subtype", schemas.CONCORDANCE),
        disagreements=read_stage(results, "subtype", schemas.DISAGREEMENTS),
        markers=read_stage(results, "matrix", schemas.MARKERS),
        matrix=read_stage(results, "matrix", schemas.MATRIX),
        evidence=read_stage(results, "matrix", schemas.EVIDENCE),
        allelic_states=read_stage(results, "matrix", schemas.ALLELIC_STATES),
        clonality=read_stage(results, "matrix", schemas.CLONALITY),
        pathway_states=read_stage(results, "matrix", schemas.PATHWAY_STATES),
        cooccurrence=read_stage(results, "matrix", schemas.COOCCURRENCE),
        results=read_stage(results, "associate", schemas.RESULTS),
        differences=read_stage(results, "annotate", schemas.DIFFERENCES),
        phased=read_stage(results, "annotate", schemas.PHASED_EFFECTS),
        dropped=merged,
        plan=plan if isinstance(plan, dict) else {"plan": plan},
        plan_sha256=hashlib.sha256(raw).hexdigest(),
        plan_page=plan_page,
        trained={schema.name: read_stage(results, "train", schema) for schema in STAGES["train"]} if trained else {},
        aligned={schema.name: _of_batches(results, schema, batches) for schema in ALIGNED} if batches else {},
        training=_training(results / "train" / "plan.json") if trained else {},
    )


#: tables of the alignments that the report shows
ALIGNED = (schemas.ALIGNMENT_QUALITY, schemas.FRAGMENT_LENGTHS, schemas.REGION_COVERAGE, schemas.READ_COUNTS)


def _of_batches(results: Path, schema: Schema, batches: Sequence[str]) -> pd.DataFrame:
    """Return a table of the alignments, all batches below each other."""
    import pandas as pd

    parts = [read_table(results / "pileup" / name / f"{schema.name}.parquet", schema) for name in batches]
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else empty(schema)


def _training(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            "what the models were trained on is missing", path=path, remedy="Run `resistance train` first."
        ) from error
    except ValueError as error:
        raise InputError(f"not readable as JSON ({error})", path=path, remedy="Run `resistance train` again.") from error
    return found
