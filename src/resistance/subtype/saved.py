"""A trained model named in the cohort file (``subtype.models``) -> a method ``model:<name>``, by what the file says it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.subtype import event_model, mixture, model
from resistance.subtype.genetic import classify_cohort, classify_events_table
from resistance.subtype.method import Method
from resistance.subtype.model_method import model_method
from resistance.subtype.saved_json import format_of
from resistance.subtype.visible import MAX_WEIGHT_MISSING

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype, SubtypeModel
    from resistance.subtype.events import Events
    from resistance.subtype.method import Called


def saved_method(named: SubtypeModel) -> Method:
    """Return the method of a saved model.

    Raises
    ------
    InputError
        The file is missing, altered, or no model of a known kind.
    """
    if format_of(Path(named.file)) == model.FORMAT:
        return model_method(named)
    return method_of_file(Path(named.file), f"model:{named.name}", named.min_confidence)


def method_of_file(path: Path, name: str, min_confidence: float | None = None) -> Method:
    """Return the method of a saved model under `name` (see :func:`saved_method`)."""
    found = format_of(path)
    if found == event_model.FORMAT:
        return _genetic(path, name, min_confidence)
    if found == mixture.FORMAT:
        return _mixture(path, name)
    if not path.is_file():
        raise InputError("the model is missing", path=path, remedy="`resistance subtype train` writes models.")
    raise InputError(
        f"no trained model of a kind that is known ({found or 'the file does not say what it is'})",
        path=path,
        remedy="Give the JSON file that `resistance subtype train` wrote.",
    )


def _genetic(path: Path, name: str, min_confidence: float | None) -> Method:
    model = event_model.read_model(path)
    judged = model.judged
    words = f"Cross-validated accuracy {judged['accuracy']:.3f} on {judged['n']} samples"
    if judged["confidence_cut"] is not None:
        words += f"; {judged['accuracy_above_cut']:.3f} from confidence {judged['confidence_cut']:.2f} ({judged['share_above_cut']:.0%})"
    return _method(
        name,
        classes=model.classes,
        events=model.events,
        citation=f"trained on {model.training['n']} samples, {model.training['digest'][:19]}",
        limits=f"{words}. Holds for samples like those it was trained on.",
        rows=lambda events, most: event_model.call(model, events, min_confidence=min_confidence, max_weight_missing=most),
    )


def _mixture(path: Path, name: str) -> Method:
    model = mixture.read_mixture(path)
    return _method(
        name,
        classes=model.classes,
        events=model.events,
        citation=f"fitted on {model.training['n']} samples",
        limits=mixture.METHOD.limits,
        rows=lambda events, most: mixture.call(model, events, max_weight_missing=most),
        coded=False,
    )


def _method(
    name: str,
    *,
    classes: tuple[str, ...],
    events: tuple[str, ...],
    citation: str,
    limits: str,
    rows: Callable[[Events, float], list[dict[str, Any]]],
    coded: bool = True,
) -> Method:
    def classify(cohort: Cohort, settings: Subtype) -> Called:
        return classify_cohort(cohort, settings, method, lambda found: rows(found, settings.genetic.max_weight_missing))

    def classify_table(table: pd.DataFrame, *, max_weight_missing: float = MAX_WEIGHT_MISSING) -> pd.DataFrame:
        return classify_events_table(table, method, lambda found: rows(found, max_weight_missing), coded=coded)

    method = Method(
        name=name,
        version="1",
        kind="genetic",
        input="genetic_features",
        needs="the events that the model was trained on",
        classes=classes,
        features=events,
        platforms=("what the model was trained on",),
        citation=citation,
        verified=True,
        limits=limits,
        classify=classify,
        classify_table=classify_table,
    )
    return method
