"""What a study decides about the level of ctDNA: its unit and errors, response, course, and clones of blood cells."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from resistance.config.words import Strict


class Level(Strict):
    """A level of ctDNA that another assay measured; it takes the place of the followed variants."""

    measurement: str = Field(description="Name of a measurement of kind 'score', one number per plasma sample.")
    unit: str = Field(description="Unit or name of the number, for the reader (hGE/mL, copy-number score).")
    detection_limit: float | str = Field(
        description="ctDNA is detected above this number; or the name of a measurement that gives each sample's own limit. Never guessed."
    )


class Milestone(Strict):
    """A drop that a sample of a certain time has to show."""

    drop_log10: float = Field(gt=0, description="Drop from baseline, log10.")
    cycle: int = Field(ge=1, description="For samples after so many cycles of treatment (column cycle).")
    days: tuple[float, float] = Field(description="For samples without a cycle: first and last day, both included.")

    @model_validator(mode="after")
    def _in_order(self) -> Milestone:
        if self.days[0] > self.days[1]:
            raise ValueError("days: the first day comes after the last")
        return self


class Milestones(Strict):
    """Early and major molecular response (Kurtz 2018, doi 10.1200/JCO.2018.78.5246)."""

    early: Milestone = Field(Milestone(drop_log10=2.0, cycle=1, days=(14, 35)), description="2 log10 after one cycle.")
    major: Milestone = Field(Milestone(drop_log10=2.5, cycle=2, days=(36, 63)), description="2.5 log10 after two cycles.")


class Haematopoiesis(Strict):
    """How variants of blood cells are told from those of the tumour, by white cells (material germline) where there are any."""

    white_cell_ratio: float = Field(
        2.0, ge=1, description="A variant is the tumour's where its VAF in plasma is, beyond its interval, more than so many times that in white cells."
    )  # fmt: skip
    germline_vaf: float = Field(0.3, gt=0, le=1, description="VAF in white cells from which a variant counts as inherited.")
    unclear_vaf: float = Field(
        0.2, gt=0, le=1, description="From this up to germline_vaf, inherited and a large clone cannot be told apart."
    )
    haematopoietic: Literal["leave_out", "follow"] = Field(
        "leave_out",
        description="Variants that white cells prove haematopoietic: left out of the level (with a note), or followed.",
    )
    suspected: Literal["leave_out", "follow"] = Field(
        "follow", description="Variants that only gene or behaviour make suspect: followed (with a note), or left out."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Haematopoiesis:
        if self.unclear_vaf > self.germline_vaf:
            raise ValueError("unclear_vaf must not be greater than germline_vaf")
        return self
