"""What a study decides about cell of origin and genetic subtype."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from resistance.config.words import Mapped, Strict

Classified = Literal["cell_of_origin", "genetic", "expression_class", "risk"]
#: every method of `resistance subtype list`, one a line
MethodName = Literal[
    "hans",
    "double_expressor",
    "choi",
    "tally",
    "visco_young",
    "muris",
    "dlbcl90",
    "dlbcl90_coo",
    "dlbcl90_pmbl",
    "dlbcl90_dhitsig",
    "lps_wright210",
    "lps_dhitsig104",
    "prps_st_wright210",
    "rnaseq_coo21",
    "rnaseq_dzsig28",
]
#: methods whose rule nobody read in its source: they need `unverified: true`
UNVERIFIED: frozenset[str] = frozenset({"choi", "tally", "visco_young", "muris"})


class SubtypeLabel(Strict):
    """A subtype that the study gives."""

    name: str = Field(description="Name of the method, such as rnaseq or nanostring.")
    value: Mapped = Field(description="Column of the patients table, with values mapped to ABC, GCB, non-GCB, UNCLASSIFIED ...")
    kind: Classified = Field("cell_of_origin", description="What the label classifies: it is compared with methods of this kind.")


class ExpressionModel(Strict):
    """A trained classifier of expression."""

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Its calls are those of the method model:<name>.")
    ]
    file: str = Field(description="Model of `resistance subtype train`, relative to the cohort file.")
    scaling: Literal["model", "own"] | None = Field(
        None,
        description="model: with the training set's numbers; own: each gene standardised by this cohort (ten samples and more, with "
        "about the training set's mix of classes). Default: as the rule was published.",
    )
    densities: Literal["training", "sign"] | None = Field(
        None,
        description="Distributions of the score: of the training, or of this cohort's scores above and below 0 (ps, prps). Default: as "
        "the rule was published.",
    )


class Subtype(Strict):
    """Cell of origin and genetic subtype."""

    labels: list[SubtypeLabel] = Field(default_factory=list, description="Labels given in the patients table.")
    methods: list[MethodName] = Field(
        default_factory=list, description="Methods to run (`resistance subtype list`), side by side; no vote is taken."
    )
    models: list[ExpressionModel] = Field(
        default_factory=list, description="Trained classifiers of expression (`resistance subtype train`) to run as well."
    )
    scores: list[str] = Field(
        default_factory=list,
        description="Scores of expression to compute (nfkb, irf4, wnt, proliferation, nk_cell, t_cell, dark_zone ...; all): continuous "
        "markers under score:<name>. `resistance subtype scores` lists them.",
    )
    max_weight_missing: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of an expression score's weight that missing genes may have; above it there is no call.",
    )
    unverified: bool = Field(
        False,
        description="Allow methods whose rule was not read in its source (choi, tally, visco_young, muris). Every output says so.",
    )
    use: str | None = Field(
        None, description="The method whose calls stratify the analysis and head the report: label:<name>, hans ..."
    )

    @model_validator(mode="after")
    def _verified(self) -> Subtype:
        open_ = [name for name in self.methods if name in UNVERIFIED]
        if open_ and not self.unverified:
            raise ValueError(
                f"the rule of {', '.join(open_)} was not verified in its source: set 'unverified: true' beside 'methods' to run it "
                "all the same (every output will say so), or leave it out"
            )
        return self
