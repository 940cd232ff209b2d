"""A saved model as a method of the cohort file: ``subtype.models: [{name, file}]`` -> ``model:<name>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.subtype import prps_st_wright210
from resistance.subtype.apply_model import Options, apply_model
from resistance.subtype.expression import Expression
from resistance.subtype.expression_method import as_expression, classify_cohort, settings_limit
from resistance.subtype.method import Called, Method
from resistance.subtype.model import read_model
from resistance.subtype.rules import rule_of

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype, SubtypeModel

_COO = {"ABC", "GCB", "non-GCB"}


def model_kind(classes: tuple[str, str]) -> str:
    """Return what a model of these classes classifies."""
    return "cell_of_origin" if set(classes) <= _COO else "expression_class"


def model_method(source: SubtypeModel) -> Method:
    """Return the method that a saved model is.

    Parameters
    ----------
    source : config.SubtypeModel
        Name, file, and how it is applied.

    Raises
    ------
    InputError
        The file is missing or no model.
    """
    model = read_model(source.file)
    name = f"model:{source.name}"

    def call(table: Expression, limit: float) -> pd.DataFrame:
        return apply_model(model, table, Options(source.scaling, source.densities, limit), method=name)

    def classify(cohort: Cohort, settings: Subtype) -> Called:
        limit = settings_limit(settings)
        return classify_cohort(cohort, method, lambda table: call(table, limit), unit=f"score of the model ({model.rule})")

    def classify_table(
        table: pd.DataFrame, *, unit: str = "log2", platform: str = "unspecified", max_weight_missing: float = 0.2
    ) -> pd.DataFrame:
        return call(as_expression(table, unit, platform), max_weight_missing)

    citation, limits = rule_of(model.rule).citation, "A model that the user trained: as good as its training set."
    if model.self_trained:
        stable = " and ".join(f"{n} {name}" for name, n in model.training["samples"].items())
        citation = prps_st_wright210.METHOD.citation
        limits = f"Learned without labels from {stable} samples of one cohort that were stable; nobody knows how many of them are right."
    method = Method(
        name=name,
        version=str(model.training["digest"]),
        kind=model_kind(model.classes),
        input="expression",
        needs=f"expression of {len(model.genes)} genes, trained on {model.platform} ({model.unit})",
        classes=model.classes,
        features=model.genes,
        platforms=(model.platform,),
        citation=citation,
        verified=True,
        limits=limits,
        classify=classify,
        classify_table=classify_table,
    )
    return method
