"""What a study decides about cell of origin and genetic subtype."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

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
    "chapuy",
    "lymphplex",
    "lymphgen",
    "mixture",
]
#: how gene sets are scored
GeneSetMethod = Literal["gsva", "ssgsea", "ssgsea_normalised", "plage", "zscore", "ulm", "mlm", "aucell"]
#: a trained model by its name under `models`
ModelName = Annotated[str, Field(pattern=r"^model:[A-Za-z0-9][A-Za-z0-9_.-]*$")]
#: methods whose rule nobody read in its source: they need `unverified: true`
UNVERIFIED: frozenset[str] = frozenset({"choi", "tally", "visco_young", "muris"})

#: methods that compare raw counts with the reference sample of their authors: they need `rnaseq_reference`
REFERENCED: frozenset[str] = frozenset({"rnaseq_coo21", "rnaseq_dzsig28"})


class SubtypeLabel(Strict):
    """A subtype that the study gives."""

    name: str = Field(description="Name of the method, such as rnaseq or nanostring.")
    value: Mapped = Field(description="Column of the patients table, with values mapped to ABC, GCB, non-GCB, UNCLASSIFIED ...")
    kind: Classified = Field("cell_of_origin", description="What the label classifies: it is compared with methods of this kind.")


class SubtypeModel(Strict):
    """A trained model, saved as JSON by `resistance subtype train`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Its method is called model:<name>.")]
    file: str = Field(description="Path of the model, relative to the cohort file.")
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
    min_confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Genetic: below this confidence a patient is UNCLASSIFIED (default: flagged below the model's own cut).",
    )


def _one_group(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"'{text}' is no regular expression ({error})") from error
    if groups != 1:
        raise ValueError(f"'{text}' needs one group in brackets, the sample_id; it has {groups}")
    return text


Pattern = Annotated[str, AfterValidator(_one_group)]
_SAMPLE_PATTERN = (
    "Regular expression that the file's whole sample name must match; its group is the sample_id. Others are left out. Default: the "
    "name is the sample_id."
)


class EventMatrix(Strict):
    """A matrix of coded genetic events."""

    file: str = Field(description="Path, relative to the cohort file. Tab separated; events in rows, samples in columns.")
    samples_in_rows: bool = Field(False, description="The matrix has samples in rows.")
    sample_pattern: Pattern | None = Field(None, description=_SAMPLE_PATTERN)


class LymphGenResult(Strict):
    """LymphGen's result table."""

    file: str = Field(description="Path of LymphGen's result table, relative to the cohort file.")
    sample_pattern: Pattern | None = Field(None, description=_SAMPLE_PATTERN)


class Mixture(Strict):
    """A Bernoulli mixture: one that was fitted elsewhere, or fitted on this cohort."""

    file: str | None = Field(
        None, description="A mixture saved by `resistance subtype train mixture`; default: fit on this cohort."
    )
    classes: list[Annotated[int, Field(ge=1, le=50)]] = Field(
        default_factory=lambda: list(range(2, 9)), min_length=1, description="Numbers of classes to try, where it is fitted here."
    )
    criterion: Literal["icl", "bic"] = Field("icl", description="What chooses among them.")
    min_frequency: float = Field(0.02, ge=0, lt=1, description="Least share of patients with an event that takes part.")
    seed: int = Field(1, ge=0, description="Of the random starts.")


class Genetic(Strict):
    """Input and choices of the genetic methods."""

    events: EventMatrix | None = Field(
        None, description="Coded events of the study, beside or instead of its calls (0; 1 weak; 2 strong; 3 structural; NA)."
    )
    lymphgen: LymphGenResult | None = Field(None, description="What the method lymphgen reads.")
    mixture: Mixture = Mixture()
    lymphplex_tp53: bool = Field(True, description="LymphPlex: a mutated TP53 is a class of its own, as published.")
    max_weight_missing: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of a method's weight on events that the assay cannot see, beyond which nobody is called.",
    )


