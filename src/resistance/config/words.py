"""What the models of the cohort file share: strictness, scalars, and how a column of somebody's table is named."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Scalar = str | int | float | bool
Build = Literal["GRCh37", "GRCh38"]
Material = Literal["plasma", "tumour", "bone_marrow", "germline", "cell_line"]
Timepoint = Literal["baseline", "on_treatment", "end_of_treatment", "relapse", "follow_up"]
EvidenceKind = Literal["mutation", "copy_number", "fusion", "splice", "expression", "ihc", "cytogenetics", "ctdna"]
MeasuredKind = Literal["serum", "score", "splice"]

UNKNOWN_SAMPLES = "A sample of the file that the samples sheet does not have: an error, or dropped and counted."


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnMap(Strict):
    """Where a value comes from in somebody's table. A bare string means ``{column: that}``."""

    column: str | list[str] | None = Field(None, description="Column name; of several, the first that is not empty.")
    constant: Scalar | None = Field(None, description="The same value for every row (instead of a column).")
    values: dict[str, Scalar | None] | None = Field(
        None, description="Value in the file -> value here; a value not listed is an error. null means unknown."
    )
    unit: Literal["days", "weeks", "months", "years", "fraction", "percent"] | None = Field(
        None, description="Unit in the file. Times become days (month = 365.25/12 days), ages years, fractions 0..1."
    )
    pattern: str | None = Field(None, description="Regular expression; its first group is the value.")
    template: str | None = Field(None, description="Text with {} for the value, such as DLBCL_DUKE_{}.")
    na: list[str] = Field(default_factory=list, description="Further words for 'unknown' (NA, '' and the like always are).")

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMap:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either 'column' or 'constant'")
        return self


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


Mapped = Annotated[ColumnMap, BeforeValidator(_column, json_schema_input_type=str | ColumnMap)]


class Rule(Strict):
    """One inclusion rule; a patient who fails it is left out and counted under `reason`."""

    column: str = Field(description="Column of the patients table as it stands in the file.")
    in_: list[Scalar] | None = Field(None, alias="in", description="Kept when the value is one of these.")
    not_in: list[Scalar] | None = Field(None, description="Left out when the value is one of these.")
    at_least: float | None = Field(None, description="Kept when the number is at least this.")
    at_most: float | None = Field(None, description="Kept when the number is at most this.")
    reason: str = Field(description="Why the others are left out, in words for the flow of patients.")


class Sheet(Strict):
    """A table file: TSV, CSV or XLSX, with the names its columns have there."""

    file: str = Field(description="Path, relative to the cohort file. .gz is read as it is.")
    sheet: str | None = Field(None, description="Sheet of an XLSX file (default: the first).")
    comment: str | None = Field(None, description="Lines that start with this are skipped ('#' for cBioPortal files).")
    encoding: str = Field("utf-8-sig", description="Text encoding; a byte-order mark is dropped.")
    columns: dict[str, Mapped] = Field(default_factory=dict, description="Name here -> column in the file.")


class JoinedSheet(Sheet):
    """A further table about the same patients; its columns are used as if they stood in the first."""

    patient_id: Mapped = Field(description="How its rows name the patient.")
    prefix: str = Field("", description="Put before its column names, so that they cannot clash.")
