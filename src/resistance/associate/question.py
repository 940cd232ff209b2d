"""What a question is, and what the plan makes of its endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resistance.config import CohortFile

#: kinds of endpoint of which patients with the outcome are counted; an ordered or continuous one has none
COUNTED = ("binary", "time_to_event")
#: the kinds of question, in the order of the report
KINDS = (
    "joint",
    "contrasts",
    "markers",
    "measures",
    "features",
    "genes",
    "expression",
    "landmark",
    "time_dependent",
    "interaction",
)


@dataclass(frozen=True)
class Question:
    """One question.

    Parameters
    ----------
    question_id : str
        population/endpoint/marker/model/term.
    kind : str
        One of :data:`KINDS`.
    population, family, endpoint, marker_id, label, contrast, model : str
        As in the results table.
    method : str
        Name of the method, '-' where none takes this endpoint.
    terms : tuple of str
        Markers in the model, or the name of a contrast.
    declared : str
        Name of the joint model, contrast, landmark or time-dependent question in the cohort file.
    covariates, strata : tuple of str
        Adjusted for.
    n, events, carriers, not_assessed, incomplete : int
        Patients in the model, with the outcome (None: ordered and continuous endpoints have no events), with the
        marker; left out because the marker was not assessed; left out because a covariate is unknown.
    rare : bool
        Too few carriers, or events expected in them, for an asymptotic test (survival).
    refused : str
        Why it cannot be asked; '' when it can.
    """

    question_id: str
    kind: str
    population: str
    family: str
    endpoint: str
    marker_id: str
    label: str
    contrast: str
    model: str
    method: str
    terms: tuple[str, ...]
    declared: str = ""
    covariates: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    n: int = 0
    events: int | None = 0
    carriers: int = 0
    not_assessed: int = 0
    incomplete: int = 0
    rare: bool = False
    refused: str = ""


def role_of(endpoint: str, config: CohortFile) -> str:
    """Return what the plan makes of an endpoint."""
    if endpoint == config.analysis.primary:
        return "primary"
    return "secondary" if endpoint in config.analysis.secondary else "exploratory"
