"""Cohort and settings -> subtypes and scores: every label and method side by side, no majority vote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from resistance.schemas import SCORES, SUBTYPES
from resistance.subtype.expression_scores import score_cohort
from resistance.subtype.gene_set_places import Sets
from resistance.subtype.gene_sets import score_sets_of_cohort
from resistance.subtype.labels import label_method
from resistance.subtype.method import Called, Method
from resistance.subtype.registry import by_name
from resistance.subtype.saved import saved_method
from resistance.tables import conform, empty

if TYPE_CHECKING:
    from resistance.cohort import Cohort
    from resistance.config import GeneSets, Subtype


def method_names(settings: Subtype) -> list[str]:
    """Return the methods that a cohort file asks for, each once, models last."""
    return list(dict.fromkeys([*settings.methods, *(f"model:{model.name}" for model in settings.models)]))


def method_named(name: str, settings: Subtype) -> Method:
    """Return a method of a cohort file, among them its saved models (``model:<name>``).

    Raises
    ------
    InputError
        The model's file is missing, altered or of no kind that is known, or there is no such method.
    """
    models = {f"model:{model.name}": model for model in settings.models}
    return saved_method(models[name]) if name in models else by_name(name)


def classify_all(cohort: Cohort, settings: Subtype, gene_sets: Sequence[tuple[GeneSets, Sets]] = ()) -> Called:
    """Classify every patient by every label and method of the cohort file.

    Parameters
    ----------
    cohort : Cohort
    settings : config.Subtype
        ``labels`` first, then ``methods``, each once, then ``models`` and the ``scores`` of expression.
    gene_sets : sequence of (config.GeneSets, mapping of str to sequence of str)
        ``settings.gene_sets`` with the sets that their files hold.

    Returns
    -------
    Called
        ``subtypes``: one row per patient and method, patients in the order of the patients table; also
        patients who could not be called, with the reason.  ``scores``: one row per sample and score, of
        every sample that was measured, not only of the one that the patient's call rests on.

    Raises
    ------
    InputError
        A model is missing, there is no score of a name, or two scores have one name.
    """
    import pandas as pd

    methods = [label_method(label.name, label.kind) for label in settings.labels]
    methods += [method_named(name, settings) for name in method_names(settings)]
    found = [method.classify(cohort, settings) for method in methods]
    of_genes = score_cohort(cohort, settings.scores, max_weight_missing=settings.max_weight_missing)
    found.append(Called(empty(SUBTYPES), of_genes))
    taken = {name: "another score of the cohort file" for part in found for name in part.scores["name"]}
    of_sets = score_sets_of_cohort(cohort, gene_sets, taken)
    found.append(Called(empty(SUBTYPES), of_sets))
    # rows as records, because a column that is NA in one part has no type of its own to agree on
    rows = [record for part in found for record in part.subtypes.to_dict("records")]
    scores = [record for part in found for record in part.scores.to_dict("records")]
    table = pd.DataFrame(scores, columns=list(SCORES.names)).drop_duplicates(["sample_id", "name"])
    return Called(conform(pd.DataFrame(rows, columns=list(SUBTYPES.names)), SUBTYPES), conform(table, SCORES))
