"""A cohort file (YAML) -> typed, checked settings; every problem with its place in the file."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from resistance.config.analysis import Analysis, Contrast, DatedMeasure, Landmark, MarkerQuestion, Measure, TimeDependent
from resistance.config.choices import Annotation, Markers, Report, Study
from resistance.config.classes import REFERENCED, Subtype
from resistance.config.clinic import ClinicalEvents, Endpoint, Features, Patients, Samples
from resistance.config.plasma import Ctdna
from resistance.config.prediction import FEATURE_WORDS, Prediction
from resistance.config.sources import Assay, CopyNumber, Expression, Fusions, Ihc, Measurements, NanoString, Variants
from resistance.config.words import Mapped, Strict
from resistance.errors import InputError, Problem


class CohortFile(Strict):
    """A cohort file."""

    resistance: Literal[1] = Field(description="Version of this form.")
    study: Study
    output: str = Field("results", description="Folder for results, relative to the folder the command is run in.")
    seed: int = Field(1, ge=0)
    batch_size: int = Field(100, ge=1, description="Samples per batch; batches follow the order of the samples sheet.")
    patients: Patients
    samples: Samples
    covariates: dict[str, Mapped] = Field(
        default_factory=dict, description="Further columns of the patients table, by name here."
    )
    endpoints: dict[str, Endpoint] = Field(min_length=1)
    variants: list[Variants] = Field(default_factory=list)
    assays: list[Assay] = Field(default_factory=list)
    copy_number: list[CopyNumber] = Field(default_factory=list)
    fusions: list[Fusions] = Field(default_factory=list)
    expression: Expression | None = None
    nanostring: NanoString | None = None
    ihc: Ihc | None = None
    measurements: list[Measurements] = Field(default_factory=list)
    features: list[Features] = Field(default_factory=list)
    adverse_events: ClinicalEvents | None = None
    treatments: ClinicalEvents | None = None
    annotation: Annotation = Annotation()
    subtype: Subtype = Subtype()
    ctdna: Ctdna = Ctdna()
    markers: Markers = Markers()
    analysis: Analysis = Analysis()
    prediction: list[Prediction] = Field(
        default_factory=list, description="Prediction models to train and judge (default: none). See docs/prediction.md."
    )
    report: Report = Report()

    @model_validator(mode="after")
    def _names_exist(self) -> CohortFile:
        wrong: list[str] = []

        def known(name: str, names: list[str], where: str) -> None:
            if name not in names:
                close = difflib.get_close_matches(name, names, 1)
                hint = f" (did you mean {close[0]}?)" if close else f" (there are: {', '.join(names) or 'none'})"
                wrong.append(f"{where} names '{name}', which does not exist{hint}")

        endpoints, plan = list(self.endpoints), self.analysis
        populations = ["all", *plan.populations]
        variables = ["age_years", "sex", "treatment", "imid", "subtype", *self.covariates]
        for name in [plan.primary, *plan.secondary, *plan.endpoints, *plan.multiplicity.hierarchy, self.report.response]:
            if name is not None:
                known(name, endpoints, "analysis")
        asked: list[MarkerQuestion | Contrast | Landmark | TimeDependent] = [
            *plan.joint, *plan.contrasts, *plan.landmarks, *plan.time_dependent,
        ]  # fmt: skip
        for item in asked:
            known(item.endpoint, endpoints, f"analysis '{item.name}'")
            known(item.population, populations, f"analysis '{item.name}'")
            timed = item.endpoint not in self.endpoints or self.endpoints[item.endpoint].kind == "time_to_event"
            if isinstance(item, Landmark | TimeDependent) and not timed:
                wrong.append(f"analysis '{item.name}' needs a time_to_event endpoint, which '{item.endpoint}' is not")
        for measure in plan.measures:
            known(measure.population, populations, f"analysis.measures '{measure.name}'")
            if ":" not in measure.variable:
                known(measure.variable, variables, f"analysis.measures '{measure.name}'")
            wrong += _not_measured(measure, self)
        named: list[Measure | Landmark | TimeDependent] = [*plan.measures, *plan.landmarks, *plan.time_dependent]
        wrong += _twice([item.name for item in named])
        wrong += _two_meanings(plan.dated_measures())
        for contrast in plan.contrasts:
            known(contrast.variable, variables, f"analysis.contrasts '{contrast.name}'")
        for name in [*plan.covariates, *(plan.strata or ())]:
            known(name, variables, "analysis")
        for model in self.prediction:
            known(model.endpoint, endpoints, f"prediction '{model.name}'")
            known(model.population, populations, f"prediction '{model.name}'")
            for name in model.clinical:
                known(name, variables, f"prediction '{model.name}'")
            wrong += _not_predictable(model, self)
        wrong += _same_file([item.name for item in self.prediction])
        if self.adverse_events is None:
            wrong += [
                f"endpoint '{name}' counts adverse events, but there is no 'adverse_events' table"
                for name, endpoint in self.endpoints.items()
                if endpoint.adverse_event is not None
            ]
        if self.subtype.use is not None:
            labels, models = (
                [f"{word}:{x.name}" for x in of] for word, of in (("label", self.subtype.labels), ("model", self.subtype.models))
            )
            known(self.subtype.use, [*labels, *self.subtype.methods, *models], "subtype.use")
        for i, source in enumerate(self.variants):
            if source.liftover is not None and source.liftover.from_ == self.study.build:
                wrong.append(
                    f"variants.{i}.liftover is from {self.study.build}, which is study.build: remove it, or correct one of the two"
                )
        relapse = self.ctdna.relapse_endpoint
        if relapse is not None:
            known(relapse, endpoints, "ctdna.relapse_endpoint")
            if relapse in self.endpoints and self.endpoints[relapse].kind != "time_to_event":
                wrong.append(
                    f"ctdna.relapse_endpoint '{relapse}' is no time_to_event endpoint: lead time needs the day of relapse"
                )
        wrong += _not_measured_level(self)
        wrong += _without_reference(self)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def _not_measured(measure: Measure, file: CohortFile) -> list[str]:
    """Return what is wrong with where a measure comes from."""
    source, _, name = measure.variable.partition(":")
    where = f"analysis.measures '{measure.name}'"
    if not name:
        return []
    if source not in ("marker", "expression", "vaf", "ctdna", "score"):
        return [f"{where}: '{source}:' is no source of a measure (there are: marker, expression, vaf, ctdna, score)"]
    if source == "expression" and file.expression is None:
        return [f"{where} asks for expression, but there is no 'expression' table"]
    return []


def _not_measured_level(file: CohortFile) -> list[str]:
    """Return what is wrong with where the level of ctDNA of another assay comes from."""
    if file.ctdna.level is None:
        return []
    names = [name for source in file.measurements if source.kind == "score" for name in source.columns if name != "sample_id"]
    asked = [("measurement", file.ctdna.level.measurement), ("detection_limit", file.ctdna.level.detection_limit)]
    there = f"(there are: {', '.join(names) or 'none'})"
    return [
        f"ctdna.level.{key} names '{name}', which is no measurement of kind score {there}"
        for key, name in asked
        if isinstance(name, str) and name not in names
    ]


def _without_reference(file: CohortFile) -> list[str]:
    """Return the complaint about methods on raw counts without the sample that they compare them with."""
    needing = [name for name in file.subtype.methods if name in REFERENCED]
    if not needing or file.subtype.rnaseq_reference is not None or file.expression is None:
        return []
    return [
        f"subtype.methods: {' and '.join(needing)} {'needs' if len(needing) == 1 else 'need'} the reference sample of gneSeqCOO, which is not "
        "part of this package: name its file in 'subtype.rnaseq_reference' (Ensembl ids and counts of goyaRefSample4; "
        "docs/expression_classes.md says how to write it), or leave the method out"
    ]


def _not_predictable(item: Prediction, file: CohortFile) -> list[str]:
    """Return what is wrong with a prediction model before any data are seen."""
    where, wrong = f"prediction '{item.name}'", []
    kind = file.endpoints[item.endpoint].kind if item.endpoint in file.endpoints else None
    if kind == "continuous":
        wrong.append(f"{where} needs a binary, ordinal or time_to_event endpoint, which '{item.endpoint}' is not")
    if kind == "time_to_event" and item.horizon_days is None:
        wrong.append(f"{where} predicts a time to event and needs 'horizon_days', the day by which risk is given")
    if kind in ("binary", "ordinal") and item.horizon_days is not None:
        wrong.append(f"{where} has 'horizon_days', but '{item.endpoint}' knows no time")
    if "genes" in item.features and file.analysis.genes != "all_mutated":
        wrong.append(f"{where} takes 'genes', which needs 'genes: all_mutated' under 'analysis'")
    if "expression" in item.features and file.expression is None:
        wrong.append(f"{where} takes 'expression', but there is no 'expression' table")
    if "measures" in item.features and not file.analysis.measures:
        wrong.append(f"{where} takes 'measures', but analysis.measures has none")
    for names, what in ((item.clinical, "clinical"), (item.features, "features")):
        wrong += [f"{where} names '{name}' twice under '{what}'" for name in sorted({x for x in names if names.count(x) > 1})]
    close = [(name, difflib.get_close_matches(name, FEATURE_WORDS, 1, 0.85)) for name in item.features]
    wrong += [f"{where} takes '{name}' (did you mean {near[0]}?)" for name, near in close if near and near[0] != name]
    return wrong


def _same_file(names: list[str]) -> list[str]:
    """Return the complaint about models whose files would be one (some file systems do not know capitals)."""
    lowered = [name.lower() for name in names]
    return [
        f"prediction '{name}' stands twice: each model needs a name of its own (capitals do not count)"
        for name in sorted({name for name in names if lowered.count(name.lower()) > 1})
    ]


def _twice(names: list[str]) -> list[str]:
    """Return the complaint about names that stand more than once."""
    double = sorted({name for name in names if names.count(name) > 1})
    return [
        f"analysis names '{name}' twice: measures, landmarks and time-dependent questions need names of their own"
        for name in double
    ]


def _two_meanings(measures: list[DatedMeasure]) -> list[str]:
    """Return the complaint about a name that stands for two numbers (the same one may be asked in several places)."""
    first: dict[str, DatedMeasure] = {}
    return [
        f"analysis names two different measures '{measure.name}'"
        for measure in measures
        if first.setdefault(measure.name, measure) != measure
    ]


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice (plain YAML keeps the last, silently)."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.MarkedYAMLError(None, None, f"key '{key}' stands twice (first in line {seen[key]})", key_node.start_mark)
        seen[key] = key_node.start_mark.line + 1
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: str | Path) -> CohortFile:
    """Read and check a cohort file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    CohortFile

    Raises
    ------
    InputError
        The file is missing, is not YAML, or has unknown keys or wrong values: all of them, each
        with its place in the file and what is expected.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(
            "the cohort file is missing", path=path, remedy="`resistance init FOLDER` writes one to start from."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("the cohort file is not UTF-8 text", path=path, remedy="Save it as UTF-8.") from error
    try:
        raw = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InputError(
            f"not readable as YAML: {error.problem}",
            path=path,
            row=None if mark is None else mark.line + 1,
            remedy="Indent with spaces; quote text that holds a colon.",
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"not readable as YAML: {error}", path=path) from error
    if not isinstance(raw, dict):
        raise InputError(
            "the cohort file is empty or no mapping", path=path, remedy="`resistance init FOLDER` writes one to start from."
        )
    return parse(raw, path)


def parse(raw: dict[str, Any], path: str | Path) -> CohortFile:
    """Check an already read cohort file (see :func:`load`)."""
    try:
        return CohortFile.model_validate(raw)
    except ValidationError as error:
        raise InputError([_problem(item, str(path)) for item in error.errors()]) from error


def _problem(item: Any, path: str) -> Problem:
    place = ".".join(str(part) for part in item["loc"]) or "(top level)"
    message, remedy = item["msg"].removeprefix("Value error, "), None
    value = None if isinstance(item.get("input"), dict | list | BaseModel) else str(item.get("input"))
    if item["type"] == "extra_forbidden":
        model: Any = CohortFile
        known = sorted(_keys_at(model, item["loc"][:-1]))
        close = difflib.get_close_matches(str(item["loc"][-1]), known, 1)
        message, value = "unknown key", None
        remedy = f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(known)}."
    elif item["type"] == "missing":
        message, value, remedy = "this key is required", None, "Add it; `resistance schema` prints what it means."
    return Problem(message, path, None, place, value, remedy)


def _keys_at(model: Any, loc: tuple[Any, ...]) -> set[str]:
    """Names of the keys that the model takes at a place of the file."""
    for part in loc:
        info = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        if info is None:
            continue
        found = _models_in(info.annotation)
        if not found:
            return set()
        model = found[0]
    return {info.alias or name for name, info in model.model_fields.items()}


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[Any] = []
    for part in getattr(annotation, "__args__", ()) or ():
        found += _models_in(part)
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the cohort file (the workflow validates its configuration with it)."""
    schema = CohortFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
