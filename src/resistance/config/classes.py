"""What a study decides about cell of origin and genetic subtype."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from resistance.config.words import Mapped, Strict


class SubtypeLabel(Strict):
    """A subtype that the study gives."""

    name: str = Field(description="Name of the method, such as rnaseq or nanostring.")
    value: Mapped = Field(description="Column of the patients table, with values mapped to ABC, GCB, non-GCB, UNCLASSIFIED ...")


class Subtype(Strict):
    """Cell of origin and genetic subtype."""

    labels: list[SubtypeLabel] = Field(default_factory=list, description="Labels given in the patients table.")
    methods: list[Literal["hans"]] = Field(default_factory=list, description="Methods to run.")
    use: str | None = Field(
        None, description="The method whose calls stratify the analysis and head the report: label:<name>, hans ..."
    )
