"""What a study decides: annotation, subtype, ctDNA, the report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from resistance.config.words import Build, Strict


class Annotation(Strict):
    """Where the effects of variants come from."""

    mode: Literal["file", "native", "both"] = Field(
        "file",
        description="file: the annotation that the callers' files carry; native: own consequences and HGVS names in the genes of "
        "the reference, the files' annotation elsewhere; both: as native, and where the two disagree is listed.",
    )
    reference_file: str | None = Field(
        None, description="native, both: reference.json of a bundle that `resistance reference build` made of your genome."
    )

    @model_validator(mode="after")
    def _has_reference(self) -> Annotation:
        if (self.mode != "file") != (self.reference_file is not None):
            raise ValueError("the modes 'native' and 'both' need 'reference_file', and only they")
        return self


class Markers(Strict):
    """Which statements to match."""

    file: str | None = Field(None, description="Own markers.tsv, used after the packaged one.")


class Report(Strict):
    """The report."""

    title: str | None = Field(None, description="Title of the page (default: study.title).")
    notes: list[str] = Field(default_factory=list, description="Sentences printed at the top: caveats of this cohort.")
    response: str | None = Field(None, description="The endpoint of table 1 and of the response figures.")
    oncoprint_genes: int = Field(25, ge=1, description="Most rows of the oncoprint.")


class Study(Strict):
    """What the cohort is."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Short name; names the results folder.")]
    title: str = Field(description="One sentence.")
    build: Build = Field(description="Genome build of every file; checked, never guessed.")
    disease: str = Field("any", description="OncoTree code.")
    simulated: bool = Field(False, description="Simulated data: said on every page.")
    simulation_note: str | None = Field(None, description="How the data were simulated, in a sentence.")
    imid: bool | None = Field(
        None,
        description="True: every patient had an IMiD; false: none had (prognostic only); null: see the column imid of the patients.",
    )
    citation: str | None = Field(None, description="Paper or source of the data.")