class GeneSets(Strict):
    """A file of gene sets, each of which becomes a score."""

    file: str = Field(description="GMT file (name, description, genes; tabs), relative to the cohort file.")
    method: GeneSetMethod = Field(
        "gsva",
        description="gsva, plage, zscore, ssgsea_normalised: by comparison with the cohort's other samples (ten and more); ssgsea, ulm, "
        "mlm, aucell: within a sample. ulm, mlm and aucell need the extra 'genesets'.",
    )
    sets: list[str] | None = Field(None, min_length=1, description="Only these sets of the file (default: all).")
    prefix: str = Field(
        "", description="Put before the names of the scores, so that two methods or files can stand side by side."
    )
    min_genes: int = Field(10, ge=1, description="Sets of which the data have fewer genes get no score.")
    max_genes: int = Field(500, ge=1, description="Sets of which the data have more genes get no score.")
    max_missing: float = Field(
        0.5, ge=0, le=1, description="Share of a set's genes that may be missing; above it there is no score."
    )

    @model_validator(mode="after")
    def _sizes(self) -> GeneSets:
        if self.min_genes > self.max_genes:
            raise ValueError(f"min_genes ({self.min_genes}) is above max_genes ({self.max_genes})")
        return self


class Subtype(Strict):
    """Cell of origin and genetic subtype."""

    labels: list[SubtypeLabel] = Field(default_factory=list, description="Labels given in the patients table.")
    methods: list[MethodName | ModelName] = Field(
        default_factory=list, description="Methods to run (`resistance subtype list`), side by side; no vote is taken."
    )
    models: list[SubtypeModel] = Field(
        default_factory=list, description="Trained models (`resistance subtype train`) to run as well."
    )
    genetic: Genetic = Genetic()
    scores: list[str] = Field(
        default_factory=list,
        description="Scores of expression to compute (nfkb, irf4, wnt, proliferation, nk_cell, t_cell, dark_zone ...; all): continuous "
        "markers under score:<name>. `resistance subtype score` lists them.",
    )
    gene_sets: list[GeneSets] = Field(
        default_factory=list, description="Files of gene sets to score; each set is a continuous marker under score:<name>."
    )
    max_weight_missing: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of an expression score's weight that missing genes may have; above it there is no call.",
    )
    rnaseq_reference: str | None = Field(
        None,
        description="Path of the reference sample that rnaseq_coo21 and rnaseq_dzsig28 compare raw counts with (goyaRefSample4 of gneSeqCOO, "
        "not part of this package): a table of Ensembl ids and counts, relative to the cohort file.",
    )
    unverified: bool = Field(
        False,
        description="Allow methods whose rule was not read in its source (choi, tally, visco_young, muris). Every output says so.",
    )
    use: str | None = Field(
        None, description="The method whose calls stratify the analysis and head the report: label:<name>, hans ..."
    )

    @field_validator("methods", mode="before")
    @classmethod
    def _known(cls, methods: object) -> object:
        """Say in one sentence what no method is called."""
        for name in methods if isinstance(methods, list) else []:
            if isinstance(name, str) and name not in get_args(MethodName) and not name.startswith("model:"):
                raise ValueError(f"there is no method '{name}' (there are: {', '.join(get_args(MethodName))}, and model:<name>)")
        return methods

    @model_validator(mode="after")
    def _labels_once(self) -> Subtype:
        names = [label.name for label in self.labels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two labels are called {twice[0]}")
        return self

    @model_validator(mode="after")
    def _verified(self) -> Subtype:
        open_ = [name for name in self.methods if name in UNVERIFIED]
        if open_ and not self.unverified:
            raise ValueError(
                f"the rule of {', '.join(open_)} was not verified in its source: set 'unverified: true' beside 'methods' to run it "
                "all the same (every output will say so), or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _models_exist(self) -> Subtype:
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two models are called {twice[0]}")
        for method in self.methods:
            if method.startswith("model:") and method.removeprefix("model:") not in names:
                raise ValueError(
                    f"the method '{method}' has no model of that name under 'models' (there are: {', '.join(names) or 'none'})"
                )
        return self

    def below(self, base: Path) -> Subtype:
        """Return the settings with the paths of their files below `base`."""
        genetic = self.genetic

        def moved(part: Strict | None) -> Strict | None:
            name = getattr(part, "file", None)
            return part if part is None or name is None else part.model_copy(update={"file": str(base / name)})

        parts = {name: moved(getattr(genetic, name)) for name in ("events", "lymphgen", "mixture")}
        reference = None if self.rnaseq_reference is None else str(base / self.rnaseq_reference)
        return self.model_copy(
            update={
                "models": [moved(model) for model in self.models],
                "gene_sets": [moved(sets) for sets in self.gene_sets],
                "genetic": genetic.model_copy(update=parts),
                "rnaseq_reference": reference,
            }
        )
