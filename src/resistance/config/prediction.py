"""Prediction models as the cohort file asks for them: which endpoint from which columns, and how they are judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from resistance.config.words import Strict

#: words that `features` takes besides the marker_id of markers
FEATURE_WORDS = ("markers", "measures", "features", "genes", "expression")


class Prediction(Strict):
    """One model that predicts an endpoint, beside the same without the markers."""

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Short name; names the file of the saved model.")
    ]
    endpoint: str = Field(description="What is predicted: a binary, ordinal or time_to_event endpoint.")
    population: str = Field("all", description="Population whose patients train the model.")
    clinical: list[str] = Field(
        default_factory=list,
        description="Covariates of the clinical-only baseline ('subtype', 'age_years', ipi ...). They stay in the full model "
        "without penalty; what the markers add to them is the gain.",
    )
    features: list[str] = Field(
        default_factory=lambda: ["markers"],
        min_length=1,
        description="Molecular columns: markers (of the knowledge base), measures (analysis.measures), features (the study's own "
        "table), genes (of the scan), expression (genes of analysis.expression, or of the knowledge base), or the marker_id of "
        "single markers.",
    )
    alpha: float = Field(0.5, ge=0, le=1, description="Mixing of the elastic net: 1 lasso, 0 ridge.")
    boosting: bool = Field(False, description="Also judge gradient-boosted trees, as a comparator; they are not saved.")
    folds: int = Field(5, ge=2, description="Folds of the cross-validation.")
    inner_folds: int = Field(5, ge=2, description="Folds within the training patients, which choose the penalty.")
    repeats: int = Field(10, ge=1, description="Repeats of the cross-validation, each with folds of its own.")
    permutations: int = Field(
        20, ge=0, le=1000, description="Label control: the whole procedure on outcomes dealt out at random, so many times."
    )
    bootstraps: int = Field(50, ge=0, description="Bootstrap samples for the correction of optimism; 0 for none.")
    stability: bool = Field(True, description="Stability selection: how often each column is chosen in halves of the patients.")
    horizon_days: float | None = Field(
        None, gt=0, description="time_to_event: the day by which risk is predicted and scored. Required there, refused elsewhere."
    )
    min_events: int = Field(
        10, ge=2, description="With fewer patients who had the event (binary, ordinal: on either side) nothing is fitted."
    )
    max_unknown: float = Field(
        0.5, ge=0, lt=1, description="Columns unknown (not assessed) in a larger share of the patients are left out, and counted."
    )
