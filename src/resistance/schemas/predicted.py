"""The tables of the prediction models."""

from __future__ import annotations

from resistance.schemas.parts import PATIENT_COLUMN
from resistance.tables import Column, Schema

MODELS = ("clinical", "molecular", "both", "boosting")

PREDICTION_COLUMN = Column("prediction", "text", "Name in the cohort file.", required=True)
MODEL_COLUMN = Column(
    "model",
    "text",
    "clinical (baseline), molecular, both (clinical without penalty), boosting (comparator).",
    required=True,
    allowed=MODELS,
)
TARGET_COLUMN = Column(
    "target", "text", "What the probability is of: yes; above a level of an ordinal endpoint; an event by a day.", required=True
)

PERFORMANCE = Schema(
    "performance",
    "One row per prediction model and measure of it; of a refused one, one row that says why.",
    (
        PREDICTION_COLUMN,
        Column("endpoint", "text", "Endpoint.", required=True),
        Column("model", "text", "As in the other tables; NA where nothing was fitted.", allowed=MODELS),
        Column(
            "metric",
            "text",
            "auc (binary); c (ordinal, time to event); brier (ordinal: ranked probability score; time to event: weighted for "
            "censoring, at the horizon); brier_null (everybody's frequency); misclassified (share, at .5); calibration slope and "
            "intercept; time to event, by the horizon: observed over expected risk, intercept and slope of the complementary "
            "log-log of the risk (0 and 1 are perfect); gain over the clinical baseline (positive is better).",
            required=True,
            allowed=(
                "auc",
                "c",
                "brier",
                "brier_null",
                "calibration_slope",
                "calibration_intercept",
                "observed_expected",
                "horizon_intercept",
                "horizon_slope",
                "misclassified",
                "gain_auc",
                "gain_c",
                "gain_brier",
                "none",
            ),
        ),
        Column(
            "judged",
            "text",
            "cross_validated: on patients left out; apparent: on the patients fitted (too good); optimism_corrected: apparent less "
            "the bootstrapped optimism; plus_632: .632+ of apparent and of patients not drawn in a bootstrap sample; permuted_labels: mean of the whole procedure on outcomes dealt out at random.",
            required=True,
            allowed=("cross_validated", "apparent", "optimism_corrected", "plus_632", "permuted_labels", "refused"),
        ),
        Column("estimate", "real", "The measure."),
        Column(
            "ci_low",
            "real",
            "95 % interval by bootstrap of patients (calibration: infinitesimal jackknife), predictions held fixed; permuted_labels: the "
            "lowest of the permutations.",
        ),
        Column("ci_high", "real", "The same; permuted_labels: the highest."),
        Column("p_value", "real", "permuted_labels: (b + 1) / (B + 1).", low=0, high=1),
        Column("n", "integer", "Patients.", required=True, low=0),
        Column("events", "integer", "Patients with the event (ordinal: above the lowest level).", required=True, low=0),
        Column("columns", "integer", "Columns the model could use.", required=True, low=0),
        Column("note", "text", "In words: what to beware of, or why there is no number."),
    ),
)
CALIBRATION = Schema(
    "calibration",
    "Observed against predicted, out of fold: groups of equal size, and a smooth curve (binary, ordinal).",
    (
        PREDICTION_COLUMN,
        MODEL_COLUMN,
        TARGET_COLUMN,
        Column("curve", "text", "group or smooth.", required=True, allowed=("group", "smooth")),
        Column("predicted", "real", "Mean probability of the group; the probability.", required=True, low=0, high=1),
        Column("observed", "real", "Share with the target (time to event: 1 - Kaplan-Meier).", low=0, high=1),
        Column("ci_low", "real", "95 % interval (Wilson; Kaplan-Meier log-log).", low=0, high=1),
        Column("ci_high", "real", "The same.", low=0, high=1),
        Column("n", "integer", "Patients of the group.", low=1),
    ),
)
DECISION_CURVE = Schema(
    "decision_curve",
    "Net benefit by threshold probability, out of fold, beside treating everybody (nobody is 0).",
    (
        PREDICTION_COLUMN,
        MODEL_COLUMN,
        TARGET_COLUMN,
        Column("threshold", "real", "Threshold probability.", required=True, low=0, high=1),
        Column("net_benefit", "real", "True positives less weighted false positives, per patient."),
        Column("ci_low", "real", "95 % interval."),
        Column("ci_high", "real", "95 % interval."),
        Column("treat_all", "real", "Net benefit of treating everybody."),
        Column("n_positive", "integer", "Patients at or above the threshold.", required=True, low=0),
    ),
    key=("prediction", "model", "target", "threshold"),
)
SELECTION = Schema(
    "selection",
    "One row per prediction model and column: its coefficient, and how stably it is selected.",
    (
        PREDICTION_COLUMN,
        MODEL_COLUMN,
        Column("feature", "text", "Column: marker_id, covariate, covariate=class ...", required=True),
        Column("coding", "text", "What its numbers mean.", required=True),
        Column("known", "integer", "Patients of whom it is known.", required=True, low=0),
        Column(
            "imputed", "integer", "Patients of whom it is not; filled with the training patients' mean.", required=True, low=0
        ),
        Column("coefficient", "real", "Of the standardised column in the final model; 0: not in it."),
        Column("frequency", "real", "Share of halves of the patients in which it is among the first chosen.", low=0, high=1),
        Column("selected", "flag", "The frequency reaches the cut-off."),
        Column("cutoff", "real", "Of the frequency.", low=0, high=1),
        Column("pfer_bound", "real", "Bound on falsely selected columns (unimodal; Shah and Samworth)."),
        Column("pfer_bound_plain", "real", "The bound that assumes nothing of the frequencies."),
    ),
    key=("prediction", "model", "feature"),
)
PREDICTIONS = Schema(
    "predictions",
    "One row per patient, prediction model and target: the risk from models that did not see the patient.",
    (
        PREDICTION_COLUMN,
        MODEL_COLUMN,
        TARGET_COLUMN,
        PATIENT_COLUMN,
        Column("risk", "real", "Probability, mean over repeats of the cross-validation.", low=0, high=1),
        Column("risk_low", "real", "Lowest of the repeats.", low=0, high=1),
        Column("risk_high", "real", "Highest of the repeats.", low=0, high=1),
        Column("fitted", "real", "Of the saved model, which saw the patient (NA: comparator, not saved).", low=0, high=1),
        Column("imputed", "integer", "Columns of the model that are not known of the patient.", required=True, low=0),
    ),
    key=("prediction", "model", "target", "patient_id"),
)
