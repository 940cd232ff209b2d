"""Patients, samples, endpoints and clinical events as the cohort file names them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from resistance.config.words import JoinedSheet, Mapped, Rule, Scalar, Sheet, Strict


class Patients(Sheet):
    """The patients sheet."""

    join: list[JoinedSheet] = Field(default_factory=list, description="Further tables about the same patients.")
    include: list[Rule] = Field(default_factory=list, description="Inclusion rules, applied in this order and counted.")


class Samples(Sheet):
    """The samples sheet. Columns: sample_id, patient_id, material, timepoint, day, cycle, plasma_ml, cfdna_ng or cfdna_ng_per_ml, purity,
    and the files vcf, bam, coverage."""

    one_per_patient: bool = Field(
        False,
        description="There is no samples sheet: one sample per patient, named as the patient (set file to the patients file).",
    )
    unknown_patients: Literal["error", "drop"] = Field(
        "error",
        description="Samples of a patient whom the patients sheet does not have (healthy controls): an error, or dropped and counted.",
    )


class TimeColumn(Strict):
    """A time to event: its columns, unit and the codes of the event."""

    time: Mapped = Field(description="Time from the origin; unit is required.")
    event: Mapped = Field(description="Column with the event codes.")
    event_codes: list[Scalar] = Field(description="Codes that mean the event happened. Never guessed.")
    censored_codes: list[Scalar] = Field(description="Codes that mean still at risk at that time. Never guessed.")
    competing_codes: list[Scalar] = Field(default_factory=list, description="Codes of competing events.")
    competing_as: Literal["event", "censored"] = Field(
        "censored", description="How a cause-specific model here counts a competing event."
    )
    start: Mapped | None = Field(
        None,
        description="Time from the origin to the start of treatment: follow-up is then counted from there. Patients whose start is "
        "unknown, negative, or not before the end of follow-up are left out of the endpoint and counted.",
    )
    entry: Mapped | None = Field(
        None,
        description="Time from the origin to the day from which the patient was observed, where that is later (delayed entry, such "
        "as a registry or a sample taken after the start). Before it the patient is not counted as at risk.",
    )
    on_negative_time: Literal["error", "exclude"] = Field(
        "error", description="A negative time stops the run, or leaves the patient out of this endpoint, counted."
    )


class AdverseEvent(Strict):
    """A binary endpoint from the table of adverse events: the patient had one of these, of this grade or worse."""

    terms: list[str] | None = Field(
        None, description="CTCAE terms, as the table spells them (case does not matter); default: any."
    )
    grade_at_least: int = Field(3, ge=1, le=5, description="Least grade (CTCAE) that counts.")
    until_day: float | None = Field(None, description="Only events up to this day; one without a day makes the patient unknown.")


class Endpoint(Strict):
    """One endpoint of the study."""

    label: str = Field(description="Name in the report, such as 'Overall survival from treatment start'.")
    kind: Literal["binary", "ordinal", "continuous", "time_to_event"] = Field(description="What the endpoint is.")
    origin: str = Field("start of treatment", description="What time zero is, in words; the report prints it.")
    value: Mapped | None = Field(None, description="binary, ordinal, continuous: the column.")
    positive: list[Scalar] = Field(default_factory=list, description="binary: codes that count as yes (responders: CR, PR).")
    negative: list[Scalar] = Field(default_factory=list, description="binary: codes that count as no.")
    not_evaluable: list[Scalar] = Field(default_factory=list, description="Codes that count as neither; left out and counted.")
    levels: list[Scalar] = Field(
        default_factory=list,
        description="ordinal: the codes from worst to best (PD, SD, PR, CR; myeloma: PD, SD, MR, PR, VGPR, CR, sCR).",
    )
    adverse_event: AdverseEvent | None = Field(
        None, description="binary: instead of 'value', whether the patient had an adverse event of the adverse_events table."
    )
    survival: TimeColumn | None = Field(None, description="time_to_event: time, event and their codes.")
    early_progression_is_known_at_day: float | None = Field(
        None, description="On-treatment markers are compared from this day on (landmark), to avoid immortal time."
    )

    @model_validator(mode="after")
    def _complete(self) -> Endpoint:
        if self.kind == "time_to_event":
            if self.survival is None:
                raise ValueError("a time_to_event endpoint needs 'survival'")
            if self.survival.time.unit not in ("days", "weeks", "months", "years"):
                raise ValueError("survival.time needs a unit: days, weeks, months or years")
            for name in ("entry", "start"):
                extra = getattr(self.survival, name)
                if extra is not None and extra.unit not in ("days", "weeks", "months", "years"):
                    raise ValueError(f"survival.{name} needs a unit: days, weeks, months or years")
        elif self.adverse_event is not None:
            if self.kind != "binary":
                raise ValueError("'adverse_event' makes a binary endpoint")
            if self.value is not None or self.positive or self.negative:
                raise ValueError("give either 'adverse_event' or 'value' with its codes")
            return self
        elif self.value is None:
            raise ValueError(f"a {self.kind} endpoint needs 'value'")
        if self.kind == "binary" and not (self.positive and self.negative):
            raise ValueError("a binary endpoint needs both 'positive' and 'negative' codes")
        if self.kind == "ordinal" and len(self.levels) < 2:
            raise ValueError("an ordinal endpoint needs 'levels' from worst to best")
        return self


class ClinicalEvents(Sheet):
    """Adverse events (patient_id, term, grade, drug, cycle, day) or treatments (patient_id, line, regimen, start_day, end_day)."""

    unknown_patients: Literal["error", "drop"] = Field(
        "error", description="Rows of a patient whom the patients sheet does not have: an error, or dropped and counted."
    )


class Features(Sheet):
    """The study's own markers: a table with one row per patient and a column of 0 and 1 per feature (empty: not assessed)."""

    patient_id: Mapped = Field(description="How its rows name the patient.")
    pattern: str | None = Field(None, description="Regular expression: every column whose name holds it is a feature.")
    prefix: str = Field("", description="Put before the names of its features, so that they cannot clash.")
    unknown_patients: Literal["error", "drop"] = Field(
        "error", description="Rows of a patient whom the patients sheet does not have: an error, or dropped and counted."
    )
